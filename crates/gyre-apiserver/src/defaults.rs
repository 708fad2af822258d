//! The values that Kubernetes fills in where an object leaves them out.

mod pod;
mod service;

use serde_json::{Value, json};

use crate::registry::Kind;

/// Sets a field that is missing.
fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut()
        && fields.get(key).is_none_or(Value::is_null)
    {
        fields.insert(key.into(), value.into());
    }
}

/// Calls `each` for every object of a list.
fn every(list: Option<&mut Value>, mut each: impl FnMut(&mut Value)) {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter(|it| it.is_object()).for_each(&mut each);
}

/// The object at a field, if it is one.
fn part<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    object.get_mut(key).filter(|it| it.is_object())
}

/// Fills in what an object of a kind leaves out. `create` tells a new object from a changed one.
pub(crate) fn fill(kind: &Kind, version: &str, object: &mut Value, create: bool) {
    match kind.id() {
        ("", plural) => core(plural, object, create),
        ("apps", plural) => apps(plural, object),
        ("batch", plural) => batch(plural, object),
        ("autoscaling", _) => autoscaling(version, object),
        ("networking.k8s.io", plural) => networking(plural, object),
        ("rbac.authorization.k8s.io", plural) => rbac(plural, object),
        ("storage.k8s.io", plural) => storage(plural, object),
        ("discovery.k8s.io", _) => endpoint_slice(object),
        ("scheduling.k8s.io", _) => set(object, "preemptionPolicy", "PreemptLowerPriority"),
        ("admissionregistration.k8s.io", plural) => admission(plural, object),
        ("apiextensions.k8s.io", _) => crate::custom::defaults(object),
        ("certificates.k8s.io" | "policy", _) => {}
        ("apiregistration.k8s.io", _) => {
            if let Some(service) = part(&mut object["spec"], "service") {
                set(service, "port", 443);
            }
        }
        _ => {}
    }
}

fn core(plural: &str, object: &mut Value, create: bool) {
    match plural {
        "pods" => pod::fill(object, create),
        "podtemplates" => pod::template(&mut object["template"]),
        "services" => service::fill(object, create),
        "secrets" => {
            set(object, "type", "Opaque");
            secret_strings(object);
        }
        "namespaces" => {
            let name = crate::object::meta(object, "name").to_owned();
            let labels = crate::object::metadata(object).entry("labels").or_insert_with(|| json!({}));
            if !name.is_empty()
                && let Some(labels) = labels.as_object_mut()
            {
                labels.insert("kubernetes.io/metadata.name".into(), name.into());
            }
            set(&mut object["status"], "phase", "Active");
        }
        "persistentvolumes" => {
            set(&mut object["status"], "phase", "Pending");
            let spec = &mut object["spec"];
            set(spec, "persistentVolumeReclaimPolicy", "Retain");
            set(spec, "volumeMode", "Filesystem");
            pod::volume_source(spec);
        }
        "persistentvolumeclaims" => claim(object),
        "endpoints" => every(object.get_mut("subsets"), |subset| {
            every(subset.get_mut("ports"), |port| set(port, "protocol", "TCP"));
        }),
        "nodes" => {
            let cidr = object["spec"]["podCIDR"].clone();
            if cidr.is_string() {
                set(&mut object["spec"], "podCIDRs", json!([cidr]));
            } else if object["spec"]["podCIDRs"].is_array() {
                let first = object["spec"]["podCIDRs"][0].clone();
                set(&mut object["spec"], "podCIDR", first);
            }
            let capacity = object["status"]["capacity"].clone();
            if capacity.is_object() {
                set(&mut object["status"], "allocatable", capacity);
            }
        }
        "replicationcontrollers" => replication_controller(object),
        "limitranges" => every(object["spec"].get_mut("limits"), limit),
        "resourcequotas" | "configmaps" => {}
        _ => {}
    }
}

