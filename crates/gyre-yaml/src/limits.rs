//! The limits of reading YAML.

/// How deep collections may nest. The Go libraries stop at 10,000; a thread's stack is smaller than theirs.
pub const DEPTH_MAX: usize = 160;

/// How large one stream may be.
pub const STREAM_BYTES_MAX: usize = 256 << 20;

/// How many nodes a document may have once its aliases are written out.
pub const EXPANDED_NODES_MAX: usize = 4_000_000;

/// How many nodes a stream may have as it is written.
pub const NODES_MAX: usize = 4_000_000;

/// How many problems of one mapping are told.
pub(crate) const PROBLEMS_MAX: usize = 10_000;

/// How far ahead of a `:` its key may begin, in characters (YAML 1.2, 7.4.2).
pub(crate) const SIMPLE_KEY_CHARS_MAX: usize = 1024;

/// How far the Go library looks for a comment behind a token, in characters.
pub(crate) const COMMENT_PEEK_MAX: usize = 512;
