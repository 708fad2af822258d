//! Digests by which drift is seen without asking the server.

use gyre_model::{Digest, Object};
use serde_json::{Map, Value};

/// Managers whose writes are taken back even where they touch fields that nobody else owns: what people do with
/// kubectl (`kustomize-controller` undoes the same ones).
const UNDONE: [(&str, &str); 3] =
    [("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update")];

/// A digest of the fields that `manager` owns by server-side apply, with their live values, and of the writes by
/// kubectl that are to be taken back. While it stays the same, what was applied is still there. `None` where the
/// manager owns nothing.
pub fn owned_digest(live: &Object, manager: &str) -> Option<Digest> {
    let entries = live.at("/metadata/managedFields")?.as_array()?;
    let mut text = String::new();
    let mut owns = false;
    for entry in entries {
        let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        if !field("subresource").is_empty() {
            continue;
        }
        let fields = entry.get("fieldsV1").unwrap_or(&Value::Null);
        if field("manager") == manager && field("operation") == "Apply" {
            owns = true;
            let whole = Value::Object(live.fields().clone());
            project(fields, Some(&whole), &mut text);
        } else if is_undone(field("manager"), field("operation")) {
            text.push_str(&fields.to_string());
        }
    }
    owns.then(|| Digest::of(text.as_bytes()))
}

fn is_undone(manager: &str, operation: &str) -> bool {
    UNDONE.iter().any(|(name, kind)| manager.starts_with(name) && operation == *kind)
}

/// Writes the part of `value` that a field set (`fieldsV1`) names, in the order of the set.
fn project(fields: &Value, value: Option<&Value>, text: &mut String) {
    let Some(fields) = fields.as_object().filter(|fields| !fields.is_empty()) else {
        match value {
            Some(value) => text.push_str(&value.to_string()),
            None => text.push('∅'),
        }
        return;
    };
    for (key, inner) in fields {
        text.push_str(key);
        match key.split_once(':') {
            Some(("f", name)) => project(inner, value.and_then(|value| value.get(name)), text),
            Some(("k", wanted)) => project(inner, value.and_then(|value| item(value, wanted)), text),
            Some(("v", wanted)) => text.push(if has(value, wanted) { '+' } else { '∅' }),
            // `.` says that the mapping itself is owned.
            _ => text.push(if value.is_some() { '+' } else { '∅' }),
        }
    }
}

/// Gives the fields that these managers own in the live object their live values in `merged`, so that they do not
/// differ.
pub fn keep_owned(merged: &mut Value, live: &Object, managers: &[&str]) {
    let entries = live.at("/metadata/managedFields").and_then(Value::as_array);
    let entries = entries.filter(|_| !managers.is_empty()).into_iter().flatten();
    let whole = Value::Object(live.fields().clone());
    for entry in entries {
        let manager = entry.get("manager").and_then(Value::as_str).unwrap_or_default();
        if managers.contains(&manager)
            && let Some(fields) = entry.get("fieldsV1")
        {
            keep(fields, &whole, merged);
        }
    }
}

fn keep(fields: &Value, live: &Value, merged: &mut Value) {
    for (key, inner) in fields.as_object().into_iter().flatten() {
        let is_leaf = inner.as_object().is_none_or(Map::is_empty);
        match key.split_once(':') {
            Some(("f", name)) => {
                let Value::Object(map) = &mut *merged else { continue };
                match (live.get(name), map.get_mut(name)) {
                    (Some(live), Some(merged)) if !is_leaf => keep(inner, live, merged),
                    (Some(live), _) => {
                        map.insert(name.to_owned(), live.clone());
                    }
                    (None, _) => {
                        map.remove(name);
                    }
                }
            }
            Some(("k", wanted)) => {
                if let Some(live) = item(live, wanted)
                    && let Some(merged) = item_mut(merged, wanted)
                {
                    keep(inner, live, merged);
                }
            }
            _ => {}
        }
    }
}

