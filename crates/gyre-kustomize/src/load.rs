//! Files of a build: where they may lie, how their places are named in messages, cycles.

use std::sync::Arc;

use gyre_model::{EntryKind, FileTree, TreeError, clean_path};

use crate::build::Options;
use crate::error::{Error, ErrorKind, Result, fail, limit};
use crate::limits::{ALIASED_NODES_MAX, BYTES_MAX, DEPTH_MAX, FILE_BYTES_MAX, FILES_MAX, KUSTOMIZATIONS_MAX};
use crate::remote::{Remote, RemoteError, Repository, is_repository};
use crate::stop::Stop;

/// Which files a kustomization may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictions {
    /// Files in or below its own directory only.
    #[default]
    RootOnly,
    /// Any file of the tree.
    None,
}

/// How much a build has read so far, and whether it is to go on.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    files: usize,
    bytes: usize,
    kustomizations: usize,
    aliased: usize,
    pub(crate) stop: Stop,
}

impl Spent {
    pub(crate) fn new(stop: Option<&Stop>) -> Self {
        Self { stop: stop.cloned().unwrap_or_default(), ..Self::default() }
    }

    /// Counts the nodes that the aliases of a file wrote out.
    pub(crate) fn aliased(&mut self, nodes: usize) -> Result<()> {
        self.aliased += nodes;
        if self.aliased > ALIASED_NODES_MAX {
            return limit(format!(
                "aliases write out more than {ALIASED_NODES_MAX} nodes: write files with less"
            ));
        }
        Ok(())
    }

    /// Counts a kustomization that is about to be read.
    pub(crate) fn kustomization(&mut self) -> Result<()> {
        self.stop.check()?;
        self.kustomizations += 1;
        if self.kustomizations > KUSTOMIZATIONS_MAX {
            return limit(format!("the build reads more than {KUSTOMIZATIONS_MAX} kustomizations"));
        }
        Ok(())
    }
}

/// A directory with a kustomization, and the way that led there.
#[derive(Clone)]
pub(crate) struct Root<'a> {
    tree: FileTree,
    /// The path in the tree, without dots and links.
    path: String,
    /// How the tree's own root is called in messages.
    called: Arc<str>,
    restrictions: LoadRestrictions,
    remote: Option<&'a dyn Remote>,
    /// The roots that led here, of the same tree.
    visited: Vec<String>,
    /// The addresses of repositories that led here.
    addresses: Vec<Arc<str>>,
    depth: usize,
}

/// A path below another, without dots; `None` where it leads out of the tree.
fn join(base: &str, path: &str) -> Option<String> {
    clean_path(format!("{base}/{path}").trim_start_matches('/'))
}

