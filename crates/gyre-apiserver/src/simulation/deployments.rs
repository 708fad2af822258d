//! Deployments: a ReplicaSet for each template, and the way from the old ones to the new one.

use serde_json::{Value, json};

use super::events::Level;
use super::{Cluster, Engine, Item, count, number, owner_reference, set_condition};
use crate::clock;
use crate::object;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// A short hash of a template, in letters that names may have.
fn hash(template: &Value, collisions: u64) -> String {
    let mut state: u32 = 2_166_136_261;
    for byte in template.to_string().bytes().chain(collisions.to_string().bytes()) {
        state = (state ^ u32::from(byte)).wrapping_mul(16_777_619);
    }
    let letters = b"bcdfghjklmnpqrstvwxz2456789";
    state.to_string().bytes().map(|digit| letters[usize::from(digit - b'0')] as char).collect()
}

/// A number, or a percentage of `of`.
pub(super) fn scaled(value: &Value, of: usize, up: bool) -> usize {
    match value {
        Value::String(text) => {
            let percent: usize = text.trim_end_matches('%').parse().unwrap_or(0);
            if up { (of * percent).div_ceil(100) } else { of * percent / 100 }
        }
        value => number(value),
    }
}

/// The template of a ReplicaSet without the label that tells it apart.
fn template_of(set: &Value) -> Value {
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template
}

fn revision(set: &Value) -> u64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|it| it.parse().ok()).unwrap_or(0)
}

impl Engine {
    pub(super) fn deployment(&mut self, cluster: &Cluster<'_>, item: &Item, deployment: &Value) {
        let ns = object::meta(deployment, "namespace");
        let spec = &deployment["spec"];
        let sets = cluster.controlled("replicasets.apps", ns, deployment);
        let (mut new, mut old): (Vec<Value>, Vec<Value>) =
            sets.into_iter().partition(|set| template_of(set) == spec["template"]);
        new.sort_by(|a, b| object::meta(a, "creationTimestamp").cmp(object::meta(b, "creationTimestamp")));
        let paused = spec["paused"] == true;
        let newest = old.iter().chain(&new).map(revision).max().unwrap_or(0);
        let current = match new.first() {
            Some(set) => Some(promote(cluster, set, newest, &old)),
            None if paused => None,
            None => make_set(cluster, deployment, newest + 1),
        };
        if current.is_none() && !paused {
            return;
        }
        if let Some(current) = &current {
            let number = current["metadata"]["annotations"][REVISION].clone();
            cluster.change("apps", "deployments", deployment, "", |it| {
                if !it["metadata"]["annotations"].is_object() {
                    it["metadata"]["annotations"] = json!({});
                }
                it["metadata"]["annotations"][REVISION] = number.clone();
            });
        }
        old.sort_by_key(|set| std::cmp::Reverse(revision(set)));
        if paused {
            rescale_paused(cluster, deployment, current.as_ref(), &old);
        } else if let Some(current) = &current {
            roll(cluster, deployment, current, &old);
            trim(cluster, deployment, &old);
        }
        self.deployment_status(cluster, item, deployment);
    }

