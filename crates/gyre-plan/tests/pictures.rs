//! Cases of planning: what is desired and observed, and the picture that has to come out.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use gyre_model::{GroupVersionKind, Object, ObjectRef};
use gyre_plan::{Desired, How, Marks, Observed, Policy, Refusal, Stale, Title, flux_rank, make};
use serde_json::{Value, json};

fn object(kind: &str, name: &str, more: Value) -> Arc<Object> {
    let mut value =
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
    merge(&mut value, more);
    Arc::new(Object::new(value).unwrap())
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn picture(desired: Vec<(i32, Arc<Object>, Observed)>, stale: Vec<Stale>, policy: &Policy) -> String {
    let owner = GroupVersionKind::parse("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
    let title = Title { owner: ObjectRef::new(owner, "flux", "shop"), revision: "main@sha1:4f2a9c1".into() };
    let desired = desired
        .into_iter()
        .map(|(wave, object, observed)| {
            (Desired { wave, rank: flux_rank(object.kind()), object, how: None }, observed)
        })
        .collect();
    make(title, desired, stale, policy, 2).to_string()
}

#[test]
fn waves_come_in_order_and_kinds_within_them() {
    let live = object("ConfigMap", "a", json!({"data": {"k": "1"}}));
    let merged = object("ConfigMap", "a", json!({"data": {"k": "2"}}));
    let text = picture(
        vec![
            (2, object("Service", "web", json!({})), Observed::Absent),
            (2, Arc::clone(&merged), Observed::Live { live, merged: Ok(merged), how: How::ServerSide }),
            (2, object("ConfigMap", "kept", json!({})), Observed::Unchanged),
            (0, object("Namespace", "shop", json!({"metadata": {"namespace": null}})), Observed::Absent),
        ],
        Vec::new(),
        &Policy::default(),
    );
    let wanted = "\
plan  kustomize.toolkit.fluxcd.io/Kustomization/flux/shop  main@sha1:4f2a9c1  3 changes
  wave 0   create     Namespace/shop
  wave 2   configure  ConfigMap/shop/a                         data.k 1 → 2
  wave 2   create     Service/shop/web
";
    assert_eq!(text, wanted);
}

#[test]
fn prunes_backwards_and_only_what_is_ours() {
    let owned = json!({"metadata": {"labels": {"owner": "us"}}});
    let kept = json!({"metadata": {"labels": {"owner": "us"}, "annotations": {"prune": "Disabled"}}});
    let stale = [
        ("ConfigMap", "old", owned.clone()),
        ("Service", "old", owned),
        ("Secret", "theirs", json!({"metadata": {"labels": {"owner": "them"}}})),
        ("Secret", "kept", kept),
    ]
    .map(|(kind, name, more)| {
        let live = object(kind, name, more);
        Stale { target: live.object_ref(), live: Some(live) }
    });
    let policy = Policy {
        prune: true,
        owner_labels: vec![("owner".into(), "us".into())],
        keep_marks: Marks::new([("prune", "disabled")]),
        ..Policy::default()
    };
    let text = picture(Vec::new(), stale.to_vec(), &policy);
    let wanted = "\
plan  kustomize.toolkit.fluxcd.io/Kustomization/flux/shop  main@sha1:4f2a9c1  2 changes
  prune    delete     Service/shop/old                         not in desired
  prune    skip       Secret/shop/theirs                       the label owner names another owner
  prune    skip       Secret/shop/kept                         prune: disabled
  prune    delete     ConfigMap/shop/old                       not in desired
";
    assert_eq!(text, wanted);
    let unpruned = picture(Vec::new(), stale.to_vec(), &Policy { prune: false, ..policy });
    assert_eq!(unpruned.lines().count(), 1);
}

#[test]
fn immutable_fields_are_refused_unless_forced() {
    let live = object("Job", "once", json!({}));
    let refusal = Refusal { message: "field is immutable".into(), immutable: true, ..Refusal::default() };
    let observed = Observed::Live { live: Arc::clone(&live), merged: Err(refusal), how: How::ServerSide };
    let refused = picture(vec![(2, Arc::clone(&live), observed.clone())], Vec::new(), &Policy::default());
    assert!(
        refused.contains("refused    Job/shop/once                            field is immutable"),
        "{refused}"
    );
    let forced = picture(vec![(2, live, observed)], Vec::new(), &Policy { force: true, ..Policy::default() });
    assert!(forced.contains("recreate   Job/shop/once"), "{forced}");
}

#[test]
fn a_binding_to_another_role_is_made_anew_where_bindings_are_reconciled() {
    let bound = |role: &str| {
        let more =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "roleRef": {"kind": "Role", "name": role}});
        object("RoleBinding", "b", more)
    };
    let observed = Observed::Live { live: bound("old"), merged: Ok(bound("new")), how: How::ServerSide };
    let of = |policy: &Policy| picture(vec![(2, bound("new"), observed.clone())], Vec::new(), policy);
    let reconciled = of(&Policy { reconcile_as: Some("argocd"), ..Policy::default() });
    assert!(reconciled.contains("recreate   rbac.authorization.k8s.io/RoleBinding/shop/b"), "{reconciled}");
    assert!(of(&Policy::default()).contains("configure  rbac.authorization.k8s.io/RoleBinding/shop/b"));
}

#[test]
fn marked_objects_are_left_alone() {
    let policy = Policy {
        skip_marks: Marks::new([("reconcile", "disabled")]),
        create_only_marks: Marks::new([("ssa", "IfNotPresent")]),
        ..Policy::default()
    };
    let marked = object("Secret", "a", json!({"metadata": {"annotations": {"reconcile": "disabled"}}}));
    let once = object("Secret", "b", json!({"metadata": {"annotations": {"ssa": "IfNotPresent"}}}));
    let live =
        Observed::Live { live: Arc::clone(&once), merged: Ok(Arc::clone(&once)), how: How::ServerSide };
    let text = picture(
        vec![(2, marked, Observed::Absent), (2, Arc::clone(&once), live), (2, once, Observed::Absent)],
        Vec::new(),
        &policy,
    );
    let verbs: Vec<&str> = text.lines().skip(1).map(|line| &line[11..19]).collect();
    assert_eq!(verbs, ["skip    ", "skip    ", "create  "]);
}
