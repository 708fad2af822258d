//! Kustomization: v1, v1beta2, v1beta1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Condition, LocalRef, SecretKeyRef};

/// `spec` of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationSpec {
    /// Metadata for every object.
    pub common_metadata: Option<CommonMetadata>,
    /// What has to be ready before.
    pub depends_on: Vec<DependsOn>,
    /// SOPS.
    pub decryption: Option<Decryption>,
    /// Go duration between two reconciliations.
    pub interval: String,
    /// Go duration after a failure; the interval without one.
    pub retry_interval: Option<String>,
    /// Another cluster.
    pub kube_config: Option<KubeConfigRef>,
    /// Directory in the source; its root without one.
    pub path: String,
    /// Variable substitution.
    pub post_build: Option<PostBuild>,
    /// Delete what is no longer in the source.
    pub prune: bool,
    /// `MirrorPrune`, `Delete`, `WaitForTermination`, `Orphan`.
    pub deletion_policy: Option<String>,
    /// Objects whose health is waited for.
    pub health_checks: Vec<HealthCheck>,
    /// Health of custom kinds, in CEL.
    pub health_check_exprs: Vec<HealthCheckExpr>,
    /// Prefix of all names.
    pub name_prefix: Option<String>,
    /// Suffix of all names.
    pub name_suffix: Option<String>,
    /// Patches over all objects.
    pub patches: Vec<Patch>,
    /// Strategic merge patches (v1beta2 and older).
    pub patches_strategic_merge: Vec<Value>,
    /// JSON patches (v1beta2 and older).
    pub patches_json6902: Vec<Json6902Patch>,
    /// Images.
    pub images: Vec<Image>,
    /// Acts as this service account.
    pub service_account_name: Option<String>,
    /// Where the files come from.
    pub source_ref: SourceRef,
    /// No reconciliation while this is set.
    pub suspend: bool,
    /// Namespace of all objects.
    pub target_namespace: Option<String>,
    /// Go duration for apply and health; the interval without one.
    pub timeout: Option<String>,
    /// Recreate objects whose immutable fields change.
    pub force: bool,
    /// Wait for the health of all objects.
    pub wait: bool,
    /// Kustomize components, relative to the path.
    pub components: Vec<String>,
    /// Leave out components that do not exist.
    pub ignore_missing_components: bool,
    /// Fields that others may change.
    pub ignore: Vec<IgnoreRule>,
    /// Kustomize's `buildMetadata`.
    pub build_metadata: Vec<String>,
    /// `none`, `client`, `server` (v1beta2 and older); accepted, the server always validates.
    pub validation: Option<String>,
}

/// Labels and annotations for every object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct CommonMetadata {
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// Another Kustomization that has to be ready before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct DependsOn {
    /// Its name.
    pub name: String,
    /// Its namespace; the same without one.
    pub namespace: Option<String>,
    /// What ready means, in CEL.
    pub ready_expr: Option<String>,
}

/// Decryption of secrets in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Decryption {
    /// `sops`.
    pub provider: String,
    /// Keys.
    pub secret_ref: Option<LocalRef>,
    /// Service account for a cloud's key service.
    pub service_account_name: Option<String>,
}

/// Where another cluster's access lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct KubeConfigRef {
    /// A kubeconfig in a Secret; key `value` or `value.yaml` without one.
    pub secret_ref: Option<SecretKeyRef>,
    /// A cloud's cluster.
    pub config_map_ref: Option<LocalRef>,
}

/// Variable substitution after the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct PostBuild {
    /// Variables.
    pub substitute: BTreeMap<String, String>,
    /// More variables.
    pub substitute_from: Vec<SubstituteFrom>,
    /// `WithVariables` or `Always`.
    pub substitute_strategy: Option<String>,
}

/// A ConfigMap or Secret with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct SubstituteFrom {
    /// `ConfigMap` or `Secret`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// May be missing.
    pub optional: bool,
}

/// An object whose health is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct HealthCheck {
    /// Group and version.
    pub api_version: Option<String>,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: Option<String>,
}

/// Health of a custom kind, in CEL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct HealthCheckExpr {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Ready when true.
    pub current: String,
    /// Going on when true.
    pub in_progress: Option<String>,
    /// Failed when true.
    pub failed: Option<String>,
}

/// A strategic merge or JSON patch, with its target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Patch {
    /// The patch as text.
    pub patch: String,
    /// What it is for.
    pub target: Option<Selector>,
}

/// A JSON patch given as a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Json6902Patch {
    /// The operations.
    pub patch: Vec<Value>,
    /// What it is for.
    pub target: Selector,
}

/// Picks objects, as kustomize's `target` does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// API group.
    pub group: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Kind.
    pub kind: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Name, a regular expression.
    pub name: Option<String>,
    /// Annotations.
    pub annotation_selector: Option<String>,
    /// Labels.
    pub label_selector: Option<String>,
}

/// An image to replace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// Name in the manifests.
    pub name: String,
    /// Name instead.
    pub new_name: Option<String>,
    /// Tag instead.
    pub new_tag: Option<String>,
    /// Digest instead.
    pub digest: Option<String>,
}

/// Fields that others may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct IgnoreRule {
    /// JSON pointers.
    pub paths: Vec<String>,
    /// The objects meant; all without one.
    pub target: Option<Selector>,
}

/// Names a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SourceRef {
    /// Group and version.
    pub api_version: Option<String>,
    /// `GitRepository`, `OCIRepository`, `Bucket`, `ExternalArtifact`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace; the same without one.
    pub namespace: Option<String>,
}

/// `status` of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationStatus {
    /// Generation of the last success; -1 before any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last revision that was applied whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// Its origin, for OCI artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// The last revision that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The objects that are owned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// The last reconciliations, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was heeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// The objects that a Kustomization owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inventory {
    /// One for an object.
    pub entries: Vec<InventoryEntry>,
}

/// One owned object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InventoryEntry {
    /// `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// Version.
    pub v: String,
}

/// One line of the history: reconciliations in a row with the same result of the build and the same outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryEntry {
    /// Of the built manifests.
    pub digest: String,
    /// RFC 3339.
    pub first_reconciled: String,
    /// RFC 3339.
    pub last_reconciled: String,
    /// Go duration.
    pub last_reconciled_duration: String,
    /// Reason of the Ready condition.
    pub last_reconciled_status: String,
    /// How many in a row.
    pub total_reconciliations: i64,
    /// `revision`, `originRevision`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}
