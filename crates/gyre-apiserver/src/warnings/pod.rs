//! What pods and their templates are warned of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{address, bytes, claim, old_label, term};
use crate::validate::fields::{items, text};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NO_POD: &str = "a null labelSelector results in matching no pod";
const SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";

/// Warns of a pod, or of a template; `path` is what its paths begin with.
pub(super) fn warn(pod: &Value, path: &str, out: &mut Vec<String>) {
    let spec = &pod["spec"];
    let at = |key: &str| format!("{path}spec.{key}");
    places(spec, path, out);
    annotations(pod, path, out);
    for (at, it) in items(&spec["volumes"], &at("volumes")) {
        volume(it, &at, out);
    }
    for it in spec["volumes"].as_array().into_iter().flatten() {
        overlaps(it, out);
    }
    let mut seen = BTreeSet::new();
    for (at, it) in items(&spec["hostAliases"], &at("hostAliases")) {
        if !seen.insert(text(&it["ip"])) {
            out.push(format!("{at}.ip: duplicate ip {:?}", text(&it["ip"])));
        }
    }
    let (mut seen, mut unnamed) = (BTreeSet::new(), Vec::new());
    for (at, it) in items(&spec["imagePullSecrets"], &at("imagePullSecrets")) {
        let name = text(&it["name"]);
        if !seen.insert(name) {
            out.push(format!("{at}.name: duplicate name {name:?}"));
        }
        if name.is_empty() {
            unnamed.push(format!("{at}.name: invalid empty name \"\""));
        }
    }
    out.extend(unnamed);
    for name in ["memory", "ephemeral-storage"] {
        bytes(&spec["overhead"][name], &at(&format!("overhead[{name}]")), out);
    }
    containers(pod, path, out);
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|it| it < 0) {
        let at = at("terminationGracePeriodSeconds");
        out.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = &spec["affinity"][kind];
        let path = at(&format!("affinity.{kind}"));
        for (at, it) in items(&affinity[REQUIRED], &format!("{path}.{REQUIRED}")) {
            if !it["labelSelector"].is_object() {
                out.push(format!("{at}.labelSelector: {NO_POD}"));
            }
        }
        for (at, it) in items(&affinity[PREFERRED], &format!("{path}.{PREFERRED}")) {
            if !it["podAffinityTerm"]["labelSelector"].is_object() {
                out.push(format!("{at}.podAffinityTerm.labelSelector: {NO_POD}"));
            }
        }
    }
    for (at, it) in items(&spec["dnsConfig"]["nameservers"], &at("dnsConfig.nameservers")) {
        address(it, &at, out);
    }
    for (at, it) in items(&spec["hostAliases"], &at("hostAliases")) {
        address(&it["ip"], &format!("{at}.ip"), out);
    }
}

/// Where it may run, by labels of old names.
fn places(spec: &Value, path: &str, out: &mut Vec<String>) {
    for key in spec["nodeSelector"].as_object().into_iter().flatten().map(|it| it.0) {
        if let Some(why) = old_label(key) {
            out.push(format!("{path}spec.nodeSelector[{key}]: {why}"));
        }
    }
    let nodes = &spec["affinity"]["nodeAffinity"];
    let at = format!("{path}spec.affinity.nodeAffinity");
    let terms = format!("{at}.{REQUIRED}.nodeSelectorTerms");
    for (at, it) in items(&nodes[REQUIRED]["nodeSelectorTerms"], &terms) {
        term(it, false, &at, out);
    }
    for (at, it) in items(&nodes[PREFERRED], &format!("{at}.{PREFERRED}")) {
        term(&it["preference"], true, &format!("{at}.preference"), out);
    }
    let spread = format!("{path}spec.topologySpreadConstraints");
    for (at, it) in items(&spec["topologySpreadConstraints"], &spread) {
        let key = text(&it["topologyKey"]);
        if let Some(why) = old_label(key) {
            out.push(format!("{at}.topologyKey: {key} is {why}"));
        }
        if !it["labelSelector"].is_object() {
            out.push(format!("{at}.labelSelector: {NO_POD}"));
        }
    }
}

fn annotations(pod: &Value, path: &str, out: &mut Vec<String>) {
    let given = &pod["metadata"]["annotations"];
    for (key, field, since) in [
        ("scheduler.alpha.kubernetes.io/critical-pod", "priorityClassName", "1.16"),
        ("security.alpha.kubernetes.io/sysctls", "sysctls", "1.11"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "sysctls", "1.11"),
    ] {
        if given.get(key).is_some() {
            out.push(format!("{path}metadata.annotations[{key}]: non-functional in v{since}+; use the \"{field}\" field instead"));
        }
    }
}

