//! Fetches the charts that a chart asks for, and locks their versions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use gyre_go::semver::{Constraints, Version};
use gyre_go::strconv::quote;
use gyre_helm::Chart;
use gyre_helm::chart::{Dependency, lock_digest};
use gyre_model::Digest;
use gyre_source::helm::{Access, Repositories, Repository, Versions};
use serde_json::{Value, json};

use crate::command::helm::chart::{absolute, go_error, load_directory};
use crate::command::helm::environment::Settings;
use crate::command::helm::fetch::{Found, Proof, caches, find_at, index_file, remote_of, resolve};
use crate::command::helm::oci;
use crate::command::helm::package::save;
use crate::command::helm::print;
use crate::command::helm::repo::update_all;
use crate::host::local_now;

/// What is to be done for one chart.
pub(in crate::command::helm) struct Update<'a> {
    pub(in crate::command::helm) chart: &'a Path,
    pub(in crate::command::helm) skip_refresh: bool,
    pub(in crate::command::helm) quiet: bool,
    pub(in crate::command::helm) proof: Proof<'a>,
    pub(in crate::command::helm) settings: &'a Settings,
}

/// The repository that a dependency comes from.
#[derive(Clone)]
enum From {
    /// `charts/` itself.
    Here,
    /// A directory beside.
    Directory(PathBuf),
    /// A registry.
    Registry,
    /// A repository that was added.
    Known(Repository),
    /// Another, by its address.
    Unknown(Repository),
}

fn same_address(left: &str, right: &str) -> bool {
    left.trim_end_matches('/') == right.trim_end_matches('/')
}

