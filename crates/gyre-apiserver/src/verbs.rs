//! What the API does for each verb.

mod body;
mod create;
mod delete;
mod patch;
mod read;
mod scale;
mod subresource;
mod update;

pub(crate) use body::{Strictness, parse_body};
pub(crate) use delete::DeleteOptions;
pub(crate) use read::{Selection, check_list_options, include_object, parse_revision, partial};

/// Puts an object into a namespace.
pub(crate) fn place_in(object: &mut serde_json::Value, ns: &str) {
    crate::object::metadata(object).insert("namespace".into(), ns.into());
}
