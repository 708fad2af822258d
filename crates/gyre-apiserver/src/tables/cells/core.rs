//! The cells of objects of the core group.

use serde_json::{Value, json};

use super::super::{age, nodes, pods};
use super::{containers, int, joined, labels, length, or, text};
use crate::object;

pub(super) fn core(plural: &str, it: &Value, name: &str, since: &str, now_us: i64) -> Value {
    match plural {
        "pods" => pods::cells(it, name, since, now_us),
        "nodes" => nodes::cells(it, name, since),
        "services" => service(it, name, since),
        "configmaps" => json!([name, length(&it["data"]) + length(&it["binaryData"]), since]),
        "secrets" => json!([name, text(&it["type"]), length(&it["data"]), since]),
        "namespaces" => json!([name, text(&it["status"]["phase"]), since]),
        "serviceaccounts" => json!([name, since]),
        "events" => event(it, name, now_us),
        "endpoints" => json!([name, endpoints(it), since]),
        "persistentvolumes" => volume(it, name, since),
        "persistentvolumeclaims" => claim(it, name, since),
        "resourcequotas" => quota(it, name, since),
        "podtemplates" => {
            let (names, images) = containers(&it["template"]["spec"]);
            json!([name, names, images, labels(&it["template"]["metadata"]["labels"])])
        }
        "replicationcontrollers" => {
            let (names, images) = containers(&it["spec"]["template"]["spec"]);
            let status = &it["status"];
            json!([
                name,
                int(&it["spec"]["replicas"]),
                int(&status["replicas"]),
                int(&status["readyReplicas"]),
                since,
                names,
                images,
                labels(&it["spec"]["selector"]),
            ])
        }
        _ => json!([name, object::meta(it, "creationTimestamp")]),
    }
}

