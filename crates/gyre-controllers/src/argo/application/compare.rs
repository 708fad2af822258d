//! Desired against live: the sync status and the health of every object, and of the whole.

use std::collections::HashSet;
use std::sync::Arc;

use gyre_api::argo::{ApplicationSpec, TRACKING_ID};
use gyre_health::argo::Health;
use gyre_model::{Object, ObjectRef};
use gyre_plan::{Observed, Stale, diff};
use serde_json::Value;

use super::target::Target;
use super::{owner_of, tracking};
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
    pub(super) images: Vec<String>,
    pub(super) repeated: Vec<String>,
    /// What is said of objects that belong to another Application too.
    pub(super) shared: Vec<String>,
}

/// One object of an Application.
pub(super) struct Resource {
    pub(super) object: ObjectRef,
    pub(super) synced: bool,
    pub(super) prune: bool,
    pub(super) wave: i64,
}

impl Comparison {
    /// Is everything as desired?
    pub(super) fn is_synced(&self) -> bool {
        self.resources.iter().all(|resource| resource.synced)
    }
}

/// Compares; the error is what `ComparisonError` says.
pub(super) async fn of(
    cx: &Context,
    application: &Object,
    spec: &ApplicationSpec,
    target: Target,
) -> Result<Comparison, String> {
    let owner = owner_of(&key(application.namespace(), application.name()));
    let failed = |error: gyre_cluster::ApiError| format!("Failed to load live state: {error}");
    let (objects, repeated) = unique(target.objects);
    let observed = cx.live.observe_client_side(&owner, &objects).await.map_err(failed)?;
    let wanted: HashSet<String> = objects.iter().map(|object| object.object_ref().id()).collect();
    let old =
        tracking::inventory(application).into_iter().filter(|old| !wanted.contains(&old.id())).collect();
    let stale = cx.live.observe_stale(old).await.map_err(failed)?;
    let stale: Vec<Stale> = stale
        .into_iter()
        .filter(|stale| stale.live.is_some() && tracking::owns(application, stale))
        .collect();
    let mut comparison = Comparison {
        revisions: target.revisions,
        types: target.types,
        resources: Vec::new(),
        health: Health::Healthy,
        images: Vec::new(),
        repeated,
        shared: Vec::new(),
        desired: objects.into_iter().zip(observed).collect(),
        stale,
    };
    let mut images = HashSet::new();
    for (object, observed) in &comparison.desired {
        let reference = object.object_ref();
        comparison.resources.push(Resource {
            synced: is_synced(spec, object, observed),
            prune: false,
            wave: wave(object),
            object: reference.clone(),
        });
        comparison.shared.extend(shared(application, observed));
        collect_images(&object.to_value(), &mut images);
        comparison.health = comparison.health.max(health(cx, &reference, observed));
    }
    for stale in &comparison.stale {
        let wave = stale.live.as_ref().map(|live| wave(live)).unwrap_or_default();
        comparison.resources.push(Resource {
            object: stale.target.clone(),
            synced: false,
            prune: true,
            wave,
        });
    }
    comparison.resources.sort_by(|left, right| {
        let name = |resource: &Resource| {
            let ObjectRef { group, kind, namespace, name, .. } = resource.object.clone();
            (group, kind, namespace, name)
        };
        name(left).cmp(&name(right))
    });
    comparison.images = images.into_iter().collect();
    comparison.images.sort();
    Ok(comparison)
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
            let changes = diff(&live.to_value(), &merged.to_value());
            changes.iter().all(|change| is_ignored(spec, object, &change.path))
        }
        Observed::Absent | Observed::Refused(_) | Observed::Live { .. } => false,
    }
}

/// Is the field one whose differences do not count? (`ignoreDifferences`, by JSON pointers)
fn is_ignored(spec: &ApplicationSpec, object: &Object, path: &str) -> bool {
    let gvk = object.gvk();
    let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == "*" || wanted == found;
    spec.ignore_differences
        .iter()
        .filter(|rule| {
            (rule.group == "*" || rule.group == gvk.group)
                && (rule.kind == "*" || rule.kind == gvk.kind)
                && fits(rule.name.as_deref().unwrap_or_default(), object.name())
                && fits(rule.namespace.as_deref().unwrap_or_default(), object.namespace())
        })
        .flat_map(|rule| &rule.json_pointers)
        .any(|pointer| {
            let dotted =
                pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~");
            path == dotted || path.strip_prefix(&dotted).is_some_and(|rest| rest.starts_with(['.', '[']))
        })
}

/// The wave of an object: its annotation, 0 without one.
pub(super) fn wave(object: &Object) -> i64 {
    let text = object.annotation("argocd.argoproj.io/sync-wave").unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn health(cx: &Context, object: &ObjectRef, observed: &Observed) -> Health {
    match observed {
        Observed::Absent | Observed::Refused(_) => Health::Missing,
        Observed::Unchanged | Observed::Live { .. } => match cx.live.seen(object) {
            // Kinds without a health of their own do not count.
            Some(seen) => seen.health.map_or(Health::Healthy, |verdict| verdict.health),
            None => Health::Missing,
        },
    }
}

/// The images of containers, wherever they are.
fn collect_images(value: &Value, images: &mut HashSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    let list = value.as_array().into_iter().flatten();
                    images.extend(list.filter_map(|item| Some(item.get("image")?.as_str()?.to_owned())));
                }
                collect_images(value, images);
            }
        }
        Value::Array(list) => list.iter().for_each(|item| collect_images(item, images)),
        _ => {}
    }
}
