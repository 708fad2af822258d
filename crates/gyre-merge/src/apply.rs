//! Server-side apply: who owns which fields of an object, and what a write does to it.
//!
//! [`Writer::update`] records the fields that a create, update or patch changed; [`Writer::apply`] merges an applied
//! configuration, removes what its manager no longer applies, and refuses where another manager owns a field
//! with another value. Values are plain JSON; the [`Type`] says how lists and objects merge. The rules are those of
//! structured-merge-diff and of the field managers of the Kubernetes API.

mod fields;
mod managed;
mod merge;
mod walk;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

pub use fields::{Element, Leaf, Set, path_text};
pub use managed::{Managed, ManagerId, Managers, Operation, decode, encode, put, strip};

use crate::schema::Type;
use walk::Comparison;

/// The manager that owns what was there before the first apply.
const BEFORE_FIRST: &str = "before-first-apply";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is known about the versions of a kind.
pub trait Versions {
    /// The type of the kind in a version (`apps/v1`), or `None` where it is not served.
    fn ty(&self, api_version: &str) -> Option<Type>;
    /// The object in another version.
    fn convert(&self, object: &Value, api_version: &str) -> Option<Value>;
}

/// Who writes.
#[derive(Clone, Debug)]
pub struct Writer<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// The version written.
    pub api_version: &'a str,
    /// The subresource written through, or nothing.
    pub subresource: &'a str,
    /// The present, in whole seconds as RFC 3339.
    pub now: &'a str,
    /// Fields that this writer cannot change.
    pub ignored: &'a Set,
    /// A fresh object of the kind, as decoding an empty one gives it.
    pub empty: &'a Value,
}

/// Why an apply was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// The configuration does not fit the type.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// Other managers own fields with other values.
    #[error("{}", conflict_text(.0))]
    Conflicts(Vec<Conflict>),
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// That manager.
    pub manager: ManagerId,
    /// The version it wrote.
    pub api_version: String,
    /// When.
    pub time: Option<String>,
    /// The field.
    pub path: Vec<Element>,
}

impl Conflict {
    /// The message about this field alone.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.owner())
    }

    fn owner(&self) -> String {
        let mut text = format!("{:?}", self.manager.name);
        if !self.manager.subresource.is_empty() {
            let _ = write!(text, " with subresource {:?}", self.manager.subresource);
        }
        if self.manager.operation == Operation::Update {
            let _ = write!(text, " using {}", self.api_version);
        }
        text
    }
}

fn conflict_text(conflicts: &[Conflict]) -> String {
    let mut by_owner: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for conflict in conflicts {
        by_owner.entry(conflict.owner()).or_default().push(path_text(&conflict.path));
    }
    let mut messages = Vec::new();
    for (owner, paths) in by_owner {
        match &paths[..] {
            [path] if conflicts.len() == 1 => messages.push(format!("conflict with {owner}: {path}")),
            paths => {
                let lines: Vec<String> = paths.iter().map(|path| format!("\n- {path}")).collect();
                messages.push(format!("conflicts with {owner}:{}", lines.concat()));
            }
        }
    }
    let s = if conflicts.len() == 1 { "" } else { "s" };
    format!("Apply failed with {} conflict{s}: {}", conflicts.len(), messages.join("\n"))
}

/// What an apply gives.
#[derive(Clone, Debug)]
pub enum Applied {
    /// Nothing changes, managed fields and all.
    Nothing,
    /// The object, with its managed fields; it may equal the live one.
    Object(Value),
}

