//! Application: compares what its sources say with what is live, and syncs when it is asked to, or by itself.

mod compare;
mod destination;
mod kustomize;
mod operation;
mod status;
mod target;
mod tracking;
mod warnings;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use gyre_api::argo::{ApplicationSpec, COMPONENT, FINALIZER, GROUP, MANAGER, REFRESH, SYNC_OPTIONS};
use gyre_cluster::{Grant, OwnerId};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use gyre_plan::{Marks, Policy, Title};
use serde_json::{Value, json};

use crate::context::Context;
use crate::flux::part;
use crate::frame::{Reconciler, changes, without_finalizer};
use crate::outcome::Conclusion;
use crate::preview::Preview;
use crate::queue::Key;
use crate::shelf::key;
use compare::Comparison;
use operation::{Operation, Synced};
use status::Report;
use target::Target;

/// The kind's name.
pub(crate) const KIND: &str = "Application";
/// How long until an Application is compared again (`timeout.reconciliation`).
const REFRESH_AFTER: Duration = Duration::from_secs(120);

/// Reconciles Applications.
pub(crate) struct Applications {
    cx: Arc<Context>,
}

impl Reconciler for Applications {
    fn gvk(&self) -> GroupVersionKind {
        gvk()
    }

    fn component(&self) -> &'static str {
        COMPONENT
    }

    fn finalizer(&self) -> Option<&'static str> {
        None
    }

    fn has_status_subresource(&self) -> bool {
        false
    }

    fn concerns(&self, old: &Object, new: &Object) -> bool {
        let parts = |object: &Object| {
            (
                object.at("/spec").cloned(),
                object.at("/operation").cloned(),
                object.annotation(REFRESH).is_some(),
            )
        };
        let (old, new) = (parts(old), parts(new));
        // What we have finished ourselves asks for nothing.
        old.0 != new.0 || (old.1 != new.1 && new.1.is_some()) || (!old.2 && new.2)
    }

    fn reconcile<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion> {
        self.look(object).boxed()
    }

    fn finalize<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion> {
        self.clean_up(object).boxed()
    }

    fn gone(&self, key: &Key) {
        self.cx.live.forget(&owner_of(key));
    }

    fn broken(&self, object: &Arc<Object>, why: &str) -> Conclusion {
        let mut report = Report::new(object, self.cx.clock.now());
        report.condition("UnknownError", why);
        report.conclude(Some(REFRESH_AFTER))
    }
}

fn gvk() -> GroupVersionKind {
    GroupVersionKind { group: GROUP.into(), version: "v1alpha1".into(), kind: KIND.into() }
}

/// The owner's name in the live cache.
pub(crate) fn owner_of(key: &Key) -> OwnerId {
    let (namespace, name) = key.split_once('/').unwrap_or_default();
    OwnerId::new(&ObjectRef::new(gvk(), namespace, name))
}

/// Does the Application read this repository?
pub(crate) fn uses(object: &Object, url: &str) -> bool {
    let one = object.text("/spec/source/repoURL");
    let several = object.at("/spec/sources").and_then(Value::as_array).into_iter().flatten();
    let several = several.filter_map(|source| source.get("repoURL")?.as_str());
    std::iter::once(one).chain(several).any(|found| found.trim_end_matches('/') == url.trim_end_matches('/'))
}

pub(crate) use tracking::inventory;

impl Applications {
    pub(crate) fn new(cx: Arc<Context>) -> Self {
        Self { cx }
    }

    async fn look(&self, given: &Arc<Object>) -> Conclusion {
        let now = self.cx.clock.now();
        let object = &normalised(given);
        let mut report = Report::new(object, now);
        let spec: ApplicationSpec = match part(object, "spec") {
            Ok(spec) => spec,
            Err(why) => {
                report.invalid(&why);
                return report.conclude(None);
            }
        };
        for warning in warnings::unknown_fields(object) {
            report.condition("UnknownFieldWarning", &warning);
        }
        if let Err(why) = destination::check(&self.cx, &spec) {
            report.invalid(&why);
            return report.conclude(Some(REFRESH_AFTER));
        }
        let grant = Grant::own(MANAGER);
        destination::default_project(&self.cx, &grant, &spec).await;
        let (target, comparison) = match self.compare(object, &spec).await {
            Ok(compared) => compared,
            Err(why) => {
                report.unknown(&spec, &why);
                return report.conclude(Some(REFRESH_AFTER));
            }
        };
        report.compared(&spec, &comparison);
        let operation = Operation::asked(object)
            .or_else(|| Operation::automated(object, &spec, &comparison, &mut report));
        if let Some(operation) = operation {
            let comparison = match operation.spec(&spec) {
                None => comparison,
                Some(other) => match self.compare(object, &other).await {
                    Ok((_, comparison)) => comparison,
                    Err(why) => {
                        report.synced(&operation, &Synced::failed(why, now));
                        return report.conclude(Some(REFRESH_AFTER));
                    }
                },
            };
            let synced = operation.carry_out(&self.cx, object, &spec, &grant, comparison).await;
            report.synced(&operation, &synced);
            // Argo CD writes the whole Application when it begins a sync by itself.
            if operation.is_automated()
                && let (Some(old), Some(new)) = (given.at("/spec"), object.at("/spec"))
            {
                report.spec(changes(old, new));
            }
            // What the sync came to is seen in a second comparison with what was fetched and rendered before.
            match compare::of(&self.cx, object, &spec, &target).await {
                Ok(comparison) => report.compared(&spec, &comparison),
                Err(why) => report.unknown(&spec, &why),
            }
        }
        report.conclude(Some(REFRESH_AFTER))
    }

