//! YAML as the Go libraries read and write it, with spans.
//!
//! [`Source`] reads a stream into [`Document`]s of [`Node`]s; [`yaml_to_json`] goes straight to JSON as
//! `sigs.k8s.io/yaml` does. [`write_value`] writes JSON as that library does, [`write_node`] writes nodes as go-yaml
//! v3 does.

mod chars;
mod compose;
mod decode;
mod edit;
mod emit;
mod error;
mod event;
mod input;
mod json;
pub mod limits;
mod node;
mod number;
mod parser;
mod quick;
mod resolve;
mod scanner;
mod split;
mod tag;
mod timestamp;
mod token;

pub use compose::{Documents, Source, parse_all, parse_first};
pub use decode::{Decoded, decode};
pub use edit::edit;
pub use emit::node::{Layout, value_to_node, write_document, write_node};
pub use emit::value::write_value;
pub use error::{Dialect, Error, Mark};
pub use event::Comments;
pub use json::{general_to_json, node_to_json, yaml_to_json, yaml_to_json_strict};
pub use node::{Alias, Document, Extra, Node, NodeValue, Place, Span, Style};
pub use number::format_float;
pub use resolve::{Meaning, implicit_tag, resolve};
pub use smol_str::{SmolStr, format_smolstr};
pub use split::{Part, split_documents};
pub use tag::Tag;
pub use timestamp::Timestamp;
