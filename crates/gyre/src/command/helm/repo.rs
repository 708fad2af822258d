//! `helm repo`

mod index;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use gyre_go::strconv::quote;
use gyre_source::helm::{Repositories, Repository};

use super::arguments::Usage;
use super::environment::Settings;
use super::fetch::{fetch_index, index_file, remote_of};
use super::flags::RemoteFlags;
use super::print;
use super::table::{Format, OutputFlag, Record, encoded, table};

/// `helm repo`
#[derive(Debug, Args)]
pub(super) struct Repo {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a chart repository
    Add(Add),
    /// Generate an index file for a directory of packaged charts
    Index(index::MakeIndex),
    /// List chart repositories
    #[command(alias = "ls")]
    List(List),
    /// Remove one or more chart repositories
    #[command(alias = "rm")]
    Remove(Names),
    /// Fetch the indexes of repositories anew
    #[command(alias = "up")]
    Update(Update),
}

#[derive(Debug, Args)]
struct Add {
    #[arg(value_name = "NAME] [URL", hide = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Replace a repository of the same name
    #[arg(long)]
    force_update: bool,
    /// Ignored; accepted for compatibility
    #[arg(long, hide = true)]
    no_update: bool,
    /// Add repositories that have moved under their old addresses
    #[arg(long)]
    allow_deprecated_repos: bool,
    /// Pass credentials to all domains
    #[arg(long)]
    pass_credentials: bool,
    /// Ignored: an index is fetched within a fixed time
    #[arg(long, default_value = "2m0s", value_parser = super::flags::span)]
    timeout: String,
}

#[derive(Debug, Args)]
struct List {
    #[arg(hide = true)]
    rest: Vec<String>,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Debug, Args)]
struct Names {
    #[arg(value_name = "REPO", hide = true)]
    names: Vec<String>,
}

#[derive(Debug, Args)]
struct Update {
    #[arg(value_name = "REPO", hide = true)]
    names: Vec<String>,
    /// Fail if any of the repositories cannot be updated
    #[arg(long)]
    fail_on_repo_update_fail: bool,
    /// Ignored: an index is fetched within a fixed time
    #[arg(long, default_value = "2m0s", value_parser = super::flags::span)]
    timeout: String,
}

impl Repo {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self.command {
            Command::Add(add) => add.run(settings),
            Command::Index(index) => index.run(),
            Command::List(list) => list.run(settings),
            Command::Remove(names) => names.remove(settings),
            Command::Update(update) => update.run(settings),
        }
    }
}

/// Addresses that are served no more, and what took their place.
const MOVED: [(&str, &str); 3] = [
    ("//kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("//kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
    ("//storage.googleapis.com/kubernetes-charts", "https://charts.helm.sh/stable"),
];

impl Add {
    fn run(mut self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "repo add", line: "[NAME] [URL] [flags]" }.exactly(2, &self.arguments)?;
        let (name, url) = (self.arguments[0].clone(), self.arguments[1].clone());
        if !self.allow_deprecated_repos
            && let Some((_, now)) = MOVED.iter().find(|(old, _)| url.contains(old))
        {
            bail!(
                "repo {} is no longer available; try {} instead",
                quote(url.as_bytes()),
                quote(now.as_bytes())
            );
        }
        let mut known = Repositories::load(&settings.repository_config)?.unwrap_or_default();
        self.ask_password()?;
        let repository = Repository {
            name: name.clone(),
            url: url.clone(),
            access: self.remote.access(self.pass_credentials),
        };
        if name.contains('/') {
            bail!("repository name ({name}) contains '/', please specify a different name without '/'");
        }
        if !self.force_update
            && let Some(existing) = known.find(&name)
        {
            if *existing != repository {
                bail!("repository name ({name}) already exists, please specify a different name");
            }
            let shown = quote(name.as_bytes());
            return print(&format!("{shown} already exists with the same configuration, skipping\n"));
        }
        let remote = remote_of(&repository)?;
        let names = fetch_index(&remote, &url, &index_file(settings, &name)).map_err(|why| {
            let shown = quote(url.as_bytes());
            anyhow!("looks like {shown} is not a valid chart repository or cannot be reached: {why:#}")
        })?;
        list_charts(settings, &name, &names)?;
        match known.all.iter_mut().find(|one| one.name == name) {
            Some(one) => *one = repository,
            None => known.all.push(repository),
        }
        known.save(&settings.repository_config)?;
        print(&format!("{} has been added to your repositories\n", quote(name.as_bytes())))
    }

    fn ask_password(&mut self) -> anyhow::Result<()> {
        let has_user = self.remote.username.as_ref().is_some_and(|user| !user.is_empty());
        if has_user && self.remote.password.is_none() {
            if !self.password_stdin {
                bail!("password required: give --password or --password-stdin");
            }
            let mut password = String::new();
            std::io::stdin().read_to_string(&mut password)?;
            self.remote.password = Some(password.trim_end_matches(['\n', '\r']).to_owned());
        }
        Ok(())
    }
}

