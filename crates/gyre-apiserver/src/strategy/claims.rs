//! Where a claim's data comes from is written down twice (`pkg/api/persistentvolumeclaim`).

use serde_json::Value;

/// Whether the older of the two fields may name a source.
fn is_known(source: &Value) -> bool {
    let text = |key: &str| source[key].as_str().unwrap_or_default();
    matches!(
        (text("apiGroup"), text("kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    )
}

/// Makes the two fields of a claim say the same. What is off is taken away unless the claim had a source before: sources of
/// any kind in the older field, and of other namespaces in the newer.
pub(super) fn settle(spec: &mut Value, old: &Value) {
    let Some(fields) = spec.as_object_mut() else { return };
    let used = old["dataSource"].is_object() || old["dataSourceRef"].is_object();
    let elsewhere = |it: &Value| it["namespace"].as_str().is_some_and(|it| !it.is_empty());
    if !used && fields.get("dataSourceRef").is_some_and(elsewhere) {
        fields.remove("dataSourceRef");
    }
    let alone = fields.get("dataSourceRef").is_none();
    if !used && alone && fields.get("dataSource").is_some_and(|it| !is_known(it)) {
        fields.remove("dataSource");
    }
    match (fields.get("dataSource").cloned(), fields.get("dataSourceRef").cloned()) {
        (Some(source), None) => fields.insert("dataSourceRef".into(), source),
        (None, Some(reference)) => fields.insert("dataSource".into(), reference),
        _ => None,
    };
}
