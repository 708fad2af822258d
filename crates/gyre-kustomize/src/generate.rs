//! ConfigMaps and Secrets from files, literals and environment files.

use std::collections::HashSet;

use gyre_go::base64::STANDARD;
use gyre_yaml::{Node, Style, Tag};

use crate::error::{Error, Result, fail};
use crate::load::{Root, Spent};
use crate::node;
use crate::resource::{Behavior, Resource};
use crate::types::generator::{ConfigMapArgs, SecretArgs};

/// Base64 is broken into lines of this length.
const BASE64_LINE: usize = 70;

type Pairs = Vec<(String, Vec<u8>)>;

pub(crate) fn config_map(root: &Root<'_>, args: &ConfigMapArgs, spent: &mut Spent) -> Result<Resource> {
    let mut node = named("ConfigMap", args)?;
    for (key, value) in pairs(root, args, spent)? {
        let (field, text) = match String::from_utf8(value) {
            Ok(text) => ("data", text),
            Err(bytes) => ("binaryData", base64(bytes.as_bytes())),
        };
        set_data(&mut node, field, &key, text);
    }
    Ok(finish(node, args))
}

pub(crate) fn secret(root: &Root<'_>, args: &SecretArgs, spent: &mut Spent) -> Result<Resource> {
    let common = args.common();
    let mut node = named("Secret", &common)?;
    let kind = if args.kind.is_empty() { "Opaque" } else { &args.kind };
    node::set_field(&mut node, "type", Node::string(kind));
    node::field_or_create(&mut node, "data", node::Kind::Mapping);
    for (key, value) in pairs(root, &common, spent)? {
        set_data(&mut node, "data", &key, base64(&value));
    }
    Ok(finish(node, &common))
}

fn named(kind: &str, args: &ConfigMapArgs) -> Result<Node> {
    if args.name.is_empty() {
        return fail("a configmap must have a name");
    }
    let mut metadata = vec![(Node::string("name"), single_quoted(&args.name))];
    if !args.namespace.is_empty() {
        metadata.push((Node::string("namespace"), single_quoted(&args.namespace)));
    }
    Ok(Node::mapping(vec![
        (Node::string("apiVersion"), Node::string("v1")),
        (Node::string("kind"), Node::string(kind)),
        (Node::string("metadata"), Node::mapping(metadata)),
    ]))
}

fn single_quoted(text: &str) -> Node {
    Node::string(text)
}

fn set_data(node: &mut Node, field: &str, key: &str, text: String) {
    let mut value = Node::string(text);
    if node::raw_text(&value).contains('\n') {
        value.style = Style::LITERAL;
    }
    if let Some(data) = node::field_or_create(node, field, node::Kind::Mapping) {
        node::set_field(data, key, value);
    }
}

fn finish(mut node: Node, args: &ConfigMapArgs) -> Resource {
    let options = args.options.clone().unwrap_or_default();
    if !options.labels.is_empty() {
        node::set_metadata_map(&mut node, "labels", &options.labels);
    }
    if !options.annotations.is_empty() {
        node::set_metadata_map(&mut node, "annotations", &options.annotations);
    }
    if options.immutable {
        node::set_field(&mut node, "immutable", Node::scalar("true", Tag::Bool));
    }
    let mut resource = Resource::new(node);
    resource.memory.needs_hash = !options.disable_name_suffix_hash;
    resource.memory.behavior = Some(Behavior::parse(&args.behavior));
    resource
}

fn base64(bytes: &[u8]) -> String {
    let whole = STANDARD.encode(bytes);
    if whole.len() < BASE64_LINE {
        return whole;
    }
    let mut lines = String::with_capacity(whole.len() + whole.len() / BASE64_LINE + 1);
    for (at, letter) in whole.char_indices() {
        if at > 0 && at % BASE64_LINE == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines.push('\n');
    lines
}

/// The keys and values of all sources, sorted by key.
fn pairs(root: &Root<'_>, args: &ConfigMapArgs, spent: &mut Spent) -> Result<Pairs> {
    let loaded = load(root, args, spent).map_err(|error| error.within("loading KV pairs"))?;
    let mut seen = HashSet::new();
    for (key, _) in &loaded {
        if !seen.insert(key.as_str()) {
            return fail(format!("configmap {} illegally repeats the key `{key}`", args.name));
        }
    }
    let mut sorted = loaded;
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(sorted)
}

fn load(root: &Root<'_>, args: &ConfigMapArgs, spent: &mut Spent) -> Result<Pairs> {
    let mut all = Vec::new();
    let shown = |list: &[String]| format!("[{}]", list.join(" "));
    let within = |prefix: &str, list: &[String]| {
        let prefix = format!("{prefix} {}", shown(list));
        move |error: Error| error.within(prefix.clone())
    };
    for path in &args.envs {
        let content = root.read(path, spent).map_err(within("env source files:", &args.envs))?;
        all.extend(env_file(&content).map_err(within("env source files:", &args.envs))?);
    }
    for source in &args.literals {
        all.push(literal(source).map_err(within("literal sources", &args.literals))?);
    }
    for source in &args.files {
        let (key, path) = file_source(source).map_err(within("file sources:", &args.files))?;
        let content = root.read(&path, spent).map_err(within("file sources:", &args.files))?;
        all.push((key, content.to_vec()));
    }
    Ok(all)
}

fn literal(source: &str) -> Result<(String, Vec<u8>)> {
    match source.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), unquoted(value).into())),
        _ => fail(format!("invalid literal source {source}, expected key=value")),
    }
}

/// The text without quotes around it, where both are the same.
fn unquoted(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if bytes.len() > 1 && first == last && matches!(first, b'"' | b'\'') => {
            &text[1..text.len() - 1]
        }
        _ => text,
    }
}

fn file_source(source: &str) -> Result<(String, String)> {
    match source.matches('=').count() {
        0 => {
            let base = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            Ok((if base.is_empty() { "." } else { base }.to_owned(), source.to_owned()))
        }
        1 if source.starts_with('=') => {
            fail(format!("missing key name for file path {:?} in source {source:?}", &source[1..]))
        }
        1 if source.ends_with('=') => fail(format!(
            "missing file path for key name {:?} in source {source:?}",
            &source[..source.len() - 1]
        )),
        1 => {
            let (key, path) = source.split_once('=').unwrap_or_default();
            Ok((key.to_owned(), path.to_owned()))
        }
        _ => fail(format!("source {source:?} key name or file path contains '='")),
    }
}

fn env_file(content: &[u8]) -> Result<Pairs> {
    let mut all = Vec::new();
    let mut lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    for (at, line) in lines.into_iter().enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(text) = std::str::from_utf8(line) else {
            let lossy = String::from_utf8_lossy(line);
            return fail(format!("line {line:?} has invalid utf8 bytes : {lossy}"));
        };
        let text = if at == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            all.push((key.to_owned(), value.into()));
        }
    }
    Ok(all)
}
