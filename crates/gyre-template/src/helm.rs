//! Helm's own functions.

mod toml;

use std::rc::Rc;
use std::sync::Arc;

use gyre_go::json;
use gyre_go::strconv::quote;
use gyre_yaml::{Layout, value_to_node, write_node, write_value, yaml_to_json};
use serde_json::Value as JsonValue;

use crate::exec::Machine;
use crate::functions::{self, Function, fixed};
use crate::host::LookUp;
use crate::limits::INCLUDE_DEPTH_MAX;
use crate::parse;
use crate::value::{List, Map, MapKind, Type, Value};

const S: &[Type] = &[Type::Str];
const A: &[Type] = &[Type::Any];
const SA: &[Type] = &[Type::Str, Type::Any];

type Done = Result<Value, String>;

pub(crate) const FUNCTIONS: &[Function] = &[
    fixed("include", SA, include),
    fixed("tpl", SA, tpl),
    fixed("required", SA, required),
    fixed("fail", S, fail),
    fixed("lookup", &[Type::Str, Type::Str, Type::Str, Type::Str], look_up),
    fixed("toYaml", A, |_, args| Ok(Value::text(to_yaml(&args[0])))),
    fixed("toYamlPretty", A, |_, args| Ok(Value::text(to_yaml_pretty(&args[0])))),
    fixed("fromYaml", S, |_, args| Ok(from_yaml(args[0].as_bytes().unwrap_or_default()))),
    fixed("fromYamlArray", S, |_, args| Ok(from_yaml_array(args[0].as_bytes().unwrap_or_default()))),
    fixed("toJson", A, |_, args| Ok(Value::text(args[0].to_json_text(json::MARSHAL).unwrap_or_default()))),
    fixed("fromJson", S, |_, args| Ok(from_json(args[0].as_bytes().unwrap_or_default()))),
    fixed("fromJsonArray", S, |_, args| Ok(from_json_array(args[0].as_bytes().unwrap_or_default()))),
    fixed("toToml", A, |_, args| toml::write(&args[0]).map(Value::text)),
    fixed("fromToml", S, |_, args| Ok(toml::read(args[0].as_bytes().unwrap_or_default()))),
];

fn string_of(value: &Value) -> String {
    String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned()
}

fn include(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let Value::Str(name) = &args[0] else { return Ok(Value::text("")) };
    let count = machine.includes.entry(name.clone()).or_insert(0);
    if *count > INCLUDE_DEPTH_MAX {
        let name = name.to_string_lossy();
        return Err(format!(
            "rendering template has a nested reference name: {name}: unable to execute template"
        ));
    }
    *count += 1;
    let Some(tree) = machine.look_up(&name.to_string_lossy()) else {
        let shown = quote(name.bytes());
        return Err(format!("template: no template {shown} associated with template {}", quote(b"gotpl")));
    };
    let done = machine.execute_tree(&tree, args[1].clone());
    if let Some(count) = machine.includes.get_mut(name) {
        *count -= 1;
    }
    done.map(Value::text).map_err(|why| why.to_string())
}

fn tpl(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    const NAME: &str = "gotpl";
    let Value::Str(text) = &args[0] else { return Ok(Value::text("")) };
    let shown = || quote(text.bytes());
    let trees = match machine.parsed.get(text) {
        Some(trees) => trees.clone(),
        None => {
            let set = machine.templates.functions();
            let trees =
                parse::parse(NAME, &text.to_string_lossy(), &|name| functions::find(set, name).is_some())
                    .map_err(|why| format!("cannot parse template {}: {why}", shown()))?;
            let trees: Rc<Vec<Arc<_>>> = Rc::new(trees.into_iter().map(Arc::new).collect());
            machine.parsed.insert(text.clone(), trees.clone());
            trees
        }
    };
    let dot = args[1].clone();
    let done = machine.with_scope(&trees, |machine| machine.execute_tree(&trees[0], dot));
    let out = done.map_err(|why| format!("error during tpl function execution for {}: {why}", shown()))?;
    Ok(Value::text(without_no_value(out)))
}

