//! One module a command.

mod apiserver;
mod definitions;
mod demo;
pub(crate) mod helm;
mod run;
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
        Command::Helm { arguments } => Ok(helm::run(&arguments)),
        Command::Version => {
            println!("gyre {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "gyre", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
