//! Defaults, emptiness, choices.

use crate::functions::{Function, fixed, variadic};
use crate::value::{Type, Value};

const A: &[Type] = &[Type::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("default", &[Type::Any, Type::Any], |_, args| {
        let given = args.get(1).filter(|given| !is_empty(given));
        Ok(given.unwrap_or(&args[0]).clone())
    }),
    fixed("empty", A, |_, args| Ok(Value::Bool(is_empty(&args[0])))),
    variadic("coalesce", A, |_, args| {
        Ok(args.iter().find(|arg| !is_empty(arg)).cloned().unwrap_or(Value::Nil))
    }),
    variadic("all", A, |_, args| Ok(Value::Bool(!args.iter().any(is_empty)))),
    variadic("any", A, |_, args| Ok(Value::Bool(args.iter().any(|arg| !is_empty(arg))))),
    fixed("ternary", &[Type::Any, Type::Any, Type::Bool], |_, args| {
        Ok(args[usize::from(!args[2].is_true())].clone())
    }),
    fixed("fail", &[Type::Str], |_, args| {
        Err(String::from_utf8_lossy(super::cast::text(&args[0])).into_owned())
    }),
];

/// sprig's `empty`: as in an `if`, but a struct never is.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Time(_) => false,
        Value::Object(object) => object.contents().is_some_and(|contents| is_empty(&contents)),
        other => !other.is_true(),
    }
}
