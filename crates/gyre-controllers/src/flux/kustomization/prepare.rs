//! What is done to rendered objects before they are applied: owner labels, common metadata, and what Flux's typed
//! round trip does to built-in kinds (`fluxcd/pkg/ssa/normalize`).

use std::sync::Arc;

use gyre_api::flux::KustomizationSpec;
use gyre_cluster::ApiError;
use gyre_go::base64;
use gyre_merge::{facts, typed};
use gyre_model::{GroupVersionKind, Object};
use serde_json::{Map, Value};

use super::policy::owner_labels;
use crate::context::Context;

/// The objects as they are applied.
pub(super) async fn objects(
    cx: &Context,
    owner: &Object,
    spec: &KustomizationSpec,
    rendered: Vec<Object>,
) -> Result<Vec<Arc<Object>>, ApiError> {
    let mut prepared = Vec::with_capacity(rendered.len());
    for mut object in rendered {
        // A namespace on an object that has none is dropped, as the server drops it.
        if !object.namespace().is_empty()
            && let Ok(kind) = cx.cluster.kind(&object.gvk()).await
            && !kind.namespaced
        {
            object.set_namespace("");
        }
        for (key, value) in owner_labels(owner) {
            object.set_label(&key, &value);
        }
        normalize(&mut object);
        if let Some(common) = &spec.common_metadata {
            common.labels.iter().for_each(|(key, value)| object.set_label(key, value));
            common.annotations.iter().for_each(|(key, value)| object.set_annotation(key, value));
        }
        prepared.push(Arc::new(object));
    }
    Ok(prepared)
}

fn normalize(object: &mut Object) {
    let (api_version, kind) = (object.api_version().to_owned(), object.kind().to_owned());
    if let Some(written) = as_go_writes(object) {
        *object.fields_mut() = written;
    }
    let fields = object.fields_mut();
    if kind != "CustomResourceDefinition" {
        fields.remove("status");
    }
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata")
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.remove("creationTimestamp");
    }
    match (api_version.as_str(), kind.as_str()) {
        ("v1", "Secret") => encode_strings(fields),
        ("v1", "Service") => default_protocols(fields.get_mut("spec").and_then(|spec| spec.get_mut("ports"))),
        ("v1", "Pod") => pod_protocols(fields.get_mut("spec")),
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch/v1", "Job") => {
            pod_protocols(at(fields, &["spec", "template", "spec"]));
        }
        ("batch/v1", "CronJob") => {
            pod_protocols(at(fields, &["spec", "jobTemplate", "spec", "template", "spec"]));
        }
        _ => {}
    }
}

/// The object as client-go's types write it; `None` for kinds that these do not have, and for what does not fit them.
fn as_go_writes(object: &Object) -> Option<Map<String, Value>> {
    let GroupVersionKind { group, version, kind } = object.gvk();
    let is_left = match group.as_str() {
        // compat(kustomize-controller 1.8): rules of roles would get lost.
        "rbac.authorization.k8s.io" => matches!(kind.as_str(), "Role" | "ClusterRole"),
        "apiextensions.k8s.io" | "apiregistration.k8s.io" => true,
        _ => false,
    };
    let ty = facts::kind(&group, &version, &kind).filter(|_| !is_left)?;
    match typed::round_trip(&ty, object.to_value())? {
        Value::Object(written) => Some(written),
        _ => None,
    }
}

fn at<'a>(fields: &'a mut Map<String, Value>, path: &[&str]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(fields.get_mut(*first)?, |value, name| value.get_mut(*name))
}

/// `stringData` becomes `data`, so that it is owned and compared as what it becomes.
fn encode_strings(fields: &mut Map<String, Value>) {
    let Some(Value::Object(strings)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(data) = data {
        for (key, value) in strings {
            if let Value::String(text) = value {
                data.insert(key, base64::STANDARD.encode(text.as_bytes()).into());
            }
        }
    }
}

/// Ports without a protocol get the default: the merge key of the list has to be whole.
fn default_protocols(ports: Option<&mut Value>) {
    for port in ports.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(port) = port {
            port.entry("protocol").or_insert_with(|| "TCP".into());
        }
    }
}

fn pod_protocols(spec: Option<&mut Value>) {
    let containers = spec.and_then(|spec| spec.get_mut("containers")).and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        default_protocols(container.get_mut("ports"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_and_ports_are_normalized() {
        let mut secret = Object::new(json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"},
            "metadata": {"name": "s", "creationTimestamp": null}, "status": {}}))
        .unwrap();
        normalize(&mut secret);
        let wanted =
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "Yg=="}, "metadata": {"name": "s"}});
        assert_eq!(secret.to_value(), wanted);
        let mut service = Object::new(json!({"apiVersion": "v1", "kind": "Service",
            "spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}}))
        .unwrap();
        normalize(&mut service);
        assert_eq!(service.text("/spec/ports/0/protocol"), "TCP");
        assert_eq!(service.text("/spec/ports/1/protocol"), "UDP");
    }
}
