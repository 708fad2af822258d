//! Objects in another version of their kind: autoscalers, the two kinds of events, and custom resources.

use serde_json::{Map, Value, json};

use crate::decode;
use crate::object;
use crate::registry::Kind;

/// The object as the version it is stored in.
pub(crate) fn to_storage(kind: &Kind, version: &str, mut value: Value) -> Value {
    if kind.custom.is_none()
        && let Some(served) = kind.version(version)
    {
        decode::settle(&served.ty, &mut value);
    }
    let mut out = to(kind, version, &kind.storage, value, true);
    if version != kind.storage {
        reshape(kind, &kind.storage, true, &mut out);
    }
    out
}

/// A custom resource as the schema of a version knows it: what the schema does not know is not shown.
fn reshape(kind: &Kind, version: &str, fill: bool, value: &mut Value) {
    if let Some(custom) = kind.version(version).and_then(|it| it.custom.as_ref()) {
        custom.schema.prune(value, true, &mut Vec::new(), &mut Vec::new());
        if fill {
            custom.schema.fill(value);
        }
    }
}

/// A stored object as another version.
pub(crate) fn from_storage(kind: &Kind, version: &str, value: Value) -> Value {
    let mut value = value;
    // Defaults of the stored version count, also those that came later.
    reshape(kind, &kind.storage, true, &mut value);
    let mut out = to(kind, &kind.storage, version, value, false);
    if version != kind.storage {
        reshape(kind, version, false, &mut out);
    }
    out
}

/// Whether stored bytes are what a version answers.
pub(crate) fn is_stored_form(kind: &Kind, version: &str) -> bool {
    let custom = kind.version(version).and_then(|it| it.custom.as_ref());
    let fixed = custom.is_none_or(|it| !it.schema.has_defaults() && kind.versions.len() == 1);
    kind.storage == version && kind.id() != ("events.k8s.io", "events") && fixed
}

fn to(kind: &Kind, from: &str, to: &str, mut value: Value, storing: bool) -> Value {
    if kind.is("events.k8s.io", "events") {
        return if storing { core_event(value) } else { new_event(value) };
    }
    if from == to {
        return value;
    }
    if kind.is("autoscaling", "horizontalpodautoscalers") {
        value = if to == "v2" { scaler_v2(value) } else { scaler_v1(value) };
    }
    value["apiVersion"] = kind.api_version(to).into();
    value
}

/// Renames fields, dropping nothing else.
fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.insert(to.into(), value);
    }
}

const EVENT_NAMES: [(&str, &str); 6] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn new_event(mut value: Value) -> Value {
    value["apiVersion"] = "events.k8s.io/v1".into();
    if let Some(fields) = value.as_object_mut() {
        for (from, to) in EVENT_NAMES {
            rename(fields, from, to);
        }
        rename(fields, "reportingComponent", "reportingController");
        for (from, empty) in [("note", ""), ("reportingController", ""), ("reportingInstance", "")] {
            if fields.get(from).is_some_and(|it| it == empty) {
                fields.remove(from);
            }
        }
        fields.entry("eventTime").or_insert(Value::Null);
    }
    value
}

fn core_event(mut value: Value) -> Value {
    value["apiVersion"] = "v1".into();
    if let Some(fields) = value.as_object_mut() {
        for (to, from) in EVENT_NAMES {
            rename(fields, from, to);
        }
        rename(fields, "reportingController", "reportingComponent");
        for (name, empty) in [
            ("eventTime", Value::Null),
            ("firstTimestamp", Value::Null),
            ("lastTimestamp", Value::Null),
            ("involvedObject", json!({})),
            ("source", json!({})),
            ("reportingComponent", "".into()),
            ("reportingInstance", "".into()),
        ] {
            fields.entry(name).or_insert(empty);
        }
    }
    value
}

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

fn scaler_v2(mut value: Value) -> Value {
    let mut metrics: Vec<Value> = Vec::new();
    let annotations = object::metadata(&mut value).get("annotations").cloned().unwrap_or_default();
    let annotation =
        |key: &str| serde_json::from_str::<Value>(annotations[key].as_str().unwrap_or_default()).ok();
    if let Some(Value::Array(held)) = annotation(METRICS) {
        metrics.extend(held.into_iter().map(|it| metric(it, true)));
    }
    if let Some(spec) = value["spec"].as_object_mut() {
        if let Some(percent) = spec.remove("targetCPUUtilizationPercentage") {
            let cpu =
                json!({"name": "cpu", "target": {"averageUtilization": percent, "type": "Utilization"}});
            metrics.push(json!({"resource": cpu, "type": "Resource"}));
        }
        if !metrics.is_empty() {
            spec.insert("metrics".into(), metrics.into());
        }
        if let Some(behavior) = annotation(BEHAVIOR) {
            spec.insert("behavior".into(), capitals(behavior, false));
        }
    }
    if let Some(conditions) = annotation(CONDITIONS) {
        value["status"]["conditions"] = conditions;
    }
    if let Some(status) = value["status"].as_object_mut() {
        let mut current = Vec::new();
        if let Some(Value::Array(held)) = annotation(CURRENT_METRICS) {
            current.extend(held.into_iter().map(|it| metric(it, true)));
        }
        if let Some(percent) = status.remove("currentCPUUtilizationPercentage") {
            let cpu = json!({"name": "cpu", "current": {"averageUtilization": percent}});
            current.push(json!({"resource": cpu, "type": "Resource"}));
        }
        if !current.is_empty() {
            status.insert("currentMetrics".into(), current.into());
        }
    }
    drop_annotations(&mut value);
    value
}

