//! The cells of objects of the smaller groups.

use serde_json::{Value, json};

use super::{int, joined, length, or, selector, text};
use crate::clock;
use crate::object;

/// An API that another server may answer.
pub(super) fn service(it: &Value, name: &str, since: &str) -> Value {
    let behind = &it["spec"]["service"];
    let behind = if behind.is_object() {
        format!("{}/{}", text(&behind["namespace"]), text(&behind["name"]))
    } else {
        "Local".to_owned()
    };
    let conditions = it["status"]["conditions"].as_array();
    let available = match conditions.into_iter().flatten().find(|it| it["type"] == "Available") {
        None => "Unknown".to_owned(),
        Some(it) if it["status"] == "True" || text(&it["reason"]).is_empty() => {
            text(&it["status"]).to_owned()
        }
        Some(it) => format!("{} ({})", text(&it["status"]), text(&it["reason"])),
    };
    json!([name, behind, available, since])
}

pub(super) fn networking(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    match plural {
        "ingresses" => {
            let hosts: Vec<&str> = spec["rules"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|it| text(&it["host"]))
                .filter(|it| !it.is_empty())
                .collect();
            let hosts = match hosts.len() {
                0 => "*".to_owned(),
                1..=3 => hosts.join(","),
                more => format!("{} + {} more...", hosts[..3].join(","), more - 3),
            };
            let addresses = joined(&it["status"]["loadBalancer"]["ingress"], |it| {
                or(&it["ip"], text(&it["hostname"])).into()
            });
            let ports = if length(&spec["tls"]) > 0 { "80, 443" } else { "80" };
            json!([name, or(&spec["ingressClassName"], "<none>"), hosts, addresses, ports, since])
        }
        "ingressclasses" => {
            let parameters = &spec["parameters"];
            let parameters = if parameters.is_object() {
                let kind = text(&parameters["kind"]);
                let kind = parameters["apiGroup"]
                    .as_str()
                    .map_or_else(|| kind.to_owned(), |it| format!("{kind}.{it}"));
                format!("{kind}/{}", text(&parameters["name"]))
            } else {
                "<none>".into()
            };
            json!([name, text(&spec["controller"]), parameters, since])
        }
        "networkpolicies" => json!([name, selector(&spec["podSelector"]), since]),
        "ipaddresses" => {
            let parent = &spec["parentRef"];
            let resource = crate::failure::qualified(text(&parent["group"]), text(&parent["resource"]));
            json!([name, format!("{resource}/{}/{}", text(&parent["namespace"]), text(&parent["name"]))])
        }
        _ => json!([name, joined(&spec["cidrs"], |it| text(it).into()), since]),
    }
}

pub(super) fn binding(it: &Value, name: &str, since: &str) -> Value {
    let of = |kind: &str| {
        let names: Vec<String> = it["subjects"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|it| it["kind"] == kind)
            .map(|it| match kind {
                "ServiceAccount" => format!("{}/{}", text(&it["namespace"]), text(&it["name"])),
                _ => text(&it["name"]).to_owned(),
            })
            .collect();
        names.join(", ")
    };
    let role = format!("{}/{}", text(&it["roleRef"]["kind"]), text(&it["roleRef"]["name"]));
    json!([name, role, since, of("User"), of("Group"), of("ServiceAccount")])
}

pub(super) fn slice(it: &Value, name: &str, since: &str) -> Value {
    let limited = |parts: Vec<String>| match parts.len() {
        0 => "<unset>".to_owned(),
        1..=3 => parts.join(","),
        more => format!("{} + {} more...", parts[..3].join(","), more - 3),
    };
    let ports = it["ports"].as_array().into_iter().flatten().map(|port| match port["port"].as_i64() {
        Some(number) => number.to_string(),
        None => or(&port["name"], "<unset>").to_owned(),
    });
    let endpoints = it["endpoints"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|it| it["addresses"].as_array().into_iter().flatten().map(|it| text(it).to_owned()));
    json!([name, text(&it["addressType"]), limited(ports.collect()), limited(endpoints.collect()), since])
}

