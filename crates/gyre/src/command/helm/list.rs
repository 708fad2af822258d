//! `helm list` and `helm history`

use anyhow::anyhow;
use clap::Args;
use gyre_go::regexp::Regexp;
use gyre_helm::release::Release;
use serde_json::Value;

use super::arguments::Usage;
use super::connection::Connection;
use super::environment::Settings;
use super::print;
use super::table::{Format, OutputFlag, encoded, table};

/// `helm list`
#[derive(Debug, Args)]
pub(super) struct List {
    #[arg(hide = true)]
    rest: Vec<String>,
    /// Names only
    #[arg(long, short = 'q')]
    short: bool,
    /// No headers in the table
    #[arg(long)]
    no_headers: bool,
    /// Format times with Go's layouts
    #[arg(long)]
    time_format: Option<String>,
    /// Sort by release date
    #[arg(long, short = 'd')]
    date: bool,
    /// Reverse the sort order
    #[arg(long, short = 'r')]
    reverse: bool,
    /// Show all releases without any filter applied
    #[arg(long, short = 'a')]
    all: bool,
    /// Show uninstalled releases
    #[arg(long)]
    uninstalled: bool,
    /// Show superseded releases
    #[arg(long)]
    superseded: bool,
    /// Show releases that are being uninstalled
    #[arg(long)]
    uninstalling: bool,
    /// Show deployed releases
    #[arg(long)]
    deployed: bool,
    /// Show failed releases
    #[arg(long)]
    failed: bool,
    /// Show pending releases
    #[arg(long)]
    pending: bool,
    /// List releases across all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Maximum number of releases
    #[arg(long, short = 'm', default_value = "256")]
    max: usize,
    /// Place of the first release that is shown
    #[arg(long, default_value = "0")]
    offset: usize,
    /// Only releases whose names match this regular expression
    #[arg(long, short = 'f')]
    filter: Option<String>,
    /// Only releases whose labels match
    #[arg(long, short = 'l')]
    selector: Option<String>,
    #[command(flatten)]
    output: OutputFlag,
}