    fn deployment_status(&mut self, cluster: &Cluster<'_>, item: &Item, deployment: &Value) {
        let ns = object::meta(deployment, "namespace");
        let spec = &deployment["spec"];
        let wanted = number(&spec["replicas"]);
        let sets = cluster.controlled("replicasets.apps", ns, deployment);
        let sum = |key: &str| sets.iter().map(|set| number(&set["status"][key])).sum::<usize>();
        let current = sets.iter().find(|set| template_of(set) == spec["template"]);
        let updated = current.map_or(0, |set| number(&set["status"]["replicas"]));
        let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
        let limit = scaled(&spec["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, false);
        let minimum =
            if spec["strategy"]["type"] == "Recreate" { wanted } else { wanted.saturating_sub(limit) };
        let name = current.map_or("", |set| object::meta(set, "name"));
        let complete = updated == wanted && total == wanted && available >= wanted;
        let now = cluster.now();
        let now_us = cluster.api.clock.now_us();
        let deadline_s = spec["progressDeadlineSeconds"].as_i64().unwrap_or(600);
        let written = cluster.change("apps", "deployments", deployment, "status", |it| {
            let generation = number(&it["metadata"]["generation"]);
            let before = it["status"].clone();
            let status = &mut it["status"];
            if !status.is_object() {
                *status = json!({});
            }
            count(status, "observedGeneration", generation);
            count(status, "replicas", total);
            count(status, "updatedReplicas", updated);
            count(status, "readyReplicas", ready);
            count(status, "availableReplicas", available);
            count(status, "unavailableReplicas", total.max(wanted).saturating_sub(available));
            if available >= minimum {
                let message = "Deployment has minimum availability.";
                set_condition(status, "Available", "True", "MinimumReplicasAvailable", message, &now);
            } else {
                let message = "Deployment does not have minimum availability.";
                set_condition(status, "Available", "False", "MinimumReplicasUnavailable", message, &now);
            }
            let moved = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
                .iter()
                .any(|key| before[*key] != status[*key]);
            progress(
                status,
                &Progress {
                    name,
                    complete,
                    moved,
                    deadline_s,
                    now: &now,
                    now_us,
                    paused: deployment["spec"]["paused"] == true,
                },
            );
        });
        if let Some(at) = written.as_ref().filter(|_| !complete).and_then(last_progress) {
            let due = at + deadline_s * 1_000_000;
            if due > now_us {
                self.at(due, item);
            }
        }
    }
}

struct Progress<'a> {
    name: &'a str,
    complete: bool,
    moved: bool,
    paused: bool,
    deadline_s: i64,
    now: &'a str,
    now_us: i64,
}

fn last_progress(deployment: &Value) -> Option<i64> {
    let list = deployment["status"]["conditions"].as_array()?;
    clock::parse(list.iter().find(|it| it["type"] == "Progressing")?["lastUpdateTime"].as_str()?)
}

/// The condition that tells whether a rollout goes on.
fn progress(status: &mut Value, at: &Progress<'_>) {
    let held = status["conditions"]
        .as_array()
        .and_then(|it| it.iter().find(|it| it["type"] == "Progressing"))
        .cloned();
    let since =
        held.as_ref().and_then(|it| clock::parse(it["lastUpdateTime"].as_str()?)).unwrap_or(at.now_us);
    let stuck = held.as_ref().is_some_and(|it| it["reason"] == "ProgressDeadlineExceeded");
    let late = !at.moved && at.now_us >= since + at.deadline_s * 1_000_000;
    let (state, reason, message) = if at.paused {
        ("Unknown", "DeploymentPaused", "Deployment is paused".to_owned())
    } else if at.complete {
        let message = format!("ReplicaSet \"{}\" has successfully progressed.", at.name);
        ("True", "NewReplicaSetAvailable", message)
    } else if held.is_some() && (stuck && !at.moved || late) {
        let message = format!("ReplicaSet \"{}\" has timed out progressing.", at.name);
        ("False", "ProgressDeadlineExceeded", message)
    } else {
        ("True", "ReplicaSetUpdated", format!("ReplicaSet \"{}\" is progressing.", at.name))
    };
    set_condition(status, "Progressing", state, reason, &message, at.now);
    for it in status["conditions"].as_array_mut().into_iter().flatten() {
        if it.get("lastUpdateTime").is_none() || it["type"] == "Progressing" && at.moved {
            it["lastUpdateTime"] = at.now.into();
        }
    }
}

/// The ReplicaSet of the present template is the newest revision.
fn promote(cluster: &Cluster<'_>, set: &Value, newest: u64, old: &[Value]) -> Value {
    let older = old.iter().map(revision).max().unwrap_or(0);
    if revision(set) > older || revision(set) == newest && revision(set) != 0 {
        return set.clone();
    }
    let next = (newest + 1).to_string();
    let changed = cluster.change("apps", "replicasets", set, "", |it| {
        it["metadata"]["annotations"][REVISION] = next.clone().into();
    });
    changed.unwrap_or_else(|| set.clone())
}

fn make_set(cluster: &Cluster<'_>, deployment: &Value, revision: u64) -> Option<Value> {
    let spec = &deployment["spec"];
    let (ns, name) = (object::meta(deployment, "namespace"), object::meta(deployment, "name"));
    for collisions in 0..8 {
        let hash = hash(&spec["template"], collisions);
        let mut template = spec["template"].clone();
        template["metadata"]["labels"][HASH] = hash.clone().into();
        let mut selector = spec["selector"].clone();
        if !selector["matchLabels"].is_object() {
            selector["matchLabels"] = json!({});
        }
        selector["matchLabels"][HASH] = hash.clone().into();
        let mut annotations = deployment["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        annotations.insert(REVISION.into(), revision.to_string().into());
        let mut set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{name}-{hash}"), "labels": template["metadata"]["labels"], "annotations": annotations,
                "ownerReferences": owner_reference(deployment),
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        });
        if let Some(seconds) = spec.get("minReadySeconds") {
            set["spec"]["minReadySeconds"] = seconds.clone();
        }
        if let Some(set) = cluster.create("apps", "replicasets", ns, set) {
            return Some(set);
        }
    }
    None
}

