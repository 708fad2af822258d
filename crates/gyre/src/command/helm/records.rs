//! Release records in a cluster, as Helm keeps them.

use std::path::Path;

use anyhow::{anyhow, bail};
use gyre_cluster::Cluster;
use gyre_go::time::{Time, parse};
use gyre_helm::release::{SECRET_TYPE, from_secret};
use gyre_model::GroupVersionKind;
use serde_json::Value;

use super::environment::Settings;

/// A release at one revision.
#[derive(Clone, Debug)]
pub(super) struct Record(pub(super) Value);

impl Record {
    /// A text of the record; empty where there is none.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.text("/name")
    }

    pub(super) fn status(&self) -> &str {
        self.text("/info/status")
    }

    pub(super) fn revision(&self) -> i64 {
        self.0.get("version").and_then(Value::as_i64).unwrap_or(0)
    }

    /// `web-0.1.0`
    pub(super) fn chart(&self) -> String {
        match self.0.pointer("/chart/metadata") {
            Some(Value::Object(_)) => {
                format!("{}-{}", self.text("/chart/metadata/name"), self.text("/chart/metadata/version"))
            }
            _ => "MISSING".into(),
        }
    }

    pub(super) fn app_version(&self) -> &str {
        match self.0.pointer("/chart/metadata") {
            Some(Value::Object(_)) => self.text("/chart/metadata/appVersion"),
            _ => "MISSING",
        }
    }

    /// A time of the record; `None` where it was never.
    pub(super) fn time(&self, pointer: &str) -> Option<Time> {
        time(self.text(pointer))
    }
}

/// A time as Go writes it into JSON.
pub(super) fn time(text: &str) -> Option<Time> {
    let time = parse("2006-01-02T15:04:05.999999999Z07:00", text).ok()?;
    (!time.is_zero()).then_some(time)
}

/// The records of a cluster.
pub(super) struct Records {
    runtime: tokio::runtime::Runtime,
    cluster: Cluster,
    namespace: String,
}

impl Records {
    /// Connects to the cluster that the flags and the environment name.
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let globals = &settings.globals;
        for (is_set, flag) in [
            (globals.kube_token.is_some(), "--kube-token"),
            (globals.kube_as_user.is_some(), "--kube-as-user"),
            (!globals.kube_as_group.is_empty(), "--kube-as-group"),
            (globals.kube_apiserver.is_some(), "--kube-apiserver"),
            (globals.kube_ca_file.is_some(), "--kube-ca-file"),
            (globals.kube_tls_server_name.is_some(), "--kube-tls-server-name"),
            (globals.kube_insecure_skip_tls_verify, "--kube-insecure-skip-tls-verify"),
        ] {
            if is_set {
                bail!("{flag} is not taken here: name another cluster, user or certificate in a kubeconfig");
            }
        }
        let driver = std::env::var("HELM_DRIVER").unwrap_or_default();
        if !matches!(&*driver, "" | "secret" | "secrets") {
            bail!("HELM_DRIVER={driver}: releases are kept in Secrets here");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let kubeconfig = globals.kubeconfig.as_deref().map(Path::new);
        let cluster = runtime
            .block_on(Cluster::connect(kubeconfig, globals.kube_context.as_deref()))
            .map_err(|why| anyhow!("Kubernetes cluster unreachable: {why}"))?;
        Ok(Self { runtime, cluster, namespace: settings.namespace() })
    }

    /// The records whose labels match, in the namespace or in all; unreadable ones are left out.
    pub(super) fn list(&self, everywhere: bool, selector: &str) -> anyhow::Result<Vec<Record>> {
        let kind = GroupVersionKind { group: String::new(), version: "v1".into(), kind: "Secret".into() };
        let namespace = (!everywhere).then_some(self.namespace.as_str());
        let secrets = self
            .runtime
            .block_on(self.cluster.list(&kind, namespace, selector))
            .map_err(|why| anyhow!("query: failed to query with labels: {why}"))?;
        let records = secrets.into_iter().filter_map(|secret| {
            let secret = Value::Object(secret.fields().clone());
            let is_record = secret.get("type").is_some_and(|kind| kind == SECRET_TYPE);
            let labels = secret.pointer("/metadata/labels").cloned().unwrap_or_default();
            let mut record = from_secret(&secret).ok().filter(|_| is_record)?;
            record["labels"] = labels;
            Some(Record(record))
        });
        Ok(records.collect())
    }

    /// All revisions of a release, the oldest first.
    pub(super) fn history(&self, name: &str) -> anyhow::Result<Vec<Record>> {
        if gyre_helm::release_name::validate(name).is_err() {
            bail!("release name is invalid: {name}");
        }
        let mut found = self.list(false, &format!("name={name},owner=helm"))?;
        if found.is_empty() {
            bail!("release: not found");
        }
        found.sort_by_key(Record::revision);
        Ok(found)
    }

    /// One revision of a release; the last for 0.
    pub(super) fn get(&self, name: &str, revision: i64) -> anyhow::Result<Record> {
        let history = self.history(name)?;
        let found = match revision {
            0 => history.into_iter().last(),
            revision => history.into_iter().find(|record| record.revision() == revision),
        };
        found.ok_or_else(|| anyhow!("release: not found"))
    }
}