    async fn compare(
        &self,
        object: &Arc<Object>,
        spec: &ApplicationSpec,
    ) -> Result<(Target, Comparison), String> {
        let target = target::of(&self.cx, object, spec).await?;
        let comparison = compare::of(&self.cx, object, spec, &target).await?;
        Ok((target, comparison))
    }

    /// What a sync would do now.
    pub(crate) async fn preview(&self, object: &Arc<Object>) -> Result<Preview, String> {
        let spec: ApplicationSpec = part(object, "spec")?;
        destination::check(&self.cx, &spec)?;
        let (_, comparison) = self.compare(object, &spec).await?;
        let (mut plan, ignored) = Operation::preview(&spec).plan(object, &comparison);
        plan.prune.extend(ignored.into_iter().map(|change| {
            let why = "not in desired; a sync with --prune deletes it".to_owned();
            gyre_plan::Change { action: gyre_plan::Action::Skip(why), ..change }
        }));
        Ok(Preview::new(plan, &comparison.desired, &comparison.stale))
    }

    /// Deletes what the Application owns, where its finalizer says so.
    async fn clean_up(&self, object: &Arc<Object>) -> Conclusion {
        let finalizers = object.at("/metadata/finalizers").and_then(Value::as_array);
        let ours = finalizers.into_iter().flatten().filter_map(Value::as_str).find(|name| {
            name.strip_prefix(FINALIZER)
                .is_some_and(|rest| matches!(rest, "" | "/foreground" | "/background"))
        });
        let Some(finalizer) = ours else { return Conclusion::default() };
        let owner = owner_of(&key(object.namespace(), object.name()));
        let entries = tracking::inventory(object);
        self.cx.live.forget(&owner);
        let stale = match self.cx.live.observe_stale(entries).await {
            Ok(stale) => stale,
            Err(error) => return self.not_deleted(object, &error.to_string()),
        };
        let stale = stale.into_iter().filter(|stale| tracking::owns(object, stale)).collect();
        let title = Title { owner: object.object_ref(), revision: String::new() };
        let keep_marks = Marks::new([(SYNC_OPTIONS, "Delete=false"), ("helm.sh/resource-policy", "keep")]);
        let policy = Policy { prune: true, keep_marks, ..Policy::default() };
        let plan = gyre_plan::make(title, Vec::new(), stale, &policy, 0);
        let applied = self.cx.live.execute(&Grant::own(MANAGER), &owner, &plan).await;
        if let Some((_, failure)) = applied.failures().next() {
            return self.not_deleted(object, &failure.refusal.message);
        }
        Conclusion { object: Some(without_finalizer(object, finalizer)), ..Conclusion::default() }
    }

    fn not_deleted(&self, object: &Arc<Object>, why: &str) -> Conclusion {
        let mut report = Report::new(object, self.cx.clock.now());
        report.condition("DeletionError", why);
        report.conclude(Some(Duration::from_secs(10)))
    }
}

/// The Application as Argo CD's types write it.
fn normalised(object: &Arc<Object>) -> Arc<Object> {
    let Some(spec) = object.at("/spec").filter(|spec| spec.is_object()) else { return Arc::clone(object) };
    let mut normal = gyre_api::argo::normal(spec);
    if normal.get("project").and_then(Value::as_str).is_none_or(str::is_empty) {
        normal["project"] = "default".into();
    }
    let mut object = Object::clone(object);
    object.fields_mut().insert("spec".into(), normal);
    Arc::new(object)
}

/// The patch that takes away what has been heeded: the operation and the request for a refresh.
fn heeded(object: &Object) -> Option<Value> {
    let mut patch = json!({});
    if object.at("/operation").is_some() {
        patch["operation"] = Value::Null;
    }
    if object.annotation(REFRESH).is_some() {
        patch["metadata"] = json!({"annotations": {REFRESH: null}});
    }
    patch.as_object().is_some_and(|patch| !patch.is_empty()).then_some(patch)
}
