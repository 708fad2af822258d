//! The demo without a person: the real binary, real git, an HTTP client, and kubectl where it is installed.
//!
//! Prints a line with its time for each step.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long each step may take before the test gives up.
const STEP_MAX: Duration = Duration::from_secs(30);

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
    demo.step("stops cleanly", Demo::stops);
}

struct Demo {
    dir: tempfile::TempDir,
    port: u16,
    git_port: u16,
    process: Option<Child>,
    client: reqwest::blocking::Client,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Demo {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::blocking::Client::builder()
            .danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut demo = Self { dir, port: free_port(), git_port: free_port(), process: None, client };
        demo.start();
        demo
    }

    fn start(&mut self) {
        let child = Command::new(env!("CARGO_BIN_EXE_gyre"))
            .args(["demo", "--data"])
            .arg(self.data())
            .args(["--port", &self.port.to_string(), "--git-port", &self.git_port.to_string()])
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        self.process = Some(child);
    }

    fn step(&mut self, name: &str, prove: impl FnOnce(&mut Self)) {
        let begin = Instant::now();
        prove(self);
        println!("✔ {name:<55} {:>6} ms", begin.elapsed().as_millis());
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn clone_dir(&self) -> PathBuf {
        self.dir.path().join("clone")
    }

    fn token(&self) -> Option<String> {
        fs::read_to_string(self.data().join("token")).ok()
    }

    fn request(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let url = format!("https://127.0.0.1:{}{path}", self.port);
        let mut request = self.client.request(method, url).bearer_auth(self.token()?);
        if let Some(body) = body {
            request = request.header("content-type", "application/merge-patch+json").body(body.to_string());
        }
        let answer = request.send().ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_str(&answer.text().ok()?).unwrap_or_default()))
    }

    fn get(&self, path: &str) -> Value {
        match self.request(reqwest::Method::GET, path, None) {
            Some((200, value)) => value,
            _ => Value::Null,
        }
    }

    /// Looks until the condition holds.
    fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            if begin.elapsed() > STEP_MAX {
                let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(30).collect();
                panic!(
                    "{what}: not within {} s; the last lines of the log, latest first:\n{}",
                    STEP_MAX.as_secs(),
                    tail.join("\n")
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.clone_dir())
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
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
            demo.request(reqwest::Method::GET, path, None).is_some_and(|(status, _)| status == 404)
        });
    }

    fn heals_an_edit(&mut self) {
        let path = "/apis/apps/v1/namespaces/web-app-dev/deployments/web-app";
        self.request(reqwest::Method::PATCH, path, Some(json!({"spec": {"replicas": 5}}))).unwrap();
        self.wait("the healing", |demo| demo.get(path)["spec"]["replicas"] == 1);
    }

    fn heals_a_deletion(&mut self) {
        let path = "/api/v1/namespaces/web-app-dev/services/web-app";
        let before = self.get(path)["metadata"]["uid"].clone();
        self.request(reqwest::Method::DELETE, path, None).unwrap();
        self.wait("the healing", |demo| {
            let now = demo.get(path)["metadata"]["uid"].clone();
            now.is_string() && now != before
        });
    }

    fn heals_an_application(&mut self) {
        let path = "/apis/apps/v1/namespaces/api-app-dev/deployments/api-app";
        self.request(reqwest::Method::PATCH, path, Some(json!({"spec": {"replicas": 4}}))).unwrap();
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
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        self.start();
        self.wait("all of many", |demo| made(demo) == count && Self::converged(demo));
    }

    fn stops(&mut self) {
        let mut process = self.process.take().unwrap();
        let stopped = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        assert!(process.wait().unwrap().success());
        assert!(lock_is_free(&self.data()));
    }
}

fn lock_is_free(data: &Path) -> bool {
    fs::File::open(data.join("lock")).unwrap().try_lock().is_ok()
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
