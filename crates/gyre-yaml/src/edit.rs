//! Changes to a text of YAML that leave everything else as it is: comments, order, quotes.

use serde_json::Value;

use crate::compose::parse_first;
use crate::emit::value::write_value;
use crate::error::{Dialect, Error};
use crate::json::yaml_to_json;
use crate::node::{Node, NodeValue, Style};

/// The text of a document, changed so that it reads as `wanted`. Only what differs is written anew; a text whose
/// changes cannot be placed is written anew as a whole.
pub fn edit(text: &str, wanted: &Value) -> Result<String, Error> {
    let Some(document) = parse_first(text.as_bytes(), Dialect::V2)? else { return Ok(write_value(wanted)) };
    let mut editor = Editor { text, lines: line_starts(text), changes: Vec::new() };
    if editor.value(&document.root, wanted).is_some() {
        let changed = editor.finish();
        if yaml_to_json(changed.as_bytes()).is_ok_and(|found| found == *wanted) {
            return Ok(changed);
        }
    }
    Ok(write_value(wanted))
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

struct Change {
    start: usize,
    end: usize,
    text: String,
}

struct Editor<'a> {
    text: &'a str,
    lines: Vec<usize>,
    changes: Vec<Change>,
}

impl Editor<'_> {
    fn finish(mut self) -> String {
        self.changes.sort_by_key(|change| (change.start, change.end));
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for change in self.changes {
            out.push_str(self.text.get(at..change.start).unwrap_or_default());
            out.push_str(&change.text);
            at = change.end.max(at);
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        out
    }

    fn change(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.changes.push(Change { start, end, text: text.into() });
    }

    /// Where a node begins. Columns count characters.
    fn start(&self, node: &Node) -> Option<usize> {
        let line = *self.lines.get(usize::try_from(node.line).ok()?.checked_sub(1)?)?;
        let rest = self.text.get(line..)?;
        let column = usize::try_from(node.column).ok()?.checked_sub(1)?;
        let offset = rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
        Some(line + offset)
    }

    /// Where the last content of a node ends.
    fn end(&self, node: &Node) -> Option<usize> {
        let is_block = !node.style.has(Style::FLOW);
        match &node.value {
            NodeValue::Mapping(pairs) if is_block => {
                let (key, value) = pairs.last()?;
                Some(self.end(value)?.max(self.end(key)? + 1))
            }
            NodeValue::Sequence(items) if is_block => self.end(items.last()?),
            _ if node.span.end == 0 => self.start(node),
            _ => {
                let end = usize::try_from(node.span.end).ok()?;
                let text = self.text.get(..end)?;
                Some(text.trim_end_matches('\n').len())
            }
        }
    }

    /// The end of the line that a place is in, its break included.
    fn line_end(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|rest| rest.find('\n')).map_or(self.text.len(), |found| at + found + 1)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1)
    }

    /// Makes a node read as `wanted`; `None` where that cannot be done in place.
    fn value(&mut self, node: &Node, wanted: &Value) -> Option<()> {
        if crate::json::value_of(node).is_some_and(|value| value == *wanted) {
            return Some(());
        }
        let is_block = !node.style.has(Style::FLOW) && node.anchor().is_empty();
        match (&node.value, wanted) {
            (NodeValue::Mapping(pairs), Value::Object(map))
                if is_block && !pairs.is_empty() && !map.is_empty() =>
            {
                self.mapping(node, pairs, map)
            }
            (NodeValue::Sequence(items), Value::Array(list))
                if is_block && !items.is_empty() && !list.is_empty() =>
            {
                self.sequence(node, items, list)
            }
            (NodeValue::Scalar(_), wanted) if !wanted.is_object() && !wanted.is_array() => {
                let written = write_value(wanted);
                let written = written.trim_end_matches('\n');
                if written.contains('\n')
                    || node.style.has(Style::LITERAL.with(Style::FOLDED))
                    || node.span.end == 0
                {
                    return None;
                }
                let (start, end) =
                    (usize::try_from(node.span.start).ok()?, usize::try_from(node.span.end).ok()?);
                self.change(start, end, written);
                Some(())
            }
            _ => None,
        }
    }

    fn mapping(
        &mut self,
        node: &Node,
        pairs: &[(Node, Node)],
        map: &serde_json::Map<String, Value>,
    ) -> Option<()> {
        let indent = usize::try_from(node.column).ok()?.checked_sub(1)?;
        for (at, (key, value)) in pairs.iter().enumerate() {
            let name = key.as_scalar()?;
            let start = self.start(key)?;
            let end = self.end(value)?.max(self.end(key)?);
            let Some(wanted) = map.get(name) else {
                let line = self.line_start(start);
                if at == 0 && !self.text.get(line..start)?.trim().is_empty() {
                    // The key stands behind a dash: the next one would have to move up.
                    return None;
                }
                let (line, end) = (self.with_comments(line), self.line_end(end));
                self.change(line, end, "");
                continue;
            };
            let before = self.changes.len();
            if self.value(value, wanted).is_none() {
                self.changes.truncate(before);
                self.change(start, end, indented(&entry(name, wanted), indent));
            }
        }
        let missing: Vec<_> = map
            .iter()
            .filter(|(name, _)| !pairs.iter().any(|(key, _)| key.as_scalar() == Some(name)))
            .collect();
        let (key, value) = pairs.last()?;
        let end = self.end(value)?.max(self.end(key)?);
        for (name, value) in missing {
            self.append(end, indent, &entry(name, value));
        }
        Some(())
    }

    /// Comments right above a line belong to it.
    fn with_comments(&self, line: usize) -> usize {
        let mut first = line;
        while first > 0 {
            let above = self.line_start(first - 1);
            let is_comment =
                self.text.get(above..first).is_some_and(|text| text.trim_start().starts_with('#'));
            if !is_comment {
                break;
            }
            first = above;
        }
        // A comment that begins the text is about all of it.
        if first == 0 { line } else { first }
    }

    /// Adds a line behind a place.
    fn append(&mut self, end: usize, indent: usize, entry: &str) {
        let at = self.line_end(end);
        let mut text = String::new();
        if at > 0 && !self.text.get(..at).is_some_and(|before| before.ends_with('\n')) {
            text.push('\n');
        }
        text.push_str(&" ".repeat(indent));
        text.push_str(&indented(entry, indent));
        text.push('\n');
        self.change(at, at, text);
    }

    fn sequence(&mut self, node: &Node, items: &[Node], wanted: &[Value]) -> Option<()> {
        let dash = usize::try_from(node.column).ok()?.checked_sub(1)?;
        let values: Vec<Option<Value>> = items.iter().map(crate::json::value_of).collect();
        let same = |at: usize, value: &Value| values[at].as_ref() == Some(value);
        let removed: Vec<usize> =
            (0..items.len()).filter(|&at| !wanted.iter().any(|value| same(at, value))).collect();
        let added: Vec<&Value> =
            wanted.iter().filter(|value| !(0..items.len()).any(|at| same(at, value))).collect();
        // What was removed and what was added pair up: those are items that changed.
        let changed = removed.len().min(added.len());
        for (&at, value) in removed.iter().zip(&added) {
            let before = self.changes.len();
            if self.value(&items[at], value).is_none() {
                self.changes.truncate(before);
                let (start, end) = (self.start(&items[at])?, self.end(&items[at])?);
                let column = usize::try_from(items[at].column).ok()?.checked_sub(1)?;
                self.change(start, end, indented(write_value(value).trim_end(), column));
            }
        }
        for &at in removed.iter().skip(changed) {
            let (start, end) = (self.start(&items[at])?, self.end(&items[at])?);
            let line = self.line_start(start);
            let before = self.text.get(line..start)?.trim();
            if before != "-" {
                return None;
            }
            let (line, end) = (self.with_comments(line), self.line_end(end));
            self.change(line, end, "");
        }
        let end = self.end(items.last()?)?;
        for value in added.iter().skip(changed) {
            let item = indented(write_value(value).trim_end(), 2);
            self.append(end, dash, &format!("- {item}"));
        }
        Some(())
    }
}

