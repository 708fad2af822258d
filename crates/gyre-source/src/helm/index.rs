//! `index.yaml`: read as a stream, kept in a compact form.
//!
//! Helm writes an index in block style, one item of a list for each version of a chart. [`visit_index`] cuts the text
//! there and parses one item at a time, so that memory does not grow with the index. What is not written that way
//! (flow style, anchors) is read as a whole, up to a limit. JSON is read as a stream too.

mod compact;
mod cut;
mod json;
mod merge;
mod rewrite;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};
use std::path::Path;

use gyre_go::semver::pick::{helm_pick, helm_sort};
use serde_json::Value;

use super::http::HelmSourceError;
use crate::limits::HELM_WHOLE_INDEX_BYTES_MAX;

/// A version of a chart, as much of it as searching and fetching need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChartVersion {
    /// The name of the chart.
    pub name: Box<str>,
    /// Its version.
    pub version: Box<str>,
    /// The version of what it installs.
    pub app_version: Box<str>,
    /// One sentence.
    pub description: Box<str>,
    /// Words to find it by.
    pub keywords: Box<[Box<str>]>,
    /// Where it is.
    pub urls: Box<[Box<str>]>,
    /// SHA-256 of the archive.
    pub digest: Box<str>,
    /// Should it no longer be used?
    pub deprecated: bool,
}

/// What a reader of an index is told.
#[derive(Debug)]
pub enum Step {
    /// A version of a chart: its whole entry.
    Version(String, Value),
    /// Forget everything: the index has to be read in another way, from its beginning.
    Restart,
}

pub use merge::{Entry, Found, Kept, write_entry};
pub use rewrite::Named;

/// What the two ways of reading tell.
enum Raw<'t> {
    /// The text of an item of an index in block style.
    Item(&'t Item<'t>),
    /// A chart and one of its versions.
    Version(&'t str, Value),
    /// Forget everything.
    Restart,
}

type Visit<'a> = &'a mut dyn FnMut(Raw<'_>) -> Result<(), Trouble>;

/// The text of a version of a chart, in an index in block style.
struct Item<'t> {
    /// The chart.
    name: &'t str,
    /// Where the text begins.
    at: u64,
    text: &'t [u8],
}

/// Why an index cannot be read piece by piece.
enum Trouble {
    /// It is not written as Helm writes it.
    Shape,
    /// It cannot be read at all.
    Broken(HelmSourceError),
}

impl From<std::io::Error> for Trouble {
    fn from(why: std::io::Error) -> Self {
        Self::Broken(HelmSourceError::new(why))
    }
}

/// What of an index is not an entry.
#[derive(Default)]
struct Head {
    api_version: String,
    is_empty: bool,
}

/// Tells every version of every chart of an index, in the order of the file.
pub fn visit_index(path: &Path, visit: &mut dyn FnMut(Step)) -> Result<(), HelmSourceError> {
    visit_raw(path, &mut |raw| {
        match raw {
            Raw::Restart => visit(Step::Restart),
            Raw::Version(name, version) => visit(Step::Version(name.into(), version)),
            Raw::Item(item) => {
                for version in cut::parse(item.text)? {
                    visit(Step::Version(item.name.into(), version));
                }
            }
        }
        Ok(())
    })
}

fn visit_raw(path: &Path, visit: Visit<'_>) -> Result<(), HelmSourceError> {
    let within = |why: HelmSourceError| HelmSourceError(format!("error loading {}: {why}", path.display()));
    let mut file = File::open(path).map_err(|why| match why.kind() {
        std::io::ErrorKind::NotFound => {
            HelmSourceError(format!("open {}: no such file or directory", path.display()))
        }
        _ => HelmSourceError::new(why),
    })?;
    let head = read(&mut file, visit).map_err(within)?;
    if head.is_empty {
        return Err(within(HelmSourceError::new("empty index.yaml file")));
    }
    if head.api_version.is_empty() {
        return Err(within(HelmSourceError::new("no API version specified")));
    }
    Ok(())
}