/// `stringData` of a Secret is written into `data` and not kept.
fn secret_strings(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    let Some(Value::Object(strings)) = fields.remove("stringData") else { return };
    if strings.is_empty() {
        return;
    }
    let data = fields.entry("data").or_insert_with(|| json!({}));
    for (key, value) in strings {
        let encoded = gyre_go::base64::STANDARD.encode(value.as_str().unwrap_or_default().as_bytes());
        data[key.as_str()] = encoded.into();
    }
}

pub(crate) fn claim(object: &mut Value) {
    set(&mut object["status"], "phase", "Pending");
    claim_spec(&mut object["spec"]);
}

fn claim_spec(spec: &mut Value) {
    if spec.is_object() {
        set(spec, "volumeMode", "Filesystem");
    }
}

fn limit(limit: &mut Value) {
    if limit["type"] != "Container" {
        return;
    }
    let copy = |limit: &mut Value, from: &str, to: &str| {
        for (key, value) in limit[from].as_object().cloned().unwrap_or_default() {
            if limit[to].is_null() {
                limit[to] = json!({});
            }
            set(&mut limit[to], &key, value);
        }
    };
    copy(limit, "max", "default");
    copy(limit, "default", "defaultRequest");
    copy(limit, "min", "defaultRequest");
    for key in ["default", "defaultRequest"] {
        if limit[key].is_null() {
            limit[key] = json!({});
        }
    }
    for key in ["default", "defaultRequest"] {
        if limit[key].as_object().is_some_and(serde_json::Map::is_empty) {
            limit.as_object_mut().map(|it| it.remove(key));
        }
    }
}

/// Gives ReplicationControllers and Jobs that have no labels those of their pods.
pub(crate) fn labels_of_pods(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() && object["metadata"]["labels"].is_null() && object["metadata"].is_object() {
        object["metadata"]["labels"] = labels;
    }
}

fn replication_controller(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() {
        set(&mut object["spec"], "selector", labels);
    }
    labels_of_pods(object);
    let spec = &mut object["spec"];
    if spec.is_object() {
        set(spec, "replicas", 1);
        if let Some(template) = part(spec, "template") {
            pod::template(template);
        }
    }
}

/// compat(daemonset conversion): the old count of templates lives on in an annotation, which is there in every object.
fn template_generation(object: &mut Value) {
    let metadata = crate::object::metadata(object);
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    set(annotations, crate::strategy::TEMPLATE_GENERATION, "0");
}

