//! Tables, as `kubectl get` prints them.

mod cells;
mod nodes;
mod path;
mod pods;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::api::Place;
use crate::clock;
use crate::custom::Column;
use crate::selectors::LabelSelector;

/// What the column of a name means.
pub(crate) const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
/// What the column of an age means.
pub(crate) const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The age of an object.
pub(crate) fn age(text: &str, now_us: i64) -> String {
    clock::parse(text).map_or_else(|| "<unknown>".into(), |at| clock::human(now_us - at))
}

/// A selector as kubectl prints it.
pub(crate) fn selector_text(selector: &Value, plain: bool) -> String {
    if plain {
        LabelSelector::of(&json!({"matchLabels": selector})).to_string()
    } else {
        LabelSelector::of(selector).to_string()
    }
}

/// The columns of every built-in kind that has more than its name.
fn builtin_columns(group: &str, kind: &str) -> Option<&'static Value> {
    static COLUMNS: OnceLock<HashMap<String, Value>> = OnceLock::new();
    let group = if kind == "Event" { "" } else { group };
    COLUMNS.get_or_init(read_columns).get(&format!("{group} {kind}"))
}

fn read_columns() -> HashMap<String, Value> {
    let mut out: HashMap<String, Value> = HashMap::new();
    let mut current = String::new();
    for line in include_str!("tables/columns.txt").lines() {
        if let Some(kind) = line.strip_prefix("k ") {
            kind.trim_start_matches("- ").clone_into(&mut current);
            if kind.starts_with("- ") {
                current.insert(0, ' ');
            }
            out.insert(current.clone(), json!([]));
        } else if let [name, ty, format, priority, description] = line.splitn(5, '|').collect::<Vec<_>>()[..]
        {
            let description = match description {
                "@name" => NAME.into(),
                "@age" => AGE.into(),
                quoted => serde_json::from_str(quoted).unwrap_or(Value::Null),
            };
            let column = json!({
                "name": name, "type": ty, "format": format.trim_matches('-'), "description": description,
                "priority": priority.parse::<i64>().unwrap_or(0),
            });
            if let Some(Value::Array(list)) = out.get_mut(&current) {
                list.push(column);
            }
        }
    }
    out
}

/// The table of objects of one kind.
pub(crate) fn table(place: &Place, objects: &[Value], version: &str, include: &str, now_us: i64) -> Value {
    let kind = &place.kind;
    let custom = place.served().custom.as_ref();
    let builtin = builtin_columns(&kind.group, &kind.kind);
    let columns = match (custom, builtin) {
        (Some(custom), _) => custom_columns(&custom.columns),
        (None, Some(columns)) => columns.clone(),
        (None, None) => json!([
            {"name": "Name", "type": "string", "format": "name", "description": NAME, "priority": 0},
            {"name": "Created At", "type": "date", "format": "", "description": AGE, "priority": 0},
        ]),
    };
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = match custom {
                Some(custom) => custom_cells(&custom.columns, object, now_us),
                None => cells::of(kind, object, now_us),
            };
            row(object, &cells, include)
        })
        .collect();
    // compat(apiserver 1.36): a kind without columns of its own has no rows rather than an empty list of them.
    let rows =
        if rows.is_empty() && custom.is_none() && builtin.is_none() { Value::Null } else { rows.into() };
    json!({
        "kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": {},
        "columnDefinitions": columns, "rows": rows,
    })
}

fn custom_columns(columns: &[Column]) -> Value {
    let name =
        json!({"name": "Name", "type": "string", "format": "name", "description": NAME, "priority": 0});
    let others = columns.iter().map(|it| {
        json!({
            "name": it.name, "type": it.ty, "format": it.format, "description": it.description, "priority": it.priority,
        })
    });
    std::iter::once(name).chain(others).collect()
}

fn custom_cells(columns: &[Column], object: &Value, now_us: i64) -> Value {
    let mut out = vec![object["metadata"]["name"].clone()];
    for column in columns {
        let found = path::find(object, &column.path);
        let Some(value) = found.first() else {
            out.push(Value::Null);
            continue;
        };
        out.push(match (column.ty.as_str(), value) {
            ("integer", Value::Number(number)) => number.as_i64().map_or(Value::Null, Into::into),
            ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => (*value).clone(),
            ("date", Value::String(text)) => match clock::parse(text) {
                Some(at) => clock::human(now_us - at).into(),
                None => "<invalid>".into(),
            },
            ("string", value) => {
                let texts: Vec<String> = found.iter().map(|it| plain(it)).collect();
                let _ = value;
                texts.join(" ").into()
            }
            _ => Value::Null,
        });
    }
    out.into()
}

/// A value as JSONPath prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn row(object: &Value, cells: &Value, include: &str) -> Value {
    match include {
        "None" => json!({"cells": cells, "object": null}),
        "Object" => json!({"cells": cells, "object": object}),
        _ => json!({"cells": cells, "object": crate::verbs::partial(object, "PartialObjectMetadata")}),
    }
}
