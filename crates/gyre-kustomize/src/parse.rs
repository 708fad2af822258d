//! Files to resources: documents are cut, aliases written out, lists taken apart, metadata checked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use gyre_model::Digest;
use gyre_yaml::{Dialect, Node, NodeValue, Source, Style, Tag, implicit_tag};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result, fail, limit};
use crate::id::ResId;
use crate::limits::{CACHE_BYTES_MAX, RESOURCES_MAX};
use crate::node::{self, Texts};
use crate::resource::{self, Resource};

mod anchors;

/// Parsed files, kept by their content. One serves any number of builds, on any number of threads.
#[derive(Debug, Default)]
pub struct Cache {
    parsed: Mutex<Parsed>,
}

#[derive(Debug, Default)]
struct Parsed {
    files: HashMap<Digest, Arc<Result<Contents>>>,
    bytes: usize,
}

impl Cache {
    /// What is in a file.
    pub(crate) fn contents(&self, content: &[u8]) -> Result<Contents> {
        let digest = Digest::of(content);
        if let Ok(parsed) = self.parsed.lock()
            && let Some(found) = parsed.files.get(&digest)
        {
            return Result::clone(found);
        }
        let found = Arc::new(contents(content));
        let aliased = found.as_ref().as_ref().map_or(0, |found| found.aliased * size_of::<Node>());
        let bytes = content.len() + aliased;
        if let Ok(mut parsed) = self.parsed.lock() {
            // bounded: a full cache starts anew; any entry may be dropped at any moment.
            if parsed.bytes + bytes > CACHE_BYTES_MAX {
                *parsed = Parsed::default();
            }
            parsed.bytes += bytes;
            parsed.files.insert(digest, Arc::clone(&found));
        }
        Result::clone(&found)
    }
}

/// What is in a text of YAML documents.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) resources: Vec<Resource>,
    /// How many nodes more than the text has its aliases wrote out.
    pub(crate) aliased: usize,
}

/// The resources in a text of YAML documents.
pub(crate) fn resources(content: &[u8]) -> Result<Vec<Resource>> {
    contents(content).map(|contents| contents.resources)
}

pub(crate) fn contents(content: &[u8]) -> Result<Contents> {
    let (nodes, aliased) = nodes(content)?;
    let resources = expand_lists(checked(nodes)?)?.into_iter().map(Resource::new).collect();
    Ok(Contents { resources, aliased })
}

/// The documents of a text, aliases written out, and how many nodes more that made.
fn nodes(content: &[u8]) -> Result<(Vec<Node>, usize)> {
    let text = String::from_utf8_lossy(content);
    // compat(kyaml): what is no UTF-8 is found by the parser, which then reads the bytes themselves.
    let valid = matches!(text, std::borrow::Cow::Borrowed(_));
    let text = if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text };
    let parts = gyre_yaml::split_documents(&text)
        .map_err(|separator| Error::new(format!("invalid document separator: {separator}")))?;
    let alone = parts.len() == 1;
    let last = parts.len().saturating_sub(1);
    let mut nodes = Vec::new();
    let mut read = 0;
    // A document that is malformed is told before one whose aliases are.
    let mut unwritten = None;
    let mut writer = anchors::Writer::default();
    let mut keep = |node: Node, nodes: &mut Vec<Node>| {
        if unwritten.is_none() {
            match writer.write_out(node) {
                Ok(node) => nodes.push(node),
                Err(error) => unwritten = Some(error),
            }
        }
    };
    for (at, part) in parts.iter().enumerate() {
        let bytes = if valid { part.text.as_bytes() } else { content };
        let with_break;
        let bytes = if at == last || !valid {
            bytes
        } else {
            with_break = [bytes, b"\n"].concat();
            with_break.as_slice()
        };
        let source = Source::new(bytes);
        let mut documents = source.documents(Dialect::V3, false);
        let document = documents.next_document().map_err(malformed)?;
        read += documents.nodes();
        let Some(document) = document else { continue };
        if node::is_null(&document.root) {
            continue;
        }
        let root = document.root;
        let kind = root.get("kind").map(node::text).unwrap_or_default();
        if alone && matches!(kind, "List" | "ResourceList") && root.get("items").is_some() {
            let mut root = root;
            if let Some(Node { value: NodeValue::Sequence(items), .. }) = node::clear(&mut root, "items") {
                for item in items {
                    keep(item, &mut nodes);
                }
            }
            continue;
        }
        if nodes.len() >= RESOURCES_MAX {
            return limit(format!("more than {RESOURCES_MAX} documents: split the file"));
        }
        keep(root, &mut nodes);
    }
    match unwritten {
        Some(error) => Err(error),
        None => Ok((nodes, writer.written().saturating_sub(read))),
    }
}

fn malformed(error: gyre_yaml::Error) -> Error {
    Error::of(ErrorKind::Malformed, format!("MalformedYAMLError: {error}"))
}

/// Drops what is empty and refuses what has no kind or name.
fn checked(nodes: Vec<Node>) -> Result<Vec<Node>> {
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        if node::is_nil_or_empty(&node) {
            continue;
        }
        check_metadata(&node)?;
        kept.push(node);
    }
    Ok(kept)
}

