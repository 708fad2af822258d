//! Validation of objects, with the messages of Kubernetes.
//!
//! Checks take a value and its path and push what is wrong. An object's metadata is checked for all kinds, the rest by
//! one function a kind; custom resources are checked by their schema.

mod access;
mod affinity;
mod changes;
mod cluster;
mod config;
mod containers;
pub(crate) mod fields;
mod jobs;
mod mounts;
mod network;
mod pods;
mod projected;
mod ranges;
mod resources;
mod scaler;
mod security;
mod services;
mod shapes;
mod sources;
mod unified;
mod volumes;
mod workloads;

use serde_json::Value;

use crate::api::Place;
use crate::failure::Cause;
use crate::limits::ANNOTATIONS_BYTES_MAX;
use crate::names;
use crate::registry::Kind;

/// Everything that is wrong with a new object.
pub(crate) fn create(place: &Place, object: &mut Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    metadata(&object["metadata"], "metadata", &mut causes);
    if let Some(custom) = &place.kind.version(&place.kind.storage).and_then(|it| it.custom.clone()) {
        causes.extend(crate::custom::validate_object(&custom.schema, object, None));
        return causes;
    }
    finalizers(object, &mut causes);
    kind(object, &place.kind, &mut causes);
    if place.kind.is("", "pods") {
        pods::new_pod(&object["spec"], &mut causes);
    }
    causes
}

/// Everything that is wrong with a changed object.
pub(crate) fn update(place: &Place, object: &mut Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    metadata(&object["metadata"], "metadata", &mut causes);
    if let Some(custom) = &place.kind.version(&place.kind.storage).and_then(|it| it.custom.clone()) {
        causes.extend(crate::custom::validate_object(&custom.schema, object, Some(old)));
        return causes;
    }
    finalizers(object, &mut causes);
    if place.subresource == "status" {
        changes::status(&place.kind, object, &mut causes);
        return causes;
    }
    // What has not changed stays valid.
    if object["spec"] != old["spec"] || object.get("spec").is_none() {
        let before = causes.len();
        kind(object, &place.kind, &mut causes);
        if is_checked_twice(&place.kind) {
            causes.extend_from_within(before..);
        }
    }
    if place.kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
        let fixed = crate::custom::validate_change(object, old);
        if !fixed.is_empty() {
            return fixed;
        }
    }
    changes::update(&place.kind, &place.subresource, object, old, &mut causes);
    causes
}

/// compat(kube-apiserver): changes of these kinds are validated by the strategy and by the check of the change, and each
/// cause is listed twice.
fn is_checked_twice(kind: &Kind) -> bool {
    matches!(kind.id(), ("batch", "jobs") | ("", "persistentvolumes"))
}

/// Built-in kinds want finalizers with a domain; custom resources may have any (`pkg/apis/core/validation`,
/// ValidateFinalizerName).
fn finalizers(object: &Value, causes: &mut Vec<Cause>) {
    let finalizers = object["metadata"]["finalizers"].as_array();
    for (index, finalizer) in finalizers.into_iter().flatten().enumerate() {
        let text = finalizer.as_str().unwrap_or_default();
        if !is_finalizer(text) {
            causes.push(Cause::invalid(format!("metadata.finalizers[{index}]"), finalizer, NO_FINALIZER));
        }
    }
}

/// What holds a namespace back.
fn spec_finalizers(list: &Value, causes: &mut Vec<Cause>) {
    for finalizer in list.as_array().into_iter().flatten() {
        let text = finalizer.as_str().unwrap_or_default();
        for why in names::qualified_name(text) {
            causes.push(Cause::invalid("spec.finalizers", finalizer, &why));
        }
        if !is_finalizer(text) {
            causes.push(Cause::invalid("spec.finalizers", finalizer, NO_FINALIZER));
        }
    }
}

const NO_FINALIZER: &str = "name is neither a standard finalizer name nor is it fully qualified";

fn is_finalizer(text: &str) -> bool {
    text.contains('/') || matches!(text, "kubernetes" | "orphan" | "foregroundDeletion")
}

