//! A case of a journey: a namespace with a repository of its own, whose files are delivered.

#![allow(dead_code, reason = "not every test needs everything")]

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cell::{Cell, git};

/// One case: a namespace with a repository of its own.
pub(crate) struct Case<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) name: &'a str,
}

impl<'a> Case<'a> {
    pub(crate) fn new(cell: &'a Cell, name: &'a str) -> Self {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        cell.apply(&format!("/api/v1/namespaces/{name}"), &namespace);
        Self { cell, name }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.cell.dir.path().join("repositories").join(self.name)
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.repository().display())
    }

    /// Makes these the files of the repository; what was there before is gone.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        let dir = self.repository();
        fs::create_dir_all(&dir).unwrap();
        if !dir.join(".git").exists() {
            git(&dir, &["init", "--quiet"]);
        }
        for entry in
            fs::read_dir(&dir).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git")
        {
            let path = entry.path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        for (path, text) in files {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                None => fs::write(path, text).unwrap(),
            }
        }
        git(&dir, &["add", "--all"]);
        git(&dir, &["commit", "--quiet", "--allow-empty", "--message", "files"]);
    }

    pub(crate) fn path(&self, plural: &str, name: &str) -> String {
        let group = match plural {
            "gitrepositories" => "source.toolkit.fluxcd.io/v1",
            "kustomizations" => "kustomize.toolkit.fluxcd.io/v1",
            _ => "argoproj.io/v1alpha1",
        };
        format!("/apis/{group}/namespaces/{}/{plural}/{name}", self.name)
    }

    pub(crate) fn source(&self, url: &str, branch: &str) {
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "source", "namespace": self.name},
            "spec": {"url": url, "interval": "1h", "timeout": "5s", "ref": {"branch": branch}},
        });
        self.cell.apply(&self.path("gitrepositories", "source"), &object);
    }

    pub(crate) fn kustomization(&self, name: &str, more: Value) {
        let mut spec = json!({
            "interval": "1h", "retryInterval": "1s", "prune": true, "path": "./",
            "sourceRef": {"kind": "GitRepository", "name": "source"},
        });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.name}, "spec": spec,
        });
        self.cell.apply(&self.path("kustomizations", name), &object);
    }

    /// Commits, and delivers it all.
    pub(crate) fn deliver(&self, files: &[(&str, &str)]) {
        self.commit(files);
        self.source(&self.url(), "main");
        self.kustomization("all", json!({}));
    }

    /// Asks for the new commit.
    pub(crate) fn pull(&self) {
        let revision = git(&self.repository(), &["rev-parse", "HEAD"]);
        let asked = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": revision}}});
        self.cell.patch(&self.path("gitrepositories", "source"), &asked);
        self.cell.wait("the new commit", |cell| {
            let source = cell.get(&self.path("gitrepositories", "source"));
            source["status"]["artifact"]["revision"].as_str().is_some_and(|found| found.ends_with(&revision))
        });
    }

    pub(crate) fn ready(&self, plural: &str, name: &str) -> (String, String) {
        let object = self.cell.get(&self.path(plural, name));
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
        let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
        (text("status"), text("message"))
    }

    /// Waits until the object is not ready and says all of this.
    pub(crate) fn says(&self, plural: &str, name: &str, wanted: &[&str]) {
        self.cell.wait(&format!("{}: {plural} {name} says {wanted:?}", self.name), |_| {
            let (status, message) = self.ready(plural, name);
            status == "False" && wanted.iter().all(|wanted| message.contains(wanted))
        });
    }

    pub(crate) fn is_ready(&self, plural: &str, name: &str) {
        self.cell.wait(&format!("{}: {plural} {name} is ready", self.name), |_| {
            self.ready(plural, name).0 == "True"
        });
    }

    pub(crate) fn has(&self, map: &str) -> bool {
        self.cell.exists(&format!("/api/v1/namespaces/{}/configmaps/{map}", self.name))
    }
}
