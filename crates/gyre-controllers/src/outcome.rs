//! What a reconcile comes to: computed once, at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// What a reconcile comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conclusion {
    /// The whole status as it is to be; `None` leaves it.
    pub(crate) status: Option<Value>,
    /// Changes to the object itself, as a merge patch: finalizers, annotations, an Application's operation.
    pub(crate) object: Option<Value>,
    /// Events, in order.
    pub(crate) notes: Vec<Note>,
    /// When to look again, if nothing happens before.
    pub(crate) again: Option<Duration>,
}

/// An event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// `Warning` instead of `Normal`.
    pub(crate) warning: bool,
    /// One word.
    pub(crate) reason: String,
    /// For people.
    pub(crate) message: String,
    /// Annotations of the event.
    pub(crate) annotations: BTreeMap<String, String>,
}
