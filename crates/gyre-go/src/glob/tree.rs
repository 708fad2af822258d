//! Globs over a tree of files: `doublestar.Glob` and `fs.Glob`.

use std::collections::{BTreeMap, BTreeSet};

use super::doublestar::Braces;
use super::{BadPattern, doublestar, path};
use crate::limits::GLOB_BRANCHES_MAX;

/// The names of a tree.
#[derive(Clone, Debug)]
pub struct Names {
    /// Directory to its names; a name is a directory when it is a key itself.
    directories: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    /// The names of a tree with exactly these files.
    pub fn new<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        let mut directories: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        directories.insert(".".into(), BTreeSet::new());
        for file in files {
            let mut parent = ".".to_owned();
            for name in file.split('/') {
                let path = join(&parent, name);
                directories.entry(parent).or_default().insert(name.into());
                parent = path;
            }
        }
        Self { directories }
    }

    fn is_directory(&self, path: &str) -> bool {
        self.directories.contains_key(path)
    }

    fn exists(&self, path: &str) -> bool {
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        self.is_directory(path) || self.directories.get(parent).is_some_and(|names| names.contains(name))
    }

    fn children(&self, directory: &str) -> impl Iterator<Item = (&str, String)> {
        let names = self.directories.get(directory).into_iter().flatten();
        let directory = directory.to_owned();
        names.map(move |name| (name.as_str(), join(&directory, name)))
    }

    /// `fs.Glob`: what fits, one pattern element a directory.
    pub fn glob(&self, pattern: &str) -> Result<Vec<String>, BadPattern> {
        path::Pattern::parse(pattern)?;
        if !pattern.contains(['*', '?', '[', '\\']) {
            return Ok(if self.exists(pattern) { vec![pattern.into()] } else { Vec::new() });
        }
        let (parent, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        let name = path::Pattern::parse(name)?;
        let parents =
            if parent.contains(['*', '?', '[', '\\']) { self.glob(parent)? } else { vec![parent.to_owned()] };
        let mut found = Vec::new();
        for parent in parents {
            found.extend(
                self.children(&parent).filter(|(child, _)| name.matches(child)).map(|(_, path)| path),
            );
        }
        Ok(found)
    }

    /// `doublestar.Glob`, all entries or only files.
    pub fn glob_doublestar(&self, pattern: &str, only_files: bool) -> Result<Vec<String>, BadPattern> {
        if !doublestar::is_valid(pattern) {
            return Err(BadPattern);
        }
        let mut walk = Walk { names: self, only_files, branches: 0 };
        walk.find(pattern, true)
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory == "." { name.into() } else { format!("{directory}/{name}") }
}

struct Walk<'a> {
    names: &'a Names,
    only_files: bool,
    branches: usize,
}

impl Walk<'_> {
    /// What fits; above the last element only directories count.
    fn find(&mut self, pattern: &str, last: bool) -> Result<Vec<String>, BadPattern> {
        self.branches += 1;
        if self.branches > GLOB_BRANCHES_MAX {
            return Err(BadPattern);
        }
        if let Some(open) = unescaped(pattern, b"{").next() {
            let braces = Braces::find(pattern, open)?;
            let mut found = BTreeSet::new();
            for branch in &braces.branches {
                found.extend(self.find(&format!("{}{branch}{}", &pattern[..open], braces.after), last)?);
            }
            return Ok(found.into_iter().collect());
        }
        if unescaped(pattern, b"*?[").next().is_none() {
            let path = pattern.replace('\\', "");
            let fits =
                self.names.exists(&path) && !(last && self.only_files && self.names.is_directory(&path));
            return Ok(if fits { vec![path] } else { Vec::new() });
        }
        let slash = unescaped(pattern, b"/").last();
        let (parents, name) = match slash {
            None => (vec![".".to_owned()], pattern),
            Some(slash) => (self.find(&pattern[..slash], false)?, &pattern[slash + 1..]),
        };
        let mut found = Vec::new();
        for parent in parents.iter().filter(|parent| self.names.is_directory(parent)) {
            self.list(parent, name, last, &mut found)?;
        }
        Ok(found)
    }

    fn list(&self, parent: &str, name: &str, last: bool, found: &mut Vec<String>) -> Result<(), BadPattern> {
        match name {
            "" => {
                if !(last && self.only_files) {
                    found.push(parent.into());
                }
            }
            "**" => self.descend(parent, last, found),
            _ => {
                for (child, path) in self.names.children(parent) {
                    if !doublestar::matches(name, child)? {
                        continue;
                    }
                    let is_directory = self.names.is_directory(&path);
                    if if last { !(self.only_files && is_directory) } else { is_directory } {
                        found.push(path);
                    }
                }
            }
        }
        Ok(())
    }

    fn descend(&self, directory: &str, last: bool, found: &mut Vec<String>) {
        if !(last && self.only_files) {
            found.push(directory.into());
        }
        for (_, path) in self.names.children(directory) {
            if self.names.is_directory(&path) {
                self.descend(&path, last, found);
            } else if last {
                found.push(path);
            }
        }
    }
}

/// The places of the given bytes that no backslash escapes.
fn unescaped(pattern: &str, wanted: &'static [u8]) -> impl Iterator<Item = usize> {
    let mut escaped = false;
    pattern.bytes().enumerate().filter_map(move |(place, byte)| {
        let plain = !escaped;
        escaped = plain && byte == b'\\';
        (plain && wanted.contains(&byte)).then_some(place)
    })
}
