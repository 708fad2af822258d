//! Containers of pods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, not_negative, one_of, port, port_number, text};
use super::pods::{Context, shown_security};
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// All containers of a pod.
pub(super) fn list(spec: &Value, path: &str, cx: &Context, warnings: &mut Vec<String>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let mut names_seen = BTreeSet::new();
    if spec["containers"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required(at("containers"), ""));
    }
    for (at, it) in items(&spec["containers"], &at("containers")) {
        container(it, &at, cx, false, warnings, causes);
        unique(it, &at, &mut names_seen, causes);
    }
    for (at, it) in items(&spec["initContainers"], &at("initContainers")) {
        container(it, &at, cx, true, warnings, causes);
        unique(it, &at, &mut names_seen, causes);
    }
    for (at, it) in items(&spec["ephemeralContainers"], &at("ephemeralContainers")) {
        if text(&it["name"]).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        unique(it, &at, &mut names_seen, causes);
    }
}

fn unique(it: &Value, at: &str, seen: &mut BTreeSet<String>, causes: &mut Causes) {
    let name = text(&it["name"]);
    if !name.is_empty() && !seen.insert(name.to_owned()) {
        causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
    }
}

fn container(
    it: &Value,
    path: &str,
    cx: &Context,
    init: bool,
    warnings: &mut Vec<String>,
    causes: &mut Causes,
) {
    let at = |key: &str| format!("{path}.{key}");
    let (name, image) = (text(&it["name"]), text(&it["image"]));
    if name.is_empty() {
        causes.push(Cause::required(at("name"), ""));
    } else {
        each(names::label(name), &it["name"], &at("name"), causes);
    }
    if image.is_empty() {
        causes.push(Cause::required(at("image"), ""));
    } else if image.trim() != image {
        causes.push(Cause::invalid(
            at("image"),
            &it["image"],
            "must not have leading or trailing whitespace",
        ));
    }
    ports(&it["ports"], &at("ports"), cx, warnings, causes);
    env(&it["env"], &at("env"), warnings, causes);
    for (at, from) in items(&it["envFrom"], &at("envFrom")) {
        let sources: Vec<&str> =
            ["configMapRef", "secretRef"].into_iter().filter(|key| from[*key].is_object()).collect();
        match sources[..] {
            [] => causes.push(Cause::invalid(
                &at,
                &"".into(),
                "must specify one of: `configMapRef` or `secretRef`",
            )),
            [source] if text(&from[source]["name"]).is_empty() => {
                causes.push(Cause::required(format!("{at}.{source}.name"), ""));
            }
            [_] => {}
            _ => causes.push(Cause::invalid(
                &at,
                &"".into(),
                "may not have more than one field specified at a time",
            )),
        }
    }
    mounts(&it["volumeMounts"], &at("volumeMounts"), cx, causes);
    if !init || it["restartPolicy"] == "Always" {
        lifecycle(&it["lifecycle"], &at("lifecycle"), causes);
    } else {
        for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if it[key].is_object() {
                let detail = "may not be set for init containers without restartPolicy=Always";
                causes.push(Cause::forbidden(at(key), detail));
            }
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        probe(&it[key], &at(key), key != "readinessProbe", causes);
    }
    let policies = ["FallbackToLogsOnError", "File"];
    if !it["terminationMessagePolicy"].is_null() {
        one_of(&it["terminationMessagePolicy"], &policies, &at("terminationMessagePolicy"), causes);
    }
    match text(&it["imagePullPolicy"]) {
        "" => causes.push(Cause::required(at("imagePullPolicy"), "")),
        _ => one_of(
            &it["imagePullPolicy"],
            &["Always", "IfNotPresent", "Never"],
            &at("imagePullPolicy"),
            causes,
        ),
    }
    resources(&it["resources"], &at("resources"), warnings, causes);
    security(&it["securityContext"], &at("securityContext"), causes);
}

fn ports(list: &Value, path: &str, cx: &Context, warnings: &mut Vec<String>, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    let mut numbers: Vec<(i64, String, String)> = Vec::new();
    for (at, it) in items(list, path) {
        let name = text(&it["name"]);
        if !name.is_empty() {
            let problems = names::port_name(name);
            if problems.is_empty() && !seen.insert(name.to_owned()) {
                causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
            }
            each(problems, &it["name"], &format!("{at}.name"), causes);
        }
        let number = it["containerPort"].as_i64().unwrap_or(0);
        if number == 0 {
            causes.push(Cause::required(format!("{at}.containerPort"), ""));
        } else {
            port_number(&it["containerPort"], &format!("{at}.containerPort"), causes);
        }
        let host = it["hostPort"].as_i64().unwrap_or(0);
        if host != 0 {
            port_number(&it["hostPort"], &format!("{at}.hostPort"), causes);
            if cx.host_network && host != number {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                causes.push(Cause::invalid(format!("{at}.hostPort"), &it["hostPort"], detail));
            }
        }
        match text(&it["protocol"]) {
            "" => causes.push(Cause::required(format!("{at}.protocol"), "")),
            _ => one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes),
        }
        let key = (number, text(&it["protocol"]).to_owned());
        if let Some((_, _, first)) =
            numbers.iter().find(|(number, protocol, _)| (*number, protocol) == (key.0, &key.1))
        {
            warnings.push(format!("{at}: duplicate port definition with {first}"));
        }
        numbers.push((key.0, key.1, at));
    }
}

