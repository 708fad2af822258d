//! Which fields differ between two states of an object.

use std::fmt;

use serde_json::{Map, Value};

use crate::LAST_APPLIED;

/// One field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// `spec.template.spec.containers[web].image`.
    pub path: String,
    /// Before; `None` where it was not set.
    pub from: Option<Value>,
    /// After; `None` where it is removed.
    pub to: Option<Value>,
}

/// How many characters of a value are shown.
const SHOWN_MAX: usize = 60;

/// Fields that a server keeps for itself.
const SERVER_FIELDS: [&str; 7] = [
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The fields of an object that differ; `status`, what the server keeps in `metadata`, and the
/// copy that client-side apply keeps of an object are left out. The values of
/// Secrets are masked, equal ones and different ones alike.
pub fn diff(live: &Value, merged: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    let secret = merged.get("kind").or(live.get("kind")).and_then(Value::as_str) == Some("Secret");
    let empty = Map::new();
    let (live, merged) = (live.as_object().unwrap_or(&empty), merged.as_object().unwrap_or(&empty));
    for key in keys(live, merged) {
        if key == "status" {
            continue;
        }
        let before = found.len();
        compare(key, live.get(key), merged.get(key), &mut found);
        if secret && matches!(key, "data" | "stringData") {
            for change in &mut found[before..] {
                mask(change);
            }
        }
    }
    found
}

fn mask(change: &mut FieldChange) {
    for value in [&mut change.from, &mut change.to].into_iter().flatten() {
        *value = Value::from("***");
    }
}

fn keys<'a>(left: &'a Map<String, Value>, right: &'a Map<String, Value>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = left.keys().chain(right.keys()).map(String::as_str).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn compare(path: &str, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<FieldChange>) {
    if from == to {
        return;
    }
    match (from, to) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            for key in keys(left, right) {
                let kept_by_others = path == "metadata" && SERVER_FIELDS.contains(&key)
                    || path == "metadata.annotations" && key == LAST_APPLIED;
                if kept_by_others {
                    continue;
                }
                compare(&join(path, key), left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => compare_lists(path, left, right, found),
        _ => found.push(FieldChange { path: path.into(), from: from.cloned(), to: to.cloned() }),
    }
}

fn join(path: &str, key: &str) -> String {
    if key.contains('.') || key.contains('/') { format!("{path}[{key}]") } else { format!("{path}.{key}") }
}

fn compare_lists(path: &str, left: &[Value], right: &[Value], found: &mut Vec<FieldChange>) {
    if let (Some(left), Some(right)) = (by_name(left), by_name(right)) {
        for (name, item) in &left {
            let other = right.iter().find(|(other, _)| other == name).map(|(_, item)| *item);
            compare(&format!("{path}[{name}]"), Some(item), other, found);
        }
        for (name, item) in right.iter().filter(|(name, _)| !left.iter().any(|(other, _)| other == name)) {
            compare(&format!("{path}[{name}]"), None, Some(item), found);
        }
        return;
    }
    for index in 0..left.len().max(right.len()) {
        compare(&format!("{path}[{index}]"), left.get(index), right.get(index), found);
    }
}

/// The items by their names, where every item is a mapping that has one and no name comes twice.
fn by_name(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Vec<(&str, &Value)> =
        list.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect::<Option<_>>()?;
    let mut names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1]).then_some(named)
}

impl fmt::Display for FieldChange {
    /// `spec.replicas 1 → 2`, `spec.paused added true`, `spec.paused removed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{} {} → {}", self.path, short(from), short(to)),
            (None, Some(to)) => write!(f, "{} added {}", self.path, short(to)),
            _ => write!(f, "{} removed", self.path),
        }
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.replace('\n', "⏎"),
        other => other.to_string(),
    };
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    text.chars().take(SHOWN_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(live: &Value, merged: &Value) -> Vec<String> {
        diff(live, merged).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_each_field_that_differs() {
        let live = json!({"kind": "Deployment", "metadata": {"name": "w", "uid": "1", "labels": {"a/b": "1"}},
            "spec": {"replicas": 1, "containers": [{"name": "web", "image": "a:1"}, {"name": "log"}], "args": ["x"]},
            "status": {"replicas": 1}});
        let merged = json!({"kind": "Deployment", "metadata": {"name": "w", "uid": "2", "labels": {"a/b": "2"}},
            "spec": {"replicas": 2, "containers": [{"name": "log"}, {"name": "web", "image": "a:2"}],
                "args": ["x", "y"], "paused": true}});
        assert_eq!(
            lines(&live, &merged),
            [
                "metadata.labels[a/b] 1 → 2",
                "spec.args[1] added y",
                "spec.containers[web].image a:1 → a:2",
                "spec.paused added true",
                "spec.replicas 1 → 2",
            ]
        );
    }

    #[test]
    fn secrets_are_masked() {
        let live = json!({"kind": "Secret", "data": {"password": "b2xk"}});
        let merged = json!({"kind": "Secret", "data": {"password": "bmV3"}});
        assert_eq!(lines(&live, &merged), ["data.password *** → ***"]);
    }
}
