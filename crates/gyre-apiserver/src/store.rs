//! Keeps objects as bytes, numbers every change, and remembers the last ones for watches and consistent pages.
//!
//! A [`Shelf`] holds the objects of one resource in the order of their keys (`namespace/name`), and its history. One
//! revision counter orders all changes. Bytes are shared: an object, the event about it and every watcher's copy of
//! the event are one allocation. What makes changes durable is a [`Journal`]; without one everything is in memory.

mod journal;
mod redb;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::watch;

pub use journal::JournalError;
pub(crate) use journal::{Journal, Record};
pub(crate) use redb::Disk;

use crate::limits::{HISTORY_BYTES_MAX, HISTORY_MAX};

/// An object at one revision.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Box<str>,
    pub(crate) revision: u64,
    pub(crate) bytes: Bytes,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change of an object.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    /// The object after the change; for a deletion its last state, with the revision of the deletion.
    pub(crate) entry: Arc<Entry>,
    /// The object before the change.
    pub(crate) before: Option<Arc<Entry>>,
    frame: OnceLock<Bytes>,
}

impl Change {
    /// The line that a watch sends for this change, made once for all watchers.
    pub(crate) fn frame(&self) -> Bytes {
        self.frame
            .get_or_init(|| {
                let kind = match self.kind {
                    ChangeKind::Added => "ADDED",
                    ChangeKind::Modified => "MODIFIED",
                    ChangeKind::Deleted => "DELETED",
                };
                frame(kind, &self.entry.bytes)
            })
            .clone()
    }
}

/// A line of a watch.
pub(crate) fn frame(kind: &str, object: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(object.len() + 40);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    line.into()
}

/// An object as bytes without its resourceVersion, and where that belongs.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: usize,
}

impl Encoded {
    fn finish(&self, revision: u64) -> Bytes {
        let text = format!("\"resourceVersion\":\"{revision}\",");
        let mut out = Vec::with_capacity(self.bytes.len() + text.len());
        out.extend_from_slice(&self.bytes[..self.at]);
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(&self.bytes[self.at..]);
        out.into()
    }
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Absent,
    At(u64),
}

/// Another write came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raced;

/// Why a view of the past cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PastError {
    /// It is no longer remembered.
    Compacted,
    /// It has not happened yet.
    Future,
}

#[derive(Debug)]
struct Shelf {
    objects: BTreeMap<Box<str>, Arc<Entry>>,
    history: VecDeque<Arc<Change>>,
    history_bytes: usize,
    /// Changes up to this revision are forgotten.
    forgotten: u64,
    wake: watch::Sender<u64>,
}

impl Shelf {
    fn new(forgotten: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            history_bytes: 0,
            forgotten,
            wake: watch::Sender::new(forgotten),
        }
    }

    fn remember(&mut self, change: Arc<Change>) {
        self.history_bytes += cost(&change);
        self.history.push_back(change);
        while self.history.len() > HISTORY_MAX || self.history_bytes > HISTORY_BYTES_MAX {
            let Some(oldest) = self.history.pop_front() else { break };
            self.history_bytes -= cost(&oldest);
            self.forgotten = oldest.entry.revision;
        }
    }

    fn range(&self, prefix: &str) -> impl Iterator<Item = &Arc<Entry>> {
        self.range_after(prefix, "")
    }

    /// Those whose key comes after `after`.
    fn range_after(&self, prefix: &str, after: &str) -> impl Iterator<Item = &Arc<Entry>> {
        let from = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        self.objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(_, entry)| entry)
    }
}

/// What a remembered change keeps in memory beyond the live objects.
fn cost(change: &Change) -> usize {
    200 + change.before.as_ref().map_or(0, |it| it.bytes.len())
        + if change.kind == ChangeKind::Deleted { change.entry.bytes.len() } else { 0 }
}

#[derive(Debug, Default)]
struct Inner {
    revision: u64,
    opened: u64,
    shelves: HashMap<Arc<str>, Shelf>,
}

/// An object with the shelf it is on.
pub(crate) type ShelfEntry = (Arc<str>, Arc<Entry>);
/// A change with the shelf it is of.
pub(crate) type ShelfChange = (Arc<str>, Arc<Change>);

/// All objects of a server.
#[derive(Debug)]
pub(crate) struct Store {
    inner: RwLock<Inner>,
    journal: Option<Arc<dyn Journal>>,
    changed: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn open(journal: Option<Arc<dyn Journal>>) -> Result<Self, JournalError> {
        let mut inner = Inner { revision: 1, ..Inner::default() };
        if let Some(journal) = &journal {
            let loaded = journal.load()?;
            inner.revision = loaded.revision.max(1);
            inner.opened = inner.revision;
            for (shelf, key, revision, bytes) in loaded.objects {
                let entry = Arc::new(Entry { key: key.clone().into(), revision, bytes });
                let opened = inner.opened;
                let shelf = inner.shelves.entry(shelf.into()).or_insert_with(|| Shelf::new(opened));
                shelf.objects.insert(key.into(), entry);
            }
        }
        Ok(Self { inner: RwLock::new(inner), journal, changed: watch::Sender::new(0) })
    }

