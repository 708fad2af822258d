//! Health as Flux sees it: `fluxcd/cli-utils pkg/kstatus`, with kustomize-controller's own reader for Jobs.

use std::fmt;

use gyre_model::Object;
use serde_json::Value;

use crate::fields::{Condition, conditions, int};

/// What kstatus says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// On its way.
    InProgress,
    /// Will not get ready by itself.
    Failed,
    /// Ready.
    Current,
    /// Being deleted.
    Terminating,
    /// Not there.
    NotFound,
    /// Cannot be told.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// A status with what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// For people.
    pub message: String,
}

fn verdict(status: Status, message: impl Into<String>) -> Verdict {
    Verdict { status, message: message.into() }
}

fn current(message: impl Into<String>) -> Verdict {
    verdict(Status::Current, message)
}

fn in_progress(message: impl Into<String>) -> Verdict {
    verdict(Status::InProgress, message)
}

fn failed(message: impl Into<String>) -> Verdict {
    verdict(Status::Failed, message)
}

/// Judges an object that exists.
pub fn judge(object: &Object) -> Verdict {
    if let Some(early) = generic(object) {
        return early;
    }
    match (object.gvk().group.as_str(), object.kind()) {
        ("", "Service") => service(object),
        ("", "Pod") => pod(object),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => current("Resource is always ready"),
        ("", "PersistentVolumeClaim") => persistent_volume_claim(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("policy", "PodDisruptionBudget") => current("AllowedDisruptions has been computed."),
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => ready_condition(object),
    }
}

/// What holds for every kind: deletion, an old generation, the conditions Reconciling and Stalled.
fn generic(object: &Object) -> Option<Verdict> {
    if object.is_deleting() {
        return Some(verdict(Status::Terminating, "Resource scheduled for deletion"));
    }
    let generation = object.at("/metadata/generation").and_then(Value::as_i64);
    let observed = object.at("/status/observedGeneration").and_then(Value::as_i64);
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        let kind = object.kind();
        return Some(in_progress(format!(
            "{kind} generation is {generation}, but latest observed generation is {observed}"
        )));
    }
    conditions(object).iter().find_map(|condition| match (condition.kind, condition.status) {
        ("Reconciling", "True") => Some(in_progress(condition.message)),
        ("Stalled", "True") => Some(failed(condition.message)),
        _ => None,
    })
}

fn ready_condition(object: &Object) -> Verdict {
    match conditions(object).iter().find(|condition| condition.kind == "Ready") {
        Some(Condition { status: "True", .. }) => current("Resource is Ready"),
        Some(Condition { status: "False" | "Unknown", message, .. }) => in_progress(*message),
        _ => current("Resource is current"),
    }
}

