//! `helm install`

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::action::{self, End, Operation, Options, Undo, Wish};
use gyre_helm::release::{NewRelease, Release, SYSTEM_LABELS, Status};
use gyre_helm::render::manifest_text;
use gyre_helm::{Chart, Options as RenderOptions, ParsedChart, Rendered, Values, release_name};

use super::arguments::Usage;
use super::chart;
use super::connection::{Asking, Connection};
use super::environment::Settings;
use super::printed::{self, Detail};
use super::table::OutputFlag;
use super::template::InstallFlags;
use crate::host::Machine;

const USAGE: Usage = Usage { command: "install", line: "[NAME] [CHART] [flags]" };

/// `helm install [NAME] [CHART]`
#[derive(Debug, Args)]
pub(super) struct Install {
    #[arg(value_name = "NAME] [CHART", hide = true)]
    names: Vec<String>,
    #[command(flatten)]
    flags: InstallFlags,
    /// Hide Secrets when also using the --dry-run flag
    #[arg(long)]
    hide_secret: bool,
    #[command(flatten)]
    output: OutputFlag,
}

impl Install {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        USAGE.at_least(1, &self.names)?;
        let format = self.output.format()?;
        self.flags.refuse()?;
        let hide_notes = self.flags.hide_notes;
        let release = self.install(settings).map_err(|why| why.context("INSTALLATION FAILED"))?;
        let detail = Detail { everything: settings.debug, hide_notes, chart: true, ..Detail::default() };
        printed::release(&release, format, detail)
    }

    fn install(&self, settings: &Settings) -> anyhow::Result<Release> {
        let wanted = Wanted::find(&self.flags, &self.names, settings)?;
        carry_out(&self.flags, wanted, self.hide_secret, &Connection::open(settings)?)
    }
}

/// What is to be installed.
pub(super) struct Wanted {
    name: String,
    chart: Chart,
    values: Values,
}

impl Wanted {
    /// Finds and reads it; no cluster is asked for that.
    pub(super) fn find(flags: &InstallFlags, names: &[String], settings: &Settings) -> anyhow::Result<Self> {
        let (name, chart) = flags.name_and_chart(names, None, &mut Machine::new())?;
        // order: Helm's: a chart that is not there is told before values that cannot be read.
        let path = chart::locate(&chart, &flags.chart, settings)?;
        let values = flags.values.merge()?;
        let chart = flags.load(Path::new(&path), settings)?;
        flags.check_dry_run()?;
        Ok(Self { name, chart, values })
    }
}

/// `--labels`
pub(super) fn labels(given: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let pairs = given.iter().flat_map(|text| text.split(',')).filter_map(|pair| pair.split_once('='));
    let pairs: Vec<(String, String)> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    if pairs.iter().any(|(key, _)| SYSTEM_LABELS.contains(&&**key)) {
        bail!(
            "user supplied labels contains system reserved label name. System labels: [{}]",
            SYSTEM_LABELS.join(" ")
        );
    }
    Ok(pairs)
}

/// What templates may ask of the cluster, for a dry run: nothing where it is one of the client.
pub(super) fn asks_cluster(dry_run: Option<&str>) -> bool {
    !matches!(dry_run, Some("client" | "true"))
}

pub(super) fn is_dry_run(dry_run: Option<&str>) -> bool {
    matches!(dry_run, Some("client" | "server" | "true"))
}

/// Renders a chart with what the cluster can do.
pub(super) fn render(
    chart: Chart,
    values: &Values,
    options: &RenderOptions,
    connection: &Connection,
    asks: bool,
) -> anyhow::Result<Rendered> {
    let parsed = ParsedChart::new(chart);
    let rendered = if asks {
        parsed.render(values, options, &mut Asking::new(connection))
    } else {
        parsed.render(values, options, &mut Machine::new())
    };
    let rendered = rendered.map_err(|why| anyhow!("{why}"))?;
    super::log(&rendered.warnings);
    Ok(rendered)
}

/// The manifests of a release; Secrets are hidden where that is asked for.
pub(super) fn manifest(rendered: &mut Rendered, hide_secret: bool) -> String {
    if hide_secret {
        for one in &mut rendered.manifests {
            if one.kind == "Secret" && one.api_version == "v1" {
                one.content = "# HIDDEN: The Secret output has been suppressed".into();
            }
        }
    }
    manifest_text(rendered, false)
}

