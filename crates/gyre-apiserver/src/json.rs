//! Reads JSON bodies: keeps the names of fields that occur twice, and words errors as Go does.

use std::cell::RefCell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits::DEPTH_MAX;

/// A body that has been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) value: Value,
    /// Paths of fields that occur more than once.
    pub(crate) duplicates: Vec<String>,
}

/// Reads one JSON document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let duplicates = RefCell::default();
    let seed = Seed { duplicates: &duplicates, at: At { above: None, step: Step::Root, depth: 0 } };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = seed.deserialize(&mut reader).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    match value {
        Ok(value) => Ok(Parsed { value, duplicates: duplicates.into_inner() }),
        Err(error) => Err(go_error(bytes, &error)),
    }
}

/// Where a value stands, from the inside out.
#[derive(Clone, Copy)]
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
}

impl At<'_> {
    fn text(&self) -> String {
        let above = self.above.map(At::text).unwrap_or_default();
        match self.step {
            Step::Root => above,
            Step::Field(name) if above.is_empty() => name.to_owned(),
            Step::Field(name) => format!("{above}.{name}"),
            Step::Index(index) => format!("{above}[{index}]"),
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    duplicates: &'a RefCell<Vec<String>>,
    at: At<'a>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // A whole number written as a float is a whole number to Kubernetes.
        if value.fract() == 0.0 && value.abs() < 9e15 {
            return Ok((value as i64).into());
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(self.below(Step::Index(out.len()))?)? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let below = self.below(Step::Field(&key))?;
            let value = fields.next_value_seed(below)?;
            if out.contains_key(&key) {
                self.duplicates.borrow_mut().push(below.at.text());
            }
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

impl Seed<'_> {
    /// What reads a value below this one.
    fn below<'a, E: Error>(&'a self, step: Step<'a>) -> Result<Seed<'a>, E> {
        let depth = self.at.depth + 1;
        if depth > DEPTH_MAX {
            return Err(E::custom("exceeded max depth"));
        }
        Ok(Seed { duplicates: self.duplicates, at: At { above: Some(&self.at), step, depth } })
    }
}

/// A path of fields and indices, such as `spec.containers[0].name`.
pub(crate) fn join(path: &[String]) -> String {
    let mut out = String::new();
    for step in path {
        if !step.starts_with('[') && !out.is_empty() {
            out.push('.');
        }
        out.push_str(step);
    }
    out
}

fn character(bytes: &[u8], at: usize) -> String {
    match std::str::from_utf8(&bytes[at..]).ok().and_then(|rest| rest.chars().next()) {
        Some('\'') => "'\\''".into(),
        Some('"') => "'\"'".into(),
        Some(char) if char.is_control() => format!("'{}'", char.escape_default()),
        Some(char) => format!("'{char}'"),
        None => format!("'\\x{:02x}'", bytes.get(at).copied().unwrap_or_default()),
    }
}

/// The error of Go's scanner for the same bytes.
fn go_error(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".into();
    }
    Scanner { bytes, at: 0 }.document().err().unwrap_or_else(|| error.to_string())
}

/// Walks JSON only to find where and why Go would stop.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(|it| b" \t\r\n".contains(it)) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn bad(&self, place: &str) -> String {
        if self.at >= self.bytes.len() {
            return "unexpected end of JSON input".into();
        }
        format!("invalid character {} {place}", character(self.bytes, self.at))
    }

    fn document(&mut self) -> Result<(), String> {
        self.value(0)?;
        if self.peek().is_some() { Err(self.bad("after top-level value")) } else { Ok(()) }
    }

    fn value(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err("exceeded max depth".into());
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => {
                while self.bytes.get(self.at).is_some_and(|it| b"+-.eE0123456789".contains(it)) {
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(self.bad("looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for (index, wanted) in word.bytes().enumerate() {
            if self.bytes.get(self.at) != Some(&wanted) {
                let _ = index;
                return Err(self.bad(&format!("in literal {word} (expecting '{}')", wanted as char)));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.bytes.get(self.at) {
                        Some(b'u' | b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        _ => return Err(self.bad("in string escape code")),
                    }
                }
                Some(byte) if *byte < 0x20 => return Err(self.bad("in string literal")),
                Some(_) => self.at += 1,
                None => return Err(self.bad("")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), String> {
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.bad("looking for beginning of object key string"));
            }
            self.string()?;
            if self.peek() != Some(b':') {
                return Err(self.bad("after object key"));
            }
            self.at += 1;
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.bad("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), String> {
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.bad("after array element")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_read_like_go() {
        let error = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert_eq!(error("{"), "unexpected end of JSON input");
        assert_eq!(error("nope"), "invalid character 'o' in literal null (expecting 'u')");
        assert_eq!(error("{'a':1}"), "invalid character '\\'' looking for beginning of object key string");
        assert_eq!(error("{} trailing"), "invalid character 't' after top-level value");
    }

    #[test]
    fn duplicates_are_named() {
        let parsed = parse(br#"{"a":{"b":1,"b":2},"l":[{"x":1,"x":2}]}"#).unwrap();
        assert_eq!(parsed.duplicates, ["a.b", "l[0].x"]);
        assert_eq!(parsed.value["a"]["b"], 2);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&bytes);
        }
    }
}
