//! Charts in registries: `oci://registry.example.com/charts/web`.

use std::fs;
use std::path::Path;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use gyre_go::semver::{Constraints, Library, Version};
use gyre_helm::Chart;
use gyre_source::helm::Access;
use gyre_source::oci::{Credential, Descriptor, Logins, Manifest, Reference, Registry};

use super::arguments::Usage;
use super::chart::go_error;
use super::environment::{Settings, home};
use super::flags::RemoteFlags;
use super::warn;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const OLD_CHART: &str = "application/tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
const UNDERSCORE: &str = "OCI artifact references (e.g. tags) do not support the plus sign (+). To support\nstoring semantic versions, Helm adopts the convention of changing plus (+) to\nan underscore (_) in chart version tags when pushing to a registry and back to\na plus (+) when pulling from a registry.";

/// Is it one of a registry?
pub(super) fn is_one(reference: &str) -> bool {
    reference.starts_with("oci://")
}

/// Who somebody is to a registry: by Helm's file, else by Docker's.
fn login(host: &str, settings: &Settings) -> anyhow::Result<Option<Credential>> {
    for path in [settings.registry_config.clone(), home().join(".docker/config.json")] {
        if let Some(found) = Logins::load(&path)?.find(host) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A chart in a registry.
pub(super) struct Stored {
    registry: Registry,
    reference: Reference,
    /// What its file is called.
    pub(super) file_name: String,
}

/// The registry of a reference.
fn open(host: &str, access: &Access, plain_http: bool, settings: &Settings) -> anyhow::Result<Registry> {
    Ok(Registry::new(host, access, login(host, settings)?, plain_http)?)
}

/// The versions of a chart, the newest first.
pub(super) fn versions(registry: &Registry, repository: &str) -> anyhow::Result<Vec<String>> {
    let tags = registry.tags(repository)?.into_iter().map(|tag| tag.replace('_', "+"));
    let version = |tag: String| Some((Version::parse_strict(&tag, Library::default()).ok()?, tag));
    let mut found: Vec<(Version, String)> = tags.filter_map(version).collect();
    found.sort_by(|left, right| right.0.compare(&left.0));
    Ok(found.into_iter().map(|(_, tag)| tag).collect())
}

/// The versions of a dependency.
pub(super) fn versions_at(address: &str, settings: &Settings) -> anyhow::Result<Vec<String>> {
    let reference = Reference::parse(address)?;
    let registry = open(&reference.registry, &Access::default(), false, settings)?;
    versions(&registry, &reference.repository)
}

fn pick(tags: &[String], wanted: &str) -> anyhow::Result<String> {
    if let Some(exact) = tags.iter().find(|tag| *tag == wanted) {
        return Ok(exact.clone());
    }
    let range =
        Constraints::parse(if wanted.is_empty() { "*" } else { wanted }).map_err(|why| anyhow!("{why}"))?;
    let fits = |tag: &&String| Version::parse(tag).is_ok_and(|version| range.check(&version));
    tags.iter()
        .find(fits)
        .cloned()
        .ok_or_else(|| anyhow!("Could not locate a version matching provided version string {wanted}"))
}

impl Stored {
    /// Finds a chart: by its tag or digest, or by a range of versions.
    pub(super) fn find(
        address: &str,
        wanted: &str,
        access: &Access,
        plain_http: bool,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let mut reference = Reference::parse(address)?;
        let given = reference.tag.replace('_', "+");
        if !wanted.is_empty() && !given.is_empty() && wanted != given {
            bail!("chart reference and version mismatch: {wanted} is not {given}");
        }
        let wanted = if wanted.is_empty() { given } else { wanted.to_owned() };
        let registry = open(&reference.registry, access, plain_http, settings)?;
        let name = reference.repository.rsplit('/').next().unwrap_or_default().to_owned();
        if !reference.digest.is_empty() {
            let file_name = format!("{name}@{}.tgz", reference.digest.replace(':', "-"));
            if !wanted.is_empty() {
                let tagged =
                    Reference { tag: wanted.replace('+', "_"), digest: String::new(), ..reference.clone() };
                // What the digest names need not have a tag.
                if let Ok((digest, _)) = registry.manifest(&tagged)
                    && digest != reference.digest
                {
                    bail!("chart reference digest mismatch: {digest} is not {}", reference.digest);
                }
            }
            reference.tag.clear();
            return Ok(Self { registry, reference, file_name });
        }
        let version = if Version::parse(&wanted).is_ok() {
            wanted
        } else {
            let tags = versions(&registry, &reference.repository)?;
            if tags.is_empty() {
                bail!("Unable to locate any tags in provided repository: {address}");
            }
            pick(&tags, &wanted)?
        };
        reference.tag = version.replace('+', "_");
        Ok(Self { registry, reference, file_name: format!("{name}-{version}.tgz") })
    }

    fn layer(&self, manifest: &Manifest, kinds: &[&str]) -> anyhow::Result<Vec<u8>> {
        let found = manifest.layers.iter().find(|layer| kinds.contains(&&*layer.media_type));
        let found =
            found.ok_or_else(|| anyhow!("manifest does not contain a layer with mediatype {}", kinds[0]))?;
        Ok(self.registry.blob(&self.reference.repository, found)?)
    }

    fn manifest(&self) -> anyhow::Result<(String, Manifest)> {
        let (digest, manifest) = self.registry.manifest(&self.reference).map_err(|why| match why.status {
            404 => anyhow!("failed to perform \"FetchReference\" on source: {why}"),
            _ => why.into(),
        })?;
        if manifest.config.media_type != CONFIG {
            bail!("could not load config with mediatype {CONFIG}");
        }
        Ok((digest, manifest))
    }

    /// The archive.
    pub(super) fn get(&self) -> anyhow::Result<Vec<u8>> {
        let (digest, manifest) = self.manifest()?;
        let content = self.layer(&manifest, &[CHART, OLD_CHART])?;
        eprintln!("Pulled: {}\nDigest: {digest}", self.reference);
        if self.reference.to_string().contains('_') {
            eprintln!("{} contains an underscore.\n\n{UNDERSCORE}", self.reference);
        }
        Ok(content)
    }

    /// The provenance of the archive.
    pub(super) fn provenance(&self) -> anyhow::Result<Vec<u8>> {
        self.layer(&self.manifest()?.1, &[PROVENANCE])
    }
}

/// What is said of a chart, in the registry's words.
fn annotations(chart: &Chart, created: &str) -> Vec<(String, String)> {
    let metadata = &chart.metadata;
    let key = |name: &str| format!("org.opencontainers.image.{name}");
    let people: Vec<String> =
        metadata
            .maintainers
            .iter()
            .map(|one| {
                if one.email.is_empty() { one.name.clone() } else { format!("{} ({})", one.name, one.email) }
            })
            .collect();
    let pairs = [
        ("authors", people.join(", ")),
        ("created", created.to_owned()),
        ("description", metadata.description.clone()),
        ("source", metadata.sources.first().cloned().unwrap_or_default()),
        ("title", metadata.name.clone()),
        ("url", metadata.home.clone()),
        ("version", metadata.version.clone()),
    ];
    let mut all: std::collections::BTreeMap<String, String> = pairs
        .into_iter()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(name, text)| (key(name), text))
        .collect();
    for (name, value) in &metadata.annotations {
        if *name != key("title") && *name != key("version") {
            all.insert(name.clone(), value.as_str().unwrap_or_default().into());
        }
    }
    all.into_iter().collect()
}

/// `helm push CHART REMOTE`
#[derive(Debug, Args)]
pub(super) struct Push {
    #[arg(value_name = "CHART] [REMOTE", hide = true)]
    names: Vec<String>,
    #[command(flatten)]
    remote: RemoteFlags,
}

impl Push {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "push", line: "[chart] [remote] [flags]" }.at_least(2, &self.names)?;
        let (file, remote) = (&self.names[0], &self.names[1]);
        if !is_one(remote) {
            let scheme = remote.split_once("://").map_or("", |(scheme, _)| scheme);
            bail!("scheme {scheme:?} not supported");
        }
        let entry = fs::metadata(file).map_err(|_| anyhow!("{file}: no such file"))?;
        if entry.is_dir() {
            bail!("cannot push directory, must provide chart archive (.tgz)");
        }
        let chart = super::chart::load(Path::new(file))?;
        let archive = fs::read(file).map_err(|why| anyhow!(go_error("open", file, &why)))?;
        let (name, version) = (chart.name(), &chart.metadata.version);
        let reference = Reference::parse(&format!("{}/{name}:{version}", remote.trim_end_matches('/')))?;
        let access = self.remote.access(false);
        let registry = open(&reference.registry, &access, self.remote.plain_http, settings)?;
        let config = super::printed::metadata_json(&chart.metadata.to_json()).into_bytes();
        let mut blobs = vec![(CHART, archive)];
        if let Ok(provenance) = fs::read(format!("{file}.prov")) {
            blobs.push((PROVENANCE, provenance));
        }
        let mut layers = Vec::new();
        for (kind, content) in &blobs {
            registry.push_blob(&reference.repository, content)?;
            layers.push(Descriptor::of(kind, content));
        }
        layers.sort_by(|left, right| left.digest.cmp(&right.digest));
        registry.push_blob(&reference.repository, &config)?;
        let created = entry.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let created = gyre_go::time::Time::from_unix(created.map_or(0, |since| since.as_secs() as i64), 0);
        let created = created.in_zone(crate::host::local_zone()).format("2006-01-02T15:04:05Z07:00");
        let annotations = annotations(&chart, &created);
        let manifest = Manifest { config: Descriptor::of(CONFIG, &config), layers, annotations };
        let digest = registry.push_manifest(&reference, &manifest)?;
        eprintln!("Pushed: {reference}\nDigest: {digest}");
        if reference.tag.contains('_') {
            eprintln!("{reference} contains an underscore.\n\n{UNDERSCORE}");
        }
        Ok(())
    }
}

