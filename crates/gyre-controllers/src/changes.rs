//! What each owner changed last, in a line, for people who watch.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::queue::Key;

/// The last change of each owner.
#[derive(Default)]
pub(crate) struct Changes {
    lines: Mutex<HashMap<Key, String>>,
}

impl Changes {
    /// The owner has changed something.
    pub(crate) fn note(&self, key: &Key, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(Key::clone(key), line);
    }

    /// The owner's last change; empty where there is none.
    pub(crate) fn last(&self, key: &Key) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned().unwrap_or_default()
    }

    /// The owner is gone.
    pub(crate) fn forget(&self, key: &Key) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
