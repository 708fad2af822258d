//! Volumes of pods, persistent volumes, claims and storage classes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Causes, each, items, one_of, selector, text};
use super::sources;
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// The volumes of a pod. The valid ones come back by name, for what mounts them.
pub(super) fn list<'a>(
    list: &'a Value,
    owner: &str,
    path: &str,
    causes: &mut Causes,
) -> BTreeMap<&'a str, &'a Value> {
    let mut valid = BTreeMap::new();
    for (at, it) in items(list, path) {
        let name = text(&it["name"]);
        let before = causes.len();
        sources::of_pod(it, &at, causes);
        if it["ephemeral"].is_object() && !owner.is_empty() && !name.is_empty() {
            let made = format!("{owner}-{name}");
            for why in names::subdomain(&made) {
                let why = format!("PVC name {made:?}: {why}");
                causes.push(Cause::invalid(format!("{at}.name"), &it["name"], &why));
            }
        }
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else {
            each(names::label(name), &it["name"], &format!("{at}.name"), causes);
        }
        if valid.contains_key(name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
        }
        if causes.len() == before {
            valid.insert(name, it);
        }
    }
    valid
}

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn modes(list: &Value, path: &str, causes: &mut Causes) {
    let given: Vec<&str> = list.as_array().into_iter().flatten().map(text).collect();
    for mode in &given {
        one_of(&(*mode).into(), &MODES, path, causes);
    }
    let other = |it: &&str| MODES.contains(it) && *it != "ReadWriteOncePod";
    if given.contains(&"ReadWriteOncePod") && given.iter().any(other) {
        causes.push(Cause::forbidden(path, "may not use ReadWriteOncePod with other access modes"));
    }
}

/// How much a driver can still give.
pub(super) fn capacity(object: &Value, causes: &mut Causes) {
    selector(&object["nodeTopology"], "nodeTopology", causes);
    let class = text(&object["storageClassName"]);
    each(names::subdomain(class), &class.into(), "storageClassName", causes);
    if Quantity::of(&object["capacity"]).is_some_and(|it| it.sign() < 0) {
        causes.push(Cause::invalid("capacity", &object["capacity"], "must be greater than or equal to 0"));
    }
}

/// A persistent volume.
pub(super) fn persistent_volume(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    if spec["accessModes"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required("spec.accessModes", ""));
    }
    modes(&spec["accessModes"], "spec.accessModes", causes);
    match spec["capacity"].as_object().filter(|it| !it.is_empty()) {
        None => {
            causes.push(Cause::required("spec.capacity", ""));
            causes.push(Cause::unsupported("spec.capacity", &spec["capacity"], &["storage"]));
        }
        Some(capacity) => {
            if !capacity.contains_key("storage") || capacity.len() > 1 {
                causes.push(Cause::unsupported("spec.capacity", &spec["capacity"], &["storage"]));
            }
            for (name, value) in capacity {
                if Quantity::of(value).is_some_and(|it| it.sign() <= 0) {
                    let at = format!("spec.capacity[{name}]");
                    causes.push(Cause::invalid(at, value, "must be greater than zero"));
                }
            }
        }
    }
    let policies = ["Delete", "Recycle", "Retain"];
    one_of(&spec["persistentVolumeReclaimPolicy"], &policies, "spec.persistentVolumeReclaimPolicy", causes);
    let affinity = &spec["nodeAffinity"];
    if affinity["required"].is_object() {
        super::affinity::node_selector(&affinity["required"], "spec.nodeAffinity.required", causes);
    } else if affinity.is_object() {
        let detail = "must specify required node constraints";
        causes.push(Cause::required("spec.nodeAffinity.required", detail));
    }
    sources::persistent(spec, "spec", causes);
    if spec["local"].is_object() && !affinity.is_object() {
        causes.push(Cause::required("spec.nodeAffinity", "Local volume requires node affinity"));
    }
    let root = text(&spec["hostPath"]["path"]).split('/').all(|it| matches!(it, "" | "."));
    if spec["hostPath"].is_object() && root && spec["persistentVolumeReclaimPolicy"] == "Recycle" {
        let detail = "may not be 'recycle' for a hostPath mount of '/'";
        causes.push(Cause::forbidden("spec.persistentVolumeReclaimPolicy", detail));
    }
    class(&spec["storageClassName"], "spec.storageClassName", causes);
    if !spec["volumeMode"].is_null() {
        one_of(&spec["volumeMode"], &["Block", "Filesystem"], "spec.volumeMode", causes);
    }
}

