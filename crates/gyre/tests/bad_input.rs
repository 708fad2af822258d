//! Bad input, through the real binary: each ends in a status that names what is wrong, and harms nothing else.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "journey/case.rs"]
mod case;
#[path = "journey/cell.rs"]
mod cell;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use case::Case;
use cell::{Cell, git};
use serde_json::json;

fn map(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {namespace}\ndata:\n  a: b\n"
    )
}

#[test]
fn sources_that_cannot_be_fetched_say_why() {
    let cell = Cell::up();
    let case = Case::new(&cell, "unreachable");
    case.source("http://127.0.0.1:1/x.git", "main");
    case.says("gitrepositories", "source", &["127.0.0.1:1", "refused"]);

    let case = Case::new(&cell, "unauthorised");
    case.source(&format!("http://{}/x.git", refusing_server()), "main");
    case.says("gitrepositories", "source", &["authentication required", "a token is needed"]);

    let case = Case::new(&cell, "empty-repository");
    fs::create_dir_all(case.repository()).unwrap();
    git(&case.repository(), &["init", "--quiet"]);
    case.source(&case.url(), "main");
    case.says("gitrepositories", "source", &["empty"]);

    let case = Case::new(&cell, "unknown-branch");
    case.commit(&[("a.yaml", &map("a", case.name))]);
    case.source(&case.url(), "nope");
    case.says("gitrepositories", "source", &["nope"]);

    let case = Case::new(&cell, "nothing-there");
    case.source(&format!("file://{}/nothing", cell.dir.path().display()), "main");
    case.says("gitrepositories", "source", &["repository not found"]);
}

#[test]
fn a_repository_of_a_gigabyte_is_refused_and_another_revision_is_taken() {
    let cell = Cell::up();
    let case = Case::new(&cell, "gigabyte");
    case.commit(&[("a.yaml", &map("a", case.name))]);
    let dir = case.repository();
    let small = git(&dir, &["rev-parse", "HEAD"]);
    // One file of 64 MiB, under seventeen names.
    fs::write(dir.join("zeros"), vec![0; 64 << 20]).unwrap();
    let blob = git(&dir, &["-c", "core.compression=1", "hash-object", "-w", "zeros"]);
    for number in 0..17 {
        let entry = format!("100644,{blob},zeros-{number}");
        git(&dir, &["update-index", "--add", "--cacheinfo", &entry]);
    }
    let tree = git(&dir, &["write-tree"]);
    let large = git(&dir, &["commit-tree", &tree, "-p", &small, "-m", "large"]);
    git(&dir, &["update-ref", "refs/heads/main", &large]);
    case.source(&case.url(), "main");
    case.says("gitrepositories", "source", &["the size of the repository's files", "512 MiB"]);
    git(&dir, &["update-ref", "refs/heads/main", &small]);
    case.pull();
    case.is_ready("gitrepositories", "source");
}

/// A server that asks everybody for a password.
fn refusing_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let body = "a token is needed\n";
            let _ = write!(
                stream,
                "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"x\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    address
}

#[test]
fn manifests_that_are_wrong_are_named_and_hold_up_nothing_else() {
    let cell = Cell::up();
    let case = Case::new(&cell, "missing-path");
    case.commit(&[("a.yaml", &map("a", case.name))]);
    case.source(&case.url(), "main");
    case.kustomization("all", json!({"path": "./nope"}));
    case.says("kustomizations", "all", &["nope"]);

    let case = Case::new(&cell, "third-document");
    let text = format!("{}---\n{}---\na: [1\n", map("a", case.name), map("b", case.name));
    case.deliver(&[("deploy/x.yaml", &text)]);
    case.says("kustomizations", "all", &["deploy/x.yaml", "document 3", "line "]);
    assert!(!case.has("a"));

    let case = Case::new(&cell, "unknown-kind");
    let text = "apiVersion: example.com/v1\nkind: Nope\nmetadata:\n  name: x\n  namespace: unknown-kind\n";
    case.deliver(&[("x.yaml", text), ("a.yaml", &map("a", case.name))]);
    case.says("kustomizations", "all", &["Nope/unknown-kind/x", "no matches for kind"]);

    let case = Case::new(&cell, "refused-object");
    let (bad, worse) = (map("Not_A_Name", case.name), map("Not_One_Either", case.name));
    case.deliver(&[("x.yaml", &bad), ("y.yaml", &worse), ("a.yaml", &map("a", case.name))]);
    case.says("kustomizations", "all", &["Not_A_Name", "Not_One_Either", "Invalid"]);
    cell.wait("the others are applied", |_| case.has("a"));

    let case = Case::new(&cell, "missing-namespace");
    case.deliver(&[("x.yaml", &map("x", "not-there"))]);
    case.says("kustomizations", "all", &["not-there", "not found"]);

    let case = Case::new(&cell, "namespaced-cluster-object");
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: bad-input\n  namespace: x\nrules: []\n";
    case.deliver(&[("x.yaml", text)]);
    case.is_ready("kustomizations", "all");
    assert!(cell.exists("/apis/rbac.authorization.k8s.io/v1/clusterroles/bad-input"));

    let case = Case::new(&cell, "symlink-out");
    case.deliver(&[("kustomization.yaml", "resources: [passwd.yaml]"), ("passwd.yaml", "-> /etc/passwd")]);
    case.says("kustomizations", "all", &["passwd"]);
}

