//! A tree of files in memory: all that a renderer ever sees of the world.
//!
//! Paths are relative, use `/`, and are looked up from the root of the tree. Symbolic links are followed inside the
//! tree; one that leaves it is an error, as is `..` above the root. Directories are shared between trees, so a new
//! revision costs the changed directories only. A directory may also lie elsewhere ([`Dir::lazy`]): of it only what is
//! asked for is read.

mod lazy;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Digest;
use lazy::Lazy;

pub use lazy::Source;

/// How many symbolic links one look-up follows before it is called a loop. Linux allows as many.
const SYMLINKS_MAX: usize = 40;

/// An immutable tree of files. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileTree {
    root: Arc<Dir>,
}

/// One directory: names to entries, sorted by the bytes of the name.
#[derive(Clone, Debug, Default)]
pub struct Dir {
    entries: BTreeMap<Box<str>, Entry>,
    /// What lies under the entries where the directory lies elsewhere.
    beneath: Option<Lazy>,
}

/// What a name in a directory stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A directory.
    Dir(Arc<Dir>),
    /// A regular file.
    File(File),
    /// A symbolic link, with its target as written.
    Symlink(Arc<str>),
}

/// A regular file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The content.
    pub content: Arc<[u8]>,
    /// Is the executable bit set?
    pub executable: bool,
}

/// What a path leads to when links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Dir,
    /// A regular file.
    File,
}

/// Why a path cannot be read. The texts name the path as it was asked for.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TreeError {
    /// Nothing is there.
    #[error("{path}: no such file or directory")]
    NotFound {
        /// The path as asked for.
        path: String,
    },
    /// A directory was asked for.
    #[error("{path}: not a directory")]
    NotADirectory {
        /// The path as asked for.
        path: String,
    },
    /// A file was asked for.
    #[error("{path}: is a directory")]
    IsADirectory {
        /// The path as asked for.
        path: String,
    },
    /// `..` or a symbolic link leads out of the tree.
    #[error("{path}: leads out of the tree")]
    Outside {
        /// The path as asked for.
        path: String,
    },
    /// Too many symbolic links.
    #[error("{path}: too many levels of symbolic links")]
    SymlinkLoop {
        /// The path as asked for.
        path: String,
    },
    /// It is there, and cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The path as asked for.
        path: String,
        /// What the system says.
        reason: String,
    },
}

impl FileTree {
    /// A tree from files: paths and contents. For tests and generated trees.
    pub fn from_files<P: AsRef<str>, C: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Result<Self, TreeError> {
        let mut builder = FileTreeBuilder::default();
        for (path, content) in files {
            builder.add_file(path.as_ref(), content.as_ref(), false)?;
        }
        Ok(builder.build())
    }

    /// The tree under this directory.
    pub fn from_root(root: Arc<Dir>) -> Self {
        Self { root }
    }

    /// The root directory.
    pub fn root(&self) -> &Arc<Dir> {
        &self.root
    }

    /// The content of a file; links are followed.
    pub fn read(&self, path: &str) -> Result<&Arc<[u8]>, TreeError> {
        match self.look_up(path)?.1 {
            Found::File(file) => Ok(&file.content),
            Found::Dir(_) => Err(TreeError::IsADirectory { path: path.into() }),
        }
    }

    /// What a path leads to; links are followed.
    pub fn kind(&self, path: &str) -> Result<EntryKind, TreeError> {
        Ok(match self.look_up(path)?.1 {
            Found::File(_) => EntryKind::File,
            Found::Dir(_) => EntryKind::Dir,
        })
    }

    /// The directory at a path; links are followed.
    pub fn dir(&self, path: &str) -> Result<&Arc<Dir>, TreeError> {
        match self.look_up(path)?.1 {
            Found::Dir(dir) => Ok(dir),
            Found::File(_) => Err(TreeError::NotADirectory { path: path.into() }),
        }
    }

    /// The path with `.`, `..` and links resolved, as a lookup from the root finds it; the root is the empty text.
    pub fn resolve(&self, path: &str) -> Result<String, TreeError> {
        Ok(self.look_up(path)?.0.join("/"))
    }

    /// The tree with a file put in place; directories on the way are made where they are missing. Everything else is
    /// shared.
    pub fn with_file(&self, path: &str, content: &[u8]) -> Result<Self, TreeError> {
        self.with_entry(path, Entry::File(File { content: content.into(), executable: false }))
    }

