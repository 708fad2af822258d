//! Owners and what they own: dependents go with their last owner, before it, or stay, as its deletion was asked to do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Cluster, Engine, Item};
use crate::object;
use crate::store::{Change, ChangeKind};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Who owns what, by the uids of owners.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    dependents: HashMap<String, HashSet<Item>>,
    ready: Vec<Item>,
}

#[derive(Deserialize)]
struct Owned {
    metadata: OwnedMeta,
}

#[derive(Deserialize)]
struct OwnedMeta {
    #[serde(default)]
    uid: String,
    #[serde(default, rename = "ownerReferences")]
    owners: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    uid: String,
    #[serde(rename = "apiVersion", default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
}

fn read(bytes: &[u8]) -> Option<OwnedMeta> {
    serde_json::from_slice::<Owned>(bytes).ok().map(|it| it.metadata)
}

fn has_owners(bytes: &[u8]) -> bool {
    let mark = b"\"ownerReferences\"";
    bytes.windows(mark.len()).any(|part| part == mark)
}

impl Owners {
    /// Remembers who owns an object.
    pub(super) fn note(&mut self, shelf: &Arc<str>, key: &str, bytes: &[u8]) {
        if !has_owners(bytes) {
            return;
        }
        for owner in read(bytes).map(|it| it.owners).unwrap_or_default() {
            let item = Item { shelf: shelf.clone(), key: key.to_owned() };
            self.dependents.entry(owner.uid).or_default().insert(item);
        }
    }

    pub(super) fn changed(&mut self, shelf: &Arc<str>, change: &Change) {
        let item = Item { shelf: shelf.clone(), key: change.entry.key.to_string() };
        if let Some(before) = change.before.as_ref().filter(|it| has_owners(&it.bytes)) {
            for owner in read(&before.bytes).map(|it| it.owners).unwrap_or_default() {
                if let Some(items) = self.dependents.get_mut(&owner.uid) {
                    items.remove(&item);
                    if items.is_empty() {
                        self.dependents.remove(&owner.uid);
                    }
                }
            }
        }
        if change.kind != ChangeKind::Deleted {
            self.note(shelf, &item.key, &change.entry.bytes);
        }
        let uid = read(&change.entry.bytes).map(|it| it.uid).unwrap_or_default();
        if change.kind == ChangeKind::Deleted {
            self.ready.extend(self.dependents.get(&uid).into_iter().flatten().cloned());
        }
    }

    pub(super) fn take_ready(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.ready)
    }

    fn of(&self, uid: &str) -> Vec<Item> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }
}

impl Engine {
    pub(super) fn collect_garbage(&mut self, cluster: &Cluster<'_>, item: &Item, object: &Value) {
        if object["metadata"]["ownerReferences"].as_array().is_some_and(|it| !it.is_empty()) {
            drop_without_owners(cluster, item, object);
            self.push_blocked_owners(cluster, object);
        }
        if !object::is_deleting(object) {
            return;
        }
        let finalizers = object::finalizers(object);
        let uid = object::meta(object, "uid");
        if finalizers.contains(&ORPHAN) {
            for dependent in self.garbage.of(uid) {
                disown(cluster, &dependent, uid);
            }
            unfinalize(cluster, item, object, ORPHAN);
        } else if finalizers.contains(&FOREGROUND) {
            let dependents = self.garbage.of(uid);
            let mut blocked = false;
            for dependent in &dependents {
                let Some(it) = value_of(cluster, dependent) else { continue };
                blocked |= blocks(&it, uid);
                if !object::is_deleting(&it) {
                    delete(cluster, dependent, &it, "Foreground");
                }
            }
            if !blocked {
                unfinalize(cluster, item, object, FOREGROUND);
            }
        }
    }

