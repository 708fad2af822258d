//! What a plan has to know of the cluster, asked for as seldom as possible.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use gyre_model::{Digest, GroupKind, Object, ObjectRef};
use gyre_plan::{How, Observed, Refusal, Stale, predict};

use crate::limits::REQUESTS_AT_ONCE;
use crate::{ApiError, Grant, Live, OwnerId, Write};

/// The digest by which it is seen that the same is desired as before.
pub(crate) fn sent_digest(desired: &Object) -> Digest {
    Digest::of(&serde_json::to_vec(desired.fields()).unwrap_or_default())
}

impl Live {
    /// What is known of each desired object, in the same order: nothing is asked of objects that have not changed
    /// since the owner applied them, or that are known not to exist.
    pub async fn observe(
        &self,
        grant: &Grant,
        owner: &OwnerId,
        desired: &[Arc<Object>],
    ) -> Result<Vec<Observed>, ApiError> {
        let coming: HashSet<GroupKind> = desired.iter().filter_map(|object| defined(object)).collect();
        let refs: Vec<ObjectRef> = desired.iter().map(|object| object.object_ref()).collect();
        let mut known = Vec::new();
        for object in &refs {
            // A kind that is not served yet cannot be watched; it comes with the plan, or is refused.
            if self.cluster().kind(&object.gvk()).await.is_ok() {
                known.push(object.clone());
            }
        }
        self.track(owner, &known);
        self.synced(&known).await;
        let asked: Vec<_> =
            desired.iter().map(|object| self.observe_one(grant, owner, object, &coming).boxed()).collect();
        let found: Vec<Result<Observed, ApiError>> =
            futures::stream::iter(asked).buffered(REQUESTS_AT_ONCE).collect().await;
        found.into_iter().collect()
    }

    /// The object as it is, or what is known of it without looking at it.
    async fn present(
        &self,
        owner: &OwnerId,
        (desired, sent): (&Object, Digest),
        coming: &HashSet<GroupKind>,
    ) -> Result<ControlFlow<Observed, Arc<Object>>, ApiError> {
        let target = desired.object_ref();
        if self.is_unchanged(owner, &target, sent) {
            return Ok(ControlFlow::Break(Observed::Unchanged));
        }
        if self.seen(&target).is_none() && self.knows_kind(&target) {
            return Ok(ControlFlow::Break(Observed::Absent));
        }
        Ok(match self.cluster().get(&target).await {
            Ok(Some(live)) => ControlFlow::Continue(Arc::new(live)),
            Ok(None) => ControlFlow::Break(Observed::Absent),
            // Its definition comes with the same plan, in an earlier phase.
            Err(ApiError::NoKind { .. }) if coming.contains(&target.group_kind()) => {
                ControlFlow::Break(Observed::Absent)
            }
            Err(error) => ControlFlow::Break(Observed::Refused(refused(error)?)),
        })
    }

    async fn observe_one(
        &self,
        grant: &Grant,
        owner: &OwnerId,
        desired: &Arc<Object>,
        coming: &HashSet<GroupKind>,
    ) -> Result<Observed, ApiError> {
        let sent = sent_digest(desired);
        let live = match self.present(owner, (desired, sent), coming).await? {
            ControlFlow::Continue(live) => live,
            ControlFlow::Break(known) => return Ok(known),
        };
        let dry_run = Write::Apply { object: desired, force: true, dry_run: true };
        let merged = match self.cluster().write(grant, dry_run).await {
            Ok(Some(merged)) => Ok(Arc::new(merged)),
            Ok(None) => {
                Err(Refusal { message: "the dry run gave nothing back".into(), ..Refusal::default() })
            }
            Err(error) => Err(refused(error)?),
        };
        if let Ok(merged) = &merged
            && gyre_plan::diff(&live.to_value(), &merged.to_value()).is_empty()
        {
            self.remember(owner, sent, &live);
        }
        Ok(Observed::Live { live, merged, how: How::ServerSide })
    }

    /// The same for client-side apply: the prediction is made here, from the live object.
    pub async fn observe_client_side(
        &self,
        owner: &OwnerId,
        desired: &[Arc<Object>],
    ) -> Result<Vec<Observed>, ApiError> {
        let coming: HashSet<GroupKind> = desired.iter().filter_map(|object| defined(object)).collect();
        let mut known = Vec::new();
        for object in desired.iter().map(|object| object.object_ref()) {
            if self.cluster().kind(&object.gvk()).await.is_ok() {
                known.push(object);
            }
        }
        for object in &known {
            self.track_one(owner, object);
        }
        self.synced(&known).await;
        let asked: Vec<_> =
            desired.iter().map(|object| self.predict_one(owner, object, &coming).boxed()).collect();
        let found: Vec<Result<Observed, ApiError>> =
            futures::stream::iter(asked).buffered(REQUESTS_AT_ONCE).collect().await;
        found.into_iter().collect()
    }

    async fn predict_one(
        &self,
        owner: &OwnerId,
        desired: &Arc<Object>,
        coming: &HashSet<GroupKind>,
    ) -> Result<Observed, ApiError> {
        let sent = sent_digest(desired);
        let live = match self.present(owner, (desired, sent), coming).await? {
            ControlFlow::Continue(live) => live,
            ControlFlow::Break(known) => return Ok(known),
        };
        let prediction = match predict(&live, desired) {
            Ok(prediction) => prediction,
            Err(message) => {
                let merged = Err(Refusal { message, ..Refusal::default() });
                return Ok(Observed::Live { live, merged, how: How::Create });
            }
        };
        if gyre_plan::diff(&live.to_value(), &prediction.merged.to_value()).is_empty() {
            self.remember(owner, sent, &live);
        }
        let how = prediction.patch.unwrap_or(How::Create);
        Ok(Observed::Live { live, merged: Ok(Arc::new(prediction.merged)), how })
    }

    /// The objects of an inventory that are no longer desired, as they are.
    pub async fn observe_stale(&self, stale: Vec<ObjectRef>) -> Result<Vec<Stale>, ApiError> {
        let asked: Vec<_> = stale.into_iter().map(|target| self.observe_stale_one(target).boxed()).collect();
        let found: Vec<Result<Stale, ApiError>> =
            futures::stream::iter(asked).buffered(REQUESTS_AT_ONCE).collect().await;
        found.into_iter().collect()
    }

    async fn observe_stale_one(&self, target: ObjectRef) -> Result<Stale, ApiError> {
        let live = match self.cluster().get(&target).await {
            Ok(live) => live.map(Arc::new),
            // The definition is gone, and its objects with it.
            Err(ApiError::NoKind { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Stale { target, live })
    }
}

/// The kind that a definition defines.
fn defined(object: &Object) -> Option<GroupKind> {
    (object.kind() == "CustomResourceDefinition").then(|| GroupKind {
        group: object.text("/spec/group").into(),
        kind: object.text("/spec/names/kind").into(),
    })
}

/// A refusal is part of the plan; that the server cannot be reached is not.
pub(crate) fn refused(error: ApiError) -> Result<Refusal, ApiError> {
    if matches!(error, ApiError::Unreachable(_)) {
        return Err(error);
    }
    let reason = if error.is_field_conflict() { "FieldManagerConflict" } else { error.reason() };
    Ok(Refusal {
        code: error.code(),
        reason: reason.into(),
        message: error.to_string(),
        immutable: error.is_immutable(),
    })
}
