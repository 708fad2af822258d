//! The Flux toolkit's kinds, and what they have in common.

mod git_repository;
mod kustomization;
mod meta;

pub use git_repository::{GitRef, GitRepositorySpec, GitRepositoryStatus, Include, Verify};
pub use kustomization::{
    CommonMetadata, Decryption, DependsOn, HealthCheck, HealthCheckExpr, HistoryEntry, IgnoreRule, Image,
    Inventory, InventoryEntry, Json6902Patch, KubeConfigRef, KustomizationSpec, KustomizationStatus, Patch,
    PostBuild, Selector, SourceRef, SubstituteFrom,
};
pub use meta::{Artifact, Condition, LocalRef, SecretKeyRef};

/// Group of the sources.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// Group of Kustomizations; also the prefix of the labels and annotations on the objects that they own.
pub const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// The finalizer of every Flux kind.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Annotation that asks for a reconciliation now; its value is any text that differs from the last one.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Field manager under which Flux's kustomize-controller applies.
pub const KUSTOMIZE_MANAGER: &str = "kustomize-controller";
/// Field manager of source-controller, and the component that its events name.
pub const SOURCE_MANAGER: &str = "source-controller";