    fn read<T>(&self, shelf: &str, look: impl FnOnce(&Inner, Option<&Shelf>) -> T) -> T {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        look(&inner, inner.shelves.get(shelf))
    }

    /// The latest revision.
    pub(crate) fn revision(&self) -> u64 {
        self.read("", |inner, _| inner.revision)
    }

    pub(crate) fn find(&self, shelf: &str, key: &str) -> Option<Arc<Entry>> {
        self.read(shelf, |_, shelf| shelf?.objects.get(key).cloned())
    }

    /// Every object whose key begins with `prefix`, and the revision of the view.
    pub(crate) fn list(&self, shelf: &str, prefix: &str) -> (u64, Vec<Arc<Entry>>) {
        self.read(shelf, |inner, shelf| {
            (inner.revision, shelf.map(|it| it.range(prefix).cloned().collect()).unwrap_or_default())
        })
    }

    /// Up to `limit` objects after the key `after`, as they are now; whether more follow, and how many.
    pub(crate) fn page(
        &self,
        shelf: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> (u64, Vec<Arc<Entry>>, usize) {
        self.read(shelf, |inner, shelf| {
            let Some(shelf) = shelf else { return (inner.revision, Vec::new(), 0) };
            let mut rest = shelf.range_after(prefix, after);
            let page = rest.by_ref().take(limit).cloned().collect();
            (inner.revision, page, rest.count())
        })
    }

    /// Every object as it was at `revision`.
    pub(crate) fn list_at(
        &self,
        shelf: &str,
        prefix: &str,
        revision: u64,
    ) -> Result<Vec<Arc<Entry>>, PastError> {
        self.read(shelf, |inner, shelf| {
            if revision > inner.revision {
                return Err(PastError::Future);
            }
            let Some(shelf) = shelf else { return Ok(Vec::new()) };
            if revision < shelf.forgotten {
                return Err(PastError::Compacted);
            }
            let mut view: BTreeMap<&str, &Arc<Entry>> =
                shelf.range(prefix).map(|entry| (&*entry.key, entry)).collect();
            for change in shelf.history.iter().rev().take_while(|it| it.entry.revision > revision) {
                if change.entry.key.starts_with(prefix) {
                    match &change.before {
                        Some(before) => view.insert(&before.key, before),
                        None => view.remove(&*change.entry.key),
                    };
                }
            }
            Ok(view.into_values().cloned().collect())
        })
    }

    /// How many objects a shelf has.
    pub(crate) fn count(&self, shelf: &str) -> usize {
        self.read(shelf, |_, shelf| shelf.map_or(0, |it| it.objects.len()))
    }

    /// Writes an object. The result has its revision.
    pub(crate) fn put(
        &self,
        shelf: &Arc<str>,
        key: &str,
        expect: Expect,
        object: &Encoded,
    ) -> Result<Arc<Entry>, Raced> {
        self.commit(shelf, key, expect, |revision| (false, object.finish(revision)))
    }

    /// Removes an object. The result is its last state with the revision of the deletion.
    pub(crate) fn remove(
        &self,
        shelf: &Arc<str>,
        key: &str,
        revision: u64,
        last: &Encoded,
    ) -> Result<Arc<Entry>, Raced> {
        self.commit(shelf, key, Expect::At(revision), |revision| (true, last.finish(revision)))
    }

    fn commit(
        &self,
        name: &Arc<str>,
        key: &str,
        expect: Expect,
        make: impl FnOnce(u64) -> (bool, Bytes),
    ) -> Result<Arc<Entry>, Raced> {
        let mut guard = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        let forgotten = inner.opened;
        let shelf = inner.shelves.entry(name.clone()).or_insert_with(|| Shelf::new(forgotten));
        let before = shelf.objects.get(key).cloned();
        let found = before.as_ref().map_or(Expect::Absent, |it| Expect::At(it.revision));
        if found != expect {
            return Err(Raced);
        }
        let revision = inner.revision + 1;
        let (gone, bytes) = make(revision);
        let entry = Arc::new(Entry { key: key.into(), revision, bytes });
        let kind = match (&before, gone) {
            (_, true) => ChangeKind::Deleted,
            (None, _) => ChangeKind::Added,
            (Some(_), _) => ChangeKind::Modified,
        };
        if gone {
            shelf.objects.remove(key);
        } else {
            shelf.objects.insert(key.into(), entry.clone());
        }
        inner.revision = revision;
        shelf.remember(Arc::new(Change { kind, entry: entry.clone(), before, frame: OnceLock::new() }));
        if let Some(journal) = &self.journal {
            let bytes = (!gone).then(|| entry.bytes.clone());
            journal.submit(Record { shelf: name.clone(), key: key.into(), revision, bytes });
        }
        shelf.wake.send_replace(revision);
        self.changed.send_replace(revision);
        Ok(entry)
    }

    /// Waits until a revision is durable.
    pub(crate) async fn durable(&self, revision: u64) -> Result<(), JournalError> {
        match &self.journal {
            Some(journal) => journal.durable(revision).await,
            None => Ok(()),
        }
    }

    /// Follows a shelf from after `revision`.
    pub(crate) fn follow(&self, shelf: &Arc<str>, revision: u64) -> Result<Follower, PastError> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let forgotten = inner.opened;
        let shelf = inner.shelves.entry(shelf.clone()).or_insert_with(|| Shelf::new(forgotten));
        if revision < shelf.forgotten {
            return Err(PastError::Compacted);
        }
        Ok(Follower { wake: shelf.wake.subscribe(), seen: revision })
    }

