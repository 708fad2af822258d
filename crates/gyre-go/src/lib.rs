//! What Go tools mean by a version range, a regular expression, a glob, a duration, a format verb.
//!
//! One module a subject. Texts that Go holds as bytes are bytes here where a template can bring others than UTF-8.

pub mod base64;
pub mod cron;
pub mod duration;
pub mod fmt;
pub mod glob;
pub mod json;
pub mod limits;
pub mod names;
pub mod quantity;
pub mod regexp;
pub mod semver;
pub mod strconv;
pub mod tabwriter;
pub mod time;
pub mod utf8;
