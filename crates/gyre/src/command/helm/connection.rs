//! The cluster that flags and environment name, and its releases.

use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use gyre_cluster::{ApiError, Cluster, Grant, Releases};
use gyre_go::time::{Time, Zone};
use gyre_helm::action::{End, Operation};
use gyre_helm::capabilities::{Capabilities, KubeVersion};
use gyre_helm::release::Release;
use gyre_model::{GroupVersionKind, ObjectRef};
use gyre_template::{Certificate, CertificateRequest, Host, LookUp};
use serde_json::{Value, json};

use super::environment::Settings;
use crate::host::{Machine, local_now};

/// The field manager of everything that is written.
const MANAGER: &str = "helm";

/// A cluster and its releases.
pub(super) struct Connection {
    runtime: tokio::runtime::Runtime,
    releases: Releases,
    /// Where records are kept, and where objects live that name no namespace.
    pub(super) namespace: String,
}

impl Connection {
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
        let releases =
            Releases::new(cluster, Grant::own(MANAGER), local_now, |lines: &str| eprint!("{lines}"));
        Ok(Self { runtime, releases, namespace: settings.namespace() })
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Is the cluster there? Its version.
    pub(super) fn reach(&self) -> anyhow::Result<Value> {
        let read = self.wait(self.releases.cluster().read("/version"));
        let body = read.map_err(|why| anyhow!("Kubernetes cluster unreachable: {why}"))?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// What the cluster can do.
    pub(super) fn capabilities(&self) -> anyhow::Result<Capabilities> {
        let version = self.reach()?;
        let text = |key: &str| version.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let api_versions = self.wait(self.releases.cluster().api_versions());
        let api_versions =
            api_versions.map_err(|why| anyhow!("could not get apiVersions from Kubernetes: {why}"))?;
        Ok(Capabilities {
            kube_version: KubeVersion {
                version: text("gitVersion"),
                major: text("major"),
                minor: text("minor"),
            },
            api_versions: Arc::new(api_versions),
            ..Capabilities::default()
        })
    }

    /// The records whose labels match, in the namespace or in all; unreadable ones are left out.
    pub(super) fn list(&self, everywhere: bool, selector: &str) -> anyhow::Result<Vec<Release>> {
        let namespace = (!everywhere).then_some(self.namespace.as_str());
        self.wait(self.releases.list(namespace, selector))
            .map_err(|why| anyhow!("query: failed to query with labels: {why}"))
    }

    /// All revisions of a release, the oldest first; none where there is no such release.
    pub(super) fn revisions(&self, name: &str) -> anyhow::Result<Vec<Release>> {
        self.wait(self.releases.history(&self.namespace, name))
            .map_err(|why| anyhow!("query: failed to query with labels: {why}"))
    }

    /// The same; that there is no such release is an error.
    pub(super) fn history(&self, name: &str) -> anyhow::Result<Vec<Release>> {
        if gyre_helm::release_name::validate(name).is_err() {
            bail!("release name is invalid: {name}");
        }
        let found = self.revisions(name)?;
        if found.is_empty() {
            bail!("release: not found");
        }
        Ok(found)
    }

    /// One revision of a release; the last for 0.
    pub(super) fn get(&self, name: &str, revision: i64) -> anyhow::Result<Release> {
        let history = self.history(name)?;
        let found = match revision {
            0 => history.into_iter().last(),
            revision => history.into_iter().find(|record| record.revision() == revision),
        };
        found.ok_or_else(|| anyhow!("release: not found"))
    }

    /// Carries an operation out.
    pub(super) fn run(&self, operation: &mut Operation) -> End {
        self.wait(self.releases.run(operation))
    }

    /// Carries an installation or an upgrade out. Where the program is told to stop, it ends as failed.
    pub(super) fn run_until_stopped(&self, operation: &mut Operation) -> End {
        let name = operation.release().name().to_owned();
        self.wait(async {
            let stopped = async {
                if crate::signal::stopped().await.is_err() {
                    std::future::pending::<()>().await;
                }
                println!("Release {name} has been cancelled.");
            };
            self.releases.run_until(operation, stopped).await
        })
    }

    /// Installs the definitions of a chart that are not there yet.
    pub(super) fn install_crds(&self, chart: &gyre_helm::Chart) -> anyhow::Result<()> {
        self.wait(self.releases.install_crds(&chart.crds(), &self.namespace)).map_err(|why| anyhow!(why))
    }

    /// The log of a pod.
    pub(super) fn pod_log(&self, pod: &str) -> Result<String, ApiError> {
        self.wait(self.releases.pod_log(&self.namespace, pod, ""))
    }
}

/// The world of templates that may ask the cluster.
pub(super) struct Asking<'a> {
    machine: Machine,
    connection: &'a Connection,
}

impl<'a> Asking<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { machine: Machine::new(), connection }
    }
}

impl Host for Asking<'_> {
    fn now(&mut self) -> Time {
        self.machine.now()
    }

    fn random(&mut self, buffer: &mut [u8]) {
        self.machine.random(buffer);
    }

    fn local_zone(&self) -> Zone {
        self.machine.local_zone()
    }

    fn private_key(&mut self, algorithm: &str) -> Result<String, String> {
        self.machine.private_key(algorithm)
    }

    fn certificate(&mut self, request: &CertificateRequest<'_>) -> Result<Certificate, String> {
        self.machine.certificate(request)
    }

    fn lookup(&mut self, kind: &LookUp<'_>) -> Result<Value, String> {
        let cluster = self.connection.releases.cluster();
        let gvk = GroupVersionKind::parse(kind.api_version, kind.kind);
        let found = self.connection.wait(async {
            if kind.name.is_empty() {
                let namespace = (!kind.namespace.is_empty()).then_some(kind.namespace);
                let items = cluster.list(&gvk, namespace, "").await?;
                let items: Vec<Value> = items.iter().map(gyre_model::Object::to_value).collect();
                let list_kind = format!("{}List", kind.kind);
                return Ok(
                    json!({ "apiVersion": kind.api_version, "kind": list_kind, "metadata": {}, "items": items }),
                );
            }
            let target = ObjectRef::new(gvk.clone(), kind.namespace, kind.name);
            Ok(cluster.get(&target).await?.map_or_else(|| json!({}), |object| object.to_value()))
        });
        found.map_err(|why: ApiError| match why {
            ApiError::NoKind { .. } => format!(
                "unable to get apiresource from unstructured: {}, Kind={}: the server could not find the requested resource",
                if gvk.group.is_empty() { format!("/{}", gvk.version) } else { gvk.api_version() },
                gvk.kind
            ),
            other => other.to_string(),
        })
    }
}
