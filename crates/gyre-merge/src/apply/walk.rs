//! Walks typed values: which fields a value has, how it differs from another, what remains without some fields, and
//! whether it fits its type. The rules are those of structured-merge-diff.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::fields::{Element, Leaf, Set};
use crate::schema::{List, ListKind, MapType, Scalar, Struct, Type};
use crate::strategic_merge::go_type;

/// How a value is treated, after what is not known of its type has been taken from the value itself.
pub(super) enum Shape<'a> {
    Leaf,
    List(&'a ListKind, &'a Type),
    Object(Fields<'a>),
}

/// The fields that an object may have.
#[derive(Clone, Copy)]
pub(super) enum Fields<'a> {
    Struct(&'a Struct),
    Map(&'a Type),
}

impl<'a> Fields<'a> {
    /// The type of a field, `None` where it is not declared.
    pub(super) fn get(self, name: &str) -> Option<&'a Type> {
        match self {
            Self::Struct(it) => it.fields.get(name).map(|field| &field.ty).or(it.rest.as_ref()),
            Self::Map(ty) => Some(ty),
        }
    }

    fn declares(self, name: &str) -> bool {
        matches!(self, Self::Struct(it) if it.fields.contains_key(name))
    }
}

/// The shape of a value of type `ty`; for a type that is not known the value decides.
pub(super) fn shape<'a>(ty: &'a Type, value: Option<&Value>) -> Shape<'a> {
    match ty {
        Type::Scalar(_) => Shape::Leaf,
        Type::List(it) if it.kind == ListKind::Atomic => Shape::Leaf,
        Type::List(it) => {
            let List { item, kind } = Arc::as_ref(it);
            Shape::List(kind, item)
        }
        Type::Map(it) if it.atomic => Shape::Leaf,
        Type::Map(it) => {
            let MapType { value, .. } = Arc::as_ref(it);
            Shape::Object(Fields::Map(value))
        }
        Type::Struct(it) => {
            let it = it.resolve();
            if it.atomic { Shape::Leaf } else { Shape::Object(Fields::Struct(it)) }
        }
        Type::Any => match value {
            Some(Value::Object(_)) => Shape::Object(Fields::Map(&Type::Any)),
            _ => Shape::Leaf,
        },
    }
}

/// The path element of a list's item.
pub(super) fn element(kind: &ListKind, index: usize, item: &Value) -> Result<Element, String> {
    match kind {
        ListKind::Atomic => Ok(Element::Index(index)),
        ListKind::Set => match item {
            Value::Object(_) | Value::Array(_) => {
                Err("associative list without keys has an element that's a map type".into())
            }
            Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
            _ => Ok(Element::Value(Leaf(item.clone()))),
        },
        ListKind::Map(keys) => {
            let fields = match item {
                Value::Object(fields) => fields,
                Value::Null => return Err("associative list with keys may not have a null element".into()),
                _ => return Err("associative list with keys may not have non-map elements".into()),
            };
            let mut found: Vec<(String, Leaf)> = keys
                .iter()
                .filter_map(|(key, default)| {
                    let value = fields.get(key).or(default.as_ref())?;
                    Some((key.clone(), Leaf(value.clone())))
                })
                .collect();
            if found.is_empty() {
                let names: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields {names:?} (and doesn't have \
                     default values for any key fields)"
                )
                .replace("\", \"", "\" \""));
            }
            found.sort();
            Ok(Element::Key(found))
        }
    }
}

/// The fields that a value has.
pub(super) fn field_set(ty: &Type, value: &Value) -> Set {
    let mut set = Set::default();
    collect(ty, value, &mut set);
    set
}

/// Adds what lies below a value, and says whether the value itself is a leaf.
fn collect(ty: &Type, value: &Value, set: &mut Set) -> bool {
    match (shape(ty, Some(value)), value) {
        (Shape::Leaf, _) => return true,
        (Shape::List(kind, item_type), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let Ok(element) = element(kind, index, item) else { continue };
                let mut below = Set::default();
                collect(item_type, item, &mut below);
                set.add(element, true, below);
            }
        }
        (Shape::Object(fields), Value::Object(object)) => {
            for (name, child) in object {
                let mut below = Set::default();
                let leaf = collect(fields.get(name).unwrap_or(&Type::Any), child, &mut below);
                let empty = child.is_null() || child.as_object().is_some_and(Map::is_empty);
                let member = leaf || empty || !fields.declares(name);
                set.add(Element::Field(name.clone()), member, below);
            }
        }
        _ => {}
    }
    false
}

/// How a value differs from another.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: Set,
    pub(super) removed: Set,
    pub(super) modified: Set,
}

impl Comparison {
    pub(super) fn without(&self, ignored: &Set) -> Self {
        Self {
            added: self.added.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
        }
    }
}

/// What became of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Added,
    Removed,
    Modified,
}

