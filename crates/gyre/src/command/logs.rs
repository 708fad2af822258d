//! `gyre logs` and `flux logs`: what the controllers have done, from their pods, or from the file that `gyre up` keeps
//! beside its kubeconfig.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use gyre_cluster::Cluster;
use gyre_model::GroupVersionKind;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncBufReadExt as _;

use crate::client::{Client, span};
use crate::command::flux;
use crate::{log, time};

/// How often a file is looked at that is followed.
const FOLLOW: Duration = Duration::from_millis(200);

/// What is shown of the logs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gyre logs -A                                           everything
  gyre logs -A --since 2m                                of the last two minutes
  gyre logs --follow --level error -A                    errors, as they come
  gyre logs --kind Kustomization --name web -n default   one object's")]
pub(crate) struct Logs {
    /// Logs of objects across all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only of this kind, e.g. GitRepository
    #[arg(long)]
    kind: Option<String>,
    /// Only of the object of this name
    #[arg(long)]
    name: Option<String>,
    /// Only of this level
    #[arg(long)]
    level: Option<Level>,
    /// Go on as more is logged
    #[arg(short, long)]
    follow: bool,
    /// Only so many of the last lines
    #[arg(long)]
    tail: Option<usize>,
    /// Only what is newer than a duration like 5s, 2m, or 3h
    #[arg(long, value_parser = span, conflicts_with = "since_time")]
    since: Option<Duration>,
    /// Only what is newer than a time (RFC 3339)
    #[arg(long)]
    since_time: Option<String>,
    /// The namespace where the controllers run
    #[arg(long, default_value = "flux-system")]
    flux_namespace: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Debug,
    Info,
    Error,
}

/// A line of a controller's log, in Flux's shape.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    ts: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    error: String,
    #[serde(default, rename = "controllerKind")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
}

pub(crate) async fn run(client: &Client, namespace: &str, logs: Logs) -> Result<()> {
    let shown = Shown::new(namespace, &logs)?;
    let cluster = client.connect().await?;
    let pods = pods(&cluster, &logs.flux_namespace).await.unwrap_or_default();
    if pods.is_empty() {
        let path = beside(client).with_context(|| {
            format!(
                "no pods of the controllers in namespace {:?}, and no {} beside the kubeconfig: is it the cluster of `gyre up` or `gyre run`?",
                logs.flux_namespace,
                log::FILE
            )
        })?;
        return of_file(path, &shown, &logs).await;
    }
    let mut followed = tokio::task::JoinSet::new();
    for pod in pods {
        let (cluster, shown) = (cluster.clone(), shown.clone());
        let mut path =
            format!("/api/v1/namespaces/{}/pods/{pod}/log?follow={}", logs.flux_namespace, logs.follow);
        if let Some(tail) = logs.tail {
            path = format!("{path}&tailLines={tail}");
        }
        followed.spawn(async move {
            let mut lines = cluster.lines(&path).await?.lines();
            while let Some(line) = lines.next_line().await? {
                shown.print(&line);
            }
            anyhow::Ok(())
        });
    }
    for done in followed.join_all().await {
        done.context("failed getting logs")?;
    }
    Ok(())
}

/// The names of the controllers' pods, one a Deployment.
async fn pods(cluster: &Cluster, namespace: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for deployment in flux::controllers(cluster, namespace).await? {
        let labels = deployment.at("/spec/selector/matchLabels").and_then(Value::as_object);
        let labels: Vec<String> = labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
            .collect();
        let pods = GroupVersionKind::parse("v1", "Pod");
        let found = cluster.list(&pods, Some(namespace), &labels.join(",")).await?;
        let running = found.iter().find(|pod| pod.text("/status/phase") == "Running");
        names.extend(running.or(found.first()).map(|pod| pod.name().to_owned()));
    }
    Ok(names)
}

