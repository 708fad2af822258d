//! What changes resources: the transformers of a kustomization and the steps at the end of a build.

use std::sync::Arc;

use crate::build::Context;
use crate::config::{Config, merge_specs};
use crate::error::{Error, Result};
use crate::fieldspec::FieldSpec;
use crate::load::Root;
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::types::kustomization::Kustomization;

pub(crate) mod affix;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod namespace;
pub(crate) mod patch;
pub(crate) mod references;
pub(crate) mod replacements;
pub(crate) mod replicas;
pub(crate) mod sort;
pub(crate) mod value_add;
pub(crate) mod vars;

/// Changes resources.
pub(crate) trait Transform {
    fn apply(&self, resources: &mut ResMap, schema: &Schema) -> Result<()>;
}

pub(crate) type Transformer = Box<dyn Transform>;

/// The transformers that the fields of a kustomization stand for, with the names of their kinds.
pub(crate) fn of_kustomization(
    kustomization: &Kustomization,
    root: &Root<'_>,
    config: &Arc<Config>,
    context: &mut Context<'_>,
) -> Result<Vec<(&'static str, Transformer)>> {
    let mut all: Vec<(&'static str, Transformer)> = Vec::new();
    if let Some(paths) = kustomization.patches_strategic_merge.as_ref().filter(|paths| !paths.is_empty()) {
        let made = patch::StrategicMerge::configured(root, paths, context)?;
        all.push(("PatchStrategicMergeTransformer", Box::new(made)));
    }
    for patch in &kustomization.patches {
        all.push(("PatchTransformer", Box::new(patch::Any::configured(root, patch, context)?)));
    }
    if !kustomization.namespace.is_empty() {
        let made = namespace::Namespace::new(&kustomization.namespace, config.namespace.clone());
        all.push(("NamespaceTransformer", Box::new(made)));
    }
    if !kustomization.name_prefix.is_empty() {
        let made = affix::Affix::prefix(&kustomization.name_prefix, config.name_prefix.clone());
        all.push(("PrefixTransformer", Box::new(made)));
    }
    if !kustomization.name_suffix.is_empty() {
        let made = affix::Affix::suffix(&kustomization.name_suffix, config.name_suffix.clone());
        all.push(("SuffixTransformer", Box::new(made)));
    }
    label_transformers(kustomization, config, &mut all)?;
    if !kustomization.common_annotations.is_empty() {
        let made = labels::Entries::new(&kustomization.common_annotations, config.common_annotations.clone());
        all.push(("AnnotationsTransformer", Box::new(made)));
    }
    for patch in kustomization.patches_json6902.iter().flatten() {
        all.push(("PatchJson6902Transformer", Box::new(patch::Json::configured(root, patch, context)?)));
    }
    for replica in &kustomization.replicas {
        let made = replicas::Replicas::new(replica, config.replicas.clone());
        all.push(("ReplicaCountTransformer", Box::new(made)));
    }
    for image in &kustomization.images {
        let made = images::Images::new(image, config.images.clone());
        all.push(("ImageTagTransformer", Box::new(made)));
    }
    if !kustomization.replacements.is_empty() {
        let made = replacements::Replacements::configured(root, &kustomization.replacements, context)?;
        all.push(("ReplacementTransformer", Box::new(made)));
    }
    Ok(all)
}

fn label_transformers(
    kustomization: &Kustomization,
    config: &Config,
    all: &mut Vec<(&'static str, Transformer)>,
) -> Result<()> {
    let common = kustomization.common_labels.clone().unwrap_or_default();
    if kustomization.labels.is_empty() && common.is_empty() {
        return Ok(());
    }
    let failed = |error: Error| error.within("failed to merge labels");
    for label in &kustomization.labels {
        let mut specs = crate::config::specs(&label.fields);
        merge_specs(&mut specs, &config.labels).map_err(failed)?;
        if label.include_selectors {
            merge_specs(&mut specs, &config.common_labels).map_err(failed)?;
        } else {
            if label.include_templates {
                merge_specs(&mut specs, &config.template_labels)
                    .map_err(|error| error.within("failed to merge template fieldSpec"))?;
            }
            merge_specs(&mut specs, &[FieldSpec::new("metadata/labels", true)]).map_err(failed)?;
        }
        all.push(("LabelTransformer", Box::new(labels::Entries::new(&label.pairs, specs))));
    }
    all.push(("LabelTransformer", Box::new(labels::Entries::new(&common, config.common_labels.clone()))));
    Ok(())
}