impl Comparison {
    /// Takes in what became of a value at an element, and of what lies below it.
    fn add(&mut self, element: impl FnOnce() -> Element, way: Option<Way>, below: Self) {
        if way.is_none() && below.is_empty() {
            return;
        }
        let element = element();
        self.removed.add(element.clone(), way == Some(Way::Removed), below.removed);
        self.modified.add(element.clone(), way == Some(Way::Modified), below.modified);
        self.added.add(element, way == Some(Way::Added), below.added);
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.modified.is_empty()
    }
}

/// Compares two values of one type.
pub(super) fn compare(ty: &Type, old: &Value, new: &Value) -> Comparison {
    let mut out = Comparison::default();
    differ(ty, Some(old), Some(new), &mut out);
    out
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        _ => true,
    }
}

/// Adds how what lies below two values differs, and says what became of the value itself.
fn differ(ty: &Type, old: Option<&Value>, new: Option<&Value>, below: &mut Comparison) -> Option<Way> {
    if old == new {
        return None;
    }
    if matches!(ty, Type::Any) && reshaped(old, new) {
        // A value of no known type that changes its shape changes as a whole, and what it held is gone.
        differ_objects(Fields::Map(&Type::Any), old, None, below);
        return Some(Way::Modified);
    }
    let leaf = match shape(ty, new.or(old)) {
        Shape::Leaf => true,
        _ if is_empty(old) && is_empty(new) => true,
        Shape::List(kind, item) => {
            differ_lists(kind, item, old, new, below);
            false
        }
        Shape::Object(fields) => {
            differ_objects(fields, old, new, below);
            false
        }
    };
    match (old, new) {
        (None, Some(_)) => Some(Way::Added),
        (Some(_), None) => Some(Way::Removed),
        _ => leaf.then_some(Way::Modified),
    }
}

fn reshaped(old: Option<&Value>, new: Option<&Value>) -> bool {
    old.is_some() && new.is_some() && !matches!((old, new), (Some(Value::Object(_)), Some(Value::Object(_))))
}

fn differ_objects(fields: Fields<'_>, old: Option<&Value>, new: Option<&Value>, out: &mut Comparison) {
    let old = old.and_then(Value::as_object);
    let new = new.and_then(Value::as_object);
    let mut one = |name: &String, before: Option<&Value>, after: Option<&Value>| {
        let mut below = Comparison::default();
        let way = differ(fields.get(name).unwrap_or(&Type::Any), before, after, &mut below);
        out.add(|| Element::Field(name.clone()), way, below);
    };
    for (name, before) in old.into_iter().flatten() {
        one(name, Some(before), new.and_then(|it| it.get(name)));
    }
    for (name, after) in new.into_iter().flatten() {
        if old.is_none_or(|it| !it.contains_key(name)) {
            one(name, None, Some(after));
        }
    }
}

fn differ_lists(
    kind: &ListKind,
    item: &Type,
    old: Option<&Value>,
    new: Option<&Value>,
    out: &mut Comparison,
) {
    let (old, new) = (indexed(kind, old), indexed(kind, new));
    let elements: BTreeSet<&Element> = old.iter().chain(&new).map(|(element, _)| element).collect();
    let find = |list: &'_ [(Element, Vec<&'_ Value>)], element: &Element| -> Option<usize> {
        list.iter().position(|(it, _)| it == element)
    };
    for element in elements {
        let (before, after) = (find(&old, element), find(&new, element));
        let mut below = Comparison::default();
        let way = match (before.map(|at| &old[at].1), after.map(|at| &new[at].1)) {
            // compat(structured-merge-diff): an item that occurs more than once is compared as a whole.
            (Some(a), Some(b)) if a.len() > 1 || b.len() > 1 => (a != b).then_some(Way::Modified),
            (None, Some(b)) if b.len() > 1 => Some(Way::Added),
            (Some(a), None) if a.len() > 1 => Some(Way::Removed),
            (a, b) => differ(item, a.map(|it| it[0]), b.map(|it| it[0]), &mut below),
        };
        out.add(|| element.clone(), way, below);
    }
}

fn indexed<'a>(kind: &ListKind, list: Option<&'a Value>) -> Vec<(Element, Vec<&'a Value>)> {
    let mut out: Vec<(Element, Vec<&Value>)> = Vec::new();
    for (index, item) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Ok(element) = element(kind, index, item) else { continue };
        match out.iter_mut().find(|(it, _)| *it == element) {
            Some((_, items)) => items.push(item),
            None => out.push((element, vec![item])),
        }
    }
    out
}

/// What is left of a value without the fields of `set`.
pub(super) fn without(ty: &Type, value: &Value, set: &Set) -> Value {
    match (shape(ty, Some(value)), value) {
        (Shape::List(kind, item_type), Value::Array(items)) => {
            let mut left = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let Ok(element) = element(kind, index, item) else {
                    left.push(item.clone());
                    continue;
                };
                if set.has_member(&element) {
                    continue;
                }
                match set.below(&element).filter(|below| !below.is_empty()) {
                    Some(below) => left.push(without(item_type, item, below)),
                    None => left.push(item.clone()),
                }
            }
            Value::Array(left)
        }
        (Shape::Object(fields), Value::Object(object)) => {
            let mut left = Map::new();
            for (name, child) in object {
                let element = Element::Field(name.clone());
                if set.has_member(&element) {
                    continue;
                }
                let child = match set.below(&element).filter(|below| !below.is_empty()) {
                    Some(below) => without(fields.get(name).unwrap_or(&Type::Any), child, below),
                    None => child.clone(),
                };
                left.insert(name.clone(), child);
            }
            Value::Object(left)
        }
        _ => value.clone(),
    }
}

