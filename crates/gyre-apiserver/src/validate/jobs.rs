//! Jobs, and what makes them by the clock.

use serde_json::Value;

use super::fields::{Causes, items, not_negative, one_of, text};
use super::pods;
use super::workloads::labels_fit;
use crate::failure::Cause;
use crate::simulation::is_schedule;

fn job(spec: &Value, path: &str, generated: Option<&str>, warnings: &mut Vec<String>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    for key in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        not_negative(&spec[key], &at(key), causes);
    }
    completion(spec, path, causes);
    if let Some(uid) = generated {
        let wanted = &spec["selector"];
        if wanted.is_null() {
            causes.push(Cause::required(at("selector"), ""));
        } else if wanted["matchLabels"]["batch.kubernetes.io/controller-uid"] != uid
            || wanted["matchLabels"].as_object().is_some_and(|it| it.len() > 1)
        {
            causes.push(Cause::invalid(at("selector"), wanted, "`selector` not auto-generated"));
        }
        labels_fit(wanted, &spec["template"], &at("template"), causes);
    }
    pods::template(&spec["template"], &at("template"), warnings, causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    match text(policy) {
        "OnFailure" | "Never" => {}
        "" | "Always" => {
            let detail = "valid values: \"OnFailure\", \"Never\"";
            causes.push(Cause::required(at("template.spec.restartPolicy"), detail));
        }
        _ => causes.push(Cause::unsupported(
            at("template.spec.restartPolicy"),
            policy,
            &["OnFailure", "Never"],
        )),
    }
    if spec["podFailurePolicy"].is_object() && matches!(text(policy), "OnFailure" | "Always") {
        let detail = "only \"Never\" is supported when podFailurePolicy is specified";
        causes.push(Cause::invalid(at("template.spec.restartPolicy"), policy, detail));
    }
}

