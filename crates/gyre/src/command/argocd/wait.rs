//! `argocd app wait`, and how other commands wait for an Application.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use gyre_api::argo::REFRESH;
use gyre_cluster::Cluster;
use gyre_go::tabwriter::{self, Style};
use gyre_model::{Object, ObjectRef};
use serde_json::{Value, json};

use super::{Ending, chosen, existing, get, show};
use crate::client::{Wait, follow, merge};
use crate::time;

/// How the rows of progress are drawn.
const PROGRESS: Style = Style { width_min: 5, tab_width: 0, padding: 2, ..tabwriter::KUBECTL };

#[derive(Debug, Args)]
pub(super) struct Waiting {
    names: Vec<String>,
    /// Wait for sync
    #[arg(long)]
    sync: bool,
    /// Wait for health
    #[arg(long)]
    health: bool,
    /// Wait for suspended
    #[arg(long)]
    suspended: bool,
    /// Wait for degraded
    #[arg(long)]
    degraded: bool,
    /// Wait for delete
    #[arg(long)]
    delete: bool,
    /// Wait for pending operations
    #[arg(long)]
    operation: bool,
    /// Wait for apps by label
    #[arg(short = 'l', long, default_value = "")]
    selector: String,
    /// Output format. One of: json|yaml|wide
    #[arg(short, long, default_value = "wide")]
    output: String,
    /// Only wait for an application in namespace
    #[arg(short = 'N', long, default_value = "")]
    app_namespace: String,
    #[command(flatten)]
    limit: Limit,
}

/// How long is waited.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Limit {
    /// Time out after this many seconds; 0 waits for ever
    #[arg(long = "timeout", id = "seconds", default_value_t = 0)]
    seconds: u64,
}

