//! Nodes to values, as Go's decoders fill an `interface{}`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::error::{Dialect, Error};
use crate::limits::{EXPANDED_NODES_MAX, PROBLEMS_MAX};
use crate::node::{Node, NodeValue, Style};
use crate::number;
use crate::resolve::{self, Meaning};
use crate::tag::Tag;
use crate::timestamp::Timestamp;

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of 64 bits with sign.
    Int(i64),
    /// A larger integer.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// A point in time (v3 only).
    Time(Timestamp),
    /// What `!!binary` stands for, where it is no text.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Decoded>),
    /// A mapping all of whose keys are strings (v3), in the order of keys.
    Map(BTreeMap<String, Decoded>),
    /// A mapping with any keys, in the order of the file.
    General(Vec<(Decoded, Decoded)>),
}

/// Decodes a document. `unique` refuses keys that are there twice: v3 always does, v2 in its strict mode.
pub fn decode(root: &Node, dialect: Dialect, unique: bool) -> Result<Decoded, Error> {
    let mut decoder = Decoder::new(dialect, unique);
    let value = decoder.node(root)?;
    if decoder.problems.is_empty() {
        Ok(value.unwrap_or(Decoded::Null))
    } else {
        Err(Error::Unmarshal(decoder.problems))
    }
}

/// Decodes a document into a `map[string]interface{}`: the keys of the outermost mapping are their texts.
pub(crate) fn decode_root(root: &Node) -> Result<Decoded, Error> {
    let NodeValue::Mapping(pairs) = &root.value else { return decode(root, Dialect::V3, true) };
    let mut decoder = Decoder::new(Dialect::V3, true);
    let mut filling = Filling::default();
    if !decoder.repeats(pairs) {
        decoder.fill(pairs, &mut filling, None, true)?;
    }
    if decoder.problems.is_empty() {
        Ok(finish(filling, true))
    } else {
        Err(Error::Unmarshal(decoder.problems))
    }
}

struct Decoder {
    dialect: Dialect,
    unique: bool,
    problems: Vec<String>,
    count: usize,
    alias_count: usize,
    alias_depth: usize,
    open: HashSet<*const Node>,
}

/// A mapping being filled.
#[derive(Default)]
struct Filling {
    pairs: Vec<(Decoded, Decoded)>,
    places: HashMap<String, usize>,
}

impl Filling {
    fn position(&self, key: &Decoded) -> Option<usize> {
        self.places.get(&identity(key)).copied()
    }

    fn set(&mut self, key: Decoded, value: Decoded) {
        let identity = identity(&key);
        if let Some(&at) = self.places.get(&identity) {
            self.pairs[at].1 = value;
        } else {
            self.places.insert(identity, self.pairs.len());
            self.pairs.push((key, value));
        }
    }
}

/// Keys are the same where Go's maps find them to be: same type, same value.
fn identity(key: &Decoded) -> String {
    match key {
        Decoded::Text(text) => format!("s{text}"),
        other => other.go_syntax(),
    }
}

impl Decoder {
    fn new(dialect: Dialect, unique: bool) -> Self {
        Self {
            dialect,
            unique,
            problems: Vec::new(),
            count: 0,
            alias_count: 0,
            alias_depth: 0,
            open: HashSet::new(),
        }
    }

