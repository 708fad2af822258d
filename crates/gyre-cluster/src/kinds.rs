//! What the server knows of kinds: their resource names and scopes, by discovery.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use gyre_model::GroupVersionKind;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::ApiError;
use crate::connect::Transport;
use crate::limits::DISCOVERY_FRESH;

/// A kind as the server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// Name in paths: `deployments`.
    pub plural: String,
    /// Do its objects live in namespaces?
    pub namespaced: bool,
}

/// The kinds of each group and version that has been asked for, kept until a kind is not found.
#[derive(Default)]
pub(crate) struct Kinds {
    versions: Mutex<HashMap<String, Version>>,
}

struct Version {
    read_at: Instant,
    kinds: HashMap<String, Arc<Kind>>,
}

impl Kinds {
    /// The kind, from what is known or from the server.
    pub(crate) async fn find(
        &self,
        transport: &Transport,
        gvk: &GroupVersionKind,
    ) -> Result<Arc<Kind>, ApiError> {
        let api_version = gvk.api_version();
        let mut versions = self.versions.lock().await;
        if let Some(version) = versions.get(&api_version) {
            if let Some(kind) = version.kinds.get(&gvk.kind) {
                return Ok(Arc::clone(kind));
            }
            if version.read_at.elapsed() < DISCOVERY_FRESH {
                return Err(no_kind(gvk));
            }
        }
        let kinds = read(transport, gvk).await?;
        let found = kinds.get(&gvk.kind).cloned();
        versions.insert(api_version, Version { read_at: Instant::now(), kinds });
        found.ok_or_else(|| no_kind(gvk))
    }

    /// Forgets the group: its definitions have changed.
    pub(crate) async fn forget(&self, group: &str) {
        self.versions
            .lock()
            .await
            .retain(|api_version, _| api_version.split_once('/').map_or("", |(found, _)| found) != group);
    }
}

fn no_kind(gvk: &GroupVersionKind) -> ApiError {
    ApiError::NoKind { api_version: gvk.api_version(), kind: gvk.kind.clone() }
}

async fn read(transport: &Transport, gvk: &GroupVersionKind) -> Result<HashMap<String, Arc<Kind>>, ApiError> {
    let path = if gvk.group.is_empty() {
        format!("/api/{}", gvk.version)
    } else {
        format!("/apis/{}/{}", gvk.group, gvk.version)
    };
    let request = http::Request::get(path).body(Vec::new());
    let request = request.map_err(|error| ApiError::Unreadable(error.to_string()))?;
    let body = match transport.send(request).await {
        Err(error) if error.is_not_found() => return Ok(HashMap::new()),
        other => other?,
    };
    let list: Value =
        serde_json::from_slice(&body).map_err(|error| ApiError::Unreadable(error.to_string()))?;
    let resources = list.get("resources").and_then(Value::as_array);
    Ok(resources.into_iter().flatten().filter_map(|resource| kind(resource, gvk)).collect())
}

fn kind(resource: &Value, gvk: &GroupVersionKind) -> Option<(String, Arc<Kind>)> {
    let plural = resource.get("name")?.as_str()?;
    // Subresources are listed beside their resource.
    if plural.contains('/') {
        return None;
    }
    let name = resource.get("kind")?.as_str()?.to_owned();
    let namespaced = resource.get("namespaced")?.as_bool()?;
    let gvk = GroupVersionKind { kind: name.clone(), ..gvk.clone() };
    Some((name, Arc::new(Kind { gvk, plural: plural.into(), namespaced })))
}

impl crate::Cluster {
    /// Everything that the server serves: `apps/v1`, `apps/v1/Deployment`. Groups that do not answer are left out.
    pub async fn api_versions(&self) -> Result<Vec<String>, ApiError> {
        let parse = |body: Vec<u8>| -> Result<Value, ApiError> {
            serde_json::from_slice(&body).map_err(|error| ApiError::Unreadable(error.to_string()))
        };
        let core = parse(self.read("/api").await?)?;
        let mut versions: Vec<String> = core
            .get("versions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|version| version.as_str().map(ToOwned::to_owned))
            .collect();
        let groups = parse(self.read("/apis").await?)?;
        for group in groups.get("groups").and_then(Value::as_array).into_iter().flatten() {
            let served = group.get("versions").and_then(Value::as_array);
            let name = |version: &Value| version.get("groupVersion")?.as_str().map(ToOwned::to_owned);
            versions.extend(served.into_iter().flatten().filter_map(name));
        }
        let reads = versions.iter().map(|version| async move {
            let root = if version.contains('/') { "/apis" } else { "/api" };
            (version, self.read(&format!("{root}/{version}")).await)
        });
        let mut all = versions.clone();
        for (version, read) in futures::future::join_all(reads).await {
            let Ok(list) = read.and_then(parse) else { continue };
            let resources = list.get("resources").and_then(Value::as_array);
            for kind in resources.into_iter().flatten().filter_map(|one| one.get("kind")?.as_str()) {
                let id = format!("{version}/{kind}");
                if !all.contains(&id) {
                    all.push(id);
                }
            }
        }
        Ok(all)
    }
}
