//! Texts.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use gyre_go::utf8 as runes;

use super::case;
use super::cast::{display, int, text, to_texts, utf8};
use crate::exec::Machine;
use crate::functions::{Function, fixed, variadic};
use crate::limits::TEXT_BYTES_MAX;
use crate::text::Text;
use crate::value::{Map, MapKind, Type, Value};

const S: &[Type] = &[Type::Str];
const SS: &[Type] = &[Type::Str, Type::Str];
const SSS: &[Type] = &[Type::Str, Type::Str, Type::Str];
const IS: &[Type] = &[Type::Int, Type::Str];
const A: &[Type] = &[Type::Any];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("hello", &[], |_, _| Ok(Value::text("Hello!"))),
    fixed("abbrev", IS, |_, args| Ok(Value::text(abbreviated(int(&args[0]), text(&args[1]))))),
    fixed("abbrevboth", &[Type::Int, Type::Int, Type::Str], abbrev_both),
    fixed("trunc", IS, |_, args| Ok(Value::text(truncated(int(&args[0]), text(&args[1]))))),
    fixed("trim", S, |_, args| Ok(Value::text(runes::trim_space(text(&args[0]))))),
    fixed("upper", S, |_, args| Ok(Value::text(runes::to_upper(text(&args[0]))))),
    fixed("lower", S, |_, args| Ok(Value::text(runes::to_lower(text(&args[0]))))),
    fixed("title", S, |_, args| Ok(Value::text(runes::to_title(text(&args[0]))))),
    fixed("untitle", S, |_, args| Ok(Value::text(case::uncapitalized(text(&args[0]))))),
    fixed("swapcase", S, |_, args| Ok(Value::text(case::swapped(text(&args[0]))))),
    fixed("camelcase", S, |_, args| Ok(Value::text(case::camel(&utf8(&args[0]))))),
    fixed("snakecase", S, |_, args| Ok(Value::text(case::lower_words(&utf8(&args[0]), '_')))),
    fixed("kebabcase", S, |_, args| Ok(Value::text(case::lower_words(&utf8(&args[0]), '-')))),
    fixed("initials", S, |_, args| Ok(Value::text(case::initials(text(&args[0]))))),
    fixed("substr", &[Type::Int, Type::Int, Type::Str], substring),
    fixed("repeat", IS, |_, args| repeated(int(&args[0]), text(&args[1])).map(Value::text)),
    fixed("trimall", SS, trim_all),
    fixed("trimAll", SS, trim_all),
    fixed("trimSuffix", SS, |_, args| {
        let whole = text(&args[1]);
        Ok(Value::text(whole.strip_suffix(text(&args[0])).unwrap_or(whole)))
    }),
    fixed("trimPrefix", SS, |_, args| {
        let whole = text(&args[1]);
        Ok(Value::text(whole.strip_prefix(text(&args[0])).unwrap_or(whole)))
    }),
    fixed("nospace", S, |_, args| {
        let kept =
            runes::runes(text(&args[0])).map(runes::Rune::as_char).filter(|rune| !runes::is_space(*rune));
        Ok(Value::text(kept.collect::<String>()))
    }),
    fixed("contains", SS, |_, args| Ok(Value::Bool(find(text(&args[1]), text(&args[0])).is_some()))),
    fixed("hasPrefix", SS, |_, args| Ok(Value::Bool(text(&args[1]).starts_with(text(&args[0]))))),
    fixed("hasSuffix", SS, |_, args| Ok(Value::Bool(text(&args[1]).ends_with(text(&args[0]))))),
    variadic("quote", A, |_, args| {
        quoted(args, |value| gyre_go::strconv::quote(&display(value)).into_bytes())
    }),
    variadic("squote", A, |_, args| quoted(args, |value| [b"'", &value.shown()[..], b"'"].concat())),
    variadic("cat", A, |_, args| {
        Ok(Value::text(joined(args.iter().filter(|arg| is_there(arg)).map(Value::shown), b" ")))
    }),
    fixed("indent", IS, |_, args| indented(int(&args[0]), text(&args[1])).map(Value::text)),
    fixed("nindent", IS, |_, args| {
        let mut out = indented(int(&args[0]), text(&args[1]))?;
        out.insert(0, b'\n');
        Ok(Value::text(out))
    }),
    fixed("replace", SSS, replace),
    fixed("plural", &[Type::Str, Type::Str, Type::Int], |_, args| {
        Ok(args[usize::from(int(&args[2]) != 1)].clone())
    }),
    fixed("wrap", IS, |_, args| wrapped(int(&args[0]), b"\n", text(&args[1]), false)),
    fixed("wrapWith", &[Type::Int, Type::Str, Type::Str], |_, args| {
        wrapped(int(&args[0]), text(&args[1]), text(&args[2]), true)
    }),
    fixed("toString", A, |_, args| Ok(Value::text(display(&args[0])))),
    fixed("toStrings", A, |_, args| Ok(Value::strings(to_texts(&args[0])))),
    fixed("join", &[Type::Str, Type::Any], join),
    fixed("sortAlpha", A, sort_alpha),
    fixed("split", SS, |_, args| Ok(numbered(pieces(text(&args[1]), text(&args[0]), -1)))),
    fixed("splitList", SS, |_, args| Ok(Value::strings(pieces(text(&args[1]), text(&args[0]), -1)))),
    fixed("splitn", &[Type::Str, Type::Int, Type::Str], |_, args| {
        Ok(numbered(pieces(text(&args[2]), text(&args[0]), int(&args[1]))))
    }),
];

