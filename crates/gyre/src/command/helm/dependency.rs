//! `helm dependency`

mod update;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gyre_go::semver::{Constraints, Version};
use gyre_go::strconv::quote;
use gyre_helm::Chart;
use gyre_helm::chart::Dependency;

use super::chart;
use super::environment::Settings;
use super::fetch::Proof;
use super::flags::RemoteFlags;
use super::print;
use super::table::table;
use super::verify::KeyringFlag;

pub(super) use update::Update;

/// `helm dependency`
#[derive(Debug, Args)]
pub(super) struct Dependencies {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch what Chart.lock names into charts/
    Build(Of),
    /// List the dependencies of a chart
    #[command(alias = "ls")]
    List(ListOf),
    /// Fetch what Chart.yaml asks for into charts/ and write Chart.lock
    #[command(alias = "up")]
    Update(Of),
}

#[derive(Debug, Args)]
struct ListOf {
    #[arg(value_name = "CHART", hide = true)]
    charts: Vec<String>,
    /// The width of the widest column
    #[arg(long, default_value = "80")]
    max_col_width: usize,
}

#[derive(Debug, Args)]
struct Of {
    #[arg(value_name = "CHART", hide = true)]
    charts: Vec<String>,
    /// Do not refresh the local repository cache
    #[arg(long)]
    skip_refresh: bool,
    /// Verify the packages against their signatures
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    keyring: KeyringFlag,
    #[command(flatten)]
    remote: RemoteFlags,
}

impl Dependencies {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let (of, build) = match self.command {
            Command::List(list) => return list.run(),
            Command::Build(of) => (of, true),
            Command::Update(of) => (of, false),
        };
        let place = PathBuf::from(of.charts.first().map_or(".", String::as_str));
        let proof = if of.verify { Proof::Checked(&of.keyring) } else { Proof::None };
        let update = Update { chart: &place, skip_refresh: of.skip_refresh, quiet: false, proof, settings };
        if build { update.build() } else { update.update() }
    }
}

/// Fetches what a chart asks for.
pub(super) fn update(chart: &Path, settings: &Settings) -> anyhow::Result<()> {
    Update { chart, skip_refresh: false, quiet: false, proof: Proof::None, settings }.update()
}

/// The same without a word.
pub(super) fn update_quietly(chart: &Path, settings: &Settings) -> anyhow::Result<()> {
    Update { chart, skip_refresh: false, quiet: true, proof: Proof::None, settings }.update()
}

impl ListOf {
    fn run(self) -> anyhow::Result<()> {
        let place = self.charts.first().map_or(".", String::as_str);
        let loaded = chart::load(Path::new(place))?;
        let directory = Path::new(place).join("charts");
        if loaded.metadata.dependencies.is_empty() {
            return print(&format!("WARNING: no dependencies at {}\n", directory.display()));
        }
        let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(ToOwned::to_owned).to_vec()];
        for wanted in &loaded.metadata.dependencies {
            let status = status(&directory, wanted, &loaded).to_owned();
            rows.push(vec![wanted.name.clone(), wanted.version.clone(), wanted.repository.clone(), status]);
        }
        let mut out = format!("{}\n\n", table(&rows, self.max_col_width));
        for entry in entries(&directory) {
            let is_archive = entry.extension().is_some_and(|end| end == "tgz");
            if !entry.is_dir() && !is_archive {
                continue;
            }
            let shown = quote(entry.display().to_string().as_bytes());
            match chart::load(&entry) {
                Err(_) => {
                    let _ = writeln!(out, "WARNING: {shown} is not a chart.");
                }
                Ok(found) => {
                    if !loaded.metadata.dependencies.iter().any(|wanted| wanted.name == found.name()) {
                        let _ = writeln!(out, "WARNING: {shown} is not in Chart.yaml.");
                    }
                }
            }
        }
        print(&out)
    }
}

/// What lies in a directory, by name, without what is hidden.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    let mut found: Vec<PathBuf> = found.filter(|path| !is_hidden(path)).collect();
    found.sort();
    found
}

fn fits(found: &Chart, wanted: &Dependency) -> Result<(), &'static str> {
    if found.metadata.version == wanted.version {
        return Ok(());
    }
    match (Constraints::parse(&wanted.version), Version::parse(&found.metadata.version)) {
        (Ok(range), Ok(version)) if range.check(&version) => Ok(()),
        (Ok(_), Ok(_)) => Err("wrong version"),
        _ => Err("invalid version"),
    }
}

fn status(directory: &Path, wanted: &Dependency, parent: &Chart) -> &'static str {
    let start = format!("{}-", wanted.name);
    let version_of = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        Some(name.strip_suffix(".tgz")?.strip_prefix(&start)?.to_owned())
    };
    let mut archives: Vec<PathBuf> =
        entries(directory).into_iter().filter(|path| version_of(path).is_some()).collect();
    if archives.len() > 1 {
        let is_strict = |path: &PathBuf| {
            version_of(path).is_some_and(|version| {
                !version.starts_with('v')
                    && version.split(['-', '+']).next().is_some_and(|core| core.split('.').count() == 3)
                    && Version::parse(&version).is_ok()
            })
        };
        archives.retain(is_strict);
        if archives.len() > 1 {
            return "too many matches";
        }
    }
    if let [archive] = &archives[..] {
        return match chart::load(archive) {
            Err(_) => "corrupt",
            Ok(found) if found.name() != wanted.name => "misnamed",
            Ok(found) => fits(&found, wanted).err().unwrap_or("ok"),
        };
    }
    match parent.dependencies.iter().rfind(|one| one.name() == wanted.name) {
        None => "missing",
        Some(found) => fits(found, wanted).err().unwrap_or("unpacked"),
    }
}
