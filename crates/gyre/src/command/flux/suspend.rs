//! `flux suspend` and `flux resume`.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use gyre_cluster::Cluster;
use gyre_health::kstatus::{self, Status};
use gyre_model::Object;
use serde_json::json;

use super::{Place, action, failure, success, waiting};
use crate::client::{Wait, follow, merge};
use crate::resources::{Kind, condition, kind};

#[derive(Debug, Subcommand)]
pub(super) enum Suspend {
    /// Suspend sources
    #[command(subcommand)]
    Source(Source<Names>),
    /// Suspend reconciliation of Kustomization
    #[command(aliases = ["ks", "kustomizations"])]
    Kustomization(Names),
    /// Suspend reconciliation of HelmRelease
    #[command(aliases = ["hr", "helmreleases"])]
    Helmrelease(Names),
}

#[derive(Debug, Subcommand)]
pub(super) enum Resume {
    /// Resume sources
    #[command(subcommand)]
    Source(Source<Waiting>),
    /// Resume a suspended Kustomization
    #[command(aliases = ["ks", "kustomizations"])]
    Kustomization(Waiting),
    /// Resume a suspended HelmRelease
    #[command(aliases = ["hr", "helmreleases"])]
    Helmrelease(Waiting),
}

#[derive(Debug, Subcommand)]
pub(super) enum Source<A: Args> {
    /// A GitRepository
    Git(A),
    /// An OCIRepository
    Oci(A),
    /// A HelmRepository
    Helm(A),
    /// A HelmChart
    Chart(A),
    /// A Bucket
    Bucket(A),
}

impl<A: Args> Source<A> {
    fn split(self) -> (&'static str, A) {
        match self {
            Self::Git(args) => ("git", args),
            Self::Oci(args) => ("oci", args),
            Self::Helm(args) => ("helm", args),
            Self::Chart(args) => ("chart", args),
            Self::Bucket(args) => ("bucket", args),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Names {
    names: Vec<String>,
    /// All resources in that namespace
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct Waiting {
    #[command(flatten)]
    names: Names,
    /// Wait for the resources to be reconciled; one by its name is waited for in any case
    #[arg(long)]
    wait: bool,
}

pub(super) async fn suspend(place: &Place, suspend: Suspend) -> Result<()> {
    let (word, names) = match suspend {
        Suspend::Source(source) => source.split(),
        Suspend::Kustomization(names) => ("ks", names),
        Suspend::Helmrelease(names) => ("hr", names),
    };
    let kind = kind(word)?;
    let cluster = place.client.connect().await?;
    for (name, objects) in found(&cluster, place, kind, &names).await? {
        if let (Some(name), true) = (&name, objects.is_empty()) {
            failure(&format!("{} {name} not found in {} namespace", kind.name, place.namespace));
        }
        for object in objects {
            action(&format!("suspending {} {} in {} namespace", kind.human, object.name(), place.namespace));
            merge(&cluster, &object, &json!({"spec": {"suspend": true}})).await?;
            success(&format!("{} suspended", kind.human));
        }
    }
    Ok(())
}

pub(super) async fn resume(place: &Place, resume: Resume) -> Result<()> {
    let (word, Waiting { names, wait }) = match resume {
        Resume::Source(source) => source.split(),
        Resume::Kustomization(names) => ("ks", names),
        Resume::Helmrelease(names) => ("hr", names),
    };
    let kind = kind(word)?;
    let cluster = place.client.connect().await?;
    let mut resumed = Vec::new();
    for (name, objects) in found(&cluster, place, kind, &names).await? {
        if objects.is_empty() {
            failure(&match name {
                Some(name) => {
                    format!("{} object '{name}' not found in {} namespace", kind.name, place.namespace)
                }
                None => format!("no {} objects found in {} namespace", kind.name, place.namespace),
            });
        }
        for object in objects {
            action(&format!("resuming {} {} in {} namespace", kind.human, object.name(), place.namespace));
            resumed.push(merge(&cluster, &object, &json!({"spec": {"suspend": null}})).await?);
            success(&format!("{} resumed", kind.human));
        }
    }
    if !wait && names.names.len() != 1 {
        return Ok(());
    }
    let mut failed = 0;
    for _ in &resumed {
        waiting(&format!("waiting for {} reconciliation", kind.name));
    }
    for object in &resumed {
        match reconciled(&cluster, place, object).await {
            Ok(object) => {
                success(&format!("{} {} reconciliation completed", kind.name, object.name()));
                success(&kind.success(&object));
            }
            Err(error) => {
                failed += 1;
                failure(&format!("{} {} reconciliation failed: {error}", kind.name, object.name()));
            }
        }
    }
    if failed > 0 {
        bail!("reconciliation failed for {failed} {}(s)", kind.name);
    }
    Ok(())
}

/// The objects that are meant, each name with what it finds; `None` for all.
async fn found(
    cluster: &Cluster,
    place: &Place,
    kind: &Kind,
    names: &Names,
) -> Result<Vec<(Option<String>, Vec<Object>)>> {
    if names.names.is_empty() && !names.all {
        bail!("{} name is required", kind.human);
    }
    let objects = kind.list(cluster, Some(&place.namespace), "").await?;
    if names.names.is_empty() {
        return Ok(vec![(None, objects)]);
    }
    let mut wanted = names.names.clone();
    wanted.dedup();
    let named = |name: String| {
        let found = objects.iter().filter(|object| object.name() == name).cloned().collect();
        (Some(name), found)
    };
    Ok(wanted.into_iter().map(named).collect())
}

/// Waits until the object has been looked at as it is now.
async fn reconciled(cluster: &Cluster, place: &Place, object: &Object) -> Result<Object> {
    let target = object.object_ref();
    let generation = object.generation();
    let seen = follow(cluster, &target, place.timeout, |found| {
        let Some(object) = found else { bail!("{target} has been deleted") };
        let observed = object.at("/status/observedGeneration").and_then(serde_json::Value::as_i64);
        let verdict = kstatus::judge(object);
        match verdict.status {
            Status::Current if observed >= Some(generation) => Ok(Wait::Done(object.clone())),
            Status::Failed => {
                let ready = condition(object, "Ready").and_then(|ready| ready["message"].as_str());
                bail!("{}", ready.unwrap_or_default())
            }
            _ => Ok(Wait::On),
        }
    });
    match seen.await? {
        Some(object) => Ok(object),
        None => bail!("context deadline exceeded"),
    }
}
