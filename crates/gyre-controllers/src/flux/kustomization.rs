//! Kustomization: renders a directory of a source, applies it, prunes, waits for health.

mod depends;
mod health;
mod overlay;
mod policy;
mod prepare;
mod status;
mod variables;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use gyre_api::flux::{
    FINALIZER, GitRepositoryStatus, InventoryEntry, KUSTOMIZE_GROUP, KUSTOMIZE_MANAGER, KustomizationSpec,
    KustomizationStatus,
};
use gyre_cluster::{Applied, Grant, OwnerId};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use gyre_plan::{Action, Desired, Observed, Plan, Stale, Title, flux_rank, stage};
use gyre_render::RenderError;
use gyre_render::kustomization::{Rendered, render};
use tokio::time::Instant;

use crate::context::Context;
use crate::flux::{git_repository, gvk, part, requested_at, span};
use crate::frame::{Reconciler, without_finalizer};
use crate::limits::DEPENDENCY_RETRY;
use crate::outcome::Conclusion;
use crate::preview::Preview;
use crate::queue::Key;
use crate::shelf::key;
use crate::trees::Files;
use health::Verdict;
use status::{Blocked, Outcome, conclude};

/// The kind's name.
pub(crate) const KIND: &str = "Kustomization";
/// The shortest time that apply and health are given.
const TIMEOUT_MIN: Duration = Duration::from_secs(30);

/// Reconciles Kustomizations.
pub(crate) struct Kustomizations {
    cx: Arc<Context>,
    memories: Mutex<HashMap<Key, Memory>>,
}

/// What is remembered of an object between two looks; may be lost at any time.
#[derive(Clone)]
struct Memory {
    /// What was rendered: the same source and the same spec give the same objects.
    digest: gyre_model::Digest,
    generation: i64,
    built: gyre_model::Digest,
    /// Since when health has been waited for.
    since: Option<Instant>,
    /// Something had changed in the apply that is waited for.
    changed: bool,
}

/// A plan, and what it was made of.
struct Planned {
    owner: OwnerId,
    grant: Grant,
    plan: Plan,
    desired: Vec<(Arc<Object>, Observed)>,
    stale: Vec<Stale>,
}

impl Reconciler for Kustomizations {
    fn gvk(&self) -> GroupVersionKind {
        gvk(KUSTOMIZE_GROUP, KIND)
    }

    fn component(&self) -> &'static str {
        KUSTOMIZE_MANAGER
    }

    fn finalizer(&self) -> Option<&'static str> {
        Some(FINALIZER)
    }

    fn has_status_subresource(&self) -> bool {
        true
    }

    fn reconcile<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion> {
        self.look(object).boxed()
    }

    fn finalize<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion> {
        self.clean_up(object).boxed()
    }

    fn gone(&self, key: &Key) {
        self.memories().remove(key);
        self.cx.changes.forget(key);
        self.cx.live.forget(&owner_of(key));
    }

    fn broken(&self, object: &Arc<Object>, why: &str) -> Conclusion {
        let old: KustomizationStatus = part(object, "status").unwrap_or_default();
        let spec: KustomizationSpec = part(object, "spec").unwrap_or_default();
        conclude(object, &spec, old, Err(Blocked::build(why.into(), None)), &self.cx, Instant::now())
    }
}

/// The owner's name in the live cache.
pub(crate) fn owner_of(key: &Key) -> OwnerId {
    let (namespace, name) = key.split_once('/').unwrap_or_default();
    OwnerId::new(&ObjectRef::new(gvk(KUSTOMIZE_GROUP, KIND), namespace, name))
}

/// How long apply and health may take (`Kustomization.GetTimeout`).
fn timeout(spec: &KustomizationSpec) -> Duration {
    let given = spec.timeout.as_deref().and_then(span);
    let interval = span(&spec.interval).unwrap_or_default();
    given.unwrap_or_else(|| interval.saturating_sub(TIMEOUT_MIN)).max(TIMEOUT_MIN)
}

/// The objects of an inventory.
pub(crate) fn inventory(status: &KustomizationStatus) -> Vec<ObjectRef> {
    let entries = status.inventory.as_ref().map(|inventory| inventory.entries.as_slice()).unwrap_or_default();
    entries.iter().filter_map(|InventoryEntry { id, v }| ObjectRef::parse_id(id, v)).collect()
}

