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

/// Does the annotation of a live object begin with this Application's name?
pub(super) fn names(live: &Object, instance: &str) -> bool {
    live.annotation(TRACKING_ID).and_then(|id| id.split_once(':')).is_some_and(|(found, _)| found == instance)
}

/// Does the annotation of a live object, where it has one, describe that object? A copy of an object carries the
/// annotation of its original.
pub(super) fn is_itself(live: &Object) -> bool {
    let Some(id) = live.annotation(TRACKING_ID) else { return true };
    let mut parts = id.splitn(3, ':').skip(1);
    let (Some(kind), Some((namespace, name))) =
        (parts.next(), parts.next().and_then(|part| part.split_once('/')))
    else {
        return false;
    };
    let ObjectRef { group, kind: own, .. } = live.object_ref();
    kind == format!("{group}/{own}")
        && name == live.name()
        && (namespace == live.namespace() || live.namespace().is_empty())
}

/// Is what is left of an object the Application's to delete?
pub(super) fn owns(application: &Object, stale: &Stale) -> bool {
    stale.live.as_ref().is_none_or(|live| names(live, &instance(application)) && is_itself(live))
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
