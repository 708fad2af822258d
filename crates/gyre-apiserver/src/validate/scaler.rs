//! Autoscalers (`pkg/apis/autoscaling/validation`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, one_of, text};
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// The longest window over which recommendations are stabilized, in seconds.
const WINDOW_MAX: i64 = 3600;
/// The longest time that a policy counts over, in seconds.
const PERIOD_MAX: i64 = 1800;

/// An autoscaler in its second version.
pub(super) fn check(spec: &Value, causes: &mut Causes) {
    let (minimum, maximum) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64().unwrap_or(0));
    if minimum.is_some_and(|it| it < 1) {
        let detail = "must be greater than or equal to 1";
        causes.push(Cause::invalid("spec.minReplicas", &spec["minReplicas"], detail));
    }
    if maximum == 0 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    } else if maximum < 0 {
        let detail = "must be greater than or equal to 1";
        causes.push(Cause::invalid("spec.maxReplicas", &maximum.into(), detail));
    }
    if minimum.is_some_and(|it| maximum < it) {
        let detail = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &maximum.into(), detail));
    }
    reference(&spec["scaleTargetRef"], "spec.scaleTargetRef", causes);
    let target = &spec["scaleTargetRef"];
    let version = text(&target["apiVersion"]);
    if version.split_once('/').is_none_or(|(group, _)| group.is_empty())
        && target["kind"] != "ReplicationController"
    {
        let at = "spec.scaleTargetRef.apiVersion";
        causes.push(Cause::invalid(at, &version.into(), "apiVersion must specify API group"));
    }
    for (at, it) in items(&spec["metrics"], "spec.metrics") {
        metric(it, &at, causes);
    }
    let others = |it: &Value| it["type"] == "Object" || it["type"] == "External";
    if minimum == Some(0) && !spec["metrics"].as_array().is_some_and(|it| it.iter().any(others)) {
        let detail =
            "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden("spec.metrics", detail));
    }
    for key in ["scaleUp", "scaleDown"] {
        rules(&spec["behavior"][key], &format!("spec.behavior.{key}"), causes);
    }
}

fn reference(it: &Value, path: &str, causes: &mut Causes) {
    for key in ["kind", "name"] {
        let at = format!("{path}.{key}");
        match text(&it[key]) {
            "" => causes.push(Cause::required(at, "")),
            name => each(names::path_segment(name), &it[key], &at, causes),
        }
    }
}

const KINDS: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

fn metric(it: &Value, at: &str, causes: &mut Causes) {
    let kind = text(&it["type"]);
    if kind.is_empty() {
        causes.push(Cause::required(format!("{at}.type"), "must specify a metric source type"));
    }
    let known = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, key)| *key);
    if known.is_none() {
        let allowed = KINDS.map(|(name, _)| name);
        causes.push(Cause::unsupported(format!("{at}.type"), &kind.into(), &allowed));
    }
    let given: BTreeSet<&str> = ["object", "external", "pods", "resource", "containerResource"]
        .into_iter()
        .filter(|key| it[*key].is_object())
        .collect();
    let first = ["object", "external", "pods", "resource", "containerResource"]
        .into_iter()
        .find(|key| given.contains(key));
    if let Some(key) = first {
        source(key, &it[key], &format!("{at}.{key}"), causes);
    }
    let wanted = known.unwrap_or_default();
    if !given.contains(wanted) && known.is_some() {
        let detail = "must populate information for the given metric source";
        causes.push(Cause::required(format!("{at}.{wanted}"), detail));
    }
    if known.is_none() {
        // compat(kube-apiserver): it is looked for once more.
        let allowed = KINDS.map(|(name, _)| name);
        causes.push(Cause::unsupported(format!("{at}.type"), &kind.into(), &allowed));
    }
    if given.len() != 1 {
        for key in given.iter().filter(|key| **key != wanted) {
            let detail = "must populate the given metric source only";
            causes.push(Cause::forbidden(format!("{at}.{key}"), detail));
        }
    }
}

