//! `helm status` and `helm get`

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use gyre_helm::values::coalesce::coalesce_values;
use gyre_helm::{Chart, Values, Version};
use serde_json::Value;

use super::arguments::Usage;
use super::environment::Settings;
use super::print;
use super::records::{Record, Records, time};
use super::table::{Format, OutputFlag, go_json, record_json};

/// `helm status RELEASE`
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    of: Of,
    /// Show the description of the release
    #[arg(long)]
    show_desc: bool,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Debug, Args)]
struct Of {
    #[arg(value_name = "RELEASE_NAME", hide = true)]
    names: Vec<String>,
    /// The revision; the last without one
    #[arg(long, default_value = "0")]
    revision: i64,
}

/// `helm get`
#[derive(Debug, Args)]
pub(super) struct Get {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Everything of a release
    All(Of),
    /// The hooks of a release
    Hooks(Of),
    /// The manifest of a release
    Manifest(Of),
    /// What is known of a release
    Metadata {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// The notes of a release
    Notes(Of),
    /// The values of a release
    Values {
        #[command(flatten)]
        of: Of,
        /// All values, those of the chart too
        #[arg(long, short = 'a')]
        all: bool,
        #[command(flatten)]
        output: OutputFlag,
    },
}

impl Of {
    fn find(&self, command: &'static str, settings: &Settings) -> anyhow::Result<Record> {
        Usage { command, line: "RELEASE_NAME [flags]" }.exactly(1, &self.names)?;
        Records::open(settings)?.get(&self.names[0], self.revision)
    }
}

/// What of a release is shown.
#[derive(Clone, Copy, Default)]
struct Detail {
    description: bool,
    metadata: bool,
    everything: bool,
}

const ANSI_C: &str = "Mon Jan _2 15:04:05 2006";

impl Status {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let format = self.output.format()?;
        let record = self.of.find("status", settings)?;
        match format {
            Format::Table => {
                print(&shown(&record, Detail { description: self.show_desc, ..Detail::default() })?)
            }
            // order: Helm leaves the chart out of what it prints.
            Format::Json => print(&format!("{}\n", record_text(&record))),
            Format::Yaml => print(&gyre_yaml::write_value(&without_chart(&record))),
        }
    }
}

fn without_chart(record: &Record) -> Value {
    let mut value = record.0.clone();
    if let Value::Object(fields) = &mut value {
        fields.remove("chart");
        fields.remove("labels");
    }
    value
}

