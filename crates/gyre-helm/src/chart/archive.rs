//! Unpacks a packaged chart in memory, under Helm's limits.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use gyre_go::strconv::quote;

use super::File;
use crate::error::{HelmError, err};
use crate::limits::{ARCHIVE_BYTES_MAX, CHART_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};

const BLOCK: usize = 512;

/// The files of a `.tgz`, without the directory that they all are in.
pub fn read_archive(bytes: &[u8]) -> Result<Vec<File>, HelmError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return err("gzip: invalid header");
    }
    let mut reader = Reader { input: MultiGzDecoder::new(bytes), left: ARCHIVE_BYTES_MAX };
    let mut files = Vec::new();
    let mut left = CHART_BYTES_MAX;
    let mut long_name: Option<String> = None;
    while let Some(header) = reader.header()? {
        let name = long_name.take().unwrap_or(header.name);
        match header.kind {
            // GNU's and POSIX's ways to write long names.
            b'L' => {
                let content = reader.content(header.size, 1 << 20)?;
                long_name = Some(text_of(&content));
                continue;
            }
            b'x' => {
                let content = reader.content(header.size, 1 << 20)?;
                long_name = pax_path(&content);
                continue;
            }
            b'g' | b'5' => {
                reader.skip(header.size)?;
                continue;
            }
            _ if name.ends_with('/') => {
                reader.skip(header.size)?;
                continue;
            }
            _ => {}
        }
        let path = clean_name(&name)?;
        if header.size > left {
            return Err(too_large());
        }
        if header.size > FILE_BYTES_MAX {
            return err(format!(
                "decompressed chart file {} is larger than the maximum file size {FILE_BYTES_MAX}",
                quote(name.as_bytes())
            ));
        }
        let content = reader.content(header.size, FILE_BYTES_MAX)?;
        left -= header.size;
        if files.len() >= FILES_MAX {
            return err(format!("chart has more than {FILES_MAX} files"));
        }
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
        files.push(File { name: path.into(), content: content.into() });
    }
    if files.is_empty() { err("no files in chart archive") } else { Ok(files) }
}

fn too_large() -> HelmError {
    HelmError(format!("decompressed chart is larger than the maximum file size {CHART_BYTES_MAX}"))
}

fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The `path` of an extended header: lines of `length key=value`.
fn pax_path(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(Into::into))
}

/// The path from the chart's root.
fn clean_name(name: &str) -> Result<String, HelmError> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (first, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return err("chart illegally contains absolute paths");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return err("chart illegally references parent directory");
                }
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        let shown = quote(name.as_bytes());
        return err(format!("chart illegally contains content outside the base directory: {shown}"));
    }
    let clean = parts.join("/");
    let bytes = clean.as_bytes();
    if bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'/' {
        return err("chart contains illegally named files");
    }
    if first == "Chart.yaml" {
        return err("chart yaml not in base directory");
    }
    Ok(clean)
}

struct Header {
    name: String,
    size: usize,
    kind: u8,
}

struct Reader<'a> {
    input: MultiGzDecoder<&'a [u8]>,
    /// Bytes that may still be unpacked.
    left: usize,
}

impl Reader<'_> {
    /// Fills the buffer; false when the input ended before its first byte.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, HelmError> {
        self.left = self.left.checked_sub(buffer.len()).ok_or_else(too_large)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return err("unexpected EOF"),
                Ok(count) => filled += count,
                Err(why) => return err(format!("gzip: {why}")),
            }
        }
        Ok(true)
    }

    fn header(&mut self) -> Result<Option<Header>, HelmError> {
        let mut block = [0; BLOCK];
        if !self.fill(&mut block)? || block.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let name = text_of(&block[..100]);
        let size =
            number(&block[124..136]).ok_or_else(|| HelmError::new("archive/tar: invalid tar header"))?;
        let is_posix = &block[257..262] == b"ustar";
        let prefix = if is_posix { text_of(&block[345..500]) } else { String::new() };
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        // Links and devices are no files, whatever size they claim.
        let size = if matches!(block[156], b'1'..=b'6') { 0 } else { size };
        Ok(Some(Header { name, size, kind: block[156] }))
    }

    fn content(&mut self, size: usize, limit: usize) -> Result<Vec<u8>, HelmError> {
        if size > limit {
            return Err(too_large());
        }
        let mut content = vec![0; size.next_multiple_of(BLOCK)];
        if size > 0 && !self.fill(&mut content)? {
            return err("unexpected EOF");
        }
        content.truncate(size);
        Ok(content)
    }

    fn skip(&mut self, size: usize) -> Result<(), HelmError> {
        self.content(size, FILE_BYTES_MAX).map(|_| ())
    }
}

/// An octal number, as tar writes sizes; large ones are binary.
fn number(field: &[u8]) -> Option<usize> {
    if field[0] & 0x80 != 0 {
        let bytes = field[1..].iter().try_fold(0_usize, |sum, &byte| {
            sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(byte)))
        });
        return bytes;
    }
    let text = text_of(field);
    let text = text.trim();
    if text.is_empty() { Some(0) } else { usize::from_str_radix(text, 8).ok() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn packed(tar: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(tar).unwrap();
        writer.finish().unwrap()
    }

    proptest! {
        #[test]
        fn reading_never_panics(tar: Vec<u8>, head in proptest::collection::vec(any::<u8>(), 512)) {
            let _ = read_archive(&tar);
            let _ = read_archive(&packed(&tar));
            let _ = read_archive(&packed(&[head, tar].concat()));
        }
    }

    #[test]
    fn leads_nowhere_outside() {
        assert!(clean_name("chart/../../etc/passwd").is_err());
        assert!(clean_name("chart//etc/passwd").is_err());
        assert_eq!(clean_name("chart/./templates//a.yaml").unwrap(), "templates/a.yaml");
    }
}
