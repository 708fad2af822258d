//! Ingresses, network policies and endpoint slices.

use serde_json::Value;

use super::fields::{
    Causes, cidr, each, is_inside, items, one_of, parse_cidr, port, port_number, selector, text,
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
        (false, false) => causes.push(Cause::required(path, "resource or service backend is required")),
        (true, false) => {
            let at = format!("{path}.service.name");
            match text(&service["name"]) {
                "" => causes.push(Cause::required(at, "")),
                name => each(names::label_1035(name), &service["name"], &at, causes),
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
            for key in ["kind", "name"] {
                if text(&resource[key]).is_empty() {
                    causes.push(Cause::required(format!("{path}.resource.{key}"), ""));
                }
            }
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
    for (at, tls) in items(&spec["tls"], "spec.tls") {
        for (at, name) in items(&tls["hosts"], &format!("{at}.hosts")) {
            host(name, &at, causes);
        }
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
    if !spec["defaultBackend"].is_null() {
        backend(&spec["defaultBackend"], "spec.defaultBackend", causes);
    }
    if !spec["ingressClassName"].is_null() {
        each(
            names::subdomain(text(&spec["ingressClassName"])),
            &spec["ingressClassName"],
            "spec.ingressClassName",
            causes,
        );
    }
}

fn one_path(path: &Value, at: &str, causes: &mut Causes) {
    let place = text(&path["path"]);
    match text(&path["pathType"]) {
        "" => causes.push(Cause::required(format!("{at}.pathType"), "pathType must be specified")),
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
    if text(&spec["controller"]).is_empty() {
        causes.push(Cause::required("spec.controller", ""));
    }
}

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

/// A NetworkPolicy.
pub(super) fn policy(spec: &Value, causes: &mut Causes) {
    selector(&spec["podSelector"], "spec.podSelector", causes);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (at, rule) in items(&spec[rules], &format!("spec.{rules}")) {
            for (at, it) in items(&rule["ports"], &format!("{at}.ports")) {
                one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes);
                if !it["port"].is_null() {
                    port(&it["port"], &format!("{at}.port"), causes);
                }
                if it["endPort"]
                    .as_i64()
                    .is_some_and(|end| it["port"].as_i64().is_some_and(|start| end < start))
                {
                    let detail = "must be greater than or equal to `port`";
                    causes.push(Cause::invalid(format!("{at}.endPort"), &it["endPort"], detail));
                }
            }
            for (at, it) in items(&rule[peers], &format!("{at}.{peers}")) {
                peer(it, &at, causes);
            }
        }
    }
    for (at, it) in items(&spec["policyTypes"], "spec.policyTypes") {
        one_of(it, &["Egress", "Ingress"], &at, causes);
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
        }
    }
    for (at, it) in items(&object["ports"], "ports") {
        let name = text(&it["name"]);
        if !name.is_empty() {
            each(names::label(name), &it["name"], &format!("{at}.name"), causes);
        }
        one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes);
    }
}