impl InstallFlags {
    /// How long one thing may take.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        Ok(Options {
            no_hooks: self.no_hooks,
            wait: self.wait || self.atomic,
            wait_for_jobs: self.wait_for_jobs,
            timeout: super::flags::timeout(&self.timeout)?,
            force: self.force,
            atomic: self.atomic,
            take_ownership: self.take_ownership,
            create_namespace: self.create_namespace,
            dry_run: is_dry_run(self.dry_run.as_deref()),
            description: self.description.clone().unwrap_or_default(),
            ..Options::default()
        })
    }
}

/// Installs a chart; the release as it is then.
pub(super) fn carry_out(
    flags: &InstallFlags,
    wanted: Wanted,
    hide_secret: bool,
    connection: &Connection,
) -> anyhow::Result<Release> {
    let Wanted { name, chart, values } = wanted;
    let options = flags.options()?;
    let capabilities = connection.capabilities()?;
    if hide_secret && !options.dry_run {
        bail!("Hiding Kubernetes secrets requires a dry-run mode");
    }
    release_name::validate(&name)
        .map_err(|why| anyhow!("release name {}: {why}", gyre_go::strconv::quote(name.as_bytes())))?;
    let mut history = Vec::new();
    if !options.dry_run {
        history = connection.revisions(&name)?;
        action::available(&history, flags.replace)?;
        if !flags.skip_crds {
            connection.install_crds(&chart)?;
        }
    }
    let capabilities = if chart.crds().is_empty() { capabilities } else { connection.capabilities()? };
    let render_options = RenderOptions {
        release_name: name.clone(),
        namespace: connection.namespace.clone(),
        capabilities,
        skip_schema_validation: flags.skip_schema_validation,
        sub_notes: flags.render_subchart_notes,
        ..RenderOptions::default()
    };
    let asks = asks_cluster(flags.dry_run.as_deref());
    let mut rendered = render(chart, &values, &render_options, connection, asks)?;
    let labels = labels(&flags.labels)?;
    let now = crate::host::local_now();
    let mut release = Release::new(NewRelease {
        name: &name,
        namespace: &connection.namespace,
        revision: 1,
        manifest: manifest(&mut rendered, hide_secret),
        chart: &rendered.chart,
        config: Some(&values),
        hooks: &rendered.hooks,
        notes: &rendered.notes,
        status: (Status::PendingInstall, "Initial install underway"),
        first_deployed: None,
        now: &now,
    });
    release.labels = labels.into_iter().collect();
    let mut operation = Operation::install(release, history, options.clone(), &now);
    let end = connection.run_until_stopped(&mut operation);
    finish(&end, &operation, &options, connection)?;
    let mut release = operation.release().clone();
    if options.dry_run {
        release.set_status(Status::PendingInstall, "Dry run complete");
    }
    Ok(release)
}

/// Tells what went wrong, after it was undone where that was asked for.
pub(super) fn finish(
    end: &End,
    operation: &Operation,
    options: &Options,
    connection: &Connection,
) -> anyhow::Result<()> {
    let name = operation.release().name();
    let plain =
        Options { atomic: false, wait: true, description: String::new(), history_max: 0, ..options.clone() };
    let undone = match end.undo {
        None | Some(Undo::Rollback(None)) => Ok(()),
        Some(Undo::Uninstall) => {
            let plain = Options { wait: false, ..plain };
            undo(connection, name, |history, now| Operation::uninstall(history, Wish::default(), plain, now))
        }
        Some(Undo::Rollback(Some(revision))) => {
            undo(connection, name, |history, now| Operation::rollback(history, revision, plain, now))
        }
    };
    match end.told(name, undone) {
        Some(why) => Err(anyhow!(why)),
        None => Ok(()),
    }
}

fn undo(
    connection: &Connection,
    name: &str,
    begin: impl FnOnce(Vec<Release>, &gyre_go::time::Time) -> Result<Operation, gyre_helm::HelmError>,
) -> Result<(), String> {
    let history = connection.revisions(name).map_err(|why| why.to_string())?;
    let mut operation = begin(history, &crate::host::local_now()).map_err(|why| why.to_string())?;
    connection.run(&mut operation).error.map_or(Ok(()), Err)
}
