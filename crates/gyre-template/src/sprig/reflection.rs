//! Types and kinds.

use super::cast::text;
use crate::builtin::deep_equal;
use crate::functions::{Function, fixed};
use crate::value::{Type, Value};

const A: &[Type] = &[Type::Any];
const SA: &[Type] = &[Type::Str, Type::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("typeOf", A, |_, args| Ok(Value::text(type_of(&args[0])))),
    fixed("typeIs", SA, |_, args| Ok(Value::Bool(type_of(&args[1]).as_bytes() == text(&args[0])))),
    fixed("typeIsLike", SA, |_, args| {
        let name = type_of(&args[1]);
        let same = name.as_bytes() == text(&args[0]);
        Ok(Value::Bool(same || name.strip_prefix('*').is_some_and(|name| name.as_bytes() == text(&args[0]))))
    }),
    fixed("kindOf", A, |_, args| Ok(Value::text(args[0].kind_name()))),
    fixed("kindIs", SA, |_, args| Ok(Value::Bool(args[1].kind_name().as_bytes() == text(&args[0])))),
    fixed("deepEqual", &[Type::Any, Type::Any], |_, args| Ok(Value::Bool(deep_equal(&args[0], &args[1])))),
];

fn type_of(value: &Value) -> String {
    match value {
        Value::Nil | Value::Invalid => "<nil>".into(),
        other => other.type_name(),
    }
}