    /// Owners that wait for their dependents look again.
    fn push_blocked_owners(&mut self, cluster: &Cluster<'_>, object: &Value) {
        let registry = cluster.api.registry();
        for owner in object["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let (group, _) = crate::registry::split(owner["apiVersion"].as_str().unwrap_or_default());
            if let Some(kind) = registry.kind(group, owner["kind"].as_str().unwrap_or_default())
                && object::is_deleting(object)
            {
                let ns = if kind.namespaced { object::meta(object, "namespace") } else { "" };
                let key = object::key(ns, owner["name"].as_str().unwrap_or_default());
                self.push(&kind.shelf, &key);
            }
        }
    }
}

fn value_of(cluster: &Cluster<'_>, item: &Item) -> Option<Value> {
    cluster.api.store.find(&item.shelf, &item.key).map(|entry| object::decode(&entry.bytes))
}

fn blocks(dependent: &Value, uid: &str) -> bool {
    let owners = dependent["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|it| it.iter().any(|it| it["uid"] == uid && it["blockOwnerDeletion"] == true))
}

fn group_and_plural(cluster: &Cluster<'_>, item: &Item) -> Option<(String, String)> {
    let registry = cluster.api.registry();
    let kind = registry.kinds.iter().find(|kind| kind.shelf == item.shelf)?;
    Some((kind.group.clone(), kind.plural.clone()))
}

/// An object whose owners are all gone goes.
fn drop_without_owners(cluster: &Cluster<'_>, item: &Item, object: &Value) {
    if object::is_deleting(object) {
        return;
    }
    let registry = cluster.api.registry();
    let ns = object::meta(object, "namespace");
    let owners: Vec<Owner> =
        serde_json::from_value(object["metadata"]["ownerReferences"].clone()).unwrap_or_default();
    let lives = |owner: &Owner| {
        let (group, _) = crate::registry::split(&owner.api_version);
        // An owner of a kind that is not known may live.
        let Some(kind) = registry.kind(group, &owner.kind) else { return true };
        let key = object::key(if kind.namespaced { ns } else { "" }, &owner.name);
        let found = cluster.api.store.find(&kind.shelf, &key);
        found.is_some_and(|entry| read(&entry.bytes).is_some_and(|it| it.uid == owner.uid))
    };
    if owners.iter().any(lives) {
        return;
    }
    delete(cluster, item, object, "Background");
}

fn delete(cluster: &Cluster<'_>, item: &Item, object: &Value, policy: &str) {
    let registry = cluster.api.registry();
    let Some(kind) = registry.kinds.iter().find(|kind| kind.shelf == item.shelf) else { return };
    let place = crate::api::Place::of(kind, object::meta(object, "namespace"), object::meta(object, "name"));
    let options = crate::verbs::DeleteOptions {
        policy: Some(policy.to_owned()),
        uid: Some(object::meta(object, "uid").to_owned()),
        ..crate::verbs::DeleteOptions::default()
    };
    // Whoever deleted it first has done it.
    let _ = cluster.api.delete_object(&place, &options);
}

fn disown(cluster: &Cluster<'_>, item: &Item, uid: &str) {
    let (Some(object), Some((group, plural))) = (value_of(cluster, item), group_and_plural(cluster, item))
    else {
        return;
    };
    cluster.change(&group, &plural, &object, "", |it| {
        let metadata = object::metadata(it);
        if let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") {
            owners.retain(|owner| owner["uid"] != uid);
            if owners.is_empty() {
                metadata.remove("ownerReferences");
            }
        }
    });
}

fn unfinalize(cluster: &Cluster<'_>, item: &Item, object: &Value, finalizer: &str) {
    let Some((group, plural)) = group_and_plural(cluster, item) else { return };
    cluster.change(&group, &plural, object, "", |it| {
        let metadata = object::metadata(it);
        if let Some(Value::Array(list)) = metadata.get_mut("finalizers") {
            list.retain(|it| it != finalizer);
            if list.is_empty() {
                metadata.remove("finalizers");
            }
        }
    });
}
