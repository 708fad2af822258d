//! Values as a Go template sees them: kinds kept apart, maps and lists shared and changed in place.

mod convert;
mod show;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use gyre_go::time::Time;

use crate::limits::LIST_ITEMS_MAX;
use crate::text::Text;

/// A value.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value at all: what a pipeline that ends in nil leaves.
    #[default]
    Invalid,
    /// A nil that an `interface {}` holds.
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer and its type.
    Int(i64, IntKind),
    /// A `float64`.
    Float(f64),
    /// A string.
    Str(Text),
    /// A `[]uint8`.
    Bytes(Text),
    /// A slice.
    List(List),
    /// A map.
    Map(Map),
    /// A struct with fields and methods.
    Object(Rc<dyn Object>),
    /// A `time.Time`.
    Time(Rc<Time>),
    /// A `time.Duration`, in nanoseconds.
    Duration(i64),
}

/// The integer types that templates meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    /// `int`
    Int,
    /// `int32`, `rune`
    Int32,
    /// `int64`
    Int64,
    /// `uint8`
    Uint8,
    /// `uint64`
    Uint64,
}

impl IntKind {
    /// The name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
        }
    }

    /// Has it no sign?
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint8 | Self::Uint64)
    }
}

/// What a slice is a slice of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    List,
    /// `[]float64`
    Float,
    /// `[]*chart.Dependency` and the like: structs, by the name of the type.
    Object(&'static str),
}

/// A shared slice.
#[derive(Clone, Debug)]
pub struct List {
    /// What it holds.
    pub items: Rc<RefCell<Vec<Value>>>,
    /// Of what type.
    pub element: Element,
    /// A nil slice?
    pub is_nil: bool,
}

/// What a map holds, and the name of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Str,
    /// `chartutil.Values` of Helm.
    Values,
}

/// A shared map.
#[derive(Clone, Debug)]
pub struct Map {
    /// Its entries.
    pub entries: Rc<RefCell<BTreeMap<Text, Value>>>,
    /// Its type.
    pub kind: MapKind,
    /// A nil map?
    pub is_nil: bool,
}

