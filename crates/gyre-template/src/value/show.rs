//! How values are printed.

use std::borrow::Cow;

use gyre_go::fmt::{Arg, sprint};

use super::{Element, IntKind, MapKind, Value};
use crate::limits::VALUE_DEPTH_MAX;

impl Value {
    /// The value as Go's `fmt` sees it.
    pub fn to_arg(&self) -> Arg<'static> {
        self.arg_at(0)
    }

    fn arg_at(&self, depth: usize) -> Arg<'static> {
        if depth > VALUE_DEPTH_MAX {
            return Arg::Nil;
        }
        match self {
            Self::Invalid | Self::Nil => Arg::Nil,
            Self::Bool(value) => Arg::Bool(*value),
            Self::Int(value, kind) if kind.is_unsigned() => Arg::Uint(*value as u64, kind.name()),
            Self::Int(value, kind) => Arg::Int(*value, kind.name()),
            Self::Float(value) => Arg::Float64(*value),
            Self::Str(text) => Arg::Str(Cow::Owned(text.bytes().to_vec()), "string"),
            Self::Bytes(text) => Arg::Bytes(Cow::Owned(text.bytes().to_vec())),
            Self::List(list) => Arg::List {
                type_name: list.type_name().into(),
                items: list.items.borrow().iter().map(|item| item.arg_at(depth + 1)).collect(),
                of_interfaces: list.element == Element::Any,
                is_nil: list.is_nil,
            },
            Self::Map(map) => Arg::Map {
                type_name: map.type_name().into(),
                entries: map
                    .entries
                    .borrow()
                    .iter()
                    .map(|(key, value)| (Self::Str(key.clone()).arg_at(depth), value.arg_at(depth + 1)))
                    .collect(),
                is_nil: map.is_nil,
            },
            Self::Object(object) => {
                let plain = match object.contents() {
                    Some(contents) => contents.arg_at(depth + 1),
                    None => {
                        let named = object.type_name();
                        let fields = object.fields().into_iter();
                        let plain = Arg::Struct {
                            type_name: named.trim_start_matches('*').to_owned().into(),
                            fields: fields.map(|(name, value)| (name, value.arg_at(depth + 1))).collect(),
                        };
                        if named.starts_with('*') { Arg::Pointer(Box::new(plain)) } else { plain }
                    }
                };
                match object.text() {
                    Some(text) => Arg::Shown {
                        text: text.into_bytes().into(),
                        type_name: object.type_name().to_owned().into(),
                        inner: Box::new(plain),
                    },
                    None => plain,
                }
            }
            Self::Time(time) => Arg::Shown {
                text: time.to_string().into_bytes().into(),
                type_name: "time.Time".into(),
                inner: Box::new(Arg::Opaque("time.Time".into())),
            },
            Self::Duration(nanoseconds) => Arg::Shown {
                text: gyre_go::duration::Duration(*nanoseconds).to_string().into_bytes().into(),
                type_name: "time.Duration".into(),
                inner: Box::new(Arg::Int(*nanoseconds, "int64")),
            },
        }
    }

    /// Bytes and items in the value, however deep; it stops counting above `most`.
    pub(crate) fn weight(&self, most: usize) -> usize {
        let mut weight = 0;
        self.weigh(most, 0, &mut weight);
        weight
    }

    fn weigh(&self, most: usize, depth: usize, weight: &mut usize) {
        *weight = weight.saturating_add(1);
        if depth > VALUE_DEPTH_MAX || *weight > most {
            return;
        }
        match self {
            Self::Str(text) | Self::Bytes(text) => *weight = weight.saturating_add(text.len()),
            Self::List(list) => {
                for item in &*list.items.borrow() {
                    item.weigh(most, depth + 1, weight);
                    if *weight > most {
                        return;
                    }
                }
            }
            Self::Map(map) => {
                for (key, value) in &*map.entries.borrow() {
                    *weight = weight.saturating_add(key.len());
                    value.weigh(most, depth + 1, weight);
                    if *weight > most {
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    /// Writes what a template prints for the value.
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        match self {
            Self::Invalid => out.extend_from_slice(b"<no value>"),
            Self::Str(text) => out.extend_from_slice(text.bytes()),
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Int(value, IntKind::Uint64) => {
                out.extend_from_slice((*value as u64).to_string().as_bytes());
            }
            Self::Int(value, _) => out.extend_from_slice(value.to_string().as_bytes()),
            other => out.extend_from_slice(&other.printed()),
        }
    }

    /// What it is printed as by itself: what a pointer points to.
    pub(crate) fn printed(&self) -> Vec<u8> {
        match self {
            Self::Object(_) => match self.to_arg() {
                Arg::Pointer(to) => sprint(&[*to]),
                other => sprint(&[other]),
            },
            other => other.shown(),
        }
    }

    /// What Go's `fmt.Sprint` makes of it.
    pub(crate) fn shown(&self) -> Vec<u8> {
        match self {
            Self::Str(text) => text.bytes().to_vec(),
            other => sprint(&[other.to_arg()]),
        }
    }

    /// The same map with the type that a function returns, `map[string]interface {}`.
    pub(crate) fn as_plain_map(&self) -> Self {
        match self {
            Self::Map(map) => Self::Map(super::Map { kind: MapKind::Any, ..map.clone() }),
            other => other.clone(),
        }
    }
}
