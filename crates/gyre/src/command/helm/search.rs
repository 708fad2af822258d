//! `helm search repo`

use std::cmp::Ordering;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use gyre_go::regexp::Regexp;
use gyre_go::semver::{Constraints, Version};
use gyre_source::helm::{ChartVersion, Index, Repositories};

use super::environment::Settings;
use super::fetch::{caches, index_file};
use super::table::{Format, OutputFlag, Record, encoded, table};
use super::{print, warn};

/// `helm search`
#[derive(Debug, Args)]
pub(super) struct Search {
    #[command(subcommand)]
    where_: Where,
}

#[derive(Debug, Subcommand)]
enum Where {
    /// Search repositories for a keyword in charts
    Repo(InRepositories),
}

#[derive(Debug, Args)]
struct InRepositories {
    #[arg(value_name = "KEYWORD", hide = true)]
    keywords: Vec<String>,
    /// Use regular expressions for searching
    #[arg(long, short = 'r')]
    regexp: bool,
    /// Show all versions, each on its own line
    #[arg(long, short = 'l')]
    versions: bool,
    /// Use development versions too
    #[arg(long)]
    devel: bool,
    /// Only versions in this range
    #[arg(long)]
    version: Option<String>,
    /// The width of the widest column
    #[arg(long, default_value = "50")]
    max_col_width: usize,
    /// Fail if nothing is found
    #[arg(long)]
    fail_on_no_result: bool,
    #[command(flatten)]
    output: OutputFlag,
}

/// Matches further back in what is said of a chart do not count.
const SCORE_MAX: usize = 25;

struct Found<'a> {
    name: &'a str,
    score: usize,
    parsed: Option<Version>,
    chart: &'a ChartVersion,
}

/// What is searched of a chart: its name, its name with the repository, its words, parted by a letter nobody types.
fn searched(repository: &str, chart: &ChartVersion, out: &mut String) {
    out.clear();
    for part in [&chart.name, "\u{b}", repository, "/", &chart.name, "\u{b}", &chart.description] {
        out.push_str(part);
    }
    for (at, keyword) in chart.keywords.iter().enumerate() {
        out.push(if at == 0 { '\u{b}' } else { ' ' });
        out.push_str(keyword);
    }
    if chart.keywords.is_empty() {
        out.push('\u{b}');
    }
}

/// How far back a match is: in the name, the full name, the description, the keywords.
fn score(at: usize, line: &str) -> usize {
    line.bytes().take(at).filter(|&byte| byte == 0x0b).count()
}

impl Search {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Where::Repo(search) = self.where_;
        search.run(settings)
    }
}

impl InRepositories {
    fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let format = self.output.format()?;
        let wanted = match &self.version {
            Some(version) if !version.is_empty() => version.as_str(),
            _ if self.devel => ">0.0.0-0",
            _ => ">0.0.0",
        };
        let range = Constraints::parse(wanted)
            .map_err(|why| anyhow!("an invalid version/constraint format: {why}"))?;
        let known = match Repositories::load(&settings.repository_config)? {
            Some(known) if !known.all.is_empty() => known,
            _ => bail!("no repositories configured"),
        };
        let mut indexes = Vec::new();
        for one in &known.all {
            match Index::cached(&index_file(settings, &one.name), &caches()) {
                Ok(index) => indexes.push((one.name.as_str(), index)),
                Err(_) => {
                    warn(&format!("Repo {:?} is corrupt or missing. Try 'helm repo update'.", one.name));
                }
            }
        }
        let names: Vec<(String, &str, &Vec<ChartVersion>)> = indexes
            .iter()
            .flat_map(|(repo, index)| {
                index.entries.iter().map(move |(name, all)| (format!("{repo}/{name}"), *repo, all))
            })
            .collect();
        let mut found = self.matching(&names)?;
        found.sort_by(order);
        let mut last = "";
        found.retain(|one| {
            if !self.versions && one.name == last || !one.parsed.as_ref().is_some_and(|v| range.check(v)) {
                return false;
            }
            last = one.name;
            true
        });
        self.show(&found, format)
    }

    fn matching<'a>(
        &self,
        names: &'a [(String, &'a str, &'a Vec<ChartVersion>)],
    ) -> anyhow::Result<Vec<Found<'a>>> {
        let term = self.keywords.join(" ");
        let pattern = self.regexp.then(|| Regexp::parse(&term)).transpose();
        let pattern = pattern.map_err(|why| anyhow!("{why}"))?;
        let lower = term.to_lowercase();
        let (mut line, mut found) = (String::new(), Vec::new());
        for (name, repository, versions) in names {
            for chart in *versions {
                let mut score_of = 0;
                if !term.is_empty() {
                    searched(repository, chart, &mut line);
                    let at = match &pattern {
                        Some(pattern) => {
                            pattern.find_all(line.as_bytes(), Some(1)).first().map(|(start, _)| *start)
                        }
                        None => {
                            line = line.to_lowercase();
                            line.find(&lower)
                        }
                    };
                    let Some(at) = at else { continue };
                    score_of = score(at, &line);
                }
                if score_of < SCORE_MAX {
                    let parsed = Version::parse(&chart.version).ok();
                    found.push(Found { name, score: score_of, parsed, chart });
                }
            }
        }
        Ok(found)
    }

    fn show(&self, found: &[Found<'_>], format: Format) -> anyhow::Result<()> {
        if found.is_empty() && self.fail_on_no_result {
            bail!("no results found");
        }
        if format == Format::Table {
            if found.is_empty() {
                return print("No results found\n");
            }
            let head = ["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"];
            let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
            rows.extend(found.iter().map(|one| {
                let chart = one.chart;
                vec![
                    one.name.to_owned(),
                    chart.version.to_string(),
                    chart.app_version.to_string(),
                    chart.description.to_string(),
                ]
            }));
            return print(&format!("{}\n", table(&rows, self.max_col_width)));
        }
        let entry = |one: &Found<'_>| {
            let chart = one.chart;
            vec![
                ("name", one.name.into()),
                ("version", (*chart.version).into()),
                ("app_version", (*chart.app_version).into()),
                ("description", (*chart.description).into()),
            ]
        };
        print(&encoded(&found.iter().map(entry).collect::<Vec<Record>>(), format))
    }
}

fn order(left: &Found<'_>, right: &Found<'_>) -> Ordering {
    left.score.cmp(&right.score).then_with(|| left.name.cmp(right.name)).then_with(|| {
        match (&left.parsed, &right.parsed) {
            (Some(left), Some(right)) => right.compare(left),
            _ => Ordering::Equal,
        }
    })
}
