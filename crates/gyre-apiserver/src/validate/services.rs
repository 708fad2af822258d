//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, address, cidr, each, items, not_special, one_of, port, port_number, text};
use super::shapes;
use crate::failure::Cause;
use crate::names;

/// A Service.
pub(super) fn service(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    let kind = text(&spec["type"]);
    let headless = spec["clusterIP"] == "None";
    let ports = items(&spec["ports"], "spec.ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if kind == "ExternalName" {
        let given = text(&spec["externalName"]);
        let name = given.strip_suffix('.').unwrap_or(given);
        if name.is_empty() {
            causes.push(Cause::required("spec.externalName", ""));
        } else {
            each(names::subdomain(name), &name.into(), "spec.externalName", causes);
        }
    }
    let mut seen = BTreeSet::new();
    for (at, it) in &ports {
        one_port(it, at, ports.len() > 1, &mut seen, causes);
    }
    super::labels(&spec["selector"], "spec.selector", causes);
    affinity(spec, causes);
    addresses(spec, kind, causes);
    for (at, it) in items(&spec["externalIPs"], "spec.externalIPs") {
        let before = causes.len();
        address(it, &at, causes);
        if causes.len() == before {
            not_special(it, &at, causes);
        }
    }
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    match kind {
        "" => causes.push(Cause::required("spec.type", "")),
        _ => one_of(&spec["type"], &kinds, "spec.type", causes),
    }
    numbers(&ports, kind, causes);
    balancer(spec, kind, causes);
    traffic(spec, kind, causes);
}

