//! Regular expressions.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use gyre_go::regexp::{Regexp, quote_meta};
use gyre_go::strconv::{can_backquote, quote};

use super::cast::{int, text, utf8};
use crate::functions::{Function, fixed};
use crate::value::{Type, Value};

const SS: &[Type] = &[Type::Str, Type::Str];
const SSS: &[Type] = &[Type::Str, Type::Str, Type::Str];
const SSI: &[Type] = &[Type::Str, Type::Str, Type::Int];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    // A pattern that cannot be read matches nothing here.
    fixed("regexMatch", SS, |_, args| matches(args).or(Ok(Value::Bool(false)))),
    fixed("mustRegexMatch", SS, |_, args| matches(args)),
    fixed("regexFind", SS, |_, args| found(&compiled(args)?, args)),
    fixed("mustRegexFind", SS, |_, args| found(&checked(args)?, args)),
    fixed("regexFindAll", SSI, |_, args| found_all(&compiled(args)?, args)),
    fixed("mustRegexFindAll", SSI, |_, args| found_all(&checked(args)?, args)),
    fixed("regexReplaceAll", SSS, |_, args| replaced(&compiled(args)?, args)),
    fixed("mustRegexReplaceAll", SSS, |_, args| replaced(&checked(args)?, args)),
    fixed("regexReplaceAllLiteral", SSS, |_, args| literal(&compiled(args)?, args)),
    fixed("mustRegexReplaceAllLiteral", SSS, |_, args| literal(&checked(args)?, args)),
    fixed("regexSplit", SSI, |_, args| Ok(split(&compiled(args)?, args))),
    fixed("mustRegexSplit", SSI, |_, args| Ok(split(&checked(args)?, args))),
    fixed("regexQuoteMeta", &[Type::Str], |_, args| Ok(Value::text(quote_meta(text(&args[0]))))),
];

fn checked(args: &[Value]) -> Result<Regexp, String> {
    Regexp::parse(&utf8(&args[0])).map_err(|why| why.to_string())
}

/// As `regexp.MustCompile` says it.
fn compiled(args: &[Value]) -> Result<Regexp, String> {
    let pattern = text(&args[0]);
    checked(args).map_err(|why| {
        let shown = if can_backquote(pattern) { format!("`{}`", utf8(&args[0])) } else { quote(pattern) };
        format!("regexp: Compile({shown}): {why}")
    })
}

fn matches(args: &[Value]) -> Done {
    Ok(Value::Bool(checked(args)?.is_match(text(&args[1]))))
}

fn found(regexp: &Regexp, args: &[Value]) -> Done {
    let subject = text(&args[1]);
    let first = regexp.find_all(subject, Some(1)).first().copied();
    Ok(Value::text(first.map_or(&b""[..], |(from, to)| &subject[from..to])))
}

fn found_all(regexp: &Regexp, args: &[Value]) -> Done {
    let subject = text(&args[1]);
    let limit = usize::try_from(int(&args[2])).ok();
    let all = regexp.find_all(subject, limit);
    let is_nil = all.is_empty();
    let list = Value::strings(all.into_iter().map(|(from, to)| &subject[from..to]));
    Ok(match list {
        Value::List(list) => Value::List(crate::value::List { is_nil, ..list }),
        other => other,
    })
}

fn replaced(regexp: &Regexp, args: &[Value]) -> Done {
    Ok(Value::text(regexp.replace_all(text(&args[1]), text(&args[2]))))
}

fn literal(regexp: &Regexp, args: &[Value]) -> Done {
    Ok(Value::text(regexp.replace_all_literal(text(&args[1]), text(&args[2]))))
}

fn split(regexp: &Regexp, args: &[Value]) -> Value {
    let limit = int(&args[2]);
    let list = Value::strings(regexp.split(text(&args[1]), limit));
    match list {
        Value::List(list) => Value::List(crate::value::List { is_nil: limit == 0, ..list }),
        other => other,
    }
}