/// A struct of Go as templates meet it: `.Chart`, `.Files`, `.Capabilities`.
pub trait Object: std::fmt::Debug {
    /// The name of the type.
    fn type_name(&self) -> &str;
    /// The kind: `struct`, `ptr`, `map`, `slice`.
    fn kind(&self) -> &'static str {
        "struct"
    }
    /// A field.
    fn field(&self, name: &str) -> Option<Value>;
    /// How a method is called; `None` where there is no such method.
    fn method(&self, name: &str) -> Option<Method> {
        let _ = name;
        None
    }
    /// Calls a method with arguments that fit.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let _ = args;
        Err(format!("{name} cannot be called"))
    }
    /// What `range` and `len` see, where it is a map or a slice.
    fn contents(&self) -> Option<Value> {
        None
    }
    /// The fields as JSON names them, in the order of the struct; what is empty and may be left out is not there.
    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        None
    }
    /// The value as JSON.
    fn to_json(&self) -> serde_json::Value {
        let fields = self.json_fields().into_iter().flatten();
        fields.map(|(key, value)| (key.to_owned(), value.to_json().unwrap_or_default())).collect()
    }
    /// What it says of itself where it is printed from its own place, and not as a copy.
    fn text_in_place(&self) -> Option<String> {
        None
    }
    /// What it says of itself when it is printed, where it does.
    fn text(&self) -> Option<String> {
        None
    }
    /// Fields in their order, for printing.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// The arguments of a method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Their types.
    pub params: &'static [Type],
    /// Does the last one stand for any number?
    pub variadic: bool,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `string`
    Str,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint32`
    Uint32,
    /// `float64`
    Float,
    /// `map[string]interface {}`
    Map,
    /// `[]interface {}`
    List,
    /// `time.Time`
    Time,
    /// A struct by the name of its type.
    Object(&'static str),
}

impl Type {
    /// Go's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Str => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Time => "time.Time",
            Self::Object(name) => name,
        }
    }

    /// Can it be nil?
    pub(crate) fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::Map | Self::List)
    }

    /// The nil of this type.
    pub(crate) fn nil(self) -> Value {
        match self {
            Self::Map => Value::Map(Map { is_nil: true, ..Map::new(MapKind::Any) }),
            Self::List => Value::List(List { is_nil: true, ..List::any(Vec::new()) }),
            _ => Value::Nil,
        }
    }
}

impl List {
    /// A `[]interface {}`.
    pub fn any(items: Vec<Value>) -> Self {
        Self::of(Element::Any, items)
    }

    /// A slice of a type.
    pub fn of(element: Element, items: Vec<Value>) -> Self {
        Self { items: Rc::new(RefCell::new(items)), element, is_nil: false }
    }
}

impl Map {
    /// An empty map.
    pub fn new(kind: MapKind) -> Self {
        Self { entries: Rc::default(), kind, is_nil: false }
    }

    /// The value of a key.
    pub fn value(&self, key: &[u8]) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    /// Sets the value of a key.
    pub fn set(&self, key: impl Into<Text>, value: Value) {
        self.entries.borrow_mut().insert(key.into(), value);
    }
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    /// An `int`.
    pub fn int(value: i64) -> Self {
        Self::Int(value, IntKind::Int)
    }

    /// A `[]string`.
    pub fn strings<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        // bounded: one more than the limit is seen, and refused, by who called the function.
        let items = items.into_iter().take(LIST_ITEMS_MAX + 1);
        Self::List(List::of(Element::Str, items.map(Self::text).collect()))
    }

    /// A `map[string]interface {}` from pairs.
    pub fn map<K: Into<Text>>(pairs: impl IntoIterator<Item = (K, Self)>) -> Self {
        let map = Map::new(MapKind::Any);
        map.entries.borrow_mut().extend(pairs.into_iter().map(|(key, value)| (key.into(), value)));
        Self::Map(map)
    }

    /// Is it nil, or no value?
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Invalid | Self::Nil => true,
            Self::Map(map) => map.is_nil,
            Self::List(list) => list.is_nil,
            _ => false,
        }
    }

    /// The name of its type.
    pub fn type_name(&self) -> String {
        match self {
            Self::Invalid => "<nil>".into(),
            Self::Nil => "interface {}".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_, kind) => kind.name().into(),
            Self::Float(_) => "float64".into(),
            Self::Str(_) => "string".into(),
            Self::Bytes(_) => "[]uint8".into(),
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name().into(),
            Self::Object(object) => object.type_name().into(),
            Self::Time(_) => "time.Time".into(),
            Self::Duration(_) => "time.Duration".into(),
        }
    }

    /// The name of its kind.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Invalid | Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_, kind) => kind.name(),
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind(),
            Self::Time(_) => "struct",
            Self::Duration(_) => "int64",
        }
    }

    /// Is it true in an `if`? Everything but zero, empty and nil is.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Invalid | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) | Self::Duration(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) | Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.items.borrow().is_empty(),
            Self::Map(map) => !map.entries.borrow().is_empty(),
            Self::Object(object) => object.contents().is_none_or(|contents| contents.is_true()),
            Self::Time(_) => true,
        }
    }

    /// The bytes of a string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(text) => Some(text.bytes()),
            _ => None,
        }
    }
}

impl List {
    /// The name of the type.
    pub fn type_name(&self) -> String {
        match self.element {
            Element::Any => "[]interface {}".into(),
            Element::Str => "[]string".into(),
            Element::Int => "[]int".into(),
            Element::List => "[][]interface {}".into(),
            Element::Float => "[]float64".into(),
            Element::Object(name) => format!("[]{name}"),
        }
    }
}

impl Map {
    /// The name of the type.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            MapKind::Any => "map[string]interface {}",
            MapKind::Str => "map[string]string",
            MapKind::Values => "chartutil.Values",
        }
    }
}
