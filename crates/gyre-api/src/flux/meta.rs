//! Shapes that several kinds share (`fluxcd/pkg/apis/meta`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names an object in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LocalRef {
    /// Its name.
    pub name: String,
}

/// Names a Secret in the same namespace, and a key of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretKeyRef {
    /// Its name.
    pub name: String,
    /// The key; a kind says what is meant without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `metav1.Condition`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// `Ready`, `Reconciling`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The generation of the object that this was seen of.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// RFC 3339, whole seconds, UTC.
    pub last_transition_time: String,
    /// One word in CamelCase.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// `status.artifact` of a source (`fluxcd/pkg/apis/meta` Artifact).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Artifact {
    /// Path in the store: `gitrepository/NAMESPACE/NAME/COMMIT.tar.gz`.
    pub path: String,
    /// Where it is served.
    pub url: String,
    /// `main@sha1:...`.
    pub revision: String,
    /// `sha256:...` of the archive.
    pub digest: String,
    /// RFC 3339.
    pub last_update_time: String,
    /// Bytes of the archive.
    pub size: u64,
    /// Annotations of an upstream artifact.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
