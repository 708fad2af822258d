//! What kinds do differently: which have a generation, what a write through the main path or through `status` may
//! change, what a new object gets from the server.

mod claims;
mod dropped;
mod services;

use gyre_merge::apply::{Element, Set};
use serde_json::{Map, Value, json};

use crate::object;
use crate::registry::Kind;

/// The habits of a kind.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
pub(crate) struct Habits {
    /// Its spec is counted.
    pub(crate) generation: bool,
    /// A PUT may leave out the resourceVersion.
    pub(crate) unconditional: bool,
    /// A PUT may create it.
    pub(crate) created_by_put: bool,
    /// A DELETE answers the object.
    pub(crate) answers_deleted: bool,
    /// Owners that are deleted without a policy leave their dependents.
    pub(crate) orphans: bool,
}

/// The habits of a kind.
pub(crate) fn habits(kind: &Kind) -> Habits {
    let generation = match kind.id() {
        ("", "") => true,
        ("", plural) => matches!(plural, "replicationcontrollers" | "pods" | "podtemplates"),
        ("apps", plural) => plural != "controllerrevisions",
        ("autoscaling" | "coordination.k8s.io" | "events.k8s.io" | "rbac.authorization.k8s.io", _) => false,
        ("storage.k8s.io" | "certificates.k8s.io" | "authentication.k8s.io", _) => false,
        ("resource.k8s.io", plural) => plural == "deviceclasses" || plural == "resourceslices",
        ("node.k8s.io" | "apiregistration.k8s.io" | "authorization.k8s.io", _) => false,
        ("networking.k8s.io", plural) => !matches!(plural, "ipaddresses" | "servicecidrs"),
        (
            "admissionregistration.k8s.io"
            | "apiextensions.k8s.io"
            | "batch"
            | "discovery.k8s.io"
            | "flowcontrol.apiserver.k8s.io"
            | "policy"
            | "scheduling.k8s.io",
            _,
        ) => true,
        _ => false,
    };
    let unconditional = kind.custom.is_none()
        && !matches!(
            kind.id(),
            (
                "policy"
                    | "coordination.k8s.io"
                    | "apiextensions.k8s.io"
                    | "admissionregistration.k8s.io"
                    | "apiregistration.k8s.io"
                    | "node.k8s.io",
                _
            ) | ("storage.k8s.io", "csidrivers" | "csinodes" | "csistoragecapacities" | "volumeattachments")
        );
    let created_by_put = matches!(
        kind.id(),
        ("", "events" | "limitranges" | "services" | "endpoints")
            | ("rbac.authorization.k8s.io" | "coordination.k8s.io" | "events.k8s.io" | "node.k8s.io", _)
    );
    let answers_deleted = matches!(
        kind.id(),
        ("resource.k8s.io", _)
            | (
                "storage.k8s.io",
                "csidrivers"
                    | "csinodes"
                    | "storageclasses"
                    | "volumeattachments"
                    | "volumeattributesclasses"
            )
            | (
                "",
                "persistentvolumeclaims"
                    | "persistentvolumes"
                    | "pods"
                    | "podtemplates"
                    | "resourcequotas"
                    | "serviceaccounts"
                    | "services"
            )
    );
    let orphans = matches!(kind.id(), ("", "replicationcontrollers") | ("batch", "jobs"));
    Habits { generation, unconditional, created_by_put, answers_deleted, orphans }
}

/// Whether the status of a kind has a path of its own.
pub(crate) fn has_status(kind: &Kind, version: &str) -> bool {
    kind.version(version).is_some_and(|it| it.subresource("status").is_some())
}

/// Whether a write of the status leaves the metadata as it is (ResetObjectMetaForStatus of apimachinery).
fn keeps_metadata(kind: &Kind) -> bool {
    matches!(
        kind.id(),
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _)
            | ("networking.k8s.io", "servicecidrs")
            | ("resource.k8s.io", "resourceclaims")
            | ("storage.k8s.io", "volumeattachments")
    )
}

fn field(name: &str) -> Element {
    Element::Field(name.to_owned())
}

