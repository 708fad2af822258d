//! JSON as Go's `encoding/json` reads and writes it: its numbers, its escapes, its error texts.

mod read;
mod write;

use std::collections::BTreeMap;

pub use read::{SyntaxError, compact, parse, parse_first};
pub use write::{number, number32, write_string};

use crate::strconv;

/// A JSON value that keeps its numbers as they were written.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A text; what was not UTF-8 is U+FFFD.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object; of equal keys the last one counts.
    Object(BTreeMap<String, Json>),
    /// An object whose keys keep the order of a struct. It is only written, never read.
    Struct(Vec<(String, Json)>),
}

/// How JSON is written.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Are `<`, `>`, `&` escaped, as `json.Marshal` does?
    pub escape_html: bool,
    /// What a level is indented by; `None` for one line.
    pub indent: Option<&'a str>,
    /// Are numbers written as they were read, and not as a `float64` is?
    pub keep_numbers: bool,
}

/// `json.Marshal`.
pub const MARSHAL: Style<'static> = Style { escape_html: true, indent: None, keep_numbers: false };

impl Json {
    /// The JSON text.
    pub fn to_text(&self, style: Style<'_>) -> Result<String, UnsupportedValue> {
        let mut out = String::new();
        self.write(style, 0, &mut out)?;
        Ok(out)
    }

    fn write(&self, style: Style<'_>, depth: usize, out: &mut String) -> Result<(), UnsupportedValue> {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) if style.keep_numbers => out.push_str(text),
            Self::Number(text) => match strconv::parse_float(text) {
                Ok(value) => out.push_str(&number(value)?),
                Err(_) => return Err(UnsupportedValue(text.clone())),
            },
            Self::String(text) => write_string(text.as_bytes(), style.escape_html, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    write::separate(style, index, depth, out);
                    item.write(style, depth + 1, out)?;
                }
                write::close(style, items.is_empty(), depth, ']', out);
            }
            Self::Object(entries) => write_object(entries.iter(), style, depth, out)?,
            Self::Struct(entries) => {
                write_object(entries.iter().map(|(key, value)| (key, value)), style, depth, out)?;
            }
        }
        Ok(())
    }
}

fn write_object<'j>(
    entries: impl ExactSizeIterator<Item = (&'j String, &'j Json)>,
    style: Style<'_>,
    depth: usize,
    out: &mut String,
) -> Result<(), UnsupportedValue> {
    let empty = entries.len() == 0;
    out.push('{');
    for (index, (key, value)) in entries.enumerate() {
        write::separate(style, index, depth, out);
        write_string(key.as_bytes(), style.escape_html, out);
        out.push_str(if style.indent.is_some() { ": " } else { ":" });
        value.write(style, depth + 1, out)?;
    }
    write::close(style, empty, depth, '}', out);
    Ok(())
}

/// A number that JSON does not have.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("json: unsupported value: {0}")]
pub struct UnsupportedValue(pub String);
