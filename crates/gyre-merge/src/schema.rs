//! The shape of an object's fields: what merging, decoding and server-side apply need to know about a type.
//!
//! A [`Type`] comes from the facts about built-in kinds ([`crate::facts`]) or from the structural schema of a custom
//! resource; a type that nothing is known about is [`Type::Any`], whose values are taken as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::facts;

/// What a single value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    String,
    /// A signed integer of 32 bits.
    Int32,
    /// A signed integer of 64 bits.
    Int64,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// Bytes as base64.
    Bytes,
    /// A time of whole seconds.
    Time,
    /// A time of microseconds.
    MicroTime,
    /// A resource quantity, as a string or a number.
    Quantity,
    /// An integer or a string.
    IntOrString,
}

/// The type of a value.
#[derive(Clone, Debug)]
pub enum Type {
    /// Nothing is known: any value.
    Any,
    /// A single value.
    Scalar(Scalar),
    /// An object with named fields.
    Struct(StructRef),
    /// A list.
    List(Arc<List>),
    /// An object whose keys are free.
    Map(Arc<MapType>),
}

/// Names a struct: one of the built-in facts, or one that its owner holds.
#[derive(Clone, Debug)]
pub enum StructRef {
    /// A built-in type, by its place in the facts.
    Builtin(u32),
    /// A type made elsewhere, such as from a custom resource's schema.
    Owned(Arc<Struct>),
}

impl StructRef {
    /// The struct itself.
    pub fn resolve(&self) -> &Struct {
        match self {
            Self::Builtin(index) => facts::struct_at(*index),
            Self::Owned(it) => it,
        }
    }
}

/// An object with named fields.
#[derive(Clone, Debug, Default)]
pub struct Struct {
    /// The schema name (`io.k8s.api.core.v1.Pod`), empty where it has none.
    pub name: String,
    /// The fields.
    pub fields: BTreeMap<String, Field>,
    /// The type of fields that are not named, where they are allowed.
    pub rest: Option<Type>,
    /// Whether the object is owned and replaced as a whole.
    pub atomic: bool,
}

/// How the Go type of a field treats absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// Kept when present, left out when absent (a pointer).
    #[default]
    Optional,
    /// Left out when it is the zero value or empty.
    DroppedAtZero,
    /// Always written, with its zero value where it is missing.
    Always,
    /// Always written, as null where it is missing.
    Nullable,
}

/// One field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Whether it must be present.
    pub required: bool,
    /// The value an absent field stands for.
    pub default: Option<Value>,
    /// The only values allowed, where they are closed.
    pub allowed: Vec<String>,
    /// How Go writes it.
    pub presence: Presence,
    /// The name of its Go type, where it is a named scalar or map.
    pub go_type: Option<String>,
    /// The Go structs that it is embedded in, from the outside in, with dots between them.
    pub embedded: Option<String>,
    /// How strategic merge patch treats it.
    pub patch: Patch,
    /// Its field number in protobuf, after those of the messages it lies in; empty where it has none.
    pub numbers: Vec<u32>,
}

impl Field {
    /// An optional field of a type, with nothing else known.
    pub fn of(ty: Type) -> Self {
        Self {
            ty,
            required: false,
            default: None,
            allowed: Vec::new(),
            presence: Presence::Optional,
            go_type: None,
            embedded: None,
            patch: Patch::default(),
            numbers: Vec::new(),
        }
    }
}

/// The strategic merge patch rule of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Lists are merged instead of replaced.
    pub merge: bool,
    /// Keys that the patch does not name are dropped (`retainKeys`).
    pub retain_keys: bool,
    /// The key of a merged list of objects.
    pub merge_key: Option<String>,
}

/// A list.
#[derive(Clone, Debug)]
pub struct List {
    /// The type of its items.
    pub item: Type,
    /// How its items are told apart.
    pub kind: ListKind,
}

/// How the items of a list are told apart.
#[derive(Clone, Debug, PartialEq)]
pub enum ListKind {
    /// The list is owned and replaced as a whole.
    Atomic,
    /// Items are their own identity.
    Set,
    /// Items are objects, identified by these fields, each with the value that stands for an absent one.
    Map(Vec<(String, Option<Value>)>),
}

/// An object whose keys are free.
#[derive(Clone, Debug)]
pub struct MapType {
    /// The type of its values.
    pub value: Type,
    /// Whether it is owned and replaced as a whole.
    pub atomic: bool,
}

impl Type {
    /// The struct behind a type, if it is one.
    pub fn as_struct(&self) -> Option<&Struct> {
        match self {
            Self::Struct(it) => Some(it.resolve()),
            _ => None,
        }
    }

    /// The type of the field `name` of a struct or map; [`Type::Any`] where it is not declared.
    pub fn field(&self, name: &str) -> &Type {
        match self {
            Self::Struct(it) => {
                let it = it.resolve();
                it.fields.get(name).map_or_else(|| it.rest.as_ref().unwrap_or(&Type::Any), |field| &field.ty)
            }
            Self::Map(it) => &it.value,
            _ => &Type::Any,
        }
    }

    /// The type of a list's items; [`Type::Any`] for what is no list.
    pub fn item(&self) -> &Type {
        match self {
            Self::List(it) => &it.item,
            _ => &Type::Any,
        }
    }
}
