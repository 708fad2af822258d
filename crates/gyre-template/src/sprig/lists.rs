//! Lists.

use super::NIL_DEREFERENCE;
use super::cast::int;
use crate::builtin::deep_equal;
use crate::exec::Machine;
use crate::functions::{Function, fixed, variadic};
use crate::limits::LIST_ITEMS_MAX;
use crate::value::{Element, IntKind, List, Type, Value};

const A: &[Type] = &[Type::Any];
const AA: &[Type] = &[Type::Any, Type::Any];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("list", A, |_, args| Ok(any(args.to_vec()))),
    variadic("tuple", A, |_, args| Ok(any(args.to_vec()))),
    fixed("append", AA, push),
    fixed("push", AA, push),
    fixed("mustAppend", AA, push),
    fixed("mustPush", AA, push),
    fixed("prepend", AA, prepend),
    fixed("mustPrepend", AA, prepend),
    fixed("first", A, |_, args| Ok(items(&args[0], "find first")?.0.first().cloned().unwrap_or(Value::Nil))),
    fixed("mustFirst", A, |_, args| {
        Ok(items(&args[0], "find first")?.0.first().cloned().unwrap_or(Value::Nil))
    }),
    fixed("last", A, |_, args| Ok(items(&args[0], "find last")?.0.last().cloned().unwrap_or(Value::Nil))),
    fixed("mustLast", A, |_, args| Ok(items(&args[0], "find last")?.0.last().cloned().unwrap_or(Value::Nil))),
    fixed("rest", A, rest),
    fixed("mustRest", A, rest),
    fixed("initial", A, initial),
    fixed("mustInitial", A, initial),
    fixed("reverse", A, reverse),
    fixed("mustReverse", A, reverse),
    fixed("compact", A, compact),
    fixed("mustCompact", A, compact),
    fixed("uniq", A, uniq),
    fixed("mustUniq", A, uniq),
    variadic("without", AA, without),
    variadic("mustWithout", AA, without),
    fixed("has", AA, has),
    fixed("mustHas", AA, has),
    variadic("slice", AA, slice),
    variadic("mustSlice", AA, slice),
    variadic("concat", A, concat),
    fixed("chunk", &[Type::Int, Type::Any], chunk),
    fixed("mustChunk", &[Type::Int, Type::Any], chunk),
];

fn any(items: Vec<Value>) -> Value {
    Value::List(List::any(items))
}

fn nil_list() -> Value {
    Value::List(List { is_nil: true, ..List::any(Vec::new()) })
}

/// The items of a slice, and their type; the text of the error says what could not be done.
fn items(value: &Value, verb: &str) -> Result<(Vec<Value>, Element), String> {
    match value {
        Value::List(list) => Ok((list.items.borrow().clone(), list.element)),
        Value::Bytes(bytes) => {
            let bytes = bytes.bytes().iter().map(|byte| Value::Int(i64::from(*byte), IntKind::Uint8));
            Ok((bytes.collect(), Element::Any))
        }
        Value::Invalid | Value::Nil => Err(NIL_DEREFERENCE.into()),
        Value::Object(object) => match object.contents() {
            Some(contents) => items(&contents, verb),
            None => Err(format!("Cannot {verb} on type {}", object.kind())),
        },
        other => Err(format!("Cannot {verb} on type {}", other.kind_name())),
    }
}

fn bounded(list: &[Value]) -> Result<(), String> {
    if list.len() > LIST_ITEMS_MAX {
        return Err(format!("the list would have more than {LIST_ITEMS_MAX} items"));
    }
    Ok(())
}

fn push(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (mut list, _) = items(&args[0], "push")?;
    list.push(args[1].clone());
    bounded(&list)?;
    Ok(any(list))
}

fn prepend(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (mut list, _) = items(&args[0], "prepend")?;
    list.insert(0, args[1].clone());
    bounded(&list)?;
    Ok(any(list))
}

fn rest(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (list, _) = items(&args[0], "find rest")?;
    Ok(list.get(1..).map_or_else(nil_list, |rest| any(rest.to_vec())))
}

fn initial(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (mut list, _) = items(&args[0], "find initial")?;
    Ok(if list.pop().is_none() { nil_list() } else { any(list) })
}

fn reverse(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (mut list, _) = items(&args[0], "find reverse")?;
    list.reverse();
    Ok(any(list))
}

fn compact(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (mut list, _) = items(&args[0], "compact")?;
    list.retain(|item| !super::defaults::is_empty(item));
    Ok(any(list))
}

fn contains(list: &[Value], wanted: &Value) -> bool {
    list.iter().any(|item| deep_equal(item, wanted))
}

fn uniq(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let (list, _) = items(&args[0], "find uniq")?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list {
        // bounded: each look through the list counts.
        machine.step()?;
        if !contains(&kept, &item) {
            kept.push(item);
        }
    }
    Ok(any(kept))
}

fn without(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (mut list, _) = items(&args[0], "find without")?;
    list.retain(|item| !contains(&args[1..], item));
    Ok(any(list))
}

fn has(_: &mut Machine<'_>, args: &[Value]) -> Done {
    if matches!(args[1], Value::Invalid | Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let (list, _) = items(&args[1], "find has")?;
    Ok(Value::Bool(contains(&list, &args[0])))
}

fn slice(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (list, element) = match &args[0] {
        Value::List(_) | Value::Bytes(_) => items(&args[0], "")?,
        Value::Invalid | Value::Nil => return Err(NIL_DEREFERENCE.into()),
        other => return Err(format!("list should be type of slice or array but {}", other.kind_name())),
    };
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, default: usize| args.get(index).map_or(default as i64, super::to_int64);
    let (from, to) = (bound(1, 0), bound(2, list.len()));
    let part =
        usize::try_from(from).ok().zip(usize::try_from(to).ok()).and_then(|(from, to)| list.get(from..to));
    let part = part.ok_or("reflect.Value.Slice: slice index out of bounds")?.to_vec();
    Ok(Value::List(List::of(element, part)))
}

fn concat(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let mut all = Vec::new();
    for arg in args {
        match arg {
            Value::List(_) | Value::Bytes(_) => all.extend(items(arg, "")?.0),
            Value::Invalid | Value::Nil => return Err(NIL_DEREFERENCE.into()),
            other => return Err(format!("Cannot concat type {} as list", other.kind_name())),
        }
        bounded(&all)?;
    }
    Ok(if args.is_empty() { nil_list() } else { any(all) })
}

fn chunk(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let list = match &args[1] {
        Value::List(_) | Value::Bytes(_) => items(&args[1], "")?.0,
        Value::Invalid | Value::Nil => return Err(NIL_DEREFERENCE.into()),
        other => return Err(format!("Cannot chunk type {}", other.kind_name())),
    };
    let Some(size) = usize::try_from(int(&args[0])).ok().filter(|size| *size > 0) else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    Ok(Value::List(List::of(Element::List, list.chunks(size).map(|chunk| any(chunk.to_vec())).collect())))
}
