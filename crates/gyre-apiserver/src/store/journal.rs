//! What makes changes durable.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// Why the durable storage failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("storage {place}: {why}")]
pub struct JournalError {
    /// Its place.
    pub place: String,
    /// What happened.
    pub why: String,
}

/// One change to make durable.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) shelf: Arc<str>,
    pub(crate) key: Box<str>,
    pub(crate) revision: u64,
    /// The object, or `None` where it was deleted.
    pub(crate) bytes: Option<Bytes>,
}

/// What a journal held when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) revision: u64,
    /// Shelf, key, revision, object.
    pub(crate) objects: Vec<(String, String, u64, Bytes)>,
}

/// Takes changes in their order and makes them durable, many at a time.
pub(crate) trait Journal: fmt::Debug + Send + Sync {
    /// What was made durable before.
    fn load(&self) -> Result<Loaded, JournalError>;
    /// Hands over a change; called in the order of revisions, never waits for the disk.
    fn submit(&self, record: Record);
    /// Waits until a revision is durable.
    fn durable(&self, revision: u64) -> Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send + '_>>;
    /// Makes durable what was handed over, and stops.
    fn close(&self);
}
