//! Nodes to text as go-yaml v3 writes them, comments included.

use std::fmt::Write as _;

use serde_json::Value;

use super::order::sort_keys;
use super::scalar::{Analysis, Place, wanted_style};
use super::value::SIMPLE_KEY_BYTES_MAX;
use super::writer::Writer;
use crate::error::Dialect;
use crate::node::{Document, Node, NodeValue, Style};
use crate::number;
use crate::resolve;
use crate::tag::Tag;
use crate::token::ScalarStyle;

/// How the v3 writer indents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns a level.
    pub indent: u8,
    /// Does the `- ` of a list count as indentation?
    pub compact_lists: bool,
}

impl Layout {
    /// go-yaml's own: four columns.
    pub const DEFAULT: Self = Self { indent: 4, compact_lists: false };
    /// kyaml's: two columns, lists at the column of their key.
    pub const KYAML: Self = Self { indent: 2, compact_lists: true };
    /// Two columns, lists indented.
    pub const WIDE: Self = Self { indent: 2, compact_lists: false };
}

/// Writes one document.
pub fn write_document(document: &Document, layout: Layout) -> String {
    let mut emitter = Emitter::new(layout);
    emitter.document(&document.root, &document.comments.head, &document.comments.foot);
    emitter.writer.finish()
}

/// Writes a node as a document without comments of its own.
pub fn write_node(node: &Node, layout: Layout) -> String {
    let mut emitter = Emitter::new(layout);
    emitter.document(node, "", "");
    emitter.writer.finish()
}

/// Nodes for a JSON value as go-yaml v3 encodes it: sorted keys, quotes where a text would read as other than one.
pub fn value_to_node(value: &Value) -> Node {
    match value {
        Value::Null => Node::scalar("null", Tag::Null),
        Value::Bool(value) => Node::scalar(value.to_string(), Tag::Bool),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => Node::scalar(number::format_float(float), Tag::None),
            _ => Node::scalar(number.to_string(), Tag::Int),
        },
        Value::String(text) => text_node(text),
        Value::Array(items) => Node::sequence(items.iter().map(value_to_node).collect()),
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            sort_keys(&mut pairs, |(key, _)| key, Dialect::V3);
            Node::mapping(
                pairs.into_iter().map(|(key, value)| (text_node(key), value_to_node(value))).collect(),
            )
        }
    }
}

fn text_node(text: &str) -> Node {
    let mut node = Node::string(text);
    node.style = match wanted_style(text, Dialect::V3) {
        ScalarStyle::Literal => Style::LITERAL,
        ScalarStyle::DoubleQuoted => Style::DOUBLE_QUOTED,
        _ => Style::PLAIN,
    };
    node
}

/// Where a node stands.
#[derive(Clone, Copy, Default)]
struct Context {
    mapping: bool,
    /// An item of a block list: its content is indented by the `- ` only.
    block_item: bool,
    simple_key: bool,
}

struct Emitter {
    writer: Writer,
    layout: Layout,
    flow_level: usize,
    head: String,
    foot: String,
    tail: String,
    key_line: String,
}

/// A node's text, tag and style, ready to be written.
struct Prepared<'a> {
    anchor: &'a str,
    tag: String,
    style: ScalarStyle,
}

impl Emitter {
    fn new(layout: Layout) -> Self {
        Self {
            writer: Writer::new(Dialect::V3, i32::from(layout.indent)),
            layout,
            flow_level: 0,
            head: String::new(),
            foot: String::new(),
            tail: String::new(),
            key_line: String::new(),
        }
    }

    fn document(&mut self, root: &Node, head: &str, foot: &str) {
        if !head.is_empty() {
            head.clone_into(&mut self.head);
            self.head_comment();
            self.writer.put_break();
        }
        self.note_start(root, "", &root.comments().foot);
        self.head_comment();
        self.begin(root, Context::default());
        self.after_start();
        self.content(root, Context::default());
        if !foot.is_empty() {
            foot.clone_into(&mut self.foot);
        }
        self.writer.foot_indent = 0;
        self.foot_comment();
        self.writer.foot_indent = -1;
        self.writer.write_indent();
    }

