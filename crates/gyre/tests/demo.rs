//! The demo without a person: the real binary, real git, an HTTP client, and kubectl where it is installed.
//!
//! Prints a line with its time for each step.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "journey/cell.rs"]
mod cell;

use std::fmt::Write as _;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use cell::{Cell, free_port, git};
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn the_demo_delivers_prunes_heals_and_survives() {
    let mut demo = Demo::new();
    demo.step("starts and converges", Demo::converges);
    demo.step("a pushed commit arrives", Demo::push_arrives);
    demo.step("kubectl sees it", Demo::kubectl_sees_it);
    demo.step("a removed manifest is pruned", Demo::prunes);
    demo.step("a scaled deployment is healed", Demo::heals_an_edit);
    demo.step("a deleted object is healed", Demo::heals_a_deletion);
    demo.step("an Argo CD object is healed", Demo::heals_an_application);
    demo.step("broken manifests are named, and nothing is deleted", Demo::names_what_is_broken);
    demo.step("mended manifests are applied", Demo::mends);
    demo.step("survives being killed in the middle of an apply", Demo::survives_a_kill);
    demo.step("the commands show it", Demo::commands_show_it);
    demo.step("stops cleanly", Demo::stops);
}

struct Demo {
    cell: Cell,
    git_port: u16,
}

impl Deref for Demo {
    type Target = Cell;

    fn deref(&self) -> &Cell {
        &self.cell
    }
}

impl Demo {
    fn new() -> Self {
        let mut demo = Self { cell: Cell::new(), git_port: free_port() };
        demo.start();
        demo
    }

    fn start(&mut self) {
        self.cell.start("demo", &["--git-port", &self.git_port.to_string()]);
    }

    fn step(&mut self, name: &str, prove: impl FnOnce(&mut Self)) {
        let begin = Instant::now();
        prove(self);
        println!("✔ {name:<55} {:>6} ms", begin.elapsed().as_millis());
    }

    fn clone_dir(&self) -> PathBuf {
        self.dir.path().join("clone")
    }

