//! `helm upgrade`

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::action::{Operation, Options, Reuse, pick, reuse};
use gyre_helm::release::{NewRelease, Release, Status};
use gyre_helm::{Options as RenderOptions, release_name};

use super::arguments::Usage;
use super::chart;
use super::connection::Connection;
use super::environment::{Settings, history_max};
use super::install::{Wanted, asks_cluster, carry_out, finish, labels, manifest, render};
use super::print;
use super::printed::{self, Detail};
use super::table::{Format, OutputFlag};
use super::template::InstallFlags;

const USAGE: Usage = Usage { command: "upgrade", line: "[RELEASE] [CHART] [flags]" };

/// `helm upgrade RELEASE CHART`
#[derive(Debug, Args)]
pub(super) struct Upgrade {
    #[arg(value_name = "RELEASE] [CHART", hide = true)]
    names: Vec<String>,
    /// If a release by this name doesn't already exist, run an install
    #[arg(long, short = 'i')]
    install: bool,
    #[command(flatten)]
    flags: InstallFlags,
    /// Hide Secrets when also using the --dry-run flag
    #[arg(long)]
    hide_secret: bool,
    /// Reset the values to the ones built into the chart
    #[arg(long)]
    reset_values: bool,
    /// Reuse the last release's values and merge in any overrides
    #[arg(long)]
    reuse_values: bool,
    /// Reset the values to the chart's, apply the last release's and merge in any overrides
    #[arg(long)]
    reset_then_reuse_values: bool,
    /// Maximum number of revisions that are kept; 0 for all
    #[arg(long)]
    history_max: Option<usize>,
    /// Delete new resources where the upgrade fails
    #[arg(long)]
    cleanup_on_fail: bool,
    /// Restart pods where they may be
    #[arg(long, hide = true)]
    recreate_pods: bool,
    #[command(flatten)]
    output: OutputFlag,
}

impl Upgrade {
    fn reuse(&self) -> Reuse {
        if self.reset_values {
            Reuse::Reset
        } else if self.reuse_values {
            Reuse::All
        } else if self.reset_then_reuse_values {
            Reuse::Given
        } else {
            Reuse::Unless
        }
    }

    fn options(&self) -> anyhow::Result<Options> {
        Ok(Options {
            history_max: self.history_max.unwrap_or_else(history_max),
            cleanup_on_fail: self.cleanup_on_fail,
            recreate_pods: self.recreate_pods,
            create_namespace: false,
            ..self.flags.options()?
        })
    }

    pub(super) fn run(mut self, settings: &Settings) -> anyhow::Result<()> {
        USAGE.exactly(2, &self.names)?;
        let format = self.output.format()?;
        self.flags.refuse()?;
        let detail = Detail {
            everything: settings.debug,
            hide_notes: self.flags.hide_notes,
            chart: true,
            ..Detail::default()
        };
        let mut opened = None;
        if self.install {
            let connection = opened.insert(Connection::open(settings)?);
            let history = match release_name::validate(&self.names[0]) {
                Ok(()) => connection.revisions(&self.names[0])?,
                Err(_) => bail!("release name is invalid: {}", self.names[0]),
            };
            let is_gone = history.last().is_some_and(|last| last.is(Status::Uninstalled));
            if history.is_empty() || is_gone {
                if format == Format::Table {
                    let name = &self.names[0];
                    print(&format!("Release {name:?} does not exist. Installing it now.\n"))?;
                }
                self.flags.replace = is_gone;
                let wanted = Wanted::find(&self.flags, &self.names, settings)?;
                let release = carry_out(&self.flags, wanted, self.hide_secret, connection)?;
                return printed::release(&release, format, detail);
            }
        }
        let path = chart::locate(&self.names[1], &self.flags.chart, settings)?;
        self.flags.check_dry_run()?;
        let values = self.flags.values.merge()?;
        let chart = self.flags.load_any(Path::new(&path), settings)?;
        let release = opened
            .map_or_else(|| Connection::open(settings), Ok)
            .and_then(|connection| self.upgrade(chart, values, &connection))
            .map_err(|why| why.context("UPGRADE FAILED"))?;
        if format == Format::Table {
            print(&format!("Release {:?} has been upgraded. Happy Helming!\n", self.names[0]))?;
        }
        printed::release(&release, format, detail)
    }

    fn upgrade(
        &self,
        mut chart: gyre_helm::Chart,
        values: gyre_helm::Values,
        connection: &Connection,
    ) -> anyhow::Result<Release> {
        let name = &self.names[0];
        connection.reach()?;
        release_name::validate(name).map_err(|_| anyhow!("release name is invalid: {name}"))?;
        let options = self.options()?;
        if self.hide_secret && !options.dry_run {
            bail!("Hiding Kubernetes secrets requires a dry-run mode");
        }
        let history = connection.revisions(name)?;
        let (last, current) = pick(name, &history)?;
        let values = reuse(self.reuse(), &mut chart, current, values)?;
        let render_options = RenderOptions {
            release_name: name.clone(),
            namespace: current.namespace().to_owned(),
            revision: last.revision() + 1,
            is_upgrade: true,
            capabilities: connection.capabilities()?,
            skip_schema_validation: self.flags.skip_schema_validation,
            sub_notes: self.flags.render_subchart_notes,
            ..RenderOptions::default()
        };
        let asks = asks_cluster(self.flags.dry_run.as_deref());
        let mut rendered = render(chart, &values, &render_options, connection, asks)?;
        let now = crate::host::local_now();
        let mut release = Release::new(NewRelease {
            name,
            namespace: current.namespace(),
            revision: last.revision() + 1,
            manifest: manifest(&mut rendered, self.hide_secret),
            chart: &rendered.chart,
            config: Some(&values),
            hooks: &rendered.hooks,
            notes: &rendered.notes,
            status: (Status::PendingUpgrade, "Preparing upgrade"),
            first_deployed: Some(current.text("/info/first_deployed").to_owned()),
            now: &now,
        });
        release.labels = last.labels.clone();
        release.labels.extend(labels(&self.flags.labels)?);
        release.labels.retain(|_, value| value != "null");
        let current = current.clone();
        let mut operation = Operation::upgrade(release, current, history, options.clone(), &now);
        let end = connection.run_until_stopped(&mut operation);
        finish(&end, &operation, &options, connection)?;
        let mut release = operation.release().clone();
        if options.dry_run {
            let said = if options.description.is_empty() { "Dry run complete" } else { &options.description };
            release.set_status(Status::PendingUpgrade, said);
        }
        Ok(release)
    }
}
