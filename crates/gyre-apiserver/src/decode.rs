//! Turns JSON into what a built-in type of Kubernetes holds, as reading it into the Go type and writing it again would:
//! fields that are not declared fall away (and are named), nulls and dropped zeros disappear, required zeros appear,
//! quantities and times take their canonical text, and a value of a wrong type is an error in Go's words.

use gyre_go::base64::STANDARD;
use gyre_merge::schema::{Field, Presence, Scalar, Struct, Type};
use gyre_merge::typed::{is_zero, zero};
use serde_json::{Map, Value};

use crate::clock;
use crate::quantity::{PATTERN, Quantity};

/// What decoding found besides the value.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Paths of fields that the type does not declare.
    pub(crate) unknown: Vec<String>,
}

struct Cursor<'a> {
    found: &'a mut Found,
}

/// Where a value stands, from the inside out.
#[derive(Clone, Copy)]
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
    /// The name of the struct that the value is in, empty at the root.
    holder: &'a str,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    /// A field, after the Go structs that it is embedded in.
    Field(&'a str, Option<&'a str>),
    Index(usize),
    Key(&'a str),
}

impl<'a> At<'a> {
    const ROOT: Self = Self { above: None, step: Step::Root, holder: "" };

    fn step(&'a self, step: Step<'a>) -> Self {
        Self { above: Some(self), step, holder: self.holder }
    }

    fn steps(&self) -> Vec<Step<'a>> {
        let mut out = vec![self.step];
        let mut at = self.above;
        while let Some(it) = at {
            out.push(it.step);
            at = it.above;
        }
        out.reverse();
        out
    }

    /// The path as warnings write it.
    fn place(&self) -> String {
        let steps = self.steps();
        let texts = steps.iter().filter_map(|step| match step {
            Step::Root => None,
            Step::Field(name, _) | Step::Key(name) => Some((*name).to_owned()),
            Step::Index(index) => Some(format!("[{index}]")),
        });
        crate::json::join(&texts.collect::<Vec<_>>())
    }

    /// The path as Go's errors write it: fields alone.
    fn fields(&self) -> String {
        let steps = self.steps();
        let names = steps.iter().filter_map(|step| match step {
            Step::Field(name, embedded) => Some(embedded.iter().copied().chain([*name])),
            _ => None,
        });
        names.flatten().collect::<Vec<_>>().join(".")
    }
}

/// Decodes an object of a built-in type.
pub(crate) fn decode(ty: &Type, value: Value, found: &mut Found) -> Result<Value, String> {
    Cursor { found }.value(ty, None, value, &At::ROOT)
}

fn fill(it: &Struct, out: &mut Map<String, Value>) {
    for (name, field) in &it.fields {
        let value = match field.presence {
            Presence::Always => zero(&field.ty),
            Presence::Nullable => Value::Null,
            _ => continue,
        };
        out.entry(name).or_insert(value);
    }
}

/// compat(protobuf storage): an empty list or map that is always written comes back as null.
pub(crate) fn settle(ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::Struct(it), Value::Object(fields)) => {
            let it = it.resolve();
            for (name, child) in fields {
                let Some(field) = it.fields.get(name) else { continue };
                let list = matches!(field.ty, Type::List(_) | Type::Map(_));
                if field.presence == Presence::Always && list && is_zero(child) {
                    *child = Value::Null;
                } else {
                    settle(&field.ty, child);
                }
            }
        }
        (Type::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| settle(&list.item, item)),
        (Type::Map(map), Value::Object(fields)) => fields.values_mut().for_each(|it| settle(&map.value, it)),
        _ => {}
    }
}

/// What Go calls a JSON value.
/// Makes numbers that are too large for their field what Go's conversion makes of them: patches are merged as JSON and converted
/// without a check (`DefaultUnstructuredConverter` of apimachinery).
pub(crate) fn wrap(ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::Scalar(Scalar::Int32), number @ Value::Number(_)) => {
            if let Some(whole) = number.as_i64() {
                #[expect(clippy::cast_possible_truncation, reason = "the rest is what Go drops too")]
                let kept = whole as i32;
                *number = kept.into();
            }
        }
        (Type::List(list), Value::Array(items)) => items.iter_mut().for_each(|it| wrap(&list.item, it)),
        (Type::Map(map), Value::Object(fields)) => fields.values_mut().for_each(|it| wrap(&map.value, it)),
        (Type::Struct(it), Value::Object(fields)) => {
            let known = &it.resolve().fields;
            for (name, value) in fields {
                if let Some(field) = known.get(name) {
                    wrap(&field.ty, value);
                }
            }
        }
        _ => {}
    }
}

pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn short_name(name: &str) -> String {
    let mut parts = name.rsplit('.');
    let (kind, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{version}.{kind}")
}

fn go_type(ty: &Type, field: Option<&Field>) -> String {
    match ty {
        Type::Any => "interface {}".into(),
        Type::Scalar(scalar) => match (field.and_then(|it| it.go_type.clone()), scalar) {
            (Some(name), _) => name,
            (None, Scalar::String) => "string".into(),
            (None, Scalar::Int32) => "int32".into(),
            (None, Scalar::Int64) => "int64".into(),
            (None, Scalar::Number) => "float64".into(),
            (None, Scalar::Bool) => "bool".into(),
            (None, Scalar::Bytes) => "[]uint8".into(),
            (None, Scalar::Time) => "v1.Time".into(),
            (None, Scalar::MicroTime) => "v1.MicroTime".into(),
            (None, Scalar::Quantity) => "resource.Quantity".into(),
            (None, Scalar::IntOrString) => "intstr.IntOrString".into(),
        },
        Type::Struct(it) => short_name(&it.resolve().name),
        Type::List(it) => format!("[]{}", go_type(&it.item, field)),
        Type::Map(it) => {
            let (key, value) = match field.and_then(|it| it.go_type.as_deref()) {
                Some(name) if !name.starts_with("map:") => return name.to_owned(),
                Some(text) if text.starts_with("map:") => {
                    let mut parts = text[4..].splitn(2, ':');
                    (parts.next().unwrap_or("string"), parts.next())
                }
                _ => ("string", None),
            };
            let value = value.map_or_else(|| go_type(&it.value, None), Into::into);
            format!("map[{key}]{value}")
        }
    }
}

impl Cursor<'_> {
    fn mismatch(value: &Value, ty: &Type, field: Option<&Field>, at: &At<'_>) -> String {
        let ty_read = match ty {
            // What these types read themselves.
            Type::Scalar(Scalar::IntOrString) => "int32".into(),
            Type::Scalar(Scalar::Time | Scalar::MicroTime) => "string".into(),
            ty => go_type(ty, field),
        };
        let what = match value {
            Value::Number(number)
                if matches!(ty, Type::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::IntOrString)) =>
            {
                format!("number {number}")
            }
            value => json_kind(value).into(),
        };
        if at.holder.is_empty() {
            return format!("json: cannot unmarshal {what} into Go value of type {ty_read}");
        }
        let (holder, path) = (at.holder, at.fields());
        format!("json: cannot unmarshal {what} into Go struct field {holder}.{path} of type {ty_read}")
    }

    fn value(
        &mut self,
        ty: &Type,
        field: Option<&Field>,
        value: Value,
        at: &At<'_>,
    ) -> Result<Value, String> {
        match ty {
            Type::Any => Ok(value),
            Type::Scalar(scalar) => Self::scalar(*scalar, ty, field, value, at),
            Type::Struct(it) => self.fields(it.resolve(), ty, field, value, at),
            Type::List(list) => match value {
                Value::Array(items) => {
                    let mut out = Vec::with_capacity(items.len());
                    for (index, item) in items.into_iter().enumerate() {
                        let item = if item.is_null() {
                            zero(&list.item)
                        } else {
                            self.value(&list.item, field, item, &at.step(Step::Index(index)))?
                        };
                        out.push(item);
                    }
                    Ok(Value::Array(out))
                }
                Value::Null => Ok(Value::Null),
                other => Err(Self::mismatch(&other, ty, field, at)),
            },
            Type::Map(map) => match value {
                Value::Object(entries) => {
                    let mut out = Map::new();
                    for (key, entry) in entries {
                        let entry = match entry {
                            Value::Null if matches!(map.value, Type::Scalar(Scalar::Bytes)) => "".into(),
                            Value::Null => zero(&map.value),
                            entry => self.value(&map.value, field, entry, &at.step(Step::Key(&key)))?,
                        };
                        out.insert(key, entry);
                    }
                    Ok(Value::Object(out))
                }
                Value::Null => Ok(Value::Null),
                other => Err(Self::mismatch(&other, ty, field, at)),
            },
        }
    }

    fn fields(
        &mut self,
        it: &Struct,
        ty: &Type,
        field: Option<&Field>,
        value: Value,
        at: &At<'_>,
    ) -> Result<Value, String> {
        let object = match value {
            Value::Object(object) => object,
            Value::Null => Map::new(),
            other => return Err(Self::mismatch(&other, ty, field, at)),
        };
        let holder = it.name.rsplit('.').next().unwrap_or_default();
        let mut out = Map::new();
        for (name, child) in object {
            let known = it.fields.get(&name);
            let embedded = known.and_then(|it| it.embedded.as_deref());
            let at = At { holder, ..at.step(Step::Field(&name, embedded)) };
            match known {
                Some(field) => {
                    let child = if child.is_null() {
                        Value::Null
                    } else {
                        self.value(&field.ty, Some(field), child, &at)?
                    };
                    let keep = match field.presence {
                        Presence::Always => !child.is_null() || matches!(zero(&field.ty), Value::Null),
                        Presence::DroppedAtZero => !is_zero(&child),
                        Presence::Optional | Presence::Nullable => !child.is_null(),
                    };
                    if keep {
                        out.insert(name, child);
                    }
                }
                None => self.found.unknown.push(at.place()),
            }
        }
        fill(it, &mut out);
        Ok(Value::Object(out))
    }

    fn scalar(
        scalar: Scalar,
        ty: &Type,
        field: Option<&Field>,
        value: Value,
        at: &At<'_>,
    ) -> Result<Value, String> {
        let wrong = |value: &Value| Err(Self::mismatch(value, ty, field, at));
        match (scalar, value) {
            (_, Value::Null) => Ok(Value::Null),
            (Scalar::String, value @ Value::String(_))
            | (Scalar::Bool, value @ Value::Bool(_))
            | (Scalar::Number, value @ Value::Number(_)) => Ok(value),
            (Scalar::Int32, Value::Number(number)) => match number.as_i64() {
                Some(it) if i32::try_from(it).is_ok() => Ok(it.into()),
                _ => wrong(&Value::Number(number)),
            },
            (Scalar::Int64, Value::Number(number)) => match number.as_i64() {
                Some(it) => Ok(it.into()),
                None => wrong(&Value::Number(number)),
            },
            (Scalar::Bytes, Value::String(text)) => bytes(text),
            (Scalar::Time | Scalar::MicroTime, Value::String(text)) => {
                time(&text, scalar == Scalar::MicroTime)
            }
            (Scalar::Quantity, Value::String(text)) => {
                Quantity::stored(text.trim()).map(Value::from).map_err(Into::into)
            }
            (Scalar::Quantity, Value::Number(number)) => {
                Quantity::stored(&number.to_string()).map(Value::from).map_err(Into::into)
            }
            (Scalar::IntOrString, Value::Number(number)) => match number.as_i64() {
                Some(it) if i32::try_from(it).is_ok() => Ok(it.into()),
                _ => wrong(&Value::Number(number)),
            },
            (Scalar::IntOrString, value @ Value::String(_)) => Ok(value),
            (Scalar::Quantity, _) => Err(PATTERN.into()),
            (_, value) => wrong(&value),
        }
    }
}

