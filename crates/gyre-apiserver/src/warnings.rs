//! What a write is warned of: it is taken, and it is not what its writer may think (`WarningsOnCreate` and
//! `WarningsOnUpdate` of the strategies of Kubernetes).

mod pod;

use std::net::{IpAddr, Ipv6Addr};

use gyre_go::base64::STANDARD;
use serde_json::Value;

use crate::names;
use crate::object;
use crate::quantity::Quantity;
use crate::registry::Kind;
use crate::validate::fields::{items, text};

/// The warnings of an object that is new, or that replaces `old`.
pub(crate) fn of(kind: &Kind, object: &Value, old: Option<&Value>, out: &mut Vec<String>) {
    let spec = &object["spec"];
    if old.is_some_and(|old| old["spec"] == *spec && !spec.is_null()) {
        return;
    }
    match kind.id() {
        ("", "pods") => {
            name(object, old, "the Pod's hostname", out);
            pod::warn(object, "", out);
        }
        ("", "podtemplates") => pod::warn(&object["template"], "template.", out),
        ("", "replicationcontrollers") | ("apps", "deployments" | "replicasets") => {
            name(object, old, "Pod names and hostnames", out);
            pod::warn(&spec["template"], "spec.template.", out);
        }
        ("apps", "statefulsets") => stateful(spec, out),
        ("apps", "daemonsets") => pod::warn(&spec["template"], "spec.template.", out),
        ("batch", "jobs") => {
            name(object, old, "Pod names and hostnames", out);
            job(spec, "spec", out);
        }
        ("batch", "cronjobs") => {
            name(object, old, "Pod names and hostnames", out);
            job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", out);
        }
        ("", "services") => service(object, out),
        ("", "persistentvolumes") => volume(object, out),
        ("", "persistentvolumeclaims") => {
            class_annotation(object, out);
            claim(spec, "spec", out);
        }
        ("", "nodes") => node(spec, out),
        ("", "secrets") => secret(object, out),
        ("apiextensions.k8s.io", _) => crate::custom::warn_of_definition(object, out),
        ("node.k8s.io", _) => {
            for key in object["scheduling"]["nodeSelector"].as_object().into_iter().flatten().map(|it| it.0) {
                if let Some(why) = old_label(key) {
                    out.push(format!("scheduling.nodeSelector: {why}"));
                }
            }
        }
        ("storage.k8s.io", "storageclasses") => storage_class(object, out),
        ("storage.k8s.io", "csidrivers") => driver(spec, out),
        ("networking.k8s.io", "networkpolicies") => policy(spec, out),
        ("discovery.k8s.io", _) if object["addressType"] == "FQDN" => {
            out.push("spec.addressType: FQDN endpoints are deprecated".into());
        }
        _ => {}
    }
}

/// A name that is no label makes strange host names.
fn name(object: &Value, old: Option<&Value>, used: &str, out: &mut Vec<String>) {
    let problems = names::label(object::meta(object, "name"));
    if old.is_none() && !problems.is_empty() {
        out.push(format!(
            "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is recommended: [{}]",
            problems.join(" ")
        ));
    }
}

fn stateful(spec: &Value, out: &mut Vec<String>) {
    pod::warn(&spec["template"], "spec.template.", out);
    for (at, it) in items(&spec["volumeClaimTemplates"], "spec.volumeClaimTemplates") {
        claim(&it["spec"], &at, out);
    }
    if spec["revisionHistoryLimit"].as_i64().is_some_and(|it| it < 0) {
        out.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into());
    }
}

/// From how many completions on, and how many at once, failed indexes are too many to keep.
const COMPLETIONS_SOFT: i64 = 100_000;
const PARALLEL_SOFT: i64 = 10_000;

fn job(spec: &Value, path: &str, out: &mut Vec<String>) {
    let number = |key: &str| spec[key].as_i64().unwrap_or_default();
    let many = number("completions") > COMPLETIONS_SOFT && number("parallelism") > PARALLEL_SOFT;
    if spec["completionMode"] == "Indexed" && many {
        out.push(format!("{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"));
    }
    pod::warn(&spec["template"], &format!("{path}.template."), out);
}