impl Update<'_> {
    fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.quiet { Ok(()) } else { print(&format!("{text}\n")) }
    }

    fn load(&self) -> anyhow::Result<Chart> {
        let shown = self.chart.display();
        match fs::metadata(self.chart) {
            Err(_) => bail!("could not find {shown}: stat {shown}: no such file or directory"),
            Ok(entry) if !entry.is_dir() => bail!("only unpacked charts can be updated"),
            Ok(_) => load_directory(self.chart),
        }
    }

    /// `helm dependency update`
    pub(in crate::command::helm) fn update(&self) -> anyhow::Result<()> {
        let chart = self.load()?;
        let mut wanted = chart.metadata.dependencies.clone();
        if wanted.is_empty() {
            return Ok(());
        }
        let from = self.origins(&mut wanted)?;
        self.refresh(&from, true)?;
        let mut locked = self.resolve(&wanted, &from)?;
        self.fetch(&mut locked, &from)?;
        let digest = lock_digest(&wanted, &locked);
        let old = chart.lock.as_ref().and_then(|lock| lock.get("digest")).and_then(Value::as_str);
        if old == Some(&digest) {
            return Ok(());
        }
        let now = local_now();
        let dependencies: Vec<Value> = locked.iter().map(Dependency::to_json).collect();
        let lock = json!({ "dependencies": dependencies, "digest": digest, "generated": now.to_rfc3339() });
        let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
        let place = self.chart.join(name);
        if fs::symlink_metadata(&place).is_ok_and(|entry| entry.is_symlink()) {
            let target = fs::read_link(&place)?;
            bail!("the {name} file is a symlink to {}", quote(target.display().to_string().as_bytes()));
        }
        Ok(fs::write(place, gyre_yaml::write_value(&lock))?)
    }

    /// `helm dependency build`
    pub(in crate::command::helm) fn build(&self) -> anyhow::Result<()> {
        let chart = self.load()?;
        let Some(lock) = &chart.lock else { return self.update() };
        let field =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let locked = lock.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        let mut locked: Vec<Dependency> = locked
            .map(|one| Dependency {
                name: field(one, "name"),
                version: field(one, "version"),
                repository: field(one, "repository"),
                ..Dependency::default()
            })
            .collect();
        let mut wanted = chart.metadata.dependencies.clone();
        self.origins(&mut wanted)?;
        if lock_digest(&wanted, &locked) != field(lock, "digest") {
            let (lock, file) = match &*chart.metadata.api_version {
                "v1" => ("requirements.lock", "requirements.yaml"),
                _ => ("Chart.lock", "Chart.yaml"),
            };
            bail!(
                "the lock file ({lock}) is out of sync with the dependencies file ({file}). Please update the dependencies"
            );
        }
        let from = self.origins(&mut locked)?;
        let strange = from.iter().filter_map(|from| match from {
            From::Unknown(repository) => Some(repository.url.clone()),
            _ => None,
        });
        let strange: Vec<String> = strange.collect();
        if !strange.is_empty() {
            bail!(
                "no repository definition for {}. Please add the missing repos via 'helm repo add'",
                strange.join(", ")
            );
        }
        self.refresh(&from, false)?;
        self.fetch(&mut locked, &from)
    }

    /// Where each dependency comes from; names of repositories become their addresses.
    fn origins(&self, wanted: &mut [Dependency]) -> anyhow::Result<Vec<From>> {
        let known = Repositories::load(&self.settings.repository_config)?.unwrap_or_default();
        let (mut from, mut missing) = (Vec::new(), Vec::new());
        for dependency in wanted {
            let place = &dependency.repository;
            if place.is_empty() {
                from.push(From::Here);
                continue;
            }
            if let Some(path) = place.strip_prefix("file://") {
                from.push(From::Directory(self.local(path)?));
                continue;
            }
            if oci::is_one(place) {
                from.push(From::Registry);
                continue;
            }
            let alias = place.strip_prefix('@').or_else(|| place.strip_prefix("alias:"));
            let found = known.all.iter().find(|one| match alias {
                Some(alias) => one.name == alias,
                None => same_address(&one.url, place),
            });
            match found {
                Some(found) => {
                    if alias.is_some() {
                        dependency.repository.clone_from(&found.url);
                    }
                    from.push(From::Known(found.clone()));
                }
                None if place.contains("://") || place.starts_with('/') => {
                    let name = format!("helm-manager-{}", Digest::of(place.as_bytes()).hex());
                    let url = place.clone();
                    from.push(From::Unknown(Repository { name, url, access: Access::default() }));
                }
                None => missing.push(place.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(from);
        }
        let mut text = format!(
            "no repository definition for {}. Please add them via 'helm repo add'",
            missing.join(", ")
        );
        let is_word =
            |one: &String| !one.contains("//") && !one.starts_with('@') && !one.starts_with("alias:");
        if missing.iter().any(is_word) {
            text.push_str("\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too ('helm repo add').");
        }
        bail!(text)
    }

    fn local(&self, path: &str) -> anyhow::Result<PathBuf> {
        let place = if path.starts_with('/') { PathBuf::from(path) } else { self.chart.join(path) };
        let place = absolute(&place.display().to_string())?;
        if !place.exists() {
            bail!("directory {} not found", place.display());
        }
        Ok(place)
    }

    /// Fetches the indexes that are needed.
    fn refresh(&self, from: &[From], unknown: bool) -> anyhow::Result<()> {
        let mut strange: Vec<&Repository> = Vec::new();
        for origin in from {
            if let From::Unknown(repository) = origin
                && !strange.contains(&repository)
                && repository.url.starts_with("http")
            {
                strange.push(repository);
            }
        }
        if unknown && !strange.is_empty() {
            self.say("Getting updates for unmanaged Helm repositories...")?;
            for repository in strange {
                let place = index_file(self.settings, &repository.name);
                let shown = quote(repository.url.as_bytes());
                let fetched = remote_of(repository).and_then(|remote| {
                    crate::command::helm::fetch::fetch_index(&remote, &repository.url, &place)
                });
                match fetched {
                    Ok(_) => {
                        self.say(&format!(
                            "...Successfully got an update from the {shown} chart repository"
                        ))?;
                    }
                    Err(why) => self.say(&format!(
                        "...Unable to get an update from the {shown} chart repository:\n\t{why:#}"
                    ))?,
                }
            }
        }
        let known = Repositories::load(&self.settings.repository_config)?.unwrap_or_default();
        if !self.skip_refresh && !known.all.is_empty() && !self.quiet {
            self.say("Hang tight while we grab the latest from your chart repositories...")?;
            update_all(&known.all.iter().collect::<Vec<_>>(), self.settings)?;
            self.say("Update Complete. ⎈Happy Helming!⎈")?;
        }
        // compat(helm 3.21): the index of every repository is read, whether it is needed or not.
        for repository in &known.all {
            let place = index_file(self.settings, &repository.name);
            std::fs::metadata(&place)
                .map_err(|why| anyhow!(go_error("open", &place.display().to_string(), &why)))?;
        }
        Ok(())
    }

    /// The version of each dependency.
    fn resolve(&self, wanted: &[Dependency], from: &[From]) -> anyhow::Result<Vec<Dependency>> {
        let (mut locked, mut missing) = (Vec::new(), Vec::new());
        for (dependency, from) in wanted.iter().zip(from) {
            let range = Constraints::parse(&dependency.version).map_err(|why| {
                let name = quote(dependency.name.as_bytes());
                anyhow!("dependency {name} has an invalid version/constraint format: {why}")
            })?;
            let fits = |version: &str| Version::parse(version).is_ok_and(|version| range.check(&version));
            let found = match from {
                From::Here => {
                    self.local(&format!("charts/{}", dependency.name))?;
                    Some(dependency.version.clone())
                }
                From::Directory(place) => {
                    Some(load_directory(place)?.metadata.version).filter(|version| fits(version))
                }
                From::Registry if Version::parse(&dependency.version).is_ok() => {
                    Some(dependency.version.clone())
                }
                From::Registry => {
                    let place = &dependency.repository;
                    let address = format!("{}/{}", place.trim_end_matches('/'), dependency.name);
                    let versions = oci::versions_at(&address, self.settings).map_err(|why| {
                        anyhow!("could not retrieve list of tags for repository {place}: {why:#}")
                    })?;
                    versions.into_iter().find(|version| fits(version))
                }
                From::Known(repository) | From::Unknown(repository) => {
                    let place = index_file(self.settings, &repository.name);
                    let versions = Versions::cached(&place, &caches(), &dependency.name).map_err(|why| {
                        anyhow!(
                            "no cached repository for {} found. (try 'helm repo update'): {why}",
                            repository.name
                        )
                    })?;
                    if versions.0.is_empty() {
                        bail!("{} chart not found in repo {}", dependency.name, dependency.repository);
                    }
                    let legit = versions.0.iter().filter(|one| !one.urls.is_empty());
                    legit.map(|one| one.version.to_string()).find(|version| fits(version))
                }
            };
            match found {
                Some(version) => locked.push(Dependency {
                    name: dependency.name.clone(),
                    repository: dependency.repository.clone(),
                    version,
                    ..Dependency::default()
                }),
                None => missing.push(format!(
                    "{} (repository {}, version {})",
                    quote(dependency.name.as_bytes()),
                    quote(dependency.repository.as_bytes()),
                    quote(dependency.version.as_bytes())
                )),
            }
        }
        if missing.is_empty() {
            return Ok(locked);
        }
        bail!(
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        )
    }

    /// Puts every dependency into `charts/`; nothing changes there when one of them cannot be had.
    fn fetch(&self, locked: &mut [Dependency], from: &[From]) -> anyhow::Result<()> {
        let charts = self.chart.join("charts");
        if fs::metadata(&charts).is_ok_and(|entry| !entry.is_dir()) {
            bail!("{} is not a directory", quote(charts.display().to_string().as_bytes()));
        }
        fs::create_dir_all(&charts)?;
        let fresh = self.chart.join(format!("tmpcharts-{}", std::process::id()));
        fs::create_dir_all(&fresh)?;
        self.say(&format!("Saving {} charts", locked.len()))?;
        let mut seen = Vec::new();
        let fetched = locked
            .iter_mut()
            .zip(from)
            .try_for_each(|(dependency, from)| self.fetch_one(dependency, from, &charts, &fresh, &mut seen));
        let done = match fetched {
            Ok(()) => self.replace(locked, &fresh, &charts),
            Err(why) => {
                self.say(&format!("Save error occurred:  {why:#}"))?;
                Err(why)
            }
        };
        let _ = fs::remove_dir_all(&fresh);
        done
    }

    fn fetch_one(
        &self,
        dependency: &mut Dependency,
        from: &From,
        charts: &Path,
        fresh: &Path,
        seen: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let (name, place) = (&dependency.name, &dependency.repository);
        match from {
            From::Here => {
                self.say(&format!(
                    "Dependency {name} did not declare a repository. Assuming it exists in the charts directory"
                ))?;
                let place = charts.join(name);
                let found = load_directory(&place)
                    .map_err(|why| anyhow!("unable to load chart '{}': {why:#}", place.display()))?;
                let version = &found.metadata.version;
                if !gyre_helm::dependencies::is_compatible(&dependency.version, version) {
                    bail!(
                        "dependency {name} at version {version} does not satisfy the constraint {}",
                        dependency.version
                    );
                }
                Ok(())
            }
            From::Directory(directory) => {
                let found = load_directory(directory)?;
                if !gyre_helm::dependencies::is_compatible(&dependency.version, &found.metadata.version) {
                    bail!("can't get a valid version for dependency {name}");
                }
                dependency.version.clone_from(&found.metadata.version);
                save(&found, fresh).map(|_| ())
            }
            From::Registry => {
                self.say(&format!("Downloading {name} from repo {place}"))?;
                let address = format!("{}/{name}", place.trim_end_matches('/'));
                let access = Access::default();
                let found = Found::stored(&address, &dependency.version, &access, false, self.settings)
                    .and_then(|found| found.save(fresh, &address, self.proof));
                found.map(|_| ()).map_err(|why| anyhow!("could not download {address}: {why:#}"))
            }
            From::Known(repository) | From::Unknown(repository) => {
                let found = self.find(dependency, repository)?;
                if seen.contains(&found.address) {
                    return self.say(&format!("Already downloaded {name} from repo {place}"));
                }
                self.say(&format!("Downloading {name} from repo {place}"))?;
                found
                    .save(fresh, &found.address, self.proof)
                    .map_err(|why| anyhow!("could not download {}: {why:#}", found.address))?;
                seen.push(found.address);
                Ok(())
            }
        }
    }

    fn find(&self, dependency: &Dependency, repository: &Repository) -> anyhow::Result<Found> {
        let (name, version) = (&dependency.name, &dependency.version);
        match Versions::cached(&index_file(self.settings, &repository.name), &caches(), name) {
            Ok(versions) => {
                let found = versions.pick(name, version).map_err(|why| anyhow!("could not find : {why}"))?;
                let url =
                    found.urls.first().ok_or_else(|| anyhow!("could not find : no matching version"))?;
                Ok(Found::new(resolve(&repository.url, url), remote_of(repository)?))
            }
            Err(_) => find_at(&repository.url, name, version, repository.access.clone()),
        }
    }

    /// Puts what was fetched in the place of what was there.
    fn replace(&self, locked: &[Dependency], fresh: &Path, charts: &Path) -> anyhow::Result<()> {
        let kept: Vec<&str> =
            locked.iter().filter(|one| one.repository.is_empty()).map(|one| one.name.as_str()).collect();
        let mut moved = Vec::new();
        for place in super::entries(fresh) {
            // compat(helm 3.21): what a chart was verified with does not stay.
            if place.extension().is_some_and(|end| end == "prov") {
                continue;
            }
            let name = place.file_name().unwrap_or_default().to_owned();
            fs::rename(&place, charts.join(&name))?;
            moved.push(name);
        }
        self.say("Deleting outdated charts")?;
        for place in super::entries(charts) {
            let is_archive = place.extension().is_some_and(|end| end == "tgz");
            if !is_archive || moved.iter().any(|name| place.file_name() == Some(name)) {
                continue;
            }
            match crate::command::helm::chart::load(&place) {
                Ok(found) if kept.contains(&found.name()) => {}
                Ok(_) => fs::remove_file(&place)?,
                Err(why) => self
                    .say(&format!("Could not verify {} for deletion: {why:#} (Skipping)", place.display()))?,
            }
        }
        Ok(())
    }
}
