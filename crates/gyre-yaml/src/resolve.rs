//! What a plain scalar means, in both dialects.

use crate::error::{Dialect, Error};
use crate::number;
use crate::tag::Tag;
use crate::timestamp::Timestamp;

/// The meaning of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of 64 bits with sign.
    Int(i64),
    /// A larger integer.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A point in time.
    Time(Timestamp),
    /// The text itself.
    Text,
}

impl Meaning {
    fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::Uint(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Time(_) => Tag::Timestamp,
            Self::Text => Tag::Str,
        }
    }
}

/// The tag of a plain scalar without one.
pub fn implicit_tag(dialect: Dialect, text: &str) -> Tag {
    plain(dialect, &Tag::None, text).tag()
}

/// The meaning of a scalar with a tag, or with [`Tag::None`].
pub fn resolve(dialect: Dialect, tag: &Tag, text: &str) -> Result<(Tag, Meaning), Error> {
    if !tag.is_resolvable() {
        return Ok((tag.clone(), Meaning::Text));
    }
    let meaning = plain(dialect, tag, text);
    let found = meaning.tag();
    match (tag, &meaning) {
        (Tag::None | Tag::Str, _) => Ok((found, meaning)),
        (Tag::Float, Meaning::Int(int)) => Ok((Tag::Float, Meaning::Float(*int as f64))),
        _ if *tag == found => Ok((found, meaning)),
        _ => Err(Error::Decode(format!("cannot decode {found} `{text}` as a {tag}"))),
    }
}

fn plain(dialect: Dialect, tag: &Tag, text: &str) -> Meaning {
    let Some(first) = text.bytes().next() else {
        return if *tag == Tag::Str { Meaning::Text } else { Meaning::Null };
    };
    // Most scalars are words: the first letter tells them from everything below.
    let may_mean = matches!(
        first,
        b'+' | b'-' | b'.' | b'~' | b'0'
            ..=b'9' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O'
    );
    if !may_mean || *tag == Tag::Str {
        return Meaning::Text;
    }
    if let Some(word) = word(dialect, text) {
        return word;
    }
    match first {
        b'.' => number::parse_float(text).map_or(Meaning::Text, Meaning::Float),
        b'+' | b'-' | b'0'..=b'9' => numeric(dialect, tag, text),
        _ => Meaning::Text,
    }
}

fn word(dialect: Dialect, text: &str) -> Option<Meaning> {
    if text.len() > 5 {
        return None;
    }
    Some(match text {
        "true" | "True" | "TRUE" => Meaning::Bool(true),
        "false" | "False" | "FALSE" => Meaning::Bool(false),
        "~" | "null" | "Null" | "NULL" => Meaning::Null,
        ".nan" | ".NaN" | ".NAN" => Meaning::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Meaning::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Meaning::Float(f64::NEG_INFINITY),
        _ if dialect == Dialect::V2 && is_old_bool(text) => {
            Meaning::Bool(matches!(text.as_bytes()[0], b'y' | b'Y') || text.eq_ignore_ascii_case("on"))
        }
        _ => return None,
    })
}

/// A boolean of YAML 1.1 that YAML 1.2 has no longer.
pub(crate) fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

fn numeric(dialect: Dialect, tag: &Tag, text: &str) -> Meaning {
    if matches!(tag, Tag::None | Tag::Timestamp)
        && let Some(time) = Timestamp::parse(text)
    {
        return Meaning::Time(time);
    }
    let without;
    let digits = if text.contains('_') {
        without = text.replace('_', "");
        without.as_str()
    } else {
        text
    };
    if let Some(int) = number::parse_int(digits) {
        return int;
    }
    if number::looks_like_float(digits)
        && let Some(float) = number::parse_float(digits)
    {
        return Meaning::Float(float);
    }
    let prefixed = [("0b", 2), ("0o", 8)].into_iter().take(if dialect == Dialect::V3 { 2 } else { 1 });
    for (prefix, radix) in prefixed {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return number::parse_radix(rest, radix).unwrap_or(Meaning::Text);
        }
        if let Some(rest) = digits.strip_prefix('-').and_then(|rest| rest.strip_prefix(prefix)) {
            return number::parse_radix(&format!("-{rest}"), radix).unwrap_or(Meaning::Text);
        }
    }
    Meaning::Text
}