fn read(file: &mut File, visit: Visit<'_>) -> Result<Head, HelmSourceError> {
    let refused = |trouble| match trouble {
        Trouble::Broken(why) => why,
        Trouble::Shape => HelmSourceError::new("the index cannot be read"),
    };
    let mut first = [0];
    if file.read(&mut first).map_err(HelmSourceError::new)? == 0 {
        return Ok(Head { is_empty: true, ..Head::default() });
    }
    file.rewind().map_err(HelmSourceError::new)?;
    let streamed = if first[0] == b'{' {
        json::read(BufReader::new(&mut *file), visit)
    } else {
        cut::read(BufReader::with_capacity(1 << 16, &mut *file), &mut |item| visit(Raw::Item(item)))
    };
    match streamed {
        Ok(head) => return Ok(head),
        Err(Trouble::Broken(why)) => return Err(why),
        Err(Trouble::Shape) => {}
    }
    visit(Raw::Restart).map_err(refused)?;
    file.rewind().map_err(HelmSourceError::new)?;
    let mut text = Vec::new();
    let mut reader = file.take(HELM_WHOLE_INDEX_BYTES_MAX + 1);
    reader.read_to_end(&mut text).map_err(HelmSourceError::new)?;
    if text.len() as u64 > HELM_WHOLE_INDEX_BYTES_MAX {
        return Err(HelmSourceError(format!(
            "an index that is not in block style may have {HELM_WHOLE_INDEX_BYTES_MAX} bytes"
        )));
    }
    let whole = gyre_yaml::yaml_to_json(&text)
        .map_err(|why| HelmSourceError(format!("error converting YAML to JSON: {why}")))?;
    let Value::Object(mut whole) = whole else {
        return Ok(Head { is_empty: true, ..Head::default() });
    };
    let api_version = whole.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(Value::Object(entries)) = whole.remove("entries") {
        for (name, versions) in entries {
            let Value::Array(versions) = versions else { continue };
            for version in versions {
                visit(Raw::Version(&name, version)).map_err(refused)?;
            }
        }
    }
    Ok(Head { api_version, is_empty: false })
}

fn text(value: &Value, key: &str) -> Box<str> {
    match value.get(key) {
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Number(number)) => number.to_string().into(),
        Some(Value::Bool(value)) => value.to_string().into(),
        _ => "".into(),
    }
}

