//! How much one template may do before it is stopped.

/// How deep templates call each other. Go's own limit is 100,000; this one keeps within the stack of a render.
pub const DEPTH_MAX: usize = 4_000;
/// How often Helm lets `include` of one name be inside itself.
pub const INCLUDE_DEPTH_MAX: usize = 1_000;
/// How deep parentheses and blocks nest.
pub const NESTING_MAX: usize = 500;
/// Nodes that one render executes.
pub const STEPS_MAX: u64 = 200_000_000;
/// Bytes that one render writes.
pub const OUTPUT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of one text that a function makes.
pub const TEXT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes and items in the arguments of one call of a function that walks them.
pub const WEIGHT_MAX: usize = 64 * 1024 * 1024;
/// Bytes that a function reads or makes in one step.
pub const BYTES_PER_STEP: usize = 16;
/// Items of one list that a function makes.
pub const LIST_ITEMS_MAX: usize = 1_000_000;
/// How deep values nest where a function walks them.
pub const VALUE_DEPTH_MAX: usize = 1_000;
/// Bytes of stack that a render needs.
pub const STACK_BYTES: usize = 512 * 1024 * 1024;
