//! What becomes of a value that a Go program reads into its type and writes again: fields that the type does not have
//! go, what is empty and may be left out goes, what is always written is there.

use serde_json::{Map, Value};

use crate::schema::{Presence, Scalar, Struct, Type};

/// The value after the round trip (`apimachinery` DefaultUnstructuredConverter); `None` where it does not fit the type.
pub fn round_trip(ty: &Type, value: Value) -> Option<Value> {
    match (ty, value) {
        (Type::Any, value) => Some(value),
        (Type::Struct(it), Value::Object(fields)) => of_struct(it.resolve(), fields).map(Value::Object),
        (Type::Struct(it), Value::Null) => of_struct(it.resolve(), Map::new()).map(Value::Object),
        (_, Value::Null) => Some(Value::Null),
        (Type::List(list), Value::Array(items)) => {
            let items = items.into_iter().map(|item| round_trip(&list.item, item));
            items.collect::<Option<Vec<_>>>().map(Value::Array)
        }
        (Type::Map(map), Value::Object(fields)) => {
            let fields = fields.into_iter().map(|(key, value)| Some((key, round_trip(&map.value, value)?)));
            fields.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        (Type::Scalar(scalar), value) => of_scalar(*scalar, value),
        _ => None,
    }
}

fn of_struct(it: &Struct, mut fields: Map<String, Value>) -> Option<Map<String, Value>> {
    let mut written = Map::new();
    for (name, field) in &it.fields {
        let value = match fields.remove(name) {
            Some(value) if !value.is_null() => round_trip(&field.ty, value)?,
            _ => Value::Null,
        };
        let value = match field.presence {
            Presence::Always if value.is_null() => zero(&field.ty),
            Presence::Optional if value.is_null() => continue,
            Presence::DroppedAtZero if is_zero(&value) => continue,
            _ => value,
        };
        written.insert(name.clone(), value);
    }
    if it.rest.is_some() {
        written.extend(fields);
    }
    Some(written)
}

fn of_scalar(scalar: Scalar, value: Value) -> Option<Value> {
    match (scalar, value) {
        (Scalar::Bool, value @ Value::Bool(_)) => Some(value),
        (Scalar::Number, value @ Value::Number(_)) => Some(value),
        (Scalar::Int32 | Scalar::Int64, Value::Number(number)) => number.as_i64().map(Into::into),
        (Scalar::IntOrString, value @ (Value::String(_) | Value::Number(_))) => Some(value),
        (Scalar::Quantity, Value::Number(number)) => Some(number.to_string().into()),
        (
            Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Quantity,
            value @ Value::String(_),
        ) => Some(value),
        _ => None,
    }
}

/// What is written for a value that is missing.
pub fn zero(ty: &Type) -> Value {
    match ty {
        Type::Scalar(Scalar::String) => "".into(),
        Type::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::Number | Scalar::IntOrString) => 0.into(),
        Type::Scalar(Scalar::Bool) => false.into(),
        Type::Scalar(Scalar::Quantity) => "0".into(),
        Type::Struct(it) => of_struct(it.resolve(), Map::new()).map_or(Value::Null, Value::Object),
        _ => Value::Null,
    }
}

/// Is the value one that Go leaves out as empty?
pub fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_f64() == Some(0.0),
        Value::String(it) => it.is_empty(),
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_comes_back_with_its_empty_structs_and_without_what_is_unknown() {
        let ty = crate::facts::kind("apps", "v1", "Deployment").unwrap();
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {}, "annotations": null},
            "spec": {
                "unknown": 1, "paused": false, "selector": {"matchLabels": {"a": "b"}},
                "template": {"spec": {"containers": [{"name": "c", "image": "i", "env": []}]}},
            },
        });
        let back = round_trip(&ty, deployment).unwrap();
        assert_eq!(
            back["spec"],
            json!({
                "selector": {"matchLabels": {"a": "b"}}, "strategy": {},
                "template": {
                    "metadata": {},
                    "spec": {"containers": [{"name": "c", "image": "i", "resources": {}}]},
                },
            })
        );
        assert_eq!(back["metadata"], json!({"name": "web"}));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let ty = crate::facts::kind("apps", "v1", "Deployment").unwrap();
        assert_eq!(round_trip(&ty, json!({"spec": {"replicas": "3"}})), None);
    }
}
