//! Roles, bindings, webhooks and admission policies.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, each, items, one_of, selector, text};
use crate::failure::Cause;
use crate::names;

const GROUP: &str = "rbac.authorization.k8s.io";

fn length(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

/// The kinds of RBAC.
pub(super) fn rbac(plural: &str, object: &Value, causes: &mut Causes) {
    if plural.ends_with("bindings") {
        binding(plural == "rolebindings", object, causes);
        return;
    }
    for (at, rule) in items(&object["rules"], "rules") {
        if length(&rule["verbs"]) == 0 {
            causes.push(Cause::required(format!("{at}.verbs"), "verbs must contain at least one value"));
        }
        if length(&rule["nonResourceURLs"]) > 0 {
            let path = format!("{at}.nonResourceURLs");
            if plural == "roles" {
                let detail = "namespaced rules cannot apply to non-resource URLs";
                causes.push(Cause::invalid(&path, &rule["nonResourceURLs"], detail));
            }
            if length(&rule["apiGroups"]) + length(&rule["resources"]) + length(&rule["resourceNames"]) > 0 {
                let detail = "rules cannot apply to both regular resources and non-resource URLs";
                causes.push(Cause::invalid(&path, &rule["nonResourceURLs"], detail));
            }
            continue;
        }
        if length(&rule["apiGroups"]) == 0 {
            let detail = "resource rules must supply at least one api group";
            causes.push(Cause::required(format!("{at}.apiGroups"), detail));
        }
        if length(&rule["resources"]) == 0 {
            let detail = "resource rules must supply at least one resource";
            causes.push(Cause::required(format!("{at}.resources"), detail));
        }
    }
}

fn binding(namespaced: bool, object: &Value, causes: &mut Causes) {
    let role = &object["roleRef"];
    if role["apiGroup"] != GROUP {
        causes.push(Cause::unsupported("roleRef.apiGroup", &role["apiGroup"], &[GROUP]));
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    one_of(&role["kind"], kinds, "roleRef.kind", causes);
    match text(&role["name"]) {
        "" => causes.push(Cause::required("roleRef.name", "")),
        name => each(names::path_segment(name), &role["name"], "roleRef.name", causes),
    }
    for (at, subject) in items(&object["subjects"], "subjects") {
        if text(&subject["name"]).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        let group = &subject["apiGroup"];
        match text(&subject["kind"]) {
            "ServiceAccount" => {
                if !text(&subject["name"]).is_empty() {
                    each(
                        names::subdomain(text(&subject["name"])),
                        &subject["name"],
                        &format!("{at}.name"),
                        causes,
                    );
                }
                if !text(group).is_empty() {
                    causes.push(Cause::unsupported(format!("{at}.apiGroup"), group, &[""]));
                }
                if !namespaced && text(&subject["namespace"]).is_empty() {
                    causes.push(Cause::required(format!("{at}.namespace"), ""));
                }
            }
            "User" | "Group" => {
                if *group != GROUP {
                    causes.push(Cause::unsupported(format!("{at}.apiGroup"), group, &[GROUP]));
                }
            }
            _ => {
                one_of(&subject["kind"], &["ServiceAccount", "User", "Group"], &format!("{at}.kind"), causes);
            }
        }
    }
}

/// Webhooks and admission policies.
pub(super) fn admission(plural: &str, object: &Value, causes: &mut Causes) {
    match plural {
        "validatingwebhookconfigurations" | "mutatingwebhookconfigurations" => {
            let mut seen = BTreeSet::new();
            for (at, hook) in items(&object["webhooks"], "webhooks") {
                webhook(hook, &at, causes);
                let name = text(&hook["name"]);
                if !name.is_empty() && !seen.insert(name) {
                    causes.push(Cause::duplicate(format!("{at}.name"), &hook["name"]));
                }
            }
        }
        "validatingadmissionpolicies" => {
            policy(&object["spec"], causes);
            crate::admission::policies::problems(&object["spec"], causes);
        }
        "validatingadmissionpolicybindings" => policy_binding(&object["spec"], true, causes),
        "mutatingadmissionpolicybindings" => policy_binding(&object["spec"], false, causes),
        _ => {}
    }
}

fn webhook(hook: &Value, at: &str, causes: &mut Causes) {
    let name = text(&hook["name"]);
    if name.is_empty() {
        causes.push(Cause::required(format!("{at}.name"), ""));
    } else {
        let problems = names::subdomain(name);
        if problems.is_empty() && name.split('.').count() < 3 {
            let detail = "should be a domain with at least three segments separated by dots";
            causes.push(Cause::invalid(format!("{at}.name"), &hook["name"], detail));
        }
        each(problems, &hook["name"], &format!("{at}.name"), causes);
    }
    for (at, rule) in items(&hook["rules"], &format!("{at}.rules")) {
        operations(rule, &at, causes);
    }
    if !hook["failurePolicy"].is_null() {
        one_of(&hook["failurePolicy"], &["Fail", "Ignore"], &format!("{at}.failurePolicy"), causes);
    }
    if !hook["matchPolicy"].is_null() {
        one_of(&hook["matchPolicy"], &["Equivalent", "Exact"], &format!("{at}.matchPolicy"), causes);
    }
    match text(&hook["sideEffects"]) {
        "" => {
            let detail = "must specify one of None, NoneOnDryRun";
            causes.push(Cause::required(format!("{at}.sideEffects"), detail));
        }
        _ => one_of(&hook["sideEffects"], &["None", "NoneOnDryRun"], &format!("{at}.sideEffects"), causes),
    }
    if hook["timeoutSeconds"].as_i64().is_some_and(|it| !(1..=30).contains(&it)) {
        let detail = "the timeout value must be between 1 and 30 seconds";
        causes.push(Cause::invalid(format!("{at}.timeoutSeconds"), &hook["timeoutSeconds"], detail));
    }
    for key in ["namespaceSelector", "objectSelector"] {
        selector(&hook[key], &format!("{at}.{key}"), causes);
    }
    client(&hook["clientConfig"], &format!("{at}.clientConfig"), causes);
    if !hook["reinvocationPolicy"].is_null() {
        let at = format!("{at}.reinvocationPolicy");
        one_of(&hook["reinvocationPolicy"], &["IfNeeded", "Never"], &at, causes);
    }
    let at = format!("{at}.admissionReviewVersions");
    if length(&hook["admissionReviewVersions"]) == 0 {
        causes.push(Cause::required(at, "must specify one of v1, v1beta1"));
    } else {
        review_versions(&hook["admissionReviewVersions"], &at, causes);
    }
}

/// The versions of reviews that a webhook knows.
pub(crate) fn review_versions(given: &Value, path: &str, causes: &mut Causes) {
    let versions = given.as_array().map_or(&[][..], Vec::as_slice);
    for (index, version) in versions.iter().enumerate() {
        let at = format!("{path}[{index}]");
        if versions[..index].contains(version) {
            causes.push(Cause::invalid(at, version, "duplicate version"));
        } else {
            each(names::label_1035(text(version)), version, &at, causes);
        }
    }
    if !versions.iter().any(|it| matches!(text(it), "v1" | "v1beta1")) {
        causes.push(Cause::invalid(path, given, "must include at least one of v1, v1beta1"));
    }
}

/// What a rule is about, and which operations.
fn operations(rule: &Value, at: &str, causes: &mut Causes) {
    let alone = |key: &str, what: &str, causes: &mut Causes| {
        let list = rule[key].as_array().map_or(&[][..], Vec::as_slice);
        if list.is_empty() {
            causes.push(Cause::required(format!("{at}.{key}"), ""));
        }
        if list.len() > 1 && list.iter().any(|it| it == "*") {
            let detail = format!("if '*' is present, must not specify other {what}");
            causes.push(Cause::invalid(format!("{at}.{key}"), &rule[key], &detail));
        }
    };
    alone("operations", "operations", causes);
    for (at, it) in items(&rule["operations"], &format!("{at}.operations")) {
        one_of(it, &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"], &at, causes);
    }
    alone("apiGroups", "API groups", causes);
    alone("apiVersions", "API versions", causes);
    for (at, it) in items(&rule["apiVersions"], &format!("{at}.apiVersions")) {
        if text(it).is_empty() {
            causes.push(Cause::required(at, ""));
        }
    }
    resources(&rule["resources"], &format!("{at}.resources"), causes);
    if !rule["scope"].is_null() {
        one_of(&rule["scope"], &["*", "Cluster", "Namespaced"], &format!("{at}.scope"), causes);
    }
}

fn resources(list: &Value, path: &str, causes: &mut Causes) {
    let all = items(list, path);
    if all.is_empty() {
        causes.push(Cause::required(path, ""));
    }
    let (mut all_of, mut of_all) = (Vec::new(), Vec::new());
    for (at, it) in &all {
        if text(it).is_empty() {
            causes.push(Cause::required(at, ""));
        }
        let Some((resource, part)) = text(it).split_once('/') else { continue };
        let mut covered = |by: String| {
            let detail = format!("if '{by}' is present, must not specify {}", text(it));
            causes.push(Cause::invalid(at, it, &detail));
        };
        if all_of.contains(&resource) {
            covered(format!("{resource}/*"));
        }
        if of_all.contains(&part) {
            covered(format!("*/{part}"));
        }
        if part == "*" {
            all_of.push(resource);
        }
        if resource == "*" {
            of_all.push(part);
        }
    }
    let has = |wanted: &str| all.iter().any(|(_, it)| **it == *wanted);
    if all.len() > 1 && has("*/*") {
        let detail = "if '*/*' is present, must not specify other resources";
        causes.push(Cause::invalid(path, list, detail));
    }
    if has("*") && all.iter().any(|(_, it)| text(it) != "*" && !text(it).contains('/')) {
        let detail = "if '*' is present, must not specify other resources without subresources";
        causes.push(Cause::invalid(path, list, detail));
    }
}

/// Where a webhook is.
pub(crate) fn client(it: &Value, path: &str, causes: &mut Causes) {
    if it["url"].is_null() == it["service"].is_null() {
        causes.push(Cause::required(path, "exactly one of url or service is required"));
        return;
    }
    if let Some(url) = it["url"].as_str() {
        address(url, &format!("{path}.url"), causes);
        return;
    }
    let (service, path) = (&it["service"], format!("{path}.service"));
    for key in ["name", "namespace"] {
        if text(&service[key]).is_empty() {
            causes.push(Cause::required(format!("{path}.{key}"), ""));
        }
    }
    if service["port"].as_i64().is_some_and(|it| !(1..=65535).contains(&it)) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        causes.push(Cause::invalid(format!("{path}.port"), &service["port"], detail));
    }
    if let Some(place) = service["path"].as_str().filter(|it| *it != "/") {
        url_path(place, &format!("{path}.path"), causes);
    }
}

/// A path of a URL, of parts that are names.
fn url_path(place: &str, path: &str, causes: &mut Causes) {
    if place.is_empty() {
        return;
    }
    if !place.starts_with('/') {
        causes.push(Cause::invalid(path, &place.into(), "must start with a '/'"));
    }
    let rest: String = place.chars().skip(1).collect();
    for (index, part) in rest.strip_suffix('/').unwrap_or(&rest).split('/').enumerate() {
        if part.is_empty() {
            let detail = format!("segment[{index}] may not be empty");
            causes.push(Cause::invalid(path, &place.into(), &detail));
            continue;
        }
        for why in names::subdomain(part) {
            causes.push(Cause::invalid(path, &place.into(), &format!("segment[{index}]: {why}")));
        }
    }
}

fn address(url: &str, path: &str, causes: &mut Causes) {
    const FORM: &str = "; desired format: https://host[/path]";
    let mut wrong = |part: &str, detail: String| causes.push(Cause::invalid(path, &part.into(), &detail));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != "https" {
        wrong(scheme, format!("'https' is the only allowed URL scheme{FORM}"));
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split('/').next().filter(|_| !scheme.is_empty()).unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.is_empty() {
        wrong(host, format!("host must be specified{FORM}"));
    }
    if !user.is_empty() {
        wrong(user, "user information is not permitted in the URL".into());
    }
    if !fragment.is_empty() {
        wrong(fragment, "fragments are not permitted in the URL".into());
    }
    if !query.is_empty() {
        wrong(query, "query parameters are not permitted in the URL".into());
    }
}

/// The binding of a policy.
fn policy_binding(spec: &Value, validating: bool, causes: &mut Causes) {
    match text(&spec["policyName"]) {
        "" => causes.push(Cause::required("spec.policyName", "")),
        name => each(names::subdomain(name), &spec["policyName"], "spec.policyName", causes),
    }
    let (params, path) = (&spec["paramRef"], "spec.paramRef");
    if params.is_object() {
        let (named, selected) = (!text(&params["name"]).is_empty(), params["selector"].is_object());
        let detail = "name and selector are mutually exclusive";
        match (named, selected) {
            (true, true) => {
                causes.push(Cause::forbidden(format!("{path}.name"), detail));
                causes.push(Cause::forbidden(format!("{path}.selector"), detail));
            }
            (false, false) => {
                causes.push(Cause::required(path, "one of name or selector must be specified"));
            }
            _ => {}
        }
        let at = format!("{path}.parameterNotFoundAction");
        match text(&params["parameterNotFoundAction"]) {
            "" => causes.push(Cause::required(at, "")),
            _ => one_of(&params["parameterNotFoundAction"], &["Deny", "Allow"], &at, causes),
        }
    }
    if spec["matchResources"].is_object() {
        matching(&spec["matchResources"], "spec.matchResources", causes);
    }
    if !validating {
        return;
    }
    let actions = items(&spec["validationActions"], "spec.validationActions");
    if actions.is_empty() {
        let detail = "at least one validation action is required";
        causes.push(Cause::required("spec.validationActions", detail));
    }
    for (index, (at, it)) in actions.iter().enumerate() {
        one_of(it, &["Audit", "Deny", "Warn"], at, causes);
        if actions[..index].iter().any(|(_, other)| other == it) {
            causes.push(Cause::duplicate(at.as_str(), it));
        }
    }
    let has = |wanted: &str| actions.iter().any(|(_, it)| **it == *wanted);
    if has("Deny") && has("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        causes.push(Cause::invalid("spec.validationActions", &spec["validationActions"], detail));
    }
}

/// Which writes a policy takes in.
fn matching(it: &Value, path: &str, causes: &mut Causes) {
    if !it["matchPolicy"].is_null() {
        one_of(&it["matchPolicy"], &["Equivalent", "Exact"], &format!("{path}.matchPolicy"), causes);
    }
    for key in ["namespaceSelector", "objectSelector"] {
        selector(&it[key], &format!("{path}.{key}"), causes);
    }
    for key in ["resourceRules", "excludeResourceRules"] {
        for (at, rule) in items(&it[key], &format!("{path}.{key}")) {
            operations(rule, &at, causes);
        }
    }
}

fn policy(spec: &Value, causes: &mut Causes) {
    if !spec["failurePolicy"].is_null() {
        one_of(&spec["failurePolicy"], &["Fail", "Ignore"], "spec.failurePolicy", causes);
    }
    if spec["paramKind"].is_object() {
        for key in ["apiVersion", "kind"] {
            if text(&spec["paramKind"][key]).is_empty() {
                causes.push(Cause::required(format!("spec.paramKind.{key}"), ""));
            }
        }
    }
    if spec["matchConstraints"].is_object() {
        matching(&spec["matchConstraints"], "spec.matchConstraints", causes);
        if length(&spec["matchConstraints"]["resourceRules"]) == 0 {
            causes.push(Cause::required("spec.matchConstraints.resourceRules", ""));
        }
    } else {
        causes.push(Cause::required("spec.matchConstraints", ""));
    }
    if length(&spec["validations"]) + length(&spec["auditAnnotations"]) == 0 {
        let detail = "validations or auditAnnotations must contain at least one item";
        causes.push(Cause::required("spec.validations", detail));
        causes.push(Cause::required("spec.auditAnnotations", detail));
    }
    for (at, it) in items(&spec["validations"], "spec.validations") {
        if text(&it["expression"]).trim().is_empty() {
            causes.push(Cause::required(format!("{at}.expression"), "expression is not specified"));
        }
        if let Some(message) = it["message"].as_str() {
            let at = format!("{at}.message");
            if message.trim().is_empty() {
                let detail = "message must be non-empty if specified";
                causes.push(Cause::invalid(at, &it["message"], detail));
            } else if message.contains('\n') {
                causes.push(Cause::invalid(at, &it["message"], "message must not contain line breaks"));
            }
        }
        if !it["reason"].is_null() {
            let allowed = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];
            one_of(&it["reason"], &allowed, &format!("{at}.reason"), causes);
        }
    }
}
