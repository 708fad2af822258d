//! Kinds that clusters are set up with: drivers, runtimes, requests for certificates, aggregated APIs.

use std::collections::BTreeSet;

use gyre_go::base64::STANDARD;
use serde_json::Value;

use super::fields::{Causes, each, items, one_of, port_number, text};
use super::{affinity, resources, sources};
use crate::failure::Cause;
use crate::names;
use crate::object;

/// A CSIDriver.
pub(super) fn driver(object: &Value, causes: &mut Causes) {
    sources::driver(&object["metadata"]["name"], "name", causes);
    let spec = &object["spec"];
    if !spec["fsGroupPolicy"].is_null() {
        let allowed = ["File", "None", "ReadWriteOnceWithFSType"];
        one_of(&spec["fsGroupPolicy"], &allowed, "spec.fsGroupPolicy", causes);
    }
    let mut seen = BTreeSet::new();
    for (at, it) in items(&spec["tokenRequests"], "spec.tokenRequests") {
        if !seen.insert(text(&it["audience"])) {
            causes.push(Cause::duplicate(format!("{at}.audience"), &it["audience"]));
        }
        let seconds = &it["expirationSeconds"];
        let mut wrong =
            |detail: &str| causes.push(Cause::invalid(format!("{at}.expirationSeconds"), seconds, detail));
        if seconds.as_i64().is_some_and(|it| it < 600) {
            wrong("may not specify a duration less than 10 minutes");
        }
        if seconds.as_i64().is_some_and(|it| it > 1 << 32) {
            wrong("may not specify a duration larger than 2^32 seconds");
        }
    }
    for mode in spec["volumeLifecycleModes"].as_array().into_iter().flatten() {
        one_of(mode, &["Persistent", "Ephemeral"], "spec.volumeLifecycleModes", causes);
    }
}

/// A RuntimeClass.
pub(super) fn runtime(object: &Value, causes: &mut Causes) {
    let handler = text(&object["handler"]);
    if handler.is_empty() {
        causes.push(Cause::required("handler", ""));
    } else {
        each(names::label(handler), &handler.into(), "handler", causes);
    }
    for (name, value) in object["overhead"]["podFixed"].as_object().into_iter().flatten() {
        let at = format!("overhead.podFixed[{name}]");
        resources::of_container(name, &at, causes);
        resources::amount(name, value, &at, causes);
    }
    let scheduling = &object["scheduling"];
    super::labels(&scheduling["nodeSelector"], "scheduling.nodeSelector", causes);
    for (at, it) in items(&scheduling["tolerations"], "scheduling.tolerations") {
        affinity::toleration(it, &at, causes);
    }
}

/// A request for a certificate.
pub(super) fn signing(spec: &Value, causes: &mut Causes) {
    let bytes = STANDARD.decode(text(&spec["request"]).as_bytes()).unwrap_or_default();
    if !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE REQUEST-----") {
        let shown = if spec["request"].is_null() { Value::Null } else { Value::from(bytes) };
        let detail = "PEM block type must be CERTIFICATE REQUEST";
        causes.push(Cause::invalid("spec.request", &shown, detail));
    }
    let mut seen = BTreeSet::new();
    let usages = items(&spec["usages"], "spec.usages");
    if usages.is_empty() {
        causes.push(Cause::required("spec.usages", ""));
    }
    for (at, it) in usages {
        one_of(it, &USAGES, &at, causes);
        if !seen.insert(text(it)) {
            causes.push(Cause::duplicate(at, it));
        }
    }
    let signer = text(&spec["signerName"]);
    if signer.is_empty() {
        causes.push(Cause::required("spec.signerName", ""));
    } else if signer == "kubernetes.io/legacy-unknown" {
        let detail = "the legacy signerName is not allowed via this API version";
        causes.push(Cause::invalid("spec.signerName", &spec["signerName"], detail));
    } else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        match signer.split_once('/') {
            Some((domain, path)) if !path.is_empty() => {
                each(names::subdomain(domain), &domain.into(), "spec.signerName", causes);
            }
            _ => causes.push(Cause::invalid("spec.signerName", &spec["signerName"], detail)),
        }
    }
    let seconds = &spec["expirationSeconds"];
    if seconds.as_i64().is_some_and(|it| it < 600) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        causes.push(Cause::invalid("spec.expirationSeconds", seconds, detail));
    }
}

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// An aggregated API.
pub(super) fn api_service(object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    let (group, version) = (text(&spec["group"]), text(&spec["version"]));
    let wanted = if group.is_empty() { format!("{version}.") } else { format!("{version}.{group}") };
    if object::meta(object, "name") != wanted {
        let detail = format!("must be `spec.version+\".\"+spec.group`: {wanted:?}");
        causes.push(Cause::invalid("metadata.name", &object["metadata"]["name"], &detail));
    }
    let whole = spec["groupPriorityMinimum"].as_i64().unwrap_or(0);
    if !(1..=20_000).contains(&whole) {
        let detail = "must be positive and less than 20000";
        causes.push(Cause::invalid("spec.groupPriorityMinimum", &whole.into(), detail));
    }
    let own = spec["versionPriority"].as_i64().unwrap_or(0);
    if !(1..=1000).contains(&own) {
        let detail = "must be positive and less than 1000";
        causes.push(Cause::invalid("spec.versionPriority", &own.into(), detail));
    }
    let service = &spec["service"];
    if !service.is_object() {
        return;
    }
    for key in ["namespace", "name"] {
        if text(&service[key]).is_empty() {
            causes.push(Cause::required(format!("spec.service.{key}"), ""));
        }
    }
    port_number(&service["port"], "spec.service.port", causes);
    if spec["insecureSkipTLSVerify"] == true && !text(&spec["caBundle"]).is_empty() {
        let detail = "may not be true if caBundle is present";
        causes.push(Cause::invalid("spec.insecureSkipTLSVerify", &true.into(), detail));
    }
}
