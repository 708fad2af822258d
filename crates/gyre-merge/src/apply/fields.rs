//! Sets of field paths, as `managedFields` holds them.
//!
//! A [`Set`] is a tree: the paths that are members, and below each path element the set of what lies under it. The text
//! form is `FieldsV1`: `f:name`, `k:{"key":"value"}`, `v:value`, `i:index`, with `.` for a member that has children.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

/// A value inside a path element, ordered by its JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf(pub Value);

impl Ord for Leaf {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => {
                a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
            }
            (a, b) => a.to_string().cmp(&b.to_string()),
        }
    }
}

impl PartialOrd for Leaf {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// A field of an object.
    Field(String),
    /// An item of a list map, by its keys.
    Key(Vec<(String, Leaf)>),
    /// An item of a set.
    Value(Leaf),
    /// An item by its place.
    Index(usize),
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                f.write_str("[")?;
                for (at, (name, value)) in keys.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={}", value.0)?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={}]", value.0),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The text of a path, such as `.spec.containers[name="web"].image`.
pub fn path_text(path: &[Element]) -> String {
    path.iter().map(ToString::to_string).collect()
}

/// A set of field paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    members: BTreeSet<Element>,
    children: BTreeMap<Element, Set>,
}

impl Set {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Adds a path; the empty path adds nothing.
    pub fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Adds an element, as a member or only for what lies below it.
    pub(super) fn add(&mut self, element: Element, member: bool, below: Self) {
        if below.members.is_empty() && below.children.is_empty() {
            if member {
                self.members.insert(element);
            }
            return;
        }
        if member {
            self.members.insert(element.clone());
        }
        match self.children.get_mut(&element) {
            Some(held) => *held = held.union(&below),
            None => {
                self.children.insert(element, below);
            }
        }
    }

    /// Whether the path is a member.
    pub fn has(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// Whether the element itself is a member.
    pub fn has_member(&self, element: &Element) -> bool {
        self.members.contains(element)
    }

    /// What lies below an element.
    pub fn below(&self, element: &Element) -> Option<&Self> {
        self.children.get(element)
    }

    /// Paths in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let merged = out.children.get(element).map_or_else(|| child.clone(), |mine| mine.union(child));
            out.children.insert(element.clone(), merged);
        }
        out
    }

    /// Paths in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, child)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self { members, children: children.collect() }
    }

    /// Paths that are not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, child)| {
            let left = other.children.get(element).map_or_else(|| child.clone(), |it| child.difference(it));
            (!left.is_empty()).then(|| (element.clone(), left))
        });
        Self { members, children: children.collect() }
    }

    /// Paths that neither are in the other nor lie below one that is.
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children =
            self.children.iter().filter(|(element, _)| !other.members.contains(*element)).filter_map(
                |(element, child)| {
                    let left = other
                        .children
                        .get(element)
                        .map_or_else(|| child.clone(), |it| child.recursive_difference(it));
                    (!left.is_empty()).then(|| (element.clone(), left))
                },
            );
        Self { members, children: children.collect() }
    }

    /// The same paths, and every field of a struct or item of a list that has members below it.
    pub fn with_named_parents(&self, named: &dyn Fn(&[Element]) -> bool) -> Self {
        self.parents_at(&mut Vec::new(), named)
    }

    fn parents_at(&self, path: &mut Vec<Element>, named: &dyn Fn(&[Element]) -> bool) -> Self {
        let mut out = Self { members: self.members.clone(), children: BTreeMap::new() };
        for (element, child) in &self.children {
            path.push(element.clone());
            if named(path) {
                out.members.insert(element.clone());
            }
            out.children.insert(element.clone(), child.parents_at(path, named));
            path.pop();
        }
        out
    }

    /// Every path: the members of each level in their order, then what lies below.
    pub fn paths(&self) -> Vec<Vec<Element>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, path: &mut Vec<Element>, out: &mut Vec<Vec<Element>>) {
        for element in &self.members {
            path.push(element.clone());
            out.push(path.clone());
            path.pop();
        }
        for (element, child) in &self.children {
            path.push(element.clone());
            child.collect(path, out);
            path.pop();
        }
    }

    /// Removes what an item of the set is when the schema says that the whole is owned: everything below `path`
    /// becomes the path itself.
    pub fn collapse(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                if self.children.remove(last).is_some_and(|child| !child.is_empty()) {
                    self.members.insert(last.clone());
                }
            }
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(first) {
                    child.collapse(rest);
                }
            }
        }
    }

    /// The `FieldsV1` form.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        for element in &self.members {
            let below = self.children.get(element).filter(|child| !child.is_empty());
            let mut value = below.map_or_else(|| Value::Object(Map::new()), Self::to_json);
            if let (Some(_), Value::Object(fields)) = (below, &mut value) {
                fields.insert(".".into(), Value::Object(Map::new()));
            }
            out.insert(key_text(element), value);
        }
        for (element, child) in &self.children {
            if !self.members.contains(element) && !child.is_empty() {
                out.insert(key_text(element), child.to_json());
            }
        }
        Value::Object(out)
    }

    /// Reads the `FieldsV1` form; keys that it does not know are an error with their text.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let mut out = Self::default();
        let Value::Object(fields) = value else { return Ok(out) };
        for (key, below) in fields {
            if key == "." {
                continue;
            }
            let element = element_of(key)?;
            let object = below.as_object();
            if object.is_none_or(|it| it.is_empty() || it.contains_key(".")) {
                out.members.insert(element.clone());
            }
            if object.is_some_and(|it| it.keys().any(|key| key != ".")) {
                out.children.insert(element, Self::from_json(below)?);
            }
        }
        Ok(out)
    }
}

