//! Why manifests cannot be rendered.

/// Why manifests cannot be rendered.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// The directory does not exist in the source.
    #[error("kustomization path not found: stat {0}: no such file or directory")]
    NoPath(String),
    /// A file is not YAML, or holds something else than Kubernetes objects.
    #[error("failed to decode Kubernetes YAML from {file}: {why}")]
    Decode {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The kustomization file says what cannot be.
    #[error("{0}")]
    Invalid(String),
    /// Kustomize refuses.
    #[error("kustomize build failed: {0}")]
    Build(String),
}
