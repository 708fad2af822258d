//! Ingresses, network policies, endpoints and their slices.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{
    Causes, address, cidr, domain_path, each, is_inside, items, not_special, one_of, parse_cidr, port,
    port_number, selector, text,
};
use crate::failure::Cause;
use crate::names;

fn host(value: &Value, path: &str, causes: &mut Causes) {
    let name = text(value);
    if name.parse::<std::net::IpAddr>().is_ok() {
        causes.push(Cause::invalid(path, value, "must be a DNS name, not an IP address"));
    } else if name.contains('*') {
        each(names::wildcard(name), value, path, causes);
    } else {
        each(names::subdomain(name), value, path, causes);
    }
}

fn backend(it: &Value, path: &str, causes: &mut Causes) {
    let (service, resource) = (&it["service"], &it["resource"]);
    match (service.is_object(), resource.is_object()) {
        (true, true) => {
            let detail = "cannot set both resource and service backends";
            causes.push(Cause::invalid(path, &"".into(), detail));
        }
        (false, false) => {
            causes.push(Cause::invalid(path, &"".into(), "resource or service backend is required"));
        }
        (true, false) => {
            let at = format!("{path}.service.name");
            match text(&service["name"]) {
                "" => causes.push(Cause::required(at, "")),
                name => each(names::label(name), &service["name"], &at, causes),
            }
            let (number, name) = (&service["port"]["number"], text(&service["port"]["name"]));
            match (number.as_i64().unwrap_or(0), name) {
                (0, "") => causes.push(Cause::required(path, "port name or number is required")),
                (0, _) => {
                    each(names::port_name(name), &name.into(), &format!("{path}.service.port.name"), causes);
                }
                (_, "") => port_number(number, &format!("{path}.service.port.number"), causes),
                _ => causes.push(Cause::invalid(path, &"".into(), "cannot set both port name & port number")),
            }
        }
        (false, true) => {
            reference(resource, &format!("{path}.resource"), causes);
        }
    }
}

/// An object of any kind.
fn reference(it: &Value, path: &str, causes: &mut Causes) {
    if !it["apiGroup"].is_null() {
        let at = format!("{path}.apiGroup");
        each(names::subdomain(text(&it["apiGroup"])), &it["apiGroup"], &at, causes);
    }
    for key in ["kind", "name"] {
        let at = format!("{path}.{key}");
        match text(&it[key]) {
            "" => causes.push(Cause::required(at, "")),
            name => each(names::path_segment(name), &it[key], &at, causes),
        }
    }
}

/// An Ingress.
pub(super) fn ingress(spec: &Value, causes: &mut Causes) {
    let rules = items(&spec["rules"], "spec.rules");
    if rules.is_empty() && spec["defaultBackend"].is_null() {
        let shown = if spec["rules"].is_array() { spec["rules"].clone() } else { Value::Null };
        causes.push(Cause::invalid("spec", &shown, "either `defaultBackend` or `rules` must be specified"));
    }
    if !spec["defaultBackend"].is_null() {
        backend(&spec["defaultBackend"], "spec.defaultBackend", causes);
    }
    for (at, rule) in rules {
        if !text(&rule["host"]).is_empty() {
            host(&rule["host"], &format!("{at}.host"), causes);
        }
        let http = &rule["http"];
        if !http.is_object() {
            continue;
        }
        let paths = items(&http["paths"], &format!("{at}.http.paths"));
        if paths.is_empty() {
            causes.push(Cause::required(format!("{at}.http.paths"), ""));
        }
        for (at, path) in paths {
            one_path(path, &at, causes);
        }
    }
    for (at, tls) in items(&spec["tls"], "spec.tls") {
        for (at, name) in items(&tls["hosts"], &format!("{at}.hosts")) {
            let wild = text(name).contains('*');
            each(if wild { names::wildcard } else { names::subdomain }(text(name)), name, &at, causes);
        }
        let secret = &tls["secretName"];
        if !text(secret).is_empty() {
            each(names::subdomain(text(secret)), secret, &format!("{at}.secretName"), causes);
        }
    }
    let class = &spec["ingressClassName"];
    if !class.is_null() {
        each(names::subdomain(text(class)), class, "spec.ingressClassName", causes);
    }
}

