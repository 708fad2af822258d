//! StatefulSets: pods with names and claims of their own, one after the other.

use serde_json::{Value, json};

use super::events::Level;
use super::pods::{is_finished, is_ready};
use super::replicas::{available, pod_of};
use super::{Cluster, Engine, Item, count, number};
use crate::object;

const HASH: &str = "controller-revision-hash";

/// A name for the present template.
pub(super) fn revision_name(owner: &Value, template: &Value) -> String {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in template.to_string().bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{}-{:08x}", object::meta(owner, "name"), state & 0xffff_ffff)
}

fn claims(cluster: &Cluster<'_>, set: &Value, pod: &mut Value, ns: &str, index: usize) {
    let name = object::meta(set, "name");
    for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume = object::meta(template, "name");
        let claim = format!("{volume}-{name}-{index}");
        if cluster.find("persistentvolumeclaims", ns, &claim).is_none() {
            let labels = set["spec"]["selector"]["matchLabels"].clone();
            let made = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim, "labels": labels},
                "spec": template["spec"],
            });
            cluster.create("", "persistentvolumeclaims", ns, made);
        }
        let source = json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}});
        match pod["spec"]["volumes"].as_array_mut() {
            Some(list) => {
                list.retain(|it| it["name"] != volume);
                list.push(source);
            }
            None => pod["spec"]["volumes"] = json!([source]),
        }
    }
}

fn tell(cluster: &Cluster<'_>, set: &Value, verb: &str, index: usize) {
    let name = object::meta(set, "name");
    let reason = if verb == "create" { "SuccessfulCreate" } else { "SuccessfulDelete" };
    let message = format!("{verb} Pod {name}-{index} in StatefulSet {name} successful");
    cluster.tell(set, "statefulset-controller", Level::Normal, reason, &message);
}

impl Engine {
    pub(super) fn stateful_set(&mut self, cluster: &Cluster<'_>, item: &Item, set: &Value) {
        let (ns, name) = (object::meta(set, "namespace").to_owned(), object::meta(set, "name").to_owned());
        let spec = &set["spec"];
        let wanted = spec["replicas"].as_u64().map_or(1, |it| usize::try_from(it).unwrap_or(0));
        let first = number(&spec["ordinals"]["start"]);
        let parallel = spec["podManagementPolicy"] == "Parallel";
        let partition = number(&spec["updateStrategy"]["rollingUpdate"]["partition"]);
        let rolling = spec["updateStrategy"]["type"] != "OnDelete";
        let update = revision_name(set, &spec["template"]);
        let held = cluster.controlled("pods", &ns, set);
        let index_of = |pod: &Value| -> Option<usize> {
            object::meta(pod, "name").strip_prefix(&format!("{name}-"))?.parse().ok()
        };
        let find = |index: usize| held.iter().find(|pod| index_of(pod) == Some(index));
        let mut steady = true;
        for index in first..first + wanted {
            match find(index) {
                None => {
                    let mut pod = pod_of(set, &spec["template"], Some(&format!("{name}-{index}")));
                    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] =
                        format!("{name}-{index}").into();
                    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = index.to_string().into();
                    pod["metadata"]["labels"][HASH] = update.clone().into();
                    pod["spec"]["hostname"] = format!("{name}-{index}").into();
                    pod["spec"]["subdomain"] = spec["serviceName"].clone();
                    claims(cluster, set, &mut pod, &ns, index);
                    if cluster.create("", "pods", &ns, pod).is_some() {
                        tell(cluster, set, "create", index);
                    }
                    steady = false;
                }
                Some(pod) if is_finished(pod) => {
                    cluster.delete("", "pods", pod);
                    steady = false;
                }
                Some(pod) => steady &= is_ready(pod) && !object::is_deleting(pod),
            }
            if !steady && !parallel {
                break;
            }
        }
        for pod in held.iter().filter(|pod| index_of(pod).is_none_or(|it| it < first || it >= first + wanted))
        {
            if steady || parallel {
                cluster.delete("", "pods", pod);
                tell(cluster, set, "delete", index_of(pod).unwrap_or_default());
                steady = false;
            }
        }
        let stale = |pod: &&Value| pod["metadata"]["labels"][HASH] != update;
        if steady && rolling {
            let mut order: Vec<&Value> =
                held.iter().filter(|pod| index_of(pod).is_some_and(|it| it >= first + partition)).collect();
            order.sort_by_key(|pod| std::cmp::Reverse(index_of(pod)));
            if let Some(pod) = order.into_iter().find(stale) {
                cluster.delete("", "pods", pod);
            }
        } else if rolling && !parallel {
            // A pod of an old template that does not come up gives way to the new one.
            if let Some(pod) = held.iter().find(|pod| {
                !is_ready(pod) && stale(pod) && index_of(pod).is_some_and(|it| it >= first + partition)
            }) {
                cluster.delete("", "pods", pod);
            }
        }
        self.stateful_status(cluster, item, set, &update);
    }

    fn stateful_status(&mut self, cluster: &Cluster<'_>, item: &Item, set: &Value, update: &str) {
        let ns = object::meta(set, "namespace");
        let pods = cluster.controlled("pods", ns, set);
        let live: Vec<Value> = pods.into_iter().filter(|pod| !is_finished(pod)).collect();
        let (ready_now, next) = available(
            &live,
            set["spec"]["minReadySeconds"].as_i64().unwrap_or(0),
            cluster.api.clock.now_us(),
        );
        if let Some(at) = next {
            self.at(at, item);
        }
        let ready = live.iter().filter(|pod| is_ready(pod)).count();
        let updated = live.iter().filter(|pod| pod["metadata"]["labels"][HASH] == update).count();
        let total = live.len();
        let wanted = number(&set["spec"]["replicas"]);
        cluster.change("apps", "statefulsets", set, "status", |it| {
            let generation = number(&it["metadata"]["generation"]);
            let status = &mut it["status"];
            if !status.is_object() {
                *status = json!({});
            }
            let current = match status["currentRevision"].as_str() {
                Some(held) if updated != total || total < wanted => held.to_owned(),
                _ => update.to_owned(),
            };
            status["replicas"] = total.into();
            count(status, "observedGeneration", generation);
            count(status, "readyReplicas", ready);
            status["availableReplicas"] = ready_now.into();
            count(status, "updatedReplicas", updated);
            count(status, "currentReplicas", if current == update { updated } else { total - updated });
            status["currentRevision"] = current.into();
            status["updateRevision"] = update.into();
            status["collisionCount"] = 0.into();
        });
    }
}
