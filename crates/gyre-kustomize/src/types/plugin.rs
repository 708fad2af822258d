//! The configurations of generators and transformers that resources give.

use super::generator::{ConfigMapArgs, GeneratorOptions, SecretArgs};
use super::patch::Selector;
use super::replacement::Replacement;
use super::{FieldSpecShape, Image, ObjectMeta, Replica};
use crate::decode::{Int, go_struct};
use crate::node::Texts;

go_struct! {
    /// A ConfigMap, named by `metadata` where it has no name itself.
    ConfigMapConfig = "ConfigMapGeneratorPlugin" {
        metadata: ObjectMeta = "metadata",
        namespace: String = "namespace",
        name: String = "name",
        behavior: String = "behavior",
        literals: Vec<String> = "literals",
        files: Vec<String> = "files",
        envs: Vec<String> = "envs",
        env: String = "env",
        options: Option<GeneratorOptions> = "options",
    }
}

impl ConfigMapConfig {
    pub(crate) fn args(&self) -> ConfigMapArgs {
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

go_struct! {
    /// A Secret, named by `metadata` where it has no name itself.
    SecretConfig = "SecretGeneratorPlugin" {
        metadata: ObjectMeta = "metadata",
        namespace: String = "namespace",
        name: String = "name",
        behavior: String = "behavior",
        literals: Vec<String> = "literals",
        files: Vec<String> = "files",
        envs: Vec<String> = "envs",
        env: String = "env",
        options: Option<GeneratorOptions> = "options",
        kind: String = "type",
    }
}

impl SecretConfig {
    pub(crate) fn args(&self) -> SecretArgs {
        SecretArgs {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            behavior: self.behavior.clone(),
            literals: self.literals.clone(),
            files: self.files.clone(),
            envs: self.envs.clone(),
            env: self.env.clone(),
            options: self.options.clone(),
            kind: self.kind.clone(),
        }
    }
}

go_struct! {
    /// A service account for the workloads of a cloud.
    IamPolicyConfig = "IAMPolicyGeneratorPlugin" {
        cloud: String = "cloud",
        kubernetes: IamKubernetes = "kubernetesService",
        account: IamAccount = "serviceAccount",
    }
}

go_struct! {
    /// The account in the cluster.
    IamKubernetes = "KubernetesService" {
        namespace: String = "namespace",
        name: String = "name",
    }
}

go_struct! {
    /// The account in the cloud.
    IamAccount = "ServiceAccount" {
        name: String = "name",
        project: String = "projectId",
    }
}

go_struct! {
    /// Annotations to set.
    AnnotationsConfig = "AnnotationsTransformerPlugin" {
        annotations: Texts = "annotations",
        specs: Vec<FieldSpecShape> = "fieldSpecs",
    }
}

go_struct! {
    /// Labels to set.
    LabelConfig = "LabelTransformerPlugin" {
        labels: Texts = "labels",
        specs: Vec<FieldSpecShape> = "fieldSpecs",
    }
}

go_struct! {
    /// An image to change.
    ImageConfig = "ImageTagTransformerPlugin" {
        image: Image = "imageTag",
        specs: Vec<FieldSpecShape> = "fieldSpecs",
    }
}

go_struct! {
    /// A number of replicas.
    ReplicaConfig = "ReplicaCountTransformerPlugin" {
        replica: Replica = "replica",
        specs: Vec<FieldSpecShape> = "fieldSpecs",
    }
}

go_struct! {
    /// A namespace to set.
    NamespaceConfig = "NamespaceTransformerPlugin" {
        metadata: ObjectMeta = "metadata",
        specs: Vec<FieldSpecShape> = "fieldSpecs",
        unset_only: bool = "unsetOnly",
        subjects: String = "setRoleBindingSubjects",
    }
}

go_struct! {
    /// A prefix of names.
    PrefixConfig = "PrefixTransformerPlugin" {
        prefix: String = "prefix",
        specs: Option<Vec<FieldSpecShape>> = "fieldSpecs",
    }
}

go_struct! {
    /// A suffix of names.
    SuffixConfig = "SuffixTransformerPlugin" {
        suffix: String = "suffix",
        specs: Option<Vec<FieldSpecShape>> = "fieldSpecs",
    }
}

go_struct! {
    /// A JSON patch.
    JsonPatchConfig = "PatchJson6902TransformerPlugin" {
        target: Option<Selector> = "target",
        path: String = "path",
        patch: String = "jsonOp",
    }
}

go_struct! {
    /// Strategic merge patches.
    StrategicMergeConfig = "PatchStrategicMergeTransformerPlugin" {
        paths: Vec<String> = "paths",
        patches: String = "patches",
    }
}

go_struct! {
    /// Replacements.
    ReplacementConfig = "ReplacementTransformerPlugin" {
        replacements: Vec<Replacement> = "replacements",
    }
}

go_struct! {
    /// A value to put into fields.
    ValueAddConfig = "ValueAddTransformerPlugin" {
        value: String = "value",
        targets: Vec<ValueAddTarget> = "targets",
        file: String = "targetFilePath",
    }
}

go_struct! {
    /// A file with more fields.
    ValueAddFile = "" {
        targets: Vec<ValueAddTarget> = "targets",
    }
}

go_struct! {
    /// A field that gets the value.
    ValueAddTarget = "Target" {
        selector: Option<Selector> = "selector",
        field: String = "fieldPath",
        position: Int = "filePathPosition",
    }
}
