//! What Services, Ingresses and PodDisruptionBudgets say about pods: endpoints, addresses, allowed disruptions.

use serde_json::{Value, json};

use super::deployments::scaled;
use super::pods::{is_active, is_ready};
use super::{Cluster, number, owner_reference};
use crate::object;
use crate::selectors::LabelSelector;

/// The address of load balancers.
const BALANCER: &str = "192.168.255.1";

fn pods(cluster: &Cluster<'_>, ns: &str, selector: &Value) -> Vec<Value> {
    let selector = LabelSelector::of(selector);
    let entries = cluster.api.store.list("pods", &format!("{ns}/")).1;
    entries
        .iter()
        .map(|entry| object::decode(&entry.bytes))
        .filter(|pod| selector.fits_map(pod["metadata"]["labels"].as_object()) && is_active(pod))
        .collect()
}

fn port_of(pod: &Value, target: &Value) -> Value {
    let Some(name) = target.as_str() else { return target.clone() };
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers
        .flat_map(|it| it["ports"].as_array().into_iter().flatten())
        .find(|it| it["name"] == name)
        .map_or(Value::Null, |it| it["containerPort"].clone())
}

/// Endpoints of a Service, and its address outside.
pub(super) fn service(cluster: &Cluster<'_>, service: &Value) {
    if service["spec"]["type"] == "LoadBalancer" && service["spec"]["loadBalancerClass"].is_null() {
        cluster.change("", "services", service, "status", |it| {
            it["status"]["loadBalancer"]["ingress"] = json!([{"ip": BALANCER, "ipMode": "VIP"}]);
        });
    }
    let selector = &service["spec"]["selector"];
    if selector.as_object().is_none_or(serde_json::Map::is_empty) || service["spec"]["type"] == "ExternalName"
    {
        return;
    }
    let (ns, name) = (object::meta(service, "namespace"), object::meta(service, "name"));
    let pods = pods(cluster, ns, &json!({"matchLabels": selector}));
    legacy(cluster, service, &pods);
    let endpoints: Vec<Value> = pods
        .iter()
        .filter(|pod| pod["status"]["podIP"].is_string())
        .map(|pod| {
            let ready = is_ready(pod);
            json!({
                "addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
                "conditions": {"ready": ready, "serving": ready, "terminating": false},
                "targetRef": {"kind": "Pod", "namespace": ns, "name": object::meta(pod, "name"), "uid": object::meta(pod, "uid")},
            })
        })
        .collect();
    let mut ports = ports(service, &pods);
    for port in &mut ports {
        // In a slice a port without a name has an empty one.
        if port["name"].is_null() {
            port["name"] = "".into();
        }
    }
    let slice_name = format!("{name}-endpoints");
    match cluster.find("endpointslices.discovery.k8s.io", ns, &slice_name) {
        Some(slice) => {
            cluster.change("discovery.k8s.io", "endpointslices", &slice, "", |it| {
                it["endpoints"] = endpoints.clone().into();
                it["ports"] = ports.clone().into();
            });
        }
        None => {
            let labels = json!({
                "kubernetes.io/service-name": name,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            });
            let slice = json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": slice_name, "labels": labels, "ownerReferences": owner_reference(service)},
                "endpoints": endpoints, "ports": ports,
            });
            cluster.create("discovery.k8s.io", "endpointslices", ns, slice);
        }
    }
}

/// The Endpoints of a Service, as clients older than slices read them (`pkg/controller/endpoint`).
fn legacy(cluster: &Cluster<'_>, service: &Value, pods: &[Value]) {
    let (ns, name) = (object::meta(service, "namespace"), object::meta(service, "name"));
    let (mut ready, mut others) = (Vec::new(), Vec::new());
    for pod in pods.iter().filter(|pod| pod["status"]["podIP"].is_string()) {
        let address = json!({
            "ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"],
            "targetRef": {"kind": "Pod", "namespace": ns, "name": object::meta(pod, "name"), "uid": object::meta(pod, "uid")},
        });
        let unready = service["spec"]["publishNotReadyAddresses"] != true && !is_ready(pod);
        if unready { &mut others } else { &mut ready }.push(address);
    }
    let mut subset = json!({"ports": ports(service, pods)});
    for (field, mut addresses) in [("addresses", ready), ("notReadyAddresses", others)] {
        if !addresses.is_empty() {
            addresses.sort_by_cached_key(|address| address["ip"].as_str().map(str::to_owned));
            subset[field] = addresses.into();
        }
    }
    let is_empty = subset["addresses"].is_null() && subset["notReadyAddresses"].is_null();
    let subsets = if is_empty { Value::Null } else { json!([subset]) };
    let put = |it: &mut Value| match &subsets {
        Value::Null => drop(it.as_object_mut().map(|it| it.remove("subsets"))),
        subsets => it["subsets"] = subsets.clone(),
    };
    match cluster.find("endpoints", ns, name) {
        Some(endpoints) => drop(cluster.change("", "endpoints", &endpoints, "", put)),
        None => {
            let mut labels = service["metadata"]["labels"].clone();
            labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller".into();
            let mut endpoints = json!({
                "apiVersion": "v1", "kind": "Endpoints",
                "metadata": {"name": name, "labels": labels, "ownerReferences": owner_reference(service)},
            });
            put(&mut endpoints);
            cluster.create("", "endpoints", ns, endpoints);
        }
    }
}

/// The ports of a Service as its pods have them.
fn ports(service: &Value, pods: &[Value]) -> Vec<Value> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports
        .map(|port| {
            let number = pods
                .first()
                .map_or_else(|| port["targetPort"].clone(), |pod| port_of(pod, &port["targetPort"]));
            let mut out = json!({"protocol": port["protocol"]});
            if let Some(name) = port["name"].as_str() {
                out["name"] = name.into();
            }
            if number.is_number() {
                out["port"] = number;
            }
            out
        })
        .collect()
}

/// The address of an Ingress.
pub(super) fn ingress(cluster: &Cluster<'_>, ingress: &Value) {
    cluster.change("networking.k8s.io", "ingresses", ingress, "status", |it| {
        it["status"]["loadBalancer"]["ingress"] = json!([{"ip": BALANCER}]);
    });
}

/// How many pods a budget lets go.
pub(super) fn budget(cluster: &Cluster<'_>, budget: &Value) {
    let spec = &budget["spec"];
    let pods = pods(cluster, object::meta(budget, "namespace"), &spec["selector"]);
    let expected = pods.len();
    let healthy = pods.iter().filter(|pod| is_ready(pod)).count();
    let desired = if spec["minAvailable"].is_null() {
        expected.saturating_sub(scaled(&spec["maxUnavailable"], expected, true))
    } else {
        scaled(&spec["minAvailable"], expected, true)
    };
    let allowed = if expected == 0 { 0 } else { healthy.saturating_sub(desired) };
    let now = cluster.now();
    cluster.change("policy", "poddisruptionbudgets", budget, "status", |it| {
        let generation = number(&it["metadata"]["generation"]);
        let status = &mut it["status"];
        status["currentHealthy"] = healthy.into();
        status["desiredHealthy"] = desired.into();
        status["disruptionsAllowed"] = allowed.into();
        status["expectedPods"] = expected.into();
        status["observedGeneration"] = generation.into();
        let (state, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        super::set_condition(status, "DisruptionAllowed", state, reason, "", &now);
    });
}
