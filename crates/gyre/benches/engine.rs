//! The engine's bounds, through the release binary: starting, a push until it is applied, drift until it is healed, and
//! many Kustomizations.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench stops where it cannot measure")]

#[path = "../tests/journey/cell.rs"]
mod cell;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use cell::{Cell, free_port, git};
use gyre_testkit::bench::{Bound, Table, installed, middle, resident_bytes};
use serde_json::{Value, json};

const KUSTOMIZATIONS: usize = 500;
const FILES: usize = 10_000;

fn main() {
    let mut table = Table::new("engine");
    start(&mut table);
    demo(&mut table);
    if installed("git") {
        large_repository(&mut table);
        many_kustomizations(&mut table);
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn start(table: &mut Table) {
    let times = (0..9).map(|_| {
        let mut cell = Cell::new();
        let begin = Instant::now();
        cell.start("up", &[]);
        cell.wait("the API", Cell::answers);
        begin.elapsed()
    });
    table.row(
        "gyre up answers /readyz (median of 9)",
        ms(middle(times.collect())),
        "ms",
        Bound::AtMost(150.0),
    );
}

fn demo(table: &mut Table) {
    let mut cell = Cell::new();
    let begin = Instant::now();
    cell.start("demo", &["--git-port", &free_port().to_string()]);
    cell.wait("everything is ready", |cell| {
        let path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations";
        let list = cell.get(path)["items"].as_array().cloned().unwrap_or_default();
        let app = cell.get("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/api-app");
        list.len() == 3 && list.iter().all(is_ready) && app["status"]["health"]["status"] == "Healthy"
    });
    table.row("gyre demo is converged", begin.elapsed().as_secs_f64(), "s", Bound::AtMost(3.0));
}

fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let mut ready = conditions.filter(|condition| condition["type"] == "Ready");
    ready.any(|condition| condition["status"] == "True")
}

fn map(name: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  a: \"{data}\"\n"
    )
}

fn repository(cell: &Cell, write: impl Fn(&Path)) -> PathBuf {
    let dir = cell.dir.path().join("repository");
    fs::create_dir_all(&dir).unwrap();
    git(&dir, &["init", "--quiet"]);
    write(&dir);
    commit(&dir);
    dir
}

fn commit(dir: &Path) -> String {
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "--message", "more"]);
    git(dir, &["rev-parse", "HEAD"])
}

const SOURCE: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/default/gitrepositories/source";

fn source(cell: &Cell, dir: &Path) {
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "source", "namespace": "default"},
        "spec": {"url": format!("file://{}", dir.display()), "interval": "1h", "ref": {"branch": "main"}},
    });
    cell.apply(SOURCE, &object);
}

fn kustomization(cell: &Cell, name: &str, path: &str) {
    let url = format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/default/kustomizations/{name}");
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "interval": "1h", "prune": true, "path": path,
            "sourceRef": {"kind": "GitRepository", "name": "source"},
        },
    });
    cell.apply(&url, &object);
}

/// A repository of many files, of which one directory is delivered.
fn large_repository(table: &mut Table) {
    let cell = Cell::up();
    let dir = repository(&cell, |dir| {
        for number in 0..FILES {
            let inside = dir.join(format!("docs/{}", number % 100));
            fs::create_dir_all(&inside).unwrap();
            fs::write(inside.join(format!("{number}.txt")), format!("file {number}\n").repeat(20)).unwrap();
        }
        fs::create_dir_all(dir.join("deploy")).unwrap();
        fs::write(dir.join("deploy/a.yaml"), map("pushed", "0")).unwrap();
    });
    source(&cell, &dir);
    kustomization(&cell, "deploy", "./deploy");
    let path = "/api/v1/namespaces/default/configmaps/pushed";
    cell.wait("the first apply", |cell| cell.exists(path));
    let pushes = (1..=15).map(|number: i32| {
        fs::write(dir.join("deploy/a.yaml"), map("pushed", &number.to_string())).unwrap();
        let revision = commit(&dir);
        let begin = Instant::now();
        let asked = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": revision}}});
        cell.patch(SOURCE, &asked);
        cell.wait("the push", |cell| cell.get(path)["data"]["a"].as_str() == Some(&*number.to_string()));
        begin.elapsed()
    });
    let time = middle(pushes.collect());
    table.row("10,000 files: asked for until applied (median)", ms(time), "ms", Bound::AtMost(300.0));
    let heals = (0..15).map(|number| {
        // Some time between two, so that it is not a fight of two owners.
        std::thread::sleep(Duration::from_millis(if number % 3 == 0 { 10_100 } else { 50 }));
        let begin = Instant::now();
        cell.patch(path, &json!({"data": {"a": "drifted"}}));
        cell.wait("the healing", |cell| cell.get(path)["data"]["a"] == "15");
        begin.elapsed()
    });
    let time = middle(heals.collect());
    table.row("drift until healed (median)", ms(time), "ms", Bound::AtMost(200.0));
}

fn many_kustomizations(table: &mut Table) {
    let cell = Cell::up();
    let dir = repository(&cell, |dir| {
        for number in 0..KUSTOMIZATIONS {
            let inside = dir.join(format!("apps/{number}"));
            fs::create_dir_all(&inside).unwrap();
            let objects: Vec<String> = (0..10).map(|one| map(&format!("m-{number}-{one}"), "x")).collect();
            fs::write(inside.join("all.yaml"), objects.join("---\n")).unwrap();
        }
    });
    source(&cell, &dir);
    cell.wait("the artifact", |cell| is_ready(&cell.get(SOURCE)));
    let begin = Instant::now();
    for number in 0..KUSTOMIZATIONS {
        kustomization(&cell, &format!("app-{number}"), &format!("./apps/{number}"));
    }
    cell.wait("everything is ready", |cell| {
        std::thread::sleep(Duration::from_millis(50));
        let path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/default/kustomizations";
        let list = cell.get(path)["items"].as_array().cloned().unwrap_or_default();
        list.len() == KUSTOMIZATIONS && list.iter().all(is_ready)
    });
    let title = format!("{KUSTOMIZATIONS} Kustomizations of 10 objects until all are ready");
    table.row(&title, begin.elapsed().as_secs_f64(), "s", Bound::AtMost(20.0));
    let resident = resident_bytes(cell.process.as_ref().unwrap().id());
    table.row("resident memory then", resident as f64 / f64::from(1 << 20), "MB", Bound::AtMost(200.0));
    if installed("kubectl") {
        let begin = Instant::now();
        let output = Command::new("kubectl")
            .args(["get", "kustomizations", "-A", "--no-headers"])
            .env("KUBECONFIG", cell.data().join("kubeconfig"))
            .output()
            .unwrap();
        assert!(output.status.success());
        table.row("kubectl get kustomizations -A", ms(begin.elapsed()), "ms", Bound::None);
        let begin = Instant::now();
        assert!(cell.gyre(&["get", "ks"]).status.success());
        table.row("gyre get ks", ms(begin.elapsed()), "ms", Bound::None);
    }
}