/// Labels of nodes that have other names now.
pub(super) fn old_label(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
        }
        "beta.kubernetes.io/instance-type" => {
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"
        }
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            "deprecated since v1.22; use Taints and Tolerations instead"
        }
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    })
}

/// A term of a selector of nodes.
pub(super) fn term(term: &Value, valued: bool, at: &str, out: &mut Vec<String>) {
    for (at, it) in items(&term["matchExpressions"], &format!("{at}.matchExpressions")) {
        let key = text(&it["key"]);
        if let Some(why) = old_label(key) {
            out.push(format!("{at}.key: {key} is {why}"));
        }
        for (at, value) in items(&it["values"], &format!("{at}.values")).into_iter().filter(|_| valued) {
            for why in names::label_value(text(value)) {
                out.push(format!("{at}: {} is invalid, {why}", text(value)));
            }
        }
    }
}

/// An amount of bytes that is none.
pub(super) fn bytes(value: &Value, at: &str, out: &mut Vec<String>) {
    if Quantity::of(value).is_some_and(|it| it.millis() % 1000 != 0) {
        let shown = crate::failure::shown(value);
        out.push(format!("{at}: fractional byte value {shown} is invalid, must be an integer"));
    }
}

/// The spec of a claim.
pub(super) fn claim(spec: &Value, path: &str, out: &mut Vec<String>) {
    for key in ["requests", "limits"] {
        bytes(&spec["resources"][key]["storage"], &format!("{path}.resources.{key}[storage]"), out);
    }
}

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

fn class_annotation(object: &Value, out: &mut Vec<String>) {
    if object["metadata"]["annotations"].get(CLASS).is_some() {
        out.push(format!(
            "metadata.annotations[{CLASS}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
        ));
    }
}

/// Sources of volumes that are no longer served, in the order in which they are told, and since when.
const GONE: [(&str, &str, &str); 6] = [
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

fn volume(object: &Value, out: &mut Vec<String>) {
    let spec = &object["spec"];
    class_annotation(object, out);
    let options = "volume.beta.kubernetes.io/mount-options";
    if object["metadata"]["annotations"].get(options).is_some() {
        out.push(format!(
            "metadata.annotations[{options}]: deprecated since v1.31; use \"mountOptions\" attribute instead"
        ));
    }
    if spec["persistentVolumeReclaimPolicy"] == "Recycle" {
        out.push("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.".into());
    }
    let terms = "spec.nodeAffinity.required.nodeSelectorTerms";
    for (at, it) in items(&spec["nodeAffinity"]["required"]["nodeSelectorTerms"], terms) {
        term(it, false, &at, out);
    }
    for (_, shown, why) in GONE.iter().filter(|(key, ..)| spec[*key].is_object()) {
        out.push(format!("spec.{shown}: {why}"));
    }
}

fn node(spec: &Value, out: &mut Vec<String>) {
    if !text(&spec["externalID"]).is_empty() {
        out.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
    }
    for (at, it) in items(&spec["podCIDRs"], "spec.podCIDRs") {
        block(it, &at, out);
    }
}

fn secret(object: &Value, out: &mut Vec<String>) {
    let data = &object["data"];
    if object["type"] != "kubernetes.io/tls" || data["tls.crt"].is_null() || data["tls.key"].is_null() {
        return;
    }
    let bytes = STANDARD.decode(text(&data["tls.crt"]).as_bytes()).unwrap_or_default();
    if !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
        out.push("tls: failed to find any PEM data in certificate input".into());
    }
}

