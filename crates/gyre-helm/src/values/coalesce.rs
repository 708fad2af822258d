//! Merges the values that the user gave with those of a chart and its subcharts.
//!
//! What the user gave wins. `null` deletes a default, unless `merge` is asked for: then it stays, for another round.
//! Helm 4 drops a chart's own nulls, which Helm 3 keeps. Where a table meets another value the warning is Helm's, with the
//! place in its code that Helm's log names (`pkg/chartutil/coalesce.go` of 3.21).

use serde_json::Value;

use super::Values;
use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::render::Version;

const GLOBAL: &str = "global";

/// What is to be told of values that do not fit each other.
pub type Warnings = Vec<String>;

/// Merges by one of Helm's two rules.
struct Merging<'w> {
    /// `null` stays.
    merge: bool,
    version: Version,
    warnings: &'w mut Warnings,
}

/// `chartutil.CoalesceValues`.
pub fn coalesce_values(
    chart: &Chart,
    given: &Values,
    version: Version,
    warnings: &mut Warnings,
) -> Result<Values, HelmError> {
    let mut values = given.clone();
    Merging { merge: false, version, warnings }.coalesce(chart, &mut values, "")?;
    Ok(values)
}

/// `chartutil.MergeValues`: as [`coalesce_values`], with `null` kept.
pub fn merge_values(
    chart: &Chart,
    given: &Values,
    version: Version,
    warnings: &mut Warnings,
) -> Result<Values, HelmError> {
    let mut values = given.clone();
    Merging { merge: true, version, warnings }.coalesce(chart, &mut values, "")?;
    Ok(values)
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// A value as Go's `%v` shows it.
fn go_value(value: &Value) -> String {
    let value = gyre_template::Value::from_json(value);
    String::from_utf8_lossy(&gyre_go::fmt::sprintf(b"%v", &[value.to_arg()])).into_owned()
}

impl Merging<'_> {
    fn warn(&mut self, line: u32, text: &str) {
        self.warnings.push(format!("coalesce.go:{line}: {text}"));
    }

    fn coalesce(&mut self, chart: &Chart, values: &mut Values, prefix: &str) -> Result<(), HelmError> {
        let prefix = joined(prefix, chart.name());
        self.chart(chart, values, &prefix);
        for subchart in &chart.dependencies {
            let globals = values.get(GLOBAL).cloned();
            let entry = values.entry(subchart.name()).or_insert_with(|| Value::Object(Values::new()));
            let Value::Object(table) = entry else {
                let shown = go_boolean(entry);
                return err(format!("type mismatch on {}: {shown}", subchart.name()));
            };
            self.globals(table, globals.as_ref(), &prefix);
            self.coalesce(subchart, table, &prefix)?;
        }
        Ok(())
    }

    fn globals(&mut self, into: &mut Values, from: Option<&Value>, prefix: &str) {
        if into.get(GLOBAL).is_some_and(|held| !held.is_object()) {
            self.warn(138, "warning: skipping globals because destination global is not a table.");
            return;
        }
        let from = match from {
            None => &Values::new(),
            Some(Value::Object(from)) => from,
            Some(_) => {
                self.warn(145, "warning: skipping globals because source global is not a table.");
                return;
            }
        };
        let mut globals = match into.remove(GLOBAL) {
            Some(Value::Object(globals)) => globals,
            _ => Values::new(),
        };
        for (key, value) in from {
            match (value, globals.get(key)) {
                (Value::Object(table), Some(Value::Object(old))) => {
                    let mut merged = table.clone();
                    let prefix = joined(prefix, key);
                    merge_tables(&mut merged, old.clone(), true, &prefix, self.warnings);
                    globals.insert(key.clone(), Value::Object(merged));
                }
                (Value::Object(_), Some(_)) => {
                    self.warn(
                        161,
                        &format!("Conflict: cannot merge map onto non-map for {key:?}. Skipping."),
                    );
                }
                (value, Some(Value::Object(_))) if !value.is_object() => {
                    self.warn(175, &format!("key {key} is table. Skipping"));
                }
                (value, _) => {
                    globals.insert(key.clone(), value.clone());
                }
            }
        }
        into.insert(GLOBAL.into(), Value::Object(globals));
    }

    fn chart(&mut self, chart: &Chart, values: &mut Values, prefix: &str) {
        let drops_nulls = self.version == Version::V4 && !self.merge;
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
                Some(Value::Null) if !self.merge => {
                    values.remove(key);
                }
                Some(Value::Object(table)) => match default {
                    Value::Object(default) => {
                        let is_subchart = chart.dependencies.iter().any(|subchart| subchart.name() == key);
                        let default = cleaned(default, drops_nulls && !is_subchart);
                        let merge = self.merge || is_subchart;
                        merge_tables(table, default, merge, &joined(prefix, key), self.warnings);
                    }
                    Value::Null => {}
                    _ => self.warn(237, &format!("warning: skipped value for {prefix}.{key}: Not a table.")),
                },
                Some(_) => {}
            }
        }
    }
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

fn drop_nulls(table: &mut Values) {
    table.retain(|_, value| !value.is_null());
    table.values_mut().filter_map(Value::as_object_mut).for_each(drop_nulls);
}

/// `chartutil.CoalesceTables`, or `MergeTables`: what is missing in the first comes from the second.
pub fn coalesce_tables(into: &mut Values, from: Values, merge: bool, warnings: &mut Warnings) {
    merge_tables(into, from, merge, "", warnings);
}

fn merge_tables(into: &mut Values, mut from: Values, merge: bool, prefix: &str, warnings: &mut Warnings) {
    let set: Vec<String> =
        from.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect();
    for (key, value) in into.iter() {
        if value.is_null() {
            from.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in from {
        let whole = || joined(prefix, &key);
        match (into.get_mut(&key), value) {
            (Some(Value::Null), _) if !merge && set.contains(&key) => {
                into.remove(&key);
            }
            (None, value) => {
                into.insert(key, value);
            }
            (Some(Value::Object(old)), Value::Object(table)) => {
                merge_tables(old, table, merge, &whole(), warnings);
            }
            (Some(_), value @ Value::Object(_)) => warnings.push(format!(
                "coalesce.go:316: warning: cannot overwrite table with non table for {} ({})",
                whole(),
                go_value(&value)
            )),
            (Some(Value::Object(_)), value) if !value.is_null() => warnings.push(format!(
                "coalesce.go:319: warning: destination for {} is a table. Ignoring non-table value ({})",
                whole(),
                go_value(&value)
            )),
            (Some(_), _) => {}
        }
    }
}
