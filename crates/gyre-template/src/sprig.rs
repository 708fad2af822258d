//! The functions of Masterminds/sprig, without those that read the environment.
//!
//! To add one: a line in the table of its module, and the function.

mod case;
mod cast;
mod crypto;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod lists;
mod math;
mod merge;
mod random;
mod reflection;
mod regex;
mod strings;
mod url;
mod versions;

use crate::functions::Function;

/// All tables.
pub(crate) fn tables() -> [&'static [Function]; 14] {
    [
        crypto::FUNCTIONS,
        dates::FUNCTIONS,
        defaults::FUNCTIONS,
        dicts::FUNCTIONS,
        encoding::FUNCTIONS,
        lists::FUNCTIONS,
        math::FUNCTIONS,
        merge::FUNCTIONS,
        random::FUNCTIONS,
        reflection::FUNCTIONS,
        regex::FUNCTIONS,
        strings::FUNCTIONS,
        url::FUNCTIONS,
        versions::FUNCTIONS,
    ]
}

pub(crate) use cast::to_int64;

/// What Go says when nil is asked for its type.
pub(super) const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";
