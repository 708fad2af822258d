//! The program: reads the command line, builds what it asks for, and stops cleanly.

mod address;
mod artifact_server;
mod cli;
mod client;
mod command;
mod data;
mod disk;
mod git_server;
mod host;
mod http;
mod log;
mod output;
mod owned;
mod persona;
mod preview;
mod resources;
mod signal;
mod table;
mod target;
mod time;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    output::end_when_nobody_reads();
    let arguments = persona::arguments(std::env::args_os());
    // What renders does so in less time than it takes to set up a log and the whole command line.
    match arguments.get(1).and_then(|name| name.to_str()) {
        Some("kustomize") => return command::kustomize::run(&arguments[2..]),
        Some("build") => return command::kustomize::build(&arguments[2..]),
        Some("helm") => {
            provide_cryptography();
            return command::helm::run(&arguments[2..]);
        }
        _ => {}
    }
    let cli = match cli::Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return persona::refuse(&arguments, &error),
    };
    provide_cryptography();
    let draws = matches!(cli.command, cli::Command::Demo(_)) && std::io::stdout().is_terminal();
    log::start(cli.verbose, matches!(cli.command, cli::Command::Run(_)), draws);
    match command::run(cli.command) {
        Ok(code) => code,
        Err(error) => output::failure(&error),
    }
}

/// The one provider of cryptography; everything that speaks TLS finds it. It fails only when done twice.
fn provide_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
