//! ConfigMaps, Secrets, nodes, quotas, limits, events, budgets, priorities, leases.

use std::collections::BTreeSet;

use gyre_go::base64::STANDARD;
use serde_json::{Value, json};

use super::fields::{
    Causes, at_most_all, cidr, count_or_percent, each, in_order, items, not_negative, one_of, selector, text,
};
use super::resources;
use crate::failure::Cause;
use crate::limits::CONFIG_BYTES_MAX;
use crate::names;
use crate::object;

/// A ConfigMap.
pub(super) fn config_map(object: &Value, causes: &mut Causes) {
    let mut size = 0;
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        each(names::config_key(key), &key.as_str().into(), &format!("data[{key}]"), causes);
        if object["binaryData"].get(key).is_some() {
            let detail = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(format!("data[{key}]"), &key.as_str().into(), detail));
        }
        size += text(value).len();
    }
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        each(names::config_key(key), &key.as_str().into(), &format!("binaryData[{key}]"), causes);
        size += text(value).len() * 3 / 4;
    }
    if size > CONFIG_BYTES_MAX {
        causes.push(Cause::too_long("[]", CONFIG_BYTES_MAX));
    }
}

/// A Secret.
pub(super) fn secret(object: &Value, causes: &mut Causes) {
    let mut size = 0;
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        each(names::config_key(key), &key.as_str().into(), &format!("data[{key}]"), causes);
        size += text(value).len() * 3 / 4;
    }
    if size > CONFIG_BYTES_MAX {
        causes.push(Cause::too_long("data", CONFIG_BYTES_MAX));
    }
    let has = |key: &str| object["data"].get(key).is_some();
    let needs = |key: &str, causes: &mut Causes| {
        if !has(key) {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    };
    let is_json = |key: &str, causes: &mut Causes| {
        let bytes = STANDARD.decode(text(&object["data"][key]).as_bytes()).unwrap_or_default();
        if has(key) && serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).is_err() {
            let why = crate::json::parse(&bytes).err().unwrap_or_else(|| "json: cannot unmarshal".into());
            causes.push(Cause::invalid(format!("data[{key}]"), &"<secret contents redacted>".into(), &why));
        }
    };
    match text(&object["type"]) {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if text(&object["metadata"]["annotations"][name]).is_empty() {
                causes.push(Cause::required(format!("metadata.annotations[{name}]"), ""));
            }
        }
        "kubernetes.io/dockercfg" => {
            needs(".dockercfg", causes);
            is_json(".dockercfg", causes);
        }
        "kubernetes.io/dockerconfigjson" => {
            needs(".dockerconfigjson", causes);
            is_json(".dockerconfigjson", causes);
        }
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            causes.push(Cause::required("data[username]", ""));
            causes.push(Cause::required("data[password]", ""));
        }
        "kubernetes.io/ssh-auth" if text(&object["data"]["ssh-privatekey"]).is_empty() => {
            causes.push(Cause::required("data[ssh-privatekey]", ""));
        }
        "kubernetes.io/tls" => {
            needs("tls.crt", causes);
            needs("tls.key", causes);
        }
        _ => {}
    }
}

/// A node.
/// What keeps pods off a node.
pub(super) fn taints(object: &Value, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, taint) in items(&object["spec"]["taints"], "metadata.taints") {
        let (key, value) = (text(&taint["key"]), text(&taint["value"]));
        each(names::qualified_name(key), &key.into(), &format!("{at}.key"), causes);
        let problems = names::label_value(value);
        if !problems.is_empty() {
            causes.push(Cause::invalid(format!("{at}.value"), &taint["value"], &problems.join(";")));
        }
        match text(&taint["effect"]) {
            "" => causes.push(Cause::required(format!("{at}.effect"), "")),
            _ => super::affinity::taint_effect(&taint["effect"], &format!("{at}.effect"), causes),
        }
        if !seen.insert((text(&taint["effect"]), key)) {
            let shown = json!({"Key": key, "Value": value, "Effect": taint["effect"], "TimeAdded": taint["timeAdded"]});
            let shown = in_order(&shown, &["Key", "Value", "Effect", "TimeAdded"]);
            let message = format!("Duplicate value: {shown}: taints must be unique by key and effect pair");
            causes.push(Cause { reason: "FieldValueDuplicate", field: at, message });
        }
    }
}

/// What a node has.
pub(super) fn node_resources(object: &Value, causes: &mut Causes) {
    for key in ["capacity", "allocatable"] {
        for (name, value) in object["status"][key].as_object().into_iter().flatten() {
            resources::amount(name, value, &format!("status.{key}.{name}"), causes);
        }
    }
}

