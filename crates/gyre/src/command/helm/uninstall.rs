//! `helm uninstall`, `helm rollback` and `helm test`

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::action::{Cascade, Filters, Operation, Options, Wish};
use gyre_helm::release_name;

use super::arguments::Usage;
use super::connection::Connection;
use super::environment::{Settings, history_max};
use super::flags::{list, timeout};
use super::print;
use super::printed::{self, Detail};
use super::table::OutputFlag;
use crate::host::local_now;

/// `helm uninstall RELEASE...`
#[derive(Debug, Args)]
pub(super) struct Uninstall {
    #[arg(value_name = "RELEASE_NAME", hide = true)]
    names: Vec<String>,
    /// Simulate an uninstallation
    #[arg(long)]
    dry_run: bool,
    /// Prevent hooks from running
    #[arg(long)]
    no_hooks: bool,
    /// Treat "release not found" as a successful uninstallation
    #[arg(long)]
    ignore_not_found: bool,
    /// Delete everything, but keep the records
    #[arg(long)]
    keep_history: bool,
    /// Wait until everything is deleted
    #[arg(long)]
    wait: bool,
    /// What happens to what is owned by what is deleted: background, orphan or foreground
    #[arg(long, default_value = "background")]
    cascade: String,
    /// Time to wait for any individual Kubernetes operation
    #[arg(long, default_value = "5m0s", value_parser = super::flags::span)]
    timeout: String,
    /// Add a custom description
    #[arg(long)]
    description: Option<String>,
}

impl Uninstall {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "uninstall", line: "RELEASE_NAME [...] [flags]" }.at_least(1, &self.names)?;
        let cascade = match &*self.cascade {
            "background" => Cascade::Background,
            "foreground" => Cascade::Foreground,
            "orphan" => Cascade::Orphan,
            other => bail!(
                "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
            ),
        };
        let options = Options {
            no_hooks: self.no_hooks,
            wait: self.wait,
            timeout: timeout(&self.timeout)?,
            description: self.description.clone().unwrap_or_default(),
            ..Options::default()
        };
        let wish = Wish { keep_history: self.keep_history, cascade };
        let connection = Connection::open(settings)?;
        for name in &self.names {
            connection.reach()?;
            let kept = self.uninstall(name, wish, options.clone(), &connection)?;
            if !kept.is_empty() {
                print(&format!("{kept}\n"))?;
            }
            print(&format!("release \"{name}\" uninstalled\n"))?;
        }
        Ok(())
    }

    fn uninstall(
        &self,
        name: &str,
        wish: Wish,
        options: Options,
        connection: &Connection,
    ) -> anyhow::Result<String> {
        if self.dry_run {
            if release_name::validate(name).is_err() {
                bail!("releaseContent: Release name is invalid: {name}");
            }
            return connection.history(name).map(|_| String::new());
        }
        if release_name::validate(name).is_err() {
            bail!("uninstall: Release name is invalid: {name}");
        }
        let history = connection.revisions(name)?;
        if history.is_empty() {
            if self.ignore_not_found {
                return Ok(String::new());
            }
            bail!("uninstall: Release not loaded: {name}: release: not found");
        }
        let mut operation = Operation::uninstall(history, wish, options, &local_now())?;
        match connection.run(&mut operation).error {
            Some(why) => Err(anyhow!(why)),
            None => Ok(operation.kept().to_owned()),
        }
    }
}

/// `helm rollback RELEASE [REVISION]`
#[derive(Debug, Args)]
pub(super) struct Rollback {
    #[arg(value_name = "RELEASE] [REVISION", hide = true)]
    names: Vec<String>,
    /// Simulate a rollback
    #[arg(long)]
    dry_run: bool,
    /// Restart pods where they may be
    #[arg(long)]
    recreate_pods: bool,
    /// Force resource updates through a replacement strategy
    #[arg(long)]
    force: bool,
    /// Prevent hooks from running
    #[arg(long)]
    no_hooks: bool,
    /// Time to wait for any individual Kubernetes operation
    #[arg(long, default_value = "5m0s", value_parser = super::flags::span)]
    timeout: String,
    /// Wait until everything is ready
    #[arg(long)]
    wait: bool,
    /// With --wait, wait until all Jobs have been completed
    #[arg(long)]
    wait_for_jobs: bool,
    /// Delete new resources where the rollback fails
    #[arg(long)]
    cleanup_on_fail: bool,
    /// Maximum number of revisions that are kept; 0 for all
    #[arg(long)]
    history_max: Option<usize>,
}