    // Comments.

    /// Takes over the comments that come with the start of a node. Those behind a collection come with its end.
    fn note_start(&mut self, node: &Node, tail: &str, foot: &str) {
        let comments = node.comments();
        note(&mut self.head, &comments.head);
        note(&mut self.tail, tail);
        if matches!(node.value, NodeValue::Scalar(_) | NodeValue::Alias(_)) {
            note(&mut self.writer.line_comment, &comments.line);
            note(&mut self.foot, foot);
        }
    }

    fn note_end(&mut self, node: &Node, tail: &str) {
        let comments = node.comments();
        note(&mut self.writer.line_comment, &comments.line);
        note(&mut self.foot, &comments.foot);
        note(&mut self.tail, tail);
    }

    fn head_comment(&mut self) {
        if !self.tail.is_empty() {
            self.writer.write_indent();
            let tail = std::mem::take(&mut self.tail);
            self.writer.write_comment(&tail);
            self.writer.foot_indent = self.writer.indent.max(0);
        }
        if !self.head.is_empty() {
            self.writer.write_indent();
            let head = std::mem::take(&mut self.head);
            self.writer.write_comment(&head);
        }
    }

    fn foot_comment(&mut self) {
        if !self.foot.is_empty() {
            self.writer.write_indent();
            let foot = std::mem::take(&mut self.foot);
            self.writer.write_comment(&foot);
            self.writer.foot_indent = self.writer.indent.max(0);
        }
    }

    fn after_start(&mut self) {
        self.writer.process_line_comment();
        self.foot_comment();
    }