/// Does the Kustomization read this GitRepository?
pub(crate) fn uses(object: &Object, source: &Key) -> bool {
    let reference = |field: &str| object.text(&format!("/spec/sourceRef/{field}"));
    let namespace = Some(reference("namespace")).filter(|namespace| !namespace.is_empty());
    reference("kind") == git_repository::KIND
        && key(namespace.unwrap_or(object.namespace()), reference("name")) == *source
}

pub(crate) use depends::depends_on;

impl Kustomizations {
    pub(crate) fn new(cx: Arc<Context>) -> Self {
        Self { cx, memories: Mutex::default() }
    }

    /// Does the object wait for the health of what it applied?
    pub(crate) fn is_waiting(&self, key: &Key) -> bool {
        self.memories().get(key).is_some_and(|memory| memory.since.is_some())
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<Key, Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, object: &Arc<Object>) -> Conclusion {
        let begin = Instant::now();
        let old: KustomizationStatus = part(object, "status").unwrap_or_default();
        let spec = match part::<KustomizationSpec>(object, "spec") {
            Ok(spec) if spec.suspend => return status::suspended(object, old),
            Ok(spec) => spec,
            Err(why) => {
                let (spec, blocked) = (KustomizationSpec::default(), Blocked::build(why, None));
                return conclude(object, &spec, old, Err(blocked), &self.cx, begin);
            }
        };
        match self.bring_about(object, &spec, &old).await {
            Ok(None) => Conclusion { again: span(&spec.interval), ..Conclusion::default() },
            Ok(Some(outcome)) => conclude(object, &spec, old, Ok(outcome), &self.cx, begin),
            Err(blocked) => conclude(object, &spec, old, Err(blocked), &self.cx, begin),
        }
    }

    /// Makes the cluster what the source says; `None` where it is, and nobody has asked.
    async fn bring_about(
        &self,
        object: &Arc<Object>,
        spec: &KustomizationSpec,
        old: &KustomizationStatus,
    ) -> Result<Option<Outcome>, Blocked> {
        let key = key(object.namespace(), object.name());
        let files = self.source(object, spec)?;
        depends::check(&self.cx, object, spec, &files.revision)?;
        let asked = requested_at(object) != old.last_handled_reconcile_at;
        let memory = self.memories().get(&key).cloned();
        let memory = memory.filter(|memory| {
            memory.digest == files.digest
                && memory.generation == object.generation()
                && self.cx.live.is_intact(&owner_of(&key))
        });
        if let Some(memory) = memory.filter(|_| !asked) {
            if memory.since.is_none() {
                let applied = old.last_applied_revision.as_deref() == Some(&files.revision);
                if applied && status::is_ready(old) {
                    return Ok(None);
                }
            } else {
                let outcome = Outcome::again(&files.revision, memory.built, memory.changed, inventory(old));
                return Ok(Some(self.judge(&key, spec, outcome).await));
            }
        }
        let rendered = self.render(object, spec, &files).await?;
        let built = rendered.digest;
        let changed = self.apply(object, spec, old, &files, rendered).await?;
        let memory = Memory {
            digest: files.digest,
            generation: object.generation(),
            built,
            since: Some(Instant::now()),
            changed: changed.has_changes(),
        };
        self.memories().insert(Arc::clone(&key), memory);
        Ok(Some(self.judge(&key, spec, changed).await))
    }

    /// The files of the source's present artifact.
    fn source(&self, object: &Object, spec: &KustomizationSpec) -> Result<Arc<Files>, Blocked> {
        let reference = &spec.source_ref;
        if reference.kind != git_repository::KIND {
            let why = format!("source `{}` kind '{}' not supported", reference.name, reference.kind);
            return Err(Blocked::source(why, Some(DEPENDENCY_RETRY)));
        }
        let namespace = reference.namespace.as_deref().unwrap_or(object.namespace());
        let key = key(namespace, &reference.name);
        let found = self.cx.git_repositories.shelf.get(&key).ok_or_else(|| {
            let kind = format!("{}.{}", reference.kind, gyre_api::flux::SOURCE_GROUP);
            Blocked::source(format!("{kind} \"{}\" not found", reference.name), None)
        })?;
        let status: GitRepositoryStatus = part(&found, "status").unwrap_or_default();
        let files = self.cx.trees.get(git_repository::KIND, &key);
        match (status.artifact, files) {
            (Some(artifact), Some(files)) if files.revision == artifact.revision => Ok(files),
            // The artifact is being fetched again after a start, or is about to be announced.
            (Some(_), _) => Err(Blocked::Waiting),
            (None, _) => {
                let retry = crate::flux::go_duration(DEPENDENCY_RETRY);
                let why = format!("Source artifact not found, retrying in {retry}");
                Err(Blocked::source(why, Some(DEPENDENCY_RETRY)))
            }
        }
    }

