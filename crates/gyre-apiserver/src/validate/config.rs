//! ConfigMaps, Secrets, nodes, quotas, limits, events, autoscalers, budgets, priorities, leases.

use gyre_go::base64::STANDARD;
use serde_json::Value;

use super::fields::{
    Causes, at_most_all, cidr, count_or_percent, each, items, not_negative, one_of, selector, text,
};
use crate::failure::Cause;
use crate::limits::CONFIG_BYTES_MAX;
use crate::names;
use crate::object;
use crate::quantity::Quantity;

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
pub(super) fn secret(object: &Value, warnings: &mut Vec<String>, causes: &mut Causes) {
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
            let bytes = STANDARD.decode(text(&object["data"]["tls.crt"]).as_bytes()).unwrap_or_default();
            let pem = String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----");
            if has("tls.crt") && has("tls.key") && !pem {
                warnings.push("tls: failed to find any PEM data in certificate input".into());
            }
        }
        _ => {}
    }
}

/// A node.
pub(super) fn node(object: &Value, causes: &mut Causes) {
    for (at, taint) in items(&object["spec"]["taints"], "metadata.taints") {
        each(names::qualified_name(text(&taint["key"])), &taint["key"], &format!("{at}.key"), causes);
        each(names::label_value(text(&taint["value"])), &taint["value"], &format!("{at}.value"), causes);
        super::pods::taint_effect(&taint["effect"], &format!("{at}.effect"), causes);
    }
    for (at, it) in items(&object["spec"]["podCIDRs"], "spec.podCIDRs") {
        cidr(it, &at, causes);
    }
}

/// Whether a resource of a quota is counted in whole objects.
fn is_counted(name: &str) -> bool {
    matches!(
        name,
        "pods"
            | "services"
            | "replicationcontrollers"
            | "resourcequotas"
            | "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
            | "services.nodeports"
            | "services.loadbalancers"
    ) || name.starts_with("count/")
}

/// A quota.
pub(super) fn quota(spec: &Value, causes: &mut Causes) {
    for (name, value) in spec["hard"].as_object().into_iter().flatten() {
        let at = format!("spec.hard[{name}]");
        each(names::qualified_name(name), &name.as_str().into(), &at, causes);
        let Some(quantity) = Quantity::of(value) else { continue };
        if quantity.sign() < 0 {
            causes.push(Cause::invalid(&at, value, "must be greater than or equal to 0"));
        }
        if is_counted(name) && !quantity.is_whole() {
            causes.push(Cause::invalid(&at, value, "must be an integer"));
        }
    }
}

/// Limits of a namespace.
pub(super) fn limit_range(spec: &Value, causes: &mut Causes) {
    for (at, limit) in items(&spec["limits"], "spec.limits") {
        each(
            names::qualified_name(text(&limit["type"])),
            &text(&limit["type"]).into(),
            &format!("{at}.type"),
            causes,
        );
        let mut keys: Vec<&String> = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]
            .iter()
            .flat_map(|key| limit[*key].as_object().into_iter().flatten())
            .map(|(key, _)| key)
            .collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let value = |part: &str| &limit[part][key.as_str()];
            let quantity = |part: &str| Quantity::of(value(part));
            let mut wrong = |part: &str, shown: &str, why: String| {
                causes.push(Cause::invalid(format!("{at}.{part}[{key}]"), value(shown), &why));
            };
            let pairs = [
                ("min", "min", "max", "min value", "max value", "min"),
                (
                    "defaultRequest",
                    "min",
                    "defaultRequest",
                    "min value",
                    "default request value",
                    "defaultRequest",
                ),
                (
                    "defaultRequest",
                    "defaultRequest",
                    "max",
                    "default request value",
                    "max value",
                    "defaultRequest",
                ),
                (
                    "defaultRequest",
                    "defaultRequest",
                    "default",
                    "default request value",
                    "default limit value",
                    "defaultRequest",
                ),
                ("default", "min", "default", "min value", "default value", "min"),
                ("default", "default", "max", "default value", "max value", "default"),
            ];
            for (part, low, high, low_name, high_name, shown) in pairs {
                if let (Some(small), Some(large)) = (quantity(low), quantity(high))
                    && small > large
                {
                    let why = format!(
                        "{low_name} {} is greater than {high_name} {}",
                        text(value(low)),
                        text(value(high))
                    );
                    wrong(part, shown, why);
                }
            }
        }
    }
}