fn service(object: &Value, out: &mut Vec<String>) {
    let spec = &object["spec"];
    let (kind, given) = (text(&spec["type"]), |key: &str| !text(&spec[key]).is_empty());
    let hints = "service.kubernetes.io/topology-aware-hints";
    if object["metadata"]["annotations"].get(hints).is_some() {
        out.push(format!(
            "annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead"
        ));
    }
    for (at, it) in items(&spec["clusterIPs"], "spec.clusterIPs").into_iter().filter(|(_, it)| **it != "None")
    {
        address(it, &at, out);
    }
    let headless = kind == "ClusterIP" && spec["clusterIP"] == "None";
    let outside = items(&spec["externalIPs"], "spec.externalIPs");
    let external = kind == "ExternalName";
    let mut warn = |holds: bool, what: &str| {
        if holds {
            out.push(what.to_owned());
        }
    };
    warn(headless && given("loadBalancerIP"), "spec.loadBalancerIP is ignored for headless services");
    warn(headless && !outside.is_empty(), "spec.externalIPs is ignored for headless services");
    let sticky = headless && spec["sessionAffinity"] != "None";
    warn(sticky, "spec.SessionAffinity is ignored for headless services");
    for (at, it) in &outside {
        address(it, at, out);
    }
    if !outside.is_empty() && !headless && !external {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    address(&spec["loadBalancerIP"], "spec.loadBalancerIP", out);
    for (at, it) in items(&spec["loadBalancerSourceRanges"], "spec.loadBalancerSourceRanges") {
        block(it, &at, out);
    }
    if external && !outside.is_empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !external && given("externalName") {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec["trafficDistribution"] == "PreferClose" {
        let what = "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        out.push(what.into());
    }
}

/// An address that is written in another way than its own.
pub(super) fn address(value: &Value, at: &str, out: &mut Vec<String>) {
    let Ok(it) = text(value).parse::<Ipv6Addr>() else { return };
    if it.to_string() != text(value) {
        out.push(format!(
            "{at}: IPv6 address {value} should be in RFC 5952 canonical format ({:?})",
            it.to_string()
        ));
    }
}

/// A network whose address is one inside of it, or that is written in another way than its own.
fn block(value: &Value, at: &str, out: &mut Vec<String>) {
    let Some((address, bits)) = crate::validate::fields::parse_cidr(text(value)) else { return };
    let network: IpAddr = match address {
        IpAddr::V4(it) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            IpAddr::V4((it.to_bits() & mask).into())
        }
        IpAddr::V6(it) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            IpAddr::V6((it.to_bits() & mask).into())
        }
    };
    if network != address {
        let alone = if address.is_ipv4() { 32 } else { 128 };
        out.push(format!(
            "{at}: CIDR value {value} is ambiguous in this context (should be \"{network}/{bits}\" or \"{address}/{alone}\"?)"
        ));
    } else if address.is_ipv6() && text(value) != format!("{network}/{bits}") {
        out.push(format!(
            "{at}: IPv6 CIDR value {value} should be in RFC 5952 canonical format (\"{network}/{bits}\")"
        ));
    }
}

fn storage_class(object: &Value, out: &mut Vec<String>) {
    for (at, it) in items(&object["allowedTopologies"], "allowedTopologies") {
        for (at, it) in items(&it["matchLabelExpressions"], &format!("{at}.matchLabelExpressions")) {
            let key = text(&it["key"]);
            if let Some(why) = old_label(key) {
                out.push(format!("{at}.key: {key} is {why}"));
            }
        }
    }
}

fn driver(spec: &Value, out: &mut Vec<String>) {
    let tokens = spec["tokenRequests"].as_array().is_some_and(|it| !it.is_empty());
    if tokens && spec["serviceAccountTokenInSecrets"].is_null() {
        out.push("spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes".into());
    }
}

fn policy(spec: &Value, out: &mut Vec<String>) {
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (at, rule) in items(&spec[rules], &format!("spec.{rules}")) {
            for (at, it) in items(&rule[peers], &format!("{at}.{peers}")) {
                block(&it["ipBlock"]["cidr"], &format!("{at}.ipBlock.cidr"), out);
                for (at, it) in items(&it["ipBlock"]["except"], &format!("{at}.ipBlock.except")) {
                    block(it, &at, out);
                }
            }
        }
    }
}