    async fn render(
        &self,
        object: &Object,
        spec: &KustomizationSpec,
        files: &Files,
    ) -> Result<Rendered, Blocked> {
        let overlay = overlay::of(spec);
        let (tree, path) = (files.tree.clone(), spec.path.clone());
        let attempted = files.revision.clone();
        let rendered = self.cx.builds.run(move |shared| render(&tree, &path, &overlay, shared)).await;
        let rendered =
            rendered.map_err(|error| Blocked::build(error.to_string(), Some(attempted.clone())))?;
        let failed = |error: RenderError| match error {
            RenderError::NoPath(_) => Blocked::path(error.to_string()),
            error => Blocked::build(error.to_string(), Some(attempted)),
        };
        match rendered {
            Ok(rendered) => variables::put_in(&self.cx, object, spec, rendered).await.map_err(failed),
            Err(error) => Err(failed(error)),
        }
    }

    /// What is to be done, object by object.
    async fn plan(
        &self,
        object: &Arc<Object>,
        spec: &KustomizationSpec,
        old: &KustomizationStatus,
        files: &Files,
        rendered: Rendered,
    ) -> Result<Planned, Blocked> {
        let owner = owner_of(&key(object.namespace(), object.name()));
        let (revision, digest) = (files.revision.clone(), rendered.digest);
        let blocked = |error: gyre_cluster::ApiError| Blocked::apply(error.to_string(), &revision, digest);
        let objects = prepare::objects(&self.cx, object, spec, rendered.objects).await.map_err(blocked)?;
        if objects.is_empty() && !inventory(old).is_empty() && spec.prune && !policy::may_empty(object) {
            return Err(Blocked::emptied(&revision, digest, inventory(old).len()));
        }
        let grant = policy::grant(object, spec);
        let observed = self.cx.live.observe(&grant, &owner, &objects).await.map_err(blocked)?;
        let wanted: HashSet<String> = objects.iter().map(|object| object.object_ref().id()).collect();
        let stale = inventory(old).into_iter().filter(|entry| !wanted.contains(&entry.id())).collect();
        let stale = self.cx.live.observe_stale(stale).await.map_err(blocked)?;
        let title = Title { owner: object.object_ref(), revision: revision.clone() };
        let desired: Vec<(Arc<Object>, Observed)> = objects.into_iter().zip(observed).collect();
        let ordered = desired.iter().map(|(object, observed)| {
            let (wave, rank) = (stage(object) as i32, flux_rank(object.kind()));
            (Desired { wave, rank, object: Arc::clone(object), how: None }, observed.clone())
        });
        let plan = gyre_plan::make(title, ordered.collect(), stale.clone(), &policy::of(object, spec), 2);
        Ok(Planned { owner, grant, plan, desired, stale })
    }

    /// What a reconcile would do now, with the files of the source or others instead.
    pub(crate) async fn preview(
        &self,
        object: &Arc<Object>,
        files: Option<Files>,
    ) -> Result<Preview, String> {
        let spec: KustomizationSpec = part(object, "spec")?;
        let old: KustomizationStatus = part(object, "status")?;
        let why = |blocked: Blocked| blocked.message().to_owned();
        let files =
            files.map_or_else(|| self.source(object, &spec), |files| Ok(Arc::new(files))).map_err(why)?;
        let rendered = self.render(object, &spec, &files).await.map_err(why)?;
        let planned = self.plan(object, &spec, &old, &files, rendered).await.map_err(why)?;
        Ok(Preview::new(planned.plan, &planned.desired, &planned.stale))
    }

    async fn apply(
        &self,
        object: &Arc<Object>,
        spec: &KustomizationSpec,
        old: &KustomizationStatus,
        files: &Files,
        rendered: Rendered,
    ) -> Result<Outcome, Blocked> {
        let digest = rendered.digest;
        let Planned { owner, grant, plan, .. } = self.plan(object, spec, old, files, rendered).await?;
        tracing::debug!("{plan}");
        let applied = self.cx.live.execute(&grant, &owner, &plan).await;
        let outcome = self.outcome(&owner, old, files, digest, &plan, applied);
        if let Some(line) = outcome.summary() {
            self.cx.changes.note(&key(object.namespace(), object.name()), line);
        }
        Ok(outcome)
    }

