//! Archives on disk, addressed by content: one file for each digest, a hard link for each source's path.
//!
//! Layout: `blobs/<hex>` and `links/gitrepository/<namespace>/<name>/<commit>.tar.gz`. A file is written beside its
//! place and renamed, so a reader never sees half of one, and a program that is killed leaves at worst a file too many.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gyre_model::{Digest, clean_path};

use crate::Archive;
use crate::limits::ARCHIVES_KEPT;

/// A directory of archives.
#[derive(Debug)]
pub struct ArtifactStore {
    dir: PathBuf,
    next: AtomicU64,
}

/// An archive that has been put into the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Path below the store's address.
    pub path: String,
    /// Digest of the archive.
    pub digest: Digest,
    /// Its size.
    pub size_bytes: u64,
}

/// Why the store cannot do what it is asked for.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct StoreError {
    path: PathBuf,
    why: io::Error,
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|why| StoreError { path: path.into(), why })
}

impl ArtifactStore {
    /// Opens the directory, which is made where it is missing.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        for part in ["blobs", "links"] {
            let dir = dir.join(part);
            at(&dir, fs::create_dir_all(&dir))?;
        }
        Ok(Self { dir: dir.into(), next: AtomicU64::new(0) })
    }

    /// Keeps an archive under a path, `gitrepository/<namespace>/<name>/<commit>.tar.gz`. Older archives in the same
    /// directory are removed, but the last one before this.
    pub fn put(&self, path: &str, archive: &Archive) -> Result<Stored, StoreError> {
        let blob = self.dir.join("blobs").join(archive.digest.hex());
        if !blob.exists() {
            let temporary = self.temporary();
            at(&temporary, fs::write(&temporary, &archive.bytes))?;
            at(&blob, fs::rename(&temporary, &blob))?;
        }
        let link = self.link(path).ok_or_else(|| bad_path(path))?;
        let parent = link.parent().unwrap_or(&self.dir);
        at(parent, fs::create_dir_all(parent))?;
        let temporary = self.temporary();
        at(&temporary, fs::hard_link(&blob, &temporary))?;
        let renamed = fs::rename(&temporary, &link);
        // Renaming a hard link onto another link of the same file leaves both.
        let _ = fs::remove_file(&temporary);
        at(&link, renamed)?;
        self.tidy(parent, &link)?;
        Ok(Stored { path: path.into(), digest: archive.digest, size_bytes: archive.bytes.len() as u64 })
    }

    /// Is this archive there, whole?
    pub fn holds(&self, path: &str, size_bytes: u64) -> bool {
        let link = self.link(path);
        link.and_then(|link| fs::metadata(link).ok()).is_some_and(|found| found.len() == size_bytes)
    }

    /// The bytes under a path; `None` where there are none.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.link(path)?).ok()
    }

    /// Removes everything under `gitrepository/<namespace>/<name>`.
    pub fn remove(&self, source: &str) -> Result<(), StoreError> {
        let dir = self.link(source).ok_or_else(|| bad_path(source))?;
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => at(&dir, Err(error)),
            _ => self.drop_unlinked(),
        }
    }

    fn link(&self, path: &str) -> Option<PathBuf> {
        let clean = clean_path(path).filter(|clean| !clean.is_empty())?;
        Some(self.dir.join("links").join(clean))
    }

    fn temporary(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!(".tmp-{}-{number}", std::process::id()))
    }

    fn tidy(&self, dir: &Path, newest: &Path) -> Result<(), StoreError> {
        let mut files: Vec<_> = at(dir, fs::read_dir(dir))?
            .flatten()
            .filter(|file| file.path() != newest)
            .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
            .collect();
        files.sort();
        let excess = (files.len() + 1).saturating_sub(ARCHIVES_KEPT);
        for (_, old) in files.into_iter().take(excess) {
            at(&old, fs::remove_file(&old))?;
        }
        if excess > 0 { self.drop_unlinked() } else { Ok(()) }
    }

    /// Removes the blobs that no path leads to any more.
    #[cfg(unix)]
    fn drop_unlinked(&self) -> Result<(), StoreError> {
        use std::os::unix::fs::MetadataExt;
        let blobs = self.dir.join("blobs");
        for blob in at(&blobs, fs::read_dir(&blobs))?.flatten() {
            if blob.metadata().is_ok_and(|found| found.nlink() == 1) {
                let _ = fs::remove_file(blob.path());
            }
        }
        Ok(())
    }
}

fn bad_path(path: &str) -> StoreError {
    StoreError { path: path.into(), why: io::Error::other("not a path inside the store") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(text: &str) -> Archive {
        Archive { bytes: text.into(), digest: Digest::of(text.as_bytes()) }
    }

    #[test]
    fn keeps_the_last_two_and_shares_content() {
        let dir = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(dir.path()).unwrap();
        for (path, text) in
            [("g/ns/a/1", "one"), ("g/ns/b/1", "one"), ("g/ns/a/2", "two"), ("g/ns/a/3", "three")]
        {
            store.put(path, &archive(text)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let read = |path: &str| store.read(path).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(read("g/ns/a/1"), None);
        assert_eq!(read("g/ns/a/2").as_deref(), Some("two"));
        assert_eq!(read("g/ns/a/3").as_deref(), Some("three"));
        assert_eq!(read("g/ns/b/1").as_deref(), Some("one"));
        assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 3);
        store.remove("g/ns/b").unwrap();
        assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 2);
        assert!(store.holds("g/ns/a/3", 5) && !store.holds("g/ns/a/3", 4));
    }

    #[test]
    fn stays_inside_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(dir.path()).unwrap();
        assert!(store.put("../x", &archive("x")).is_err());
        assert_eq!(store.read("../../etc/passwd"), None);
        assert_eq!(store.read("/etc/passwd"), None);
    }
}
