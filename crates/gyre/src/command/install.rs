//! `gyre install`: puts the controllers into a cluster, or shows what it would put there.

use anyhow::{Result, anyhow};
use clap::Args;
use gyre_api::DEFINITIONS;
use gyre_model::Object;

use crate::client::Client;
use crate::command::definitions;

/// Everything but the definitions; names are filled in.
const MANIFESTS: &str = include_str!("install.yaml");

/// What is installed.
#[derive(Debug, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    client: Client,
    /// Namespace of the controllers
    #[arg(short, long, default_value = "gyre-system")]
    namespace: String,
    /// Image of the controllers
    #[arg(long, default_value = concat!("gyre:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// Write the manifests to standard output, and touch no cluster
    #[arg(long)]
    export: bool,
}

pub(crate) async fn run(install: Install) -> Result<()> {
    let manifests = manifests(&install);
    if install.export {
        for definition in DEFINITIONS {
            print!("---\n{}\n", definition.trim_matches('\n').trim_start_matches("---\n"));
        }
        print!("---\n{manifests}");
        return Ok(());
    }
    let cluster = install.client.connect().await?;
    definitions::install(&cluster).await?;
    println!("✔ {} definitions", DEFINITIONS.len());
    for object in objects(&manifests)? {
        definitions::apply(&cluster, &object).await?;
        println!("✔ {}", object.object_ref());
    }
    println!("► `gyre flux check -n {}` tells when the controllers are ready", install.namespace);
    Ok(())
}

fn manifests(install: &Install) -> String {
    MANIFESTS
        .replace("NAMESPACE", &install.namespace)
        .replace("IMAGE", &install.image)
        .replace("VERSION", concat!("v", env!("CARGO_PKG_VERSION")))
}

fn objects(manifests: &str) -> Result<Vec<Object>> {
    let parts = gyre_yaml::split_documents(manifests).map_err(|error| anyhow!("{error}"))?;
    parts.iter().map(|part| definitions::object(part.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_filled_in() {
        let client = Client::default();
        let install = Install { client, namespace: "ns-1".into(), image: "img:1".into(), export: false };
        let text = manifests(&install);
        let objects = objects(&text).unwrap();
        assert_eq!(objects.len(), 5);
        assert!(objects.iter().all(|object| matches!(object.namespace(), "" | "ns-1")));
        assert_eq!(objects[4].text("/spec/template/spec/containers/0/image"), "img:1");
    }
}