/// `helm registry`
#[derive(Debug, Args)]
pub(super) struct Registries {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Log in to a registry
    Login(Login),
    /// Log out of a registry
    Logout {
        #[arg(value_name = "HOST", hide = true)]
        hosts: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Login {
    #[arg(value_name = "HOST", hide = true)]
    hosts: Vec<String>,
    /// Registry username
    #[arg(long, short = 'u')]
    username: Option<String>,
    /// Registry password or identity token
    #[arg(long, short = 'p')]
    password: Option<String>,
    /// Read password or identity token from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Leave certificates of registries unchecked
    #[arg(long)]
    insecure: bool,
    /// Identify the client with this certificate file
    #[arg(long)]
    cert_file: Option<String>,
    /// Identify the client with this key file
    #[arg(long)]
    key_file: Option<String>,
    /// Verify certificates of registries with this CA bundle
    #[arg(long)]
    ca_file: Option<String>,
    /// Use insecure HTTP connections
    #[arg(long)]
    plain_http: bool,
}

/// The host alone: users give schemes and paths too.
fn host(given: &str) -> &str {
    let rest = given.split_once("://").map_or(given, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, host)| host)
}

impl Registries {
    pub(super) fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self.command {
            Command::Login(login) => login.run(settings),
            Command::Logout { hosts } => {
                Usage { command: "registry logout", line: "[host] [flags]" }.at_least(1, &hosts)?;
                Logins::load(&settings.registry_config)?.remove(&hosts[0])?;
                eprintln!("Removing login credentials for {}", hosts[0]);
                Ok(())
            }
        }
    }
}

