//! What a reconcile would do now, found out from here: the sources are fetched, rendered, and compared.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use gyre_cluster::Cluster;
use gyre_controllers::preview::{self, Pair, Preview};
use gyre_controllers::{Parts, Settings, SystemClock};
use gyre_model::Object;
use gyre_source::{ArtifactStore, Limits, Sources};
use serde_json::{Value, json};

use crate::data::DataDir;
use crate::resources::Kind;

/// Previews a Kustomization or an Application.
pub(crate) async fn of(cluster: &Cluster, kind: &Kind, object: Object) -> Result<Preview> {
    let data = DataDir::temporary()?;
    let parts = Parts {
        cluster: cluster.clone(),
        sources: Sources::new(&data.join("git"), Limits::default()),
        store: Arc::new(ArtifactStore::open(&data.join("artifacts"))?),
        clock: Arc::new(SystemClock),
        settings: Settings { artifact_address: String::new(), allow_file_urls: true, no_remote_bases: false },
    };
    let preview = match kind.name {
        "Kustomization" => preview::kustomization(parts, object, None).await,
        "Application" => preview::application(parts, object).await,
        other => bail!("a {other} delivers nothing by itself: name a Kustomization or an Application"),
    };
    preview.map_err(|why| anyhow!("{why}"))
}

/// What of the metadata nobody else may set.
const KEPT_BY_THE_SERVER: [&str; 5] =
    ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"];

/// Both sides of a change as YAML, without what the server keeps for itself, and without secrets.
pub(crate) fn sides(pair: &Pair) -> (String, String) {
    let mut live = pair.live.as_ref().map(|object| object.to_value()).unwrap_or_default();
    let mut merged = pair.merged.as_ref().map(|object| object.to_value()).unwrap_or_default();
    for side in [&mut live, &mut merged] {
        if let Some(metadata) = side.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|field, _| !KEPT_BY_THE_SERVER.contains(&field.as_str()));
        }
    }
    if pair.target.kind == "Secret" && pair.target.group.is_empty() {
        mask(&mut live, &mut merged);
    }
    (yaml(&live), yaml(&merged))
}

fn yaml(value: &Value) -> String {
    if value.is_null() { String::new() } else { gyre_yaml::write_value(value) }
}

/// What a Secret holds is not shown, only what of it changes (`kubectl diff`).
fn mask(live: &mut Value, merged: &mut Value) {
    for field in ["data", "stringData"] {
        let keys = |side: &Value| -> Vec<String> {
            side[field].as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
        };
        for key in [keys(live), keys(merged)].concat() {
            let (before, after) = (live[field].get(&key).cloned(), merged[field].get(&key).cloned());
            let changed = before != after && before.is_some() && after.is_some();
            if before.is_some() {
                live[field][&key] = json!(if changed { "*** (before)" } else { "***" });
            }
            if after.is_some() {
                merged[field][&key] = json!(if changed { "*** (after)" } else { "***" });
            }
        }
    }
    // What was applied last holds the same again.
    for side in [live, merged] {
        if let Some(annotations) = side.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let mut live = json!({"data": {"a": "eA==", "b": "eQ==", "c": "eg=="}});
        let mut merged = json!({"data": {"a": "eA==", "b": "MQ==", "d": "Mg=="}});
        mask(&mut live, &mut merged);
        assert_eq!(live, json!({"data": {"a": "***", "b": "*** (before)", "c": "***"}}));
        assert_eq!(merged, json!({"data": {"a": "***", "b": "*** (after)", "d": "***"}}));
    }
}
