//! Applying patches, and joining two of them.

use std::collections::HashSet;

use serde_json::Value;

use super::lists::{self, BAD_ORDER, Items};
use super::meta::{Meta, Strategy};
use super::{
    DELETE_FROM_LIST, DIRECTIVE, ELEMENT_ORDER, Object, RETAIN_KEYS, Strategic, bad_type, go_list, go_map,
    go_text, invalid, no_merge_key,
};

const BAD_RETAIN_KEYS: &str = "invalid patch format of retainKeys";

/// What a patch is merged into.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// An object: directives are carried out, nulls for what is not there are dropped. Otherwise another patch.
    pub(super) into_object: bool,
}

pub(super) fn maps(mut original: Object, mut patch: Object, meta: &Meta<'_>, how: How) -> Strategic<Object> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Object::new()),
            _ => invalid(format!("unknown patch type: {} in map: {}", shown(directive), go_map(&patch))),
        };
    }
    retain_keys(&mut original, &mut patch, how)?;
    ordered_lists(&mut original, &mut patch, meta, how)?;
    for (key, value) in patch {
        field(&mut original, key, value, meta, how)?;
    }
    Ok(original)
}

fn field(original: &mut Object, key: String, mut value: Value, meta: &Meta<'_>, how: How) -> Strategic<()> {
    let deletes = key.starts_with(DELETE_FROM_LIST);
    if deletes && !how.into_object {
        original.insert(key, value);
        return Ok(());
    }
    let key = if deletes {
        match key.split_once('/') {
            Some((DELETE_FROM_LIST, name)) => name.to_owned(),
            _ => return invalid("invalid patch format of primitive list"),
        }
    } else {
        key
    };
    if value.is_null() {
        original.remove(&key);
        if how.into_object {
            return Ok(());
        }
    }
    let current = original.get_mut(&key);
    match (current, value) {
        (Some(Value::Object(current)), Value::Object(value)) => {
            let (inner, _) = meta.field(&key)?;
            let merged = maps(std::mem::take(current), value, &inner, how)?;
            *current = merged;
        }
        (Some(Value::Array(current)), Value::Array(value)) => {
            let (inner, strategy) = meta.items(&key)?;
            let merged = list(std::mem::take(current), value, &inner, strategy, deletes, how)?;
            *current = merged;
        }
        (current, other) => {
            if deletes {
                return Ok(());
            }
            value = other;
            let scalar = current.is_some_and(|current| super::go_type(current) == super::go_type(&value));
            if how.into_object && !scalar {
                discard_nulls(&mut value);
            }
            if remove_directives(&mut value) {
                original.insert(key, value);
            } else {
                original.remove(&key);
            }
        }
    }
    Ok(())
}

fn retain_keys(original: &mut Object, patch: &mut Object, how: How) -> Strategic<()> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if !how.into_object {
        match original.get(RETAIN_KEYS) {
            Some(before) if *before != retained => {
                let (before, retained) = (go_text(before), go_text(&retained));
                return invalid(format!(
                    "{before} and {retained} are not deep equal: this may happen when calculating the 3-way diff patch"
                ));
            }
            _ => original.insert(RETAIN_KEYS.into(), retained),
        };
        return Ok(());
    }
    let Value::Array(retained) = retained else { return invalid(BAD_RETAIN_KEYS) };
    let names: HashSet<&str> = retained.iter().filter_map(Value::as_str).collect();
    for (key, value) in patch.iter() {
        let directive = key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER);
        if !value.is_null() && !directive && !names.contains(key.as_str()) {
            return invalid(BAD_RETAIN_KEYS);
        }
    }
    original.retain(|key, _| names.contains(key.as_str()));
    Ok(())
}

/// Merges the lists that the patch gives an order for.
fn ordered_lists(original: &mut Object, patch: &mut Object, meta: &Meta<'_>, how: How) -> Strategic<()> {
    let keys: Vec<String> = patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for key in keys {
        let Some(order) = patch.remove(&key) else { continue };
        if !how.into_object {
            match original.get(&key) {
                Some(before) if *before != order => return invalid(BAD_ORDER),
                _ => original.insert(key.clone(), order.clone()),
            };
        }
        let Value::Array(order) = order else { return bad_type("[]interface {}", &order) };
        let Some((ELEMENT_ORDER, name)) = key.split_once('/') else { return invalid(BAD_ORDER) };
        ordered_list(original, patch, name, &order, meta, how)?;
    }
    Ok(())
}

