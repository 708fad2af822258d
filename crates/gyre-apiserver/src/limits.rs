//! The bounds of the server.

/// The largest request body.
pub(crate) const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
/// The deepest nesting of a body.
pub(crate) const DEPTH_MAX: usize = 120;
/// How many operations one JSON patch may have.
pub(crate) const PATCH_OPERATIONS_MAX: usize = 10_000;
/// How many past changes of one kind are kept for watches and paging.
pub(crate) const HISTORY_MAX: usize = 20_000;
/// How many bytes of past changes of one kind are kept.
pub(crate) const HISTORY_BYTES_MAX: usize = 24 * 1024 * 1024;
/// How often a write is tried again when another write came between.
pub(crate) const RETRIES_MAX: usize = 16;
/// The longest a watch lasts where the request does not say.
pub(crate) const WATCH_SECONDS: u64 = 1800;
/// How often a quiet watch that allows bookmarks gets one.
pub(crate) const BOOKMARK_SECONDS: u64 = 10;
/// How many characters of a generated name come before the five random ones.
pub(crate) const GENERATED_PREFIX_MAX: usize = 58;
/// The smallest body that is worth compressing.
pub(crate) const GZIP_BYTES_MIN: usize = 128 * 1024;
/// The largest sum of the values of a ConfigMap or Secret.
pub(crate) const CONFIG_BYTES_MAX: usize = 1024 * 1024;
/// The largest sum of the keys and values of annotations.
pub(crate) const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
/// How long a connection may take to send the head of a request.
pub(crate) const HEAD_SECONDS: u64 = 30;
/// How long a request may take to send its body.
pub(crate) const BODY_SECONDS: u64 = 60;
/// How many writes one durable commit may hold.
pub(crate) const GROUP_MAX: usize = 4096;

/// What one rule of a schema may cost (`k8s.io/apiserver`, PerCallLimit).
pub(crate) const RULE_COST_MAX: u64 = 1_000_000;

/// What all rules may cost for one object (RuntimeCELCostBudget).
pub(crate) const RULES_COST_MAX: u64 = 10_000_000;

/// How long an event stays after it was last seen.
pub(crate) const EVENT_SECONDS: i64 = 3600;

/// How many lines wait to be written to the audit log.
pub(crate) const AUDIT_QUEUE_MAX: usize = 4096;

/// How many expressions of admission policies are kept compiled.
pub(crate) const PROGRAMS_MAX: usize = 1024;

/// How many connections are served at the same time.
pub(crate) const CONNECTIONS_MAX: usize = 20_000;
