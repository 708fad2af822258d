//! Lists: Kubernetes' list library, and the sets of cel-go.

use std::cmp::Ordering;

use gyre_go::duration::Duration;

use super::call as function;
use crate::RunError;
use crate::eval::{Outcome, fail};
use crate::limits::ITEMS_MAX;
use crate::value::Value;

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    let truth = |it: bool| Some(Ok(Value::Bool(it)));
    let number =
        |it: Option<usize>| Some(Ok(Value::Int(it.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1))));
    match (name, args) {
        ("_+_", [Value::List(a), Value::List(b)]) => {
            if a.len() + b.len() > ITEMS_MAX {
                return Some(Err(RunError::TooCostly));
            }
            Some(Ok(Value::list(a.iter().chain(b.iter()).cloned().collect())))
        }
        ("size", [Value::List(it)]) => number(Some(it.len())),
        ("size", [Value::Map(it)]) => number(Some(it.len())),
        ("sets.contains", [Value::List(a), Value::List(b)]) => truth(b.iter().all(|it| a.contains(it))),
        ("sets.equivalent", [Value::List(a), Value::List(b)]) => {
            truth(b.iter().all(|it| a.contains(it)) && a.iter().all(|it| b.contains(it)))
        }
        ("sets.intersects", [Value::List(a), Value::List(b)]) => truth(b.iter().any(|it| a.contains(it))),
        ("lists.range", [Value::Int(count)]) => {
            if usize::try_from(*count).is_ok_and(|it| it > ITEMS_MAX) {
                return Some(Err(RunError::TooCostly));
            }
            Some(Ok(Value::list((0..*count).map(Value::Int).collect())))
        }
        ("slice", [Value::List(items), Value::Int(start), Value::Int(end)]) => {
            Some(slice(items, *start, *end))
        }
        ("flatten", [Value::List(items)]) => Some(Ok(Value::list(flat(items, 1)))),
        ("flatten", [Value::List(items), Value::Int(depth)]) => {
            Some(Ok(Value::list(flat(items, u32::try_from(*depth).unwrap_or(0)))))
        }
        ("distinct", [Value::List(items)]) => {
            let mut out: Vec<Value> = Vec::new();
            for item in items.iter() {
                if !out.contains(item) {
                    out.push(item.clone());
                }
            }
            Some(Ok(Value::list(out)))
        }
        ("reverse", [Value::List(items)]) => Some(Ok(Value::list(items.iter().rev().cloned().collect()))),
        ("sort", [Value::List(items)]) => {
            let mut out = items.as_ref().clone();
            out.sort_by(|a, b| a.order(b).unwrap_or(Ordering::Equal));
            Some(Ok(Value::list(out)))
        }
        ("isSorted", [Value::List(items)]) => {
            if items.windows(2).any(|pair| pair[0].order(&pair[1]).is_none()) {
                return Some(fail("no such overload"));
            }
            truth(items.windows(2).all(|pair| pair[0].order(&pair[1]) != Some(Ordering::Greater)))
        }
        ("sum", [Value::List(items)]) => Some(sum(items)),
        ("min" | "max", [Value::List(items)]) => Some(extreme(name, items)),
        ("indexOf", [Value::List(items), item]) => number(items.iter().position(|it| it == item)),
        ("lastIndexOf", [Value::List(items), item]) => number(items.iter().rposition(|it| it == item)),
        _ => None,
    }
}

fn slice(items: &[Value], start: i64, end: i64) -> Outcome {
    let place = |it: i64| usize::try_from(it).ok();
    match (place(start), place(end)) {
        (Some(a), Some(b)) if a > b => {
            fail(format!("cannot slice({start}, {end}), start index must be less than or equal to end index"))
        }
        (Some(a), Some(b)) if b <= items.len() => Ok(Value::list(items[a..b].to_vec())),
        (Some(_), Some(_)) => fail(format!("cannot slice({start}, {end}), list is length {}", items.len())),
        _ => fail(format!("cannot slice({start}, {end}), negative indexes not supported")),
    }
}

fn flat(items: &[Value], depth: u32) -> Vec<Value> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => out.extend(flat(inner, depth - 1)),
            other => out.push(other.clone()),
        }
    }
    out
}

fn sum(items: &[Value]) -> Outcome {
    let zero = match items.first() {
        Some(Value::Uint(_)) => Value::Uint(0),
        Some(Value::Double(_)) => Value::Double(0.0),
        Some(Value::Duration(_)) => Value::Duration(Duration(0)),
        _ => Value::Int(0),
    };
    items.iter().try_fold(zero, |sum, item| function("_+_", &[sum, item.clone()]))
}

fn extreme(name: &str, items: &[Value]) -> Outcome {
    let Some(first) = items.first() else { return fail(format!("{name} called on empty list")) };
    let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
    let mut best = first;
    for item in items {
        match item.order(best) {
            Some(order) if order == wanted => best = item,
            Some(_) => {}
            None => return fail("no such overload"),
        }
    }
    Ok(best.clone())
}
