//! From files to a chart, in the order and with the errors of Helm's loader.

use std::collections::BTreeMap;
use std::sync::Arc;

use gyre_go::glob::helmignore::Rules;
use gyre_model::FileTree;
use serde_json::Value;

use super::metadata::Metadata;
use super::{Chart, File, read_archive};
use crate::error::{HelmError, err};
use crate::limits::{FILE_BYTES_MAX, FILES_MAX, SUBCHART_DEPTH_MAX};
use crate::values::read_yaml;

pub(super) fn from_tree(tree: &FileTree) -> Result<Chart, HelmError> {
    let mut rules = match tree.read(".helmignore") {
        Ok(text) => {
            Rules::parse(&String::from_utf8_lossy(text)).map_err(|why| HelmError::new(why.to_string()))?
        }
        Err(_) => Rules::default(),
    };
    rules.add_defaults();
    let mut files = Vec::new();
    collect(tree, tree.root(), "", &rules, &mut files, 0)?;
    load_files(files)
}

fn collect(
    tree: &FileTree,
    directory: &gyre_model::Dir,
    prefix: &str,
    rules: &Rules,
    files: &mut Vec<File>,
    depth: usize,
) -> Result<(), HelmError> {
    if depth > 64 {
        return err(format!("{prefix}: directories nest too deep"));
    }
    for (name, entry) in directory.entries() {
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let content = match entry {
            gyre_model::Entry::Dir(inner) => {
                if !rules.is_ignored(&path, true) {
                    collect(tree, inner, &path, rules, files, depth + 1)?;
                }
                continue;
            }
            gyre_model::Entry::File(file) => file.content.clone(),
            gyre_model::Entry::Symlink(_) => match tree.read(&path) {
                Ok(content) => content.clone(),
                Err(_) => {
                    let inner = tree
                        .dir(&path)
                        .map_err(|why| HelmError::new(format!("cannot load irregular file {path}: {why}")))?;
                    if !rules.is_ignored(&path, true) {
                        collect(tree, inner, &path, rules, files, depth + 1)?;
                    }
                    continue;
                }
            },
        };
        if rules.is_ignored(&path, false) {
            continue;
        }
        if content.len() > FILE_BYTES_MAX {
            let name = gyre_go::strconv::quote(name.as_bytes());
            return err(format!("chart file {name} is larger than the maximum file size {FILE_BYTES_MAX}"));
        }
        if files.len() >= FILES_MAX {
            return err(format!("chart has more than {FILES_MAX} files"));
        }
        let content = content.strip_prefix(b"\xef\xbb\xbf").map_or(content.clone(), Into::into);
        files.push(File { name: path.into(), content });
    }
    Ok(())
}

/// A chart from its files.
pub fn load_files(files: Vec<File>) -> Result<Chart, HelmError> {
    load_at(files, 0)
}

fn load_at(files: Vec<File>, depth: usize) -> Result<Chart, HelmError> {
    if depth > SUBCHART_DEPTH_MAX {
        return err(format!("subcharts nest deeper than {SUBCHART_DEPTH_MAX}"));
    }
    let mut chart = Chart::default();
    let mut metadata: Option<Metadata> = None;
    for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
        let known = metadata.get_or_insert_default();
        known.read(&file.content).map_err(|why| why.within("cannot load Chart.yaml"))?;
        if known.api_version.is_empty() {
            known.api_version = "v1".into();
        }
    }
    let mut templates = Vec::new();
    let mut others = Vec::new();
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in &files {
        match &*file.name {
            "Chart.yaml" => {}
            "Chart.lock" => chart.lock = Some(lock(&file.content, "cannot load Chart.lock")?),
            "values.yaml" => {
                chart.values =
                    read_yaml(&file.content).map_err(|why| why.within("cannot load values.yaml"))?;
            }
            "values.schema.json" => chart.schema = Some(file.content.clone()),
            "requirements.yaml" => {
                let known = metadata.get_or_insert_default();
                known.read(&file.content).map_err(|why| why.within("cannot load requirements.yaml"))?;
                if known.api_version == "v1" {
                    others.push(file.clone());
                }
            }
            "requirements.lock" => {
                chart.lock = Some(lock(&file.content, "cannot load requirements.lock")?);
                if metadata.get_or_insert_default().api_version == "v1" {
                    others.push(file.clone());
                }
            }
            name if name.starts_with("templates/") => templates.push(file.clone()),
            name if name.starts_with("charts/") && extension(name) != Some("prov") => {
                let name = &name["charts/".len()..];
                let first = name.split('/').next().unwrap_or(name);
                let inner = File { name: name.into(), content: file.content.clone() };
                subcharts.entry(first.into()).or_default().push(inner);
            }
            _ => others.push(file.clone()),
        }
    }
    chart.metadata = metadata.ok_or_else(|| HelmError::new("Chart.yaml file is missing"))?;
    chart.metadata.validate()?;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let loaded = load_subchart(&chart, &name, files, depth);
        let within = format!("error unpacking subchart {name} in {}", chart.name());
        chart.dependencies.push(loaded.map_err(|why| why.within(&within))?);
    }
    chart.templates = Arc::new(templates);
    chart.files = Arc::new(others);
    chart.raw = Arc::new(files);
    Ok(chart)
}

/// What follows the last dot, in its own letters: Helm tells `tgz` from `TGZ`.
fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

fn load_subchart(chart: &Chart, name: &str, files: Vec<File>, depth: usize) -> Result<Chart, HelmError> {
    if extension(name) == Some("tgz") {
        let Some(file) = files.first().filter(|file| &*file.name == name) else {
            let got = files.first().map_or("", |file| &file.name);
            return err(format!(
                "error unpacking subchart tar in {}: expected {name}, got {got}",
                chart.name()
            ));
        };
        return load_at(read_archive(&file.content)?, depth + 1);
    }
    let inner = files.into_iter().filter_map(|file| {
        let (_, rest) = file.name.split_once('/')?;
        Some(File { name: rest.into(), content: file.content.clone() })
    });
    load_at(inner.collect(), depth + 1)
}

fn lock(content: &[u8], within: &str) -> Result<Value, HelmError> {
    read_yaml(content).map(Value::Object).map_err(|why| why.within(within))
}
