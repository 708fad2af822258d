//! What a change of an object may not do: fields that stay as they are.

use serde_json::Value;

use super::fields::{Causes, in_order, items, text};
use super::{config, shapes};
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

/// The same for a text that is no pointer to one in Go: where it is missing, it is shown as empty.
fn same_text(object: &Value, old: &Value, path: &[&str], causes: &mut Causes) {
    let (new, held) = (crate::object::at(object, path), crate::object::at(old, path));
    if new != held {
        causes.push(Cause::invalid(path.join("."), &text(new).into(), IMMUTABLE));
    }
}

/// Fields that a change may not touch.
pub(super) fn update(kind: &Kind, subresource: &str, object: &Value, old: &Value, causes: &mut Causes) {
    match kind.id() {
        ("", "configmaps") => frozen(object, old, &["data", "binaryData"], causes),
        ("", "secrets") => {
            same_text(object, old, &["type"], causes);
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
        ("discovery.k8s.io", _) => same_text(object, old, &["addressType"], causes),
        ("networking.k8s.io", "ingressclasses") => same_text(object, old, &["spec", "controller"], causes),
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
            if object["spec"]["attachRequired"] != old["spec"]["attachRequired"] {
                // compat(kube-apiserver): the name is another one there.
                let new = &object["spec"]["attachRequired"];
                causes.push(Cause::invalid("spec.attachedRequired", new, IMMUTABLE));
            }
            same(object, old, &["spec", "volumeLifecycleModes"], causes);
        }
        ("storage.k8s.io", "csistoragecapacities") => {
            same(object, old, &["nodeTopology"], causes);
            same_text(object, old, &["storageClassName"], causes);
        }
        ("node.k8s.io", _) => same_text(object, old, &["handler"], causes),
        ("", "nodes") => node(object, old, causes),
        ("events.k8s.io", _) => event(object, old, causes),
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
            same(object, old, &["parameters"], causes);
            same_text(object, old, &["provisioner"], causes);
            same(object, old, &["reclaimPolicy"], causes);
            same(object, old, &["volumeBindingMode"], causes);
        }
        _ => {}
    }
}

/// Of an event of the newer kind its series goes on, and nothing else changes (ValidateEventUpdate).
fn event(object: &Value, old: &Value, causes: &mut Causes) {
    config::event(object, true, causes);
    if object["series"] != old["series"] {
        config::series(object, causes);
    }
    let reference = |field: &str, causes: &mut Causes| {
        let new = &object[field];
        if *new != old[field] {
            let shown =
                if new.is_null() { "null".into() } else { shapes::shown("core.ObjectReference", new) };
            causes.push(Cause::invalid_shown(field, &shown, IMMUTABLE));
        }
    };
    reference("involvedObject", causes);
    same_text(object, old, &["reason"], causes);
    same_text(object, old, &["message"], causes);
    if object["source"] != old["source"] {
        let source =
            super::fields::go_names(&object["source"], &[("Component", "component"), ("Host", "host")]);
        let shown = in_order(&source, &["Component", "Host"]);
        causes.push(Cause::invalid_shown("source", &shown, IMMUTABLE));
    }
    for field in ["firstTimestamp", "lastTimestamp", "count"] {
        same(object, old, &[field], causes);
    }
    same_text(object, old, &["reason"], causes);
    same_text(object, old, &["type"], causes);
    same(object, old, &["eventTime"], causes);
    same_text(object, old, &["action"], causes);
    reference("related", causes);
    if object["reportingComponent"] != old["reportingComponent"] {
        let new = text(&object["reportingComponent"]);
        causes.push(Cause::invalid("reportingController", &new.into(), IMMUTABLE));
    }
    same_text(object, old, &["reportingInstance"], causes);
}

