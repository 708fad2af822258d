//! A sync: asked for in the Application's `operation`, or begun by itself, and carried out as a plan.

mod pace;
mod results;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use gyre_api::argo::{ApplicationSpec, Automated, REPLACER, SYNC_OPTIONS, normal};
use gyre_cluster::{Grant, Write};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use gyre_plan::{Change, Desired, How, Marks, Plan, Policy, Title, argo_rank, with_last_applied};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::compare::{Comparison, has_option, wave};
use super::destination::Project;
use super::owner_of;
use super::status::Report;
use crate::clock::rfc3339;
use crate::context::Context;
use crate::shelf::key;
use pace::{heal, retry, was_attempted};
use results::{item, nameless, outcome, planned, pruning_ignored, result};

/// A sync that is to be carried out.
pub(super) struct Operation {
    /// As it is recorded in `operationState.operation`.
    pub(super) recorded: Value,
    /// Another revision than the spec's, one for each source; empty where it is the spec's.
    revisions: Vec<String>,
    prune: bool,
    dry_run: bool,
    only: Vec<(String, String, String)>,
    options: Vec<String>,
    pub(super) retries: i64,
}

/// What a sync came to.
pub(super) struct Synced {
    pub(super) phase: &'static str,
    pub(super) message: String,
    pub(super) results: Vec<Value>,
    pub(super) revisions: Vec<String>,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
}

impl Synced {
    /// A sync that could not begin.
    pub(super) fn failed(message: String, now: Timestamp) -> Self {
        let (results, revisions) = (Vec::new(), Vec::new());
        Self { phase: "Error", message, results, revisions, started: now, finished: now }
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|item| item.as_str().map(Into::into)).collect()
}

