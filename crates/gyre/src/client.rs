//! What commands that talk to a cluster share: how to reach it, and how to wait for an object.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use gyre_cluster::{Cluster, Event, Grant, PatchFormat, Write};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::Value;
use tokio::sync::mpsc;

/// The field manager of what people change by these commands.
const MANAGER: &str = "gyre";

/// How a cluster is reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Client {
    /// Kubeconfig file; KUBECONFIG, the usual file or the cluster around us without one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true)]
    pub(crate) context: Option<String>,
}

impl Client {
    /// Connects to the cluster.
    pub(crate) async fn connect(&self) -> Result<Cluster> {
        Ok(Cluster::connect(self.kubeconfig.as_deref(), self.context.as_deref()).await?)
    }
}

/// A duration as Go writes it: `1m30s`.
pub(crate) fn span(text: &str) -> Result<Duration> {
    let nanoseconds = gyre_go::duration::Duration::parse(text).map_err(|error| anyhow!("{error}"))?.0;
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| anyhow!("negative duration {text:?}"))
}

/// Reads an object that must exist; the error is the API's.
pub(crate) async fn existing(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    namespace: &str,
    name: &str,
) -> Result<Object> {
    let target = ObjectRef::new(gvk.clone(), namespace, name);
    match cluster.get(&target).await? {
        Some(object) => Ok(object),
        None => {
            let plural = &cluster.kind(gvk).await?.plural;
            let dot = if gvk.group.is_empty() { "" } else { "." };
            bail!("{plural}{dot}{} \"{name}\" not found", gvk.group)
        }
    }
}

/// Changes an object by a merge patch.
pub(crate) async fn merge(cluster: &Cluster, object: &Object, body: &Value) -> Result<Object> {
    let target = object.object_ref();
    let write =
        Write::Patch { target: &target, subresource: None, format: PatchFormat::Merge, body, dry_run: false };
    let written = cluster.write(&Grant::own(MANAGER), write).await?;
    written.with_context(|| format!("{target} was changed, but the server did not show it"))
}

/// What an object looks like to someone who waits for it.
pub(crate) enum Wait<T> {
    /// Wait on.
    On,
    /// This is it.
    Done(T),
}

/// Follows one object until `look` has seen enough (`None`: it does not exist), or time is up.
pub(crate) async fn follow<T>(
    cluster: &Cluster,
    target: &ObjectRef,
    timeout: Duration,
    mut look: impl FnMut(Option<&Object>) -> Result<Wait<T>>,
) -> Result<Option<T>> {
    let (sender, mut events) = mpsc::channel(64);
    let (watched, gvk) = (cluster.clone(), target.gvk());
    let namespace = Some(target.namespace.clone()).filter(|namespace| !namespace.is_empty());
    let watch = tokio::spawn(async move { watched.watch(gvk, namespace, sender).await });
    let mut exists = false;
    let seen = async {
        while let Some(event) = events.recv().await {
            let wait = match &event {
                Event::Exists(object) if object.name() == target.name => {
                    exists = true;
                    look(Some(object))?
                }
                Event::Gone(gone) if gone.name == target.name => {
                    exists = false;
                    look(None)?
                }
                Event::Synced if !exists => look(None)?,
                _ => Wait::On,
            };
            if let Wait::Done(found) = wait {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    let found = tokio::time::timeout(timeout, seen).await;
    watch.abort();
    found.unwrap_or(Ok(None))
}
