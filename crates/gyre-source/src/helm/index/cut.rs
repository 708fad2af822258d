//! Cuts an index in block style into its items.

use std::io::{BufRead, Read as _};

use gyre_yaml::yaml_to_json;
use serde_json::Value;

use super::{Head, HelmSourceError, Item, Trouble};
use crate::limits::HELM_LINE_BYTES_MAX;

/// Where in the text we are.
#[derive(Default)]
struct Cutter {
    /// Everything outside `entries`.
    head: Vec<u8>,
    in_entries: bool,
    /// How far the names of charts are indented.
    name_indent: Option<usize>,
    /// The chart whose versions are read.
    name: Option<String>,
    /// How far the items of the present chart are indented.
    item_indent: Option<usize>,
    /// The text of the present item.
    item: Vec<u8>,
    /// Where the present line begins.
    at: u64,
}

pub(super) type Visit<'a> = &'a mut dyn FnMut(&Item<'_>) -> Result<(), Trouble>;

/// The versions that an item says, as values.
pub(super) fn parse(item: &[u8]) -> Result<Vec<Value>, Trouble> {
    // A quotation that goes on at the left margin was cut apart: neither part can be read.
    match yaml_to_json(item) {
        Ok(Value::Array(items)) => Ok(items),
        Ok(Value::Null) => Ok(Vec::new()),
        _ => Err(Trouble::Shape),
    }
}

pub(super) fn read(mut lines: impl BufRead, visit: Visit<'_>) -> Result<Head, Trouble> {
    let mut cutter = Cutter::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = lines.by_ref().take(HELM_LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if length as u64 == HELM_LINE_BYTES_MAX {
            return Err(Trouble::Broken(HelmSourceError::new("a line of the index is too long")));
        }
        cutter.line(&line, visit)?;
        cutter.at += length as u64;
    }
    cutter.finish_item(visit)?;
    let head = yaml_to_json(&cutter.head).map_err(|_| Trouble::Shape)?;
    let Value::Object(fields) = head else {
        return if head.is_null() {
            Ok(Head { is_empty: true, ..Head::default() })
        } else {
            Err(Trouble::Shape)
        };
    };
    // Entries on the line of their key, or in a flow, were not cut.
    if fields.get("entries").and_then(Value::as_object).is_some_and(|entries| !entries.is_empty()) {
        return Err(Trouble::Shape);
    }
    let api_version = fields.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    Ok(Head { api_version: api_version.into(), is_empty: false })
}

impl Cutter {
    fn line(&mut self, line: &[u8], visit: Visit<'_>) -> Result<(), Trouble> {
        let indent = line.iter().take_while(|&&byte| byte == b' ').count();
        let rest = line[indent..].trim_ascii_end();
        if rest.is_empty() || rest[0] == b'#' {
            self.present().extend_from_slice(line);
            return Ok(());
        }
        if rest[0] == b'\t' {
            return Err(Trouble::Shape);
        }
        let is_item = rest == b"-" || rest.starts_with(b"- ");
        if indent == 0 {
            self.finish_item(visit)?;
            if is_item || rest.starts_with(b"%") || rest.starts_with(b"---") || rest.starts_with(b"...") {
                return Err(Trouble::Shape);
            }
            self.name = None;
            self.in_entries = rest == b"entries:";
            if !self.in_entries {
                self.head.extend_from_slice(line);
            }
            return Ok(());
        }
        if !self.in_entries {
            self.head.extend_from_slice(line);
            return Ok(());
        }
        let name_indent = *self.name_indent.get_or_insert(indent);
        if indent == name_indent && !is_item {
            return self.start_chart(rest, visit);
        }
        if self.name.is_none() || indent < name_indent {
            return Err(Trouble::Shape);
        }
        if is_item && self.item_indent.is_none_or(|known| known == indent) {
            self.finish_item(visit)?;
            self.item_indent = Some(indent);
        } else if self.item_indent.is_none_or(|known| indent <= known) {
            return Err(Trouble::Shape);
        }
        self.item.extend_from_slice(line);
        Ok(())
    }

    /// What lines belong to that say nothing of themselves.
    fn present(&mut self) -> &mut Vec<u8> {
        if self.in_entries { &mut self.item } else { &mut self.head }
    }

    /// `name:`, or `name: []`.
    fn start_chart(&mut self, line: &[u8], visit: Visit<'_>) -> Result<(), Trouble> {
        self.finish_item(visit)?;
        let Ok(Value::Object(entry)) = yaml_to_json(line) else { return Err(Trouble::Shape) };
        let Some((name, value)) = entry.into_iter().next() else { return Err(Trouble::Shape) };
        match value {
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            _ => return Err(Trouble::Shape),
        }
        self.name = Some(name);
        self.item_indent = None;
        Ok(())
    }

    fn finish_item(&mut self, visit: Visit<'_>) -> Result<(), Trouble> {
        let Some(name) = self.name.as_ref().filter(|_| !self.item.trim_ascii().is_empty()) else {
            self.item.clear();
            return Ok(());
        };
        let done = visit(&Item { name, at: self.at - self.item.len() as u64, text: &self.item });
        self.item.clear();
        done
    }
}
