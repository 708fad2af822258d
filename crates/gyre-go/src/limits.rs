//! How much each reader takes before it says no.

/// Bytes of one version (Masterminds/semver 3.5).
pub const VERSION_BYTES_MAX: usize = 256;
/// Bytes of one version range (Masterminds/semver 3.5).
pub const CONSTRAINT_BYTES_MAX: usize = 512;
/// Alternatives of one version range (Masterminds/semver 3.5).
pub const CONSTRAINT_GROUPS_MAX: usize = 32;
/// Bytes of a version range where the library names no limit.
pub const CONSTRAINT_BYTES_HARD_MAX: usize = 64 * 1024;
/// Bytes of one glob.
pub const GLOB_BYTES_MAX: usize = 16 * 1024;
/// How many ways through the braces of one glob are tried.
pub const GLOB_BRANCHES_MAX: usize = 10_000;
/// How deep braces nest.
pub const GLOB_DEPTH_MAX: usize = 64;
/// Bytes that one `printf` pads out to; what is longer is cut.
pub const FORMAT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest width and precision that Go's `fmt` takes.
pub const FORMAT_WIDTH_MAX: usize = 1_000_000;
/// How deep JSON nests. Go's own limit is 10,000; this one keeps within a thread's stack.
pub const JSON_DEPTH_MAX: usize = 1_000;
/// The largest count of a repetition in a regular expression, and of nested ones together.
pub const REGEXP_REPEAT_MAX: usize = 1_000;
/// How deep a regular expression nests. Go's own limit is 1,000; this one keeps within a thread's stack.
pub const REGEXP_DEPTH_MAX: usize = 250;
/// Bytes of a compiled regular expression.
pub const REGEXP_SIZE_MAX: usize = 20 * 1024 * 1024;
/// Bytes of a text in which matches were replaced.
pub const REPLACED_BYTES_MAX: usize = 32 * 1024 * 1024;