/// Helm keeps the names of a repository's charts beside its index, for completion.
fn list_charts(settings: &Settings, name: &str, charts: &BTreeSet<String>) -> anyhow::Result<()> {
    let names: String = charts.iter().flat_map(|chart| [chart, "\n"]).collect();
    Ok(fs::write(settings.repository_cache.join(format!("{name}-charts.txt")), names)?)
}

impl List {
    fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "repo list", line: "[flags]" }.none(&self.rest)?;
        let known = Repositories::load(&settings.repository_config)?.unwrap_or_default();
        let format = self.output.format()?;
        if known.all.is_empty() && format == Format::Table {
            bail!("no repositories to show");
        }
        if format == Format::Table {
            let mut rows = vec![vec!["NAME".to_owned(), "URL".into()]];
            rows.extend(known.all.iter().map(|one| vec![one.name.clone(), one.url.clone()]));
            return print(&format!("{}\n", table(&rows, 80)));
        }
        let record =
            |one: &Repository| vec![("name", one.name.as_str().into()), ("url", one.url.as_str().into())];
        print(&encoded(&known.all.iter().map(record).collect::<Vec<Record>>(), format))
    }
}

impl Names {
    fn remove(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "repo remove", line: "[REPO1 [REPO2 ...]] [flags]" }.at_least(1, &self.names)?;
        let mut known = Repositories::load(&settings.repository_config)?.unwrap_or_default();
        for name in &self.names {
            if known.all.is_empty() {
                bail!("no repositories configured");
            }
            let before = known.all.len();
            known.all.retain(|one| one.name != *name);
            if known.all.len() == before {
                bail!("no repo named {} found", quote(name.as_bytes()));
            }
            known.save(&settings.repository_config)?;
            let _ = fs::remove_file(settings.repository_cache.join(format!("{name}-charts.txt")));
            let _ = fs::remove_file(index_file(settings, name));
            print(&format!("{} has been removed from your repositories\n", quote(name.as_bytes())))?;
        }
        Ok(())
    }
}

impl Update {
    fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let known = match Repositories::load(&settings.repository_config)? {
            Some(known) if !known.all.is_empty() => known,
            _ => bail!("no repositories found. You must add one before updating"),
        };
        if let Some(unknown) = self.names.iter().find(|name| known.find(name).is_none()) {
            bail!("no repositories found matching '{unknown}'.  Nothing will be updated");
        }
        let wanted: Vec<&Repository> =
            known.all.iter().filter(|one| self.names.is_empty() || self.names.contains(&one.name)).collect();
        print("Hang tight while we grab the latest from your chart repositories...\n")?;
        let failed = update_all(&wanted, settings)?;
        if !failed.is_empty() && self.fail_on_repo_update_fail {
            bail!("Failed to update the following repositories: [{}]", failed.join(" "));
        }
        print("Update Complete. ⎈Happy Helming!⎈\n")
    }
}

/// Fetches the indexes of repositories at the same time; gives the addresses of those that could not be read.
pub(super) fn update_all(repositories: &[&Repository], settings: &Settings) -> anyhow::Result<Vec<String>> {
    let results: Vec<(&Repository, anyhow::Result<()>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = repositories
            .iter()
            .map(|one| {
                let worker = scope.spawn(move || -> anyhow::Result<()> {
                    let remote = remote_of(one)?;
                    let names = fetch_index(&remote, &one.url, &index_file(settings, &one.name))?;
                    list_charts(settings, &one.name, &names)
                });
                (*one, worker)
            })
            .collect();
        let join =
            |(one, worker): (&'_ Repository, std::thread::ScopedJoinHandle<'_, anyhow::Result<()>>)| {
                worker.join().unwrap_or_else(|_| Err(anyhow!("{}: the update panicked", one.name)))
            };
        workers.into_iter().map(|(one, worker)| (one, join((one, worker)))).collect()
    });
    let mut failed = Vec::new();
    for (one, result) in results {
        let shown = quote(one.name.as_bytes());
        match result {
            Ok(()) => print(&format!("...Successfully got an update from the {shown} chart repository\n"))?,
            Err(why) => {
                failed.push(one.url.clone());
                print(&format!(
                    "...Unable to get an update from the {shown} chart repository ({}):\n\t{why:#}\n",
                    one.url
                ))?;
            }
        }
    }
    Ok(failed)
}
