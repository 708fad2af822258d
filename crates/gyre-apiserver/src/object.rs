//! Objects as JSON values: reading metadata, and the bytes that the store keeps.

use serde_json::{Map, Value};

use crate::store::Encoded;

/// The object's `metadata`, made where it is missing.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    match metadata {
        Value::Object(map) => map,
        _ => unreachable!("it has just been made an object"),
    }
}

/// A text of the metadata, empty where it is missing.
pub(crate) fn meta<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}

/// The revision of an object.
pub(crate) fn revision(object: &Value) -> u64 {
    meta(object, "resourceVersion").parse().unwrap_or_default()
}

/// Whether the object is being deleted.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !meta(object, "deletionTimestamp").is_empty()
}

/// The finalizers of an object.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The value at a path of fields, null where it is missing.
pub(crate) fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(object, |value, key| &value[*key])
}

/// The key of an object in its shelf.
pub(crate) fn key(ns: &str, name: &str) -> String {
    if ns.is_empty() { name.to_owned() } else { format!("{ns}/{name}") }
}

/// The bytes of an object, without its resourceVersion.
pub(crate) fn encode(object: &Value) -> Encoded {
    let mut bytes = Vec::with_capacity(1024);
    let mut at = 0;
    bytes.push(b'{');
    let empty = Map::new();
    for (index, (key, value)) in object.as_object().unwrap_or(&empty).iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        write(&mut bytes, key);
        bytes.push(b':');
        match value {
            Value::Object(metadata) if key == "metadata" => {
                bytes.push(b'{');
                at = bytes.len();
                let fields = metadata.iter().filter(|(key, _)| *key != "resourceVersion");
                for (index, (key, value)) in fields.enumerate() {
                    if index > 0 {
                        bytes.push(b',');
                    }
                    write(&mut bytes, key);
                    bytes.push(b':');
                    write(&mut bytes, value);
                }
                bytes.push(b'}');
            }
            value => write(&mut bytes, value),
        }
    }
    bytes.push(b'}');
    Encoded { bytes, at }
}

fn write(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    // Writing JSON into memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// Reads bytes of the store.
pub(crate) fn decode(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

/// Removes fields that are null from objects, at every depth.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