fn service(it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let outside: Vec<String> =
        spec["externalIPs"].as_array().into_iter().flatten().map(|it| text(it).to_owned()).collect();
    let ingress: Vec<String> = it["status"]["loadBalancer"]["ingress"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| or(&it["ip"], text(&it["hostname"])).to_owned())
        .collect();
    let external = match text(&spec["type"]) {
        "ExternalName" => text(&spec["externalName"]).to_owned(),
        "LoadBalancer" => {
            let all: Vec<String> = ingress.into_iter().chain(outside).collect();
            if all.is_empty() { "<pending>".into() } else { all.join(",") }
        }
        _ if outside.is_empty() => "<none>".into(),
        _ => outside.join(","),
    };
    let ports = joined(&spec["ports"], |port| {
        let number = int(&port["port"]);
        let protocol = text(&port["protocol"]);
        match int(&port["nodePort"]) {
            0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    });
    let ports = if ports.is_empty() { "<none>".into() } else { ports };
    json!([
        name,
        text(&spec["type"]),
        or(&spec["clusterIP"], "<none>"),
        external,
        ports,
        since,
        labels(&spec["selector"])
    ])
}

fn endpoints(it: &Value) -> String {
    let mut all = Vec::new();
    for subset in it["subsets"].as_array().into_iter().flatten() {
        let addresses: Vec<&str> =
            subset["addresses"].as_array().into_iter().flatten().map(|it| text(&it["ip"])).collect();
        match subset["ports"].as_array().filter(|it| !it.is_empty()) {
            Some(ports) => {
                for port in ports {
                    all.extend(addresses.iter().map(|address| format!("{address}:{}", int(&port["port"]))));
                }
            }
            None => all.extend(addresses.iter().map(|it| (*it).to_owned())),
        }
    }
    match all.len() {
        0 => "<none>".into(),
        1..=3 => all.join(","),
        more => format!("{} + {} more...", all[..3].join(","), more - 3),
    }
}

/// Access modes in their short form.
pub(super) fn modes(list: &Value) -> String {
    joined(list, |it| match text(it) {
        "ReadWriteOnce" => "RWO".into(),
        "ReadOnlyMany" => "ROX".into(),
        "ReadWriteMany" => "RWX".into(),
        "ReadWriteOncePod" => "RWOP".into(),
        other => other.to_owned(),
    })
}

fn volume(it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let claim = &spec["claimRef"];
    let claim = if claim.is_object() {
        format!("{}/{}", text(&claim["namespace"]), text(&claim["name"]))
    } else {
        String::new()
    };
    let phase = if object::is_deleting(it) { "Terminating" } else { text(&it["status"]["phase"]) };
    json!([
        name,
        text(&spec["capacity"]["storage"]),
        modes(&spec["accessModes"]),
        text(&spec["persistentVolumeReclaimPolicy"]),
        phase,
        claim,
        text(&spec["storageClassName"]),
        or(&spec["volumeAttributesClassName"], "<unset>"),
        text(&it["status"]["reason"]),
        since,
        or(&spec["volumeMode"], "<unset>"),
    ])
}

fn claim(it: &Value, name: &str, since: &str) -> Value {
    let (spec, status) = (&it["spec"], &it["status"]);
    let phase = if object::is_deleting(it) { "Terminating" } else { text(&status["phase"]) };
    let bound = !text(&spec["volumeName"]).is_empty();
    let (capacity, access) = if bound {
        (or(&status["capacity"]["storage"], "0").to_owned(), modes(&status["accessModes"]))
    } else {
        (String::new(), String::new())
    };
    json!([
        name,
        phase,
        text(&spec["volumeName"]),
        capacity,
        access,
        text(&spec["storageClassName"]),
        or(&spec["volumeAttributesClassName"], "<unset>"),
        since,
        or(&spec["volumeMode"], "<unset>"),
    ])
}

fn quota(it: &Value, name: &str, since: &str) -> Value {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (key, hard) in it["status"]["hard"].as_object().into_iter().flatten() {
        let used = or(&it["status"]["used"][key.as_str()], "0");
        let part = format!("{key}: {used}/{}", text(hard));
        if key.contains("limits") { limits.push(part) } else { requests.push(part) }
    }
    json!([name, requests.join(", "), limits.join(", "), since])
}

pub(super) fn event(it: &Value, name: &str, now_us: i64) -> Value {
    let core = it.get("involvedObject").is_some();
    let pick = |old: &str, new: &str| if core { &it[old] } else { &it[new] };
    let about = pick("involvedObject", "regarding");
    let source = pick("source", "deprecatedSource");
    let (first, last) = (
        pick("firstTimestamp", "deprecatedFirstTimestamp"),
        pick("lastTimestamp", "deprecatedLastTimestamp"),
    );
    let time = |value: &Value| value.as_str().map(|it| age(it, now_us));
    let event_time = time(&it["eventTime"]);
    let first_seen = time(first).or_else(|| event_time.clone()).unwrap_or_else(|| "<unknown>".into());
    let series = &it["series"];
    let last_seen = if series.is_object() { time(&series["lastObservedTime"]) } else { time(last) };
    let last_seen = last_seen.unwrap_or_else(|| first_seen.clone());
    let count =
        if series.is_object() { int(&series["count"]) } else { int(pick("count", "deprecatedCount")).max(1) };
    let component = or(&source["component"], text(pick("reportingComponent", "reportingController")));
    let host = or(&source["host"], text(&it["reportingInstance"]));
    let from = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    let target = match (text(&about["kind"]), text(&about["name"])) {
        (kind, "") => kind.to_lowercase(),
        (kind, name) => format!("{}/{name}", kind.to_lowercase()),
    };
    let message = text(pick("message", "note")).trim().to_owned();
    json!([
        last_seen,
        text(&it["type"]),
        text(&it["reason"]),
        target,
        text(&about["fieldPath"]),
        from,
        message,
        first_seen,
        count,
        name,
    ])
}
