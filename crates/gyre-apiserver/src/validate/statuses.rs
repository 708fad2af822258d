//! What is wrong with a status that a controller writes (the `Validate…StatusUpdate` of `pkg/apis`).

use serde_json::Value;

use super::fields::{Causes, address, each, items, not_negative, one_of, text};
use super::{config, resources};
use crate::failure::Cause;
use crate::names;
use crate::registry::Kind;

const IMMUTABLE: &str = "field is immutable";

/// Everything that is wrong with the status of a changed object.
pub(super) fn check(kind: &Kind, object: &Value, old: &Value, causes: &mut Causes) {
    let status = &object["status"];
    match kind.id() {
        ("apps", "deployments") => {
            let counts = ["updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"];
            replicas(status, &counts, causes);
            available(status, "readyReplicas", causes);
            collisions(status, &old["status"], causes);
        }
        ("apps", "replicasets") | ("", "replicationcontrollers") => {
            replicas(status, &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], causes);
        }
        ("apps", "statefulsets") => {
            let counts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
            replicas(status, &counts, causes);
            available(status, "status.readyReplicas", causes);
            collisions(status, &old["status"], causes);
        }
        ("apps", "daemonsets") => {
            let counts = [
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
                "observedGeneration",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberUnavailable",
                "collisionCount",
            ];
            not_negatives(status, &counts, causes);
            collisions(status, &old["status"], causes);
        }
        ("batch", "jobs") => {
            not_negatives(status, &["active", "succeeded", "failed", "ready", "terminating"], causes);
        }
        ("autoscaling", _) => not_negatives(status, &["currentReplicas", "desiredReplicas"], causes),
        ("policy", _) => {
            let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
            not_negatives(status, &counts, causes);
        }
        ("", "pods") => pod(status, &old["status"], causes),
        ("", "services") => balanced(status, &object["spec"], causes),
        ("networking.k8s.io", "ingresses") => {
            for (at, it) in items(&status["loadBalancer"]["ingress"], "status.loadBalancer.ingress") {
                reached(it, &at, causes);
            }
        }
        ("", "namespaces") => phase(object, causes),
        ("", "resourcequotas") => {
            for part in ["hard", "used"] {
                for (name, value) in status[part].as_object().into_iter().flatten() {
                    let at = format!("status.{part}[{name}]");
                    config::quota_name(name, &at, causes);
                    resources::amount(name, value, &at, causes);
                }
            }
        }
        ("", "nodes") => super::changes::update(kind, "status", object, old, causes),
        _ => {}
    }
}

fn number(status: &Value, key: &str) -> i64 {
    status[key].as_i64().unwrap_or_default()
}

fn not_negatives(status: &Value, keys: &[&str], causes: &mut Causes) {
    for key in keys {
        not_negative(&status[*key], &format!("status.{key}"), causes);
    }
}

/// Counts that are parts of the number of replicas.
fn replicas(status: &Value, counts: &[&str], causes: &mut Causes) {
    not_negatives(status, &["replicas"], causes);
    not_negatives(status, counts, causes);
    not_negatives(status, &["observedGeneration", "collisionCount"], causes);
    for key in counts.iter().filter(|it| **it != "unavailableReplicas") {
        if number(status, key) > number(status, "replicas") {
            let detail = "cannot be greater than status.replicas";
            causes.push(Cause::invalid(format!("status.{key}"), &number(status, key).into(), detail));
        }
    }
}

/// What is available is ready, which messages call by this name.
fn available(status: &Value, ready: &str, causes: &mut Causes) {
    let count = number(status, "availableReplicas");
    if count > number(status, "readyReplicas") {
        let detail = format!("cannot be greater than {ready}");
        causes.push(Cause::invalid("status.availableReplicas", &count.into(), &detail));
    }
}

/// How often a name was taken is never less than before.
fn collisions(status: &Value, old: &Value, causes: &mut Causes) {
    let (new, held) = (&status["collisionCount"], &old["collisionCount"]);
    if held.is_i64() && new.as_i64() < held.as_i64() {
        let detail = "cannot be decremented";
        causes.push(Cause::invalid(
            "status.collisionCount",
            &number(status, "collisionCount").into(),
            detail,
        ));
    }
}

fn pod(status: &Value, old: &Value, causes: &mut Causes) {
    for (at, it) in items(&status["conditions"], "status.conditions") {
        let kind = text(&it["type"]);
        if !matches!(kind, "PodScheduled" | "Ready" | "Initialized") {
            each(names::qualified_name(kind), &kind.into(), &format!("{at}.Type"), causes);
        }
    }
    if status["observedGeneration"].as_i64().is_some_and(|it| it < 0) {
        let (at, detail) = ("status.observedGeneration", "must be a non-negative integer");
        causes.push(Cause::invalid(at, &status["observedGeneration"], detail));
    }
    if status["qosClass"] != old["qosClass"] {
        causes.push(Cause::invalid("status.qosClass", &status["qosClass"], IMMUTABLE));
    }
    for (at, it) in items(&status["podIPs"], "status.podIPs") {
        address(&it["ip"], &at, causes);
    }
}

/// Where a Service is reached from outside.
fn balanced(status: &Value, spec: &Value, causes: &mut Causes) {
    let ingress = items(&status["loadBalancer"]["ingress"], "status.loadBalancer.ingress");
    if spec["type"] != "LoadBalancer" && !ingress.is_empty() {
        let detail = "may only be used when `spec.type` is 'LoadBalancer'";
        causes.push(Cause::forbidden("status.loadBalancer.ingress", detail));
        return;
    }
    for (at, it) in ingress {
        let (mode, has) = (format!("{at}.ipMode"), !text(&it["ip"]).is_empty());
        if has {
            address(&it["ip"], &format!("{at}.ip"), causes);
        }
        match (it["ipMode"].as_str(), has) {
            (None, true) => causes.push(Cause::required(mode, "must be specified when `ip` is set")),
            (Some(_), false) => {
                causes.push(Cause::forbidden(mode, "may not be specified when `ip` is not set"));
            }
            (Some(_), true) => one_of(&it["ipMode"], &["Proxy", "VIP"], &mode, causes),
            (None, false) => {}
        }
        named(it, &at, causes);
    }
}

/// Where an Ingress is reached from outside.
fn reached(it: &Value, path: &str, causes: &mut Causes) {
    if !text(&it["ip"]).is_empty() {
        address(&it["ip"], &format!("{path}.ip"), causes);
    }
    named(it, path, causes);
}

fn named(it: &Value, path: &str, causes: &mut Causes) {
    let (host, at) = (text(&it["hostname"]), format!("{path}.hostname"));
    if host.is_empty() {
        return;
    }
    each(names::subdomain(host), &it["hostname"], &at, causes);
    if host.parse::<std::net::IpAddr>().is_ok() {
        causes.push(Cause::invalid(at, &it["hostname"], "must be a DNS name, not an IP address"));
    }
}

fn phase(object: &Value, causes: &mut Causes) {
    let phase = &object["status"]["phase"];
    let stays = object["metadata"]["deletionTimestamp"].is_null();
    let (wanted, when) = if stays { ("Active", "empty") } else { ("Terminating", "not empty") };
    if *phase != wanted {
        let detail = format!("may only be '{wanted}' if `deletionTimestamp` is {when}");
        causes.push(Cause::invalid("status.Phase", &text(phase).into(), &detail));
    }
}
