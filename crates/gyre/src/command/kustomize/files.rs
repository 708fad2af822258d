//! The directory that the program was started in, and the paths, patterns and pairs that are given there.

use std::fs;
use std::path::Path;

use gyre_go::glob::path::Pattern;
use gyre_kustomize::{Options, Pairs, check_root, is_repository};
use gyre_model::{EntryKind, FileTree, clean_path};

use crate::disk;

/// The directory that the program was started in.
pub(super) struct Here {
    /// Everything on this machine.
    pub(super) tree: FileTree,
    /// The directory's path in the tree.
    pub(super) directory: String,
}

impl Here {
    pub(super) fn new() -> Result<Self, String> {
        let directory = std::env::current_dir().map_err(|error| error.to_string())?;
        let directory = directory.to_str().ok_or("the directory's name is no text in UTF-8")?;
        Ok(Self { tree: disk::tree(Path::new("/")), directory: directory.trim_start_matches('/').to_owned() })
    }

    fn inside(&self, path: &str) -> Option<String> {
        let path = match path.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("{}/{path}", self.directory),
        };
        clean_path(path.trim_start_matches('/'))
    }

    /// Files and directories that match patterns. What matches nothing has to be the root of a kustomization or the
    /// address of one, unless nothing is to be verified.
    pub(super) fn resources(&self, patterns: &[String], no_verify: bool) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for pattern in patterns {
            let matched = if no_verify { vec![pattern.clone()] } else { self.glob(pattern)? };
            if matched.is_empty() {
                let options = Options::default();
                let path = self.inside(pattern).unwrap_or_default();
                let shown = if is_repository(pattern) { pattern.clone() } else { format!("/{path}") };
                check_root(&options, &self.tree, &path, &shown)
                    .map_err(|error| format!("{pattern} has no match: {error}"))?;
                found.push(pattern.clone());
            }
            found.extend(matched);
        }
        Ok(found)
    }

    /// Files and directories that match patterns; one that matches nothing is told.
    pub(super) fn files(&self, patterns: &[String]) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for pattern in patterns {
            let matched = self.glob(pattern)?;
            if matched.is_empty() {
                super::log(&format!("{pattern} has no match"));
            }
            found.extend(matched);
        }
        Ok(found)
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.inside(path).is_some_and(|path| self.tree.kind(&path).is_ok())
    }

    /// What matches, part for part, in the order of names.
    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let bad = |_| "error checking the filesystem: syntax error in pattern".to_owned();
        Pattern::parse(pattern).map_err(bad)?;
        if !pattern.contains(['*', '?', '[', '\\']) {
            return Ok(if self.exists(pattern) { vec![pattern.to_owned()] } else { Vec::new() });
        }
        let (parents, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let parents = match parents {
            "" if pattern.starts_with('/') => vec!["/".to_owned()],
            "" => vec![String::new()],
            parents => self.glob(parents)?,
        };
        let last = Pattern::parse(last).map_err(bad)?;
        let mut found = Vec::new();
        for parent in parents {
            let Some(path) = self.inside(&parent) else { continue };
            if self.tree.kind(&path) != Ok(EntryKind::Dir) {
                continue;
            }
            let entries = fs::read_dir(Path::new("/").join(path)).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            names.sort_unstable();
            let join = |name: String| match parent.as_str() {
                "" => name,
                "/" => format!("/{name}"),
                parent => format!("{parent}/{name}"),
            };
            found.extend(names.into_iter().filter(|name| last.matches(name)).map(join));
        }
        Ok(found)
    }
}

/// Writes a file of the tree.
pub(super) fn write(path: &str, text: &str) -> Result<(), String> {
    let path = Path::new("/").join(path);
    fs::write(&path, text).map_err(|error| format!("open {}: {}", path.display(), disk::reason(&error)))
}

/// `name:value`, the value with or without quotes.
pub(super) fn pairs(given: &[String], what: &str) -> Result<Pairs, String> {
    let mut found = Pairs::new();
    for text in given {
        let (name, value) = match text.split_once(':') {
            Some(("", _)) => {
                return Err(format!("invalid {what}: '{text}' (need k:v pair where v may be quoted)"));
            }
            Some((name, value)) => (name, value),
            None => (text.as_str(), ""),
        };
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        found.retain(|(known, _)| known != name);
        found.push((name.to_owned(), bare.to_owned()));
    }
    Ok(found)
}