impl Writer<'_> {
    fn id(&self, operation: Operation) -> ManagerId {
        ManagerId {
            name: self.manager.to_owned(),
            operation,
            api_version: if operation == Operation::Apply {
                String::new()
            } else {
                self.api_version.to_owned()
            },
            subresource: self.subresource.to_owned(),
        }
    }

    /// Records in `new` which fields the write of `new` over `live` took; `live` is the empty object on creation.
    /// Managed fields that `new` brings are honoured, but not through a subresource.
    pub fn update(&self, kinds: &dyn Versions, live: &Value, new: &mut Value) {
        let brought = strip(new);
        let held = managed::held(live);
        let live = &*managed::stripped(live);
        let fresh = |list: Option<&Value>| decode(list).unwrap_or_default();
        let reset = |list: &Value| {
            list.as_array().is_some_and(|it| matches!(&it[..], [Value::Object(first)] if first.is_empty()))
        };
        let mut managers = match &brought {
            _ if !self.subresource.is_empty() => fresh(held),
            Some(list) if reset(list) => Managers::new(),
            brought => match decode(brought.as_ref()) {
                Ok(managers) if !managers.is_empty() => managers,
                _ => fresh(held),
            },
        };
        let exists = live["metadata"]["uid"].as_str().is_some_and(|uid| !uid.is_empty());
        // compat(kube-apiserver): an object that nobody manages stays so until its first apply.
        if managers.is_empty() && exists {
            return;
        }
        self.track(kinds, live, new, &mut managers, &self.id(Operation::Update));
        managed::cap(&mut managers);
        put(new, &managers);
    }

    fn track(
        &self,
        kinds: &dyn Versions,
        live: &Value,
        new: &Value,
        managers: &mut Managers,
        id: &ManagerId,
    ) {
        let Some(ty) = kinds.ty(self.api_version) else { return };
        let compared = walk::compare(&ty, live, new).without(self.ignored);
        // An update takes what it changes from everyone, itself included.
        let taken = compared.modified.union(&compared.added).difference(managed::unowned());
        let _ = self.take(kinds, live, new, compared, managers, None, true);
        if taken.is_empty() {
            return;
        }
        let set = managers.get(id).map_or_else(|| taken.clone(), |old| old.set.union(&taken));
        let managed =
            Managed { set, api_version: self.api_version.to_owned(), time: Some(self.now.to_owned()) };
        managers.insert(id.clone(), managed);
    }

    /// Merges `config` into `live`. The result is of the writer's version and not yet decoded or defaulted.
    pub fn apply(
        &self,
        kinds: &dyn Versions,
        live: &Value,
        config: &Value,
        force: bool,
    ) -> Result<Applied, ApplyError> {
        match self.apply_once(kinds, live, config, force) {
            Err(ApplyError::Conflicts(conflicts)) if self.manager == "kubectl" => {
                // compat(kubectl): fields that client-side apply set are taken over without a conflict.
                let allowed = last_applied_fields(kinds, live);
                let left: Vec<Conflict> =
                    conflicts.into_iter().filter(|conflict| !allowed.has(&conflict.path)).collect();
                if left.is_empty() {
                    self.apply_once(kinds, live, config, true)
                } else {
                    Err(ApplyError::Conflicts(left))
                }
            }
            other => other,
        }
    }

    fn apply_once(
        &self,
        kinds: &dyn Versions,
        live: &Value,
        config: &Value,
        force: bool,
    ) -> Result<Applied, ApplyError> {
        let ty = kinds.ty(self.api_version).unwrap_or(Type::Any);
        let problems = walk::validate(&ty, config);
        if !problems.is_empty() {
            return Err(ApplyError::Invalid(problems));
        }
        let mut managers = decode(managed::held(live)).unwrap_or_default();
        let held = managers.len();
        let live = managed::stripped(live);
        managers.retain(|_, managed| kinds.ty(&managed.api_version).is_some());
        if managers.is_empty() {
            let before = Writer { manager: BEFORE_FIRST, ..self.clone() };
            before.track(kinds, self.empty, &live, &mut managers, &before.id(Operation::Update));
        }
        let id = self.id(Operation::Apply);
        let merged = merge::merge(&ty, Some(&live), Some(config)).unwrap_or(Value::Null);
        let set = walk::field_set(&ty, config).recursive_difference(self.ignored);
        let owned = set.difference(managed::unowned());
        let last = managers.get(&id).cloned();
        // A manager that applies the fields that it applied last time leaves none behind.
        let again = last.as_ref().is_some_and(|it| it.set == owned && it.api_version == self.api_version);
        let renews = |object: &Value| {
            self.manager == "kubectl"
                && object.pointer("/metadata/annotations").is_some_and(|it| it.get(LAST_APPLIED).is_some())
        };
        if again && merged == *live && managers.len() == held && !renews(&live) {
            return Ok(Applied::Nothing);
        }
        let time = last.as_ref().and_then(|it| it.time.clone());
        managers.insert(id.clone(), Managed { set, api_version: self.api_version.to_owned(), time });
        let pruned = if again { merged } else { prune(kinds, merged, &managers, &id, last.as_ref()) };
        let compared = walk::compare(&ty, &live, &pruned).without(self.ignored);
        self.take(kinds, &live, &pruned, compared, &mut managers, Some(&id), force)
            .map_err(ApplyError::Conflicts)?;
        // compat(structured-merge-diff): an order that differs is a change, though no field is.
        let changed = pruned != *live;
        let mut object = if changed { pruned } else { live.into_owned() };
        if let Some(managed) = managers.get_mut(&id) {
            managed.set = owned;
            if changed {
                managed.time = Some(self.now.to_owned());
            }
            if managed.set.is_empty() {
                managers.remove(&id);
            }
        }
        if renews(&object) {
            renew_last_applied(config, &mut object);
        }
        put(&mut object, &managers);
        Ok(Applied::Object(object))
    }

    /// Takes changed fields from other managers; without `force` the fields they own are conflicts.
    #[expect(clippy::too_many_arguments, reason = "one step of two callers, each part named")]
    fn take(
        &self,
        kinds: &dyn Versions,
        live: &Value,
        new: &Value,
        compared: Comparison,
        managers: &mut Managers,
        own: Option<&ManagerId>,
        force: bool,
    ) -> Result<(), Vec<Conflict>> {
        if managers.keys().all(|id| Some(id) == own) {
            return Ok(());
        }
        // By version: what is there now and was not so before, and what is gone.
        let changes = |it: Comparison| (it.modified.union(&it.added), it.removed);
        let mut versions: BTreeMap<String, (Set, Set)> = BTreeMap::new();
        versions.insert(self.api_version.to_owned(), changes(compared));
        let mut conflicts = Vec::new();
        let mut lost: Vec<(ManagerId, Set)> = Vec::new();
        for (id, managed) in managers.iter().filter(|(id, _)| Some(*id) != own) {
            if !versions.contains_key(&managed.api_version) {
                let there = (|| {
                    let ty = kinds.ty(&managed.api_version)?;
                    let old = kinds.convert(live, &managed.api_version)?;
                    let new = kinds.convert(new, &managed.api_version)?;
                    Some(walk::compare(&ty, &old, &new).without(self.ignored))
                })();
                versions.insert(managed.api_version.clone(), changes(there.unwrap_or_default()));
            }
            let (set, removed) = &versions[&managed.api_version];
            let conflict = managed.set.intersection(set);
            conflicts.extend(conflict.paths().into_iter().map(|path| Conflict {
                manager: id.clone(),
                api_version: managed.api_version.clone(),
                time: managed.time.clone(),
                path,
            }));
            lost.push((id.clone(), conflict.union(removed)));
        }
        if !force && !conflicts.is_empty() {
            return Err(conflicts);
        }
        for (id, fields) in lost {
            if let Some(managed) = managers.get_mut(&id) {
                managed.set = managed.set.difference(&fields);
            }
        }
        managers.retain(|id, managed| Some(id) == own || !managed.set.is_empty());
        Ok(())
    }
}