pub(crate) fn is_remote_file(path: &str) -> bool {
    let lower = path.get(..8).unwrap_or(path).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

impl<'a> Root<'a> {
    pub(crate) fn new(options: &Options<'a>, tree: &FileTree, path: &str) -> Result<Self> {
        let root = Self {
            tree: tree.clone(),
            path: String::new(),
            called: options.shown_root.trim_end_matches('/').into(),
            restrictions: options.load_restrictions,
            remote: options.remote,
            visited: Vec::new(),
            addresses: Vec::new(),
            depth: 0,
        };
        let shown = if options.shown_path.is_empty() { path } else { options.shown_path };
        if let Some(repository) = Repository::parse(shown) {
            return root.enter_repository(shown, &repository);
        }
        let resolved =
            root.directory(path, shown).map_err(|error| error.within("must build at directory"))?;
        Ok(Self { path: resolved, ..root })
    }

    /// The directory as messages name it.
    pub(crate) fn shown(&self) -> String {
        self.shown_path(&self.path)
    }

    fn shown_path(&self, path: &str) -> String {
        match (&*self.called, path) {
            ("", "") => "/".into(),
            (called, "") => called.into(),
            (called, path) => format!("{called}/{path}"),
        }
    }

    /// A path below this directory as messages name it, with its dots gone.
    fn shown_below(&self, path: &str) -> String {
        match join(&self.path, path) {
            Some(clean) => self.shown_path(&clean),
            None => clean_absolute(&format!("{}/{}/{path}", self.called, self.path)),
        }
    }

    fn directory(&self, path: &str, shown: &str) -> Result<String> {
        if path.is_empty() {
            return fail("directory path cannot be empty");
        }
        let inside = join(&self.path, path);
        let found = inside.as_deref().map(|inside| (inside, self.tree.kind(inside)));
        match found {
            Some((inside, Ok(EntryKind::Dir))) => {
                self.tree.resolve(inside).map_err(|error| Error::new(error.to_string()))
            }
            Some((_, Ok(EntryKind::File))) => fail(format!("'{shown}': file is not directory")),
            Some((_, Err(error))) => fail(format!(
                "not a valid directory: {}",
                self.unreadable(shown, &self.shown_below(path), &error)
            )),
            None => fail(format!(
                "not a valid directory: evalsymlink failure on '{shown}' : {} leads out of the tree",
                self.shown_below(path)
            )),
        }
    }

    fn unreadable(&self, shown: &str, full: &str, error: &TreeError) -> String {
        match error {
            TreeError::NotFound { .. } => {
                let missing = self.first_missing(full);
                format!("evalsymlink failure on '{shown}' : lstat {missing}: no such file or directory")
            }
            TreeError::NotADirectory { .. } => {
                let missing = self.first_missing(full);
                format!("evalsymlink failure on '{shown}' : lstat {missing}: not a directory")
            }
            TreeError::SymlinkLoop { .. } => {
                format!("evalsymlink failure on '{shown}' : EvalSymlinks: too many links")
            }
            other => format!("evalsymlink failure on '{shown}' : {other}"),
        }
    }

    /// The first part of a path that is not there: that is the one `lstat` complains about.
    fn first_missing(&self, full: &str) -> String {
        let Some(inside) = full.strip_prefix(&*self.called) else { return full.to_owned() };
        let mut reached = String::new();
        for part in inside.split('/').filter(|part| !part.is_empty()) {
            let next = if reached.is_empty() { part.to_owned() } else { format!("{reached}/{part}") };
            if self.tree.kind(&next).is_err() {
                return self.shown_path(&next);
            }
            reached = next;
        }
        full.to_owned()
    }

    /// The directory at a path, as a root of its own.
    pub(crate) fn enter(&self, path: &str) -> Result<Self> {
        if path.is_empty() {
            return fail("new root cannot be empty");
        }
        if self.depth >= DEPTH_MAX {
            return limit(format!("kustomizations refer to each other more than {DEPTH_MAX} levels deep"));
        }
        if let Some(repository) = Repository::parse(path) {
            return self.enter_repository(path, &repository);
        }
        if path.starts_with('/') {
            return fail(format!("new root '{path}' cannot be absolute"));
        }
        let resolved = self
            .directory(path, &self.shown_below(path))
            .map_err(|error| error.within("must build at directory"))?;
        let mut visited = self.visited.clone();
        visited.push(self.path.clone());
        for before in visited.iter().rev() {
            if is_in_or_below(before, &resolved) {
                return fail(format!(
                    "cycle detected: candidate root '{}' contains visited root '{}'",
                    self.shown_path(&resolved),
                    self.shown_path(before)
                ));
            }
        }
        Ok(Self { path: resolved, visited, depth: self.depth + 1, ..self.clone() })
    }

    fn enter_repository(&self, address: &str, repository: &Repository) -> Result<Self> {
        let Some(remote) = self.remote else {
            return fail(format!("'{address}' is a remote resource, and this build may not fetch any"));
        };
        if let Some(before) = self.addresses.iter().rev().find(|before| before.starts_with(address)) {
            return fail(format!("cycle detected: URI '{address}' referenced by previous URI '{before}'"));
        }
        let mut addresses = self.addresses.clone();
        addresses.push(address.into());
        let root = Self {
            tree: remote.repository(repository).map_err(Error::new)?,
            path: String::new(),
            called: repository.url.as_str().into(),
            restrictions: LoadRestrictions::RootOnly,
            remote: self.remote,
            visited: Vec::new(),
            addresses,
            depth: self.depth + 1,
        };
        if repository.path.is_empty() {
            return Ok(root);
        }
        let resolved = root.directory(&repository.path, &repository.path)?;
        Ok(Self { path: resolved, ..root })
    }

    /// The content of a file, or of a remote one.
    pub(crate) fn read(&self, path: &str, spent: &mut Spent) -> Result<Arc<[u8]>> {
        spent.stop.check()?;
        let content = if is_remote_file(path) { self.read_remote(path)? } else { self.read_local(path)? };
        if content.len() > FILE_BYTES_MAX {
            return limit(format!("'{path}' is larger than {} MiB: split the file", FILE_BYTES_MAX >> 20));
        }
        spent.files += 1;
        spent.bytes += content.len();
        if spent.files > FILES_MAX || spent.bytes > BYTES_MAX {
            return limit(format!("the build reads more than {FILES_MAX} files or {BYTES_MAX} bytes"));
        }
        Ok(content)
    }

    fn read_remote(&self, url: &str) -> Result<Arc<[u8]>> {
        let Some(remote) = self.remote else {
            let kind = if is_repository(url) { ErrorKind::Plain } else { ErrorKind::Remote };
            let text = format!("'{url}' is a remote resource, and this build may not fetch any");
            return Err(Error::of(kind, text));
        };
        remote.file(url).map_err(|error| match error {
            RemoteError::Status { .. } if is_repository(url) => Error::new("URL is a git repository"),
            RemoteError::Status { .. } => Error::of(ErrorKind::Remote, error.to_string()),
            RemoteError::Failed(text) => Error::new(text),
        })
    }

    fn read_local(&self, path: &str) -> Result<Arc<[u8]>> {
        let absolute = path.strip_prefix('/').is_some();
        let inside = if absolute {
            path.strip_prefix(&*self.called).and_then(|inside| join("", inside))
        } else {
            join(&self.path, path)
        };
        let shown = if absolute { clean_absolute(path) } else { self.shown_below(path) };
        let Some(inside) = inside else { return self.outside(&shown) };
        let resolved = match self.tree.resolve(&inside) {
            Ok(resolved) => resolved,
            Err(TreeError::Outside { .. }) => return self.outside(&shown),
            Err(TreeError::Unreadable { reason, .. }) => return fail(format!("open {shown}: {reason}")),
            // Without restrictions links are not looked at before the file is opened.
            Err(TreeError::NotFound { .. }) if self.restrictions == LoadRestrictions::None => {
                return fail(format!("open {shown}: no such file or directory"));
            }
            Err(error) => return fail(self.unreadable(&shown, &shown, &error)),
        };
        match self.tree.kind(&resolved) {
            Ok(EntryKind::File) => {}
            Ok(EntryKind::Dir) if self.restrictions == LoadRestrictions::RootOnly => {
                return fail(format!("'{shown}' must resolve to a file"));
            }
            Ok(EntryKind::Dir) => return fail(format!("read {shown}: is a directory")),
            Err(error) => return fail(self.unreadable(&shown, &shown, &error)),
        }
        if self.restrictions == LoadRestrictions::RootOnly && !is_in_or_below(parent(&resolved), &self.path) {
            return self.outside(&shown);
        }
        self.tree.read(&resolved).cloned().map_err(|error| Error::new(error.to_string()))
    }

    fn outside<T>(&self, shown: &str) -> Result<T> {
        fail(format!("security; file '{shown}' is not in or below '{}'", self.shown()))
    }

    /// The last name of the directory.
    pub(crate) fn base_name(&self) -> String {
        let shown = self.shown();
        shown.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The tree and the place in it, for a renderer of charts.
    pub(crate) fn place(&self) -> (&FileTree, &str) {
        (&self.tree, &self.path)
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_in_or_below(path: &str, root: &str) -> bool {
    root.is_empty() || path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// An absolute path without dots; `..` above the top stays at the top.
fn clean_absolute(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}