impl Rollback {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "rollback", line: "<RELEASE> [REVISION] [flags]" }.at_least(1, &self.names)?;
        let revision = match self.names.get(1) {
            Some(text) => gyre_go::strconv::atoi(text)
                .map_err(|why| anyhow!("could not convert revision to a number: {why}"))?,
            None => 0,
        };
        let name = &self.names[0];
        let options = Options {
            no_hooks: self.no_hooks,
            wait: self.wait,
            wait_for_jobs: self.wait_for_jobs,
            timeout: timeout(&self.timeout)?,
            force: self.force,
            cleanup_on_fail: self.cleanup_on_fail,
            recreate_pods: self.recreate_pods,
            dry_run: self.dry_run,
            history_max: self.history_max.unwrap_or_else(history_max),
            ..Options::default()
        };
        let connection = Connection::open(settings)?;
        connection.reach()?;
        if release_name::validate(name).is_err() {
            bail!("prepareRollback: Release name is invalid: {name}");
        }
        let history = connection.history(name)?;
        let mut operation = Operation::rollback(history, revision, options, &local_now())?;
        match connection.run(&mut operation).error {
            Some(why) => Err(anyhow!(why)),
            None => print("Rollback was a success! Happy Helming!\n"),
        }
    }
}

/// `helm test RELEASE`
#[derive(Debug, Args)]
pub(super) struct Test {
    #[arg(value_name = "RELEASE", hide = true)]
    names: Vec<String>,
    /// Time to wait for any individual Kubernetes operation
    #[arg(long, default_value = "5m0s", value_parser = super::flags::span)]
    timeout: String,
    /// Dump the logs of the tests' pods
    #[arg(long)]
    logs: bool,
    /// Only tests of a name (`name=a`), or all others (`!name=a`)
    #[arg(long)]
    filter: Vec<String>,
    /// Do not show notes in the output
    #[arg(long)]
    hide_notes: bool,
    #[command(flatten)]
    output: OutputFlag,
}

impl Test {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "test", line: "[RELEASE] [flags]" }.exactly(1, &self.names)?;
        let format = self.output.format()?;
        let mut filters = Filters::default();
        for filter in list(&self.filter) {
            let excluded = filter.strip_prefix('!').map(|rest| rest.trim_start_matches(char::is_whitespace));
            if let Some(name) = filter.strip_prefix("name=") {
                filters.only.push(name.to_owned());
            } else if let Some(name) = excluded.and_then(|rest| rest.strip_prefix("name=")) {
                filters.without.push(name.to_owned());
            }
        }
        let connection = Connection::open(settings)?;
        connection.reach()?;
        let name = &self.names[0];
        if release_name::validate(name).is_err() {
            bail!("releaseTest: Release name is invalid: {name}");
        }
        let release = connection.get(name, 0)?;
        let options = Options { timeout: timeout(&self.timeout)?, ..Options::default() };
        let mut operation = Operation::test(release, &filters, options, &local_now());
        let end = connection.run(&mut operation);
        let detail = Detail {
            everything: settings.debug,
            hide_notes: self.hide_notes,
            chart: true,
            ..Detail::default()
        };
        printed::release(operation.release(), format, detail)?;
        if self.logs {
            print("\n")?;
            for pod in operation.tests(&filters) {
                let log = connection
                    .pod_log(&pod)
                    .map_err(|why| anyhow!("unable to get pod logs for {pod}: {why}"))?;
                print(&format!("POD LOGS: {pod}\n{log}\n"))?;
            }
        }
        end.error.map_or(Ok(()), |why| Err(anyhow!(why)))
    }
}
