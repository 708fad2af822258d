//! `edit fix`: older fields become newer ones.

use serde_json::{Value, json};

use super::{Fields, list_of};
use crate::error::{Result, fail};

/// Moves what older fields say. `is_file` tells the path of a patch from a patch.
pub(super) fn fix(map: &mut Fields, is_file: impl Fn(&str) -> bool) -> Result<()> {
    move_list(map, "bases", "resources")?;
    move_list(map, "imageTags", "images")?;
    move_list(map, "patchesJson6902", "patches")?;
    for patch in take_list(map, "patchesStrategicMerge") {
        let text = patch.as_str().unwrap_or_default();
        let field = if is_file(text) { "path" } else { "patch" };
        list_of(map, "patches")?.push(json!({ field: text }));
    }
    for generator in ["configMapGenerator", "secretGenerator"] {
        let Some(Value::Array(list)) = map.get_mut(generator) else { continue };
        for entry in list.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(env) = entry.remove("env").filter(|env| env.as_str() != Some("")) {
                list_of(entry, "envs")?.push(env);
            }
        }
    }
    let Some(Value::Object(common)) = map.remove("commonLabels") else { return Ok(()) };
    if common.is_empty() {
        return Ok(());
    }
    let labels = list_of(map, "labels")?;
    let pairs = labels.iter().filter_map(|label| label.get("pairs")?.as_object());
    if let Some(key) = pairs.flat_map(|pairs| pairs.keys()).find(|key| common.contains_key(*key)) {
        return fail(format!("label name '{key}' exists in both commonLabels and labels"));
    }
    labels.push(json!({"includeSelectors": true, "pairs": common}));
    Ok(())
}

fn take_list(map: &mut Fields, field: &str) -> Vec<Value> {
    match map.remove(field) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

fn move_list(map: &mut Fields, from: &str, to: &str) -> Result<()> {
    let moved = take_list(map, from);
    if !moved.is_empty() {
        list_of(map, to)?.extend(moved);
    }
    Ok(())
}