fn bytes(text: String) -> Result<Value, String> {
    let compact: String = text.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    STANDARD.decode(text.as_bytes()).map_err(|corrupt| corrupt.to_string())?;
    Ok(Value::String(if compact.len() == text.len() { text } else { compact }))
}

fn time(text: &str, micro: bool) -> Result<Value, String> {
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let exact = !micro
        || text.find('.').is_some_and(|at| text[at + 1..].find(|it: char| !it.is_ascii_digit()) == Some(6));
    match clock::parse(text).filter(|_| exact) {
        Some(at) if micro => Ok(clock::rfc3339_micro(at).into()),
        Some(at) => Ok(clock::rfc3339(at).into()),
        None => match gyre_go::time::parse(layout, text) {
            Ok(it) if micro => Ok(it.to_kubernetes_micro().into()),
            Ok(it) => Ok(it.to_kubernetes().into()),
            Err(why) => Err(why.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gyre_merge::facts;
    use serde_json::json;

    fn pod(value: Value) -> Result<(Value, Vec<String>), String> {
        let mut found = Found::default();
        let ty = facts::kind("", "v1", "Pod").unwrap();
        decode(&ty, value, &mut found).map(|value| (value, found.unknown))
    }

    #[test]
    fn zeros_appear_and_disappear_as_in_go() {
        let (value, unknown) = pod(json!({"spec": {"hostNetwork": false, "nope": 1, "containers": [
            {"name": "a", "env": [], "ports": [{"containerPort": 1, "hostPort": 0}], "resources": {"limits": {"cpu": 0.5}}}
        ]}}))
        .unwrap();
        assert_eq!(unknown, ["spec.nope"]);
        assert_eq!(
            value["spec"],
            json!({"containers": [{"name": "a", "ports": [{"containerPort": 1}], "resources": {"limits": {"cpu": "500m"}}}]})
        );
    }

    #[test]
    fn a_wrong_type_is_an_error_in_the_words_of_go() {
        let error = pod(json!({"spec": {"containers": [{"env": [{"name": "a", "value": 1}]}]}})).unwrap_err();
        assert_eq!(
            error,
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string"
        );
    }
}
