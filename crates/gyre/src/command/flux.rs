//! `gyre flux ...`, and the program under the name `flux`: its commands over the kube API, with its texts.

mod check;
mod get;
pub(crate) mod reconcile;
mod suspend;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use gyre_cluster::{ApiError, Cluster};
use gyre_model::{GroupVersionKind, Object};

use crate::client::{Client, span};
use crate::command::logs;

/// What `flux` is asked for.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Flux {
    #[command(flatten)]
    client: Client,
    /// The namespace of the objects
    #[arg(short, long, global = true, env = "FLUX_SYSTEM_NAMESPACE", default_value = "flux-system")]
    namespace: String,
    /// How long the command may take
    #[arg(long, global = true, default_value = "5m", value_parser = span)]
    timeout: Duration,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check requirements and installation
    #[command(after_help = "Examples:
  flux check --pre     run pre-installation checks
  flux check           run installation checks")]
    Check {
        /// Only run pre-installation checks
        #[arg(long)]
        pre: bool,
    },
    /// Get the resources and their status
    #[command(subcommand)]
    Get(get::Get),
    /// Reconcile sources and resources
    #[command(subcommand)]
    Reconcile(reconcile::Reconcile),
    /// Suspend sources and resources
    #[command(subcommand)]
    Suspend(suspend::Suspend),
    /// Resume sources and resources
    #[command(subcommand)]
    Resume(suspend::Resume),
    /// Display formatted logs for Flux components
    Logs(logs::Logs),
}

/// Where a command works.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) timeout: Duration,
}

pub(crate) async fn run(flux: Flux) -> Result<ExitCode> {
    let place = Place { client: flux.client, namespace: flux.namespace, timeout: flux.timeout };
    match flux.command {
        Command::Check { pre } => return check::run(&place, pre).await,
        Command::Get(get) => get::run(&place, get).await?,
        Command::Reconcile(reconcile) => reconcile::run(&place, reconcile).await?,
        Command::Suspend(suspend) => suspend::suspend(&place, suspend).await?,
        Command::Resume(resume) => suspend::resume(&place, resume).await?,
        Command::Logs(logs) => {
            logs::run(&place.client, &place.namespace, logs).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The Deployments of Flux or of Gyre in a namespace.
pub(crate) async fn controllers(cluster: &Cluster, namespace: &str) -> Result<Vec<Object>, ApiError> {
    let gvk = GroupVersionKind::parse("apps/v1", "Deployment");
    cluster.list(&gvk, Some(namespace), "app.kubernetes.io/part-of in (flux,gyre)").await
}

/// `► ...`: what is done now.
pub(crate) fn action(text: &str) {
    eprintln!("► {text}");
}

/// `✔ ...`: what is done.
pub(crate) fn success(text: &str) {
    eprintln!("✔ {text}");
}

/// `◎ ...`: what is waited for.
pub(crate) fn waiting(text: &str) {
    eprintln!("◎ {text}");
}

/// `✗ ...`: what failed, where the command goes on.
pub(crate) fn failure(text: &str) {
    eprintln!("✗ {text}");
}
