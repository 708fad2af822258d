//! `gyre demo`: everything in one process, with a Git server and a sample repository to push to.

mod sample;
mod tree;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gyre_cluster::{Cluster, Grant, Write};
use gyre_model::Object;
use serde_json::json;

use super::up::Cell;
use crate::cli::Demo;
use crate::data::DataDir;
use crate::signal::stopped;
use crate::{address, git_server};

/// The branch and the name of the sample repository.
const REPOSITORY: &str = "demo.git";

pub(crate) async fn run(options: Demo) -> Result<ExitCode> {
    sample::git_version()?;
    let data = DataDir::open(&options.data)?;
    // The port is taken before anything is made, so that a second demo changes nothing.
    let listener = address::listen(options.git_port, "the Git server", "--git-port").await?;
    let url = format!("http://{}/{REPOSITORY}", listener.local_addr()?);
    let repositories = data.join("repositories");
    sample::make(&repositories.join(REPOSITORY), &url)?;
    let cell = Arc::new(Cell::start(&data, false, options.port, true).await?);
    let pushed = Arc::clone(&cell);
    let address = url.clone();
    git_server::start(listener, repositories, move |_| pushed.controllers.source_pushed(&address));
    bootstrap(&cell.cluster, &url).await?;
    let shown = tree::Shown { kubeconfig: cell.kubeconfig.display().to_string(), git: url };
    tokio::select! {
        () = watch(&cell, &shown) => {}
        done = stopped() => done?,
    }
    cell.server.shut_down();
    println!("\n► stopped; the next start goes on from {}", data.path().display());
    Ok(ExitCode::SUCCESS)
}

/// Shows what there is, whenever it has changed.
async fn watch(cell: &Cell, shown: &tree::Shown) {
    let mut changes = cell.controllers.changes();
    let mut screen = tree::Screen::new(std::io::stdout().is_terminal());
    loop {
        screen.show(&cell.controllers.snapshot(), shown);
        // bounded: many changes at once are shown once; what changes only in statuses is seen a little later.
        let _ = tokio::time::timeout(Duration::from_millis(500), changes.changed()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The objects that the demo begins with; all others come from the repository.
async fn bootstrap(cluster: &Cluster, url: &str) -> Result<()> {
    let objects = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}),
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "demo", "namespace": "flux-system"},
            "spec": {"interval": "1m", "url": url, "ref": {"branch": "main"}},
        }),
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "cluster", "namespace": "flux-system"},
            "spec": {
                "interval": "10m", "path": "./clusters/dev", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "demo"},
            },
        }),
    ];
    let grant = Grant::own("gyre-demo");
    for object in objects {
        let object = Object::new(object)?;
        let write = Write::Apply { object: &object, force: true, dry_run: false };
        cluster.write(&grant, write).await.with_context(|| format!("{} is refused", object.object_ref()))?;
    }
    Ok(())
}
