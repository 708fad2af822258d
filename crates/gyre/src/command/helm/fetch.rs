//! Charts and files that lie elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use gyre_go::strconv::quote;
use gyre_model::Digest;
use gyre_source::helm::{Access, ChartVersion, Remote, Repositories, Repository, Versions, chart_names};

use super::chart::go_error;
use super::environment::{Settings, cache_home};
use super::flags::{ChartFlags, Globals, RemoteFlags};
use super::oci::Stored;
use super::verify::{KeyringFlag, verify};

/// A file by its address, from anybody.
pub(super) fn plain(address: &str) -> anyhow::Result<Vec<u8>> {
    Ok(Remote::new(None, Access::default())?.get(address)?)
}

impl RemoteFlags {
    /// How a repository is read that the flags are about.
    pub(super) fn access(&self, pass_credentials: bool) -> Access {
        let path = |path: &Option<String>| path.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from);
        Access {
            username: self.username.clone().unwrap_or_default(),
            password: self.password.clone().unwrap_or_default(),
            cert_file: path(&self.cert_file),
            key_file: path(&self.key_file),
            ca_file: path(&self.ca_file),
            insecure: self.insecure_skip_tls_verify,
            pass_credentials,
        }
    }
}

/// Where our own caches are; any of them may be deleted.
pub(super) fn caches() -> PathBuf {
    cache_home().join("gyre")
}

/// The file that Helm keeps an index in.
pub(super) fn index_file(settings: &Settings, name: &str) -> PathBuf {
    settings.repository_cache.join(format!("{name}-index.yaml"))
}

/// The repositories that were added; an error where there is no file.
pub(super) fn repositories(settings: &Settings) -> anyhow::Result<Repositories> {
    let path = settings.repository_config.display().to_string();
    Repositories::load(&settings.repository_config)?.ok_or_else(|| {
        anyhow!("couldn't load repositories file ({path}): open {path}: no such file or directory")
    })
}

/// The address of a file of a repository, which may be given relative to the repository.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.contains("://") {
        return reference.into();
    }
    let (place, query) = base.split_once('?').map_or((base, None), |(place, query)| (place, Some(query)));
    let place = match reference.strip_prefix('/') {
        Some(_) => {
            let host = place.find("://").map_or(0, |at| at + 3);
            let end = place[host..].find('/').map_or(place.len(), |at| host + at);
            format!("{}{reference}", &place[..end])
        }
        None => format!("{}/{}", place.trim_end_matches('/'), reference.trim_start_matches("./")),
    };
    match query {
        Some(query) if !place.contains('?') => format!("{place}?{query}"),
        _ => place,
    }
}

/// A chart that was found: where it is, and how it is read.
pub(super) struct Found {
    /// The address of its archive.
    pub(super) address: String,
    place: Place,
}

enum Place {
    Remote(Box<Remote>),
    Registry(Box<Stored>),
}

impl Found {
    /// A chart at an address.
    pub(super) fn new(address: String, remote: Remote) -> Self {
        Self { address, place: Place::Remote(Box::new(remote)) }
    }

    /// A chart in a registry.
    pub(super) fn stored(
        reference: &str,
        wanted: &str,
        access: &Access,
        plain_http: bool,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let stored = Stored::find(reference, wanted, access, plain_http, settings)?;
        Ok(Self { address: reference.into(), place: Place::Registry(Box::new(stored)) })
    }

    /// The archive.
    pub(super) fn get(&self) -> anyhow::Result<Vec<u8>> {
        match &self.place {
            Place::Remote(remote) => Ok(remote.get(&self.address)?),
            Place::Registry(stored) => stored.get(),
        }
    }

