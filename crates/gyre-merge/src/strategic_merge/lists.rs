//! Lists: their element types, orders and parts.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    DELETE, DIRECTIVE, Object, Strategic, bad_type, go_list, go_text, go_type, invalid, no_merge_key,
};

pub(super) const LISTS_OF_LISTS: &str = "lists of lists are not supported";
pub(super) const BAD_ORDER: &str = "invalid patch format of setElementOrder list";

/// What the items of lists are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    Maps,
    Lists,
    Scalars,
}

/// The one type of the items of some lists.
pub(super) fn element_type(lists: &[&[Value]]) -> Strategic<Items> {
    let mut items = lists.iter().copied().flatten();
    let Some(first) = items.next() else {
        return invalid("no elements in any of the given slices");
    };
    if first.is_array() {
        return invalid(LISTS_OF_LISTS);
    }
    if items.any(|item| go_type(item) != go_type(first)) {
        let shown: Vec<_> = lists.iter().map(|list| go_list(list)).collect();
        return invalid(format!("list element types are not identical: [{}]", shown.join(" ")));
    }
    Ok(match first {
        Value::Object(_) => Items::Maps,
        Value::Array(_) => Items::Lists,
        _ => Items::Scalars,
    })
}

pub(super) fn as_map(item: &Value) -> Strategic<&Object> {
    match item {
        Value::Object(map) => Ok(map),
        other => bad_type("map[string]interface {}", other),
    }
}

/// The value of an item's merge key.
pub(super) fn key_value<'a>(item: &'a Value, merge_key: &str) -> Strategic<&'a Value> {
    let map = as_map(item)?;
    match map.get(merge_key) {
        Some(value) => Ok(value),
        None => no_merge_key(map, merge_key),
    }
}

pub(super) fn has_directive(item: &Value) -> bool {
    item.as_object().is_some_and(|map| map.contains_key(DIRECTIVE))
}

pub(super) fn is_delete(item: &Value) -> bool {
    item.get(DIRECTIVE).and_then(Value::as_str) == Some(DELETE)
}

/// Where each value of an order stands first.
struct Places(HashMap<String, usize>);

impl Places {
    fn of(order: &[Value], merge_key: &str, items: Items) -> Self {
        let mut places = HashMap::with_capacity(order.len());
        for (at, item) in order.iter().enumerate() {
            places.entry(identity(item, merge_key, items)).or_insert(at);
        }
        Self(places)
    }

    fn at(&self, item: &Value, merge_key: &str, items: Items) -> Option<usize> {
        self.0.get(&identity(item, merge_key, items)).copied()
    }
}

fn identity(item: &Value, merge_key: &str, items: Items) -> String {
    let value = match items {
        Items::Maps => item.get(merge_key).unwrap_or(&Value::Null),
        _ => item,
    };
    value.to_string()
}

/// Sorts a list by an order; what the order does not name comes first, deletions last.
pub(super) fn sort_by_order(
    list: Vec<Value>,
    order: &[Value],
    merge_key: &str,
    items: Items,
) -> Strategic<Vec<Value>> {
    let (list, deletions): (Vec<_>, Vec<_>) = if items == Items::Maps {
        for item in list.iter().chain(order) {
            key_value(item, merge_key)?;
        }
        list.into_iter().partition(|item| !is_delete(item))
    } else {
        (list, Vec::new())
    };
    let places = Places::of(order, merge_key, items);
    let mut placed: Vec<_> =
        list.into_iter().map(|item| (places.at(&item, merge_key, items), item)).collect();
    // compat(Go): the order is none where an item has no place, so it matters that this sorts by insertion.
    for end in 1..placed.len() {
        let mut at = end;
        while at > 0 && comes_before(placed[at].0, placed[at - 1].0) {
            placed.swap(at, at - 1);
            at -= 1;
        }
    }
    Ok(placed.into_iter().map(|(_, item)| item).chain(deletions).collect())
}

fn comes_before(a: Option<usize>, b: Option<usize>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a < b,
        _ => true,
    }
}

/// Joins what the patch names with what only the server has: both in their own order, relative to the server's.
pub(super) fn join_orders(
    patch: Vec<Value>,
    server_only: Vec<Value>,
    patch_order: &[Value],
    server_order: &[Value],
    merge_key: &str,
    items: Items,
) -> Strategic<Vec<Value>> {
    let patch = sort_by_order(patch, patch_order, merge_key, items)?;
    let server_only = sort_by_order(server_only, server_order, merge_key, items)?;
    let places = Places::of(server_order, merge_key, items);
    let mut joined = Vec::with_capacity(patch.len() + server_only.len());
    let (mut left, mut right) = (server_only.into_iter().peekable(), patch.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let first = match (places.at(a, merge_key, items), places.at(b, merge_key, items)) {
            (Some(a), Some(b)) => a < b,
            _ => false,
        };
        joined.extend(if first { left.next() } else { right.next() });
    }
    joined.extend(left);
    joined.extend(right);
    Ok(joined)
}

/// Splits a list into what another list has as well, and the rest.
pub(super) fn partition(
    list: Vec<Value>,
    by: &[Value],
    merge_key: &str,
) -> Strategic<(Vec<Value>, Vec<Value>)> {
    let items = if merge_key.is_empty() { Items::Scalars } else { Items::Maps };
    if items == Items::Maps {
        for item in &list {
            key_value(item, merge_key)?;
        }
        if let Some((at, _)) =
            by.iter().enumerate().find(|(_, item)| !item.is_object()).filter(|_| !list.is_empty())
        {
            return invalid(format!("value for key {at} is not a map"));
        }
    }
    let named: HashSet<String> = by.iter().map(|item| identity(item, merge_key, items)).collect();
    Ok(list.into_iter().partition(|item| named.contains(&identity(item, merge_key, items))))
}

/// Sorts by Go's `%v` of each item, or of its merge key.
pub(super) fn sort_by_text(list: &mut [Value], merge_key: Option<&str>) {
    let text = |item: &Value| match merge_key {
        Some(key) => go_text(item.get(key).unwrap_or(&Value::Null)),
        None => go_text(item),
    };
    list.sort_by_cached_key(text);
}

/// Takes repeated scalars out; the last one takes the place of each.
pub(super) fn without_repeats(mut list: Vec<Value>) -> Vec<Value> {
    let mut first = 0;
    while first < list.len() {
        let mut second = first + 1;
        while second < list.len() {
            if list[first] == list[second] {
                list.swap_remove(second);
            } else {
                second += 1;
            }
        }
        first += 1;
    }
    list
}
