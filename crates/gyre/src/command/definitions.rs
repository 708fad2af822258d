//! Puts the definitions of our kinds into a cluster.

use anyhow::{Context, Result};
use gyre_api::DEFINITIONS;
use gyre_cluster::{Cluster, Grant, Write};
use gyre_model::Object;

/// The field manager of what is installed.
pub(crate) const MANAGER: &str = "gyre";

/// Applies every definition.
pub(crate) async fn install(cluster: &Cluster) -> Result<()> {
    let grant = Grant::own(MANAGER);
    for text in DEFINITIONS {
        let object = Object::new(gyre_yaml::yaml_to_json(text.as_bytes())?)?;
        let write = Write::Apply { object: &object, force: true, dry_run: false };
        cluster.write(&grant, write).await.with_context(|| format!("{} is refused", object.object_ref()))?;
    }
    Ok(())
}
