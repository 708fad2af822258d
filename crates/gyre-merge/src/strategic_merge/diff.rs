//! Making patches: what one object has to become another.

use serde_json::{Value, json};

use super::lists::{self, Items};
use super::meta::Meta;
use super::{
    DELETE, DELETE_FROM_LIST, DIRECTIVE, ELEMENT_ORDER, Object, RETAIN_KEYS, Strategic, go_text, invalid,
};

/// Which differences a patch holds.
#[derive(Clone, Copy, Default)]
pub(super) struct How {
    /// Says the order of merged lists.
    pub(super) set_order: bool,
    pub(super) ignore_additions: bool,
    pub(super) ignore_deletions: bool,
    pub(super) retain_keys: bool,
}

pub(super) fn maps(original: &Object, modified: &Object, meta: &Meta<'_>, how: How) -> Strategic<Object> {
    let mut patch = Object::new();
    let mut retained = Vec::new();
    for (key, new) in modified {
        if how.retain_keys && !new.is_null() {
            retained.push(Value::String(key.clone()));
        }
        let Some(old) = original.get(key) else {
            if !how.ignore_additions {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        };
        if key == DIRECTIVE {
            let (Some(was), Some(is)) = (old.as_str(), new.as_str()) else {
                return invalid("invalid value for special key: $patch");
            };
            if was != is {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => map_field(key, old, new, &mut patch, meta, how)?,
            (Value::Array(old), Value::Array(new)) => list_field(key, old, new, &mut patch, meta, how)?,
            _ if old != new && !how.ignore_additions => {
                patch.insert(key.clone(), new.clone());
            }
            _ => {}
        }
    }
    if !how.ignore_deletions {
        for key in original.keys().filter(|key| !modified.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    let lost = || original.iter().any(|(key, value)| !value.is_null() && !modified.contains_key(key));
    if !retained.is_empty() && (!patch.is_empty() || lost()) {
        lists::sort_by_text(&mut retained, None);
        patch.insert(RETAIN_KEYS.into(), Value::Array(retained));
    }
    Ok(patch)
}

fn map_field(
    key: &str,
    old: &Object,
    new: &Object,
    patch: &mut Object,
    meta: &Meta<'_>,
    how: How,
) -> Strategic<()> {
    let (inner, strategy) = match meta.field(key) {
        Ok(found) => found,
        // A field that the type does not know is no problem as long as it did not change.
        Err(_) if old == new => return Ok(()),
        Err(error) => return Err(error),
    };
    let changes = maps(old, new, &inner, How { retain_keys: strategy.retain_keys, ..how })?;
    if !changes.is_empty() {
        patch.insert(key.into(), Value::Object(changes));
    }
    Ok(())
}

fn list_field(
    key: &str,
    old: &[Value],
    new: &[Value],
    patch: &mut Object,
    meta: &Meta<'_>,
    how: How,
) -> Strategic<()> {
    let (inner, strategy) = match meta.items(key) {
        Ok(found) => found,
        Err(_) if old == new => return Ok(()),
        Err(error) => return Err(error),
    };
    if !strategy.merge {
        if old != new && !how.ignore_additions {
            patch.insert(key.into(), Value::Array(new.to_vec()));
        }
        return Ok(());
    }
    let how = How { retain_keys: strategy.retain_keys, ..how };
    let changes = merged_list(old, new, &inner, strategy.merge_key, how)?;
    let parts = [
        (key.to_owned(), changes.patch),
        (format!("{DELETE_FROM_LIST}/{key}"), changes.deletions),
        (format!("{ELEMENT_ORDER}/{key}"), changes.order),
    ];
    for (key, list) in parts {
        if !list.is_empty() {
            patch.insert(key, Value::Array(list));
        }
    }
    Ok(())
}

#[derive(Default)]
struct ListChanges {
    patch: Vec<Value>,
    deletions: Vec<Value>,
    order: Vec<Value>,
}

fn merged_list(
    old: &[Value],
    new: &[Value],
    meta: &Meta<'_>,
    merge_key: &str,
    how: How,
) -> Strategic<ListChanges> {
    if old.is_empty() {
        let patch = if how.ignore_additions { Vec::new() } else { new.to_vec() };
        return Ok(ListChanges { patch, ..ListChanges::default() });
    }
    match lists::element_type(&[old, new])? {
        Items::Lists => invalid(lists::LISTS_OF_LISTS),
        Items::Maps => {
            let (patch, deletions) = lists_of_maps(old, new, meta, merge_key, how)?;
            let mut patch = lists::sort_by_order(patch, new, merge_key, Items::Maps)?;
            let same_order = same_order(old, new, merge_key)?;
            patch.extend(deletions);
            let ordered = (!how.ignore_additions && (!patch.is_empty() || !same_order))
                || (!how.ignore_deletions && !patch.is_empty());
            let mut order = Vec::new();
            if how.set_order && ordered {
                for item in new {
                    let value = item.get(merge_key).cloned().unwrap_or(Value::Null);
                    order.push(json!({ merge_key: value }));
                }
            }
            Ok(ListChanges { patch, deletions: Vec::new(), order })
        }
        Items::Scalars => {
            let (patch, deletions) = lists_of_scalars(old, new, how);
            let patch = lists::sort_by_order(patch, new, merge_key, Items::Scalars)?;
            let ordered =
                (!how.ignore_deletions && !deletions.is_empty()) || (!how.ignore_additions && old != new);
            let order = if how.set_order && ordered { new.to_vec() } else { Vec::new() };
            Ok(ListChanges { patch, deletions, order })
        }
    }
}

fn same_order(old: &[Value], new: &[Value], merge_key: &str) -> Strategic<bool> {
    if old.len() != new.len() {
        return Ok(false);
    }
    for (old, new) in old.iter().zip(new) {
        let same = if merge_key.is_empty() {
            old == new
        } else {
            lists::key_value(old, merge_key)? == lists::key_value(new, merge_key)?
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn lists_of_scalars(old: &[Value], new: &[Value], how: How) -> (Vec<Value>, Vec<Value>) {
    let sorted = |list: &[Value]| {
        let mut list = list.to_vec();
        lists::sort_by_text(&mut list, None);
        list
    };
    let (old, new) = (sorted(old), sorted(new));
    let (mut additions, mut deletions) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if go_text(a) == go_text(b) => {
                old.next();
                new.next();
            }
            (Some(a), other) if other.is_none_or(|b| go_text(a) < go_text(b)) => deletions.extend(old.next()),
            _ => additions.extend(new.next()),
        }
    }
    if how.ignore_additions {
        additions.clear();
    }
    if how.ignore_deletions {
        deletions.clear();
    }
    (additions, lists::without_repeats(deletions))
}

fn lists_of_maps(
    old: &[Value],
    new: &[Value],
    meta: &Meta<'_>,
    merge_key: &str,
    how: How,
) -> Strategic<(Vec<Value>, Vec<Value>)> {
    let sorted = |list: &[Value]| {
        let mut list = list.to_vec();
        lists::sort_by_text(&mut list, Some(merge_key));
        list
    };
    let (old, new) = (sorted(old), sorted(new));
    let (mut patch, mut deletions) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (0, 0);
    while left < old.len() || right < new.len() {
        let a = old.get(left).map(|item| lists::key_value(item, merge_key)).transpose()?;
        let b = new.get(right).map(|item| lists::key_value(item, merge_key)).transpose()?;
        let (a_text, b_text) = (a.map(go_text), b.map(go_text));
        if a_text == b_text {
            let mut changes = maps(lists::as_map(&old[left])?, lists::as_map(&new[right])?, meta, how)?;
            if !changes.is_empty() {
                changes.insert(merge_key.into(), b.cloned().unwrap_or(Value::Null));
                patch.push(Value::Object(changes));
            }
            left += 1;
            right += 1;
        } else if a.is_none() || (b.is_some() && a_text > b_text) {
            if !how.ignore_additions {
                patch.push(new[right].clone());
            }
            right += 1;
        } else {
            if !how.ignore_deletions {
                deletions.push(json!({ merge_key: a, DIRECTIVE: DELETE }));
            }
            left += 1;
        }
    }
    Ok((patch, deletions))
}
