//! Pods and their templates.

use std::collections::BTreeSet;

use serde_json::Value;

use super::containers;
use super::fields::{Causes, address, each, in_order, items, not_negative, one_of, selector, text};
use super::volumes;
use crate::failure::Cause;
use crate::names;

/// What a pod's parts must know of the whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) host_network: bool,
    pub(super) volumes: BTreeSet<String>,
}

impl Context {
    pub(super) fn pod(object: &Value) -> Self {
        Self::of(&object["spec"])
    }

    fn of(spec: &Value) -> Self {
        let volumes = spec["volumes"].as_array().into_iter().flatten();
        Self {
            host_network: spec["hostNetwork"] == true,
            volumes: volumes.map(|it| text(&it["name"]).to_owned()).collect(),
        }
    }
}

/// A template of pods.
pub(super) fn template(template: &Value, path: &str, warnings: &mut Vec<String>, causes: &mut Causes) {
    super::labels(&template["metadata"]["labels"], &format!("{path}.labels"), causes);
    spec(&template["spec"], &format!("{path}.spec"), &Context::of(&template["spec"]), warnings, causes);
}

/// The spec of a pod.
pub(super) fn spec(spec: &Value, path: &str, cx: &Context, warnings: &mut Vec<String>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    volumes::list(&spec["volumes"], &at("volumes"), causes);
    containers::list(spec, path, cx, warnings, causes);
    let policies = ["Always", "OnFailure", "Never"];
    match text(&spec["restartPolicy"]) {
        "" => causes.push(Cause::required(at("restartPolicy"), "")),
        _ => one_of(&spec["restartPolicy"], &policies, &at("restartPolicy"), causes),
    }
    dns(spec, path, causes);
    security(&spec["securityContext"], &at("securityContext"), causes);
    super::labels(&spec["nodeSelector"], &at("nodeSelector"), causes);
    if let Some(affinity) = spec.get("affinity").filter(|it| it.is_object()) {
        node_affinity(&affinity["nodeAffinity"], &at("affinity.nodeAffinity"), causes);
        pod_affinity(&affinity["podAffinity"], &at("affinity.podAffinity"), causes);
        pod_affinity(&affinity["podAntiAffinity"], &at("affinity.podAntiAffinity"), causes);
    }
    let name = &spec["serviceAccountName"];
    if !text(name).is_empty() {
        each(names::subdomain(text(name)), name, &at("serviceAccountName"), causes);
    }
    let node = &spec["nodeName"];
    if !text(node).is_empty() {
        each(names::subdomain(text(node)), node, &at("nodeName"), causes);
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        let detail = "must be between 1 and 2147483647, inclusive";
        causes.push(Cause::invalid(at("activeDeadlineSeconds"), &seconds.into(), detail));
    }
    for key in ["hostname", "subdomain"] {
        if !text(&spec[key]).is_empty() {
            each(names::label(text(&spec[key])), &spec[key], &at(key), causes);
        }
    }
    for (at, toleration) in items(&spec["tolerations"], &at("tolerations")) {
        self::toleration(toleration, &at, causes);
    }
    for (at, alias) in items(&spec["hostAliases"], &at("hostAliases")) {
        address(&alias["ip"], &format!("{at}.ip"), causes);
        for (at, name) in items(&alias["hostnames"], &format!("{at}.hostnames")) {
            each(names::subdomain(text(name)), name, &at, causes);
        }
    }
    let class = &spec["priorityClassName"];
    if !text(class).is_empty() {
        each(names::subdomain(text(class)), class, &at("priorityClassName"), causes);
    }
    spread(&spec["topologySpreadConstraints"], &at("topologySpreadConstraints"), warnings, causes);
    not_negative(&spec["terminationGracePeriodSeconds"], &at("terminationGracePeriodSeconds"), causes);
}

