//! The cells of built-in kinds.

use serde_json::{Value, json};

use super::{age, nodes, pods, selector_text};
use crate::clock;
use crate::object;
use crate::registry::Kind;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn or<'a>(value: &'a Value, other: &'a str) -> &'a str {
    value.as_str().filter(|it| !it.is_empty()).unwrap_or(other)
}

pub(super) fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn length(value: &Value) -> usize {
    value.as_array().map_or_else(|| value.as_object().map_or(0, serde_json::Map::len), Vec::len)
}

fn joined(list: &Value, part: impl Fn(&Value) -> String) -> String {
    let parts: Vec<String> = list.as_array().into_iter().flatten().map(part).collect();
    parts.join(",")
}

/// Names and images of the containers of a pod.
fn containers(spec: &Value) -> (String, String) {
    let list = &spec["containers"];
    (joined(list, |it| text(&it["name"]).into()), joined(list, |it| text(&it["image"]).into()))
}

fn labels(map: &Value) -> String {
    let parts: Vec<String> =
        map.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    if parts.is_empty() { "<none>".into() } else { parts.join(",") }
}

fn selector(value: &Value) -> String {
    let text = selector_text(value, false);
    match (text.is_empty(), value.is_object()) {
        (true, true) => "<none>".into(),
        (true, false) => "<none>".into(),
        _ => text,
    }
}

