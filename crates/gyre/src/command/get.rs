//! `gyre get`: what is reconciled, of both dialects, in one list.

use anyhow::Result;
use clap::Args;

use crate::client::Client;
use crate::resources::{KINDS, Kind, kind};
use crate::table;

/// What is listed.
#[derive(Debug, Args)]
pub(crate) struct Get {
    #[command(flatten)]
    client: Client,
    /// Only of this kind: ks, git, app, ...; `all` without one
    kind: Option<String>,
    /// Only the object of this name
    name: Option<String>,
    /// Only of this namespace
    #[arg(short, long)]
    namespace: Option<String>,
    /// Only objects with these labels
    #[arg(short = 'l', long, default_value = "")]
    selector: String,
    /// Leave the headline out
    #[arg(long)]
    no_header: bool,
}

pub(crate) async fn run(get: Get) -> Result<()> {
    let kinds: Vec<&Kind> = match get.kind.as_deref() {
        None | Some("all") => KINDS.iter().collect(),
        Some(word) => vec![kind(word)?],
    };
    let cluster = get.client.connect().await?;
    let mut rows = Vec::new();
    for kind in kinds {
        for object in kind.list(&cluster, get.namespace.as_deref(), &get.selector).await? {
            if get.name.as_ref().is_some_and(|name| object.name() != name) {
                continue;
            }
            let summary = kind.summary(&object);
            rows.push(vec![
                object.namespace().to_owned(),
                format!("{}/{}", kind.name, object.name()),
                summary.ready,
                if summary.is_suspended { "True" } else { "False" }.into(),
                summary.revision,
                summary.message.lines().next().unwrap_or_default().to_owned(),
            ]);
        }
    }
    if rows.is_empty() {
        eprintln!("nothing is there yet: apply a GitRepository and a Kustomization, or an Application");
        return Ok(());
    }
    if !get.no_header {
        let header = ["NAMESPACE", "NAME", "READY", "SUSPENDED", "REVISION", "MESSAGE"];
        rows.insert(0, header.map(Into::into).to_vec());
    }
    print!("{}", table::columns(&rows));
    Ok(())
}
