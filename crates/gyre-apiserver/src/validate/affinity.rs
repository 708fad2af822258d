//! Where pods may run: affinities, tolerations, spreads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, OPERATOR, each, expression, items, one_of, selector, text};
use crate::failure::Cause;
use crate::names;

fn field(it: &Value, at: &str, causes: &mut Causes) {
    match text(&it["operator"]) {
        "In" | "NotIn" if it["values"].as_array().map_or(0, Vec::len) != 1 => {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            causes.push(Cause::required(format!("{at}.values"), detail));
        }
        "In" | "NotIn" => {}
        other => causes.push(Cause::invalid(format!("{at}.operator"), &other.into(), OPERATOR)),
    }
    if it["key"] != "metadata.name" {
        let key = text(&it["key"]).into();
        causes.push(Cause::invalid(format!("{at}.key"), &key, "not a valid field selector key"));
        return;
    }
    for (at, value) in items(&it["values"], &format!("{at}.values")) {
        each(names::subdomain(text(value)), value, &at, causes);
    }
}

/// A term; preferences may have values that no label can have.
fn term(term: &Value, at: &str, valued: bool, causes: &mut Causes) {
    for (at, it) in items(&term["matchExpressions"], &format!("{at}.matchExpressions")) {
        expression(it, &at, true, valued, causes);
    }
    for (at, it) in items(&term["matchFields"], &format!("{at}.matchFields")) {
        field(it, &at, causes);
    }
}

/// Which nodes are meant.
pub(super) fn node_selector(selector: &Value, path: &str, causes: &mut Causes) {
    let path = format!("{path}.nodeSelectorTerms");
    let terms = items(&selector["nodeSelectorTerms"], &path);
    if terms.is_empty() {
        causes.push(Cause::required(path, "must have at least one node selector term"));
    }
    for (at, it) in terms {
        term(it, &at, true, causes);
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn weight(term: &Value, path: &str, causes: &mut Causes) {
    let value = term["weight"].as_i64().unwrap_or(0);
    if !(1..=100).contains(&value) {
        causes.push(Cause::invalid(format!("{path}.weight"), &value.into(), "must be in the range 1-100"));
    }
}

/// The affinities of a pod.
pub(super) fn check(affinity: &Value, path: &str, causes: &mut Causes) {
    let nodes = &affinity["nodeAffinity"];
    let at = format!("{path}.nodeAffinity");
    if nodes[REQUIRED].is_object() {
        node_selector(&nodes[REQUIRED], &format!("{at}.{REQUIRED}"), causes);
    }
    for (at, it) in items(&nodes[PREFERRED], &format!("{at}.{PREFERRED}")) {
        weight(it, &at, causes);
        term(&it["preference"], &format!("{at}.preference"), false, causes);
    }
    for key in ["podAffinity", "podAntiAffinity"] {
        let at = format!("{path}.{key}");
        for (at, it) in items(&affinity[key][REQUIRED], &format!("{at}.{REQUIRED}")) {
            pod_term(it, &at, causes);
        }
        for (at, it) in items(&affinity[key][PREFERRED], &format!("{at}.{PREFERRED}")) {
            weight(it, &at, causes);
            pod_term(&it["podAffinityTerm"], &format!("{at}.podAffinityTerm"), causes);
        }
    }
}

fn pod_term(term: &Value, path: &str, causes: &mut Causes) {
    selector(&term["labelSelector"], &format!("{path}.labelSelector"), causes);
    selector(&term["namespaceSelector"], &format!("{path}.namespaceSelector"), causes);
    for name in term["namespaces"].as_array().into_iter().flatten() {
        each(names::label(text(name)), name, &format!("{path}.namespace"), causes);
    }
    for key in ["matchLabelKeys", "mismatchLabelKeys"] {
        let at = format!("{path}.{key}");
        let keys = items(&term[key], &at);
        if !keys.is_empty() && !term["labelSelector"].is_object() {
            causes.push(Cause::forbidden(at, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (at, it) in keys {
            each(names::qualified_name(text(it)), it, &at, causes);
        }
    }
    for (at, key) in items(&term["matchLabelKeys"], &format!("{path}.matchLabelKeys")) {
        if term["mismatchLabelKeys"].as_array().is_some_and(|it| it.contains(key)) {
            causes.push(Cause::invalid(at, key, "exists in both matchLabelKeys and mismatchLabelKeys"));
        }
    }
    let (key, at) = (text(&term["topologyKey"]), format!("{path}.topologyKey"));
    if key.is_empty() {
        causes.push(Cause::required(&at, "can not be empty"));
    }
    each(names::qualified_name(key), &key.into(), &at, causes);
}

/// What a pod tolerates.
pub(super) fn toleration(it: &Value, path: &str, causes: &mut Causes) {
    let key = text(&it["key"]);
    if !key.is_empty() {
        each(names::qualified_name(key), &it["key"], &format!("{path}.key"), causes);
    }
    if key.is_empty() && it["operator"] != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(format!("{path}.operator"), &text(&it["operator"]).into(), detail));
    }
    if it["tolerationSeconds"].is_number() && it["effect"] != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        causes.push(Cause::invalid(format!("{path}.effect"), &text(&it["effect"]).into(), detail));
    }
    match text(&it["operator"]) {
        "Equal" | "" => {
            let problems = names::label_value(text(&it["value"]));
            if !problems.is_empty() {
                causes.push(Cause::invalid(format!("{path}.operator"), &it["value"], &problems.join(";")));
            }
        }
        "Exists" if !text(&it["value"]).is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            causes.push(Cause::invalid(format!("{path}.operator"), &it["value"], detail));
        }
        "Exists" => {}
        // compat(kube-apiserver): operators of a feature that is off are told as those of one that is on.
        "Gt" | "Lt" => {
            let allowed = ["Equal", "Exists", "Lt", "Gt"];
            causes.push(Cause::unsupported(format!("{path}.operator"), &it["operator"], &allowed));
        }
        _ => one_of(&it["operator"], &["Equal", "Exists"], &format!("{path}.operator"), causes),
    }
    if !text(&it["effect"]).is_empty() {
        taint_effect(&it["effect"], &format!("{path}.effect"), causes);
    }
}

/// What a taint does.
pub(super) fn taint_effect(effect: &Value, path: &str, causes: &mut Causes) {
    one_of(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], path, causes);
}

