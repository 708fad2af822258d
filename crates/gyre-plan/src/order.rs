//! In which order objects are applied.

use gyre_model::{Object, ObjectRef};

/// When an object's turn comes: definitions first, for the others may need them (`fluxcd/pkg ssa` ApplyAllStaged).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// CustomResourceDefinitions, Namespaces, ClusterRoles.
    Definitions,
    /// StorageClasses, IngressClasses and their like.
    Classes,
    /// All others.
    Objects,
}

/// The stage of an object.
pub fn stage(object: &Object) -> Stage {
    let (api_version, kind) = (object.api_version(), object.kind());
    match kind {
        "CustomResourceDefinition" if api_version.starts_with("apiextensions.k8s.io/") => Stage::Definitions,
        "ClusterRole" if api_version.starts_with("rbac.authorization.k8s.io/") => Stage::Definitions,
        "Namespace" if api_version == "v1" => Stage::Definitions,
        _ if kind.ends_with("Class") => Stage::Classes,
        _ => Stage::Objects,
    }
}

/// Kinds that come first, in this order, and kinds that come last (`fluxcd/pkg ssa/sort.go` ReconcileOrder).
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// A kind's place in the order in which Flux applies.
pub fn flux_rank(kind: &str) -> usize {
    FIRST
        .iter()
        .position(|first| *first == kind)
        .or_else(|| LAST.iter().position(|last| *last == kind).map(|index| FIRST.len() + 1 + index))
        .unwrap_or(FIRST.len())
}

/// A kind's place in the order in which Argo CD syncs (`gitops-engine/pkg/sync/sync_tasks.go`, which has it from Helm).
pub fn argo_rank(kind: &str) -> usize {
    const KINDS: [&str; 35] = [
        "Namespace",
        "NetworkPolicy",
        "ResourceQuota",
        "LimitRange",
        "PodSecurityPolicy",
        "PodDisruptionBudget",
        "ServiceAccount",
        "Secret",
        "SecretList",
        "ConfigMap",
        "StorageClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleList",
        "ClusterRoleBinding",
        "ClusterRoleBindingList",
        "Role",
        "RoleList",
        "RoleBinding",
        "RoleBindingList",
        "Service",
        "DaemonSet",
        "Pod",
        "ReplicationController",
        "ReplicaSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "StatefulSet",
        "Job",
        "CronJob",
        "IngressClass",
        "Ingress",
        "APIService",
    ];
    KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len())
}

/// A key that sorts objects into the order in which they are applied; deletions go the other way round.
pub fn apply_order(object: &ObjectRef) -> (usize, &str, &str, &str, &str) {
    (flux_rank(&object.kind), &object.group, &object.kind, &object.namespace, &object.name)
}