fn key_text(element: &Element) -> String {
    match element {
        Element::Field(name) => format!("f:{name}"),
        Element::Key(keys) => {
            let object: Map<String, Value> =
                keys.iter().map(|(name, leaf)| (name.clone(), leaf.0.clone())).collect();
            format!("k:{}", Value::Object(object))
        }
        Element::Value(leaf) => format!("v:{}", leaf.0),
        Element::Index(index) => format!("i:{index}"),
    }
}

fn element_of(key: &str) -> Result<Element, String> {
    let bad = || format!("missing colon: {key:?}");
    let (kind, rest) = key.split_once(':').ok_or_else(bad)?;
    let json = || serde_json::from_str::<Value>(rest).map_err(|error| error.to_string());
    match kind {
        "f" => Ok(Element::Field(rest.to_owned())),
        "v" => Ok(Element::Value(Leaf(json()?))),
        "i" => rest.parse().map(Element::Index).map_err(|_| bad()),
        "k" => match json()? {
            Value::Object(keys) => {
                Ok(Element::Key(keys.into_iter().map(|(name, value)| (name, Leaf(value))).collect()))
            }
            other => Err(format!("expected an object of keys, got {other}")),
        },
        _ => Err(format!("not a path element: {key:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_survive_a_round_trip() {
        let value =
            json!({"f:a": {".": {}, "f:b": {}, "k:{\"name\":\"x\",\"port\":1}": {"f:c": {}}}, "v:\"s\"": {}});
        assert_eq!(Set::from_json(&value).unwrap().to_json(), value);
    }

    #[test]
    fn recursive_difference_takes_what_lies_below() {
        let all = Set::from_json(&json!({"f:a": {".": {}, "f:b": {}}, "f:c": {}})).unwrap();
        let without = Set::from_json(&json!({"f:a": {}})).unwrap();
        assert_eq!(all.recursive_difference(&without).to_json(), json!({"f:c": {}}));
        assert_eq!(all.difference(&without).to_json(), json!({"f:a": {"f:b": {}}, "f:c": {}}));
    }
}
