//! `flux check`: is the cluster new enough, do the controllers run, are the definitions there?

use std::process::ExitCode;

use anyhow::{Context, Result};
use gyre_cluster::Cluster;
use gyre_controllers::{SystemClock, lease};
use gyre_go::semver::{Constraints, Version};
use gyre_health::kstatus::{self, Status};
use gyre_model::{GroupVersionKind, Object};
use serde_json::Value;

use super::{Place, action, failure, success};
use crate::resources::{Dialect, KINDS};

/// The oldest cluster that is supported (`flux2 cmd/flux/check.go`).
const KUBERNETES: &str = ">=1.33.0-0";

pub(super) async fn run(place: &Place, pre: bool) -> Result<ExitCode> {
    action("checking prerequisites");
    let cluster = place.client.connect().await.context("Kubernetes client initialization failed")?;
    let mut passed = kubernetes(&cluster).await;
    if pre {
        if passed {
            success("prerequisites checks passed");
        }
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    action("checking controllers");
    passed &= controllers(&cluster, place).await?;
    action("checking crds");
    passed &= definitions(&cluster).await?;
    if !passed {
        failure("check failed");
        return Ok(ExitCode::FAILURE);
    }
    success("all checks passed");
    Ok(ExitCode::SUCCESS)
}

async fn kubernetes(cluster: &Cluster) -> bool {
    let version = match cluster.read("/version").await {
        Ok(body) => serde_json::from_slice::<Value>(&body).unwrap_or_default(),
        Err(error) => {
            failure(&format!("Kubernetes API call failed: {error}"));
            return false;
        }
    };
    let text = version["gitVersion"].as_str().unwrap_or_default();
    let (Ok(version), Ok(constraint)) = (Version::parse(text), Constraints::parse(KUBERNETES)) else {
        failure("Kubernetes version can't be determined");
        return false;
    };
    if !constraint.check(&version) {
        failure(&format!("Kubernetes version {text} does not match {KUBERNETES}"));
        return false;
    }
    success(&format!("Kubernetes {version} {KUBERNETES}"));
    true
}

/// The Deployments of Flux or of Gyre, or a Gyre that runs beside the cluster and says so by its Lease.
async fn controllers(cluster: &Cluster, place: &Place) -> Result<bool> {
    let found = super::controllers(cluster, &place.namespace).await?;
    for deployment in &found {
        let ready = kstatus::judge(deployment).status == Status::Current;
        let name = deployment.name();
        if ready {
            success(&format!("{name}: deployment ready"));
        } else {
            failure(&format!("{name}: deployment not ready"));
            return Ok(false);
        }
        for image in images(deployment) {
            action(image);
        }
    }
    if !found.is_empty() {
        return Ok(true);
    }
    let holder = lease::holder(cluster, &SystemClock).await?;
    match &holder {
        Some(holder) => success(&format!("gyre: running as {holder}")),
        None => failure(&format!(
            "no controllers found in the '{}' namespace with the label selector 'app.kubernetes.io/part-of=flux', and no gyre that holds the lease: start `gyre run` or `gyre up`",
            place.namespace
        )),
    }
    Ok(holder.is_some())
}

fn images(deployment: &Object) -> impl Iterator<Item = &str> {
    let containers = deployment.at("/spec/template/spec/containers").and_then(Value::as_array);
    containers.into_iter().flatten().filter_map(|container| container["image"].as_str())
}

async fn definitions(cluster: &Cluster) -> Result<bool> {
    let gvk = GroupVersionKind::parse("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let all = cluster.list(&gvk, None, "").await?;
    let groups: Vec<String> =
        KINDS.iter().filter(|kind| kind.dialect != Dialect::Argo).map(|kind| kind.gvk().group).collect();
    let ours: Vec<&Object> =
        all.iter().filter(|found| groups.iter().any(|group| group == found.text("/spec/group"))).collect();
    if ours.is_empty() {
        failure("no crds found: apply the output of `gyre install --export`");
        return Ok(false);
    }
    let mut passed = true;
    for definition in ours {
        let versions = definition.at("/status/storedVersions").and_then(Value::as_array);
        match versions.and_then(|versions| versions.last()).and_then(Value::as_str) {
            Some(version) => success(&format!("{}/{version}", definition.name())),
            None => {
                failure(&format!("no stored versions for {}", definition.name()));
                passed = false;
            }
        }
    }
    Ok(passed)
}
