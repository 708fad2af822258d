//! ResourceQuotas: what they limit, and how much of it is used.

use serde_json::{Map, Value};

use super::Cluster;
use crate::admission::quotas;

/// Writes the status of a quota.
pub(super) fn quota(cluster: &Cluster<'_>, quota: &Value) {
    let Some(hard) = quota["spec"]["hard"].as_object() else { return };
    let used: Map<String, Value> = quotas::used(cluster.api, quota, hard)
        .into_iter()
        .map(|(name, amount)| (name, amount.text().into()))
        .collect();
    cluster.change("", "resourcequotas", quota, "status", |it| {
        it["status"]["hard"] = Value::Object(hard.clone());
        it["status"]["used"] = Value::Object(used.clone());
    });
}
