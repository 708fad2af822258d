//! Versions.

use std::rc::Rc;

use gyre_go::semver::{Constraints, Version};

use super::cast::utf8;
use crate::functions::{Function, fixed};
use crate::value::{IntKind, Method, Object, Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("semver", &[Type::Str], |_, args| {
        parsed(&args[0]).map(|version| Value::Object(Rc::new(Semver(version))))
    }),
    fixed("semverCompare", &[Type::Str, Type::Str], |_, args| {
        let range = Constraints::parse(&utf8(&args[0])).map_err(|why| why.to_string())?;
        Ok(Value::Bool(range.check(&parsed(&args[1])?)))
    }),
];

fn parsed(value: &Value) -> Result<Version, String> {
    Version::parse(&utf8(value)).map_err(|why| why.to_string())
}

/// `*semver.Version`.
#[derive(Debug)]
struct Semver(Version);

const TYPE: &str = "*semver.Version";

impl Object for Semver {
    fn type_name(&self) -> &str {
        TYPE
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Method> {
        let params: &'static [Type] = match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => &[],
            "Compare" | "Equal" | "LessThan" | "GreaterThan" | "LessThanEqual" | "GreaterThanEqual" => {
                &[Type::Object(TYPE)]
            }
            "SetPrerelease" | "SetMetadata" => &[Type::Str],
            _ => return None,
        };
        Some(Method { params, variadic: false })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let version = &self.0;
        let number = |value: u64| Value::Int(value as i64, IntKind::Uint64);
        let next = |next: Result<Version, gyre_go::semver::VersionError>| {
            next.map(|version| Value::Object(Rc::new(Self(version)))).map_err(|why| why.to_string())
        };
        let order = match args.first() {
            Some(Value::Object(other)) => {
                Version::parse(&other.text().unwrap_or_default()).map(|other| version.compare(&other)).ok()
            }
            _ => None,
        };
        let is = |fits: fn(std::cmp::Ordering) -> bool| Value::Bool(order.is_some_and(fits));
        let text = args.first().map(utf8).unwrap_or_default();
        Ok(match name {
            "Major" => number(version.major),
            "Minor" => number(version.minor),
            "Patch" => number(version.patch),
            "Prerelease" => Value::text(version.prerelease.as_str()),
            "Metadata" => Value::text(version.metadata.as_str()),
            "Original" => Value::text(version.original()),
            "Compare" => Value::int(order.map_or(0, |order| order as i64)),
            "Equal" => is(std::cmp::Ordering::is_eq),
            "LessThan" => is(std::cmp::Ordering::is_lt),
            "GreaterThan" => is(std::cmp::Ordering::is_gt),
            "LessThanEqual" => is(std::cmp::Ordering::is_le),
            "GreaterThanEqual" => is(std::cmp::Ordering::is_ge),
            "IncMajor" => next(version.next_major())?,
            "IncMinor" => next(version.next_minor())?,
            "IncPatch" => next(version.next_patch())?,
            "SetPrerelease" => next(version.with_prerelease(&text))?,
            "SetMetadata" => next(version.with_metadata(&text))?,
            _ => Value::text(version.to_string()),
        })
    }

    fn to_json(&self) -> serde_json::Value {
        self.0.to_string().into()
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}
