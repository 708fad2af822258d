//! `argocd app get`, `info`, `tree`, `resources` and `history`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use gyre_api::argo::NAMESPACE;
use gyre_cluster::Cluster;
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::Value;

use super::{Ending, existing, reference, show, wait};
use crate::owned::{Node, inventory, nodes};
use crate::resources::{Dialect, kind};
use crate::{table, time};

#[derive(Debug, Args)]
pub(super) struct Name {
    #[arg(value_name = "NAME")]
    app: String,
    /// The namespace of the application
    #[arg(short = 'N', long, default_value = "")]
    app_namespace: String,
    /// Output format of resources: tree|tree=detailed
    #[arg(short, long, default_value = "", hide = true)]
    output: String,
}

impl Name {
    pub(super) async fn find(&self, cluster: &Cluster) -> Result<Object> {
        existing(cluster, &reference(&self.app, &self.app_namespace)).await
    }
}

#[derive(Debug, Args)]
pub(super) struct Get {
    name: String,
    /// Output format. One of: json|yaml|wide|tree|tree=detailed
    #[arg(short, long, default_value = "wide")]
    output: String,
    /// Show application operation
    #[arg(long)]
    show_operation: bool,
    /// Show application parameters and overrides
    #[arg(long)]
    show_params: bool,
    /// Refresh application data when retrieving
    #[arg(long)]
    refresh: bool,
    /// Refresh application data as well as target manifests cache
    #[arg(long)]
    hard_refresh: bool,
    /// Time out after this many seconds
    #[arg(long = "timeout", default_value_t = 60)]
    seconds: u64,
    /// Only get application from namespace
    #[arg(short = 'N', long, default_value = "")]
    app_namespace: String,
}

