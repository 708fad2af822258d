//! The entries of an index that go into another: kept as places in its file, written when it is their turn.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::rewrite::{Named, rewrite};
use super::{ChartVersion, HelmSourceError, Raw, cut, visit_raw};

/// An entry of an index.
#[derive(Debug)]
pub enum Entry {
    /// A text as Helm writes it, in the file beside the index: where it begins and how long it is.
    Written(u64, usize),
    /// A text in the index, and which of the versions in it is meant.
    Text {
        /// Where it begins.
        at: u64,
        /// Its length.
        bytes: usize,
        /// The place among those that the text says.
        place: usize,
    },
    /// A value.
    Value(Value),
}

/// What a reader of entries is told.
#[derive(Debug)]
pub enum Found {
    /// A version of a chart.
    Entry(Named, Entry),
    /// Forget everything: the index has to be read in another way, from its beginning.
    Restart,
}

/// The files that entries are places in.
#[derive(Debug)]
pub struct Kept {
    index: File,
    /// What Helm wrote, or nearly, as Helm writes it: copied when the index is read.
    written: File,
    text: Vec<u8>,
}

impl Kept {
    /// Tells every entry of an index; those that Helm passes over are left out. Texts are copied to a file that is empty.
    pub fn read(path: &Path, written: File, visit: &mut dyn FnMut(Found)) -> Result<Self, HelmSourceError> {
        let named = |value: &Value| {
            let ChartVersion { name, version, .. } = ChartVersion::from_entry(value)?;
            Some(Named { name, version })
        };
        let mut copy = BufWriter::with_capacity(COPY_BYTES, written);
        let (mut line, mut end) = (String::new(), 0_u64);
        visit_raw(path, &mut |raw| {
            match raw {
                Raw::Restart => visit(Found::Restart),
                Raw::Version(_, value) => {
                    if let Some(named) = named(&value) {
                        visit(Found::Entry(named, Entry::Value(value)));
                    }
                }
                Raw::Item(item) => {
                    line.clear();
                    let text = std::str::from_utf8(item.text).ok();
                    if let Some(named) = text.and_then(|text| rewrite(text, &mut line)) {
                        copy.write_all(line.as_bytes())?;
                        visit(Found::Entry(named, Entry::Written(end, line.len())));
                        end += line.len() as u64;
                        return Ok(());
                    }
                    let (at, bytes) = (item.at, item.text.len());
                    for (place, value) in cut::parse(item.text)?.iter().enumerate() {
                        if let Some(named) = named(value) {
                            visit(Found::Entry(named, Entry::Text { at, bytes, place }));
                        }
                    }
                }
            }
            Ok(())
        })?;
        let written = copy.into_inner().map_err(HelmSourceError::new)?;
        Ok(Self { index: File::open(path).map_err(HelmSourceError::new)?, written, text: Vec::new() })
    }

    fn text(&mut self, is_written: bool, at: u64, bytes: usize) -> Result<&[u8], HelmSourceError> {
        let file = if is_written { &mut self.written } else { &mut self.index };
        self.text.resize(bytes, 0);
        file.seek(SeekFrom::Start(at)).map_err(HelmSourceError::new)?;
        file.read_exact(&mut self.text).map_err(HelmSourceError::new)?;
        Ok(&self.text)
    }

    /// The entry as a value.
    pub fn value(&mut self, entry: Entry) -> Result<Value, HelmSourceError> {
        let changed = || HelmSourceError::new("the index changed while it was read");
        let (text, place) = match entry {
            Entry::Value(value) => return Ok(normal(value)),
            Entry::Written(at, bytes) => (self.text(true, at, bytes)?, 0),
            Entry::Text { at, bytes, place } => (self.text(false, at, bytes)?, place),
        };
        let versions = cut::parse(text).map_err(|_| changed())?;
        versions.into_iter().nth(place).map(normal).ok_or_else(changed)
    }

