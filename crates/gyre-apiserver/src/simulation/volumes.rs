//! Claims: each gets a volume made for it.

use serde_json::{Value, json};

use super::Cluster;
use crate::object;

/// Binds a claim that waits.
pub(super) fn claim(cluster: &Cluster<'_>, claim: &Value) {
    if claim["status"]["phase"] == "Bound" {
        return;
    }
    let (ns, name, uid) =
        (object::meta(claim, "namespace"), object::meta(claim, "name"), object::meta(claim, "uid"));
    let volume = claim["spec"]["volumeName"].as_str().map_or_else(|| format!("pvc-{uid}"), Into::into);
    let capacity = json!({"storage": claim["spec"]["resources"]["requests"]["storage"]});
    if cluster.find("persistentvolumes", "", &volume).is_none() {
        let mut made = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
            "spec": {
                "accessModes": claim["spec"]["accessModes"], "capacity": capacity,
                "hostPath": {"path": format!("/simulated/{volume}")}, "persistentVolumeReclaimPolicy": "Delete",
                "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": ns, "name": name, "uid": uid},
            },
        });
        if let Some(class) = claim["spec"].get("storageClassName") {
            made["spec"]["storageClassName"] = class.clone();
        }
        if let Some(made) = cluster.create("", "persistentvolumes", "", made) {
            cluster.change("", "persistentvolumes", &made, "status", |it| {
                it["status"]["phase"] = "Bound".into();
            });
        }
    }
    cluster.change("", "persistentvolumeclaims", claim, "", |it| {
        it["spec"]["volumeName"] = volume.clone().into();
    });
    cluster.change("", "persistentvolumeclaims", claim, "status", |it| {
        it["status"]["phase"] = "Bound".into();
        it["status"]["accessModes"] = it["spec"]["accessModes"].clone();
        it["status"]["capacity"] = capacity.clone();
    });
}
