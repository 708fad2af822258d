//! Lists of a kustomization file: texts, and patches.

use gyre_go::glob::path;
use serde_json::Value;

use super::{Fields, Place, list_of};
use crate::error::{Result, fail};

/// Adds texts; one that is there is told.
pub(super) fn add(
    map: &mut Fields,
    list: &str,
    what: &str,
    entries: &[String],
    place: &mut Place<'_>,
) -> Result<()> {
    let found = list_of(map, list)?;
    for entry in entries {
        let value = Value::from(entry.as_str());
        if found.contains(&value) {
            place.edited.warnings.push(format!("{what} {entry} already in kustomization file"));
        } else {
            found.push(value);
        }
    }
    Ok(())
}

/// Adds texts; one that is there is an error.
pub(super) fn add_new(map: &mut Fields, list: &str, what: &str, entries: &[String]) -> Result<()> {
    let found = list_of(map, list)?;
    for entry in entries {
        let value = Value::from(entry.as_str());
        if found.contains(&value) {
            return fail(format!("{what} {entry} already in kustomization file"));
        }
        found.push(value);
    }
    Ok(())
}

/// Removes the texts that match a pattern; `false` where none does.
pub(super) fn remove(map: &mut Fields, list: &str, patterns: &[String]) -> Result<bool> {
    let found = list_of(map, list)?;
    let before = found.len();
    for pattern in patterns {
        let Ok(pattern) = path::Pattern::parse(pattern) else { return fail("syntax error in pattern") };
        found.retain(|entry| !entry.as_str().is_some_and(|entry| pattern.matches(entry)));
    }
    // Of these options the peer does not look whether one was there.
    Ok(found.len() != before || list == "buildMetadata")
}

/// Adds a patch; `false` where it is there.
pub(super) fn add_patch(map: &mut Fields, patch: &Value, place: &mut Place<'_>) -> Result<bool> {
    let found = list_of(map, "patches")?;
    let is_new = !found.contains(patch);
    if is_new {
        found.push(patch.clone());
    } else {
        place.edited.warnings.push(format!("patch {} already in kustomization file", name(patch)));
    }
    Ok(is_new)
}

/// Removes a patch; `false` where it is not there.
pub(super) fn remove_patch(map: &mut Fields, patch: &Value, place: &mut Place<'_>) -> Result<bool> {
    let found = list_of(map, "patches")?;
    let before = found.len();
    found.retain(|entry| entry != patch);
    let is_gone = found.len() != before;
    if !is_gone {
        place.edited.warnings.push(format!("patch {} doesn't exist in kustomization file", name(patch)));
    }
    Ok(is_gone)
}

fn name(patch: &Value) -> &str {
    [patch.get("path"), patch.get("patch")].into_iter().flatten().find_map(Value::as_str).unwrap_or_default()
}
