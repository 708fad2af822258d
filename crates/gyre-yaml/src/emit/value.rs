//! JSON to YAML as `sigs.k8s.io/yaml` (go-yaml v2) writes it.

use serde_json::{Map, Number, Value};

use super::order::sort_keys;
use super::scalar::{Analysis, Place, wanted_style};
use super::writer::Writer;
use crate::error::Dialect;
use crate::json;
use crate::number;
use crate::token::ScalarStyle;

/// The length up to which a key needs no `?`.
pub(super) const SIMPLE_KEY_BYTES_MAX: usize = 128;

/// `Marshal` of `sigs.k8s.io/yaml`: keys in natural order, long texts folded at 80 columns, a line break at the end.
pub fn write_value(value: &Value) -> String {
    let mut emitter = Emitter { writer: Writer::new(Dialect::V2, 2) };
    emitter.value(value, false);
    emitter.writer.indent = -1;
    emitter.writer.write_indent();
    emitter.writer.finish()
}

struct Emitter {
    writer: Writer,
}

impl Emitter {
    fn value(&mut self, value: &Value, in_mapping: bool) {
        match value {
            Value::Null => self.scalar("null", ScalarStyle::Plain, false),
            Value::Bool(true) => self.scalar("true", ScalarStyle::Plain, false),
            Value::Bool(false) => self.scalar("false", ScalarStyle::Plain, false),
            Value::Number(number) => self.scalar(&number_text(number), ScalarStyle::Plain, false),
            Value::String(text) => self.text(text, false),
            Value::Array(items) => self.sequence(items, in_mapping),
            Value::Object(map) => self.mapping(map),
        }
    }

    fn text(&mut self, text: &str, simple_key: bool) {
        self.scalar(text, wanted_style(text, Dialect::V2), simple_key);
    }

    fn scalar(&mut self, text: &str, wanted: ScalarStyle, simple_key: bool) {
        let style = Analysis::of(text, Dialect::V2).style(wanted, Place { simple_key, flow: false });
        let indent = self.writer.indent;
        self.writer.indent = if indent < 0 { 2 } else { indent + 2 };
        self.writer.scalar(text, style, !simple_key);
        self.writer.indent = indent;
    }

    fn sequence(&mut self, items: &[Value], in_mapping: bool) {
        if items.is_empty() {
            self.writer.indicator("[", true, true, false);
            self.writer.indicator("]", false, false, false);
            return;
        }
        let before = self.writer.indent;
        if before < 0 {
            self.writer.indent = 0;
        } else if !in_mapping || self.writer.indention {
            self.writer.indent += 2;
        }
        for item in items {
            self.writer.write_indent();
            self.writer.indicator("-", true, false, true);
            self.value(item, false);
        }
        self.writer.indent = before;
    }

    fn mapping(&mut self, map: &Map<String, Value>) {
        if map.is_empty() {
            self.writer.indicator("{", true, true, false);
            self.writer.indicator("}", false, false, false);
            return;
        }
        let before = self.writer.indent;
        self.writer.indent = if before < 0 { 0 } else { before + 2 };
        // Keys of letters only are in the map's own order already.
        if map.keys().all(|key| key.bytes().all(|byte| byte.is_ascii_alphabetic())) {
            for (key, value) in map {
                self.pair(key, value);
            }
        } else {
            let mut pairs: Vec<_> = map.iter().collect();
            sort_keys(&mut pairs, |(key, _)| key, Dialect::V2);
            for (key, value) in pairs {
                self.pair(key, value);
            }
        }
        self.writer.indent = before;
    }

    fn pair(&mut self, key: &str, value: &Value) {
        self.writer.write_indent();
        let simple = key.len() <= SIMPLE_KEY_BYTES_MAX && !Analysis::of(key, Dialect::V2).multiline;
        if simple {
            self.text(key, true);
            self.writer.indicator(":", false, false, false);
        } else {
            self.writer.indicator("?", true, false, true);
            self.text(key, false);
            self.writer.write_indent();
            self.writer.indicator(":", true, false, true);
        }
        self.value(value, true);
    }
}

/// A number as it comes out of JSON text: whole floats are integers.
fn number_text(number: &Number) -> String {
    if number.is_f64() {
        let float = number.as_f64().unwrap_or_default();
        if float == 0.0 {
            return "0".into();
        }
        return match json::whole(float) {
            Some(whole) => whole.to_string(),
            None => number::format_float(float),
        };
    }
    number.to_string()
}
