//! Reads a commit's files out of a repository. Directories that an earlier revision had as well are shared with it.

use std::collections::HashMap;
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::object::tree::EntryKind;
use gyre_model::{Dir, Entry, File, FileTree};

use super::{GitError, Revision};
use crate::Limits;
use crate::limits::DEPTH_MAX;

/// One commit with its files.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Which one, and how it was found.
    pub revision: Revision,
    /// First line of its message.
    pub summary: String,
    /// Its whole message.
    pub message: String,
    /// `Name <address>` of its author.
    pub author: String,
    /// Seconds since 1970 of its commit.
    pub time_s: i64,
    /// Its files, without those of submodules.
    pub tree: FileTree,
    /// The repositories that are to lie in it.
    pub submodules: Vec<Submodule>,
}

/// A commit of another repository that lies in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// The directory.
    pub path: String,
    /// The address, which may be relative to that of the repository around it.
    pub url: String,
    /// 40 hexadecimal digits.
    pub hash: String,
}

/// Directories and what they cost, by the id of their Git tree.
pub(super) type Dirs = HashMap<ObjectId, (Arc<Dir>, Cost)>;

#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    bytes: u64,
    files: usize,
}

/// Reads a commit; `known` holds the directories of earlier ones and holds those of this one afterwards.
pub(super) fn read_commit(
    repo: &gix::Repository,
    revision: &Revision,
    limits: &Limits,
    known: &mut Dirs,
) -> Result<Commit, GitError> {
    let missing = || GitError::NoCommit(revision.hash.clone());
    let id = ObjectId::from_hex(revision.hash.as_bytes()).map_err(|_| missing())?;
    let object = repo.find_object(id).map_err(|_| missing())?.peel_to_commit().map_err(|_| missing())?;
    let broken = |error: gix::Error| GitError::Cache(error.to_string());
    let message = object.message_raw().map_err(broken)?.to_str_lossy().into_owned();
    let author = object.author().map_err(broken)?;
    let author = format!("{} <{}>", author.name, author.email);
    let time_s = object.time().map_err(broken)?.seconds;
    let root = object.tree_id().map_err(broken)?.detach();
    let mut fresh = Dirs::new();
    let mut reader = Reader { repo, limits, known, fresh: &mut fresh, total: Cost::default() };
    let (dir, _) = reader.dir(root, "", 0)?;
    *known = fresh;
    let tree = FileTree::from_root(dir);
    let submodules = submodules(&object.tree().map_err(broken)?, &tree);
    Ok(Commit {
        revision: revision.clone(),
        summary: message.lines().next().unwrap_or_default().to_owned(),
        message,
        author,
        time_s,
        tree,
        submodules,
    })
}

/// What `.gitmodules` names, as far as there is a commit at its place.
fn submodules(root: &gix::Tree<'_>, tree: &FileTree) -> Vec<Submodule> {
    let named = tree.read(".gitmodules").ok().and_then(|content| {
        let text = std::str::from_utf8(content).ok()?;
        gix::config::File::try_from(text).ok()
    });
    let Some(named) = named else { return Vec::new() };
    let sections = named.sections_by_name("submodule").into_iter().flatten();
    let found = sections.filter_map(|section| {
        let text = |name: &str| Some(section.value(name)?.to_str_lossy().into_owned());
        let (path, url) = (text("path")?, text("url")?);
        let entry = root.lookup_entry_by_path(&path).ok()??;
        (entry.mode().kind() == EntryKind::Commit).then(|| Submodule {
            path,
            url,
            hash: entry.object_id().to_string(),
        })
    });
    found.collect()
}

struct Reader<'a> {
    repo: &'a gix::Repository,
    limits: &'a Limits,
    known: &'a Dirs,
    fresh: &'a mut Dirs,
    total: Cost,
}

impl Reader<'_> {
    fn dir(&mut self, id: ObjectId, path: &str, depth: usize) -> Result<(Arc<Dir>, Cost), GitError> {
        if depth > DEPTH_MAX {
            return Err(too_large(&format!("the depth of {path}"), &format!("{DEPTH_MAX} directories")));
        }
        if let Some((dir, cost)) = self.known.get(&id).or_else(|| self.fresh.get(&id)).cloned() {
            self.spend(cost)?;
            self.keep_known(id);
            return Ok((dir, cost));
        }
        let unreadable = |error: &dyn std::fmt::Display| GitError::Cache(format!("{path}: {error}"));
        let tree = self.repo.find_tree(id).map_err(|error| unreadable(&error))?;
        let mut entries: Vec<(Box<str>, Entry)> = Vec::new();
        let mut cost = Cost::default();
        for entry in tree.iter() {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let name = entry.filename().to_str_lossy().into_owned();
            let inner = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let id = entry.oid().to_owned();
            let found = match entry.mode().kind() {
                EntryKind::Tree => {
                    let (dir, inside) = self.dir(id, &inner, depth + 1)?;
                    cost.bytes += inside.bytes;
                    cost.files += inside.files;
                    Entry::Dir(dir)
                }
                EntryKind::Commit => continue,
                kind => {
                    let content = self.blob(id, &inner)?;
                    cost.bytes += content.len() as u64;
                    cost.files += 1;
                    if kind == EntryKind::Link {
                        Entry::Symlink(String::from_utf8_lossy(&content).into())
                    } else {
                        let executable = kind == EntryKind::BlobExecutable;
                        Entry::File(File { content: content.into(), executable })
                    }
                }
            };
            entries.push((name.into(), found));
        }
        let dir = Arc::new(Dir::new(entries));
        self.fresh.insert(id, (Arc::clone(&dir), cost));
        Ok((dir, cost))
    }

    /// Carries a known directory, with everything below it, over to the fresh ones.
    fn keep_known(&mut self, id: ObjectId) {
        if self.fresh.contains_key(&id) {
            return;
        }
        let Some(found) = self.known.get(&id) else { return };
        self.fresh.insert(id, found.clone());
        if let Ok(tree) = self.repo.find_tree(id) {
            for entry in tree.iter().flatten().filter(|entry| entry.mode().kind() == EntryKind::Tree) {
                self.keep_known(entry.oid().to_owned());
            }
        }
    }

    fn blob(&mut self, id: ObjectId, path: &str) -> Result<Vec<u8>, GitError> {
        let unreadable = |error: &dyn std::fmt::Display| GitError::Cache(format!("{path}: {error}"));
        // bounded: the size is known before the content is unpacked.
        let size = self.repo.find_header(id).map_err(|error| unreadable(&error))?.size();
        self.spend(Cost { bytes: size, files: 1 })?;
        let blob = self.repo.find_object(id).map_err(|error| unreadable(&error))?;
        Ok(blob.detach().data)
    }

    fn spend(&mut self, cost: Cost) -> Result<(), GitError> {
        self.total.bytes += cost.bytes;
        self.total.files += cost.files;
        if self.total.bytes > self.limits.tree_bytes_max {
            let limit = format!("{} MiB", self.limits.tree_bytes_max >> 20);
            return Err(too_large("the size of the repository's files", &limit));
        }
        if self.total.files > self.limits.files_max {
            return Err(too_large("the number of files", &self.limits.files_max.to_string()));
        }
        Ok(())
    }
}

fn too_large(what: &str, limit: &str) -> GitError {
    GitError::TooLarge { what: what.into(), limit: limit.into() }
}
