//! Fields that the server does not keep, mostly those of features that are off: a writer may name them, and they are not
//! there afterwards (the `dropDisabledFields` of the strategies of Kubernetes).

use serde_json::Value;

use crate::registry::Kind;

/// Paths of fields; `*` is every item of a list, and a field with `?` goes as well where nothing else is in it.
const DROPPED: &[((&str, &str), &[&str])] = &[
    (("apps", "statefulsets"), &["spec.updateStrategy.rollingUpdate.maxUnavailable"]),
    (("coordination.k8s.io", "leases"), &["spec.strategy", "spec.preferredHolder"]),
    (("discovery.k8s.io", "endpointslices"), &["endpoints.*.deprecatedTopology"]),
    (("", "nodes"), &["spec.configSource"]),
    (
        ("", "serviceaccounts"),
        &[
            "secrets.*.apiVersion",
            "secrets.*.fieldPath",
            "secrets.*.kind",
            "secrets.*.namespace",
            "secrets.*.resourceVersion",
            "secrets.*.uid",
        ],
    ),
];

/// The same in the specs of pods.
const OF_PODS: &[&str] = &[
    "containers.*.lifecycle?.stopSignal",
    "initContainers.*.lifecycle?.stopSignal",
    "ephemeralContainers.*.lifecycle?.stopSignal",
    "schedulingGroup",
    "volumes.*.projected.sources.*.clusterTrustBundle",
    "volumes.*.projected.sources.*.podCertificate",
];

/// Takes away what the server does not keep.
pub(super) fn drop(kind: &Kind, object: &mut Value) {
    for path in DROPPED.iter().filter(|(id, _)| *id == kind.id()).flat_map(|(_, paths)| *paths) {
        remove(object, path);
    }
    if let Some(spec) = pod_spec(kind).and_then(|at| object.pointer_mut(at)) {
        for path in OF_PODS {
            remove(spec, path);
        }
    }
}

/// Where the spec of pods lies in an object of a kind.
pub(crate) fn pod_spec(kind: &Kind) -> Option<&'static str> {
    match kind.id() {
        ("", "pods") => Some("/spec"),
        ("", "podtemplates") => Some("/template/spec"),
        ("batch", "cronjobs") => Some("/spec/jobTemplate/spec/template/spec"),
        ("", "replicationcontrollers") | ("batch", "jobs") => Some("/spec/template/spec"),
        ("apps", plural) if plural != "controllerrevisions" => Some("/spec/template/spec"),
        _ => None,
    }
}

fn remove(value: &mut Value, path: &str) {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    match (rest, value) {
        (Some(rest), Value::Array(items)) if step == "*" => items.iter_mut().for_each(|it| remove(it, rest)),
        (Some(rest), Value::Object(fields)) => {
            let name = step.trim_end_matches('?');
            let Some(child) = fields.get_mut(name) else { return };
            remove(child, rest);
            if name != step && child.as_object().is_some_and(serde_json::Map::is_empty) {
                fields.remove(name);
            }
        }
        (None, Value::Object(fields)) => {
            fields.remove(step);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn fields_go_and_their_neighbours_stay() {
        let mut value = json!({"a": [{"b": 1, "c": 2}, {"c": 3}, 4], "d": 5});
        super::remove(&mut value, "a.*.c");
        super::remove(&mut value, "e.f");
        let mut emptied = json!({"a": {"b": 1}, "c": {"b": 1, "d": 2}});
        super::remove(&mut emptied, "a?.b");
        super::remove(&mut emptied, "c?.b");
        assert_eq!(emptied, json!({"c": {"d": 2}}));
        super::remove(&mut value, "d.*.f");
        assert_eq!(value, json!({"a": [{"b": 1}, {}, 4], "d": 5}));
    }
}