pub(super) fn node(object: &Value, causes: &mut Causes) {
    taints(object, causes);
    node_resources(object, causes);
    let blocks = items(&object["spec"]["podCIDRs"], "spec.podCIDRs");
    for (at, it) in &blocks {
        cidr(it, at, causes);
    }
    if blocks.len() > 1 {
        let is_six = |it: &Value| text(it).contains(':');
        let dual = blocks.iter().any(|(_, it)| is_six(it)) && blocks.iter().any(|(_, it)| !is_six(it));
        if !dual || blocks.len() > 2 {
            let detail = "may specify no more than one CIDR for each IP family";
            causes.push(Cause::invalid("spec.podCIDRs", &object["spec"]["podCIDRs"], detail));
        }
    }
}

/// A quota.
pub(super) fn quota(spec: &Value, causes: &mut Causes) {
    for (name, value) in spec["hard"].as_object().into_iter().flatten() {
        let at = format!("spec.hard[{name}]");
        quota_name(name, &at, causes);
        resources::amount(name, value, &at, causes);
    }
    let scopes: Vec<&str> = spec["scopes"].as_array().into_iter().flatten().map(text).collect();
    let wrong = |detail: &str, causes: &mut Causes| {
        causes.push(Cause::invalid("spec.scopes", &spec["scopes"], detail));
    };
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            wrong("unsupported scope", causes);
        }
        for name in spec["hard"].as_object().into_iter().flatten().map(|(name, _)| name) {
            if resources::is_of_quotas(name) && !is_scoped(scope, name) {
                wrong("unsupported scope applied to resource", causes);
            }
        }
    }
    for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
        if scopes.contains(&one) && scopes.contains(&other) {
            wrong("conflicting scopes", causes);
        }
    }
    for it in spec["scopeSelector"]["matchExpressions"].as_array().into_iter().flatten() {
        scope(it, causes);
    }
}

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];

/// Whether a scope means anything for a resource.
fn is_scoped(scope: &str, name: &str) -> bool {
    let compute = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => {
            matches!(name, "persistentvolumeclaims" | "requests.storage" | "storage")
        }
        _ => name == "pods" || compute.contains(&name),
    }
}

/// The name of a resource of a quota.
pub(super) fn quota_name(name: &str, path: &str, causes: &mut Causes) {
    resources::name(name, path, causes);
    if !name.contains('/') && !resources::is_of_quotas(name) {
        causes.push(Cause::invalid(path, &name.into(), "must be a standard resource for quota"));
    }
}

