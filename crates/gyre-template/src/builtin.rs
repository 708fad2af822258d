//! Go's own functions: comparison, logic, `index`, `len`, `printf`, escapes.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

mod compare;
mod escape;

use crate::exec::Machine;
use crate::functions::{Function, fixed, variadic};
use crate::value::{IntKind, Type, Value};

const ANY: &[Type] = &[Type::Any];
const TWO: &[Type] = &[Type::Any, Type::Any];

pub(crate) const FUNCTIONS: &[Function] = &[
    variadic("and", TWO, |_, args| Ok(args.last().cloned().unwrap_or_default())),
    variadic("or", TWO, |_, args| Ok(args.last().cloned().unwrap_or_default())),
    fixed("not", ANY, |_, args| Ok(Value::Bool(!args[0].is_true()))),
    variadic("call", TWO, call),
    variadic("html", ANY, |_, args| Ok(Value::text(escape::html(&printed(args))))),
    variadic("js", ANY, |_, args| Ok(Value::text(escape::js(&printed(args))))),
    variadic("urlquery", ANY, |_, args| Ok(Value::text(escape::url_query(&printed(args))))),
    variadic("index", TWO, index),
    variadic("slice", TWO, slice),
    fixed("len", ANY, |_, args| len(&args[0])),
    variadic("print", ANY, |_, args| Ok(Value::text(printed_all(args)))),
    variadic("println", ANY, |_, args| Ok(Value::text(gyre_go::fmt::sprintln(&shown(args))))),
    variadic("printf", &[Type::Str, Type::Any], printf),
    variadic("eq", TWO, |_, args| compare::equal(args).map(Value::Bool)),
    fixed("ne", TWO, |_, args| compare::not_equal(args).map(Value::Bool)),
    fixed("lt", TWO, |_, args| compare::less(args).map(Value::Bool)),
    fixed("le", TWO, |_, args| Ok(Value::Bool(compare::less(args)? || compare::equal(args)?))),
    fixed("gt", TWO, |_, args| Ok(Value::Bool(!(compare::less(args)? || compare::equal(args)?)))),
    fixed("ge", TWO, |_, args| Ok(Value::Bool(!compare::less(args)?))),
];

pub(crate) use compare::deep_equal;
pub(crate) use escape::path_escape;

fn shown(args: &[Value]) -> Vec<gyre_go::fmt::Arg<'static>> {
    args.iter().map(Value::to_arg).collect()
}

fn printed_all(args: &[Value]) -> Vec<u8> {
    gyre_go::fmt::sprint(&shown(args))
}

/// What an escape is applied to: one text as it is, anything else as it is printed.
fn printed(args: &[Value]) -> Vec<u8> {
    match args {
        [Value::Str(text)] => text.bytes().to_vec(),
        _ => {
            let no_value =
                |arg: &Value| if matches!(arg, Value::Nil) { Value::text("<no value>") } else { arg.clone() };
            printed_all(&args.iter().map(no_value).collect::<Vec<_>>())
        }
    }
}

fn printf(_: &mut Machine<'_>, args: &[Value]) -> Result<Value, String> {
    let format = args[0].as_bytes().unwrap_or_default();
    // The two that charts use most need no machinery.
    match (format, &args[1..]) {
        (b"%s", [Value::Str(text)]) => return Ok(Value::Str(text.clone())),
        (b"%s-%s", [Value::Str(left), Value::Str(right)]) => {
            return Ok(Value::text([left.bytes(), b"-", right.bytes()].concat()));
        }
        _ => {}
    }
    Ok(Value::text(gyre_go::fmt::sprintf(format, &shown(&args[1..]))))
}

fn call(_: &mut Machine<'_>, args: &[Value]) -> Result<Value, String> {
    match &args[0] {
        Value::Nil | Value::Invalid => Err("call of nil".into()),
        other => Err(format!("non-function of type {}", other.type_name())),
    }
}

fn len(value: &Value) -> Result<Value, String> {
    let length = match value {
        Value::Invalid => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Value::Nil => return Err("len of nil pointer".into()),
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.items.borrow().len(),
        Value::Map(map) => map.entries.borrow().len(),
        Value::Object(object) => match object.contents() {
            Some(contents) => return len(&contents),
            None => return Err(format!("len of type {}", object.type_name().trim_start_matches('*'))),
        },
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::int(length as i64))
}

/// An index into a list of a length.
fn place(index: &Value, length: usize) -> Result<usize, String> {
    let number = match index {
        Value::Int(number, kind) if kind.is_unsigned() && *number < 0 => i64::MAX,
        Value::Int(number, _) => *number,
        Value::Nil | Value::Invalid => return Err("cannot index slice/array with nil".into()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    usize::try_from(number)
        .ok()
        .filter(|place| *place <= length)
        .ok_or_else(|| format!("index out of range: {number}"))
}

fn index(_: &mut Machine<'_>, args: &[Value]) -> Result<Value, String> {
    let mut item = args[0].clone();
    if item.is_nil() && !matches!(item, Value::Map(_) | Value::List(_)) {
        return Err("index of untyped nil".into());
    }
    for at in &args[1..] {
        if let Value::Object(object) = &item
            && let Some(contents) = object.contents()
        {
            item = contents;
        }
        item = match &item {
            Value::Nil | Value::Invalid => return Err("index of nil pointer".into()),
            Value::List(list) => {
                let items = list.items.borrow();
                let place = place(at, items.len())?;
                items.get(place).cloned().ok_or("reflect: slice index out of range")?
            }
            Value::Str(text) | Value::Bytes(text) => {
                let place = place(at, text.len())?;
                let byte = text.bytes().get(place).ok_or("reflect: string index out of range")?;
                Value::Int(i64::from(*byte), IntKind::Uint8)
            }
            Value::Map(map) => match at {
                Value::Str(key) => map.value(key.bytes()).unwrap_or(Value::Nil),
                Value::Nil | Value::Invalid => return Err("value is nil; should be of type string".into()),
                other => return Err(format!("value has type {}; should be string", other.type_name())),
            },
            other => {
                let held = other.type_name().trim_start_matches('*').to_owned();
                return Err(format!("can't index item of type {held}"));
            }
        };
    }
    Ok(item)
}

fn slice(_: &mut Machine<'_>, args: &[Value]) -> Result<Value, String> {
    if args.len() > 4 {
        return Err(format!("too many slice indexes: {}", args.len() - 1));
    }
    let length = match &args[0] {
        Value::Nil | Value::Invalid => return Err("slice of untyped nil".into()),
        Value::Str(text) if args.len() > 3 => {
            return Err(format!("cannot 3-index slice a string: {}", text.len()));
        }
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.items.borrow().len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, length];
    for (bound, at) in bounds.iter_mut().zip(&args[1..]) {
        *bound = place(at, length)?;
    }
    if bounds[0] > bounds[1] {
        return Err(format!("invalid slice index: {} > {}", bounds[0], bounds[1]));
    }
    Ok(match &args[0] {
        Value::Str(text) => Value::text(&text.bytes()[bounds[0]..bounds[1]]),
        Value::Bytes(text) => Value::Bytes(text.bytes()[bounds[0]..bounds[1]].into()),
        Value::List(list) => {
            let items = list.items.borrow()[bounds[0]..bounds[1]].to_vec();
            Value::List(crate::value::List::of(list.element, items))
        }
        other => other.clone(),
    })
}
