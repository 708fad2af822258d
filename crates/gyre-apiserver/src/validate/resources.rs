//! What containers ask for: resources, claims, how they are resized.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, one_of, text};
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// Resources without a prefix that Kubernetes knows at all.
const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "requests.storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const OF_CONTAINERS: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// Resources that are counted in whole objects.
const WHOLE: [&str; 9] = [
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

/// Whether quotas know a resource.
pub(super) fn is_of_quotas(name: &str) -> bool {
    STANDARD.contains(&name) && name != "storage" || is_pages(name) || name.starts_with("requests.hugepages-")
}

fn is_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// The name of any resource. Says whether it is well formed.
pub(super) fn name(name: &str, path: &str, causes: &mut Causes) -> bool {
    let value = name.into();
    let before = causes.len();
    each(names::qualified_name(name), &value, path, causes);
    if causes.len() > before {
        return false;
    }
    let known = STANDARD.contains(&name) || is_pages(name) || name.starts_with("requests.hugepages-");
    if !name.contains('/') && !known {
        causes.push(Cause::invalid(path, &value, "must be a standard resource type or fully qualified"));
    }
    true
}

/// The name of a resource of a container.
pub(super) fn of_container(name: &str, path: &str, causes: &mut Causes) {
    if !self::name(name, path, causes) {
        return;
    }
    let value = name.into();
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    if !name.contains('/') && !OF_CONTAINERS.contains(&name) && !is_pages(name) {
        causes.push(Cause::invalid(path, &value, "must be a standard resource for containers"));
    } else if name.contains('/') && !native && name.starts_with("requests.") {
        causes.push(Cause::invalid(path, &value, "doesn't follow extended resource name standard"));
    }
}

/// An amount: not negative, and whole where it counts.
pub(super) fn amount(name: &str, value: &Value, path: &str, causes: &mut Causes) {
    let Some(quantity) = Quantity::of(value) else { return };
    if quantity.sign() < 0 {
        causes.push(Cause::invalid(path, value, "must be greater than or equal to 0"));
    }
    let extended = name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.");
    let whole = WHOLE.contains(&name) || name.starts_with("count/") || extended;
    if whole && !quantity.is_whole() {
        causes.push(Cause::invalid(path, value, "must be an integer"));
    }
}

/// Whether more may be promised than there is.
pub(super) fn is_overcommitted(name: &str) -> bool {
    (!name.contains('/') || name.contains("kubernetes.io/")) && !is_pages(name)
}

/// Whether an amount of pages is a number of them.
fn is_divisible(name: &str, quantity: Quantity) -> bool {
    let page = name.strip_prefix("hugepages-").and_then(|it| Quantity::read(it).ok());
    let Some(page) = page.filter(|it| it.sign() > 0) else { return false };
    let (size, amount) = (page.millis() / 1000, quantity.millis() / 1000);
    quantity.sign() > 0 && size > 0 && amount % size == 0
}

/// What a container asks for.
pub(super) fn check(
    it: &Value,
    claims: &BTreeSet<&str>,
    path: &str,
    warnings: &mut Vec<String>,
    causes: &mut Causes,
) {
    for key in ["limits", "requests"] {
        for (name, value) in it[key].as_object().into_iter().flatten() {
            let at = format!("{path}.{key}[{name}]");
            of_container(name, &at, causes);
            amount(name, value, &at, causes);
            let Some(quantity) = Quantity::of(value) else { continue };
            if matches!(name.as_str(), "memory" | "ephemeral-storage") && quantity.millis() % 1000 != 0 {
                let shown = crate::failure::shown(value);
                warnings.push(format!("{at}: fractional byte value {shown} is invalid, must be an integer"));
            }
            if key == "requests" {
                request(name, value, quantity, it, path, causes);
            }
            if is_pages(name) && !is_divisible(name, quantity) {
                let detail = format!("{} is not positive integer multiple of {name}", text(value));
                causes.push(Cause::invalid(&at, value, &detail));
            }
        }
    }
    let has = |wanted: &dyn Fn(&str) -> bool| {
        ["limits", "requests"]
            .iter()
            .any(|key| it[*key].as_object().is_some_and(|it| it.keys().any(|name| wanted(name))))
    };
    if has(&is_pages) && !has(&|name| matches!(name, "cpu" | "memory")) {
        causes.push(Cause::forbidden(path, "HugePages require cpu or memory"));
    }
    names_of_claims(&it["claims"], claims, &format!("{path}.claims"), causes);
}

/// A request fits its limit.
fn request(name: &str, value: &Value, wanted: Quantity, it: &Value, path: &str, causes: &mut Causes) {
    let limit = &it["limits"][name];
    let Some(most) = Quantity::of(limit) else {
        if !is_overcommitted(name) {
            let detail = "Limit must be set for non overcommitable resources";
            causes.push(Cause::required(format!("{path}.limits"), detail));
        }
        return;
    };
    let order = wanted.partial_cmp(&most);
    if !is_overcommitted(name) && order != Some(Ordering::Equal) {
        let detail = format!("must be equal to {name} limit of {}", text(limit));
        causes.push(Cause::invalid(format!("{path}.requests"), value, &detail));
    } else if order == Some(Ordering::Greater) {
        let detail = format!("must be less than or equal to {name} limit of {}", text(limit));
        causes.push(Cause::invalid(format!("{path}.requests"), value, &detail));
    }
}

fn names_of_claims(list: &Value, known: &BTreeSet<&str>, path: &str, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(list, path) {
        let name = text(&it["name"]);
        if name.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        let request = text(&it["request"]);
        let key = if request.is_empty() { name.to_owned() } else { format!("{name}/{request}") };
        if seen.contains(name) || !seen.insert(key.clone()) {
            causes.push(Cause::duplicate(at.as_str(), &key.into()));
        }
        if !known.contains(name) {
            let names: Vec<&str> = known.iter().copied().collect();
            let rest = if names.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", names.join(", "))
            };
            let mut cause = Cause::not_found(at, &name.into());
            cause.message += ": must be one of the names in pod.spec.resourceClaims";
            cause.message += &rest;
            causes.push(cause);
        }
    }
}

/// How a container is resized.
pub(super) fn resizing(list: &Value, spec: &Value, path: &str, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(list, path) {
        let name = text(&it["resourceName"]);
        if !seen.insert(name) {
            causes.push(Cause::duplicate(at, &name.into()));
        }
        for (key, allowed) in
            [("resourceName", ["cpu", "memory"]), ("restartPolicy", ["NotRequired", "RestartContainer"])]
        {
            match text(&it[key]) {
                "" => causes.push(Cause::required(path, "")),
                _ => one_of(&it[key], &allowed, path, causes),
            }
        }
        if spec["restartPolicy"] == "Never" && it["restartPolicy"] != "NotRequired" {
            let detail = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            causes.push(Cause::invalid(path, &it["restartPolicy"], detail));
        }
    }
}