/// Fields of a pod that an environment variable may take.
fn is_env_field(path: &str) -> bool {
    let subscript =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|it| it.starts_with("['") && it.ends_with("']"));
    matches!(
        path,
        "metadata.name"
            | "metadata.namespace"
            | "metadata.uid"
            | "spec.nodeName"
            | "spec.serviceAccountName"
            | "status.hostIP"
            | "status.hostIPs"
            | "status.podIP"
            | "status.podIPs"
    ) || subscript("metadata.labels")
        || subscript("metadata.annotations")
}

fn env(list: &Value, path: &str, warnings: &mut Vec<String>, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(list, path) {
        let name = text(&it["name"]);
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else {
            each(names::env_name(name), &it["name"], &format!("{at}.name"), causes);
            if !seen.insert(name.to_owned()) {
                warnings.push(format!(
                    "{at}: hides previous definition of {name:?}, which may be dropped when using apply"
                ));
            }
        }
        env_source(it, &format!("{at}.valueFrom"), causes);
    }
}

fn env_source(env: &Value, at: &str, causes: &mut Causes) {
    let source = &env["valueFrom"];
    if !source.is_object() {
        return;
    }
    let keys = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    let given: Vec<&str> = keys.into_iter().filter(|key| source[*key].is_object()).collect();
    if let Some(field) = source.get("fieldRef") {
        let path = text(&field["fieldPath"]);
        if path.is_empty() {
            causes.push(Cause::required(format!("{at}.fieldRef.fieldPath"), ""));
        } else if !is_env_field(path) {
            let detail = format!("error converting fieldPath: field label not supported: {path}");
            causes.push(Cause::invalid(format!("{at}.fieldRef.fieldPath"), &field["fieldPath"], &detail));
        }
    }
    for key in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(reference) = source.get(key) {
            if text(&reference["name"]).is_empty() {
                causes.push(Cause::required(format!("{at}.{key}.name"), ""));
            }
            if text(&reference["key"]).is_empty() {
                causes.push(Cause::required(format!("{at}.{key}.key"), ""));
            } else {
                each(
                    names::config_key(text(&reference["key"])),
                    &reference["key"],
                    &format!("{at}.{key}.key"),
                    causes,
                );
            }
        }
    }
    if !text(&env["value"]).is_empty() && !given.is_empty() {
        causes.push(Cause::invalid(at, &"".into(), "may not be specified when `value` is not empty"));
    } else if given.len() > 1 {
        causes.push(Cause::invalid(at, &"".into(), "may not have more than one field specified at a time"));
    } else if given.is_empty() {
        let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        causes.push(Cause::invalid(at, &"".into(), detail));
    }
}

fn mounts(list: &Value, path: &str, cx: &Context, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(list, path) {
        let (name, place) = (text(&it["name"]), text(&it["mountPath"]));
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if !cx.volumes.contains(name) {
            causes.push(Cause::not_found(format!("{at}.name"), &name.into()));
        }
        if place.is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath"), ""));
        } else if !seen.insert(place.to_owned()) {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &it["mountPath"], "must be unique"));
        }
        for key in ["subPath", "subPathExpr"] {
            let inner = text(&it[key]);
            if inner.starts_with('/') {
                causes.push(Cause::invalid(format!("{at}.{key}"), &it[key], "must be a relative path"));
            } else if inner.split('/').any(|part| part == "..") {
                causes.push(Cause::invalid(format!("{at}.{key}"), &it[key], "must not contain '..'"));
            }
        }
    }
}

