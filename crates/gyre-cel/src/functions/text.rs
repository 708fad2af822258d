//! Texts: cel-go's string extension, and regular expressions.

use std::sync::Arc;

use gyre_go::regexp::Regexp;
use gyre_go::strconv;

use super::time;
use crate::eval::{Outcome, fail};
use crate::limits::TEXT_BYTES_MAX;
use crate::value::Value;

/// `string(value)`.
pub(super) fn string(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Text(_) => value.clone(),
        Value::Bool(it) => Value::text(&it.to_string()),
        Value::Int(it) => Value::text(&it.to_string()),
        Value::Uint(it) => Value::text(&it.to_string()),
        Value::Double(it) => Value::text(&double(*it)),
        Value::Bytes(it) => Value::text(std::str::from_utf8(it).ok()?),
        Value::Timestamp(it) => Value::text(&time::shown(*it)),
        Value::Duration(it) => Value::text(&seconds(it.0)),
        Value::Ip(it) => Value::text(&it.to_string()),
        Value::Cidr(address, bits) => Value::text(&format!("{address}/{bits}")),
        _ => return None,
    })
}

fn double(it: f64) -> String {
    strconv::format_float(it, b'g', None)
}

/// A span as seconds.
fn seconds(nanoseconds: i64) -> String {
    format!("{}s", strconv::format_float(nanoseconds as f64 / 1e9, b'f', None))
}

/// A value within a message.
pub(super) fn shown(value: &Value) -> String {
    match string(value) {
        Some(Value::Text(text)) => text.to_string(),
        _ => value.type_name().to_owned(),
    }
}

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    let number = |it: usize| Some(Ok(Value::Int(i64::try_from(it).unwrap_or(i64::MAX))));
    match (name, args) {
        ("_+_", [Value::Text(a), Value::Text(b)]) => Some(bounded(format!("{a}{b}"))),
        ("_+_", [Value::Bytes(a), Value::Bytes(b)]) => {
            Some(Ok(Value::Bytes([&a[..], &b[..]].concat().into())))
        }
        ("size", [Value::Text(it)]) => number(it.chars().count()),
        ("size", [Value::Bytes(it)]) => number(it.len()),
        ("format", [Value::Text(format), Value::List(args)]) => Some(formatted(format, args)),
        ("join", [Value::List(items)]) => Some(join(items, "")),
        ("join", [Value::List(items), Value::Text(between)]) => Some(join(items, between)),
        ("strings.quote", [Value::Text(it)]) => Some(bounded(quoted(it))),
        (_, [Value::Text(text)]) => alone(name, text),
        (_, [Value::Text(text), Value::Text(other), rest @ ..]) => with_text(name, text, other, rest),
        ("charAt", [Value::Text(text), Value::Int(at)]) => Some(char_at(text, *at)),
        ("substring", [Value::Text(text), Value::Int(start)]) => Some(substring(text, *start, None)),
        ("substring", [Value::Text(text), Value::Int(start), Value::Int(end)]) => {
            Some(substring(text, *start, Some(*end)))
        }
        _ => None,
    }
}

fn bounded(text: String) -> Outcome {
    // bounded: a text that doubles at every step would otherwise fill the memory.
    if text.len() > TEXT_BYTES_MAX { Err(crate::RunError::TooCostly) } else { Ok(Value::Text(text.into())) }
}

fn alone(name: &str, text: &str) -> Option<Outcome> {
    let made = match name {
        "lowerAscii" => text.to_ascii_lowercase(),
        "upperAscii" => text.to_ascii_uppercase(),
        "trim" => text.trim().to_owned(),
        _ => return None,
    };
    Some(bounded(made))
}