fn drop_annotations(value: &mut Value) {
    let metadata = object::metadata(value);
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        for key in [METRICS, CURRENT_METRICS, BEHAVIOR, CONDITIONS] {
            annotations.remove(key);
        }
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn scaler_v1(mut value: Value) -> Value {
    let mut annotations = Map::new();
    let is_cpu = |metric: &Value, target: &str| {
        metric["type"] == "Resource"
            && metric["resource"]["name"] == "cpu"
            && metric["resource"][target]["averageUtilization"].is_number()
    };
    if let Some(spec) = value["spec"].as_object_mut() {
        let metrics = spec.remove("metrics").unwrap_or_default();
        let mut others = Vec::new();
        for it in metrics.as_array().cloned().unwrap_or_default() {
            if is_cpu(&it, "target") && !spec.contains_key("targetCPUUtilizationPercentage") {
                let percent = it["resource"]["target"]["averageUtilization"].clone();
                spec.insert("targetCPUUtilizationPercentage".into(), percent);
            } else {
                others.push(metric(it, false));
            }
        }
        if !others.is_empty() {
            annotations.insert(METRICS.into(), Value::Array(others).to_string().into());
        }
        if let Some(behavior) = spec.remove("behavior") {
            annotations.insert(BEHAVIOR.into(), capitals(behavior, true).to_string().into());
        }
    }
    if let Some(status) = value["status"].as_object_mut() {
        if let Some(conditions) = status.remove("conditions") {
            annotations.insert(CONDITIONS.into(), conditions.to_string().into());
        }
        let current = status.remove("currentMetrics").unwrap_or_default();
        let mut others = Vec::new();
        for it in current.as_array().cloned().unwrap_or_default() {
            if is_cpu(&it, "current") {
                let percent = it["resource"]["current"]["averageUtilization"].clone();
                status.insert("currentCPUUtilizationPercentage".into(), percent);
            } else {
                others.push(metric(it, false));
            }
        }
        if !others.is_empty() {
            annotations.insert(CURRENT_METRICS.into(), Value::Array(others).to_string().into());
        }
    }
    if !annotations.is_empty() {
        let held = object::metadata(&mut value).entry("annotations").or_insert_with(|| json!({}));
        if let Some(held) = held.as_object_mut() {
            held.extend(annotations);
        }
    }
    value
}

/// A metric between its flat form of v1 annotations and that of v2.
fn metric(mut value: Value, to_v2: bool) -> Value {
    let Some(fields) = value.as_object_mut() else { return value };
    for kind in ["resource", "containerResource", "pods", "object", "external"] {
        let Some(Value::Object(body)) = fields.get_mut(kind) else { continue };
        let pairs = [
            ("targetAverageUtilization", "averageUtilization", "Utilization"),
            ("targetAverageValue", "averageValue", "AverageValue"),
            ("targetValue", "value", "Value"),
        ];
        if to_v2 {
            for (flat, nested, ty) in pairs {
                if let Some(value) = body.remove(flat) {
                    body.insert("target".into(), json!({nested: value, "type": ty}));
                }
            }
            if let Some(name) = body.remove("metricName") {
                body.insert("metric".into(), json!({"name": name}));
            }
        } else {
            let target = body.remove("target").unwrap_or_default();
            for (flat, nested, _) in pairs {
                if let Some(value) = target.get(nested) {
                    body.insert(flat.into(), value.clone());
                }
            }
            if let Some(metric) = body.remove("metric") {
                body.insert("metricName".into(), metric["name"].clone());
            }
        }
    }
    value
}

/// The keys of the behavior annotation, which Kubernetes writes with capitals.
fn capitals(value: Value, up: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                let mut chars = key.chars();
                let first =
                    chars.next().map(|it| if up { it.to_ascii_uppercase() } else { it.to_ascii_lowercase() });
                (first.into_iter().chain(chars).collect::<String>(), capitals(value, up))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(|it| capitals(it, up)).collect(),
        other => other,
    }
}
