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
const WHOLE: &[&str] = STANDARD.split_at(11).1;

/// The entries of a list of resources.
fn sorted(list: &Value) -> Vec<(&str, &Value)> {
    list.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

/// Whether quotas know a resource.
pub(super) fn is_of_quotas(name: &str) -> bool {
    STANDARD.contains(&name) && name != "storage" || is_pages(name) || name.starts_with("requests.hugepages-")
}

fn is_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// The name of any resource.
pub(super) fn name(name: &str, path: &str, causes: &mut Causes) {
    let value = name.into();
    let before = causes.len();
    each(names::qualified_name(name), &value, path, causes);
    if causes.len() > before {
        return;
    }
    let known = STANDARD.contains(&name) || is_pages(name) || name.starts_with("requests.hugepages-");
    if !name.contains('/') && !known {
        causes.push(Cause::invalid(path, &value, "must be a standard resource type or fully qualified"));
    }
}

/// The name of a resource of a container.
pub(super) fn of_container(name: &str, path: &str, causes: &mut Causes) {
    self::name(name, path, causes);
    let value = name.into();
    let extended =
        || !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty();
    if !name.contains('/') && !OF_CONTAINERS.contains(&name) && !is_pages(name) {
        causes.push(Cause::invalid(path, &value, "must be a standard resource for containers"));
    } else if name.contains('/') && !name.contains("kubernetes.io/") && !extended() {
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
pub(super) fn check(it: &Value, claims: &BTreeSet<&str>, path: &str, causes: &mut Causes) {
    requirements(it, of_container, claims, path, causes);
}

/// What a pod asks for as a whole.
pub(super) fn of_pod(spec: &Value, claims: &BTreeSet<&str>, path: &str, causes: &mut Causes) {
    let it = &spec["resources"];
    if !it.is_object() {
        return;
    }
    if spec["os"]["name"] == "windows" {
        causes.push(Cause::forbidden(path, "may not be set for a windows pod"));
        return;
    }
    if !it["claims"].is_null() {
        let detail = "claims may not be set for Resources at pod-level";
        causes.push(Cause::forbidden(format!("{path}.claims"), detail));
    }
    let check = |name: &str, path: &str, causes: &mut Causes| {
        let before = causes.len();
        self::name(name, path, causes);
        if causes.len() == before && !matches!(name, "cpu" | "memory") && !is_pages(name) {
            causes.push(Cause::unsupported(path, &name.into(), &["cpu", "hugepages-", "memory"]));
        }
    };
    requirements(it, check, claims, path, causes);
}

/// Limits, requests and claims; `check` says which resources there may be.
fn requirements(
    it: &Value,
    check: impl Fn(&str, &str, &mut Causes),
    claims: &BTreeSet<&str>,
    path: &str,
    causes: &mut Causes,
) {
    for key in ["limits", "requests"] {
        for (name, value) in sorted(&it[key]) {
            let at = format!("{path}.{key}[{name}]");
            check(name, &at, causes);
            amount(name, value, &at, causes);
            let Some(quantity) = Quantity::of(value) else { continue };
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
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            causes.push(Cause::invalid(path, &it["restartPolicy"], detail));
        }
    }
}
