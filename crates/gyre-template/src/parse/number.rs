//! Numbers in templates: what they can be, all at once.

use gyre_go::strconv::{self, quote, unquote};

use crate::lex::{Kind, Token};
use crate::node::Number;

pub(super) fn read(token: &Token) -> Result<Number, String> {
    let written = token.text.clone();
    if token.kind == Kind::CharConstant {
        let text = unquote(written.as_bytes());
        let text = text.ok_or_else(|| format!("malformed character constant: {written}"))?;
        let mut runes = gyre_go::utf8::runes(&text);
        let rune = match (runes.next(), runes.next()) {
            (Some(rune), None) => i64::from(rune.as_char() as u32),
            _ => return Err(format!("malformed character constant: {written}")),
        };
        return Ok(Number {
            written,
            int: Some(rune),
            uint: Some(rune as u64),
            float: Some(rune as f64),
            is_char: true,
        });
    }
    if token.kind == Kind::Complex || written.ends_with('i') {
        return Err(format!("complex numbers are not supported: {}", quote(written.as_bytes())));
    }
    let mut uint = strconv::parse_uint(&written, 0, 64).ok();
    let mut int = strconv::parse_int(&written, 0, 64).ok();
    // -0 is an unsigned integer too.
    if int == Some(0) {
        uint = Some(0);
    }
    let mut float = int.map(|int| int as f64).or(uint.map(|uint| uint as f64));
    if float.is_none()
        && let Ok(value) = strconv::parse_float(&written)
    {
        if !written.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(written.as_bytes())));
        }
        float = Some(value);
        int = (value as i64 as f64 == value).then_some(value as i64);
        uint = (value as u64 as f64 == value).then_some(value as u64);
    }
    if int.is_none() && uint.is_none() && float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(written.as_bytes())));
    }
    Ok(Number { written, int, uint, float, is_char: false })
}
