//! Bounds of this crate.

use std::time::Duration;

/// Objects of one kind that are reconciled at once.
pub(crate) const WORKERS: usize = 8;
/// How long a reconcile may take before it is cut off. What waits for a cluster waits outside of it.
pub(crate) const RECONCILE_MAX: Duration = Duration::from_secs(300);
/// After a panic or a cut-off.
pub(crate) const BROKEN_RETRY: Duration = Duration::from_secs(60);
/// Looks again at what is missing, should its coming go unnoticed.
pub(crate) const DEPENDENCY_RETRY: Duration = Duration::from_secs(30);
/// The pause after a write of a status that failed.
pub(crate) const STATUS_RETRY: Duration = Duration::from_secs(1);
/// Events that wait to be written.
pub(crate) const EVENTS_WAITING: usize = 4096;
/// Events that are remembered, so that a repetition is counted instead of written anew.
pub(crate) const EVENTS_REMEMBERED: usize = 4096;
/// Letters of an event's message (`core/v1` Event validation).
pub(crate) const EVENT_MESSAGE_MAX: usize = 1024;
/// Letters of a condition's message (`metav1.Condition`).
pub(crate) const CONDITION_MESSAGE_MAX: usize = 32768;
/// By how much of itself an interval varies, in hundredths, so that objects do not come all at once.
pub(crate) const JITTER_PERCENT: u64 = 5;
