//! `gyre up`: the embedded API with the controllers against it, in one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use gyre_apiserver::{Server, Storage, Tls};
use gyre_cluster::Cluster;
use gyre_controllers::lease::Lease;
use gyre_controllers::{Controllers, Parts, Settings, SystemClock};
use gyre_source::{ArtifactStore, Limits, Sources};

use crate::cli::Up;
use crate::data::{self, DataDir};
use crate::signal::stopped;
use crate::{address, artifact_server, log};

pub(crate) async fn run(options: Up) -> Result<ExitCode> {
    let data = if options.ephemeral { DataDir::temporary()? } else { DataDir::open(&options.data)? };
    let cell = Cell::start(&data, options.ephemeral, options.port, !options.no_simulation).await?;
    println!("► the API listens on {}", cell.url);
    println!("► export KUBECONFIG={}", cell.kubeconfig.display());
    stopped().await?;
    cell.server.shut_down();
    Ok(ExitCode::SUCCESS)
}

/// The embedded API with the controllers against it.
pub(crate) struct Cell {
    pub(crate) server: Server,
    pub(crate) controllers: Controllers,
    pub(crate) cluster: Cluster,
    pub(crate) url: String,
    pub(crate) kubeconfig: std::path::PathBuf,
}

impl Cell {
    /// Starts both.
    pub(crate) async fn start(data: &DataDir, ephemeral: bool, port: u16, simulation: bool) -> Result<Self> {
        let storage = if ephemeral { Storage::Memory } else { Storage::Directory(data.join("api")) };
        let token = data::token(data)?;
        let server =
            Server::builder().storage(storage).token(&token).simulation(simulation).start().with_context(
                || format!("the embedded API cannot open its data in {}", data.path().display()),
            )?;
        let tls = Tls::kept_in(&data::certificates(data), &["127.0.0.1", "localhost"])?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listening = server.listen(listen, Some(tls)).await.with_context(|| {
            format!(
                "port {port} on 127.0.0.1 cannot be had: stop what uses it, or choose another with --port"
            )
        })?;
        let kubeconfig = data.join("kubeconfig");
        data::write_private(&kubeconfig, &listening.kubeconfig(Some(&token)))?;
        let url = listening.url().to_owned();
        let cluster = Cluster::over(server.service());
        crate::command::definitions::install(&cluster).await?;
        let store = Arc::new(ArtifactStore::open(&data.join("artifacts"))?);
        let listener = address::listen(0, "artifacts", "--port").await?;
        let artifact_address = format!("http://{}", listener.local_addr()?);
        artifact_server::start(listener, Arc::clone(&store));
        log::keep_in(data.path())?;
        // Whoever has this directory open is the only one.
        let lease = Lease::acquire(&cluster, "gyre-up", &SystemClock).await;
        tokio::spawn(async move { lease.keep(&SystemClock).await });
        let controllers = gyre_controllers::start(Parts {
            cluster: cluster.clone(),
            sources: Sources::new(&data.join("git"), Limits::default()),
            store,
            clock: Arc::new(SystemClock),
            settings: Settings { artifact_address, allow_file_urls: true, no_remote_bases: false },
        });
        Ok(Self { server, controllers, cluster, url, kubeconfig })
    }
}