fn node(object: &Value, old: &Value, causes: &mut Causes) {
    config::node_resources(object, causes);
    let addresses = items(&object["status"]["addresses"], "status.addresses");
    for (index, (at, it)) in addresses.iter().enumerate() {
        if addresses[..index].iter().any(|(_, other)| other == it) {
            causes.push(Cause::duplicate(at.as_str(), it));
        }
    }
    for (field, key) in [("podCIDRs", "podCIDR"), ("providerID", "providerID")] {
        let (new, held) = (&object["spec"][field], &old["spec"][field]);
        if !held.is_null() && new != held {
            let detail = format!("node updates may not change {key} except from \"\" to valid");
            causes.push(Cause::forbidden(format!("spec.{field}"), &detail));
        }
    }
    config::taints(object, causes);
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
        for (at, it) in items(&object["spec"][key], &format!("spec.{key}")) {
            let image = text(&it["image"]);
            if image.is_empty() {
                causes.push(Cause::required(format!("{at}.image"), ""));
            }
            if image.trim() != image {
                let detail = "must not have leading or trailing whitespace";
                causes.push(Cause::invalid(format!("{at}.image"), &it["image"], detail));
            }
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
    let free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"];
    for key in free.into_iter().chain(debugged) {
        match held.get(key) {
            Some(value) => new[key] = value.clone(),
            None => {
                new.as_object_mut().map(|it| it.remove(key));
            }
        }
    }
    if new != *held {
        let difference = shapes::difference("core.PodSpec", held, &new);
        causes.push(Cause::forbidden("spec", &format!("{POD}\n{difference}")));
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
    for (index, gate) in list(spec, "schedulingGates").iter().enumerate().filter(|it| !gates.contains(it.1)) {
        let detail =
            format!("only deletion is allowed, but found new scheduling gate '{}'", text(&gate["name"]));
        causes.push(Cause::forbidden(format!("spec.schedulingGates[{index}].name"), &detail));
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
        let difference = shapes::difference("core.PersistentVolumeSource", &old["spec"], &object["spec"]);
        let detail = format!("spec.persistentvolumesource is immutable after creation\n{difference}");
        causes.push(Cause::forbidden("spec.persistentvolumesource", &detail));
    }
    if object["spec"]["volumeMode"] != old["spec"]["volumeMode"] {
        causes.push(Cause::invalid("volumeMode", &object["spec"]["volumeMode"], IMMUTABLE));
    }
    let (nodes, held) = (&object["spec"]["nodeAffinity"], &old["spec"]["nodeAffinity"]);
    if !held.is_null() && nodes != held {
        let shown =
            if nodes.is_null() { "null".into() } else { shapes::shown("core.VolumeNodeAffinity", nodes) };
        let detail = "field is immutable, except for updating from beta label to GA";
        causes.push(Cause::invalid_shown("nodeAffinity", &shown, detail));
    }
}

/// A spec with the fields of the old one that it lacks, for these may change.
fn kept(stripped: &Value, old: &Value) -> Value {
    let mut out = stripped.clone();
    for key in ["volumeAttributesClassName", "volumeName", "storageClassName"] {
        if out.get(key).is_none()
            && let Some(value) = old.get(key)
        {
            out[key] = value.clone();
        }
    }
    if out["resources"]["requests"].get("storage").is_some_and(Value::is_null) {
        out["resources"]["requests"]["storage"] = old["resources"]["requests"]["storage"].clone();
    }
    out
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
        if old["status"]["phase"] == "Bound" && spec["resources"]["requests"].is_object() {
            spec["resources"]["requests"]["storage"] = Value::Null;
        }
        spec
    };
    let (new, before) = (strip(object), strip(old));
    if new != before {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        let mut held = old["spec"].clone();
        if text(&held["volumeName"]).is_empty() && object["spec"]["volumeName"].is_string() {
            held["volumeName"] = object["spec"]["volumeName"].clone();
        }
        let difference = shapes::difference("core.PersistentVolumeClaimSpec", &held, &kept(&new, &held));
        causes.push(Cause::forbidden("spec", &format!("{detail}\n{difference}")));
    }
    let or_none = |it: &Value| Quantity::of(it).unwrap_or(Quantity::from_whole(0));
    let size = |it: &Value| or_none(&it["spec"]["resources"]["requests"]["storage"]);
    if size(object) < size(old) && size(object) <= or_none(&old["status"]["capacity"]["storage"]) {
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
    let (spec, held) = (&object["spec"], &old["spec"]);
    let (new, before) = (&spec["completions"], &held["completions"]);
    if spec["completionMode"] != "Indexed" {
        same(object, old, &["spec", "completions"], causes);
    } else if new != before && !new.is_null() && *new != spec["parallelism"] {
        let detail = "can only be modified in tandem with spec.parallelism";
        causes.push(Cause::invalid("spec.completions", new, detail));
    }
    same(object, old, &["spec", "selector"], causes);
    // Where pods run may still be said before the first one starts.
    let free = held["suspend"] == true && old["status"]["startTime"].is_null();
    let mut before = held["template"].clone();
    if free {
        for (part, key) in [
            ("spec", "nodeSelector"),
            ("spec", "tolerations"),
            ("spec", "schedulingGates"),
            ("metadata", "annotations"),
            ("metadata", "labels"),
        ] {
            let value = spec["template"][part].get(key).cloned();
            let Some(fields) = before[part].as_object_mut() else { continue };
            match value {
                Some(value) => fields.insert(key.into(), value),
                None => fields.remove(key),
            };
        }
        nodes_of(&mut before["spec"], &spec["template"]["spec"]["affinity"]);
    }
    if spec["template"] != before {
        let shown = shapes::shown("core.PodTemplateSpec", &spec["template"]);
        causes.push(Cause::invalid_shown("spec.template", &shown, IMMUTABLE));
    }
    for key in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        let shape = match key {
            "podFailurePolicy" => "batch.PodFailurePolicy",
            "successPolicy" => "batch.SuccessPolicy",
            _ => {
                same(object, old, &["spec", key], causes);
                continue;
            }
        };
        if spec[key] != held[key] {
            let shown = if spec[key].is_null() { "null".into() } else { shapes::shown(shape, &spec[key]) };
            causes.push(Cause::invalid_shown(format!("spec.{key}"), &shown, IMMUTABLE));
        }
    }
}

/// Takes over which nodes are wanted, and nothing else of the affinity.
fn nodes_of(spec: &mut Value, affinity: &Value) {
    let nodes = affinity["nodeAffinity"].clone();
    let Some(fields) = spec.as_object_mut() else { return };
    let mut merged = fields.remove("affinity").unwrap_or_default();
    if nodes.is_null() {
        merged.as_object_mut().map(|it| it.remove("nodeAffinity"));
        if affinity.is_null() && merged.as_object().is_some_and(serde_json::Map::is_empty) {
            return;
        }
    } else {
        merged["nodeAffinity"] = nodes;
    }
    if !merged.is_null() {
        fields.insert("affinity".into(), merged);
    }
}
