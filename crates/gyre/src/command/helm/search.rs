//! `helm search repo`

use std::cmp::Ordering;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use gyre_go::regexp::Regexp;
use gyre_go::semver::{Constraints, Version};
use gyre_source::helm::{ChartVersion, Repositories, Told, each_chart};

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

struct Found {
    name: String,
    score: usize,
    parsed: Option<Version>,
    version: Box<str>,
    app_version: Box<str>,
    description: Box<str>,
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

/// Finds a term, or a regular expression, in what is searched of charts.
struct Finder {
    term: String,
    pattern: Option<Regexp>,
    line: String,
}

impl Finder {
    fn new(term: String, is_pattern: bool) -> anyhow::Result<Self> {
        let pattern = is_pattern.then(|| Regexp::parse(&term)).transpose();
        let pattern = pattern.map_err(|why| anyhow!("{why}"))?;
        Ok(Self { term: term.to_lowercase(), pattern, line: String::new() })
    }

    fn matching(&mut self, repository: &str, chart: &str, versions: Vec<ChartVersion>) -> Vec<Found> {
        let name = format!("{repository}/{chart}");
        let mut found = Vec::new();
        for chart in versions {
            let Some(score) = self.score(repository, &chart) else { continue };
            if score < SCORE_MAX {
                let parsed = Version::parse(&chart.version).ok();
                let ChartVersion { version, app_version, description, .. } = chart;
                found.push(Found { name: name.clone(), score, parsed, version, app_version, description });
            }
        }
        found
    }

    fn score(&mut self, repository: &str, chart: &ChartVersion) -> Option<usize> {
        if self.term.is_empty() {
            return Some(0);
        }
        searched(repository, chart, &mut self.line);
        let at = match &self.pattern {
            Some(pattern) => pattern.find_all(self.line.as_bytes(), Some(1)).first().map(|(start, _)| *start),
            None => {
                self.line = self.line.to_lowercase();
                self.line.find(&self.term)
            }
        };
        at.map(|at| score(at, &self.line))
    }
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
        let mut finder = Finder::new(self.keywords.join(" "), self.regexp)?;
        let mut found = Vec::new();
        for one in &known.all {
            let known = found.len();
            let read = each_chart(&index_file(settings, &one.name), &caches(), &mut |told| match told {
                Told::Restart => found.truncate(known),
                Told::Chart(name, versions) => {
                    let mut fitting = finder.matching(&one.name, &name, versions);
                    fitting.retain(|one| one.parsed.as_ref().is_some_and(|version| range.check(version)));
                    if !self.versions {
                        // Of those that are equally good the newest stands for all.
                        fitting.sort_by(order);
                        fitting.dedup_by_key(|one| one.score);
                    }
                    found.append(&mut fitting);
                }
            });
            if let Err(why) = read {
                found.truncate(known);
                warn(&format!("Repo {:?} is corrupt or missing. Try 'helm repo update'.", one.name));
                warn(&why.to_string());
            }
        }
        found.sort_by(order);
        if !self.versions {
            found.dedup_by(|one, before| one.name == before.name);
        }
        self.show(&found, format)
    }

    fn show(&self, found: &[Found], format: Format) -> anyhow::Result<()> {
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
                vec![
                    one.name.clone(),
                    one.version.to_string(),
                    one.app_version.to_string(),
                    one.description.to_string(),
                ]
            }));
            return print(&format!("{}\n", table(&rows, self.max_col_width)));
        }
        let entry = |one: &Found| {
            vec![
                ("name", one.name.as_str().into()),
                ("version", (*one.version).into()),
                ("app_version", (*one.app_version).into()),
                ("description", (*one.description).into()),
            ]
        };
        print(&encoded(&found.iter().map(entry).collect::<Vec<Record>>(), format))
    }
}

fn order(left: &Found, right: &Found) -> Ordering {
    left.score.cmp(&right.score).then_with(|| left.name.cmp(&right.name)).then_with(|| {
        match (&left.parsed, &right.parsed) {
            (Some(left), Some(right)) => right.compare(left),
            _ => Ordering::Equal,
        }
    })
}
