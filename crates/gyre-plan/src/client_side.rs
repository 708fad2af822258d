//! Client-side apply, as `kubectl apply` and Argo CD do it: a three-way merge of what was applied the last time, what is
//! desired, and what is live.

use gyre_merge::{facts, merge_patch, strategic_merge};
use gyre_model::Object;
use serde_json::{Map, Value};

use crate::How;

/// Annotation in which the last applied object is kept.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What a client-side apply would come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The object as it would be.
    pub merged: Object,
    /// The patch that would be sent; `None` where nothing would change.
    pub patch: Option<How>,
}

/// The desired object as it is sent: it carries itself in an annotation.
pub fn with_last_applied(desired: &Object) -> Object {
    let mut bare = desired.clone();
    // kubectl writes the annotations even where there are none.
    bare.set_annotation(LAST_APPLIED, "");
    if let Some(Value::Object(annotations)) = bare.fields_mut()["metadata"].get_mut("annotations") {
        annotations.remove(LAST_APPLIED);
    }
    let text = format!("{}\n", Value::Object(bare.fields().clone()));
    bare.set_annotation(LAST_APPLIED, &text);
    bare
}

/// Predicts what applying `desired` to `live` comes to. Built-in kinds merge by their merge keys, all others as plain
/// JSON. The error is the merge's own.
pub fn predict(live: &Object, desired: &Object) -> Result<Prediction, String> {
    let modified = with_last_applied(desired);
    let original = last_applied(live);
    let gvk = live.gvk();
    // Both have the version in which the live object was read.
    let modified = modified.fields();
    let current = live.fields();
    let (patch, merged, strategic) = match facts::kind(&gvk.group, &gvk.version, &gvk.kind) {
        Some(of) => {
            let patch = strategic_merge::create_three_way(&original, modified, current, &of, true)
                .map_err(|error| error.to_string())?;
            let merged = strategic_merge::apply(current.clone(), patch.clone(), &of)
                .map_err(|error| error.to_string())?;
            (patch, merged, true)
        }
        None => {
            let patch = merge_patch::create_three_way(&original, modified, current);
            let mut merged = Value::Object(current.clone());
            merge_patch::apply(&mut merged, Value::Object(patch.clone()));
            let Value::Object(merged) = merged else { return Err("the merge gave no object".into()) };
            (patch, merged, false)
        }
    };
    let merged = Object::new(Value::Object(merged)).map_err(|error| error.to_string())?;
    let patch = (!patch.is_empty()).then_some(How::Patch { strategic, body: Value::Object(patch) });
    Ok(Prediction { merged, patch })
}

fn last_applied(live: &Object) -> Map<String, Value> {
    let text = live.annotation(LAST_APPLIED).unwrap_or_default();
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff;

    fn deployment(image: &str, replicas: Option<u32>) -> Object {
        let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"},
            "spec": {"template": {"spec": {"containers": [{"name": "w", "image": image}]}}}});
        if let Some(replicas) = replicas {
            value["spec"]["replicas"] = replicas.into();
        }
        Object::new(value).unwrap()
    }

    fn changes(live: &Object, desired: &Object) -> Vec<String> {
        let merged = predict(live, desired).unwrap().merged;
        let lines = diff(&live.to_value(), &merged.to_value());
        lines.iter().map(ToString::to_string).filter(|line| !line.contains(LAST_APPLIED)).collect()
    }

    #[test]
    fn what_others_set_stays_and_what_is_dropped_goes() {
        let mut live = with_last_applied(&deployment("a:1", Some(2)));
        live.fields_mut()["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
        live.fields_mut()["spec"]["paused"] = true.into();
        assert!(changes(&live, &deployment("a:1", Some(2))).is_empty());
        assert_eq!(predict(&live, &deployment("a:1", Some(2))).unwrap().patch, None);
        let wanted = ["spec.replicas removed", "spec.template.spec.containers[w].image a:1 → a:2"];
        assert_eq!(changes(&live, &deployment("a:2", None)), wanted);
    }

    #[test]
    fn custom_kinds_merge_as_plain_json() {
        let custom = |value: u32| {
            Object::new(json!({"apiVersion": "example.com/v1", "kind": "X", "metadata": {"name": "x"},
                "spec": {"list": [value]}}))
            .unwrap()
        };
        let live = with_last_applied(&custom(1));
        let patch = predict(&live, &custom(2)).unwrap().patch.unwrap();
        assert!(matches!(patch, How::Patch { strategic: false, .. }));
        assert_eq!(changes(&live, &custom(2)), ["spec.list[0] 1 → 2"]);
    }
}
