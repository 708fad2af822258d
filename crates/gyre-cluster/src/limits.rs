//! Bounds of this crate.

use std::time::Duration;

/// Objects a page of a list.
pub(crate) const LIST_PAGE: usize = 500;
/// How long a watch lasts before it is renewed; the server may end it sooner.
pub(crate) const WATCH_S: u64 = 290;
/// The longest line of a watch: etcd's own limit for an object is 1.5 MiB, twice that for JSON.
pub(crate) const WATCH_LINE_BYTES_MAX: usize = 8 << 20;
/// How long a request is tried again while the server cannot be reached.
pub(crate) const UNREACHABLE_FOR: Duration = Duration::from_secs(30);
/// The first pause between two tries; it doubles up to [`RETRY_PAUSE_MAX`].
pub(crate) const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
pub(crate) const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How many requests of one plan are under way at once.
pub(crate) const REQUESTS_AT_ONCE: usize = 8;
/// How long a phase waits for its objects before the next one begins (`fluxcd/pkg ssa` WaitTimeout).
pub(crate) const PHASE_WAIT: Duration = Duration::from_secs(60);
/// How long a recreated object may take to go away.
pub(crate) const RECREATE_WAIT: Duration = Duration::from_secs(60);
/// How old a discovery document may be before an unknown kind makes it be read again.
pub(crate) const DISCOVERY_FRESH: Duration = Duration::from_millis(200);
