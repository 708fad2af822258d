//! Desired against live: the sync status and the health of every object, and of the whole.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use gyre_api::argo::{ApplicationSpec, COMPARE_OPTIONS, GROUP, IgnoreDifferences, TRACKING_ID};
use gyre_cluster::OwnerId;
use gyre_health::argo::Health;
use gyre_model::{Object, ObjectRef};
use gyre_plan::{Observed, Stale, diff, keep_owned};
use serde_json::{Value, json};

use super::destination::Project;
use super::target::Target;
use super::{KIND, owner_of, tracking};
use crate::context::Context;
use crate::shelf::key;

/// The outcome of a comparison.
pub(super) struct Comparison {
    pub(super) revisions: Vec<String>,
    pub(super) types: Vec<&'static str>,
    pub(super) desired: Vec<(Arc<Object>, Observed)>,
    pub(super) stale: Vec<Stale>,
    pub(super) resources: Vec<Resource>,
    pub(super) health: Health,
    /// As it is written in the status.
    pub(super) summary: Value,
    pub(super) repeated: Vec<String>,
    /// What is said of hooks.
    pub(super) hooks: Vec<String>,
    /// What is said of objects that belong to another Application too.
    pub(super) shared: Vec<String>,
}

/// One object of an Application.
pub(super) struct Resource {
    pub(super) object: ObjectRef,
    pub(super) sync: Standing,
    pub(super) prune: bool,
    pub(super) wave: i64,
    /// Does its status count for the Application's?
    pub(super) counts: bool,
}

/// Whether an object is as desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Synced,
    OutOfSync,
    /// The project does not permit the object.
    Unknown,
    /// The object is not this Application's, although it says so: a copy of one that is.
    Unsaid,
}

impl Resource {
    /// Is the object as desired, as far as it counts?
    pub(super) fn is_synced(&self) -> bool {
        !self.counts || self.sync == Standing::Synced
    }
}

impl Comparison {
    /// Is everything as desired?
    pub(super) fn is_synced(&self) -> bool {
        self.resources.iter().all(Resource::is_synced)
    }
}

/// Compares; the error is what `ComparisonError` says.
pub(super) async fn of(
    cx: &Context,
    application: &Object,
    spec: &ApplicationSpec,
    target: &Target,
) -> Result<Comparison, String> {
    let owner = owner_of(&key(application.namespace(), application.name()));
    let failed = |error: gyre_cluster::ApiError| format!("Failed to load live state: {error}");
    let project = Project::of(cx, spec)?;
    let (objects, repeated) = unique(target.placed(cx, application, spec).await);
    let observed = cx.live.observe_client_side(&owner, &objects).await.map_err(failed)?;
    let found = strays(cx, &owner, application, &objects).await.map_err(failed)?;
    let mut comparison = Comparison {
        revisions: target.revisions.clone(),
        types: target.types.clone(),
        resources: Vec::new(),
        health: Health::Healthy,
        summary: json!({}),
        repeated,
        hooks: (!target.hooks.is_empty())
            .then(|| {
                format!("hooks are not run in this version and are left out: {}", target.hooks.join(", "))
            })
            .into_iter()
            .collect(),
        shared: Vec::new(),
        desired: objects.into_iter().zip(observed).collect(),
        stale: Vec::new(),
    };
    for (object, observed) in &comparison.desired {
        let reference = object.object_ref();
        let sync = if !project.permits_kind(cx, &reference).await {
            Standing::Unknown
        } else if !is_itself(observed) {
            Standing::Unsaid
        } else if is_synced(spec, object, observed) {
            Standing::Synced
        } else {
            Standing::OutOfSync
        };
        let (wave, counts) = (wave(object), sync != Standing::Unsaid);
        comparison.resources.push(Resource { object: reference, sync, prune: false, wave, counts });
        comparison.shared.extend(shared(application, observed));
    }
    for stale in found {
        let Some(live) = &stale.live else { continue };
        let own = tracking::is_itself(live);
        let extraneous = has_option(live, COMPARE_OPTIONS, "IgnoreExtraneous");
        comparison.resources.push(Resource {
            object: stale.target.clone(),
            sync: if own { Standing::OutOfSync } else { Standing::Unsaid },
            prune: own,
            wave: 0,
            counts: own && !extraneous,
        });
        if own {
            comparison.stale.push(stale);
        }
    }
    comparison.resources.sort_by(|left, right| {
        let name = |resource: &Resource| {
            let ObjectRef { group, kind, namespace, name, .. } = resource.object.clone();
            (group, kind, namespace, name)
        };
        name(left).cmp(&name(right))
    });
    comparison.health = health(cx, application, &comparison);
    comparison.summary = summary(cx, &comparison);
    Ok(comparison)
}

/// Live objects that say that they are the Application's, and are not desired.
async fn strays(
    cx: &Context,
    owner: &OwnerId,
    application: &Object,
    objects: &[Arc<Object>],
) -> Result<Vec<Stale>, gyre_cluster::ApiError> {
    let mut known: HashSet<String> = objects.iter().map(|object| object.object_ref().id()).collect();
    let instance = tracking::instance(application);
    let mut found = cx.live.tracked_by(owner, &instance);
    found.extend(tracking::inventory(application));
    found.retain(|object| known.insert(object.id()));
    let mut strays = cx.live.observe_stale(found).await?;
    strays.retain(|stray| stray.live.as_ref().is_some_and(|live| tracking::names(live, &instance)));
    Ok(strays)
}

fn is_itself(observed: &Observed) -> bool {
    match observed {
        Observed::Live { live, .. } => tracking::is_itself(live),
        _ => true,
    }
}

