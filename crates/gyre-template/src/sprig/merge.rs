//! `merge` and `mergeOverwrite`: what dario.cat/mergo makes of maps.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use super::defaults::is_empty;
use crate::exec::Machine;
use crate::functions::{Function, variadic};
use crate::limits::VALUE_DEPTH_MAX;
use crate::value::{Map, Type, Value};

const MM: &[Type] = &[Type::Map, Type::Map];

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("merge", MM, |_, args| merge_all(args, false)),
    variadic("mustMerge", MM, |_, args| merge_all(args, false)),
    variadic("mergeOverwrite", MM, overwrite),
    variadic("mustMergeOverwrite", MM, overwrite),
];

fn overwrite(_: &mut Machine<'_>, args: &[Value]) -> Result<Value, String> {
    merge_all(args, true)
}

fn merge_all(args: &[Value], overwrite: bool) -> Result<Value, String> {
    let Value::Map(into) = &args[0] else { return Ok(args[0].clone()) };
    let mut into = Map { kind: crate::value::MapKind::Any, ..into.clone() };
    for from in &args[1..] {
        let Value::Map(from) = from else { continue };
        if into.is_nil && !from.is_nil {
            into = Map::new(into.kind);
        }
        merge(&into, from, overwrite, 0);
    }
    Ok(Value::Map(into))
}

/// Entries that are missing or empty are filled; with `overwrite` all are replaced. Maps are merged in place.
fn merge(into: &Map, from: &Map, overwrite: bool, depth: usize) {
    if std::rc::Rc::ptr_eq(&into.entries, &from.entries) || depth > VALUE_DEPTH_MAX {
        return;
    }
    let from: Vec<_> =
        from.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in from {
        if matches!(value, Value::Nil | Value::Invalid) {
            if overwrite {
                into.set(key, Value::Nil);
            }
            continue;
        }
        let old = into.value(key.bytes());
        if let (Value::Map(value), Some(Value::Map(old))) = (&value, &old) {
            merge(old, value, overwrite, depth + 1);
            if !old.entries.borrow().is_empty() {
                continue;
            }
        }
        let old_is_empty = old.as_ref().is_none_or(is_empty);
        if overwrite || old_is_empty {
            into.set(key, value);
        }
    }
}