pub(super) async fn run(cluster: &Cluster, get: Get) -> Ending {
    let target = reference(&get.name, &get.app_namespace);
    let mut app = existing(cluster, &target).await?;
    if get.refresh || get.hard_refresh {
        let how = if get.hard_refresh { "hard" } else { "normal" };
        app = wait::refresh(cluster, &app, how, Duration::from_secs(get.seconds)).await?;
    }
    match get.output.as_str() {
        "yaml" | "json" => show::print_value(&show::bare(&app), &get.output)?,
        "wide" | "" => {
            header(cluster, &app, get.show_operation).await;
            print!("{}", show::resource_table(cluster, &app).await?);
        }
        "tree" | "tree=detailed" => {
            header(cluster, &app, get.show_operation).await;
            print_tree(cluster, &app, get.output == "tree=detailed").await?;
        }
        other => bail!("unknown output format: {other}"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn header(cluster: &Cluster, app: &Object, with_operation: bool) {
    show::summary(app, &url(cluster, app).await);
    show::conditions(app);
    if let Some(state) = app.at("/status/operationState").filter(|_| with_operation) {
        println!();
        show::operation(state);
    }
}

/// Where the Application has its page; empty where no page is known.
pub(super) async fn url(cluster: &Cluster, app: &Object) -> String {
    let settings = ObjectRef::new(GroupVersionKind::parse("v1", "ConfigMap"), NAMESPACE, "argocd-cm");
    let settings = cluster.get(&settings).await.ok().flatten();
    let base = settings.map(|settings| settings.text("/data/url").to_owned()).unwrap_or_default();
    if base.is_empty() { base } else { format!("{base}/applications/{}", app.name()) }
}

pub(super) async fn info(cluster: &Cluster, name: Name) -> Ending {
    let app = name.find(cluster).await?;
    header(cluster, &app, true).await;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tree(cluster: &Cluster, name: Name) -> Ending {
    let app = name.find(cluster).await?;
    print_tree(cluster, &app, name.output == "tree=detailed").await?;
    Ok(ExitCode::SUCCESS)
}

async fn print_tree(cluster: &Cluster, app: &Object, detailed: bool) -> Result<()> {
    let nodes = nodes(cluster, inventory(kind("Application")?, app)).await?;
    if nodes.is_empty() {
        return Ok(());
    }
    let header: &[&str] = if detailed {
        &["KIND/NAME", "STATUS", "HEALTH", "AGE", "MESSAGE", "REASON"]
    } else {
        &["KIND/NAME", "STATUS", "HEALTH", "MESSAGE"]
    };
    let mut rows = vec![header.iter().map(|cell| (*cell).to_owned()).collect()];
    let resources = show::resources(&show::with_health(cluster, app).await?);
    for node in &nodes {
        branch(&mut rows, node, "", &resources, detailed);
    }
    print!("\n{}", table::columns(&rows));
    Ok(())
}

fn branch(
    rows: &mut Vec<Vec<String>>,
    node: &Node,
    prefix: &str,
    resources: &[show::Resource],
    detailed: bool,
) {
    let ObjectRef { kind, name, .. } = &node.object;
    let known = resources.iter().find(|resource| resource.kind == *kind && resource.name == *name);
    let (health, reason) = node.health(Dialect::Argo);
    let (status, health, message) = match known {
        Some(known) => (known.status.clone(), known.health.clone(), known.message.clone()),
        None => (String::new(), health, String::new()),
    };
    // The branches above are lines that go on.
    let drawn = match prefix.char_indices().nth_back(1) {
        Some((end, _)) => prefix[..end].replace("├─", "│ ").replace("└─", "  ") + &prefix[end..],
        None => String::new(),
    };
    let name = format!("{drawn}{kind}/{name}");
    let age = node.live.as_ref().map(|live| time::age(live.text("/metadata/creationTimestamp")));
    rows.push(if detailed {
        vec![name, status, health, age.unwrap_or_else(|| "<unknown>".into()), message, reason]
    } else {
        vec![name, status, health, message]
    });
    for (index, child) in node.children.iter().enumerate() {
        let mark = if index + 1 == node.children.len() { "└─" } else { "├─" };
        branch(rows, child, &format!("{prefix}{mark}"), resources, detailed);
    }
}

pub(super) async fn resources(cluster: &Cluster, name: Name) -> Ending {
    let app = name.find(cluster).await?;
    let nodes = nodes(cluster, inventory(kind("Application")?, &app)).await?;
    let mut rows = vec![["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"].map(Into::into).to_vec()];
    listed(&mut rows, &nodes);
    print!("{}", table::columns(&rows));
    Ok(ExitCode::SUCCESS)
}

fn listed(rows: &mut Vec<Vec<String>>, nodes: &[Node]) {
    for node in nodes {
        if node.live.is_some() {
            let ObjectRef { group, kind, namespace, name, .. } = node.object.clone();
            rows.push(vec![group, kind, namespace, name, "No".into()]);
        }
        listed(rows, &node.children);
    }
}

#[derive(Debug, Args)]
pub(super) struct History {
    name: String,
    /// Output format. One of: wide|id
    #[arg(short, long, default_value = "wide")]
    output: String,
    /// Only show application deployment history in namespace
    #[arg(short = 'N', long, default_value = "")]
    app_namespace: String,
}

pub(super) async fn history(cluster: &Cluster, history: History) -> Ending {
    let app = existing(cluster, &reference(&history.name, &history.app_namespace)).await?;
    let entries = app.at("/status/history").and_then(Value::as_array).cloned().unwrap_or_default();
    let id = |entry: &Value| entry["id"].as_i64().unwrap_or(0).to_string();
    if history.output == "id" {
        for entry in &entries {
            println!("{}", id(entry));
        }
        return Ok(ExitCode::SUCCESS);
    }
    // One table a repository, in the order in which they first appear.
    let mut tables: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for entry in &entries {
        let one = std::slice::from_ref(&entry["source"]);
        let (sources, revisions) = match entry["sources"].as_array() {
            Some(sources) => (sources.as_slice(), entry["revisions"].as_array().cloned().unwrap_or_default()),
            None => (one, vec![entry["revision"].clone()]),
        };
        for (index, source) in sources.iter().enumerate() {
            let wanted = source["targetRevision"].as_str().unwrap_or_default();
            let hash = revisions.get(index).and_then(Value::as_str).and_then(|hash| hash.get(..7));
            let revision = hash.map_or_else(|| wanted.to_owned(), |hash| format!("{wanted} ({hash})"));
            let deployed = time::long(entry["deployedAt"].as_str().unwrap_or_default());
            let row = vec![id(entry), deployed, revision];
            let url = source["repoURL"].as_str().unwrap_or_default();
            match tables.iter_mut().find(|(known, _)| known == url) {
                Some((_, rows)) => rows.push(row),
                None => tables.push((url.into(), vec![row])),
            }
        }
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (index, (url, entries)) in tables.into_iter().enumerate() {
        if index > 0 {
            rows.push(vec![String::new()]);
        }
        rows.push(vec!["SOURCE".into(), url]);
        rows.push(["ID", "DATE", "REVISION"].map(Into::into).to_vec());
        rows.extend(entries);
    }
    print!("{}", table::columns(&rows));
    Ok(ExitCode::SUCCESS)
}
