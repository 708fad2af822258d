//! Classes that others name, or that are the default where none is named: of priority, runtime, storage and ingress
//! (`plugin/pkg/admission` of Kubernetes: priority, runtimeclass, storage, network).

use std::cmp::Ordering;

use gyre_go::quantity::Quantity;
use serde_json::{Value, json};

use super::forbidden;
use crate::api::{Api, Place};
use crate::failure::Result;
use crate::object;

const PRIORITIES: &str = "priorityclasses.scheduling.k8s.io";
const RUNTIMES: &str = "runtimeclasses.node.k8s.io";
const STORAGES: &str = "storageclasses.storage.k8s.io";
const INGRESSES: &str = "ingressclasses.networking.k8s.io";

fn named(api: &Api, shelf: &str, name: &str) -> Option<Value> {
    api.store.find(shelf, name).map(|entry| object::decode(&entry.bytes))
}

fn all(api: &Api, shelf: &str) -> impl Iterator<Item = Value> {
    api.store.list(shelf, "").1.into_iter().map(|entry| object::decode(&entry.bytes))
}

/// A pod's priority by its class, or by the class that is the default of all.
pub(super) fn priority(api: &Api, place: &Place, object: &mut Value) -> Result<()> {
    let name = object["spec"]["priorityClassName"].as_str().unwrap_or_default();
    let class = if name.is_empty() {
        default_priority(api)
    } else {
        let missing = || forbidden(place, object, &format!("no PriorityClass with name {name} was found"));
        Some(named(api, PRIORITIES, name).ok_or_else(missing)?)
    };
    let mut computed = json!({"priority": 0, "preemptionPolicy": "PreemptLowerPriority"});
    if let Some(class) = class {
        computed["priorityClassName"] = object::meta(&class, "name").into();
        computed["priority"] = class["value"].as_i64().unwrap_or_default().into();
        if let Some(policy) = class.get("preemptionPolicy") {
            computed["preemptionPolicy"] = policy.clone();
        }
    }
    for (key, called) in
        [("priority", "integer value of priority"), ("preemptionPolicy", "string value of PreemptionPolicy")]
    {
        let given = &object["spec"][key];
        if !given.is_null() && *given != computed[key] {
            let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let why = format!(
                "the {called} ({}) must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name",
                shown(given),
                shown(&computed[key])
            );
            return Err(forbidden(place, object, &why));
        }
    }
    for key in ["priorityClassName", "priority", "preemptionPolicy"] {
        if let Some(value) = computed.get(key) {
            object["spec"][key] = value.clone();
        }
    }
    Ok(())
}

/// Of several the lowest counts.
fn default_priority(api: &Api) -> Option<Value> {
    all(api, PRIORITIES).filter(|it| it["globalDefault"] == true).min_by_key(|it| it["value"].as_i64())
}

/// There is one default.
pub(super) fn only_default_priority(api: &Api, place: &Place, object: &Value) -> Result<()> {
    if object["globalDefault"] != true {
        return Ok(());
    }
    match default_priority(api) {
        Some(held) if object::meta(&held, "name") != object::meta(object, "name") => {
            let held = object::meta(&held, "name");
            let why =
                format!("PriorityClass {held} is already marked as default. Only one default can exist");
            Err(forbidden(place, object, &why))
        }
        _ => Ok(()),
    }
}

fn runtime_class(api: &Api, place: &Place, object: &Value) -> Result<Value> {
    let Some(name) = object["spec"]["runtimeClassName"].as_str() else { return Ok(Value::Null) };
    let missing = || forbidden(place, object, &format!("pod rejected: RuntimeClass {name:?} not found"));
    named(api, RUNTIMES, name).ok_or_else(missing)
}

fn has_overhead(pod: &Value) -> bool {
    pod["spec"]["overhead"].as_object().is_some_and(|it| !it.is_empty())
}

/// A pod says no overhead itself.
pub(super) fn overhead(api: &Api, place: &Place, object: &Value) -> Result<()> {
    if has_overhead(object) && runtime_class(api, place, object)?["overhead"].is_null() {
        let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        return Err(forbidden(place, object, why));
    }
    Ok(())
}

/// What a pod's runtime class adds to it.
pub(super) fn runtime(api: &Api, place: &Place, object: &mut Value) -> Result<()> {
    let class = runtime_class(api, place, object)?;
    let overhead = &class["overhead"]["podFixed"];
    if !class["overhead"].is_null() {
        if has_overhead(object) && !same_quantities(overhead, &object["spec"]["overhead"]) {
            let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
            return Err(forbidden(place, object, why));
        }
        if !overhead.is_null() {
            object["spec"]["overhead"] = overhead.clone();
        }
    }
    let scheduling = &class["scheduling"];
    for (key, wanted) in scheduling["nodeSelector"].as_object().into_iter().flatten() {
        let held = &object["spec"]["nodeSelector"][key];
        if !held.is_null() && held != wanted {
            let [wanted, held] = [wanted, held].map(|it| it.as_str().unwrap_or_default());
            let why = format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {held}"
            );
            return Err(forbidden(place, object, &why));
        }
        object["spec"]["nodeSelector"][key] = wanted.clone();
    }
    if let Some(more) = scheduling["tolerations"].as_array() {
        let own = object["spec"]["tolerations"].as_array().map(Vec::as_slice).unwrap_or_default();
        object["spec"]["tolerations"] = merged(own, more).into();
    }
    Ok(())
}

