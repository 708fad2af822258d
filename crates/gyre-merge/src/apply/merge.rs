//! Merges an applied configuration into a live object: fields of the configuration win, lists of items with keys are
//! merged item by item and keep the configuration's order where it says one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fields::Element;
use super::walk::{Fields, Shape, element, shape};
use crate::schema::{ListKind, Type};

/// The live value with the applied one merged into it.
pub(super) fn merge(ty: &Type, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let (Some(old), Some(new)) = (live, applied) else {
        return applied.or(live).cloned();
    };
    match shape(ty, Some(new)) {
        Shape::Leaf => Some(new.clone()),
        Shape::List(kind, item) => match (old, new) {
            (Value::Array(old), Value::Array(new)) if !old.is_empty() || !new.is_empty() => {
                Some(Value::Array(merge_lists(kind, item, old, new)))
            }
            (Value::Array(items), Value::Null) if !items.is_empty() => Some(old.clone()),
            _ => Some(new.clone()),
        },
        Shape::Object(fields) => match (old, new) {
            (Value::Object(old), Value::Object(new)) => Some(Value::Object(merge_objects(fields, old, new))),
            (Value::Object(it), Value::Null) if !it.is_empty() => Some(old.clone()),
            _ => Some(new.clone()),
        },
    }
}

fn merge_objects(
    fields: Fields<'_>,
    live: &Map<String, Value>,
    applied: &Map<String, Value>,
) -> Map<String, Value> {
    let mut out = live.clone();
    for (name, new) in applied {
        let ty = fields.get(name).unwrap_or(&Type::Any);
        if let Some(value) = merge(ty, live.get(name), Some(new)) {
            out.insert(name.clone(), value);
        }
    }
    out
}

/// A list whose items are looked up by their identity.
struct Indexed<'a> {
    order: Vec<Element>,
    items: BTreeMap<Element, &'a Value>,
}

impl<'a> Indexed<'a> {
    fn new(kind: &ListKind, list: &'a [Value]) -> Self {
        let mut it = Self { order: Vec::with_capacity(list.len()), items: BTreeMap::new() };
        for (index, item) in list.iter().enumerate() {
            if let Ok(element) = element(kind, index, item) {
                it.order.push(element.clone());
                it.items.entry(element).or_insert(item);
            }
        }
        it
    }

    fn has(&self, element: &Element) -> bool {
        self.items.contains_key(element)
    }
}

fn merge_lists(kind: &ListKind, item: &Type, live: &[Value], applied: &[Value]) -> Vec<Value> {
    let (old, new) = (Indexed::new(kind, live), Indexed::new(kind, applied));
    let mut shared = new.order.iter().filter(|element| old.has(element));
    let mut next_shared = shared.next();
    let mut merged = BTreeSet::new();
    let mut out = Vec::with_capacity(live.len().max(applied.len()));
    let (mut l, mut r) = (0, 0);
    while l < old.order.len() || r < new.order.len() {
        if let (Some(left), Some(right)) = (old.order.get(l), new.order.get(r)) {
            if left == right {
                merged.insert(left);
                out.extend(merge(item, old.items.get(left).copied(), new.items.get(right).copied()));
                (l, r) = (l + 1, r + 1);
                next_shared = shared.next();
                continue;
            }
            if new.has(left) && next_shared.is_some_and(|wanted| wanted != left) {
                l += 1;
                continue;
            }
        }
        if let Some(left) = old.order.get(l) {
            if !new.has(left) {
                out.extend(live.get(l).cloned());
                l += 1;
                continue;
            } else if merged.contains(left) {
                l += 1;
            }
        }
        if let Some(right) = new.order.get(r) {
            merged.insert(right);
            out.extend(merge(item, old.items.get(right).copied(), new.items.get(right).copied()));
            r += 1;
            if next_shared == Some(right) {
                next_shared = shared.next();
            }
        }
    }
    out
}
