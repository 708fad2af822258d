//! Merges the values that the user gave with those of a chart and its subcharts.
//!
//! What the user gave wins. `null` deletes a default, unless `merge` is asked for: then it stays, for another round.
//! Helm 4 drops a chart's own nulls, which Helm 3 keeps.

use serde_json::Value;

use super::Values;
use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::render::Version;

const GLOBAL: &str = "global";

/// `chartutil.CoalesceValues`.
pub fn coalesce_values(chart: &Chart, given: &Values, version: Version) -> Result<Values, HelmError> {
    let mut values = given.clone();
    coalesce(chart, &mut values, false, version)?;
    Ok(values)
}

/// `chartutil.MergeValues`: as [`coalesce_values`], with `null` kept.
pub fn merge_values(chart: &Chart, given: &Values, version: Version) -> Result<Values, HelmError> {
    let mut values = given.clone();
    coalesce(chart, &mut values, true, version)?;
    Ok(values)
}

fn coalesce(chart: &Chart, values: &mut Values, merge: bool, version: Version) -> Result<(), HelmError> {
    with_chart(chart, values, merge, version);
    for subchart in &chart.dependencies {
        let globals = values.get(GLOBAL).cloned();
        let entry = values.entry(subchart.name()).or_insert_with(|| Value::Object(Values::new()));
        let Value::Object(table) = entry else {
            let shown = go_boolean(entry);
            return err(format!("type mismatch on {}: {shown}", subchart.name()));
        };
        with_globals(table, globals.as_ref());
        coalesce(subchart, table, merge, version)?;
    }
    Ok(())
}

/// What Go's `%t` makes of a value that is no boolean.
fn go_boolean(value: &Value) -> String {
    let text = |text: &str| format!("%!t({text})");
    match value {
        Value::Null => text("<nil>"),
        Value::Bool(value) => value.to_string(),
        Value::String(value) => text(&format!("string={value}")),
        Value::Number(number) if number.is_f64() => {
            let shown = gyre_go::strconv::format_float(number.as_f64().unwrap_or(0.0), b'g', None);
            text(&format!("float64={shown}"))
        }
        Value::Number(number) => text(&format!("int64={number}")),
        other => {
            let value = gyre_template::Value::from_json(other);
            let shown = gyre_go::fmt::sprintf(b"%t", &[value.to_arg()]);
            String::from_utf8_lossy(&shown).into_owned()
        }
    }
}

fn with_globals(into: &mut Values, from: Option<&Value>) {
    let from = match from {
        None => &Values::new(),
        Some(Value::Object(from)) => from,
        Some(_) => return,
    };
    let mut globals = match into.remove(GLOBAL) {
        None => Values::new(),
        Some(Value::Object(globals)) => globals,
        Some(other) => {
            into.insert(GLOBAL.into(), other);
            return;
        }
    };
    for (key, value) in from {
        match (value, globals.get(key)) {
            (Value::Object(table), Some(Value::Object(old))) => {
                let mut merged = table.clone();
                coalesce_tables(&mut merged, old.clone(), true);
                globals.insert(key.clone(), Value::Object(merged));
            }
            (Value::Object(_), Some(_)) => {}
            (value, Some(Value::Object(_))) if !value.is_object() => {}
            (value, _) => {
                globals.insert(key.clone(), value.clone());
            }
        }
    }
    into.insert(GLOBAL.into(), Value::Object(globals));
}

fn with_chart(chart: &Chart, values: &mut Values, merge: bool, version: Version) {
    let drops_nulls = version == Version::V4 && !merge;
    let cleaned = |table: &Values, drops_nulls: bool| {
        let mut table = table.clone();
        if drops_nulls {
            drop_nulls(&mut table);
        }
        table
    };
    for (key, default) in &chart.values {
        match values.get_mut(key) {
            None => {
                let default = match default {
                    Value::Null if drops_nulls => continue,
                    Value::Object(table) => Value::Object(cleaned(table, drops_nulls)),
                    other => other.clone(),
                };
                values.insert(key.clone(), default);
            }
            Some(Value::Null) if !merge => {
                values.remove(key);
            }
            Some(Value::Object(table)) => {
                if let Value::Object(default) = default {
                    let is_subchart = chart.dependencies.iter().any(|subchart| subchart.name() == key);
                    coalesce_tables(
                        table,
                        cleaned(default, drops_nulls && !is_subchart),
                        merge || is_subchart,
                    );
                }
            }
            Some(_) => {}
        }
    }
}

fn drop_nulls(table: &mut Values) {
    table.retain(|_, value| !value.is_null());
    table.values_mut().filter_map(Value::as_object_mut).for_each(drop_nulls);
}

/// `chartutil.CoalesceTables`, or `MergeTables`: what is missing in the first comes from the second.
pub fn coalesce_tables(into: &mut Values, mut from: Values, merge: bool) {
    let set: Vec<String> =
        from.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect();
    for (key, value) in into.iter() {
        if value.is_null() {
            from.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Null), _) if !merge && set.contains(&key) => {
                into.remove(&key);
            }
            (None, value) => {
                into.insert(key, value);
            }
            (Some(Value::Object(old)), Value::Object(table)) => coalesce_tables(old, table, merge),
            (Some(_), _) => {}
        }
    }
}