/// A number or a percentage as text.
fn either(value: &Value, other: &str) -> String {
    match value {
        Value::Null => other.into(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The cells of an object of a built-in kind.
pub(super) fn of(kind: &Kind, it: &Value, now_us: i64) -> Value {
    let name = object::meta(it, "name");
    let since = age(object::meta(it, "creationTimestamp"), now_us);
    match kind.id() {
        ("", plural) => core(plural, it, name, &since, now_us),
        ("apps", plural) => apps(plural, it, name, &since),
        ("batch", plural) => batch(plural, it, name, &since, now_us),
        ("autoscaling", _) => scaler(it, name, &since),
        ("networking.k8s.io", plural) => networking(plural, it, name, &since),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(it, name, &since),
        ("storage.k8s.io", plural) => storage(plural, it, name, &since),
        ("events.k8s.io", _) => event(it, name, now_us),
        ("policy", _) => json!([
            name,
            either(&it["spec"]["minAvailable"], "N/A"),
            either(&it["spec"]["maxUnavailable"], "N/A"),
            int(&it["status"]["disruptionsAllowed"]),
            since,
        ]),
        ("scheduling.k8s.io", "priorityclasses") => json!([
            name,
            int(&it["value"]),
            it["globalDefault"] == true,
            since,
            text(&it["preemptionPolicy"]),
        ]),
        ("coordination.k8s.io", "leases") => json!([name, text(&it["spec"]["holderIdentity"]), since]),
        ("node.k8s.io", _) => json!([name, text(&it["handler"]), since]),
        ("discovery.k8s.io", _) => slice(it, name, &since),
        ("admissionregistration.k8s.io", plural) => admission(plural, it, name, &since),
        ("certificates.k8s.io", "certificatesigningrequests") => request(it, name, &since),
        ("flowcontrol.apiserver.k8s.io", plural) => flow(plural, it, name, &since),
        ("resource.k8s.io", plural) => resource(plural, it, name, &since),
        _ => json!([name, object::meta(it, "creationTimestamp")]),
    }
}

fn core(plural: &str, it: &Value, name: &str, since: &str, now_us: i64) -> Value {
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
fn modes(list: &Value) -> String {
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

fn event(it: &Value, name: &str, now_us: i64) -> Value {
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

fn apps(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let (spec, status) = (&it["spec"], &it["status"]);
    let (names, images) = containers(&spec["template"]["spec"]);
    let of = |key: &str| int(&status[key]);
    let wanted = int(&spec["replicas"]);
    match plural {
        "deployments" => json!([
            name,
            format!("{}/{wanted}", of("readyReplicas")),
            of("updatedReplicas"),
            of("availableReplicas"),
            since,
            names,
            images,
            selector(&spec["selector"]),
        ]),
        "replicasets" => json!([
            name,
            wanted,
            of("replicas"),
            of("readyReplicas"),
            since,
            names,
            images,
            selector(&spec["selector"]),
        ]),
        "statefulsets" => json!([name, format!("{}/{wanted}", of("readyReplicas")), since, names, images]),
        "daemonsets" => json!([
            name,
            of("desiredNumberScheduled"),
            of("currentNumberScheduled"),
            of("numberReady"),
            of("updatedNumberScheduled"),
            of("numberAvailable"),
            labels(&spec["template"]["spec"]["nodeSelector"]),
            since,
            names,
            images,
            selector(&spec["selector"]),
        ]),
        _ => {
            let owners = it["metadata"]["ownerReferences"].as_array();
            let owner = owners.and_then(|list| list.iter().find(|it| it["controller"] == true));
            let owner = owner.map_or_else(
                || "<none>".to_owned(),
                |owner| {
                    let (group, _) = crate::registry::split(text(&owner["apiVersion"]));
                    let kind = crate::failure::qualified(group, &text(&owner["kind"]).to_lowercase());
                    format!("{kind}/{}", text(&owner["name"]))
                },
            );
            json!([name, owner, int(&it["revision"]), since])
        }
    }
}

fn batch(plural: &str, it: &Value, name: &str, since: &str, now_us: i64) -> Value {
    let (spec, status) = (&it["spec"], &it["status"]);
    if plural == "cronjobs" {
        let template = &spec["jobTemplate"]["spec"];
        let (names, images) = containers(&template["template"]["spec"]);
        let last = status["lastScheduleTime"].as_str().map_or_else(|| "<none>".into(), |it| age(it, now_us));
        let suspend = match &spec["suspend"] {
            Value::Bool(true) => "True",
            Value::Bool(false) => "False",
            _ => "<unset>",
        };
        return json!([
            name,
            text(&spec["schedule"]),
            or(&spec["timeZone"], "<none>"),
            suspend,
            length(&status["active"]),
            last,
            since,
            names,
            images,
            selector(&template["selector"]),
        ]);
    }
    let (names, images) = containers(&spec["template"]["spec"]);
    let succeeded = int(&status["succeeded"]);
    let completions = match (spec["completions"].as_i64(), spec["parallelism"].as_i64()) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, Some(parallel)) if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        _ => format!("{succeeded}/1"),
    };
    let parse = |key: &str| status[key].as_str().and_then(clock::parse);
    let duration = match (parse("startTime"), parse("completionTime")) {
        (None, _) => String::new(),
        (Some(start), None) => clock::human(now_us - start),
        (Some(start), Some(end)) => clock::human(end - start),
    };
    let has = |ty: &str| {
        status["conditions"]
            .as_array()
            .is_some_and(|it| it.iter().any(|it| it["type"] == ty && it["status"] == "True"))
    };
    let state = if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if object::is_deleting(it) {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    json!([name, state, completions, duration, since, names, images, selector(&spec["selector"])])
}

fn scaler(it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let it = if spec.get("targetCPUUtilizationPercentage").is_some() || it["apiVersion"] == "autoscaling/v1" {
        let registry = crate::registry::Registry::builtin();
        let kind = registry.resource("autoscaling", "horizontalpodautoscalers").cloned();
        kind.map_or_else(|| it.clone(), |kind| crate::convert::to_storage(&kind, "v1", it.clone()))
    } else {
        it.clone()
    };
    let (spec, status) = (&it["spec"], &it["status"]);
    let target = &spec["scaleTargetRef"];
    let minimum = spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |it| it.to_string());
    let metrics = metrics(&spec["metrics"], &status["currentMetrics"]);
    json!([
        name,
        format!("{}/{}", text(&target["kind"]), text(&target["name"])),
        metrics,
        minimum,
        int(&spec["maxReplicas"]),
        int(&status["currentReplicas"]),
        since,
    ])
}

fn metrics(wanted: &Value, current: &Value) -> String {
    let list = wanted.as_array().cloned().unwrap_or_default();
    if list.is_empty() {
        return "<none>".into();
    }
    let mut parts = Vec::new();
    for (index, metric) in list.iter().enumerate() {
        let (key, named) = match text(&metric["type"]) {
            "Resource" => ("resource", true),
            "ContainerResource" => ("containerResource", true),
            "Pods" => ("pods", false),
            "Object" => ("object", false),
            _ => ("external", false),
        };
        let body = &metric[key];
        let now = &current[index][key]["current"];
        let target = &body["target"];
        let label = if named { format!("{}: ", text(&body["name"])) } else { String::new() };
        let part = if let Some(percent) = target["averageUtilization"].as_i64() {
            let now = now["averageUtilization"]
                .as_i64()
                .map_or_else(|| "<unknown>".to_owned(), |it| format!("{it}%"));
            format!("{label}{now}/{percent}%")
        } else if target["averageValue"].is_string() {
            let suffix = if named || key == "pods" { "" } else { " (avg)" };
            format!(
                "{label}{}/{}{suffix}",
                or(&now["averageValue"], "<unknown>"),
                text(&target["averageValue"])
            )
        } else {
            format!("{label}{}/{}", or(&now["value"], "<unknown>"), text(&target["value"]))
        };
        parts.push(part);
    }
    if parts.len() > 2 {
        return format!("{} + {} more...", parts[..2].join(", "), parts.len() - 2);
    }
    parts.join(", ")
}

fn networking(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    match plural {
        "ingresses" => {
            let hosts: Vec<&str> = spec["rules"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|it| text(&it["host"]))
                .filter(|it| !it.is_empty())
                .collect();
            let hosts = match hosts.len() {
                0 => "*".to_owned(),
                1..=3 => hosts.join(","),
                more => format!("{} + {} more...", hosts[..3].join(","), more - 3),
            };
            let addresses = joined(&it["status"]["loadBalancer"]["ingress"], |it| {
                or(&it["ip"], text(&it["hostname"])).into()
            });
            let ports = if length(&spec["tls"]) > 0 { "80, 443" } else { "80" };
            json!([name, or(&spec["ingressClassName"], "<none>"), hosts, addresses, ports, since])
        }
        "ingressclasses" => {
            let parameters = &spec["parameters"];
            let parameters = if parameters.is_object() {
                let kind = text(&parameters["kind"]);
                let kind = parameters["apiGroup"]
                    .as_str()
                    .map_or_else(|| kind.to_owned(), |it| format!("{kind}.{it}"));
                format!("{kind}/{}", text(&parameters["name"]))
            } else {
                "<none>".into()
            };
            json!([name, text(&spec["controller"]), parameters, since])
        }
        "networkpolicies" => json!([name, selector(&spec["podSelector"]), since]),
        "ipaddresses" => {
            let parent = &spec["parentRef"];
            let resource = crate::failure::qualified(text(&parent["group"]), text(&parent["resource"]));
            json!([name, format!("{resource}/{}/{}", text(&parent["namespace"]), text(&parent["name"]))])
        }
        _ => json!([name, joined(&spec["cidrs"], |it| text(it).into()), since]),
    }
}

fn binding(it: &Value, name: &str, since: &str) -> Value {
    let of = |kind: &str| {
        let names: Vec<String> = it["subjects"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|it| it["kind"] == kind)
            .map(|it| match kind {
                "ServiceAccount" => format!("{}/{}", text(&it["namespace"]), text(&it["name"])),
                _ => text(&it["name"]).to_owned(),
            })
            .collect();
        names.join(", ")
    };
    let role = format!("{}/{}", text(&it["roleRef"]["kind"]), text(&it["roleRef"]["name"]));
    json!([name, role, since, of("User"), of("Group"), of("ServiceAccount")])
}

fn storage(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    match plural {
        "storageclasses" => {
            let default =
                it["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true";
            let name = if default { format!("{name} (default)") } else { name.to_owned() };
            json!([
                name,
                text(&it["provisioner"]),
                or(&it["reclaimPolicy"], "Delete"),
                or(&it["volumeBindingMode"], "Immediate"),
                it["allowVolumeExpansion"] == true,
                since,
            ])
        }
        "csidrivers" => {
            let tokens = joined(&spec["tokenRequests"], |it| text(&it["audience"]).into());
            let modes = joined(&spec["volumeLifecycleModes"], |it| text(it).into());
            json!([
                name,
                spec["attachRequired"] != false,
                spec["podInfoOnMount"] == true,
                spec["storageCapacity"] == true,
                if tokens.is_empty() { "<unset>".to_owned() } else { tokens },
                spec["requiresRepublish"] == true,
                if modes.is_empty() { "<none>".to_owned() } else { modes },
                since,
            ])
        }
        "csinodes" => json!([name, length(&spec["drivers"]), since]),
        "volumeattachments" => json!([
            name,
            text(&spec["attacher"]),
            text(&spec["source"]["persistentVolumeName"]),
            text(&spec["nodeName"]),
            it["status"]["attached"] == true,
            since,
        ]),
        "csistoragecapacities" => {
            json!([name, text(&it["storageClassName"]), or(&it["capacity"], "<unset>")])
        }
        "volumeattributesclasses" => json!([name, text(&it["driverName"]), since]),
        _ => json!([name, object::meta(it, "creationTimestamp")]),
    }
}

fn slice(it: &Value, name: &str, since: &str) -> Value {
    let limited = |parts: Vec<String>| match parts.len() {
        0 => "<unset>".to_owned(),
        1..=3 => parts.join(","),
        more => format!("{} + {} more...", parts[..3].join(","), more - 3),
    };
    let ports = it["ports"].as_array().into_iter().flatten().map(|port| match port["port"].as_i64() {
        Some(number) => number.to_string(),
        None => or(&port["name"], "<unset>").to_owned(),
    });
    let endpoints = it["endpoints"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|it| it["addresses"].as_array().into_iter().flatten().map(|it| text(it).to_owned()));
    json!([name, text(&it["addressType"]), limited(ports.collect()), limited(endpoints.collect()), since])
}

fn admission(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let kind = &spec["paramKind"];
    let param = if kind.is_object() {
        format!("{}/{}", text(&kind["apiVersion"]), text(&kind["kind"]))
    } else {
        "<unset>".into()
    };
    match plural {
        "validatingadmissionpolicies" => json!([name, length(&spec["validations"]), param, since]),
        "mutatingadmissionpolicies" => json!([name, length(&spec["mutations"]), param, since]),
        "validatingadmissionpolicybindings" | "mutatingadmissionpolicybindings" => {
            let reference = &spec["paramRef"];
            let reference = match (text(&reference["namespace"]), text(&reference["name"])) {
                _ if !reference.is_object() => "<unset>".to_owned(),
                ("", "") => "<unset>".to_owned(),
                ("", name) => name.to_owned(),
                (ns, name) => format!("{ns}/{name}"),
            };
            json!([name, text(&spec["policyName"]), reference, since])
        }
        _ => json!([name, length(&it["webhooks"]), since]),
    }
}

fn request(it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    let duration =
        spec["expirationSeconds"].as_i64().map_or_else(|| "<none>".into(), |it| clock::human(it * 1_000_000));
    let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let has = |ty: &str| conditions.iter().any(|it| it["type"] == ty);
    let mut state = if has("Denied") {
        "Denied".to_owned()
    } else if has("Approved") {
        "Approved".into()
    } else {
        "Pending".into()
    };
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !text(&it["status"]["certificate"]).is_empty() {
        state.push_str(",Issued");
    }
    json!([name, since, or(&spec["signerName"], "<none>"), text(&spec["username"]), duration, state])
}

fn flow(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    let spec = &it["spec"];
    if plural == "flowschemas" {
        let missing =
            it["status"]["conditions"].as_array().into_iter().flatten().find(|it| it["type"] == "Dangling");
        let missing = missing.map_or("?", |it| text(&it["status"]));
        return json!([
            name,
            text(&spec["priorityLevelConfiguration"]["name"]),
            int(&spec["matchingPrecedence"]),
            or(&spec["distinguisherMethod"]["type"], "<none>"),
            since,
            missing,
        ]);
    }
    let limited = &spec["limited"];
    let queuing = &limited["limitResponse"]["queuing"];
    let of = |value: &Value| value.as_i64().map_or_else(|| Value::from("<none>"), Into::into);
    let shares = &limited["nominalConcurrencyShares"];
    json!([
        name,
        text(&spec["type"]),
        of(shares),
        of(&queuing["queues"]),
        of(&queuing["handSize"]),
        of(&queuing["queueLengthLimit"]),
        since,
    ])
}

fn resource(plural: &str, it: &Value, name: &str, since: &str) -> Value {
    match plural {
        "resourceclaims" => {
            let status = &it["status"];
            let mut states = Vec::new();
            if object::is_deleting(it) {
                states.push("deleted");
            }
            if status["allocation"].is_object() {
                states.push("allocated");
            }
            if length(&status["reservedFor"]) > 0 {
                states.push("reserved");
            }
            if states.is_empty() {
                states.push("pending");
            }
            json!([name, states.join(","), since])
        }
        "resourceslices" => {
            let spec = &it["spec"];
            json!([name, text(&spec["nodeName"]), text(&spec["driver"]), text(&spec["pool"]["name"]), since])
        }
        _ => json!([name, since]),
    }
}