    /// The tree with a directory copied to a place; what both have there is taken from the copy.
    pub fn with_dir(&self, path: &str, dir: &Dir) -> Result<Self, TreeError> {
        let mut tree = self.clone();
        for (name, entry) in dir.entries() {
            let inner = format!("{path}/{name}");
            tree = match entry {
                Entry::Dir(dir) if tree.kind(&inner) == Ok(EntryKind::Dir) => tree.with_dir(&inner, dir)?,
                entry => tree.with_entry(&inner, entry.clone())?,
            };
        }
        Ok(tree)
    }

    fn with_entry(&self, path: &str, entry: Entry) -> Result<Self, TreeError> {
        let clean = clean_path(path).ok_or_else(|| TreeError::Outside { path: path.into() })?;
        let names: Vec<&str> = clean.split('/').collect();
        if clean.is_empty() {
            return Err(TreeError::IsADirectory { path: path.into() });
        }
        let root =
            replace(&self.root, &names, entry).ok_or(TreeError::NotADirectory { path: path.into() })?;
        Ok(Self { root: Arc::new(root) })
    }

    /// Every file and link, depth first in the order of names, with its path from the root.
    pub fn walk(&self) -> Vec<(String, &Entry)> {
        let mut found = Vec::new();
        walk_into(&self.root, "", &mut found);
        found
    }

    /// A digest over names, kinds, modes and contents: equal trees have equal digests.
    pub fn digest(&self) -> Digest {
        self.root.digest()
    }

    fn look_up<'a>(&'a self, path: &str) -> Result<(Vec<String>, Found<'a>), TreeError> {
        let outside = || TreeError::Outside { path: path.into() };
        // The directories from the root to the place reached so far, and the names that led there.
        let mut dirs: Vec<&'a Arc<Dir>> = vec![&self.root];
        let mut names: Vec<String> = Vec::new();
        let mut file: Option<&'a File> = None;
        let mut links = 0;
        let mut todo: Vec<String> = path.split('/').rev().map(Into::into).collect();
        if path.starts_with('/') {
            return Err(outside());
        }
        while let Some(name) = todo.pop() {
            if name.is_empty() || name == "." {
                continue;
            }
            if file.is_some() {
                return Err(TreeError::NotADirectory { path: path.into() });
            }
            if name == ".." {
                if names.pop().is_none() {
                    return Err(outside());
                }
                dirs.pop();
                continue;
            }
            let here = dirs[dirs.len() - 1];
            let entry = here
                .entry(&name)
                .map_err(|reason| TreeError::Unreadable { path: path.into(), reason: reason.into() })?;
            match entry {
                None => return Err(TreeError::NotFound { path: path.into() }),
                Some(Entry::Dir(dir)) => {
                    dirs.push(dir);
                    names.push(name);
                }
                Some(Entry::File(found)) => {
                    file = Some(found);
                    names.push(name);
                }
                Some(Entry::Symlink(target)) => {
                    links += 1;
                    if links > SYMLINKS_MAX {
                        return Err(TreeError::SymlinkLoop { path: path.into() });
                    }
                    if target.starts_with('/') {
                        return Err(outside());
                    }
                    todo.extend(target.split('/').rev().map(Into::into));
                }
            }
        }
        Ok((names, file.map_or_else(|| Found::Dir(dirs[dirs.len() - 1]), Found::File)))
    }
}

enum Found<'a> {
    Dir(&'a Arc<Dir>),
    File(&'a File),
}

impl Dir {
    /// A directory with these entries.
    pub fn new(entries: impl IntoIterator<Item = (Box<str>, Entry)>) -> Self {
        Self { entries: entries.into_iter().collect(), beneath: None }
    }

    /// A directory that lies elsewhere. Every name is read once, when it is first asked for.
    pub fn lazy(source: Arc<dyn Source>) -> Self {
        Self { entries: BTreeMap::new(), beneath: Some(Lazy::new(source)) }
    }

    /// Names and entries, sorted by the bytes of the name. Links are not followed. Of a directory that lies elsewhere
    /// everything is read; what cannot be is left out.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let held = self.entries.iter().map(|(name, entry)| (&**name, entry));
        let (held, mixed) = match &self.beneath {
            None => (Some(held), BTreeMap::new()),
            Some(beneath) => (None, beneath.all().chain(held).collect()),
        };
        held.into_iter().flatten().chain(mixed)
    }

    fn entry(&self, name: &str) -> Result<Option<&Entry>, &str> {
        match (self.entries.get(name), &self.beneath) {
            (None, Some(beneath)) => beneath.find(name),
            (found, _) => Ok(found),
        }
    }

    fn digest(&self) -> Digest {
        let mut text = Vec::new();
        for (name, entry) in self.entries() {
            let (mark, digest) = match entry {
                Entry::Dir(dir) => (b'd', dir.digest()),
                Entry::File(file) => (if file.executable { b'x' } else { b'f' }, Digest::of(&file.content)),
                Entry::Symlink(target) => (b'l', Digest::of(target.as_bytes())),
            };
            text.push(mark);
            text.extend_from_slice(digest.as_bytes());
            text.extend_from_slice(name.as_bytes());
            text.push(0);
        }
        Digest::of(&text)
    }
}