fn with_text(name: &str, text: &str, other: &str, rest: &[Value]) -> Option<Outcome> {
    let truth = |it: bool| Some(Ok(Value::Bool(it)));
    match (name, rest) {
        ("contains", []) => truth(text.contains(other)),
        ("startsWith", []) => truth(text.starts_with(other)),
        ("endsWith", []) => truth(text.ends_with(other)),
        ("matches", []) => Some(regexp(other, |it| Ok(Value::Bool(it.is_match(text.as_bytes()))))),
        ("find", []) => Some(regexp(other, |it| {
            let found = it.find_all(text.as_bytes(), Some(1));
            Ok(Value::text(found.first().and_then(|(a, b)| text.get(*a..*b)).unwrap_or_default()))
        })),
        ("findAll", [] | [Value::Int(_)]) => {
            let limit = if let [Value::Int(limit)] = rest { usize::try_from(*limit).ok() } else { None };
            Some(regexp(other, |it| {
                let found = it.find_all(text.as_bytes(), limit);
                Ok(Value::list(found.iter().filter_map(|(a, b)| text.get(*a..*b)).map(Value::text).collect()))
            }))
        }
        ("split", []) => Some(Ok(split(text, other, -1))),
        ("split", [Value::Int(limit)]) => Some(Ok(split(text, other, *limit))),
        ("replace", [Value::Text(new)]) => Some(replaced(text, other, new, -1)),
        ("replace", [Value::Text(new), Value::Int(limit)]) => Some(replaced(text, other, new, *limit)),
        ("indexOf", []) => Some(index_of(text, other, Some(0), false)),
        ("indexOf", [Value::Int(from)]) => Some(index_of(text, other, Some(*from), false)),
        ("lastIndexOf", []) => Some(index_of(text, other, None, true)),
        ("lastIndexOf", [Value::Int(from)]) => Some(index_of(text, other, Some(*from), true)),
        _ => None,
    }
}

fn regexp(source: &str, then: impl Fn(&Regexp) -> Outcome) -> Outcome {
    match Regexp::parse(source) {
        Ok(it) => then(&it),
        Err(error) => fail(error.to_string()),
    }
}

fn split(text: &str, between: &str, limit: i64) -> Value {
    let letters: Vec<String>;
    let parts: Vec<&str> = match (limit, between.is_empty()) {
        (0, _) => Vec::new(),
        (_, true) => {
            letters = text.chars().map(String::from).collect();
            let most = usize::try_from(limit).unwrap_or(letters.len()).min(letters.len());
            let cut: usize = letters[..most.saturating_sub(1)].iter().map(String::len).sum();
            let mut parts: Vec<&str> = letters[..most.saturating_sub(1)].iter().map(String::as_str).collect();
            if most > 0 {
                parts.push(&text[cut..]);
            }
            parts
        }
        (limit, false) => match usize::try_from(limit) {
            Ok(limit) => text.splitn(limit, between).collect(),
            Err(_) => text.split(between).collect(),
        },
    };
    Value::list(parts.into_iter().map(Value::text).collect())
}

fn replaced(text: &str, old: &str, new: &str, limit: i64) -> Outcome {
    let most = text.len() / old.len().max(1) + 1;
    let times = usize::try_from(limit).unwrap_or(most).min(most);
    if times.saturating_mul(new.len()).saturating_add(text.len()) > TEXT_BYTES_MAX {
        return Err(crate::RunError::TooCostly);
    }
    bounded(if limit < 0 { text.replace(old, new) } else { text.replacen(old, new, times) })
}

/// The place of a text in another, in code points.
fn index_of(text: &str, part: &str, from: Option<i64>, last: bool) -> Outcome {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let length = starts.len() - 1;
    let bound = match from.map(usize::try_from) {
        None => length,
        Some(Ok(it)) if it <= length => it,
        Some(_) => return fail(format!("index out of range: {}", from.unwrap_or_default())),
    };
    let mut places: Box<dyn Iterator<Item = usize>> =
        if last { Box::new((0..=bound).rev()) } else { Box::new(bound..=length) };
    let found = places.find(|at| text[starts[*at]..].starts_with(part));
    Ok(Value::Int(found.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1)))
}

fn char_at(text: &str, at: i64) -> Outcome {
    let length = text.chars().count();
    match usize::try_from(at) {
        Ok(at) if at <= length => {
            Ok(Value::text(&text.chars().nth(at).map(String::from).unwrap_or_default()))
        }
        _ => fail(format!("index out of range: {at}")),
    }
}

fn substring(text: &str, start: i64, end: Option<i64>) -> Outcome {
    let letters: Vec<char> = text.chars().collect();
    let place = |it: i64| usize::try_from(it).ok().filter(|it| *it <= letters.len());
    let last = end.unwrap_or_else(|| i64::try_from(letters.len()).unwrap_or(i64::MAX));
    match (place(start), place(last)) {
        (None, _) => fail(format!("index out of range: {start}")),
        (_, None) => fail(format!("index out of range: {last}")),
        (Some(a), Some(b)) if a > b => fail(format!("invalid substring range. start: {start}, end: {last}")),
        (Some(a), Some(b)) => Ok(Value::Text(letters[a..b].iter().collect::<String>().into())),
    }
}