fn dns(spec: &Value, path: &str, causes: &mut Causes) {
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    match text(&spec["dnsPolicy"]) {
        "" => causes.push(Cause::required(format!("{path}.dnsPolicy"), "")),
        _ => one_of(&spec["dnsPolicy"], &policies, &format!("{path}.dnsPolicy"), causes),
    }
    let config = &spec["dnsConfig"];
    let servers = config["nameservers"].as_array().map_or(0, Vec::len);
    if spec["dnsPolicy"] == "None" && servers == 0 {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        causes.push(Cause::required(format!("{path}.dnsConfig.nameservers"), detail));
    }
    for (at, server) in items(&config["nameservers"], &format!("{path}.dnsConfig.nameservers")) {
        address(server, &at, causes);
    }
    for (at, option) in items(&config["options"], &format!("{path}.dnsConfig.options")) {
        if text(&option["name"]).is_empty() {
            causes.push(Cause::required(at, "must not be empty"));
        }
    }
}

fn security(context: &Value, path: &str, causes: &mut Causes) {
    for key in ["fsGroup", "runAsUser", "runAsGroup"] {
        if context[key].as_i64().is_some_and(|it| !(0..=i64::from(i32::MAX)).contains(&it)) {
            let detail = "must be between 0 and 2147483647, inclusive";
            causes.push(Cause::invalid(format!("{path}.{key}"), &context[key], detail));
        }
    }
    if !context["fsGroupChangePolicy"].is_null() {
        let path = format!("{path}.fsGroupChangePolicy");
        one_of(&context["fsGroupChangePolicy"], &["Always", "OnRootMismatch"], &path, causes);
    }
}

fn node_terms(terms: &Value, path: &str, causes: &mut Causes) {
    for (at, term) in items(terms, path) {
        for (at, it) in items(&term["matchExpressions"], &format!("{at}.matchExpressions")) {
            let values = it["values"].as_array().map_or(0, Vec::len);
            match text(&it["operator"]) {
                "In" | "NotIn" if values == 0 => {
                    let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                    causes.push(Cause::required(format!("{at}.values"), detail));
                }
                "Exists" | "DoesNotExist" if values > 0 => {
                    let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    causes.push(Cause::forbidden(format!("{at}.values"), detail));
                }
                "Gt" | "Lt" if values != 1 => {
                    let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                    causes.push(Cause::required(format!("{at}.values"), detail));
                }
                "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
                _ => {
                    let detail = "not a valid selector operator";
                    causes.push(Cause::invalid(format!("{at}.operator"), &it["operator"], detail));
                }
            }
            each(names::qualified_name(text(&it["key"])), &it["key"], &format!("{at}.key"), causes);
        }
    }
}

pub(super) fn node_selector(selector: &Value, path: &str, causes: &mut Causes) {
    let path = format!("{path}.nodeSelectorTerms");
    if selector["nodeSelectorTerms"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required(path, "must have at least one node selector term"));
    } else {
        node_terms(&selector["nodeSelectorTerms"], &path, causes);
    }
}

fn weight(term: &Value, path: &str, causes: &mut Causes) {
    if !(1..=100).contains(&term["weight"].as_i64().unwrap_or(0)) {
        let value = term["weight"].as_i64().unwrap_or(0);
        causes.push(Cause::invalid(format!("{path}.weight"), &value.into(), "must be in the range 1-100"));
    }
}

fn node_affinity(affinity: &Value, path: &str, causes: &mut Causes) {
    let required = &affinity["requiredDuringSchedulingIgnoredDuringExecution"];
    if required.is_object() {
        node_selector(required, &format!("{path}.requiredDuringSchedulingIgnoredDuringExecution"), causes);
    }
    let preferred = &affinity["preferredDuringSchedulingIgnoredDuringExecution"];
    for (at, term) in items(preferred, &format!("{path}.preferredDuringSchedulingIgnoredDuringExecution")) {
        weight(term, &at, causes);
        node_terms(&Value::Array(vec![term["preference"].clone()]), &format!("{at}.preference"), causes);
    }
}

fn affinity_term(term: &Value, path: &str, causes: &mut Causes) {
    selector(&term["labelSelector"], &format!("{path}.labelSelector"), causes);
    let key = &term["topologyKey"];
    if text(key).is_empty() {
        causes.push(Cause::required(format!("{path}.topologyKey"), "can not be empty"));
    }
    each(names::qualified_name(text(key)), &text(key).into(), &format!("{path}.topologyKey"), causes);
}