fn volume(it: &Value, at: &str, out: &mut Vec<String>) {
    let mut warn = |key: &str, shown: &str, why: &str| {
        if it[key].is_object() {
            out.push(format!("{at}.{shown}: {why}"));
        }
    };
    let (once, old) =
        ("deprecated in v1.11, non-functional in v1.16+", "deprecated in v1.22, non-functional in v1.25+");
    warn("photonPersistentDisk", "photonPersistentDisk", once);
    warn("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+");
    warn("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+");
    for (key, shown) in [("flocker", "flocker"), ("storageos", "storageOS"), ("quobyte", "quobyte")] {
        warn(key, shown, old);
    }
    warn("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+");
    let template = &it["ephemeral"]["volumeClaimTemplate"];
    if template.is_object() {
        claim(&template["spec"], &format!("{at}.ephemeral.volumeClaimTemplate.spec"), out);
    }
    let mut warn = |key: &str| {
        if it[key].is_object() {
            out.push(format!("{at}.{key}: deprecated in v1.28, non-functional in v1.31+"));
        }
    };
    warn("cephfs");
    warn("rbd");
}

/// A file of a volume, and the source that it comes from.
#[derive(PartialEq)]
struct Entry {
    path: String,
    source: String,
}

impl Entry {
    fn shown(&self) -> String {
        if self.source.is_empty() {
            format!("{:?}", self.path)
        } else {
            format!("{:?} ({})", self.path, self.source)
        }
    }

    /// Whether one lies at or below the other.
    fn meets(&self, other: &Self) -> bool {
        let (one, two) = (format!("{}/", self.path), format!("{}/", other.path));
        !self.path.is_empty() && !other.path.is_empty() && (one.starts_with(&two) || two.starts_with(&one))
    }
}

/// Files of a volume that lie over each other.
fn overlaps(volume: &Value, out: &mut Vec<String>) {
    let name = text(&volume["name"]);
    for (key, field, shown) in [
        ("configMap", "name", "ConfigMap"),
        ("secret", "secretName", "Secret"),
        ("downwardAPI", "", "DownwardAPI"),
    ] {
        let source = &volume[key];
        let described =
            if field.is_empty() { shown.to_owned() } else { format!("{shown} {:?}", text(&source[field])) };
        let entries = paths(&source["items"], "");
        collisions(entries, &mut Vec::new(), name, &described, out);
    }
    let mut all = Vec::new();
    for it in volume["projected"]["sources"].as_array().into_iter().flatten() {
        if it.as_object().is_some_and(serde_json::Map::is_empty) {
            out.push(format!("volume {name:?} (Projected) has no sources provided"));
            continue;
        }
        let of = |key: &str, shown: &str| format!("{shown} {:?}", text(&it[key]["name"]));
        let one = |path: &Value, source: String| vec![Entry { path: text(path).into(), source }];
        let entries = if it["configMap"]["items"].is_array() {
            paths(&it["configMap"]["items"], &of("configMap", "ConfigMap"))
        } else if it["secret"]["items"].is_array() {
            paths(&it["secret"]["items"], &of("secret", "Secret"))
        } else if it["downwardAPI"]["items"].is_array() {
            paths(&it["downwardAPI"]["items"], "DownwardAPI")
        } else if it["serviceAccountToken"].is_object() {
            one(&it["serviceAccountToken"]["path"], "ServiceAccountToken".into())
        } else if it["clusterTrustBundle"].is_object() {
            let bundle = &it["clusterTrustBundle"];
            let named = if bundle["name"].is_string() { &bundle["name"] } else { &bundle["signerName"] };
            one(&bundle["path"], format!("ClusterTrustBundle {:?}", text(named)))
        } else {
            Vec::new()
        };
        collisions(entries, &mut all, name, "Projected", out);
    }
}

fn paths(list: &Value, source: &str) -> Vec<Entry> {
    let items = list.as_array().into_iter().flatten();
    items.map(|it| Entry { path: text(&it["path"]).into(), source: source.into() }).collect()
}