/// Removes from the merged object what the manager applied last time and nobody applies or owns now.
fn prune(
    kinds: &dyn Versions,
    merged: Value,
    managers: &Managers,
    own: &ManagerId,
    last: Option<&Managed>,
) -> Value {
    let Some(last) = last.filter(|it| !it.set.is_empty()) else { return merged };
    let own_version = &managers[own].api_version;
    let Some(ty) = kinds.ty(&last.api_version) else { return merged };
    let Some(there) = kinds.convert(&merged, &last.api_version) else { return merged };
    let whole = |ty: &Type, set: &Set| set.with_named_parents(&|path| walk::is_named(ty, path));
    let last_set = whole(&ty, &last.set);
    let mut pruned = walk::without(&ty, &there, &last_set);
    let mut by_version: BTreeMap<&str, Set> = BTreeMap::new();
    for managed in managers.values() {
        let all = by_version.entry(managed.api_version.as_str()).or_default();
        *all = all.union(&managed.set);
    }
    // order: the version of the last apply first, then the others.
    let mut versions: Vec<&str> = by_version.keys().copied().collect();
    versions.sort_by_key(|version| *version != last.api_version);
    let mut current = there.clone();
    let mut at = last.api_version.clone();
    for version in versions {
        let (Some(ty), Some(full), Some(cut)) =
            (kinds.ty(version), kinds.convert(&current, version), kinds.convert(&pruned, version))
        else {
            continue;
        };
        let gone = whole(&ty, &walk::field_set(&ty, &full))
            .difference(&whole(&ty, &walk::field_set(&ty, &cut)))
            .difference(&whole(&ty, &by_version[version]));
        pruned = walk::without(&ty, &full, &gone);
        current = full;
        version.clone_into(&mut at);
    }
    if at != last.api_version {
        pruned = kinds.convert(&pruned, &last.api_version).unwrap_or(pruned);
    }
    let dangling = whole(&ty, &walk::field_set(&ty, &there))
        .difference(&whole(&ty, &walk::field_set(&ty, &pruned)))
        .intersection(&last_set);
    let out = walk::without(&ty, &there, &dangling);
    kinds.convert(&out, own_version).unwrap_or(out)
}

