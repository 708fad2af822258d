//! One Gyre at a time: the Lease that whoever runs the controllers holds and renews
//! (`client-go tools/leaderelection`, with its usual times).

use std::time::Duration;

use gyre_cluster::{ApiError, Cluster, Grant, PatchFormat, Write};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use jiff::Timestamp;
use serde_json::json;

use crate::clock::Clock;

/// The Lease's name. It lies in `kube-system`, which every cluster has.
const NAME: &str = "gyre";
const NAMESPACE: &str = "kube-system";
/// How long a Lease that is not renewed is respected.
const LASTS: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(5);
/// How often someone who waits for it looks.
const LOOK: Duration = Duration::from_secs(2);

/// A Lease that is held.
pub struct Lease {
    cluster: Cluster,
    identity: String,
}

impl Lease {
    /// Waits until nobody else holds the Lease, and takes it. A Lease of the same identity is taken over at once.
    pub async fn acquire(cluster: &Cluster, identity: &str, clock: &dyn Clock) -> Self {
        let lease = Self { cluster: cluster.clone(), identity: identity.into() };
        let mut told = String::new();
        loop {
            let waiting_for = match lease.take(clock.now()).await {
                Ok(None) => return lease,
                Ok(Some(holder)) => format!("held by {holder}"),
                Err(error) => error.to_string(),
            };
            if waiting_for != told {
                tracing::info!(lease = %target(), "waiting to become the leader: {waiting_for}");
                told = waiting_for;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Renews the Lease until that fails for as long as it lasts; then somebody else may work.
    pub async fn keep(&self, clock: &dyn Clock) {
        let mut last = tokio::time::Instant::now();
        while last.elapsed() < LASTS {
            tokio::time::sleep(RENEW).await;
            match self.take(clock.now()).await {
                Ok(None) => last = tokio::time::Instant::now(),
                Ok(Some(holder)) => {
                    tracing::error!(lease = %target(), holder, "the lease has been taken away");
                    return;
                }
                Err(error) => tracing::warn!(lease = %target(), %error, "the lease could not be renewed"),
            }
        }
    }

    /// Takes or renews the Lease; gives back who holds it otherwise.
    async fn take(&self, now: Timestamp) -> Result<Option<String>, ApiError> {
        let Some(found) = self.cluster.get(&target()).await? else {
            let spec = json!({
                "holderIdentity": self.identity, "leaseDurationSeconds": LASTS.as_secs(),
                "acquireTime": micro(now), "renewTime": micro(now), "leaseTransitions": 0,
            });
            let mut lease = Object::bare(&target());
            lease.fields_mut().insert("spec".into(), spec);
            return self.settled(Write::Create { object: &lease }).await;
        };
        let holder = found.text("/spec/holderIdentity");
        if holder != self.identity && !holder.is_empty() && is_fresh(&found, now) {
            return Ok(Some(holder.into()));
        }
        let mut spec = json!({
            "holderIdentity": self.identity, "leaseDurationSeconds": LASTS.as_secs(), "renewTime": micro(now),
        });
        if holder != self.identity {
            let transitions = found.at("/spec/leaseTransitions").and_then(serde_json::Value::as_i64);
            spec["acquireTime"] = micro(now).into();
            spec["leaseTransitions"] = (transitions.unwrap_or(0) + 1).into();
        }
        let body = json!({"metadata": {"resourceVersion": found.resource_version()}, "spec": spec});
        let (lease, format) = (target(), PatchFormat::Merge);
        let patch = Write::Patch { target: &lease, subresource: None, format, body: &body, dry_run: false };
        self.settled(patch).await
    }

    async fn settled(&self, write: Write<'_>) -> Result<Option<String>, ApiError> {
        match self.cluster.write(&Grant::own(NAME), write).await {
            Ok(_) => Ok(None),
            Err(error) if error.is_conflict() => Ok(Some("somebody who was faster".into())),
            Err(error) => Err(error),
        }
    }
}

/// Who runs the controllers at this moment; `None` where nobody does.
pub async fn holder(cluster: &Cluster, clock: &dyn Clock) -> Result<Option<String>, ApiError> {
    let found = cluster.get(&target()).await?;
    Ok(found
        .filter(|lease| is_fresh(lease, clock.now()))
        .map(|lease| lease.text("/spec/holderIdentity").to_owned()))
}

fn target() -> ObjectRef {
    ObjectRef::new(GroupVersionKind::parse("coordination.k8s.io/v1", "Lease"), NAMESPACE, NAME)
}

fn is_fresh(lease: &Object, now: Timestamp) -> bool {
    let renewed = lease.text("/spec/renewTime").parse::<Timestamp>();
    renewed.is_ok_and(|renewed| now.duration_since(renewed).as_secs() < LASTS.as_secs() as i64)
}

/// A `metav1.MicroTime`.
fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
