//! What a change of an object may not do: fields that stay as they are, and statuses that contradict themselves.

use serde_json::Value;

use super::fields::{Causes, address, in_order, items, not_negative, text};
use crate::failure::Cause;
use crate::quantity::Quantity;
use crate::registry::Kind;

const IMMUTABLE: &str = "field is immutable";

fn same(object: &Value, old: &Value, path: &[&str], causes: &mut Causes) {
    let (new, held) = (crate::object::at(object, path), crate::object::at(old, path));
    if new != held {
        causes.push(Cause::invalid(path.join("."), new, IMMUTABLE));
    }
}

/// Fields that a change may not touch.
pub(super) fn update(kind: &Kind, subresource: &str, object: &Value, old: &Value, causes: &mut Causes) {
    match kind.id() {
        ("", "configmaps") => frozen(object, old, &["data", "binaryData"], causes),
        ("", "secrets") => {
            same(object, old, &["type"], causes);
            frozen(object, old, &["data"], causes);
        }
        ("", "pods") => pod(subresource, object, old, causes),
        ("", "persistentvolumes") => volume(object, old, causes),
        ("", "persistentvolumeclaims") => claim(object, old, causes),
        ("", "services") => service(object, old, causes),
        ("apps", "deployments" | "replicasets" | "daemonsets") => {
            same(object, old, &["spec", "selector"], causes);
        }
        ("apps", "statefulsets") => stateful(object, old, causes),
        ("apps", "controllerrevisions") => same(object, old, &["data"], causes),
        ("batch", "jobs") => job(object, old, causes),
        ("discovery.k8s.io", _) => same(object, old, &["addressType"], causes),
        ("networking.k8s.io", "ingressclasses") => same(object, old, &["spec", "controller"], causes),
        ("scheduling.k8s.io", _) => {
            if object["value"] != old["value"] {
                causes.push(Cause::forbidden("value", "may not be changed in an update."));
            }
            same(object, old, &["preemptionPolicy"], causes);
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings")
            if object["roleRef"] != old["roleRef"] =>
        {
            let role = &object["roleRef"];
            let shown = super::fields::go_names(
                role,
                &[("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")],
            );
            let shown = in_order(&shown, &["APIGroup", "Kind", "Name"]);
            let message = format!("Invalid value: {shown}: cannot change roleRef");
            causes.push(Cause { reason: "FieldValueInvalid", field: "roleRef".into(), message });
        }
        ("storage.k8s.io", "csidrivers") => {
            same(object, old, &["spec", "attachRequired"], causes);
            same(object, old, &["spec", "volumeLifecycleModes"], causes);
        }
        ("node.k8s.io", _) => same(object, old, &["handler"], causes),
        ("", "nodes") => node(object, old, causes),
        ("", "resourcequotas") => {
            let scopes = |it: &Value| -> std::collections::BTreeSet<String> {
                let list = it["spec"]["scopes"].as_array().into_iter().flatten();
                list.map(|it| text(it).to_owned()).collect()
            };
            if scopes(object) != scopes(old) {
                causes.push(Cause::invalid("spec.scopes", &object["spec"]["scopes"], IMMUTABLE));
            }
        }
        ("networking.k8s.io", "ipaddresses") => same(object, old, &["spec", "parentRef"], causes),
        ("storage.k8s.io", "storageclasses") => {
            for key in ["parameters", "provisioner", "reclaimPolicy"] {
                if object[key] != old[key] {
                    causes.push(Cause::forbidden(key, &format!("updates to {key} are forbidden.")));
                }
            }
            same(object, old, &["volumeBindingMode"], causes);
        }
        _ => {}
    }
}

fn node(object: &Value, old: &Value, causes: &mut Causes) {
    for (field, key) in [("podCIDRs", "podCIDR"), ("providerID", "providerID")] {
        let (new, held) = (&object["spec"][field], &old["spec"][field]);
        if !held.is_null() && new != held {
            let detail = format!("node updates may not change {key} except from \"\" to valid");
            causes.push(Cause::forbidden(format!("spec.{field}"), &detail));
        }
    }
}

fn frozen(object: &Value, old: &Value, fields: &[&str], causes: &mut Causes) {
    if old["immutable"] != true {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if object["immutable"] != true {
        causes.push(Cause::forbidden("immutable", detail));
    }
    for field in fields {
        if object[*field] != old[*field] {
            causes.push(Cause::forbidden(*field, detail));
        }
    }
}

/// What may change in a pod.
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

fn pod(subresource: &str, object: &Value, old: &Value, causes: &mut Causes) {
    let resized = subresource == "resize";
    let count = |it: &Value, key: &str| it["spec"][key].as_array().map_or(0, Vec::len);
    for key in ["containers", "initContainers"] {
        if count(object, key) != count(old, key) {
            let detail = "pod updates may not add or remove containers";
            causes.push(Cause::forbidden(format!("spec.{key}"), detail));
            return;
        }
    }
    if !additions(object, old, causes) {
        return;
    }
    let mut new = object["spec"].clone();
    let held = &old["spec"];
    for key in ["containers", "initContainers"] {
        for (index, it) in new[key].as_array_mut().into_iter().flatten().enumerate() {
            it["image"] = held[key][index]["image"].clone();
            if resized {
                it["resources"] = held[key][index]["resources"].clone();
            }
        }
        if held[key].is_null() {
            new.as_object_mut().map(|it| it.remove(key));
        }
    }
    let debugged = (subresource == "ephemeralcontainers").then_some("ephemeralContainers");
    let free = ["activeDeadlineSeconds", "tolerations", "schedulingGates", "nodeName"];
    for key in free.into_iter().chain(debugged) {
        match held.get(key) {
            Some(value) => new[key] = value.clone(),
            None => {
                new.as_object_mut().map(|it| it.remove(key));
            }
        }
    }
    if new != *held {
        causes.push(Cause::forbidden("spec", &format!("{POD}\n@@ -0,0 +0,0 @@\n core.PodSpec{{}}")));
    }
}

/// What of a pod may grow, shrink or be added to, and how. Says whether the rest is looked at.
fn additions(object: &Value, old: &Value, causes: &mut Causes) -> bool {
    let (spec, held) = (&object["spec"], &old["spec"]);
    let (at, new) = ("spec.activeDeadlineSeconds", &spec["activeDeadlineSeconds"]);
    match (new.as_i64(), held["activeDeadlineSeconds"].as_i64()) {
        (Some(new), Some(held)) if held < new => {
            let detail = "must be less than or equal to previous value";
            causes.push(Cause::invalid(at, &new.into(), detail));
            return false;
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            causes.push(Cause::invalid(at, new, detail));
        }
        _ => {}
    }
    let untimed = |it: &Value| {
        let mut it = it.clone();
        it.as_object_mut().map(|it| it.remove("tolerationSeconds"));
        it
    };
    let list = |it: &Value, key: &str| it[key].as_array().cloned().unwrap_or_default();
    let given: Vec<Value> = list(spec, "tolerations").iter().map(untimed).collect();
    if list(held, "tolerations").iter().any(|it| !given.contains(&untimed(it))) {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        causes.push(Cause::forbidden("spec.tolerations", detail));
    }
    let gates = list(held, "schedulingGates");
    for gate in list(spec, "schedulingGates").iter().filter(|it| !gates.contains(it)) {
        let detail =
            format!("only deletion is allowed, but found new scheduling gate '{}'", text(&gate["name"]));
        causes.push(Cause::forbidden("spec.schedulingGates", &detail));
    }
    true
}

fn volume(object: &Value, old: &Value, causes: &mut Causes) {
    let source = |it: &Value| -> serde_json::Map<String, Value> {
        let fields = it["spec"].as_object().into_iter().flatten();
        let others = [
            "accessModes",
            "capacity",
            "claimRef",
            "mountOptions",
            "nodeAffinity",
            "persistentVolumeReclaimPolicy",
            "storageClassName",
            "volumeAttributesClassName",
            "volumeMode",
        ];
        fields
            .filter(|(key, _)| !others.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    if source(object) != source(old) {
        let detail = "spec.persistentvolumesource is immutable after creation\n@@ -0,0 +0,0 @@\n core.PersistentVolumeSource{}";
        causes.push(Cause::forbidden("spec.persistentvolumesource", detail));
    }
    if object["spec"]["volumeMode"] != old["spec"]["volumeMode"] {
        causes.push(Cause::invalid("volumeMode", &object["spec"]["volumeMode"], IMMUTABLE));
    }
}

fn claim(object: &Value, old: &Value, causes: &mut Causes) {
    let strip = |it: &Value| {
        let mut spec = it["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.remove("volumeAttributesClassName");
            if text(&old["spec"]["volumeName"]).is_empty() {
                fields.remove("volumeName");
            }
            // A claim that has no class may be given one.
            if old["spec"]["storageClassName"].is_null() {
                fields.remove("storageClassName");
            }
        }
        if old["status"]["phase"] == "Bound" {
            spec["resources"]["requests"]["storage"] = Value::Null;
        }
        spec
    };
    if strip(object) != strip(old) {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n@@ -0,0 +0,0 @@\n core.PersistentVolumeClaimSpec{}";
        causes.push(Cause::forbidden("spec", detail));
    }
    let size = |it: &Value| Quantity::of(&it["spec"]["resources"]["requests"]["storage"]);
    let held = Quantity::of(&old["status"]["capacity"]["storage"]).unwrap_or(Quantity::from_whole(0));
    if let (Some(new), Some(before)) = (size(object), size(old))
        && new < before
        && new <= held
    {
        let at = "spec.resources.requests.storage";
        causes.push(Cause::forbidden(at, "field can not be less than status.capacity"));
    }
    if object["spec"]["volumeMode"] != old["spec"]["volumeMode"] {
        causes.push(Cause::invalid("volumeMode", &object["spec"]["volumeMode"], IMMUTABLE));
    }
}

fn service(object: &Value, old: &Value, causes: &mut Causes) {
    let (new, held) = (&object["spec"]["clusterIP"], text(&old["spec"]["clusterIP"]));
    let external = old["spec"]["type"] == "ExternalName" || object["spec"]["type"] == "ExternalName";
    if !external && !held.is_empty() && !text(new).is_empty() && *new != held {
        let shown = Value::from(vec![text(new)]);
        causes.push(Cause::invalid("spec.clusterIPs[0]", &shown, "may not change once set"));
    }
}

fn stateful(object: &Value, old: &Value, causes: &mut Causes) {
    let strip = |it: &Value| {
        let mut spec = it["spec"].clone();
        for key in [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ] {
            spec.as_object_mut().map(|it| it.remove(key));
        }
        spec
    };
    if strip(object) != strip(old) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", detail));
    }
}

fn job(object: &Value, old: &Value, causes: &mut Causes) {
    for key in ["completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"] {
        if key == "completions" && old["spec"]["completionMode"] == "Indexed" {
            continue;
        }
        same(object, old, &["spec", key], causes);
    }
    if object["spec"]["template"] != old["spec"]["template"] && old["spec"]["suspend"] != true {
        let template = &object["spec"]["template"];
        let shown = template.to_string();
        let _ = shown;
        let detail = "field is immutable\n core.PodTemplateSpec{}";
        causes.push(Cause::invalid("spec.template", template, detail));
    }
}

/// What is wrong with a status.
pub(super) fn status(kind: &Kind, object: &Value, causes: &mut Causes) {
    let status = &object["status"];
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    match kind.id() {
        ("apps", "deployments" | "replicasets") | ("", "replicationcontrollers") => {
            let counts: &[&str] = if kind.plural == "deployments" {
                &["updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"]
            } else {
                &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"]
            };
            not_negative(&status["replicas"], "status.replicas", causes);
            for key in counts {
                not_negative(&status[*key], &format!("status.{key}"), causes);
            }
            not_negative(&status["observedGeneration"], "status.observedGeneration", causes);
            not_negative(&status["collisionCount"], "status.collisionCount", causes);
            let limited: Vec<&str> =
                counts.iter().copied().filter(|it| *it != "unavailableReplicas").collect();
            for key in limited {
                if number(key) > number("replicas") {
                    let detail = "cannot be greater than status.replicas";
                    causes.push(Cause::invalid(format!("status.{key}"), &number(key).into(), detail));
                }
            }
            if kind.plural == "deployments" && number("availableReplicas") > number("readyReplicas") {
                let detail = "cannot be greater than readyReplicas";
                causes.push(Cause::invalid(
                    "status.availableReplicas",
                    &number("availableReplicas").into(),
                    detail,
                ));
            }
        }
        ("apps", "statefulsets" | "daemonsets") => {
            for (key, value) in status.as_object().into_iter().flatten() {
                not_negative(value, &format!("status.{key}"), causes);
            }
        }
        ("", "pods") => {
            for (at, it) in items(&status["podIPs"], "status.podIPs") {
                address(&it["ip"], &at, causes);
            }
        }
        _ => {}
    }
}