impl List {
    fn wants(&self, status: &str) -> bool {
        let chosen = [
            (self.uninstalled, "uninstalled"),
            (self.superseded, "superseded"),
            (self.uninstalling, "uninstalling"),
            (self.deployed, "deployed"),
            (self.failed, "failed"),
            (self.pending, "pending"),
        ];
        if self.all {
            return true;
        }
        if !chosen.iter().any(|(is_set, _)| *is_set) {
            return matches!(status, "deployed" | "failed");
        }
        chosen.iter().any(|(is_set, name)| {
            *is_set && (status == *name || *name == "pending" && status.starts_with("pending-"))
        })
    }

    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "list", line: "[flags]" }.none(&self.rest)?;
        let format = self.output.format()?;
        let records = Connection::open(settings)?;
        let filter = self.filter.as_ref().filter(|text| !text.is_empty());
        let filter = filter.map(|text| Regexp::parse(text)).transpose().map_err(|why| anyhow!("{why}"))?;
        let more = self.selector.as_ref().filter(|text| !text.is_empty());
        let selector = more.map_or("owner=helm".to_owned(), |more| format!("owner=helm,{more}"));
        let mut found = records.list(self.all_namespaces, &selector)?;
        let key = |one: &Release| (one.text("/namespace").to_owned(), one.name().to_owned());
        // Only the last revision of a release speaks for it, except where superseded ones are asked for.
        if !self.superseded {
            let mut last = std::collections::HashMap::new();
            for one in &found {
                let revision = last.entry(key(one)).or_insert(0);
                *revision = one.revision().max(*revision);
            }
            found.retain(|one| last.get(&key(one)) == Some(&one.revision()));
        }
        found.retain(|one| {
            self.wants(one.status())
                && filter.as_ref().is_none_or(|filter| filter.is_match(one.name().as_bytes()))
        });
        found.sort_by(|left, right| {
            let by_name = key(left).1.cmp(&key(right).1).then_with(|| key(left).0.cmp(&key(right).0));
            let seconds = |one: &Release| {
                one.time("/info/last_deployed")
                    .map_or(0, |time| time.since(&gyre_go::time::Time::from_unix(0, 0)))
            };
            if self.date { seconds(left).cmp(&seconds(right)).then(by_name) } else { by_name }
        });
        if self.reverse {
            found.reverse();
        }
        let max = if self.max == 0 { usize::MAX } else { self.max };
        let found: Vec<Release> = found.into_iter().skip(self.offset).take(max).collect();
        self.show(&found, format)
    }

    fn show(&self, found: &[Release], format: Format) -> anyhow::Result<()> {
        if self.short {
            let names: Vec<&str> = found.iter().map(Release::name).collect();
            return match format {
                Format::Table => print(&names.iter().flat_map(|name| [name, "\n"]).collect::<String>()),
                Format::Json => print(&format!("{}\n", Value::from(names))),
                Format::Yaml => print(&gyre_yaml::write_value(&Value::from(names))),
            };
        }
        let layout = self.time_format.as_deref().filter(|layout| !layout.is_empty());
        let layout = layout.unwrap_or("2006-01-02 15:04:05.999999999 -0700 MST");
        let updated = |one: &Release| {
            one.time("/info/last_deployed").map_or("-".to_owned(), |time| time.format(layout))
        };
        let fields = |one: &Release| -> [(&'static str, String); 7] {
            [
                ("name", one.name().into()),
                ("namespace", one.text("/namespace").into()),
                ("revision", one.revision().to_string()),
                ("updated", updated(one)),
                ("status", one.status().into()),
                ("chart", one.chart_version()),
                ("app_version", one.app_version().into()),
            ]
        };
        if format == Format::Table {
            let head = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
            let mut rows = Vec::new();
            if !self.no_headers {
                rows.push(head.map(ToOwned::to_owned).to_vec());
            }
            rows.extend(found.iter().map(|one| fields(one).map(|(_, text)| text).to_vec()));
            return print(&format!("{}\n", table(&rows, 0)));
        }
        let all: Vec<_> = found
            .iter()
            .map(|one| fields(one).map(|(key, text)| (key, Value::from(text))).to_vec())
            .collect();
        print(&encoded(&all, format))
    }
}

/// `helm history RELEASE`
#[derive(Debug, Args)]
pub(super) struct History {
    #[arg(value_name = "RELEASE_NAME", hide = true)]
    names: Vec<String>,
    /// Maximum number of revisions
    #[arg(long, default_value = "256")]
    max: usize,
    #[command(flatten)]
    output: OutputFlag,
}

impl History {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "history", line: "RELEASE_NAME [flags]" }.exactly(1, &self.names)?;
        let format = self.output.format()?;
        let history = Connection::open(settings)?.history(&self.names[0])?;
        let shown = &history[history.len().saturating_sub(self.max)..];
        if format == Format::Table {
            let head = ["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"];
            let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
            rows.extend(shown.iter().map(|one| {
                let updated = one.time("/info/last_deployed");
                vec![
                    one.revision().to_string(),
                    updated.map_or(String::new(), |time| time.format("Mon Jan _2 15:04:05 2006")),
                    one.status().to_owned(),
                    one.chart_version(),
                    one.app_version().to_owned(),
                    one.text("/info/description").to_owned(),
                ]
            }));
            return print(&format!("{}\n", table(&rows, 0)));
        }
        let record = |one: &Release| {
            vec![
                ("revision", one.revision().into()),
                ("updated", one.text("/info/last_deployed").into()),
                ("status", one.status().into()),
                ("chart", one.chart_version().into()),
                ("app_version", one.app_version().into()),
                ("description", one.text("/info/description").into()),
            ]
        };
        print(&encoded(&shown.iter().map(record).collect::<Vec<_>>(), format))
    }
}
