//! Kinds that make pods.

use serde_json::Value;

use super::fields::{
    Causes, at_most_all, count_or_percent, in_order, is_readable, not_negative, one_of, selector,
    shown_selector, text,
};
use super::pods;
use crate::failure::Cause;
use crate::selectors::LabelSelector;

const MISMATCH: &str = "`selector` does not match template `labels`";

pub(super) fn labels_fit(wanted: &Value, template: &Value, path: &str, causes: &mut Causes) {
    let labels = &template["metadata"]["labels"];
    if !LabelSelector::of(wanted).fits_map(labels.as_object()) || wanted.is_null() {
        causes.push(Cause::invalid(format!("{path}.metadata.labels"), labels, MISMATCH));
    }
}

fn selected(spec: &Value, what: &str, causes: &mut Causes) {
    let wanted = &spec["selector"];
    if wanted.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else {
        selector(wanted, "spec.selector", causes);
        let size = wanted["matchLabels"].as_object().map_or(0, serde_json::Map::len)
            + wanted["matchExpressions"].as_array().map_or(0, Vec::len);
        if size == 0 {
            let detail = format!("empty selector is invalid for {what}");
            causes.push(Cause::invalid("spec.selector", wanted, &detail));
        }
    }
    if is_readable(wanted) {
        labels_fit(wanted, &spec["template"], "spec.template", causes);
    } else {
        let message = format!("Invalid value: {}: invalid label selector", shown_selector(wanted));
        causes.push(Cause { reason: "FieldValueInvalid", field: "spec.selector".into(), message });
    }
}

fn always(template: &Value, owner: &str, causes: &mut Causes) {
    let policy = &template["spec"]["restartPolicy"];
    if matches!(text(policy), "OnFailure" | "Never") {
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    if !template["spec"]["activeDeadlineSeconds"].is_null() {
        let detail = format!("activeDeadlineSeconds in {owner} is not Supported");
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", &detail));
    }
}

fn rolling(strategy: &Value, path: &str, causes: &mut Causes) {
    let (unavailable, surge) = (&strategy["maxUnavailable"], &strategy["maxSurge"]);
    let at = |key: &str| format!("{path}.{key}");
    count_or_percent(unavailable, &at("maxUnavailable"), causes);
    count_or_percent(surge, &at("maxSurge"), causes);
    let nothing = |it: &Value| *it == 0 || *it == "0%";
    if nothing(unavailable) && nothing(surge) {
        let detail = "may not be 0 when `maxSurge` is 0";
        causes.push(Cause::invalid(at("maxUnavailable"), unavailable, detail));
    }
    at_most_all(unavailable, &at("maxUnavailable"), causes);
}

fn deployment(spec: &Value, causes: &mut Causes) {
    not_negative(&spec["replicas"], "spec.replicas", causes);
    selected(spec, "deployment", causes);
    always(&spec["template"], "ReplicaSet", causes);
    pods::template(&spec["template"], "spec.template", causes);
    let strategy = &spec["strategy"];
    match text(&strategy["type"]) {
        "Recreate" if strategy["rollingUpdate"].is_object() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            causes.push(Cause::forbidden("spec.strategy.rollingUpdate", detail));
        }
        "Recreate" => {}
        "RollingUpdate" => rolling(&strategy["rollingUpdate"], "spec.strategy.rollingUpdate", causes),
        _ => {
            let at = "spec.strategy.type";
            one_of(&strategy["type"], &["Recreate", "RollingUpdate"], at, causes);
        }
    }
    not_negative(&spec["minReadySeconds"], "spec.minReadySeconds", causes);
    not_negative(&spec["revisionHistoryLimit"], "spec.revisionHistoryLimit", causes);
    if let Some(deadline) = spec["progressDeadlineSeconds"].as_i64() {
        not_negative(&spec["progressDeadlineSeconds"], "spec.progressDeadlineSeconds", causes);
        if deadline <= spec["minReadySeconds"].as_i64().unwrap_or(0) {
            let detail = "must be greater than minReadySeconds";
            causes.push(Cause::invalid(
                "spec.progressDeadlineSeconds",
                &spec["progressDeadlineSeconds"],
                detail,
            ));
        }
    }
}

/// A strategy as Go shows it.
fn shown_strategy(strategy: &Value) -> String {
    let shown =
        serde_json::json!({"Type": text(&strategy["type"]), "RollingUpdate": strategy["rollingUpdate"]});
    in_order(&shown, &["Type", "RollingUpdate"])
}