pub(super) fn admission(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let kind = &spec["paramKind"];
    let param = if kind.is_object() {
        format!("{}/{}", text(&kind["apiVersion"]), text(&kind["kind"]))
    } else {
        "<unset>".into()
    };
    match plural {
        "validatingadmissionpolicies" => json!([name, length(&spec["validations"]), param, since]),
        "mutatingadmissionpolicies" => json!([name, length(&spec["mutations"]), param, since]),
        "validatingadmissionpolicybindings" | "mutatingadmissionpolicybindings" => {
            let reference = &spec["paramRef"];
            let reference = match (text(&reference["namespace"]), text(&reference["name"])) {
                _ if !reference.is_object() => "<unset>".to_owned(),
                ("", "") => "<unset>".to_owned(),
                ("", name) => name.to_owned(),
                (ns, name) => format!("{ns}/{name}"),
            };
            json!([name, text(&spec["policyName"]), reference, since])
        }
        _ => json!([name, length(&it["webhooks"]), since]),
    }
}

pub(super) fn request(it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let duration =
        spec["expirationSeconds"].as_i64().map_or_else(|| "<none>".into(), |it| clock::human(it * 1_000_000));
    let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let has = |ty: &str| conditions.iter().any(|it| it["type"] == ty);
    let mut state = if has("Denied") {
        "Denied".to_owned()
    } else if has("Approved") {
        "Approved".into()
    } else {
        "Pending".into()
    };
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !text(&it["status"]["certificate"]).is_empty() {
        state.push_str(",Issued");
    }
    json!([name, since, or(&spec["signerName"], "<none>"), text(&spec["username"]), duration, state])
}

pub(super) fn flow(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    if plural == "flowschemas" {
        let missing =
            it["status"]["conditions"].as_array().into_iter().flatten().find(|it| it["type"] == "Dangling");
        let missing = missing.map_or("?", |it| text(&it["status"]));
        return json!([
            name,
            text(&spec["priorityLevelConfiguration"]["name"]),
            int(&spec["matchingPrecedence"]),
            or(&spec["distinguisherMethod"]["type"], "<none>"),
            since,
            missing,
        ]);
    }
    let limited = &spec["limited"];
    let queuing = &limited["limitResponse"]["queuing"];
    let of = |value: &Value| value.as_i64().map_or_else(|| Value::from("<none>"), Into::into);
    let shares = &limited["nominalConcurrencyShares"];
    json!([
        name,
        text(&spec["type"]),
        of(shares),
        of(&queuing["queues"]),
        of(&queuing["handSize"]),
        of(&queuing["queueLengthLimit"]),
        since,
    ])
}

pub(super) fn resource(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    match plural {
        "resourceclaims" => {
            let status = &it["status"];
            let mut states = Vec::new();
            if object::is_deleting(it) {
                states.push("deleted");
            }
            if status["allocation"].is_object() {
                states.push("allocated");
            }
            if length(&status["reservedFor"]) > 0 {
                states.push("reserved");
            }
            if states.is_empty() {
                states.push("pending");
            }
            json!([name, states.join(","), since])
        }
        "resourceslices" => {
            let spec = &it["spec"];
            json!([name, text(&spec["nodeName"]), text(&spec["driver"]), text(&spec["pool"]["name"]), since])
        }
        _ => json!([name, since]),
    }
}

pub(super) fn storage(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    match plural {
        "storageclasses" => {
            let default =
                it["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true";
            let name = if default { format!("{name} (default)") } else { name.to_owned() };
            json!([
                name,
                text(&it["provisioner"]),
                or(&it["reclaimPolicy"], "Delete"),
                or(&it["volumeBindingMode"], "Immediate"),
                it["allowVolumeExpansion"] == true,
                since,
            ])
        }
        "csidrivers" => {
            let tokens = joined(&spec["tokenRequests"], |it| text(&it["audience"]).into());
            let modes = joined(&spec["volumeLifecycleModes"], |it| text(it).into());
            json!([
                name,
                spec["attachRequired"] != false,
                spec["podInfoOnMount"] == true,
                spec["storageCapacity"] == true,
                if length(&spec["tokenRequests"]) == 0 { "<unset>".to_owned() } else { tokens },
                spec["requiresRepublish"] == true,
                if modes.is_empty() { "<none>".to_owned() } else { modes },
                since,
            ])
        }
        "csinodes" => json!([name, length(&spec["drivers"]), since]),
        "volumeattachments" => json!([
            name,
            text(&spec["attacher"]),
            text(&spec["source"]["persistentVolumeName"]),
            text(&spec["nodeName"]),
            it["status"]["attached"] == true,
            since,
        ]),
        "volumeattributesclasses" => json!([name, text(&it["driverName"]), since]),
        _ => json!([name, object::meta(it, "creationTimestamp")]),
    }
}