    /// Changes of a shelf after `revision`, and the revision up to which they are complete.
    pub(crate) fn changes(&self, shelf: &str, revision: u64) -> Result<(u64, Vec<Arc<Change>>), PastError> {
        self.read(shelf, |inner, shelf| {
            let Some(shelf) = shelf else { return Ok((inner.revision, Vec::new())) };
            if revision < shelf.forgotten {
                return Err(PastError::Compacted);
            }
            let start = shelf.history.partition_point(|change| change.entry.revision <= revision);
            Ok((inner.revision, shelf.history.range(start..).cloned().collect()))
        })
    }

    /// Changes of every shelf after `revision`, in their order, and the revision up to which they are complete.
    pub(crate) fn all_changes(&self, revision: u64) -> Result<(u64, Vec<ShelfChange>), PastError> {
        self.read("", |inner, _| {
            let mut out: Vec<(Arc<str>, Arc<Change>)> = Vec::new();
            for (name, shelf) in &inner.shelves {
                if revision < shelf.forgotten {
                    return Err(PastError::Compacted);
                }
                let start = shelf.history.partition_point(|change| change.entry.revision <= revision);
                out.extend(shelf.history.range(start..).map(|it| (name.clone(), it.clone())));
            }
            out.sort_by_key(|(_, change)| change.entry.revision);
            Ok((inner.revision, out))
        })
    }

    /// Every object of every shelf.
    pub(crate) fn everything(&self) -> (u64, Vec<ShelfEntry>) {
        self.read("", |inner, _| {
            let all = inner.shelves.iter().flat_map(|(name, shelf)| {
                shelf.objects.values().map(move |entry| (name.clone(), entry.clone()))
            });
            (inner.revision, all.collect())
        })
    }

    /// Tells of every change of anything.
    pub(crate) fn any_change(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Writes what is still to be written and closes the journal.
    pub(crate) fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }
}

/// A place in the history of a shelf.
#[derive(Debug)]
pub(crate) struct Follower {
    wake: watch::Receiver<u64>,
    pub(crate) seen: u64,
}

impl Follower {
    /// Waits for a change after the last seen one. Without a server to follow any more it says `false`.
    pub(crate) async fn wait(&mut self) -> bool {
        let seen = self.seen;
        self.wake.wait_for(|revision| *revision > seen).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> Encoded {
        Encoded { bytes: format!("{{\"metadata\":{{\"name\":\"{name}\"}}}}").into_bytes(), at: 13 }
    }

    #[test]
    fn a_write_that_expects_something_else_is_refused() {
        let store = Store::open(None).unwrap();
        let shelf: Arc<str> = "configmaps".into();
        let first = store.put(&shelf, "a/b", Expect::Absent, &object("b")).unwrap();
        assert_eq!(store.put(&shelf, "a/b", Expect::Absent, &object("b")).unwrap_err(), Raced);
        assert!(store.put(&shelf, "a/b", Expect::At(first.revision), &object("b")).is_ok());
        assert_eq!(first.bytes, "{\"metadata\":{\"resourceVersion\":\"2\",\"name\":\"b\"}}");
    }

    #[test]
    fn the_past_can_be_listed_until_it_is_forgotten() {
        let store = Store::open(None).unwrap();
        let shelf: Arc<str> = "configmaps".into();
        let first = store.put(&shelf, "a/b", Expect::Absent, &object("b")).unwrap();
        let second = store.put(&shelf, "a/c", Expect::Absent, &object("c")).unwrap();
        store.remove(&shelf, "a/b", first.revision, &object("b")).unwrap();
        assert_eq!(store.list_at("configmaps", "a/", second.revision).unwrap().len(), 2);
        assert_eq!(store.list("configmaps", "a/").1.len(), 1);
        for _ in 0..=HISTORY_MAX / 2 {
            let at = store.put(&shelf, "x/y", Expect::Absent, &object("y")).unwrap();
            store.remove(&shelf, "x/y", at.revision, &object("y")).unwrap();
        }
        assert_eq!(store.list_at("configmaps", "a/", second.revision).unwrap_err(), PastError::Compacted);
    }
}
