//! What the server does with a write beyond its kind's own rules: namespaces that end, protections, escalation.

mod classes;
pub(crate) mod policies;
pub(crate) mod quotas;
mod ranges;
pub(crate) mod signing;

use serde_json::{Value, json};

use crate::api::{Api, Place};
use crate::auth::User;
use crate::failure::{Failure, Result};
use crate::object;

/// Namespaces that stay.
const PROTECTED: [&str; 3] = ["default", "kube-system", "kube-public"];

fn push_unique(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(items) if items.contains(&item) => {}
        Some(items) => items.push(item),
        None => *list = json!([item]),
    }
}

/// The refusal of an object, which has no name in the path where it is new.
fn forbidden(place: &Place, object: &Value, why: &str) -> Failure {
    let mut place = place.clone();
    object::meta(object, "name").clone_into(&mut place.name);
    place.forbidden(why)
}

/// A new object.
pub(crate) fn create(
    api: &Api,
    user: &User,
    place: &Place,
    object: &mut Value,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let _ = &warnings;
    if place.kind.namespaced {
        live_namespace(api, place, object)?;
    }
    if place.kind.group == "rbac.authorization.k8s.io" {
        escalation(api, user, place, object)?;
    }
    if place.kind.is("certificates.k8s.io", "certificatesigningrequests") {
        signing::requested(place, object)?;
    }
    Ok(())
}

/// What a new object gets beyond what its writer owns.
pub(crate) fn complete(api: &Api, place: &Place, object: &mut Value) -> Result<()> {
    match place.kind.id() {
        ("", "persistentvolumeclaims") => {
            ranges::admit(api, place, object)?;
            push_unique(&mut object["metadata"]["finalizers"], "kubernetes.io/pvc-protection".into());
            classes::storage(api, object);
        }
        ("networking.k8s.io", "ingresses") => classes::ingress(api, object),
        ("", "persistentvolumes") => {
            push_unique(&mut object["metadata"]["finalizers"], "kubernetes.io/pv-protection".into());
        }
        ("storage.k8s.io", "volumeattributesclasses") => {
            push_unique(&mut object["metadata"]["finalizers"], "kubernetes.io/vac-protection".into());
        }
        ("", "nodes") => {
            let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
            push_unique(&mut object["spec"]["taints"], taint);
        }
        ("", "pods") => pod(api, place, object)?,
        _ => {}
    }
    Ok(())
}

/// A changed object.
pub(crate) fn update(
    api: &Api,
    user: &User,
    place: &Place,
    object: &mut Value,
    old: &Value,
    _warnings: &mut Vec<String>,
) -> Result<()> {
    if place.kind.is("", "pods") && place.subresource.is_empty() {
        for key in [
            "priority",
            "preemptionPolicy",
            "enableServiceLinks",
            "serviceAccountName",
            "serviceAccount",
            "nodeName",
        ] {
            if object["spec"].get(key).is_none()
                && let Some(held) = old["spec"].get(key)
            {
                object["spec"][key] = held.clone();
            }
        }
        tolerate(object);
    }
    if place.kind.is("certificates.k8s.io", "certificatesigningrequests") {
        signing::changed(api, user, place, object, old)?;
    }
    if place.kind.group == "rbac.authorization.k8s.io" && gives_out_more(object, old) {
        escalation(api, user, place, object)?;
    }
    Ok(())
}

/// What refuses an object that is valid for itself, new or changed: the plugins that only look.
pub(crate) fn validate(api: &Api, place: &Place, object: &Value, old: Option<&Value>) -> Result<()> {
    match (place.kind.id(), old) {
        (("", "persistentvolumeclaims"), Some(old)) if place.subresource.is_empty() => {
            classes::growth(api, place, object, old)
        }
        (("", "pods"), None) => classes::overhead(api, place, object),
        (("scheduling.k8s.io", "priorityclasses"), _) => classes::only_default_priority(api, place, object),
        _ => Ok(()),
    }
}

/// A deletion.
pub(crate) fn delete(place: &Place) -> Result<()> {
    if place.kind.is("", "namespaces") && PROTECTED.contains(&place.name.as_str()) {
        return Err(place.forbidden("this namespace may not be deleted"));
    }
    Ok(())
}

