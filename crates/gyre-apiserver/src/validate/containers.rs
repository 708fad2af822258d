//! Containers of pods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, not_negative, one_of, port, port_number, text};
use super::pods::Context;
use super::{mounts, projected, resources, security};
use crate::failure::Cause;
use crate::names;

/// All containers of a pod.
pub(super) fn list(spec: &Value, path: &str, cx: &Context<'_>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let mut seen = BTreeSet::new();
    let containers = items(&spec["containers"], &at("containers"));
    if containers.is_empty() {
        causes.push(Cause::required(at("containers"), ""));
    }
    for (at, it) in &containers {
        container(it, at, cx, causes);
        unique(it, at, &mut seen, causes);
        hooks(it, at, cx, causes);
        restart(it, at, causes);
    }
    host_ports(&containers, causes);
    for (at, it) in items(&spec["initContainers"], &at("initContainers")) {
        container(it, &at, cx, causes);
        restart(it, &at, causes);
        unique(it, &at, &mut seen, causes);
        host_ports(&[(at.clone(), it)], causes);
        if it["restartPolicy"] == "Always" {
            hooks(it, &at, cx, causes);
            continue;
        }
        for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if it[key].is_object() {
                let detail = "may not be set for init containers without restartPolicy=Always";
                causes.push(Cause::forbidden(format!("{at}.{key}"), detail));
            }
        }
    }
    let targets = seen.clone();
    for (at, it) in items(&spec["ephemeralContainers"], &at("ephemeralContainers")) {
        container(it, &at, cx, causes);
        image(it, &at, causes);
        unique(it, &at, &mut seen, causes);
        ephemeral(it, &at, &targets, causes);
    }
}

/// How many rules a container may have for its restarts.
const RULES_MAX: usize = 20;

/// When a container starts again.
fn restart(it: &Value, at: &str, causes: &mut Causes) {
    let list = format!("{at}.restartPolicyRules");
    let rules = items(&it["restartPolicyRules"], &list);
    if !it["restartPolicy"].is_null() {
        let policies = ["Always", "Never", "OnFailure"];
        one_of(&it["restartPolicy"], &policies, &format!("{at}.restartPolicy"), causes);
    } else if !rules.is_empty() {
        let detail = "must specify restartPolicy when restart rules are used";
        causes.push(Cause::required(format!("{at}.restartPolicy"), detail));
    }
    if rules.len() > RULES_MAX {
        causes.push(Cause::too_many(list, rules.len(), RULES_MAX));
    }
    for (at, rule) in rules {
        one_of(&rule["action"], &["Restart", "RestartAllContainers"], &format!("{at}.action"), causes);
        if rule["exitCodes"].is_object() {
            let at = format!("{at}.exitCodes.operator");
            one_of(&rule["exitCodes"]["operator"], &["In", "NotIn"], &at, causes);
        } else {
            causes.push(Cause::required(format!("{at}.exitCodes"), "must be specified"));
        }
    }
}

fn unique(it: &Value, at: &str, seen: &mut BTreeSet<String>, causes: &mut Causes) {
    let name = text(&it["name"]);
    if !name.is_empty() && !seen.insert(name.to_owned()) {
        causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
    }
}

/// Ports of the node; each can be had once.
fn host_ports(containers: &[(String, &Value)], causes: &mut Causes) {
    let mut taken = BTreeSet::new();
    for (at, it) in containers {
        for (at, port) in items(&it["ports"], &format!("{at}.ports")) {
            let number = port["hostPort"].as_i64().unwrap_or(0);
            let shown = format!("{}/{}/{number}", text(&port["protocol"]), text(&port["hostIP"]));
            if number != 0 && !taken.insert(shown.clone()) {
                causes.push(Cause::duplicate(format!("{at}.hostPort"), &shown.into()));
            }
        }
    }
}