fn one_path(path: &Value, at: &str, causes: &mut Causes) {
    let place = text(&path["path"]);
    match text(&path["pathType"]) {
        "" if path["pathType"].is_null() => {
            causes.push(Cause::required(format!("{at}.pathType"), "pathType must be specified"));
            return;
        }
        "Exact" | "Prefix" => {
            if !place.starts_with('/') {
                causes.push(Cause::invalid(format!("{at}.path"), &place.into(), "must be an absolute path"));
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"] {
                if place.contains(bad) {
                    causes.push(Cause::invalid(
                        format!("{at}.path"),
                        &place.into(),
                        &format!("must not contain '{bad}'"),
                    ));
                }
            }
            for bad in ["/..", "/."] {
                if place.ends_with(bad) {
                    causes.push(Cause::invalid(
                        format!("{at}.path"),
                        &place.into(),
                        &format!("cannot end with '{bad}'"),
                    ));
                }
            }
        }
        "ImplementationSpecific" => {
            if !place.is_empty() && !place.starts_with('/') {
                causes.push(Cause::invalid(format!("{at}.path"), &place.into(), "must be an absolute path"));
            }
        }
        _ => {
            let allowed = ["Exact", "ImplementationSpecific", "Prefix"];
            causes.push(Cause::unsupported(format!("{at}.pathType"), &path["pathType"], &allowed));
        }
    }
    backend(&path["backend"], &format!("{at}.backend"), causes);
}

/// An IngressClass.
pub(super) fn class(spec: &Value, causes: &mut Causes) {
    match text(&spec["controller"]) {
        "" => causes.push(Cause::required("spec.controller", "")),
        name => {
            if name.len() > CONTROLLER_MAX {
                causes.push(Cause::too_long("spec.controller", CONTROLLER_MAX));
            }
            domain_path(name, "spec.controller", causes);
        }
    }
    let parameters = &spec["parameters"];
    if !parameters.is_object() {
        return;
    }
    reference(parameters, "spec.parameters", causes);
    one_of(&parameters["scope"], &["Cluster", "Namespace"], "spec.parameters.scope", causes);
    let (at, ns) = ("spec.parameters.namespace", &parameters["namespace"]);
    match (text(&parameters["scope"]), ns.is_null()) {
        ("Namespace", true) => {
            causes.push(Cause::required(at, "`parameters.scope` is set to 'Namespace'"));
        }
        ("Namespace", false) => each(names::label(text(ns)), ns, at, causes),
        ("Cluster", false) => causes.push(Cause::forbidden(at, "`parameters.scope` is set to 'Cluster'")),
        _ => {}
    }
}

/// The longest name of a controller.
const CONTROLLER_MAX: usize = 250;

fn peer(it: &Value, at: &str, causes: &mut Causes) {
    let mut given = 0;
    for key in ["podSelector", "namespaceSelector"] {
        if it[key].is_object() {
            given += 1;
            selector(&it[key], &format!("{at}.{key}"), causes);
        }
    }
    let block = &it["ipBlock"];
    if block.is_object() {
        given += 1;
        let path = format!("{at}.ipBlock");
        if text(&block["cidr"]).is_empty() {
            causes.push(Cause::required(format!("{path}.cidr"), ""));
        } else {
            cidr(&block["cidr"], &format!("{path}.cidr"), causes);
        }
        for (at, except) in items(&block["except"], &format!("{path}.except")) {
            cidr(except, &at, causes);
            if let (Some(outer), Some(inner)) = (parse_cidr(text(&block["cidr"])), parse_cidr(text(except)))
                && !is_inside(inner, outer)
            {
                causes.push(Cause::invalid(at, except, "must be a strict subset of `cidr`"));
            }
        }
        if it["podSelector"].is_object() || it["namespaceSelector"].is_object() {
            causes.push(Cause::forbidden(at, "may not specify both ipBlock and another peer"));
        }
    }
    if given == 0 {
        causes.push(Cause::required(at, "must specify a peer"));
    }
}