fn join(items: &Arc<Vec<Value>>, between: &str) -> Outcome {
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        let Value::Text(text) = item else { return fail("no such overload") };
        if at > 0 {
            out.push_str(between);
        }
        out.push_str(text);
        if out.len() > TEXT_BYTES_MAX {
            return Err(crate::RunError::TooCostly);
        }
    }
    bounded(out)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// `format`: `%s`, `%d`, `%f`, `%e`, `%b`, `%x`, `%X`, `%o`, with a precision.
fn formatted(format: &str, args: &[Value]) -> Outcome {
    let mut out = String::new();
    let mut letters = format.chars().peekable();
    let mut args = args.iter().enumerate();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        if letters.peek() == Some(&'%') {
            letters.next();
            out.push('%');
            continue;
        }
        let mut precision = String::new();
        if letters.peek() == Some(&'.') {
            letters.next();
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                precision.push(digit);
            }
        }
        let Some(verb) = letters.next() else {
            return fail("could not parse formatting clause: unexpected end of string");
        };
        let Some((at, arg)) = args.next() else {
            let next = args.len();
            return fail(format!("index {next} out of range"));
        };
        let precision = precision.parse::<usize>().ok().map(|it| it.min(1000));
        match one(verb, precision, arg) {
            Some(text) => out.push_str(&text),
            None => {
                return fail(format!(
                    "error during formatting: %{verb} clause cannot be used on {} (argument {at})",
                    arg.type_name()
                ));
            }
        }
        if out.len() > TEXT_BYTES_MAX {
            return Err(crate::RunError::TooCostly);
        }
    }
    bounded(out)
}

fn one(verb: char, precision: Option<usize>, arg: &Value) -> Option<String> {
    let hex = |bytes: &[u8], large: bool| {
        bytes
            .iter()
            .map(|it| if large { format!("{it:02X}") } else { format!("{it:02x}") })
            .collect::<String>()
    };
    let signed = |it: i64, text: &dyn Fn(u64) -> String| {
        format!("{}{}", if it < 0 { "-" } else { "" }, text(it.unsigned_abs()))
    };
    Some(match (verb, arg) {
        ('s', it) => plain(it)?,
        ('d', Value::Int(it)) => it.to_string(),
        ('d', Value::Uint(it)) => it.to_string(),
        ('d' | 'f' | 'e', Value::Double(it)) if !it.is_finite() => {
            double(*it).replace("+Inf", "Infinity").replace("Inf", "Infinity")
        }
        ('d', Value::Double(it)) => strconv::format_float(*it, b'f', None),
        ('f', Value::Double(it)) => strconv::format_float(*it, b'f', Some(precision.unwrap_or(6))),
        ('f', Value::Int(it)) => strconv::format_float(*it as f64, b'f', Some(precision.unwrap_or(6))),
        ('e', Value::Double(it)) => strconv::format_float(*it, b'e', Some(precision.unwrap_or(6))),
        ('b', Value::Bool(it)) => u8::from(*it).to_string(),
        ('b', Value::Int(it)) => signed(*it, &|it| format!("{it:b}")),
        ('b', Value::Uint(it)) => format!("{it:b}"),
        ('o', Value::Int(it)) => signed(*it, &|it| format!("{it:o}")),
        ('o', Value::Uint(it)) => format!("{it:o}"),
        ('x', Value::Int(it)) => signed(*it, &|it| format!("{it:x}")),
        ('X', Value::Int(it)) => signed(*it, &|it| format!("{it:X}")),
        ('x', Value::Uint(it)) => format!("{it:x}"),
        ('X', Value::Uint(it)) => format!("{it:X}"),
        ('x' | 'X', Value::Text(it)) => hex(it.as_bytes(), verb == 'X'),
        ('x' | 'X', Value::Bytes(it)) => hex(it, verb == 'X'),
        _ => return None,
    })
}

/// `%s`.
fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".into(),
        Value::Type(name) => name.to_string(),
        Value::List(items) => {
            let parts: Option<Vec<String>> = items.iter().map(plain).collect();
            format!("[{}]", parts?.join(", "))
        }
        Value::Map(map) => {
            let parts: Option<Vec<String>> = map
                .iter()
                .map(|(key, value)| Some(format!("{}: {}", plain(&key.value())?, plain(value)?)))
                .collect();
            format!("{{{}}}", parts?.join(", "))
        }
        Value::Double(it) if it.is_infinite() => if *it > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        other => match string(other)? {
            Value::Text(text) => text.to_string(),
            _ => return None,
        },
    })
}
