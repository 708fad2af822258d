//! Which objects of a kind a request is about: its label and field selectors.

use serde_json::Value;

use crate::api::Call;
use crate::failure::{Failure, Result};
use crate::object;
use crate::registry::Kind;
use crate::selectors::{FieldSelector, LabelSelector, Labelled};
use crate::store::Entry;

/// Which objects a request selects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

/// The value of a field that can be selected by.
pub(crate) fn field_of(kind: &Kind, object: &Value, field: &str) -> String {
    let path: Vec<&str> = field.split('.').collect();
    let value = match (kind.id(), field) {
        (("", "events"), "involvedObject.uid") => &object["involvedObject"]["uid"],
        (("" | "events.k8s.io", "events"), "source" | "reportingComponent") => {
            let source = &object["source"]["component"];
            if source.as_str().is_none_or(str::is_empty) { &object["reportingComponent"] } else { source }
        }
        (("events.k8s.io", "events"), field) if field.starts_with("regarding") => {
            return field_of(kind, object, &field.replacen("regarding", "involvedObject", 1));
        }
        (("batch", "jobs"), "status.successful") => {
            return object["status"]["succeeded"].as_i64().unwrap_or_default().to_string();
        }
        (("", "nodes"), "spec.unschedulable") => {
            return object["spec"]["unschedulable"].as_bool().unwrap_or_default().to_string();
        }
        (("", "pods"), "spec.hostNetwork") => {
            return object["spec"]["hostNetwork"].as_bool().unwrap_or_default().to_string();
        }
        (("", "replicationcontrollers") | ("apps", "replicasets"), "status.replicas") => {
            return object["status"]["replicas"].as_i64().unwrap_or_default().to_string();
        }
        _ => object::at(object, &path),
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn known_fields(kind: &Kind, version: &str) -> Vec<String> {
    let mut known: Vec<&str> = match kind.id() {
        ("", "pods") => vec![
            "spec.hostNetwork",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.nominatedNodeName",
            "status.phase",
            "status.podIP",
            "status.podIPs",
        ],
        ("", "nodes") => vec!["spec.unschedulable"],
        ("", "namespaces") => vec!["status.phase"],
        ("", "secrets") => vec!["type"],
        ("", "services") => vec!["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => vec!["status.replicas"],
        ("", "events") => vec![
            "involvedObject.apiVersion",
            "involvedObject.fieldPath",
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.resourceVersion",
            "involvedObject.uid",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => vec![
            "reason",
            "regarding.apiVersion",
            "regarding.fieldPath",
            "regarding.kind",
            "regarding.name",
            "regarding.namespace",
            "regarding.resourceVersion",
            "regarding.uid",
            "reportingController",
            "type",
        ],
        ("batch", "jobs") => vec!["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => vec!["spec.signerName"],
        _ => Vec::new(),
    };
    known.extend(["metadata.name"]);
    if kind.namespaced || kind.custom.is_none() {
        known.push("metadata.namespace");
    }
    let mut known: Vec<String> = known.into_iter().map(Into::into).collect();
    if let Some(custom) = kind.version(version).and_then(|it| it.custom.as_ref()) {
        known.extend(custom.selectable.iter().cloned());
    }
    known
}

impl Selection {
    pub(crate) fn read(call: &Call<'_>) -> Result<Self> {
        let query = &call.request.query;
        let it = Self {
            labels: LabelSelector::parse(query.text("labelSelector"))?,
            fields: FieldSelector::parse(query.text("fieldSelector"))?,
        };
        let known = known_fields(&call.place.kind, &call.place.version);
        for (field, _, _) in &it.fields.demands {
            if !known.contains(field) {
                return Err(unknown_field(&call.place.kind, field));
            }
        }
        Ok(it)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether a stored object is selected.
    pub(crate) fn fits(&self, kind: &Kind, entry: &Entry) -> bool {
        let (ns, name) = entry.key.split_once('/').unwrap_or(("", &entry.key));
        if !self.labels.is_empty() {
            let Ok(labelled) = serde_json::from_slice::<Labelled<'_>>(&entry.bytes) else { return false };
            if !self.labels.fits(|key| labelled.metadata.labels.get(key).map(AsRef::as_ref)) {
                return false;
            }
        }
        if self.fields.is_empty() {
            return true;
        }
        let simple = |field: &str| match field {
            "metadata.name" => Some(name.to_owned()),
            "metadata.namespace" => Some(ns.to_owned()),
            _ => None,
        };
        if self.fields.demands.iter().all(|(field, _, _)| simple(field).is_some()) {
            return self.fields.fits(|field| simple(field).unwrap_or_default());
        }
        let object = object::decode(&entry.bytes);
        self.fields.fits(|field| simple(field).unwrap_or_else(|| field_of(kind, &object, field)))
    }
}

fn unknown_field(kind: &Kind, field: &str) -> Failure {
    let message = match kind.id() {
        (
            "",
            "pods"
            | "nodes"
            | "namespaces"
            | "secrets"
            | "services"
            | "replicationcontrollers"
            | "events"
            | "configmaps_",
        )
        | ("apps", "replicasets")
        | ("events.k8s.io", "events")
        | ("certificates.k8s.io", "certificatesigningrequests") => {
            format!("field label not supported: {field}")
        }
        ("batch", "jobs") => format!("field label {field:?} not supported for Job"),
        ("", "") => format!("field label not supported: {field}"),
        _ => {
            format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
    };
    Failure::bad_request(message)
}
