//! A tree over the directories of this machine. Only what is asked for is read.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gyre_model::{Dir, Entry, File, FileTree, Source};

/// The tree whose root is this directory. Links lead anywhere below it.
pub(crate) fn tree(root: &Path) -> FileTree {
    let directory = Directory { root: root.into(), inside: Vec::new() };
    FileTree::from_root(Arc::new(Dir::lazy(Arc::new(directory))))
}

/// A directory of the disk.
#[derive(Debug)]
struct Directory {
    root: Arc<Path>,
    /// The names that lead here from the root.
    inside: Vec<Box<str>>,
}

impl Directory {
    fn path(&self) -> PathBuf {
        let mut path = self.root.to_path_buf();
        path.extend(self.inside.iter().map(|name| &**name));
        path
    }

    /// What a link says, as seen from here: a target below the root is told without the root.
    fn target(&self, target: &Path) -> String {
        match target.strip_prefix(&self.root) {
            Ok(inside) if target.is_absolute() => "../".repeat(self.inside.len()) + &inside.to_string_lossy(),
            _ => target.to_string_lossy().into_owned(),
        }
    }
}

impl Source for Directory {
    fn entry(&self, name: &str) -> Result<Option<Entry>, String> {
        let path = self.path().join(name);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(reason(&error)),
        };
        let entry = if found.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| reason(&error))?;
            Entry::Symlink(self.target(&target).into())
        } else if found.is_dir() {
            let mut inside = self.inside.clone();
            inside.push(name.into());
            Entry::Dir(Arc::new(Dir::lazy(Arc::new(Self { root: Arc::clone(&self.root), inside }))))
        } else if found.is_file() {
            let content = fs::read(&path).map_err(|error| reason(&error))?;
            Entry::File(File { content: content.into(), executable: found.permissions().mode() & 0o111 != 0 })
        } else {
            return Err("not a regular file".into());
        };
        Ok(Some(entry))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

/// What the system says, without the number of the error, as Go shows it.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_asked_for_and_follows_links_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/f"), "one").unwrap();
        std::os::unix::fs::symlink(root.join("a/b"), root.join("a/absolute")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("a/outside")).unwrap();
        let tree = tree(&root);
        assert_eq!(&**tree.read("a/absolute/f").unwrap(), b"one");
        assert!(tree.read("a/outside/passwd").is_err());
        assert!(tree.read("a/b/f/g").is_err());
        fs::write(root.join("a/b/f"), "two").unwrap();
        assert_eq!(&**tree.read("a/b/f").unwrap(), b"one", "what was read stays");
        let names: Vec<&str> = tree.dir("a").unwrap().entries().map(|(name, _)| name).collect();
        assert_eq!(names, ["absolute", "b", "outside"]);
    }
}
