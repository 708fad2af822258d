//! `helm status` and `helm get`

use clap::{Args, Subcommand};
use gyre_helm::release::Release;
use serde_json::Value;

use super::arguments::Usage;
use super::connection::Connection;
use super::environment::Settings;
use super::print;
use super::printed::{self, Detail};
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
    fn find(&self, command: &'static str, settings: &Settings) -> anyhow::Result<Release> {
        Usage { command, line: "RELEASE_NAME [flags]" }.exactly(1, &self.names)?;
        Connection::open(settings)?.get(&self.names[0], self.revision)
    }
}

impl Status {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let format = self.output.format()?;
        let record = self.of.find("status", settings)?;
        let detail = Detail { description: self.show_desc, everything: settings.debug, ..Detail::default() };
        printed::release(&record, format, detail)
    }
}

impl Get {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match &self.what {
            What::All(of) => {
                let record = of.find("get all", settings)?;
                let detail = Detail { metadata: true, everything: true, ..Detail::default() };
                print(&printed::table(&record, detail)?)
            }
            What::Hooks(of) => print(&printed::hooks(&of.find("get hooks", settings)?)),
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

fn values(record: &Release, all: bool, format: Format) -> anyhow::Result<()> {
    let values = if all {
        Value::Object(record.computed_values(&record.config_read())?)
    } else {
        record.config().cloned().map_or(Value::Null, Value::Object)
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

fn metadata(record: &Release, format: Format) -> anyhow::Result<()> {
    let chart = |key: &str| record.text(&format!("/chart/metadata/{key}")).to_owned();
    let annotations = record.fields().pointer("/chart/metadata/annotations").cloned().unwrap_or_default();
    let dependencies = record.fields().pointer("/chart/metadata/dependencies").cloned().unwrap_or_default();
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
