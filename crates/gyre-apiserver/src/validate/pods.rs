//! Pods and their templates (`pkg/apis/core/validation`, ValidatePodSpec).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fields::{Causes, address, each, items, one_of, text};
use super::{affinity, containers, security, volumes};
use crate::failure::Cause;
use crate::names;

/// How many name servers a pod may have.
const SERVERS_MAX: usize = 3;
/// How many domains a pod may search.
const SEARCHES_MAX: usize = 32;
/// How many characters all these domains may have.
const SEARCH_CHARS_MAX: usize = 2048;

/// What a pod's parts must know of the whole.
pub(super) struct Context<'a> {
    pub(super) volumes: BTreeMap<&'a str, &'a Value>,
    pub(super) claims: BTreeSet<&'a str>,
    pub(super) spec: &'a Value,
    /// A pod itself, and not a template.
    pub(super) is_pod: bool,
}

/// A pod.
pub(super) fn pod(object: &Value, causes: &mut Causes) {
    let name = crate::object::meta(object, "name");
    spec(&object["spec"], "spec", Some(name), causes);
    let spec = &object["spec"];
    if text(&spec["serviceAccountName"]).is_empty() {
        for (at, volume) in items(&spec["volumes"], "spec.volumes") {
            for (at, source) in items(&volume["projected"]["sources"], &format!("{at}.projected.sources")) {
                if source["serviceAccountToken"].is_object() {
                    let detail = "must not be specified when serviceAccountName is not set";
                    causes.push(Cause::forbidden(format!("{at}.serviceAccountToken"), detail));
                }
            }
        }
    }
    for list in ["containers", "initContainers"] {
        for (at, it) in items(&spec[list], &format!("spec.{list}")) {
            containers::image(it, &at, causes);
        }
    }
}

/// What only a new pod may not have.
pub(super) fn new_pod(spec: &Value, causes: &mut Causes) {
    let any = |key: &str| spec[key].as_array().is_some_and(|it| !it.is_empty());
    if any("ephemeralContainers") {
        causes.push(Cause::forbidden("spec.ephemeralContainers", "cannot be set on create"));
    }
    if any("schedulingGates") && !text(&spec["nodeName"]).is_empty() {
        let detail = "cannot be set until all schedulingGates have been cleared";
        causes.push(Cause::forbidden("spec.nodeName", detail));
    }
}

/// A template of pods.
pub(super) fn template(template: &Value, path: &str, causes: &mut Causes) {
    super::labels(&template["metadata"]["labels"], &format!("{path}.labels"), causes);
    super::annotations(&template["metadata"]["annotations"], &format!("{path}.annotations"), causes);
    spec(&template["spec"], &format!("{path}.spec"), None, causes);
    if template["spec"]["ephemeralContainers"].as_array().is_some_and(|it| !it.is_empty()) {
        let detail = "ephemeral containers not allowed in pod template";
        causes.push(Cause::forbidden(format!("{path}.spec.ephemeralContainers"), detail));
    }
}

/// The spec of a pod, with its name where it is one.
fn spec(spec: &Value, path: &str, name: Option<&str>, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let volumes = volumes::list(&spec["volumes"], name.unwrap_or_default(), &at("volumes"), causes);
    let claims = claims(&spec["resourceClaims"], &at("resourceClaims"), causes);
    let cx = Context { volumes, claims, spec, is_pod: name.is_some() };
    containers::list(spec, path, &cx, causes);
    super::resources::of_pod(spec, &cx.claims, &at("resources"), causes);
    host_network(spec, path, &cx, causes);
    match text(&spec["restartPolicy"]) {
        "" => causes.push(Cause::required(at("restartPolicy"), "")),
        _ => {
            one_of(&spec["restartPolicy"], &["Always", "OnFailure", "Never"], &at("restartPolicy"), causes);
        }
    }
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    match text(&spec["dnsPolicy"]) {
        "" => causes.push(Cause::required(at("dnsPolicy"), "")),
        _ => one_of(&spec["dnsPolicy"], &policies, &at("dnsPolicy"), causes),
    }
    super::labels(&spec["nodeSelector"], &at("nodeSelector"), causes);
    security::pod(spec, &at("securityContext"), causes);
    affinity::check(&spec["affinity"], &at("affinity"), causes);
    dns(spec, &at("dnsConfig"), causes);
    for (at, gate) in items(&spec["readinessGates"], &at("readinessGates")) {
        let kind = text(&gate["conditionType"]);
        each(names::qualified_name(kind), &kind.into(), &format!("{at}.conditionType"), causes);
    }
    let mut seen = BTreeSet::new();
    for (at, gate) in items(&spec["schedulingGates"], &at("schedulingGates")) {
        let name = text(&gate["name"]);
        each(names::qualified_name(name), &name.into(), &at, causes);
        if !seen.insert(name) {
            causes.push(Cause::duplicate(at, &name.into()));
        }
    }
    affinity::spread(&spec["topologySpreadConstraints"], &at("topologySpreadConstraints"), causes);
    if spec["hostUsers"] == false {
        for (key, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
            if spec[key] == true {
                causes.push(Cause::forbidden(at(shown), "when `hostUsers` is false"));
            }
        }
    }
    assigned(spec, path, causes);
}

