//! Aggregated ClusterRoles: their rules are those of the roles that they select.

use serde_json::Value;

use super::{Cluster, Engine};
use crate::object;
use crate::selectors::LabelSelector;

const SHELF: &str = "clusterroles.rbac.authorization.k8s.io";

/// Writes the rules of a role that takes in others.
pub(super) fn aggregate(cluster: &Cluster<'_>, role: &Value) {
    let Some(selectors) = role["aggregationRule"]["clusterRoleSelectors"].as_array() else { return };
    let selectors: Vec<LabelSelector> = selectors.iter().map(LabelSelector::of).collect();
    let mut rules: Vec<Value> = Vec::new();
    for entry in cluster.api.store.list(SHELF, "").1 {
        let other = object::decode(&entry.bytes);
        let labels = other["metadata"]["labels"].as_object();
        if object::meta(&other, "name") == object::meta(role, "name")
            || !selectors.iter().any(|it| it.fits_map(labels))
        {
            continue;
        }
        for rule in other["rules"].as_array().into_iter().flatten() {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
    }
    cluster.change("rbac.authorization.k8s.io", "clusterroles", role, "", |it| {
        it["rules"] = rules.clone().into();
    });
}

impl Engine {
    /// A changed role may be a part of every role that takes in others.
    pub(super) fn push_aggregates(&mut self, cluster: &Cluster<'_>) {
        let mark = b"\"aggregationRule\"";
        for entry in cluster.api.store.list(SHELF, "").1 {
            if entry.bytes.windows(mark.len()).any(|part| part == mark) {
                self.push_named(SHELF, &entry.key);
            }
        }
    }
}
