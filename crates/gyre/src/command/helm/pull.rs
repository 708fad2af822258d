//! `helm pull`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use gyre_helm::chart::{Chart, read_archive};

use super::arguments::Usage;
use super::chart::go_error;
use super::environment::Settings;
use super::fetch::{Proof, caches, find_by};
use super::flags::ChartFlags;
use super::print;

/// `helm pull CHART...`
#[derive(Debug, Args)]
pub(super) struct Pull {
    #[arg(value_name = "CHART", hide = true)]
    charts: Vec<String>,
    /// Unpack the chart after downloading it
    #[arg(long)]
    untar: bool,
    /// With --untar, the directory that the chart is unpacked into
    #[arg(long, default_value = ".", value_parser = super::flags::path())]
    untardir: PathBuf,
    /// Fetch the provenance file too
    #[arg(long)]
    prov: bool,
    /// Location to write the chart
    #[arg(long, short = 'd', default_value = ".", value_parser = super::flags::path())]
    destination: PathBuf,
    #[command(flatten)]
    flags: ChartFlags,
}

impl Pull {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "pull", line: "[chart URL | repo/chartname] [...] [flags]" }
            .at_least(1, &self.charts)?;
        for chart in &self.charts {
            self.one(chart, settings)?;
        }
        Ok(())
    }

    fn one(&self, reference: &str, settings: &Settings) -> anyhow::Result<()> {
        let found = find_by(reference, &self.flags, settings)?;
        let proof = match (self.flags.verify, self.prov) {
            (true, _) => Proof::Checked(&self.flags.keyring),
            (_, true) => Proof::Kept,
            _ => Proof::None,
        };
        if !self.untar {
            return print(&found.save(&self.destination, reference, proof)?.1);
        }
        let directory = caches().join(format!("pull.{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let unpacked = found.save(&directory, reference, proof).and_then(|(archive, said)| {
            let target = if self.untardir.is_absolute() {
                self.untardir.clone()
            } else {
                self.destination.join(&self.untardir)
            };
            unpack(&fs::read(archive)?, &target)?;
            Ok(said)
        });
        let _ = fs::remove_dir_all(&directory);
        print(&unpacked?)
    }
}

fn write(place: &Path, content: &[u8]) -> anyhow::Result<()> {
    fs::write(place, content).map_err(|why| anyhow!(go_error("open", &place.display().to_string(), &why)))
}

/// Writes the files of an archive into a directory named as the chart.
pub(super) fn unpack(archive: &[u8], directory: &Path) -> anyhow::Result<()> {
    let name =
        Chart::from_archive(archive).map_err(|why| anyhow!("failed to untar: {why}"))?.name().to_owned();
    let root = directory.components().filter(|part| *part != std::path::Component::CurDir);
    let root = root.collect::<PathBuf>().join(&name);
    if root.exists() {
        bail!("failed to untar: a file or directory with the name {} already exists", root.display());
    }
    for file in read_archive(archive)? {
        let place = root.join(&*file.name);
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)?;
        }
        write(&place, &file.content)?;
    }
    Ok(())
}
