//! Roles, bindings, webhooks and admission policies.

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
            for (at, hook) in items(&object["webhooks"], "webhooks") {
                webhook(hook, &at, causes);
            }
        }
        "validatingadmissionpolicies" => {
            policy(&object["spec"], causes);
            crate::admission::policies::problems(&object["spec"], causes);
        }
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
        for key in ["operations", "apiGroups", "apiVersions", "resources"] {
            if length(&rule[key]) == 0 {
                causes.push(Cause::required(format!("{at}.{key}"), ""));
            }
        }
        for (at, it) in items(&rule["operations"], &format!("{at}.operations")) {
            one_of(it, &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"], &at, causes);
        }
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
    let client = &hook["clientConfig"];
    if client["url"].is_null() == client["service"].is_null() {
        let detail = "exactly one of url or service is required";
        causes.push(Cause::required(format!("{at}.clientConfig"), detail));
    }
    if length(&hook["admissionReviewVersions"]) == 0 {
        let detail = "must specify one of v1, v1beta1";
        causes.push(Cause::required(format!("{at}.admissionReviewVersions"), detail));
    }
}

fn policy(spec: &Value, causes: &mut Causes) {
    if length(&spec["validations"]) + length(&spec["auditAnnotations"]) == 0 {
        let detail = "validations or auditAnnotations must contain at least one item";
        causes.push(Cause::required("spec.validations", detail));
        causes.push(Cause::required("spec.auditAnnotations", detail));
    }
    for (at, it) in items(&spec["validations"], "spec.validations") {
        if text(&it["expression"]).trim().is_empty() {
            causes.push(Cause::required(format!("{at}.expression"), "expression is not specified"));
        }
    }
    if !spec["matchConstraints"].is_object() {
        causes.push(Cause::required("spec.matchConstraints", ""));
    } else if length(&spec["matchConstraints"]["resourceRules"]) == 0 {
        causes.push(Cause::required("spec.matchConstraints.resourceRules", ""));
    }
}
