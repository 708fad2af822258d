//! Documents to JSON, by the ways that Kubernetes tools take.

use serde_json::{Map, Number, Value};

use crate::compose::parse_first;
use crate::decode::{Decoded, decode, decode_root};
use crate::emit::node::{Layout, write_node};
use crate::error::{Dialect, Error};
use crate::node::{Node, NodeValue};
use crate::number;
use crate::quick::quick;

/// `YAMLToJSON` of `sigs.k8s.io/yaml`: the first document; what comes behind it is not looked at.
pub fn yaml_to_json(yaml: &[u8]) -> Result<Value, Error> {
    read(yaml, false)
}

/// `YAMLToJSONStrict`: keys may not be there twice.
pub fn yaml_to_json_strict(yaml: &[u8]) -> Result<Value, Error> {
    read(yaml, true)
}

fn read(yaml: &[u8], strict: bool) -> Result<Value, Error> {
    match parse_first(yaml, Dialect::V2)? {
        Some(document) => match quick(&document.root, Dialect::V2) {
            Some(value) => Ok(value),
            None => to_json(decode(&document.root, Dialect::V2, strict)?),
        },
        None => Ok(Value::Null),
    }
}

/// What a node of a v2 document stands for, if it stands for anything.
pub(crate) fn value_of(node: &Node) -> Option<Value> {
    match quick(node, Dialect::V2) {
        Some(value) => Some(value),
        None => decode(node, Dialect::V2, true).ok().and_then(|decoded| to_json(decoded).ok()),
    }
}

/// `RNode.MarshalJSON` of kyaml: a document that is a mapping or a list. The peer writes the node and reads what it
/// wrote; so does this where the two could differ.
pub fn node_to_json(root: &Node) -> Result<Value, Error> {
    if !matches!(root.value, NodeValue::Scalar(_))
        && let Some(value) = quick(root, Dialect::V3)
    {
        return Ok(value);
    }
    let written = write_node(root, Layout::KYAML);
    match parse_first(written.as_bytes(), Dialect::V3)? {
        Some(document) => written_to_json(&document.root),
        None => Ok(Value::Object(Map::new())),
    }
}

fn written_to_json(root: &Node) -> Result<Value, Error> {
    match &root.value {
        NodeValue::Mapping(_) | NodeValue::Sequence(_) => {}
        NodeValue::Scalar(text) => {
            let meaning = decode(root, Dialect::V3, true)?;
            if meaning == Decoded::Null {
                return Ok(Value::Null);
            }
            let shown: String =
                if text.len() > 10 { format!("{}...", cut(text, 7)) } else { text.to_string() };
            let tag = root.tag.short();
            let problem = format!(
                "line {}: cannot unmarshal {tag} `{shown}` into map[string]interface {{}}",
                root.line.max(1)
            );
            return Err(Error::Unmarshal(vec![problem]));
        }
        NodeValue::Alias(_) => return Err(Error::Decode("a document cannot be an alias".into())),
    }
    general_to_json(decode_root(root)?)
}

fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `json.Marshal` of what v3 decoded.
pub fn general_to_json(value: Decoded) -> Result<Value, Error> {
    match value {
        Decoded::General(_) => {
            Err(Error::Json("json: unsupported type: map[interface {}]interface {}".into()))
        }
        Decoded::List(items) => {
            items.into_iter().map(general_to_json).collect::<Result<_, _>>().map(Value::Array)
        }
        Decoded::Map(map) => map
            .into_iter()
            .map(|(key, value)| Ok((key, general_to_json(value)?)))
            .collect::<Result<_, _>>()
            .map(Value::Object),
        Decoded::Null => Ok(Value::Null),
        Decoded::Bool(value) => Ok(Value::Bool(value)),
        Decoded::Int(value) => Ok(value.into()),
        Decoded::Uint(value) => Ok(value.into()),
        Decoded::Float(value) => float_to_json(value),
        Decoded::Text(text) => Ok(Value::String(text)),
        Decoded::Time(time) => Ok(Value::String(time.to_string())),
        Decoded::Bytes(bytes) => Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
    }
}

/// The conversion of `sigs.k8s.io/yaml`: keys that are no strings become such.
fn to_json(value: Decoded) -> Result<Value, Error> {
    match value {
        Decoded::General(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                let key = match key {
                    Decoded::Text(text) => text,
                    Decoded::Int(value) => value.to_string(),
                    Decoded::Bool(value) => value.to_string(),
                    Decoded::Float(value) => number::format_float_key(value),
                    key => return Err(unsupported_key(&key, &value)),
                };
                map.insert(key, to_json(value)?);
            }
            Ok(Value::Object(map))
        }
        Decoded::List(items) => items.into_iter().map(to_json).collect::<Result<_, _>>().map(Value::Array),
        other => general_to_json(other),
    }
}

fn unsupported_key(key: &Decoded, value: &Decoded) -> Error {
    let kind = match key {
        Decoded::Uint(_) => "uint64",
        _ => "%!s(<nil>)",
    };
    let (key, value) = (key.go_syntax(), value.go_syntax());
    Error::Json(format!("unsupported map key of type: {kind}, key: {key}, value: {value}"))
}

/// A float as JSON text gives it back: a whole number is an integer.
pub(crate) fn float_to_json(float: f64) -> Result<Value, Error> {
    if !float.is_finite() {
        let word = if float.is_nan() {
            "NaN"
        } else if float > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(Error::Json(format!("json: unsupported value: {word}")));
    }
    Ok(whole(float).unwrap_or_else(|| Number::from_f64(float).map_or(Value::Null, Value::Number)))
}

/// The integer that a float's decimal text is, where it fits 64 bits.
pub(crate) fn whole(float: f64) -> Option<Value> {
    if float.fract() != 0.0 || (float == 0.0 && float.is_sign_negative()) {
        return None;
    }
    if float.abs() < 9_007_199_254_740_992.0 {
        return Some((float as i64).into());
    }
    // Behind the shortest digits come zeros, in Go as here.
    let digits = if float.abs() < 1e21 { float.to_string() } else { return None };
    digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<u64>().map(Value::from)).ok()
}