/// A field as it is written.
fn entry(name: &str, value: &Value) -> String {
    let map: serde_json::Map<String, Value> = [(name.to_owned(), value.clone())].into_iter().collect();
    write_value(&Value::Object(map)).trim_end().to_owned()
}

/// A text whose lines behind the first are moved to the right.
fn indented(text: &str, by: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
            if !line.is_empty() {
                out.push_str(&" ".repeat(by));
            }
        }
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::edit;

    const TEXT: &str = "# about\nname: a # the name\n\nlist: # why\n- x\n# two\n- y # second\nimages:\n- name: i # keep\n  newTag: '1'\nmap:\n  k: v\n";

    #[test]
    fn changes_only_what_differs() {
        let wanted = json!({
            "name": "b", "list": ["x", "z", "w"], "images": [{"name": "i", "newTag": "2"}], "map": {"k": "v", "l": "m"},
        });
        let changed = edit(TEXT, &wanted).unwrap();
        assert_eq!(
            changed,
            "# about\nname: b # the name\n\nlist: # why\n- x\n# two\n- z # second\n- w\nimages:\n- name: i # keep\n  newTag: \"2\"\nmap:\n  k: v\n  l: m\n"
        );
    }

    #[test]
    fn takes_out_and_adds() {
        let wanted = json!({"name": "a", "list": ["x"], "new": {"a": [1]}, "map": {"k": "v"}});
        let changed = edit(TEXT, &wanted).unwrap();
        assert_eq!(
            changed,
            "# about\nname: a # the name\n\nlist: # why\n- x\nmap:\n  k: v\nnew:\n  a:\n  - 1\n"
        );
    }

    #[test]
    fn writes_anew_what_has_no_place() {
        assert_eq!(edit("{a: 1}", &json!({"a": 2})).unwrap(), "a: 2\n");
        assert_eq!(edit("", &json!({"a": 2})).unwrap(), "a: 2\n");
    }
}
