//! `helm template`

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::action::{self, Operation};
use gyre_helm::capabilities::{Capabilities, KubeVersion};
use gyre_helm::release::{NewRelease, Release, Status};
use gyre_helm::render::manifest_text;
use gyre_helm::{Options, ParsedChart, Rendered, Shown, release_name, template_text};

use super::arguments::Usage;
use super::connection::{Asking, Connection};
use super::environment::Settings;
use super::flags::{ChartFlags, ValueFlags, list};
use super::{chart, print, warn};
use crate::host::Machine;
use crate::time;

const USAGE: Usage = Usage { command: "template", line: "[NAME] [CHART] [flags]" };

/// What is installed, and how: the flags that `install` and `template` share.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct InstallFlags {
    /// Create the release namespace if not present
    #[arg(long)]
    pub(super) create_namespace: bool,
    /// Simulate: `client` asks no cluster, `server` does
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(super) dry_run: Option<String>,
    /// Force resource updates through a replacement strategy
    #[arg(long)]
    pub(super) force: bool,
    /// Prevent hooks from running
    #[arg(long)]
    pub(super) no_hooks: bool,
    /// Reuse the given name, only if that name is a deleted release which remains in the history
    #[arg(long)]
    pub(super) replace: bool,
    /// Time to wait for any individual Kubernetes operation
    #[arg(long, default_value = "5m0s", value_parser = super::flags::span)]
    pub(super) timeout: String,
    /// Wait until everything is ready
    #[arg(long)]
    pub(super) wait: bool,
    /// With --wait, wait until all Jobs have been completed
    #[arg(long)]
    pub(super) wait_for_jobs: bool,
    /// Generate the name (and omit the NAME parameter)
    #[arg(long, short = 'g')]
    pub(super) generate_name: bool,
    /// Template used to name the release
    #[arg(long)]
    pub(super) name_template: Option<String>,
    /// Add a custom description
    #[arg(long)]
    pub(super) description: Option<String>,
    /// Update dependencies if they are missing
    #[arg(long)]
    pub(super) dependency_update: bool,
    /// Leave rendered manifests unchecked against the schema of Kubernetes
    #[arg(long)]
    pub(super) disable_openapi_validation: bool,
    /// Delete the installation on failure; sets --wait
    #[arg(long)]
    pub(super) atomic: bool,
    /// Install no CRDs
    #[arg(long)]
    pub(super) skip_crds: bool,
    /// Render subchart notes along with the parent
    #[arg(long)]
    pub(super) render_subchart_notes: bool,
    /// Leave values unchecked against the chart's schema
    #[arg(long)]
    pub(super) skip_schema_validation: bool,
    /// Labels that would be added to release metadata: a=b,c=d
    #[arg(long, short = 'l', value_parser = labels)]
    pub(super) labels: Vec<String>,
    /// Enable DNS lookups when rendering templates
    #[arg(long)]
    pub(super) enable_dns: bool,
    /// Do not show notes in the output
    #[arg(long)]
    pub(super) hide_notes: bool,
    /// Take over resources that belong to nobody or to others
    #[arg(long)]
    pub(super) take_ownership: bool,
    /// Refused: no programs are started here
    #[arg(long)]
    pub(super) post_renderer: Option<String>,
    /// Refused, as --post-renderer
    #[arg(long, hide = true)]
    pub(super) post_renderer_args: Vec<String>,
    #[command(flatten)]
    pub(super) values: ValueFlags,
    #[command(flatten)]
    pub(super) chart: ChartFlags,
}

/// `helm template [NAME] [CHART]`
#[derive(Debug, Args)]
pub(super) struct Template {
    #[arg(value_name = "NAME] [CHART", hide = true)]
    names: Vec<String>,
    #[command(flatten)]
    install: InstallFlags,
    /// Only show manifests rendered from the given templates
    #[arg(long, short = 's')]
    show_only: Vec<String>,
    /// Write the manifests to files in this directory
    #[arg(long, value_parser = super::flags::path())]
    output_dir: Option<PathBuf>,
    /// Include CRDs in the output
    #[arg(long)]
    include_crds: bool,
    /// Skip tests
    #[arg(long)]
    skip_tests: bool,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Version of Kubernetes used for Capabilities.KubeVersion
    #[arg(long)]
    kube_version: Option<String>,
    /// API versions used for Capabilities.APIVersions
    #[arg(long, short = 'a')]
    api_versions: Vec<String>,
    /// Check the manifests against the cluster, as an installation does
    #[arg(long)]
    validate: bool,
    /// Use the release name in the path of the output directory
    #[arg(long)]
    release_name: bool,
}

