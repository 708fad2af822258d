//! The compact form of an index: texts with their lengths, good for one file of one size and time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use gyre_model::Digest;

use super::{ChartVersion, HelmSourceError, Index, read_index};

const MAGIC: &[u8; 8] = b"gyreidx1";

pub(super) fn cached(path: &Path, caches: &Path) -> Result<Index, HelmSourceError> {
    let stamp = stamp(path);
    let place: Option<PathBuf> =
        stamp.as_ref().map(|stamp| caches.join(format!("{}.index", Digest::of(&stamp.name).hex())));
    if let (Some(stamp), Some(place)) = (&stamp, &place)
        && let Ok(bytes) = fs::read(place)
        && let Some(index) = decode(&bytes, &stamp.state)
    {
        return Ok(index);
    }
    let index = read_index(path)?;
    if let (Some(stamp), Some(place)) = (stamp, place) {
        // A cache that cannot be written is no error: the index is read again the next time.
        let _ = fs::create_dir_all(caches).and_then(|()| {
            let fresh = place.with_extension(format!("{}.part", std::process::id()));
            fs::write(&fresh, encode(&index, &stamp.state)).and_then(|()| fs::rename(&fresh, &place))
        });
    }
    Ok(index)
}

struct Stamp {
    name: Vec<u8>,
    state: [u8; 24],
}

/// Tells a file apart from others, and from itself when it was another.
fn stamp(path: &Path) -> Option<Stamp> {
    let path = fs::canonicalize(path).ok()?;
    let entry = fs::metadata(&path).ok()?;
    let changed = entry.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let mut state = [0; 24];
    state[..8].copy_from_slice(&entry.len().to_le_bytes());
    state[8..].copy_from_slice(&changed.as_nanos().to_le_bytes());
    Some(Stamp { name: path.into_os_string().into_encoded_bytes(), state })
}

fn put(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_all(texts: &[Box<str>], out: &mut Vec<u8>) {
    out.extend_from_slice(&(texts.len() as u32).to_le_bytes());
    for text in texts {
        put(text, out);
    }
}

fn encode(index: &Index, state: &[u8; 24]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(state);
    out.extend_from_slice(&(index.entries.len() as u32).to_le_bytes());
    for (name, versions) in &index.entries {
        put(name, &mut out);
        out.extend_from_slice(&(versions.len() as u32).to_le_bytes());
        for one in versions {
            for text in [&one.name, &one.version, &one.app_version, &one.description, &one.digest] {
                put(text, &mut out);
            }
            put_all(&one.keywords, &mut out);
            put_all(&one.urls, &mut out);
            out.push(u8::from(one.deprecated));
        }
    }
    out
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = self.count()?;
        Some(std::str::from_utf8(self.take(length)?).ok()?.into())
    }

    fn texts(&mut self) -> Option<Box<[Box<str>]>> {
        (0..self.count()?).map(|_| self.text()).collect()
    }
}

fn decode(bytes: &[u8], state: &[u8; 24]) -> Option<Index> {
    let mut reader = Reader(bytes);
    if reader.take(8)? != MAGIC || reader.take(24)? != state {
        return None;
    }
    let mut index = Index::default();
    for _ in 0..reader.count()? {
        let name = reader.text()?.into_string();
        let mut versions = Vec::new();
        for _ in 0..reader.count()? {
            versions.push(ChartVersion {
                name: reader.text()?,
                version: reader.text()?,
                app_version: reader.text()?,
                description: reader.text()?,
                digest: reader.text()?,
                keywords: reader.texts()?,
                urls: reader.texts()?,
                deprecated: reader.take(1)? == [1],
            });
        }
        index.entries.insert(name, versions);
    }
    reader.0.is_empty().then_some(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(rest: Vec<u8>) {
            let state = [7; 24];
            let _ = decode(&[&MAGIC[..], &state, &rest].concat(), &state);
        }
    }
}
