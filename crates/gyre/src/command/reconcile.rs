//! `gyre reconcile`, of both dialects.

use anyhow::Result;

use crate::command::argocd;
use crate::command::flux::{self, Place};
use crate::resources::Dialect;
use crate::target::Target;

pub(crate) async fn run(target: &Target, with_source: bool) -> Result<()> {
    let (cluster, kind, object) = target.find().await?;
    if kind.dialect == Dialect::Argo {
        return argocd::refresh_and_sync(&cluster, &object, target.timeout).await;
    }
    let Target { client, timeout, .. } = target;
    let namespace = object.namespace().to_owned();
    let place = Place { client: client.clone(), namespace, timeout: *timeout };
    flux::reconcile::deliver(&cluster, &place, kind, &object, with_source).await
}
