//! What journeys share: the real binary with a cluster in it, an HTTP client, and Git repositories on this machine.

#![allow(dead_code, reason = "every journey uses a part of it")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

/// How long anything may take before a journey gives up.
pub(crate) const STEP_MAX: Duration = Duration::from_secs(60);

/// A running program in a directory of its own.
pub(crate) struct Cell {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    pub(crate) process: Option<Child>,
    client: reqwest::blocking::Client,
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cell {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::blocking::Client::builder()
            .danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .unwrap();
        Self { dir: tempfile::tempdir().unwrap(), port: free_port(), process: None, client }
    }

    /// A cell in which `gyre up` runs, ready to be asked.
    pub(crate) fn up() -> Self {
        let mut cell = Self::new();
        cell.start("up", &[]);
        cell.wait("the API", Self::answers);
        cell.wait("the definitions", |cell| {
            let groups =
                ["source.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1", "argoproj.io/v1alpha1"];
            groups.iter().all(|group| cell.exists(&format!("/apis/{group}")))
        });
        cell
    }

    /// Starts `gyre COMMAND --data DIR --port PORT ...`.
    pub(crate) fn start(&mut self, command: &str, more: &[&str]) {
        let log = fs::File::options().create(true).append(true).open(self.dir.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_gyre"))
            .arg(command)
            .arg("--data")
            .arg(self.data())
            .args(["--port", &self.port.to_string()])
            .args(more)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
    }

    /// Starts `gyre apiserver` alone, and waits until it answers.
    pub(crate) fn start_apiserver(&mut self) {
        self.start_api(&[]);
    }

    /// The same with workloads that run.
    pub(crate) fn start_simulated_apiserver(&mut self) {
        self.start_api(&["--simulation"]);
    }

    fn start_api(&mut self, more: &[&str]) {
        fs::create_dir_all(self.data()).unwrap();
        fs::write(self.data().join("token"), "a-token").unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_gyre"))
            .args(["apiserver", "--token", "a-token", "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(more)
            .stdout(fs::File::create(self.data().join("kubeconfig")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(child);
        self.wait("the API", Self::answers);
    }

    pub(crate) fn answers(&self) -> bool {
        self.request(Method::GET, "/readyz", "", "").is_some_and(|(status, _)| status == 200)
    }

    /// Kills the program at once.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Runs a command of the program against the cluster.
    pub(crate) fn gyre(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gyre"))
            .args(arguments)
            .env("KUBECONFIG", self.data().join("kubeconfig"))
            .output()
            .unwrap()
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let url = format!("https://127.0.0.1:{}{path}", self.port);
        let token = fs::read_to_string(self.data().join("token")).ok()?;
        let mut request = self.client.request(method, url).bearer_auth(token);
        if !media.is_empty() {
            request = request.header("content-type", media).body(body.to_owned());
        }
        let answer = request.send().ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_str(&answer.text().ok()?).unwrap_or_default()))
    }

    /// The object, or null.
    pub(crate) fn get(&self, path: &str) -> Value {
        match self.request(Method::GET, path, "", "") {
            Some((200, value)) => value,
            _ => Value::Null,
        }
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        !self.get(path).is_null()
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) {
        let answer = self.request(Method::PATCH, path, "application/merge-patch+json", &body.to_string());
        let (status, value) = answer.unwrap();
        assert_eq!(status, 200, "{path}: {value}");
    }

    /// Applies an object by its path.
    pub(crate) fn apply(&self, path: &str, object: &Value) {
        let path = format!("{path}?fieldManager=journey&force=true");
        let answer = self.request(Method::PATCH, &path, "application/apply-patch+yaml", &object.to_string());
        let (status, value) = answer.unwrap();
        assert!(matches!(status, 200 | 201), "{path}: {value}");
    }

    /// Looks until the condition holds.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            if begin.elapsed() > STEP_MAX {
                let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(30).collect();
                let seconds = STEP_MAX.as_secs();
                panic!(
                    "{what}: not within {seconds} s; the log's last lines, latest first:\n{}",
                    tail.join("\n")
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs git in a directory, and gives back what it printed.
pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
