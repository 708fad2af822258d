//! `helm repo index`: an index of a directory of packaged charts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use gyre_go::semver::pick::helm_sort;
use gyre_helm::Chart;
use gyre_model::Digest;
use gyre_source::helm::{Step, visit_index};
use serde_json::{Value, json};

use crate::command::helm::arguments::Usage;
use crate::command::helm::chart::go_error;
use crate::command::helm::fetch::resolve;
use crate::host::local_now;

/// `helm repo index DIR`
#[derive(Debug, Args)]
pub(super) struct MakeIndex {
    #[arg(value_name = "DIR", hide = true)]
    directories: Vec<String>,
    /// URL of the chart repository
    #[arg(long)]
    url: Option<String>,
    /// Merge the generated index into this one
    #[arg(long)]
    merge: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Entries of an index by chart.
type Entries = BTreeMap<String, Vec<Value>>;

fn now() -> String {
    local_now().to_rfc3339()
}

impl MakeIndex {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Usage { command: "repo index", line: "[DIR] [flags]" }.exactly(1, &self.directories)?;
        let root = crate::command::helm::chart::absolute(&self.directories[0])?;
        let mut entries = self.entries(&root)?;
        if let Some(other) = self.merge.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            merge(&mut entries, other)?;
        }
        for versions in entries.values_mut() {
            helm_sort(versions, |one| one.get("version").and_then(Value::as_str).unwrap_or_default());
        }
        let index = json!({ "apiVersion": "v1", "entries": entries, "generated": now() });
        let text = if self.json { index.to_string() } else { gyre_yaml::write_value(&index) };
        let place = root.join("index.yaml");
        fs::write(&place, text).map_err(|why| anyhow!(go_error("open", &place.display().to_string(), &why)))
    }

    fn entries(&self, root: &Path) -> anyhow::Result<Entries> {
        let base = self.url.clone().unwrap_or_default();
        let created = now();
        let mut entries = Entries::new();
        for place in archives(root)? {
            let content = fs::read(&place)?;
            // What is no chart is passed over, as Helm does.
            let Ok(chart) = Chart::from_archive(&content) else { continue };
            let path = place.strip_prefix(root).unwrap_or(&place).display().to_string();
            let url = if base.is_empty() { path } else { resolve(&base, &path) };
            let mut entry = chart.metadata.to_json();
            if let Value::Object(fields) = &mut entry {
                fields.insert("urls".into(), json!([url]));
                fields.insert("created".into(), created.clone().into());
                fields.insert("digest".into(), Digest::of(&content).hex().into());
            }
            entries.entry(chart.name().to_owned()).or_default().push(entry);
        }
        Ok(entries)
    }
}

/// The archives in a directory and in the directories in it.
fn archives(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let list = |directory: &Path| -> anyhow::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(directory)
            .map_err(|why| anyhow!(go_error("open", &directory.display().to_string(), &why)))?;
        let mut places = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
        places.sort();
        Ok(places)
    };
    let is_archive = |place: &PathBuf| place.extension().is_some_and(|end| end == "tgz");
    let top = list(root)?;
    let mut found: Vec<PathBuf> = top.iter().filter(|place| is_archive(place)).cloned().collect();
    for directory in top.iter().filter(|place| place.is_dir()) {
        found.extend(list(directory)?.into_iter().filter(is_archive));
    }
    Ok(found)
}

/// Adds the versions of another index that are not there yet.
fn merge(entries: &mut Entries, other: &Path) -> anyhow::Result<()> {
    if !other.exists() {
        let empty = json!({ "apiVersion": "v1", "entries": {}, "generated": now() });
        return Ok(fs::write(other, gyre_yaml::write_value(&empty))?);
    }
    let mut more = Entries::new();
    visit_index(other, &mut |step| match step {
        Step::Restart => more.clear(),
        Step::Version(name, entry) => more.entry(name).or_default().push(entry),
    })
    .map_err(|why| anyhow!("merge failed: {why}"))?;
    for (name, versions) in more {
        let known = entries.entry(name).or_default();
        let have: std::collections::HashSet<Value> =
            known.iter().filter_map(|one| one.get("version").cloned()).collect();
        known.extend(
            versions
                .into_iter()
                .filter(|one| one.get("version").is_none_or(|version| !have.contains(version))),
        );
    }
    Ok(())
}