impl Login {
    fn password(&self) -> anyhow::Result<String> {
        if self.password_stdin {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut std::io::stdin().lock(), &mut text)?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            return Ok(text.strip_suffix('\r').unwrap_or(text).to_owned());
        }
        match self.password.as_ref().filter(|password| !password.is_empty()) {
            Some(password) => {
                warn("Using --password via the CLI is insecure. Use --password-stdin.");
                Ok(password.clone())
            }
            None => bail!("password required"),
        }
    }

    fn run(self, settings: &Settings) -> anyhow::Result<()> {
        Usage { command: "registry login", line: "[host] [flags]" }.at_least(1, &self.hosts)?;
        let host = host(&self.hosts[0]);
        let username = self.username.clone().unwrap_or_default();
        let password = self.password()?;
        let credential = if username.is_empty() {
            Credential { refresh_token: password, ..Credential::default() }
        } else {
            Credential { username, password, ..Credential::default() }
        };
        let access = RemoteFlags {
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            ca_file: self.ca_file.clone(),
            insecure_skip_tls_verify: self.insecure,
            ..RemoteFlags::default()
        };
        let registry = Registry::new(host, &access.access(false), Some(credential.clone()), self.plain_http)?;
        registry.ping().map_err(|why| anyhow!("authenticating to {host:?}: {why}"))?;
        Logins::load(&settings.registry_config)?.put(host, &credential)?;
        eprintln!("Login Succeeded");
        Ok(())
    }
}
