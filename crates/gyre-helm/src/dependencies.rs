//! Which subcharts take part: conditions, tags, aliases; and the values that a chart takes from them.

use gyre_go::semver::{Constraints, Version};
use serde_json::{Value, json};

use crate::chart::{Chart, Dependency};
use crate::error::HelmError;
use crate::render::Version as Helm;
use crate::values::coalesce::{Warnings, coalesce_tables, coalesce_values, merge_values};
use crate::values::{Values, path_value, table};

/// Does a version fit a range? What cannot be read does not.
pub fn is_compatible(range: &str, version: &str) -> bool {
    match (Constraints::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) => range.check(&version),
        _ => false,
    }
}

/// `chartutil.ProcessDependenciesWithMerge`: leaves the subcharts that are switched on, under their aliases, and puts the
/// values that they export into those of the chart.
pub fn process(
    chart: &mut Chart,
    values: &Values,
    version: Helm,
    warnings: &mut Warnings,
) -> Result<(), HelmError> {
    switch(chart, values, "", version, warnings)?;
    import_values(chart, version, warnings)
}

fn with_alias(charts: &[Chart], wanted: &Dependency) -> Option<Chart> {
    let fits = |chart: &&Chart| {
        chart.name() == wanted.name && is_compatible(&wanted.version, &chart.metadata.version)
    };
    let mut chart = charts.iter().find(fits)?.clone();
    if !wanted.alias.is_empty() {
        chart.metadata.name.clone_from(&wanted.alias);
    }
    Some(chart)
}

fn switch(
    chart: &mut Chart,
    values: &Values,
    path: &str,
    version: Helm,
    warnings: &mut Warnings,
) -> Result<(), HelmError> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let wanted = chart.metadata.dependencies.clone();
    let named = |existing: &Chart| {
        wanted.iter().any(|wanted| {
            existing.name() == wanted.name && is_compatible(&wanted.version, &existing.metadata.version)
        })
    };
    let mut kept: Vec<Chart> =
        chart.dependencies.iter().filter(|existing| !named(existing)).cloned().collect();
    kept.extend(wanted.iter().filter_map(|wanted| with_alias(&chart.dependencies, wanted)));
    chart.dependencies = kept;
    for dependency in &mut chart.metadata.dependencies {
        if !dependency.alias.is_empty() {
            dependency.name = dependency.alias.clone();
        }
        dependency.enabled = true;
    }
    let values = coalesce_values(chart, values, version, warnings)?;
    by_tags(&mut chart.metadata.dependencies, &values, warnings);
    by_conditions(&mut chart.metadata.dependencies, &values, path, warnings);
    let off: Vec<String> = chart
        .metadata
        .dependencies
        .iter()
        .filter(|dependency| !dependency.enabled)
        .map(|dependency| dependency.name.clone())
        .collect();
    chart.dependencies.retain(|subchart| !off.iter().any(|name| name == subchart.name()));
    chart.metadata.dependencies.retain(|dependency| !off.contains(&dependency.name));
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        switch(subchart, &values, &path, version, warnings)?;
    }
    Ok(())
}

fn by_tags(dependencies: &mut [Dependency], values: &Values, warnings: &mut Warnings) {
    let Some(tags) = table(values, "tags") else { return };
    for dependency in dependencies {
        let said =
            |wanted: bool| dependency.tags.iter().any(|tag| tags.get(tag) == Some(&Value::Bool(wanted)));
        dependency.enabled = said(true) || !said(false);
        let is_other = |tag: &&String| tags.get(*tag).is_some_and(|value| !value.is_boolean());
        for tag in dependency.tags.iter().filter(is_other) {
            let name = &dependency.name;
            warn(warnings, 95, &format!("Tag '{tag}' for chart {name} returned non-bool value"));
        }
    }
}

fn by_conditions(dependencies: &mut [Dependency], values: &Values, path: &str, warnings: &mut Warnings) {
    for dependency in dependencies {
        let conditions = dependency.condition.trim().split(',').filter(|condition| !condition.is_empty());
        for condition in conditions {
            match path_value(values, &format!("{path}{condition}")) {
                Some(Value::Bool(enabled)) => {
                    dependency.enabled = *enabled;
                    break;
                }
                None | Some(Value::Object(_)) => {}
                Some(_) => {
                    let name = &dependency.name;
                    let text =
                        format!("Condition path '{condition}' for chart {name} returned non-bool value");
                    warn(warnings, 64, &text);
                }
            }
        }
    }
}

fn import_values(chart: &mut Chart, version: Helm, warnings: &mut Warnings) -> Result<(), HelmError> {
    for subchart in &mut chart.dependencies {
        import_values(subchart, version, warnings)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let mut values = merge_values(chart, &Values::new(), version, warnings)?;
    let mut imported = Values::new();
    for dependency in &mut chart.metadata.dependencies {
        let mut pairs = Vec::new();
        for wish in &dependency.import_values {
            let name = &dependency.name;
            let (child, parent, line, from) = match wish {
                Value::Object(wish) => {
                    (shown(wish.get("child")), shown(wish.get("parent")), 270, format!(" from chart {name}"))
                }
                Value::String(name) => (format!("exports.{name}"), ".".to_owned(), 287, String::new()),
                _ => continue,
            };
            let path = format!("{name}.{child}");
            match table(&values, &path) {
                Some(found) => {
                    coalesce_tables(&mut imported, under(&parent, found.clone()), true, warnings);
                }
                None => {
                    let part = first_missing(&values, &path);
                    let text = format!("ImportValues missing table{from}: {part:?} is not a table");
                    warn(warnings, line, &text);
                }
            }
            pairs.push(json!({ "child": child, "parent": parent }));
        }
        dependency.import_values = pairs;
    }
    coalesce_tables(&mut values, imported, true, warnings);
    chart.values = values;
    Ok(())
}

/// As Helm's log says it, with the place in its code (`pkg/chartutil/dependencies.go` of 3.21).
fn warn(warnings: &mut Warnings, line: u32, text: &str) {
    warnings.push(format!("dependencies.go:{line}: Warning: {text}"));
}

/// The first name of a path that leads to no table.
fn first_missing<'p>(values: &Values, path: &'p str) -> &'p str {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    let missing = ends.map(|end| &path[..end]).find(|part| table(values, part).is_none());
    missing.and_then(|part| part.rsplit('.').next()).unwrap_or(path)
}

/// A value as Go's `%v` prints it; a missing one is `<nil>`.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "<nil>".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The table under a path of names; `.` is the top.
fn under(path: &str, table: Values) -> Values {
    if path == "." {
        return table;
    }
    path.split('.')
        .rev()
        .fold(table, |table, name| Values::from_iter([(name.to_owned(), Value::Object(table))]))
}