fn metadata(metadata: &Value, path: &str, causes: &mut Vec<Cause>) {
    labels(&metadata["labels"], &format!("{path}.labels"), causes);
    annotations(&metadata["annotations"], &format!("{path}.annotations"), causes);
    for finalizer in metadata["finalizers"].as_array().into_iter().flatten() {
        let text = finalizer.as_str().unwrap_or_default();
        for why in names::qualified_name(text) {
            causes.push(Cause::invalid(format!("{path}.finalizers"), finalizer, &why));
        }
    }
    let owners = &metadata["ownerReferences"];
    let controllers: Vec<&Value> =
        owners.as_array().into_iter().flatten().filter(|it| it["controller"] == true).collect();
    if let [first, second, ..] = controllers[..] {
        let name = |it: &Value| {
            format!("{}/{}", it["kind"].as_str().unwrap_or_default(), it["name"].as_str().unwrap_or_default())
        };
        let order = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
        let shown: Vec<String> =
            owners.as_array().into_iter().flatten().map(|it| fields::present_in_order(it, &order)).collect();
        let message = format!(
            "Invalid value: [{}]: Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
            shown.join(","),
            name(first),
            name(second)
        );
        causes.push(Cause { reason: "FieldValueInvalid", field: format!("{path}.ownerReferences"), message });
    }
    for owner in metadata["ownerReferences"].as_array().into_iter().flatten() {
        let group = owner["apiVersion"].as_str().unwrap_or_default();
        let version = group.split_once('/').map_or(group, |it| it.1);
        if version.is_empty() || version.contains('/') {
            let at = format!("{path}.ownerReferences.apiVersion");
            causes.push(Cause::invalid(at, &group.into(), "version must not be empty"));
        }
        for key in ["kind", "name", "uid"] {
            if owner[key].as_str().is_none_or(str::is_empty) {
                let at = format!("{path}.ownerReferences.{key}");
                causes.push(Cause::invalid(at, &"".into(), "must not be empty"));
            }
        }
    }
}

/// Annotations, which are large together at most.
fn annotations(annotations: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        for why in names::qualified_name(&key.to_lowercase()) {
            causes.push(Cause::invalid(path, &key.as_str().into(), &why));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_BYTES_MAX {
        causes.push(Cause::too_long(path, ANNOTATIONS_BYTES_MAX));
    }
}

/// Labels as a map.
pub(super) fn labels(labels: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        for why in names::qualified_name(key) {
            causes.push(Cause::invalid(path, &key.as_str().into(), &why));
        }
        for why in names::label_value(value.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(path, value, &why));
        }
    }
}

fn kind(object: &Value, kind: &Kind, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    match kind.id() {
        ("", "pods") => pods::pod(object, causes),
        ("", "namespaces") => spec_finalizers(&spec["finalizers"], causes),
        ("", "podtemplates") => pods::template(&object["template"], "template", causes),
        ("", "replicationcontrollers") => workloads::controller(object, causes),
        ("", "services") => services::service(object, causes),
        ("", "configmaps") => config::config_map(object, causes),
        ("", "secrets") => config::secret(object, causes),
        ("", "persistentvolumes") => volumes::persistent_volume(object, causes),
        ("", "persistentvolumeclaims") => volumes::claim(spec, "spec", causes),
        ("", "nodes") => config::node(object, causes),
        ("", "resourcequotas") => config::quota(spec, causes),
        ("", "limitranges") => ranges::check(spec, causes),
        ("" | "events.k8s.io", "events") => config::event(object, !kind.group.is_empty(), causes),
        ("", "endpoints") => network::endpoints(object, causes),
        ("apps", plural) => workloads::apps(plural, object, causes),
        ("batch", plural) => jobs::check(plural, object, causes),
        ("autoscaling", _) => scaler::check(spec, causes),
        ("policy", _) => config::budget(spec, causes),
        ("networking.k8s.io", "ingresses") => network::ingress(spec, causes),
        ("networking.k8s.io", "networkpolicies") => network::policy(spec, causes),
        ("networking.k8s.io", "ingressclasses") => network::class(spec, causes),
        ("discovery.k8s.io", _) => network::slice(object, causes),
        ("rbac.authorization.k8s.io", plural) => access::rbac(plural, object, causes),
        ("scheduling.k8s.io", _) => config::priority_class(object, causes),
        ("storage.k8s.io", "storageclasses") => volumes::storage_class(object, causes),
        ("storage.k8s.io", "csidrivers") => cluster::driver(object, causes),
        ("node.k8s.io", _) => cluster::runtime(object, causes),
        ("certificates.k8s.io", "certificatesigningrequests") => cluster::signing(spec, causes),
        ("apiregistration.k8s.io", _) => cluster::api_service(object, causes),
        ("coordination.k8s.io", "leases") => config::lease(spec, causes),
        ("admissionregistration.k8s.io", plural) => access::admission(plural, object, causes),
        ("apiextensions.k8s.io", _) => causes.extend(crate::custom::validate_definition(object)),
        _ => {}
    }
}
