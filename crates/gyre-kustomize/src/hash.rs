//! The suffix that a generated name gets: a hash of the content.

use gyre_go::json::write_string;
use gyre_yaml::Node;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::node;
use crate::parse;
use crate::resource;

/// The suffix that Kustomize puts behind the name of a generated object, without its dash.
pub fn hash(object: &Value) -> Result<String> {
    suffix(&parse::from_json(object))
}

/// The suffix for a resource, without its dash.
pub(crate) fn suffix(node: &Node) -> Result<String> {
    let kind = node.get("kind").map(node::raw_text).unwrap_or_default();
    let value = match kind {
        "ConfigMap" => {
            let mut map = start("ConfigMap", node, &["data"])?;
            optional(&mut map, node, "binaryData")?;
            Value::Object(map)
        }
        "Secret" => {
            let mut map = start("Secret", node, &["type", "data"])?;
            optional(&mut map, node, "stringData")?;
            Value::Object(map)
        }
        _ => resource::to_value(node)?,
    };
    let mut text = String::new();
    go_json(&value, &mut text);
    Ok(encode(&Sha256::digest(text.as_bytes())))
}

/// compat(kustomize): the name is looked up in a way that never finds it, so that it is always empty.
fn start(kind: &str, node: &Node, fields: &[&str]) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    map.insert("kind".into(), kind.into());
    map.insert("name".into(), "".into());
    for field in fields {
        map.insert((*field).into(), field_value(node, field)?.unwrap_or_else(|| "".into()));
    }
    Ok(map)
}

fn optional(map: &mut Map<String, Value>, node: &Node, field: &str) -> Result<()> {
    if let Some(value @ Value::Object(_)) = field_value(node, field)? {
        map.insert(field.into(), value);
    }
    Ok(())
}

fn field_value(node: &Node, field: &str) -> Result<Option<Value>> {
    let Some(value) = node.get(field) else { return Ok(None) };
    match node::kind(value) {
        node::Kind::Scalar => Ok(Some(node::raw_text(value).into())),
        _ => match resource::to_value(value)? {
            map @ Value::Object(_) => Ok(Some(map)),
            _ => Ok(Some(Value::Null)),
        },
    }
}

/// JSON as Go's `json.Marshal` writes it.
pub(crate) fn go_json(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write_string(text.as_bytes(), true, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                go_json(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key.as_bytes(), true, out);
                out.push(':');
                go_json(value, out);
            }
            out.push('}');
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) => out.push_str(&gyre_go::json::number(float).unwrap_or_else(|_| number.to_string())),
            None => out.push_str(&number.to_string()),
        },
        other => out.push_str(&other.to_string()),
    }
}

/// The first ten hexadecimal digits, with letters that make no words.
fn encode(digest: &[u8]) -> String {
    let digits = digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| match char::from_digit(u32::from(digit), 16).unwrap_or('0') {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}