fn class(name: &Value, path: &str, causes: &mut Causes) {
    if !text(name).is_empty() {
        each(names::subdomain(text(name)), name, path, causes);
    }
}

/// The spec of a claim.
pub(super) fn claim(spec: &Value, path: &str, causes: &mut Causes) {
    if spec["accessModes"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required(format!("{path}.accessModes"), "at least 1 access mode is required"));
    }
    if spec["selector"].is_object() {
        selector(&spec["selector"], &format!("{path}.selector"), causes);
    }
    modes(&spec["accessModes"], &format!("{path}.accessModes"), causes);
    let storage = &spec["resources"]["requests"]["storage"];
    let at = format!("{path}.resources[storage]");
    match Quantity::of(storage) {
        None => causes.push(Cause::required(at, "")),
        Some(it) if it.sign() <= 0 => causes.push(Cause::invalid(at, storage, "must be greater than zero")),
        Some(_) => {}
    }
    class(&spec["storageClassName"], &format!("{path}.storageClassName"), causes);
    if !spec["volumeMode"].is_null() {
        one_of(&spec["volumeMode"], &["Block", "Filesystem"], &format!("{path}.volumeMode"), causes);
    }
    for key in ["dataSource", "dataSourceRef"] {
        data_source(&spec[key], &format!("{path}.{key}"), causes);
    }
    let (source, reference) = (&spec["dataSource"], &spec["dataSourceRef"]);
    if source.is_object() && reference.is_object() {
        // compat(kube-apiserver): the value that is shown is a path, which has nothing to show.
        let shown = serde_json::json!({});
        let same = ["apiGroup", "kind", "name"].iter().all(|key| source[*key] == reference[*key]);
        if !text(&reference["namespace"]).is_empty() {
            let detail = "may not be specified when dataSourceRef.namespace is specified";
            causes.push(Cause::invalid(path, &shown, detail));
        } else if !same {
            causes.push(Cause::invalid(path, &shown, "must match dataSourceRef"));
        }
    }
    class(&spec["volumeAttributesClassName"], &format!("{path}.volumeAttributesClassName"), causes);
}

fn data_source(it: &Value, path: &str, causes: &mut Causes) {
    if !it.is_object() {
        return;
    }
    for key in ["name", "kind"] {
        if text(&it[key]).is_empty() {
            causes.push(Cause::required(format!("{path}.{key}"), ""));
        }
    }
    match text(&it["apiGroup"]) {
        "" if it["kind"] != "PersistentVolumeClaim" => {
            let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            causes.push(Cause::invalid(path, &text(&it["kind"]).into(), detail));
        }
        "" => {}
        group => each(names::subdomain(group), &it["apiGroup"], &format!("{path}.apiGroup"), causes),
    }
}

/// A storage class.
pub(super) fn storage_class(object: &Value, causes: &mut Causes) {
    match text(&object["provisioner"]) {
        "" => causes.push(Cause::required("provisioner", "")),
        name => {
            let name = name.to_lowercase();
            each(names::qualified_name(&name), &name.as_str().into(), "provisioner", causes);
        }
    }
    for (key, _) in object["parameters"].as_object().into_iter().flatten().filter(|(key, _)| key.is_empty()) {
        causes.push(Cause::invalid("parameters", &key.as_str().into(), "field can not be empty."));
    }
    one_of(&object["reclaimPolicy"], &["Delete", "Retain"], "reclaimPolicy", causes);
    let modes = ["Immediate", "WaitForFirstConsumer"];
    match &object["volumeBindingMode"] {
        Value::Null => causes.push(Cause::required("volumeBindingMode", "")),
        mode => one_of(mode, &modes, "volumeBindingMode", causes),
    }
    sources::topologies(&object["allowedTopologies"], "allowedTopologies", causes);
}