/// `--labels`
fn labels(text: &str) -> Result<String, String> {
    match text.split(',').find(|pair| !pair.contains('=')) {
        Some(pair) if !text.is_empty() => Err(format!("{pair} must be formatted as key=value")),
        _ => Ok(text.into()),
    }
}

/// `--kube-version`
pub(super) fn kube_version(given: Option<&String>) -> anyhow::Result<Option<KubeVersion>> {
    let Some(text) = given.filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = KubeVersion::parse(text).map_err(|why| anyhow!("invalid kube version '{text}': {why}"))?;
    Ok(Some(parsed))
}

impl InstallFlags {
    /// The name of the release and the chart, by the arguments.
    pub(super) fn name_and_chart(
        &self,
        given: &[String],
        default: Option<&str>,
        host: &mut Machine,
    ) -> anyhow::Result<(String, String)> {
        let template = self.name_template.as_ref().filter(|text| !text.is_empty());
        match given {
            [name, chart] => {
                for (is_set, flag) in
                    [(self.generate_name, "--generate-name"), (template.is_some(), "--name-template")]
                {
                    if is_set {
                        bail!("cannot set {flag} and also specify a name");
                    }
                }
                Ok((name.clone(), chart.clone()))
            }
            [chart] => {
                if let Some(template) = template {
                    return Ok((release_name::from_template(template, host)?, chart.clone()));
                }
                if let Some(name) = default {
                    return Ok((name.into(), chart.clone()));
                }
                if !self.generate_name {
                    bail!("must either provide a name or specify --generate-name");
                }
                let file = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                let file = if matches!(file, "" | ".") { "chart" } else { file };
                let stem = file.split('.').next().unwrap_or_default();
                Ok((format!("{stem}-{}", time::present().unix_s), chart.clone()))
            }
            [_, _, rest @ ..] => {
                bail!("expected at most two arguments, unexpected arguments: {}", rest.join(", "))
            }
            [] => bail!("must either provide a name or specify --generate-name"),
        }
    }

    /// The chart at a path, with the charts that it needs; it has to be one that can be installed.
    pub(super) fn load(&self, path: &Path, settings: &Settings) -> anyhow::Result<gyre_helm::Chart> {
        self.complete(Self::checked(chart::load(path)?)?, path, settings)
    }

    /// The same, whatever its kind.
    pub(super) fn load_any(&self, path: &Path, settings: &Settings) -> anyhow::Result<gyre_helm::Chart> {
        self.complete(chart::load(path)?, path, settings)
    }

    fn complete(
        &self,
        loaded: gyre_helm::Chart,
        path: &Path,
        settings: &Settings,
    ) -> anyhow::Result<gyre_helm::Chart> {
        if loaded.metadata.deprecated {
            warn("This chart is deprecated");
        }
        let Err(missing) = loaded.check_dependencies() else { return Ok(loaded) };
        if !self.dependency_update {
            bail!(
                "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: {missing}"
            );
        }
        super::dependency::update(path, settings)?;
        chart::load(path)
    }

    fn checked(chart: gyre_helm::Chart) -> anyhow::Result<gyre_helm::Chart> {
        match &*chart.metadata.kind {
            "" | "application" => Ok(chart),
            other => bail!("{other} charts are not installable"),
        }
    }

    /// Refuses what cannot be done here.
    pub(super) fn refuse(&self) -> anyhow::Result<()> {
        if let Some(program) = self.post_renderer.as_ref().filter(|program| !program.is_empty()) {
            bail!(
                "--post-renderer {program}: no programs are started here; pipe the output of gyre helm template through it, or use a kustomization"
            );
        }
        Ok(())
    }

    /// Is `--dry-run` one of its words?
    pub(super) fn check_dry_run(&self) -> anyhow::Result<()> {
        let dry_run = self.dry_run.as_deref().unwrap_or_default();
        if !matches!(dry_run, "" | "true" | "false" | "none" | "client" | "server") {
            bail!("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server");
        }
        Ok(())
    }
}