fn item_mut<'a>(list: &'a mut Value, wanted: &str) -> Option<&'a mut Value> {
    let wanted: Map<String, Value> = serde_json::from_str(wanted).ok()?;
    list.as_array_mut()?
        .iter_mut()
        .find(|item| wanted.iter().all(|(key, value)| item.get(key) == Some(value)))
}

fn item<'a>(list: &'a Value, wanted: &str) -> Option<&'a Value> {
    let wanted: Map<String, Value> = serde_json::from_str(wanted).ok()?;
    list.as_array()?.iter().find(|item| wanted.iter().all(|(key, value)| item.get(key) == Some(value)))
}

fn has(list: Option<&Value>, wanted: &str) -> bool {
    let Ok(wanted) = serde_json::from_str::<Value>(wanted) else { return false };
    list.and_then(Value::as_array).is_some_and(|list| list.contains(&wanted))
}

/// A digest of everything that a client may set: the whole object but `status` and what the server keeps for itself.
pub fn whole_digest(live: &Object) -> Digest {
    let mut text = String::new();
    for (key, value) in live.fields() {
        match key.as_str() {
            "status" => {}
            "metadata" => {
                for field in ["annotations", "deletionTimestamp", "finalizers", "labels", "ownerReferences"] {
                    if let Some(value) = value.get(field) {
                        text.push_str(field);
                        text.push_str(&value.to_string());
                    }
                }
            }
            _ => {
                text.push_str(key);
                text.push_str(&value.to_string());
            }
        }
    }
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(replicas: u32, image: &str, extra: &Value) -> Object {
        let mut managed = vec![json!({"manager": "m", "operation": "Apply", "fieldsV1": {"f:spec": {
            "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}, "f:name": {}}}
        }}})];
        managed.extend(extra.as_array().cloned().unwrap_or_default());
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "managedFields": managed},
            "spec": {"replicas": replicas, "containers": [{"name": "log"}, {"name": "web", "image": image}]}
        }))
        .unwrap()
    }

    #[test]
    fn only_owned_fields_count() {
        let none = json!([]);
        let applied = owned_digest(&object(1, "a:1", &none), "m");
        assert!(applied.is_some());
        assert_eq!(owned_digest(&object(5, "a:1", &none), "m"), applied);
        assert_ne!(owned_digest(&object(1, "a:2", &none), "m"), applied);
        assert_eq!(owned_digest(&object(1, "a:1", &none), "other"), None);
    }

    #[test]
    fn writes_by_kubectl_count() {
        let applied = owned_digest(&object(1, "a:1", &json!([])), "m");
        let edited =
            json!([{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:x": {}}}}]);
        let scaled =
            json!([{"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {}}]);
        assert_ne!(owned_digest(&object(1, "a:1", &edited), "m"), applied);
        assert_eq!(owned_digest(&object(1, "a:1", &scaled), "m"), applied);
    }

    #[test]
    fn fields_of_trusted_managers_do_not_differ() {
        let scaler =
            json!([{"manager": "scaler", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
        let live = object(5, "a:2", &scaler);
        let mut merged = object(1, "a:1", &json!([])).to_value();
        keep_owned(&mut merged, &live, &["scaler"]);
        assert_eq!(merged["spec"]["replicas"], 5);
        assert_eq!(merged["spec"]["containers"][1]["image"], "a:1");
        keep_owned(&mut merged, &live, &["m"]);
        assert_eq!(merged["spec"]["containers"][1]["image"], "a:2");
    }

    #[test]
    fn the_whole_digest_leaves_the_status_out() {
        let mut live = object(1, "a:1", &json!([]));
        let before = whole_digest(&live);
        live.fields_mut().insert("status".into(), json!({"replicas": 1}));
        assert_eq!(whole_digest(&live), before);
        live.set_annotation("a", "b");
        assert_ne!(whole_digest(&live), before);
    }
}
