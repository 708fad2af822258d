//! What people see: the log, and how an error ends the program.

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

/// Starts the log on standard error; `GYRE_LOG` chooses, `-v` shows more.
pub(crate) fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "warn,gyre=info",
        1 => "info,gyre=debug,gyre_controllers=debug,gyre_cluster=debug,gyre_source=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("GYRE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Prints an error with what led to it, in one line, and gives the exit code.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    eprintln!("✗ {text}");
    ExitCode::FAILURE
}
