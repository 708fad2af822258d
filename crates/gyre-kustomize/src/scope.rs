//! Which of the kinds that Kustomize knows are certainly cluster-scoped.

/// Kinds that are not known count as namespaced.
pub(crate) fn is_cluster_scoped(group: &str, version: &str, kind: &str) -> bool {
    match (group, version) {
        ("admissionregistration.k8s.io", "v1") => {
            matches!(kind, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
        }
        ("admissionregistration.k8s.io", "v1beta1") => {
            matches!(kind, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
        }
        ("apiextensions.k8s.io", "v1") => matches!(kind, "CustomResourceDefinition"),
        ("apiextensions.k8s.io", "v1beta1") => matches!(kind, "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "v1") => matches!(kind, "APIService"),
        ("apiregistration.k8s.io", "v1beta1") => matches!(kind, "APIService"),
        ("certificates.k8s.io", "v1") => matches!(kind, "CertificateSigningRequest"),
        ("certificates.k8s.io", "v1beta1") => matches!(kind, "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "v1beta1") => {
            matches!(kind, "FlowSchema" | "PriorityLevelConfiguration")
        }
        ("networking.k8s.io", "v1") => matches!(kind, "IngressClass"),
        ("networking.k8s.io", "v1beta1") => matches!(kind, "IngressClass"),
        ("node.k8s.io", "v1") => matches!(kind, "RuntimeClass"),
        ("node.k8s.io", "v1beta1") => matches!(kind, "RuntimeClass"),
        ("policy", "v1beta1") => matches!(kind, "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io", "v1") => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "v1beta1") => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        ("scheduling.k8s.io", "v1") => matches!(kind, "PriorityClass"),
        ("scheduling.k8s.io", "v1beta1") => matches!(kind, "PriorityClass"),
        ("storage.k8s.io", "v1") => {
            matches!(kind, "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment")
        }
        ("storage.k8s.io", "v1beta1") => {
            matches!(kind, "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment")
        }
        ("", "v1") => {
            matches!(kind, "ComponentStatus" | "Namespace" | "Node" | "NodeProxyOptions" | "PersistentVolume")
        }
        _ => false,
    }
}
