//! `gyre run`: the controllers on a cluster.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gyre_cluster::Cluster;
use gyre_controllers::lease::Lease;
use gyre_controllers::{Parts, Settings, SystemClock};
use gyre_source::{ArtifactStore, Limits, Sources};
use tokio::net::TcpListener;

use crate::artifact_server;
use crate::cli::Run;
use crate::data::DataDir;
use crate::signal::stopped;

pub(crate) async fn run(options: Run) -> Result<ExitCode> {
    let data = match &options.data {
        Some(path) => DataDir::open(path)?,
        None => DataDir::temporary()?,
    };
    let cluster = Cluster::connect(options.kubeconfig.as_deref(), options.context.as_deref()).await?;
    let store = Arc::new(ArtifactStore::open(&data.join("artifacts"))?);
    let listener = TcpListener::bind(options.storage_addr).await.with_context(|| {
        format!("{} cannot be had: choose another with --storage-addr", options.storage_addr)
    })?;
    let address = options.storage_adv_addr.unwrap_or(listener.local_addr()?.to_string());
    artifact_server::start(listener, Arc::clone(&store));
    let lease = Lease::acquire(&cluster, &identity(), &SystemClock).await;
    gyre_controllers::start(Parts {
        cluster,
        sources: Sources::new(&data.join("git"), Limits::default()),
        store,
        clock: Arc::new(SystemClock),
        settings: Settings {
            artifact_address: format!("http://{address}"),
            allow_file_urls: options.allow_file_urls,
            no_remote_bases: options.no_remote_bases,
        },
    });
    tokio::select! {
        stopped = stopped() => stopped?,
        () = lease.keep(&SystemClock) => bail!("the lease is lost: another gyre works on this cluster"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Who this is, to others that would work on the same cluster.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{}", host.trim(), std::process::id())
}
