//! Health as Argo CD sees it: the built-in checks of `gitops-engine/pkg/health`.

mod facts;
mod workloads;

use std::fmt;

use gyre_model::Object;
use serde_json::Value;

use crate::fields::{condition, conditions};

pub use facts::{Facts, facts, images_of};

/// Health of one object, or of all together. Ordered from best to worst, as Argo CD orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Healthy,
    /// Paused.
    Suspended,
    /// On its way.
    Progressing,
    /// Not there.
    Missing,
    /// Broken.
    Degraded,
    /// Cannot be told.
    Unknown,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A health with what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The health.
    pub health: Health,
    /// For people; often empty.
    pub message: String,
}

fn verdict(health: Health, message: impl Into<String>) -> Verdict {
    Verdict { health, message: message.into() }
}

/// Whether an Application is ready, as a condition's status says it: `True` when it is synced and healthy.
pub fn is_ready(application: &Object) -> &'static str {
    match (application.text("/status/sync/status"), application.text("/status/health/status")) {
        ("Synced", "Healthy") => "True",
        ("", _) | (_, "Progressing") => "Unknown",
        _ => "False",
    }
}

/// Judges an object that exists; `None` for the kinds that have no health of their own.
pub fn judge(object: &Object) -> Option<Verdict> {
    if object.is_deleting() {
        return Some(verdict(Health::Progressing, "Pending deletion"));
    }
    Some(match (object.gvk().group.as_str(), object.kind()) {
        ("apps", "Deployment") => workloads::deployment(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps", "ReplicaSet") => workloads::replica_set(object),
        ("apps", "DaemonSet") => workloads::daemon_set(object),
        ("batch", "Job") => workloads::job(object),
        ("", "Pod") => workloads::pod(object),
        ("extensions" | "networking.k8s.io", "Ingress") => by_address(object),
        ("", "Service") if object.text("/spec/type") == "LoadBalancer" => by_address(object),
        ("", "Service") => verdict(Health::Healthy, ""),
        ("", "PersistentVolumeClaim") => persistent_volume_claim(object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(object),
        ("apiregistration.k8s.io", "APIService") => api_service(object),
        _ => return None,
    })
}

fn by_address(object: &Object) -> Verdict {
    let addresses = object.at("/status/loadBalancer/ingress").and_then(Value::as_array);
    let health =
        if addresses.is_some_and(|list| !list.is_empty()) { Health::Healthy } else { Health::Progressing };
    verdict(health, "")
}

fn persistent_volume_claim(object: &Object) -> Verdict {
    let health = match object.text("/status/phase") {
        "Lost" => Health::Degraded,
        "Pending" => Health::Progressing,
        "Bound" => Health::Healthy,
        _ => Health::Unknown,
    };
    verdict(health, "")
}

fn api_service(object: &Object) -> Verdict {
    let Some(found) = conditions(object).into_iter().find(|condition| condition.kind == "Available") else {
        return verdict(Health::Progressing, "Waiting to be processed");
    };
    let health = if found.status == "True" { Health::Healthy } else { Health::Progressing };
    verdict(health, format!("{}: {}", found.reason, found.message))
}

/// Conditions by which an autoscaler is broken.
const AUTOSCALER_BROKEN: [(&str, &str); 8] = [
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "FailedGetObjectMetric"),
    ("ScalingActive", "FailedGetPodsMetric"),
    ("ScalingActive", "FailedGetExternalMetric"),
    ("ScalingActive", "FailedComputeMetricsReplicas"),
    ("ScalingActive", "InvalidSelector"),
];

fn autoscaler(object: &Object) -> Verdict {
    // autoscaling/v1 keeps its conditions in an annotation.
    let annotated: Vec<Value> = object
        .annotation("autoscaling.alpha.kubernetes.io/conditions")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let found = if object.api_version() == "autoscaling/v1" {
        annotated.iter().map(condition).collect()
    } else {
        conditions(object)
    };
    let broken =
        found.iter().find(|condition| AUTOSCALER_BROKEN.contains(&(condition.kind, condition.reason)));
    if let Some(condition) = broken {
        return verdict(Health::Degraded, condition.message);
    }
    let able = found.iter().find(|condition| {
        matches!(condition.kind, "AbleToScale" | "ScalingLimited") && condition.status == "True"
    });
    match able {
        Some(condition) => verdict(Health::Healthy, condition.message),
        None => verdict(Health::Progressing, "Waiting to Autoscale"),
    }
}