fn collisions(
    entries: Vec<Entry>,
    all: &mut Vec<Entry>,
    volume: &str,
    described: &str,
    out: &mut Vec<String>,
) {
    for mut entry in entries {
        entry.path.truncate(entry.path.trim_end_matches('/').len());
        for other in all.iter().filter(|other| other.meets(&entry)) {
            let (one, two) = (entry.shown(), other.shown());
            out.push(format!("volume {volume:?} ({described}): overlapping paths: {one} with {two}"));
        }
        all.push(entry);
    }
}

/// All containers, in the order in which they are looked at.
fn all<'a>(spec: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    lists.iter().flat_map(|key| items(&spec[*key], &format!("{path}spec.{key}"))).collect()
}

fn containers(pod: &Value, path: &str, out: &mut Vec<String>) {
    let (spec, notes) = (&pod["spec"], &pod["metadata"]["annotations"]);
    let noted = |key: &str| format!("{path}metadata.annotations[{key}]");
    let key = "seccomp.security.alpha.kubernetes.io/pod";
    if spec["securityContext"]["seccompProfile"].is_null() && notes.get(key).is_some() {
        out.push(format!("{}: {SECCOMP}", noted(key)));
    }
    let all = all(spec, path);
    for (at, it) in &all {
        let (name, context) = (text(&it["name"]), &it["securityContext"]);
        let key = format!("container.seccomp.security.alpha.kubernetes.io/{name}");
        if context["seccompProfile"].is_null() && notes.get(&key).is_some() {
            out.push(format!("{}: {SECCOMP}", noted(&key)));
        }
        let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
        if !path.is_empty() && context["appArmorProfile"].is_null() && notes.get(&key).is_some() {
            let why = "deprecated since v1.30; use the \"appArmorProfile\" field instead";
            out.push(format!("{}: {why}", noted(&key)));
        }
        for resource in ["memory", "ephemeral-storage"] {
            for key in ["limits", "requests"] {
                bytes(&it["resources"][key][resource], &format!("{at}.resources.{key}[{resource}]"), out);
            }
        }
        variables(it, at, out);
    }
    ports(&all, out);
}

/// A variable that replaces one of the same name, and does not build on it.
fn variables(it: &Value, at: &str, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(&it["env"], &format!("{at}.env")) {
        let (name, value) = (text(&it["name"]), text(&it["value"]));
        if seen.insert(name) {
            continue;
        }
        let own = format!("$({name})");
        if it["valueFrom"].is_object() || value == own || !value.contains(&own) {
            out.push(format!(
                "{at}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Where a port is declared, and the address and the port of its node.
type Bound<'a> = (String, &'a str, i64);

fn ports(containers: &[(String, &Value)], out: &mut Vec<String>) {
    let mut taken: BTreeMap<(i64, &str), Vec<Bound<'_>>> = BTreeMap::new();
    let all: Vec<(String, &Value)> =
        containers.iter().flat_map(|(at, it)| items(&it["ports"], &format!("{at}.ports"))).collect();
    for (at, it) in &all {
        let number = |key: &str| it[key].as_i64().unwrap_or_default();
        let (ip, host) = (text(&it["hostIP"]), number("hostPort"));
        if !ip.is_empty() && host == 0 {
            let shown = format!(
                "{{Name:{} HostPort:0 ContainerPort:{} Protocol:{} HostIP:{ip}}}",
                text(&it["name"]),
                number("containerPort"),
                text(&it["protocol"])
            );
            out.push(format!("{at}: hostIP set without hostPort: {shown}"));
        }
        let others = taken.entry((number("containerPort"), text(&it["protocol"]))).or_default();
        for (first, other_ip, other_host) in others.iter() {
            let how = if ip == *other_ip && host == *other_host {
                "duplicate"
            } else if host == 0 || *other_host == 0 {
                "overlapping"
            } else if host == *other_host && ip.is_empty() != other_ip.is_empty() {
                "dangerously ambiguous"
            } else {
                continue;
            };
            out.push(format!("{at}: {how} port definition with {first}"));
        }
        others.push((at.clone(), ip, host));
    }
    let mut named: BTreeMap<&str, &String> = BTreeMap::new();
    for (at, it) in all.iter().filter(|(_, it)| !text(&it["name"]).is_empty()) {
        let name = text(&it["name"]);
        if let Some(first) = named.get(name) {
            out.push(format!("{at}: duplicate port name {name:?} with {first}, services and probes that select ports by name will use {first}"));
        } else {
            named.insert(name, at);
        }
    }
}
