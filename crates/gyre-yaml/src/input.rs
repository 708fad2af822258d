//! Bytes to text: encodings and the characters that YAML forbids.

use std::borrow::Cow;

/// How many bytes the Go library reads at a time: a bad byte is found with its whole chunk.
const CHUNK_BYTES: usize = 512;

/// The text of a stream, up to the chunk in which a byte is bad.
pub(crate) struct Input<'a> {
    pub(crate) text: Cow<'a, str>,
    /// What is wrong behind the end of the text.
    pub(crate) bad: Option<&'static str>,
}

pub(crate) fn decode(bytes: &[u8]) -> Input<'_> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => decode_utf8(rest, 3),
        _ => decode_utf8(bytes, 0),
    }
}

fn decode_utf8(bytes: &[u8], skipped: usize) -> Input<'_> {
    let Some((at, problem)) = first_bad(bytes) else {
        // bounded: first_bad has looked at every byte, so nothing is lost here.
        return Input { text: String::from_utf8_lossy(bytes), bad: None };
    };
    let mut end = ((at + skipped) / CHUNK_BYTES * CHUNK_BYTES).saturating_sub(skipped).min(bytes.len());
    while end > 0 && bytes.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    Input { text: String::from_utf8_lossy(&bytes[..end]), bad: Some(problem) }
}

/// The first byte that is not part of a character that YAML allows, and what is wrong with it.
fn first_bad(bytes: &[u8]) -> Option<(usize, &'static str)> {
    let mut pos = 0;
    while pos < bytes.len() {
        let first = bytes[pos];
        if first < 0x80 {
            if !matches!(first, 0x09 | 0x0a | 0x0d | 0x20..=0x7e) {
                return Some((pos, "control characters are not allowed"));
            }
            pos += 1;
            continue;
        }
        let width = match first {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => return Some((pos, "invalid leading UTF-8 octet")),
        };
        let Some(character) = bytes.get(pos..pos + width) else {
            return Some((pos, "incomplete UTF-8 octet sequence"));
        };
        let mut value = u32::from(first) & (0xff >> (width + 1));
        for byte in &character[1..] {
            if byte & 0xc0 != 0x80 {
                return Some((pos, "invalid trailing UTF-8 octet"));
            }
            value = value << 6 | u32::from(byte & 0x3f);
        }
        let shortest = match width {
            2 => 0x80,
            3 => 0x800,
            _ => 0x10000,
        };
        match value {
            _ if value < shortest => return Some((pos, "invalid length of a UTF-8 sequence")),
            0xd800..=0xdfff | 0x0011_0000.. => return Some((pos, "invalid Unicode character")),
            0x85 | 0xa0..=0xd7ff | 0xe000..=0xfffd | 0x10000..=0x0010_ffff => {}
            _ => return Some((pos, "control characters are not allowed")),
        }
        pos += width;
    }
    None
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Input<'static> {
    let mut text = String::with_capacity(bytes.len());
    let mut units = bytes.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).map(unit));
    let mut bad = None;
    while let Some(next) = units.next() {
        let Ok(first) = next else {
            bad = Some("incomplete UTF-16 character");
            break;
        };
        let value = match first {
            0xdc00..=0xdfff => {
                bad = Some("unexpected low surrogate area");
                break;
            }
            0xd800..=0xdbff => match units.next() {
                Some(Ok(second @ 0xdc00..=0xdfff)) => {
                    0x10000 + ((u32::from(first) & 0x3ff) << 10) + (u32::from(second) & 0x3ff)
                }
                Some(Ok(_)) => {
                    bad = Some("expected low surrogate area");
                    break;
                }
                _ => {
                    bad = Some("incomplete UTF-16 surrogate pair");
                    break;
                }
            },
            _ => u32::from(first),
        };
        let allowed = matches!(value, 0x09 | 0x0a | 0x0d | 0x20..=0x7e | 0x85 | 0xa0..=0xfffd | 0x10000..);
        match char::from_u32(value).filter(|_| allowed) {
            Some(character) => text.push(character),
            None => {
                bad = Some("control characters are not allowed");
                break;
            }
        }
    }
    if bad.is_some() {
        text.clear();
    }
    Input { text: Cow::Owned(text), bad }
}
