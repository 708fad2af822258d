//! The files of the sources' present artifacts, in memory, for those who render them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gyre_model::{Digest, FileTree};

use crate::queue::Key;

/// The files of one artifact.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// `main@sha1:...`.
    pub(crate) revision: String,
    /// Of the archive.
    pub(crate) digest: Digest,
    /// The files.
    pub(crate) tree: FileTree,
}

/// The present artifact of every source, by kind and key.
#[derive(Default)]
pub(crate) struct Trees {
    present: Mutex<HashMap<(&'static str, Key), Arc<Files>>>,
}

impl Trees {
    /// The source's files.
    pub(crate) fn get(&self, kind: &'static str, key: &Key) -> Option<Arc<Files>> {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.get(&(kind, Arc::clone(key))).cloned()
    }

    /// The source has new files.
    pub(crate) fn put(&self, kind: &'static str, key: &Key, files: Files) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.insert((kind, Arc::clone(key)), Arc::new(files));
    }

    /// The source is gone.
    pub(crate) fn remove(&self, kind: &'static str, key: &Key) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.remove(&(kind, Arc::clone(key)));
    }
}
