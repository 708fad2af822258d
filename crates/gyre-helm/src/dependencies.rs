//! Which subcharts take part: conditions, tags, aliases; and the values that a chart takes from them.

use gyre_go::semver::{Constraints, Version};
use serde_json::{Value, json};

use crate::chart::{Chart, Dependency};
use crate::error::HelmError;
use crate::render::Version as Helm;
use crate::values::coalesce::{coalesce_tables, coalesce_values, merge_values};
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
pub fn process(chart: &mut Chart, values: &Values, version: Helm) -> Result<(), HelmError> {
    switch(chart, values, "", version)?;
    import_values(chart, version)
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

fn switch(chart: &mut Chart, values: &Values, path: &str, version: Helm) -> Result<(), HelmError> {
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
    let values = coalesce_values(chart, values, version)?;
    by_tags(&mut chart.metadata.dependencies, &values);
    by_conditions(&mut chart.metadata.dependencies, &values, path);
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
        switch(subchart, &values, &path, version)?;
    }
    Ok(())
}

fn by_tags(dependencies: &mut [Dependency], values: &Values) {
    let Some(tags) = table(values, "tags") else { return };
    for dependency in dependencies {
        let said =
            |wanted: bool| dependency.tags.iter().any(|tag| tags.get(tag) == Some(&Value::Bool(wanted)));
        dependency.enabled = said(true) || !said(false);
    }
}

fn by_conditions(dependencies: &mut [Dependency], values: &Values, path: &str) {
    for dependency in dependencies {
        let conditions = dependency.condition.trim().split(',').filter(|condition| !condition.is_empty());
        let said = conditions
            .filter_map(|condition| path_value(values, &format!("{path}{condition}")))
            .find_map(Value::as_bool);
        if let Some(enabled) = said {
            dependency.enabled = enabled;
        }
    }
}

fn import_values(chart: &mut Chart, version: Helm) -> Result<(), HelmError> {
    for subchart in &mut chart.dependencies {
        import_values(subchart, version)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let mut values = merge_values(chart, &Values::new(), version)?;
    let mut imported = Values::new();
    for dependency in &mut chart.metadata.dependencies {
        let mut pairs = Vec::new();
        for wish in &dependency.import_values {
            let (child, parent) = match wish {
                Value::Object(wish) => (shown(wish.get("child")), shown(wish.get("parent"))),
                Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                _ => continue,
            };
            if let Some(found) = table(&values, &format!("{}.{child}", dependency.name)) {
                coalesce_tables(&mut imported, under(&parent, found.clone()), true);
            }
            pairs.push(json!({ "child": child, "parent": parent }));
        }
        dependency.import_values = pairs;
    }
    coalesce_tables(&mut values, imported, true);
    chart.values = values;
    Ok(())
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
