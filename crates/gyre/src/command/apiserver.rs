//! `gyre apiserver`: the embedded API alone.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use gyre_apiserver::{Server, Storage, Tls};

use crate::cli::Apiserver;
use crate::data::{self, DataDir};
use crate::signal::stopped;

pub(crate) async fn run(options: Apiserver) -> Result<ExitCode> {
    let data = options.data.as_deref().map(DataDir::open).transpose()?;
    let storage = data.as_ref().map_or(Storage::Memory, |data| Storage::Directory(data.path().into()));
    let token = match (options.token, &data) {
        (Some(token), _) => token,
        (None, Some(data)) => data::token(data)?,
        (None, None) => data::made_up_token(),
    };
    let server = Server::builder()
        .storage(storage)
        .token(&token)
        .simulation(options.simulation)
        .audit(options.audit_log_path)
        .start()
        .context("the embedded API cannot start")?;
    let host = options.listen.ip().to_string();
    let names = [host.as_str(), "127.0.0.1", "localhost"];
    let tls = match options.tls_dir.or_else(|| data.as_ref().map(data::certificates)) {
        Some(directory) => Tls::kept_in(&directory, &names)?,
        None => Tls::make(&names)?,
    };
    let listening = server.listen(options.listen, Some(tls)).await.with_context(|| {
        format!("{} cannot be had: stop what uses it, or choose another with --listen", options.listen)
    })?;
    print!("{}", listening.kubeconfig(Some(&token)));
    std::io::stdout().flush()?;
    stopped().await?;
    server.shut_down();
    Ok(ExitCode::SUCCESS)
}