/// Drops what a missing value prints.
pub fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"<no value>";
    if !text.windows(MARK.len()).any(|window| window == MARK) {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Marks the words of a chart's author inside an error, so that they can be shown alone.
fn warning(text: &str) -> String {
    format!("HELM_ERR_START{text}HELM_ERR_END")
}

fn required(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let missing = match &args[1] {
        Value::Nil | Value::Invalid => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    match (missing, machine.lint) {
        (false, _) => Ok(args[1].clone()),
        (true, true) => Ok(Value::text("")),
        (true, false) => Err(warning(&string_of(&args[0]))),
    }
}

fn fail(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    if machine.lint { Ok(Value::text("")) } else { Err(warning(&string_of(&args[0]))) }
}

fn look_up(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|index| string_of(&args[index]));
    let question = LookUp { api_version: &api_version, kind: &kind, namespace: &namespace, name: &name };
    machine.host.lookup(&question).map(|found| Value::from_json(&found))
}

/// `toYaml`: what cannot be written is nothing.
pub fn to_yaml(value: &Value) -> String {
    let Ok(value) = value.to_json() else { return String::new() };
    // Go writes JSON and reads it as YAML, where these letters are breaks or forbidden.
    let value = if holds_controls(&value) {
        match yaml_to_json(value.to_string().as_bytes()) {
            Ok(value) => value,
            Err(_) => return String::new(),
        }
    } else {
        value
    };
    let text = write_value(&value);
    text.strip_suffix('\n').map(Into::into).unwrap_or(text)
}

fn holds_controls(value: &JsonValue) -> bool {
    let is_control =
        |letter: char| matches!(letter, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    match value {
        JsonValue::String(text) => !text.is_ascii() && text.contains(is_control) || text.contains('\u{7f}'),
        JsonValue::Array(items) => items.iter().any(holds_controls),
        JsonValue::Object(entries) => {
            entries.iter().any(|(key, value)| key.contains(is_control) || holds_controls(value))
        }
        _ => false,
    }
}

fn to_yaml_pretty(value: &Value) -> String {
    let Ok(value) = value.to_json() else { return String::new() };
    let text = write_node(&value_to_node(&value), Layout { indent: 2, compact_lists: false });
    text.strip_suffix('\n').map(Into::into).unwrap_or(text)
}

/// JSON as Go reads it into `any`: every number a `float64`.
fn floats(value: &JsonValue) -> Value {
    match value {
        JsonValue::Number(number) => Value::Float(number.as_f64().unwrap_or(0.0)),
        JsonValue::Array(items) => Value::List(List::any(items.iter().map(floats).collect())),
        JsonValue::Object(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.as_str(), floats(value))))
        }
        other => Value::from_json(other),
    }
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

fn error_map(text: String) -> Value {
    Value::map([("Error", Value::text(text))])
}

fn into_map(value: Value, prefix: &str) -> Value {
    match value {
        Value::Map(_) => value,
        Value::Nil => Value::Map(Map { is_nil: true, ..Map::new(MapKind::Any) }),
        other => error_map(format!(
            "{prefix}json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json_kind(&other)
        )),
    }
}

fn into_list(value: Value, prefix: &str) -> Value {
    match value {
        Value::List(_) => value,
        Value::Nil => Value::List(List { is_nil: true, ..List::any(Vec::new()) }),
        other => Value::List(List::any(vec![Value::text(format!(
            "{prefix}json: cannot unmarshal {} into Go value of type []interface {{}}",
            json_kind(&other)
        ))])),
    }
}

const DECODING: &str = "error unmarshaling JSON: while decoding JSON: ";
const CONVERTING: &str = "error converting YAML to JSON: ";

fn from_yaml(text: &[u8]) -> Value {
    match yaml_to_json(text) {
        // compat(helm 3.21): nothing is an empty map in YAML, and a nil map in JSON.
        Ok(JsonValue::Null) => Value::Map(Map::new(MapKind::Any)),
        Ok(value) => into_map(floats(&value), DECODING),
        Err(why) => error_map(prefixed(&why.to_string())),
    }
}

fn from_yaml_array(text: &[u8]) -> Value {
    match yaml_to_json(text) {
        Ok(value) => into_list(floats(&value), DECODING),
        Err(why) => Value::List(List::any(vec![Value::text(prefixed(&why.to_string()))])),
    }
}

fn prefixed(why: &str) -> String {
    if why.starts_with(CONVERTING) { why.into() } else { format!("{CONVERTING}{why}") }
}

fn from_json(text: &[u8]) -> Value {
    match json::parse(text) {
        Ok(value) => into_map(Value::from_json_text(value), ""),
        Err(why) => error_map(why.to_string()),
    }
}

fn from_json_array(text: &[u8]) -> Value {
    match json::parse(text) {
        Ok(value) => into_list(Value::from_json_text(value), ""),
        Err(why) => Value::List(List::any(vec![Value::text(why.to_string())])),
    }
}

/// The methods of `chartutil.Values`.
pub(crate) fn values_method(values: &Value, name: &str, args: &[Value]) -> Done {
    match name {
        "YAML" => Ok(Value::text(to_yaml(values) + "\n")),
        "AsMap" => Ok(values.as_plain_map()),
        _ => {
            let path = string_of(&args[0]);
            let mut here = values.clone();
            for part in path.split('.') {
                let next = match &here {
                    Value::Map(map) => map.value(part.as_bytes()),
                    _ => None,
                };
                here = next.ok_or_else(|| format!("{} is not a table", quote(part.as_bytes())))?;
            }
            match (&here, name) {
                (Value::Map(map), "Table") => Ok(Value::Map(Map { kind: MapKind::Values, ..map.clone() })),
                (_, "Table") => Err(format!("{} is not a table", quote(path.as_bytes()))),
                _ => Ok(here),
            }
        }
    }
}
