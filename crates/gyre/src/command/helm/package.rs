//! `helm package`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::Chart;

use super::chart::{self, absolute, go_error};
use super::environment::Settings;
use super::flags::{RemoteFlags, ValueFlags};
use super::print;
use super::verify::{KeyringFlag, sign};
use crate::time;

/// `helm package CHART_PATH...`
#[derive(Debug, Args)]
pub(super) struct Package {
    #[arg(value_name = "CHART_PATH", hide = true)]
    paths: Vec<String>,
    /// Set the version on the chart to this semver version
    #[arg(long)]
    version: Option<String>,
    /// Set the appVersion on the chart to this version
    #[arg(long)]
    app_version: Option<String>,
    /// Location to write the chart
    #[arg(long, short = 'd', default_value = ".")]
    destination: String,
    /// Update dependencies from Chart.yaml to charts/ before packaging
    #[arg(long, short = 'u')]
    dependency_update: bool,
    /// Sign the package with an OpenPGP key
    #[arg(long)]
    sign: bool,
    /// Name of the key to sign with
    #[arg(long, default_value = "")]
    key: String,
    /// File that contains the passphrase of the key; "-" for standard input
    #[arg(long)]
    passphrase_file: Option<String>,
    #[command(flatten)]
    keyring: KeyringFlag,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    values: ValueFlags,
}

impl Package {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        if self.paths.is_empty() {
            bail!("need at least one argument, the path to the chart");
        }
        if self.sign && self.key.is_empty() {
            bail!("--key is required for signing a package");
        }
        if self.sign && self.keyring.place().as_os_str().is_empty() {
            bail!("--keyring is required for signing a package");
        }
        for path in &self.paths {
            let place = absolute(path)?;
            fs::metadata(path).map_err(|why| anyhow!(go_error("stat", path, &why)))?;
            if self.dependency_update {
                super::dependency::update_quietly(&place, settings)?;
            }
            let mut packed = chart::load_directory(&place)?;
            if let Some(version) = self.version.as_ref().filter(|version| !version.is_empty()) {
                packed.metadata.version.clone_from(version);
            }
            gyre_go::semver::Version::parse(&packed.metadata.version).map_err(|why| anyhow!("{why}"))?;
            if let Some(version) = self.app_version.as_ref().filter(|version| !version.is_empty()) {
                packed.metadata.app_version.clone_from(version);
            }
            packed.check_dependencies()?;
            let directory = if self.destination == "." {
                std::env::current_dir()?
            } else {
                self.destination.clone().into()
            };
            let saved = save(&packed, &directory)?;
            if self.sign {
                let passphrase = self.passphrase_file.as_deref().filter(|place| !place.is_empty());
                sign(&saved, &self.keyring, &self.key, passphrase)?;
            }
            print(&format!("Successfully packaged chart and saved it to: {}\n", saved.display()))?;
        }
        Ok(())
    }
}

/// Writes the archive of a chart into a directory and gives its path.
pub(super) fn save(chart: &Chart, directory: &Path) -> anyhow::Result<PathBuf> {
    let mut metadata = chart.metadata.clone();
    metadata.validate().map_err(|why| anyhow!("failed to save: chart validation: {why}"))?;
    let shown = directory.display().to_string();
    match fs::metadata(directory) {
        Ok(entry) if !entry.is_dir() => bail!("failed to save: is not a directory: {shown}"),
        Ok(_) => {}
        Err(_) => fs::create_dir_all(directory)
            .map_err(|why| anyhow!("failed to save: {}", go_error("mkdir", &shown, &why)))?,
    }
    let place = directory.join(format!("{}-{}.tgz", chart.name(), chart.metadata.version));
    let packed = gyre_helm::chart::package(chart, time::present().unix_s.unsigned_abs())
        .map_err(|why| anyhow!("failed to save: {why}"))?;
    fs::write(&place, packed)
        .map_err(|why| anyhow!("failed to save: {}", go_error("open", &place.display().to_string(), &why)))?;
    Ok(place)
}
