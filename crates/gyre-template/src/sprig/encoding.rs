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

/// The bytes, or where the text is broken.
fn from_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    let letters: Vec<(usize, u8)> =
        text.iter().copied().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).collect();
    for (index, chunk) in letters.chunks(8).enumerate() {
        let mut bits = 0_u64;
        let mut count = 0;
        for (at, byte) in chunk {
            if *byte == b'=' {
                break;
            }
            let value = LETTERS.iter().position(|letter| letter == byte).ok_or(*at)?;
            bits = bits << 5 | value as u64;
            count += 1;
        }
        let end = chunk.last().map_or(0, |(at, _)| at + 1);
        let padded = chunk.iter().skip(count).all(|(_, byte)| *byte == b'=');
        if chunk.len() < 8 || !padded || matches!(count, 1 | 3 | 6) || count == 0 {
            return Err(if chunk.len() < 8 { end } else { chunk[0].0 + count });
        }
        if count < 8 && index + 1 < letters.chunks(8).count() {
            return Err(end);
        }
        bits <<= 5 * (8 - count);
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + count * 5 / 8]);
    }
    Ok(out)
}
