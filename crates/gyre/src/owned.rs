//! What an object of ours owns in the cluster: the objects it delivered, their health, and what these own in turn.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use gyre_cluster::{ApiError, Cluster};
use gyre_health::argo::{self, Health};
use gyre_health::kstatus;
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::Value;

use crate::resources::{Dialect, Kind};

/// Kinds whose objects belong to others.
const CHILDREN: [(&str, &str); 5] = [
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("batch/v1", "Job"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("v1", "PersistentVolumeClaim"),
];

/// One object, with what it owns.
pub(crate) struct Node {
    pub(crate) object: ObjectRef,
    pub(crate) live: Option<Object>,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// The health in a word, and what is said of it.
    pub(crate) fn health(&self, dialect: Dialect) -> (String, String) {
        let Some(live) = &self.live else { return ("Missing".into(), String::new()) };
        if dialect == Dialect::Argo {
            return argo::judge(live)
                .map_or_else(Default::default, |verdict| (verdict.health.to_string(), verdict.message));
        }
        let verdict = kstatus::judge(live);
        (verdict.status.to_string(), verdict.message)
    }
}

/// The objects that one of ours has delivered.
pub(crate) fn inventory(kind: &Kind, object: &Object) -> Vec<ObjectRef> {
    let list = |pointer: &str| object.at(pointer).and_then(Value::as_array).into_iter().flatten();
    if kind.dialect == Dialect::Argo {
        return list("/status/resources").map(reference).collect();
    }
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    list("/status/inventory/entries")
        .filter_map(|entry| ObjectRef::parse_id(&text(entry, "id"), &text(entry, "v")))
        .collect()
}

/// An entry of `status.resources`.
fn reference(entry: &Value) -> ObjectRef {
    let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let gvk = GroupVersionKind { group: text("group"), version: text("version"), kind: text("kind") };
    ObjectRef::new(gvk, &text("namespace"), &text("name"))
}

/// The objects with what they own, as they are now.
pub(crate) async fn nodes(cluster: &Cluster, objects: Vec<ObjectRef>) -> Result<Vec<Node>> {
    let mut live = Vec::new();
    for object in objects {
        let found = match cluster.get(&object).await {
            Err(ApiError::NoKind { .. }) => None,
            found => found?,
        };
        live.push((object, found));
    }
    let namespaces: BTreeSet<String> =
        live.iter().map(|(object, _)| object.namespace.clone()).filter(|it| !it.is_empty()).collect();
    let mut owned: HashMap<String, Vec<Object>> = HashMap::new();
    for namespace in &namespaces {
        for (api_version, kind) in CHILDREN {
            let gvk = GroupVersionKind::parse(api_version, kind);
            for child in cluster.list(&gvk, Some(namespace), "").await? {
                let owners = child.at("/metadata/ownerReferences").and_then(Value::as_array);
                let uids: Vec<String> = owners
                    .into_iter()
                    .flatten()
                    .filter_map(|owner| Some(owner["uid"].as_str()?.to_owned()))
                    .collect();
                for uid in uids {
                    owned.entry(uid).or_default().push(child.clone());
                }
            }
        }
    }
    Ok(live.into_iter().map(|(object, live)| node(object, live, &owned, 0)).collect())
}

/// bounded: nobody owns this deep, but a circle would.
const DEPTH_MAX: usize = 8;

fn node(object: ObjectRef, live: Option<Object>, owned: &HashMap<String, Vec<Object>>, depth: usize) -> Node {
    let children = live.as_ref().and_then(|live| owned.get(live.uid())).filter(|_| depth < DEPTH_MAX);
    let children = children.into_iter().flatten();
    let children =
        children.map(|child| node(child.object_ref(), Some(child.clone()), owned, depth + 1)).collect();
    Node { object, live, children }
}

/// Is this as good as it gets?
pub(crate) fn is_well(health: &str) -> bool {
    health.is_empty() || health == "Current" || health == Health::Healthy.to_string()
}
