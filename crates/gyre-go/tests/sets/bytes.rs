//! Texts of the rows: JSON strings, or base64 where they are not UTF-8.

use serde_json::Value;

pub(crate) fn text(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => from_base64(other["b64"].as_str().unwrap_or_default()),
    }
}

pub(crate) fn from_base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|&b| b == byte)
    };
    let mut out = Vec::new();
    let mut bits = 0_u32;
    let mut count = 0;
    for digit in text.bytes().filter_map(value) {
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

pub(crate) fn to_text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => serde_json::json!({ "b64": to_base64(bytes) }),
    }
}

fn to_base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_u32, |bits, index| bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for place in 0..4 {
            let letter = letters[(bits >> (18 - 6 * place) & 63) as usize] as char;
            out.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    out
}
