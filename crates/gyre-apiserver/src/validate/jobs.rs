//! Jobs, and what makes them by the clock.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, is_readable, items, not_negative, one_of, selector, text};
use super::workloads::labels_fit;
use super::{pods, shapes};
use crate::failure::Cause;
use crate::names;
use crate::simulation::is_schedule;

/// Who may have made the labels and the selector of a Job.
enum Selected<'a> {
    /// Not a Job, but what one is made from.
    Later,
    /// The writer.
    ByHand,
    /// The server, by the Job's uid.
    Generated(&'a str),
}

fn job(spec: &Value, path: &str, selected: &Selected<'_>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let wanted = &spec["selector"];
    if let Selected::Generated(uid) = selected
        && !wanted.is_null()
        && (wanted["matchLabels"]["batch.kubernetes.io/controller-uid"] != *uid
            || wanted["matchLabels"].as_object().is_some_and(|it| it.len() > 1))
    {
        causes.push(Cause::invalid(at("selector"), wanted, "`selector` not auto-generated"));
    }
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
    if !spec["maxFailedIndexes"].is_null() && spec["backoffLimitPerIndex"].is_null() {
        causes.push(Cause::required(at("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
    }
    if let Some(name) = spec["managedBy"].as_str() {
        super::fields::domain_path(name, &at("managedBy"), causes);
        if name.len() > MANAGED_BY_MAX {
            causes.push(Cause::too_long(at("managedBy"), MANAGED_BY_MAX));
        }
    }
    completion(spec, path, causes);
    policies(spec, path, causes);
    pods::template(&spec["template"], &at("template"), causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let place = at("template.spec.restartPolicy");
    match text(policy) {
        "" | "Always" => {
            causes.push(Cause::required(place, "valid values: \"OnFailure\", \"Never\""));
        }
        "OnFailure" if spec["podFailurePolicy"].is_object() => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            causes.push(Cause::invalid(place, policy, detail));
        }
        "OnFailure" | "Never" => {}
        _ => causes.push(Cause::unsupported(place, policy, &["OnFailure", "Never"])),
    }
    if matches!(selected, Selected::Later) {
        return;
    }
    if wanted.is_null() {
        causes.push(Cause::required(at("selector"), ""));
    } else {
        selector(wanted, &at("selector"), causes);
    }
    if is_readable(wanted) {
        labels_fit(wanted, &spec["template"], &at("template"), causes);
    }
}

/// When a Job is done.
fn completion(spec: &Value, path: &str, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let mode = &spec["completionMode"];
    if !mode.is_null() && !matches!(text(mode), "NonIndexed" | "Indexed") {
        causes.push(Cause::unsupported(at("completionMode"), mode, &["NonIndexed", "Indexed"]));
    }
    let number = |key: &str| spec[key].as_i64();
    if *mode == "Indexed" {
        if spec["completions"].is_null() {
            causes.push(Cause::required(at("completions"), "when completion mode is Indexed"));
        }
        if number("parallelism").is_some_and(|it| it > INDEXED_MAX) {
            let detail =
                format!("must be less than or equal to {INDEXED_MAX} when completion mode is Indexed");
            causes.push(Cause::invalid(at("parallelism"), &spec["parallelism"], &detail));
        }
        let failed = &spec["maxFailedIndexes"];
        if number("completions").zip(failed.as_i64()).is_some_and(|(all, failed)| failed > all) {
            let detail = "must be less than or equal to completions";
            causes.push(Cause::invalid(at("maxFailedIndexes"), failed, detail));
        }
        if failed.as_i64().is_some_and(|it| it > INDEXED_MAX) {
            let detail = format!("must be less than or equal to {INDEXED_MAX}");
            causes.push(Cause::invalid(at("maxFailedIndexes"), failed, &detail));
        }
        if number("completions").is_some_and(|it| it > INDEXED_MAX) && !spec["backoffLimitPerIndex"].is_null()
        {
            many(spec, path, causes);
        }
    }
    if mode.is_null() || *mode == "NonIndexed" {
        for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if !spec[key].is_null() {
                causes.push(Cause::invalid(at(key), &spec[key], "requires indexed completion mode"));
            }
        }
    }
}

/// What a Job with very many indexes may not have.
fn many(spec: &Value, path: &str, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    if spec["maxFailedIndexes"].is_null() {
        let detail = format!("must be specified when completions is above {INDEXED_MAX}");
        causes.push(Cause::required(at("maxFailedIndexes"), &detail));
    }
    for key in ["parallelism", "maxFailedIndexes"] {
        if spec[key].as_i64().is_some_and(|it| it > MANY_MAX) {
            let detail = format!(
                "must be less than or equal to {MANY_MAX} when completions are above {INDEXED_MAX} and used with backoff limit per index"
            );
            causes.push(Cause::invalid(at(key), &spec[key], &detail));
        }
    }
}

/// How many pods of an indexed Job run at the same time, and how many of its indexes may fail.
const INDEXED_MAX: i64 = 100_000;
/// The same where a Job has more indexes than that.
const MANY_MAX: i64 = 10_000;
const MANAGED_BY_MAX: usize = 63;
const RULES_MAX: usize = 20;
const CODES_MAX: usize = 255;

/// What failures and successes of pods mean.
fn policies(spec: &Value, path: &str, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let failure = &spec["podFailurePolicy"];
    if failure.is_object() {
        let pod = &spec["template"]["spec"];
        let lists = ["containers", "initContainers"];
        let containers = lists.iter().flat_map(|key| pod[*key].as_array().into_iter().flatten());
        let names: BTreeSet<&str> = containers.map(|it| text(&it["name"])).collect();
        let place = at("podFailurePolicy.rules");
        let rules = items(&failure["rules"], &place);
        if rules.len() > RULES_MAX {
            causes.push(Cause::too_many(place, rules.len(), RULES_MAX));
        }
        for (at, rule) in rules {
            self::failure(rule, !spec["backoffLimitPerIndex"].is_null(), &names, &at, causes);
        }
    }
    let success = &spec["successPolicy"];
    if success.is_object() && spec["completionMode"] != "Indexed" {
        let shown = shapes::shown("batch.SuccessPolicy", success);
        let detail = "requires indexed completion mode";
        causes.push(Cause::invalid_shown(at("successPolicy"), &shown, detail));
    } else if success.is_object() {
        let place = at("successPolicy.rules");
        let rules = items(&success["rules"], &place);
        if rules.is_empty() {
            let detail = "at least one rules must be specified when the successPolicy is specified";
            causes.push(Cause::required(&place, detail));
        }
        if rules.len() > RULES_MAX {
            causes.push(Cause::too_many(&place, rules.len(), RULES_MAX));
        }
        for (at, rule) in rules {
            self::success(rule, spec["completions"].as_i64().unwrap_or_default(), &at, causes);
        }
    }
    if !spec["podReplacementPolicy"].is_null() {
        let replacement = &spec["podReplacementPolicy"];
        let place = at("podReplacementPolicy");
        if failure.is_object() && *replacement != "Failed" {
            causes.push(Cause::unsupported(place, replacement, &["Failed"]));
        } else {
            one_of(replacement, &["Failed", "TerminatingOrFailed"], &place, causes);
        }
    }
}

/// What the failure of a pod means.
fn failure(rule: &Value, per_index: bool, names: &BTreeSet<&str>, at: &str, causes: &mut Causes) {
    let action = &rule["action"];
    match text(action) {
        "" => {
            let detail = "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]";
            causes.push(Cause::required(format!("{at}.action"), detail));
        }
        "FailIndex" if !per_index => {
            let detail = "requires the backoffLimitPerIndex to be set";
            causes.push(Cause::invalid(format!("{at}.action"), action, detail));
        }
        _ => {
            let allowed = ["Count", "FailIndex", "FailJob", "Ignore"];
            one_of(action, &allowed, &format!("{at}.action"), causes);
        }
    }
    let codes = &rule["onExitCodes"];
    if codes.is_object() {
        exit_codes(codes, names, &format!("{at}.onExitCodes"), causes);
    }
    let place = format!("{at}.onPodConditions");
    let conditions = items(&rule["onPodConditions"], &place);
    if conditions.len() > RULES_MAX {
        causes.push(Cause::too_many(&place, conditions.len(), RULES_MAX));
    }
    for (at, it) in &conditions {
        let kind = text(&it["type"]);
        each(names::qualified_name(kind), &kind.into(), &format!("{at}.type"), causes);
        match text(&it["status"]) {
            "" => {
                let detail = "valid values: [\"False\" \"True\" \"Unknown\"]";
                causes.push(Cause::required(format!("{at}.status"), detail));
            }
            _ => one_of(&it["status"], &["False", "True", "Unknown"], &format!("{at}.status"), causes),
        }
    }
    let detail = match (codes.is_object(), conditions.is_empty()) {
        (true, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    causes.push(Cause::invalid_unshown(at, detail));
}

fn exit_codes(codes: &Value, names: &BTreeSet<&str>, path: &str, causes: &mut Causes) {
    match text(&codes["operator"]) {
        "" => {
            causes.push(Cause::required(format!("{path}.operator"), "valid values: [\"In\" \"NotIn\"]"));
        }
        _ => one_of(&codes["operator"], &["In", "NotIn"], &format!("{path}.operator"), causes),
    }
    if let Some(name) = codes["containerName"].as_str().filter(|it| !names.contains(it)) {
        let detail = "must be one of the container or initContainer names in the pod template";
        causes.push(Cause::invalid(format!("{path}.containerName"), &name.into(), detail));
    }
    let place = format!("{path}.values");
    let values = items(&codes["values"], &place);
    if values.is_empty() {
        causes.push(Cause::invalid(&place, &codes["values"], "at least one value is required"));
    } else if values.len() > CODES_MAX {
        causes.push(Cause::too_many(&place, values.len(), CODES_MAX));
    }
    let mut seen = BTreeSet::new();
    for (at, value) in &values {
        if codes["operator"] == "In" && **value == 0 {
            causes.push(Cause::invalid(at, value, "must not be 0 for the In operator"));
        }
        if !seen.insert(value.as_i64()) {
            causes.push(Cause::duplicate(at, value));
        }
    }
    if !values.is_sorted_by_key(|it| it.1.as_i64()) {
        causes.push(Cause::invalid(place, &codes["values"], "must be ordered"));
    }
}

/// When a Job has done enough.
fn success(rule: &Value, completions: i64, at: &str, causes: &mut Causes) {
    let (indexes, count) = (&rule["succeededIndexes"], &rule["succeededCount"]);
    if indexes.is_null() && count.is_null() {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        causes.push(Cause::required(at, detail));
    }
    let mut named = 0;
    if let Some(list) = indexes.as_str() {
        match indexes_of(list, completions) {
            Ok(it) => named = it,
            Err(why) => {
                let detail = format!("error parsing succeededIndexes: {why}");
                causes.push(Cause::invalid(format!("{at}.succeededIndexes"), indexes, &detail));
            }
        }
    }
    let place = format!("{at}.succeededCount");
    not_negative(count, &place, causes);
    if count.as_i64().is_some_and(|it| it > completions) {
        let detail =
            format!("must be less than or equal to {completions} (the number of specified completions)");
        causes.push(Cause::invalid(&place, count, &detail));
    }
    if !indexes.is_null() && count.as_i64().is_some_and(|it| it > named) {
        let detail = format!(
            "must be less than or equal to {named} (the number of indexes in the specified succeededIndexes field)"
        );
        causes.push(Cause::invalid(place, count, &detail));
    }
}

/// How many indexes a list such as `1,3-5` names (validateIndexesFormat).
fn indexes_of(list: &str, completions: i64) -> Result<i64, String> {
    if list.is_empty() {
        return Ok(0);
    }
    let (mut last, mut total) = (None, 0);
    for interval in list.split(',') {
        let limits: Vec<&str> = interval.split('-').collect();
        if limits.len() > 2 {
            return Err(format!(
                "the fragment {interval:?} violates the requirement that an index interval can have at most two parts separated by '-'"
            ));
        }
        let read = |text: &str, which: &str| {
            text.parse::<i64>().map_err(|_| format!("cannot convert string to integer for {which}: {text:?}"))
        };
        let first = read(limits[0], "index")?;
        if first >= completions {
            return Err(format!("too large index: {:?}", limits[0]));
        }
        if let Some(last) = last
            && last >= first
        {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        let end = match limits.get(1) {
            None => first,
            Some(text) => {
                let end = read(text, "index")?;
                if end >= completions {
                    return Err(format!("too large index: {text:?}"));
                }
                if first >= end {
                    return Err(format!("non-increasing order, previous: {first}, current: {end}"));
                }
                end
            }
        };
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// The kinds of `batch`.
pub(super) fn check(plural: &str, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    if plural == "jobs" {
        let by_hand = spec["manualSelector"] == true;
        let generated = Selected::Generated(crate::object::meta(object, "uid"));
        job(spec, "spec", if by_hand { &Selected::ByHand } else { &generated }, causes);
        if spec["completionMode"] == "Indexed"
            && let Some(last) = spec["completions"].as_i64().filter(|it| *it > 0)
        {
            let name = crate::object::meta(object, "name");
            let host = format!("{name}-{}", last - 1);
            if !names::label(&host).is_empty() {
                let detail = format!("will not able to create pod with invalid DNS label: {host}");
                causes.push(Cause::invalid("metadata.name", &name.into(), &detail));
            }
        }
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
    job(template, "spec.jobTemplate.spec", &Selected::Later, causes);
    not_negative(&spec["successfulJobsHistoryLimit"], "spec.successfulJobsHistoryLimit", causes);
    not_negative(&spec["failedJobsHistoryLimit"], "spec.failedJobsHistoryLimit", causes);
}

fn is_zone(name: &str) -> bool {
    !name.is_empty() && name != "Local" && gyre_go::time::Zone::load(name).is_ok()
}