fn deployment(object: &Object) -> Verdict {
    let mut progressing = object.at("/spec/progressDeadlineSeconds").is_none();
    let mut available = false;
    for condition in conditions(object) {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                return failed("Progress deadline exceeded");
            }
            "Progressing" if condition.status == "True" && condition.reason == "NewReplicaSetAvailable" => {
                progressing = true;
            }
            "Available" if condition.status == "True" => available = true,
            _ => {}
        }
    }
    let wanted = int(object, "/spec/replicas", 1);
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let (replicas, updated) = (status("replicas"), status("updatedReplicas"));
    let (ready, up) = (status("readyReplicas"), status("availableReplicas"));
    if wanted > replicas {
        in_progress(format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        in_progress(format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        in_progress(format!("Pending termination: {}", replicas - wanted))
    } else if updated > up {
        in_progress(format!("Available: {up}/{updated}"))
    } else if wanted > ready {
        in_progress(format!("Ready: {ready}/{wanted}"))
    } else if !progressing {
        in_progress("ReplicaSet not Available")
    } else if !available {
        in_progress("Deployment not Available")
    } else {
        current(format!("Deployment is available. Replicas: {replicas}"))
    }
}

fn replica_set(object: &Object) -> Verdict {
    let failing =
        |condition: &Condition<'_>| condition.kind == "ReplicaFailure" && condition.status == "True";
    if conditions(object).iter().any(failing) {
        return in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = int(object, "/spec/replicas", 1);
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let labelled = status("fullyLabeledReplicas");
    let (replicas, ready, up) = (status("replicas"), status("readyReplicas"), status("availableReplicas"));
    if wanted > labelled {
        in_progress(format!("Labelled: {labelled}/{wanted}"))
    } else if wanted > up {
        in_progress(format!("Available: {up}/{wanted}"))
    } else if wanted > ready {
        in_progress(format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        in_progress(format!("Pending termination: {}", replicas - wanted))
    } else {
        current(format!("ReplicaSet is available. Replicas: {replicas}"))
    }
}

fn stateful_set(object: &Object) -> Verdict {
    if object.text("/spec/updateStrategy/type") == "OnDelete" {
        return current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = int(object, "/spec/replicas", 1);
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let (replicas, ready, updated) = (status("replicas"), status("readyReplicas"), status("updatedReplicas"));
    if wanted > replicas {
        return in_progress(format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return in_progress(format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    let partition = int(object, "/spec/updateStrategy/rollingUpdate/partition", -1);
    if partition != -1 {
        return if updated < wanted - partition {
            in_progress(format!("updated: {updated}/{}", wanted - partition))
        } else {
            current(format!("Partition rollout complete. updated: {updated}"))
        };
    }
    let at_current = status("currentReplicas");
    if wanted > at_current {
        in_progress(format!("current: {at_current}/{wanted}"))
    } else if object.text("/status/currentRevision") != object.text("/status/updateRevision") {
        in_progress("Waiting for updated revision to match current")
    } else {
        current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
    }
}

fn daemon_set(object: &Object) -> Verdict {
    for (pointer, field) in [
        ("/metadata/generation", "metadata.generation"),
        ("/status/observedGeneration", "status.observedGeneration"),
    ] {
        if object.at(pointer).is_none() {
            return in_progress(format!("{} {field} not found", object.kind()));
        }
    }
    let status = |field: &str, default: i64| int(object, &format!("/status/{field}"), default);
    let wanted = status("desiredNumberScheduled", -1);
    if wanted == -1 {
        return in_progress("Missing .status.desiredNumberScheduled");
    }
    let counts = [
        ("Current", "currentNumberScheduled"),
        ("Updated", "updatedNumberScheduled"),
        ("Available", "numberAvailable"),
        ("Ready", "numberReady"),
    ];
    for (word, field) in counts {
        let count = status(field, 0);
        if wanted > count {
            return in_progress(format!("{word}: {count}/{wanted}"));
        }
    }
    current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
}

fn persistent_volume_claim(object: &Object) -> Verdict {
    match object.at("/status/phase").and_then(Value::as_str).unwrap_or("unknown") {
        "Bound" => current("PVC is Bound"),
        phase => in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

fn pod(object: &Object) -> Verdict {
    let conditions = conditions(object);
    match object.text("/status/phase") {
        "Succeeded" => current("Pod has completed successfully"),
        "Failed" => current("Pod has completed, but not successfully"),
        "Running" if conditions.iter().any(|found| found.kind == "Ready" && found.status == "True") => {
            current("Pod is Ready")
        }
        "Running" => match crash_looping(object) {
            names if names.is_empty() => in_progress("Pod is running but is not Ready"),
            names => failed(format!("Containers in CrashLoop state: {}", names.join(","))),
        },
        "Pending" => {
            let unschedulable = |found: &Condition<'_>| {
                found.kind == "PodScheduled" && found.status == "False" && found.reason == "Unschedulable"
            };
            if conditions.iter().any(unschedulable) {
                failed("Pod could not be scheduled")
            } else {
                in_progress("Pod is in the Pending phase")
            }
        }
        "" => in_progress("Pod phase not available"),
        phase => verdict(Status::Unknown, format!("unknown phase {phase}")),
    }
}

fn crash_looping(pod: &Object) -> Vec<&str> {
    let containers = pod.at("/status/containerStatuses").and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter(|container| {
            container.pointer("/state/waiting/reason").is_some_and(|reason| reason == "CrashLoopBackOff")
        })
        .filter_map(|container| container.get("name")?.as_str())
        .collect()
}

/// A Job is ready when it has completed: kustomize-controller's reader, not kstatus's own.
fn job(object: &Object) -> Verdict {
    let parallelism = int(object, "/spec/parallelism", 1);
    let completions = int(object, "/spec/completions", parallelism);
    let status = |field: &str| int(object, &format!("/status/{field}"), 0);
    let (succeeded, active, lost) = (status("succeeded"), status("active"), status("failed"));
    for condition in conditions(object).iter().filter(|condition| condition.status == "True") {
        match condition.kind {
            "Complete" => return current(format!("Job Completed. succeeded: {succeeded}/{completions}")),
            "Failed" => return failed(format!("Job Failed. failed: {lost}/{completions}")),
            _ => {}
        }
    }
    if object.text("/status/startTime").is_empty() {
        return in_progress("Job not started");
    }
    in_progress(format!("Job in progress. success:{succeeded}, active: {active}, failed: {lost}"))
}

fn service(object: &Object) -> Verdict {
    if object.text("/spec/type") == "LoadBalancer" && object.text("/spec/clusterIP").is_empty() {
        return in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    current("Service is ready")
}

fn definition(object: &Object) -> Verdict {
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return failed(condition.message),
            ("Established", "False") if condition.reason != "Installing" => return failed(condition.message),
            ("Established", "True") => return current("CRD is established"),
            _ => {}
        }
    }
    in_progress("Install in progress")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(api_version: &str, kind: &str, rest: Value) -> String {
        let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}});
        for (key, part) in rest.as_object().unwrap() {
            value[key] = part.clone();
        }
        let Verdict { status, message } = judge(&Object::new(value).unwrap());
        format!("{status}: {message}")
    }

    #[test]
    fn a_deployment_is_current_when_all_replicas_are() {
        let mut rest = json!({"spec": {"replicas": 2, "progressDeadlineSeconds": 600}, "status": {}});
        assert_eq!(judged("apps/v1", "Deployment", rest.clone()), "InProgress: Replicas: 0/2");
        rest["status"] = json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2,
            "conditions": [
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                {"type": "Available", "status": "True"}]});
        let wanted = "Current: Deployment is available. Replicas: 2";
        assert_eq!(judged("apps/v1", "Deployment", rest.clone()), wanted);
        rest["status"]["conditions"][0]["reason"] = "ProgressDeadlineExceeded".into();
        assert_eq!(judged("apps/v1", "Deployment", rest), "Failed: Progress deadline exceeded");
    }

    #[test]
    fn an_old_generation_is_in_progress() {
        let rest = json!({"metadata": {"name": "x", "generation": 2}, "status": {"observedGeneration": 1}});
        let wanted = "InProgress: Foo generation is 2, but latest observed generation is 1";
        assert_eq!(judged("example.com/v1", "Foo", rest), wanted);
    }

    #[test]
    fn other_kinds_go_by_their_ready_condition() {
        let ready = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": "m"}]}});
        assert_eq!(judged("example.com/v1", "Foo", ready("True")), "Current: Resource is Ready");
        assert_eq!(judged("example.com/v1", "Foo", ready("False")), "InProgress: m");
        assert_eq!(judged("example.com/v1", "Foo", json!({})), "Current: Resource is current");
    }

    #[test]
    fn a_job_is_current_only_when_complete() {
        let running = json!({"status": {"startTime": "2026-01-01T00:00:00Z", "active": 1}});
        let wanted = "InProgress: Job in progress. success:0, active: 1, failed: 0";
        assert_eq!(judged("batch/v1", "Job", running), wanted);
        let done =
            json!({"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}});
        assert_eq!(judged("batch/v1", "Job", done), "Current: Job Completed. succeeded: 1/1");
    }
}
