//! A Kubernetes object as a tree of JSON, with the few fields that everything asks for.

use serde_json::{Map, Value};

use crate::{GroupVersionKind, ObjectRef};

/// A Kubernetes object: a JSON mapping that has at least `apiVersion` and `kind`. Keys are kept sorted, as Go's
/// `encoding/json` writes a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(Map<String, Value>);

/// Why a value is not an object.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ObjectError {
    /// The document is a list, a number, a text or null.
    #[error("not a mapping")]
    NotAMapping,
    /// A field that every object has is missing, or is not a text.
    #[error("{0} is missing or not a string")]
    Missing(&'static str),
}

impl Object {
    /// Takes a value that is a mapping with `apiVersion` and `kind`; a name is not demanded (`generateName`, lists).
    pub fn new(value: Value) -> Result<Self, ObjectError> {
        let Value::Object(map) = value else { return Err(ObjectError::NotAMapping) };
        for field in ["apiVersion", "kind"] {
            if map.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(ObjectError::Missing(field));
            }
        }
        Ok(Self(map))
    }

    /// An object with nothing but its identity.
    pub fn bare(object: &ObjectRef) -> Self {
        let mut metadata = Map::new();
        metadata.insert("name".into(), object.name.clone().into());
        if !object.namespace.is_empty() {
            metadata.insert("namespace".into(), object.namespace.clone().into());
        }
        let mut map = Map::new();
        map.insert("apiVersion".into(), object.api_version().into());
        map.insert("kind".into(), object.kind.clone().into());
        map.insert("metadata".into(), Value::Object(metadata));
        Self(map)
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// `Deployment`.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// The name; empty where only `generateName` is given.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// The namespace; empty where none is given.
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// The server's unique id; empty for an object that comes from a file.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// `metadata.resourceVersion`; empty for an object that comes from a file.
    pub fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// `metadata.generation`; 0 where there is none.
    pub fn generation(&self) -> i64 {
        self.at("/metadata/generation").and_then(Value::as_i64).unwrap_or_default()
    }

    /// Is a deletion under way (`metadata.deletionTimestamp` is set)?
    pub fn is_deleting(&self) -> bool {
        self.at("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::parse(self.api_version(), self.kind())
    }

    /// The object's name in full.
    pub fn object_ref(&self) -> ObjectRef {
        ObjectRef::new(self.gvk(), self.namespace(), self.name())
    }

    /// The value at a JSON pointer (RFC 6901).
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let mut tokens = pointer.strip_prefix('/')?.split('/');
        let mut value = self.0.get(&*unescape(tokens.next()?))?;
        for token in tokens {
            value = match value {
                Value::Object(map) => map.get(&*unescape(token))?,
                Value::Array(list) => list.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The text at a JSON pointer; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.entry("labels", key)
    }

    /// The annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.entry("annotations", key)
    }

    fn entry(&self, field: &str, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get(field)?.get(key)?.as_str()
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_entry("labels", key, value);
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_entry("annotations", key, value);
    }

    fn set_entry(&mut self, field: &str, key: &str, value: &str) {
        object_at(object_at(&mut self.0, "metadata"), field).insert(key.into(), value.into());
    }

    /// Sets the namespace; an empty one removes the field.
    pub fn set_namespace(&mut self, namespace: &str) {
        let metadata = object_at(&mut self.0, "metadata");
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".into(), namespace.into());
        }
    }

    /// The mapping itself.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The mapping itself, to be changed. `apiVersion` and `kind` must stay.
    pub fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// A copy as a value.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// The mapping under `key`, made where it is missing or is something else.
fn object_at<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map.entry(key).or_insert(Value::Null);
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(map) => map,
        _ => unreachable!("just made a mapping"),
    }
}

fn unescape(token: &str) -> std::borrow::Cow<'_, str> {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~").into() } else { token.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn knows_its_own_name() {
        let object = Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}
        }))
        .unwrap();
        assert_eq!(object.object_ref().to_string(), "Deployment/shop/web");
        assert_eq!(Object::bare(&object.object_ref()), object);
    }

    #[test]
    fn refuses_what_is_not_an_object() {
        assert_eq!(Object::new(json!([])), Err(ObjectError::NotAMapping));
        assert_eq!(Object::new(json!({"kind": "X"})), Err(ObjectError::Missing("apiVersion")));
    }

    #[test]
    fn pointers_reach_escaped_keys_and_lists() {
        let object = Object::new(json!({
            "apiVersion": "v1", "kind": "X", "metadata": {"labels": {"a/b": "1"}}, "spec": {"list": [{"x": "y"}]}
        }))
        .unwrap();
        assert_eq!(object.text("/metadata/labels/a~1b"), "1");
        assert_eq!(object.text("/spec/list/0/x"), "y");
        assert_eq!(object.label("a/b"), Some("1"));
    }
}