fn last_applied_fields(kinds: &dyn Versions, live: &Value) -> Set {
    let text = live["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap_or_default();
    let Ok(config) = serde_json::from_str::<Value>(text) else { return Set::default() };
    let version = config["apiVersion"].as_str().unwrap_or_default();
    let Some(ty) = kinds.ty(version) else { return Set::default() };
    // What has been changed since is no longer client-side apply's.
    walk::field_set(&ty, &config).difference(&walk::compare(&ty, &config, live).modified)
}

/// compat(kubectl): an object that carries the annotation of client-side apply keeps it true.
fn renew_last_applied(config: &Value, object: &mut Value) {
    let mut config = config.clone();
    strip(&mut config);
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    object["metadata"]["annotations"][LAST_APPLIED] = Value::String(format!("{config}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts;
    use serde_json::json;

    struct Core;
    impl Versions for Core {
        fn ty(&self, api_version: &str) -> Option<Type> {
            (api_version == "v1").then(|| facts::kind("", "v1", "Service"))?
        }
        fn convert(&self, object: &Value, _: &str) -> Option<Value> {
            Some(object.clone())
        }
    }

    fn apply(manager: &str, live: &Value, spec: &Value, force: bool) -> Result<Value, ApplyError> {
        let empty = json!({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {}});
        let writer = Writer {
            manager,
            api_version: "v1",
            subresource: "",
            now: "2026-01-01T00:00:00Z",
            ignored: &Set::default(),
            empty: &empty,
        };
        let config = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec});
        writer.apply(&Core, live, &config, force).map(|it| match it {
            Applied::Nothing => live.clone(),
            Applied::Object(object) => object,
        })
    }

    #[test]
    fn ports_merge_by_number_and_protocol() {
        let empty = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {}});
        let one = apply("a", &empty, &json!({"ports": [{"port": 80, "name": "x"}]}), false).unwrap();
        let two = apply("b", &one, &json!({"ports": [{"port": 80, "protocol": "UDP"}]}), false).unwrap();
        assert_eq!(two["spec"]["ports"].as_array().unwrap().len(), 2);
        let gone = apply("a", &two, &json!({}), false).unwrap();
        assert_eq!(gone["spec"]["ports"], json!([{"port": 80, "protocol": "UDP"}]));
    }

    #[test]
    fn a_conflict_names_manager_and_field() {
        let empty = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {}});
        let one = apply("a", &empty, &json!({"type": "ClusterIP"}), false).unwrap();
        let refused = apply("b", &one, &json!({"type": "NodePort"}), false).unwrap_err();
        assert_eq!(refused.to_string(), "Apply failed with 1 conflict: conflict with \"a\": .spec.type");
        let forced = apply("b", &one, &json!({"type": "NodePort"}), true).unwrap();
        assert_eq!(forced["metadata"]["managedFields"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_was_applied_before_changes_nothing() {
        let empty = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {}});
        let spec = json!({"type": "ClusterIP", "ports": [{"port": 80}]});
        let one = apply("a", &empty, &spec, false).unwrap();
        assert_eq!(apply("a", &one, &spec, false).unwrap(), one);
        let two = apply("b", &one, &json!({"type": "ClusterIP"}), false).unwrap();
        assert_eq!(two["metadata"]["managedFields"].as_array().unwrap().len(), 2);
        let less = apply("a", &two, &json!({"ports": [{"port": 80}]}), false).unwrap();
        assert_eq!(less["spec"], two["spec"]);
        assert_ne!(less, two);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let error = apply("a", &json!({"metadata": {}}), &json!({"nope": 1}), false).unwrap_err();
        assert_eq!(error.to_string(), ".spec.nope: field not declared in schema");
    }
}
