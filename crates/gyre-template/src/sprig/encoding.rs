//! Base64, base32, JSON.

use gyre_go::base64::STANDARD;
use gyre_go::json::{self, Style};

use super::cast::text;
use crate::functions::{Function, fixed};
use crate::value::{Type, Value};

const S: &[Type] = &[Type::Str];
const A: &[Type] = &[Type::Any];

type Done = Result<Value, String>;

const PRETTY: Style<'static> = Style { indent: Some("  "), ..json::MARSHAL };
const RAW: Style<'static> = Style { escape_html: false, ..json::MARSHAL };

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("b64enc", S, |_, args| Ok(Value::text(STANDARD.encode(text(&args[0]))))),
    fixed("b64dec", S, |_, args| {
        Ok(match STANDARD.decode(text(&args[0])) {
            Ok(bytes) => Value::text(bytes),
            Err(why) => Value::text(why.to_string()),
        })
    }),
    fixed("b32enc", S, |_, args| Ok(Value::text(base32(text(&args[0]))))),
    fixed("b32dec", S, |_, args| {
        Ok(match from_base32(text(&args[0])) {
            Ok(bytes) => Value::text(bytes),
            Err(at) => Value::text(format!("illegal base32 data at input byte {at}")),
        })
    }),
    fixed("toJson", A, |_, args| Ok(Value::text(args[0].to_json_text(json::MARSHAL).unwrap_or_default()))),
    fixed("mustToJson", A, |_, args| args[0].to_json_text(json::MARSHAL).map(Value::text)),
    fixed("toPrettyJson", A, |_, args| Ok(Value::text(args[0].to_json_text(PRETTY).unwrap_or_default()))),
    fixed("mustToPrettyJson", A, |_, args| args[0].to_json_text(PRETTY).map(Value::text)),
    fixed("toRawJson", A, |_, args| args[0].to_json_text(RAW).map(Value::text)),
    fixed("mustToRawJson", A, |_, args| args[0].to_json_text(RAW).map(Value::text)),
    fixed("fromJson", S, |_, args| Ok(from_json(args).unwrap_or(Value::Nil))),
    fixed("mustFromJson", S, |_, args| from_json(args)),
];

fn from_json(args: &[Value]) -> Done {
    json::parse(text(&args[0])).map(Value::from_json_text).map_err(|why| why.to_string())
}

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, at| bits << 8 | u64::from(chunk.get(at).copied().unwrap_or(0)));
        let used = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            let letter = LETTERS[(bits >> (35 - 5 * place) & 31) as usize] as char;
            out.push(if place < used { letter } else { '=' });
        }
    }
    out
}

/// The bytes, or where the text without its line ends is broken: the places are those that Go tells.
fn from_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let letters: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::new();
    for (chunk, start) in letters.chunks(8).zip((0..).step_by(8)) {
        let (count, bits) = base32_group(chunk, start, &letters)?;
        out.extend_from_slice(&(bits << (5 * (8 - count))).to_be_bytes()[3..3 + count * 5 / 8]);
        if count < 8 {
            break;
        }
    }
    Ok(out)
}

/// How many letters of a group stand before its padding, and their bits.
fn base32_group(chunk: &[u8], start: usize, letters: &[u8]) -> Result<(usize, u64), usize> {
    let mut bits = 0;
    for (place, byte) in chunk.iter().enumerate() {
        let after = &letters[start + place + 1..];
        if *byte == b'=' && place >= 2 && after.len() < 8 {
            if after.len() + place < 7 {
                return Err(letters.len());
            }
            if let Some(other) = after.iter().take(7 - place).position(|byte| *byte != b'=') {
                return Err(start + place + other);
            }
            return if matches!(place, 3 | 6) { Err(start + place) } else { Ok((place, bits)) };
        }
        let value = LETTERS.iter().position(|letter| letter == byte).ok_or(start + place)?;
        bits = bits << 5 | value as u64;
    }
    // Padding is missing.
    if chunk.len() < 8 { Err(start) } else { Ok((8, bits)) }
}
