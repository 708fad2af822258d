//! Structural schemas of custom resources: which fields stay, which get defaults, how objects and lists merge.

use std::collections::BTreeMap;
use std::sync::Arc;

use gyre_merge::facts;
use gyre_merge::schema::{Field, List, ListKind, MapType, Scalar, Struct, StructRef, Type};
use serde_json::{Map, Value};

/// A structural schema, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) ty: String,
    pub(crate) int_or_string: bool,
    pub(crate) nullable: bool,
    pub(crate) preserve: bool,
    pub(crate) embedded: bool,
    pub(crate) properties: BTreeMap<String, Schema>,
    /// The schema of other properties; `Some(None)` where any value is allowed.
    #[expect(clippy::option_option, reason = "absent, anything, or a schema")]
    pub(crate) additional: Option<Option<Box<Schema>>>,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) default: Option<Value>,
    pub(crate) list_type: String,
    pub(crate) list_keys: Vec<String>,
    pub(crate) atomic_map: bool,
    /// Everything that is only checked: bounds, patterns, combinators.
    pub(crate) checks: Value,
    /// Rules in the expression language, of this node alone.
    pub(super) rules: Vec<super::rules::Rule>,
    /// Whether there are rules here or below.
    ruled: bool,
}

impl Schema {
    /// The schema of a whole object.
    pub(crate) fn root(openapi: &Value, preserve: bool) -> Self {
        let mut it = Self::read(openapi);
        it.preserve |= preserve || !openapi.is_object();
        super::rules::compile(&mut it, true);
        it.note_rules();
        it
    }

    /// Whether a rule stands here or below.
    pub(super) fn has_rules(&self) -> bool {
        self.ruled
    }

    fn note_rules(&mut self) -> bool {
        let mut ruled = !self.rules.is_empty();
        for child in self.properties.values_mut() {
            ruled |= child.note_rules();
        }
        ruled |= self.items.as_mut().is_some_and(|it| it.note_rules());
        if let Some(Some(values)) = &mut self.additional {
            ruled |= values.note_rules();
        }
        self.ruled = ruled;
        ruled
    }