/// Ports that are taken twice.
fn numbers(ports: &[(String, &Value)], kind: &str, causes: &mut Causes) {
    let node = |it: &Value| it["nodePort"].as_i64().unwrap_or(0);
    for (at, it) in ports.iter().filter(|(_, it)| kind == "ClusterIP" && node(it) != 0) {
        let _ = it;
        let detail = "may not be used when `type` is 'ClusterIP'";
        causes.push(Cause::forbidden(format!("{at}.nodePort"), detail));
    }
    let mut seen = BTreeSet::new();
    for (at, it) in ports.iter().filter(|(_, it)| node(it) != 0) {
        if !seen.insert((node(it), text(&it["protocol"]))) {
            let own = (it["port"].as_i64(), text(&it["protocol"]));
            let same = ports.iter().filter(|(_, it)| (it["port"].as_i64(), text(&it["protocol"])) == own);
            if same.count() > 1 {
                causes.push(Cause::duplicate(format!("{at}.nodePort"), &it["nodePort"]));
            } else {
                let detail = "provided port is already allocated";
                causes.push(Cause::invalid(format!("{at}.nodePort"), &it["nodePort"], detail));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (at, it) in ports {
        if !seen.insert((it["port"].as_i64(), text(&it["protocol"]))) {
            // compat(kube-apiserver): what is told twice is a port of these two fields alone.
            let port = serde_json::json!({"protocol": it["protocol"], "port": it["port"]});
            let message = format!("Duplicate value: {}", shapes::shown("core.ServicePort", &port));
            causes.push(Cause { reason: "FieldValueDuplicate", field: at.clone(), message });
        }
    }
}

fn affinity(spec: &Value, causes: &mut Causes) {
    let kind = &spec["sessionAffinity"];
    match text(kind) {
        "" => causes.push(Cause::required("spec.sessionAffinity", "")),
        _ => one_of(kind, &["ClientIP", "None"], "spec.sessionAffinity", causes),
    }
    let config = &spec["sessionAffinityConfig"];
    let path = "spec.sessionAffinityConfig";
    if *kind == "None" && config.is_object() {
        causes.push(Cause::forbidden(path, "must not be set when session affinity is None"));
    }
    if *kind != "ClientIP" {
        return;
    }
    let seconds = &config["clientIP"]["timeoutSeconds"];
    let at = match (config.is_object(), config["clientIP"].is_object(), seconds.is_number()) {
        (false, ..) => path.to_owned(),
        (_, false, _) => format!("{path}.clientIP"),
        (.., false) => format!("{path}.clientIP.timeoutSeconds"),
        _ => {
            if seconds.as_i64().is_some_and(|it| !(1..=86_400).contains(&it)) {
                let at = format!("{path}.clientIP.timeoutSeconds");
                causes.push(Cause::invalid(at, seconds, "must be greater than 0 and less than 86400"));
            }
            return;
        }
    };
    causes.push(Cause::required(at, "when session affinity type is ClientIP"));
}

fn one_port(it: &Value, at: &str, named: bool, seen: &mut BTreeSet<String>, causes: &mut Causes) {
    let name = text(&it["name"]);
    if named && name.is_empty() {
        causes.push(Cause::required(format!("{at}.name"), ""));
    } else if !name.is_empty() {
        each(names::label(name), &it["name"], &format!("{at}.name"), causes);
        if !seen.insert(name.to_owned()) {
            causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
        }
    }
    port_number(&it["port"], &format!("{at}.port"), causes);
    match text(&it["protocol"]) {
        "" => causes.push(Cause::required(format!("{at}.protocol"), "")),
        _ => one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes),
    }
    port(&it["targetPort"], &format!("{at}.targetPort"), causes);
    if let Some(protocol) = it["appProtocol"].as_str() {
        each(names::qualified_name(protocol), &it["appProtocol"], &format!("{at}.appProtocol"), causes);
    }
}

fn addresses(spec: &Value, kind: &str, causes: &mut Causes) {
    let own = &spec["clusterIP"];
    if kind == "ExternalName" {
        for (key, set) in [
            ("clusterIPs", !items(&spec["clusterIPs"], "").is_empty()),
            ("ipFamilies", spec["ipFamilies"].as_array().is_some_and(|it| !it.is_empty())),
            ("ipFamilyPolicy", !spec["ipFamilyPolicy"].is_null()),
        ] {
            if set {
                let detail = "may not be set for ExternalName services";
                causes.push(Cause::forbidden(format!("spec.{key}"), detail));
            }
        }
        return;
    }
    cluster_addresses(spec, causes);
    if text(own) == "None" && matches!(kind, "NodePort" | "LoadBalancer") {
        let detail = format!("may not be set to 'None' for {kind} services");
        causes.push(Cause::invalid("spec.clusterIPs[0]", own, &detail));
    }
    let policy = &spec["ipFamilyPolicy"];
    let selects = spec["selector"].as_object().is_some_and(|it| !it.is_empty());
    if *policy == "RequireDualStack" && (text(own) != "None" || selects) {
        let detail = "this cluster is not configured for dual-stack services";
        causes.push(Cause::invalid("spec.ipFamilyPolicy", policy, detail));
    }
    if !policy.is_null() && !matches!(text(policy), "SingleStack" | "PreferDualStack" | "RequireDualStack") {
        let allowed = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        causes.push(Cause::unsupported("spec.ipFamilyPolicy", policy, &allowed));
    }
    let families = items(&spec["ipFamilies"], "spec.ipFamilies");
    for (index, (at, family)) in families.iter().enumerate() {
        if families[..index].iter().any(|(_, it)| it == family) {
            causes.push(Cause::duplicate(at, family));
        }
    }
    for (at, family) in families {
        match text(family) {
            "IPv4" => {}
            "IPv6" if text(own) == "None" && !selects => {}
            "IPv6" => causes.push(Cause::invalid(at, family, "not configured on this cluster")),
            _ => causes.push(Cause::unsupported(at, family, &["IPv4", "IPv6"])),
        }
    }
}

/// The addresses of a Service; the first has a field of its own, too (ValidateServiceClusterIPsRelatedFields).
fn cluster_addresses(spec: &Value, causes: &mut Causes) {
    let (own, list, path) = (&spec["clusterIP"], &spec["clusterIPs"], "spec.clusterIPs");
    let all = items(list, path);
    let mut wrong = |detail: &str| causes.push(Cause::invalid(path, list, detail));
    match (text(own), all.first()) {
        ("", Some(_)) => wrong("must be empty when `clusterIP` is not specified"),
        ("", None) => {}
        (_, None) => causes.push(Cause::required(path, "")),
        (_, Some((_, first))) if *first != own => wrong("first value must match `clusterIP`"),
        _ => {}
    }
    let mut broken = false;
    for (index, (at, it)) in all.iter().enumerate() {
        if index == 0 && **it == "None" {
            if all.len() > 1 {
                broken = true;
                causes.push(Cause::invalid(path, list, "'None' must be the first and only value"));
            }
            continue;
        }
        let before = causes.len();
        address(it, at, causes);
        broken |= causes.len() > before;
    }
    if all.len() > 2 {
        causes.push(Cause::invalid(path, list, "may only hold up to 2 values"));
    }
    let six = |it: &Value| text(it).contains(':');
    if !broken && all.len() > 1 && !(all.iter().any(|it| six(it.1)) && all.iter().any(|it| !six(it.1))) {
        causes.push(Cause::invalid(path, list, "may specify no more than one IP for each IP family"));
    }
    if broken || text(own) == "None" {
        return;
    }
    for (index, ((at, it), family)) in
        all.iter().zip(spec["ipFamilies"].as_array().into_iter().flatten()).enumerate()
    {
        let wanted = text(family);
        if matches!((wanted, six(it)), ("IPv4", true) | ("IPv6", false)) {
            let article = format!("expected an {wanted} value as indicated by `ipFamilies[{index}]`");
            causes.push(Cause::invalid(at, it, &article));
        }
    }
}

fn balancer(spec: &Value, kind: &str, causes: &mut Causes) {
    let ranges = &spec["loadBalancerSourceRanges"];
    if ranges.as_array().is_some_and(|it| !it.is_empty()) {
        let path = "spec.LoadBalancerSourceRanges";
        if kind != "LoadBalancer" {
            causes.push(Cause::forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
        }
        for (at, range) in items(ranges, path) {
            cidr(range, &at, causes);
        }
    }
    if kind != "LoadBalancer" && !spec["allocateLoadBalancerNodePorts"].is_null() {
        let detail = "may only be used when `type` is 'LoadBalancer'";
        causes.push(Cause::forbidden("spec.allocateLoadBalancerNodePorts", detail));
    }
    if kind != "LoadBalancer" && !spec["loadBalancerClass"].is_null() {
        causes.push(Cause::forbidden(
            "spec.loadBalancerClass",
            "may only be used when `type` is 'LoadBalancer'",
        ));
    }
    if kind == "LoadBalancer" && spec["loadBalancerClass"].is_string() {
        let class = &spec["loadBalancerClass"];
        each(names::qualified_name(text(class)), class, "spec.loadBalancerClass", causes);
    }
}

fn traffic(spec: &Value, kind: &str, causes: &mut Causes) {
    let external = &spec["externalTrafficPolicy"];
    let addresses = spec["externalIPs"].as_array().is_some_and(|it| !it.is_empty());
    let outside = matches!(kind, "NodePort" | "LoadBalancer") || kind == "ClusterIP" && addresses;
    if !external.is_null() {
        if outside {
            one_of(external, &["Cluster", "Local"], "spec.externalTrafficPolicy", causes);
        } else {
            let detail = "may only be set for externally-accessible services";
            causes.push(Cause::invalid("spec.externalTrafficPolicy", external, detail));
        }
    }
    let port = &spec["healthCheckNodePort"];
    if kind != "LoadBalancer" || *external != "Local" {
        if port.as_i64().unwrap_or(0) != 0 {
            let detail =
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            causes.push(Cause::invalid("spec.healthCheckNodePort", port, detail));
        }
    } else if port.as_i64().unwrap_or(0) != 0 {
        port_number(port, "spec.healthCheckNodePort", causes);
    }
    if !spec["trafficDistribution"].is_null() {
        let allowed = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        one_of(&spec["trafficDistribution"], &allowed, "spec.trafficDistribution", causes);
    }
    if !spec["internalTrafficPolicy"].is_null() {
        one_of(&spec["internalTrafficPolicy"], &["Cluster", "Local"], "spec.internalTrafficPolicy", causes);
    }
}
