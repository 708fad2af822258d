//! ReplicaSets and ReplicationControllers: as many pods as they say.

use serde_json::{Value, json};

use super::events::Level;
use super::pods::{is_active, is_ready, ready_since};
use super::{Cluster, Engine, Item, count, number, owner_reference};
use crate::object;

/// How many pods one look makes or ends.
const BURST: usize = 500;

/// A pod of a template.
pub(super) fn pod_of(owner: &Value, template: &Value, name: Option<&str>) -> Value {
    let mut metadata = json!({"ownerReferences": owner_reference(owner)});
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(key) {
            metadata[key] = value.clone();
        }
    }
    match name {
        Some(name) => metadata["name"] = name.into(),
        None => metadata["generateName"] = format!("{}-", object::meta(owner, "name")).into(),
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// How many of the pods are available, and when the next one will be.
pub(super) fn available(pods: &[Value], min_ready_s: i64, now_us: i64) -> (usize, Option<i64>) {
    let mut next = None;
    let mut found = 0;
    for since in pods.iter().filter_map(ready_since) {
        let at = since + min_ready_s * 1_000_000;
        if at <= now_us || min_ready_s == 0 {
            found += 1;
        } else {
            next = Some(next.map_or(at, |it: i64| it.min(at)));
        }
    }
    (found, next)
}

impl Engine {
    pub(super) fn replica_set(&mut self, cluster: &Cluster<'_>, item: &Item, set: &Value) {
        let (group, plural, component) = if object::at(set, &["kind"]) == "ReplicaSet" {
            ("apps", "replicasets", "replicaset-controller")
        } else {
            ("", "replicationcontrollers", "replication-controller")
        };
        let ns = object::meta(set, "namespace");
        let wanted = set["spec"]["replicas"].as_u64().map_or(1, |it| usize::try_from(it).unwrap_or(0));
        let mut pods: Vec<Value> =
            cluster.controlled("pods", ns, set).into_iter().filter(is_active).collect();
        if pods.len() < wanted {
            for _ in 0..(wanted - pods.len()).min(BURST) {
                let pod = pod_of(set, &set["spec"]["template"], None);
                let Some(pod) = cluster.create("", "pods", ns, pod) else { break };
                let message = format!("Created pod: {}", object::meta(&pod, "name"));
                cluster.tell(set, component, Level::Normal, "SuccessfulCreate", &message);
                pods.push(pod);
            }
        } else {
            // The youngest that are not ready go first.
            pods.sort_by_key(|pod| (!is_ready(pod), object::meta(pod, "creationTimestamp").to_owned()));
            pods.sort_by_key(|pod| !is_ready(pod));
            for pod in pods.split_off(wanted.min(pods.len())).iter().take(BURST) {
                cluster.delete("", "pods", pod);
                let message = format!("Deleted pod: {}", object::meta(pod, "name"));
                cluster.tell(set, component, Level::Normal, "SuccessfulDelete", &message);
            }
        }
        let min_ready_s = set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        let (available, next) = available(&pods, min_ready_s, cluster.api.clock.now_us());
        if let Some(at) = next {
            self.at(at, item);
        }
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        let total = pods.len();
        cluster.change(group, plural, set, "status", |set| {
            let generation = number(&set["metadata"]["generation"]);
            let status = &mut set["status"];
            if !status.is_object() {
                *status = json!({});
            }
            status["replicas"] = total.into();
            count(status, "fullyLabeledReplicas", total);
            count(status, "readyReplicas", ready);
            count(status, "availableReplicas", available);
            count(status, "observedGeneration", generation);
        });
    }
}