/// What an ephemeral container cannot have.
fn ephemeral(it: &Value, at: &str, targets: &BTreeSet<String>, causes: &mut Causes) {
    let target = text(&it["targetContainerName"]);
    if !target.is_empty() && !targets.contains(target) {
        causes.push(Cause::not_found(format!("{at}.targetContainerName"), &target.into()));
    }
    let detail = "cannot be set for an Ephemeral Container";
    for key in ["ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules"] {
        let value = &it[key];
        if !(value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)) {
            causes.push(Cause::forbidden(format!("{at}.{key}"), detail));
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        if !it[key].is_null() {
            causes.push(Cause::forbidden(format!("{at}.{key}"), detail));
        }
    }
    for (at, mount) in items(&it["volumeMounts"], &format!("{at}.volumeMounts")) {
        for key in ["subPath", "subPathExpr"] {
            if !text(&mount[key]).is_empty() {
                causes.push(Cause::forbidden(format!("{at}.{key}"), detail));
            }
        }
    }
}

/// The image of a pod's container; templates may have blanks around it.
pub(super) fn image(it: &Value, at: &str, causes: &mut Causes) {
    if text(&it["image"]).trim() != text(&it["image"]) {
        let detail = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(format!("{at}.image"), &it["image"], detail));
    }
}

/// What every container is checked for.
fn container(it: &Value, path: &str, cx: &Context<'_>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let name = text(&it["name"]);
    if name.is_empty() {
        causes.push(Cause::required(at("name"), ""));
    } else {
        each(names::label(name), &it["name"], &at("name"), causes);
    }
    if text(&it["image"]).is_empty() {
        causes.push(Cause::required(at("image"), ""));
    }
    let policy = &it["terminationMessagePolicy"];
    match text(policy) {
        "" => causes.push(Cause::required(at("terminationMessagePolicy"), "")),
        _ => one_of(policy, &["File", "FallbackToLogsOnError"], &at("terminationMessagePolicy"), causes),
    }
    ports(&it["ports"], &at("ports"), causes);
    env(it, path, causes);
    mounts::check(it, path, cx, causes);
    match text(&it["imagePullPolicy"]) {
        "" => causes.push(Cause::required(at("imagePullPolicy"), "")),
        _ => one_of(
            &it["imagePullPolicy"],
            &["Always", "IfNotPresent", "Never"],
            &at("imagePullPolicy"),
            causes,
        ),
    }
    resources::check(&it["resources"], &cx.claims, &at("resources"), causes);
    resources::resizing(&it["resizePolicy"], cx.spec, &at("resizePolicy"), causes);
    let host_users = cx.spec["hostUsers"] != false;
    security::container(&it["securityContext"], host_users, &at("securityContext"), causes);
}

fn ports(list: &Value, path: &str, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
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
        }
        match text(&it["protocol"]) {
            "" => causes.push(Cause::required(format!("{at}.protocol"), "")),
            _ => one_of(&it["protocol"], &["SCTP", "TCP", "UDP"], &format!("{at}.protocol"), causes),
        }
    }
}

/// Fields of a pod that an environment variable may take.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn env(it: &Value, path: &str, causes: &mut Causes) {
    for (at, it) in items(&it["env"], &format!("{path}.env")) {
        let name = text(&it["name"]);
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else {
            each(names::env_name(name), &it["name"], &format!("{at}.name"), causes);
        }
        env_source(it, &format!("{at}.valueFrom"), causes);
    }
    let list = format!("{path}.envFrom");
    for (at, from) in items(&it["envFrom"], &list) {
        let prefix = text(&from["prefix"]);
        if !prefix.is_empty() {
            each(names::env_name(prefix), &from["prefix"], &format!("{at}.prefix"), causes);
        }
        let mut given = 0;
        for key in ["configMapRef", "secretRef"].into_iter().filter(|key| from[*key].is_object()) {
            given += 1;
            let field = format!("{at}.{key}.name");
            match text(&from[key]["name"]) {
                "" => causes.push(Cause::required(field, "")),
                name => each(names::subdomain(name), &from[key]["name"], &field, causes),
            }
        }
        // compat(kube-apiserver): the place of the item is left out.
        if given == 0 {
            let detail = "must specify one of: `configMapRef` or `secretRef`";
            causes.push(Cause::invalid(&list, &"".into(), detail));
        } else if given > 1 {
            let detail = "may not have more than one field specified at a time";
            causes.push(Cause::invalid(&list, &"".into(), detail));
        }
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
        projected::field(field, &FIELDS, &format!("{at}.fieldRef"), causes);
    }
    if let Some(resource) = source.get("resourceFieldRef") {
        projected::resource(resource, false, &format!("{at}.resourceFieldRef"), causes);
    }
    for key in ["configMapKeyRef", "secretKeyRef"] {
        let Some(reference) = source.get(key) else { continue };
        let name = text(&reference["name"]);
        each(names::subdomain(name), &name.into(), &format!("{at}.{key}.name"), causes);
        let field = format!("{at}.{key}.key");
        match text(&reference["key"]) {
            "" => causes.push(Cause::required(field, "")),
            name => each(names::config_key(name), &reference["key"], &field, causes),
        }
    }
    if given.is_empty() {
        let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        causes.push(Cause::invalid(at, &"".into(), detail));
    } else if !text(&env["value"]).is_empty() {
        causes.push(Cause::invalid(at, &"".into(), "may not be specified when `value` is not empty"));
    } else if given.len() > 1 {
        causes.push(Cause::invalid(at, &"".into(), "may not have more than one field specified at a time"));
    }
}

