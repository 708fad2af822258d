//! Carries a Plan out, phase by phase.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use gyre_health::kstatus::{Status, Verdict};
use gyre_model::{Object, ObjectRef};
use gyre_plan::{Action, Change, How, Phase, Plan, Refusal, predict, with_last_applied};
use serde_json::Value;

use crate::limits::{PHASE_WAIT, RECREATE_WAIT, REQUESTS_AT_ONCE};
use crate::observe::{refused, sent_digest};
use crate::{ApiError, Grant, Live, OwnerId, PatchFormat, Propagation, Write};

/// What came of a plan: every change in the plan's order, with its failure where it failed.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// One for each change of the plan that was reached.
    pub done: Vec<Done>,
    /// Objects that a phase waited for in vain, with what they lack; the later phases were not begun.
    pub unready: Vec<(ObjectRef, Option<Verdict>)>,
}

/// What came of one change.
#[derive(Clone, Debug)]
pub struct Done {
    /// The change.
    pub target: ObjectRef,
    /// What was to be done.
    pub action: Action,
    /// What was sent.
    pub desired: Option<Arc<Object>>,
    /// How it was written.
    pub how: How,
    /// Why it was not done.
    pub failure: Option<Failure>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step that failed: `apply`, `delete`, `dry-run`.
    pub step: &'static str,
    /// What the server said.
    pub refusal: Refusal,
}

impl Applied {
    /// The changes that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&ObjectRef, &Failure)> {
        self.done.iter().filter_map(|done| Some((&done.target, done.failure.as_ref()?)))
    }
}

/// How a failed write to an object is reported by the server, for a dialect to word.
pub fn apply_error(error: ApiError) -> Refusal {
    match refused(error) {
        Ok(refusal) => refusal,
        Err(error) => Refusal { message: error.to_string(), ..Refusal::default() },
    }
}

impl Live {
    /// Carries the plan out. What fails does not stop what is independent of it; a phase that does not get ready
    /// stops the phases after it, and the pruning.
    pub async fn execute(&self, grant: &Grant, owner: &OwnerId, plan: &Plan) -> Applied {
        let mut applied = Applied::default();
        for phase in &plan.phases {
            self.execute_phase(grant, owner, phase, &mut applied).await;
            if phase.wait {
                applied.unready = self.wait_for(phase, &applied).await;
                if !applied.unready.is_empty() {
                    return applied;
                }
            }
        }
        // Nothing is deleted while something that is desired could not be made: it may be what replaces it.
        if applied.failures().next().is_none() {
            for change in &plan.prune {
                applied.done.push(self.execute_change(grant, owner, change).await);
            }
        }
        applied
    }

    async fn execute_phase(&self, grant: &Grant, owner: &OwnerId, phase: &Phase, applied: &mut Applied) {
        let same_kind = |left: &Change, right: &Change| left.target.kind == right.target.kind;
        for kind in phase.changes.chunk_by(same_kind) {
            let writes: Vec<_> =
                kind.iter().map(|change| self.execute_change(grant, owner, change).boxed()).collect();
            let done: Vec<Done> = futures::stream::iter(writes).buffered(REQUESTS_AT_ONCE).collect().await;
            applied.done.extend(done);
        }
    }

    async fn execute_change(&self, grant: &Grant, owner: &OwnerId, change: &Change) -> Done {
        let result = match (&change.action, &change.desired) {
            (Action::Recreate, Some(desired)) => self.recreate(grant, owner, desired, change).await,
            (Action::Configure, Some(desired)) if matches!(change.how, How::Replace { force: true, .. }) => {
                self.recreate(grant, owner, desired, change).await
            }
            (Action::Create | Action::Configure, Some(desired)) => {
                self.apply(grant, owner, desired, change, change.action == Action::Create).await
            }
            (Action::Delete(_), _) => self.delete(grant, &change.target).await,
            (Action::Refuse(refusal), _) => Err(Failure { step: "dry-run", refusal: refusal.clone() }),
            _ => Ok(()),
        };
        Done {
            target: change.target.clone(),
            action: change.action.clone(),
            desired: change.desired.clone(),
            how: change.how.clone(),
            failure: result.err(),
        }
    }

