//! The program: reads the command line, builds what it asks for, and stops cleanly.

mod address;
mod artifact_server;
mod cli;
mod client;
mod command;
mod data;
mod git_server;
mod http;
mod log;
mod output;
mod owned;
mod preview;
mod resources;
mod signal;
mod table;
mod target;
mod time;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The one provider of cryptography; everything that speaks TLS finds it here. It fails only when done twice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = cli::Cli::parse();
    log::start(cli.verbose, matches!(cli.command, cli::Command::Run(_)));
    match command::run(cli.command) {
        Ok(code) => code,
        Err(error) => output::failure(&error),
    }
}