fn handler(it: &Value, path: &str, probe: bool, grace: Option<i64>, causes: &mut Causes) {
    let mut given = 0;
    for key in ["exec", "httpGet", "tcpSocket", if probe { "grpc" } else { "sleep" }] {
        let body = &it[key];
        if !body.is_object() {
            continue;
        }
        given += 1;
        if given > 1 {
            let detail = "may not specify more than 1 handler type";
            causes.push(Cause::forbidden(format!("{path}.{key}"), detail));
            continue;
        }
        match key {
            "exec" if body["command"].as_array().is_none_or(Vec::is_empty) => {
                causes.push(Cause::required(format!("{path}.exec.command"), ""));
            }
            "httpGet" => http(body, &format!("{path}.httpGet"), causes),
            "tcpSocket" => port(&body["port"], &format!("{path}.tcpSocket.port"), causes),
            "grpc" => port(&body["port"], &format!("{path}.grpc.port"), causes),
            "sleep" => {
                let seconds = body["seconds"].as_i64().unwrap_or(0);
                if let Some(grace) = grace.filter(|grace| seconds < 0 || seconds > *grace) {
                    let detail =
                        format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    causes.push(Cause::invalid(format!("{path}.sleep"), &seconds.into(), &detail));
                }
            }
            _ => {}
        }
    }
    if given == 0 {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
}

fn http(body: &Value, path: &str, causes: &mut Causes) {
    if text(&body["path"]).is_empty() {
        causes.push(Cause::required(format!("{path}.path"), ""));
    }
    port(&body["port"], &format!("{path}.port"), causes);
    one_of(&body["scheme"], &["HTTP", "HTTPS"], &format!("{path}.scheme"), causes);
    for header in body["httpHeaders"].as_array().into_iter().flatten() {
        let name = text(&header["name"]);
        if name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-') {
            let detail = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
            causes.push(Cause::invalid(format!("{path}.httpHeaders"), &name.into(), detail));
        }
    }
}

fn hooks(it: &Value, path: &str, cx: &Context<'_>, causes: &mut Causes) {
    let grace = cx.spec["terminationGracePeriodSeconds"].as_i64();
    for key in ["postStart", "preStop"] {
        if it["lifecycle"][key].is_object() {
            handler(&it["lifecycle"][key], &format!("{path}.lifecycle.{key}"), false, grace, causes);
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        probe(&it[key], &format!("{path}.{key}"), key != "readinessProbe", causes);
    }
}

fn probe(it: &Value, path: &str, once: bool, causes: &mut Causes) {
    if !it.is_object() {
        return;
    }
    handler(it, path, true, None, causes);
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        not_negative(&it[key], &format!("{path}.{key}"), causes);
    }
    let (grace, at) = (&it["terminationGracePeriodSeconds"], format!("{path}.terminationGracePeriodSeconds"));
    if grace.as_i64().is_some_and(|it| it <= 0) {
        causes.push(Cause::invalid(&at, grace, "must be greater than 0"));
    }
    if once && it["successThreshold"].as_i64().is_some_and(|it| it != 1) {
        causes.push(Cause::invalid(format!("{path}.successThreshold"), &it["successThreshold"], "must be 1"));
    }
    if !once && !grace.is_null() {
        causes.push(Cause::invalid(at, grace, "must not be set for readinessProbes"));
    }
}