/// The last port of a range.
fn last_port(it: &Value, path: &str, causes: &mut Causes) {
    let Some(end) = it["endPort"].as_i64() else { return };
    let mut wrong = |detail: &str| causes.push(Cause::invalid(path, &end.into(), detail));
    match &it["port"] {
        Value::Number(start) => {
            if start.as_i64().is_some_and(|start| end < start) {
                // compat(kube-apiserver): the first port is told, at the place of the last.
                let detail = "must be greater than or equal to `port`";
                causes.push(Cause::invalid(path, &it["port"], detail));
            }
            port_number(&it["endPort"], path, causes);
        }
        Value::String(_) => wrong("may not be specified when `port` is non-numeric"),
        _ => wrong("may not be specified when `port` is not specified"),
    }
}

/// A NetworkPolicy.
pub(super) fn policy(spec: &Value, causes: &mut Causes) {
    selector(&spec["podSelector"], "spec.podSelector", causes);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (at, rule) in items(&spec[rules], &format!("spec.{rules}")) {
            for (at, it) in items(&rule["ports"], &format!("{at}.ports")) {
                one_of(&it["protocol"], &["TCP", "UDP", "SCTP"], &format!("{at}.protocol"), causes);
                if !it["port"].is_null() {
                    port(&it["port"], &format!("{at}.port"), causes);
                }
                last_port(it, &format!("{at}.endPort"), causes);
            }
            for (at, it) in items(&rule[peers], &format!("{at}.{peers}")) {
                peer(it, &at, causes);
            }
        }
    }
    let types = items(&spec["policyTypes"], "spec.policyTypes");
    if types.len() > 2 {
        let detail = "may not specify more than two policyTypes";
        causes.push(Cause::invalid("spec.policyTypes", &spec["policyTypes"], detail));
        return;
    }
    for (at, it) in types {
        one_of(it, &["Ingress", "Egress"], &at, causes);
    }
}

/// An EndpointSlice.
pub(super) fn slice(object: &Value, causes: &mut Causes) {
    match text(&object["addressType"]) {
        "" => causes.push(Cause::required("addressType", "")),
        _ => one_of(&object["addressType"], &["FQDN", "IPv4", "IPv6"], "addressType", causes),
    }
    for (at, it) in items(&object["endpoints"], "endpoints") {
        let addresses = items(&it["addresses"], &format!("{at}.addresses"));
        if addresses.is_empty() {
            causes.push(Cause::required(format!("{at}.addresses"), "must contain at least 1 address"));
        } else if addresses.len() > ADDRESSES_MAX {
            causes.push(Cause::too_many(format!("{at}.addresses"), addresses.len(), ADDRESSES_MAX));
        }
        for (at, address) in addresses {
            slice_address(text(&object["addressType"]), address, &at, causes);
        }
        for key in ["nodeName", "hostname"] {
            if it[key].is_null() {
                continue;
            }
            let check = if key == "nodeName" { names::subdomain } else { names::label };
            each(check(text(&it[key])), &it[key], &format!("{at}.{key}"), causes);
        }
        hints(&it["hints"], &format!("{at}.hints"), causes);
    }
    let mut seen = BTreeSet::new();
    for (at, it) in items(&object["ports"], "ports") {
        let name = text(&it["name"]);
        if !name.is_empty() {
            each(names::label(name), &it["name"], &format!("{at}.name"), causes);
        }
        if !seen.insert(name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
        }
        one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes);
        if it["appProtocol"].is_string() {
            let at = format!("{at}.appProtocol");
            each(names::qualified_name(text(&it["appProtocol"])), &it["appProtocol"], &at, causes);
        }
    }
}

