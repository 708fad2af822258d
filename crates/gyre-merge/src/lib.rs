//! Patches and server-side apply, and the facts about built-in types that they need.

pub mod apply;
pub mod facts;
pub mod json_patch;
pub mod merge_patch;
pub mod schema;
pub mod strategic_merge;
pub mod typed;