    fn has_trailing_comments(&self) -> bool {
        !(self.writer.line_comment.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    // Nodes.

    fn deeper(&mut self, flow: bool, block_item: bool, compact: bool) -> i32 {
        let before = self.writer.indent;
        let best = self.writer.best_indent;
        self.writer.indent = if before < 0 {
            if flow { best } else { 0 }
        } else if block_item {
            before + 2
        } else {
            best * ((before + best) / best) - if compact { 2 } else { 0 }
        };
        before
    }

    /// Writes a scalar, or the anchor and tag of a collection.
    fn begin(&mut self, node: &Node, context: Context) {
        if let NodeValue::Alias(alias) = &node.value {
            self.writer.indicator("*", true, false, false);
            self.writer.write_all(alias.name.as_bytes());
            self.writer.whitespace = false;
            self.writer.indention = false;
            return;
        }
        let prepared = Self::prepare(node);
        if !prepared.anchor.is_empty() {
            self.writer.indicator("&", true, false, false);
            self.writer.write_all(prepared.anchor.as_bytes());
            self.writer.whitespace = false;
            self.writer.indention = false;
        }
        if !prepared.tag.is_empty() {
            self.writer.indicator(&prepared.tag, true, false, false);
        }
        if let NodeValue::Scalar(text) = &node.value {
            let place = Place { simple_key: context.simple_key, flow: self.flow_level > 0 };
            let style = Analysis::of(text, Dialect::V3).style(prepared.style, place);
            let before = self.deeper(true, context.block_item, false);
            self.writer.scalar(text, style, !context.simple_key);
            self.writer.indent = before;
        }
    }

    fn prepare(node: &Node) -> Prepared<'_> {
        let mut tag = node.tag.clone();
        let mut force_quotes = false;
        if tag != Tag::None && !node.style.has(Style::TAGGED) {
            match &node.value {
                NodeValue::Scalar(text) => {
                    let plain = resolve::implicit_tag(Dialect::V3, text) == tag;
                    if tag == Tag::Str {
                        tag = Tag::None;
                        force_quotes = !plain && !node.style.has(Style::STRING);
                    } else if plain {
                        tag = Tag::None;
                    }
                }
                NodeValue::Mapping(_) if tag == Tag::Map => tag = Tag::None,
                NodeValue::Sequence(_) if tag == Tag::Seq => tag = Tag::None,
                _ => {}
            }
        }
        let style = node.style;
        let multiline = node.as_scalar().is_some_and(|text| text.contains('\n'));
        let style = if style.has(Style::DOUBLE_QUOTED) {
            ScalarStyle::DoubleQuoted
        } else if style.has(Style::SINGLE_QUOTED) {
            ScalarStyle::SingleQuoted
        } else if style.has(Style::LITERAL) {
            ScalarStyle::Literal
        } else if style.has(Style::FOLDED) {
            ScalarStyle::Folded
        } else if multiline {
            ScalarStyle::Literal
        } else if force_quotes {
            ScalarStyle::DoubleQuoted
        } else {
            ScalarStyle::Plain
        };
        Prepared { anchor: node.anchor(), tag: written_tag(&tag), style }
    }

    /// Writes what is inside of a collection.
    fn content(&mut self, node: &Node, context: Context) {
        match &node.value {
            NodeValue::Scalar(_) | NodeValue::Alias(_) => {}
            NodeValue::Sequence(items) => {
                if self.flow_level > 0 || node.style.has(Style::FLOW) || items.is_empty() {
                    self.flow_sequence(node, items, context);
                } else {
                    self.block_sequence(node, items, context);
                }
            }
            NodeValue::Mapping(pairs) => {
                if self.flow_level > 0 || node.style.has(Style::FLOW) || pairs.is_empty() {
                    self.flow_mapping(node, pairs, context);
                } else {
                    self.block_mapping(node, pairs, context);
                }
            }
        }
    }

    fn block_sequence(&mut self, node: &Node, items: &[Node], context: Context) {
        let compact = context.mapping
            && (self.writer.column == 0 || !self.writer.indention)
            && self.layout.compact_lists;
        let before = self.deeper(false, context.block_item, compact);
        let inside = Context { block_item: true, ..Context::default() };
        for item in items {
            self.note_start(item, "", &item.comments().foot);
            self.head_comment();
            self.writer.write_indent();
            self.writer.indicator("-", true, false, true);
            self.begin(item, inside);
            self.after_start();
            self.content(item, inside);
        }
        self.note_end(node, "");
        self.writer.indent = before;
    }

    fn block_mapping(&mut self, node: &Node, pairs: &[(Node, Node)], context: Context) {
        let before = self.deeper(false, context.block_item, false);
        let mut tail = "";
        for (key, value) in pairs {
            self.note_start(key, tail, "");
            tail = &key.comments().foot;
            self.head_comment();
            self.writer.write_indent();
            if !self.writer.line_comment.is_empty() {
                self.key_line = std::mem::take(&mut self.writer.line_comment);
            }
            let simple = Self::is_simple_key(key);
            let inside = Context { mapping: true, block_item: false, simple_key: simple };
            if !simple {
                self.writer.indicator("?", true, false, true);
            }
            self.begin(key, inside);
            self.content(key, inside);
            self.block_value(value, simple);
        }
        self.note_end(node, tail);
        self.head_comment();
        self.writer.indent = before;
    }

    fn block_value(&mut self, value: &Node, simple: bool) {
        let inside = Context { mapping: true, ..Context::default() };
        self.note_start(value, "", &value.comments().foot);
        if simple {
            self.writer.indicator(":", false, false, false);
        } else {
            self.writer.write_indent();
            self.writer.indicator(":", true, false, true);
        }
        if !self.key_line.is_empty() {
            let scalar = matches!(value.value, NodeValue::Scalar(_));
            let collection = matches!(value.value, NodeValue::Mapping(_) | NodeValue::Sequence(_));
            if scalar {
                if self.writer.line_comment.is_empty() {
                    self.writer.line_comment = std::mem::take(&mut self.key_line);
                }
            } else if collection && !value.style.has(Style::FLOW) {
                std::mem::swap(&mut self.writer.line_comment, &mut self.key_line);
                self.writer.process_line_comment();
                std::mem::swap(&mut self.writer.line_comment, &mut self.key_line);
            }
        }
        self.begin(value, inside);
        self.after_start();
        self.content(value, inside);
    }

    fn flow_sequence(&mut self, node: &Node, items: &[Node], context: Context) {
        self.writer.indicator("[", true, true, false);
        let before = self.deeper(true, context.block_item, false);
        self.flow_level += 1;
        let mut comma = false;
        for item in items {
            self.note_start(item, "", &item.comments().foot);
            if comma {
                self.writer.indicator(",", false, false, false);
            }
            self.head_comment();
            if self.writer.column == 0 {
                self.writer.write_indent();
            }
            let trail = self.has_trailing_comments();
            self.begin(item, Context::default());
            if trail {
                self.writer.indicator(",", false, false, false);
            }
            comma = !trail;
            self.after_start();
            self.content(item, Context::default());
        }
        self.note_end(node, "");
        self.flow_level -= 1;
        self.writer.indent = before;
        if self.writer.column == 0 {
            self.writer.write_indent();
        }
        self.writer.indicator("]", false, false, false);
        self.after_start();
    }

    fn flow_mapping(&mut self, node: &Node, pairs: &[(Node, Node)], context: Context) {
        self.writer.indicator("{", true, true, false);
        let before = self.deeper(true, context.block_item, false);
        self.flow_level += 1;
        let mut comma = false;
        let mut tail = "";
        for (key, value) in pairs {
            self.note_start(key, tail, "");
            tail = &key.comments().foot;
            if comma {
                self.writer.indicator(",", false, false, false);
            }
            self.head_comment();
            if self.writer.column == 0 {
                self.writer.write_indent();
            }
            let simple = Self::is_simple_key(key);
            if !simple {
                self.writer.indicator("?", true, false, false);
            }
            let inside = Context { mapping: true, block_item: false, simple_key: simple };
            self.begin(key, inside);
            self.content(key, inside);
            self.note_start(value, "", &value.comments().foot);
            self.writer.indicator(":", !simple, false, false);
            let trail = self.has_trailing_comments();
            let inside = Context { mapping: true, ..Context::default() };
            self.begin(value, inside);
            if trail {
                self.writer.indicator(",", false, false, false);
            }
            comma = !trail;
            self.after_start();
            self.content(value, inside);
        }
        self.note_end(node, tail);
        let below = !(self.head.is_empty() && self.foot.is_empty() && self.tail.is_empty());
        if below && comma {
            self.writer.indicator(",", false, false, false);
        }
        self.head_comment();
        self.flow_level -= 1;
        self.writer.indent = before;
        self.writer.indicator("}", false, false, false);
        self.after_start();
    }

    fn is_simple_key(key: &Node) -> bool {
        let around = key.anchor().len();
        let length = match &key.value {
            NodeValue::Alias(alias) => alias.name.len(),
            NodeValue::Scalar(text) => {
                if Analysis::of(text, Dialect::V3).multiline {
                    return false;
                }
                around + Self::prepare(key).tag.len() + text.len()
            }
            NodeValue::Sequence(items) if items.is_empty() => around + Self::prepare(key).tag.len(),
            NodeValue::Mapping(pairs) if pairs.is_empty() => around + Self::prepare(key).tag.len(),
            _ => return false,
        };
        length <= SIMPLE_KEY_BYTES_MAX
    }
}

fn note(into: &mut String, comment: &str) {
    if !comment.is_empty() {
        comment.clone_into(into);
    }
}

/// A tag as it stands in a text: `!!str`, `!mine`, `!<tag:other>`.
fn written_tag(tag: &Tag) -> String {
    let short = tag.short();
    if short.is_empty() {
        return String::new();
    }
    let (open, body, close) = match short.strip_prefix("!!") {
        Some(body) => ("!!", body, ""),
        None => match short.strip_prefix('!') {
            Some(body) => ("!", body, ""),
            None => ("!<", short, ">"),
        },
    };
    let mut text = String::from(open);
    for byte in body.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-;/?:@&=+$,_.~*'()[]".contains(&byte);
        if plain {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.push_str(close);
    text
}
