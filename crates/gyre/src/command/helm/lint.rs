//! `helm lint`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::lint::{Conditions, Message, Severity, Subject, lint};
use gyre_helm::{Chart, HelmError, Values};

use super::chart::{self, go_error};
use super::environment::Settings;
use super::flags::ValueFlags;
use super::print;
use super::template::kube_version;
use crate::host::Machine;

/// `helm lint PATH...`
#[derive(Debug, Args)]
pub(super) struct Lint {
    #[arg(value_name = "PATH", hide = true)]
    paths: Vec<String>,
    /// Fail on lint warnings
    #[arg(long)]
    strict: bool,
    /// Lint dependent charts
    #[arg(long)]
    with_subcharts: bool,
    /// Print only warnings and errors
    #[arg(long)]
    quiet: bool,
    /// Leave values unchecked against the chart's schema
    #[arg(long)]
    skip_schema_validation: bool,
    /// Version of Kubernetes used for capabilities and deprecation checks
    #[arg(long)]
    kube_version: Option<String>,
    #[command(flatten)]
    values: ValueFlags,
}

impl Lint {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let mut paths = if self.paths.is_empty() { vec![".".to_owned()] } else { self.paths.clone() };
        let conditions = Conditions {
            kube_version: kube_version(self.kube_version.as_ref())?,
            namespace: settings.namespace(),
            skip_schema_validation: self.skip_schema_validation,
        };
        if self.with_subcharts {
            for path in paths.clone() {
                subcharts(&Path::new(&path).join("charts"), &mut paths);
            }
        }
        let values = self.values.merge()?;
        let (mut out, mut failed, mut told) = (String::new(), 0, 0);
        for path in &paths {
            let (messages, failures) = match look(path, &values, &conditions) {
                Ok(messages) => {
                    let least = if self.strict { Severity::Warning } else { Severity::Error };
                    let failures = messages.iter().filter(|message| message.severity >= least).count();
                    (messages, failures)
                }
                Err(why) => {
                    told += 1;
                    failed += 1;
                    let _ = write!(out, "==> Linting {path}\nError {why:#}\n\n");
                    continue;
                }
            };
            let has_findings = messages.iter().any(|message| message.severity > Severity::Info);
            told += usize::from(has_findings);
            failed += usize::from(failures > 0);
            if self.quiet && !has_findings {
                continue;
            }
            let _ = writeln!(out, "==> Linting {path}");
            for message in messages.iter().filter(|one| !self.quiet || one.severity > Severity::Info) {
                let _ = writeln!(out, "{message}");
            }
            out.push('\n');
        }
        print(&out)?;
        let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
        if failed > 0 {
            bail!(summary);
        }
        if !self.quiet || told > 0 {
            print(&format!("{summary}\n"))?;
        }
        Ok(())
    }
}

/// The charts below a directory, in the order of Go's walk.
fn subcharts(directory: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut places: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    places.sort();
    for place in places {
        let shown = place.display().to_string();
        if place.is_dir() {
            subcharts(&place, found);
        } else if place.file_name().is_some_and(|name| name == "Chart.yaml") {
            found.push(directory.display().to_string());
        } else if shown.ends_with(".tgz") || shown.ends_with(".tar.gz") {
            found.push(shown);
        }
    }
}

fn look(path: &str, values: &Values, conditions: &Conditions) -> anyhow::Result<Vec<Message>> {
    let mut host = Machine::new();
    if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
        let content = fs::read(path)
            .map_err(|why| anyhow!("unable to open tarball: {}", go_error("open", path, &why)))?;
        let chart = Chart::from_archive(&content).map_err(|why| why.within("unable to extract tarball"))?;
        let raw = |name: &str| chart.raw.iter().find(|file| &*file.name == name).map(|file| &*file.content);
        let subject = Subject {
            directory: chart.name(),
            chart_file: raw("Chart.yaml").ok_or_else(String::new),
            values_file: raw("values.yaml"),
            schema: raw("values.schema.json"),
            templates_is_file: raw("templates").is_some(),
            chart: &Ok(chart.clone()),
        };
        return Ok(lint(&subject, values, conditions, &mut host));
    }
    let root = Path::new(path);
    let file = root.join("Chart.yaml");
    let shown = file.display().to_string();
    // Go joins paths without their dots.
    let shown = shown.strip_prefix("./").unwrap_or(&shown).to_owned();
    fs::metadata(&file).map_err(|why| {
        anyhow!("unable to check Chart.yaml file in chart: {}", go_error("stat", &shown, &why))
    })?;
    let directory = chart::absolute(path)?.display().to_string();
    let content = fs::read(&file).map_err(|why| go_error("open", &shown, &why));
    let (values_file, schema) =
        (fs::read(root.join("values.yaml")).ok(), fs::read(root.join("values.schema.json")).ok());
    let subject = Subject {
        directory: &directory,
        chart_file: content.as_deref().map_err(Clone::clone),
        values_file: values_file.as_deref(),
        schema: schema.as_deref(),
        templates_is_file: fs::metadata(root.join("templates")).is_ok_and(|entry| !entry.is_dir()),
        chart: &chart::load_directory(root).map_err(|why| HelmError::new(format!("{why:#}"))),
    };
    Ok(lint(&subject, values, conditions, &mut host))
}
