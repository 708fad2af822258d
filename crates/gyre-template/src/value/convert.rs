//! Values from and to JSON.

use gyre_go::json::{self, Json};
use gyre_go::strconv;
use serde_json::{Number, Value as JsonValue};

use super::{IntKind, List, Map, MapKind, Value};
use crate::limits::VALUE_DEPTH_MAX;

impl Value {
    /// A value from parsed JSON: integers become `int64`, other numbers `float64`.
    pub fn from_json(value: &JsonValue) -> Self {
        match value {
            JsonValue::Null => Self::Nil,
            JsonValue::Bool(value) => Self::Bool(*value),
            JsonValue::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value, IntKind::Int64),
                (None, Some(value)) => Self::Int(value as i64, IntKind::Uint64),
                (None, None) => Self::Float(number.as_f64().unwrap_or(0.0)),
            },
            JsonValue::String(text) => Self::text(text.as_str()),
            JsonValue::Array(items) => Self::List(List::any(items.iter().map(Self::from_json).collect())),
            JsonValue::Object(entries) => {
                let map = Map::new(MapKind::Any);
                map.entries
                    .borrow_mut()
                    .extend(entries.iter().map(|(key, value)| (key.as_str().into(), Self::from_json(value))));
                Self::Map(map)
            }
        }
    }

    /// A value from JSON as Go's `json.Unmarshal` reads it: every number a `float64`.
    pub fn from_json_text(value: Json) -> Self {
        match value {
            Json::Null => Self::Nil,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(text) => {
                Self::Float(strconv::parse_float(&text).unwrap_or_else(|(_, nearest)| nearest))
            }
            Json::String(text) => Self::text(text),
            Json::Array(items) => {
                Self::List(List::any(items.into_iter().map(Self::from_json_text).collect()))
            }
            Json::Struct(entries) => {
                Self::map(entries.into_iter().map(|(key, value)| (key, Self::from_json_text(value))))
            }
            Json::Object(entries) => {
                Self::map(entries.into_iter().map(|(key, value)| (key, Self::from_json_text(value))))
            }
        }
    }

    /// The value as JSON; an error for numbers that JSON has not, and for values without an end.
    pub fn to_json(&self) -> Result<JsonValue, String> {
        self.json_at(0)
    }

    fn json_at(&self, depth: usize) -> Result<JsonValue, String> {
        if depth > VALUE_DEPTH_MAX {
            return Err("json: unsupported value: encountered a cycle".into());
        }
        Ok(match self {
            Self::Invalid | Self::Nil => JsonValue::Null,
            Self::Bool(value) => JsonValue::Bool(*value),
            Self::Int(value, IntKind::Uint64) => JsonValue::from(*value as u64),
            Self::Int(value, _) | Self::Duration(value) => JsonValue::from(*value),
            Self::Float(value) => match Number::from_f64(*value) {
                Some(number) => JsonValue::Number(number),
                None => return json::number(*value).map(JsonValue::String).map_err(|why| why.to_string()),
            },
            Self::Str(text) => JsonValue::String(text.to_string_lossy().into_owned()),
            Self::Bytes(text) => JsonValue::String(gyre_go::base64::STANDARD.encode(text.bytes())),
            Self::List(list) if list.is_nil => JsonValue::Null,
            Self::Map(map) if map.is_nil => JsonValue::Null,
            Self::List(list) => JsonValue::Array(
                list.items.borrow().iter().map(|item| item.json_at(depth + 1)).collect::<Result<_, _>>()?,
            ),
            Self::Map(map) => JsonValue::Object(
                map.entries
                    .borrow()
                    .iter()
                    .map(|(key, value)| Ok((key.to_string_lossy().into_owned(), value.json_at(depth + 1)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Self::Object(object) => object.to_json(),
            Self::Time(time) => JsonValue::String(time.to_rfc3339()),
        })
    }

    /// JSON text as Go's `encoding/json` writes it: structs keep the order of their fields.
    pub fn to_json_text(&self, style: json::Style<'_>) -> Result<String, String> {
        // Numbers are in their last form already.
        let style = json::Style { keep_numbers: true, ..style };
        self.json_tree(0)?.to_text(style).map_err(|why| why.to_string())
    }

    fn json_tree(&self, depth: usize) -> Result<Json, String> {
        if depth > VALUE_DEPTH_MAX {
            return Err("json: unsupported value: encountered a cycle".into());
        }
        Ok(match self {
            Self::Int(value, IntKind::Uint64) => Json::Number((*value as u64).to_string()),
            Self::Int(value, _) | Self::Duration(value) => Json::Number(value.to_string()),
            Self::Float(value) => Json::Number(json::number(*value).map_err(|why| why.to_string())?),
            Self::List(list) if !list.is_nil => Json::Array(
                list.items.borrow().iter().map(|item| item.json_tree(depth + 1)).collect::<Result<_, _>>()?,
            ),
            Self::Map(map) if !map.is_nil => Json::Object(
                map.entries
                    .borrow()
                    .iter()
                    .map(|(key, value)| Ok((key.to_string_lossy().into_owned(), value.json_tree(depth + 1)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Self::Object(object) => match object.json_fields() {
                Some(fields) => Json::Struct(
                    fields
                        .into_iter()
                        .map(|(key, value)| Ok((key.to_owned(), value.json_tree(depth + 1)?)))
                        .collect::<Result<_, String>>()?,
                ),
                None => Self::from_json(&object.to_json()).json_tree(depth + 1)?,
            },
            other => match other.json_at(depth)? {
                JsonValue::Bool(value) => Json::Bool(value),
                JsonValue::String(text) => Json::String(text),
                _ => Json::Null,
            },
        })
    }
}