    /// `None` where the value has problems of its own and is left out.
    fn node(&mut self, node: &Node) -> Result<Option<Decoded>, Error> {
        self.count += 1;
        if self.alias_depth > 0 {
            self.alias_count += 1;
            let ratio = self.alias_count as f64 / self.count as f64;
            let over = self.alias_count > 100 && self.count > 1000 && ratio > allowed_alias_ratio(self.count);
            if over || self.count > EXPANDED_NODES_MAX {
                return Err(Error::Decode("document contains excessive aliasing".into()));
            }
        }
        match &node.value {
            NodeValue::Scalar(text) => self.scalar(node, text).map(Some),
            NodeValue::Sequence(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(self.node(item)?);
                }
                Ok(Some(Decoded::List(list)))
            }
            NodeValue::Mapping(pairs) => {
                if self.dialect == Dialect::V3 && self.repeats(pairs) {
                    return Ok(None);
                }
                let strings = self.dialect == Dialect::V3 && has_string_keys(pairs);
                let mut filling = Filling::default();
                self.fill(pairs, &mut filling, None, strings)?;
                Ok(Some(finish(filling, strings)))
            }
            NodeValue::Alias(alias) => {
                let Some(target) = &alias.target else {
                    return Err(Error::Decode(format!("anchor '{}' value contains itself", alias.name)));
                };
                self.alias_depth += 1;
                let value = self.node(target);
                self.alias_depth -= 1;
                value
            }
        }
    }

    /// v3 refuses a mapping in which a key is written twice.
    fn repeats(&mut self, pairs: &[(Node, Node)]) -> bool {
        let before = self.problems.len();
        let mut seen: HashMap<(u8, &str), Vec<usize>> = HashMap::new();
        let mut found = Vec::new();
        for (at, (key, _)) in pairs.iter().enumerate() {
            let text = match &key.value {
                NodeValue::Scalar(text) => (0, text.as_str()),
                NodeValue::Sequence(_) => (1, ""),
                NodeValue::Mapping(_) => (2, ""),
                NodeValue::Alias(alias) => (3, alias.name.as_str()),
            };
            let earlier = seen.entry(text).or_default();
            // bounded: every pair of the same keys is a problem of its own.
            found.extend(earlier.iter().take(PROBLEMS_MAX - found.len()).map(|&first| (first, at)));
            if found.len() == PROBLEMS_MAX {
                break;
            }
            earlier.push(at);
        }
        found.sort_unstable();
        for (first, second) in found {
            let (key, again) = (&pairs[first].0, &pairs[second].0);
            let name = go_quoted(key.as_scalar().unwrap_or_default());
            let problem =
                format!("line {}: mapping key {name} already defined at line {}", again.line, key.line);
            self.problems.push(problem);
        }
        self.problems.len() > before
    }

    /// Fills a mapping. `merged` holds the keys that a merge must not touch.
    fn fill(
        &mut self,
        pairs: &[(Node, Node)],
        into: &mut Filling,
        mut merged: Option<&mut HashSet<String>>,
        strings: bool,
    ) -> Result<(), Error> {
        let mut merge = None;
        for (key, value) in pairs {
            if is_merge(key, self.dialect) {
                if self.dialect == Dialect::V2 {
                    self.merge_v2(value, into)?;
                } else {
                    merge = Some(value);
                }
                continue;
            }
            let Some(name) = self.node(key)? else { continue };
            let name = match name {
                Decoded::Null if strings => continue,
                Decoded::Map(_) | Decoded::List(_) | Decoded::General(_) if strings => {
                    let problem = format!("line {}: cannot unmarshal {} into string", key.line, key.tag);
                    self.problems.push(problem);
                    continue;
                }
                name if strings => key_text(key, name),
                name => name,
            };
            if let Some(merged) = merged.as_deref_mut()
                && !merged.insert(identity(&name))
            {
                continue;
            }
            if matches!(name, Decoded::Map(_) | Decoded::List(_) | Decoded::General(_)) {
                return Err(Error::Decode(format!("invalid map key: {}", name.go_syntax())));
            }
            let Some(content) = self.node(value)? else { continue };
            if self.dialect == Dialect::V2 && self.unique && into.position(&name).is_some() {
                let problem = format!("line {}: key {} already set in map", value.line, name.go_syntax());
                self.problems.push(problem);
                continue;
            }
            into.set(name, content);
        }
        match merge {
            Some(value) => self.merge_v3(pairs, value, into, merged, strings),
            None => Ok(()),
        }
    }

    fn merge_v2(&mut self, value: &Node, into: &mut Filling) -> Result<(), Error> {
        match &value.value {
            NodeValue::Sequence(items) => {
                for item in items.iter().rev() {
                    self.merge_one(item, into, None, false)?;
                }
                Ok(())
            }
            _ => self.merge_one(value, into, None, false),
        }
    }

    fn merge_v3(
        &mut self,
        pairs: &[(Node, Node)],
        value: &Node,
        into: &mut Filling,
        merged: Option<&mut HashSet<String>>,
        strings: bool,
    ) -> Result<(), Error> {
        let mut own = HashSet::new();
        let merged = match merged {
            Some(merged) => merged,
            None => {
                for (key, _) in pairs {
                    if let Some(name) = self.node(key)? {
                        own.insert(identity(&name));
                    }
                }
                &mut own
            }
        };
        match &value.value {
            NodeValue::Sequence(items) => {
                for item in items {
                    self.merge_one(item, into, Some(&mut *merged), strings)?;
                }
                Ok(())
            }
            _ => self.merge_one(value, into, Some(merged), strings),
        }
    }

    fn merge_one(
        &mut self,
        value: &Node,
        into: &mut Filling,
        merged: Option<&mut HashSet<String>>,
        strings: bool,
    ) -> Result<(), Error> {
        match &value.value {
            NodeValue::Mapping(pairs) => {
                self.count += 1;
                if self.count > EXPANDED_NODES_MAX {
                    return Err(Error::Decode("document contains excessive aliasing".into()));
                }
                if self.dialect == Dialect::V3 && self.repeats(pairs) {
                    return Ok(());
                }
                self.fill(pairs, into, merged, strings)
            }
            NodeValue::Alias(alias) => {
                let Some(target) = &alias.target else {
                    return Err(Error::Decode(format!("anchor '{}' value contains itself", alias.name)));
                };
                let NodeValue::Mapping(_) = target.value else { return Err(wants_map()) };
                if !self.open.insert(Arc::as_ptr(target)) {
                    return Err(Error::Decode(format!("anchor '{}' value contains itself", alias.name)));
                }
                self.alias_depth += 1;
                let done = self.merge_one(target, into, merged, strings);
                self.alias_depth -= 1;
                self.open.remove(&Arc::as_ptr(target));
                done
            }
            _ => Err(wants_map()),
        }
    }

    fn scalar(&self, node: &Node, text: &str) -> Result<Decoded, Error> {
        scalar(node, text, self.dialect)
    }
}