/// Directories that lie elsewhere are equal when they are the same one.
impl PartialEq for Dir {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.beneath, &other.beneath) {
            (Some(own), Some(other)) => own.is_same(other),
            (own, other) => own.is_none() && other.is_none(),
        };
        same && self.entries == other.entries
    }
}

/// A copy of the directory with the entry in its place; `None` where a file is in the way.
fn replace(dir: &Dir, names: &[&str], entry: Entry) -> Option<Dir> {
    let (name, rest) = names.split_first()?;
    let mut dir = dir.clone();
    if rest.is_empty() {
        dir.entries.insert((*name).into(), entry);
        return Some(dir);
    }
    let inner = match dir.entry(name) {
        Ok(Some(Entry::Dir(inner))) => replace(inner, rest, entry)?,
        Ok(None) => replace(&Dir::default(), rest, entry)?,
        _ => return None,
    };
    dir.entries.insert((*name).into(), Entry::Dir(Arc::new(inner)));
    Some(dir)
}

fn walk_into<'a>(dir: &'a Dir, prefix: &str, found: &mut Vec<(String, &'a Entry)>) {
    for (name, entry) in dir.entries() {
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        match entry {
            Entry::Dir(dir) => walk_into(dir, &path, found),
            Entry::File(_) | Entry::Symlink(_) => found.push((path, entry)),
        }
    }
}

/// Puts a [`FileTree`] together, path by path.
#[derive(Debug, Default)]
pub struct FileTreeBuilder {
    root: Building,
}

#[derive(Debug, Default)]
struct Building {
    dirs: BTreeMap<Box<str>, Building>,
    leaves: BTreeMap<Box<str>, Entry>,
}

impl FileTreeBuilder {
    /// Adds a file; directories on the way are made, an earlier entry of the same path is replaced.
    pub fn add_file(&mut self, path: &str, content: &[u8], executable: bool) -> Result<(), TreeError> {
        self.add(path, Entry::File(File { content: content.into(), executable }))
    }

    /// Adds a symbolic link with its target as written.
    pub fn add_symlink(&mut self, path: &str, target: &str) -> Result<(), TreeError> {
        self.add(path, Entry::Symlink(target.into()))
    }

    /// Adds an entry, a whole directory for instance.
    pub fn add(&mut self, path: &str, entry: Entry) -> Result<(), TreeError> {
        let clean = clean_path(path).ok_or_else(|| TreeError::Outside { path: path.into() })?;
        let (parents, name) = clean.rsplit_once('/').unwrap_or(("", &clean));
        if name.is_empty() {
            return Err(TreeError::IsADirectory { path: path.into() });
        }
        let mut here = &mut self.root;
        for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
            if here.leaves.contains_key(parent) {
                return Err(TreeError::NotADirectory { path: path.into() });
            }
            here = here.dirs.entry(parent.into()).or_default();
        }
        here.dirs.remove(name);
        here.leaves.insert(name.into(), entry);
        Ok(())
    }

    /// The finished tree.
    pub fn build(self) -> FileTree {
        FileTree { root: Arc::new(self.root.finish()) }
    }
}

impl Building {
    fn finish(self) -> Dir {
        let mut entries = self.leaves;
        for (name, dir) in self.dirs {
            entries.insert(name, Entry::Dir(Arc::new(dir.finish())));
        }
        Dir::new(entries)
    }
}

