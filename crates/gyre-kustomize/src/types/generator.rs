//! `configMapGenerator` and `secretGenerator`.

use crate::decode::go_struct;
use crate::node::Texts;

go_struct! {
    /// `generatorOptions`, and `options` of a generator.
    GeneratorOptions = "GeneratorOptions" {
        labels: Texts = "labels",
        annotations: Texts = "annotations",
        disable_name_suffix_hash: bool = "disableNameSuffixHash",
        immutable: bool = "immutable",
    }
}

go_struct! {
    /// A generated ConfigMap.
    ConfigMapArgs = "ConfigMapArgs" {
        namespace: String = "namespace" in "GeneratorArgs",
        name: String = "name" in "GeneratorArgs",
        behavior: String = "behavior" in "GeneratorArgs",
        literals: Vec<String> = "literals" in "GeneratorArgs.KvPairSources",
        files: Vec<String> = "files" in "GeneratorArgs.KvPairSources",
        envs: Vec<String> = "envs" in "GeneratorArgs.KvPairSources",
        env: String = "env" in "GeneratorArgs.KvPairSources",
        options: Option<GeneratorOptions> = "options" in "GeneratorArgs",
    }
}

go_struct! {
    /// A generated Secret.
    SecretArgs = "SecretArgs" {
        namespace: String = "namespace" in "GeneratorArgs",
        name: String = "name" in "GeneratorArgs",
        behavior: String = "behavior" in "GeneratorArgs",
        literals: Vec<String> = "literals" in "GeneratorArgs.KvPairSources",
        files: Vec<String> = "files" in "GeneratorArgs.KvPairSources",
        envs: Vec<String> = "envs" in "GeneratorArgs.KvPairSources",
        env: String = "env" in "GeneratorArgs.KvPairSources",
        options: Option<GeneratorOptions> = "options" in "GeneratorArgs",
        kind: String = "type",
    }
}

impl SecretArgs {
    /// What is the same for both generators.
    pub(crate) fn common(&self) -> ConfigMapArgs {
        ConfigMapArgs {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            behavior: self.behavior.clone(),
            literals: self.literals.clone(),
            files: self.files.clone(),
            envs: self.envs.clone(),
            env: self.env.clone(),
            options: self.options.clone(),
        }
    }
}

/// The options of a generator with those of the kustomization behind them.
pub(crate) fn merge_options(
    local: Option<&GeneratorOptions>,
    global: Option<&GeneratorOptions>,
) -> Option<GeneratorOptions> {
    let Some(global) = global else { return local.cloned() };
    let mut merged = local.cloned().unwrap_or_default();
    for (key, value) in &global.labels {
        merged.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    for (key, value) in &global.annotations {
        merged.annotations.entry(key.clone()).or_insert_with(|| value.clone());
    }
    merged.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    merged.immutable |= global.immutable;
    Some(merged)
}
