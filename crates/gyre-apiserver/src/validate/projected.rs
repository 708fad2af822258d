//! Files of volumes that a pod's own fields and several objects are laid out as.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, selector, text};
use super::sources::{keys, mode, not_reserved};
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// Fields of a pod that a file may hold.
const FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Resources of a container that a file or a variable may hold.
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Units in which bytes are told.
const UNITS: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// A field of the pod, one of those that are allowed.
pub(super) fn field(it: &Value, allowed: &[&str], path: &str, causes: &mut Causes) {
    if text(&it["apiVersion"]).is_empty() {
        causes.push(Cause::required(format!("{path}.apiVersion"), ""));
        return;
    }
    let name = text(&it["fieldPath"]);
    let at = format!("{path}.fieldPath");
    if name.is_empty() {
        causes.push(Cause::required(at, ""));
        return;
    }
    let subscript = name.strip_suffix("']").and_then(|it| it.split_once("['"));
    let known = |name: &str| {
        FIELDS.contains(&name)
            || matches!(
                name,
                "spec.nodeName"
                    | "spec.restartPolicy"
                    | "spec.schedulerName"
                    | "spec.serviceAccountName"
                    | "status.hostIP"
                    | "status.hostIPs"
                    | "status.phase"
                    | "status.podIP"
                    | "status.podIPs"
            )
    };
    match subscript {
        Some(("metadata.annotations", key)) => {
            each(names::qualified_name(&key.to_lowercase()), &key.to_lowercase().into(), path, causes);
        }
        Some(("metadata.labels", key)) => each(names::qualified_name(key), &key.into(), path, causes),
        Some(_) => {
            let detail =
                format!("error converting fieldPath: field label does not support subscript: {name}");
            causes.push(Cause::invalid(at, &name.into(), &detail));
        }
        None if !known(name) => {
            let detail = format!("error converting fieldPath: field label not supported: {name}");
            causes.push(Cause::invalid(at, &name.into(), &detail));
        }
        None if !allowed.contains(&name) => causes.push(Cause::unsupported(at, &name.into(), allowed)),
        None => {}
    }
}

/// A resource of a container.
pub(super) fn resource(it: &Value, named: bool, path: &str, causes: &mut Causes) {
    let name = text(&it["resource"]);
    let pages = name.starts_with("requests.hugepages-") || name.starts_with("limits.hugepages-");
    if named && text(&it["containerName"]).is_empty() {
        causes.push(Cause::required(format!("{path}.containerName"), ""));
    } else if name.is_empty() {
        causes.push(Cause::required(format!("{path}.resource"), ""));
    } else if !RESOURCES.contains(&name) && !pages {
        causes.push(Cause::unsupported(format!("{path}.resource"), &it["resource"], &RESOURCES));
    }
    let Some(divisor) = Quantity::of(&it["divisor"]).filter(|it| it.sign() != 0) else { return };
    let shown = divisor.text();
    let all = "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the";
    let bad = match name {
        "limits.cpu" | "requests.cpu" if !matches!(shown.as_str(), "1m" | "1") => {
            "only divisor's values 1m and 1 are supported with the cpu resource".to_owned()
        }
        "limits.cpu" | "requests.cpu" => return,
        _ if UNITS.contains(&shown.as_str()) => return,
        "limits.memory" | "requests.memory" => format!("{all} memory resource"),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => {
            format!("{all} local ephemeral storage resource")
        }
        _ if pages => format!("{all} hugepages resource"),
        _ => return,
    };
    causes.push(Cause::invalid(format!("{path}.divisor"), &name.into(), &bad));
}

