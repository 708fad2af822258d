//! Whose an object is: the annotation `argocd.argoproj.io/tracking-id`.

use gyre_api::argo::{NAMESPACE, TRACKING_ID};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use gyre_plan::Stale;
use serde_json::Value;

/// The name of an Application in tracking ids: with its namespace where that is not Argo CD's own.
pub(super) fn instance(application: &Object) -> String {
    if application.namespace() == NAMESPACE {
        application.name().to_owned()
    } else {
        format!("{}_{}", application.namespace(), application.name())
    }
}

/// `<app>:<group>/<kind>:<namespace>/<name>`; a cluster-scoped object names the destination's namespace.
pub(super) fn id(application: &Object, object: &ObjectRef, namespace: &str) -> String {
    let ObjectRef { group, kind, name, .. } = object;
    format!("{}:{group}/{kind}:{namespace}/{name}", instance(application))
}

/// Does the annotation of a live object name this Application, and the object itself?
pub(super) fn owns(application: &Object, stale: &Stale) -> bool {
    let Some(live) = &stale.live else { return true };
    let Some((owner, rest)) = live.annotation(TRACKING_ID).and_then(|id| id.split_once(':')) else {
        return false;
    };
    let itself = format!("{}/{}:", stale.target.group, stale.target.kind);
    // A copy of an object carries the annotation of its original.
    owner == instance(application)
        && rest.starts_with(&itself)
        && rest.rsplit('/').next() == Some(stale.target.name.as_str())
}

/// The objects that the Application had at the last comparison.
pub(crate) fn inventory(application: &Object) -> Vec<ObjectRef> {
    let resources = application.at("/status/resources").and_then(Value::as_array);
    resources
        .into_iter()
        .flatten()
        .map(|resource| {
            let text = |field: &str| resource.get(field).and_then(Value::as_str).unwrap_or_default();
            let gvk = GroupVersionKind {
                group: text("group").into(),
                version: text("version").into(),
                kind: text("kind").into(),
            };
            ObjectRef::new(gvk, text("namespace"), text("name"))
        })
        .collect()
}
