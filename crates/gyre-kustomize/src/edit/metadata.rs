//! `commonLabels`, `commonAnnotations` and `labels` of a kustomization file.

use serde_json::{Value, json};

use super::{Fields, Metadata, Pairs, list_of, map_of};
use crate::error::{Result, fail};

impl Metadata {
    fn field(self) -> &'static str {
        match self {
            Self::Labels => "commonLabels",
            Self::Annotations => "commonAnnotations",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Labels => "label",
            Self::Annotations => "annotation",
        }
    }
}

/// Puts pairs into the field; one that is there is an error unless forced.
pub(super) fn put(map: &mut Fields, metadata: Metadata, pairs: &Pairs, force: bool) -> Result<()> {
    put_into(map_of(map, metadata.field())?, metadata, pairs, force)
}

fn put_into(found: &mut Fields, metadata: Metadata, pairs: &Pairs, force: bool) -> Result<()> {
    for (key, value) in pairs {
        if !force && found.contains_key(key) {
            let what = metadata.what();
            return fail(format!("{what} {key} already in kustomization file. Use --force to override."));
        }
        found.insert(key.clone(), value.as_str().into());
    }
    Ok(())
}

/// Adds labels that are not put into selectors: to the first entry of `labels` of the same kind, or a new one.
pub(super) fn add_labels(
    map: &mut Fields,
    labels: &Pairs,
    force: bool,
    include_templates: bool,
) -> Result<()> {
    let list = list_of(map, "labels")?;
    let flag = |label: &Value, name: &str| label.get(name).and_then(Value::as_bool).unwrap_or_default();
    let is_same = |label: &Value| {
        !flag(label, "includeSelectors") && flag(label, "includeTemplates") == include_templates
    };
    let at = match list.iter().position(|label| label.is_object() && is_same(label)) {
        Some(at) => at,
        None if include_templates => {
            list.push(json!({"includeTemplates": true}));
            list.len() - 1
        }
        None => {
            list.push(json!({}));
            list.len() - 1
        }
    };
    match &mut list[at] {
        Value::Object(label) => put_into(map_of(label, "pairs")?, Metadata::Labels, labels, force),
        _ => Ok(()),
    }
}

/// Removes keys; one that is not there is an error unless it is to be ignored.
pub(super) fn remove(
    map: &mut Fields,
    metadata: Metadata,
    keys: &[String],
    ignore_missing: bool,
) -> Result<()> {
    if !ignore_missing && map.get(metadata.field()).is_none_or(Value::is_null) {
        return fail(format!("{} is not defined in kustomization file", metadata.field()));
    }
    let found = map_of(map, metadata.field())?;
    for key in keys {
        if found.remove(key).is_none() && !ignore_missing {
            return fail(format!("{} {key} is not defined in kustomization file", metadata.what()));
        }
    }
    Ok(())
}