    pub(super) fn read(schema: &Value) -> Self {
        let text = |key: &str| schema[key].as_str().unwrap_or_default().to_owned();
        let flag = |key: &str| schema[key] == true;
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut checks = schema.clone();
        if let Some(map) = checks.as_object_mut() {
            for key in ["properties", "additionalProperties", "items", "description", "default", "example"] {
                map.remove(key);
            }
        }
        Self {
            ty: text("type"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            nullable: flag("nullable"),
            preserve: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            properties: properties.map(|(name, it)| (name.clone(), Self::read(it))).collect(),
            additional: match &schema["additionalProperties"] {
                Value::Bool(true) => Some(None),
                it @ Value::Object(_) => Some(Some(Box::new(Self::read(it)))),
                _ => None,
            },
            items: schema["items"].is_object().then(|| Box::new(Self::read(&schema["items"]))),
            default: schema.get("default").filter(|it| !it.is_null()).cloned(),
            list_type: text("x-kubernetes-list-type"),
            list_keys: super::words(&schema["x-kubernetes-list-map-keys"]),
            atomic_map: schema["x-kubernetes-map-type"] == "atomic",
            checks,
            rules: Vec::new(),
            ruled: false,
        }
    }

    /// The type of the whole object for merging.
    pub(crate) fn typed(&self) -> Type {
        let mut fields: BTreeMap<String, Field> =
            self.properties.iter().map(|(name, it)| (name.clone(), it.field())).collect();
        for name in ["apiVersion", "kind"] {
            fields.insert(name.into(), Field::of(Type::Scalar(Scalar::String)));
        }
        fields.insert("metadata".into(), Field::of(facts::object_meta()));
        let rest = self.rest();
        Type::Struct(StructRef::Owned(Arc::new(Struct { name: String::new(), fields, rest, atomic: false })))
    }

    fn rest(&self) -> Option<Type> {
        match &self.additional {
            Some(Some(it)) => Some(it.ty()),
            Some(None) => Some(Type::Any),
            None => self.preserve.then_some(Type::Any),
        }
    }

    fn field(&self) -> Field {
        Field { default: self.default.clone(), ..Field::of(self.ty()) }
    }

    fn ty(&self) -> Type {
        if self.int_or_string {
            return Type::Scalar(Scalar::IntOrString);
        }
        match self.ty.as_str() {
            "string" => Type::Scalar(Scalar::String),
            "integer" | "number" => Type::Scalar(Scalar::Number),
            "boolean" => Type::Scalar(Scalar::Bool),
            "array" => {
                let item = self.items.as_ref().map_or(Type::Any, |it| it.ty());
                let kind = match self.list_type.as_str() {
                    "set" => ListKind::Set,
                    "map" => ListKind::Map(self.keys()),
                    _ => ListKind::Atomic,
                };
                Type::List(Arc::new(List { item, kind }))
            }
            "object" => self.object(),
            _ => Type::Any,
        }
    }

    fn keys(&self) -> Vec<(String, Option<Value>)> {
        let default = |key: &String| self.items.as_ref()?.properties.get(key)?.default.clone();
        self.list_keys.iter().map(|key| (key.clone(), default(key))).collect()
    }

    fn object(&self) -> Type {
        if self.properties.is_empty() && !self.embedded {
            let value = self.rest().unwrap_or(Type::Any);
            return Type::Map(Arc::new(MapType { value, atomic: self.atomic_map }));
        }
        let mut fields: BTreeMap<String, Field> =
            self.properties.iter().map(|(name, it)| (name.clone(), it.field())).collect();
        if self.embedded {
            for name in ["apiVersion", "kind"] {
                fields.insert(name.into(), Field::of(Type::Scalar(Scalar::String)));
            }
            fields.insert("metadata".into(), Field::of(facts::object_meta()));
        }
        let it = Struct { name: String::new(), fields, rest: self.rest(), atomic: self.atomic_map };
        Type::Struct(StructRef::Owned(Arc::new(it)))
    }

    /// Removes fields that the schema does not know, and names them.
    pub(crate) fn prune(
        &self,
        object: &mut Value,
        root: bool,
        path: &mut Vec<String>,
        unknown: &mut Vec<String>,
    ) {
        match object {
            Value::Object(fields) => self.prune_fields(fields, root, path, unknown),
            Value::Array(items) => {
                let Some(schema) = &self.items else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(format!("[{index}]"));
                    schema.prune(item, false, path, unknown);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn prune_fields(
        &self,
        fields: &mut Map<String, Value>,
        root: bool,
        path: &mut Vec<String>,
        unknown: &mut Vec<String>,
    ) {
        let own = root || self.embedded;
        let names: Vec<String> = fields.keys().cloned().collect();
        for name in names {
            if own && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                continue;
            }
            path.push(name.clone());
            let declared = self.properties.get(&name).or(match &self.additional {
                Some(Some(schema)) => Some(schema.as_ref()),
                _ => None,
            });
            if let (Some(schema), Some(value)) = (declared, fields.get_mut(&name)) {
                schema.prune(value, false, path, unknown);
            } else if self.additional.is_none() && !self.preserve {
                unknown.push(crate::json::join(path));
                fields.remove(&name);
            }
            path.pop();
        }
    }

    /// Whether any field has a default.
    pub(crate) fn has_defaults(&self) -> bool {
        let below = |it: &Self| it.default.is_some() || it.has_defaults();
        self.properties.values().any(below)
            || self.items.as_ref().is_some_and(|it| below(it))
            || matches!(&self.additional, Some(Some(it)) if below(it))
    }

    /// Fills in defaults, and takes nulls away where null is not allowed.
    pub(crate) fn fill(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, schema) in &self.properties {
                    let absent = match fields.get(name) {
                        None => true,
                        Some(Value::Null) => !schema.nullable,
                        Some(_) => false,
                    };
                    match schema.default.as_ref() {
                        Some(default) if absent => {
                            fields.insert(name.clone(), default.clone());
                        }
                        None if absent => {
                            fields.remove(name);
                        }
                        _ => {}
                    }
                    if let Some(value) = fields.get_mut(name) {
                        schema.fill(value);
                    }
                }
                if let Some(Some(schema)) = &self.additional {
                    fields.retain(|name, value| {
                        schema.nullable || !value.is_null() || self.properties.contains_key(name)
                    });
                    for (_, value) in
                        fields.iter_mut().filter(|(name, _)| !self.properties.contains_key(*name))
                    {
                        schema.fill(value);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    for item in items.iter_mut() {
                        schema.fill(item);
                    }
                }
            }
            _ => {}
        }
    }
}
