//! What Flux's kinds promise beyond plain delivery, through the real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "journey/case.rs"]
mod case;
#[path = "journey/cell.rs"]
mod cell;

use case::Case;
use cell::{Cell, git};
use serde_json::json;

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  a: b\n")
}

#[test]
fn a_dependency_is_ready_when_its_expression_says_so() {
    let cell = Cell::up();
    let case = Case::new(&cell, "expression");
    case.commit(&[("a/a.yaml", &map("a")), ("b/b.yaml", &map("b"))]);
    case.source(&case.url(), "main");
    case.kustomization("a", json!({"path": "./a", "targetNamespace": "expression"}));
    case.is_ready("kustomizations", "a");
    let depends = |expression: &str| {
        let on = json!([{"name": "a", "readyExpr": expression}]);
        case.kustomization("b", json!({"path": "./b", "targetNamespace": "expression", "dependsOn": on}));
    };
    depends("dep.metadata.name");
    let terminal = "Reconciliation failed terminally due to configuration error: terminal error: failed to evaluate dependency a: ";
    case.says("kustomizations", "b", &[terminal, "expected bool, got dyn"]);
    depends("has(dep.metadata.labels) && dep.metadata.labels['go'] == 'yes' && self.metadata.name == 'b'");
    case.says("kustomizations", "b", &["dependency 'expression/a' is not ready according to readyExpr eval"]);
    assert!(!case.has("b"));
    // Nothing but a label changes: the one that waits is looked at all the same.
    cell.patch(&case.path("kustomizations", "a"), &json!({"metadata": {"labels": {"go": "yes"}}}));
    case.is_ready("kustomizations", "b");
    assert!(case.has("b"));
}

#[test]
fn submodules_are_delivered_where_they_are_asked_for() {
    let cell = Cell::up();
    let inner = Case::new(&cell, "inner");
    inner.commit(&[("inner.yaml", &map("inner"))]);
    let outer = Case::new(&cell, "outer");
    outer.commit(&[("outer.yaml", &map("outer"))]);
    let dir = outer.repository();
    git(&dir, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "sub"]);
    git(&dir, &["commit", "--quiet", "--message", "a submodule"]);
    outer.source(&outer.url(), "main");
    outer.kustomization("all", json!({"targetNamespace": "outer"}));
    outer.is_ready("kustomizations", "all");
    assert!(outer.has("outer") && !outer.has("inner"));
    let recurse = json!({"spec": {"recurseSubmodules": true}});
    cell.patch(&outer.path("gitrepositories", "source"), &recurse);
    cell.wait("the submodule's object", |_| outer.has("inner"));
    let source = cell.get(&outer.path("gitrepositories", "source"));
    assert_eq!(source["status"]["observedRecurseSubmodules"], true);
}
