//! `gyre helm`: the command line of Helm 3. Outputs, messages and exit codes are Helm's.
//!
//! Start at [`run`]. What thinks lies in `gyre-helm`, what fetches in `gyre-source`, what asks a cluster in
//! `gyre-cluster`; here files are read and results printed.

mod arguments;
mod chart;
mod connection;
mod create;
mod dependency;
mod environment;
mod fetch;
mod flags;
mod install;
mod lint;
mod list;
mod oci;
mod package;
mod printed;
mod pull;
mod repo;
mod search;
mod show;
mod status;
mod table;
mod template;
mod uninstall;
mod upgrade;
mod verify;
mod version;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::cobra;
use environment::Settings;

pub(super) use fetch::fetched_chart;

#[derive(Debug, Parser)]
#[command(name = "helm", disable_help_subcommand = true)]
struct Helm {
    #[command(flatten)]
    globals: flags::Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The package manager for Kubernetes: charts, releases, repositories, as Helm 3 has them
#[derive(Debug, Subcommand)]
enum Command {
    /// Create a new chart with the given name
    Create(create::Create),
    /// Manage a chart's dependencies
    #[command(alias = "dep", alias = "dependencies")]
    Dependency(dependency::Dependencies),
    /// Show Helm's environment
    Env(environment::Env),
    /// Show what is kept of a release
    Get(status::Get),
    /// Show the revisions of a release
    #[command(alias = "hist")]
    History(list::History),
    /// Install a chart
    Install(Box<install::Install>),
    /// Examine a chart for possible issues
    Lint(lint::Lint),
    /// List releases
    #[command(alias = "ls")]
    List(list::List),
    /// Package a chart directory into a chart archive
    Package(package::Package),
    /// Download a chart from a repository and (optionally) unpack it
    #[command(alias = "fetch")]
    Pull(pull::Pull),
    /// Push a chart to a registry
    Push(oci::Push),
    /// Log in to or out of a registry
    Registry(oci::Registries),
    /// Add, list, remove, update, and index chart repositories
    Repo(repo::Repo),
    /// Roll back a release to a previous revision
    Rollback(uninstall::Rollback),
    /// Search for a keyword in charts
    Search(search::Search),
    /// Show information of a chart
    #[command(alias = "inspect")]
    Show(show::Show),
    /// Show the state of a release
    Status(status::Status),
    /// Render templates without a cluster
    Template(Box<template::Template>),
    /// Run the tests of a release
    Test(uninstall::Test),
    /// Uninstall a release
    #[command(aliases = ["del", "delete", "un"])]
    Uninstall(uninstall::Uninstall),
    /// Upgrade a release
    Upgrade(Box<upgrade::Upgrade>),
    /// Verify that a chart at a path has been signed and is valid
    Verify(verify::Verify),
    /// Print the version that this passes for
    Version(version::Version),
}

/// What renders, alone: it takes less time than it takes to know all commands with their flags.
#[derive(Debug, Parser)]
#[command(name = "helm", disable_help_flag = true, disable_help_subcommand = true)]
struct Renderer {
    #[command(flatten)]
    globals: flags::Globals,
    #[command(subcommand)]
    command: Rendering,
}

#[derive(Debug, Subcommand)]
enum Rendering {
    Template(Box<template::Template>),
}

/// Carries a command line out.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    let done = if let Some(Renderer { globals, command: Rendering::Template(template) }) =
        cobra::quick::<Renderer>(arguments)
    {
        template.run(&Settings::new(globals))
    } else if let Some((_, rest)) = arguments.split_first().filter(|(first, _)| *first == "help") {
        // `help template` is `template --help`.
        let words: Vec<OsString> = rest.iter().cloned().chain([OsString::from("--help")]).collect();
        cobra::parse::<Helm>(&words).map(drop)
    } else {
        cobra::parse::<Helm>(arguments).and_then(|helm| helm.map_or(Ok(()), Helm::run))
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = std::io::stdout().flush();
            eprintln!("Error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

impl Helm {
    fn run(self) -> anyhow::Result<()> {
        let settings = Settings::new(self.globals);
        let Some(command) = self.command else {
            return print(&cobra::help::<Self>());
        };
        match command {
            Command::Create(create) => create.run(&settings),
            Command::Dependency(dependencies) => dependencies.run(&settings),
            Command::Env(env) => env.run(&settings),
            Command::Get(get) => get.run(&settings),
            Command::History(history) => history.run(&settings),
            Command::List(list) => list.run(&settings),
            Command::Status(status) => status.run(&settings),
            Command::Install(install) => install.run(&settings),
            Command::Lint(lint) => lint.run(&settings),
            Command::Package(package) => package.run(&settings),
            Command::Pull(pull) => pull.run(&settings),
            Command::Push(push) => push.run(&settings),
            Command::Registry(registries) => registries.run(&settings),
            Command::Repo(repo) => repo.run(&settings),
            Command::Rollback(rollback) => rollback.run(&settings),
            Command::Search(search) => search.run(&settings),
            Command::Show(show) => show.run(&settings),
            Command::Template(template) => template.run(&settings),
            Command::Test(test) => test.run(&settings),
            Command::Uninstall(uninstall) => uninstall.run(&settings),
            Command::Upgrade(upgrade) => upgrade.run(&settings),
            Command::Verify(verify) => verify.run(),
            Command::Version(version) => version.run(),
        }
    }
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(why.into()),
        _ => Ok(()),
    }
}

/// Prints lines of Helm's log to standard error.
fn log(lines: &[String]) {
    for line in lines {
        eprintln!("{line}");
    }
}

/// Prints what a user should know to standard error.
fn warn(text: &str) {
    eprintln!("WARNING: {text}");
}
