//! The compact form of an index: texts with their lengths, good for one file of one size and time.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use gyre_model::Digest;

use super::{ChartVersion, HelmSourceError, Told, read_charts};
use crate::limits::HELM_LINE_BYTES_MAX;

const MAGIC: &[u8; 8] = b"gyreidx2";
/// What follows the last chart.
const END: u8 = 0;
const CHART: u8 = 1;

pub(super) fn each_chart(
    path: &Path,
    caches: &Path,
    tell: &mut dyn FnMut(Told),
) -> Result<(), HelmSourceError> {
    let Some(stamp) = stamp(path) else { return read_charts(path, tell) };
    let place = caches.join(format!("{}.index", Digest::of(&stamp.name).hex()));
    if let Ok(file) = File::open(&place) {
        if decode(BufReader::with_capacity(1 << 16, file), &stamp.state, tell).is_some() {
            return Ok(());
        }
        tell(Told::Restart);
    }
    // A cache that cannot be written is no error: the index is read again the next time.
    match Writer::new(&place, &stamp.state) {
        Ok(mut writer) => {
            read_charts(path, &mut |told| {
                writer.told(&told);
                tell(told);
            })?;
            writer.finish();
            Ok(())
        }
        Err(_) => read_charts(path, tell),
    }
}

/// Writes the compact form; what goes wrong is remembered, and nothing is kept then.
struct Writer {
    place: PathBuf,
    fresh: PathBuf,
    state: [u8; 24],
    out: Option<BufWriter<File>>,
}

impl Writer {
    fn new(place: &Path, state: &[u8; 24]) -> std::io::Result<Self> {
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)?;
        }
        let fresh = place.with_extension(format!("{}.part", std::process::id()));
        let mut writer = Self { place: place.to_owned(), out: None, fresh, state: *state };
        writer.start()?;
        Ok(writer)
    }

    fn start(&mut self) -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(&self.fresh)?);
        out.write_all(MAGIC)?;
        out.write_all(&self.state)?;
        self.out = Some(out);
        Ok(())
    }

    fn told(&mut self, told: &Told) {
        let done = match (told, &mut self.out) {
            (Told::Restart, _) => self.start(),
            (Told::Chart(name, versions), Some(out)) => out.write_all(&encode(name, versions)),
            _ => Ok(()),
        };
        if done.is_err() {
            self.out = None;
        }
    }

    fn finish(&mut self) {
        let Some(mut out) = self.out.take() else { return };
        if out.write_all(&[END]).and_then(|()| out.flush()).is_ok() {
            let _ = fs::rename(&self.fresh, &self.place);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.fresh);
    }
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

fn encode(name: &str, versions: &[ChartVersion]) -> Vec<u8> {
    let mut out = vec![CHART];
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
    out
}

/// Takes the compact form apart; nothing when it is not whole.
struct Reader<R>(R);

impl<R: Read> Reader<R> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    fn count(&mut self) -> Option<usize> {
        self.bytes().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = self.count().filter(|length| *length as u64 <= HELM_LINE_BYTES_MAX)?;
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).ok()?;
        String::from_utf8(text).ok().map(Into::into)
    }

    fn texts(&mut self) -> Option<Box<[Box<str>]>> {
        (0..self.count()?).map(|_| self.text()).collect()
    }

    fn version(&mut self) -> Option<ChartVersion> {
        Some(ChartVersion {
            name: self.text()?,
            version: self.text()?,
            app_version: self.text()?,
            description: self.text()?,
            digest: self.text()?,
            keywords: self.texts()?,
            urls: self.texts()?,
            deprecated: self.bytes()? == [1],
        })
    }
}

fn decode(from: impl Read, state: &[u8; 24], tell: &mut dyn FnMut(Told)) -> Option<()> {
    let mut reader = Reader(from);
    if reader.bytes()? != *MAGIC || reader.bytes()? != *state {
        return None;
    }
    loop {
        match reader.bytes()? {
            [CHART] => {
                let name = reader.text()?.into_string();
                let versions = (0..reader.count()?).map(|_| reader.version()).collect::<Option<_>>()?;
                tell(Told::Chart(name, versions));
            }
            [END] => return Some(()),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(rest: Vec<u8>) {
            let state = [7; 24];
            let _ = decode(&*[&MAGIC[..], &state, &[CHART], &rest].concat(), &state, &mut |_| {});
        }
    }
}