fn apps(plural: &str, object: &mut Value) {
    if plural == "daemonsets" {
        template_generation(object);
    }
    let Some(spec) = part(object, "spec") else { return };
    match plural {
        "deployments" => {
            set(spec, "replicas", 1);
            set(spec, "revisionHistoryLimit", 10);
            set(spec, "progressDeadlineSeconds", 600);
            set(&mut spec["strategy"], "type", "RollingUpdate");
            if spec["strategy"]["type"] == "RollingUpdate" {
                set(&mut spec["strategy"], "rollingUpdate", json!({}));
                set(&mut spec["strategy"]["rollingUpdate"], "maxUnavailable", "25%");
                set(&mut spec["strategy"]["rollingUpdate"], "maxSurge", "25%");
            }
        }
        "replicasets" => set(spec, "replicas", 1),
        "daemonsets" => {
            set(spec, "revisionHistoryLimit", 10);
            set(&mut spec["updateStrategy"], "type", "RollingUpdate");
            if spec["updateStrategy"]["type"] == "RollingUpdate" {
                set(&mut spec["updateStrategy"], "rollingUpdate", json!({}));
                set(&mut spec["updateStrategy"]["rollingUpdate"], "maxUnavailable", 1);
                set(&mut spec["updateStrategy"]["rollingUpdate"], "maxSurge", 0);
            }
        }
        "statefulsets" => {
            set(spec, "podManagementPolicy", "OrderedReady");
            set(&mut spec["updateStrategy"], "type", "RollingUpdate");
            if spec["updateStrategy"]["type"] == "RollingUpdate" {
                set(&mut spec["updateStrategy"], "rollingUpdate", json!({}));
                set(&mut spec["updateStrategy"]["rollingUpdate"], "partition", 0);
            }
            set(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
            set(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", "Retain");
            set(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", "Retain");
            set(spec, "replicas", 1);
            set(spec, "revisionHistoryLimit", 10);
            every(spec.get_mut("volumeClaimTemplates"), |it| {
                it["apiVersion"] = "v1".into();
                it["kind"] = "PersistentVolumeClaim".into();
                claim(it);
            });
        }
        _ => return,
    }
    pod::template(&mut spec["template"]);
}

fn job_spec(spec: &mut Value) {
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        spec["completions"] = 1.into();
    }
    set(spec, "parallelism", 1);
    if spec["backoffLimitPerIndex"].is_null() {
        set(spec, "backoffLimit", 6);
    } else {
        set(spec, "backoffLimit", i32::MAX);
    }
    set(spec, "completionMode", "NonIndexed");
    set(spec, "suspend", false);
    let replacement = if spec["podFailurePolicy"].is_object() { "Failed" } else { "TerminatingOrFailed" };
    set(spec, "podReplacementPolicy", replacement);
    set(spec, "manualSelector", false);
    every(spec["podFailurePolicy"].get_mut("rules"), |rule| {
        every(rule.get_mut("onPodConditions"), |it| {
            if it["status"].as_str().unwrap_or_default().is_empty() {
                it["status"] = "True".into();
            }
        });
    });
    if spec["podFailurePolicy"].is_null() {
        spec.as_object_mut().map(|it| it.remove("podFailurePolicy"));
    }
}

fn batch(plural: &str, object: &mut Value) {
    if plural == "jobs" {
        labels_of_pods(object);
        if let Some(spec) = part(object, "spec") {
            job_spec(spec);
            pod::template(&mut spec["template"]);
        }
        return;
    }
    let Some(spec) = part(object, "spec") else { return };
    set(spec, "concurrencyPolicy", "Allow");
    set(spec, "suspend", false);
    set(spec, "successfulJobsHistoryLimit", 3);
    set(spec, "failedJobsHistoryLimit", 1);
    if let Some(job) = part(spec, "jobTemplate").and_then(|it| part(it, "spec")) {
        pod::template(&mut job["template"]);
    }
}

fn autoscaling(version: &str, object: &mut Value) {
    let Some(spec) = part(object, "spec") else { return };
    set(spec, "minReplicas", 1);
    if version == "v1" {
        let others = object["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"].is_string();
        if !others {
            set(&mut object["spec"], "targetCPUUtilizationPercentage", 80);
        }
        return;
    }
    if spec["metrics"].as_array().is_none_or(Vec::is_empty) {
        spec["metrics"] = json!([{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80},
        }}]);
    }
    let up = json!([
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ]);
    let down = json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
    if let Some(behavior) = part(spec, "behavior") {
        for (key, policies, window) in [("scaleUp", up, Some(0)), ("scaleDown", down, None)] {
            if behavior[key].is_null() {
                behavior[key] = json!({});
            }
            let rules = &mut behavior[key];
            set(rules, "selectPolicy", "Max");
            set(rules, "policies", policies);
            if let Some(window) = window {
                set(rules, "stabilizationWindowSeconds", window);
            }
        }
    }
}