impl Operation {
    /// The sync that the object's `operation` asks for.
    pub(super) fn asked(object: &Object) -> Option<Self> {
        let mut recorded = object.at("/operation")?.clone();
        if let Value::Object(recorded) = &mut recorded {
            recorded.entry("retry").or_insert_with(|| json!({}));
        }
        let sync = recorded.get("sync")?;
        let flag = |name: &str| sync.get(name).and_then(Value::as_bool).unwrap_or_default();
        let only = sync.get("resources").and_then(Value::as_array).into_iter().flatten().map(|resource| {
            let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("group"), text("kind"), text("name"))
        });
        Some(Self {
            revisions: asked_revisions(sync),
            prune: flag("prune"),
            dry_run: flag("dryRun"),
            only: only.collect(),
            options: strings(sync.get("syncOptions")),
            retries: 0,
            recorded,
        })
    }

    /// The sync that somebody would ask for now.
    pub(super) fn preview(spec: &ApplicationSpec) -> Self {
        let policy = spec.sync_policy.as_ref();
        Self {
            recorded: Value::Null,
            revisions: Vec::new(),
            prune: policy
                .and_then(|policy| policy.automated.as_ref())
                .is_some_and(|automated| automated.prune),
            dry_run: true,
            only: Vec::new(),
            options: policy.map(|policy| policy.sync_options.clone()).unwrap_or_default(),
            retries: 0,
        }
    }

    /// The sync that the Application begins by itself, if there is reason for one. Why there is none although it is
    /// out of sync goes into the report.
    pub(super) fn automated(
        object: &Object,
        spec: &ApplicationSpec,
        comparison: &Comparison,
        report: &mut Report,
    ) -> Option<Self> {
        let policy = spec.sync_policy.as_ref()?;
        let automated = policy.automated.as_ref().filter(|automated| automated.enabled != Some(false))?;
        if comparison.is_synced() {
            return None;
        }
        let only_prunes = comparison.resources.iter().all(|resource| resource.is_synced() || resource.prune);
        if only_prunes && !automated.prune {
            return None;
        }
        let revisions = comparison.revisions.join(", ");
        let mut healing = 0;
        let mut retries = 0;
        if was_attempted(object, comparison) {
            let state = |name: &str| object.text(&format!("/status/operationState/{name}"));
            if state("phase") != "Succeeded" {
                retries = retry(object, spec, &revisions, report)?;
            } else if automated.self_heal {
                healing = heal(object, report)?;
            } else {
                return None;
            }
        }
        let all_go = comparison.resources.iter().all(|resource| resource.prune);
        if automated.prune && !automated.allow_empty && all_go {
            let why =
                format!("Skipping sync attempt to [{revisions}]: auto-sync will wipe out all resources");
            report.condition("SyncError", &why);
            return None;
        }
        let mut note = format!("Initiated automated sync to '{revisions}'");
        if retries > 0 {
            note = format!("{note}, retry {retries}");
        }
        report.note(false, "OperationStarted", &note);
        Some(Self::new(object, spec, automated, comparison, healing, retries))
    }

    fn new(
        object: &Object,
        spec: &ApplicationSpec,
        automated: &Automated,
        comparison: &Comparison,
        healing: i64,
        retries: i64,
    ) -> Self {
        let options = spec.sync_policy.as_ref().map(|policy| policy.sync_options.clone()).unwrap_or_default();
        let mut sync = Map::new();
        if automated.prune {
            sync.insert("prune".into(), true.into());
        }
        if spec.sources.is_empty() {
            sync.insert("revision".into(), comparison.revisions.concat().into());
            sync.insert("source".into(), object.at("/spec/source").cloned().unwrap_or_default());
        } else {
            sync.insert("revisions".into(), comparison.revisions.clone().into());
            sync.insert("sources".into(), object.at("/spec/sources").cloned().unwrap_or_default());
        }
        if !options.is_empty() {
            sync.insert("syncOptions".into(), options.clone().into());
        }
        let mut only = Vec::new();
        if healing > 0 {
            sync.insert("autoHealAttemptsCount".into(), healing.into());
            for resource in comparison.resources.iter().filter(|resource| !resource.is_synced()) {
                let ObjectRef { group, kind, name, .. } = resource.object.clone();
                only.push((group, kind, name));
            }
            let listed = only.iter().map(|(group, kind, name)| {
                let mut item = Map::new();
                if !group.is_empty() {
                    item.insert("group".into(), group.clone().into());
                }
                item.insert("kind".into(), kind.clone().into());
                item.insert("name".into(), name.clone().into());
                Value::Object(item)
            });
            sync.insert("resources".into(), Value::Array(listed.collect()));
        }
        let retry = object.at("/spec/syncPolicy/retry").cloned().unwrap_or_else(|| json!({"limit": 5}));
        let recorded = json!({"initiatedBy": {"automated": true}, "retry": retry, "sync": sync});
        Self {
            recorded,
            revisions: Vec::new(),
            prune: automated.prune,
            dry_run: false,
            only,
            options,
            retries,
        }
    }

    /// Did the Application begin it by itself?
    pub(super) fn is_automated(&self) -> bool {
        self.recorded.pointer("/initiatedBy/automated") == Some(&Value::Bool(true))
    }

    fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|found| found == option)
    }

    /// The spec with the revisions that are asked for; `None` where they are the spec's own.
    pub(super) fn spec(&self, spec: &ApplicationSpec) -> Option<ApplicationSpec> {
        let mut wanted = spec.clone();
        let sources = if wanted.sources.is_empty() {
            wanted.source.as_mut_slice()
        } else {
            wanted.sources.as_mut_slice()
        };
        let mut differs = false;
        for (source, revision) in sources.iter_mut().zip(&self.revisions) {
            if !revision.is_empty() && source.target_revision.as_ref() != Some(revision) {
                source.target_revision = Some(revision.clone());
                differs = true;
            }
        }
        differs.then_some(wanted)
    }

    fn takes(&self, object: &ObjectRef) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|(group, kind, name)| {
                *group == object.group && *kind == object.kind && *name == object.name
            })
    }

    /// Carries the sync out.
    pub(super) async fn carry_out(
        &self,
        cx: &Context,
        application: &Arc<Object>,
        spec: &ApplicationSpec,
        grant: &Grant,
        comparison: Comparison,
    ) -> Synced {
        let started = cx.clock.now();
        let owner = owner_of(&key(application.namespace(), application.name()));
        let home = spec.destination.namespace.as_deref().unwrap_or_default();
        if let Some((message, results)) = self.refused(cx, spec, &comparison).await {
            let (phase, revisions, finished) = ("Failed", comparison.revisions, cx.clock.now());
            return Synced { phase, message, results, revisions, started, finished };
        }
        let mut results = Vec::new();
        if self.has_option("CreateNamespace=true") && !self.dry_run {
            results.extend(namespace(cx, spec, grant).await);
        }
        let (plan, ignored) = self.plan(application, &comparison);
        tracing::debug!("{plan}");
        let applied = if self.dry_run { planned(&plan) } else { cx.live.execute(grant, &owner, &plan).await };
        let failed = applied.failures().next().is_some() || !applied.unready.is_empty();
        // What the last step has made is not looked at again when all is done: it stays as it was begun.
        let prune_is_last = self.has_option("PruneLast=true") && !plan.prune.is_empty();
        let last: HashSet<String> = match plan.phases.last() {
            Some(last) if !failed && !prune_is_last => {
                last.changes.iter().map(|change| change.target.id()).collect()
            }
            _ => HashSet::new(),
        };
        results.extend(applied.done.iter().map(|done| {
            let phase = if last.contains(&done.target.id()) { "Running" } else { "Succeeded" };
            result(done, home, phase, self.dry_run)
        }));
        results.extend(ignored.iter().map(|change| pruning_ignored(&change.target, home)));
        let (phase, message) = outcome(&applied);
        Synced { phase, message, results, revisions: comparison.revisions, started, finished: cx.clock.now() }
    }

    /// Why the sync is not begun, with the objects that are the reason: the project does not permit them, or they have
    /// no name.
    async fn refused(
        &self,
        cx: &Context,
        spec: &ApplicationSpec,
        comparison: &Comparison,
    ) -> Option<(String, Vec<Value>)> {
        let home = spec.destination.namespace.as_deref().unwrap_or_default();
        let objects = comparison.desired.iter().map(|(object, _)| object.object_ref());
        let objects: Vec<ObjectRef> = objects.filter(|object| self.takes(object)).collect();
        let project = Project::of(cx, spec).ok()?;
        let (mut reasons, mut results) = (BTreeSet::new(), Vec::new());
        for object in &objects {
            if let Err(why) = project.permits(cx, object).await {
                results.push(item(object, home, "SyncFailed", None, &why));
                reasons.insert(why);
            }
        }
        if !results.is_empty() {
            let reasons: Vec<String> = reasons.into_iter().collect();
            return Some((
                format!("one or more synchronization tasks are not valid: {}", reasons.join("; ")),
                results,
            ));
        }
        for object in objects.iter().filter(|object| object.name.is_empty()) {
            let plural =
                cx.cluster.kind(&object.gvk()).await.map(|kind| kind.plural.clone()).unwrap_or_default();
            results.push(item(object, home, "SyncFailed", Some("Failed"), &nameless(object, &plural)));
        }
        (!results.is_empty()).then(|| ("one or more objects failed to apply (dry run)".into(), results))
    }

    /// Does the sync, or the object for itself, ask for this?
    fn wants(&self, object: &Object, option: &str) -> bool {
        self.has_option(option) || has_option(object, SYNC_OPTIONS, option)
    }

    /// How an object is written, where that is not by client-side apply.
    fn how(&self, object: &Object) -> Option<How> {
        if self.wants(object, "Replace=true") {
            return Some(How::Replace { force: self.wants(object, "Force=true"), manager: REPLACER });
        }
        let off = has_option(object, SYNC_OPTIONS, "ServerSideApply=false");
        (self.wants(object, "ServerSideApply=true") && !off).then_some(How::ServerSide)
    }

    /// The plan of the sync, and the deletions that it would need but that nobody has asked for.
    pub(super) fn plan(&self, application: &Object, comparison: &Comparison) -> (Plan, Vec<Change>) {
        let only_unsynced = self.has_option("ApplyOutOfSyncOnly=true");
        let synced: HashSet<String> = comparison
            .resources
            .iter()
            .filter(|resource| only_unsynced && resource.is_synced())
            .map(|resource| resource.object.id())
            .collect();
        let desired = comparison.desired.iter().filter(|(object, _)| {
            let reference = object.object_ref();
            self.takes(&reference) && !synced.contains(&reference.id())
        });
        let desired = desired.map(|(object, observed)| {
            let wave = i32::try_from(wave(object)).unwrap_or_default();
            let (object, how) = (Arc::clone(object), self.how(object));
            (Desired { wave, rank: argo_rank(object.kind()), object, how }, observed.clone())
        });
        let stale = comparison.stale.iter().filter(|stale| self.takes(&stale.target)).cloned().collect();
        let policy = Policy {
            prune: true,
            create: How::Create,
            reconcile_as: Some(REPLACER),
            keep_marks: if self.prune {
                Marks::new([(SYNC_OPTIONS, "Prune=false")])
            } else {
                // Everything bears the annotation of the tracking; nothing is deleted without being asked to.
                Marks::default()
            },
            ..Policy::default()
        };
        let title = Title { owner: application.object_ref(), revision: comparison.revisions.join(", ") };
        let desired: Vec<_> = desired.collect();
        let last_wave = desired.iter().map(|(desired, _)| desired.wave).max().unwrap_or_default();
        let mut plan = gyre_plan::make(title, desired, stale, &policy, last_wave);
        let ignored = if self.prune { Vec::new() } else { std::mem::take(&mut plan.prune) };
        (plan, ignored)
    }
}

