//! What a type says about the merging of its fields.

use super::{Strategic, invalid};
use crate::schema::{Patch, Scalar, Struct, Type};

/// What is known about the place in the type that merging has come to.
#[derive(Clone, Copy)]
pub(super) enum Meta<'a> {
    Struct(&'a Struct),
    /// No struct: the kind of its Go type.
    Other(&'static str, Option<&'a Type>),
}

/// How a field is merged.
#[derive(Clone, Copy, Default)]
pub(super) struct Strategy<'a> {
    pub(super) merge: bool,
    pub(super) retain_keys: bool,
    pub(super) merge_key: &'a str,
}

impl<'a> Meta<'a> {
    pub(super) fn of(of: &'a Type) -> Self {
        match of {
            Type::Struct(it) => Self::Struct(it.resolve()),
            other => Self::Other(kind(other), Some(other)),
        }
    }

    /// The type of a field that holds an object.
    pub(super) fn field(&self, key: &str) -> Strategic<(Meta<'a>, Strategy<'a>)> {
        let of = match self {
            Self::Struct(of) => of,
            Self::Other(kind, _) => {
                return invalid(format!(
                    "merging an object in json but data type is not struct, instead is: {kind}"
                ));
            }
        };
        match of.fields.get(key) {
            Some(field) => Ok((Meta::of(&field.ty), strategy(&field.patch))),
            None => {
                let name = of.name.rsplit('.').next().unwrap_or_default();
                invalid(format!("unable to find api field in struct {name} for the json field {key:?}"))
            }
        }
    }

    /// The type of the items of a field that holds a list.
    pub(super) fn items(&self, key: &str) -> Strategic<(Meta<'a>, Strategy<'a>)> {
        let (meta, strategy) = self.field(key)?;
        match meta {
            Self::Other(_, Some(Type::List(list))) => Ok((Meta::of(&list.item), strategy)),
            _ => invalid(format!("expected slice or array type, but got: {}", self.kind())),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Struct(_) => "struct",
            Self::Other(kind, _) => kind,
        }
    }
}

fn strategy(patch: &Patch) -> Strategy<'_> {
    Strategy {
        merge: patch.merge,
        retain_keys: patch.retain_keys,
        merge_key: patch.merge_key.as_deref().unwrap_or_default(),
    }
}

fn kind(of: &Type) -> &'static str {
    match of {
        Type::Any => "interface",
        Type::Struct(_)
        | Type::Scalar(Scalar::Time | Scalar::MicroTime | Scalar::Quantity | Scalar::IntOrString) => "struct",
        Type::List(_) | Type::Scalar(Scalar::Bytes) => "slice",
        Type::Map(_) => "map",
        Type::Scalar(Scalar::String) => "string",
        Type::Scalar(Scalar::Int32) => "int32",
        Type::Scalar(Scalar::Int64) => "int64",
        Type::Scalar(Scalar::Number) => "float64",
        Type::Scalar(Scalar::Bool) => "bool",
    }
}