#[test]
fn a_definition_and_its_first_object_come_in_one_commit() {
    let cell = Cell::up();
    let case = Case::new(&cell, "definition-first");
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.com\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {plural: things, singular: thing, kind: Thing}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}\n";
    let object =
        "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: first\n  namespace: definition-first\n";
    case.deliver(&[("a-thing.yaml", object), ("definition.yaml", definition)]);
    case.is_ready("kustomizations", "all");
    assert!(cell.exists("/apis/example.com/v1/namespaces/definition-first/things/first"));
}

#[test]
fn an_emptied_source_deletes_nothing_until_somebody_says_so() {
    let cell = Cell::up();
    let case = Case::new(&cell, "emptied");
    case.deliver(&[("a.yaml", &map("a", case.name))]);
    case.is_ready("kustomizations", "all");
    case.commit(&[("kustomization.yaml", "resources: []")]);
    case.pull();
    case.says("kustomizations", "all", &["empty"]);
    assert!(case.has("a"));
    let allow = json!({"metadata": {"annotations": {"gyre.dev/allow-empty": "true"}}});
    cell.patch(&case.path("kustomizations", "all"), &allow);
    cell.wait("the objects are gone", |_| !case.has("a"));
}

#[test]
fn two_owners_of_one_object_do_not_fight_without_end() {
    let cell = Cell::up();
    let case = Case::new(&cell, "two-owners");
    case.commit(&[("flux/a.yaml", &map("a", case.name)), ("argo/b.yaml", &map("b", case.name))]);
    case.source(&case.url(), "main");
    case.kustomization("one", json!({"path": "./flux"}));
    case.kustomization("two", json!({"path": "./flux"}));
    case.is_ready("kustomizations", "one");
    case.is_ready("kustomizations", "two");
    let path = format!("/api/v1/namespaces/{}/configmaps/a", case.name);
    let revision = || cell.get(&path)["metadata"]["resourceVersion"].clone();
    // What is under way when both are ready may still be written.
    let rests = (0..20).any(|_| {
        let settled = revision();
        std::thread::sleep(std::time::Duration::from_secs(1));
        revision() == settled
    });
    assert!(rests, "the object is written again and again");

    // Of two Applications, one says that the object is the other's.
    for name in ["app-one", "app-two"] {
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": case.name},
            "spec": {
                "project": "default", "source": {"repoURL": case.url(), "path": "argo", "targetRevision": "main"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": case.name},
                "syncPolicy": {"automated": {}},
            },
        });
        cell.apply(&case.path("applications", name), &object);
        cell.wait("the application is compared", |cell| {
            cell.get(&case.path("applications", name))["status"]["sync"]["status"].is_string()
        });
    }
    cell.wait("a warning", |cell| {
        ["app-one", "app-two"].iter().any(|name| {
            let app = cell.get(&case.path("applications", name));
            let conditions = app["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|condition| condition["type"] == "SharedResourceWarning")
        })
    });
}

#[test]
fn a_spec_that_is_edited_meanwhile_is_what_counts_in_the_end() {
    let cell = Cell::up();
    let case = Case::new(&cell, "edited");
    let many: Vec<String> = (0..100).map(|number| map(&format!("one-{number}"), case.name)).collect();
    case.commit(&[("one/a.yaml", &many.join("---\n")), ("two/b.yaml", &map("b", case.name))]);
    case.source(&case.url(), "main");
    case.kustomization("all", json!({"path": "./one"}));
    cell.wait("the first of many", |_| case.has("one-0"));
    cell.patch(&case.path("kustomizations", "all"), &json!({"spec": {"path": "./two"}}));
    cell.wait("the second path", |cell| {
        let object = cell.get(&case.path("kustomizations", "all"));
        object["status"]["observedGeneration"] == 2 && case.ready("kustomizations", "all").0 == "True"
    });
    assert!(case.has("b") && !case.has("one-0") && !case.has("one-99"));
}

/// The API stops answering in the middle of an apply, and comes back.
#[test]
fn an_api_that_is_away_for_ten_seconds_is_waited_for() {
    let mut cell = Cell::new();
    cell.start_apiserver();
    assert!(cell.gyre(&["install"]).status.success());
    let mut controllers = Command::new(env!("CARGO_BIN_EXE_gyre"))
        .args(["run", "--allow-file-urls", "--storage-addr", "127.0.0.1:0"])
        .env("KUBECONFIG", cell.data().join("kubeconfig"))
        .stderr(fs::File::create(cell.dir.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let case = Case::new(&cell, "away");
    let many: Vec<String> = (0..300).map(|number| map(&format!("m-{number}"), case.name)).collect();
    case.commit(&[("a.yaml", &many.join("---\n"))]);
    case.source(&case.url(), "main");
    case.is_ready("gitrepositories", "source");
    let api = cell.process.as_ref().unwrap().id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &api]).status().unwrap().success());
    case.kustomization("all", json!({}));
    cell.wait("the first of many", |_| case.has("m-0"));
    signal("-STOP");
    std::thread::sleep(std::time::Duration::from_secs(10));
    signal("-CONT");
    case.is_ready("kustomizations", "all");
    assert!(case.has("m-299"));
    controllers.kill().unwrap();
    controllers.wait().unwrap();
}