    async fn apply(
        &self,
        grant: &Grant,
        owner: &OwnerId,
        desired: &Object,
        change: &Change,
        is_new: bool,
    ) -> Result<(), Failure> {
        // The dry run of an object that does not exist is left out: the apply itself says the same.
        let step = if change.action == Action::Create { "dry-run" } else { "apply" };
        let failed = |error| Failure { step, refusal: apply_error(error) };
        if let Some(body) = &change.before {
            let cleanup = patch(&change.target, PatchFormat::Json, body);
            self.cluster().write(grant, cleanup).await.map_err(failed)?;
        }
        let sent = with_last_applied(desired);
        let write = match &change.how {
            How::ServerSide => Write::Apply { object: desired, force: true, dry_run: false },
            How::Create => Write::Create { object: &sent },
            How::Reconcile { .. } => Write::Create { object: desired },
            How::Replace { .. } if is_new => Write::Create { object: desired },
            How::Replace { .. } => Write::Replace { object: desired },
            How::Patch { strategic, body } => patch(&change.target, PatchFormat::of(*strategic), body),
        };
        let other = match &change.how {
            How::Replace { manager, .. } | How::Reconcile { manager } => Some(grant.managed_by(manager)),
            _ => None,
        };
        let mut live = self.cluster().write(other.as_ref().unwrap_or(grant), write).await.map_err(failed)?;
        if let (How::Reconcile { .. }, Some(bare)) = (&change.how, &live) {
            live = self.annotate(grant, bare, desired).await.map_err(failed)?;
        }
        if desired.kind() == "CustomResourceDefinition" {
            self.cluster().forget_kinds(desired.text("/spec/group")).await;
        }
        if let Some(live) = live {
            self.track_one(owner, &change.target);
            self.remember(owner, sent_digest(desired), &live);
        }
        Ok(())
    }

    /// Applies an object to itself, client-side.
    async fn annotate(
        &self,
        grant: &Grant,
        live: &Object,
        desired: &Object,
    ) -> Result<Option<Object>, ApiError> {
        let target = live.object_ref();
        match predict(live, desired).map_err(ApiError::Unreadable)?.patch {
            Some(How::Patch { strategic, body }) => {
                self.cluster().write(grant, patch(&target, PatchFormat::of(strategic), &body)).await
            }
            _ => Ok(Some(live.clone())),
        }
    }

    async fn recreate(
        &self,
        grant: &Grant,
        owner: &OwnerId,
        desired: &Object,
        change: &Change,
    ) -> Result<(), Failure> {
        self.delete(grant, &change.target).await?;
        let target = &change.target;
        let gone = self.until(RECREATE_WAIT, || self.seen(target).is_none()).await;
        if !gone {
            let message = "immutable field detected, failed to wait for object to be deleted".into();
            return Err(Failure { step: "delete", refusal: Refusal { message, ..Refusal::default() } });
        }
        self.apply(grant, owner, desired, change, true).await
    }

    async fn delete(&self, grant: &Grant, target: &ObjectRef) -> Result<(), Failure> {
        let write = Write::Delete { target, propagation: Propagation::Background, uid: None };
        match self.cluster().write(grant, write).await {
            Ok(_) | Err(ApiError::NoKind { .. }) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(Failure { step: "delete", refusal: apply_error(error) }),
        }
    }

    /// Waits until the objects of a phase that were written are ready; gives back those that did not get so.
    async fn wait_for(&self, phase: &Phase, applied: &Applied) -> Vec<(ObjectRef, Option<Verdict>)> {
        let failed: Vec<&ObjectRef> = applied.failures().map(|(target, _)| target).collect();
        let wanted: Vec<&ObjectRef> = phase
            .changes
            .iter()
            .filter(|change| !matches!(change.action, Action::Skip(_) | Action::Refuse(_)))
            .map(|change| &change.target)
            .filter(|target| !failed.contains(target))
            .collect();
        let status = |target: &ObjectRef| self.seen(target).map(|seen| seen.status);
        let ready = |target: &ObjectRef| status(target).is_some_and(|found| found.status == Status::Current);
        let stuck = |target: &ObjectRef| status(target).is_some_and(|found| found.status == Status::Failed);
        self.until(PHASE_WAIT, || {
            wanted.iter().all(|target| ready(target)) || wanted.iter().any(|target| stuck(target))
        })
        .await;
        wanted
            .into_iter()
            .filter(|target| !ready(target))
            .map(|target| (target.clone(), status(target)))
            .collect()
    }

    /// Waits until the condition holds, looking again whenever an object changes; false when time is up.
    pub async fn until(&self, longest: Duration, holds: impl Fn() -> bool) -> bool {
        let mut changes = self.changes();
        let waiting = async {
            while !holds() {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(longest, waiting).await.is_ok() && holds()
    }
}

/// A patch of an object itself, for good.
fn patch<'a>(target: &'a ObjectRef, format: PatchFormat, body: &'a Value) -> Write<'a> {
    Write::Patch { target, subresource: None, format, body, dry_run: false }
}
