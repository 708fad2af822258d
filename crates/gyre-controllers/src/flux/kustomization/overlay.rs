//! What a Kustomization's spec adds to the kustomization file, in kustomize's own words
//! (`fluxcd/pkg/kustomize`, Generator).

use gyre_api::flux::{KustomizationSpec, Selector};
use gyre_render::kustomization::Overlay;
use serde_json::{Map, Value, json};

/// The additions that the spec asks for.
pub(super) fn of(spec: &KustomizationSpec) -> Overlay {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut patches = Vec::new();
    for patch in &spec.patches {
        let mut item = json!({"patch": patch.patch});
        if let Some(target) = &patch.target {
            item["target"] = selector(target);
        }
        patches.push(item);
    }
    let json_patches = spec.patches_json6902.iter().map(|patch| {
        json!({"patch": Value::Array(patch.patch.clone()).to_string(), "target": selector(&patch.target)})
    });
    let images = spec.images.iter().map(|image| {
        let mut item = Map::new();
        item.insert("name".into(), image.name.clone().into());
        for (field, value) in
            [("newName", &image.new_name), ("newTag", &image.new_tag), ("digest", &image.digest)]
        {
            if let Some(value) = text(value) {
                item.insert(field.into(), value.into());
            }
        }
        item
    });
    Overlay {
        namespace: text(&spec.target_namespace),
        name_prefix: text(&spec.name_prefix),
        name_suffix: text(&spec.name_suffix),
        patches,
        patches_strategic_merge: spec.patches_strategic_merge.iter().map(Value::to_string).collect(),
        patches_json6902: json_patches.collect(),
        images: images.collect(),
        components: spec.components.clone(),
        ignore_missing_components: spec.ignore_missing_components,
        build_metadata: spec.build_metadata.clone(),
    }
}

fn selector(selector: &Selector) -> Value {
    serde_json::to_value(selector)
        .map(|value| match value {
            Value::Object(map) => {
                Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect())
            }
            other => other,
        })
        .unwrap_or_default()
}
