//! What kyaml does with nodes: look-ups, settings and the kinds it asks for.

pub(crate) mod path;

use std::collections::BTreeMap;

use gyre_yaml::{Layout, Node, NodeValue, SmolStr, Style, Tag, write_node};

use crate::error::{Error, ErrorKind, Result};

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Sequence,
    Mapping,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Scalar => "ScalarNode",
            Self::Sequence => "SequenceNode",
            Self::Mapping => "MappingNode",
        }
    }
}

pub(crate) fn kind(node: &Node) -> Kind {
    match node.value {
        NodeValue::Scalar(_) | NodeValue::Alias(_) => Kind::Scalar,
        NodeValue::Sequence(_) => Kind::Sequence,
        NodeValue::Mapping(_) => Kind::Mapping,
    }
}

/// An empty node of a kind, as made on the way to a field.
pub(crate) fn empty(kind: Kind) -> Node {
    let value = match kind {
        Kind::Scalar => NodeValue::Scalar(SmolStr::default()),
        Kind::Sequence => NodeValue::Sequence(Vec::new()),
        Kind::Mapping => NodeValue::Mapping(Vec::new()),
    };
    Node::new(value, Tag::None)
}

/// A scalar about which nothing is said: it is what its text reads as.
pub(crate) fn untagged(text: impl Into<SmolStr>) -> Node {
    Node::scalar(text, Tag::None)
}

/// Is the node null, whatever its kind?
pub(crate) fn is_null(node: &Node) -> bool {
    node.tag == Tag::Null
}

/// Null, or a mapping or list without content.
pub(crate) fn is_nil_or_empty(node: &Node) -> bool {
    is_null(node)
        || match &node.value {
            NodeValue::Mapping(pairs) => pairs.is_empty(),
            NodeValue::Sequence(items) => items.is_empty(),
            _ => false,
        }
}

/// The text of a scalar; empty for anything else and for null.
pub(crate) fn text(node: &Node) -> &str {
    if is_null(node) { "" } else { node.as_scalar().unwrap_or_default() }
}

/// The text of a scalar, null or not.
pub(crate) fn raw_text(node: &Node) -> &str {
    node.as_scalar().unwrap_or_default()
}

/// May the node count as a string?
pub(crate) fn is_string(node: &Node) -> bool {
    kind(node) == Kind::Scalar && matches!(node.tag, Tag::Str | Tag::None)
}

pub(crate) fn shown(node: &Node) -> String {
    write_node(node, Layout::KYAML)
}

/// The error where a node is of another kind; null is of any.
pub(crate) fn demand(node: &Node, wanted: Kind) -> Result<()> {
    let found = kind(node);
    if found == wanted || is_null(node) {
        return Ok(());
    }
    Err(wrong_kind(node, wanted))
}

pub(crate) fn wrong_kind(node: &Node, wanted: Kind) -> Error {
    let found = kind(node);
    let (expected, actual) = (wanted.name(), found.name());
    let kind = if found == Kind::Scalar { ErrorKind::Plain } else { ErrorKind::NotAScalar };
    let contents = shown(node);
    Error::of(
        kind,
        format!("wrong node kind: expected {expected} but got {actual}: node contents:\n{contents}"),
    )
}

/// Takes a field out of a mapping.
pub(crate) fn clear(node: &mut Node, name: &str) -> Option<Node> {
    let NodeValue::Mapping(pairs) = &mut node.value else { return None };
    let at = pairs.iter().position(|(key, _)| key.as_scalar() == Some(name))?;
    Some(pairs.remove(at).1)
}

/// Sets a field: a new value takes over the style of the old one.
pub(crate) fn set_field(node: &mut Node, name: &str, mut value: Node) {
    quote_if_old_keyword(&mut value);
    let NodeValue::Mapping(pairs) = &mut node.value else { return };
    match pairs.iter_mut().find(|(key, _)| key.as_scalar() == Some(name)) {
        Some((_, old)) => {
            value.style = old.style;
            *old = value;
        }
        None => push(pairs, name, value),
    }
}

/// A plain string that YAML 1.1 reads as something else is quoted.
pub(crate) fn quote_if_old_keyword(value: &mut Node) {
    if !is_string(value) || value.style != Style::PLAIN {
        return;
    }
    let text = raw_text(value);
    let other = !text.is_empty()
        && !text.contains('\n')
        && !matches!(
            gyre_yaml::implicit_tag(gyre_yaml::Dialect::V2, text),
            Tag::Str | Tag::Timestamp | Tag::None
        );
    if other {
        value.style = Style::DOUBLE_QUOTED;
    }
}

