//! What bounds an expression.

/// How deep an expression may be nested; deeper ones are refused, as by cel-go.
pub(crate) const DEPTH_MAX: usize = 250;

/// Code points of an expression (cel-go, `ExpressionSizeCodePointLimit`).
pub(crate) const EXPRESSION_CHARS_MAX: usize = 100_000;

/// Bytes of a text that an expression makes.
pub(crate) const TEXT_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Items of a list that an expression makes.
pub(crate) const ITEMS_MAX: usize = 1_000_000;
