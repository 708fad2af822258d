//! What the API does for each verb.

mod body;
mod continues;
mod create;
mod delete;
mod log;
mod options;
mod patch;
mod read;
mod scale;
mod select;
mod subresource;
mod update;
mod written;

pub(crate) use body::{Strictness, parse_body};
pub(crate) use delete::DeleteOptions;
pub(crate) use log::Tail;
pub(crate) use options::check_list_options;
pub(crate) use read::{include_object, parse_revision, partial};
pub(crate) use select::Selection;

/// Puts an object into a namespace.
pub(crate) fn place_in(object: &mut serde_json::Value, ns: &str) {
    crate::object::metadata(object).insert("namespace".into(), ns.into());
}
