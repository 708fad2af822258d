//! Directories that lie elsewhere, on a disk for instance: each name is read when it is first asked for, and kept.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use super::Entry;

/// Reads one directory that lies elsewhere.
pub trait Source: fmt::Debug + Send + Sync {
    /// What a name stands for; `None` where nothing is there. The error says why it cannot be read.
    fn entry(&self, name: &str) -> Result<Option<Entry>, String>;

    /// The names in the directory, in any order.
    fn names(&self) -> Vec<String>;
}

type Found = Result<Option<Entry>, String>;

/// What was read of a directory so far. It only grows, so that what was found can be borrowed.
#[derive(Clone)]
pub(super) struct Lazy(Arc<Inner>);

struct Inner {
    source: Arc<dyn Source>,
    first: Slot,
}

type Slot = OnceLock<Box<Read>>;

/// A name that was asked for; a tree of them, ordered by the bits of the name's hash.
struct Read {
    hash: u64,
    name: Box<str>,
    found: Found,
    next: [Slot; 2],
}

impl Lazy {
    pub(super) fn new(source: Arc<dyn Source>) -> Self {
        Self(Arc::new(Inner { source, first: OnceLock::new() }))
    }

    pub(super) fn find(&self, name: &str) -> Result<Option<&Entry>, &str> {
        let found = &self.read(name).found;
        found.as_ref().map(Option::as_ref).map_err(String::as_str)
    }

    /// Everything that can be read, with its name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.source.names().into_iter().filter_map(|name| {
            let read = self.read(&name);
            Some((&*read.name, read.found.as_ref().ok()?.as_ref()?))
        })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn read(&self, name: &str) -> &Read {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let hash = hasher.finish();
        let mut slot = &self.0.first;
        let mut bits = hash;
        loop {
            // Two threads that ask for one name at once wait for each other; one of them reads.
            let read = slot.get_or_init(|| {
                let found = self.0.source.entry(name);
                Box::new(Read { hash, name: name.into(), found, next: Default::default() })
            });
            if read.hash == hash && *read.name == *name {
                return read;
            }
            slot = &read.next[usize::from(bits & 1 == 1)];
            bits >>= 1;
        }
    }
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}
