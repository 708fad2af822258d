//! Changes to a text of YAML that leave everything else as it is: comments, order, quotes.

use serde_json::Value;

use crate::compose::Source;
use crate::emit::value::write_value;
use crate::error::{Dialect, Error};
use crate::json::yaml_to_json;
use crate::node::{Node, NodeValue, Style};

/// The text of a document, changed so that it reads as `wanted`. Only what differs is written anew; a text whose
/// changes cannot be placed is written anew as a whole. New fields of the document come last, in the order of `order`
/// and then of their names; those of inner mappings where their name belongs.
pub fn edit(text: &str, wanted: &Value, order: &[&str]) -> Result<String, Error> {
    if text.contains("\r\n") {
        // Line ends stay as they are, those of new lines too.
        return edit(&text.replace("\r\n", "\n"), wanted, order).map(|changed| changed.replace('\n', "\r\n"));
    }
    let source = Source::new(text.as_bytes());
    let document = source.documents(Dialect::V2, false).with_places().next_document()?;
    let Some(document) = document else { return Ok(written_anew(wanted, order)) };
    let mut editor = Editor { text, lines: line_starts(text), changes: Vec::new(), order, root: None };
    editor.root = editor.start(&document.root);
    if editor.value(&document.root, wanted).is_some() {
        let changed = editor.finish();
        if yaml_to_json(changed.as_bytes()).is_ok_and(|found| found == *wanted) {
            return Ok(changed);
        }
    }
    Ok(written_anew(wanted, order))
}

/// A document with its fields in an order, those that it does not name last.
fn written_anew(wanted: &Value, order: &[&str]) -> String {
    let Value::Object(map) = wanted else { return write_value(wanted) };
    if map.is_empty() {
        return write_value(wanted);
    }
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_by_key(|(name, _)| rank(order, name));
    fields.iter().map(|(name, value)| entry(name, value) + "\n").collect()
}

fn rank(order: &[&str], name: &str) -> usize {
    order.iter().position(|known| *known == name).unwrap_or(usize::MAX)
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
    /// The order of new fields of the document.
    order: &'a [&'a str],
    /// Where the document's own node begins.
    root: Option<usize>,
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
        let column = usize::try_from(node.place().column).ok()?.checked_sub(1)?;
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
            _ if node.place().span.end == 0 => self.start(node),
            _ => {
                let end = usize::try_from(node.place().span.end).ok()?;
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
                    || node.place().span.end == 0
                {
                    return None;
                }
                let span = node.place().span;
                let (start, end) = (usize::try_from(span.start).ok()?, usize::try_from(span.end).ok()?);
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
        let indent = usize::try_from(node.place().column).ok()?.checked_sub(1)?;
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
        let mut missing: Vec<_> = map
            .iter()
            .filter(|(name, _)| !pairs.iter().any(|(key, _)| key.as_scalar() == Some(name)))
            .collect();
        let is_document = self.start(node) == self.root;
        if is_document {
            missing.sort_by_key(|(name, _)| rank(self.order, name));
        }
        let names: Vec<&str> = pairs.iter().filter_map(|(key, _)| key.as_scalar()).collect();
        let (key, value) = pairs.last()?;
        let end = self.end(value)?.max(self.end(key)?);
        for (name, value) in missing {
            match names.iter().position(|known| *known > name.as_str()) {
                Some(at) if !is_document && names.is_sorted() => {
                    self.prepend(self.start(&pairs[at].0)?, indent, &entry(name, value));
                }
                _ => self.append(end, indent, &entry(name, value)),
            }
        }
        Some(())
    }

    /// Adds a line before the one that a field begins in; before the field itself where that stands behind a dash.
    fn prepend(&mut self, start: usize, indent: usize, entry: &str) {
        let line = self.line_start(start);
        let margin = " ".repeat(indent);
        let entry = indented(entry, indent);
        if self.text.get(line..start).is_some_and(|before| before.trim().is_empty()) {
            let line = self.with_comments(line);
            self.change(line, line, format!("{margin}{entry}\n"));
        } else {
            self.change(start, start, format!("{entry}\n{margin}"));
        }
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
        let dash = usize::try_from(node.place().column).ok()?.checked_sub(1)?;
        let places = places(items, wanted)?;
        for (at, value) in wanted.iter().enumerate() {
            let Some(place) = places[at] else { continue };
            let before = self.changes.len();
            if self.value(&items[place], value).is_none() {
                self.changes.truncate(before);
                let (start, end) = (self.start(&items[place])?, self.end(&items[place])?);
                let column = usize::try_from(items[place].place().column).ok()?.checked_sub(1)?;
                self.change(start, end, indented(&without_break(write_value(value)), column));
            }
        }
        for item in (0..items.len()).filter(|at| !places.contains(&Some(*at))).map(|at| &items[at]) {
            let line = self.item_line(item)?;
            let (line, end) = (self.with_comments(line), self.line_end(self.end(item)?));
            self.change(line, end, "");
        }
        let end = self.end(items.last()?)?;
        for (at, value) in wanted.iter().enumerate().filter(|(at, _)| places[*at].is_none()) {
            let item = format!("- {}", indented(&without_break(write_value(value)), 2));
            match places[at..].iter().flatten().next() {
                Some(next) => {
                    let line = self.item_line(&items[*next])?;
                    self.prepend(line, dash, &item);
                }
                None => self.append(end, dash, &item),
            }
        }
        Some(())
    }

    /// Where the line of an item begins that is alone behind its dash.
    fn item_line(&self, item: &Node) -> Option<usize> {
        let start = self.start(item)?;
        let line = self.line_start(start);
        (self.text.get(line..start)?.trim() == "-").then_some(line)
    }
}

