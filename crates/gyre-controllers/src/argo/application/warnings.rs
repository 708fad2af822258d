//! Fields of an Application that no released version knows: kept, and named in a warning.

use std::collections::BTreeSet;

use gyre_api::argo::ApplicationSpec;
use gyre_model::Object;
use serde_json::Value;

/// A line for each unknown field of the spec.
pub(super) fn unknown_fields(object: &Object) -> Vec<String> {
    let Some(Value::Object(spec)) = object.at("/spec") else { return Vec::new() };
    // Every field of the shape is written, so what is not among them is not known.
    let Ok(Value::Object(known)) = serde_json::to_value(ApplicationSpec::default()) else {
        return Vec::new();
    };
    let known: BTreeSet<&String> = known.keys().collect();
    spec.keys()
        .filter(|field| !known.contains(field))
        .map(|field| {
            format!(
                "spec.{field} is not a field of an Application in any released version and has no effect: remove it{}",
                hint(field)
            )
        })
        .collect()
}

fn hint(field: &str) -> &'static str {
    match field {
        "resourceHooks" => "; hooks are objects of the source with the annotation argocd.argoproj.io/hook",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_what_is_not_known() {
        let object = Object::new(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "spec": {"project": "default", "sources": [], "resourceHooks": []}}))
        .unwrap();
        let warnings = unknown_fields(&object);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("spec.resourceHooks is not a field"), "{warnings:?}");
    }
}
