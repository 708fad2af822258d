//! Argo CD's kinds.

mod application;
mod normal;

pub use application::{
    AppProjectSpec, ApplicationSpec, Automated, Backoff, Destination, DirectorySource, IgnoreDifferences,
    KustomizeSource, ManagedNamespaceMetadata, Retry, Source, SyncPolicy,
};
pub use normal::normal;

/// Group of all kinds.
pub const GROUP: &str = "argoproj.io";
/// The namespace in which Argo CD runs, and its Applications lie.
pub const NAMESPACE: &str = "argocd";
/// Field manager under which Argo CD's controller writes objects.
pub const MANAGER: &str = "argocd-controller";
/// Field manager under which it replaces objects, since it gives no name then: that of its program.
pub const REPLACER: &str = "argocd";
/// The component that its events name.
pub const COMPONENT: &str = "argocd-application-controller";
/// Annotation that says whose an object is: `<app>:<group>/<kind>:<namespace>/<name>`.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// Annotation with options of the comparison, separated by commas.
pub const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";
/// Annotation with options of the sync, separated by commas.
pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
/// Annotation that asks for a refresh: `normal` or `hard`.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Finalizer that makes an Application's objects go with it.
pub const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
/// The address of the cluster that an Application lies in.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// The name of that cluster.
pub const IN_CLUSTER_NAME: &str = "in-cluster";
