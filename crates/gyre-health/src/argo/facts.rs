//! What an Application's summary tells of its live objects: the images of pods, the addresses of what is reachable
//! (Argo CD's `controller/cache/info.go`), and whose an object says it is.

use gyre_api::argo::TRACKING_ID;
use gyre_model::Object;
use serde_json::Value;

/// What annotations with links begin with.
const LINK: &str = "link.argocd.argoproj.io/";
/// Annotation that leaves out the addresses of the rules of an Ingress.
const IGNORE_DEFAULT_LINKS: &str = "argocd.argoproj.io/ignore-default-links";
/// Annotation that leaves an object's health out.
const IGNORE_HEALTH: &str = "argocd.argoproj.io/ignore-healthcheck";

/// Facts of a live object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The images of a pod, in their order.
    pub images: Box<[Box<str>]>,
    /// Addresses.
    pub urls: Box<[Box<str>]>,
    /// Its tracking id.
    pub tracking_id: Box<str>,
    /// The unique id of the object that controls it.
    pub controller: Box<str>,
    /// Its health says nothing about its Application.
    pub ignores_health: bool,
}

/// The facts of an object; `None` where there are none.
pub fn facts(object: &Object) -> Option<Facts> {
    let gvk = object.gvk();
    let mut urls: Vec<Box<str>> = links(object);
    let mut images = Box::default();
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Pod") => images = images_of(object).into_iter().map(Into::into).collect(),
        ("extensions" | "networking.k8s.io", "Ingress") => urls.extend(addresses(object)),
        _ => {}
    }
    let tracking_id = object.annotation(TRACKING_ID).unwrap_or_default().into();
    let ignores_health = object.annotation(IGNORE_HEALTH) == Some("true");
    let controller = controller(object).into();
    let facts = Facts { images, urls: urls.into(), tracking_id, controller, ignores_health };
    (facts != Facts::default()).then_some(facts)
}

/// The images of an object's containers: of a pod, or of what makes pods (gitops-engine, GetResourceImages).
pub fn images_of(object: &Object) -> Vec<String> {
    const PLACES: [&str; 3] = [
        "/spec/containers",
        "/spec/template/spec/containers",
        "/spec/jobTemplate/spec/template/spec/containers",
    ];
    let containers = PLACES.iter().find_map(|place| object.at(place)?.as_array());
    let images = containers.into_iter().flatten().filter_map(|container| container.get("image")?.as_str());
    images.map(Into::into).collect()
}

fn controller(object: &Object) -> &str {
    let owners = object.at("/metadata/ownerReferences").and_then(Value::as_array);
    let mut owners = owners.into_iter().flatten();
    let controller = owners.find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    controller.and_then(|owner| owner.get("uid")?.as_str()).unwrap_or_default()
}

fn links(object: &Object) -> Vec<Box<str>> {
    let annotations = object.at("/metadata/annotations").and_then(Value::as_object);
    let links = annotations.into_iter().flatten().filter(|(name, _)| name.starts_with(LINK));
    let links = links.filter_map(|(_, link)| link.as_str()).filter(|link| {
        let address = link.split_once('|').map_or(*link, |(_, address)| address);
        // What is no address would be a script in somebody's browser.
        ["http://", "https://", "mailto:"].iter().any(|scheme| address.starts_with(scheme))
    });
    links.map(Into::into).collect()
}

/// The addresses of an Ingress's rules.
fn addresses(object: &Object) -> Vec<Box<str>> {
    let ignored = object.annotation(IGNORE_DEFAULT_LINKS).is_some_and(|text| text == "true");
    let rules = object.at("/spec/rules").and_then(Value::as_array).filter(|_| !ignored);
    let mut found = Vec::new();
    for rule in rules.into_iter().flatten() {
        let host = rule.get("host").and_then(Value::as_str).filter(|host| !host.is_empty());
        let Some(host) = host.or_else(|| address_of(object)) else { continue };
        let scheme = if has_tls(object, host) { "https" } else { "http" };
        let paths = rule.pointer("/http/paths").and_then(Value::as_array);
        for path in paths.into_iter().flatten() {
            let path = path.get("path").and_then(Value::as_str).unwrap_or_default();
            found.push(format!("{scheme}://{host}{}", path.strip_suffix('*').unwrap_or(path)).into());
        }
    }
    found
}

/// The address that a balancer gave.
fn address_of(object: &Object) -> Option<&str> {
    let given = object.at("/status/loadBalancer/ingress").and_then(Value::as_array);
    given.into_iter().flatten().find_map(|place| {
        let text = |field: &str| place.get(field)?.as_str().filter(|text| !text.is_empty());
        text("hostname").or_else(|| text("ip"))
    })
}

fn has_tls(object: &Object, host: &str) -> bool {
    let tls = object.at("/spec/tls").and_then(Value::as_array);
    tls.into_iter().flatten().any(|tls| {
        let mut hosts = tls.get("hosts").and_then(Value::as_array).into_iter().flatten();
        tls.get("secretName").is_some() || hosts.any(|found| found == host)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        Object::new(value).unwrap()
    }

    #[test]
    fn an_ingress_is_reached_by_its_rules_and_its_links() {
        let ingress = object(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "i", "annotations": {
                "link.argocd.argoproj.io/a": "https://a.example.com/x",
                "link.argocd.argoproj.io/b": "Title|javascript:alert(1)"}},
            "spec": {"tls": [{"hosts": ["x.example.com"]}], "rules": [
                {"host": "x.example.com", "http": {"paths": [{"path": "/app*"}]}},
                {"http": {"paths": [{"path": "/"}]}}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
        let urls = facts(&ingress).unwrap().urls;
        assert_eq!(
            *urls,
            ["https://a.example.com/x".into(), "https://x.example.com/app".into(), "http://10.0.0.1/".into()]
        );
    }

    #[test]
    fn images_are_found_where_pods_are_described() {
        let pod =
            json!({"containers": [{"image": "a:1"}, {"image": "b:2"}], "initContainers": [{"image": "c:3"}]});
        let cron_job = object(json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}));
        assert_eq!(images_of(&cron_job), ["a:1", "b:2"]);
        assert_eq!(facts(&cron_job), None);
        let pod = object(json!({"apiVersion": "v1", "kind": "Pod", "spec": pod, "metadata": {"name": "p",
            "ownerReferences": [{"uid": "u1"}, {"uid": "u2", "controller": true}]}}));
        let facts = facts(&pod).unwrap();
        assert_eq!((facts.images.len(), &*facts.controller), (2, "u2"));
    }
}
