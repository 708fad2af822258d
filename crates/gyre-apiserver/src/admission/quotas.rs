//! ResourceQuotas: what an object uses, and whether a namespace has room for it (`pkg/quota/v1`).

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::api::{Api, Place};
use crate::failure::Result;
use crate::object;
use crate::quantity::Quantity;
use crate::registry::Kind;

/// How much of each resource.
pub(crate) type Usage = BTreeMap<String, Quantity>;

const SHELF: &str = "resourcequotas";
/// Resources of containers that count without a prefix, and as requests.
const PLAIN: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// Kinds of the first group that count under their own name.
const COUNTED: [&str; 7] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

fn add(usage: &mut Usage, name: impl Into<String>, more: Quantity) {
    usage.entry(name.into()).and_modify(|it| *it = it.plus(more)).or_insert(more);
}

/// What an object uses.
pub(crate) fn usage(kind: &Kind, object: &Value) -> Usage {
    let mut out = Usage::new();
    let one = Quantity::from_whole(1);
    if kind.is("", "pods") {
        // compat(kube-apiserver): a finished pod counts as an object only.
        add(&mut out, "count/pods", one);
        if matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            return out;
        }
        add(&mut out, "pods", one);
        compute(object, &mut out);
        return out;
    }
    add(&mut out, format!("count/{}", crate::failure::qualified(&kind.group, &kind.plural)), one);
    if kind.group.is_empty() && COUNTED.contains(&kind.plural.as_str()) {
        add(&mut out, kind.plural.clone(), one);
    }
    if kind.is("", "persistentvolumeclaims")
        && let Some(size) = Quantity::of(&object["spec"]["resources"]["requests"]["storage"])
    {
        add(&mut out, "requests.storage", size);
        if let Some(class) = object["spec"]["storageClassName"].as_str() {
            let prefix = format!("{class}.storageclass.storage.k8s.io");
            add(&mut out, format!("{prefix}/requests.storage"), size);
            add(&mut out, format!("{prefix}/persistentvolumeclaims"), one);
        }
    }
    if kind.is("", "services") {
        let ports = object["spec"]["ports"].as_array().map_or(0, Vec::len) as i64;
        let (balanced, opened) = match object["spec"]["type"].as_str() {
            Some("LoadBalancer") => (1, ports),
            Some("NodePort") => (0, ports),
            _ => (0, 0),
        };
        add(&mut out, "services.loadbalancers", Quantity::from_whole(balanced));
        add(&mut out, "services.nodeports", Quantity::from_whole(opened));
    }
    out
}

/// What the containers of a pod ask for: those that run together, or the largest one before them.
fn compute(pod: &Value, out: &mut Usage) {
    for (list, prefix) in [("requests", "requests."), ("limits", "limits.")] {
        let mut total = Usage::new();
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            for (name, value) in container["resources"][list].as_object().into_iter().flatten() {
                if let Some(value) = Quantity::of(value) {
                    add(&mut total, name.as_str(), value);
                }
            }
        }
        for container in pod["spec"]["initContainers"].as_array().into_iter().flatten() {
            for (name, value) in container["resources"][list].as_object().into_iter().flatten() {
                let Some(value) = Quantity::of(value) else { continue };
                let held = total.entry(name.clone()).or_insert(value);
                if value > *held {
                    *held = value;
                }
            }
        }
        for (name, value) in total {
            if list == "requests" && PLAIN.contains(&name.as_str()) {
                add(out, name.as_str(), value);
            }
            add(out, format!("{prefix}{name}"), value);
        }
    }
}

