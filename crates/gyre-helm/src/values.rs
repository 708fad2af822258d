//! Values: read, set from the command line, merged with those of charts.

pub mod coalesce;
pub mod given;
pub mod set;

use gyre_yaml::yaml_to_json;
use serde_json::{Map, Number, Value};

use crate::error::{HelmError, err};

/// A table of values.
pub type Values = Map<String, Value>;

/// Reads a YAML file of values; every number becomes a `float64`, as in Go. An empty file is an empty table.
pub fn read_yaml(text: &[u8]) -> Result<Values, HelmError> {
    let value =
        yaml_to_json(text).map_err(|why| HelmError::new(format!("error converting YAML to JSON: {why}")))?;
    match with_floats(value) {
        Value::Object(values) => Ok(values),
        Value::Null => Ok(Values::new()),
        other => err(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            }
        )),
    }
}

/// Go's `json.Unmarshal` into `any` knows one kind of number.
pub fn with_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            number.as_f64().and_then(Number::from_f64).map_or(Value::Number(number), Value::Number)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_floats).collect()),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, with_floats(value))).collect())
        }
        other => other,
    }
}

/// What a path of names leads to.
pub fn path_value<'v>(values: &'v Values, path: &str) -> Option<&'v Value> {
    let mut names = path.split('.');
    let mut here = values.get(names.next()?)?;
    for name in names {
        here = here.as_object()?.get(name)?;
    }
    Some(here)
}

/// The table that a path of names leads to.
pub fn table<'v>(values: &'v Values, path: &str) -> Option<&'v Values> {
    path_value(values, path)?.as_object()
}

/// Merges `-f` files: tables are merged, everything else is replaced.
pub fn merge(mut into: Values, from: Values) -> Values {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let merged = merge(std::mem::take(old), new);
                *old = merged;
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
    into
}
