//! `argocd app list`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use gyre_cluster::Cluster;
use gyre_model::Object;
use serde_json::Value;

use super::{Ending, gvk, rpc, show};
use crate::table;

#[derive(Debug, Args)]
pub(super) struct List {
    /// Output format. One of: wide|name|json|yaml
    #[arg(short, long, default_value = "wide")]
    output: String,
    /// List apps by label
    #[arg(short = 'l', long, default_value = "")]
    selector: String,
    /// Filter by project name
    #[arg(short, long)]
    project: Vec<String>,
    /// List apps by source repo URL
    #[arg(short, long)]
    repo: Option<String>,
    /// List apps by path
    #[arg(short = 'P', long)]
    path: Option<String>,
    /// List apps by cluster name or url
    #[arg(short, long)]
    cluster: Option<String>,
    /// Only list applications in namespace
    #[arg(short = 'N', long)]
    app_namespace: Option<String>,
}

pub(super) async fn run(cluster: &Cluster, list: List) -> Ending {
    let mut apps = cluster.list(&gvk(), list.app_namespace.as_deref(), &list.selector).await.map_err(rpc)?;
    apps.sort_by_key(|app| (app.namespace().to_owned(), app.name().to_owned()));
    apps.retain(|app| {
        let is = |wanted: &Option<String>, pointers: &[&str]| {
            wanted.as_ref().is_none_or(|wanted| pointers.iter().any(|pointer| app.text(pointer) == wanted))
        };
        (list.project.is_empty() || list.project.iter().any(|project| project == show::project(app)))
            && (list.repo.is_none()
                || show::sources(app).iter().any(|source| source["repoURL"].as_str() == list.repo.as_deref()))
            && (list.path.is_none()
                || show::sources(app).iter().any(|source| source["path"].as_str() == list.path.as_deref()))
            && is(&list.cluster, &["/spec/destination/server", "/spec/destination/name"])
    });
    match list.output.as_str() {
        "name" => {
            for app in &apps {
                println!("{}/{}", app.namespace(), app.name());
            }
        }
        "yaml" | "json" => {
            let all = Value::Array(apps.iter().map(show::bare).collect());
            show::print_value(&all, &list.output)?;
        }
        "wide" | "" => {
            let header = [
                "NAME",
                "CLUSTER",
                "NAMESPACE",
                "PROJECT",
                "STATUS",
                "HEALTH",
                "SYNCPOLICY",
                "CONDITIONS",
                "REPO",
                "PATH",
                "TARGET",
            ];
            let header = header.map(Into::into).to_vec();
            let rows: Vec<Vec<String>> = std::iter::once(header).chain(apps.iter().map(row)).collect();
            print!("{}", table::columns(&rows));
        }
        other => bail!("unknown output format: {other}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn row(app: &Object) -> Vec<String> {
    let source = show::sources(app).into_iter().next().unwrap_or_default();
    let of = |field: &str| source[field].as_str().unwrap_or_default().to_owned();
    vec![
        format!("{}/{}", app.namespace(), app.name()),
        show::server(app).to_owned(),
        app.text("/spec/destination/namespace").to_owned(),
        show::project(app).to_owned(),
        app.text("/status/sync/status").to_owned(),
        app.text("/status/health/status").to_owned(),
        policy(app),
        conditions(app),
        of("repoURL"),
        of("path"),
        of("targetRevision"),
    ]
}

fn policy(app: &Object) -> String {
    match show::automated(app) {
        None => "Manual".into(),
        Some(automated) if automated["prune"] == true => "Auto-Prune".into(),
        Some(_) => "Auto".into(),
    }
}

/// `ComparisonError,SyncError(2)`.
fn conditions(app: &Object) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let list = app.at("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    for condition in list {
        *counts.entry(condition["type"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(kind, count)| if *count > 1 { format!("{kind}({count})") } else { (*kind).to_owned() })
        .collect();
    if words.is_empty() { "<none>".into() } else { words.join(",") }
}
