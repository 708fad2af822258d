//! Values inside of texts that are YAML or JSON themselves.

use gyre_yaml::{Dialect, Layout, Node, NodeValue, node_to_json, parse_first, write_node};

use super::{take, visit::visit};
use crate::error::{Error, Result, fail};
use crate::hash::go_json;
use crate::node::{self, Kind, path::lookup};

/// Sets a value in the document that a text on the way holds. An error means: there is no such document.
pub(super) fn set(resource: &mut Node, value: &Node, path: &[String], create: Option<Kind>) -> Result<()> {
    let Some((outer, inner, text)) = find(resource, path) else {
        return fail("no structured data found in path");
    };
    let Some(document) = parse_first(text.as_bytes(), Dialect::V3)? else { return fail("empty") };
    let mut root = document.root;
    let count = visit(&mut root, inner, create, &mut |found| take(found, value.clone()))?;
    if count == 0 {
        return fail("unable to find field in structured data");
    }
    let written = write(&root, &text)?;
    visit(resource, outer, None, &mut |field| field.value = NodeValue::Scalar(written.as_str().into()))?;
    Ok(())
}

/// The first part of the path that leads to a text that can be read, the rest, and the text.
fn find<'a>(resource: &Node, path: &'a [String]) -> Option<(&'a [String], &'a [String], String)> {
    for at in 1..path.len() {
        let Ok(Some(found)) = lookup(resource, &path[..at]) else { continue };
        if node::kind(found) != Kind::Scalar {
            continue;
        }
        let text = node::raw_text(found);
        if parse_first(text.as_bytes(), Dialect::V3).is_ok() {
            return Some((&path[..at], &path[at..], text.to_owned()));
        }
    }
    None
}

/// The document in the form that it had: JSON stays JSON, indented JSON stays indented.
fn write(root: &Node, before: &str) -> Result<String> {
    let written = write_node(root, Layout::KYAML);
    if !before.trim_start().starts_with(['{', '[']) {
        return Ok(written.trim().to_owned());
    }
    let failed = |error: gyre_yaml::Error| Error::new(error.to_string());
    let Some(document) = parse_first(written.as_bytes(), Dialect::V3).map_err(failed)? else {
        return fail("empty");
    };
    let value = node_to_json(&document.root).map_err(failed)?;
    let mut json = String::new();
    go_json(&value, &mut json);
    if before.contains('\n') && before.contains("  ") {
        return Ok(indent(&json));
    }
    Ok(json)
}

/// Compact JSON with two spaces for every level, as Go's `MarshalIndent` writes it.
fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if quoted {
            out.push(letter);
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => {
                quoted = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                match letters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        newline(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => out.push(other),
        }
    }
    out
}
