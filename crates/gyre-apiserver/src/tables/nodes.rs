//! The cells of nodes.

use serde_json::{Value, json};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn address(node: &Value, ty: &str) -> String {
    let list = node["status"]["addresses"].as_array().into_iter().flatten();
    let found = list.filter(|it| it["type"] == ty).map(|it| text(&it["address"])).next();
    found.unwrap_or("<none>").to_owned()
}

fn roles(node: &Value) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for (key, value) in node["metadata"]["labels"].as_object().into_iter().flatten() {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/").filter(|it| !it.is_empty()) {
            roles.push(role);
        } else if key == "kubernetes.io/role" && !text(value).is_empty() {
            roles.push(text(value));
        }
    }
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { "<none>".into() } else { roles.join(",") }
}

/// The cells of a node.
pub(super) fn cells(node: &Value, name: &str, since: &str) -> Value {
    let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let mut state: Vec<&str> = conditions
        .iter()
        .filter(|it| it["type"] == "Ready")
        .map(|it| if it["status"] == "True" { "Ready" } else { "NotReady" })
        .collect();
    if state.is_empty() {
        state.push("Unknown");
    }
    if node["spec"]["unschedulable"] == true {
        state.push("SchedulingDisabled");
    }
    let system = &node["status"]["nodeInfo"];
    let or_unknown = |value: &Value| match text(value) {
        "" => "<unknown>".to_owned(),
        text => text.to_owned(),
    };
    json!([
        name,
        state.join(","),
        roles(node),
        since,
        text(&system["kubeletVersion"]),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        or_unknown(&system["osImage"]),
        or_unknown(&system["kernelVersion"]),
        or_unknown(&system["containerRuntimeVersion"]),
    ])
}
