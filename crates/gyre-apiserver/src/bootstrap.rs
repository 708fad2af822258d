//! What every cluster has from the start: namespaces, roles of RBAC, its own Service, priorities of the system.

use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::api::{Api, Place};
use crate::object;

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// The addresses of Services.
const SERVICE_RANGE: &str = "10.0.0.0/16";

/// The priorities of the system: name, value, description (`pkg/apis/scheduling/v1/helpers.go`).
pub(crate) const PRIORITIES: [(&str, i64, &str); 2] = [
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
];

impl Api {
    /// Makes what is missing, and takes up what the storage holds.
    pub(crate) fn bootstrap(&self) {
        self.refresh_registry();
        for entry in self.store.list("services", "").1 {
            let service = object::decode(&entry.bytes);
            let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
            network.take_address(service["spec"]["clusterIP"].as_str().unwrap_or_default());
            for port in service["spec"]["ports"].as_array().into_iter().flatten() {
                if let Some(port) = port["nodePort"].as_u64().and_then(|it| u16::try_from(it).ok()) {
                    network.take_port(port);
                }
            }
        }
        self.make_roles();
        for name in NAMESPACES {
            self.make("v1", "Namespace", "", name, json!({"spec": {}, "status": {}}));
        }
        for (name, value, description) in PRIORITIES {
            self.make(
                "scheduling.k8s.io/v1",
                "PriorityClass",
                "",
                name,
                json!({"value": value, "description": description}),
            );
        }
        let range = json!({"spec": {"cidrs": [SERVICE_RANGE]}});
        self.make("networking.k8s.io/v1", "ServiceCIDR", "", "kubernetes", range);
        let service = json!({
            "metadata": {"labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {
                "type": "ClusterIP", "clusterIP": "10.0.0.1", "sessionAffinity": "None",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
            },
        });
        self.make("v1", "Service", "default", "kubernetes", service);
    }

    /// Makes an object that is not there yet; one that is stays as it is.
    fn make(&self, api_version: &str, kind: &str, ns: &str, name: &str, mut object: Value) {
        let (group, version) = crate::registry::split(api_version);
        let registry = self.registry();
        let Some(served) = registry.kind(group, kind) else { return };
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        object["metadata"]["name"] = name.into();
        if !ns.is_empty() {
            object["metadata"]["namespace"] = ns.into();
        }
        crate::defaults::fill(served, version, &mut object, true);
        let _ = self.insert(&Place::of(served, ns, name), object, false, &mut Vec::new());
    }
}
