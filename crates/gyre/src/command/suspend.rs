//! `gyre suspend` and `gyre resume`, of both dialects.

use anyhow::{Result, bail};
use serde_json::json;

use crate::client::merge;
use crate::resources::Dialect;
use crate::target::Target;

/// Stops or goes on.
pub(crate) async fn run(target: &Target, suspend: bool) -> Result<()> {
    let (cluster, kind, object) = target.find().await?;
    let body = match kind.dialect {
        Dialect::Argo if object.at("/spec/syncPolicy/automated").is_none() => {
            bail!("{} is synced by hand: there is nothing to suspend or resume", object.object_ref())
        }
        Dialect::Argo => json!({"spec": {"syncPolicy": {"automated": {"enabled": !suspend}}}}),
        _ => json!({"spec": {"suspend": suspend}}),
    };
    merge(&cluster, &object, &body).await?;
    println!("{} {}", object.object_ref(), if suspend { "suspended" } else { "resumed" });
    Ok(())
}
