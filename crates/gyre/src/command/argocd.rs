//! `gyre argocd ...`, and the program under the name `argocd`: its application commands over the kube API, as
//! `argocd --core` has them, with its texts and exit codes.

mod create;
mod delete;
mod diff;
mod get;
mod list;
mod show;
mod sync;
mod wait;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use gyre_api::argo::{GROUP, NAMESPACE};
use gyre_cluster::{ApiError, Cluster};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::{Value, json};

use crate::client::Client;
use crate::time;

/// The exit code of what fails (`util/errors` ErrorGeneric).
const FAILED: u8 = 20;

/// What `argocd` is asked for.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Argocd {
    #[command(flatten)]
    client: Client,
    /// Talk to Kubernetes directly; this is always so
    #[arg(long, global = true, hide = true)]
    core: bool,
    /// Of a server that is not asked
    #[arg(long, global = true, hide = true)]
    server: Option<String>,
    #[arg(long, global = true, hide = true)]
    auth_token: Option<String>,
    #[arg(long, global = true, hide = true)]
    plaintext: bool,
    #[arg(long, global = true, hide = true)]
    insecure: bool,
    #[arg(long, global = true, hide = true)]
    grpc_web: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Manage applications
    #[command(subcommand)]
    App(App),
    /// Print version information
    Version,
}

#[derive(Debug, Subcommand)]
enum App {
    /// List applications
    List(list::List),
    /// Get application details
    Get(get::Get),
    /// Application details without its resources
    Info(get::Name),
    /// The resources of an application with what they own
    Tree(get::Name),
    /// List resources of application
    Resources(get::Name),
    /// Show application deployment history
    History(get::History),
    /// Perform a diff against the target and live state
    Diff(get::Name),
    /// Sync an application to its target state
    Sync(sync::Sync),
    /// Wait for an application to reach a synced and healthy state
    Wait(wait::Waiting),
    /// Create an application
    Create(Box<create::Create>),
    /// Delete an application
    Delete(delete::Delete),
}

/// How a command ends that has said what it had to say.
pub(crate) type Ending = Result<ExitCode>;

pub(crate) async fn run(argocd: Argocd) -> Ending {
    let done = match argocd.command {
        Command::App(app) => app_command(&argocd.client, app).await,
        Command::Version => {
            println!("argocd: gyre {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
    };
    done.or_else(|error| {
        fatal(&format!("{error:#}"));
        Ok(ExitCode::from(FAILED))
    })
}

async fn app_command(client: &Client, app: App) -> Ending {
    let cluster = client.connect().await?;
    match app {
        App::List(list) => list::run(&cluster, list).await,
        App::Get(get) => get::run(&cluster, get).await,
        App::Info(name) => get::info(&cluster, name).await,
        App::Tree(name) => get::tree(&cluster, name).await,
        App::Resources(name) => get::resources(&cluster, name).await,
        App::History(history) => get::history(&cluster, history).await,
        App::Diff(name) => diff::run(&cluster, name).await,
        App::Sync(sync) => sync::run(&cluster, sync).await,
        App::Wait(waiting) => wait::run(&cluster, waiting).await,
        App::Create(create) => create::run(&cluster, *create).await,
        App::Delete(delete) => delete::run(&cluster, delete).await,
    }
}

/// The last line of a command that failed.
fn fatal(message: &str) {
    let line = json!({"level": "fatal", "msg": message, "time": time::present().to_rfc3339()});
    eprintln!("{line}");
}

fn gvk() -> GroupVersionKind {
    GroupVersionKind { group: GROUP.into(), version: "v1alpha1".into(), kind: "Application".into() }
}

/// `name`, or `namespace/name`.
fn reference(name: &str, namespace: &str) -> ObjectRef {
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (namespace, name),
        None if namespace.is_empty() => (NAMESPACE, name),
        None => (namespace, name),
    };
    ObjectRef::new(gvk(), namespace, name)
}

/// Reads an Application that must exist.
async fn existing(cluster: &Cluster, target: &ObjectRef) -> Result<Object> {
    match cluster.get(target).await {
        Ok(Some(object)) => Ok(object),
        // The server does not tell an application that is missing from one that is not to be seen.
        Ok(None) => bail!("rpc error: code = PermissionDenied desc = permission denied"),
        Err(error) => Err(rpc(error)),
    }
}

/// An error of the API as Argo CD's server passes it on.
fn rpc(error: ApiError) -> anyhow::Error {
    let code = match error.code() {
        401 => "Unauthenticated",
        403 => "PermissionDenied",
        404 => "NotFound",
        409 => "AlreadyExists",
        400 | 422 => "InvalidArgument",
        _ => "Unknown",
    };
    anyhow::anyhow!("rpc error: code = {code} desc = {error}")
}

/// The names that are meant: given, or chosen by labels.
async fn chosen(
    cluster: &Cluster,
    names: &[String],
    selector: &str,
    namespace: &str,
) -> Result<Vec<ObjectRef>> {
    let mut chosen: Vec<ObjectRef> = names.iter().map(|name| reference(name, namespace)).collect();
    if !selector.is_empty() {
        let found = cluster.list(&gvk(), None, selector).await.map_err(rpc)?;
        chosen.extend(found.iter().map(Object::object_ref));
    }
    if chosen.is_empty() {
        bail!("name an application, or choose some by --selector");
    }
    Ok(chosen)
}

/// Refreshes an Application and syncs it where it is out of step.
pub(crate) async fn refresh_and_sync(cluster: &Cluster, object: &Object, timeout: Duration) -> Result<()> {
    let target = object.object_ref();
    wait::refresh(cluster, object, "normal", timeout).await?;
    let object = existing(cluster, &target).await?;
    if object.text("/status/sync/status") != "Synced" {
        sync::ask(cluster, &object, json!({"syncStrategy": {"hook": {}}})).await?;
    }
    let watched = wait::Watched { operation: true, ..wait::Watched::default() };
    let (object, _) = wait::until(cluster, &target, timeout, watched, false).await?;
    let text = |pointer: &str| object.text(pointer).to_owned();
    println!(
        "{target}  {}  {}  {}",
        text("/status/sync/status"),
        text("/status/health/status"),
        text("/status/operationState/message")
    );
    match object.at("/status/operationState/phase").and_then(Value::as_str) {
        Some("Failed" | "Error") => bail!("{}", text("/status/operationState/message")),
        _ => Ok(()),
    }
}