fn asked_revisions(sync: &Value) -> Vec<String> {
    match sync.get("revision").and_then(Value::as_str) {
        Some(revision) if !revision.is_empty() => vec![revision.into()],
        _ => strings(sync.get("revisions")),
    }
}

/// Makes the destination's namespace where it is missing, and gives it its metadata.
async fn namespace(cx: &Context, spec: &ApplicationSpec, grant: &Grant) -> Option<Value> {
    let name = spec.destination.namespace.as_deref().filter(|name| !name.is_empty())?;
    let metadata = spec.sync_policy.as_ref().and_then(|policy| policy.managed_namespace_metadata.clone());
    let target = ObjectRef::new(GroupVersionKind::parse("v1", "Namespace"), "", name);
    let exists = matches!(cx.cluster.get(&target).await, Ok(Some(_)));
    if exists && metadata.is_none() {
        return None;
    }
    let mut object = Object::bare(&target);
    object.fields_mut().insert("spec".into(), json!({}));
    object.fields_mut().insert("status".into(), json!({}));
    if let Some(Value::Object(fields)) = object.fields_mut().get_mut("metadata") {
        fields.insert("annotations".into(), json!({}));
    }
    for (key, value) in metadata.iter().flat_map(|metadata| &metadata.labels) {
        object.set_label(key, value);
    }
    for (key, value) in metadata.iter().flat_map(|metadata| &metadata.annotations) {
        object.set_annotation(key, value);
    }
    let (write, phase, verb);
    if metadata.is_some() {
        object.set_annotation(SYNC_OPTIONS, "ServerSideApply=true");
        object.fields_mut().remove("status");
        write = Write::Apply { object: &object, force: true, dry_run: false };
        (phase, verb) = ("Succeeded", "serverside-applied");
    } else {
        object = with_last_applied(&object);
        write = Write::Create { object: &object };
        (phase, verb) = ("Running", "created");
    }
    let (status, phase, message) = match cx.cluster.write(grant, write).await {
        Ok(_) => ("Synced", phase, format!("namespace/{name} {verb}")),
        Err(error) => ("SyncFailed", "Failed", error.to_string()),
    };
    Some(json!({
        "group": "", "version": "v1", "kind": "Namespace", "namespace": "", "name": name,
        "status": status, "hookPhase": phase, "syncPhase": "PreSync", "message": message,
    }))
}

