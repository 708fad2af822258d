//! `flux get`.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use gyre_cluster::{Cluster, Event};
use gyre_model::Object;
use tokio::sync::mpsc;

use super::{Place, failure};
use crate::resources::{Dialect, KINDS, Kind, condition, kind};
use crate::table;

#[derive(Debug, Subcommand)]
pub(super) enum Get {
    /// Get all resources and statuses
    All(Options),
    /// Get source statuses
    #[command(alias = "source", subcommand)]
    Sources(Sources),
    /// Get Kustomization statuses
    #[command(aliases = ["ks", "kustomization"])]
    Kustomizations(Options),
    /// Get HelmRelease statuses
    #[command(aliases = ["hr", "helmrelease"])]
    Helmreleases(Options),
}

#[derive(Debug, Subcommand)]
pub(super) enum Sources {
    /// Get all source statuses
    All(Options),
    /// Get GitRepository source statuses
    Git(Options),
    /// Get OCIRepository status
    Oci(Options),
    /// Get HelmRepository source statuses
    Helm(Options),
    /// Get HelmChart statuses
    Chart(Options),
    /// Get Bucket source statuses
    Bucket(Options),
}

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Only the object of this name
    name: Option<String>,
    /// List the requested object(s) across all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Skip the header when printing the results
    #[arg(long)]
    no_header: bool,
    /// After listing the requested object, watch for changes
    #[arg(short, long)]
    watch: bool,
    /// The condition and the state to filter by, e.g. ready=false or ready!=true
    #[arg(long, default_value = "")]
    status_selector: String,
    /// Filter objects by label selector
    #[arg(short, long, default_value = "")]
    label_selector: String,
}

pub(super) async fn run(place: &Place, get: Get) -> Result<()> {
    match get {
        Get::All(options) => all(place, &options, "all", |_| true).await,
        Get::Sources(Sources::All(options)) => {
            all(place, &options, "all", |kind| kind.dialect == Dialect::Source).await
        }
        Get::Kustomizations(options) => one(place, "ks", &options).await,
        Get::Helmreleases(options) => one(place, "hr", &options).await,
        Get::Sources(Sources::Git(options)) => one(place, "git", &options).await,
        Get::Sources(Sources::Oci(options)) => one(place, "oci", &options).await,
        Get::Sources(Sources::Helm(options)) => one(place, "helm", &options).await,
        Get::Sources(Sources::Chart(options)) => one(place, "chart", &options).await,
        Get::Sources(Sources::Bucket(options)) => one(place, "bucket", &options).await,
    }
}

async fn all(place: &Place, options: &Options, word: &str, wanted: impl Fn(&Kind) -> bool) -> Result<()> {
    if options.watch {
        bail!("expected a single resource type, but found {word}");
    }
    let cluster = place.client.connect().await?;
    for kind in KINDS.iter().filter(|kind| kind.dialect != Dialect::Argo && wanted(kind)) {
        match rows(&cluster, place, kind, options, true).await {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => println!("{}", print(rows, options)),
            Err(error) => failure(&error.to_string()),
        }
    }
    Ok(())
}

async fn one(place: &Place, word: &str, options: &Options) -> Result<()> {
    let kind = kind(word)?;
    let cluster = place.client.connect().await?;
    if options.watch {
        return watch(&cluster, place, kind, options).await;
    }
    // A kind that is not there is an error here; in a list of all it is left out.
    cluster.kind(&kind.gvk()).await?;
    let rows = rows(&cluster, place, kind, options, false).await?;
    print!("{}", print(rows, options));
    Ok(())
}

async fn rows(
    cluster: &Cluster,
    place: &Place,
    kind: &Kind,
    options: &Options,
    with_kind: bool,
) -> Result<Vec<Vec<String>>> {
    let namespace = (!options.all_namespaces).then_some(place.namespace.as_str());
    let objects = kind.list(cluster, namespace, &options.label_selector).await?;
    let named = |object: &&Object| options.name.as_ref().is_none_or(|name| object.name() == name);
    let objects: Vec<&Object> = objects.iter().filter(named).collect();
    if objects.is_empty() {
        let anywhere =
            if options.all_namespaces { "any".to_owned() } else { format!("{:?}", place.namespace) };
        match &options.name {
            Some(name) => bail!("{} object '{name}' not found in {anywhere} namespace", kind.name),
            None if !with_kind => bail!("no {} objects found in {anywhere} namespace", kind.name),
            None => {}
        }
    }
    let wanted = Selector::parse(&options.status_selector)?;
    let shown = objects.into_iter().filter(|object| wanted.matches(object));
    Ok(shown.map(|object| row(kind, object, options, with_kind)).collect())
}

fn row(kind: &Kind, object: &Object, options: &Options, with_kind: bool) -> Vec<String> {
    let summary = kind.summary(object);
    let name = if with_kind {
        format!("{}/{}", kind.name.to_lowercase(), object.name())
    } else {
        object.name().to_owned()
    };
    let namespace = options.all_namespaces.then(|| object.namespace().to_owned());
    let suspended = if summary.is_suspended { "True" } else { "False" };
    let cells = [name, summary.revision, suspended.into(), summary.ready, summary.message];
    namespace.into_iter().chain(cells).collect()
}

fn print(mut rows: Vec<Vec<String>>, options: &Options) -> String {
    if !options.no_header {
        let header = ["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE"];
        let namespace = options.all_namespaces.then_some("NAMESPACE");
        rows.insert(0, namespace.into_iter().chain(header).map(Into::into).collect());
    }
    table::tabbed(&rows)
}

async fn watch(cluster: &Cluster, place: &Place, kind: &Kind, options: &Options) -> Result<()> {
    let (sender, mut events) = mpsc::channel(64);
    let (watched, gvk) = (cluster.clone(), kind.gvk());
    let namespace = (!options.all_namespaces).then(|| place.namespace.clone());
    tokio::spawn(async move { watched.watch(gvk, namespace, sender).await });
    let wanted = Selector::parse(&options.status_selector)?;
    let mut has_header = options.no_header;
    let shown = async {
        while let Some(event) = events.recv().await {
            let Event::Exists(object) = event else { continue };
            let named = options.name.as_ref().is_none_or(|name| object.name() == name);
            if named && wanted.matches(&object) {
                let rows = vec![row(kind, &object, options, false)];
                let text = if has_header { table::tabbed(&rows) } else { print(rows, options) };
                print!("{text}");
                has_header = true;
            }
        }
    };
    // The watch ends with the time that the command has.
    let _ = tokio::time::timeout(place.timeout, shown).await;
    Ok(())
}

/// `ready=false`, `ready!=true`.
struct Selector {
    condition: String,
    status: String,
    negated: bool,
}

impl Selector {
    fn parse(text: &str) -> Result<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        let negated = text.contains("!=");
        let Some((condition, status)) = text.split_once(if negated { "!=" } else { "=" }) else {
            bail!("expected status selector in type=status or type!=status format, but found: {text}")
        };
        Ok(Some(Self { condition: condition.into(), status: status.into(), negated }))
    }
}

trait Matches {
    fn matches(&self, object: &Object) -> bool;
}

impl Matches for Option<Selector> {
    fn matches(&self, object: &Object) -> bool {
        let Some(selector) = self else { return true };
        let status = condition(object, &selector.condition).and_then(|found| found["status"].as_str());
        status.is_some_and(|status| status.eq_ignore_ascii_case(&selector.status)) != selector.negated
    }
}
