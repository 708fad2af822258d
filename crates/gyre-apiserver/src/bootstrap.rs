//! What every cluster has from the start: its namespaces, and the roles of RBAC.

use std::sync::PoisonError;

use serde_json::json;

use crate::api::{Api, Place};
use crate::object;

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

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
        let registry = self.registry();
        let Some(kind) = registry.resource("", "namespaces") else { return };
        for name in NAMESPACES {
            let mut object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}, "status": {}});
            crate::defaults::fill(kind, "v1", &mut object, true);
            let place = Place::of(kind, "", name);
            // A namespace that is there already stays as it is.
            let _ = self.insert(&place, object, false, &mut Vec::new());
        }
    }
}
