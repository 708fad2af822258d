//! Strategic merge patches of built-in kinds, with the refusals of the Kubernetes API.

use gyre_merge::schema::{Scalar, Type};
use gyre_merge::strategic_merge::{self, StrategicError};
use gyre_merge::typed::zero;
use serde_json::Value;

use crate::api::Place;
use crate::failure::{Cause, Failure, Result};

/// The object with a strategic merge patch applied.
pub(crate) fn apply(place: &Place, old: &Value, patch: &Value) -> Result<Value> {
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let ty = &place.served().ty;
    let merged = strategic_merge::apply(object(old), object(patch), ty).map_err(|error| match error {
        StrategicError::BadDocument => Failure::bad_request(error.to_string()),
        error if error.to_string().contains("retainKeys") => Failure::bad_request(error.to_string()),
        error => Failure::unknown(error.to_string()),
    })?;
    let merged = Value::Object(merged);
    match restored(ty, &merged) {
        Some(why) => {
            let cause = Cause::invalid("patch", &go_text(patch).into(), &why);
            Err(Failure::invalid("", "", "", vec![cause]))
        }
        None => Ok(merged),
    }
}

/// Why a merged value cannot become the Go object again, in the words of its converter.
fn restored(ty: &Type, value: &Value) -> Option<String> {
    let kind = match value {
        Value::Null => return None,
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    };
    match (ty, value) {
        (Type::Struct(it), Value::Object(fields)) => {
            let it = it.resolve();
            fields.iter().find_map(|(name, value)| restored(&it.fields.get(name)?.ty, value))
        }
        (Type::Struct(_), _) => Some(format!("cannot restore struct from: {kind}")),
        (Type::List(list), Value::Array(items)) => items.iter().find_map(|item| restored(&list.item, item)),
        (Type::List(_), _) => Some(format!("cannot restore slice from {kind}")),
        (Type::Map(map), Value::Object(fields)) => {
            fields.values().find_map(|value| restored(&map.value, value))
        }
        (Type::Map(_), _) => Some(format!("cannot restore map from {kind}")),
        (Type::Scalar(Scalar::String), Value::String(_)) => None,
        (Type::Scalar(Scalar::String), _) => Some(format!("cannot convert {kind} to string")),
        (Type::Scalar(Scalar::Bool), value) if !value.is_boolean() => {
            Some(format!("cannot convert {kind} to bool"))
        }
        (Type::Scalar(Scalar::Int32 | Scalar::Int64), value) if !value.is_number() => {
            let wanted = if zero(ty).is_number() { "int64" } else { kind };
            Some(format!("cannot convert {kind} to {wanted}"))
        }
        _ => None,
    }
}

/// A value as Go prints it with `%v`.
pub(crate) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let parts: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            format!("map[{}]", parts.join(" "))
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(go_text).collect();
            format!("[{}]", parts.join(" "))
        }
        other => other.to_string(),
    }
}