/// A path without `.`, `..`, doubled and outer slashes; `None` where it leads above its start or is absolute.
/// The root is the empty text.
pub fn clean_path(path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> FileTree {
        let mut builder = FileTreeBuilder::default();
        builder.add_file("a/b/c.yaml", b"c", false).unwrap();
        builder.add_file("a/run.sh", b"#!", true).unwrap();
        builder.add_symlink("a/link", "b/c.yaml").unwrap();
        builder.add_symlink("a/up", "../a/b").unwrap();
        builder.add_symlink("a/out", "../../etc/passwd").unwrap();
        builder.add_symlink("a/root", "/etc/passwd").unwrap();
        builder.add_symlink("a/loop", "loop").unwrap();
        builder.build()
    }

    #[test]
    fn links_are_followed_inside_the_tree_only() {
        let tree = tree();
        assert_eq!(&**tree.read("a/link").unwrap(), b"c");
        assert_eq!(&**tree.read("a/up/c.yaml").unwrap(), b"c");
        assert_eq!(tree.resolve("a/up/../run.sh").unwrap(), "a/run.sh");
        assert_eq!(tree.read("a/out"), Err(TreeError::Outside { path: "a/out".into() }));
        assert_eq!(tree.read("a/root"), Err(TreeError::Outside { path: "a/root".into() }));
        assert_eq!(tree.read("a/loop"), Err(TreeError::SymlinkLoop { path: "a/loop".into() }));
        assert_eq!(tree.read("../x"), Err(TreeError::Outside { path: "../x".into() }));
    }

    #[test]
    fn says_what_is_wrong_with_a_path() {
        let tree = tree();
        assert_eq!(tree.read("a"), Err(TreeError::IsADirectory { path: "a".into() }));
        assert_eq!(tree.read("a/run.sh/x"), Err(TreeError::NotADirectory { path: "a/run.sh/x".into() }));
        assert_eq!(tree.read("nope"), Err(TreeError::NotFound { path: "nope".into() }));
        assert_eq!(tree.kind("."), Ok(EntryKind::Dir));
    }

    #[test]
    fn walks_in_order_and_digests_content() {
        let paths: Vec<_> = tree().walk().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a/b/c.yaml", "a/link", "a/loop", "a/out", "a/root", "a/run.sh", "a/up"]);
        assert_eq!(tree().digest(), tree().digest());
        assert_ne!(tree().digest(), FileTree::default().digest());
    }

    #[test]
    fn files_and_directories_are_put_in_place() {
        let tree = tree().with_file("a/new/k.yaml", b"k").unwrap().with_file("a/run.sh", b"2").unwrap();
        assert_eq!(&**tree.read("a/new/k.yaml").unwrap(), b"k");
        assert_eq!(&**tree.read("a/run.sh").unwrap(), b"2");
        assert_eq!(&**tree.read("a/b/c.yaml").unwrap(), b"c");
        assert!(tree.with_file("a/run.sh/x", b"").is_err());
        let other = FileTree::from_files([("b/d.yaml", "d")]).unwrap();
        let both = tree.with_dir("a", other.root()).unwrap();
        assert_eq!((both.read("a/b/c.yaml").is_ok(), both.read("a/b/d.yaml").is_ok()), (true, true));
    }

    #[derive(Debug, Default)]
    struct Numbers(std::sync::Mutex<Vec<String>>);

    impl Source for Numbers {
        fn entry(&self, name: &str) -> Result<Option<Entry>, String> {
            self.0.lock().unwrap().push(name.into());
            match name {
                "secret" => Err("permission denied".into()),
                "x" => Ok(None),
                _ => Ok(Some(Entry::File(File { content: name.as_bytes().into(), executable: false }))),
            }
        }

        fn names(&self) -> Vec<String> {
            ["secret", "2", "1"].map(Into::into).into()
        }
    }

    #[test]
    fn a_directory_that_lies_elsewhere_is_read_name_by_name() {
        let numbers = Arc::new(Numbers::default());
        let tree = FileTree::from_root(Arc::new(Dir::lazy(numbers.clone())));
        for number in (0..1000).chain(0..1000) {
            assert_eq!(&**tree.read(&number.to_string()).unwrap(), number.to_string().as_bytes());
        }
        assert_eq!(numbers.0.lock().unwrap().len(), 1000);
        assert_eq!(tree.read("x"), Err(TreeError::NotFound { path: "x".into() }));
        let error = tree.read("secret").unwrap_err();
        assert_eq!(error.to_string(), "secret: permission denied");
        let changed = tree.with_file("1", b"one").unwrap().with_file("0", b"zero").unwrap();
        let names: Vec<&str> = changed.root().entries().map(|(name, _)| name).collect();
        assert_eq!(names, ["0", "1", "2"]);
        assert_eq!(&**changed.read("1").unwrap(), b"one");
        assert_eq!((tree == tree.clone(), tree == changed), (true, false));
    }

    #[test]
    fn cleans_paths() {
        assert_eq!(clean_path("./a//b/../c/").as_deref(), Some("a/c"));
        assert_eq!(clean_path("a/../.."), None);
        assert_eq!(clean_path("/a"), None);
    }
}
