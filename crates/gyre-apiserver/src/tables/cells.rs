//! The cells of built-in kinds.

mod core;
mod others;
mod workloads;

use serde_json::{Value, json};

use self::core::{core, event};
use self::others::{admission, binding, flow, networking, request, resource, service, slice, storage};
use self::workloads::{apps, batch, scaler};
use super::{age, selector_text};
use crate::object;
use crate::registry::Kind;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn or<'a>(value: &'a Value, other: &'a str) -> &'a str {
    value.as_str().filter(|it| !it.is_empty()).unwrap_or(other)
}

pub(super) fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn length(value: &Value) -> usize {
    value.as_array().map_or_else(|| value.as_object().map_or(0, serde_json::Map::len), Vec::len)
}

fn joined(list: &Value, part: impl Fn(&Value) -> String) -> String {
    let parts: Vec<String> = list.as_array().into_iter().flatten().map(part).collect();
    parts.join(",")
}

/// Names and images of the containers of a pod.
fn containers(spec: &Value) -> (String, String) {
    let list = &spec["containers"];
    (joined(list, |it| text(&it["name"]).into()), joined(list, |it| text(&it["image"]).into()))
}

fn labels(map: &Value) -> String {
    let parts: Vec<String> =
        map.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    if parts.is_empty() { "<none>".into() } else { parts.join(",") }
}

fn selector(value: &Value) -> String {
    let text = selector_text(value, false);
    match (text.is_empty(), value.is_object()) {
        (true, true) => "<none>".into(),
        (true, false) => "<none>".into(),
        _ => text,
    }
}

/// A number or a percentage as text.
fn either(value: &Value, other: &str) -> String {
    match value {
        Value::Null => other.into(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The cells of an object of a built-in kind.
pub(super) fn of(kind: &Kind, it: &Value, now_us: i64) -> Value {
    let name = object::meta(it, "name");
    let since = age(object::meta(it, "creationTimestamp"), now_us);
    match kind.id() {
        ("", plural) => core(plural, it, name, &since, now_us),
        ("apps", plural) => apps(plural, it, name, &since),
        ("batch", plural) => batch(plural, it, name, &since, now_us),
        ("autoscaling", "scales") => {
            json!([name, int(&it["spec"]["replicas"]), int(&it["status"]["replicas"]), since])
        }
        ("autoscaling", _) => scaler(it, name, &since),
        ("networking.k8s.io", plural) => networking(plural, it, name, &since),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(it, name, &since),
        ("storage.k8s.io", plural) => storage(plural, it, name, &since),
        ("events.k8s.io", _) => event(it, name, now_us),
        ("policy", _) => json!([
            name,
            either(&it["spec"]["minAvailable"], "N/A"),
            either(&it["spec"]["maxUnavailable"], "N/A"),
            int(&it["status"]["disruptionsAllowed"]),
            since,
        ]),
        ("scheduling.k8s.io", "priorityclasses") => json!([
            name,
            int(&it["value"]),
            it["globalDefault"] == true,
            since,
            text(&it["preemptionPolicy"]),
        ]),
        ("coordination.k8s.io", "leases") => json!([name, text(&it["spec"]["holderIdentity"]), since]),
        ("node.k8s.io", _) => json!([name, text(&it["handler"]), since]),
        ("discovery.k8s.io", _) => slice(it, name, &since),
        ("admissionregistration.k8s.io", plural) => admission(plural, it, name, &since),
        ("certificates.k8s.io", "certificatesigningrequests") => request(it, name, &since),
        ("flowcontrol.apiserver.k8s.io", plural) => flow(plural, it, name, &since),
        ("apiregistration.k8s.io", _) => service(it, name, &since),
        ("resource.k8s.io", plural) => resource(plural, it, name, &since),
        _ => json!([name, object::meta(it, "creationTimestamp")]),
    }
}