fn check_metadata(node: &Node) -> Result<()> {
    let field = |node: &Node, name: &str| {
        node.get(name).filter(|value| !node::is_nil_or_empty(value)).map(|value| node::text(value).to_owned())
    };
    let (api_version, kind) = (field(node, "apiVersion"), field(node, "kind"));
    let metadata = node::metadata(node);
    let inner = |name: &str| metadata.and_then(|metadata| field(metadata, name));
    let maps: Vec<Option<Texts>> = ["labels", "annotations"]
        .iter()
        .map(|name| {
            let value = metadata.and_then(|metadata| metadata.get(name));
            value.filter(|value| !node::is_nil_or_empty(value)).map(|value| node::texts(Some(value)))
        })
        .collect();
    let (name, namespace) = (inner("name"), inner("namespace"));
    let nothing = api_version.is_none()
        && kind.is_none()
        && name.is_none()
        && namespace.is_none()
        && maps.iter().all(Option::is_none);
    if nothing {
        return fail("missing Resource metadata");
    }
    let kind = kind.unwrap_or_default();
    let missing = if kind.is_empty() {
        "kind"
    } else if !kind.ends_with("List") && name.as_deref().unwrap_or_default().is_empty() {
        "metadata.name"
    } else {
        return Ok(());
    };
    let shown = |texts: &Option<Texts>| {
        let pairs: Vec<String> =
            texts.iter().flatten().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("map[{}]", pairs.join(" "))
    };
    fail(format!(
        "missing {missing} in object {{{{{} {kind}}} {{{{{} {}}} {} {}}}}}",
        api_version.unwrap_or_default(),
        name.unwrap_or_default(),
        namespace.unwrap_or_default(),
        shown(&maps[0]),
        shown(&maps[1])
    ))
}

/// Puts the items of `...List` kinds in place of the lists, behind all else.
fn expand_lists(nodes: Vec<Node>) -> Result<Vec<Node>> {
    let is_list =
        |node: &Node| node.get("kind").map(node::raw_text).is_some_and(|kind| kind.ends_with("List"));
    if !nodes.iter().any(is_list) {
        return Ok(nodes);
    }
    let mut queue = std::collections::VecDeque::from(nodes);
    let mut expanded = Vec::new();
    while let Some(node) = queue.pop_front() {
        if !is_list(&node) {
            expanded.push(node);
            continue;
        }
        let kind = node.get("kind").map(node::raw_text).unwrap_or_default().to_owned();
        let value = resource::to_value(&node)
            .map_err(|error| error.within(format!("trouble expanding list of {kind}")))?;
        match value.get("items") {
            None => expanded.push(node),
            Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                let inner = items.iter().map(from_json).collect();
                queue.extend(checked(inner)?);
            }
            Some(other) => {
                let found = match other {
                    Value::Bool(_) => "bool",
                    Value::Number(_) => "int",
                    Value::String(_) => "string",
                    _ => "map[string]interface {}",
                };
                return fail(format!("expected array in {kind}/items, but found {found}"));
            }
        }
    }
    Ok(expanded)
}

/// Nodes as a parser makes them of JSON text: texts are quoted.
pub(crate) fn from_json(value: &Value) -> Node {
    match value {
        Value::Null => Node::scalar("null", Tag::Null),
        Value::Bool(value) => Node::scalar(value.to_string(), Tag::Bool),
        Value::Number(number) => {
            let text = number.to_string();
            let tag = implicit_tag(Dialect::V3, &text);
            Node::scalar(text, tag)
        }
        Value::String(text) => quoted(text),
        Value::Array(items) => Node::sequence(items.iter().map(from_json).collect()),
        Value::Object(map) => mapping(map, quoted, from_json),
    }
}

/// A mapping without room for more: most stay as they are.
fn mapping(map: &Map<String, Value>, key: impl Fn(&str) -> Node, value: impl Fn(&Value) -> Node) -> Node {
    let mut pairs = Vec::with_capacity(map.len());
    pairs.extend(map.iter().map(|(name, inside)| (key(name), value(inside))));
    Node::mapping(pairs)
}

fn quoted(text: &str) -> Node {
    let mut node = Node::string(text);
    node.style = Style::DOUBLE_QUOTED;
    node
}

/// Nodes as they come out of a JSON Patch: numbers went through floats and are written as Go writes those.
pub(crate) fn from_patched_json(value: &Value) -> Node {
    match value {
        Value::Number(number) => {
            let text = gyre_yaml::format_float(number.as_f64().unwrap_or_default());
            let tag = implicit_tag(Dialect::V3, &text);
            Node::scalar(text, tag)
        }
        Value::String(text) => {
            let mut node = Node::string(text);
            node::quote_if_old_keyword(&mut node);
            let plain = implicit_tag(Dialect::V3, text) == Tag::Str;
            if text.contains('\n') {
                node.style = Style::LITERAL;
            } else if !plain {
                node.style = Style::DOUBLE_QUOTED;
            }
            node
        }
        Value::Array(items) => Node::sequence(items.iter().map(from_patched_json).collect()),
        Value::Object(map) => mapping(map, |key| Node::string(key), from_patched_json),
        other => from_json(other),
    }
}

/// The resources of a file, where no two have the same name.
pub(crate) fn distinct(resources: Vec<Resource>) -> Result<Vec<Resource>> {
    if resources.len() > 1 {
        let mut seen = std::collections::HashSet::new();
        for id in resources.iter().map(Resource::id) {
            // Equal ids count as one, whether or not the namespace is written.
            let namespace = id.effective_namespace().into();
            if !seen.insert(ResId { namespace, cluster_scoped: false, ..id.clone() }) {
                return fail(format!("may not add resource with an already registered id: {id}"));
            }
        }
    }
    Ok(resources)
}

/// A problem of a file's content, with the file's name.
pub(crate) fn in_file(error: Error, path: &str) -> Error {
    let text = &error.text;
    if text.contains("error converting YAML to JSON") || text.contains("error unmarshaling JSON") {
        Error { text: format!("YAML file [{path}] encounters a format error.\n{text}\n"), ..error }
    } else if error.kind == ErrorKind::Malformed {
        Error { text: format!("{text} in File: {path}"), ..error }
    } else {
        error
    }
}
