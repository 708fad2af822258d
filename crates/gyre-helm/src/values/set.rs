//! The grammars of `--set`, `--set-string`, `--set-file`, `--set-json` and `--set-literal`.

use gyre_go::strconv::{atoi, parse_int, quote};
use gyre_go::utf8::is_space;
use serde_json::Value;

use super::Values;
use crate::error::{HelmError, err};
use crate::limits::{SET_DEPTH_MAX, SET_INDEX_MAX};

/// Which grammar.
pub enum Grammar<'a> {
    /// `--set`: numbers, booleans and null are what they look like.
    Typed,
    /// `--set-string`: everything is a text.
    Text,
    /// `--set-json`: the value is JSON.
    Json,
    /// `--set-literal`: the rest of the line is the value.
    Literal,
    /// `--set-file`: the value is the content of a file, which the caller reads.
    File(&'a mut dyn FnMut(&str) -> Result<String, String>),
}

/// Sets what a text says in the values.
pub fn set(text: &str, grammar: Grammar<'_>, into: &mut Values) -> Result<(), HelmError> {
    let mut reader = Reader { rest: text, grammar };
    loop {
        match reader.key(into, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(why)) => return Err(HelmError(why)),
        }
    }
}

/// Sets a whole object with `--set-json '{...}'`, as Helm 4 does.
pub fn set_json_object(text: &str, into: &mut Values) -> Result<(), HelmError> {
    let value: Value = serde_json::from_str(text).map_err(|why| HelmError::new(why.to_string()))?;
    match super::with_floats(value) {
        Value::Object(values) => {
            let merged = super::merge(std::mem::take(into), values);
            *into = merged;
            Ok(())
        }
        _ => err("the value is no JSON object"),
    }
}

/// Why the reading stopped.
enum Stop {
    End,
    Error(String),
}

fn fail<T>(text: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Error(text.into()))
}

type Found = (String, Option<char>);

struct Reader<'a, 'g> {
    rest: &'a str,
    grammar: Grammar<'g>,
}

fn put(into: &mut Values, key: &str, value: Value) {
    if !key.is_empty() {
        into.insert(key.into(), value);
    }
}

fn put_at(mut list: Vec<Value>, index: i64, value: Value) -> Result<Vec<Value>, Stop> {
    if index < 0 {
        return fail(format!("negative {index} index not allowed"));
    }
    if index > SET_INDEX_MAX {
        return fail(format!("index of {index} is greater than maximum supported index of {SET_INDEX_MAX}"));
    }
    let index = index as usize;
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    list[index] = value;
    Ok(list)
}

/// Go's words for a value of another type.
fn conversion(value: &Value, want: &str) -> String {
    let held = match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    };
    format!("interface conversion: interface {{}} is {held}, not {want}")
}