/// When a Job is done.
fn completion(spec: &Value, path: &str, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let (limit, failed) = (&spec["backoffLimitPerIndex"], &spec["maxFailedIndexes"]);
    let indexed = spec["completionMode"] == "Indexed";
    if !limit.is_null() && !indexed {
        causes.push(Cause::invalid(at("backoffLimitPerIndex"), limit, "requires indexed completion mode"));
    }
    if !failed.is_null() && limit.is_null() {
        causes.push(Cause::required(at("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
    }
    if let (Some(failed), Some(all)) = (failed.as_i64(), spec["completions"].as_i64())
        && failed > all
    {
        let detail = "must be less than or equal to completions";
        causes.push(Cause::invalid(at("maxFailedIndexes"), &failed.into(), detail));
    }
    if !spec["completionMode"].is_null() {
        one_of(&spec["completionMode"], &["NonIndexed", "Indexed"], &at("completionMode"), causes);
    }
    if indexed && spec["completions"].is_null() {
        causes.push(Cause::required(at("completions"), "when completion mode is Indexed"));
    }
    if indexed && spec["parallelism"].as_i64().is_some_and(|it| it > INDEXED_MAX) {
        let detail = format!("must be less than or equal to {INDEXED_MAX} when completion mode is Indexed");
        causes.push(Cause::invalid(at("parallelism"), &spec["parallelism"], &detail));
    }
    if !spec["podReplacementPolicy"].is_null() {
        let allowed = ["Failed", "TerminatingOrFailed"];
        one_of(&spec["podReplacementPolicy"], &allowed, &at("podReplacementPolicy"), causes);
    }
    for (at, rule) in items(&spec["podFailurePolicy"]["rules"], &at("podFailurePolicy.rules")) {
        failure(rule, &at, causes);
    }
}

/// How many pods of an indexed Job run at the same time.
const INDEXED_MAX: i64 = 100_000;

/// What the failure of a pod means.
fn failure(rule: &Value, at: &str, causes: &mut Causes) {
    let allowed = ["Count", "FailIndex", "FailJob", "Ignore"];
    match text(&rule["action"]) {
        "" => {
            let detail = format!("valid values: {}", allowed.map(|it| format!("{it:?}")).join(", "));
            causes.push(Cause::required(format!("{at}.action"), &detail));
        }
        _ => one_of(&rule["action"], &allowed, &format!("{at}.action"), causes),
    }
    let conditions = rule["onPodConditions"].as_array().is_some_and(|it| !it.is_empty());
    let codes = &rule["onExitCodes"];
    let detail = match (codes.is_object(), conditions) {
        (true, true) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, false) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => "",
    };
    if !detail.is_empty() {
        causes.push(Cause::invalid(at, &"".into(), detail));
    }
    if codes.is_object() {
        let path = format!("{at}.onExitCodes");
        match text(&codes["operator"]) {
            "" => causes.push(Cause::required(format!("{path}.operator"), "valid values: \"In\", \"NotIn\"")),
            _ => one_of(&codes["operator"], &["In", "NotIn"], &format!("{path}.operator"), causes),
        }
        let values = items(&codes["values"], &format!("{path}.values"));
        if values.is_empty() {
            let detail = "at least one value is required";
            causes.push(Cause::invalid(format!("{path}.values"), &codes["values"], detail));
        }
        for (at, value) in values {
            if codes["operator"] == "In" && *value == 0 {
                let detail = "must not be 0 for the In operator";
                causes.push(Cause::invalid(at, value, detail));
            }
        }
    }
}

/// The kinds of `batch`.
pub(super) fn check(plural: &str, object: &Value, warnings: &mut Vec<String>, causes: &mut Causes) {
    let spec = &object["spec"];
    if plural == "jobs" {
        let uid = crate::object::meta(object, "uid");
        let generated = (spec["manualSelector"] != true).then_some(uid);
        job(spec, "spec", generated, warnings, causes);
        return;
    }
    let schedule = text(&spec["schedule"]);
    let zoned = schedule.contains("TZ");
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if zoned {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], detail));
    } else if let Err(why) = is_schedule(schedule) {
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], &why));
    }
    let zone = text(&spec["timeZone"]);
    if !spec["timeZone"].is_null() && !is_zone(zone) {
        let detail = if zone.is_empty() {
            "timeZone must be nil or non-empty string".into()
        } else {
            format!("unknown time zone {zone}")
        };
        causes.push(Cause::invalid("spec.timeZone", &spec["timeZone"], &detail));
    }
    not_negative(&spec["startingDeadlineSeconds"], "spec.startingDeadlineSeconds", causes);
    match text(&spec["concurrencyPolicy"]) {
        "" => causes.push(Cause::required("spec.concurrencyPolicy", "")),
        _ => one_of(
            &spec["concurrencyPolicy"],
            &["Allow", "Forbid", "Replace"],
            "spec.concurrencyPolicy",
            causes,
        ),
    }
    let template = &spec["jobTemplate"]["spec"];
    let at = |key: &str| format!("spec.jobTemplate.spec.{key}");
    if !template["selector"].is_null() {
        let detail = "`selector` will be auto-generated";
        causes.push(Cause::invalid(at("selector"), &template["selector"], detail));
    }
    if template["manualSelector"] == true {
        causes.push(Cause::unsupported(at("manualSelector"), &true.into(), &["nil", "false"]));
    }
    job(template, "spec.jobTemplate.spec", None, warnings, causes);
    not_negative(&spec["successfulJobsHistoryLimit"], "spec.successfulJobsHistoryLimit", causes);
    not_negative(&spec["failedJobsHistoryLimit"], "spec.failedJobsHistoryLimit", causes);
}

/// The first parts of the names of time zones.
const AREAS: [&str; 12] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Brazil",
    "Canada",
    "Etc",
    "Europe",
    "Pacific",
];

fn is_zone(name: &str) -> bool {
    let plain = [
        "UTC", "GMT", "CET", "EET", "EST", "MST", "HST", "WET", "MET", "Japan", "Israel", "Turkey", "Iran",
        "Cuba", "Egypt",
    ];
    plain.contains(&name)
        || name.split_once('/').is_some_and(|(area, place)| {
            (AREAS.contains(&area) || matches!(area, "Indian" | "US" | "Mexico" | "Chile"))
                && !place.is_empty()
        })
}