impl Template {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        USAGE.at_least(1, &self.names)?;
        self.install.refuse()?;
        let asks = matches!(self.install.dry_run.as_deref(), Some("server" | "none" | "false"));
        let connection = (asks || self.validate).then(|| Connection::open(settings)).transpose()?;
        let mut host = Machine::new();
        let kube_version = kube_version(self.kube_version.as_ref())?;
        let (name, chart) = self.install.name_and_chart(&self.names, Some("release-name"), &mut host)?;
        // order: Helm's: a chart that is not there is told before values that cannot be read.
        let path = chart::locate(&chart, &self.install.chart, settings)?;
        let values = self.install.values.merge()?;
        let chart = self.install.load(&path, settings)?;
        self.install.check_dry_run()?;
        release_name::validate(&name)
            .map_err(|why| anyhow!("release name {}: {why}", gyre_go::strconv::quote(name.as_bytes())))?;
        let mut capabilities = Capabilities::default();
        if let Some(version) = kube_version {
            capabilities.kube_version = version;
        }
        capabilities = capabilities.with_api_versions(&list(&self.api_versions));
        if let Some(connection) = connection.as_ref().filter(|_| self.validate) {
            capabilities = connection.capabilities()?;
        }
        let options = Options {
            release_name: name.clone(),
            namespace: settings.namespace(),
            is_upgrade: self.is_upgrade,
            capabilities,
            skip_schema_validation: self.install.skip_schema_validation,
            sub_notes: self.install.render_subchart_notes,
            ..Options::default()
        };
        let chart = ParsedChart::new(chart);
        let rendered = match connection.as_ref().filter(|_| asks) {
            Some(connection) => chart.render_or_partial(&values, &options, &mut Asking::new(connection)),
            None => chart.render_or_partial(&values, &options, &mut host),
        };
        match rendered {
            Ok(rendered) => {
                super::log(&rendered.warnings);
                if let Some(connection) = connection.as_ref().filter(|_| self.validate) {
                    self.check(&rendered, &options, connection)?;
                }
                self.show(&rendered, &name)
            }
            Err(failure) => match failure.partial {
                Some(partial) if settings.debug => {
                    print(&format!("{}\n", partial.trim()))?;
                    Err(failure.why.into())
                }
                Some(_) => bail!("{}\n\nUse --debug flag to render out invalid YAML", failure.why),
                None => Err(failure.why.into()),
            },
        }
    }

    /// Are the manifests of kinds that the cluster knows, and are they nobody else's? Nothing is changed.
    fn check(&self, rendered: &Rendered, options: &Options, connection: &Connection) -> anyhow::Result<()> {
        let now = crate::host::local_now();
        let release = Release::new(NewRelease {
            name: &options.release_name,
            namespace: &options.namespace,
            revision: 1,
            chart: &rendered.chart,
            config: None,
            manifest: manifest_text(rendered, self.include_crds),
            hooks: &[],
            notes: "",
            status: (Status::PendingInstall, ""),
            first_deployed: None,
            now: &now,
        });
        let dry_run = action::Options {
            dry_run: true,
            take_ownership: self.is_upgrade || self.install.take_ownership,
            ..action::Options::default()
        };
        let mut operation = Operation::install(release, Vec::new(), dry_run, &now);
        connection.run(&mut operation).error.map_or(Ok(()), |why| Err(anyhow!(why)))
    }

    fn show(&self, rendered: &Rendered, name: &str) -> anyhow::Result<()> {
        let Some(root) = self.output_dir.as_ref().filter(|root| !root.as_os_str().is_empty()) else {
            let shown = Shown {
                include_crds: self.include_crds,
                no_hooks: self.install.no_hooks,
                skip_tests: self.skip_tests,
                only: self.show_only.clone(),
                ..Shown::default()
            };
            return print(&template_text(rendered, &shown)?);
        };
        let mut files = Files { written: Vec::new(), told: String::new() };
        if self.include_crds {
            for (path, file) in &rendered.crds {
                files.write(root, path, &file.text())?;
            }
        }
        let below = if self.release_name { root.join(name) } else { root.clone() };
        for manifest in &rendered.manifests {
            files.write(&below, &manifest.path, &manifest.content)?;
        }
        if !self.install.no_hooks {
            for hook in &rendered.hooks {
                if !(self.skip_tests && hook.events.iter().any(|event| event == "test")) {
                    files.write(&below, &hook.manifest.path, &hook.manifest.content)?;
                }
            }
        }
        print(&files.told)?;
        match self.show_only.first() {
            Some(pattern) => bail!("could not find template {pattern} in chart"),
            None => print("\n"),
        }
    }
}

/// Files of an output directory: the first manifest of a template makes its file, further ones are added.
struct Files {
    written: Vec<PathBuf>,
    told: String,
}

impl Files {
    fn write(&mut self, root: &Path, path: &str, content: &str) -> anyhow::Result<()> {
        let shown = format!("{}/{path}", root.display());
        let place = PathBuf::from(&shown);
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)
                .map_err(|why| anyhow!(chart::go_error("mkdir", &directory.display().to_string(), &why)))?;
        }
        let again = self.written.contains(&place);
        let mut file = fs::OpenOptions::new()
            .create(true)
            .write(true)
            .append(again)
            .truncate(!again)
            .open(&place)
            .map_err(|why| anyhow!(chart::go_error("open", &shown, &why)))?;
        write!(file, "---\n# Source: {path}\n{content}\n")?;
        let _ = writeln!(self.told, "wrote {shown}");
        self.written.push(place);
        Ok(())
    }
}
