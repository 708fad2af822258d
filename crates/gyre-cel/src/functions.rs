//! What the functions do. Arguments come with the receiver first; the name says which library.

pub(crate) mod format;
mod lists;
mod network;
mod numbers;
mod text;
pub(crate) mod time;
pub(crate) mod url;

use std::sync::Arc;

use gyre_go::quantity::Quantity;
use gyre_go::semver::{Library, Version};

use crate::eval::{Outcome, fail};
use crate::value::{Key, Value};

/// Calls a function that is no operator of logic.
pub(crate) fn call(name: &str, args: &[Value]) -> Outcome {
    let libraries = [
        operators as fn(&str, &[Value]) -> Option<Outcome>,
        numbers::call,
        text::call,
        time::call,
        lists::call,
        network::call,
        url::call,
        format::call,
        quantities,
        versions,
    ];
    libraries.iter().find_map(|library| library(name, args)).unwrap_or_else(|| fail("no such overload"))
}

fn operators(name: &str, args: &[Value]) -> Option<Outcome> {
    let truth = |it: bool| Some(Ok(Value::Bool(it)));
    match (name, args) {
        ("_==_", [a, b]) => truth(a == b),
        ("_!=_", [a, b]) => truth(a != b),
        ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => {
            let nan = |it: &Value| matches!(it, Value::Double(it) if it.is_nan());
            if a.is_number() && b.is_number() && (nan(a) || nan(b)) {
                return truth(false);
            }
            let order = a.order(b)?;
            truth(match name {
                "_<_" => order.is_lt(),
                "_<=_" => order.is_le(),
                "_>_" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        ("!_", [Value::Bool(it)]) => truth(!it),
        ("@in", [item, Value::List(items)]) => truth(items.contains(item)),
        ("@in", [key, Value::Map(map)]) => truth(Key::of(key).is_some_and(|key| map.contains_key(&key))),
        ("_[_]", [value, index]) => Some(indexed(value, index)),
        ("_[?_]", [value, index]) => Some(match value {
            Value::Optional(None) => Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => Ok(perhaps(inner, index)),
            other => Ok(perhaps(other, index)),
        }),
        ("dyn", [it]) => Some(Ok(it.clone())),
        ("type", [it]) => Some(Ok(Value::Type(it.type_name().into()))),
        ("optional.of", [it]) => Some(Ok(Value::Optional(Some(Arc::new(it.clone()))))),
        ("optional.none", []) => Some(Ok(Value::Optional(None))),
        ("optional.ofNonZeroValue", [it]) => {
            Some(Ok(Value::Optional((!is_zero(it)).then(|| Arc::new(it.clone())))))
        }
        ("value", [Value::Optional(it)]) => Some(match it {
            Some(it) => Ok(it.as_ref().clone()),
            None => fail("optional.none() dereference"),
        }),
        ("hasValue", [Value::Optional(it)]) => truth(it.is_some()),
        _ => None,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it,
        Value::Text(it) => it.is_empty(),
        Value::Bytes(it) => it.is_empty(),
        Value::List(it) => it.is_empty(),
        Value::Map(it) => it.is_empty(),
        Value::Duration(it) => it.0 == 0,
        Value::Optional(it) => it.is_none(),
        it => it.is_number() && *it == Value::Int(0),
    }
}

fn indexed(value: &Value, index: &Value) -> Outcome {
    match value {
        Value::List(items) => match Key::of(index) {
            Some(Key::Int(at)) => match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                Some(item) => Ok(item.clone()),
                None => fail(format!("index out of bounds: {at}")),
            },
            _ => fail(format!("unsupported index type '{}' in list", index.type_name())),
        },
        Value::Map(map) => match Key::of(index).and_then(|key| map.get(&key)) {
            Some(value) => Ok(value.clone()),
            None => fail(format!("no such key: {}", text::shown(index))),
        },
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => Ok(perhaps(inner, index)),
        _ => fail("no such overload"),
    }
}

fn perhaps(value: &Value, index: &Value) -> Value {
    Value::Optional(indexed(value, index).ok().map(Arc::new))
}

fn quantities(name: &str, args: &[Value]) -> Option<Outcome> {
    let quantity = |it: &Value| match it {
        Value::Quantity(it) => Some(*it),
        Value::Int(it) => Some(Quantity::from_whole(*it)),
        _ => None,
    };
    Some(Ok(match (name, args) {
        ("isQuantity", [Value::Text(text)]) => Value::Bool(Quantity::parse(text).is_some()),
        ("quantity", [Value::Text(text)]) => match Quantity::parse(text) {
            Some(it) => Value::Quantity(it),
            None => return Some(fail(gyre_go::quantity::PATTERN)),
        },
        ("sign", [Value::Quantity(it)]) => Value::Int(i64::try_from(it.sign()).unwrap_or_default()),
        ("isInteger", [Value::Quantity(it)]) => Value::Bool(it.whole().is_some()),
        ("asInteger", [Value::Quantity(it)]) => match it.whole() {
            Some(it) => Value::Int(it),
            None => return Some(fail("cannot convert value to integer")),
        },
        ("asApproximateFloat", [Value::Quantity(it)]) => Value::Double(it.approximately()),
        ("isGreaterThan" | "isLessThan" | "compareTo" | "add" | "sub", [Value::Quantity(a), b]) => {
            let b = quantity(b)?;
            let order = a.partial_cmp(&b)?;
            match name {
                "isGreaterThan" => Value::Bool(order.is_gt()),
                "isLessThan" => Value::Bool(order.is_lt()),
                "compareTo" => Value::Int(order as i64),
                "add" => Value::Quantity(a.plus(b)),
                _ => Value::Quantity(a.minus(b)),
            }
        }
        _ => return None,
    }))
}

fn versions(name: &str, args: &[Value]) -> Option<Outcome> {
    // compat(k8s.io/apiserver): without normalisation a version has three parts and no leading zeros.
    let read = |text: &str, loose: bool| {
        if loose {
            Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
        } else {
            Version::parse_strict(text, Library::default()).ok()
        }
    };
    let loose = matches!(args, [_, Value::Bool(true)]);
    Some(Ok(match (name, args) {
        ("semver", [Value::Text(text), ..]) => match read(text, loose) {
            Some(it) => Value::Semver(it.into()),
            None => return Some(fail("No Major.Minor.Patch elements found")),
        },
        ("isSemver", [Value::Text(text), ..]) => Value::Bool(read(text, loose).is_some()),
        ("isGreaterThan" | "isLessThan" | "compareTo", [Value::Semver(a), Value::Semver(b)]) => {
            let order = a.compare(b);
            match name {
                "isGreaterThan" => Value::Bool(order.is_gt()),
                "isLessThan" => Value::Bool(order.is_lt()),
                _ => Value::Int(order as i64),
            }
        }
        ("major" | "minor" | "patch", [Value::Semver(it)]) => {
            let text = it.to_string();
            let part = ["major", "minor", "patch"].iter().position(|it| *it == name)?;
            let number = text.split(['.', '-', '+']).nth(part)?.parse().ok()?;
            Value::Int(number)
        }
        _ => return None,
    }))
}