fn live_namespace(api: &Api, place: &Place, object: &Value) -> Result<()> {
    let Some(entry) = api.store.find("namespaces", &place.ns) else {
        return Err(Failure::not_found("", "namespaces", &place.ns));
    };
    let review = matches!(place.kind.group.as_str(), "authorization.k8s.io");
    if review || !entry.bytes.windows(20).any(|it| it == b"\"deletionTimestamp\":") {
        return Ok(());
    }
    let ns = object::decode(&entry.bytes);
    if !object::is_deleting(&ns) {
        return Ok(());
    }
    let why =
        format!("unable to create new content in namespace {} because it is being terminated", place.ns);
    let cause = json!([{
        "reason": "NamespaceTerminating", "message": format!("namespace {} is being terminated", place.ns),
        "field": "metadata.namespace",
    }]);
    Err(forbidden(place, object, &why).detail("causes", cause))
}

/// Pods stay five minutes on a node that is lost.
fn tolerate(object: &mut Value) {
    let tolerations = object["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = tolerations.iter().any(|it| {
            let same = it["key"] == key || it["key"].as_str().unwrap_or_default().is_empty();
            same && (it["effect"] == "NoExecute" || it["effect"].as_str().unwrap_or_default().is_empty())
        });
        if !tolerated {
            let added =
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            push_unique(&mut object["spec"]["tolerations"], added);
        }
    }
}

fn pod(api: &Api, place: &Place, object: &mut Value) -> Result<()> {
    tolerate(object);
    classes::priority(api, place, object)?;
    classes::runtime(api, place, object)?;
    ranges::admit(api, place, object)
}

/// Whether a change of a role or a binding may give rights to somebody. A binding is looked at with every change but of
/// what the garbage collector writes.
fn gives_out_more(object: &Value, old: &Value) -> bool {
    if object.get("roleRef").is_none() {
        return object["rules"] != old["rules"] || object["aggregationRule"] != old["aggregationRule"];
    }
    let rest = |it: &Value| {
        let mut it = it.clone();
        let metadata = object::metadata(&mut it);
        for key in ["ownerReferences", "finalizers", "managedFields", "resourceVersion"] {
            metadata.remove(key);
        }
        it
    };
    rest(object) != rest(old)
}

/// Nobody gives out rights that they do not have.
fn escalation(api: &Api, user: &User, place: &Place, object: &Value) -> Result<()> {
    if user.groups.iter().any(|it| it == crate::auth::MASTERS) {
        return Ok(());
    }
    let aggregates = object["aggregationRule"].is_object();
    let (rules, verb) = if object.get("roleRef").is_some() {
        (api.rules_of_role(&object["roleRef"], &place.ns).unwrap_or_default(), "bind")
    } else if aggregates {
        // What a role may gather is everything.
        let all = json!(["*"]);
        let everything = [
            json!({"verbs": all, "apiGroups": all, "resources": all}),
            json!({"verbs": all, "nonResourceURLs": all}),
        ];
        (everything.to_vec(), "escalate")
    } else {
        (object["rules"].as_array().cloned().unwrap_or_default(), "escalate")
    };
    let missing = api.missing_rules(user, &place.ns, &rules);
    let known = object.get("roleRef").is_none() || api.rules_of_role(&object["roleRef"], &place.ns).is_some();
    if missing.is_empty() && known {
        return Ok(());
    }
    let reference = object["roleRef"]["name"].as_str();
    let resource = match object["roleRef"]["kind"].as_str() {
        Some("ClusterRole") => "clusterroles",
        Some(_) => "roles",
        None => place.kind.plural.as_str(),
    };
    let action = crate::auth::Action {
        verb: verb.into(),
        group: place.kind.group.clone(),
        resource: resource.into(),
        ns: place.ns.clone(),
        name: reference.unwrap_or(object::meta(object, "name")).to_owned(),
        path: None,
    };
    if api.allows(user, &action) {
        return Ok(());
    }
    if !known {
        return Err(crate::failure::Failure::not_found(&place.kind.group, resource, &action.name));
    }
    if aggregates {
        let why = "must have cluster-admin privileges to use an aggregationRule";
        return Err(forbidden(place, object, why));
    }
    let groups: Vec<String> = user.groups.iter().map(|it| format!("{it:?}")).collect();
    let lines: Vec<String> = missing.iter().map(crate::auth::compact).collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        lines.join("\n")
    );
    Err(forbidden(place, object, &why))
}
