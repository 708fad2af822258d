//! A release as Helm prints it.

use std::fmt::Write as _;

use gyre_helm::release::{Release, read_time};
use serde_json::Value;

use super::print;
use super::table::{Format, go_json};

/// What of a release is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Detail {
    /// `--show-desc`
    pub(super) description: bool,
    /// What chart it is.
    pub(super) metadata: bool,
    /// Values, hooks and the manifest.
    pub(super) everything: bool,
    /// `--hide-notes`
    pub(super) hide_notes: bool,
    /// In JSON and YAML, the chart too.
    pub(super) chart: bool,
}

const ANSI_C: &str = "Mon Jan _2 15:04:05 2006";

/// Prints a release.
pub(super) fn release(record: &Release, format: Format, detail: Detail) -> anyhow::Result<()> {
    match format {
        Format::Table => print(&table(record, detail)?),
        Format::Json => print(&format!("{}\n", json(record, detail.chart))),
        Format::Yaml => {
            let mut value = record.fields().clone();
            if let Value::Object(fields) = &mut value
                && !detail.chart
            {
                fields.remove("chart");
            }
            print(&gyre_yaml::write_value(&value))
        }
    }
}

/// The fields of an object in an order; missing ones are left out.
fn picked(value: &Value, keys: &[&str]) -> String {
    let fields = keys.iter().filter_map(|key| Some(format!("\"{key}\":{}", go_json(value.get(*key)?))));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// What stands between the braces of an object.
fn inner(text: &str) -> &str {
    &text[1..text.len() - 1]
}

/// What `Chart.yaml` says as Go writes it.
pub(super) fn metadata_json(metadata: &Value) -> String {
    const METADATA: [&str; 17] = [
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ];
    picked(metadata, &METADATA)
}

fn chart_json(chart: &Value) -> String {
    let metadata = metadata_json(chart.get("metadata").unwrap_or(&Value::Null));
    let files = |key: &str| match chart.get(key) {
        Some(Value::Array(files)) => {
            let files: Vec<String> = files.iter().map(|file| picked(file, &["name", "data"])).collect();
            format!("\"{key}\":[{}]", files.join(","))
        }
        other => format!("\"{key}\":{}", other.unwrap_or(&Value::Null)),
    };
    let part = |keys: &[&str]| inner(&picked(chart, keys)).to_owned();
    let parts = [
        format!("\"metadata\":{metadata}"),
        part(&["lock"]),
        files("templates"),
        part(&["values", "schema"]),
        files("files"),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{{{}}}", parts.join(","))
}

/// A release as Go writes it, its fields in the order of the struct.
fn json(record: &Release, with_chart: bool) -> String {
    const INFO: [&str; 7] =
        ["first_deployed", "last_deployed", "deleted", "description", "status", "notes", "resources"];
    const HOOK: [&str; 5] = ["name", "kind", "path", "manifest", "events"];
    const HOOK_END: [&str; 3] = ["weight", "delete_policies", "output_log_policies"];
    let hook = |hook: &Value| {
        let run = hook.get("last_run").cloned().unwrap_or_default();
        let (start, end) = (picked(hook, &HOOK), picked(hook, &HOOK_END));
        let run = picked(&run, &["started_at", "completed_at", "phase"]);
        let comma = if end == "{}" { "" } else { "," };
        format!("{},\"last_run\":{run}{comma}{}", start.trim_end_matches('}'), end.trim_start_matches('{'))
    };
    let fields = record.fields();
    let mut parts = vec![inner(&picked(fields, &["name"])).to_owned()];
    let info = fields.get("info").cloned().unwrap_or_default();
    parts.push(format!("\"info\":{}", picked(&info, &INFO)));
    if let Some(chart) = fields.get("chart").filter(|_| with_chart) {
        parts.push(format!("\"chart\":{}", chart_json(chart)));
    }
    parts.push(inner(&picked(fields, &["config", "manifest"])).to_owned());
    let all: Vec<String> = record.hooks().iter().map(hook).collect();
    if !all.is_empty() {
        parts.push(format!("\"hooks\":[{}]", all.join(",")));
    }
    parts.push(inner(&picked(fields, &["version", "namespace"])).to_owned());
    parts.retain(|part| !part.is_empty());
    format!("{{{}}}", parts.join(","))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The hooks of a release.
pub(super) fn hooks(record: &Release) -> String {
    let one = |hook| format!("---\n# Source: {}\n{}\n", text(hook, "/path"), text(hook, "/manifest"));
    record.hooks().iter().map(one).collect()
}

/// A release for people.
pub(super) fn table(record: &Release, detail: Detail) -> anyhow::Result<String> {
    let mut out = format!("NAME: {}\n", record.name());
    if let Some(deployed) = record.time("/info/last_deployed") {
        let _ = writeln!(out, "LAST DEPLOYED: {}", deployed.format(ANSI_C));
    }
    let _ = writeln!(out, "NAMESPACE: {}", record.namespace());
    let _ = writeln!(out, "STATUS: {}", record.status());
    let _ = writeln!(out, "REVISION: {}", record.revision());
    if detail.metadata {
        for (title, key) in [("CHART", "name"), ("VERSION", "version"), ("APP_VERSION", "appVersion")] {
            let _ = writeln!(out, "{title}: {}", record.text(&format!("/chart/metadata/{key}")));
        }
    }
    if detail.description {
        let _ = writeln!(out, "DESCRIPTION: {}", record.text("/info/description"));
    }
    tests(record, &mut out);
    if detail.everything {
        let given = record.config().cloned();
        let shown = gyre_yaml::write_value(&given.map_or(Value::Null, Value::Object));
        let _ = writeln!(out, "USER-SUPPLIED VALUES:\n{shown}");
        let computed = record.computed_values(&record.config_read())?;
        let all = gyre_yaml::write_value(&Value::Object(computed));
        let _ = writeln!(out, "COMPUTED VALUES:\n{all}");
    }
    if detail.everything || record.text("/info/description").eq_ignore_ascii_case("Dry run complete") {
        let _ = write!(out, "HOOKS:\n{}MANIFEST:\n{}\n", hooks(record), record.manifest());
    }
    let notes = record.text("/info/notes");
    if !notes.is_empty() && !detail.hide_notes {
        let _ = writeln!(out, "NOTES:\n{}", notes.trim());
    }
    Ok(out)
}

fn tests(record: &Release, out: &mut String) {
    let is_test = |hook: &&Value| {
        let events = hook.get("events").and_then(Value::as_array);
        events.is_some_and(|events| events.iter().any(|event| event == "test"))
    };
    let found: Vec<&Value> = record.hooks().iter().filter(is_test).collect();
    if found.is_empty() {
        out.push_str("TEST SUITE: None\n");
    }
    for hook in found {
        let Some(started) = read_time(text(hook, "/last_run/started_at")) else { continue };
        let completed = read_time(text(hook, "/last_run/completed_at"));
        let completed = completed.map_or("Mon Jan  1 00:00:00 0001".to_owned(), |time| time.format(ANSI_C));
        let _ = write!(
            out,
            "TEST SUITE:     {}\nLast Started:   {}\nLast Completed: {completed}\nPhase:          {}\n",
            text(hook, "/name"),
            started.format(ANSI_C),
            text(hook, "/last_run/phase")
        );
    }
}
