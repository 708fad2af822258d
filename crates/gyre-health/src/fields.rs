//! Reading the parts of a status that many kinds share.

use gyre_model::Object;
use serde_json::Value;

/// The whole number at a JSON pointer, or `default`.
pub(crate) fn int(object: &Object, pointer: &str, default: i64) -> i64 {
    object.at(pointer).and_then(Value::as_i64).unwrap_or(default)
}

/// One condition of `status.conditions`.
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// The items of `status.conditions`, in order.
pub(crate) fn conditions(object: &Object) -> Vec<Condition<'_>> {
    let list = object.at("/status/conditions").and_then(Value::as_array);
    list.map(|list| list.iter().map(condition).collect()).unwrap_or_default()
}

pub(crate) fn condition(value: &Value) -> Condition<'_> {
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    Condition {
        kind: field("type"),
        status: field("status"),
        reason: field("reason"),
        message: field("message"),
    }
}
