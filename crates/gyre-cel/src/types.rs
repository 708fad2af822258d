//! Types of expressions, as the checker sees them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Known only when it is run.
    Dyn,
    /// `null`.
    Null,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `uint`.
    Uint,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `google.protobuf.Duration`.
    Duration,
    /// `list(item)`.
    List(Arc<Type>),
    /// `map(key, value)`.
    Map(Arc<Type>, Arc<Type>),
    /// `optional_type(value)`.
    Optional(Arc<Type>),
    /// The type of types.
    TypeOf(Arc<Type>),
    /// A type of a library, by its name.
    Opaque(&'static str),
    /// An object with declared fields.
    Object(Arc<Object>),
    /// Not known yet.
    #[doc(hidden)]
    Param(u32),
}

/// An object with declared fields.
#[derive(Debug, PartialEq)]
pub struct Object {
    /// What messages call it.
    pub name: String,
    /// The fields by the names that expressions use.
    pub fields: BTreeMap<String, Type>,
}

impl Type {
    /// The type that a word denotes, where it has no parts.
    pub(crate) fn simple(word: &str) -> Option<Self> {
        Some(match word {
            "bool" => Self::Bool,
            "int" => Self::Int,
            "uint" => Self::Uint,
            "double" => Self::Double,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            _ => return None,
        })
    }

    /// A list of items of a type.
    pub fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    /// A map.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(crate) fn optional(value: Self) -> Self {
        Self::Optional(Arc::new(value))
    }

    /// The type as messages of the checker show it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Timestamp => "timestamp".into(),
            Self::Duration => "duration".into(),
            Self::List(item) => format!("list({})", item.shown()),
            Self::Map(key, value) => format!("map({}, {})", key.shown(), value.shown()),
            Self::Optional(it) => format!("optional_type({})", it.shown()),
            Self::TypeOf(it) => format!("type({})", it.shown()),
            other => other.to_string(),
        }
    }

    pub(crate) fn is_nullable(&self) -> bool {
        matches!(
            self,
            Self::Null
                | Self::Timestamp
                | Self::Duration
                | Self::Object(_)
                | Self::Opaque(_)
                | Self::Optional(_)
        )
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("dyn"),
            Self::Null => f.write_str("null_type"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("google.protobuf.Timestamp"),
            Self::Duration => f.write_str("google.protobuf.Duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(it) => write!(f, "optional_type({it})"),
            Self::TypeOf(it) => write!(f, "type({it})"),
            Self::Opaque(name) => f.write_str(name),
            Self::Object(it) => f.write_str(&it.name),
            Self::Param(number) => write!(f, "_var{number}"),
        }
    }
}
