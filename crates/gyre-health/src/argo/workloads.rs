//! Deployments, StatefulSets, ReplicaSets, DaemonSets, Jobs and Pods.

use gyre_model::Object;
use serde_json::Value;

use super::{Health, Verdict, verdict};
use crate::fields::{conditions, int};

/// Annotation under which a Pod that restarts never or on failure is judged like a lasting one.
const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";

fn progressing(message: impl Into<String>) -> Verdict {
    verdict(Health::Progressing, message)
}

pub(super) fn deployment(object: &Object) -> Verdict {
    if object.at("/spec/paused") == Some(&Value::Bool(true)) {
        return verdict(Health::Suspended, "Deployment is paused");
    }
    if object.generation() > int(object, "/status/observedGeneration", 0) {
        return progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation",
        );
    }
    let late = conditions(object)
        .iter()
        .any(|found| found.kind == "Progressing" && found.reason == "ProgressDeadlineExceeded");
    if late {
        let message = format!("Deployment {:?} exceeded its progress deadline", object.name());
        return verdict(Health::Degraded, message);
    }
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let (replicas, updated, available) =
        (status("replicas"), status("updatedReplicas"), status("availableReplicas"));
    match object.at("/spec/replicas").and_then(Value::as_i64) {
        Some(wanted) if updated < wanted => progressing(format!(
            "Waiting for rollout to finish: {updated} out of {wanted} new replicas have been updated..."
        )),
        _ if replicas > updated => progressing(format!(
            "Waiting for rollout to finish: {} old replicas are pending termination...",
            replicas - updated
        )),
        _ if available < updated => progressing(format!(
            "Waiting for rollout to finish: {available} of {updated} updated replicas are available..."
        )),
        _ => verdict(Health::Healthy, ""),
    }
}

pub(super) fn replica_set(object: &Object) -> Verdict {
    if object.generation() > int(object, "/status/observedGeneration", 0) {
        return progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        );
    }
    let failing = |kind: &str, status: &str| kind == "ReplicaFailure" && status == "True";
    if let Some(found) = conditions(object).iter().find(|found| failing(found.kind, found.status)) {
        return verdict(Health::Degraded, found.message);
    }
    let available = int(object, "/status/availableReplicas", 0);
    match object.at("/spec/replicas").and_then(Value::as_i64) {
        Some(wanted) if available < wanted => progressing(format!(
            "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        )),
        _ => verdict(Health::Healthy, ""),
    }
}

pub(super) fn daemon_set(object: &Object) -> Verdict {
    if object.generation() > int(object, "/status/observedGeneration", 0) {
        return progressing(
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        );
    }
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let (updated, wanted) = (status("updatedNumberScheduled"), status("desiredNumberScheduled"));
    let available = status("numberAvailable");
    if object.text("/spec/updateStrategy/type") == "OnDelete" {
        let message = format!("daemon set {updated} out of {wanted} new pods have been updated");
        return verdict(Health::Healthy, message);
    }
    let name = object.name();
    if updated < wanted {
        return progressing(format!(
            "Waiting for daemon set {name:?} rollout to finish: {updated} out of {wanted} new pods have been updated..."
        ));
    }
    if available < wanted {
        return progressing(format!(
            "Waiting for daemon set {name:?} rollout to finish: {available} of {wanted} updated pods are available..."
        ));
    }
    verdict(Health::Healthy, "")
}

pub(super) fn stateful_set(object: &Object) -> Verdict {
    let observed = int(object, "/status/observedGeneration", 0);
    if observed == 0 || object.generation() > observed {
        return progressing("Waiting for statefulset spec update to be observed...");
    }
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let wanted = object.at("/spec/replicas").and_then(Value::as_i64);
    let (ready, updated) = (status("readyReplicas"), status("updatedReplicas"));
    if let Some(wanted) = wanted.filter(|wanted| ready < *wanted) {
        return progressing(format!("Waiting for {} pods to be ready...", wanted - ready));
    }
    let strategy = object.text("/spec/updateStrategy/type");
    if strategy == "RollingUpdate" && object.at("/spec/updateStrategy/rollingUpdate").is_some() {
        let partition = object.at("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64);
        if let Some(due) = wanted.zip(partition).map(|(wanted, partition)| wanted - partition)
            && updated < due
        {
            return progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {due} new pods have been updated..."
            ));
        }
        let message = format!("partitioned roll out complete: {updated} new pods have been updated...");
        return verdict(Health::Healthy, message);
    }
    if strategy == "OnDelete" {
        return verdict(Health::Healthy, format!("statefulset has {ready} ready pods"));
    }
    let (update, current) = (object.text("/status/updateRevision"), object.text("/status/currentRevision"));
    if update != current {
        return progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {update}..."
        ));
    }
    let at_current = status("currentReplicas");
    let message = format!("statefulset rolling update complete {at_current} pods at revision {current}...");
    verdict(Health::Healthy, message)
}

