//! Limits of a namespace (`pkg/apis/core/validation`, ValidateLimitRange).

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, text};
use super::resources;
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// Limits of a namespace.
pub(super) fn check(spec: &Value, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, limit) in items(&spec["limits"], "spec.limits") {
        let kind = text(&limit["type"]);
        let problems = names::qualified_name(kind);
        let known = kind.contains('/') || matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim");
        if problems.is_empty() && !known {
            let detail = "must be a standard limit type or fully qualified";
            causes.push(Cause::invalid(format!("{at}.type"), &kind.into(), detail));
        }
        each(problems, &kind.into(), &format!("{at}.type"), causes);
        if !seen.insert(kind) {
            causes.push(Cause::duplicate(format!("{at}.type"), &kind.into()));
        }
        limit_names(limit, kind, &at, causes);
        amounts(limit, &at, causes);
    }
}

/// How the amounts of a limit stand to each other.
fn amounts(limit: &Value, at: &str, causes: &mut Causes) {
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
        ratio(limit, key, at, causes);
        let (most, least) = (quantity("default"), quantity("defaultRequest"));
        if !resources::is_overcommitted(key) && most.is_some() && least.is_some() && most != least {
            let why = format!(
                "default value {} must equal to defaultRequest value {} in {key}",
                text(value("default")),
                text(value("defaultRequest"))
            );
            causes.push(Cause::invalid(format!("{at}.defaultRequest[{key}]"), value("defaultRequest"), &why));
        }
    }
}

/// Which resources and which parts a limit of a type may have.
fn limit_names(limit: &Value, kind: &str, at: &str, causes: &mut Causes) {
    let whole = kind == "Pod";
    for part in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        let names = limit[part].as_object().filter(|it| !it.is_empty());
        if whole && part.starts_with("default") {
            if names.is_some() {
                let detail = "may not be specified when `type` is 'Pod'";
                causes.push(Cause::forbidden(format!("{at}.{part}"), detail));
            }
            continue;
        }
        let storage = |part: &str| !limit[part]["storage"].is_null();
        let claim = kind == "PersistentVolumeClaim";
        if claim && part == "maxLimitRequestRatio" && !storage("min") && !storage("max") {
            let detail = "either minimum or maximum storage value is required, but neither was provided";
            causes.push(Cause::required(format!("{at}.limits"), detail));
        }
        for (name, _) in names.into_iter().flatten() {
            let at = format!("{at}.{part}[{name}]");
            if matches!(kind, "Pod" | "Container") {
                resources::of_container(name, &at, causes);
            } else {
                resources::name(name, &at, causes);
            }
        }
    }
}

/// How much larger a limit may be than its request.
fn ratio(limit: &Value, key: &str, at: &str, causes: &mut Causes) {
    let value = |part: &str| &limit[part][key];
    let Some(ratio) = Quantity::of(value("maxLimitRequestRatio")) else { return };
    let (shown, at) = (value("maxLimitRequestRatio"), format!("{at}.maxLimitRequestRatio[{key}]"));
    if ratio < Quantity::from_whole(1) {
        causes.push(Cause::invalid(&at, shown, &format!("ratio {} is less than 1", text(shown))));
    }
    if let (Some(min), Some(max)) = (Quantity::of(value("min")), Quantity::of(value("max"))) {
        let most = max.millis() as f64 / min.millis() as f64;
        if ratio.millis() as f64 / 1000.0 > most {
            let detail = format!("ratio {} is greater than max/min = {most:.6}", text(shown));
            causes.push(Cause::invalid(at, shown, &detail));
        }
    }
}
