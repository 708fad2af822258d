//! Reading JSON, with the errors that Go has for it.

use std::collections::BTreeMap;

use super::Json;
use crate::limits::JSON_DEPTH_MAX;
use crate::strconv::quote;
use crate::utf8;

/// Why a text is no JSON. The texts are Go's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SyntaxError {
    /// The text ends inside a value.
    #[error("unexpected end of JSON input")]
    UnexpectedEnd,
    /// A stream ends before a value begins.
    #[error("EOF")]
    Eof,
    /// A stream ends inside a value.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// A byte that cannot stand where it stands.
    #[error("invalid character {} {place}", shown(*.byte))]
    Character {
        /// The byte.
        byte: u8,
        /// Where it stands, in Go's words.
        place: String,
    },
    /// Nested too deep.
    #[error("exceeded max depth")]
    Depth,
}

fn shown(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'"' => "'\"'".into(),
        _ => {
            let text = quote((byte as char).to_string().as_bytes());
            format!("'{}'", &text[1..text.len() - 1])
        }
    }
}

/// `json.Unmarshal` into an `any`: the whole text is one value.
pub fn parse(text: &[u8]) -> Result<Json, SyntaxError> {
    let mut reader = Reader { text, at: 0, stream: false };
    let value = reader.value(0)?;
    reader.space();
    match reader.peek() {
        None => Ok(value),
        Some(byte) => Err(bad(byte, "after top-level value")),
    }
}

/// The first value of a `json.Decoder`, and where it ends.
pub fn parse_first(text: &[u8]) -> Result<(Json, usize), SyntaxError> {
    let mut reader = Reader { text, at: 0, stream: true };
    reader.space();
    if reader.peek().is_none() {
        return Err(SyntaxError::Eof);
    }
    let value = reader.value(0)?;
    Ok((value, reader.at))
}

/// `json.Compact`: the same text without spaces between its parts.
pub fn compact(text: &[u8]) -> Result<Vec<u8>, SyntaxError> {
    parse(text)?;
    let mut inside = false;
    let mut escaped = false;
    let keep = |byte: &u8| {
        if inside {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => inside = false,
                _ => {}
            }
            return true;
        }
        inside = *byte == b'"';
        !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
    };
    Ok(text
        .iter()
        .copied()
        .filter({
            let mut keep = keep;
            move |byte| keep(byte)
        })
        .collect())
}

fn bad(byte: u8, place: &str) -> SyntaxError {
    SyntaxError::Character { byte, place: place.into() }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    stream: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn end(&self) -> SyntaxError {
        if self.stream { SyntaxError::UnexpectedEof } else { SyntaxError::UnexpectedEnd }
    }

    /// A wrong byte, or the end, which Go reads as a space.
    fn wrong(&self, place: &str) -> SyntaxError {
        match self.peek() {
            None if self.stream => SyntaxError::UnexpectedEof,
            None => bad(b' ', place),
            Some(byte) => bad(byte, place),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        if depth > JSON_DEPTH_MAX {
            return Err(SyntaxError::Depth);
        }
        self.space();
        match self.peek() {
            None => Err(self.end()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            Some(b'n') => self.literal("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(byte) => Err(bad(byte, "looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, SyntaxError> {
        for want in word.bytes() {
            if self.peek() != Some(want) {
                return Err(self.wrong(&format!("in literal {word} (expecting {})", shown(want))));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, place: &str) -> Result<(), SyntaxError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong(place));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Json, SyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(Json::Number(String::from_utf8_lossy(&self.text[start..self.at]).into_owned()))
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            let byte = self.peek().ok_or_else(|| self.end())?;
            match byte {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                    continue;
                }
                0..0x20 => return Err(bad(byte, "in string literal")),
                _ => out.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(String::from_utf8(out)
            .unwrap_or_else(|bytes| utf8::runes(bytes.as_bytes()).map(utf8::Rune::as_char).collect()))
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), SyntaxError> {
        let byte = self.peek().ok_or_else(|| self.end())?;
        self.at += 1;
        out.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut code = self.hex4()?;
                if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex4()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        self.at = back;
                    }
                }
                let rune = char::from_u32(code).unwrap_or('\u{fffd}');
                out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(bad(byte, "in string escape code")),
        });
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or_else(|| self.end())?;
            let digit = (byte as char).to_digit(16);
            code = code << 4 | digit.ok_or_else(|| bad(byte, "in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }

    fn array(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                None => return Err(self.end()),
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                Some(byte) => return Err(bad(byte, "after array element")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.at += 1;
        let mut entries = BTreeMap::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(entries));
        }
        loop {
            self.space();
            match self.peek() {
                None => return Err(self.end()),
                Some(b'"') => {}
                Some(byte) => return Err(bad(byte, "looking for beginning of object key string")),
            }
            let key = self.string()?;
            self.space();
            match self.peek() {
                None => return Err(self.end()),
                Some(b':') => self.at += 1,
                Some(byte) => return Err(bad(byte, "after object key")),
            }
            let value = self.value(depth + 1)?;
            entries.insert(key, value);
            self.space();
            match self.peek() {
                None => return Err(self.end()),
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(entries));
                }
                Some(byte) => return Err(bad(byte, "after object key:value pair")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(text in "[\\[\\]{}\",:0-9.eE+ a-u\\\\-]{0,24}") {
            let _ = parse(text.as_bytes());
            let _ = parse_first(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_read(text: String) {
            let value = Json::Array(vec![Json::String(text), Json::Number("1.5".into()), Json::Null]);
            let written = value.to_text(super::super::MARSHAL).unwrap();
            prop_assert_eq!(parse(written.as_bytes()), Ok(value));
        }
    }
}
