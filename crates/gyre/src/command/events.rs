//! `gyre events`: what has been told of the objects that are reconciled.

use anyhow::{Result, bail};
use clap::Args;
use gyre_cluster::{Cluster, Event};
use gyre_model::{GroupVersionKind, Object};
use tokio::sync::mpsc;

use crate::client::Client;
use crate::resources::{KINDS, kind};
use crate::{table, time};

/// Which events are shown.
#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(flatten)]
    client: Client,
    /// Only of one object: KIND/NAME, or of one kind: KIND
    object: Option<String>,
    /// Only of this namespace
    #[arg(short, long)]
    namespace: Option<String>,
    /// Only of this type: Normal or Warning
    #[arg(long)]
    types: Vec<String>,
    /// Go on as more come
    #[arg(short, long)]
    watch: bool,
}

pub(crate) async fn run(events: Events) -> Result<()> {
    let wanted = Wanted::new(&events)?;
    let cluster = events.client.connect().await?;
    let gvk = GroupVersionKind::parse("v1", "Event");
    if events.watch {
        return watch(&cluster, gvk, &events, &wanted).await;
    }
    let mut found = cluster.list(&gvk, events.namespace.as_deref(), "").await?;
    found.retain(|event| wanted.takes(event));
    found.sort_by_key(|event| last_seen(event).to_owned());
    if found.is_empty() {
        eprintln!("no events");
        return Ok(());
    }
    let header = ["NAMESPACE", "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"].map(Into::into).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(found.iter().map(row)).collect();
    print!("{}", table::columns(&rows));
    Ok(())
}

async fn watch(cluster: &Cluster, gvk: GroupVersionKind, events: &Events, wanted: &Wanted) -> Result<()> {
    let (sender, mut seen) = mpsc::channel(64);
    let (watched, namespace) = (cluster.clone(), events.namespace.clone());
    tokio::spawn(async move { watched.watch(gvk, namespace, sender).await });
    while let Some(event) = seen.recv().await {
        if let Event::Exists(event) = event
            && wanted.takes(&event)
        {
            println!("{}", row(&event).join("  "));
        }
    }
    Ok(())
}

fn last_seen(event: &Object) -> &str {
    match event.text("/lastTimestamp") {
        "" => event.text("/metadata/creationTimestamp"),
        last => last,
    }
}

fn row(event: &Object) -> Vec<String> {
    let count = event.at("/count").and_then(serde_json::Value::as_i64).unwrap_or(1);
    let age = time::age(last_seen(event));
    let seen = if count > 1 { format!("{age} (x{count})") } else { age };
    vec![
        event.text("/involvedObject/namespace").to_owned(),
        seen,
        event.text("/type").to_owned(),
        event.text("/reason").to_owned(),
        format!("{}/{}", event.text("/involvedObject/kind"), event.text("/involvedObject/name")),
        event.text("/message").trim().replace('\n', ", "),
    ]
}

struct Wanted {
    kind: Option<&'static str>,
    name: Option<String>,
    types: Vec<String>,
}

impl Wanted {
    fn new(events: &Events) -> Result<Self> {
        let (word, name) = match events.object.as_deref().map(|text| (text, text.split_once('/'))) {
            None => (None, None),
            Some((_, Some((word, name)))) => (Some(word), Some(name.to_owned())),
            Some((word, None)) => (Some(word), None),
        };
        for chosen in &events.types {
            if !["normal", "warning"].contains(&chosen.to_lowercase().as_str()) {
                bail!("there are no events of type {chosen:?}: the types are Normal and Warning");
            }
        }
        Ok(Self {
            kind: word.map(kind).transpose()?.map(|kind| kind.name),
            name,
            types: events.types.clone(),
        })
    }

    fn takes(&self, event: &Object) -> bool {
        let kind = event.text("/involvedObject/kind");
        let ours = match self.kind {
            Some(wanted) => wanted == kind,
            None => KINDS.iter().any(|known| known.name == kind),
        };
        ours && self.name.as_ref().is_none_or(|name| name == event.text("/involvedObject/name"))
            && (self.types.is_empty()
                || self.types.iter().any(|chosen| chosen.eq_ignore_ascii_case(event.text("/type"))))
    }
}
