//! Application and AppProject (v1alpha1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `spec` of an Application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSpec {
    /// Where the objects go.
    pub destination: Destination,
    /// The project that it belongs to.
    pub project: String,
    /// Where the objects come from.
    pub source: Option<Source>,
    /// Several places where the objects come from.
    pub sources: Vec<Source>,
    /// How it is synced.
    pub sync_policy: Option<SyncPolicy>,
    /// Differences that do not count.
    pub ignore_differences: Vec<IgnoreDifferences>,
    /// For people.
    pub info: Vec<BTreeMap<String, String>>,
    /// Lines of the history that are kept; 10 without one.
    pub revision_history_limit: Option<i64>,
    /// The source hydrator.
    pub source_hydrator: Option<Value>,
}

impl ApplicationSpec {
    /// The sources: the several ones where there are any, otherwise the one.
    pub fn all_sources(&self) -> &[Source] {
        if self.sources.is_empty() { self.source.as_slice() } else { &self.sources }
    }
}

/// Where the objects go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Destination {
    /// Address of the cluster.
    pub server: Option<String>,
    /// Name of the cluster.
    pub name: Option<String>,
    /// Namespace of objects that name none.
    pub namespace: Option<String>,
}

/// Where objects come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// Address of the repository.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// Directory.
    pub path: Option<String>,
    /// Branch, tag, `HEAD`, commit or range of versions.
    pub target_revision: Option<String>,
    /// Helm chart.
    pub chart: Option<String>,
    /// Name by which other sources refer to it.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Prefix of tags.
    pub tag_prefix: Option<String>,
    /// Plain manifests.
    pub directory: Option<DirectorySource>,
    /// Kustomize.
    pub kustomize: Option<KustomizeSource>,
    /// Helm.
    pub helm: Option<Value>,
    /// A plugin.
    pub plugin: Option<Value>,
}

/// Plain manifests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct DirectorySource {
    /// Directories inside as well.
    pub recurse: bool,
    /// Only files that match.
    pub include: Option<String>,
    /// No files that match.
    pub exclude: Option<String>,
    /// Files of any extension.
    pub disable_extension_filter: bool,
    /// Jsonnet.
    pub jsonnet: Option<Value>,
}

/// Kustomize, with what is added to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizeSource {
    /// Version of the tool.
    pub version: Option<String>,
    /// Prefix of all names.
    pub name_prefix: Option<String>,
    /// Suffix of all names.
    pub name_suffix: Option<String>,
    /// Namespace of all objects.
    pub namespace: Option<String>,
    /// `name=new:tag`, `name:tag`, `name@digest`.
    pub images: Vec<String>,
    /// Replicas.
    pub replicas: Vec<Value>,
    /// Labels for every object.
    pub common_labels: BTreeMap<String, String>,
    /// Leave selectors alone.
    pub label_without_selector: bool,
    /// Put the labels into templates as well.
    pub label_include_templates: bool,
    /// Replace labels that are there.
    pub force_common_labels: bool,
    /// Annotations for every object.
    pub common_annotations: BTreeMap<String, String>,
    /// Put build variables into the annotations.
    pub common_annotations_envsubst: bool,
    /// Replace annotations that are there.
    pub force_common_annotations: bool,
    /// Components.
    pub components: Vec<String>,
    /// Leave out components that do not exist.
    pub ignore_missing_components: bool,
    /// Patches.
    pub patches: Vec<Value>,
    /// Version of Kubernetes for charts.
    pub kube_version: Option<String>,
    /// API versions for charts.
    pub api_versions: Vec<String>,
}

/// How an Application is synced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SyncPolicy {
    /// By itself.
    pub automated: Option<Automated>,
    /// `CreateNamespace=true` and others.
    pub sync_options: Vec<String>,
    /// After a failure.
    pub retry: Option<Retry>,
    /// Metadata of the namespace that is made.
    pub managed_namespace_metadata: Option<ManagedNamespaceMetadata>,
}

/// Sync without being asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Automated {
    /// Off when false.
    pub enabled: Option<bool>,
    /// Delete what is no longer desired.
    pub prune: bool,
    /// Undo what others change.
    pub self_heal: bool,
    /// Even when nothing is left.
    pub allow_empty: bool,
}

/// Retries of a sync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Retry {
    /// How many; without end when negative.
    pub limit: i64,
    /// The pauses.
    pub backoff: Option<Backoff>,
    /// Take the latest revision for each.
    pub refresh: bool,
}

/// Pauses between retries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Backoff {
    /// The first; a Go duration or seconds.
    pub duration: Option<String>,
    /// By which each is longer than the one before.
    pub factor: Option<i64>,
    /// The longest.
    pub max_duration: Option<String>,
}

/// Metadata of the namespace that is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ManagedNamespaceMetadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Differences that do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreDifferences {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name; any without one.
    pub name: Option<String>,
    /// Namespace; any without one.
    pub namespace: Option<String>,
    /// Fields, as JSON pointers.
    pub json_pointers: Vec<String>,
    /// Fields, as jq expressions.
    pub jq_path_expressions: Vec<String>,
    /// Fields of these managers.
    pub managed_fields_managers: Vec<String>,
}

/// `spec` of an AppProject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct AppProjectSpec {
    /// Repositories that may be read; a leading `!` denies.
    pub source_repos: Vec<String>,
    /// Where objects may go.
    pub destinations: Vec<Destination>,
    /// Cluster-scoped kinds that may be written.
    pub cluster_resource_whitelist: Vec<BTreeMap<String, String>>,
    /// Cluster-scoped kinds that may not be written.
    pub cluster_resource_blacklist: Vec<BTreeMap<String, String>>,
    /// Kinds in namespaces that may be written; all without any.
    pub namespace_resource_whitelist: Option<Vec<BTreeMap<String, String>>>,
    /// Kinds in namespaces that may not be written.
    pub namespace_resource_blacklist: Vec<BTreeMap<String, String>>,
    /// For people.
    pub description: Option<String>,
}