/// How pods are spread.
pub(super) fn spread(list: &Value, path: &str, causes: &mut Causes) {
    let all = items(list, path);
    for (index, (at, it)) in all.iter().enumerate() {
        let skew = it["maxSkew"].as_i64().unwrap_or(0);
        if skew <= 0 {
            causes.push(Cause::invalid(format!("{at}.maxSkew"), &skew.into(), "must be greater than zero"));
        }
        if text(&it["topologyKey"]).is_empty() {
            causes.push(Cause::required(format!("{at}.topologyKey"), "can not be empty"));
        }
        let action = &it["whenUnsatisfiable"];
        one_of(action, &["DoNotSchedule", "ScheduleAnyway"], &format!("{at}.whenUnsatisfiable"), causes);
        let pair =
            |it: &Value| format!("{{{}, {}}}", text(&it["topologyKey"]), text(&it["whenUnsatisfiable"]));
        if all[index + 1..].iter().any(|(_, other)| pair(other) == pair(it)) {
            let field = format!("{at}.{{topologyKey, whenUnsatisfiable}}");
            causes.push(Cause::duplicate(field, &pair(it).into()));
        }
        if let Some(least) = it["minDomains"].as_i64() {
            let at = format!("{at}.minDomains");
            if least <= 0 {
                causes.push(Cause::invalid(&at, &least.into(), "must be greater than zero"));
            }
            if *action != "DoNotSchedule" {
                let action = text(action);
                let detail =
                    format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                causes.push(Cause::invalid(&at, &least.into(), &detail));
            }
        }
        for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if !it[key].is_null() {
                one_of(&it[key], &["Honor", "Ignore"], &format!("{at}.{key}"), causes);
            }
        }
        spread_keys(it, &format!("{at}.matchLabelKeys"), causes);
        selector(&it["labelSelector"], &format!("{at}.labelSelector"), causes);
    }
}

fn spread_keys(it: &Value, path: &str, causes: &mut Causes) {
    let (keys, selector) = (items(&it["matchLabelKeys"], path), &it["labelSelector"]);
    if !keys.is_empty() && !selector.is_object() {
        causes.push(Cause::forbidden(path, "must not be specified when labelSelector is not set"));
    }
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let used: BTreeSet<&str> = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .chain(expressions.map(|it| text(&it["key"])))
        .collect();
    for (at, key) in keys {
        each(names::qualified_name(text(key)), key, &at, causes);
        if used.contains(text(key)) {
            causes.push(Cause::invalid(at, key, "exists in both matchLabelKeys and labelSelector"));
        }
    }
}
