//! A chart as it was loaded: metadata, templates, values, files, subcharts.

mod archive;
mod load;
mod metadata;
mod package;
mod record;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use archive::read_archive;
pub use load::load_files;
pub(crate) use metadata::scalar_text;
pub use metadata::{Dependency, Maintainer, Metadata, lock_digest, read_metadata};
pub use package::package;

use crate::error::HelmError;

/// A file of a chart: its path from the chart's root, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path.
    pub name: Arc<str>,
    /// The content.
    pub content: Arc<[u8]>,
}

impl File {
    /// The content as text; what is no UTF-8 becomes U+FFFD.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.content)
    }
}

/// A chart. Cheap to clone: files are shared.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What `Chart.yaml` says.
    pub metadata: Metadata,
    /// `templates/`
    pub templates: Arc<Vec<File>>,
    /// `values.yaml`
    pub values: Map<String, Value>,
    /// `values.schema.json`
    pub schema: Option<Arc<[u8]>>,
    /// Everything else, `crds/` too.
    pub files: Arc<Vec<File>>,
    /// All files as they were loaded.
    pub raw: Arc<Vec<File>>,
    /// `Chart.lock`
    pub lock: Option<Value>,
    /// The charts in `charts/`, by name.
    pub dependencies: Vec<Chart>,
}

impl Chart {
    /// Loads a chart from a tree of files, as Helm loads a directory: `.helmignore` counts, links that are no files of the
    /// tree are an error.
    pub fn from_tree(tree: &gyre_model::FileTree) -> Result<Self, HelmError> {
        load::from_tree(tree)
    }

    /// Loads a packaged chart.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, HelmError> {
        load_files(read_archive(bytes)?)
    }

    /// The name in `Chart.yaml`.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Is it one that only other charts use?
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// Is every chart there that `Chart.yaml` names?
    pub fn check_dependencies(&self) -> Result<(), HelmError> {
        let is_there =
            |wanted: &&Dependency| self.dependencies.iter().any(|chart| chart.name() == wanted.name);
        let missing = self.metadata.dependencies.iter().filter(|wanted| !is_there(wanted));
        let missing: Vec<&str> = missing.map(|wanted| wanted.name.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        crate::error::err(format!(
            "found in Chart.yaml, but missing in charts/ directory: {}",
            missing.join(", ")
        ))
    }

    /// The manifests in `crds/`, those of subcharts too, with the path that Helm names them by.
    pub fn crds(&self) -> Vec<(String, File)> {
        let mut found = Vec::new();
        self.crds_under(self.name(), &mut found);
        found
    }

    fn crds_under(&self, path: &str, found: &mut Vec<(String, File)>) {
        for file in self.files.iter() {
            let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| file.name.ends_with(end));
            if file.name.starts_with("crds/") && is_manifest {
                found.push((format!("{path}/{}", file.name), file.clone()));
            }
        }
        for chart in &self.dependencies {
            chart.crds_under(&format!("{path}/charts/{}", chart.name()), found);
        }
    }
}
