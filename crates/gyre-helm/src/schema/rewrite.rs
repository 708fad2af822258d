//! A schema as the validator has to be given it, to decide as Helm's does.
//!
//! Regular expressions are Go's, put into the words of the engine that the validator brings along. Multiples are of
//! decimal numbers: 0.3 is one of 0.1, which it is not for a processor, so that such numbers are allowed by name.

use std::collections::{HashMap, HashSet};

use gyre_go::regexp::Regexp;
use serde_json::{Map, Number, Value, json};

use super::PLACE;
use super::cost::decoded;

/// Begins what no engine reads; it stands where an expression is none for Go, so that the validator refuses it as well.
const UNREADABLE: char = '(';

/// Keywords that hold values, not schemas.
const PLAIN: [&str; 4] = ["const", "default", "enum", "examples"];

/// What was changed.
pub(super) struct Rewritten {
    /// Regular expressions as they were written, by what stands for them now.
    written: HashMap<String, String>,
    /// Pointers to schemas that were put in for multiples.
    added: HashSet<String>,
    fractions: Vec<Number>,
}

impl Rewritten {
    /// Changes a schema that is to be held against these values.
    pub(super) fn new(schema: &mut Value, values: &Value) -> Self {
        let mut rewritten = Self { written: HashMap::new(), added: HashSet::new(), fractions: Vec::new() };
        rewritten.collect_fractions(values);
        rewritten.schema(schema, &mut String::new());
        rewritten
    }

    /// A regular expression as its author wrote it.
    pub(super) fn written<'a>(&'a self, translated: &'a str) -> &'a str {
        self.written.get(translated).map_or(translated, String::as_str)
    }

    /// Why Go does not read what was replaced by `translated`.
    pub(super) fn why_not(&self, translated: &str) -> Option<String> {
        Regexp::parse(self.written(translated)).err().map(|why| why.to_string())
    }

    /// Whether a schema, known by its address, was put in.
    pub(super) fn is_added(&self, url: &str) -> bool {
        let fragment = url.strip_prefix(PLACE).and_then(|rest| rest.strip_prefix('#'));
        fragment.is_some_and(|fragment| self.added.contains(&decoded(fragment)))
    }

    fn expression(&mut self, written: &str) -> String {
        let translated = match Regexp::parse(written) {
            Ok(regexp) => regexp.translated().to_owned(),
            Err(_) => format!("{UNREADABLE}{}", written.replace([')', '\\'], "_")),
        };
        self.written.insert(translated.clone(), written.to_owned());
        translated
    }

    fn collect_fractions(&mut self, value: &Value) {
        match value {
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
                self.fractions.push(number.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect_fractions(item)),
            Value::Object(entries) => entries.values().for_each(|value| self.collect_fractions(value)),
            _ => {}
        }
    }

    fn schema(&mut self, schema: &mut Value, place: &mut String) {
        match schema {
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    inside(place, &at.to_string(), |place| self.schema(item, place));
                }
            }
            Value::Object(entries) => self.keywords(entries, place),
            _ => {}
        }
    }

    fn schemas(&mut self, schemas: &mut Map<String, Value>, place: &mut String) {
        for (name, schema) in schemas {
            inside(place, name, |place| self.schema(schema, place));
        }
    }

    fn keywords(&mut self, entries: &mut Map<String, Value>, place: &mut String) {
        for (keyword, value) in entries.iter_mut() {
            let inner = |place: &mut String, act: &mut dyn FnMut(&mut String)| inside(place, keyword, act);
            match (keyword.as_str(), value) {
                (keyword, _) if PLAIN.contains(&keyword) => {}
                ("pattern", Value::String(text)) => *text = self.expression(text),
                ("patternProperties", Value::Object(of)) => {
                    let before = std::mem::take(of);
                    of.extend(before.into_iter().map(|(name, schema)| (self.expression(&name), schema)));
                    inner(place, &mut |place| self.schemas(of, place));
                }
                // Names of properties and definitions, which may be called as a keyword is.
                ("properties" | "definitions" | "$defs" | "dependentSchemas", Value::Object(of)) => {
                    inner(place, &mut |place| self.schemas(of, place));
                }
                (_, value) => inner(place, &mut |place| self.schema(value, place)),
            }
        }
        self.multiples(entries, place);
    }

    /// Allows the values that are multiples of decimal numbers only.
    fn multiples(&mut self, entries: &mut Map<String, Value>, place: &str) {
        let Some(Value::Number(of)) = entries.get("multipleOf") else { return };
        let exact: Vec<Number> =
            self.fractions.iter().filter(|value| is_only_decimally_multiple(value, of)).cloned().collect();
        if exact.is_empty() || !matches!(entries.get("allOf"), None | Some(Value::Array(_))) {
            return;
        }
        let of = entries.remove("multipleOf");
        let all = entries.entry("allOf").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            self.added.insert(format!("{place}/allOf/{}", all.len()));
            all.push(json!({"anyOf": [{"enum": exact}, {"multipleOf": of}]}));
        }
    }
}

/// Goes one name deeper.
fn inside(place: &mut String, name: &str, act: impl FnOnce(&mut String)) {
    let length = place.len();
    place.push('/');
    place.push_str(&name.replace('~', "~0").replace('/', "~1"));
    act(place);
    place.truncate(length);
}

fn is_only_decimally_multiple(value: &Number, of: &Number) -> bool {
    let binary = value.as_f64().zip(of.as_f64()).is_some_and(|(value, of)| (value / of).fract() == 0.0);
    !binary && is_multiple(value, of).unwrap_or(false)
}

/// Nothing when the numbers are too far apart to be compared.
fn is_multiple(value: &Number, of: &Number) -> Option<bool> {
    let ((value, value_places), (of, of_places)) = (decimal(value)?, decimal(of)?);
    let places = value_places.max(of_places);
    let scaled =
        |digits: i128, own: i32| digits.checked_mul(10_i128.checked_pow(u32::try_from(places - own).ok()?)?);
    Some(scaled(value, value_places)?.checked_rem(scaled(of, of_places)?)? == 0)
}

/// The digits of a number, and how many of them stand after the point.
fn decimal(number: &Number) -> Option<(i128, i32)> {
    let text = number.to_string();
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let places = digits.split_once('.').map_or(0, |(_, after)| after.len() as i32);
    let exponent: i32 = exponent.trim_start_matches('+').parse().ok()?;
    Some((digits.replace('.', "").parse().ok()?, places - exponent))
}
