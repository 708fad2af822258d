//! The short way from nodes to JSON for what is nothing special: no aliases, no merge keys, no keys that repeat.

use serde_json::{Map, Value};

use crate::decode::{Decoded, scalar};
use crate::error::Dialect;
use crate::json::general_to_json;
use crate::node::{Node, NodeValue, Style};
use crate::tag::Tag;

/// The value of a node; `None` where it takes the long way to get it, or an error.
pub(crate) fn quick(node: &Node, dialect: Dialect) -> Option<Value> {
    match &node.value {
        NodeValue::Mapping(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                let NodeValue::Scalar(name) = &key.value else { return None };
                let is_text = key.tag == Tag::Str
                    || (name != "<<" && matches!(scalar(key, name, dialect), Ok(Decoded::Text(_))));
                if !is_text || map.insert(name.to_string(), quick(value, dialect)?).is_some() {
                    return None;
                }
            }
            Some(Value::Object(map))
        }
        NodeValue::Sequence(items) => {
            items.iter().map(|item| quick(item, dialect)).collect::<Option<_>>().map(Value::Array)
        }
        NodeValue::Scalar(text) if changes_when_written(node, text) => None,
        NodeValue::Scalar(text) if node.tag == Tag::Str => Some(Value::String(text.to_string())),
        NodeValue::Scalar(text) => general_to_json(scalar(node, text, dialect).ok()?).ok(),
        NodeValue::Alias(_) => None,
    }
}

/// May the scalar be another one, or none at all, once it is written and read again?
fn changes_when_written(node: &Node, text: &str) -> bool {
    (text.is_empty() && node.tag == Tag::Null)
        || (node.style.has(Style::LITERAL) && text.trim_start_matches('\n').starts_with('\t'))
        // compat(go-yaml v3): the writer adds a line break before a line of a folded text that is indented more.
        || (node.style.has(Style::FOLDED) && text.trim_end_matches('\n').contains('\n'))
}
