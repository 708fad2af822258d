//! `argocd app sync`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use gyre_cluster::Cluster;
use gyre_model::Object;
use serde_json::{Value, json};

use super::wait::{Limit, Watched, finish};
use super::{Ending, chosen, existing, fatal};
use crate::client::merge;

#[derive(Debug, Args)]
pub(super) struct Sync {
    names: Vec<String>,
    /// Preview apply without affecting cluster
    #[arg(long)]
    dry_run: bool,
    /// Allow deleting unexpected resources
    #[arg(long)]
    prune: bool,
    /// Sync to a specific revision
    #[arg(long, default_value = "")]
    revision: String,
    /// Sync only specific resources as GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME
    #[arg(long)]
    resource: Vec<String>,
    /// Sync apps that match this label
    #[arg(short = 'l', long, default_value = "")]
    selector: String,
    /// Use a force apply
    #[arg(long)]
    force: bool,
    /// Use a kubectl create/replace instead apply
    #[arg(long)]
    replace: bool,
    /// Use server-side apply while syncing the application
    #[arg(long)]
    server_side: bool,
    /// Sync only out-of-sync resources
    #[arg(long)]
    apply_out_of_sync_only: bool,
    /// Sync strategy (one of: apply|hook)
    #[arg(long, default_value = "")]
    strategy: String,
    /// Max number of allowed sync retries
    #[arg(long, default_value_t = 0)]
    retry_limit: i64,
    /// Do not wait for application to sync before continuing
    #[arg(long)]
    r#async: bool,
    /// Output format. One of: json|yaml|wide
    #[arg(short, long, default_value = "wide")]
    output: String,
    /// Only sync an application in namespace
    #[arg(short = 'N', long, default_value = "")]
    app_namespace: String,
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(cluster: &Cluster, sync: Sync) -> Ending {
    let wanted = request(&sync)?;
    for target in chosen(cluster, &sync.names, &sync.selector, &sync.app_namespace).await? {
        let app = existing(cluster, &target).await?;
        let mut wanted = wanted.clone();
        if !sync.resource.is_empty() {
            let found = only(&app, &sync.resource)?;
            if found.is_empty() {
                bail!("No matching app resources found for resource filter: {}", sync.resource.join(", "));
            }
            wanted["resources"] = found.into();
        }
        ask(cluster, &app, wanted).await?;
        if sync.r#async {
            continue;
        }
        let watched = Watched { operation: true, ..Watched::default() };
        let (app, state) = finish(cluster, &target, sync.limit, watched, &sync.output).await?;
        if let Some(code) = verdict(&sync, &app, &state) {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the operation that asks for a sync.
pub(super) async fn ask(cluster: &Cluster, app: &Object, sync: Value) -> Result<()> {
    if app.at("/operation").is_some() {
        bail!("rpc error: code = FailedPrecondition desc = another operation is already in progress");
    }
    let mut operation = json!({"sync": sync, "initiatedBy": {"username": "admin"}});
    if let Some(options) = app.at("/spec/syncPolicy/syncOptions").and_then(Value::as_array) {
        let list = operation["sync"]["syncOptions"].as_array().cloned().unwrap_or_default();
        let all: Vec<Value> = options.iter().cloned().chain(list).collect();
        operation["sync"]["syncOptions"] = all.into();
    }
    if let Some(retry) = operation["sync"].as_object_mut().and_then(|sync| sync.remove("retry")) {
        operation["retry"] = retry;
    }
    merge(cluster, app, &json!({"operation": operation})).await?;
    Ok(())
}

fn request(sync: &Sync) -> Result<Value> {
    let kind = match sync.strategy.as_str() {
        "apply" => "apply",
        "" | "hook" => "hook",
        other => bail!("Unknown sync strategy: '{other}'"),
    };
    let force = if sync.force { json!({"force": true}) } else { json!({}) };
    let mut wanted = json!({"syncStrategy": {kind: force}});
    if !sync.revision.is_empty() {
        wanted["revision"] = sync.revision.clone().into();
    }
    for (name, on) in [("prune", sync.prune), ("dryRun", sync.dry_run)] {
        if on {
            wanted[name] = true.into();
        }
    }
    let options = [
        ("Replace=true", sync.replace),
        ("ServerSideApply=true", sync.server_side),
        ("ApplyOutOfSyncOnly=true", sync.apply_out_of_sync_only),
    ];
    let options: Vec<&str> = options.iter().filter(|(_, on)| *on).map(|(option, _)| *option).collect();
    if !options.is_empty() {
        wanted["syncOptions"] = json!(options);
    }
    if sync.retry_limit != 0 {
        wanted["retry"] = json!({
            "limit": sync.retry_limit, "backoff": {"duration": "5s", "maxDuration": "3m0s", "factor": 2},
        });
    }
    Ok(wanted)
}

/// The resources that the filters name.
fn only(app: &Object, filters: &[String]) -> Result<Vec<Value>> {
    let mut wanted = Vec::new();
    for filter in filters {
        let parts: Vec<&str> = filter.trim_start_matches('!').split(':').collect();
        let [group, kind, name] = parts[..] else {
            bail!("Resource should have GROUP:KIND:NAME, but instead got: {filter}")
        };
        let (namespace, name) = name.split_once('/').map_or(("*", name), |(ns, name)| (ns, name));
        wanted.push((filter.starts_with('!'), [group, kind, namespace, name]));
    }
    let resources = app.at("/status/resources").and_then(Value::as_array).into_iter().flatten();
    let fits = |resource: &Value, parts: &[&str; 4]| {
        let fields = ["group", "kind", "namespace", "name"];
        fields
            .iter()
            .zip(parts)
            .all(|(field, part)| *part == "*" || resource[*field].as_str().unwrap_or_default() == *part)
    };
    let takes = |resource: &&Value| {
        let excluded = wanted.iter().any(|(not, parts)| *not && fits(resource, parts));
        let only_excludes = wanted.iter().all(|(not, _)| *not);
        !excluded && (only_excludes || wanted.iter().any(|(not, parts)| !*not && fits(resource, parts)))
    };
    Ok(resources
        .filter(takes)
        .map(|resource| {
            let fields = ["group", "kind", "namespace", "name"];
            Value::Object(
                fields
                    .iter()
                    .filter_map(|field| Some(((*field).to_owned(), resource.get(*field)?.clone())))
                    .collect(),
            )
        })
        .collect())
}

/// The exit code of a sync that did not come to what was asked for.
fn verdict(sync: &Sync, app: &Object, state: &Value) -> Option<ExitCode> {
    if sync.dry_run {
        return None;
    }
    let phase = state["phase"].as_str().unwrap_or_default();
    if phase != "Succeeded" {
        fatal(&format!("Operation has completed with phase: {phase}"));
        return Some(ExitCode::from(1));
    }
    let results = state.pointer("/syncResult/resources").and_then(Value::as_array).into_iter().flatten();
    let pruning = results.filter(|result| result["status"] == "PruneSkipped").count();
    if sync.resource.is_empty() && app.text("/status/sync/status") != "Synced" && pruning > 0 {
        fatal(&format!("{pruning} resources require pruning"));
        return Some(ExitCode::from(1));
    }
    None
}
