//! Renders a chart: values, templates, manifests.
//!
//! [`ParsedChart`] keeps what was parsed, so that a thousand releases of one chart parse it once.

mod engine;
mod text;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gyre_template::{Host, Templates};

use crate::capabilities::Capabilities;
use crate::chart::{Chart, File};
use crate::dependencies;
use crate::error::HelmError;
use crate::limits::PARSED_SETS_MAX;
use crate::manifest::{self, Hook, Manifest};
use crate::schema;
use crate::values::Values;
use crate::values::coalesce::coalesce_values;

/// Which Helm: the two differ in a few lines of their output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// Helm 3.21.
    #[default]
    V3,
    /// Helm 4.2.
    V4,
}

/// A release, as its templates see it, and how it is rendered.
#[derive(Clone, Debug)]
pub struct Options {
    /// `.Release.Name`
    pub release_name: String,
    /// `.Release.Namespace`
    pub namespace: String,
    /// `.Release.Revision`
    pub revision: i64,
    /// `.Release.IsUpgrade`; `.Release.IsInstall` is its opposite.
    pub is_upgrade: bool,
    /// What the cluster can do.
    pub capabilities: Capabilities,
    /// Are schemas of values left alone?
    pub skip_schema_validation: bool,
    /// Are missing required values passed over?
    pub lint: bool,
    /// The notes of subcharts too?
    pub sub_notes: bool,
    /// Which Helm.
    pub version: Version,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            release_name: "release-name".into(),
            namespace: "default".into(),
            revision: 1,
            is_upgrade: false,
            capabilities: Capabilities::default(),
            skip_schema_validation: false,
            lint: false,
            sub_notes: false,
            version: Version::V3,
        }
    }
}

/// What a chart became.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Manifests in the order in which they are installed.
    pub manifests: Vec<Manifest>,
    /// Hooks, by kind.
    pub hooks: Vec<Hook>,
    /// `NOTES.txt`
    pub notes: String,
    /// `crds/`, with the path that Helm names each by.
    pub crds: Vec<(String, File)>,
    /// The chart, with the subcharts that take part and the values that it has from them.
    pub chart: Chart,
    /// The values that the templates saw.
    pub values: Values,
    /// Every rendered file, also those without a manifest.
    pub files: BTreeMap<String, String>,
    /// What is to be told of values that do not fit each other.
    pub warnings: Vec<String>,
}

/// Why a chart was not rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub why: HelmError,
    /// The text of all files, where the templates had begun to run; `--debug` shows it.
    pub partial: Option<String>,
}

impl From<HelmError> for Failure {
    fn from(why: HelmError) -> Self {
        Self { why, partial: None }
    }
}

pub use text::{Shown, manifest_text, template_text};

/// A chart, and its templates once they were parsed.
#[derive(Debug)]
pub struct ParsedChart {
    chart: Chart,
    /// Parsed templates by the paths of the files that are in them.
    parsed: Mutex<HashMap<Vec<Arc<str>>, Arc<Templates>>>,
}

impl ParsedChart {
    /// A chart to render any number of times, from any number of threads.
    pub fn new(chart: Chart) -> Self {
        Self { chart, parsed: Mutex::default() }
    }

    /// The chart.
    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    /// Renders the chart with values and a host.
    pub fn render(
        &self,
        given: &Values,
        options: &Options,
        host: &mut (dyn Host + Send),
    ) -> Result<Rendered, HelmError> {
        self.render_or_partial(given, options, host).map_err(|failure| failure.why)
    }

    /// The same; a failure says how far it came.
    pub fn render_or_partial(
        &self,
        given: &Values,
        options: &Options,
        host: &mut (dyn Host + Send),
    ) -> Result<Rendered, Failure> {
        if options.version == Version::V4 && !matches!(&*self.chart.metadata.api_version, "v1" | "v2") {
            return Err(HelmError::new("invalid chart apiVersion").into());
        }
        if self.chart.is_library() {
            return Err(HelmError::new("library charts are not installable").into());
        }
        self.check_dependencies()?;
        let mut chart = self.chart.clone();
        let mut warnings = Vec::new();
        dependencies::process(&mut chart, given, options.version, &mut warnings)?;
        let range = &chart.metadata.kube_version;
        let kube_version = &options.capabilities.kube_version.version;
        let values = coalesce_values(&chart, given, options.version, &mut warnings)?;
        if !options.skip_schema_validation {
            schema::validate(&chart, &values)?;
        }
        let stopped = |why: HelmError| Failure { why, partial: Some(String::new()) };
        if !range.is_empty() && !dependencies::is_compatible(range, kube_version) {
            return Err(stopped(HelmError(format!(
                "chart requires kubeVersion: {range} which is incompatible with Kubernetes {kube_version}"
            ))));
        }
        let files = engine::render(self, &chart, &values, options, host).map_err(stopped)?;
        let mut files: BTreeMap<String, String> =
            files.into_iter().map(|(path, bytes)| (path, engine::into_text(bytes))).collect();
        let notes = take_notes(&mut files, &chart, options.sub_notes);
        match manifest::sort(&files, options.version) {
            Ok((hooks, manifests)) => {
                Ok(Rendered { manifests, hooks, notes, crds: chart.crds(), chart, values, files, warnings })
            }
            Err(why) => Err(Failure { why, partial: Some(text::files_text(&files)) }),
        }
    }

    /// Renders the templates alone: every file by its path, as bytes.
    pub fn render_files(
        &self,
        given: &Values,
        options: &Options,
        host: &mut (dyn Host + Send),
    ) -> Result<BTreeMap<String, Vec<u8>>, HelmError> {
        let mut chart = self.chart.clone();
        let mut untold = Vec::new();
        dependencies::process(&mut chart, given, options.version, &mut untold)?;
        let values = coalesce_values(&chart, given, options.version, &mut untold)?;
        engine::render(self, &chart, &values, options, host)
    }

    /// Is every chart there that `Chart.yaml` names?
    fn check_dependencies(&self) -> Result<(), HelmError> {
        self.chart.check_dependencies().map_err(|why| why.within("An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies"))
    }

    fn templates(
        &self,
        key: Vec<Arc<str>>,
        parse: impl FnOnce() -> Result<Templates, HelmError>,
    ) -> Result<Arc<Templates>, HelmError> {
        let lock = || self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(templates) = lock().get(&key) {
            return Ok(templates.clone());
        }
        let templates = Arc::new(parse()?);
        let mut parsed = lock();
        if parsed.len() >= PARSED_SETS_MAX {
            parsed.clear();
        }
        parsed.insert(key, templates.clone());
        Ok(templates)
    }
}

/// Takes the notes out of the rendered files.
fn take_notes(files: &mut BTreeMap<String, String>, chart: &Chart, of_subcharts: bool) -> String {
    let own = format!("{}/templates/NOTES.txt", chart.name());
    let paths: Vec<String> = files.keys().filter(|path| path.ends_with("NOTES.txt")).cloned().collect();
    let mut notes = String::new();
    for path in paths {
        let Some(text) = files.remove(&path) else { continue };
        if of_subcharts || path == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&text);
        }
    }
    notes
}
