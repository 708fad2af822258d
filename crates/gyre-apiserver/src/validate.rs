//! Validation of objects, with the messages of Kubernetes.
//!
//! Checks take a value and its path and push what is wrong. An object's metadata is checked for all kinds, the rest by
//! one function a kind; custom resources are checked by their schema.

pub(crate) mod access;
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
mod statuses;
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
    if place.kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
        crate::custom::approval(object, &mut causes);
    }
    if place.kind.is("", "pods") {
        pods::new_pod(&object["spec"], &mut causes);
    }
    causes
}

/// Everything that is wrong with a changed object. `fixed` is what it changes of what only the server may change.
pub(crate) fn update(place: &Place, object: &mut Value, old: &Value, fixed: &[Cause]) -> Vec<Cause> {
    let mut whole = Vec::new();
    metadata(&object["metadata"], "metadata", &mut whole);
    // Finalizers are no part of what a change of metadata is checked for.
    let may_change = whole.iter().filter(|it| it.field != "metadata.finalizers");
    let changed: Vec<Cause> = fixed.iter().chain(may_change).cloned().collect();
    let mut causes = [&whole[..], &changed].concat();
    if let Some(custom) = &place.kind.version(&place.kind.storage).and_then(|it| it.custom.clone()) {
        causes.extend(changed);
        causes.extend(crate::custom::validate_object(&custom.schema, object, Some(old)));
        return causes;
    }
    if place.kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
        let moved = crate::custom::validate_change(object, old);
        if !moved.is_empty() && place.subresource.is_empty() {
            return moved;
        }
    }
    let mut names = Vec::new();
    finalizers(object, &mut names);
    if place.subresource == "status" {
        causes.extend(changed);
        causes.extend(names);
        statuses::check(&place.kind, object, old, &mut causes);
        return causes;
    }
    let looks = looks(&place.kind);
    let mut spec = Vec::new();
    // What has not changed stays valid.
    if looks.iter().any(|it| matches!(it, Look::Whole | Look::Spec))
        && (object["spec"] != old["spec"] || object.get("spec").is_none())
    {
        kind(object, &place.kind, &mut spec);
    }
    for look in looks {
        match look {
            Look::Metadata => {
                causes.extend_from_slice(&changed);
                causes.extend_from_slice(&names);
            }
            Look::Whole => {
                generate_name(&place.kind, object, &mut causes);
                causes.extend_from_slice(&whole);
                causes.extend_from_slice(&names);
                causes.extend_from_slice(&spec);
            }
            Look::Spec => causes.extend_from_slice(&spec),
            Look::Change => changes::update(&place.kind, &place.subresource, object, old, &mut causes),
        }
    }
    causes
}

/// What the check of a change looks at.
#[derive(Clone, Copy)]
enum Look {
    /// The metadata that may change (`ValidateObjectMetaUpdate`).
    Metadata,
    /// The object as if it were new, with its metadata.
    Whole,
    /// The object as if it were new, without its metadata.
    Spec,
    /// What has changed.
    Change,
}

/// What the checks of a kind look at, in the order of Kubernetes: what is looked at twice is told of twice (`ValidateUpdate` of
/// the strategies of `pkg/registry`, and what they call in `pkg/apis`).
fn looks(kind: &Kind) -> &'static [Look] {
    use Look::{Change, Metadata, Spec, Whole};
    match kind.id() {
        ("", "configmaps" | "secrets") | ("networking.k8s.io", "ingressclasses") => {
            &[Metadata, Change, Whole]
        }
        ("", "services") | ("apps", "daemonsets") => &[Metadata, Change, Spec],
        ("", "pods" | "persistentvolumeclaims") | ("apps", "controllerrevisions") => {
            &[Metadata, Whole, Change]
        }
        ("", "persistentvolumes") => &[Whole, Whole, Change],
        ("batch", "jobs") => &[Whole, Metadata, Spec, Change],
        ("", "namespaces" | "nodes")
        | ("storage.k8s.io", "storageclasses" | "csistoragecapacities")
        | ("rbac.authorization.k8s.io" | "node.k8s.io", _) => &[Whole, Metadata, Change],
        ("", "limitranges") | ("admissionregistration.k8s.io", _) => &[Whole],
        ("", "endpoints" | "serviceaccounts") | ("networking.k8s.io", "ingresses") => &[Metadata, Whole],
        ("", "events") | ("policy", _) => &[Spec],
        ("events.k8s.io", _) => &[Metadata, Change],
        ("discovery.k8s.io", _) => &[Whole, Change],
        ("scheduling.k8s.io", _) => &[Metadata, Change],
        _ => &[Metadata, Spec, Change],
    }
}

/// What a generated name begins with, whose end is always fine.
pub(crate) fn generate_name(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let prefix = crate::object::meta(object, "generateName");
    if !prefix.is_empty() {
        let probe = format!("{}a", prefix.trim_end_matches(['-', '.']));
        for why in name_problems(kind, &probe) {
            causes.push(Cause::invalid("metadata.generateName", &prefix.into(), &why));
        }
    }
}

/// What names of a kind may look like.
pub(crate) fn name_problems(kind: &Kind, name: &str) -> Vec<String> {
    match kind.id() {
        ("", "namespaces" | "services") => names::label(name),
        ("rbac.authorization.k8s.io", _) => names::path_segment(name),
        ("batch", "cronjobs") => {
            let mut problems = names::subdomain(name);
            if name.len() > 52 {
                problems.push("must be no more than 52 characters".into());
            }
            problems
        }
        _ => names::subdomain(name),
    }
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
    owners(&metadata["ownerReferences"], &format!("{path}.ownerReferences"), causes);
}

/// Who an object belongs to.
fn owners(owners: &Value, path: &str, causes: &mut Vec<Cause>) {
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
        causes.push(Cause { reason: "FieldValueInvalid", field: path.to_owned(), message });
    }
    for owner in owners.as_array().into_iter().flatten() {
        let group = owner["apiVersion"].as_str().unwrap_or_default();
        let version = group.split_once('/').map_or(group, |it| it.1);
        if version.is_empty() || version.contains('/') {
            let at = format!("{path}.apiVersion");
            causes.push(Cause::invalid(at, &group.into(), "version must not be empty"));
        }
        for key in ["kind", "name", "uid"] {
            if owner[key].as_str().is_none_or(str::is_empty) {
                let at = format!("{path}.{key}");
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
        ("", "events") => config::event(object, false, causes),
        ("events.k8s.io", _) => {
            config::event(object, true, causes);
            config::new_event(object, causes);
        }
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
        ("storage.k8s.io", "csistoragecapacities") => volumes::capacity(object, causes),
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