    /// Looks until the condition holds.
    fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        self.cell.wait(what, |_| holds(self));
    }

    fn git(&self, arguments: &[&str]) {
        git(&self.clone_dir(), arguments);
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.clone_dir().join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{}: {from} is not there", path.display());
        fs::write(path, text.replace(from, to)).unwrap();
    }

    fn push(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["push", "--quiet"]);
    }

    fn kustomization(&self, name: &str) -> Value {
        self.get(&format!(
            "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/{name}"
        ))
    }

    fn ready(&self, name: &str) -> Value {
        let object = self.kustomization(name);
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default()
    }

    fn application(&self) -> Value {
        self.get("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/api-app")
    }

    fn deployment(&self, namespace: &str, name: &str) -> Value {
        self.get(&format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"))
    }

    fn converged(&self) -> bool {
        let application = self.application();
        ["cluster", "infrastructure", "web-app"].iter().all(|name| self.ready(name)["status"] == "True")
            && application["status"]["sync"]["status"] == "Synced"
            && application["status"]["health"]["status"] == "Healthy"
    }

    fn converges(&mut self) {
        self.wait("everything is ready", Self::converged);
        let project = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default";
        assert_eq!(self.get(project)["spec"]["sourceRepos"], json!(["*"]), "the default project is there");
        let url = format!("http://127.0.0.1:{}/demo.git", self.git_port);
        let output =
            Command::new("git").args(["clone", "--quiet", &url]).arg(self.clone_dir()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn push_arrives(&mut self) {
        self.edit("apps/web-app/overlays/dev/kustomization.yaml", "1.27-alpine", "1.28");
        self.push("a newer web server");
        self.wait("the new image", |demo| {
            let deployment = demo.deployment("web-app-dev", "web-app");
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.28"
        });
    }

    fn kubectl_sees_it(&mut self) {
        if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
            println!("  (skipped: kubectl is not installed)");
            return;
        }
        let output = Command::new("kubectl")
            .args(["get", "deploy", "web-app", "-n", "web-app-dev", "-o", "jsonpath={..image}"])
            .env("KUBECONFIG", self.data().join("kubeconfig"))
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "nginx:1.28",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn prunes(&mut self) {
        let path = "/api/v1/namespaces/web-app-production/limitranges/defaults";
        assert!(!self.get(path).is_null());
        fs::remove_file(self.clone_dir().join("infrastructure/limits.yaml")).unwrap();
        self.edit("infrastructure/kustomization.yaml", "- limits.yaml\n", "");
        self.push("no limits");
        self.wait("the prune", |demo| {
            demo.request(Method::GET, path, "", "").is_some_and(|(status, _)| status == 404)
        });
    }

    fn heals_an_edit(&mut self) {
        let path = "/apis/apps/v1/namespaces/web-app-dev/deployments/web-app";
        self.patch(path, &json!({"spec": {"replicas": 5}}));
        self.wait("the healing", |demo| demo.get(path)["spec"]["replicas"] == 1);
    }

    fn heals_a_deletion(&mut self) {
        let path = "/api/v1/namespaces/web-app-dev/services/web-app";
        let before = self.get(path)["metadata"]["uid"].clone();
        self.request(Method::DELETE, path, "", "").unwrap();
        self.wait("the healing", |demo| {
            let now = demo.get(path)["metadata"]["uid"].clone();
            now.is_string() && now != before
        });
    }

    fn heals_an_application(&mut self) {
        let path = "/apis/apps/v1/namespaces/api-app-dev/deployments/api-app";
        self.patch(path, &json!({"spec": {"replicas": 4}}));
        self.wait("the healing", |demo| {
            demo.get(path)["spec"]["replicas"] == 1
                && demo.application()["status"]["sync"]["status"] == "Synced"
        });
    }

    fn names_what_is_broken(&mut self) {
        self.edit("apps/web-app/base/service.yaml", "  ports:", "  ports: [");
        self.push("broken");
        self.wait("the status", |demo| {
            let ready = demo.ready("web-app");
            let message = ready["message"].as_str().unwrap_or_default();
            ready["status"] == "False" && message.contains("service.yaml") && message.contains("line ")
        });
        assert!(!self.get("/api/v1/namespaces/web-app-dev/services/web-app").is_null());
        assert!(!self.deployment("web-app-dev", "web-app").is_null());
    }

    fn mends(&mut self) {
        self.edit("apps/web-app/base/service.yaml", "  ports: [", "  ports:");
        self.push("mended");
        self.wait("everything is ready", Self::converged);
    }

    /// Pushes many objects and kills the program while it applies them.
    fn survives_a_kill(&mut self) {
        let count = 400;
        let mut text = String::new();
        for number in 0..count {
            let _ = write!(
                text,
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: many-{number}\n  namespace: web-app-dev\n"
            );
        }
        fs::write(self.clone_dir().join("infrastructure/many.yaml"), text).unwrap();
        self.edit("infrastructure/kustomization.yaml", "- namespaces.yaml", "- namespaces.yaml\n- many.yaml");
        self.push("many");
        let path = "/api/v1/namespaces/web-app-dev/configmaps";
        let made = |demo: &Self| {
            let list = demo.get(path);
            let names = list["items"].as_array().into_iter().flatten();
            names
                .filter(|item| {
                    item["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("many-"))
                })
                .count()
        };
        self.wait("the first of many", |demo| made(demo) > 0);
        self.cell.kill();
        self.start();
        self.wait("all of many", |demo| made(demo) == count && Self::converged(demo));
    }

    /// Every command that reads, and those that write intent, on what the demo delivers.
    fn commands_show_it(&mut self) {
        let says = |arguments: &[&str], wanted: &[&str]| {
            let output = self.gyre(arguments);
            let text = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(output.status.success(), "gyre {arguments:?}: {text}");
            for wanted in wanted {
                assert!(text.contains(wanted), "gyre {arguments:?} does not say {wanted:?}: {text}");
            }
        };
        says(&["get"], &["GitRepository/demo", "Kustomization/web-app", "Application/api-app"]);
        says(&["tree", "ks/web-app"], &["└─ ✔ Deployment/web-app-dev/web-app", "✔ ReplicaSet", "✔ Pod"]);
        says(&["plan", "ks/web-app"], &["0 changes"]);
        says(&["diff", "app/api-app"], &[]);
        says(&["reconcile", "ks/web-app", "--with-source"], &["✔ fetched revision main@sha1:"]);
        says(&["reconcile", "app/api-app"], &["Synced  Healthy"]);
        says(&["events", "ks/web-app"], &["ReconciliationSucceeded"]);
        says(&["logs", "--kind", "Kustomization"], &["info Kustomization/web-app.flux-system - "]);
        says(&["flux", "check"], &["✔ all checks passed"]);
        says(&["flux", "get", "all", "-A"], &["kustomization/web-app", "SUSPENDED"]);
        says(&["flux", "suspend", "ks", "web-app"], &["✔ kustomization suspended"]);
        let path = "/apis/apps/v1/namespaces/web-app-dev/deployments/web-app";
        self.patch(path, &json!({"spec": {"replicas": 3}}));
        says(&["plan", "ks/web-app"], &["spec.replicas 3 → 1"]);
        let output = self.gyre(&["diff", "ks/web-app"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.code() == Some(1) && text.contains("-  replicas: 3\n+  replicas: 1"), "{text}");
        says(&["flux", "resume", "ks", "web-app"], &["✔ Kustomization web-app reconciliation completed"]);
        self.wait("the healing", |demo| demo.get(path)["spec"]["replicas"] == 1);
        says(&["argocd", "app", "list"], &["argocd/api-app", "Auto-Prune"]);
        says(&["argocd", "app", "get", "api-app", "-o", "tree"], &["Deployment/api-app", "└─ReplicaSet"]);
        says(&["argocd", "app", "sync", "api-app"], &["Phase:              Succeeded"]);
        says(&["argocd", "app", "history", "api-app"], &["main ("]);
        let output = self.gyre(&["argocd", "app", "get", "nope"]);
        assert_eq!(output.status.code(), Some(20));
    }

    fn stops(&mut self) {
        let mut process = self.cell.process.take().unwrap();
        let stopped = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        assert!(process.wait().unwrap().success());
        assert!(lock_is_free(&self.data()));
    }
}

fn lock_is_free(data: &Path) -> bool {
    fs::File::open(data.join("lock")).unwrap().try_lock().is_ok()
}