/// Where an endpoint is best used from.
fn hints(it: &Value, path: &str, causes: &mut Causes) {
    for (key, check) in
        [("forZones", names::label_value as fn(&str) -> Vec<String>), ("forNodes", names::subdomain)]
    {
        let mut seen = BTreeSet::new();
        for (at, it) in items(&it[key], &format!("{path}.{key}")) {
            let (name, at) = (text(&it["name"]), format!("{at}.name"));
            each(check(name), &name.into(), &at, causes);
            if !seen.insert(name) {
                causes.push(Cause::duplicate(at, &name.into()));
            }
        }
    }
}

/// How many addresses an endpoint may have.
const ADDRESSES_MAX: usize = 100;

fn slice_address(kind: &str, address: &Value, at: &str, causes: &mut Causes) {
    let parsed = text(address).parse::<std::net::IpAddr>().ok();
    // compat(kube-apiserver): the place of the item is left out.
    let list = at.rsplit_once('[').map_or(at, |it| it.0);
    if matches!(kind, "IPv4" | "IPv6") && parsed.is_none() {
        super::fields::address(address, at, causes);
        return;
    }
    match kind {
        "IPv4" if !parsed.is_some_and(|it| it.is_ipv4()) => {
            causes.push(Cause::invalid(list, address, "must be an IPv4 address"));
        }
        "IPv6" if !parsed.is_some_and(|it| it.is_ipv6()) => {
            causes.push(Cause::invalid(list, address, "must be an IPv6 address"));
        }
        "FQDN" => {
            let name = text(address).strip_suffix('.').unwrap_or(text(address));
            let problems = names::subdomain(name);
            if problems.is_empty() && !name.contains('.') {
                let detail = "should be a domain with at least two segments separated by dots";
                causes.push(Cause::invalid(at, &name.into(), detail));
            }
            each(problems, &name.into(), at, causes);
            return;
        }
        _ => {}
    }
    if matches!(kind, "IPv4" | "IPv6") {
        not_special(address, at, causes);
    }
}

/// Endpoints.
pub(super) fn endpoints(object: &Value, causes: &mut Causes) {
    for (at, subset) in items(&object["subsets"], "subsets") {
        let list = |key: &str| items(&subset[key], &format!("{at}.{key}"));
        let (ready, waiting, ports) = (list("addresses"), list("notReadyAddresses"), list("ports"));
        if ready.is_empty() && waiting.is_empty() {
            let detail = "must specify `addresses` or `notReadyAddresses`";
            causes.push(Cause::required(&at, detail));
        }
        for (at, it) in ready.into_iter().chain(waiting) {
            address(&it["ip"], &format!("{at}.ip"), causes);
            if !text(&it["hostname"]).is_empty() {
                let problems = names::label(text(&it["hostname"]));
                each(problems, &it["hostname"], &format!("{at}.hostname"), causes);
            }
            if it["nodeName"].is_string() {
                let problems = names::subdomain(text(&it["nodeName"]));
                each(problems, &it["nodeName"], &format!("{at}.nodeName"), causes);
            }
            not_special(&it["ip"], &format!("{at}.ip"), causes);
        }
        let named = ports.len() > 1;
        for (at, it) in ports {
            let name = text(&it["name"]);
            if named && name.is_empty() {
                causes.push(Cause::required(format!("{at}.name"), ""));
            } else if !name.is_empty() {
                each(names::label(name), &it["name"], &format!("{at}.name"), causes);
            }
            port_number(&it["port"], &format!("{at}.port"), causes);
            one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes);
            if it["appProtocol"].is_string() {
                let at = format!("{at}.appProtocol");
                each(names::qualified_name(text(&it["appProtocol"])), &it["appProtocol"], &at, causes);
            }
        }
    }
}
