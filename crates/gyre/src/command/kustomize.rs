//! `gyre kustomize`, `gyre build`, and all of it under the name `kustomize`: the peer's commands, its texts and its
//! exit codes.

mod build;
mod charts;
mod create;
mod edit;
mod files;
mod network;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use gyre_kustomize::VERSION;

use super::cobra;

/// Manages declarative configuration of Kubernetes, as Kustomize 5 does
#[derive(Debug, Parser)]
#[command(name = "kustomize", disable_help_subcommand = true)]
struct Kustomize {
    #[command(subcommand)]
    command: Option<Command>,
    /// Taken for the peer's sake; there is no stack to print
    #[arg(long, global = true, hide = true)]
    stack_trace: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a kustomization target from a directory or URL
    Build(build::Build),
    /// Create a new kustomization in the current directory
    #[command(alias = "init")]
    Create(create::Create),
    /// Edit the kustomization file of the current directory
    Edit(edit::Edit),
    /// Print the version of Kustomize that this one is equal to
    Version(Version),
}

/// The command that is run again and again: reading all the others takes longer than a small build.
#[derive(Debug, Parser)]
#[command(name = "kustomize", disable_help_subcommand = true)]
struct Quick {
    #[command(subcommand)]
    command: Always,
}

#[derive(Debug, Subcommand)]
enum Always {
    Build(build::Build),
}

#[derive(Debug, Args)]
struct Version {
    /// One of 'yaml' or 'json'
    #[arg(short, long, default_value = "", hide_default_value = true)]
    output: String,
    /// Short form
    #[arg(long, hide = true)]
    short: bool,
    /// More words, which the peer does not look at
    #[arg(hide = true)]
    ignored: Vec<String>,
}

/// Carries a command line of `kustomize` out.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    let Err(text) = carry_out(arguments) else { return ExitCode::SUCCESS };
    eprintln!("Error: {text}");
    // The peer is silent about usage where a build, or a command that is none, fails.
    let named = arguments.iter().find(|argument| !argument.to_string_lossy().starts_with('-'));
    if named.is_some_and(|name| ["create", "init", "edit", "version"].iter().any(|shown| name == shown)) {
        eprintln!("{}", cobra::usage::<Kustomize>(arguments));
    }
    ExitCode::FAILURE
}

/// Carries a command line of `kustomize build` out.
pub(crate) fn build(arguments: &[OsString]) -> ExitCode {
    run(&[&["build".into()], arguments].concat())
}

fn carry_out(arguments: &[OsString]) -> Result<(), String> {
    if let Some(quick) = cobra::quick::<Quick>(arguments) {
        let Always::Build(arguments) = &quick.command;
        return build::run(arguments);
    }
    let Some(kustomize) = cobra::parse::<Kustomize>(arguments).map_err(|why| why.to_string())? else {
        return Ok(());
    };
    match &kustomize.command {
        Some(Command::Build(arguments)) => build::run(arguments),
        Some(Command::Create(arguments)) => create::run(arguments),
        Some(Command::Edit(arguments)) => edit::run(arguments),
        Some(Command::Version(arguments)) => version(arguments),
        None => print(cobra::help::<Kustomize>().as_bytes()),
    }
}

/// Tells what is no error.
// The peer writes the time before it, which nobody reads.
fn log(text: &str) {
    eprintln!("{text}");
}

fn version(arguments: &Version) -> Result<(), String> {
    let (os, arch) = (std::env::consts::OS, go_arch());
    if arguments.short {
        eprintln!("Flag --short has been deprecated, and will be removed in the future.");
    }
    let text = match arguments.output.as_str() {
        _ if arguments.short && !arguments.output.is_empty() => {
            return Err("--short and --output are mutually exclusive".into());
        }
        "" if arguments.short => format!("{{{VERSION}}}\n"),
        "" => format!("{VERSION}\n"),
        "yaml" => format!("version: {VERSION}\ngoOs: {os}\ngoArch: {arch}\n\n"),
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

/// Writes documents as one stream.
fn write_documents<T: AsRef<str>>(out: impl io::Write, documents: &[T]) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    for (at, document) in documents.iter().enumerate() {
        if at > 0 {
            out.write_all(b"---\n")?;
        }
        out.write_all(document.as_ref().as_bytes())?;
    }
    out.flush()
}

/// Writes documents to standard output; a reader that has gone is no error.
fn print_documents(documents: &[String]) -> Result<(), String> {
    present(write_documents(io::stdout().lock(), documents))
}

/// Writes to standard output; a reader that has gone is no error.
fn print(text: &[u8]) -> Result<(), String> {
    present(io::stdout().write_all(text).and_then(|()| io::stdout().flush()))
}

fn present(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}
