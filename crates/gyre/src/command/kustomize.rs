//! `gyre kustomize`, `gyre build`, and all of it under the name `kustomize`: the peer's commands, its texts and its
//! exit codes.

mod build;
mod charts;
mod create;
mod edit;
mod files;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use gyre_kustomize::VERSION;

pub(crate) use build::Build;

#[derive(Debug, Args)]
pub(crate) struct Kustomize {
    #[command(subcommand)]
    command: Command,
    /// Taken for the peer's sake; there is no stack to print
    #[arg(long, global = true, hide = true)]
    stack_trace: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a kustomization target from a directory or URL
    Build(Build),
    /// Create a new kustomization in the current directory
    #[command(alias = "init")]
    Create(create::Create),
    /// Edit the kustomization file of the current directory
    Edit(edit::Edit),
    /// Print the version of Kustomize that this one is equal to
    Version(Version),
}

#[derive(Debug, Args)]
struct Version {
    /// One of 'yaml' or 'json'
    #[arg(short, long, default_value = "", hide_default_value = true)]
    output: String,
    /// Short form
    #[arg(long, hide = true)]
    short: bool,
}

/// Carries the command out.
pub(crate) fn run(kustomize: &Kustomize) -> ExitCode {
    end(match &kustomize.command {
        Command::Build(arguments) => build::run(arguments),
        Command::Create(arguments) => create::run(arguments),
        Command::Edit(arguments) => edit::run(arguments),
        Command::Version(arguments) => version(arguments),
    })
}

/// Carries `gyre build` out.
pub(crate) fn build(arguments: &Build) -> ExitCode {
    end(build::run(arguments))
}

/// The error is shown as the peer shows it.
fn end(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("Error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Tells what is no error.
// The peer writes the time before it, which nobody reads.
fn log(text: &str) {
    eprintln!("{text}");
}

fn version(arguments: &Version) -> Result<(), String> {
    let (os, arch) = (std::env::consts::OS, go_arch());
    let text = match arguments.output.as_str() {
        _ if arguments.short && !arguments.output.is_empty() => {
            return Err("--short and --output are mutually exclusive".into());
        }
        "" if arguments.short => format!("{{{VERSION}}}\n"),
        "" => format!("{VERSION}\n"),
        "yaml" => format!("goArch: {arch}\ngoOs: {os}\nversion: {VERSION}\n\n"),
        "json" => format!(
            "{{\n  \"version\": \"{VERSION}\",\n  \"goOs\": \"{os}\",\n  \"goArch\": \"{arch}\"\n}}\n"
        ),
        _ => return Ok(()),
    };
    print(text.as_bytes())
}

fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Writes to standard output; a reader that has gone is no error.
fn print(text: &[u8]) -> Result<(), String> {
    match std::io::stdout().write_all(text).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}