fn source(key: &str, body: &Value, at: &str, causes: &mut Causes) {
    let target = &body["target"];
    let path = format!("{at}.target");
    match key {
        "resource" | "containerResource" => {
            if text(&body["name"]).is_empty() {
                causes.push(Cause::required(format!("{at}.name"), "must specify a resource name"));
            } else if key == "containerResource" {
                super::resources::of_container(text(&body["name"]), &format!("{at}.name"), causes);
            }
            let container = text(&body["container"]);
            if key == "containerResource" && container.is_empty() {
                causes.push(Cause::required(format!("{at}.container"), "must specify a container"));
            } else if key == "containerResource" {
                each(names::label(container), &container.into(), &format!("{at}.container"), causes);
            }
            value(target, &path, causes);
            let (share, average) =
                (!target["averageUtilization"].is_null(), !target["averageValue"].is_null());
            if !share && !average {
                let detail = "must set either a target raw value or a target utilization";
                causes.push(Cause::required(format!("{path}.averageUtilization"), detail));
            }
            if share && average {
                let detail = "may not set both a target raw value and a target utilization";
                causes.push(Cause::forbidden(format!("{path}.averageValue"), detail));
            }
        }
        "external" => {
            identifier(&body["metric"], &format!("{at}.metric"), causes);
            value(target, &path, causes);
            let (whole, average) = (!target["value"].is_null(), !target["averageValue"].is_null());
            if !whole && !average {
                let detail = "must set either a target value for metric or a per-pod target";
                causes.push(Cause::required(format!("{path}.averageValue"), detail));
            }
            if whole && average {
                let detail = "may not set both a target value for metric and a per-pod target";
                causes.push(Cause::forbidden(format!("{path}.value"), detail));
            }
        }
        "object" => {
            reference(&body["describedObject"], &format!("{at}.describedObject"), causes);
            identifier(&body["metric"], &format!("{at}.metric"), causes);
            value(target, &path, causes);
            if target["value"].is_null() && target["averageValue"].is_null() {
                let detail = "must set either a target value or averageValue";
                causes.push(Cause::required(format!("{path}.averageValue"), detail));
            }
        }
        _ => {
            identifier(&body["metric"], &format!("{at}.metric"), causes);
            value(target, &path, causes);
            if target["averageValue"].is_null() {
                let detail = "must specify a positive target averageValue";
                causes.push(Cause::required(format!("{path}.averageValue"), detail));
            }
        }
    }
}

fn identifier(it: &Value, path: &str, causes: &mut Causes) {
    match text(&it["name"]) {
        "" => causes.push(Cause::required(format!("{path}.name"), "must specify a metric name")),
        name => each(names::path_segment(name), &it["name"], &format!("{path}.name"), causes),
    }
}

fn value(target: &Value, path: &str, causes: &mut Causes) {
    match text(&target["type"]) {
        "Utilization" | "Value" | "AverageValue" => {}
        other => {
            if other.is_empty() {
                causes.push(Cause::required(format!("{path}.type"), "must specify a metric target type"));
            }
            let detail = "must be either Utilization, Value, or AverageValue";
            causes.push(Cause::invalid(format!("{path}.type"), &other.into(), detail));
        }
    }
    for key in ["value", "averageValue"] {
        if Quantity::of(&target[key]).is_some_and(|it| it.sign() <= 0) {
            causes.push(Cause::invalid(format!("{path}.{key}"), &target[key], "must be positive"));
        }
    }
    if target["averageUtilization"].as_i64().is_some_and(|it| it < 1) {
        let at = format!("{path}.averageUtilization");
        causes.push(Cause::invalid(at, &target["averageUtilization"], "must be greater than 0"));
    }
}

/// How fast it may scale.
fn rules(it: &Value, path: &str, causes: &mut Causes) {
    if !it.is_object() {
        return;
    }
    let (window, at) = (&it["stabilizationWindowSeconds"], format!("{path}.stabilizationWindowSeconds"));
    if window.as_i64().is_some_and(|it| it < 0) {
        causes.push(Cause::invalid(&at, window, "must be greater than or equal to zero"));
    }
    if window.as_i64().is_some_and(|it| it > WINDOW_MAX) {
        let detail = format!("must be less than or equal to {WINDOW_MAX}");
        causes.push(Cause::invalid(at, window, &detail));
    }
    if !it["selectPolicy"].is_null() {
        one_of(&it["selectPolicy"], &["Disabled", "Max", "Min"], &format!("{path}.selectPolicy"), causes);
    }
    if Quantity::of(&it["tolerance"]).is_some_and(|it| it.sign() < 0) {
        let detail = "must be greater than or equal to 0";
        causes.push(Cause::invalid(format!("{path}.tolerance"), &it["tolerance"], detail));
    }
    let policies = items(&it["policies"], &format!("{path}.policies"));
    if policies.is_empty() {
        causes.push(Cause::required(format!("{path}.policies"), "must specify at least one Policy"));
    }
    for (at, policy) in policies {
        one_of(&policy["type"], &["Percent", "Pods"], &format!("{at}.type"), causes);
        for key in ["value", "periodSeconds"] {
            let number = policy[key].as_i64().unwrap_or(0);
            if number <= 0 {
                let at = format!("{at}.{key}");
                causes.push(Cause::invalid(at, &number.into(), "must be greater than zero"));
            }
        }
        if policy["periodSeconds"].as_i64().is_some_and(|it| it > PERIOD_MAX) {
            let detail = format!("must be less than or equal to {PERIOD_MAX}");
            causes.push(Cause::invalid(format!("{at}.periodSeconds"), &policy["periodSeconds"], &detail));
        }
    }
}
