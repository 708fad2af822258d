//! The object that a command is about: `KIND/NAME`, in a namespace or wherever there is only one.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use gyre_cluster::Cluster;
use gyre_model::Object;

use crate::client::{Client, span};
use crate::resources::{Kind, kind};

/// One object.
#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    pub(crate) client: Client,
    /// The object: KIND/NAME, as in ks/web, git/demo, app/shop
    pub(crate) object: String,
    /// Its namespace; needed only where several have this name
    #[arg(short, long)]
    pub(crate) namespace: Option<String>,
    /// How long the command may take
    #[arg(long, default_value = "5m", value_parser = span)]
    pub(crate) timeout: Duration,
}

impl Target {
    /// Connects, and finds the object.
    pub(crate) async fn find(&self) -> Result<(Cluster, &'static Kind, Object)> {
        let (word, name) = self
            .object
            .split_once('/')
            .ok_or_else(|| anyhow!("{:?} names no object: write KIND/NAME, as in ks/web", self.object))?;
        let kind = kind(word)?;
        let cluster = self.client.connect().await?;
        cluster.kind(&kind.gvk()).await?;
        let mut found = kind.list(&cluster, self.namespace.as_deref(), "").await?;
        found.retain(|object| object.name() == name);
        if found.len() > 1 {
            let namespaces: Vec<&str> = found.iter().map(Object::namespace).collect();
            bail!(
                "{}/{name} is in several namespaces, choose one with -n: {}",
                kind.name,
                namespaces.join(", ")
            );
        }
        let place = match &self.namespace {
            Some(namespace) => format!("namespace {namespace:?}"),
            None => "any namespace".into(),
        };
        let object = found.pop().ok_or_else(|| anyhow!("{}/{name} is not in {place}", kind.name))?;
        Ok((cluster, kind, object))
    }
}
