//! Arithmetic, and conversions between numbers, texts and bytes.

use gyre_go::duration::Duration;
use gyre_go::strconv;

use super::text;
use crate::eval::{Outcome, fail};
use crate::value::Value;

const INT_OVERFLOW: &str = "integer overflow";
const UINT_OVERFLOW: &str = "unsigned integer overflow";

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    match (name, args) {
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [Value::Int(a), Value::Int(b)]) => Some(ints(name, *a, *b)),
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [Value::Uint(a), Value::Uint(b)]) => {
            Some(uints(name, *a, *b))
        }
        ("_+_" | "_-_" | "_*_" | "_/_", [Value::Double(a), Value::Double(b)]) => {
            Some(Ok(Value::Double(match name {
                "_+_" => a + b,
                "_-_" => a - b,
                "_*_" => a * b,
                _ => a / b,
            })))
        }
        ("-_", [Value::Int(it)]) => {
            Some(it.checked_neg().map_or_else(|| fail(INT_OVERFLOW), |it| Ok(Value::Int(it))))
        }
        ("-_", [Value::Double(it)]) => Some(Ok(Value::Double(-it))),
        ("bool" | "bytes" | "double" | "int" | "uint" | "string", [it]) => Some(converted(name, it)),
        _ => None,
    }
}

fn ints(name: &str, a: i64, b: i64) -> Outcome {
    let result = match name {
        "_+_" => a.checked_add(b),
        "_-_" => a.checked_sub(b),
        "_*_" => a.checked_mul(b),
        "_/_" if b == 0 => return fail("division by zero"),
        "_/_" => a.checked_div(b),
        _ if b == 0 => return fail("modulus by zero"),
        _ => a.checked_rem(b),
    };
    result.map_or_else(|| fail(INT_OVERFLOW), |it| Ok(Value::Int(it)))
}

fn uints(name: &str, a: u64, b: u64) -> Outcome {
    let result = match name {
        "_+_" => a.checked_add(b),
        "_-_" => a.checked_sub(b),
        "_*_" => a.checked_mul(b),
        "_/_" if b == 0 => return fail("division by zero"),
        "_/_" => a.checked_div(b),
        _ if b == 0 => return fail("modulus by zero"),
        _ => a.checked_rem(b),
    };
    result.map_or_else(|| fail(UINT_OVERFLOW), |it| Ok(Value::Uint(it)))
}

fn converted(name: &str, value: &Value) -> Outcome {
    let cannot = || {
        if matches!(value, Value::Text(_)) {
            return fail(format!("type conversion error from 'string' to '{name}'"));
        }
        fail(format!("no such overload: {name}({})", value.type_name()))
    };
    let found = match name {
        "bool" => match value {
            Value::Bool(_) => Some(value.clone()),
            Value::Text(text) => strconv::parse_bool(text).ok().map(Value::Bool),
            _ => None,
        },
        "bytes" => match value {
            Value::Bytes(_) => Some(value.clone()),
            Value::Text(text) => Some(Value::Bytes(text.as_bytes().into())),
            _ => None,
        },
        "double" => match value {
            Value::Double(_) => Some(value.clone()),
            Value::Int(it) => Some(Value::Double(*it as f64)),
            Value::Uint(it) => Some(Value::Double(*it as f64)),
            Value::Text(text) => strconv::parse_float(text).ok().map(Value::Double),
            _ => None,
        },
        "int" => return to_int(value).unwrap_or_else(cannot),
        "uint" => return to_uint(value).unwrap_or_else(cannot),
        _ => text::string(value),
    };
    found.map_or_else(cannot, Ok)
}

fn to_int(value: &Value) -> Option<Outcome> {
    let whole = |it: Option<i64>| Some(it.map_or_else(|| fail(INT_OVERFLOW), |it| Ok(Value::Int(it))));
    match value {
        Value::Int(_) => Some(Ok(value.clone())),
        Value::Uint(it) => whole(i64::try_from(*it).ok()),
        Value::Double(it) => {
            let fits = *it > -9_223_372_036_854_775_808.0 && *it < 9_223_372_036_854_775_808.0;
            whole(fits.then_some(*it as i64))
        }
        Value::Text(text) => Some(Ok(Value::Int(strconv::parse_int(text, 10, 64).ok()?))),
        Value::Timestamp(it) => Some(Ok(Value::Int(it.as_second()))),
        Value::Duration(Duration(it)) => Some(Ok(Value::Int(*it))),
        _ => None,
    }
}

fn to_uint(value: &Value) -> Option<Outcome> {
    let whole = |it: Option<u64>| Some(it.map_or_else(|| fail(UINT_OVERFLOW), |it| Ok(Value::Uint(it))));
    match value {
        Value::Uint(_) => Some(Ok(value.clone())),
        Value::Int(it) => whole(u64::try_from(*it).ok()),
        Value::Double(it) => whole((*it >= 0.0 && *it < 18_446_744_073_709_551_616.0).then_some(*it as u64)),
        Value::Text(text) => Some(Ok(Value::Uint(strconv::parse_uint(text, 10, 64).ok()?))),
        _ => None,
    }
}
