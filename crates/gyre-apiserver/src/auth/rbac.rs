//! The rules of RBAC: which roles a user has, and what they allow.

use serde_json::{Map, Value};

use super::{Action, MASTERS, User};
use crate::api::Api;
use crate::object;

const GROUP: &str = "rbac.authorization.k8s.io";

fn has(rule: &Value, list: &str, wanted: &str) -> bool {
    rule[list].as_array().into_iter().flatten().filter_map(Value::as_str).any(|it| it == "*" || it == wanted)
}

fn names_it(rule: &Value, name: &str) -> bool {
    match rule["resourceNames"].as_array() {
        Some(names) if !names.is_empty() => names.iter().any(|it| it == name),
        _ => true,
    }
}

fn matches_resource(rule: &Value, resource: &str) -> bool {
    let subresource = resource.split_once('/').map(|(_, it)| format!("*/{it}"));
    rule["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|it| it == "*" || it == resource || subresource.as_deref() == Some(it))
}

/// Whether a rule allows an action.
pub(crate) fn rule_allows(rule: &Value, action: &Action) -> bool {
    if !has(rule, "verbs", &action.verb) {
        return false;
    }
    match &action.path {
        Some(path) => {
            rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(Value::as_str).any(|it| {
                it == "*" || it == path || it.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
            })
        }
        None => {
            has(rule, "apiGroups", &action.group)
                && matches_resource(rule, &action.resource)
                && names_it(rule, &action.name)
        }
    }
}

pub(super) fn is_subject(subject: &Value, user: &User, binding_ns: &str) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => name == user.name,
        Some("Group") => user.groups.iter().any(|it| it == name),
        Some("ServiceAccount") => {
            let ns = subject["namespace"].as_str().filter(|it| !it.is_empty()).unwrap_or(binding_ns);
            user.name == format!("system:serviceaccount:{ns}:{name}")
        }
        _ => false,
    }
}

impl Api {
    /// Whether a user may do something.
    pub(crate) fn allows(&self, user: &User, action: &Action) -> bool {
        user.groups.iter().any(|it| it == MASTERS)
            || self.rules_of(user, &action.ns).iter().any(|rule| rule_allows(rule, action))
    }

    fn objects(&self, plural: &str, prefix: &str) -> Vec<Value> {
        let shelf = format!("{plural}.{GROUP}");
        self.store.list(&shelf, prefix).1.iter().map(|entry| object::decode(&entry.bytes)).collect()
    }

    /// The rules that a user has in a namespace, or in the whole cluster.
    pub(crate) fn rules_of(&self, user: &User, ns: &str) -> Vec<Value> {
        let mut bindings = self.objects("clusterrolebindings", "");
        if !ns.is_empty() {
            bindings.extend(self.objects("rolebindings", &format!("{ns}/")));
        }
        let mine = bindings.iter().filter(|binding| {
            let binding_ns = object::meta(binding, "namespace");
            binding["subjects"].as_array().into_iter().flatten().any(|it| is_subject(it, user, binding_ns))
        });
        mine.filter_map(|binding| self.rules_of_role(&binding["roleRef"], object::meta(binding, "namespace")))
            .flatten()
            .collect()
    }

    /// The rules of a role; `None` where there is no such role.
    pub(crate) fn rules_of_role(&self, reference: &Value, ns: &str) -> Option<Vec<Value>> {
        let name = reference["name"].as_str().unwrap_or_default();
        let cluster = reference["kind"] == "ClusterRole";
        let (plural, key) =
            if cluster { ("clusterroles", name.to_owned()) } else { ("roles", object::key(ns, name)) };
        let entry = self.store.find(&format!("{plural}.{GROUP}"), &key)?;
        let role = object::decode(&entry.bytes);
        Some(role["rules"].as_array().cloned().unwrap_or_default())
    }

    /// The rules of `wanted` that a user does not have: what giving them out would add.
    pub(crate) fn missing_rules(&self, user: &User, ns: &str, wanted: &[Value]) -> Vec<Value> {
        let held = if user.groups.iter().any(|it| it == MASTERS) {
            return Vec::new();
        } else {
            self.rules_of(user, ns)
        };
        wanted.iter().filter(|rule| !covers(&held, rule)).cloned().collect()
    }
}

/// Whether rules together allow all that one allows.
fn covers(held: &[Value], wanted: &Value) -> bool {
    let strings = |key: &str| -> Vec<String> {
        wanted[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
    };
    let names = strings("resourceNames");
    let names = if names.is_empty() { vec![String::new()] } else { names };
    strings("verbs").iter().all(|verb| {
        let paths = strings("nonResourceURLs");
        let path_fine = paths.iter().all(|path| {
            let action = Action { verb: verb.clone(), path: Some(path.clone()), ..Action::default() };
            held.iter().any(|rule| rule_allows(rule, &action))
        });
        path_fine
            && strings("apiGroups").iter().all(|group| {
                strings("resources").iter().all(|resource| {
                    names.iter().all(|name| {
                        let action = Action {
                            verb: verb.clone(),
                            group: group.clone(),
                            resource: resource.clone(),
                            name: name.clone(),
                            ..Action::default()
                        };
                        held.iter().any(|rule| rule_allows(rule, &action))
                    })
                })
            })
    })
}

/// A rule split into the smallest ones, as messages list them.
pub(crate) fn compact(rule: &Value) -> String {
    let list = |key: &str| -> Option<String> {
        let words: Vec<String> = rule[key].as_array()?.iter().map(std::string::ToString::to_string).collect();
        (!words.is_empty()).then(|| format!("[{}]", words.join(" ")))
    };
    let mut parts = Map::new();
    for (key, name) in [
        ("apiGroups", "APIGroups"),
        ("resources", "Resources"),
        ("resourceNames", "ResourceNames"),
        ("nonResourceURLs", "NonResourceURLs"),
        ("verbs", "Verbs"),
    ] {
        if let Some(text) = list(key) {
            parts.insert(name.into(), text.into());
        }
    }
    let order = ["APIGroups", "Resources", "ResourceNames", "NonResourceURLs", "Verbs"];
    let texts: Vec<String> =
        order.iter().filter_map(|key| Some(format!("{key}:{}", parts.get(*key)?.as_str()?))).collect();
    format!("{{{}}}", texts.join(", "))
}