impl Reader<'_, '_> {
    fn is_literal(&self) -> bool {
        matches!(self.grammar, Grammar::Literal)
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    /// Text up to one of the letters, and which; none at the end.
    fn until(&mut self, stops: &[char]) -> Found {
        let mut text = String::new();
        while let Some(letter) = self.next() {
            if stops.contains(&letter) {
                return (text, Some(letter));
            }
            if letter == '\\' && !self.is_literal() {
                match self.next() {
                    Some(letter) => text.push(letter),
                    None => return (text, None),
                }
            } else {
                text.push(letter);
            }
        }
        (text, None)
    }

    fn key(&mut self, into: &mut Values, depth: usize) -> Result<(), Stop> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => fail(format!("key {} has no value", quote(key.as_bytes()))),
            Some('[') => self.indexed(into, &key, depth),
            Some('=') => self.assigned(into, &key),
            Some('.') => self.nested(into, &key, depth),
            Some(_) => {
                put(into, &key, Value::String(String::new()));
                fail(format!("key {} has no value (cannot end with ,)", quote(key.as_bytes())))
            }
        }
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (digits, stop) = self.until(&[']']);
        if stop.is_none() {
            return fail("error parsing index: EOF");
        }
        atoi(&digits).map_err(|why| Stop::Error(format!("error parsing index: {why}")))
    }

    fn indexed(&mut self, into: &mut Values, key: &str, depth: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let list = match into.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(other) => {
                return fail(format!("unable to parse key: {}", conversion(other, "[]interface {}")));
            }
        };
        let (list, done) = self.item(list, index, depth);
        put(into, key, Value::Array(list));
        done
    }

    fn nested(&mut self, into: &mut Values, key: &str, depth: usize) -> Result<(), Stop> {
        if depth + 1 > SET_DEPTH_MAX {
            return fail(format!(
                "value name nested level is greater than maximum supported nested level of {SET_DEPTH_MAX}"
            ));
        }
        let mut inner = match into.get(key) {
            None => Values::new(),
            Some(Value::Object(table)) => table.clone(),
            Some(other) => {
                return fail(format!(
                    "unable to parse key: {}",
                    conversion(other, "map[string]interface {}")
                ));
            }
        };
        let done = self.key(&mut inner, depth + 1);
        if done.is_ok() && inner.is_empty() {
            return fail(format!("key map {} has no value", quote(key.as_bytes())));
        }
        if !inner.is_empty() {
            put(into, key, Value::Object(inner));
        }
        done
    }

    fn assigned(&mut self, into: &mut Values, key: &str) -> Result<(), Stop> {
        match self.grammar {
            Grammar::Literal => {
                let (value, _) = self.until(&[]);
                put(into, key, Value::String(value));
                Ok(())
            }
            Grammar::Json => {
                let value = self.json()?;
                put(into, key, value);
                Ok(())
            }
            _ => {
                if self.rest.is_empty() {
                    put(into, key, Value::String(String::new()));
                    return Err(Stop::End);
                }
                let value = match self.list()? {
                    Some(items) => Value::Array(items),
                    None => {
                        let (text, _) = self.until(&[',']);
                        self.typed(text)?
                    }
                };
                put(into, key, value);
                Ok(())
            }
        }
    }

    /// What follows an index. The list comes back whatever happened, as far as it was changed.
    fn item(&mut self, list: Vec<Value>, index: i64, depth: usize) -> (Vec<Value>, Result<(), Stop>) {
        let kept = list.clone();
        match self.item_value(list, index, depth) {
            Ok(list) => (list, Ok(())),
            Err((Some(list), why)) => (list, Err(why)),
            Err((None, why)) => (kept, Err(why)),
        }
    }

    fn item_value(
        &mut self,
        mut list: Vec<Value>,
        index: i64,
        depth: usize,
    ) -> Result<Vec<Value>, (Option<Vec<Value>>, Stop)> {
        let lost = |why| (None, why);
        if index < 0 {
            return Err(lost(Stop::Error(format!("negative {index} index not allowed"))));
        }
        let (key, stop) = self.until(&['[', '.', '=']);
        if !key.is_empty() {
            let letters: Vec<String> =
                key.chars().map(|letter| gyre_go::strconv::quote_rune(i64::from(letter as u32))).collect();
            let text = format!("unexpected data at end of array index: [{}]", letters.join(" "));
            return Err(lost(Stop::Error(text)));
        }
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        match stop {
            None => Err(lost(Stop::End)),
            Some('=') => {
                let value = self.item_text().map_err(lost)?;
                put_at(list, index, value).map_err(lost)
            }
            Some('[') => {
                let next = self.index().map_err(lost)?;
                let inner = match list.get(place) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(items)) => items.clone(),
                    Some(other) => {
                        let text = format!("unable to parse key: {}", conversion(other, "[]interface {}"));
                        return Err(lost(Stop::Error(text)));
                    }
                };
                let inner = self.item_value(inner, next, depth).map_err(|(_, why)| lost(why))?;
                put_at(list, index, Value::Array(inner)).map_err(lost)
            }
            Some(_) => {
                let mut inner = Values::new();
                if let Some(slot) = list.get_mut(place) {
                    match slot {
                        Value::Object(table) => inner.clone_from(table),
                        other => *other = Value::Object(Values::new()),
                    }
                }
                match self.key(&mut inner, depth) {
                    Ok(()) => put_at(list, index, Value::Object(inner)).map_err(lost),
                    Err(Stop::End) => {
                        if let Some(slot) = list.get_mut(place) {
                            *slot = Value::Object(inner);
                        }
                        Err((Some(list), Stop::End))
                    }
                    Err(why) => Err((Some(list), why)),
                }
            }
        }
    }

    fn item_text(&mut self) -> Result<Value, Stop> {
        match self.grammar {
            Grammar::Literal => Ok(Value::String(self.until(&[]).0)),
            Grammar::Json => self.json(),
            _ if self.rest.is_empty() => Ok(Value::String(String::new())),
            _ => match self.list()? {
                Some(items) => Ok(Value::Array(items)),
                None => {
                    let (text, _) = self.until(&[',']);
                    self.typed(text)
                }
            },
        }
    }

    /// `{a,b}`, or nothing where none begins.
    fn list(&mut self) -> Result<Option<Vec<Value>>, Stop> {
        let Some(rest) = self.rest.strip_prefix('{') else { return Ok(None) };
        self.rest = rest;
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return fail("list must terminate with '}'"),
                Some('}') => {
                    if let Some(rest) = self.rest.strip_prefix(',') {
                        self.rest = rest;
                    }
                    items.push(self.typed(text)?);
                    return Ok(Some(items));
                }
                Some(_) => items.push(self.typed(text)?),
            }
        }
    }

    fn typed(&mut self, text: String) -> Result<Value, Stop> {
        match &mut self.grammar {
            Grammar::Typed => {}
            Grammar::File(read) => return read(&text).map(Value::String).map_err(Stop::Error),
            _ => return Ok(Value::String(text)),
        }
        Ok(match text.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "0" => Value::from(0),
            _ if !text.is_empty() && !text.starts_with('0') => {
                parse_int(&text, 10, 64).map_or(Value::String(text), Value::from)
            }
            _ => Value::String(text),
        })
    }

    /// Skips spaces and a comma; true where no value begins.
    fn no_value(&mut self) -> bool {
        while let Some(letter) = self.rest.chars().next() {
            if letter == ',' {
                self.next();
                return true;
            }
            if !is_space(letter) {
                return false;
            }
            self.next();
        }
        true
    }

    fn json(&mut self) -> Result<Value, Stop> {
        if self.no_value() {
            return Ok(Value::Null);
        }
        let (value, length) =
            gyre_go::json::parse_first(self.rest.as_bytes()).map_err(|why| Stop::Error(why.to_string()))?;
        self.rest = self.rest.get(length..).unwrap_or("");
        self.no_value();
        Ok(to_value(value))
    }
}

fn to_value(value: gyre_go::json::Json) -> Value {
    use gyre_go::json::Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(text) => {
            let number = gyre_go::strconv::parse_float(&text).unwrap_or_else(|(_, nearest)| nearest);
            serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
        Json::String(text) => Value::String(text),
        Json::Array(items) => Value::Array(items.into_iter().map(to_value).collect()),
        Json::Struct(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, to_value(value))).collect())
        }
        Json::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, to_value(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(text in "[ab.,=\\[\\]{}\\\\0-9\" -]{0,24}") {
            for grammar in [Grammar::Typed, Grammar::Text, Grammar::Json, Grammar::Literal] {
                let _ = set(&text, grammar, &mut Values::new());
            }
        }

        #[test]
        fn a_literal_is_what_was_written(text in "\\PC{0,24}") {
            let mut values = Values::new();
            set(&format!("key={text}"), Grammar::Literal, &mut values).unwrap();
            prop_assert_eq!(values["key"].as_str(), Some(text.as_str()));
        }
    }
}