/// Whether a quota is about an object at all.
fn in_scope(quota: &Value, kind: &Kind, object: &Value) -> bool {
    let plain = quota["spec"]["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut demands: Vec<(String, String, Vec<String>)> =
        plain.map(|scope| (scope.to_owned(), "Exists".to_owned(), Vec::new())).collect();
    for it in quota["spec"]["scopeSelector"]["matchExpressions"].as_array().into_iter().flatten() {
        let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
        let values = it["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into);
        demands.push((text("scopeName"), text("operator"), values.collect()));
    }
    if demands.is_empty() {
        return true;
    }
    if !kind.is("", "pods") {
        return false;
    }
    let spec = &object["spec"];
    let terminating = spec["activeDeadlineSeconds"].as_i64().is_some_and(|it| it >= 0);
    let containers = ["containers", "initContainers"];
    let best_effort = !containers
        .iter()
        .flat_map(|key| spec[*key].as_array().into_iter().flatten())
        .flat_map(|it| [&it["resources"]["requests"], &it["resources"]["limits"]])
        .any(|it| it.as_object().is_some_and(|it| !it.is_empty()));
    let class = spec["priorityClassName"].as_str().unwrap_or_default();
    demands.iter().all(|(scope, operator, values)| match scope.as_str() {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => match operator.as_str() {
            "In" => values.iter().any(|it| it == class),
            "NotIn" => !values.iter().any(|it| it == class),
            "DoesNotExist" => class.is_empty(),
            _ => !class.is_empty(),
        },
        _ => false,
    })
}

/// What of a quota's resources a namespace uses.
pub(crate) fn used(api: &Api, quota: &Value, hard: &Map<String, Value>) -> Usage {
    let ns = object::meta(quota, "namespace");
    let mut total: Usage = hard.keys().map(|name| (name.clone(), Quantity::from_whole(0))).collect();
    for kind in &api.registry().kinds {
        let counts = |name: &String| {
            let counted = name.strip_prefix("count/");
            counted.is_some_and(|it| it == crate::failure::qualified(&kind.group, &kind.plural))
                || kind.group.is_empty() && counted.is_none()
        };
        if !kind.namespaced || kind.is("events.k8s.io", "events") || !hard.keys().any(counts) {
            continue;
        }
        for entry in api.store.list(&kind.shelf, &format!("{ns}/")).1 {
            let object = object::decode(&entry.bytes);
            if !in_scope(quota, kind, &object) {
                continue;
            }
            for (name, value) in usage(kind, &object) {
                if let Some(held) = total.get_mut(&name) {
                    // The sum is written as the first quantity that is not zero.
                    *held = if held.sign() == 0 { value } else { held.plus(value) };
                }
            }
        }
    }
    total
}

/// Refuses an object that a quota of its namespace has no room for. While the guard is held nothing else is admitted.
pub(crate) fn charge<'a>(
    api: &'a Api,
    place: &Place,
    object: &Value,
    old: Option<&Value>,
) -> Result<Option<MutexGuard<'a, ()>>> {
    // A pod asks for the same as long as it lasts.
    let settled = old.is_some() && place.kind.is("", "pods");
    if !place.kind.namespaced || !place.subresource.is_empty() || settled {
        return Ok(None);
    }
    let (_, quotas) = api.store.list(SHELF, &place.prefix());
    if quotas.is_empty() || place.kind.is("", "events") || place.kind.group == "events.k8s.io" {
        return Ok(None);
    }
    let guard = api.quotas.lock().unwrap_or_else(PoisonError::into_inner);
    let mut wanted = usage(&place.kind, object);
    let before = old.map(|it| usage(&place.kind, it)).unwrap_or_default();
    for (name, held) in before {
        if let Some(value) = wanted.get_mut(&name) {
            *value = value.minus(held);
        }
    }
    wanted.retain(|_, more| more.sign() > 0);
    for entry in quotas {
        let quota = object::decode(&entry.bytes);
        if in_scope(&quota, &place.kind, object)
            && let Some(why) = refusal(api, place, &quota, object, &wanted)
        {
            return Err(super::forbidden(place, object, &why));
        }
    }
    Ok(Some(guard))
}

/// Why a quota has no room for what is wanted.
fn refusal(api: &Api, place: &Place, quota: &Value, object: &Value, wanted: &Usage) -> Option<String> {
    let name = object::meta(quota, "name");
    // compat(kube-apiserver): a quota counts once its controller has taken it up.
    let hard = quota["status"]["hard"].as_object()?;
    if place.kind.is("", "pods") {
        let missing = unspecified(hard, object);
        if !missing.is_empty() {
            return Some(format!("failed quota: {name}: must specify {}", missing.join("; ")));
        }
    }
    let concerned: Vec<&String> = hard.keys().filter(|key| wanted.contains_key(*key)).collect();
    if concerned.is_empty() {
        return None;
    }
    if concerned.iter().any(|key| quota["status"]["used"].get(key.as_str()).is_none()) {
        let names: Vec<&str> = concerned.iter().map(|it| it.as_str()).collect();
        return Some(format!("status unknown for quota: {name}, resources: {}", names.join(",")));
    }
    let used = used(api, quota, hard);
    let [mut requested, mut taken, mut limited] = [Vec::new(), Vec::new(), Vec::new()];
    for key in concerned {
        let (Some(more), Some(held), Some(most)) = (wanted.get(key), used.get(key), Quantity::of(&hard[key]))
        else {
            continue;
        };
        if held.plus(*more) > most {
            requested.push(format!("{key}={}", more.text()));
            taken.push(format!("{key}={}", held.text()));
            limited.push(format!("{key}={}", most.text()));
        }
    }
    (!requested.is_empty()).then(|| {
        format!(
            "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
            requested.join(","),
            taken.join(","),
            limited.join(",")
        )
    })
}

/// Resources that a quota limits, and the containers that do not say how much they want of them.
fn unspecified(hard: &Map<String, Value>, pod: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for name in hard.keys() {
        let (list, resource) = match name.split_once('.') {
            Some((list @ ("requests" | "limits"), resource)) => (list, resource),
            _ => ("requests", name.as_str()),
        };
        if !PLAIN[..2].contains(&resource) {
            continue;
        }
        let containers = ["containers", "initContainers"];
        let silent: Vec<&str> = containers
            .iter()
            .flat_map(|key| pod["spec"][*key].as_array().into_iter().flatten())
            .filter(|it| it["resources"][list].get(resource).is_none())
            .filter_map(|it| it["name"].as_str())
            .collect();
        if !silent.is_empty() {
            out.push(format!("{name} for: {}", silent.join(",")));
        }
    }
    out
}
