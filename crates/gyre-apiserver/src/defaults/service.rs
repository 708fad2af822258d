//! Defaults of Services.

use serde_json::{Value, json};

use super::{every, part, set};

/// How long a client stays with its pod.
const AFFINITY_SECONDS: i64 = 10_800;

/// A Service.
pub(super) fn fill(object: &mut Value, create: bool) {
    let Some(spec) = part(object, "spec") else { return };
    set(spec, "sessionAffinity", "None");
    match spec["sessionAffinity"].as_str() {
        Some("None") => {
            spec.as_object_mut().map(|it| it.remove("sessionAffinityConfig"));
        }
        Some("ClientIP") => {
            let seconds = &spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
            if !seconds.is_number() {
                spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}});
            }
        }
        _ => {}
    }
    set(spec, "type", "ClusterIP");
    every(spec.get_mut("ports"), |port| {
        set(port, "protocol", "TCP");
        let target = &port["targetPort"];
        if target.is_null() || *target == 0 || *target == "" {
            port["targetPort"] = port["port"].clone();
        }
    });
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    let addresses = spec["externalIPs"].as_array().is_some_and(|it| !it.is_empty());
    let outside = matches!(kind.as_str(), "NodePort" | "LoadBalancer") || kind == "ClusterIP" && addresses;
    if outside {
        set(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        set(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", true);
    }
    let _ = create;
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    if object["status"]["loadBalancer"].is_null() {
        object["status"]["loadBalancer"] = json!({});
    }
    every(object["status"]["loadBalancer"].get_mut("ingress"), |it| {
        if it["ip"].as_str().is_some_and(|ip| !ip.is_empty()) {
            set(it, "ipMode", "VIP");
        }
    });
    if let Some(status) = part(&mut object["status"], "loadBalancer")
        && let Some(fields) = status.as_object_mut()
    {
        fields.retain(|_, value| !value.is_null());
    }
}