/// An event.
pub(super) fn event(object: &Value, causes: &mut Causes) {
    let own = object::meta(object, "namespace");
    let about = &object["involvedObject"];
    let given = text(&about["namespace"]);
    let cluster = given.is_empty() && own != "default";
    if !given.is_empty() && given != own {
        causes.push(Cause::invalid(
            "involvedObject.namespace",
            &about["namespace"],
            "does not match event.namespace",
        ));
    }
    let _ = cluster;
}

/// An autoscaler in its second version.
pub(super) fn scaler(spec: &Value, causes: &mut Causes) {
    let (minimum, maximum) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64().unwrap_or(0));
    if minimum.is_some_and(|it| it < 1) {
        causes.push(Cause::invalid(
            "spec.minReplicas",
            &spec["minReplicas"],
            "must be greater than or equal to 1",
        ));
    }
    if maximum < 1 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if minimum.is_some_and(|it| maximum < it) {
        let detail = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &maximum.into(), detail));
    }
    let target = &spec["scaleTargetRef"];
    for key in ["kind", "name"] {
        let at = format!("spec.scaleTargetRef.{key}");
        match text(&target[key]) {
            "" => causes.push(Cause::required(at, "")),
            name => each(names::path_segment(name), &target[key], &at, causes),
        }
    }
    let version = text(&target["apiVersion"]);
    let core = target["kind"] == "ReplicationController";
    if !version.contains('/') && !core {
        let at = "spec.scaleTargetRef.apiVersion";
        causes.push(Cause::invalid(at, &version.into(), "apiVersion must specify API group"));
    }
    for (at, metric) in items(&spec["metrics"], "spec.metrics") {
        self::metric(metric, &at, causes);
    }
}

fn metric(metric: &Value, at: &str, causes: &mut Causes) {
    let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    let kind = text(&metric["type"]);
    if kind.is_empty() {
        causes.push(Cause::required(format!("{at}.type"), "must specify a metric source type"));
        return;
    }
    if !kinds.contains(&kind) {
        causes.push(Cause::unsupported(format!("{at}.type"), &metric["type"], &kinds));
        return;
    }
    let key = kind[..1].to_lowercase() + &kind[1..];
    let body = &metric[key.as_str()];
    if !body.is_object() {
        let detail = "must populate information for the given metric source";
        causes.push(Cause::required(format!("{at}.{key}"), detail));
        return;
    }
    let target = &body["target"];
    if key == "resource" || key == "containerResource" {
        if text(&body["name"]).is_empty() {
            causes.push(Cause::required(format!("{at}.{key}.name"), "must specify a resource name"));
        }
        if target["averageUtilization"].is_null() && target["averageValue"].is_null() {
            let detail = "must set either a target raw value or a target utilization";
            causes.push(Cause::required(format!("{at}.{key}.target.averageUtilization"), detail));
        }
    }
    if target["averageUtilization"].as_i64().is_some_and(|it| it < 1) {
        let path = format!("{at}.{key}.target.averageUtilization");
        causes.push(Cause::invalid(path, &target["averageUtilization"], "must be greater than 0"));
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
}

/// A priority class.
pub(super) fn priority_class(object: &Value, causes: &mut Causes) {
    let name = object::meta(object, "name");
    let value = object["value"].as_i64().unwrap_or(0);
    if name.starts_with("system-") {
        let detail = "priority class names with 'system-' prefix are reserved for system use only";
        causes.push(Cause::forbidden("metadata.name", detail));
    }
    if value > 1_000_000_000 {
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