    fn outcome(
        &self,
        owner: &OwnerId,
        old: &KustomizationStatus,
        files: &Files,
        digest: gyre_model::Digest,
        plan: &Plan,
        applied: Applied,
    ) -> Outcome {
        let reached: HashSet<&ObjectRef> = applied.done.iter().map(|done| &done.target).collect();
        // What the plan did not come to is owned as before.
        let unreached =
            plan.changes().map(|change| &change.target).filter(|target| !reached.contains(target));
        let mut keeps: HashSet<String> = unreached.map(ObjectRef::id).collect();
        let mut owned = Vec::new();
        for done in &applied.done {
            match (&done.action, &done.failure) {
                (Action::Delete(_), None) => {}
                // A deletion that failed is tried again, and so is an object that exists and could not be changed.
                (_, Some(_)) => {
                    keeps.insert(done.target.id());
                }
                (Action::Skip(_), None) if done.desired.is_none() => {}
                _ => owned.push(done.target.clone()),
            }
        }
        owned.extend(inventory(old).into_iter().filter(|entry| keeps.contains(&entry.id())));
        self.cx.live.track(owner, &owned);
        self.warn_of_others(owner, &applied);
        Outcome::new(&files.revision, digest, applied, owned)
    }

    /// Tells of objects that were changed although others deliver them too: whoever reconciles last wins.
    fn warn_of_others(&self, owner: &OwnerId, applied: &Applied) {
        let changed = applied.done.iter().filter(|done| done.action == Action::Configure);
        for done in changed {
            for other in self.cx.live.other_owners(owner, &done.target) {
                tracing::warn!(object = %done.target, %owner, %other, "two owners deliver the same object");
            }
        }
    }

    /// Judges the health of what has been applied.
    async fn judge(&self, key: &Key, spec: &KustomizationSpec, mut outcome: Outcome) -> Outcome {
        if outcome.failed() {
            self.memories().remove(key);
            return outcome;
        }
        let since = self.memories().get(key).and_then(|memory| memory.since);
        let waited = since.map(|since| since.elapsed()).unwrap_or_default();
        outcome.verdict = health::judge(&self.cx, key, spec, &outcome.owned, waited, timeout(spec)).await;
        if !matches!(outcome.verdict, Verdict::Waiting { .. })
            && let Some(memory) = self.memories().get_mut(key)
        {
            memory.since = None;
        }
        outcome
    }

    async fn clean_up(&self, object: &Arc<Object>) -> Conclusion {
        let released =
            Conclusion { object: Some(without_finalizer(object, FINALIZER)), ..Conclusion::default() };
        let old: KustomizationStatus = part(object, "status").unwrap_or_default();
        let spec: KustomizationSpec = part(object, "spec").unwrap_or_default();
        let entries = inventory(&old);
        if !policy::deletes(&spec) || entries.is_empty() {
            return released;
        }
        let owner = owner_of(&key(object.namespace(), object.name()));
        let grant = policy::grant(object, &spec);
        let policy = gyre_plan::Policy { prune: true, ..policy::of(object, &spec) };
        // Nothing that goes now is to be healed.
        self.cx.live.forget(&owner);
        let stale = match self.cx.live.observe_stale(entries).await {
            Ok(stale) => stale,
            Err(error) => return status::clean_up_failed(&old, &error.to_string()),
        };
        let title = Title { owner: object.object_ref(), revision: String::new() };
        let plan = gyre_plan::make(title, Vec::new(), stale, &policy, 0);
        let applied = self.cx.live.execute(&grant, &owner, &plan).await;
        if let Some((_, failure)) = applied.failures().next() {
            return status::clean_up_failed(&old, &failure.refusal.message);
        }
        if spec.deletion_policy.as_deref() == Some("WaitForTermination") {
            let gone = || applied.done.iter().all(|done| self.cx.live.seen(&done.target).is_none());
            self.cx.live.until(timeout(&spec), gone).await;
        }
        Conclusion { notes: status::pruned_note(&old, &applied).into_iter().collect(), ..released }
    }
}
