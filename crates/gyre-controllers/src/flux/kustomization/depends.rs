//! Whether what a Kustomization depends on is ready (`kustomize-controller`, checkDependencies).

use gyre_api::flux::{DependsOn, KustomizationSpec, KustomizationStatus};
use gyre_health::Condition;
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
    let found = cx.kustomizations.shelf.get(&key(namespace, &dependency.name)).ok_or_else(|| {
        let why = format!("kustomizations.kustomize.toolkit.fluxcd.io \"{}\" not found", dependency.name);
        Blocked::dependency(format!("dependency '{name}' not found: {why}"), revision)
    })?;
    if let Some(text) = ready_expr(dependency) {
        let condition = Condition::new(text, &["self", "dep"]).map_err(|why| {
            Blocked::stalled(&format!("failed to evaluate dependency {}: {why}", dependency.name))
        })?;
        return match condition.holds(&[("self", object), ("dep", &found)]) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let why = format!("dependency '{name}' is not ready according to readyExpr eval");
                Err(Blocked::dependency(why, revision))
            }
            Err(why) => Err(Blocked::dependency(why, revision)),
        };
    }
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

/// Does the other Kustomization depend on this one? Where `ready` did not change, only by an expression, which may speak of
/// anything.
pub(crate) fn depends_on(object: &Object, other: &Object, ready_changed: bool) -> bool {
    let spec: KustomizationSpec = part(other, "spec").unwrap_or_default();
    spec.depends_on.iter().any(|dependency| {
        dependency.name == object.name()
            && dependency.namespace.as_deref().unwrap_or(other.namespace()) == object.namespace()
            && (ready_changed || ready_expr(dependency).is_some())
    })
}

fn ready_expr(dependency: &DependsOn) -> Option<&str> {
    dependency.ready_expr.as_deref().filter(|text| !text.is_empty())
}