    /// The provenance of the archive, which lies beside it.
    pub(super) fn provenance(&self) -> anyhow::Result<Vec<u8>> {
        let remote = match &self.place {
            Place::Remote(remote) => remote,
            Place::Registry(stored) => return stored.provenance(),
        };
        let (path, query) = self.address.split_once('?').unwrap_or((&self.address, ""));
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(remote.get(&format!("{path}.prov{mark}{query}"))?)
    }

    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        if let Place::Registry(stored) = &self.place {
            return stored.file_name.clone();
        }
        let path = self.address.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

/// Fetches an index into a file of its own; gives the names of its charts.
pub(super) fn fetch_index(remote: &Remote, url: &str, place: &Path) -> anyhow::Result<BTreeSet<String>> {
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    let fresh = place.with_extension(format!("{}.part", std::process::id()));
    let address = resolve(url, "index.yaml");
    let mut file = fs::File::create(&fresh)
        .map_err(|why| anyhow!(go_error("open", &fresh.display().to_string(), &why)))?;
    let read = remote
        .open(&address)
        .map_err(anyhow::Error::from)
        .and_then(|mut body| Ok(std::io::copy(&mut body, &mut file)?))
        .and_then(|_| {
            let shown = fresh.display().to_string();
            chart_names(&fresh).map_err(|why| anyhow!(why.0.replace(&shown, &address)))
        });
    match read {
        Ok(names) => {
            fs::rename(&fresh, place)?;
            Ok(names)
        }
        Err(why) => {
            let _ = fs::remove_file(&fresh);
            Err(why)
        }
    }
}

fn first_url(version: &ChartVersion, what: &str) -> anyhow::Result<String> {
    version.urls.first().map(ToString::to_string).ok_or_else(|| anyhow!("{what} has no downloadable URLs"))
}

/// Finds a chart in a repository that was not added.
pub(super) fn find_at(url: &str, name: &str, wanted: &str, access: Access) -> anyhow::Result<Found> {
    let remote = Remote::new(Some(url), access)
        .map_err(anyhow::Error::from)
        .and_then(|remote| {
            let directory = caches().join("indexes");
            let place = directory.join(format!("{}.{}.yaml", name.replace('/', "_"), std::process::id()));
            let versions = fetch_index(&remote, url, &place).and_then(|_| Ok(Versions::read(&place, name)?));
            let _ = fs::remove_file(&place);
            Ok((remote, versions?))
        })
        .map_err(|why| {
            anyhow!(
                "looks like {} is not a valid chart repository or cannot be reached: {why:#}",
                quote(url.as_bytes())
            )
        });
    let (remote, versions) = remote?;
    let shown = quote(name.as_bytes());
    let what = match wanted {
        "" => format!("chart {shown}"),
        _ => format!("chart {shown} version {}", quote(wanted.as_bytes())),
    };
    let Ok(version) = versions.pick(name, wanted) else { bail!("{what} not found in {url} repository") };
    Ok(Found::new(resolve(url, &first_url(version, &what)?), remote))
}

/// Finds a chart by `repo/name` or by an address.
pub(super) fn find(
    reference: &str,
    wanted: &str,
    access: Access,
    settings: &Settings,
) -> anyhow::Result<Found> {
    if let Some((scheme, _)) = reference.split_once("://") {
        if !matches!(scheme, "http" | "https") {
            bail!("could not find protocol handler for: {scheme}");
        }
        // A repository that has the chart lends its credentials.
        let known = Repositories::load(&settings.repository_config)?.unwrap_or_default();
        let owner = known
            .all
            .iter()
            .find(|one| reference.starts_with(&format!("{}/", one.url.trim_end_matches('/'))));
        let remote = match owner {
            Some(owner) if access == Access::default() => remote_of(owner)?,
            _ => Remote::new(None, access)?,
        };
        return Ok(Found::new(reference.into(), remote));
    }
    let Some((repo, name)) = reference.split_once('/') else {
        bail!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}");
    };
    let known = repositories(settings)?;
    let Some(repository) = known.find(repo) else { bail!("repo {repo} not found") };
    if repository.url.is_empty() {
        bail!("no URL found for repository {repo}");
    }
    let versions = Versions::cached(&index_file(settings, repo), &caches(), name)
        .map_err(|why| anyhow!("no cached repo found. (try 'helm repo update'): {why}"))?;
    let version = versions.pick(name, wanted).map_err(|why| {
        anyhow!(
            "chart {} matching {wanted} not found in {repo} index. (try 'helm repo update'): {why}",
            quote(name.as_bytes())
        )
    })?;
    let url = first_url(version, &format!("chart {}", quote(reference.as_bytes())))?;
    let mut own = repository.access.clone();
    if !access.username.is_empty() {
        own.username = access.username;
        own.password = access.password;
    }
    own.insecure |= access.insecure;
    own.ca_file = access.ca_file.or(own.ca_file);
    own.cert_file = access.cert_file.or(own.cert_file);
    own.key_file = access.key_file.or(own.key_file);
    own.pass_credentials |= access.pass_credentials;
    Ok(Found::new(resolve(&repository.url, &url), Remote::new(Some(&repository.url), own)?))
}

/// The connection to a repository that was added.
pub(super) fn remote_of(repository: &Repository) -> anyhow::Result<Remote> {
    Ok(Remote::new(Some(&repository.url), repository.access.clone())?)
}