/// Where one text is in another.
pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn joined(parts: impl Iterator<Item = Vec<u8>>, between: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(&part);
    }
    out
}

fn quoted(args: &[Value], quote: impl Fn(&Value) -> Vec<u8>) -> Done {
    Ok(Value::text(joined(args.iter().filter(|arg| is_there(arg)).map(quote), b" ")))
}

/// A list or a map without contents is there too.
fn is_there(value: &Value) -> bool {
    !matches!(value, Value::Nil | Value::Invalid)
}

/// Cuts to a width, dots included.
fn abbreviated(width: i64, text: &[u8]) -> Vec<u8> {
    let Ok(width) = usize::try_from(width) else { return text.to_vec() };
    if width < 4 || text.len() <= width { text.to_vec() } else { [&text[..width - 3], b"..."].concat() }
}

fn abbrev_both(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (left, width, whole) = (int(&args[0]), int(&args[1]), text(&args[2]));
    if width < 4 || left > 0 && width < 7 {
        return Ok(args[2].clone());
    }
    let width = width as usize;
    let size = whole.len();
    if size <= width {
        return Ok(args[2].clone());
    }
    let mut offset = left.clamp(0, size as i64) as usize;
    if size - offset < width - 3 {
        offset = size - (width - 3);
    }
    if offset <= 4 {
        return Ok(Value::text([&whole[..width - 3], b"..."].concat()));
    }
    if width < 7 {
        return Ok(Value::text(""));
    }
    if offset + width - 3 < size {
        let rest = abbreviated(width as i64 - 3, &whole[offset..]);
        return Ok(Value::text([b"...", &rest[..]].concat()));
    }
    Ok(Value::text([b"...", &whole[size - (width - 3)..]].concat()))
}

fn truncated(count: i64, text: &[u8]) -> &[u8] {
    let length = text.len() as i64;
    if count < 0 && length.saturating_add(count) > 0 {
        return &text[(length + count) as usize..];
    }
    if count >= 0 && length > count { &text[..count as usize] } else { text }
}

/// The words of Go for a slice that cannot be.
fn bounds(from: i64, to: i64, length: usize) -> String {
    if to < 0 || to > length as i64 {
        return format!("runtime error: slice bounds out of range [:{to}]")
            + &if to < 0 { String::new() } else { format!(" with length {length}") };
    }
    format!("runtime error: slice bounds out of range [{from}:{to}]")
}

