//! Namespaces: what every one has, and how one ends.

use serde_json::{Value, json};

use super::{Cluster, Engine, Item};
use crate::api::Place;
use crate::object;
use crate::store::Expect;
use crate::verbs::DeleteOptions;

/// The name of the ConfigMap with the cluster's authority.
const ROOT_CA: &str = "kube-root-ca.crt";

impl Engine {
    pub(super) fn namespace(&mut self, cluster: &Cluster<'_>, item: &Item, ns: &Value) {
        let name = object::meta(ns, "name");
        if !object::is_deleting(ns) {
            if cluster.find("serviceaccounts", name, "default").is_none() {
                let account =
                    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
                cluster.create("", "serviceaccounts", name, account);
            }
            if cluster.find("configmaps", name, ROOT_CA).is_none() {
                let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
                let map = json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": ROOT_CA, "annotations": {"kubernetes.io/description": about}},
                    "data": {"ca.crt": ""},
                });
                cluster.create("", "configmaps", name, map);
            }
            return;
        }
        self.ending.insert(item.key.clone());
        if empty_out(cluster, name) == 0 {
            finalize(cluster, ns);
        }
    }
}

/// Deletes everything in a namespace, and counts what is left.
fn empty_out(cluster: &Cluster<'_>, ns: &str) -> usize {
    let registry = cluster.api.registry();
    let prefix = format!("{ns}/");
    let mut left = 0;
    for kind in registry.kinds.iter().filter(|kind| kind.namespaced && !kind.is("events.k8s.io", "events")) {
        for entry in cluster.api.store.list(&kind.shelf, &prefix).1 {
            let place = Place::of(kind, ns, entry.key.split_once('/').map_or("", |(_, name)| name));
            let options = DeleteOptions { policy: Some("Background".into()), ..DeleteOptions::default() };
            match cluster.api.delete_object(&place, &options) {
                Ok(deleted) if deleted.gone => {}
                Err(failure) if failure.code == 404 => {}
                _ => left += 1,
            }
        }
    }
    left
}

/// Takes the last finalizer off a namespace that is empty.
fn finalize(cluster: &Cluster<'_>, ns: &Value) {
    let Some(kind) = cluster.kind("", "namespaces") else { return };
    let key = object::meta(ns, "name");
    let mut last = ns.clone();
    if let Some(spec) = last["spec"].as_object_mut() {
        spec.remove("finalizers");
    }
    let revision = object::revision(ns);
    let encoded = object::encode(&last);
    // Another change brings the namespace here again.
    let _ = if object::finalizers(ns).is_empty() {
        cluster.api.store.remove(&kind.shelf, key, revision, &encoded)
    } else if last != *ns {
        cluster.api.store.put(&kind.shelf, key, Expect::At(revision), &encoded)
    } else {
        return;
    };
}