/// Finds a chart as the flags say.
pub(super) fn find_by(reference: &str, flags: &ChartFlags, settings: &Settings) -> anyhow::Result<Found> {
    let access = flags.remote.access(flags.pass_credentials);
    let wanted = flags.wanted();
    if super::oci::is_one(reference) {
        return Found::stored(reference, &wanted, &access, flags.remote.plain_http, settings);
    }
    match flags.repo.as_ref().filter(|url| !url.is_empty()) {
        Some(url) => find_at(url, reference, &wanted, access),
        None => find(reference, &wanted, access, settings),
    }
}

/// Fetches a chart into the cache and gives its path.
pub(super) fn chart(reference: &str, flags: &ChartFlags, settings: &Settings) -> anyhow::Result<PathBuf> {
    let found = find_by(reference, flags, settings)?;
    let directory = &settings.repository_cache;
    fs::create_dir_all(directory)
        .map_err(|why| anyhow!(go_error("mkdir", &directory.display().to_string(), &why)))?;
    let proof = if flags.verify { Proof::Checked(&flags.keyring) } else { Proof::None };
    Ok(found.save(directory, reference, proof)?.0)
}

/// The archive of a chart that a kustomization names. A version that is named exactly is asked for once and then kept.
pub(in crate::command) fn fetched_chart(chart: &gyre_kustomize::Chart<'_>) -> anyhow::Result<Vec<u8>> {
    let mut settings = Settings::new(Globals::default());
    if !chart.config_home.is_empty() {
        settings.registry_config = Path::new(chart.config_home).join("registry/config.json");
    }
    let flags = ChartFlags {
        version: Some(chart.version.to_owned()),
        devel: chart.devel,
        repo: Some(chart.repo.to_owned()),
        ..ChartFlags::default()
    };
    let kept = is_exact(chart.version).then(|| {
        let of = Digest::of(format!("{} {} {}", chart.repo, chart.name, chart.version).as_bytes());
        caches().join("charts").join(format!("{}.tgz", of.hex()))
    });
    if let Some(archive) = kept.as_ref().and_then(|kept| fs::read(kept).ok()) {
        return Ok(archive);
    }
    let reference = if super::oci::is_one(chart.repo) {
        format!("{}/{}", chart.repo.trim_end_matches('/'), chart.name)
    } else {
        chart.name.to_owned()
    };
    let archive = find_by(&reference, &flags, &settings)?.get()?;
    if let Some(kept) = kept {
        if let Some(directory) = kept.parent() {
            fs::create_dir_all(directory)?;
        }
        write(&kept, &archive)?;
    }
    Ok(archive)
}

/// One version and no range.
fn is_exact(version: &str) -> bool {
    gyre_go::semver::Version::parse_strict(version, gyre_go::semver::Library::default()).is_ok()
}

/// What is done about the provenance of a chart that is fetched.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    None,
    /// It is fetched too, where there is one.
    Kept,
    /// The chart is verified.
    Checked(&'a KeyringFlag),
}

impl Found {
    /// Writes the archive into a directory; gives its path and what is to be said of its provenance.
    pub(super) fn save(
        &self,
        directory: &Path,
        reference: &str,
        proof: Proof<'_>,
    ) -> anyhow::Result<(PathBuf, String)> {
        let place = directory.join(self.file_name());
        write(&place, &self.get()?)?;
        if matches!(proof, Proof::None) {
            return Ok((place, String::new()));
        }
        let provenance = match (self.provenance(), proof) {
            (Ok(provenance), _) => provenance,
            (Err(_), Proof::Checked(_)) => {
                let address = quote(format!("{}.prov", self.address).as_bytes());
                bail!("failed to fetch provenance {address}")
            }
            (Err(why), _) => {
                return Ok((place, format!("WARNING: Verification not found for {reference}: {why:#}\n")));
            }
        };
        write(&directory.join(format!("{}.prov", self.file_name())), &provenance)?;
        let said = match proof {
            Proof::Checked(keyring) => verify(&place, keyring)?,
            _ => String::new(),
        };
        Ok((place, said))
    }
}

/// A file is there as a whole or not at all.
fn write(place: &Path, content: &[u8]) -> anyhow::Result<()> {
    let fresh = place.with_extension(format!("{}.part", std::process::id()));
    fs::write(&fresh, content)
        .and_then(|()| fs::rename(&fresh, place))
        .map_err(|why| anyhow!(go_error("open", &place.display().to_string(), &why)))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn addresses_relative_to_a_repository() {
        assert_eq!(resolve("https://a/b", "c.tgz"), "https://a/b/c.tgz");
        assert_eq!(resolve("https://a/b/?t=1", "c.tgz"), "https://a/b/c.tgz?t=1");
        assert_eq!(resolve("https://a/b", "/c.tgz"), "https://a/c.tgz");
        assert_eq!(resolve("https://a/b", "https://d/c.tgz"), "https://d/c.tgz");
    }
}