/// The fields of an object in an order; missing ones are left out.
fn picked(value: &Value, keys: &[&str]) -> String {
    let fields = keys.iter().filter_map(|key| Some(format!("\"{key}\":{}", go_json(value.get(*key)?))));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A release as Go writes it, its fields in the order of the struct.
fn record_text(record: &Record) -> String {
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
    let mut out = picked(&record.0, &["name"]).trim_end_matches('}').to_owned();
    let info = record.0.get("info").cloned().unwrap_or_default();
    let _ = write!(out, ",\"info\":{}", picked(&info, &INFO));
    let middle = picked(&record.0, &["config", "manifest"]);
    if middle != "{}" {
        let _ = write!(out, ",{}", &middle[1..middle.len() - 1]);
    }
    let all: Vec<String> = hooks(record).map(hook).collect();
    if !all.is_empty() {
        let _ = write!(out, ",\"hooks\":[{}]", all.join(","));
    }
    let _ = write!(out, ",{}", &picked(&record.0, &["version", "namespace"])[1..]);
    out
}

/// The hooks of a release.
fn hooks(record: &Record) -> impl Iterator<Item = &Value> {
    record.0.get("hooks").and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn config(record: &Record) -> Option<Values> {
    record.0.get("config").and_then(Value::as_object).cloned()
}

/// The values of a release with those of its chart.
fn computed(record: &Record) -> anyhow::Result<Values> {
    let mut chart = Chart::default();
    chart.metadata.name = record.text("/chart/metadata/name").into();
    chart.values = record.0.pointer("/chart/values").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(coalesce_values(&chart, &config(record).unwrap_or_default(), Version::V3)?)
}

fn config_yaml(record: &Record) -> String {
    gyre_yaml::write_value(&config(record).map_or(Value::Null, Value::Object))
}

fn hooks_text(record: &Record) -> String {
    let one = |hook| format!("---\n# Source: {}\n{}\n", text(hook, "/path"), text(hook, "/manifest"));
    hooks(record).map(one).collect()
}

fn shown(record: &Record, detail: Detail) -> anyhow::Result<String> {
    let mut out = format!("NAME: {}\n", record.name());
    if let Some(deployed) = record.time("/info/last_deployed") {
        let _ = writeln!(out, "LAST DEPLOYED: {}", deployed.format(ANSI_C));
    }
    let _ = writeln!(out, "NAMESPACE: {}", record.text("/namespace"));
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
        let _ = writeln!(out, "USER-SUPPLIED VALUES:\n{}", config_yaml(record));
        let all = gyre_yaml::write_value(&Value::Object(computed(record)?));
        let _ = writeln!(out, "COMPUTED VALUES:\n{all}");
    }
    if detail.everything || record.text("/info/description").eq_ignore_ascii_case("Dry run complete") {
        let _ = write!(out, "HOOKS:\n{}MANIFEST:\n{}\n", hooks_text(record), record.text("/manifest"));
    }
    let notes = record.text("/info/notes");
    if !notes.is_empty() {
        let _ = writeln!(out, "NOTES:\n{}", notes.trim());
    }
    Ok(out)
}

fn tests(record: &Record, out: &mut String) {
    let is_test = |hook: &&Value| {
        let events = hook.get("events").and_then(Value::as_array);
        events.is_some_and(|events| events.iter().any(|event| event == "test"))
    };
    let found: Vec<&Value> = hooks(record).filter(is_test).collect();
    if found.is_empty() {
        out.push_str("TEST SUITE: None\n");
    }
    for hook in found {
        let Some(started) = time(text(hook, "/last_run/started_at")) else { continue };
        let completed = time(text(hook, "/last_run/completed_at"));
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

impl Get {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match &self.what {
            What::All(of) => {
                let record = of.find("get all", settings)?;
                print(&shown(&record, Detail { metadata: true, everything: true, description: false })?)
            }
            What::Hooks(of) => print(&hooks_text(&of.find("get hooks", settings)?)),
            What::Manifest(of) => {
                print(&format!("{}\n", of.find("get manifest", settings)?.text("/manifest")))
            }
            What::Metadata { of, output } => {
                let format = output.format()?;
                metadata(&of.find("get metadata", settings)?, format)
            }
            What::Notes(of) => {
                let record = of.find("get notes", settings)?;
                match record.text("/info/notes") {
                    "" => Ok(()),
                    notes => print(&format!("NOTES:\n{notes}\n")),
                }
            }
            What::Values { of, all, output } => {
                let format = output.format()?;
                let record = of.find("get values", settings)?;
                values(&record, *all, format)
            }
        }
    }
}

fn values(record: &Record, all: bool, format: Format) -> anyhow::Result<()> {
    let values = if all {
        Value::Object(computed(record)?)
    } else {
        config(record).map_or(Value::Null, Value::Object)
    };
    match format {
        Format::Table => {
            let title = if all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" };
            print(&format!("{title}\n{}", gyre_yaml::write_value(&values)))
        }
        Format::Json => print(&format!("{}\n", go_json(&values))),
        Format::Yaml => print(&gyre_yaml::write_value(&values)),
    }
}

fn metadata(record: &Record, format: Format) -> anyhow::Result<()> {
    let chart = |key: &str| record.text(&format!("/chart/metadata/{key}")).to_owned();
    let annotations = record.0.pointer("/chart/metadata/annotations").cloned().unwrap_or_default();
    let dependencies = record.0.pointer("/chart/metadata/dependencies").cloned().unwrap_or_default();
    let deployed = record
        .time("/info/last_deployed")
        .map_or_else(String::new, |time| time.format("2006-01-02T15:04:05Z07:00"));
    if format == Format::Table {
        let pairs = annotations.as_object().into_iter().flatten();
        let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        let mut names: Vec<&str> = dependencies
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| Some(one.get("alias").or(one.get("name"))?.as_str().unwrap_or_default()))
            .collect();
        names.sort_unstable();
        let fields = [
            ("NAME", record.name().to_owned()),
            ("CHART", chart("name")),
            ("VERSION", chart("version")),
            ("APP_VERSION", chart("appVersion")),
            ("ANNOTATIONS", pairs.collect::<Vec<_>>().join(",")),
            ("DEPENDENCIES", names.join(",")),
            ("NAMESPACE", record.text("/namespace").to_owned()),
            ("REVISION", record.revision().to_string()),
            ("STATUS", record.status().to_owned()),
            ("DEPLOYED_AT", deployed),
        ];
        return print(&fields.map(|(title, text)| format!("{title}: {text}\n")).concat());
    }
    let mut fields: super::table::Record = vec![
        ("name", record.name().into()),
        ("chart", chart("name").into()),
        ("version", chart("version").into()),
        ("appVersion", chart("appVersion").into()),
    ];
    for (key, value) in [("annotations", annotations), ("dependencies", dependencies)] {
        if !value.is_null() {
            fields.push((key, value));
        }
    }
    fields.extend([
        ("namespace", record.text("/namespace").into()),
        ("revision", record.revision().into()),
        ("status", record.status().into()),
        ("deployedAt", deployed.into()),
    ]);
    match format {
        Format::Yaml => {
            let all = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            print(&gyre_yaml::write_value(&Value::Object(all)))
        }
        _ => print(&format!("{}\n", record_json(&fields))),
    }
}
