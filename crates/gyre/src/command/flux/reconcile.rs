//! `flux reconcile`: asks for a reconcile and waits for what comes of it.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use gyre_cluster::Cluster;
use gyre_health::kstatus::{self, Status};
use gyre_model::Object;
use serde_json::json;

use super::{Place, action, success, waiting};
use crate::client::{Wait, existing, follow, merge};
use crate::resources::{Dialect, Kind, condition, kind};

#[derive(Debug, Subcommand)]
pub(super) enum Reconcile {
    /// Reconcile sources
    #[command(subcommand)]
    Source(Source),
    /// Reconcile a Kustomization resource
    #[command(aliases = ["ks", "kustomizations"])]
    Kustomization(Delivery),
    /// Reconcile a HelmRelease resource
    #[command(aliases = ["hr", "helmreleases"])]
    Helmrelease(Delivery),
}

#[derive(Debug, Subcommand)]
pub(super) enum Source {
    /// Reconcile a GitRepository source
    Git(Name),
    /// Reconcile an OCIRepository
    Oci(Name),
    /// Reconcile a HelmRepository source
    Helm(Name),
    /// Reconcile a HelmChart source
    Chart(Name),
    /// Reconcile a Bucket source
    Bucket(Name),
}

#[derive(Debug, Args)]
pub(super) struct Name {
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Delivery {
    name: Option<String>,
    /// Reconcile the source first
    #[arg(long)]
    with_source: bool,
}

pub(super) async fn run(place: &Place, reconcile: Reconcile) -> Result<()> {
    let (word, name, with_source) = match reconcile {
        Reconcile::Source(Source::Git(Name { name })) => ("git", name, false),
        Reconcile::Source(Source::Oci(Name { name })) => ("oci", name, false),
        Reconcile::Source(Source::Helm(Name { name })) => ("helm", name, false),
        Reconcile::Source(Source::Chart(Name { name })) => ("chart", name, false),
        Reconcile::Source(Source::Bucket(Name { name })) => ("bucket", name, false),
        Reconcile::Kustomization(Delivery { name, with_source }) => ("ks", name, with_source),
        Reconcile::Helmrelease(Delivery { name, with_source }) => ("hr", name, with_source),
    };
    let kind = kind(word)?;
    let Some(name) = name else { bail!("{} name is required", kind.name) };
    let cluster = place.client.connect().await?;
    let object = existing(&cluster, &kind.gvk(), &place.namespace, &name).await?;
    deliver(&cluster, place, kind, &object, with_source).await
}

/// Reconciles the object, its source before it where that is asked for.
pub(crate) async fn deliver(
    cluster: &Cluster,
    place: &Place,
    kind: &Kind,
    object: &Object,
    with_source: bool,
) -> Result<()> {
    if kind.summary(object).is_suspended {
        bail!("resource is suspended");
    }
    if with_source {
        for (kind, namespace, name) in sources(object)? {
            let source = existing(cluster, &kind.gvk(), &namespace, &name).await?;
            if kind.summary(&source).is_suspended {
                bail!("resource is suspended");
            }
            ask(cluster, place, kind, &source).await?;
        }
    }
    ask(cluster, place, kind, object).await
}

/// The sources of an object, the first to be reconciled first.
fn sources(object: &Object) -> Result<Vec<(&'static Kind, String, String)>> {
    let source = |pointer: &str| -> Result<_> {
        let text = |field: &str| object.text(&format!("{pointer}/{field}"));
        let namespace = match text("namespace") {
            "" => object.namespace(),
            namespace => namespace,
        };
        Ok((kind(text("kind"))?, namespace.to_owned(), text("name").to_owned()))
    };
    if object.at("/spec/sourceRef").is_some() {
        return Ok(vec![source("/spec/sourceRef")?]);
    }
    if object.at("/spec/chartRef").is_some() {
        return Ok(vec![source("/spec/chartRef")?]);
    }
    let mut sources = vec![source("/spec/chart/spec/sourceRef")?];
    if let Some((namespace, name)) = object.text("/status/helmChart").split_once('/') {
        sources.push((kind("HelmChart")?, namespace.into(), name.into()));
    }
    Ok(sources)
}

async fn ask(cluster: &Cluster, place: &Place, kind: &Kind, object: &Object) -> Result<()> {
    let word = kind.name;
    action(&format!("annotating {word} {} in {} namespace", object.name(), object.namespace()));
    let before = object.text("/status/lastHandledReconcileAt").to_owned();
    merge(cluster, object, &request()).await?;
    success(&format!("{word} annotated"));
    waiting(&format!("waiting for {word} reconciliation"));
    let target = object.object_ref();
    let seen = follow(cluster, &target, place.timeout, |found| {
        let Some(object) = found else { bail!("{target} has been deleted") };
        if object.text("/status/lastHandledReconcileAt") == before {
            return Ok(Wait::On);
        }
        let verdict = kstatus::judge(object);
        match verdict.status {
            Status::Current => Ok(Wait::Done(object.clone())),
            Status::InProgress => Ok(Wait::On),
            _ => bail!("{}", message(object)),
        }
    });
    let Some(seen) = seen.await? else { bail!("context deadline exceeded") };
    let ready = condition(&seen, "Ready").is_some_and(|ready| ready["status"] == "True");
    if !ready {
        let quote = if kind.dialect == Dialect::Source { "'" } else { "" };
        bail!("{word} reconciliation failed: {quote}{}{quote}", message(&seen));
    }
    success(&kind.success(&seen));
    Ok(())
}

/// The annotation that asks for a reconcile, with the present time.
pub(crate) fn request() -> serde_json::Value {
    json!({"metadata": {"annotations": {gyre_api::flux::REQUESTED_AT: crate::time::now()}}})
}

fn message(object: &Object) -> &str {
    condition(object, "Ready")
        .and_then(|ready| ready["message"].as_str())
        .unwrap_or("status can't be determined")
}