fn handler(it: &Value, path: &str, grpc: bool, causes: &mut Causes) {
    let mut given = 0;
    let mut kinds = vec!["exec", "httpGet", "tcpSocket"];
    kinds.push(if grpc { "grpc" } else { "sleep" });
    for key in kinds {
        let body = &it[key];
        if !body.is_object() {
            continue;
        }
        given += 1;
        if given > 1 {
            causes
                .push(Cause::forbidden(format!("{path}.{key}"), "may not specify more than 1 handler type"));
            continue;
        }
        match key {
            "exec" if body["command"].as_array().is_none_or(Vec::is_empty) => {
                causes.push(Cause::required(format!("{path}.exec.command"), ""));
            }
            "httpGet" => {
                if text(&body["path"]).is_empty() {
                    causes.push(Cause::required(format!("{path}.httpGet.path"), ""));
                }
                port(&body["port"], &format!("{path}.httpGet.port"), causes);
                one_of(&body["scheme"], &["HTTP", "HTTPS"], &format!("{path}.httpGet.scheme"), causes);
            }
            "tcpSocket" => port(&body["port"], &format!("{path}.tcpSocket.port"), causes),
            "grpc" => port(&body["port"], &format!("{path}.grpc.port"), causes),
            _ => {}
        }
    }
    if given == 0 {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
}

fn probe(it: &Value, path: &str, once: bool, causes: &mut Causes) {
    if !it.is_object() {
        return;
    }
    handler(it, path, true, causes);
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        not_negative(&it[key], &format!("{path}.{key}"), causes);
    }
    if once && it["successThreshold"].as_i64().is_some_and(|it| it != 1) {
        causes.push(Cause::invalid(format!("{path}.successThreshold"), &it["successThreshold"], "must be 1"));
    }
}

fn lifecycle(it: &Value, path: &str, causes: &mut Causes) {
    for key in ["postStart", "preStop"] {
        if it[key].is_object() {
            handler(&it[key], &format!("{path}.{key}"), false, causes);
        }
    }
}

const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

fn resource_name(name: &str, path: &str, causes: &mut Causes) {
    let value = name.into();
    let before = causes.len();
    each(names::qualified_name(name), &value, path, causes);
    if causes.len() > before || name.contains('/') {
        return;
    }
    let known = STANDARD.contains(&name) || name.starts_with("hugepages-");
    if !known {
        causes.push(Cause::invalid(path, &value, "must be a standard resource type or fully qualified"));
        causes.push(Cause::invalid(path, &value, "must be a standard resource for containers"));
    }
}

fn resources(it: &Value, path: &str, warnings: &mut Vec<String>, causes: &mut Causes) {
    for key in ["limits", "requests"] {
        for (name, value) in it[key].as_object().into_iter().flatten() {
            let at = format!("{path}.{key}[{name}]");
            resource_name(name, &at, causes);
            let Some(quantity) = Quantity::of(value) else { continue };
            if quantity.sign() < 0 {
                causes.push(Cause::invalid(&at, value, "must be greater than or equal to 0"));
            }
            if name.contains('/') && !quantity.is_whole() {
                causes.push(Cause::invalid(&at, value, "must be an integer"));
            }
            if matches!(name.as_str(), "memory" | "ephemeral-storage") && quantity.millis() % 1000 != 0 {
                warnings.push(format!(
                    "{at}: fractional byte value {} is invalid, must be an integer",
                    crate::failure::shown(value)
                ));
            }
        }
    }
    for (name, request) in it["requests"].as_object().into_iter().flatten() {
        let limit = &it["limits"][name.as_str()];
        let (Some(wanted), Some(most)) = (Quantity::of(request), Quantity::of(limit)) else { continue };
        if name.contains('/') || name.starts_with("hugepages-") {
            if wanted != most && wanted.partial_cmp(&most) != Some(std::cmp::Ordering::Equal) {
                let detail = format!("must be equal to {name} limit of {}", text(limit));
                causes.push(Cause::invalid(format!("{path}.requests"), request, &detail));
            }
        } else if wanted > most {
            let detail = format!("must be less than or equal to {name} limit of {}", text(limit));
            causes.push(Cause::invalid(format!("{path}.requests"), request, &detail));
        }
    }
}

fn security(it: &Value, path: &str, causes: &mut Causes) {
    for key in ["runAsUser", "runAsGroup"] {
        if it[key].as_i64().is_some_and(|it| !(0..=i64::from(i32::MAX)).contains(&it)) {
            let detail = "must be between 0 and 2147483647, inclusive";
            causes.push(Cause::invalid(format!("{path}.{key}"), &it[key], detail));
        }
    }
    if it["allowPrivilegeEscalation"] != false {
        return;
    }
    let mut refused = |what: &str| {
        let message = format!("Invalid value: {}: {what}", shown_security(it));
        causes.push(Cause { reason: "FieldValueInvalid", field: path.to_owned(), message });
    };
    if it["privileged"] == true {
        refused("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    let added = it["capabilities"]["add"].as_array();
    if added.is_some_and(|list| list.iter().any(|it| it == "CAP_SYS_ADMIN")) {
        refused("cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
}