impl Limit {
    pub(super) fn span(self) -> Duration {
        if self.seconds == 0 {
            Duration::from_secs(u64::from(u32::MAX))
        } else {
            Duration::from_secs(self.seconds)
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) sync: bool,
    pub(crate) health: bool,
    pub(crate) suspended: bool,
    pub(crate) degraded: bool,
    pub(crate) delete: bool,
    pub(crate) operation: bool,
}

pub(super) async fn run(cluster: &Cluster, waiting: Waiting) -> Ending {
    let Waiting { sync, health, suspended, degraded, delete, operation, .. } = waiting;
    let mut watched = Watched { sync, health, suspended, degraded, delete, operation };
    if watched == Watched::default() {
        watched = Watched { sync: true, health: true, operation: true, ..watched };
    }
    for target in chosen(cluster, &waiting.names, &waiting.selector, &waiting.app_namespace).await? {
        finish(cluster, &target, waiting.limit, watched, &waiting.output).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits and shows how it ended; gives back the Application and its operation as they were then.
pub(super) async fn finish(
    cluster: &Cluster,
    target: &ObjectRef,
    limit: Limit,
    watched: Watched,
    output: &str,
) -> Result<(Object, Value)> {
    let is_table = !matches!(output, "json" | "yaml");
    let app = existing(cluster, target).await?;
    let seen = until(cluster, target, limit.span(), watched, is_table).await;
    match seen {
        Ok((app, state)) => {
            print_final(cluster, &app, watched, output).await?;
            Ok((app, state))
        }
        Err(error) if error.is::<TimedOut>() => {
            let app = cluster.get(target).await?.unwrap_or(app);
            if is_table {
                println!("\nThis is the state of the app after wait timed out:");
                println!("\nThe command timed out waiting for the conditions to be met.");
            }
            print_final(cluster, &app, watched, output).await?;
            bail!("timed out ({}s) waiting for app {:?} match desired state", limit.seconds, target.name)
        }
        Err(error) => Err(error),
    }
}

async fn print_final(cluster: &Cluster, app: &Object, watched: Watched, output: &str) -> Result<()> {
    if matches!(output, "json" | "yaml") {
        return show::print_value(&show::bare(app), output);
    }
    println!();
    show::summary(app, &get::url(cluster, app).await);
    println!();
    if let Some(state) = app.at("/status/operationState").filter(|_| watched.operation) {
        show::operation(state);
    }
    print!("{}", show::resource_table(cluster, app).await?);
    Ok(())
}

/// Time is up.
#[derive(Debug, thiserror::Error)]
#[error("timed out")]
struct TimedOut;

/// Waits, with rows of progress where that is asked for.
pub(crate) async fn until(
    cluster: &Cluster,
    target: &ObjectRef,
    timeout: Duration,
    watched: Watched,
    with_rows: bool,
) -> Result<(Object, Value)> {
    let mut known: BTreeMap<(String, String), show::Resource> = BTreeMap::new();
    let seen = follow(cluster, target, timeout, |found| {
        let Some(app) = found else {
            if watched.delete {
                println!("Application '{}/{}' deleted", target.namespace, target.name);
                return Ok(Wait::Done(None));
            }
            bail!("application {:?} has been deleted", target.name)
        };
        if is_reached(app, watched) {
            return Ok(Wait::Done(Some(app.clone())));
        }
        for resource in show::resources(app) {
            let key = (
                format!("{}/{}", resource.group, resource.kind),
                format!("{}/{}", resource.namespace, resource.name),
            );
            let before = known.insert(key, resource.clone());
            let degraded = |health: &str| health == "Degraded";
            if watched.health
                && !watched.degraded
                && degraded(&resource.health)
                && before
                    .as_ref()
                    .is_some_and(|before| !matches!(before.health.as_str(), "Unknown" | "Degraded"))
            {
                let old = before.map(|before| before.health).unwrap_or_default();
                bail!(
                    "application '{}' health state has transitioned from {old} to {}",
                    target.name,
                    resource.health
                )
            }
            if with_rows && before.as_ref() != Some(&resource) {
                row(&resource, before.is_none() && known.len() == 1);
            }
        }
        Ok(Wait::On)
    });
    match seen.await? {
        Some(Some(app)) => {
            let state = app.at("/status/operationState").cloned().unwrap_or_default();
            Ok((app, state))
        }
        Some(None) => Ok((Object::bare(target), Value::Null)),
        None => Err(TimedOut.into()),
    }
}

fn row(resource: &show::Resource, with_header: bool) {
    let widths = [0, 5, 10, 10, 20, 8, 7, 10, 0];
    let line = |cells: Vec<String>| {
        let cells: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        cells.join("\t") + "\n"
    };
    let header = ["TIMESTAMP", "GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"];
    let mut text = if with_header { line(header.map(Into::into).to_vec()) } else { String::new() };
    let now = time::present().format("2006-01-02T15:04:05-07:00");
    text += &line(std::iter::once(now).chain(resource.cells()).collect());
    print!("{}", tabwriter::align(&text, PROGRESS));
}

/// Is what is waited for reached? (`checkAppWaitConditions`)
fn is_reached(app: &Object, watched: Watched) -> bool {
    if watched.delete {
        return false;
    }
    let health = app.text("/status/health/status");
    let checked = watched.health || watched.suspended || watched.degraded;
    let healthy = !checked
        || (watched.health && health == "Healthy")
        || (watched.suspended && health == "Suspended")
        || (watched.degraded && health == "Degraded");
    let synced = !watched.sync || app.text("/status/sync/status") == "Synced";
    healthy && synced && (!watched.operation || !is_operating(app))
}

/// Is an operation asked for or under way, or not yet seen in the state of the Application?
fn is_operating(app: &Object) -> bool {
    if app.at("/operation").is_some() {
        return true;
    }
    let Some(state) = app.at("/status/operationState") else { return false };
    let Some(finished) = state["finishedAt"].as_str() else { return true };
    let dry = state.pointer("/operation/sync/dryRun") == Some(&Value::Bool(true));
    !dry && app.text("/status/reconciledAt") < finished
}

/// Asks for a refresh and waits until it has been heeded.
pub(super) async fn refresh(cluster: &Cluster, app: &Object, how: &str, timeout: Duration) -> Result<Object> {
    let body = json!({"metadata": {"annotations": {REFRESH: how}}});
    merge(cluster, app, &body).await?;
    let target = app.object_ref();
    let seen = follow(cluster, &target, timeout, |found| match found {
        None => bail!("application {:?} has been deleted", target.name),
        Some(app) if app.annotation(REFRESH).is_none() => Ok(Wait::Done(app.clone())),
        Some(_) => Ok(Wait::On),
    });
    match seen.await? {
        Some(app) => Ok(app),
        None => {
            bail!("no refresh of {:?} within {} s: does a controller run?", target.name, timeout.as_secs())
        }
    }
}
