//! What `helm lint` says of a chart.
//!
//! In: the files of the chart and what loading it gave. Out: messages, in Helm's order and words.

mod chartfile;
mod deprecated;
mod names;
mod templates;

use std::fmt;

use gyre_template::Host;

use crate::capabilities::KubeVersion;
use crate::chart::Chart;
use crate::error::HelmError;
use crate::schema;
use crate::values::coalesce::coalesce_tables;
use crate::values::{Values, read_yaml};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// It should be mended.
    Warning,
    /// The chart does not work.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// The file it is about.
    pub path: String,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// A chart that is looked at.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The directory of the chart, as messages name it.
    pub directory: &'a str,
    /// `Chart.yaml`; an error names why it cannot be read.
    pub chart_file: Result<&'a [u8], String>,
    /// `values.yaml`, where there is one.
    pub values_file: Option<&'a [u8]>,
    /// `values.schema.json`, where there is one.
    pub schema: Option<&'a [u8]>,
    /// Is there something called `templates` that is no directory?
    pub templates_is_file: bool,
    /// What loading the chart gave.
    pub chart: &'a Result<Chart, HelmError>,
}

/// How it is looked at.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// `.Release.Namespace`
    pub namespace: String,
    /// The version of Kubernetes that the chart is meant for.
    pub kube_version: Option<KubeVersion>,
    /// Are schemas of values left alone?
    pub skip_schema_validation: bool,
}

/// The findings so far.
#[derive(Default)]
struct Findings(Vec<Message>);

impl Findings {
    /// Notes an error, and says whether there was none.
    fn check(&mut self, severity: Severity, path: &str, result: Result<(), impl fmt::Display>) -> bool {
        match result {
            Ok(()) => true,
            Err(text) => {
                self.0.push(Message { severity, path: path.into(), text: text.to_string() });
                false
            }
        }
    }
}

/// Everything that is wrong with a chart.
pub fn lint(
    subject: &Subject<'_>,
    values: &Values,
    conditions: &Conditions,
    host: &mut (dyn Host + Send),
) -> Vec<Message> {
    let mut findings = Findings::default();
    chartfile::check(subject, &mut findings);
    check_values(subject, values, &mut findings);
    templates::check(subject, values, conditions, host, &mut findings);
    check_dependencies(subject, &mut findings);
    findings.0
}

fn check_values(subject: &Subject<'_>, given: &Values, findings: &mut Findings) {
    let Some(text) = subject.values_file else {
        findings.check(Severity::Info, "values.yaml", Err("file does not exist"));
        return;
    };
    let result = read_yaml(text).map_err(|why| format!("unable to parse YAML: {why}")).and_then(|values| {
        let mut all = given.clone();
        coalesce_tables(&mut all, values, false, &mut Vec::new());
        match subject.schema {
            Some(schema) if !schema.is_empty() => schema::validate_one(schema, &all),
            _ => Ok(()),
        }
    });
    findings.check(Severity::Error, "values.yaml", result);
}

fn check_dependencies(subject: &Subject<'_>, findings: &mut Findings) {
    let chart = match subject.chart {
        Ok(chart) => chart,
        Err(why) => {
            findings.check(Severity::Error, "", Err(format!("unable to load chart\n\t{why}")));
            return;
        }
    };
    let wanted = &chart.metadata.dependencies;
    let listed = |names: Vec<&str>, what: &str| {
        if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(","))) }
    };
    let unknown = chart.dependencies.iter().map(Chart::name);
    let unknown = unknown.filter(|name| !wanted.iter().any(|wanted| wanted.name == *name)).collect();
    let result = listed(unknown, "chart metadata is missing these dependencies");
    findings.check(Severity::Error, subject.directory, result);
    let key = |one: &'_ crate::chart::Dependency| {
        if one.alias.is_empty() { one.name.clone() } else { one.alias.clone() }
    };
    let keys: Vec<String> = wanted.iter().map(key).collect();
    let twice = keys.iter().enumerate().filter(|(at, name)| keys[..*at].contains(name));
    let result =
        listed(twice.map(|(_, name)| name.as_str()).collect(), "multiple dependencies with name or alias");
    findings.check(Severity::Error, subject.directory, result);
    let missing = wanted.iter().map(|wanted| wanted.name.as_str());
    let missing = missing.filter(|name| !chart.dependencies.iter().any(|chart| chart.name() == *name));
    let result = listed(missing.collect(), "chart directory is missing these dependencies");
    findings.check(Severity::Warning, subject.directory, result);
}
