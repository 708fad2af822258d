//! Defaults of pods and of the templates that make them.

use serde_json::{Value, json};

use super::{every, part, set};
use crate::quantity::Quantity;

/// Removes what looking at a missing field has made.
fn tidy(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}

/// A pod.
pub(super) fn fill(object: &mut Value, create: bool) {
    // compat(conversion of core/v1): a pod, and not a template, has at least this long.
    if object["spec"]["terminationGracePeriodSeconds"].as_i64().is_some_and(|it| it < 0) {
        object["spec"]["terminationGracePeriodSeconds"] = 1.into();
    }
    let Some(spec) = part(object, "spec") else { return };
    let _ = create;
    set(spec, "enableServiceLinks", true);
    spec_of(spec);
    // A pod's requests are its limits where it says nothing else.
    for key in ["containers", "initContainers"] {
        every(spec.get_mut(key), |container| {
            for (name, value) in container["resources"]["limits"].as_object().cloned().unwrap_or_default() {
                let resources = &mut container["resources"];
                if resources["requests"].is_null() {
                    resources["requests"] = json!({});
                }
                set(&mut resources["requests"], &name, value);
            }
        });
    }
    tidy(spec);
}

/// A template of pods.
pub(super) fn template(template: &mut Value) {
    if !template.is_object() {
        return;
    }
    if let Some(spec) = part(template, "spec") {
        spec_of(spec);
        tidy(spec);
    }
}

fn spec_of(spec: &mut Value) {
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "restartPolicy", "Always");
    set(spec, "securityContext", json!({}));
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "schedulerName", "default-scheduler");
    accounts(spec);
    let host = spec["hostNetwork"] == true;
    for key in ["containers", "initContainers", "ephemeralContainers"] {
        every(spec.get_mut(key), |container| container_of(container, host, key == "ephemeralContainers"));
    }
    every(spec.get_mut("volumes"), |volume| {
        let sourceless = volume.as_object().is_some_and(|it| it.keys().all(|key| key == "name"));
        if sourceless {
            volume["emptyDir"] = json!({});
        }
        volume_source(volume);
    });
    every(spec.get_mut("topologySpreadConstraints"), |_| {});
    tidy(spec);
}

/// `serviceAccount` is the old name of `serviceAccountName`, and both are written.
fn accounts(spec: &mut Value) {
    let name = spec["serviceAccountName"].as_str().filter(|it| !it.is_empty());
    let old = spec["serviceAccount"].as_str().filter(|it| !it.is_empty());
    if let Some(name) = name.or(old).map(ToOwned::to_owned) {
        spec["serviceAccountName"] = name.clone().into();
        spec["serviceAccount"] = name.into();
    }
    tidy(spec);
}

fn container_of(container: &mut Value, host: bool, ephemeral: bool) {
    set(container, "terminationMessagePath", "/dev/termination-log");
    set(container, "terminationMessagePolicy", "File");
    let image = container["image"].as_str().unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    set(container, "imagePullPolicy", policy);
    if !ephemeral {
        set(container, "resources", json!({}));
    }
    for key in ["limits", "requests"] {
        for value in container["resources"]
            .get_mut(key)
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
            .map(|it| it.1)
        {
            // What is no finer than that stays as it was written.
            if let Some(quantity) = Quantity::of(value)
                && quantity.to_millis() != quantity
            {
                *value = quantity.to_millis().text().into();
            }
        }
    }
    every(container.get_mut("ports"), |port| {
        set(port, "protocol", "TCP");
        if host && port["hostPort"].as_i64().unwrap_or_default() == 0 {
            port["hostPort"] = port["containerPort"].clone();
        }
    });
    every(container.get_mut("env"), |env| {
        if let Some(source) = part(env, "valueFrom")
            && let Some(field) = part(source, "fieldRef")
        {
            set(field, "apiVersion", "v1");
        }
        if let Some(source) = part(env, "valueFrom")
            && let Some(field) = part(source, "resourceFieldRef")
        {
            set(field, "divisor", "0");
        }
        if let Some(source) = part(env, "valueFrom")
            && let Some(file) = part(source, "fileKeyRef")
        {
            set(file, "optional", false);
        }
    });
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = part(container, key) {
            set(probe, "timeoutSeconds", 1);
            set(probe, "periodSeconds", 10);
            set(probe, "successThreshold", 1);
            set(probe, "failureThreshold", 3);
            handler(probe);
        }
    }
    if let Some(lifecycle) = part(container, "lifecycle") {
        for key in ["postStart", "preStop"] {
            if let Some(it) = part(lifecycle, key) {
                handler(it);
            }
        }
    }
    if let Some(security) = part(container, "securityContext")
        && security["procMount"] == "Default"
    {
        // Written as it came.
    }
    tidy(container);
}

