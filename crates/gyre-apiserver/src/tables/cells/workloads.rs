//! The cells of workloads and of what scales them.

use serde_json::{Value, json};

use super::super::age;
use super::{containers, int, labels, length, or, selector, text};
use crate::clock;
use crate::object;

pub(super) fn apps(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let (spec, status) = (&it["spec"], &it["status"]);
    let (names, images) = containers(&spec["template"]["spec"]);
    let of = |key: &str| int(&status[key]);
    let wanted = int(&spec["replicas"]);
    match plural {
        "deployments" => json!([
            name,
            format!("{}/{wanted}", of("readyReplicas")),
            of("updatedReplicas"),
            of("availableReplicas"),
            since,
            names,
            images,
            selector(&spec["selector"]),
        ]),
        "replicasets" => json!([
            name,
            wanted,
            of("replicas"),
            of("readyReplicas"),
            since,
            names,
            images,
            selector(&spec["selector"]),
        ]),
        "statefulsets" => json!([name, format!("{}/{wanted}", of("readyReplicas")), since, names, images]),
        "daemonsets" => json!([
            name,
            of("desiredNumberScheduled"),
            of("currentNumberScheduled"),
            of("numberReady"),
            of("updatedNumberScheduled"),
            of("numberAvailable"),
            labels(&spec["template"]["spec"]["nodeSelector"]),
            since,
            names,
            images,
            selector(&spec["selector"]),
        ]),
        _ => {
            let owners = it["metadata"]["ownerReferences"].as_array();
            let owner = owners.and_then(|list| list.iter().find(|it| it["controller"] == true));
            let owner = owner.map_or_else(
                || "<none>".to_owned(),
                |owner| {
                    let (group, _) = crate::registry::split(text(&owner["apiVersion"]));
                    let kind = crate::failure::qualified(group, &text(&owner["kind"]).to_lowercase());
                    format!("{kind}/{}", text(&owner["name"]))
                },
            );
            json!([name, owner, int(&it["revision"]), since])
        }
    }
}

pub(super) fn batch(plural: &str, it: &Value, name: &str, since: &str, now_us: i64) -> Value {
    let (spec, status) = (&it["spec"], &it["status"]);
    if plural == "cronjobs" {
        let template = &spec["jobTemplate"]["spec"];
        let (names, images) = containers(&template["template"]["spec"]);
        let last = status["lastScheduleTime"].as_str().map_or_else(|| "<none>".into(), |it| age(it, now_us));
        let suspend = match &spec["suspend"] {
            Value::Bool(true) => "True",
            Value::Bool(false) => "False",
            _ => "<unset>",
        };
        return json!([
            name,
            text(&spec["schedule"]),
            or(&spec["timeZone"], "<none>"),
            suspend,
            length(&status["active"]),
            last,
            since,
            names,
            images,
            selector(&template["selector"]),
        ]);
    }
    let (names, images) = containers(&spec["template"]["spec"]);
    let succeeded = int(&status["succeeded"]);
    let completions = match (spec["completions"].as_i64(), spec["parallelism"].as_i64()) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, Some(parallel)) if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        _ => format!("{succeeded}/1"),
    };
    let parse = |key: &str| status[key].as_str().and_then(clock::parse);
    let duration = match (parse("startTime"), parse("completionTime")) {
        (None, _) => String::new(),
        (Some(start), None) => clock::human(now_us - start),
        (Some(start), Some(end)) => clock::human(end - start),
    };
    let has = |ty: &str| {
        status["conditions"]
            .as_array()
            .is_some_and(|it| it.iter().any(|it| it["type"] == ty && it["status"] == "True"))
    };
    let state = if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if object::is_deleting(it) {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    json!([name, state, completions, duration, since, names, images, selector(&spec["selector"])])
}

pub(super) fn scaler(it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let it = if spec.get("targetCPUUtilizationPercentage").is_some() || it["apiVersion"] == "autoscaling/v1" {
        let registry = crate::registry::Registry::builtin();
        let kind = registry.resource("autoscaling", "horizontalpodautoscalers").cloned();
        kind.map_or_else(|| it.clone(), |kind| crate::convert::to_storage(&kind, "v1", it.clone()))
    } else {
        it.clone()
    };
    let (spec, status) = (&it["spec"], &it["status"]);
    let target = &spec["scaleTargetRef"];
    let minimum = spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |it| it.to_string());
    let metrics = metrics(&spec["metrics"], &status["currentMetrics"]);
    json!([
        name,
        format!("{}/{}", text(&target["kind"]), text(&target["name"])),
        metrics,
        minimum,
        int(&spec["maxReplicas"]),
        int(&status["currentReplicas"]),
        since,
    ])
}

fn metrics(wanted: &Value, current: &Value) -> String {
    let list = wanted.as_array().cloned().unwrap_or_default();
    if list.is_empty() {
        return "<none>".into();
    }
    let mut parts = Vec::new();
    for (index, metric) in list.iter().enumerate() {
        let (key, named) = match text(&metric["type"]) {
            "Resource" => ("resource", true),
            "ContainerResource" => ("containerResource", true),
            "Pods" => ("pods", false),
            "Object" => ("object", false),
            _ => ("external", false),
        };
        let body = &metric[key];
        let now = &current[index][key]["current"];
        let target = &body["target"];
        let label = if named { format!("{}: ", text(&body["name"])) } else { String::new() };
        let part = if let Some(percent) = target["averageUtilization"].as_i64() {
            let now = now["averageUtilization"]
                .as_i64()
                .map_or_else(|| "<unknown>".to_owned(), |it| format!("{it}%"));
            format!("{label}{now}/{percent}%")
        } else if target["averageValue"].is_string() {
            let suffix = if named || key == "pods" { "" } else { " (avg)" };
            format!(
                "{label}{}/{}{suffix}",
                or(&now["averageValue"], "<unknown>"),
                text(&target["averageValue"])
            )
        } else {
            format!("{label}{}/{}", or(&now["value"], "<unknown>"), text(&target["value"]))
        };
        parts.push(part);
    }
    if parts.len() > 2 {
        return format!("{} + {} more...", parts[..2].join(", "), parts.len() - 2);
    }
    parts.join(", ")
}