/// The log beside the kubeconfig.
fn beside(client: &Client) -> Option<PathBuf> {
    let kubeconfig =
        client.kubeconfig.clone().or_else(|| std::env::var_os("KUBECONFIG").map(PathBuf::from))?;
    Some(kubeconfig.parent()?.join(log::FILE)).filter(|path| path.is_file())
}

async fn of_file(path: PathBuf, shown: &Shown, logs: &Logs) -> Result<()> {
    let file = std::fs::File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut lines: Vec<String> = BufReader::new(&file).lines().collect::<Result<_, _>>()?;
    let skipped = lines.len().saturating_sub(logs.tail.unwrap_or(usize::MAX));
    for line in lines.drain(..).skip(skipped) {
        shown.print(&line);
    }
    if logs.follow { more(path, file, shown).await } else { Ok(()) }
}

/// Shows what is added to the file, until the program is stopped.
async fn more(path: PathBuf, mut file: std::fs::File, shown: &Shown) -> Result<()> {
    let mut position = file.stream_position()?;
    let mut rest = String::new();
    loop {
        tokio::time::sleep(FOLLOW).await;
        let length = std::fs::metadata(&path)?.len();
        if length < position {
            // It has been begun anew.
            file = std::fs::File::open(&path)?;
            position = 0;
        }
        file.seek(SeekFrom::Start(position))?;
        position += file.read_to_string(&mut rest)? as u64;
        while let Some((line, more)) = rest.split_once('\n') {
            shown.print(line);
            rest = more.to_owned();
        }
    }
}

/// Which lines are shown.
#[derive(Clone)]
struct Shown {
    namespace: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    level: Option<&'static str>,
    since: Option<gyre_go::time::Time>,
}

impl Shown {
    fn new(namespace: &str, logs: &Logs) -> Result<Self> {
        let since = match (&logs.since, &logs.since_time) {
            (Some(since), _) => {
                let back = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
                Some(time::present().add_nanoseconds(-back))
            }
            (None, Some(text)) => match time::parse(text) {
                Some(time) => Some(time),
                None => bail!("{text} is not a valid (RFC3339) time"),
            },
            (None, None) => None,
        };
        Ok(Self {
            namespace: (!logs.all_namespaces && !namespace.is_empty()).then(|| namespace.to_owned()),
            kind: logs.kind.clone(),
            name: logs.name.clone(),
            level: logs.level.map(|level| match level {
                Level::Debug => "debug",
                Level::Info => "info",
                Level::Error => "error",
            }),
            since,
        })
    }

    fn print(&self, line: &str) {
        // Lines that are not of the controllers are left out.
        let Ok(entry) = serde_json::from_str::<Entry>(line) else { return };
        if let Some(text) = self.text(&entry) {
            println!("{text}");
        }
    }

    fn text(&self, entry: &Entry) -> Option<String> {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let is_late = self
            .since
            .as_ref()
            .is_none_or(|since| time::parse(&entry.ts).is_some_and(|written| written.since(since) >= 0));
        let shown = is_late
            && is(&self.namespace, &entry.namespace)
            && is(&self.kind, &entry.kind)
            && is(&self.name, &entry.name)
            && self.level.is_none_or(|level| level == entry.level);
        let Entry { ts, level, msg, error, kind, name, namespace } = entry;
        let of = if name.is_empty() { String::new() } else { format!("/{name}.{namespace}") };
        shown.then(|| format!("{ts} {level} {kind}{of} - {msg} {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_chosen_and_shown_as_flux_shows_them() {
        let line = r#"{"level":"info","ts":"2024-01-01T00:00:00.000Z","msg":"done","controllerKind":"Kustomization","name":"a","namespace":"b"}"#;
        let entry: Entry = serde_json::from_str(line).unwrap();
        let mut shown = Shown { namespace: None, kind: None, name: None, level: None, since: None };
        let text = "2024-01-01T00:00:00.000Z info Kustomization/a.b - done ";
        assert_eq!(shown.text(&entry).as_deref(), Some(text));
        shown.kind = Some("gitrepository".into());
        assert_eq!(shown.text(&entry), None);
    }
}
