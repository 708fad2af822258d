//! Values of expressions.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use gyre_go::duration::Duration;
use gyre_go::quantity::Quantity;
use gyre_go::semver::Version;
use jiff::Timestamp;

use crate::types::Type;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A floating number.
    Double(f64),
    /// Text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A map.
    Map(Arc<BTreeMap<Key, Value>>),
    /// A moment.
    Timestamp(Timestamp),
    /// A span of time.
    Duration(Duration),
    /// A value that may be missing.
    Optional(Option<Arc<Value>>),
    /// A type, by its name.
    Type(Arc<str>),
    /// `kubernetes.URL`.
    Url(Arc<crate::functions::url::Url>),
    /// `net.IP`.
    Ip(IpAddr),
    /// `net.CIDR`: an address and the bits of its prefix.
    Cidr(IpAddr, u8),
    /// `kubernetes.Quantity`.
    Quantity(Quantity),
    /// `kubernetes.Semver`.
    Semver(Arc<Version>),
    /// `kubernetes.NamedFormat`, by its name.
    Format(&'static str),
}

/// A key of a map. Whole numbers are signed where they fit, so that `1` and `1u` are one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `true` or `false`.
    Bool(bool),
    /// A number that fits.
    Int(i64),
    /// A larger one.
    Uint(u64),
    /// Text.
    Text(Arc<str>),
}

impl Key {
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(it) => Self::Bool(*it),
            Value::Int(it) => Self::Int(*it),
            Value::Uint(it) => i64::try_from(*it).map_or(Self::Uint(*it), Self::Int),
            Value::Double(it) => Self::Int(whole(*it)?),
            Value::Text(it) => Self::Text(it.clone()),
            _ => return None,
        })
    }

    /// The value that stands for the key.
    pub fn value(&self) -> Value {
        match self {
            Self::Bool(it) => Value::Bool(*it),
            Self::Int(it) => Value::Int(*it),
            Self::Uint(it) => Value::Uint(*it),
            Self::Text(it) => Value::Text(it.clone()),
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    // The largest double below 2^63 is far below it, so that the comparison is exact.
    ((-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) && number.fract() == 0.0)
        .then_some(number as i64)
}

impl Value {
    /// Text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A JSON value, whose numbers are `int` where they have no fraction.
    pub fn from_json(value: &serde_json::Value) -> Self {
        Self::typed(value, &Type::Dyn)
    }

    /// A JSON value of a declared type: a number that is declared `double` is one, a text may be bytes or a moment.
    pub fn typed(value: &serde_json::Value, ty: &Type) -> Self {
        use serde_json::Value as Json;
        match (value, ty) {
            (Json::Null, _) => Self::Null,
            (Json::Bool(it), _) => Self::Bool(*it),
            (Json::Number(it), Type::Double) => Self::Double(it.as_f64().unwrap_or_default()),
            (Json::Number(it), _) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
                (Some(it), ..) => Self::Int(it),
                (_, Some(it), _) => Self::Uint(it),
                (.., it) => Self::Double(it.unwrap_or_default()),
            },
            (Json::String(it), Type::Bytes) => gyre_go::base64::STANDARD
                .decode(it.as_bytes())
                .map_or_else(|_| Self::text(it), |it| Self::Bytes(it.into())),
            (Json::String(it), Type::Timestamp) => {
                crate::functions::time::timestamp(it).map_or_else(|| Self::text(it), Self::Timestamp)
            }
            (Json::String(it), Type::Duration) => {
                Duration::parse(it).map_or_else(|_| Self::text(it), Self::Duration)
            }
            (Json::String(it), _) => Self::text(it),
            (Json::Array(items), ty) => {
                let item = if let Type::List(item) = ty { item.as_ref() } else { &Type::Dyn };
                Self::list(items.iter().map(|it| Self::typed(it, item)).collect())
            }
            (Json::Object(fields), ty) => {
                let of = |name: &str| match ty {
                    Type::Object(object) => object.fields.get(name).unwrap_or(&Type::Dyn),
                    Type::Map(_, value) => value.as_ref(),
                    _ => &Type::Dyn,
                };
                let is_object = matches!(ty, Type::Object(_));
                let entries = fields.iter().map(|(name, value)| {
                    let name = if is_object { crate::escape(name) } else { name.clone() };
                    (Key::Text(name.as_str().into()), Self::typed(value, of(&name)))
                });
                Self::Map(Arc::new(entries.collect()))
            }
        }
    }

    /// The name of the value's type.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Url(_) => "kubernetes.URL",
            Self::Ip(_) => "net.IP",
            Self::Cidr(..) => "net.CIDR",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
        }
    }

    /// How much there is to go through.
    pub(crate) fn size(&self) -> u64 {
        (match self {
            Self::Text(it) => it.len() / 10,
            Self::Bytes(it) => it.len() / 10,
            Self::List(it) => it.len(),
            Self::Map(it) => it.len(),
            _ => 0,
        }) as u64
    }

    /// The order of numbers, texts, bytes, moments and spans; `None` where there is none.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.0.cmp(&b.0),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Int(a), Self::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Uint(a), Self::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (a, b) => a.number()?.partial_cmp(&b.number()?)?,
        })
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(it) => Some(*it as f64),
            Self::Uint(it) => Some(*it as f64),
            Self::Double(it) => Some(*it),
            _ => None,
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        self.number().is_some()
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, n), Self::Cidr(b, m)) => a == b && n == m,
            (Self::Quantity(a), Self::Quantity(b)) => a.partial_cmp(b) == Some(Ordering::Equal),
            (Self::Semver(a), Self::Semver(b)) => a.compare(b).is_eq(),
            (Self::Format(a), Self::Format(b)) => a == b,
            (a, b) => a.order(b) == Some(Ordering::Equal),
        }
    }
}
