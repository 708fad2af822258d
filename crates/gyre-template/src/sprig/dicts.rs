//! Maps.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use super::cast::{display, text, utf8};
use crate::exec::Machine;
use crate::functions::{Function, fixed, variadic};
use crate::limits::VALUE_DEPTH_MAX;
use crate::text::Text;
use crate::value::{List, Map, MapKind, Type, Value};

const MS: &[Type] = &[Type::Map, Type::Str];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[Type::Any], dict),
    fixed("get", MS, |_, args| Ok(map(&args[0]).value(text(&args[1])).unwrap_or_else(|| Value::text("")))),
    fixed("set", &[Type::Map, Type::Str, Type::Any], set),
    fixed("unset", MS, |_, args| {
        map(&args[0]).entries.borrow_mut().remove(text(&args[1]));
        Ok(args[0].as_plain_map())
    }),
    fixed("hasKey", MS, |_, args| {
        Ok(Value::Bool(map(&args[0]).entries.borrow().contains_key(text(&args[1]))))
    }),
    variadic("pluck", &[Type::Str, Type::Map], |_, args| {
        let found = args[1..].iter().filter_map(|arg| map(arg).value(text(&args[0])));
        Ok(Value::List(List::any(found.collect())))
    }),
    variadic("keys", &[Type::Map], |_, args| {
        Ok(Value::strings(
            args.iter().flat_map(|arg| map(arg).entries.borrow().keys().cloned().collect::<Vec<_>>()),
        ))
    }),
    fixed("values", &[Type::Map], |_, args| {
        Ok(Value::List(List::any(map(&args[0]).entries.borrow().values().cloned().collect())))
    }),
    variadic("pick", MS, |_, args| {
        let from = map(&args[0]);
        let found = args[1..].iter().filter_map(|key| Some((Text::from(text(key)), from.value(text(key))?)));
        Ok(Value::map(found))
    }),
    variadic("omit", MS, |_, args| {
        let from = map(&args[0]).entries;
        let from = from.borrow();
        let kept = from.iter().filter(|(key, _)| !args[1..].iter().any(|arg| text(arg) == key.bytes()));
        Ok(Value::map(kept.map(|(key, value)| (key.clone(), value.clone()))))
    }),
    variadic("dig", &[Type::Any], dig),
    fixed("deepCopy", &[Type::Any], deep_copy),
    fixed("mustDeepCopy", &[Type::Any], deep_copy),
];

/// A map argument, which the signature guarantees.
pub(super) fn map(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        _ => Map::new(MapKind::Any),
    }
}

fn dict(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let map = Map::new(MapKind::Any);
    for pair in args.chunks(2) {
        map.set(display(&pair[0]), pair.get(1).cloned().unwrap_or_else(|| Value::text("")));
    }
    Ok(Value::Map(map))
}

fn set(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let map = map(&args[0]);
    if map.is_nil {
        return Err("assignment to entry in nil map".into());
    }
    map.set(text(&args[1]), args[2].clone());
    Ok(args[0].as_plain_map())
}

fn dig(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let [keys @ .., default, start] = args else { return Err("dig needs at least three arguments".into()) };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let conversion = |value: &Value, want: &str| {
        let held = if value.is_nil() { "nil".into() } else { value.type_name() };
        format!("interface conversion: interface {{}} is {held}, not {want}")
    };
    let mut here = start.clone();
    for (index, key) in keys.iter().enumerate() {
        let Value::Map(map) = &here else { return Err(conversion(&here, "map[string]interface {}")) };
        if map.kind != MapKind::Any {
            return Err(conversion(&here, "map[string]interface {}"));
        }
        let Value::Str(key) = key else { return Err(conversion(key, "string")) };
        let Some(next) = map.value(key.bytes()) else { return Ok(default.clone()) };
        if index + 1 == keys.len() {
            return Ok(next);
        }
        here = next;
    }
    Ok(here)
}

fn deep_copy(_: &mut Machine<'_>, args: &[Value]) -> Done {
    if matches!(args[0], Value::Nil | Value::Invalid) {
        return Err("reflect: call of reflect.Value.Type on zero Value".into());
    }
    Ok(copied(&args[0], 0))
}

/// A value that shares nothing with the one it is copied from.
pub(crate) fn copied(value: &Value, depth: usize) -> Value {
    if depth > VALUE_DEPTH_MAX {
        return value.clone();
    }
    match value {
        Value::List(list) => {
            let items = list.items.borrow().iter().map(|item| copied(item, depth + 1)).collect();
            Value::List(List { is_nil: list.is_nil, ..List::of(list.element, items) })
        }
        Value::Map(map) => {
            let copy = Map { is_nil: map.is_nil, ..Map::new(map.kind) };
            copy.entries.borrow_mut().extend(
                map.entries.borrow().iter().map(|(key, value)| (key.clone(), copied(value, depth + 1))),
            );
            Value::Map(copy)
        }
        other => other.clone(),
    }
}

/// The key of a map as a text, for modules that read maps.
pub(super) fn string_of(map: &Map, key: &str) -> Result<String, String> {
    match map.value(key.as_bytes()) {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(utf8(&Value::Str(text)).into_owned()),
        Some(Value::Nil | Value::Invalid) => Err(super::NIL_DEREFERENCE.into()),
        Some(other) => {
            Err(format!("unable to parse {key} key, must be of type string, but {} found", other.kind_name()))
        }
    }
}
