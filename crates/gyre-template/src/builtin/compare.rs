//! `eq`, `lt` and the like: Go compares only what has the same kind.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::limits::VALUE_DEPTH_MAX;
use crate::value::{Object, Value};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    Text,
    Other,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_, kind) if kind.is_unsigned() => Kind::Uint,
        Value::Int(..) | Value::Duration(_) => Kind::Int,
        Value::Float(_) => Kind::Float,
        Value::Str(_) => Kind::Text,
        _ => Kind::Other,
    }
}

fn whole(value: &Value) -> i128 {
    match value {
        Value::Int(value, kind) if kind.is_unsigned() => i128::from(*value as u64),
        Value::Int(value, _) | Value::Duration(value) => i128::from(*value),
        _ => 0,
    }
}

fn has_no_value(value: &Value) -> bool {
    matches!(value, Value::Invalid | Value::Nil)
}

pub(super) fn equal(args: &[Value]) -> Result<bool, String> {
    let Some((first, rest)) = args.split_first() else {
        return Err("missing argument for comparison".into());
    };
    if rest.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in rest {
        if equal_two(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_two(left: &Value, right: &Value) -> Result<bool, String> {
    let (one, other) = (kind(left), kind(right));
    let whole_numbers = matches!(one, Kind::Int | Kind::Uint) && matches!(other, Kind::Int | Kind::Uint);
    if whole_numbers {
        return Ok(whole(left) == whole(right));
    }
    if one != other {
        if has_no_value(left) || has_no_value(right) {
            return Ok(false);
        }
        return Err(format!(
            "incompatible types for comparison: {} and {}",
            left.type_name(),
            right.type_name()
        ));
    }
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Float(left), Value::Float(right)) => Ok(left == right),
        (Value::Str(left), Value::Str(right)) => Ok(left == right),
        _ => {
            if left.is_nil() || right.is_nil() {
                return Ok(left.is_nil() && right.is_nil());
            }
            not_comparable(left, right)
        }
    }
}

/// Lists, maps and structs: none of them can be compared, except with nil.
fn not_comparable(left: &Value, right: &Value) -> Result<bool, String> {
    // The library prints the value with %s.
    let shown = |value: &Value| {
        String::from_utf8_lossy(&gyre_go::fmt::sprintf(b"%s", &[value.to_arg()])).into_owned()
    };
    match (left, right) {
        (Value::Time(left), Value::Time(right)) => Ok((left.unix_s, left.nanoseconds)
            == (right.unix_s, right.nanoseconds)
            && left.zone == right.zone),
        (Value::Object(left), Value::Object(right)) if left.kind() == "ptr" && right.kind() == "ptr" => {
            Ok(Rc::ptr_eq(left, right))
        }
        (Value::Object(one), Value::Object(other))
            if of_texts(one) && one.type_name() == other.type_name() =>
        {
            Ok(one
                .fields()
                .iter()
                .zip(other.fields())
                .all(|((_, one), (_, other))| one.as_bytes() == other.as_bytes()))
        }
        _ if left.kind_name() != right.kind_name() => Err(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(left),
            left.type_name(),
            right.type_name(),
            String::from_utf8_lossy(&right.shown())
        )),
        _ => Err(format!("non-comparable type {}: {}", shown(right), right.type_name())),
    }
}

/// Is it a struct of texts, which can be compared?
fn of_texts(object: &Rc<dyn Object>) -> bool {
    let fields = object.fields();
    object.contents().is_none()
        && !fields.is_empty()
        && fields.iter().all(|(_, value)| matches!(value, Value::Str(_)))
}

pub(super) fn not_equal(args: &[Value]) -> Result<bool, String> {
    equal(args).map(|equal| !equal)
}

pub(super) fn less(args: &[Value]) -> Result<bool, String> {
    let (left, right) = (&args[0], &args[1]);
    let (one, other) = (kind(left), kind(right));
    if one == Kind::Other || other == Kind::Other {
        return Err("invalid type for comparison".into());
    }
    let whole_numbers = matches!(one, Kind::Int | Kind::Uint) && matches!(other, Kind::Int | Kind::Uint);
    if whole_numbers {
        return Ok(whole(left) < whole(right));
    }
    if one != other {
        return Err(format!(
            "incompatible types for comparison: {} and {}",
            left.type_name(),
            right.type_name()
        ));
    }
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => Ok(left < right),
        (Value::Str(left), Value::Str(right)) => Ok(left.cmp(right) == Ordering::Less),
        _ => Err("invalid type for comparison".into()),
    }
}

/// Go's `reflect.DeepEqual`.
pub(crate) fn deep_equal(left: &Value, right: &Value) -> bool {
    deep_equal_at(left, right, 0)
}

fn deep_equal_at(left: &Value, right: &Value, depth: usize) -> bool {
    if depth > VALUE_DEPTH_MAX {
        return true;
    }
    match (left, right) {
        (Value::Invalid | Value::Nil, Value::Invalid | Value::Nil) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left, kind), Value::Int(right, other)) => left == right && kind == other,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Str(left), Value::Str(right)) | (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Time(left), Value::Time(right)) => {
            (left.unix_s, left.nanoseconds) == (right.unix_s, right.nanoseconds)
        }
        (Value::List(left), Value::List(right)) => {
            let same = std::rc::Rc::ptr_eq(&left.items, &right.items);
            let (one, other) = (left.items.borrow(), right.items.borrow());
            left.element == right.element
                && left.is_nil == right.is_nil
                && (same
                    || one.len() == other.len()
                        && one
                            .iter()
                            .zip(other.iter())
                            .all(|(one, other)| deep_equal_at(one, other, depth + 1)))
        }
        (Value::Map(left), Value::Map(right)) => {
            let same = std::rc::Rc::ptr_eq(&left.entries, &right.entries);
            let (one, other) = (left.entries.borrow(), right.entries.borrow());
            left.kind == right.kind
                && left.is_nil == right.is_nil
                && (same
                    || one.len() == other.len()
                        && one.iter().zip(other.iter()).all(|((key, one), (other_key, other))| {
                            key == other_key && deep_equal_at(one, other, depth + 1)
                        }))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.type_name() == right.type_name() && left.to_json() == right.to_json()
        }
        _ => false,
    }
}