fn scope(it: &Value, causes: &mut Causes) {
    let path = "spec.scopeSelector.matchExpressions";
    let (name, operator) = (text(&it["scopeName"]), text(&it["operator"]));
    if !SCOPES.contains(&name) {
        causes.push(Cause::invalid(format!("{path}.scopeName"), &name.into(), "unsupported scope"));
    }
    let plain = SCOPES.contains(&name) && !matches!(name, "PriorityClass" | "VolumeAttributesClass");
    if plain && operator != "Exists" {
        let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
        causes.push(Cause::invalid(format!("{path}.operator"), &operator.into(), detail));
    }
    let valued = it["values"].as_array().is_some_and(|it| !it.is_empty());
    match operator {
        "In" | "NotIn" if !valued => {
            let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            causes.push(Cause::required(format!("{path}.values"), detail));
        }
        "Exists" | "DoesNotExist" if valued => {
            let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            causes.push(Cause::invalid(format!("{path}.values"), &it["values"], detail));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => {
            let detail = "not a valid selector operator";
            causes.push(Cause::invalid(format!("{path}.operator"), &operator.into(), detail));
        }
    }
}

/// How long what an event says may be.
const TEXT_MAX: usize = 128;
const NOTE_MAX: usize = 1024;

/// An event; the newer API asks for more (`pkg/apis/core/validation/events.go`).
pub(super) fn event(object: &Value, newer: bool, causes: &mut Causes) {
    let own = object::meta(object, "namespace");
    let given = text(&object["involvedObject"]["namespace"]);
    let timed = !object["eventTime"].is_null();
    let fits = match (given, timed) {
        ("", false) => matches!(own, "" | "default"),
        ("", true) => matches!(own, "default" | "kube-system"),
        (_, false) => given == own,
        (_, true) => true,
    };
    if !fits {
        causes.push(Cause::invalid(
            "involvedObject.namespace",
            &given.into(),
            "does not match event.namespace",
        ));
    }
    if timed {
        let name = if newer { "reportingController" } else { "reportingComponent" };
        let controller = text(&object["reportingComponent"]);
        if controller.is_empty() {
            causes.push(Cause::required(name, ""));
        }
        each(names::qualified_name(controller), &controller.into(), name, causes);
        for (key, most) in [
            ("reportingInstance", TEXT_MAX),
            ("action", TEXT_MAX),
            ("reason", TEXT_MAX),
            ("message", NOTE_MAX),
        ] {
            let value = text(&object[key]);
            if value.is_empty() && key != "message" {
                causes.push(Cause::required(key, ""));
            }
            if value.len() > most {
                causes.push(Cause::invalid(key, &"".into(), &format!("can have at most {most} characters")));
            }
        }
    }
}

/// What the newer of the two kinds of events says of its series.
pub(super) fn series(object: &Value, causes: &mut Causes) {
    let series = &object["series"];
    if series.is_object() && series["count"].as_i64().unwrap_or_default() < 2 {
        causes.push(Cause::invalid("series.count", &"".into(), "should be at least 2"));
    }
    if series.is_object() && series["lastObservedTime"].is_null() {
        causes.push(Cause::required("series.lastObservedTime", ""));
    }
}

/// What a new event of the newer of the two kinds needs besides.
pub(super) fn new_event(object: &Value, causes: &mut Causes) {
    series(object, causes);
    if object["eventTime"].is_null() {
        causes.push(Cause::required("eventTime", ""));
    }
    let mut wrong = |field: &str, detail: &str| causes.push(Cause::invalid(field, &"".into(), detail));
    let kind = text(&object["type"]);
    if !matches!(kind, "Normal" | "Warning") {
        wrong("type", &format!("has invalid value: {kind}"));
    }
    let unset = "needs to be unset";
    for key in ["firstTimestamp", "lastTimestamp"] {
        if !object[key].is_null() {
            wrong(key, unset);
        }
    }
    if object["count"].as_i64().unwrap_or_default() != 0 {
        wrong("count", unset);
    }
    if ["component", "host"].iter().any(|key| !text(&object["source"][*key]).is_empty()) {
        wrong("source", unset);
    }
}

/// A disruption budget.
pub(super) fn budget(spec: &Value, causes: &mut Causes) {
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", spec, detail));
    }
    for key in ["minAvailable", "maxUnavailable"] {
        if !spec[key].is_null() {
            count_or_percent(&spec[key], &format!("spec.{key}"), causes);
            at_most_all(&spec[key], &format!("spec.{key}"), causes);
        }
    }
    if spec["selector"].is_object() {
        selector(&spec["selector"], "spec.selector", causes);
    }
    if !spec["unhealthyPodEvictionPolicy"].is_null() {
        let allowed = ["AlwaysAllow", "IfHealthyBudget"];
        one_of(&spec["unhealthyPodEvictionPolicy"], &allowed, "spec.unhealthyPodEvictionPolicy", causes);
    }
}

/// Is it one of the system's own (`pkg/apis/scheduling/v1/helpers.go`)?
fn known_priority(name: &str, value: i64, is_default: bool) -> Result<(), String> {
    match crate::bootstrap::PRIORITIES.iter().find(|(known, ..)| *known == name) {
        None => Err(format!("{name} is not a known system priority class")),
        Some((_, known, _)) if *known != value => {
            Err(format!("value of {name} PriorityClass must be {known}"))
        }
        Some(_) if is_default => Err(format!("globalDefault of {name} PriorityClass must be false")),
        Some(_) => Ok(()),
    }
}

/// A priority class.
pub(super) fn priority_class(object: &Value, causes: &mut Causes) {
    let name = object::meta(object, "name");
    let value = object["value"].as_i64().unwrap_or(0);
    if name.starts_with("system-") {
        if let Err(why) = known_priority(name, value, object["globalDefault"] == true) {
            let detail = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {why}"
            );
            causes.push(Cause::forbidden("metadata.name", &detail));
        }
    } else if value > 1_000_000_000 {
        causes.push(Cause::forbidden(
            "value",
            "maximum allowed value of a user defined priority is 1000000000",
        ));
    }
    if !object["preemptionPolicy"].is_null() {
        one_of(&object["preemptionPolicy"], &["PreemptLowerPriority", "Never"], "preemptionPolicy", causes);
    }
}

/// A lease.
pub(super) fn lease(spec: &Value, causes: &mut Causes) {
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|it| it <= 0) {
        causes.push(Cause::invalid(
            "spec.leaseDurationSeconds",
            &spec["leaseDurationSeconds"],
            "must be greater than 0",
        ));
    }
    not_negative(&spec["leaseTransitions"], "spec.leaseTransitions", causes);
}
