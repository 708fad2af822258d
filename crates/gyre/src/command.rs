//! One module a command.

mod apiserver;
pub(crate) mod argocd;
mod cobra;
mod definitions;
mod demo;
mod diff;
pub(crate) mod events;
pub(crate) mod flux;
pub(crate) mod get;
pub(crate) mod helm;
pub(crate) mod install;
pub(crate) mod kustomize;
pub(crate) mod logs;
mod reconcile;
mod run;
mod suspend;
mod tree;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Command};

/// Carries a command out.
pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo(demo) => runtime()?.block_on(demo::run(demo)),
        Command::Up(up) => runtime()?.block_on(up::run(up)),
        Command::Run(run) => runtime()?.block_on(run::run(run)),
        Command::Apiserver(apiserver) => runtime()?.block_on(apiserver::run(apiserver)),
        Command::Kustomize { arguments } => Ok(kustomize::run(&arguments)),
        Command::Build { arguments } => Ok(kustomize::build(&arguments)),
        Command::Helm { arguments } => Ok(helm::run(&arguments)),
        Command::Flux(flux) => runtime()?.block_on(flux::run(flux)),
        Command::Argocd(argocd) => runtime()?.block_on(argocd::run(argocd)),
        Command::Plan(target) => runtime()?.block_on(diff::plan(&target)),
        Command::Diff(target) => runtime()?.block_on(diff::diff(&target)),
        Command::Install(install) => done(install::run(install)),
        Command::Get(get) => done(get::run(get)),
        Command::Tree(target) => done(tree::run(&target)),
        Command::Reconcile { target, with_source } => done(reconcile::run(&target, with_source)),
        Command::Suspend(target) => done(suspend::run(&target, true)),
        Command::Resume(target) => done(suspend::run(&target, false)),
        Command::Events(events) => done(events::run(events)),
        Command::Logs(of) => done(logs::run(&of.client, &of.namespace, of.logs)),
        Command::Version => {
            println!("gyre {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "gyre", &mut script);
            print!("{}", String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Carries out what either works or fails.
fn done(work: impl Future<Output = Result<()>>) -> Result<ExitCode> {
    runtime()?.block_on(work)?;
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
