//! JSON merge patch (RFC 7386) as `evanphx/json-patch` makes and applies it.

use serde_json::{Map, Value};

use crate::json_patch::{Flavor, PatchError, PatchErrorKind};

const BAD_DOCUMENT: &str = "Invalid JSON Document";
const BAD_PATCH: &str = "Invalid JSON Patch";

fn unreadable(text: &str) -> PatchError {
    PatchError::new(PatchErrorKind::Unreadable, text)
}

/// Merges a patch into a document: nulls remove members, objects merge, all else replaces.
///
/// compat(json-patch): nulls are taken out of objects inside of lists as well.
pub fn apply(document: &mut Value, patch: Value) {
    merge(document, patch, false);
}

fn merge(current: &mut Value, mut patch: Value, keep_nulls: bool) {
    match (&mut *current, patch) {
        (Value::Object(map), Value::Object(patch)) => merge_maps(map, patch, keep_nulls),
        (Value::Object(_), other) => *current = other,
        (_, other) => {
            patch = other;
            prune(&mut patch);
            *current = patch;
        }
    }
}

fn merge_maps(map: &mut Map<String, Value>, patch: Map<String, Value>, keep_nulls: bool) {
    for (key, mut value) in patch {
        if value.is_null() {
            if keep_nulls {
                map.insert(key, Value::Null);
            } else {
                map.remove(&key);
            }
            continue;
        }
        match map.get_mut(&key) {
            Some(current) if !current.is_null() => merge(current, value, keep_nulls),
            _ => {
                if !keep_nulls {
                    prune(&mut value);
                }
                map.insert(key, value);
            }
        }
    }
}

/// Takes the members that are null out of objects, however deep.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// `MergePatch` of the library, on JSON text: what is no object is refused or taken over as the flavor does.
pub fn apply_text(document: &str, patch: &str, flavor: Flavor) -> Result<Value, PatchError> {
    join(document, patch, flavor, false)
}

/// `MergeMergePatches`: one patch that does what two do after each other.
pub fn combine_text(first: &str, second: &str, flavor: Flavor) -> Result<Value, PatchError> {
    join(first, second, flavor, true)
}

fn join(document: &str, patch: &str, flavor: Flavor, keep_nulls: bool) -> Result<Value, PatchError> {
    let document: Value = serde_json::from_str(document).map_err(|_| unreadable(BAD_DOCUMENT))?;
    let mut patch: Value = serde_json::from_str(patch).map_err(|_| unreadable(BAD_PATCH))?;
    if document.is_null() {
        return Err(unreadable(BAD_DOCUMENT));
    }
    match (document, &mut patch) {
        (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => match flavor {
            Flavor::V4 => Err(unreadable(BAD_PATCH)),
            Flavor::V5 => Ok(patch),
        },
        (_, Value::Array(_)) => {
            prune(&mut patch);
            Ok(patch)
        }
        (Value::Object(mut map), Value::Object(_)) => {
            if let Value::Object(patch) = patch {
                merge_maps(&mut map, patch, keep_nulls);
            }
            Ok(Value::Object(map))
        }
        (_, Value::Object(_)) => {
            if !keep_nulls {
                prune(&mut patch);
            }
            Ok(patch)
        }
    }
}

/// The patch that makes `modified` of `original`. Numbers are the same where their values are (v4) or where they are
/// written alike (v5).
pub fn create(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    flavor: Flavor,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, new) in modified {
        match (original.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = create(old, new, flavor);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(old), new) if equal(old, new, flavor) => {}
            _ => {
                patch.insert(
                    key.clone(),
                    if flavor == Flavor::V4 { through_floats(new) } else { new.clone() },
                );
            }
        }
    }
    for key in original.keys().filter(|key| !modified.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

/// compat(json-patch v4): numbers are floats on their way into a patch, and whole ones come out without a point.
fn through_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().unwrap_or_default();
            let text = float.to_string();
            let whole =
                text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
            whole.unwrap_or_else(|_| value.clone())
        }
        Value::Array(items) => items.iter().map(through_floats).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), through_floats(value))).collect())
        }
        other => other.clone(),
    }
}

fn equal(a: &Value, b: &Value, flavor: Flavor) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if flavor == Flavor::V4 => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, flavor))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| match b.get(key) {
                    Some(b) => equal(a, b, flavor),
                    None => false,
                })
        }
        _ => a == b,
    }
}

/// `CreateMergePatch` of the library, on JSON text: two objects, or two lists of as many objects.
pub fn create_text(original: &str, modified: &str, flavor: Flavor) -> Result<Value, PatchError> {
    let list = |text: &str| text.trim().starts_with('[') && text.trim().ends_with(']');
    match (list(original), list(modified)) {
        (true, true) => {
            let read = |text| serde_json::from_str::<Vec<Value>>(text).map_err(|_| unreadable(BAD_DOCUMENT));
            let (original, modified) = (read(original)?, read(modified)?);
            if original.len() != modified.len() {
                return Err(unreadable(BAD_DOCUMENT));
            }
            original.into_iter().zip(modified).map(|(a, b)| create_values(a, b, flavor)).collect()
        }
        (false, false) => {
            let read = |text| serde_json::from_str::<Value>(text).map_err(|_| unreadable(BAD_DOCUMENT));
            create_values(read(original)?, read(modified)?, flavor)
        }
        _ => Err(unreadable("Mismatched JSON Documents")),
    }
}

fn create_values(original: Value, modified: Value, flavor: Flavor) -> Result<Value, PatchError> {
    let map = |value| match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(unreadable(BAD_DOCUMENT)),
    };
    Ok(Value::Object(create(&map(original)?, &map(modified)?, flavor)))
}

/// The merge patch of `kubectl apply` for types without merge keys: what changed from `current` to `modified`, and
/// what `original` had and `modified` has no longer.
pub fn create_three_way(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    current: &Map<String, Value>,
) -> Map<String, Value> {
    let mut changes = create(current, modified, Flavor::V4);
    keep(&mut changes, false);
    let mut deletions = create(original, modified, Flavor::V4);
    keep(&mut deletions, true);
    merge_maps(&mut deletions, changes, false);
    deletions
}

/// Keeps the deletions of a patch, or all else.
fn keep(patch: &mut Map<String, Value>, deletions: bool) {
    patch.retain(|_, value| match value {
        Value::Object(map) => {
            if map.is_empty() {
                return !deletions;
            }
            keep(map, deletions);
            !map.is_empty()
        }
        value => value.is_null() == deletions,
    });
}
