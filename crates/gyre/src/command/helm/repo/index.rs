//! `helm repo index`: an index of a directory of packaged charts.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_go::semver;
use gyre_go::semver::pick::helm_sort;
use gyre_helm::Chart;
use gyre_model::Digest;
use gyre_source::helm::{Entry, Found, Kept, Named, write_entry};
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
    #[arg(long, value_parser = crate::command::helm::flags::path())]
    merge: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A version of a chart.
struct Version {
    version: Box<str>,
    entry: Entry,
}

/// Versions by chart.
type Entries = BTreeMap<String, Vec<Version>>;

fn now() -> String {
    local_now().to_rfc3339()
}

impl MakeIndex {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Usage { command: "repo index", line: "[DIR] [flags]" }.exactly(1, &self.directories)?;
        let root = crate::command::helm::chart::absolute(&self.directories[0])?;
        let mut entries = self.entries(&root)?;
        let mut kept = None;
        if let Some(other) = self.merge.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            if other.exists() {
                kept = Some(merge(&mut entries, other, &root)?);
            } else {
                let empty = json!({ "apiVersion": "v1", "entries": {}, "generated": now() });
                fs::write(other, if self.json { empty.to_string() } else { gyre_yaml::write_value(&empty) })?;
            }
        }
        for versions in entries.values_mut() {
            helm_sort(versions, |one| &one.version);
        }
        // order: what is read may be what is written.
        let place = root.join("index.yaml");
        let fresh = root.join(format!(".index.yaml.{}.part", std::process::id()));
        let refused = |why| anyhow!(go_error("open", &place.display().to_string(), &why));
        let out = fs::File::create(&fresh).map_err(refused)?;
        let done = self.write(entries, kept, BufWriter::new(out));
        if done.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        done?;
        fs::rename(&fresh, &place).map_err(refused)
    }

    fn write(&self, entries: Entries, kept: Option<Kept>, mut out: impl Write) -> anyhow::Result<()> {
        if self.json {
            return write_json(entries, kept, out);
        }
        write_yaml(entries, kept, &mut out)?;
        Ok(out.flush()?)
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
            let version = chart.metadata.version.as_str().into();
            let versions = entries.entry(chart.name().to_owned()).or_default();
            versions.push(Version { version, entry: Entry::Value(entry) });
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

fn entry_value(kept: &mut Option<Kept>, entry: Entry) -> anyhow::Result<Value> {
    match (kept, entry) {
        (_, Entry::Value(value)) => Ok(value),
        (Some(kept), entry) => Ok(kept.value(entry)?),
        (None, _) => Err(anyhow!("an entry without an index")),
    }
}

fn write_json(entries: Entries, mut kept: Option<Kept>, mut out: impl Write) -> anyhow::Result<()> {
    let mut all = serde_json::Map::new();
    for (name, versions) in entries {
        let versions = versions.into_iter().map(|one| entry_value(&mut kept, one.entry));
        all.insert(name, versions.collect::<anyhow::Result<Vec<_>>>()?.into());
    }
    let index = json!({ "apiVersion": "v1", "entries": all, "generated": now() });
    out.write_all(index.to_string().as_bytes())?;
    Ok(out.flush()?)
}

/// Writes the index one entry at a time.
fn write_yaml(mut entries: Entries, mut kept: Option<Kept>, out: &mut impl Write) -> anyhow::Result<()> {
    let mut text = b"apiVersion: v1\nentries:".to_vec();
    // The order of the keys and how each is written are the writer's.
    let names: BTreeMap<&String, usize> = entries.keys().zip(0..).collect();
    let names_written = gyre_yaml::write_value(&json!({ "x": names }));
    let by_place: Vec<String> = entries.keys().cloned().collect();
    text.extend_from_slice(if entries.is_empty() { b" {}\n" } else { b"\n" });
    for line in names_written.lines().skip(1).filter(|_| !by_place.is_empty()) {
        let Some((key, place)) = line.rsplit_once(": ") else { continue };
        let name = place.parse::<usize>().ok().and_then(|place| by_place.get(place));
        let Some(versions) = name.and_then(|name| entries.remove(name)) else { continue };
        text.extend_from_slice(key.as_bytes());
        text.extend_from_slice(b":\n");
        for one in versions {
            match (&mut kept, one.entry) {
                (Some(kept), entry) => kept.write(entry, &mut text)?,
                (None, entry) => {
                    text.extend_from_slice(write_entry(entry_value(&mut None, entry)?).as_bytes());
                }
            }
            if text.len() >= WRITE_BYTES {
                out.write_all(&text)?;
                text.clear();
            }
        }
    }
    if let Some((name, _)) = entries.first_key_value() {
        bail!("the name of the chart {name:?} is too long for an index");
    }
    text.extend_from_slice(gyre_yaml::write_value(&json!({ "generated": now() })).as_bytes());
    Ok(out.write_all(&text)?)
}

/// How much text is written at once.
const WRITE_BYTES: usize = 1 << 16;

/// The versions of a chart that are known already.
#[derive(Default)]
struct Known {
    /// What counts of full versions: everything but what they say of their build.
    full: HashSet<String>,
    /// All of them.
    all: Vec<semver::Version>,
}

impl Known {
    /// Is a version there, by the rules of ranges? It is added.
    fn takes(&mut self, version: &str) -> bool {
        let plain = version.strip_prefix('v').unwrap_or(version).split('+').next().unwrap_or_default();
        let (numbers, pre) = plain.split_once('-').unwrap_or((plain, ""));
        let missing = 2_usize.saturating_sub(numbers.matches('.').count());
        let precise = format!("{numbers}{}-{pre}", ".0".repeat(missing));
        if !self.full.insert(precise) {
            return false;
        }
        // compat(helm 3.21): a version of fewer parts is a range.
        if missing > 0
            && let Ok(range) = semver::Constraints::parse(version)
            && self.all.iter().any(|known| range.check(known))
        {
            return false;
        }
        self.all.extend(semver::Version::parse(version));
        true
    }
}

/// Adds the versions of another index that are not there yet.
fn merge(entries: &mut Entries, other: &Path, root: &Path) -> anyhow::Result<Kept> {
    // The file has no name any more: it goes when it is closed.
    let place = root.join(format!(".index.yaml.{}.old", std::process::id()));
    let refused = |why| anyhow!(go_error("open", &place.display().to_string(), &why));
    let options = fs::File::options().read(true).write(true).create_new(true).open(&place);
    let written = options.map_err(refused)?;
    fs::remove_file(&place).map_err(refused)?;
    let mut more: BTreeMap<Box<str>, Vec<Version>> = BTreeMap::new();
    let kept = Kept::read(other, written, &mut |found| match found {
        Found::Restart => more.clear(),
        Found::Entry(Named { name, version }, entry) => {
            more.entry(name).or_default().push(Version { version, entry });
        }
    })
    .map_err(|why| anyhow!("merge failed: {why}"))?;
    for (name, mut versions) in more {
        // order: of several that are the same the first of the sorted ones stays.
        helm_sort(&mut versions, |one| &one.version);
        let all = entries.entry(name.into()).or_default();
        let mut known = Known::default();
        for one in all.iter() {
            known.takes(&one.version);
        }
        all.extend(versions.into_iter().filter(|one| known.takes(&one.version)));
    }
    Ok(kept)
}