/// The annotation that counts the templates of a DaemonSet.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Counts the template of a DaemonSet: what the server counts, whatever the writer says.
fn count_template(kind: &Kind, object: &mut Value, old: Option<&Value>, through_status: bool) {
    if !kind.is("apps", "daemonsets") {
        return;
    }
    let number = old.map_or(1, |old| {
        let held = old["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
        let held: i64 = held.and_then(|it| it.parse().ok()).unwrap_or_default();
        let changed = !through_status && object["spec"]["template"] != old["spec"]["template"];
        held + i64::from(changed)
    });
    let annotations =
        object::metadata(object).entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    annotations[TEMPLATE_GENERATION] = number.to_string().into();
}

/// The fields that a writer through a path cannot own.
pub(crate) fn ignored(kind: &Kind, version: &str, subresource: &str) -> Set {
    let mut set = Set::default();
    if kind.is("certificates.k8s.io", "certificatesigningrequests") {
        set.insert(&[field("spec")]);
    }
    match subresource {
        "status" => {
            set.insert(&[field("spec")]);
            if kind.custom.is_some() {
                for name in [
                    "annotations",
                    "labels",
                    "finalizers",
                    "ownerReferences",
                    "deletionTimestamp",
                    "selfLink",
                ] {
                    set.insert(&[field("metadata"), field(name)]);
                }
            }
            if keeps_metadata(kind) {
                set.insert(&[field("metadata")]);
            }
            if kind.is("apps", "deployments") || kind.is("networking.k8s.io", "networkpolicies") {
                set.insert(&[field("metadata"), field("labels")]);
            }
            if kind.is("", "pods") {
                set.insert(&[field("metadata"), field("deletionTimestamp")]);
                set.insert(&[field("metadata"), field("ownerReferences")]);
            }
            if kind.is("", "services") {
                set = Set::default();
                set.insert(&[field("spec")]);
            }
        }
        _ if has_status(kind, version) => set.insert(&[field("status")]),
        _ => {}
    }
    set
}

/// The status that a new object of a kind begins with.
fn fresh_status(kind: &Kind, empty: &Value, now: &str) -> Option<Value> {
    match kind.id() {
        ("", "pods") => Some(json!({"phase": "Pending", "qosClass": "BestEffort"})),
        ("", "namespaces") => Some(json!({"phase": "Active"})),
        ("", "persistentvolumeclaims") => Some(json!({"phase": "Pending"})),
        ("", "persistentvolumes") => Some(json!({"phase": "Pending", "lastPhaseTransitionTime": now})),
        _ => empty.get("status").cloned(),
    }
}

fn set_or_remove(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(fields) = object.as_object_mut() {
        match value {
            Some(value) => fields.insert(key.into(), value),
            None => fields.remove(key),
        };
    }
}

/// Makes an object new: no status from outside, the first generation.
pub(crate) fn prepare_create(kind: &Kind, version: &str, object: &mut Value, empty: &Value, now: &str) {
    // Nodes come with their status, as kubelets register themselves.
    if kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
        object["status"] = crate::custom::fresh_status(object);
    } else if has_status(kind, version) && !kind.is("", "nodes") {
        let status = fresh_status(kind, empty, now);
        set_or_remove(object, "status", status);
    }
    let metadata = object::metadata(object);
    if habits(kind).generation {
        metadata.insert("generation".into(), 1.into());
    } else if kind.custom.is_none() {
        metadata.remove("generation");
    }
    if kind.is("", "pods") {
        object["status"]["qosClass"] = quality(&object["spec"]).into();
    }
    count_template(kind, object, None, false);
    dropped::drop(kind, object);
    if kind.is("", "services") {
        services::name_addresses(object, None);
    }
    if kind.is("", "persistentvolumeclaims") {
        claims::settle(&mut object["spec"], &Value::Null);
    }
    if kind.is("", "namespaces") {
        let finalizers = object["spec"]["finalizers"].as_array_mut();
        match finalizers {
            Some(list) if list.iter().any(|it| it == "kubernetes") => {}
            Some(list) => list.push("kubernetes".into()),
            None => object["spec"]["finalizers"] = json!(["kubernetes"]),
        }
    }
}

/// compat(conversion of core/v1): podCIDR is the first of podCIDRs.
fn first_block(node: &mut Value) {
    let first = node["spec"]["podCIDR"].clone();
    if first.as_str().is_some_and(|it| !it.is_empty()) && node["spec"]["podCIDRs"][0] != first {
        node["spec"]["podCIDRs"] = json!([first]);
    }
}

/// The parts of an object whose change counts a new generation.
fn counted(object: &Value, has_status: bool) -> Map<String, Value> {
    let mut fields = object.as_object().cloned().unwrap_or_default();
    for key in ["metadata", "apiVersion", "kind"] {
        fields.remove(key);
    }
    if has_status {
        fields.remove("status");
    }
    fields
}

/// Keeps what a write through the main path may not change, and counts the generation.
pub(crate) fn prepare_update(kind: &Kind, version: &str, object: &mut Value, old: &Value) {
    let status = has_status(kind, version);
    if status {
        set_or_remove(object, "status", old.get("status").cloned());
    }
    dropped::drop(kind, object);
    if kind.is("certificates.k8s.io", "certificatesigningrequests") {
        set_or_remove(object, "spec", old.get("spec").cloned());
    }
    if kind.is("", "nodes") {
        first_block(object);
    }
    if kind.is("", "persistentvolumeclaims") {
        claims::settle(&mut object["spec"], &old["spec"]);
    }
    if kind.is("", "services") {
        services::keep_chosen(object, old);
        services::name_addresses(object, Some(old));
        services::drop_dependent(object, old);
    }
    if kind.is("", "namespaces") {
        let finalizers = old["spec"]["finalizers"].clone();
        object["spec"]["finalizers"] = finalizers;
    }
    count_template(kind, object, Some(old), false);
    keep_generation(kind, object, old, status);
}