fn substring(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (start, end, whole) = (int(&args[0]), int(&args[1]), text(&args[2]));
    let length = whole.len() as i64;
    let (from, to) = if start < 0 {
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    let part =
        usize::try_from(from).ok().zip(usize::try_from(to).ok()).and_then(|(from, to)| whole.get(from..to));
    part.map(Value::text).ok_or_else(|| bounds(from, to, whole.len()))
}

pub(super) fn repeated(count: i64, text: &[u8]) -> Result<Vec<u8>, String> {
    let Ok(count) = usize::try_from(count) else { return Err("strings: negative Repeat count".into()) };
    // bounded: a chart cannot ask for more memory than a text may have.
    if count.saturating_mul(text.len()) > TEXT_BYTES_MAX {
        return Err(format!("the text would have more than {TEXT_BYTES_MAX} bytes"));
    }
    Ok(text.repeat(count))
}

fn indented(spaces: i64, text: &[u8]) -> Result<Vec<u8>, String> {
    let pad = repeated(spaces, b" ")?;
    let breaks = text.split(|&byte| byte == b'\n').count() - 1;
    if pad.len().saturating_mul(breaks + 1) > TEXT_BYTES_MAX {
        return Err(format!("the text would have more than {TEXT_BYTES_MAX} bytes"));
    }
    let mut out = Vec::with_capacity(text.len() + pad.len() * (breaks + 1));
    out.extend_from_slice(&pad);
    for &byte in text {
        out.push(byte);
        if byte == b'\n' {
            out.extend_from_slice(&pad);
        }
    }
    Ok(out)
}

fn trim_all(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let set = utf8(&args[0]);
    Ok(Value::text(runes::trim(text(&args[1]), |rune| set.contains(rune))))
}

fn replace(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let (old, new, whole) = (text(&args[0]), text(&args[1]), text(&args[2]));
    let mut out = Vec::with_capacity(whole.len());
    if old.is_empty() {
        // Go puts the new text before each rune and at the end.
        for rune in runes::runes(whole) {
            out.extend_from_slice(new);
            out.extend_from_slice(rune.as_char().encode_utf8(&mut [0; 4]).as_bytes());
        }
        out.extend_from_slice(new);
    } else {
        let mut rest = whole;
        while let Some(at) = find(rest, old) {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(new);
            rest = &rest[at + old.len()..];
            if out.len() > TEXT_BYTES_MAX {
                return Err(format!("the text would have more than {TEXT_BYTES_MAX} bytes"));
            }
        }
        out.extend_from_slice(rest);
    }
    Ok(Value::text(out))
}

fn wrapped(width: i64, line_break: &[u8], text: &[u8], cut_words: bool) -> Done {
    let width = width.clamp(1, TEXT_BYTES_MAX as i64) as usize;
    let line_break = if line_break.is_empty() { b"\n" } else { line_break };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while text.len() - at > width {
        if text[at] == b' ' {
            at += 1;
            continue;
        }
        let window = &text[at..=at + width];
        if let Some(space) = window.iter().rposition(|&byte| byte == b' ') {
            out.extend_from_slice(&text[at..at + space]);
            at += space + 1;
        } else if cut_words {
            out.extend_from_slice(&text[at..at + width]);
            at += width;
        } else {
            let Some(space) = text[at + width..].iter().position(|&byte| byte == b' ') else {
                break;
            };
            out.extend_from_slice(&text[at..at + width + space]);
            at += width + space + 1;
        }
        out.extend_from_slice(line_break);
        if out.len() > TEXT_BYTES_MAX {
            return Err(format!("the text would have more than {TEXT_BYTES_MAX} bytes"));
        }
    }
    out.extend_from_slice(&text[at..]);
    Ok(Value::text(out))
}

fn join(_: &mut Machine<'_>, args: &[Value]) -> Done {
    Ok(Value::text(joined(to_texts(&args[1]).into_iter(), text(&args[0]))))
}

fn sort_alpha(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let mut texts = match &args[0] {
        Value::List(_) | Value::Bytes(_) => to_texts(&args[0]),
        other => vec![if other.is_nil() { b"<nil>".to_vec() } else { display(other) }],
    };
    texts.sort();
    Ok(Value::strings(texts))
}

/// `strings.SplitN`; a negative limit is none, zero gives nothing.
pub(super) fn pieces<'a>(text: &'a [u8], separator: &[u8], limit: i64) -> Vec<&'a [u8]> {
    if limit == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    let mut rest = text;
    if separator.is_empty() {
        while !rest.is_empty() && out.len() + 1 < limit {
            let width = runes::runes(rest).next().map_or(1, runes::Rune::width);
            out.push(&rest[..width]);
            rest = &rest[width..];
        }
        if !rest.is_empty() {
            out.push(rest);
        }
        return out;
    }
    while out.len() + 1 < limit
        && let Some(at) = find(rest, separator)
    {
        out.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    out.push(rest);
    out
}

/// `_0`, `_1`, ... to the pieces.
fn numbered(pieces: Vec<&[u8]>) -> Value {
    let map = Map::new(MapKind::Str);
    for (index, piece) in pieces.into_iter().enumerate() {
        map.set(format!("_{index}"), Value::Str(Text::from(piece)));
    }
    Value::Map(map)
}