/// Sets a scalar in place: the style stays.
pub(crate) fn set_scalar(node: &mut Node, mut value: Node) -> Result<()> {
    demand(node, Kind::Scalar)?;
    value.style = node.style;
    *node = value;
    Ok(())
}

/// Adds a field; mappings are many and small, and few get more than one.
fn push(pairs: &mut Vec<(Node, Node)>, name: &str, value: Node) {
    const FEW: usize = 8;
    if pairs.len() < FEW {
        pairs.reserve_exact(1);
    }
    pairs.push((Node::string(name), value));
}

/// The field of a mapping, made where it is missing.
pub(crate) fn field_or_create<'a>(node: &'a mut Node, name: &str, made: Kind) -> Option<&'a mut Node> {
    let NodeValue::Mapping(pairs) = &mut node.value else { return None };
    let at = match pairs.iter().position(|(key, _)| key.as_scalar() == Some(name)) {
        Some(at) => at,
        None => {
            push(pairs, name, empty(made));
            pairs.len() - 1
        }
    };
    Some(&mut pairs[at].1)
}

/// Texts to texts.
pub(crate) type Texts = BTreeMap<String, String>;

/// The pairs of a mapping as texts.
pub(crate) fn texts(node: Option<&Node>) -> Texts {
    let pairs = node.and_then(Node::as_mapping).unwrap_or_default();
    pairs.iter().map(|(key, value)| (raw_text(key).to_owned(), raw_text(value).to_owned())).collect()
}

/// `metadata`, where it holds anything.
pub(crate) fn metadata(node: &Node) -> Option<&Node> {
    node.get("metadata").filter(|metadata| !is_nil_or_empty(metadata))
}

/// A text of `metadata`.
pub(crate) fn metadata_text<'a>(node: &'a Node, field: &str) -> &'a str {
    metadata(node)
        .and_then(|metadata| metadata.get(field))
        .filter(|value| !is_nil_or_empty(value))
        .map_or("", raw_text)
}

/// Labels or annotations.
pub(crate) fn metadata_map(node: &Node, field: &str) -> Texts {
    texts(metadata(node).and_then(|metadata| metadata.get(field)))
}

/// Sets labels or annotations; an empty map removes the field.
pub(crate) fn set_metadata_map(node: &mut Node, field: &str, map: &Texts) {
    let Some(metadata) = field_or_create(node, "metadata", Kind::Mapping) else { return };
    clear(metadata, field);
    if map.is_empty() {
        return;
    }
    let mut pairs = Vec::with_capacity(map.len());
    pairs.extend(map.iter().map(|(key, value)| (Node::string(key), Node::string(value))));
    set_field(metadata, field, Node::mapping(pairs));
}

/// Sets a text of `metadata`.
pub(crate) fn set_metadata_text(node: &mut Node, field: &str, value: &str) {
    if let Some(metadata) = field_or_create(node, "metadata", Kind::Mapping) {
        set_field(metadata, field, untagged(value));
    }
}

/// Sets or, where the text is empty, removes the namespace.
pub(crate) fn set_namespace(node: &mut Node, namespace: &str) {
    if !namespace.is_empty() {
        set_metadata_text(node, "namespace", namespace);
    } else if let Some(metadata) = node.get_mut("metadata") {
        clear(metadata, "namespace");
    }
}

/// Cuts a path at a delimiter; a backslash before it keeps it.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = path.split(delimiter).peekable();
    let many = path.contains(delimiter);
    if many && parts.peek() == Some(&"") {
        parts.next();
    }
    let mut result: Vec<String> = Vec::new();
    for part in parts {
        match result.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            None => result.push(part.to_owned()),
        }
    }
    result
}

/// The same, where `[...]` may hold the delimiter.
pub(crate) fn split_path_with_brackets(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = split_path(path, delimiter).into_iter();
    let mut result = Vec::new();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut bracketed = part;
        for more in parts.by_ref() {
            bracketed.push(delimiter);
            bracketed.push_str(&more);
            if more.ends_with(']') {
                break;
            }
        }
        if bracketed.contains('=') {
            result.push(bracketed);
        } else {
            result.push(bracketed.trim_matches(['[', ']']).to_owned());
        }
    }
    result
}