fn ordered_list(
    original: &mut Object,
    patch: &mut Object,
    name: &str,
    order: &[Value],
    meta: &Meta<'_>,
    how: How,
) -> Strategic<()> {
    let take = |found: Option<&Value>| match found {
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(other) => bad_type("[]interface {}", other),
        None => Ok(None),
    };
    let old = take(original.get(name))?;
    let new = take(patch.get(name))?;
    let (inner, strategy) = meta.items(name)?;
    check_order(new.as_deref().unwrap_or_default(), order, strategy.merge_key)?;
    let merged = match (&old, &new) {
        (None, None) => return Ok(()),
        (Some(old), None) => old.clone(),
        (None, Some(new)) => {
            let mut items = Value::Array(new.clone());
            remove_directives(&mut items);
            match items {
                Value::Array(items) => items,
                _ => Vec::new(),
            }
        }
        (Some(old), Some(new)) => list(old.clone(), new.clone(), &inner, strategy, false, how)?,
    };
    let (named, server_only) = lists::partition(merged, order, strategy.merge_key)?;
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let items = lists::element_type(&[&old, &new])?;
    let joined = lists::join_orders(named, server_only, order, &old, strategy.merge_key, items)?;
    original.insert(name.into(), Value::Array(joined));
    patch.remove(name);
    Ok(())
}

/// The items of the patch have to come in the order that the patch says.
fn check_order(patch: &[Value], order: &[Value], merge_key: &str) -> Strategic<()> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    if !merge_key.is_empty() {
        for item in patch {
            lists::as_map(item)?;
        }
    }
    let kept: Vec<&Value> =
        patch.iter().filter(|item| merge_key.is_empty() || !lists::is_delete(item)).collect();
    let (mut at, mut place) = (0, 0);
    while at < kept.len() && place < order.len() {
        if lists::has_directive(kept[at]) {
            at += 1;
            continue;
        }
        let same = if merge_key.is_empty() {
            kept[at] == &order[place]
        } else {
            lists::key_value(kept[at], merge_key)? == lists::key_value(&order[place], merge_key)?
        };
        if same {
            at += 1;
        }
        place += 1;
    }
    if at < kept.len() && place >= order.len() {
        return invalid(format!(
            "The order in patch list:\n{}\n doesn't match {ELEMENT_ORDER} list:\n{}\n",
            go_list(patch),
            go_list(order)
        ));
    }
    Ok(())
}

fn list(
    original: Vec<Value>,
    patch: Vec<Value>,
    meta: &Meta<'_>,
    strategy: Strategy<'_>,
    deletes: bool,
    how: How,
) -> Strategic<Vec<Value>> {
    if !strategy.merge && !deletes {
        return Ok(patch);
    }
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let merge_key = strategy.merge_key;
    let items = lists::element_type(&[&original, &patch])?;
    let (original, patch, merged) = if items == Items::Maps {
        if merge_key.is_empty() {
            return invalid(format!("cannot merge lists without merge key for {}", meta.kind()));
        }
        let (original, patch) = list_directives(original, patch, merge_key)?;
        let merged = items_by_key(original.clone(), patch.clone(), merge_key, meta, how)?;
        (original, patch, merged)
    } else {
        if how.into_object && deletes {
            return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
        }
        let both = original.iter().chain(&patch).cloned().collect();
        (original, patch, lists::without_repeats(both))
    };
    let (named, server_only) = lists::partition(merged, &patch, merge_key)?;
    lists::join_orders(named, server_only, &patch, &original, merge_key, items)
}

/// Carries out the `$patch` directives among the items of a list.
fn list_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    merge_key: &str,
) -> Strategic<(Vec<Value>, Vec<Value>)> {
    let mut kept = Vec::with_capacity(patch.len());
    let mut replace = false;
    for item in patch {
        let map = lists::as_map(&item)?;
        let Some(directive) = map.get(DIRECTIVE) else {
            kept.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let Some(value) = map.get(merge_key) else { return no_merge_key(map, merge_key) };
                original.retain(|item| item.get(merge_key) != Some(value));
            }
            Some("replace") => replace = true,
            Some("merge") => return invalid("merging lists cannot yet be specified in the patch"),
            _ => {
                return invalid(format!("unknown patch type: {} in map: {}", shown(directive), go_map(map)));
            }
        }
    }
    Ok(if replace { (kept, Vec::new()) } else { (original, kept) })
}

fn items_by_key(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    merge_key: &str,
    meta: &Meta<'_>,
    how: How,
) -> Strategic<Vec<Value>> {
    for item in patch {
        let value = lists::key_value(&item, merge_key)?;
        let found = original.iter_mut().find(|candidate| candidate.get(merge_key) == Some(value));
        match (found, item) {
            (Some(Value::Object(current)), Value::Object(item)) => {
                let merged = maps(std::mem::take(current), item, meta, how)?;
                *current = merged;
            }
            (_, item) => original.push(item),
        }
    }
    Ok(original)
}

/// A directive as Go's `%s` shows it.
fn shown(directive: &Value) -> String {
    if directive.is_null() { "%!s(<nil>)".into() } else { go_text(directive) }
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// Takes out what holds a directive; false where the value itself does.
fn remove_directives(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            if map.contains_key(DIRECTIVE) {
                return false;
            }
            map.retain(|_, value| remove_directives(value));
        }
        Value::Array(items) => items.retain_mut(remove_directives),
        _ => {}
    }
    true
}
