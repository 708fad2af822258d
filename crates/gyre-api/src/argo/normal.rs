//! An Application's spec as Argo CD writes it: without what is empty (`omitempty` of its types in
//! `pkg/apis/application/v1alpha1/types.go`).

use serde_json::{Map, Value};

/// Fields that stay although they are empty: plain texts that are always written, and pointers, for which being empty
/// is not being absent.
const KEPT: [&str; 20] = [
    "project",
    "destination",
    "repoURL",
    "kind",
    "count",
    "drySource",
    "syncSource",
    "targetBranch",
    "source",
    "helm",
    "kustomize",
    "directory",
    "plugin",
    "target",
    "syncPolicy",
    "automated",
    "retry",
    "backoff",
    "factor",
    "revisionHistoryLimit",
];
/// Fields whose parts all stay: maps of the users' own, and shapes of which every field is always written.
const WHOLE: [&str; 11] = [
    "valuesObject",
    "automated",
    "commonLabels",
    "commonAnnotations",
    "labels",
    "annotations",
    "options",
    "map",
    "array",
    "env",
    "info",
];

/// The value without what is empty.
pub fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields_of(fields)),
        Value::Array(items) => Value::Array(items.iter().map(normal).collect()),
        other => other.clone(),
    }
}

fn fields_of(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in fields {
        let value = if WHOLE.contains(&name.as_str()) { value.clone() } else { normal(value) };
        if !value.is_null() && (KEPT.contains(&name.as_str()) || !is_empty(&value)) {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_says_something_stays() {
        let given = json!({
            "project": "", "source": {"repoURL": "", "targetRevision": "", "directory": {"recurse": false, "jsonnet": {}},
                "helm": {"valuesObject": {"a": ""}, "parameters": [{"name": "a", "value": ""}]}},
            "destination": {"server": "s", "name": ""}, "ignoreDifferences": [{"group": "", "kind": "X"}],
            "syncPolicy": {"automated": {"prune": false}, "retry": {"limit": 0}, "syncOptions": []},
        });
        let wanted = json!({
            "project": "", "source": {"repoURL": "", "directory": {},
                "helm": {"valuesObject": {"a": ""}, "parameters": [{"name": "a"}]}},
            "destination": {"server": "s"}, "ignoreDifferences": [{"kind": "X"}],
            "syncPolicy": {"automated": {"prune": false}, "retry": {}},
        });
        assert_eq!(normal(&given), wanted);
    }
}
