//! Strategic merge patch as Kubernetes makes and applies it: lists merge by keys, directives say the rest.
//!
//! [`apply`] is what the API server does with a patch; [`create_two_way`] and [`create_three_way`] make the patches of
//! `kubectl edit` and `kubectl apply`. Behaviour and texts are those of `k8s.io/apimachinery/pkg/util/strategicpatch`.

mod conflict;
mod diff;
mod lists;
mod merge;
mod meta;

use serde_json::{Map, Value};

use crate::schema::Type;
use meta::Meta;

pub(crate) const DIRECTIVE: &str = "$patch";
pub(crate) const DELETE: &str = "delete";
pub(crate) const RETAIN_KEYS: &str = "$retainKeys";
pub(crate) const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
pub(crate) const ELEMENT_ORDER: &str = "$setElementOrder";

/// Why a patch cannot be made or applied. `Display` is Kubernetes' text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    /// The document or the patch is no object.
    #[error("invalid JSON document")]
    BadDocument,
    /// The patch contradicts itself or the type.
    #[error("{0}")]
    Invalid(String),
    /// Someone else changed what the patch changes.
    #[error("patch:\n{patch}\nconflicts with changes made from original to current:\n{changes}\n")]
    Conflict {
        /// The patch as YAML.
        patch: String,
        /// The changes as YAML.
        changes: String,
    },
}

pub(crate) type Strategic<T> = Result<T, StrategicError>;
pub(crate) type Object = Map<String, Value>;

pub(crate) fn invalid<T>(text: impl Into<String>) -> Strategic<T> {
    Err(StrategicError::Invalid(text.into()))
}

/// Applies a patch to an object of a type.
pub fn apply(original: Object, patch: Object, of: &Type) -> Result<Object, StrategicError> {
    merge::maps(original, patch, &Meta::of(of), merge::How { into_object: true })
}

/// The patch that makes `modified` of `original`.
pub fn create_two_way(original: &Object, modified: &Object, of: &Type) -> Result<Object, StrategicError> {
    let how = diff::How { set_order: true, ..diff::How::default() };
    diff::maps(original, modified, &Meta::of(of), how)
}

/// The patch that brings `current` to `modified`: additions and changes against `current`, deletions against
/// `original` (what was applied the last time). Without `overwrite`, changes of others to the same fields are an error.
pub fn create_three_way(
    original: &Object,
    modified: &Object,
    current: &Object,
    of: &Type,
    overwrite: bool,
) -> Result<Object, StrategicError> {
    let meta = Meta::of(of);
    let additions = diff::How { set_order: true, ignore_deletions: true, ..diff::How::default() };
    let delta = diff::maps(current, modified, &meta, additions)?;
    let removals = diff::How { set_order: true, ignore_additions: true, ..diff::How::default() };
    let deletions = diff::maps(original, modified, &meta, removals)?;
    let patch = merge::maps(deletions, delta, &meta, merge::How { into_object: false })?;
    if !overwrite {
        let changes = diff::maps(original, current, &meta, diff::How::default())?;
        if conflict::between(&patch, &changes, &meta)? {
            return Err(StrategicError::Conflict { patch: yaml(&patch), changes: yaml(&changes) });
        }
    }
    Ok(patch)
}

fn yaml(map: &Object) -> String {
    gyre_yaml::write_value(&Value::Object(map.clone()))
}

/// A value as Go's `%v` shows it.
pub(crate) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => gyre_yaml::format_float(float),
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Array(items) => go_list(items),
        Value::Object(map) => go_map(map),
    }
}

pub(crate) fn go_map(map: &Object) -> String {
    let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
    format!("map[{}]", pairs.join(" "))
}

pub(crate) fn go_list(items: &[Value]) -> String {
    let items: Vec<_> = items.iter().map(go_text).collect();
    format!("[{}]", items.join(" "))
}

/// The name of the Go type that a JSON value is decoded into.
pub(crate) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

pub(crate) fn bad_type<T>(wanted: &str, found: &Value) -> Strategic<T> {
    invalid(format!("expected a {wanted}, but received a {}", go_type(found)))
}

pub(crate) fn no_merge_key<T>(map: &Object, key: &str) -> Strategic<T> {
    invalid(format!("map: {} does not contain declared merge key: {key}", go_map(map)))
}
