//! When a wait is over: objects are ready, hooks are done, or everything is gone. Helm's rules, on what a watch shows.

mod workloads;

use std::collections::HashMap;

use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::Value;

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// Objects are ready; jobs are done too, where that is asked for.
    Ready {
        /// The objects.
        objects: Vec<Object>,
        /// Jobs too?
        jobs: bool,
    },
    /// Jobs and pods have done their work.
    Done(Vec<Object>),
    /// Objects do not exist.
    Gone(Vec<Object>),
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet.
    Waiting,
    /// It is so.
    Reached,
    /// It will never be so.
    Failed(String),
}

/// What a watch has shown, once it has shown everything.
#[derive(Clone, Debug, Default)]
pub struct World {
    objects: HashMap<ObjectRef, Object>,
}

impl World {
    /// The object exists.
    pub fn put(&mut self, object: Object) {
        self.objects.insert(object.object_ref(), object);
    }

    /// The object is gone.
    pub fn remove(&mut self, object: &ObjectRef) {
        self.objects.remove(object);
    }

    fn get(&self, target: &ObjectRef) -> Option<&Object> {
        self.objects.get(target)
    }

    /// The objects of a kind in a namespace whose labels a selector of `matchLabels` and `matchExpressions` picks.
    fn selected<'a>(
        &'a self,
        kind: &'a str,
        namespace: &'a str,
        selector: Option<&'a Value>,
    ) -> impl Iterator<Item = &'a Object> {
        self.objects.values().filter(move |object| {
            object.kind() == kind
                && object.namespace() == namespace
                && selector.is_some_and(|selector| matches(selector, object))
        })
    }
}

/// Does a label selector pick the object?
fn matches(selector: &Value, object: &Object) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut labels = labels.map(|(key, value)| object.label(key) == value.as_str());
    let rules = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    let mut rules = rules.map(|rule| {
        let label = rule.get("key").and_then(Value::as_str).and_then(|key| object.label(key));
        let values = rule.get("values").and_then(Value::as_array);
        let is_listed = || values.is_some_and(|all| all.iter().any(|one| one.as_str() == label));
        match rule.get("operator").and_then(Value::as_str) {
            Some("In") => label.is_some() && is_listed(),
            Some("NotIn") => label.is_none() || !is_listed(),
            Some("Exists") => label.is_some(),
            Some("DoesNotExist") => label.is_none(),
            _ => false,
        }
    });
    labels.all(|fits| fits) && rules.all(|fits| fits)
}

