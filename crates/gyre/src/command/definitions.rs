//! Puts the definitions of our kinds into a cluster.

use anyhow::{Context, Result};
use gyre_api::DEFINITIONS;
use gyre_cluster::{Cluster, Grant, Write};
use gyre_model::Object;

/// The field manager of what is installed.
const MANAGER: &str = "gyre";

/// Applies every definition.
pub(crate) async fn install(cluster: &Cluster) -> Result<()> {
    for text in DEFINITIONS {
        apply(cluster, &object(text)?).await?;
    }
    Ok(())
}

/// Applies one object as what is installed.
pub(crate) async fn apply(cluster: &Cluster, object: &Object) -> Result<()> {
    let write = Write::Apply { object, force: true, dry_run: false };
    let written = cluster.write(&Grant::own(MANAGER), write).await;
    written.with_context(|| format!("{} is refused", object.object_ref()))?;
    Ok(())
}

/// The object of a YAML document.
pub(crate) fn object(text: &str) -> Result<Object> {
    Ok(Object::new(gyre_yaml::yaml_to_json(text.as_bytes())?)?)
}
