//! Volumes of pods, persistent volumes, claims and storage classes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, one_of, selector, text};
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// Sources of volumes, in the order in which Kubernetes looks for them.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// The volumes of a pod.
pub(super) fn list(list: &Value, path: &str, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(list, path) {
        let name = text(&it["name"]);
        let before = causes.len();
        source(it, &at, causes);
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else {
            each(names::label(name), &it["name"], &format!("{at}.name"), causes);
        }
        if !name.is_empty() && !seen.insert(name.to_owned()) && causes.len() == before {
            causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
        }
    }
}

fn source(volume: &Value, path: &str, causes: &mut Causes) {
    let mut given = 0;
    for key in SOURCES {
        let body = &volume[key];
        if !body.is_object() {
            continue;
        }
        given += 1;
        if given > 1 {
            causes.push(Cause::forbidden(format!("{path}.{key}"), "may not specify more than 1 volume type"));
            continue;
        }
        one_source(key, body, &format!("{path}.{key}"), causes);
    }
    if given == 0 {
        causes.push(Cause::required(path, "must specify a volume type"));
    }
}

fn mode(value: &Value, path: &str, causes: &mut Causes) {
    if value.as_i64().is_some_and(|it| !(0..=0o777).contains(&it)) {
        causes.push(Cause::invalid(
            path,
            value,
            "must be a number between 0 and 0777 (octal), both inclusive",
        ));
    }
}

fn paths(list: &Value, path: &str, causes: &mut Causes) {
    for (at, it) in items(list, path) {
        if text(&it["key"]).is_empty() {
            causes.push(Cause::required(format!("{at}.key"), ""));
        }
        let target = text(&it["path"]);
        if target.is_empty() {
            causes.push(Cause::required(format!("{at}.path"), ""));
        } else if target.starts_with('/') {
            causes.push(Cause::invalid(format!("{at}.path"), &it["path"], "must be a relative path"));
        } else if target.split('/').any(|part| part == "..") {
            causes.push(Cause::invalid(format!("{at}.path"), &it["path"], "must not contain '..'"));
        }
        mode(&it["mode"], &format!("{at}.mode"), causes);
    }
}

fn one_source(key: &str, body: &Value, path: &str, causes: &mut Causes) {
    let required = |field: &str, causes: &mut Causes| {
        if text(&body[field]).is_empty() {
            causes.push(Cause::required(format!("{path}.{field}"), ""));
        }
    };
    match key {
        "emptyDir" if Quantity::of(&body["sizeLimit"]).is_some_and(|it| it.sign() < 0) => {
            let detail = "SizeLimit field must be a valid resource quantity";
            causes.push(Cause::forbidden(format!("{path}.sizeLimit"), detail));
        }
        "hostPath" => {
            required("path", causes);
            if text(&body["path"]).split('/').any(|part| part == "..") {
                causes.push(Cause::invalid(format!("{path}.path"), &body["path"], "must not contain '..'"));
            }
            let kinds = [
                "",
                "BlockDevice",
                "CharDevice",
                "Directory",
                "DirectoryOrCreate",
                "File",
                "FileOrCreate",
                "Socket",
            ];
            if !body["type"].is_null() {
                one_of(&body["type"], &kinds, &format!("{path}.type"), causes);
            }
        }
        "secret" | "configMap" => {
            required(if key == "secret" { "secretName" } else { "name" }, causes);
            mode(&body["defaultMode"], &format!("{path}.defaultMode"), causes);
            paths(&body["items"], &format!("{path}.items"), causes);
        }
        "persistentVolumeClaim" => required("claimName", causes),
        "nfs" => {
            required("server", causes);
            required("path", causes);
            let place = text(&body["path"]);
            if !place.is_empty() && !place.starts_with('/') {
                causes.push(Cause::invalid(
                    format!("{path}.path"),
                    &body["path"],
                    "must be an absolute path",
                ));
            }
        }
        "csi" => {
            required("driver", causes);
            if !text(&body["driver"]).is_empty() {
                each(
                    names::subdomain(&text(&body["driver"]).to_lowercase()),
                    &body["driver"],
                    &format!("{path}.driver"),
                    causes,
                );
            }
        }
        "projected" => mode(&body["defaultMode"], &format!("{path}.defaultMode"), causes),
        "downwardAPI" => mode(&body["defaultMode"], &format!("{path}.defaultMode"), causes),
        "image" => required("reference", causes),
        _ => {}
    }
}

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn modes(list: &Value, path: &str, causes: &mut Causes) {
    for mode in list.as_array().into_iter().flatten() {
        one_of(mode, &MODES, path, causes);
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
        None => causes.push(Cause::required("spec.capacity", "")),
        Some(capacity) => {
            if !capacity.contains_key("storage") || capacity.len() > 1 {
                let given: Vec<&String> = capacity.keys().collect();
                let shown = Value::from(given.into_iter().cloned().collect::<Vec<_>>());
                causes.push(Cause::unsupported("spec.capacity", &shown, &["storage"]));
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
    let mut given = 0;
    for key in SOURCES.into_iter().chain(["local"]) {
        if spec[key].is_object() {
            given += 1;
            if given > 1 {
                causes
                    .push(Cause::forbidden(format!("spec.{key}"), "may not specify more than 1 volume type"));
            } else {
                one_source(key, &spec[key], &format!("spec.{key}"), causes);
            }
        }
    }
    if given == 0 {
        causes.push(Cause::required("spec", "must specify a volume type"));
    }
    class(&spec["storageClassName"], "spec.storageClassName", causes);
    if spec["nodeAffinity"]["required"].is_object() {
        super::pods::node_selector(&spec["nodeAffinity"]["required"], "spec.nodeAffinity.required", causes);
    }
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
}

/// A storage class.
pub(super) fn storage_class(object: &Value, causes: &mut Causes) {
    if text(&object["provisioner"]).is_empty() {
        causes.push(Cause::required("provisioner", ""));
    }
    one_of(&object["reclaimPolicy"], &["Delete", "Retain"], "reclaimPolicy", causes);
    match text(&object["volumeBindingMode"]) {
        "" => causes.push(Cause::required("volumeBindingMode", "")),
        _ => one_of(
            &object["volumeBindingMode"],
            &["Immediate", "WaitForFirstConsumer"],
            "volumeBindingMode",
            causes,
        ),
    }
}
