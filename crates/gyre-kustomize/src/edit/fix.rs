//! Older fields become newer ones.

use serde_json::{Map, Value, json};

use super::{Fields, Place, list_of};
use crate::error::{Result, fail};

/// The names of a chart's fields in `helmChartInflationGenerator` and in `helmCharts`.
const CHART_FIELDS: [(&str, &str); 7] = [
    ("chartName", "name"),
    ("chartVersion", "version"),
    ("chartRepoUrl", "repo"),
    ("values", "valuesFile"),
    ("valuesLocal", "valuesInline"),
    ("valuesMerge", "valuesMerge"),
    ("releaseName", "releaseName"),
];

/// What every edit mends.
pub(super) fn older(map: &mut Fields) -> Result<()> {
    move_list(map, "bases", "resources")?;
    move_list(map, "imageTags", "images")?;
    for generator in ["configMapGenerator", "secretGenerator"] {
        let Some(Value::Array(list)) = map.get_mut(generator) else { continue };
        for entry in list.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(env) = entry.remove("env").filter(|env| env.as_str() != Some("")) {
                list_of(entry, "envs")?.push(env);
            }
        }
    }
    let mut globals = Map::new();
    for old in take_list(map, "helmChartInflationGenerator") {
        for (from, to) in [("chartHome", "chartHome"), ("helmHome", "configHome")] {
            if let Some(home) = old.get(from) {
                globals.insert(to.into(), home.clone());
            }
        }
        let chart: Map<String, Value> = CHART_FIELDS
            .iter()
            .filter_map(|(from, to)| Some(((*to).into(), old.get(from)?.clone())))
            .collect();
        list_of(map, "helmCharts")?.push(Value::Object(chart));
    }
    if !globals.is_empty() && !map.contains_key("helmGlobals") {
        map.insert("helmGlobals".into(), Value::Object(globals));
    }
    Ok(())
}

/// What `edit fix` mends beside.
pub(super) fn fix(map: &mut Fields, place: &Place<'_>) -> Result<()> {
    move_list(map, "patchesJson6902", "patches")?;
    for patch in take_list(map, "patchesStrategicMerge") {
        let text = patch.as_str().unwrap_or_default();
        let is_file = place.path(text).is_some_and(|path| place.tree.read(&path).is_ok());
        let field = if is_file { "path" } else { "patch" };
        list_of(map, "patches")?.push(json!({ field: text }));
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
