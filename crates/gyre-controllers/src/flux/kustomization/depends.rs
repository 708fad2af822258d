//! Whether what a Kustomization depends on is ready (`kustomize-controller`, checkDependencies).

use gyre_api::flux::{DependsOn, KustomizationSpec, KustomizationStatus};
use gyre_model::Object;

use super::status::{Blocked, is_ready};
use crate::context::Context;
use crate::flux::part;
use crate::shelf::key;

/// Ready dependencies, or why not. `revision` is the one of the source that is to be applied.
pub(super) fn check(
    cx: &Context,
    object: &Object,
    spec: &KustomizationSpec,
    revision: &str,
) -> Result<(), Blocked> {
    spec.depends_on.iter().try_for_each(|dependency| check_one(cx, object, spec, revision, dependency))
}

fn check_one(
    cx: &Context,
    object: &Object,
    spec: &KustomizationSpec,
    revision: &str,
    dependency: &DependsOn,
) -> Result<(), Blocked> {
    let namespace = dependency.namespace.as_deref().unwrap_or(object.namespace());
    let name = format!("{namespace}/{}", dependency.name);
    if dependency.ready_expr.is_some() {
        let why = format!("dependency '{name}': readyExpr is not supported, leave it out to wait for Ready");
        return Err(Blocked::stalled(why));
    }
    let found = cx.kustomizations.shelf.get(&key(namespace, &dependency.name)).ok_or_else(|| {
        let why = format!("kustomizations.kustomize.toolkit.fluxcd.io \"{}\" not found", dependency.name);
        Blocked::dependency(format!("dependency '{name}' not found: {why}"), revision)
    })?;
    let status: KustomizationStatus = part(&found, "status").unwrap_or_default();
    if status.observed_generation != Some(found.generation()) || !is_ready(&status) {
        return Err(Blocked::dependency(format!("dependency '{name}' is not ready"), revision));
    }
    let other: KustomizationSpec = part(&found, "spec").unwrap_or_default();
    let source = |spec: &KustomizationSpec, namespace: &str| {
        let reference = spec.source_ref.clone();
        (reference.kind, reference.namespace.unwrap_or_else(|| namespace.into()), reference.name)
    };
    let same = source(&other, namespace) == source(spec, object.namespace());
    if same && status.last_applied_revision.as_deref() != Some(revision) {
        let why = format!("dependency '{name}' revision is not up to date");
        return Err(Blocked::dependency(why, revision));
    }
    Ok(())
}

/// The Kustomizations that depend on this one.
pub(crate) fn dependents(object: &Object, other: &Object) -> bool {
    let spec: KustomizationSpec = part(other, "spec").unwrap_or_default();
    spec.depends_on.iter().any(|dependency| {
        dependency.name == object.name()
            && dependency.namespace.as_deref().unwrap_or(other.namespace()) == object.namespace()
    })
}