/// A file that holds a field or a resource.
pub(super) fn file(it: &Value, path: &str, causes: &mut Causes) {
    if text(&it["path"]).is_empty() {
        causes.push(Cause::required(format!("{path}.path"), ""));
    }
    not_reserved(&it["path"], &format!("{path}.path"), causes);
    match (it["fieldRef"].is_object(), it["resourceFieldRef"].is_object()) {
        (true, both) => {
            field(&it["fieldRef"], &FIELDS, &format!("{path}.fieldRef"), causes);
            if both {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                causes.push(Cause::invalid(path, &"resource".into(), detail));
            }
        }
        (false, true) => {
            resource(&it["resourceFieldRef"], true, &format!("{path}.resourceFieldRef"), causes);
        }
        (false, false) => {
            causes.push(Cause::required(path, "one of fieldRef and resourceFieldRef is required"));
        }
    }
    mode(&it["mode"], &format!("{path}.mode"), causes);
}

/// A volume of several sources.
pub(super) fn volume(body: &Value, path: &str, causes: &mut Causes) {
    mode(&body["defaultMode"], &format!("{path}.defaultMode"), causes);
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (at, source) in items(&body["sources"], &format!("{path}.sources")) {
        let mut given = 0;
        for key in ["secret", "configMap"] {
            let it = &source[key];
            if !it.is_object() {
                continue;
            }
            given += 1;
            if text(&it["name"]).is_empty() {
                causes.push(Cause::required(format!("{at}.{key}.name"), ""));
            }
            keys(&it["items"], &format!("{at}.{key}.items"), causes);
            for item in it["items"].as_array().into_iter().flatten() {
                claim(&mut taken, &item["path"], &it["name"], path, causes);
            }
        }
        if source["downwardAPI"].is_object() {
            given += 1;
            for it in source["downwardAPI"]["items"].as_array().into_iter().flatten() {
                file(it, &format!("{at}.downwardAPI"), causes);
                claim(&mut taken, &it["path"], &it["path"], path, causes);
            }
        }
        given += token(&source["serviceAccountToken"], &at, path, causes);
        if source["clusterTrustBundle"].is_object() {
            given += 1;
            bundle(&source["clusterTrustBundle"], &format!("{at}.clusterTrustBundle"), causes);
            let place = &source["clusterTrustBundle"]["path"];
            claim(&mut taken, place, place, path, causes);
        }
        if given > 1 {
            let detail = "may not specify more than 1 volume type per source";
            causes.push(Cause::forbidden(at, detail));
        }
    }
}

/// Takes the place of a file; it can be had once.
fn claim<'a>(
    taken: &mut BTreeSet<&'a str>,
    place: &'a Value,
    shown: &Value,
    path: &str,
    causes: &mut Causes,
) {
    if !text(place).is_empty() && !taken.insert(text(place)) {
        causes.push(Cause::invalid(path, shown, "conflicting duplicate paths"));
    }
}

fn token(it: &Value, at: &str, path: &str, causes: &mut Causes) -> usize {
    if !it.is_object() {
        return 0;
    }
    let seconds = &it["expirationSeconds"];
    let field = format!("{at}.serviceAccountToken.expirationSeconds");
    if seconds.as_i64().is_some_and(|it| it < 600) {
        causes.push(Cause::invalid(&field, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds.as_i64().is_some_and(|it| it > 1 << 32) {
        causes.push(Cause::invalid(&field, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    // compat(kube-apiserver): the place of the source is left out.
    if text(&it["path"]).is_empty() {
        causes.push(Cause::required(format!("{path}.path"), ""));
    } else {
        not_reserved(&it["path"], &format!("{path}.path"), causes);
    }
    1
}

fn bundle(it: &Value, at: &str, causes: &mut Causes) {
    match (it["name"].is_string(), it["signerName"].is_string()) {
        (true, true) => causes.push(Cause::invalid(at, it, "only one of name and signerName may be used")),
        (false, false) => {
            causes.push(Cause::required(at, "either name or signerName must be specified"));
        }
        (true, false) => {
            if text(&it["name"]).is_empty() {
                causes.push(Cause::required(format!("{at}.name"), "must be a valid object name"));
            }
        }
        (false, true) => selector(&it["labelSelector"], &format!("{at}.labelSelector"), causes),
    }
    if text(&it["path"]).is_empty() {
        causes.push(Cause::required(format!("{at}.path"), ""));
    }
    not_reserved(&it["path"], &format!("{at}.path"), causes);
}