/// What a scalar stands for.
pub(crate) fn scalar(node: &Node, text: &str, dialect: Dialect) -> Result<Decoded, Error> {
    if node.tag == Tag::Str {
        return Ok(Decoded::Text(text.to_owned()));
    }
    // A node that was changed: its quotes make it a text, unless the tag is written with it.
    if dialect == Dialect::V3 && node.style.has(Style::STRING) && !node.style.has(Style::TAGGED) {
        let implied = matches!(node.tag, Tag::Int | Tag::Bool | Tag::Float | Tag::Null | Tag::Timestamp);
        if node.tag == Tag::None || (implied && resolve::implicit_tag(dialect, text) == node.tag) {
            return Ok(Decoded::Text(text.to_owned()));
        }
    }
    let (tag, meaning) = resolve::resolve(dialect, &node.tag, text)?;
    Ok(match meaning {
        _ if tag == Tag::Binary => {
            let Some(bytes) = decode_base64(text) else {
                return Err(Error::Decode("!!binary value contains invalid base64 data".into()));
            };
            String::from_utf8(bytes).map_or_else(|bad| Decoded::Bytes(bad.into_bytes()), Decoded::Text)
        }
        Meaning::Null => Decoded::Null,
        Meaning::Bool(value) => Decoded::Bool(value),
        Meaning::Int(value) => Decoded::Int(value),
        Meaning::Uint(value) => Decoded::Uint(value),
        Meaning::Float(value) => Decoded::Float(value),
        Meaning::Time(time) if dialect == Dialect::V3 => Decoded::Time(time),
        Meaning::Time(_) | Meaning::Text => Decoded::Text(text.to_owned()),
    })
}

fn wants_map() -> Error {
    Error::Decode("map merge requires map or sequence of maps as the value".into())
}

/// A key decoded into a string is its text, whatever it resolves to.
fn key_text(key: &Node, name: Decoded) -> Decoded {
    match (name, key.as_scalar()) {
        (text @ Decoded::Text(_), _) => text,
        (_, Some(text)) => Decoded::Text(text.to_owned()),
        (other, None) => other,
    }
}