    /// Adds the entry to `out`, an item of the list of a chart's versions.
    pub fn write(&mut self, entry: Entry, out: &mut Vec<u8>) -> Result<(), HelmSourceError> {
        if let Entry::Written(at, bytes) = entry {
            out.extend_from_slice(self.text(true, at, bytes)?);
        } else {
            out.extend_from_slice(write_entry(self.value(entry)?).as_bytes());
        }
        Ok(())
    }
}

/// How much is copied at once.
const COPY_BYTES: usize = 1 << 16;

/// Without the fields that Helm leaves out for they say nothing.
fn normal(mut entry: Value) -> Value {
    if let Value::Object(fields) = &mut entry {
        let is_required = |key: &str| matches!(key, "created" | "urls");
        fields.retain(|key, value| match value {
            _ if is_required(key) => true,
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(entries) => !entries.is_empty(),
            _ => true,
        });
        fields.entry("apiVersion").or_insert_with(|| "v1".into());
    }
    entry
}

/// An entry as an item of the list of a chart's versions.
pub fn write_entry(entry: Value) -> String {
    // Where it stands decides where its lines are folded.
    let whole = gyre_yaml::write_value(&json!({ "entries": { "x": [entry] } }));
    whole.strip_prefix("entries:\n  x:\n").unwrap_or(&whole).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(item: &str) -> Option<(String, String)> {
        let mut out = String::new();
        rewrite(item, &mut out)?;
        let value = cut::parse(item.as_bytes()).ok()?.remove(0);
        Some((out, write_entry(value)))
    }

    const ITEM: &str = "  - annotations:\n      a.io/changes: |\n        - one\n          two\n      licenses: MIT\n    apiVersion: v2\n    appVersion: \"1.10\"\n    created: \"2026-01-01T00:00:00.5+02:00\"\n    dependencies:\n    - condition: a.enabled\n      name: a\n      repository: \"\"\n      version: 1.x.x\n    deprecated: true\n    description: A description that is longer than eighty letters are, so that it has to be folded\n      once\n    keywords:\n    - one\n    - 'two: three'\n    kubeVersion: '>=1.19.0-0'\n    name: c\n    urls:\n    - https://e.com/c-1.0.0.tgz\n    version: 1.0.0\n";

    #[test]
    fn what_helm_wrote_stays() {
        let (out, parsed) = both(ITEM).unwrap();
        assert_eq!(out, parsed);
        assert_eq!(both(&ITEM.replace("\n    ", "\n      ").replacen("  - ", "    - ", 1)).unwrap().0, out);
        for gone in [
            "    apiVersion: v2\n",
            "    name: c\n",
            "    version: 1.0.0\n",
            "    urls:\n    - https://e.com/c-1.0.0.tgz\n",
        ] {
            assert_eq!(both(&ITEM.replace(gone, "")), None, "{gone}");
        }
    }

    proptest! {
        #[test]
        fn texts_are_written_as_after_parsing(
            texts in proptest::collection::vec("[ -~]{0,100}|[a-z ]{60,200}|(true|on|1\\.5|~|1:30|0x1|2020-01-01|-|=|<<)", 5),
            key in "[a-z./]{1,8}", indent in 0..3_usize,
        ) {
            let at = |by: usize| " ".repeat(indent + by);
            let item = format!(
                "{}- annotations:\n{}{key}: {}\n{}apiVersion: v2\n{0}  created: \"2026-01-01T00:00:00Z\"\n{0}  description: {}\n{0}  keywords:\n{0}  - {}\n{0}  maintainers:\n{0}  - name: {}\n{0}  name: x\n{0}  urls:\n{0}  - {}\n{0}  version: 1.0.0\n",
                at(0), at(4), texts[0], at(2), texts[1], texts[2], texts[3], texts[4],
            );
            if let Some((out, parsed)) = both(&item) {
                prop_assert_eq!(out, parsed);
            }
        }

        #[test]
        fn lines_cut_at_random_are_no_disaster(cut in 0..600_usize, with in "[ \n:\"'|#a-]{0,3}") {
            let cut = cut.min(ITEM.len());
            let item = format!("{}{with}{}", &ITEM[..cut], &ITEM[cut..]);
            if let Some((out, parsed)) = both(&item) {
                prop_assert_eq!(out, parsed);
            }
        }
    }
}
