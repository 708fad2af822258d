//! What has to be taken off a live object before it is applied, so that what others wrote can be undone.
//!
//! The rules are those of `fluxcd/pkg ssa` (`PatchReplaceFieldsManagers`, `PatchRemoveAnnotations`).

use gyre_model::Object;
use serde_json::{Map, Value, json};

/// What to take over from other tools.
#[derive(Clone, Debug, Default)]
pub struct Cleanup {
    /// Annotations to remove.
    pub annotations: Vec<String>,
    /// Labels to remove.
    pub labels: Vec<String>,
    /// Managers, by prefix, and operations whose fields become ours: what we do not send of them is then removed.
    pub managers: Vec<(String, String)>,
    /// Objects with one of these marks are left as they are.
    pub except: crate::Marks,
}

impl Cleanup {
    /// The JSON patch that does it, or `None` where there is nothing to do.
    pub fn patch(&self, live: &Object, desired: &Object, manager: &str) -> Option<Value> {
        if self.except.on(live).is_some() || self.except.on(desired).is_some() {
            return None;
        }
        let mut operations = Vec::new();
        for (field, keys) in [("annotations", &self.annotations), ("labels", &self.labels)] {
            for key in keys {
                let path = format!("/metadata/{field}/{}", key.replace('~', "~0").replace('/', "~1"));
                if live.at(&path).is_some() {
                    operations.push(json!({"op": "remove", "path": path}));
                }
            }
        }
        if let Some(entries) = self.taken_over(live, manager) {
            operations.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": entries}));
        }
        (!operations.is_empty()).then_some(Value::Array(operations))
    }

    /// The managed fields with the other managers' entries made ours.
    fn taken_over(&self, live: &Object, manager: &str) -> Option<Vec<Value>> {
        let entries = live.at("/metadata/managedFields")?.as_array()?;
        let text = |entry: &Value, field: &str| {
            entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let ours = |entry: &Value| text(entry, "manager") == manager && text(entry, "operation") == "Apply";
        let mut merged = entries.iter().rfind(|entry| ours(entry)).cloned();
        let mut kept = Vec::new();
        let mut edited = false;
        for entry in entries {
            let (name, operation) = (text(entry, "manager"), text(entry, "operation"));
            let taken = text(entry, "subresource").is_empty()
                && self.managers.iter().any(|(prefix, kind)| name.starts_with(prefix) && operation == *kind);
            if ours(entry) {
                continue;
            }
            if !taken {
                kept.push(entry.clone());
                continue;
            }
            edited = true;
            match &mut merged {
                Some(merged) => {
                    let fields = entry.get("fieldsV1").cloned().unwrap_or_default();
                    unite(&mut merged["fieldsV1"], fields);
                }
                None => {
                    let mut entry = entry.clone();
                    entry["manager"] = manager.into();
                    entry["operation"] = "Apply".into();
                    merged = Some(entry);
                }
            }
        }
        kept.extend(merged.filter(|_| edited));
        edited.then_some(kept)
    }
}

/// The union of two field sets.
fn unite(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { return };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    for (key, inner) in from {
        unite(&mut into[key.as_str()], inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_what_kubectl_wrote() {
        let live = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "managedFields": [
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:b": {}}}},
            {"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {}},
            {"manager": "us", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}
        ]}}))
        .unwrap();
        let cleanup = Cleanup {
            annotations: vec!["kubectl.kubernetes.io/last-applied-configuration".into()],
            managers: vec![("kubectl".into(), "Update".into())],
            ..Cleanup::default()
        };
        let wanted = json!([
            {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
            {"op": "replace", "path": "/metadata/managedFields", "value": [
                {"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {}},
                {"manager": "us", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}}
            ]}
        ]);
        assert_eq!(cleanup.patch(&live, &live, "us"), Some(wanted));
        assert_eq!(Cleanup::default().patch(&live, &live, "us"), None);
    }
}