fn same_quantities(one: &Value, other: &Value) -> bool {
    let read = |value: &Value| Quantity::parse(value.as_str().unwrap_or_default());
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return false };
    one.len() == other.len()
        && one.iter().all(|(key, value)| {
            other
                .get(key)
                .is_some_and(|it| it == value || read(it).partial_cmp(&read(value)) == Some(Ordering::Equal))
        })
}

/// Tolerations of both; of two that say the same, or of which one says more, one stays (`pkg/util/tolerations`).
fn merged(first: &[Value], second: &[Value]) -> Vec<Value> {
    let all: Vec<&Value> = first.iter().chain(second).collect();
    let mut merged: Vec<Value> = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let said = merged.iter().any(|it| covers(it, one))
            || all[at + 1..].iter().any(|it| it != one && covers(it, one));
        if !said {
            merged.push((*one).clone());
        }
    }
    merged
}

/// Does one toleration tolerate all that the other does?
fn covers(one: &Value, other: &Value) -> bool {
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let differs = |key: &str| text(one, key) != text(other, key);
    let exists = text(one, "operator") == "Exists";
    if one == other {
        return true;
    }
    if differs("key") && !(text(one, "key").is_empty() && exists) {
        return false;
    }
    if differs("effect") && !text(one, "effect").is_empty() {
        return false;
    }
    if text(one, "effect") == "NoExecute"
        && let Some(longest) = one["tolerationSeconds"].as_i64()
        && other["tolerationSeconds"].as_i64().is_none_or(|seconds| seconds > longest)
    {
        return false;
    }
    match &*text(one, "operator") {
        "" | "Equal" => text(other, "operator") == "Equal" && !differs("value"),
        _ => exists,
    }
}

/// The newest class with this annotation; of those of one second the first by name.
fn default_class(api: &Api, shelf: &str, annotations: &[&str]) -> Option<Value> {
    let is_default = |class: &Value| {
        annotations.iter().any(|annotation| class["metadata"]["annotations"][*annotation] == "true")
    };
    all(api, shelf).filter(is_default).min_by(|one, other| {
        let created = |it: &Value| object::meta(it, "creationTimestamp").to_owned();
        let name = |it: &Value| object::meta(it, "name").to_owned();
        created(other).cmp(&created(one)).then_with(|| name(one).cmp(&name(other)))
    })
}

/// The default storage class of a claim that names none.
pub(super) fn storage(api: &Api, claim: &mut Value) {
    let given = &claim["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    if !claim["spec"]["storageClassName"].is_null() || !given.is_null() {
        return;
    }
    let annotations =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    if let Some(class) = default_class(api, STORAGES, &annotations) {
        claim["spec"]["storageClassName"] = object::meta(&class, "name").into();
    }
}

/// The default class of an Ingress that names none.
pub(super) fn ingress(api: &Api, ingress: &mut Value) {
    let given = &ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"];
    if !ingress["spec"]["ingressClassName"].is_null() || !given.is_null() {
        return;
    }
    if let Some(class) = default_class(api, INGRESSES, &["ingressclass.kubernetes.io/is-default-class"]) {
        ingress["spec"]["ingressClassName"] = object::meta(&class, "name").into();
    }
}

/// Claims grow where their class lets them.
pub(super) fn growth(api: &Api, place: &Place, claim: &Value, old: &Value) -> Result<()> {
    let size = |it: &Value| {
        Quantity::parse(it["spec"]["resources"]["requests"]["storage"].as_str().unwrap_or_default())
    };
    let (Some(new), Some(held)) = (size(claim), size(old)) else { return Ok(()) };
    if new <= held {
        return Ok(());
    }
    if old["status"]["phase"] != "Bound" {
        return Err(place.forbidden("Only bound persistent volume claims can be expanded"));
    }
    let class = |it: &Value| it["spec"]["storageClassName"].as_str().unwrap_or_default().to_owned();
    let grows = class(claim) == class(old)
        && named(api, STORAGES, &class(claim)).is_some_and(|it| it["allowVolumeExpansion"] == true);
    if grows {
        return Ok(());
    }
    Err(place.forbidden(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support \
         resize",
    ))
}