fn handler(handler: &mut Value) {
    if let Some(get) = part(handler, "httpGet") {
        set(get, "path", "/");
        set(get, "scheme", "HTTP");
    }
    if let Some(grpc) = part(handler, "grpc") {
        set(grpc, "service", "");
    }
}

/// An image without a tag, or with `latest`, is pulled every time.
fn is_latest(image: &str) -> bool {
    if !is_reference(image) {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains('@') {
        return false;
    }
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// Whether a text names an image, as the library of Docker's registry reads it.
fn is_reference(image: &str) -> bool {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    if digest.is_some_and(|it| !it.contains(':')) {
        return false;
    }
    let tag_at = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    let (name, tag) = tag_at.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
    let word = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    let is_tag = |it: &str| {
        it.len() <= 128
            && it.bytes().next().is_some_and(word)
            && it.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
    };
    let (domain, path) = match name.split_once('/') {
        Some((domain, path))
            if domain.contains(['.', ':'])
                || domain == "localhost"
                || domain.bytes().any(|it| it.is_ascii_uppercase()) =>
        {
            (Some(domain), path)
        }
        _ => (None, name),
    };
    let is_domain = |it: &str| {
        !it.is_empty()
            && it.split(['.', ':']).all(|part| {
                !part.is_empty()
                    && !part.starts_with('-')
                    && !part.ends_with('-')
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
    };
    name.len() <= 255
        && tag.is_none_or(is_tag)
        && domain.is_none_or(is_domain)
        && path.split('/').all(is_component)
}

/// A part of the path of an image: lower case, with single dots, one or two underscores or any dashes between.
fn is_component(part: &str) -> bool {
    let free = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let bytes = part.as_bytes();
    let joined = bytes.split(free).filter(|it| !it.is_empty());
    bytes.first().is_some_and(free)
        && bytes.last().is_some_and(free)
        && joined.into_iter().all(|it| matches!(it, b"." | b"_" | b"__") || it.iter().all(|it| *it == b'-'))
}

/// The source of a volume, in a pod or of its own.
pub(super) fn volume_source(volume: &mut Value) {
    for key in ["configMap", "secret", "downwardAPI", "projected"] {
        if let Some(source) = part(volume, key) {
            set(source, "defaultMode", 420);
        }
    }
    if let Some(source) = part(volume, "downwardAPI") {
        every(source.get_mut("items"), downward);
        tidy(source);
    }
    if let Some(source) = part(volume, "projected") {
        every(source.get_mut("sources"), |it| {
            if let Some(token) = part(it, "serviceAccountToken") {
                set(token, "expirationSeconds", 3600);
            }
            if let Some(api) = part(it, "downwardAPI") {
                every(api.get_mut("items"), downward);
                tidy(api);
            }
        });
        tidy(source);
    }
    if let Some(path) = part(volume, "hostPath") {
        set(path, "type", "");
    }
    if let Some(iscsi) = part(volume, "iscsi") {
        set(iscsi, "iscsiInterface", "default");
    }
    if let Some(rbd) = part(volume, "rbd") {
        set(rbd, "pool", "rbd");
        set(rbd, "user", "admin");
        set(rbd, "keyring", "/etc/ceph/keyring");
    }
    if let Some(disk) = part(volume, "azureDisk") {
        set(disk, "cachingMode", "ReadWrite");
        set(disk, "kind", "Shared");
        set(disk, "fsType", "ext4");
        set(disk, "readOnly", false);
    }
    if let Some(io) = part(volume, "scaleIO") {
        set(io, "storageMode", "ThinProvisioned");
        set(io, "fsType", "xfs");
    }
    if let Some(image) = part(volume, "image") {
        let policy = if is_latest(image["reference"].as_str().unwrap_or_default()) {
            "Always"
        } else {
            "IfNotPresent"
        };
        set(image, "pullPolicy", policy);
    }
    if let Some(template) = part(volume, "ephemeral").and_then(|it| part(it, "volumeClaimTemplate"))
        && let Some(spec) = part(template, "spec")
    {
        super::claim_spec(spec);
        tidy(spec);
    }
}

fn downward(item: &mut Value) {
    if let Some(field) = part(item, "fieldRef") {
        set(field, "apiVersion", "v1");
    }
    if let Some(field) = part(item, "resourceFieldRef") {
        set(field, "divisor", "0");
    }
}