/// The record of a sync in `operationState`.
pub(super) fn state(operation: &Operation, synced: &Synced, spec: &ApplicationSpec) -> Value {
    let mut result = Map::new();
    let sync = operation.recorded.get("sync").cloned().unwrap_or_default();
    if spec.sources.is_empty() {
        result.insert("revision".into(), synced.revisions.concat().into());
        let source =
            sync.get("source").cloned().or_else(|| Some(normal(&serde_json::to_value(&spec.source).ok()?)));
        result.insert("source".into(), source.unwrap_or_default());
    } else {
        result.insert("revisions".into(), synced.revisions.clone().into());
        result.insert("sources".into(), sync.get("sources").cloned().unwrap_or_default());
        result.insert("revision".into(), "".into());
        result.insert("source".into(), json!({"repoURL": ""}));
    }
    if !synced.results.is_empty() {
        result.insert("resources".into(), synced.results.clone().into());
    }
    if let Some(metadata) =
        spec.sync_policy.as_ref().and_then(|policy| policy.managed_namespace_metadata.as_ref())
        && let Ok(metadata) = serde_json::to_value(metadata)
    {
        result.insert("managedNamespaceMetadata".into(), metadata);
    }
    let mut state = json!({
        "operation": operation.recorded,
        "phase": synced.phase,
        "message": synced.message,
        "startedAt": rfc3339(synced.started),
        "finishedAt": rfc3339(synced.finished),
        "syncResult": result,
    });
    if operation.retries > 0 {
        state["retryCount"] = operation.retries.into();
    }
    state
}