/// Names and numbers of a pod as a whole.
fn assigned(spec: &Value, path: &str, causes: &mut Causes) {
    let at = |key: &str| format!("{path}.{key}");
    let named = |key: &str, check: fn(&str) -> Vec<String>, causes: &mut Causes| {
        let name = text(&spec[key]);
        if !name.is_empty() {
            each(check(name), &spec[key], &at(key), causes);
        }
    };
    named("serviceAccountName", names::subdomain, causes);
    named("nodeName", names::subdomain, causes);
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        let detail = "must be between 1 and 2147483647, inclusive";
        causes.push(Cause::invalid(at("activeDeadlineSeconds"), &seconds.into(), detail));
    }
    named("hostname", names::label, causes);
    named("subdomain", names::label, causes);
    for (at, toleration) in items(&spec["tolerations"], &at("tolerations")) {
        affinity::toleration(toleration, &at, causes);
    }
    for (at, alias) in items(&spec["hostAliases"], &at("hostAliases")) {
        address(&alias["ip"], &format!("{at}.ip"), causes);
        for (at, name) in items(&alias["hostnames"], &format!("{at}.hostnames")) {
            each(names::subdomain(text(name)), name, &at, causes);
        }
    }
    named("priorityClassName", names::subdomain, causes);
    if spec["runtimeClassName"].is_string() {
        let name = text(&spec["runtimeClassName"]);
        each(names::subdomain(name), &spec["runtimeClassName"], &at("runtimeClassName"), causes);
    }
    let overhead = serde_json::json!({"limits": spec["overhead"]});
    if spec["overhead"].is_object() {
        super::resources::check(&overhead, &BTreeSet::new(), &at("overhead"), causes);
    }
    if spec["hostnameOverride"].is_string() {
        let name = &spec["hostnameOverride"];
        if spec["hostNetwork"] == true {
            let detail = "may not be specified when hostNetwork is true";
            causes.push(Cause::forbidden(at("hostnameOverride"), detail));
        }
        each(names::subdomain(text(name)), name, &at("hostnameOverride"), causes);
    }
    if spec["preemptionPolicy"] == "" {
        causes.push(Cause::required(at("preemptionPolicy"), ""));
    } else if !spec["preemptionPolicy"].is_null() {
        let allowed = ["PreemptLowerPriority", "Never"];
        one_of(&spec["preemptionPolicy"], &allowed, &at("preemptionPolicy"), causes);
    }
    security::system(spec, path, causes);
}

