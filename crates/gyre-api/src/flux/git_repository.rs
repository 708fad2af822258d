//! GitRepository: v1, v1beta2, v1beta1.

use serde::{Deserialize, Serialize};

use super::{Artifact, Condition, LocalRef};

/// `spec` of a GitRepository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositorySpec {
    /// `http`, `https` or `ssh`; `file` where the program allows it.
    pub url: String,
    /// Credentials.
    pub secret_ref: Option<LocalRef>,
    /// `generic`, `aws`, `azure`, `github`.
    pub provider: Option<String>,
    /// Service account for the provider.
    pub service_account_name: Option<String>,
    /// Go duration between two looks at the remote.
    pub interval: String,
    /// Go duration for Git operations; 60s without one.
    pub timeout: Option<String>,
    /// What to check out; `master` without one.
    #[serde(rename = "ref")]
    pub reference: Option<GitRef>,
    /// Signature verification.
    pub verify: Option<Verify>,
    /// Proxy address and credentials.
    pub proxy_secret_ref: Option<LocalRef>,
    /// Exclusions in the language of `.gitignore`.
    pub ignore: Option<String>,
    /// No reconciliation while this is set.
    pub suspend: bool,
    /// Fetch submodules as well.
    pub recurse_submodules: bool,
    /// Other repositories whose content is copied in.
    pub include: Vec<Include>,
    /// Directories to take, all without any.
    pub sparse_checkout: Vec<String>,
    /// `go-git` or `libgit2` (v1beta2 and older); without effect.
    pub git_implementation: Option<String>,
    /// Who else may use the source (v1beta2 and older); without effect.
    pub access_from: Option<serde_json::Value>,
}

/// What to check out. Precedence: commit, name, tag, semver, branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct GitRef {
    /// Branch.
    pub branch: Option<String>,
    /// Tag.
    pub tag: Option<String>,
    /// Range over tags.
    pub semver: Option<String>,
    /// Full reference, as in `refs/pull/1/head`.
    pub name: Option<String>,
    /// Commit; with a branch, it must be on it.
    pub commit: Option<String>,
}

/// Signature verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Verify {
    /// `HEAD`, `Tag`, `TagAndHEAD`.
    pub mode: Option<String>,
    /// Public keys.
    pub secret_ref: LocalRef,
}

/// Content of another GitRepository, copied in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Include {
    /// The other one.
    pub repository: LocalRef,
    /// Directory there; all without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// Directory here; the other one's name without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

/// `status` of a GitRepository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryStatus {
    /// Generation of the last reconciliation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last good artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// Artifacts that were copied in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// `spec.ignore` of the artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// `spec.recurseSubmodules` of the artifact.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub observed_recurse_submodules: bool,
    /// `spec.include` of the artifact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<Include>,
    /// `spec.sparseCheckout` of the artifact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// Mode of the last successful verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was heeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}
