//! When an object of each kind is ready.

use gyre_model::Object;
use serde_json::Value;

use super::{Verdict, World};

fn number(object: &Object, pointer: &str) -> i64 {
    object.at(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn is_observed(object: &Object) -> bool {
    number(object, "/status/observedGeneration") == object.generation()
}

/// `deploymentutil`, `intstr`: a count, or percents of one.
fn scaled(value: Option<&Value>, total: i64, up: bool) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let percents: i64 = text.strip_suffix('%')?.parse().ok()?;
            let parts = percents * total;
            Some(if up { (parts + 99).div_euclid(100) } else { parts.div_euclid(100) })
        }
        _ => None,
    }
}

fn ready_when(is_so: bool) -> Verdict {
    if is_so { Verdict::Reached } else { Verdict::Waiting }
}

/// Is an object ready, as it is in the cluster?
pub(super) fn judge(live: &Object, world: &World) -> Verdict {
    match live.kind() {
        "Pod" => ready_when(pod(live)),
        "Job" => job(live),
        "Deployment" => ready_when(deployment(live, world)),
        "PersistentVolumeClaim" => ready_when(live.text("/status/phase") == "Bound"),
        "Service" => ready_when(service(live)),
        "DaemonSet" => ready_when(daemon_set(live)),
        "CustomResourceDefinition" => ready_when(definition(live)),
        "StatefulSet" => ready_when(stateful_set(live)),
        "ReplicationController" | "ReplicaSet" => ready_when(is_observed(live) && pods(live, world)),
        _ => Verdict::Reached,
    }
}

fn has_condition(object: &Object, kind: &str, status: &str) -> bool {
    let conditions = object.at("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let is = |key: &str, wanted: &str| condition.get(key).and_then(Value::as_str) == Some(wanted);
        is("type", kind) && is("status", status)
    })
}

fn pod(live: &Object) -> bool {
    has_condition(live, "Ready", "True")
}

fn pods(live: &Object, world: &World) -> bool {
    let plain = live.at("/spec/selector");
    let wrapped = (live.kind() == "ReplicationController")
        .then(|| serde_json::json!({ "matchLabels": plain.cloned().unwrap_or_default() }));
    world.selected("Pod", live.namespace(), wrapped.as_ref().or(plain)).all(pod)
}

fn job(live: &Object) -> Verdict {
    let limit = live.at("/spec/backoffLimit").and_then(Value::as_i64).unwrap_or(6);
    if number(live, "/status/failed") > limit {
        return Verdict::Failed(format!("job is failed: {}/{}", live.namespace(), live.name()));
    }
    let wanted = live.at("/spec/completions").and_then(Value::as_i64);
    ready_when(wanted.is_none_or(|wanted| number(live, "/status/succeeded") >= wanted))
}

/// The template of pods without the label that tells its revisions apart.
fn template(object: &Object) -> Value {
    let mut template = object.at("/spec/template").cloned().unwrap_or_default();
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.remove("pod-template-hash");
    }
    template
}

fn deployment(live: &Object, world: &World) -> bool {
    if live.at("/spec/paused") == Some(&Value::Bool(true)) {
        return true;
    }
    let is_owned = |set: &&Object| {
        let owners = set.at("/metadata/ownerReferences").and_then(Value::as_array);
        owners.into_iter().flatten().any(|owner| {
            owner.get("controller") == Some(&Value::Bool(true))
                && owner.get("uid").and_then(Value::as_str) == Some(live.uid())
        })
    };
    let wanted = template(live);
    let sets = world.selected("ReplicaSet", live.namespace(), live.at("/spec/selector"));
    let newest = sets
        .filter(is_owned)
        .filter(|set| template(set) == wanted)
        .min_by_key(|set| set.text("/metadata/creationTimestamp").to_owned());
    let Some(set) = newest else { return false };
    let replicas = live.at("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    is_observed(set)
        && is_observed(live)
        && number(set, "/status/readyReplicas") >= replicas - unavailable_max(live, replicas)
}

fn unavailable_max(live: &Object, replicas: i64) -> i64 {
    if live.text("/spec/strategy/type") != "RollingUpdate" || replicas == 0 {
        return 0;
    }
    let limit = |key: &str| live.at(&format!("/spec/strategy/rollingUpdate/{key}"));
    let surge = scaled(limit("maxSurge"), replicas, true).unwrap_or(0);
    let unavailable = scaled(limit("maxUnavailable"), replicas, false).unwrap_or(0);
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    unavailable.min(replicas)
}

fn service(live: &Object) -> bool {
    let kind = live.text("/spec/type");
    if kind == "ExternalName" {
        return true;
    }
    if live.text("/spec/clusterIP").is_empty() {
        return false;
    }
    let has = |pointer: &str| live.at(pointer).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    kind != "LoadBalancer" || has("/spec/externalIPs") || live.at("/status/loadBalancer/ingress").is_some()
}

fn daemon_set(live: &Object) -> bool {
    if !is_observed(live) {
        return false;
    }
    if live.text("/spec/updateStrategy/type") != "RollingUpdate" {
        return true;
    }
    let wanted = number(live, "/status/desiredNumberScheduled");
    let unavailable =
        scaled(live.at("/spec/updateStrategy/rollingUpdate/maxUnavailable"), wanted, true).unwrap_or(wanted);
    number(live, "/status/updatedNumberScheduled") == wanted
        && number(live, "/status/numberReady") >= wanted - unavailable
}

/// A definition whose names are taken will never be established, which is not for Helm to mend.
fn definition(live: &Object) -> bool {
    has_condition(live, "Established", "True") || has_condition(live, "NamesAccepted", "False")
}

fn stateful_set(live: &Object) -> bool {
    if !is_observed(live) {
        return false;
    }
    if live.text("/spec/updateStrategy/type") != "RollingUpdate" {
        return true;
    }
    let partition = number(live, "/spec/updateStrategy/rollingUpdate/partition");
    let replicas = live.at("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    number(live, "/status/updatedReplicas") >= replicas - partition
        && number(live, "/status/readyReplicas") == replicas
        && (partition != 0 || live.text("/status/currentRevision") == live.text("/status/updateRevision"))
}