fn networking(plural: &str, object: &mut Value) {
    match plural {
        "networkpolicies" => {
            let Some(spec) = part(object, "spec") else { return };
            for rules in ["ingress", "egress"] {
                every(spec.get_mut(rules), |rule| {
                    every(rule.get_mut("ports"), |port| set(port, "protocol", "TCP"));
                });
                if spec[rules].is_null() {
                    spec.as_object_mut().map(|it| it.remove(rules));
                }
            }
            if spec["policyTypes"].as_array().is_none_or(Vec::is_empty) {
                let egress = spec["egress"].as_array().is_some_and(|it| !it.is_empty());
                spec["policyTypes"] = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
            }
        }
        "ingressclasses" => {
            if let Some(parameters) = part(&mut object["spec"], "parameters") {
                set(parameters, "scope", "Cluster");
            }
        }
        _ => {}
    }
}

fn rbac(plural: &str, object: &mut Value) {
    if !plural.ends_with("bindings") {
        return;
    }
    set(&mut object["roleRef"], "apiGroup", "rbac.authorization.k8s.io");
    if object["roleRef"]["apiGroup"] == "" {
        object["roleRef"]["apiGroup"] = "rbac.authorization.k8s.io".into();
    }
    every(object.get_mut("subjects"), |subject| {
        let group = match subject["kind"].as_str() {
            Some("User" | "Group") => "rbac.authorization.k8s.io",
            _ => return,
        };
        set(subject, "apiGroup", group);
    });
}

fn storage(plural: &str, object: &mut Value) {
    match plural {
        "storageclasses" => {
            set(object, "reclaimPolicy", "Delete");
            set(object, "volumeBindingMode", "Immediate");
        }
        "csidrivers" => {
            let Some(spec) = part(object, "spec") else { return };
            set(spec, "attachRequired", true);
            set(spec, "podInfoOnMount", false);
            set(spec, "storageCapacity", false);
            set(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
            set(spec, "volumeLifecycleModes", json!(["Persistent"]));
            set(spec, "requiresRepublish", false);
            set(spec, "seLinuxMount", false);
        }
        _ => {}
    }
}

fn endpoint_slice(object: &mut Value) {
    every(object.get_mut("ports"), |port| {
        set(port, "name", "");
        set(port, "protocol", "TCP");
    });
    every(object.get_mut("endpoints"), |endpoint: &mut Value| {
        if endpoint["conditions"].is_null() {
            endpoint["conditions"] = json!({});
        }
    });
}

fn admission(plural: &str, object: &mut Value) {
    match plural {
        "validatingwebhookconfigurations" | "mutatingwebhookconfigurations" => {
            every(object.get_mut("webhooks"), |hook| {
                set(hook, "failurePolicy", "Fail");
                set(hook, "matchPolicy", "Equivalent");
                set(hook, "namespaceSelector", json!({}));
                set(hook, "objectSelector", json!({}));
                set(hook, "timeoutSeconds", 10);
                if plural.starts_with("mutating") {
                    set(hook, "reinvocationPolicy", "Never");
                }
                if let Some(service) = part(&mut hook["clientConfig"], "service") {
                    set(service, "port", 443);
                }
                every(hook.get_mut("rules"), |rule| set(rule, "scope", "*"));
            });
        }
        "validatingadmissionpolicies" | "mutatingadmissionpolicies" => {
            let Some(spec) = part(object, "spec") else { return };
            set(spec, "failurePolicy", "Fail");
            if let Some(constraints) = part(spec, "matchConstraints") {
                match_resources(constraints);
            }
        }
        "validatingadmissionpolicybindings" | "mutatingadmissionpolicybindings" => {
            if let Some(resources) = part(&mut object["spec"], "matchResources") {
                match_resources(resources);
            }
        }
        _ => {}
    }
}

fn match_resources(resources: &mut Value) {
    set(resources, "matchPolicy", "Equivalent");
    set(resources, "namespaceSelector", json!({}));
    set(resources, "objectSelector", json!({}));
    for rules in ["resourceRules", "excludeResourceRules"] {
        every(resources.get_mut(rules), |rule| set(rule, "scope", "*"));
        if resources[rules].is_null() {
            resources.as_object_mut().map(|it| it.remove(rules));
        }
    }
}
