//! Numbers and texts on their way out.

use std::fmt::Write as _;

use super::{Style, UnsupportedValue};
use crate::strconv;
use crate::utf8;

/// A `float64` as JSON: plain between 1e-6 and 1e21, else with an exponent that has no needless zero.
pub fn number(value: f64) -> Result<String, UnsupportedValue> {
    if !value.is_finite() {
        return Err(UnsupportedValue(strconv::format_float(value, b'g', None)));
    }
    let size = value.abs();
    let verb = if size != 0.0 && !(1e-6..1e21).contains(&size) { b'e' } else { b'f' };
    Ok(tidy(strconv::format_float(value, verb, None)))
}

/// A `float32` as JSON.
pub fn number32(value: f32) -> Result<String, UnsupportedValue> {
    if !value.is_finite() {
        return Err(UnsupportedValue(strconv::format_float32(value, b'g', None)));
    }
    let size = value.abs();
    let verb = if size != 0.0 && !(1e-6..1e21).contains(&size) { b'e' } else { b'f' };
    Ok(tidy(strconv::format_float32(value, verb, None)))
}

/// e-09 becomes e-9.
fn tidy(mut text: String) -> String {
    let length = text.len();
    if length >= 4 && text[length - 4..].starts_with("e-0") {
        text.remove(length - 2);
    }
    text
}

/// A text in quotes.
pub fn write_string(text: &[u8], escape_html: bool, out: &mut String) {
    out.push('"');
    for rune in utf8::runes(text) {
        let rune = match rune {
            utf8::Rune::Valid(rune) => rune,
            utf8::Rune::Invalid(_) => {
                out.push_str("\\ufffd");
                continue;
            }
        };
        match rune {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if escape_html => {
                let _ = write!(out, "\\u{:04x}", rune as u32);
            }
            '\0'..' ' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", rune as u32);
            }
            _ => out.push(rune),
        }
    }
    out.push('"');
}

/// Before an item: the comma, and where items stand on lines of their own, the line.
pub(super) fn separate(style: Style<'_>, index: usize, depth: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    new_line(style, depth + 1, out);
}

/// After the last item.
pub(super) fn close(style: Style<'_>, empty: bool, depth: usize, mark: char, out: &mut String) {
    if !empty {
        new_line(style, depth, out);
    }
    out.push(mark);
}

fn new_line(style: Style<'_>, depth: usize, out: &mut String) {
    if let Some(indent) = style.indent {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str(indent));
    }
}