fn pod_affinity(affinity: &Value, path: &str, causes: &mut Causes) {
    let required = &affinity["requiredDuringSchedulingIgnoredDuringExecution"];
    for (at, term) in items(required, &format!("{path}.requiredDuringSchedulingIgnoredDuringExecution")) {
        affinity_term(term, &at, causes);
    }
    let preferred = &affinity["preferredDuringSchedulingIgnoredDuringExecution"];
    for (at, term) in items(preferred, &format!("{path}.preferredDuringSchedulingIgnoredDuringExecution")) {
        weight(term, &at, causes);
        affinity_term(&term["podAffinityTerm"], &format!("{at}.podAffinityTerm"), causes);
    }
}

fn toleration(it: &Value, path: &str, causes: &mut Causes) {
    let key = text(&it["key"]);
    if !key.is_empty() {
        each(names::qualified_name(key), &it["key"], &format!("{path}.key"), causes);
    }
    if key.is_empty() && it["operator"] != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(format!("{path}.operator"), &text(&it["operator"]).into(), detail));
    }
    if it["tolerationSeconds"].is_number() && it["effect"] != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        causes.push(Cause::invalid(format!("{path}.effect"), &text(&it["effect"]).into(), detail));
    }
    match text(&it["operator"]) {
        "Equal" | "" => {
            let problems = names::label_value(text(&it["value"]));
            if !problems.is_empty() {
                causes.push(Cause::invalid(format!("{path}.operator"), &it["value"], &problems.join(";")));
            }
        }
        "Exists" if !text(&it["value"]).is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            causes.push(Cause::invalid(format!("{path}.operator"), &it["value"], detail));
        }
        "Exists" => {}
        _ => one_of(&it["operator"], &["Equal", "Exists"], &format!("{path}.operator"), causes),
    }
    if !text(&it["effect"]).is_empty() {
        taint_effect(&it["effect"], &format!("{path}.effect"), causes);
    }
}

pub(super) fn taint_effect(effect: &Value, path: &str, causes: &mut Causes) {
    one_of(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], path, causes);
}

fn spread(list: &Value, path: &str, warnings: &mut Vec<String>, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(list, path) {
        let skew = it["maxSkew"].as_i64().unwrap_or(0);
        if skew <= 0 {
            causes.push(Cause::invalid(format!("{at}.maxSkew"), &skew.into(), "must be greater than zero"));
        }
        if text(&it["topologyKey"]).is_empty() {
            causes.push(Cause::required(format!("{at}.topologyKey"), "can not be empty"));
        }
        let action = format!("{at}.whenUnsatisfiable");
        one_of(&it["whenUnsatisfiable"], &["DoNotSchedule", "ScheduleAnyway"], &action, causes);
        let pair = (text(&it["topologyKey"]).to_owned(), text(&it["whenUnsatisfiable"]).to_owned());
        if !seen.insert(pair.clone()) {
            let both = Value::from(format!("{{{}, {}}}", pair.0, pair.1));
            causes.push(Cause::duplicate(format!("{at}.{{topologyKey, whenUnsatisfiable}}"), &both));
        }
        selector(&it["labelSelector"], &format!("{at}.labelSelector"), causes);
        if !it["labelSelector"].is_object() {
            warnings.push(format!("{at}.labelSelector: a null labelSelector results in matching no pod"));
        }
        not_negative(&it["minDomains"], &format!("{at}.minDomains"), causes);
    }
}

/// A security context as Go shows it.
pub(super) fn shown_security(context: &Value) -> String {
    let order = [
        "Capabilities",
        "Privileged",
        "SELinuxOptions",
        "WindowsOptions",
        "RunAsUser",
        "RunAsGroup",
        "RunAsNonRoot",
        "ReadOnlyRootFilesystem",
        "AllowPrivilegeEscalation",
        "ProcMount",
        "SeccompProfile",
        "AppArmorProfile",
    ];
    let mut named = serde_json::Map::new();
    for go in order {
        let json = match go {
            "SELinuxOptions" => "seLinuxOptions".to_owned(),
            go => go[..1].to_lowercase() + &go[1..],
        };
        named.insert(go.into(), context[json.as_str()].clone());
    }
    in_order(&Value::Object(named), &order)
}