fn stateful(spec: &Value, causes: &mut Causes) {
    let policy = &spec["podManagementPolicy"];
    if !matches!(text(policy), "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        causes.push(Cause::invalid("spec.podManagementPolicy", policy, detail));
    }
    let strategy = &spec["updateStrategy"];
    match text(&strategy["type"]) {
        "OnDelete" if strategy["rollingUpdate"].is_object() => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            let rolling = &strategy["rollingUpdate"];
            // The value is shown as its Go type is.
            causes.push(Cause {
                reason: "FieldValueInvalid",
                field: "spec.updateStrategy.rollingUpdate".into(),
                message: format!(
                    "Invalid value: {{\"Partition\":{},\"MaxUnavailable\":{}}}: {detail}",
                    rolling["partition"].as_i64().unwrap_or_default(),
                    rolling["maxUnavailable"]
                ),
            });
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            let at = "spec.updateStrategy.rollingUpdate.partition";
            not_negative(&strategy["rollingUpdate"]["partition"], at, causes);
        }
        "" => causes.push(Cause::required("spec.updateStrategy", "")),
        _ => {
            let message =
                format!("Invalid value: {}: must be 'RollingUpdate' or 'OnDelete'", shown_strategy(strategy));
            causes.push(Cause { reason: "FieldValueInvalid", field: "spec.updateStrategy".into(), message });
        }
    }
    let retention = &spec["persistentVolumeClaimRetentionPolicy"];
    for key in ["whenDeleted", "whenScaled"] {
        if !retention[key].is_null() {
            let at = format!("spec.persistentVolumeClaimRetentionPolicy.{key}");
            one_of(&retention[key], &["Retain", "Delete"], &at, causes);
        }
    }
    not_negative(&spec["replicas"], "spec.replicas", causes);
    not_negative(&spec["minReadySeconds"], "spec.minReadySeconds", causes);
    not_negative(&spec["ordinals"]["start"], "spec.ordinals.start", causes);
    selected(spec, "statefulset", causes);
    pods::template(&with_claims(spec), "spec.template", causes);
    always(&spec["template"], "StatefulSet", causes);
}

/// The template with the volumes that claims will give its pods.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec["template"].clone();
    let mut volumes = template["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    for claim in spec["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let name = &claim["metadata"]["name"];
        if !volumes.iter().any(|it| it["name"] == *name) {
            volumes.push(serde_json::json!({"name": name, "emptyDir": {}}));
        }
    }
    if !volumes.is_empty() && template["spec"].is_object() {
        template["spec"]["volumes"] = volumes.into();
    }
    template
}

fn daemon(spec: &Value, causes: &mut Causes) {
    if spec["selector"].is_null() {
        // compat(kube-apiserver): what selects nothing does not fit, and is not told of as missing.
        labels_fit(&spec["selector"], &spec["template"], "spec.template", causes);
    } else {
        selected(spec, "daemonset", causes);
    }
    pods::template(&spec["template"], "spec.template", causes);
    always(&spec["template"], "DaemonSet", causes);
    not_negative(&spec["minReadySeconds"], "spec.minReadySeconds", causes);
    let strategy = &spec["updateStrategy"];
    match text(&strategy["type"]) {
        "OnDelete" => {}
        "RollingUpdate" if strategy["rollingUpdate"].is_object() => {
            let body = &strategy["rollingUpdate"];
            let at = "spec.updateStrategy.rollingUpdate";
            count_or_percent(&body["maxUnavailable"], &format!("{at}.maxUnavailable"), causes);
            count_or_percent(&body["maxSurge"], &format!("{at}.maxSurge"), causes);
            let nothing = |it: &Value| it.is_null() || *it == 0 || *it == "0%";
            match (nothing(&body["maxUnavailable"]), nothing(&body["maxSurge"])) {
                (true, true) => causes
                    .push(Cause::required(format!("{at}.maxUnavailable"), "cannot be 0 when maxSurge is 0")),
                (false, false) => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    causes.push(Cause::invalid(format!("{at}.maxSurge"), &body["maxSurge"], detail));
                }
                _ => {}
            }
        }
        "RollingUpdate" => causes.push(Cause::required("spec.updateStrategy.rollingUpdate", "")),
        _ => {
            let message = format!(
                "Unsupported value: {}: supported values: \"RollingUpdate\", \"OnDelete\"",
                shown_strategy(strategy)
            );
            causes.push(Cause {
                reason: "FieldValueNotSupported",
                field: "spec.updateStrategy".into(),
                message,
            });
        }
    }
    not_negative(&spec["revisionHistoryLimit"], "spec.revisionHistoryLimit", causes);
}

/// The kinds of `apps`.
pub(super) fn apps(plural: &str, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    match plural {
        "deployments" => deployment(spec, causes),
        "statefulsets" => stateful(spec, causes),
        "daemonsets" => daemon(spec, causes),
        "replicasets" => {
            not_negative(&spec["replicas"], "spec.replicas", causes);
            not_negative(&spec["minReadySeconds"], "spec.minReadySeconds", causes);
            selected(spec, "deployment", causes);
            pods::template(&spec["template"], "spec.template", causes);
            always(&spec["template"], "ReplicaSet", causes);
        }
        _ => {
            if object["data"].is_null() {
                causes.push(Cause::required("data", "data is mandatory"));
            }
            not_negative(&object["revision"], "revision", causes);
        }
    }
}

/// A ReplicationController.
pub(super) fn controller(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    not_negative(&spec["minReadySeconds"], "spec.minReadySeconds", causes);
    if spec["selector"].as_object().is_none_or(serde_json::Map::is_empty) {
        causes.push(Cause::required("spec.selector", ""));
    }
    not_negative(&spec["replicas"], "spec.replicas", causes);
    if !spec["template"].is_object() {
        causes.push(Cause::required("spec.template", ""));
        return;
    }
    let wanted = serde_json::json!({"matchLabels": spec["selector"]});
    labels_fit(&wanted, &spec["template"], "spec.template", causes);
    pods::template(&spec["template"], "spec.template", causes);
    always(&spec["template"], "ReplicationController", causes);
}
