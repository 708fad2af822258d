//! Texts in printable ASCII: whether they read as texts, and how Helm writes them.

use gyre_yaml::{Dialect, Tag, implicit_tag};

/// The width at which long texts are folded.
const WIDTH: usize = 80;

pub(super) fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Is it printable, without what ends a plain text: a colon or a comment behind a blank?
pub(super) fn is_plain(text: &str) -> bool {
    let mut before = b'x';
    for &byte in text.as_bytes() {
        let ends = (byte == b' ' && before == b':') || (byte == b'#' && before == b' ');
        if ends || !matches!(byte, b' '..=b'~') {
            return false;
        }
        before = byte;
    }
    before != b':'
}

/// Does it read as a text, and not as a number, a time, a truth?
pub(super) fn is_text(text: &str) -> bool {
    // The longest word that is no text has five letters.
    (text.len() > 5 && text.as_bytes()[0].is_ascii_alphabetic())
        || implicit_tag(Dialect::V2, text) == Tag::Str
}

/// May a plain text not begin so?
pub(super) fn begins_with_indicator(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.first() {
        None
        | Some(
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%'
            | b'@' | b'`',
        ) => true,
        Some(b'?' | b'-' | b':') => bytes.get(1).is_none_or(|byte| *byte == b' ') || text.starts_with("---"),
        Some(b'.') => text.starts_with("..."),
        Some(_) => false,
    }
}

/// Does the one key stand before the other by letters as well as in the order of keys?
pub(super) fn is_before(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    match left.iter().zip(right).find(|(left, right)| left != right) {
        Some((left, right)) => left.is_ascii_lowercase() && right.is_ascii_lowercase() && left < right,
        None => left.len() < right.len(),
    }
}

/// Writes a text behind a key or a dash; what is folded goes on at `indent`.
pub(super) fn write_text(text: &str, indent: usize, out: &mut String) -> Option<()> {
    if text.is_empty()
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text.len() == 1 && !text.as_bytes()[0].is_ascii_alphanumeric()
    {
        return None;
    }
    let first = text.as_bytes()[0];
    let column = out.len() - out.rfind('\n').map_or(0, |at| at + 1) + 1;
    // A number in base 60.
    if (first.is_ascii_digit() || matches!(first, b'+' | b'-')) && text.contains(':') {
        return None;
    }
    let plain = !begins_with_indicator(text) && is_plain(text);
    let quote = match (is_text(text), plain) {
        (true, true) => {
            fold(text, column, indent, out);
            return Some(());
        }
        (true, false) => '\'',
        (false, _) => '"',
    };
    let may_fold = column + text.len() > WIDTH && text.contains(' ');
    if may_fold || text.contains([quote, '\\']) || text.starts_with("---") || text.starts_with("...") {
        return None;
    }
    out.push(' ');
    out.push(quote);
    out.push_str(text);
    out.push(quote);
    Some(())
}

/// A plain text: a blank that stands alone behind the width becomes a line end.
fn fold(text: &str, column: usize, indent: usize, out: &mut String) {
    out.push(' ');
    if column + text.len() <= WIDTH {
        out.push_str(text);
        return;
    }
    let mut column = column;
    let bytes = text.as_bytes();
    let mut after_blank = false;
    for (at, letter) in text.char_indices() {
        let is_blank = letter == ' ';
        if is_blank && !after_blank && column > WIDTH && bytes.get(at + 1) != Some(&b' ') {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else {
            out.push(letter);
            column += 1;
        }
        after_blank = is_blank;
    }
}
