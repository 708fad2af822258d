//! Quoted texts: what Go prints with `%q`, and reads as a literal.

use std::sync::LazyLock;

use regex::Regex;

use crate::utf8;

/// Which runes stay as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Print,
    Ascii,
    Graphic,
}

/// `strconv.Quote`.
pub fn quote(text: &[u8]) -> String {
    quote_with(text, b'"', Kept::Print)
}

/// `strconv.QuoteToASCII`.
pub fn quote_to_ascii(text: &[u8]) -> String {
    quote_with(text, b'"', Kept::Ascii)
}

/// `strconv.QuoteToGraphic`.
pub fn quote_to_graphic(text: &[u8]) -> String {
    quote_with(text, b'"', Kept::Graphic)
}

/// `strconv.QuoteRune`; what is no rune is shown as U+FFFD.
pub fn quote_rune(rune: i64) -> String {
    quote_with(rune_text(rune).as_bytes(), b'\'', Kept::Print)
}

/// `strconv.QuoteRuneToASCII`.
pub fn quote_rune_to_ascii(rune: i64) -> String {
    quote_with(rune_text(rune).as_bytes(), b'\'', Kept::Ascii)
}

fn rune_text(rune: i64) -> String {
    u32::try_from(rune).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
}

/// `strconv.CanBackquote`: can the text stand between backquotes unchanged?
pub fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|rune| {
            rune == '\t' || !(rune < ' ' || rune == '`' || rune == '\u{7f}' || rune == '\u{feff}')
        })
    })
}

static PRINT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").expect("the pattern is a constant"));
static SPACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{Zs}$").expect("the pattern is a constant"));

/// `unicode.IsPrint`.
pub fn is_print(rune: char) -> bool {
    if rune.is_ascii() {
        return (' '..='~').contains(&rune);
    }
    PRINT.is_match(rune.encode_utf8(&mut [0; 4]))
}

/// `unicode.IsGraphic`.
pub fn is_graphic(rune: char) -> bool {
    is_print(rune) || !rune.is_ascii() && SPACE.is_match(rune.encode_utf8(&mut [0; 4]))
}

fn quote_with(text: &[u8], mark: u8, kept: Kept) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark as char);
    for piece in utf8::runes(text) {
        let rune = match piece {
            utf8::Rune::Invalid(byte) => {
                let _ = write!(out, "\\x{byte:02x}");
                continue;
            }
            utf8::Rune::Valid(rune) => rune,
        };
        if rune == mark as char || rune == '\\' {
            out.push('\\');
            out.push(rune);
            continue;
        }
        let plain = match kept {
            Kept::Ascii => rune.is_ascii() && is_print(rune),
            Kept::Print => is_print(rune),
            Kept::Graphic => is_graphic(rune),
        };
        if plain {
            out.push(rune);
            continue;
        }
        match rune {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            _ => {
                let code = rune as u32;
                let _ = match code {
                    0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                    0..0x10000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(mark as char);
    out
}

/// `strconv.Unquote`: the text that a Go literal stands for; `None` where it is no literal.
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&mark, &last) = (literal.first()?, literal.last()?);
    if literal.len() < 2 || mark != last {
        return None;
    }
    let inner = &literal[1..literal.len() - 1];
    match mark {
        b'`' => {
            (!inner.contains(&b'`')).then(|| inner.iter().copied().filter(|&byte| byte != b'\r').collect())
        }
        b'"' | b'\'' => {
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            let mut runes = 0;
            while !rest.is_empty() {
                rest = unquote_one(rest, mark, &mut out)?;
                runes += 1;
            }
            (mark == b'"' || runes == 1).then_some(out)
        }
        _ => None,
    }
}

fn unquote_one<'a>(text: &'a [u8], mark: u8, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let first = text[0];
    if first == mark || first == b'\n' {
        return None;
    }
    if first != b'\\' {
        let width = match utf8::runes(text).next()? {
            utf8::Rune::Valid(rune) => rune.len_utf8(),
            utf8::Rune::Invalid(_) => 1,
        };
        if width == 1 && first >= 0x80 {
            out.extend_from_slice("\u{fffd}".as_bytes());
        } else {
            out.extend_from_slice(&text[..width]);
        }
        return Some(&text[width..]);
    }
    let letter = *text.get(1)?;
    let rest = &text[2..];
    let plain = match letter {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => 10,
        b'r' => 13,
        b't' => 9,
        b'v' => 11,
        b'\\' => b'\\',
        b'\'' | b'"' if letter == mark => letter,
        b'x' | b'u' | b'U' => {
            let width = match letter {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let digits = std::str::from_utf8(rest.get(..width)?).ok()?;
            if digits.starts_with('+') {
                return None;
            }
            let code = u32::from_str_radix(digits, 16).ok()?;
            if letter == b'x' {
                out.push(code as u8);
            } else {
                out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
            }
            return Some(&rest[width..]);
        }
        b'0'..=b'7' => {
            let digits = std::str::from_utf8(text.get(1..4)?).ok()?;
            let code = u32::from_str_radix(digits, 8).ok()?;
            out.push(u8::try_from(code).ok()?);
            return Some(&text[4..]);
        }
        _ => return None,
    };
    out.push(plain);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_unquoted(text: Vec<u8>) {
            prop_assert_eq!(unquote(quote(&text).as_bytes()), Some(text.clone()));
            prop_assert_eq!(unquote(quote_to_ascii(&text).as_bytes()), Some(text));
        }

        #[test]
        fn unquoting_never_panics(text in "[\"'`\\\\xuU0-9a-f]{0,12}") {
            let _ = unquote(text.as_bytes());
        }
    }
}
