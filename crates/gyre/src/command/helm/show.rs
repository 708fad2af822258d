//! `helm show`

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use gyre_helm::Chart;

use super::arguments::Usage;
use super::environment::Settings;
use super::flags::ChartFlags;
use super::{chart, print};

/// `helm show`
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show all information of the chart
    All(Of),
    /// Show the chart's definition
    Chart(Of),
    /// Show the chart's CRDs
    Crds(Of),
    /// Show the chart's README
    Readme(Of),
    /// Show the chart's values
    Values(Of),
}

#[derive(Debug, Args)]
struct Of {
    #[arg(value_name = "CHART", hide = true)]
    charts: Vec<String>,
    #[command(flatten)]
    flags: ChartFlags,
}

impl Show {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let (command, of) = match &self.what {
            What::All(of) => ("show all", of),
            What::Chart(of) => ("show chart", of),
            What::Crds(of) => ("show crds", of),
            What::Readme(of) => ("show readme", of),
            What::Values(of) => ("show values", of),
        };
        Usage { command, line: "[CHART] [flags]" }.exactly(1, &of.charts)?;
        let path = chart::locate(&of.charts[0], &of.flags, settings)?;
        let chart = chart::load(&path)?;
        let all = matches!(self.what, What::All(_));
        let mut out = String::new();
        if all || matches!(self.what, What::Chart(_)) {
            let _ = writeln!(out, "{}", gyre_yaml::write_value(&chart.metadata.to_json()));
        }
        if all || matches!(self.what, What::Values(_)) {
            values(&chart, all, &mut out);
        }
        if all || matches!(self.what, What::Readme(_)) {
            readme(&chart, all, &mut out);
        }
        if all || matches!(self.what, What::Crds(_)) {
            crds(&chart, all, &mut out);
        }
        print(&out)
    }
}

fn values(chart: &Chart, all: bool, out: &mut String) {
    for file in chart.raw.iter().filter(|file| &*file.name == "values.yaml") {
        let start = if all { "---\n" } else { "" };
        let _ = writeln!(out, "{start}{}", file.text());
    }
}

fn readme(chart: &Chart, all: bool, out: &mut String) {
    let is_readme = |name: &str| {
        ["readme.md", "readme.txt", "readme"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    if let Some(file) = chart.files.iter().find(|file| is_readme(&file.name)) {
        let start = if all { "---\n" } else { "" };
        let _ = writeln!(out, "{start}{}", file.text());
    }
}

fn crds(chart: &Chart, all: bool, out: &mut String) {
    let crds = chart.crds();
    if all && crds.first().is_some_and(|(_, file)| !file.content.starts_with(b"---")) {
        out.push_str("---\n");
    }
    for (_, file) in crds {
        let _ = writeln!(out, "{}", file.text());
    }
}