fn finish(filling: Filling, strings: bool) -> Decoded {
    if !strings {
        return Decoded::General(filling.pairs);
    }
    let mut map = BTreeMap::new();
    for (key, value) in filling.pairs {
        if let Decoded::Text(key) = key {
            map.insert(key, value);
        }
    }
    Decoded::Map(map)
}

fn has_string_keys(pairs: &[(Node, Node)]) -> bool {
    pairs.iter().all(|(key, _)| {
        let key = match &key.value {
            NodeValue::Alias(alias) => match &alias.target {
                Some(target) => target,
                None => return false,
            },
            _ => key,
        };
        matches!(key.tag, Tag::Str | Tag::Merge) && key.as_scalar().is_some()
    })
}

fn is_merge(key: &Node, dialect: Dialect) -> bool {
    key.as_scalar() == Some("<<")
        && match &key.tag {
            Tag::Merge => true,
            Tag::None => dialect == Dialect::V2,
            Tag::Other(tag) => **tag == "!",
            _ => false,
        }
}

/// How much of a document may come out of aliases: 99 % of a small one, 10 % of a large one (go-yaml's numbers).
fn allowed_alias_ratio(count: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    0.99 - 0.89 * ((count as f64 - LOW) / (HIGH - LOW)).clamp(0.0, 1.0)
}

/// Base64 with padding; line breaks are skipped, as Go does.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let mut group = 0_u32;
    let mut filled = 0;
    let mut padding = 0;
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if filled >= 2 => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 0 && byte != b'=' {
            return None;
        }
        group = group << 6 | u32::from(six);
        filled += 1;
        if filled == 4 {
            let bytes = group.to_be_bytes();
            out.extend_from_slice(&bytes[1..4 - padding.min(2)]);
            (group, filled) = (0, if padding > 0 { 5 } else { 0 });
        } else if filled > 4 {
            return None;
        }
    }
    matches!(filled, 0 | 5).then_some(out)
}

/// A text as Go's `%q` of short plain texts writes it.
fn go_quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

impl Decoded {
    /// The value as Go's `%#v` shows it.
    pub fn go_syntax(&self) -> String {
        match self {
            Self::Null => "<nil>".into(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => format!("{value:#x}"),
            Self::Float(value) if value.is_nan() => "NaN".into(),
            Self::Float(value) if value.is_infinite() => (if *value > 0.0 { "+Inf" } else { "-Inf" }).into(),
            Self::Float(value) => number::format_float(*value),
            Self::Text(text) => go_quoted(text),
            Self::Time(time) => time.go_syntax(),
            Self::Bytes(bytes) => go_quoted(&String::from_utf8_lossy(bytes)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::go_field).collect();
                format!("[]interface {{}}{{{}}}", items.join(", "))
            }
            Self::Map(map) => {
                let pairs = map.iter().map(|(key, value)| (go_quoted(key), value.go_field()));
                go_map("string", pairs)
            }
            Self::General(pairs) => {
                // Go sorts by type, then by value.
                let rank = |key: &Self| match key {
                    Self::Int(_) => 0,
                    Self::Float(_) => 1,
                    Self::Bool(_) => 2,
                    _ => 3,
                };
                let mut sorted: Vec<_> = pairs.iter().collect();
                sorted.sort_by_key(|(key, _)| rank(key));
                let pairs = sorted.into_iter().map(|(key, value)| (key.go_field(), value.go_field()));
                go_map("interface {}", pairs)
            }
        }
    }

    /// The same inside of an `interface{}`.
    fn go_field(&self) -> String {
        match self {
            Self::Null => "interface {}(nil)".into(),
            other => other.go_syntax(),
        }
    }
}

fn go_map(key: &str, pairs: impl Iterator<Item = (String, String)>) -> String {
    let mut text = format!("map[{key}]interface {{}}{{");
    for (at, (key, value)) in pairs.enumerate() {
        let _ = write!(text, "{}{key}:{value}", if at == 0 { "" } else { ", " });
    }
    text.push('}');
    text
}
