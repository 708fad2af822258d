//! The kustomization itself.

use gyre_yaml::yaml_to_json;
use serde_json::Value;

use super::generator::{ConfigMapArgs, GeneratorOptions, SecretArgs};
use super::helm::{HelmChart, HelmChartArgs, HelmGlobals};
use super::patch::Patch;
use super::replacement::Replacement;
use super::{Image, Label, ObjectMeta, Replica, SortOptions, Var};
use crate::decode::{Mode, decode, go_struct};
use crate::error::{Error, Result, fail};
use crate::node::Texts;

const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const KIND: &str = "Kustomization";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";
pub(crate) const COMPONENT: &str = "Component";

go_struct! {
    /// A file `kustomization.yaml`, of kind Kustomization or Component.
    Kustomization = "Kustomization" {
        kind: String = "kind" in "TypeMeta",
        api_version: String = "apiVersion" in "TypeMeta",
        metadata: Option<ObjectMeta> = "metadata",
        openapi: Texts = "openapi",
        name_prefix: String = "namePrefix",
        name_suffix: String = "nameSuffix",
        namespace: String = "namespace",
        common_labels: Option<Texts> = "commonLabels",
        labels: Vec<Label> = "labels",
        common_annotations: Texts = "commonAnnotations",
        patches_strategic_merge: Option<Vec<String>> = "patchesStrategicMerge",
        patches_json6902: Option<Vec<Patch>> = "patchesJson6902",
        patches: Vec<Patch> = "patches",
        images: Vec<Image> = "images",
        image_tags: Option<Vec<Image>> = "imageTags",
        replacements: Vec<Replacement> = "replacements",
        replicas: Vec<Replica> = "replicas",
        vars: Option<Vec<Var>> = "vars",
        sort_options: Option<SortOptions> = "sortOptions",
        resources: Vec<String> = "resources",
        components: Vec<String> = "components",
        crds: Vec<String> = "crds",
        bases: Option<Vec<String>> = "bases",
        config_map_generator: Vec<ConfigMapArgs> = "configMapGenerator",
        secret_generator: Vec<SecretArgs> = "secretGenerator",
        helm_globals: Option<HelmGlobals> = "helmGlobals",
        helm_charts: Vec<HelmChart> = "helmCharts",
        helm_chart_inflation_generator: Vec<HelmChartArgs> = "helmChartInflationGenerator",
        generator_options: Option<GeneratorOptions> = "generatorOptions",
        configurations: Vec<String> = "configurations",
        generators: Vec<String> = "generators",
        transformers: Vec<String> = "transformers",
        validators: Vec<String> = "validators",
        build_metadata: Vec<String> = "buildMetadata",
    }
}

impl Kustomization {
    /// Reads a file, gives older fields their newer names, and checks kind and version. `root` is for messages.
    pub(crate) fn load(content: &[u8], root: &str, warnings: &mut Vec<String>) -> Result<Self> {
        let value = to_json(content)?;
        let mut read = decode::<Self>(&value, Mode::Strict).map_err(invalid)?;
        read.warn(warnings);
        read.fix();
        if says_nothing(&value) {
            return fail("kustomization.yaml is empty");
        }
        let problems = read.problems();
        if !problems.is_empty() {
            return fail(format!("Failed to read kustomization file under {root}:\n{}", problems.join("\n")));
        }
        Ok(read)
    }

    /// Refuses fields that are unknown or of the wrong type.
    pub(crate) fn check(value: &Value) -> Result<()> {
        decode::<Self>(value, Mode::Strict).map(drop).map_err(invalid)
    }

    fn warn(&self, warnings: &mut Vec<String>) {
        let run = "Run 'kustomize edit fix' to update your Kustomization automatically.";
        let mut warn = |old: &str, new: &str, mark: &str| {
            warnings
                .push(format!("# Warning: '{old}' is deprecated. Please use '{new}' instead. {mark}{run}"));
        };
        if self.bases.is_some() {
            warn("bases", "resources", "");
        }
        if self.common_labels.is_some() {
            warn("commonLabels", "labels", "");
        }
        if self.image_tags.is_some() {
            warn("imageTags", "images", "");
        }
        if self.patches_json6902.is_some() {
            warn("patchesJson6902", "patches", "");
        }
        if self.patches_strategic_merge.is_some() {
            warn("patchesStrategicMerge", "patches", "");
        }
        if self.vars.is_some() {
            warn("vars", "replacements", "[EXPERIMENTAL] ");
        }
    }

    /// Older fields become newer ones.
    pub(crate) fn fix(&mut self) {
        if self.kind.is_empty() {
            self.kind = KIND.into();
        }
        if self.api_version.is_empty() {
            self.api_version = if self.kind == COMPONENT { COMPONENT_VERSION } else { VERSION }.into();
        }
        self.resources.extend(self.bases.take().unwrap_or_default());
        self.images.extend(self.image_tags.take().unwrap_or_default());
        for args in &mut self.config_map_generator {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        for args in &mut self.secret_generator {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        let old = std::mem::take(&mut self.helm_chart_inflation_generator);
        let mut globals = HelmGlobals::default();
        for chart in &old {
            if !chart.helm_home.is_empty() {
                globals.config_home.clone_from(&chart.helm_home);
            }
            if !chart.chart_home.is_empty() {
                globals.chart_home.clone_from(&chart.chart_home);
            }
            self.helm_charts.push(chart.to_chart());
        }
        if self.helm_globals.is_none() && globals != HelmGlobals::default() {
            self.helm_globals = Some(globals);
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.kind != KIND && self.kind != COMPONENT {
            problems.push(format!("kind should be {KIND} or {COMPONENT}"));
        }
        let wanted = if self.kind == COMPONENT { COMPONENT_VERSION } else { VERSION };
        if self.api_version != wanted {
            problems.push(format!("apiVersion for {} should be {wanted}", self.kind));
        }
        problems
    }

    pub(crate) fn has_patches(&self) -> bool {
        !self.patches.is_empty() || self.patches_strategic_merge.as_ref().is_some_and(|list| !list.is_empty())
    }

    pub(crate) fn has_metadata_option(&self, option: &str) -> bool {
        self.build_metadata.iter().any(|given| given == option)
    }
}

fn invalid(text: String) -> Error {
    Error::new(format!("invalid Kustomization: {text}"))
}

pub(crate) fn to_json(content: &[u8]) -> Result<Value> {
    yaml_to_json(content).map_err(|error| invalid(error.to_string()))
}

/// Is there nothing but kind and version? An empty list is something, unless it is one of an older field.
fn says_nothing(value: &Value) -> bool {
    let Value::Object(map) = value else { return true };
    map.iter().all(|(key, value)| match value {
        Value::Array(items) => {
            items.is_empty() && matches!(key.as_str(), "bases" | "imageTags" | "helmChartInflationGenerator")
        }
        Value::Object(_) => false,
        Value::String(text) => text.is_empty() || matches!(key.as_str(), "kind" | "apiVersion"),
        _ => true,
    })
}