fn texts(value: &Value, key: &str) -> Box<[Box<str>]> {
    let items = value.get(key).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

impl ChartVersion {
    /// What an entry of an index says; `None` for one that Helm passes over.
    pub fn from_entry(entry: &Value) -> Option<Self> {
        let found = Self {
            name: text(entry, "name"),
            version: text(entry, "version"),
            app_version: text(entry, "appVersion"),
            description: text(entry, "description"),
            keywords: texts(entry, "keywords"),
            urls: texts(entry, "urls"),
            digest: text(entry, "digest"),
            deprecated: entry.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
        };
        let is_name =
            !found.name.is_empty() && !found.name.contains('/') && !matches!(&*found.name, "." | "..");
        let is_version = gyre_go::semver::Version::parse(&found.version).is_ok();
        (is_name && is_version).then_some(found)
    }
}

/// What is told of an index, chart by chart.
#[derive(Debug)]
pub enum Told {
    /// A chart and its versions, newest first.
    Chart(String, Vec<ChartVersion>),
    /// Forget everything: what was told was not true.
    Restart,
}

/// Tells every chart of an index. From the compact form beside our caches where that is still of this file; it is made
/// on the way where it is not. No more than one chart is held in memory.
pub fn each_chart(path: &Path, caches: &Path, tell: &mut dyn FnMut(Told)) -> Result<(), HelmSourceError> {
    compact::each_chart(path, caches, tell)
}

/// The same from the file itself, in the order of the file.
fn read_charts(path: &Path, tell: &mut dyn FnMut(Told)) -> Result<(), HelmSourceError> {
    let mut present: Option<(String, Vec<ChartVersion>)> = None;
    let sorted = |mut versions: Vec<ChartVersion>| {
        helm_sort(&mut versions, |one| &one.version);
        versions
    };
    visit_index(path, &mut |step| match step {
        Step::Restart => {
            present = None;
            tell(Told::Restart);
        }
        Step::Version(name, entry) => {
            let (_, versions) = match &mut present {
                Some(known) if known.0 == name => known,
                other => {
                    if let Some((name, versions)) = other.take() {
                        tell(Told::Chart(name, sorted(versions)));
                    }
                    other.insert((name, Vec::new()))
                }
            };
            versions.extend(ChartVersion::from_entry(&entry));
        }
    })?;
    if let Some((name, versions)) = present {
        tell(Told::Chart(name, sorted(versions)));
    }
    Ok(())
}

/// The names of the charts of an index, sorted; an error for what is no index.
pub fn chart_names(path: &Path) -> Result<BTreeSet<String>, HelmSourceError> {
    let mut names = BTreeSet::new();
    visit_index(path, &mut |step| match step {
        Step::Restart => names.clear(),
        Step::Version(name, _) => {
            if !names.contains(&name) {
                names.insert(name);
            }
        }
    })?;
    Ok(names)
}

/// The versions of one chart, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions(pub Vec<ChartVersion>);

impl Versions {
    /// What the index at a path has of a chart.
    pub fn cached(path: &Path, caches: &Path, chart: &str) -> Result<Self, HelmSourceError> {
        let mut found = Self::default();
        each_chart(path, caches, &mut |told| found.take(chart, told))?;
        Ok(found)
    }

    /// The same, of an index that is read once.
    pub fn read(path: &Path, chart: &str) -> Result<Self, HelmSourceError> {
        let mut found = Self::default();
        read_charts(path, &mut |told| found.take(chart, told))?;
        Ok(found)
    }

    fn take(&mut self, chart: &str, told: Told) {
        match told {
            Told::Restart => self.0.clear(),
            Told::Chart(name, versions) if name == chart => self.0 = versions,
            Told::Chart(..) => {}
        }
    }

    /// The version that a range asks for; the latest release for an empty one. The error is Helm's.
    pub fn pick(&self, name: &str, wanted: &str) -> Result<&ChartVersion, HelmSourceError> {
        if self.0.is_empty() {
            return Err(HelmSourceError::new("no chart name found"));
        }
        let place = helm_pick(wanted, self.0.iter().map(|one| &*one.version))
            .map_err(HelmSourceError::new)?
            .ok_or_else(|| HelmSourceError(format!("no chart version found for {name}-{wanted}")))?;
        Ok(&self.0[place])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const BLOCK: &str = "apiVersion: v1\nentries:\n  one:\n  - name: one\n    version: 0.1.0\n    description: |\n      a\n\n      - b\n    urls:\n    - one-0.1.0.tgz\n  - name: one\n    version: 0.2.0\n    description: \"x\n      y\"\n  two:\n    - name: two\n      version: 1.0.0\n  none: []\ngenerated: \"2026-01-01T00:00:00Z\"\n";

    type Entries = BTreeMap<String, Vec<ChartVersion>>;
    type Tell<'a> = &'a mut dyn FnMut(Told);

    fn collect(read: &dyn Fn(Tell<'_>) -> Result<(), HelmSourceError>) -> Result<Entries, HelmSourceError> {
        let mut entries = Entries::new();
        read(&mut |told| match told {
            Told::Restart => entries.clear(),
            Told::Chart(name, versions) => drop(entries.insert(name, versions)),
        })?;
        Ok(entries)
    }

    fn index(text: &str) -> Result<Entries, HelmSourceError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.yaml");
        std::fs::write(&path, text).unwrap();
        let read = collect(&|tell| read_charts(&path, tell));
        if let Ok(index) = &read {
            let caches = directory.path().join("caches");
            assert_eq!(&collect(&|tell| each_chart(&path, &caches, tell)).unwrap(), index);
            assert_eq!(&collect(&|tell| each_chart(&path, &caches, tell)).unwrap(), index);
            assert_eq!(chart_names(&path).unwrap(), index.keys().cloned().collect());
            // A cache that was cut off is made anew.
            for cache in std::fs::read_dir(&caches).unwrap() {
                let cache = cache.unwrap().path();
                let bytes = std::fs::read(&cache).unwrap();
                std::fs::write(&cache, &bytes[..bytes.len() - 1]).unwrap();
            }
            assert_eq!(&collect(&|tell| each_chart(&path, &caches, tell)).unwrap(), index);
        }
        read
    }

    #[test]
    fn block_style_and_the_whole_agree() {
        let streamed = index(BLOCK).unwrap();
        let whole = gyre_yaml::yaml_to_json(BLOCK.as_bytes()).unwrap();
        let json = index(&whole.to_string()).unwrap();
        let mut flow = String::from("# in flow style\n");
        flow.push_str(&whole.to_string());
        assert_eq!(streamed["one"][0].description.as_ref(), "x y");
        assert_eq!(streamed["one"][1].description.as_ref(), "a\n\n- b\n");
        assert_eq!(streamed["two"].len(), 1);
        assert_eq!(json["one"], streamed["one"]);
        assert_eq!(index(&flow).unwrap()["one"], streamed["one"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

        #[test]
        fn whatever_is_said_of_charts_is_read(
            entries in proptest::collection::btree_map("[a-z]{1,4}",
                proptest::collection::vec(("[0-9]{1,2}", any::<String>(), "[-#:\\n a\"']{0,24}"), 0..4), 0..4),
        ) {
            let version = |(major, description, keyword): &(String, String, String)| {
                serde_json::json!({ "name": "x", "version": format!("{major}.0.0"), "description": description,
                    "keywords": [keyword] })
            };
            let entries: BTreeMap<&String, Vec<Value>> =
                entries.iter().map(|(name, all)| (name, all.iter().map(version).collect())).collect();
            let whole = serde_json::json!({ "apiVersion": "v1", "entries": entries });
            let streamed = index(&gyre_yaml::write_value(&whole)).unwrap();
            let mut from_json = index(&whole.to_string()).unwrap();
            // A chart without versions is not told by a stream.
            from_json.retain(|_, versions| !versions.is_empty());
            prop_assert_eq!(streamed, from_json);
        }

        #[test]
        fn random_text_is_no_disaster(text in "[a-c: \\n\\-\"\\[{}\\]&*#]{0,80}") {
            let _ = index(&format!("apiVersion: v1\nentries:\n{text}"));
        }
    }

    #[test]
    fn refuses_what_is_no_index() {
        assert!(index("").unwrap_err().0.ends_with("empty index.yaml file"));
        assert!(index("entries: {}\n").unwrap_err().0.ends_with("no API version specified"));
        assert!(index("a: [\n").is_err());
    }
}
