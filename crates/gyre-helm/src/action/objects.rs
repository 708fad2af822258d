//! The objects of a manifest, and whose they are.

use std::fmt::Write as _;

use gyre_go::strconv::quote;
use gyre_model::{GroupVersionKind, Object};
use gyre_yaml::yaml_to_json;
use serde_json::Value;

use crate::error::HelmError;
use crate::manifest::split;
use crate::release::Release;
use crate::render::Version;

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// What a cluster knows of kinds: does the kind live in namespaces? `None` where the cluster does not know it.
pub trait Scopes {
    /// The scope of a kind.
    fn is_namespaced(&self, gvk: &GroupVersionKind) -> Option<bool>;
}

impl<F: Fn(&GroupVersionKind) -> Option<bool>> Scopes for F {
    fn is_namespaced(&self, gvk: &GroupVersionKind) -> Option<bool> {
        self(gvk)
    }
}

/// The objects of a text; lists are taken apart. What lives in a namespace and names none gets `namespace`.
pub fn parse(text: &str, namespace: &str, scopes: &dyn Scopes) -> Result<Vec<Object>, HelmError> {
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    for document in split(text, Version::V3) {
        let value = yaml_to_json(document.as_bytes())
            .map_err(|why| HelmError::new(format!("error parsing : error converting YAML to JSON: {why}")))?;
        take(value, namespace, scopes, &mut objects, &mut problems);
    }
    match &problems[..] {
        [] => Ok(objects),
        [one] => Err(HelmError::new(one)),
        all => Err(HelmError::new(format!("[{}]", all.join(", ")))),
    }
}

fn take(
    value: Value,
    namespace: &str,
    scopes: &dyn Scopes,
    objects: &mut Vec<Object>,
    problems: &mut Vec<String>,
) {
    if value.is_null() {
        return;
    }
    if value.get("kind").is_some_and(Value::is_string)
        && let Some(Value::Array(items)) = value.get("items")
    {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, api_version) = (text("kind").trim_end_matches("List"), text("apiVersion"));
        for mut item in items.iter().cloned() {
            if let Value::Object(fields) = &mut item {
                fields.entry("kind").or_insert_with(|| kind.into());
                fields.entry("apiVersion").or_insert_with(|| api_version.into());
            }
            take(item, namespace, scopes, objects, problems);
        }
        return;
    }
    let shown = value.to_string();
    let missing = |field: &str| value.get(field).and_then(Value::as_str).is_none_or(str::is_empty);
    if missing("kind") {
        problems.push(format!("unable to decode \"\": Object 'Kind' is missing in '{shown}'"));
        return;
    }
    if missing("apiVersion") {
        problems.push(format!("unable to decode \"\": Object 'apiVersion' is missing in '{shown}'"));
        return;
    }
    let Ok(mut object) = Object::new(value) else { return };
    let gvk = object.gvk();
    match scopes.is_namespaced(&gvk) {
        None => problems.push(format!(
            "resource mapping not found for name: \"{}\" namespace: \"{}\" from \"\": no matches for kind \"{}\" in version \"{}\"\nensure CRDs are installed first",
            object.name(),
            object.namespace(),
            gvk.kind,
            gvk.api_version()
        )),
        Some(is_namespaced) => {
            if is_namespaced && object.namespace().is_empty() {
                object.set_namespace(namespace);
            }
            objects.push(object);
        }
    }
}

/// An object as Helm names it.
fn named(object: &Object) -> String {
    format!(
        "{} {} in namespace {}",
        object.kind(),
        quote(object.name().as_bytes()),
        quote(object.namespace().as_bytes())
    )
}

/// Marks an object as one of the release.
pub(super) fn mark(object: &mut Object, release: &Release) {
    object.set_label(MANAGED_BY, "Helm");
    object.set_annotation(RELEASE_NAME, release.name());
    object.set_annotation(RELEASE_NAMESPACE, release.namespace());
}

/// Why an object that exists cannot be taken into the release; `None` where it is the release's own.
pub(super) fn conflict(object: &Object, release: &Release) -> Option<String> {
    let mut why = String::new();
    let mut demand = |what: &str, found: Option<&str>, key: &str, wanted: &str| {
        let (key, shown) = (quote(key.as_bytes()), quote(wanted.as_bytes()));
        match found {
            Some(found) if found == wanted => {}
            Some(found) => {
                let found = quote(found.as_bytes());
                let _ = write!(
                    why,
                    "; {what} validation error: key {key} must equal {shown}: current value is {found}"
                );
            }
            None => {
                let _ = write!(why, "; {what} validation error: missing key {key}: must be set to {shown}");
            }
        }
    };
    demand("label", object.label(MANAGED_BY), MANAGED_BY, "Helm");
    demand("annotation", object.annotation(RELEASE_NAME), RELEASE_NAME, release.name());
    demand("annotation", object.annotation(RELEASE_NAMESPACE), RELEASE_NAMESPACE, release.namespace());
    (!why.is_empty()).then(|| {
        format!(
            "{} exists and cannot be imported into the current release: invalid ownership metadata{why}",
            named(object)
        )
    })
}