pub(super) fn job(object: &Object) -> Verdict {
    let (mut complete, mut suspended) = (false, false);
    let mut failure = None;
    let mut message = "";
    for found in conditions(object) {
        match found.kind {
            "Failed" => (complete, failure) = (true, Some(found.message)),
            "Complete" => (complete, message) = (true, found.message),
            "Suspended" => {
                (complete, message) = (true, found.message);
                suspended |= found.status == "True";
            }
            _ => {}
        }
    }
    match failure {
        _ if !complete => progressing(message),
        Some(message) => verdict(Health::Degraded, message),
        None if suspended => verdict(Health::Suspended, message),
        None => verdict(Health::Healthy, message),
    }
}

pub(super) fn pod(object: &Object) -> Verdict {
    let hook = object.annotation("argocd.argoproj.io/hook").or(object.annotation("helm.sh/hook")).is_some();
    let lasting = object.text("/spec/restartPolicy") == "Always"
        || (object.annotation(IGNORE_RESTART_POLICY) == Some("true") && !hook);
    let containers = |field: &str| {
        let list = object.at(&format!("/status/{field}")).and_then(Value::as_array);
        list.map(Vec::as_slice).unwrap_or_default()
    };
    if lasting {
        let stuck: Vec<&str> = containers("containerStatuses").iter().filter_map(stuck_message).collect();
        if !stuck.is_empty() {
            return verdict(Health::Degraded, stuck.join(", "));
        }
    }
    let message = object.text("/status/message");
    match object.text("/status/phase") {
        "Pending" => progressing(message),
        "Succeeded" => verdict(Health::Healthy, message),
        "Failed" if !message.is_empty() => verdict(Health::Degraded, message),
        "Failed" => {
            let mut all = containers("initContainerStatuses").iter().chain(containers("containerStatuses"));
            verdict(Health::Degraded, all.find_map(failure_message).unwrap_or_default())
        }
        "Running" if !lasting => progressing(message),
        "Running" => {
            let ready =
                conditions(object).iter().any(|found| found.kind == "Ready" && found.status == "True");
            let died = containers("containerStatuses")
                .iter()
                .any(|container| container.pointer("/lastState/terminated").is_some());
            let health = match (ready, died) {
                (true, _) => Health::Healthy,
                (false, true) => Health::Degraded,
                (false, false) => Health::Progressing,
            };
            verdict(health, message)
        }
        _ => verdict(Health::Unknown, message),
    }
}

fn stuck_message(container: &Value) -> Option<&str> {
    let waiting = container.pointer("/state/waiting")?;
    let reason = waiting.get("reason").and_then(Value::as_str).unwrap_or_default();
    let stuck = reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
    stuck.then(|| waiting.get("message").and_then(Value::as_str).unwrap_or_default())
}

fn failure_message(container: &Value) -> Option<String> {
    let terminated = container.pointer("/state/terminated")?;
    let text = |field: &str| terminated.get(field).and_then(Value::as_str).unwrap_or_default();
    if !text("message").is_empty() {
        return Some(text("message").into());
    }
    if text("reason") == "OOMKilled" {
        return Some("OOMKilled".into());
    }
    let code = terminated.get("exitCode").and_then(Value::as_i64).filter(|code| *code != 0)?;
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
    Some(format!("container {name:?} failed with exit code {code}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge;
    use super::*;

    fn judged(api_version: &str, kind: &str, spec: Value, status: Value) -> String {
        let value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "generation": 1},
            "spec": spec, "status": status});
        let Verdict { health, message } = judge(&Object::new(value).unwrap()).unwrap();
        format!("{health}: {message}")
    }

    #[test]
    fn deployments() {
        let ok =
            json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
        assert_eq!(judged("apps/v1", "Deployment", json!({"replicas": 1}), ok), "Healthy: ");
        let wanted = "Suspended: Deployment is paused";
        assert_eq!(judged("apps/v1", "Deployment", json!({"paused": true}), json!({})), wanted);
        let late = json!({"observedGeneration": 1,
            "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]});
        let wanted = "Degraded: Deployment \"x\" exceeded its progress deadline";
        assert_eq!(judged("apps/v1", "Deployment", json!({}), late), wanted);
    }

    #[test]
    fn pods() {
        let waiting = json!({"phase": "Pending",
            "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}}]});
        assert_eq!(judged("v1", "Pod", json!({"restartPolicy": "Always"}), waiting.clone()), "Degraded: no");
        assert_eq!(judged("v1", "Pod", json!({"restartPolicy": "Never"}), waiting), "Progressing: ");
        let failed = json!({"phase": "Failed",
            "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 3}}}]});
        let wanted = "Degraded: container \"c\" failed with exit code 3";
        assert_eq!(judged("v1", "Pod", json!({"restartPolicy": "Never"}), failed), wanted);
    }

    #[test]
    fn jobs() {
        assert_eq!(judged("batch/v1", "Job", json!({}), json!({"active": 1})), "Progressing: ");
        let failed = json!({"conditions": [{"type": "Failed", "status": "True", "message": "no"}]});
        assert_eq!(judged("batch/v1", "Job", json!({}), failed), "Degraded: no");
    }
}