fn keep_generation(kind: &Kind, object: &mut Value, old: &Value, status: bool) {
    let generation = old["metadata"]["generation"].as_i64();
    let uncounted = kind.is("scheduling.k8s.io", "priorityclasses");
    let differs = |key: &str| object["metadata"][key] != old["metadata"][key];
    // compat(deployment strategy, endpointslice strategy): these count as a spec does.
    let noted = kind.is("apps", "deployments") && differs("annotations")
        || kind.is("discovery.k8s.io", "endpointslices") && differs("labels");
    let changed =
        habits(kind).generation && !uncounted && (noted || counted(object, status) != counted(old, status));
    let metadata = object::metadata(object);
    match generation {
        Some(it) => metadata.insert("generation".into(), (it + i64::from(changed)).into()),
        None => metadata.remove("generation"),
    };
}

/// Keeps all but the resources of containers, for a write through `resize` (`pkg/registry/core/pod`, dropNonResizeUpdates).
pub(crate) fn prepare_resize(kind: &Kind, object: &mut Value, old: &Value) {
    let mut out = old.clone();
    out["metadata"] = object["metadata"].clone();
    for list in ["containers", "initContainers"] {
        let given = object["spec"][list].as_array();
        let Some(held) = out["spec"].get_mut(list).and_then(Value::as_array_mut) else { continue };
        if given.is_none_or(|given| given.len() != held.len()) {
            // What adds or takes away containers is refused as a whole.
            out["spec"] = object["spec"].clone();
            break;
        }
        for (held, given) in held.iter_mut().zip(given.into_iter().flatten()) {
            for key in ["resources", "resizePolicy"] {
                set_or_remove(held, key, given.get(key).cloned());
            }
        }
    }
    *object = out;
    keep_generation(kind, object, old, true);
}

/// Keeps all but the status, for a write through `status`.
pub(crate) fn prepare_status(kind: &Kind, object: &mut Value, old: &Value) {
    let status = object.get("status").cloned();
    let mut metadata = object["metadata"].clone();
    let old_metadata = &old["metadata"];
    let mut out = old.clone();
    if kind.custom.is_some() {
        let managed = metadata["managedFields"].take();
        metadata = old_metadata.clone();
        if !managed.is_null() {
            metadata["managedFields"] = managed;
        } else if let Some(fields) = metadata.as_object_mut() {
            fields.remove("managedFields");
        }
    } else {
        let mut keep = vec!["generation"];
        match kind.id() {
            ("apps", "deployments") | ("networking.k8s.io", "networkpolicies") => keep.push("labels"),
            ("", "pods") => keep.extend(["ownerReferences", "deletionTimestamp"]),
            _ if keeps_metadata(kind) => {
                keep.extend(["annotations", "deletionTimestamp", "finalizers", "labels", "ownerReferences"]);
            }
            _ => {}
        }
        if let Some(fields) = metadata.as_object_mut() {
            for key in keep {
                match old_metadata.get(key) {
                    Some(value) => fields.insert(key.into(), value.clone()),
                    None => fields.remove(key),
                };
            }
        }
    }
    out["metadata"] = metadata;
    set_or_remove(&mut out, "status", status);
    if kind.is("", "replicationcontrollers") || kind.is("batch", "jobs") {
        crate::defaults::labels_of_pods(&mut out);
    }
    count_template(kind, &mut out, Some(old), true);
    if kind.is("", "pods") {
        // compat(conversion of core/v1): podIP is the first of podIPs.
        let address = out["status"]["podIP"].clone();
        if address.as_str().is_some_and(|it| !it.is_empty()) && out["status"]["podIPs"][0]["ip"] != address {
            out["status"]["podIPs"] = json!([{"ip": address}]);
        }
    }
    if kind.is("", "pods") && out["status"].get("qosClass").is_none() {
        out["status"]["qosClass"] = quality(&out["spec"]).into();
    }
    if kind.is("", "persistentvolumes") && out["status"].get("lastPhaseTransitionTime").is_none() {
        let held = &old["status"]["lastPhaseTransitionTime"];
        if !held.is_null() {
            out["status"]["lastPhaseTransitionTime"] = held.clone();
        }
    }
    *object = out;
}

/// How well a pod's resources are assured.
fn quality(spec: &Value) -> &'static str {
    let lists = ["containers", "initContainers"];
    let containers: Vec<&Value> = lists
        .iter()
        .flat_map(|key| spec[*key].as_array().into_iter().flatten())
        .map(|it| &it["resources"])
        .collect();
    let names = ["cpu", "memory"];
    let has = |it: &Value, part: &str, name: &str| {
        crate::quantity::Quantity::of(&it[part][name]).is_some_and(|it| it.sign() > 0)
    };
    let any = containers
        .iter()
        .any(|it| names.iter().any(|name| has(it, "limits", name) || has(it, "requests", name)));
    if !any {
        return "BestEffort";
    }
    let all = containers.iter().all(|it| {
        names.iter().all(|name| {
            has(it, "limits", name)
                && (it["requests"][*name].is_null() || it["requests"][*name] == it["limits"][*name])
        })
    });
    if all { "Guaranteed" } else { "Burstable" }
}
