//! What a sync came to, in Argo CD's words: a result for each object, a phase and a message for all.

use gyre_cluster::{Applied, Done};
use gyre_health::argo::images_of;
use gyre_model::ObjectRef;
use gyre_plan::{Action, How, LAST_APPLIED};
use serde_json::{Value, json};

/// The group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";

/// What a dry run comes to: everything as planned.
pub(super) fn planned(plan: &gyre_plan::Plan) -> Applied {
    let done = plan.changes().map(|change| Done {
        target: change.target.clone(),
        action: change.action.clone(),
        desired: change.desired.clone(),
        how: change.how.clone(),
        failure: None,
    });
    Applied { done: done.collect(), unready: Vec::new() }
}

/// `deployment.apps/web`, as kubectl names objects.
fn kubectl_name(object: &ObjectRef) -> String {
    let kind = object.kind.to_lowercase();
    if object.group.is_empty() {
        format!("{kind}/{}", object.name)
    } else {
        format!("{kind}.{}/{}", object.group, object.name)
    }
}

/// One result; an object without a namespace is told with the Application's.
pub(super) fn item(
    object: &ObjectRef,
    home: &str,
    status: &str,
    phase: Option<&str>,
    message: &str,
) -> Value {
    let namespace = if object.namespace.is_empty() { home } else { &object.namespace };
    let mut item = json!({
        "group": object.group, "version": object.version, "kind": object.kind,
        "namespace": namespace, "name": object.name,
        "status": status, "syncPhase": "Sync", "message": message,
    });
    if let Some(phase) = phase {
        item["hookPhase"] = phase.into();
    }
    item
}

pub(super) fn result(done: &Done, home: &str, phase: &str, dry_run: bool) -> Value {
    let object = &done.target;
    let images: Vec<String> = done.desired.as_ref().map(|desired| images_of(desired)).unwrap_or_default();
    let said = |status: &str, phase: &str, message: &str| {
        let mut item = item(object, home, status, Some(phase), message);
        if !images.is_empty() {
            item["images"] = images.clone().into();
        }
        item
    };
    if let Some(failure) = &done.failure {
        return said("SyncFailed", "Failed", &failure.refusal.message);
    }
    let suffix = if dry_run { " (dry run)" } else { "" };
    let name = kubectl_name(object);
    let verb = match (&done.action, &done.how) {
        (Action::Delete(_), _) => return said("Pruned", "Succeeded", &format!("pruned{suffix}")),
        (Action::Skip(_), _) if done.desired.is_none() => {
            return said("PruneSkipped", "Succeeded", "ignored (no prune)");
        }
        (_, How::ServerSide) => "serverside-applied",
        (Action::Configure, How::Replace { force: true, .. }) => {
            let ObjectRef { kind, namespace, name: bare, .. } = object;
            let kind = kind.to_lowercase();
            let message =
                format!("{kind} \"{bare}\" deleted from {namespace} namespace\n{name} replaced{suffix}");
            return said("Synced", phase, &message);
        }
        (Action::Configure | Action::Keep, How::Replace { .. }) => "replaced",
        (action, how) if object.group == RBAC && !matches!(how, How::Replace { .. }) => {
            let message = reconciled(object, &name, action);
            return said("Synced", phase, &format!("{message}{suffix}"));
        }
        (Action::Create | Action::Recreate, _) => "created",
        (Action::Configure, _) => "configured",
        (Action::Keep | Action::Skip(_) | Action::Refuse(_), _) => "unchanged",
    };
    said("Synced", phase, &format!("{name} {verb}{suffix}"))
}

/// What `kubectl auth reconcile` and `kubectl apply` say of a role or a binding, one after the other.
fn reconciled(object: &ObjectRef, name: &str, action: &Action) -> String {
    let (plural, bare) = (format!("{}s", object.kind.to_lowercase()), &object.name);
    let new = format!(
        "configured. Warning: resource {plural}/{bare} is missing the {LAST_APPLIED} annotation which is required by  \
         apply.  apply should only be used on resources created declaratively by either  create --save-config or  \
         apply. The missing annotation will be patched automatically."
    );
    let (step, verb) = match action {
        Action::Create => (". reconciliation required create", new.as_str()),
        Action::Recreate => (". reconciliation required recreate", new.as_str()),
        Action::Configure => (". reconciliation required update", "configured"),
        _ => ("", "unchanged"),
    };
    format!("{name} reconciled{step}{name} {verb}")
}

/// What kubectl says of an object without a name; it reads objects from files in memory.
pub(super) fn nameless(object: &ObjectRef, plural: &str) -> String {
    let ObjectRef { group, version, kind, namespace, .. } = object;
    format!(
        "error when retrieving current configuration of:\nResource: \"{group}/{version}, Resource={plural}\", \
         GroupVersionKind: \"{group}/{version}, Kind={kind}\"\nName: \"\", Namespace: \"{namespace}\"\nfrom server \
         for: \"/dev/shm/manifest\": resource name may not be empty"
    )
}

pub(super) fn pruning_ignored(object: &ObjectRef, home: &str) -> Value {
    item(object, home, "PruneSkipped", Some("Succeeded"), "ignored (requires pruning)")
}

pub(super) fn outcome(applied: &Applied) -> (&'static str, String) {
    let failures: Vec<String> =
        applied.failures().map(|(_, failure)| failure.refusal.message.clone()).collect();
    if !failures.is_empty() {
        let why = failures.join(",");
        return (
            "Failed",
            format!("one or more synchronization tasks completed unsuccessfully, reason: {why}"),
        );
    }
    if !applied.unready.is_empty() {
        let late: Vec<String> = applied.unready.iter().map(|(object, _)| object.to_string()).collect();
        return ("Failed", format!("waited in vain for healthy state of {}", late.join(", ")));
    }
    ("Succeeded", "successfully synced (all tasks run)".into())
}
