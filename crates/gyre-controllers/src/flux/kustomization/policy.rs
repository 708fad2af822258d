//! What a Kustomization allows and forbids, and as whom it writes.

use gyre_api::flux::{KUSTOMIZE_GROUP, KUSTOMIZE_MANAGER, KustomizationSpec};
use gyre_cluster::{Grant, Identity};
use gyre_model::Object;
use gyre_plan::{Cleanup, How, Marks, Policy};

/// Annotation by which somebody says yes to a source that has become empty.
const ALLOW_EMPTY: &str = "gyre.dev/allow-empty";

/// The labels that say whose an object is.
pub(super) fn owner_labels(object: &Object) -> Vec<(String, String)> {
    vec![
        (format!("{KUSTOMIZE_GROUP}/name"), object.name().into()),
        (format!("{KUSTOMIZE_GROUP}/namespace"), object.namespace().into()),
    ]
}

fn mark(name: &str, value: &'static str) -> (String, &'static str) {
    (format!("{KUSTOMIZE_GROUP}/{name}"), value)
}

/// The policy of a plan (`kustomize-controller`, ApplyOptions and DeleteOptions).
pub(super) fn of(object: &Object, spec: &KustomizationSpec) -> Policy {
    let left_alone = [mark("reconcile", "disabled"), mark("ssa", "ignore")];
    let undone = [("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update")];
    Policy {
        prune: spec.prune,
        force: spec.force,
        force_marks: Marks::new([mark("force", "enabled")]),
        skip_marks: Marks::new(left_alone.clone()),
        create_only_marks: Marks::new([mark("ssa", "IfNotPresent")]),
        keep_marks: Marks::new(left_alone.into_iter().chain([mark("prune", "disabled")])),
        cleanup: Cleanup {
            annotations: vec![
                "kubectl.kubernetes.io/last-applied-configuration".into(),
                "kustomize.toolkit.fluxcd.io/checksum".into(),
                "fluxcd.io/sync-checksum".into(),
            ],
            labels: vec!["fluxcd.io/sync-gc-mark".into()],
            managers: undone
                .iter()
                .chain(&[(KUSTOMIZE_MANAGER, "Update")])
                .map(|(name, operation)| ((*name).to_owned(), (*operation).to_owned()))
                .collect(),
            except: Marks::new([mark("ssa", "merge")]),
        },
        create: How::ServerSide,
        reconcile_as: None,
        manager: KUSTOMIZE_MANAGER.into(),
        owner_labels: owner_labels(object),
    }
}

/// As whom it writes.
pub(super) fn grant(object: &Object, spec: &KustomizationSpec) -> Grant {
    let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty());
    let identity = account.map_or(Identity::Own, |name| Identity::ServiceAccount {
        namespace: object.namespace().into(),
        name: name.into(),
    });
    Grant::new(identity, KUSTOMIZE_MANAGER, |_| Ok(()))
}

/// Are the objects deleted with the Kustomization?
pub(super) fn deletes(spec: &KustomizationSpec) -> bool {
    if spec.suspend {
        return false;
    }
    match spec.deletion_policy.as_deref().unwrap_or("MirrorPrune") {
        "MirrorPrune" => spec.prune,
        "Delete" | "WaitForTermination" => true,
        _ => false,
    }
}

/// Has somebody said that the source may become empty?
pub(super) fn may_empty(object: &Object) -> bool {
    object.annotation(ALLOW_EMPTY) == Some("true")
}
