//! What a scalar's characters allow, and the style that it is written in.

use crate::chars::{is_blank, is_break, is_printable, width};
use crate::error::Dialect;
use crate::resolve;
use crate::tag::Tag;
use crate::token::ScalarStyle;

/// What the characters of a scalar allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) empty: bool,
    flow_plain: bool,
    block_plain: bool,
    single_quoted: bool,
    block: bool,
}

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) simple_key: bool,
    pub(super) flow: bool,
}

#[derive(Default)]
struct Seen {
    block_indicators: bool,
    flow_indicators: bool,
    line_breaks: bool,
    special: bool,
    tab: bool,
    outer_space: bool,
    trailing_space: bool,
    outer_break: bool,
    break_space: bool,
    space_break: bool,
}

impl Analysis {
    pub(super) fn of(value: &str, dialect: Dialect) -> Self {
        if value.is_empty() {
            return Self {
                multiline: false,
                empty: true,
                flow_plain: false,
                block_plain: true,
                single_quoted: true,
                block: false,
            };
        }
        let seen = look(value.as_bytes());
        let special = seen.special || (seen.tab && dialect == Dialect::V2);
        let outer = seen.outer_space || seen.outer_break;
        let quoted_only = seen.space_break || special || seen.tab;
        let no_plain = outer || seen.break_space || quoted_only || seen.line_breaks;
        Self {
            multiline: seen.line_breaks,
            empty: false,
            flow_plain: !no_plain && !seen.flow_indicators,
            block_plain: !no_plain && !seen.block_indicators,
            single_quoted: !seen.break_space && !quoted_only,
            block: !seen.trailing_space && !seen.space_break && !special,
        }
    }

    /// The style that a scalar gets which asks for `wanted`.
    pub(super) fn style(self, wanted: ScalarStyle, place: Place) -> ScalarStyle {
        let mut style = wanted;
        if place.simple_key && self.multiline {
            style = ScalarStyle::DoubleQuoted;
        }
        if style == ScalarStyle::Plain {
            let allowed = if place.flow { self.flow_plain } else { self.block_plain };
            if !allowed || (self.empty && (place.flow || place.simple_key)) {
                style = ScalarStyle::SingleQuoted;
            }
        }
        if style == ScalarStyle::SingleQuoted && !self.single_quoted {
            style = ScalarStyle::DoubleQuoted;
        }
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block && (!self.block || place.flow || place.simple_key) {
            style = ScalarStyle::DoubleQuoted;
        }
        style
    }
}

fn look(value: &[u8]) -> Seen {
    let mut seen = Seen::default();
    if value.starts_with(b"---") || value.starts_with(b"...") {
        seen.block_indicators = true;
        seen.flow_indicators = true;
    }
    let mut preceded = true;
    let mut previous_space = false;
    let mut previous_break = false;
    let mut pos = 0;
    while pos < value.len() {
        let byte = value[pos];
        if byte.is_ascii_alphanumeric() {
            (preceded, previous_space, previous_break) = (false, false, false);
            pos += 1;
            continue;
        }
        let width = width(byte);
        let last = pos + width >= value.len();
        let followed = last || is_blank(value, pos + width);
        indicators(&mut seen, byte, pos == 0, preceded, followed);
        if byte == b'\t' {
            seen.tab = true;
        } else if !is_printable(value, pos) {
            seen.special = true;
        }
        if byte == b' ' {
            seen.outer_space |= pos == 0 || last;
            seen.trailing_space |= last;
            seen.break_space |= previous_break;
            (previous_space, previous_break) = (true, false);
        } else if is_break(value, pos) {
            seen.line_breaks = true;
            seen.outer_break |= pos == 0 || last;
            seen.space_break |= previous_space;
            (previous_space, previous_break) = (false, true);
        } else {
            (previous_space, previous_break) = (false, false);
        }
        preceded = is_blank(value, pos) || is_break(value, pos);
        pos += width;
    }
    seen
}

fn indicators(seen: &mut Seen, byte: u8, first: bool, preceded: bool, followed: bool) {
    let (flow, block) = match byte {
        b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%'
        | b'@' | b'`'
            if first =>
        {
            (true, true)
        }
        b'?' if first => (true, followed),
        b'-' if first => (followed, followed),
        b',' | b'?' | b'[' | b']' | b'{' | b'}' => (true, false),
        b':' => (true, followed),
        b'#' => (preceded, preceded),
        _ => (false, false),
    };
    seen.flow_indicators |= flow;
    seen.block_indicators |= block;
}

/// The style that the libraries ask for a string: literal for several lines, quotes where it would read as other
/// than a string.
pub(super) fn wanted_style(text: &str, dialect: Dialect) -> ScalarStyle {
    if text.contains('\n') {
        return ScalarStyle::Literal;
    }
    let plain = resolve::implicit_tag(dialect, text) == Tag::Str
        && !is_base60(text)
        && !(dialect == Dialect::V3 && resolve::is_old_bool(text));
    if plain { ScalarStyle::Plain } else { ScalarStyle::DoubleQuoted }
}

/// A number in base 60 of YAML 1.1: `1:30`.
fn is_base60(text: &str) -> bool {
    if !text.starts_with(['+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) || !text.contains(':')
    {
        return false;
    }
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return false;
    }
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let first_fits = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    first_fits
        && parts.all(|part| match part.as_bytes() {
            [digit] => digit.is_ascii_digit(),
            [ten, digit] => matches!(ten, b'0'..=b'5') && digit.is_ascii_digit(),
            _ => false,
        })
}