fn claims<'a>(list: &'a Value, path: &str, causes: &mut Causes) -> BTreeSet<&'a str> {
    let mut known = BTreeSet::new();
    for (at, it) in items(list, path) {
        let name = text(&it["name"]);
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if !known.insert(name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
        } else {
            each(names::label(name), &it["name"], &format!("{at}.name"), causes);
        }
        let given = |key: &str| it[key].is_string();
        let order = ["name", "resourceClaimName", "resourceClaimTemplateName"];
        let wrong = match (given("resourceClaimName"), given("resourceClaimTemplateName")) {
            (true, true) => {
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            }
            (false, false) => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            _ => "",
        };
        if !wrong.is_empty() {
            let shown = super::fields::go_names(
                it,
                &[
                    ("Name", order[0]),
                    ("ResourceClaimName", order[1]),
                    ("ResourceClaimTemplateName", order[2]),
                ],
            );
            let shown =
                super::fields::in_order(&shown, &["Name", "ResourceClaimName", "ResourceClaimTemplateName"]);
            let message = format!("Invalid value: {shown}: {wrong}");
            causes.push(Cause { reason: "FieldValueInvalid", field: at.clone(), message });
        }
        for key in &order[1..] {
            if given(key) {
                each(names::subdomain(text(&it[*key])), &it[*key], &format!("{at}.{key}"), causes);
            }
        }
    }
    known
}

/// On the network of its node a pod's ports are the node's.
fn host_network(spec: &Value, path: &str, cx: &Context<'_>, causes: &mut Causes) {
    if spec["hostNetwork"] != true {
        return;
    }
    for (at, container) in items(&spec["containers"], &format!("{path}.containers")) {
        for (at, port) in items(&container["ports"], &format!("{at}.ports")) {
            let (host, own) =
                (port["hostPort"].as_i64().unwrap_or(0), port["containerPort"].as_i64().unwrap_or(0));
            if (cx.is_pod || host != 0) && host != own {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                causes.push(Cause::invalid(format!("{at}.hostPort"), &host.into(), detail));
            }
        }
    }
}

fn dns(spec: &Value, path: &str, causes: &mut Causes) {
    let config = &spec["dnsConfig"];
    let servers = items(&config["nameservers"], &format!("{path}.nameservers"));
    if spec["dnsPolicy"] == "None" {
        if !config.is_object() {
            let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
            causes.push(Cause::required(path, detail));
            return;
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            causes.push(Cause::required(format!("{path}.nameservers"), detail));
            return;
        }
    }
    if servers.len() > SERVERS_MAX {
        let detail = format!("must not have more than {SERVERS_MAX} nameservers");
        causes.push(Cause::invalid(format!("{path}.nameservers"), &config["nameservers"], &detail));
    }
    for (at, server) in servers {
        address(server, &at, causes);
    }
    let searches = items(&config["searches"], &format!("{path}.searches"));
    let too_much = |detail: String, causes: &mut Causes| {
        causes.push(Cause::invalid(format!("{path}.searches"), &config["searches"], &detail));
    };
    if searches.len() > SEARCHES_MAX {
        too_much(format!("must not have more than {SEARCHES_MAX} search paths"), causes);
    }
    let length: usize = searches.iter().map(|(_, it)| text(it).len() + 1).sum();
    if length > SEARCH_CHARS_MAX + 1 {
        let detail = format!(
            "must not have more than {SEARCH_CHARS_MAX} characters (including spaces) in the search list"
        );
        too_much(detail, causes);
    }
    for (at, search) in searches.into_iter().filter(|(_, it)| **it != ".") {
        let name = text(search).strip_suffix('.').unwrap_or(text(search));
        each(search_problems(name), &name.into(), &at, causes);
    }
    for (at, option) in items(&config["options"], &format!("{path}.options")) {
        if text(&option["name"]).is_empty() {
            causes.push(Cause::required(at, "must not be empty"));
        }
    }
}

/// Problems of a domain that is searched: underscores may be in it (IsDNS1123SubdomainWithUnderscore).
fn search_problems(name: &str) -> Vec<String> {
    let free = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let is_label = |part: &str| {
        let bytes = part.strip_prefix('_').unwrap_or(part).as_bytes();
        bytes.first().is_some_and(|it| free(*it))
            && bytes.last().is_some_and(|it| free(*it))
            && bytes.iter().all(|it| free(*it) || matches!(it, b'-' | b'_'))
    };
    let mut problems = Vec::new();
    if name.len() > 253 {
        problems.push("must be no more than 253 characters".to_owned());
    }
    if !name.split('.').all(is_label) {
        problems.push(SEARCH.to_owned());
    }
    problems
}

const SEARCH: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
