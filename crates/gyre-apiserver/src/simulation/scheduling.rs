//! Which pods may go to the node: it takes all, but for those that its taints or its being cordoned keep away.

use serde_json::Value;

use super::{Cluster, NODE};

/// Why no node takes a pod; `None` where one does.
pub(super) fn refusal(cluster: &Cluster<'_>, pod: &Value) -> Option<String> {
    let Some(node) = cluster.find("nodes", "", NODE) else {
        return Some("no nodes available to schedule pods".into());
    };
    let refused = |why: &str| {
        Some(format!(
            "0/1 nodes are available: 1 node(s) {why}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        ))
    };
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let tolerates = |key: &str, value: &str, effect: &str| {
        pod["spec"]["tolerations"].as_array().into_iter().flatten().any(|it| {
            let (its_key, its_effect) = (text(it, "key"), text(it, "effect"));
            let same = its_key == key && (it["operator"] == "Exists" || text(it, "value") == value)
                || its_key.is_empty() && it["operator"] == "Exists";
            same && (its_effect.is_empty() || its_effect == effect)
        })
    };
    if node["spec"]["unschedulable"] == true
        && !tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule")
    {
        return refused("were unschedulable");
    }
    for taint in node["spec"]["taints"].as_array().into_iter().flatten() {
        let (key, value, effect) = (text(taint, "key"), text(taint, "value"), text(taint, "effect"));
        // A cordoned node may have the taint that says so as well.
        let known = key == "node.kubernetes.io/unschedulable";
        if effect != "PreferNoSchedule" && !known && !tolerates(&key, &value, &effect) {
            return refused(&format!("had untolerated taint {{{key}: {value}}}"));
        }
    }
    None
}
