//! DaemonSets: one pod on every node.

use serde_json::{Value, json};

use super::events::Level;
use super::pods::{is_finished, is_ready};
use super::replicas::{available, pod_of};
use super::sets::revision_name;
use super::{Cluster, Engine, Item, count, number};
use crate::object;

const HASH: &str = "controller-revision-hash";

fn fits(node: &Value, template: &Value) -> bool {
    let wanted = template["spec"]["nodeSelector"].as_object();
    let labels = &node["metadata"]["labels"];
    wanted.is_none_or(|it| it.iter().all(|(key, value)| labels[key.as_str()] == *value))
}

impl Engine {
    pub(super) fn daemon_set(&mut self, cluster: &Cluster<'_>, item: &Item, set: &Value) {
        let ns = object::meta(set, "namespace");
        let template = &set["spec"]["template"];
        let hash = revision_name(set, template);
        let nodes: Vec<Value> = cluster
            .api
            .store
            .list("nodes", "")
            .1
            .iter()
            .map(|entry| object::decode(&entry.bytes))
            .filter(|node| fits(node, template))
            .collect();
        let held = cluster.controlled("pods", ns, set);
        let rolling = set["spec"]["updateStrategy"]["type"] != "OnDelete";
        for node in &nodes {
            let name = object::meta(node, "name");
            let mine: Vec<&Value> = held.iter().filter(|pod| pod["spec"]["nodeName"] == name).collect();
            if mine.is_empty() {
                let mut pod = pod_of(set, template, None);
                pod["metadata"]["labels"][HASH] = hash.clone().into();
                pod["spec"]["nodeName"] = name.into();
                if let Some(pod) = cluster.create("", "pods", ns, pod) {
                    let message = format!("Created pod: {}", object::meta(&pod, "name"));
                    cluster.tell(set, "daemonset-controller", Level::Normal, "SuccessfulCreate", &message);
                }
            }
            for pod in mine.iter().filter(|pod| !object::is_deleting(pod)) {
                if is_finished(pod) || rolling && pod["metadata"]["labels"][HASH] != hash {
                    cluster.delete("", "pods", pod);
                }
            }
        }
        for pod in held
            .iter()
            .filter(|pod| !nodes.iter().any(|node| pod["spec"]["nodeName"] == object::meta(node, "name")))
        {
            cluster.delete("", "pods", pod);
        }
        let live: Vec<Value> =
            cluster.controlled("pods", ns, set).into_iter().filter(|pod| !object::is_deleting(pod)).collect();
        let min_ready_s = set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        let (available, next) = available(&live, min_ready_s, cluster.api.clock.now_us());
        if let Some(at) = next {
            self.at(at, item);
        }
        let ready = live.iter().filter(|pod| is_ready(pod)).count();
        let updated = live.iter().filter(|pod| pod["metadata"]["labels"][HASH] == hash).count();
        let (total, wanted) = (live.len(), nodes.len());
        cluster.change("apps", "daemonsets", set, "status", |it| {
            let generation = number(&it["metadata"]["generation"]);
            let status = &mut it["status"];
            if !status.is_object() {
                *status = json!({});
            }
            status["currentNumberScheduled"] = total.into();
            status["desiredNumberScheduled"] = wanted.into();
            status["numberMisscheduled"] = 0.into();
            status["numberReady"] = ready.into();
            count(status, "numberAvailable", available);
            count(status, "numberUnavailable", wanted.saturating_sub(available));
            count(status, "updatedNumberScheduled", updated);
            count(status, "observedGeneration", generation);
        });
    }
}