fn scale(cluster: &Cluster<'_>, deployment: &Value, set: &Value, replicas: usize) {
    let wanted = number(&deployment["spec"]["replicas"]);
    cluster.change("apps", "replicasets", set, "", |it| {
        it["spec"]["replicas"] = replicas.into();
        it["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] =
            wanted.to_string().into();
    });
    let before = number(&set["spec"]["replicas"]);
    let direction = if replicas > before { "up" } else { "down" };
    let name = object::meta(set, "name");
    let message = format!("Scaled {direction} replica set {name} from {before} to {replicas}");
    cluster.tell(deployment, "deployment-controller", Level::Normal, "ScalingReplicaSet", &message);
}

/// One step from the old ReplicaSets to the present one.
fn roll(cluster: &Cluster<'_>, deployment: &Value, current: &Value, old: &[Value]) {
    let spec = &deployment["spec"];
    let wanted = number(&spec["replicas"]);
    let of = |set: &Value| number(&set["spec"]["replicas"]);
    let old_total: usize = old.iter().map(of).sum();
    if spec["strategy"]["type"] == "Recreate" {
        for set in old.iter().filter(|set| of(set) > 0) {
            scale(cluster, deployment, set, 0);
        }
        let left: usize = old.iter().map(|set| number(&set["status"]["replicas"])).sum();
        if left == 0 && old_total == 0 && of(current) != wanted {
            scale(cluster, deployment, current, wanted);
        }
        return;
    }
    let rolling = &spec["strategy"]["rollingUpdate"];
    let surge = scaled(&rolling["maxSurge"], wanted, true);
    let mut unavailable = scaled(&rolling["maxUnavailable"], wanted, false);
    if surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    let allowed = (wanted + surge).saturating_sub(old_total);
    let next = if of(current) > wanted { wanted } else { of(current).max(allowed.min(wanted)) };
    if next != of(current) {
        scale(cluster, deployment, current, next);
    }
    let minimum = wanted.saturating_sub(unavailable);
    let available = |set: &Value| number(&set["status"]["availableReplicas"]).min(of(set));
    let mut spare = (available(current) + old.iter().map(available).sum::<usize>()).saturating_sub(minimum);
    for set in old.iter().rev().filter(|set| of(set) > 0) {
        // Pods that are not available can go without a loss.
        let idle = of(set) - available(set);
        let down = idle + spare.min(available(set));
        spare -= spare.min(available(set));
        if down > 0 {
            scale(cluster, deployment, set, of(set) - down);
        }
    }
}

/// A paused Deployment keeps its ReplicaSets, but follows its number of replicas.
fn rescale_paused(cluster: &Cluster<'_>, deployment: &Value, current: Option<&Value>, old: &[Value]) {
    let wanted = number(&deployment["spec"]["replicas"]);
    let active: Vec<&Value> =
        current.into_iter().chain(old).filter(|set| number(&set["spec"]["replicas"]) > 0).collect();
    if let [only] = active[..]
        && number(&only["spec"]["replicas"]) != wanted
    {
        scale(cluster, deployment, only, wanted);
    }
}

/// Old ReplicaSets beyond the history limit go.
fn trim(cluster: &Cluster<'_>, deployment: &Value, old: &[Value]) {
    let keep = deployment["spec"]["revisionHistoryLimit"]
        .as_u64()
        .map_or(10, |it| usize::try_from(it).unwrap_or(10));
    let idle =
        |set: &&Value| number(&set["spec"]["replicas"]) == 0 && number(&set["status"]["replicas"]) == 0;
    for set in old.iter().filter(idle).skip(keep) {
        cluster.delete("apps", "replicasets", set);
    }
}
