//! Flux's kinds: their specs in, their statuses, events and metrics out.

pub(crate) mod conditions;
pub(crate) mod git_repository;
pub(crate) mod kustomization;

use std::time::Duration;

use gyre_go::{base64, duration};
use gyre_model::{GroupVersionKind, Object};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A Go duration of a spec; `None` where it is missing or is not one.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let nanoseconds = duration::Duration::parse(text).ok()?.0;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// A duration as Go writes it.
pub(crate) fn go_duration(span: Duration) -> String {
    duration::Duration(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)).to_string()
}

/// A part of an object in its shape; what does not fit is an error that names the field.
pub(crate) fn part<T: DeserializeOwned + Default>(object: &Object, name: &str) -> Result<T, String> {
    match object.fields().get(name) {
        None => Ok(T::default()),
        Some(value) => serde_json::from_value(value.clone()).map_err(|error| format!("{name}: {error}")),
    }
}

/// The value of the annotation by which a reconcile is asked for.
pub(crate) fn requested_at(object: &Object) -> Option<String> {
    object.annotation(gyre_api::flux::REQUESTED_AT).map(Into::into)
}

/// The data of a Secret, decoded; what cannot be is left out.
pub(crate) fn secret_data(secret: &Object) -> Vec<(String, Vec<u8>)> {
    let data = secret.at("/data").and_then(Value::as_object).into_iter().flatten();
    let decoded = |value: &Value| base64::STANDARD.decode(value.as_str()?.as_bytes()).ok();
    data.filter_map(|(key, value)| Some((key.clone(), decoded(value)?))).collect()
}

/// The version of Flux's kinds that is watched and written.
pub(crate) fn gvk(group: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind { group: group.into(), version: "v1".into(), kind: kind.into() }
}