/// Whether a path names a field of a struct or an item of a list, rather than a key of a map.
pub(super) fn is_named(root: &Type, path: &[Element]) -> bool {
    let mut ty = root;
    for (at, element) in path.iter().enumerate() {
        let last = at + 1 == path.len();
        match element {
            Element::Field(name) => {
                if last {
                    return ty.as_struct().is_some_and(|it| it.fields.contains_key(name));
                }
                ty = ty.field(name);
            }
            _ => {
                if last {
                    return true;
                }
                ty = ty.item();
            }
        }
    }
    false
}

/// Every problem of an applied value: fields that are not declared, values of a wrong type, duplicates.
pub(super) fn validate(ty: &Type, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(ty, value, &Trail::Root, &mut problems);
    problems
}

/// Where a check is, from the inside out.
enum Trail<'a> {
    Root,
    Field(&'a Trail<'a>, &'a str),
    Item(&'a Trail<'a>, &'a Element),
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(above, name) => write!(f, "{above}.{name}"),
            Self::Item(above, element) => write!(f, "{above}{element}"),
        }
    }
}

fn check(ty: &Type, value: &Value, at: &Trail<'_>, problems: &mut Vec<String>) {
    let mut problem = |text: String| problems.push(format!("{at}: {text}"));
    match ty {
        Type::Any => {}
        Type::Scalar(scalar) => {
            if let Some(wanted) = mismatch(*scalar, value) {
                // compat(structured-merge-diff 6.3): each kind of scalar shows the value in a form of its own.
                let shown = match scalar {
                    Scalar::Int32 | Scalar::Int64 | Scalar::Number => go_type(value).to_owned(),
                    Scalar::String | Scalar::Bytes => scalar_text(value),
                    _ => plain_text(value),
                };
                problem(format!("expected {wanted}, got {shown}"));
            }
        }
        Type::List(list) => match value {
            Value::Array(items) => check_items(list, items, at, problems),
            Value::Null => {}
            other => problem(format!("expected list, got {}", plain_text(other))),
        },
        Type::Map(_) | Type::Struct(_) => match value {
            Value::Object(object) => {
                let declared = |name: &str| match ty {
                    Type::Struct(it) => Fields::Struct(it.resolve()).get(name),
                    _ => Some(ty.field(name)),
                };
                for (name, child) in object {
                    if let Some(ty) = declared(name) {
                        check(ty, child, &Trail::Field(at, name), problems);
                    }
                }
                // compat(structured-merge-diff 6.3): of the fields that an object may not have, one is told of.
                if let Some(name) = object.keys().find(|name| declared(name).is_none()) {
                    problems.push(format!("{}: field not declared in schema", Trail::Field(at, name)));
                }
            }
            Value::Null => {}
            other => problem(format!("expected map, got {}", plain_text(other))),
        },
    }
}

fn check_items(list: &List, items: &[Value], at: &Trail<'_>, problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let element = match element(&list.kind, index, item) {
            Ok(element) => element,
            Err(why) => {
                problems.push(format!("{at}: element {index}: {why}"));
                return;
            }
        };
        if seen.contains(&element) {
            problems.push(format!("{at}: duplicate entries for key {element}"));
        }
        check(&list.item, item, &Trail::Item(at, &element), problems);
        seen.insert(element);
    }
}

fn mismatch(scalar: Scalar, value: &Value) -> Option<&'static str> {
    let (fits, name) = match scalar {
        Scalar::String | Scalar::Bytes => (value.is_string(), "string"),
        Scalar::Int32 | Scalar::Int64 | Scalar::Number => (value.is_number(), "numeric (int or float)"),
        Scalar::Bool => (value.is_boolean(), "boolean"),
        Scalar::Quantity | Scalar::IntOrString => (!value.is_object() && !value.is_array(), "any scalar"),
        Scalar::Time | Scalar::MicroTime => (true, ""),
    };
    (!fits && !value.is_null()).then_some(name)
}

fn scalar_text(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{}}}", value_text(value))
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let inner: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", value_text(value))).collect();
            format!("map[string]interface {{}}{{{}}}", inner.join(", "))
        }
        Value::Array(items) => {
            let inner: Vec<String> = items.iter().map(value_text).collect();
            format!("[]interface {{}}{{{}}}", inner.join(", "))
        }
        other => other.to_string(),
    }
}

fn plain_text(value: &Value) -> String {
    fn inner(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Object(fields) => {
                let parts: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}:{}", inner(value))).collect();
                format!("map[{}]", parts.join(" "))
            }
            Value::Array(items) => {
                let parts: Vec<String> = items.iter().map(inner).collect();
                format!("[{}]", parts.join(" "))
            }
            other => other.to_string(),
        }
    }
    format!("&{{{}}}", inner(value))
}
