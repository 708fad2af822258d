//! Numbers and texts from any value, as spf13/cast and sprig's `strval` make them.

use gyre_go::strconv;

use crate::value::Value;

/// `strval`: a string as it is, anything else as `%v` prints it.
pub(crate) fn display(value: &Value) -> Vec<u8> {
    match value {
        Value::Str(text) | Value::Bytes(text) => text.bytes().to_vec(),
        other => other.shown(),
    }
}

/// A text argument, which the signature guarantees.
pub(super) fn text(value: &Value) -> &[u8] {
    match value {
        Value::Str(text) => text.bytes(),
        _ => b"",
    }
}

/// A text argument as a Rust string.
pub(super) fn utf8(value: &Value) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text(value))
}

/// An `int` argument.
pub(super) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(value, _) => *value,
        _ => 0,
    }
}

/// `12.00` is 12.
fn without_zero_decimals(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

fn is_out_of_range(float: f64) -> bool {
    !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float)
}

/// `int64(float)` as Go on amd64 does it: what does not fit becomes the smallest.
pub(super) fn truncated(float: f64) -> i64 {
    if float.is_nan() || is_out_of_range(float) { i64::MIN } else { float as i64 }
}

/// `cast.ToInt64`; what is no number is zero.
pub(crate) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(value, _) | Value::Duration(value) => *value,
        Value::Float(value) => truncated(*value),
        Value::Bool(value) => i64::from(*value),
        Value::Str(text) => {
            let text = text.to_string_lossy();
            strconv::parse_int(without_zero_decimals(&text), 0, 64).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `cast.ToFloat64`; what is no number is zero.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(value, kind) if kind.is_unsigned() => *value as u64 as f64,
        Value::Int(value, _) | Value::Duration(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Str(text) => strconv::parse_float(&text.to_string_lossy()).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// `strslice`: a list of texts; nil items are left out, another value is a list of one.
pub(super) fn to_texts(value: &Value) -> Vec<Vec<u8>> {
    match value {
        Value::List(list) => list.items.borrow().iter().filter(|item| !item.is_nil()).map(display).collect(),
        Value::Bytes(bytes) => bytes.bytes().iter().map(|byte| byte.to_string().into_bytes()).collect(),
        Value::Invalid | Value::Nil => Vec::new(),
        other => vec![display(other)],
    }
}