/// Does the object's annotation with options (`a=b,c`) have this one?
pub(super) fn has_option(object: &Object, annotation: &str, option: &str) -> bool {
    object
        .annotation(annotation)
        .is_some_and(|options| options.split(',').any(|found| found.trim() == option))
}

/// The worst health of all objects (`controller/health.go`). What is missing is out of sync; it is no sickness unless
/// everything is missing.
fn health(cx: &Context, application: &Object, comparison: &Comparison) -> Health {
    let own = application.object_ref();
    let mut worst = Health::Healthy;
    let mut live = 0;
    for resource in &comparison.resources {
        let Some(seen) = cx.live.seen(&resource.object) else { continue };
        live += 1;
        // Kinds without a health of their own do not count.
        let Some(verdict) = seen.health else { continue };
        let is_child = resource.object.kind == own.kind && resource.object.group == own.group;
        let untold = matches!(verdict.health, Health::Missing | Health::Unknown);
        let ignored = seen.facts.as_ref().is_some_and(|facts| facts.ignores_health);
        if ignored || (is_child && (resource.object.name == own.name || untold)) {
            continue;
        }
        worst = worst.max(verdict.health);
    }
    if live == 0 && !comparison.resources.is_empty() { worst.max(Health::Missing) } else { worst }
}

/// The images and addresses of what is live.
fn summary(cx: &Context, comparison: &Comparison) -> Value {
    let objects: Vec<ObjectRef> =
        comparison.resources.iter().map(|resource| resource.object.clone()).collect();
    let (mut images, mut urls) = (BTreeSet::new(), BTreeSet::new());
    for facts in cx.live.facts(&objects) {
        images.extend(facts.images);
        urls.extend(facts.urls);
    }
    let mut summary = json!({});
    if !images.is_empty() {
        summary["images"] = json!(images);
    }
    if !urls.is_empty() {
        summary["externalURLs"] = json!(urls);
    }
    if objects.iter().any(|object| object.group == GROUP && object.kind == KIND) {
        summary["isAppOfApps"] = true.into();
    }
    summary
}

/// The last of objects that are there more than once, and what is said of them.
fn unique(objects: Vec<Arc<Object>>) -> (Vec<Arc<Object>>, Vec<String>) {
    let mut kept: Vec<Arc<Object>> = Vec::new();
    let mut repeated = Vec::new();
    let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for object in objects {
        let id = object.object_ref().id();
        *counts.entry(id.clone()).or_default() += 1;
        kept.retain(|other| other.object_ref().id() != id);
        kept.push(object);
    }
    for object in &kept {
        let reference = object.object_ref();
        let count = counts.get(&reference.id()).copied().unwrap_or_default();
        if count > 1 {
            let ObjectRef { group, kind, namespace, name, .. } = reference;
            repeated.push(format!(
                "Resource {group}/{kind}/{namespace}/{name} appeared {count} times among application resources."
            ));
        }
    }
    (kept, repeated)
}

/// Says that the object is another Application's, where it is.
fn shared(application: &Object, observed: &Observed) -> Option<String> {
    let Observed::Live { live, .. } = observed else { return None };
    let (other, _) = live.annotation(TRACKING_ID)?.split_once(':')?;
    let own = tracking::instance(application);
    let (namespace, name) = (application.namespace(), application.name());
    (other != own).then(|| {
        format!("{}/{} is part of applications {namespace}/{name} and {other}", live.kind(), live.name())
    })
}

fn is_synced(spec: &ApplicationSpec, object: &Object, observed: &Observed) -> bool {
    match observed {
        Observed::Unchanged => true,
        Observed::Live { live, merged: Ok(merged), .. } => {
            let mut merged = merged.to_value();
            keep_owned(&mut merged, live, &trusted_managers(spec, object));
            let changes = diff(&live.to_value(), &merged);
            changes.iter().all(|change| is_ignored(spec, object, &change.path))
        }
        Observed::Absent | Observed::Refused(_) | Observed::Live { .. } => false,
    }
}

/// The rules of `ignoreDifferences` for an object.
fn rules<'a>(spec: &'a ApplicationSpec, object: &Object) -> impl Iterator<Item = &'a IgnoreDifferences> {
    let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == "*" || wanted == found;
    spec.ignore_differences.iter().filter(move |rule| {
        let gvk = object.gvk();
        (rule.group == "*" || rule.group == gvk.group)
            && (rule.kind == "*" || rule.kind == gvk.kind)
            && fits(rule.name.as_deref().unwrap_or_default(), object.name())
            && fits(rule.namespace.as_deref().unwrap_or_default(), object.namespace())
    })
}

/// The field managers whose fields do not count.
fn trusted_managers<'a>(spec: &'a ApplicationSpec, object: &Object) -> Vec<&'a str> {
    rules(spec, object).flat_map(|rule| &rule.managed_fields_managers).map(String::as_str).collect()
}

/// Is the field one whose differences do not count, by a JSON pointer?
fn is_ignored(spec: &ApplicationSpec, object: &Object, path: &str) -> bool {
    rules(spec, object).flat_map(|rule| &rule.json_pointers).any(|pointer| {
        let dotted = pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~");
        path == dotted || path.strip_prefix(&dotted).is_some_and(|rest| rest.starts_with(['.', '[']))
    })
}

/// The wave of an object: its annotation, 0 without one.
pub(super) fn wave(object: &Object) -> i64 {
    let text = object.annotation("argocd.argoproj.io/sync-wave").unwrap_or_default();
    text.parse().unwrap_or_default()
}