/// Which item each wanted value is made from, if any: the same one, the one of the same name, or one that is not wanted
/// and stands at its place. `None` where the order would change.
fn places(items: &[Node], wanted: &[Value]) -> Option<Vec<Option<usize>>> {
    let values: Vec<Option<Value>> = items.iter().map(crate::json::value_of).collect();
    let mut places = vec![None; wanted.len()];
    let mut used = vec![false; items.len()];
    let same = |found: &Value, wanted: &Value| found == wanted;
    let named = |found: &Value, wanted: &Value| {
        found.get("name").is_some_and(|name| name.is_string() && wanted.get("name") == Some(name))
    };
    for fits in [&same as &dyn Fn(&Value, &Value) -> bool, &named] {
        for (place, wanted) in places.iter_mut().zip(wanted).filter(|(place, _)| place.is_none()) {
            *place = (0..items.len())
                .find(|at| !used[*at] && values[*at].as_ref().is_some_and(|found| fits(found, wanted)));
            if let Some(at) = *place {
                used[at] = true;
            }
        }
    }
    if !places.iter().flatten().is_sorted() {
        return None;
    }
    let mut next = 0;
    for at in 0..places.len() {
        if places[at].is_none() {
            let limit = places[at..].iter().flatten().next().copied().unwrap_or(items.len());
            places[at] = (next..limit).find(|item| !used[*item]);
        }
        if let Some(item) = places[at] {
            used[item] = true;
            next = item + 1;
        }
    }
    Some(places)
}

/// A field as it is written.
fn entry(name: &str, value: &Value) -> String {
    let map: serde_json::Map<String, Value> = [(name.to_owned(), value.clone())].into_iter().collect();
    without_break(write_value(&Value::Object(map)))
}

/// A text without its last line break. Those before it can belong to a value.
fn without_break(mut text: String) -> String {
    text.truncate(text.strip_suffix('\n').map_or(text.len(), str::len));
    text
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
        let changed = edit(TEXT, &wanted, &[]).unwrap();
        assert_eq!(
            changed,
            "# about\nname: b # the name\n\nlist: # why\n- x\n# two\n- z # second\n- w\nimages:\n- name: i # keep\n  newTag: \"2\"\nmap:\n  k: v\n  l: m\n"
        );
    }

    #[test]
    fn takes_out_and_adds() {
        let wanted = json!({"name": "a", "list": ["x"], "new": {"a": [1]}, "map": {"k": "v"}});
        let changed = edit(TEXT, &wanted, &[]).unwrap();
        assert_eq!(
            changed,
            "# about\nname: a # the name\n\nlist: # why\n- x\nmap:\n  k: v\nnew:\n  a:\n  - 1\n"
        );
    }

    #[test]
    fn puts_new_things_where_they_belong() {
        let text = "b: # why\n- name: c # three\n  tag: 1\n- name: e\nz: {}\n";
        let wanted = json!({
            "a": 1, "y": 2, "z": {},
            "b": [{"name": "a"}, {"name": "c", "new": 1, "tag": 1}, {"name": "d"}, {"digest": "x", "name": "e"}],
        });
        assert_eq!(
            edit(text, &wanted, &["y", "a"]).unwrap(),
            "b: # why\n- name: a\n- name: c # three\n  new: 1\n  tag: 1\n- name: d\n- digest: x\n  name: e\nz: {}\n\"y\": 2\na: 1\n"
        );
    }

    #[test]
    fn keeps_line_ends() {
        let text = "a: 1 # one\r\nb:\r\n- x\r\n";
        let changed = edit(text, &json!({"a": 2, "b": ["x", "z"]}), &[]).unwrap();
        assert_eq!(changed, "a: 2 # one\r\nb:\r\n- x\r\n- z\r\n");
    }

    #[test]
    fn writes_anew_what_has_no_place() {
        assert_eq!(edit("{a: 1}", &json!({"a": 2}), &[]).unwrap(), "a: 2\n");
        let wanted = json!({"a": 2, "b": [1], "c": {}});
        assert_eq!(edit("{a: 1}", &wanted, &["b", "a"]).unwrap(), "b:\n- 1\na: 2\nc: {}\n");
        assert_eq!(edit("", &json!({"a": 2}), &[]).unwrap(), "a: 2\n");
        assert_eq!(edit("null", &json!({"a": "\n", "b": "x\n\n"}), &[]).unwrap(), "a: |2+\n\nb: |+\n  x\n\n");
    }
}