/// The kinds that have to be ready, with the version that Helm asks for and their names in its errors.
const CHECKED: [(&str, &str, &str); 10] = [
    ("v1", "Pod", "pods"),
    ("batch/v1", "Job", "jobs.batch"),
    ("apps/v1", "Deployment", "deployments.apps"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("v1", "Service", "services"),
    ("apps/v1", "DaemonSet", "daemonsets.apps"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions.apiextensions.k8s.io"),
    ("apps/v1", "StatefulSet", "statefulsets.apps"),
    ("v1", "ReplicationController", "replicationcontrollers"),
    ("apps/v1", "ReplicaSet", "replicasets.apps"),
];

/// The object as it is looked at, and its kind's name; `None` where nothing is asked of its kind.
fn checked(object: &Object) -> Option<(ObjectRef, &'static str)> {
    let gvk = object.gvk();
    let fits = |(api_version, kind, _): &&(&str, &str, &str)| {
        let known = GroupVersionKind::parse(api_version, kind);
        let is_old = gvk.group == "extensions" && known.group == "apps";
        known.kind == gvk.kind && (known.group == gvk.group || is_old)
    };
    let (api_version, kind, plural) = CHECKED.iter().find(fits)?;
    let known = GroupVersionKind::parse(api_version, kind);
    Some((ObjectRef::new(known, object.namespace(), object.name()), plural))
}

impl Goal {
    /// What is said when time is up.
    pub fn expired(&self) -> String {
        match self {
            Self::Done(_) => crate::action::joined(&["timed out waiting for the condition".into()]),
            Self::Ready { .. } | Self::Gone(_) => "context deadline exceeded".into(),
        }
    }

    /// The kinds and namespaces (empty: not in namespaces) that have to be watched to tell.
    pub fn watches(&self) -> Vec<(GroupVersionKind, String)> {
        let mut all = Vec::new();
        let mut add = |gvk: GroupVersionKind, namespace: &str| {
            let watch = (gvk, namespace.to_owned());
            if !all.contains(&watch) {
                all.push(watch);
            }
        };
        match self {
            Self::Gone(objects) => objects.iter().for_each(|one| add(one.gvk(), one.namespace())),
            Self::Done(objects) => objects
                .iter()
                .filter(|one| matches!(one.kind(), "Job" | "Pod"))
                .for_each(|one| add(one.gvk(), one.namespace())),
            Self::Ready { objects, jobs } => {
                for (target, _) in objects.iter().filter_map(checked) {
                    match &*target.kind {
                        "Job" if !jobs => continue,
                        "Deployment" => {
                            add(GroupVersionKind::parse("apps/v1", "ReplicaSet"), &target.namespace);
                        }
                        "ReplicationController" | "ReplicaSet" => {
                            add(GroupVersionKind::parse("v1", "Pod"), &target.namespace);
                        }
                        _ => {}
                    }
                    add(target.gvk(), &target.namespace);
                }
            }
        }
        all
    }

    /// How far it is, by what all watches have shown.
    pub fn judge(&self, world: &World) -> Verdict {
        match self {
            Self::Gone(objects) => {
                let is_there = objects.iter().any(|one| world.get(&one.object_ref()).is_some());
                if is_there { Verdict::Waiting } else { Verdict::Reached }
            }
            Self::Done(objects) => {
                let all: Vec<Verdict> = objects.iter().map(|one| done(one, world)).collect();
                let why = |verdict: &Verdict| match verdict {
                    Verdict::Failed(why) => Some(why.clone()),
                    _ => None,
                };
                let failed: Vec<String> = all.iter().filter_map(why).collect();
                if all.contains(&Verdict::Waiting) {
                    return Verdict::Waiting;
                }
                if failed.is_empty() {
                    return Verdict::Reached;
                }
                Verdict::Failed(crate::action::joined(&failed))
            }
            Self::Ready { objects, jobs } => {
                for (target, plural) in objects.iter().filter_map(checked) {
                    if target.kind == "Job" && !jobs {
                        continue;
                    }
                    let Some(live) = world.get(&target) else {
                        return Verdict::Failed(format!("{plural} \"{}\" not found", target.name));
                    };
                    match workloads::judge(live, world) {
                        Verdict::Reached => {}
                        other => return other,
                    }
                }
                Verdict::Reached
            }
        }
    }
}

/// Has a hook's object done its work? One that is gone has.
fn done(hook: &Object, world: &World) -> Verdict {
    let Some(live) = world.get(&hook.object_ref()) else { return Verdict::Reached };
    let name = hook.name();
    match hook.kind() {
        "Job" => {
            let conditions = live.at("/status/conditions").and_then(Value::as_array);
            for condition in conditions.into_iter().flatten() {
                let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
                match (text("type"), text("status")) {
                    ("Complete", "True") => return Verdict::Reached,
                    ("Failed", "True") => {
                        return Verdict::Failed(format!("job {name} failed: {}", text("reason")));
                    }
                    _ => {}
                }
            }
            Verdict::Waiting
        }
        "Pod" => match live.text("/status/phase") {
            "Succeeded" => Verdict::Reached,
            "Failed" => Verdict::Failed(format!("pod {name} failed")),
            _ => Verdict::Waiting,
        },
        _ => Verdict::Reached,
    }
}
