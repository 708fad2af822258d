//! Charts on the disk: found, read, walked.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use gyre_go::glob::helmignore::Rules;
use gyre_go::strconv::quote;
use gyre_helm::Chart;
use gyre_helm::chart::{File, load_files};
use gyre_helm::limits::{CHART_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};

use super::environment::Settings;
use super::flags::ChartFlags;
use super::verify::verified;

/// How deep directories of a chart nest.
const DEPTH_MAX: usize = 64;

/// An error of the operating system in Go's words: `open x: no such file or directory`.
pub(super) fn go_error(operation: &str, path: &str, why: &io::Error) -> String {
    let reason = match why.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AlreadyExists => "file exists".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => {
            let text = why.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            let mut letters = text[..end].chars();
            letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
        }
    };
    format!("{operation} {path}: {reason}")
}

/// The path from the root of the disk.
pub(super) fn absolute(path: &str) -> anyhow::Result<PathBuf> {
    let mut clean = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    Ok(clean)
}

/// Loads a chart from a directory or an archive.
pub(super) fn load(path: &Path) -> anyhow::Result<Chart> {
    let shown = path.display().to_string();
    let entry = fs::metadata(path).map_err(|why| anyhow!(go_error("stat", &shown, &why)))?;
    let chart = if entry.is_dir() { load_directory(path) } else { load_archive(path) }?;
    warn_of_requirements(&chart);
    Ok(chart)
}

/// `requirements.yaml` is of charts before version 2.
fn warn_of_requirements(chart: &Chart) {
    chart.dependencies.iter().for_each(warn_of_requirements);
    let has_one = chart.raw.iter().any(|file| &*file.name == "requirements.yaml");
    if has_one && chart.metadata.api_version != "v1" {
        eprintln!(
            "load.go:120: Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml."
        );
    }
}

fn load_archive(path: &Path) -> anyhow::Result<Chart> {
    let shown = path.display().to_string();
    let refused = |why| anyhow!(go_error("open", &shown, &why));
    let mut file = fs::File::open(path).map_err(refused)?;
    let mut content = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut content).map_err(refused)?;
    if !content.starts_with(&[0x1f, 0x8b]) {
        if [".yml", ".yaml"].iter().any(|end| shown.ends_with(end)) {
            bail!("file '{shown}' seems to be a YAML file, but expected a gzipped archive");
        }
        let kind = content_type(&content);
        bail!("file '{shown}' does not appear to be a gzipped archive; got '{kind}'");
    }
    // What is packed is smaller than what it holds.
    file.take(CHART_BYTES_MAX as u64).read_to_end(&mut content).map_err(refused)?;
    if content.len() > CHART_BYTES_MAX {
        bail!("decompressed chart is larger than the maximum file size {CHART_BYTES_MAX}");
    }
    Ok(Chart::from_archive(&content)?)
}

/// As much of a file as tells what it is.
const HEAD_BYTES: u64 = 512;

/// What Go takes a file for, by its first bytes: as much of it as is not an archive.
fn content_type(content: &[u8]) -> &'static str {
    let head = &content[..content.len().min(512)];
    let is_binary = |&byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if head.starts_with(b"PK\x03\x04") {
        "application/zip"
    } else if head.starts_with(b"%PDF-") {
        "application/pdf"
    } else if head.len() < 512 || head.iter().any(is_binary) {
        // compat(helm 3.21): a short file is looked at with the zeros behind it.
        "application/octet-stream"
    } else {
        "text/plain; charset=utf-8"
    }
}

/// Loads a chart from a directory; what `.helmignore` names is left out, links are followed.
pub(super) fn load_directory(root: &Path) -> anyhow::Result<Chart> {
    let root = absolute(&root.display().to_string())?;
    let mut rules = match fs::read_to_string(root.join(".helmignore")) {
        Ok(text) => Rules::parse(&text).map_err(|why| anyhow!("{why}"))?,
        Err(_) => Rules::default(),
    };
    rules.add_defaults();
    let mut files = Vec::new();
    Walk { rules: &rules, files: &mut files }.directory(&root, "", 0)?;
    Ok(load_files(files)?)
}

struct Walk<'a> {
    rules: &'a Rules,
    files: &'a mut Vec<File>,
}

impl Walk<'_> {
    fn directory(&mut self, place: &Path, prefix: &str, depth: usize) -> anyhow::Result<()> {
        if depth > DEPTH_MAX {
            bail!("{prefix}: directories nest too deep");
        }
        let shown = place.display().to_string();
        let entries = fs::read_dir(place).map_err(|why| anyhow!(go_error("open", &shown, &why)))?;
        let mut names = entries
            .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<String>, _>>()?;
        names.sort();
        for name in names {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            self.entry(&place.join(&name), &path, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, place: &Path, path: &str, depth: usize) -> anyhow::Result<()> {
        let shown = place.display().to_string();
        let link = fs::symlink_metadata(place).map_err(|why| anyhow!(go_error("lstat", &shown, &why)))?;
        let mut entry = link;
        if entry.is_symlink() {
            let target = fs::canonicalize(place).map_err(|why| {
                anyhow!("error evaluating symlink {shown}: {}", go_error("lstat", &shown, &why))
            })?;
            eprintln!(
                "found symbolic link in path: {shown} resolves to {}. Contents of linked file included and used",
                target.display()
            );
            entry = fs::metadata(&target)?;
        }
        if entry.is_dir() {
            if self.rules.is_ignored(path, true) {
                return Ok(());
            }
            return self.directory(place, path, depth + 1);
        }
        if self.rules.is_ignored(path, false) {
            return Ok(());
        }
        if !entry.is_file() {
            bail!("cannot load irregular file {shown} as it has file mode type bits set");
        }
        if entry.len() > FILE_BYTES_MAX as u64 {
            let name = place.file_name().unwrap_or_default().to_string_lossy();
            let name = quote(name.as_bytes());
            bail!("chart file {name} is larger than the maximum file size {FILE_BYTES_MAX}");
        }
        if self.files.len() >= FILES_MAX {
            bail!("chart has more than {FILES_MAX} files");
        }
        let content = fs::read(place)
            .map_err(|why| anyhow!("error reading {path}: {}", go_error("open", &shown, &why)))?;
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
        self.files.push(File { name: path.into(), content: content.into() });
        Ok(())
    }
}

/// The path of a chart that is on the disk already or is fetched first.
pub(super) fn locate(name: &str, flags: &ChartFlags, settings: &Settings) -> anyhow::Result<PathBuf> {
    let name = name.trim();
    if fs::metadata(name).is_ok() {
        if let Some(url) = flags.repo.as_ref().filter(|url| !url.is_empty()) {
            eprintln!(
                "install.go:759: WARN local chart found in current working directory. repository url ignored chart={name} repository={url}"
            );
        }
        return verified(name, flags.verify, &flags.keyring);
    }
    if name.starts_with(['/', '.']) {
        bail!("path {} not found", quote(name.as_bytes()));
    }
    super::fetch::chart(name, flags, settings)
}
