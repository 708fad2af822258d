//! Services: their address, which has two fields, and what they lose when they become of another type
//! (`pkg/registry/core/service`, NormalizeClusterIPs and dropTypeDependentFields).

use serde_json::{Value, json};

/// Makes the list of addresses follow the first one, where the writer has set that alone.
pub(super) fn name_addresses(object: &mut Value, old: Option<&Value>) {
    let Some(spec) = object.get_mut("spec").filter(|it| it.is_object()) else { return };
    let first = spec["clusterIP"].as_str().unwrap_or_default().to_owned();
    let Some(old) = old.map(|it| &it["spec"]) else {
        if !first.is_empty() && spec["clusterIPs"].as_array().is_none_or(Vec::is_empty) {
            spec["clusterIPs"] = json!([first]);
        }
        return;
    };
    let held = old["clusterIP"].as_str().unwrap_or_default();
    let untouched = spec["clusterIPs"] == old["clusterIPs"];
    if !first.is_empty() && spec["clusterIPs"].as_array().is_none_or(Vec::is_empty) {
        spec["clusterIPs"] = json!([first]);
    } else if !held.is_empty() && first != held && untouched {
        if first.is_empty() {
            spec.as_object_mut().map(|it| it.remove("clusterIPs"));
        } else {
            spec["clusterIPs"][0] = first.into();
        }
    }
}

/// Gives a Service what the server chose for it before and the writer has left out: its address, the ports of nodes, by the
/// names of its ports, and the port that tells of its health (`patchAllocatedValues`).
pub(super) fn keep_chosen(object: &mut Value, old: &Value) {
    let old = &old["spec"];
    let Some(spec) = object.get_mut("spec").filter(|it| it.is_object()) else { return };
    let given = |value: &Value| value.as_i64().is_some_and(|it| it != 0);
    if !is_external(old) && !is_external(spec) {
        if spec["clusterIP"].as_str().is_none_or(str::is_empty) {
            spec["clusterIP"] = old["clusterIP"].clone();
        }
        let listed = spec["clusterIPs"].as_array().is_some_and(|it| !it.is_empty());
        if !listed && spec["clusterIP"] == old["clusterIP"] {
            spec["clusterIPs"] = old["clusterIPs"].clone();
        }
    }
    if has_node_ports(old) && has_node_ports(spec) {
        let held: Vec<&Value> = old["ports"].as_array().into_iter().flatten().collect();
        let mut ports: Vec<&mut Value> =
            spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().collect();
        let mut used: Vec<Value> = ports.iter().map(|it| it["nodePort"].clone()).filter(given).collect();
        for port in ports.iter_mut().filter(|it| !given(&it["nodePort"])) {
            let before = held.iter().rev().find(|it| it["name"] == port["name"]).map(|it| &it["nodePort"]);
            if let Some(number) = before.filter(|it| given(it) && !used.contains(it)) {
                port["nodePort"] = number.clone();
                used.push(number.clone());
            }
        }
    }
    if is_health_checked(old) && is_health_checked(spec) && !given(&spec["healthCheckNodePort"]) {
        let held = &old["healthCheckNodePort"];
        if given(held) {
            spec["healthCheckNodePort"] = held.clone();
        }
    }
}

fn is_external(spec: &Value) -> bool {
    spec["type"] == "ExternalName"
}

fn is_balanced(spec: &Value) -> bool {
    spec["type"] == "LoadBalancer"
}

fn has_node_ports(spec: &Value) -> bool {
    spec["type"] == "NodePort" || is_balanced(spec) && spec["allocateLoadBalancerNodePorts"] != false
}

fn is_health_checked(spec: &Value) -> bool {
    is_balanced(spec) && spec["externalTrafficPolicy"] == "Local"
}

fn is_outside(spec: &Value) -> bool {
    let addresses = spec["externalIPs"].as_array().is_some_and(|it| !it.is_empty());
    matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer"))
        || spec["type"] == "ClusterIP" && addresses
}

/// Takes away what only the old type has, where the writer has left it as it was.
pub(super) fn drop_dependent(object: &mut Value, old: &Value) {
    let old = &old["spec"];
    let Some(spec) = object.get_mut("spec").filter(|it| it.is_object()) else { return };
    let lost = |spec: &Value, has: fn(&Value) -> bool| has(old) && !has(spec);
    let addressed = |spec: &Value| !is_external(spec);
    let mut gone: Vec<&str> = Vec::new();
    if lost(spec, addressed) {
        gone.extend(["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]);
    }
    if lost(spec, is_health_checked) {
        gone.push("healthCheckNodePort");
    }
    if lost(spec, is_balanced) {
        gone.extend(["loadBalancerClass", "allocateLoadBalancerNodePorts"]);
    }
    if lost(spec, is_outside) {
        gone.push("externalTrafficPolicy");
    }
    let numbers = |spec: &Value| -> Vec<Value> {
        let ports = spec["ports"].as_array().into_iter().flatten();
        ports.map(|it| it["nodePort"].clone()).collect()
    };
    let ports = lost(spec, has_node_ports) && numbers(spec) == numbers(old);
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|key, value| !gone.contains(&key.as_str()) || *value != old[key.as_str()]);
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().filter(|_| ports) {
        port.as_object_mut().map(|it| it.remove("nodePort"));
    }
}
