//! A cluster without machines: controllers that make workloads run.
//!
//! One task follows every change of the store and looks at the objects concerned; what it writes are changes again, until
//! nothing is left to do. Nothing polls. What happens later (deadlines, schedules, slow starts) waits for the server's
//! clock.

mod daemons;
mod deployments;
mod endpoints;
mod events;
mod garbage;
mod jobs;
mod namespaces;
mod pods;
mod quotas;
mod replicas;
mod roles;
mod scalers;
mod schedule;
mod scheduling;
mod sets;
mod volumes;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::{Api, Place};
use crate::auth::User;
use crate::json::Parsed;
use crate::limits::RETRIES_MAX;
use crate::object;
use crate::registry::Kind;
use crate::store::{Change, Expect};
use crate::verbs::{DeleteOptions, Strictness};

pub(crate) use pods::{LogError, Written, log_of};

/// The manager of what controllers write.
const CONTROLLERS: &str = "kube-controller-manager";
/// The name of the node that every pod runs on.
pub(crate) const NODE: &str = "gyre-node";
/// How many objects are looked at before other tasks get their turn.
const TURN: usize = 64;

/// An object to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) shelf: Arc<str>,
    pub(crate) key: String,
}

/// The controllers and what they remember.
pub(crate) struct Engine {
    api: Weak<Api>,
    seen: u64,
    queue: VecDeque<Item>,
    queued: HashSet<Item>,
    later: BTreeMap<i64, Vec<Item>>,
    garbage: garbage::Owners,
    ending: HashSet<String>,
}

/// Starts the controllers; they end with the server.
pub(crate) fn start(api: &Arc<Api>, mut stop: watch::Receiver<bool>) {
    let mut engine = Engine {
        api: Arc::downgrade(api),
        seen: 0,
        queue: VecDeque::new(),
        queued: HashSet::new(),
        later: BTreeMap::new(),
        garbage: garbage::Owners::default(),
        ending: HashSet::new(),
    };
    let mut changed = api.store.any_change();
    let clock = api.clock.clone();
    tokio::spawn(async move {
        if let Some(api) = engine.api.upgrade() {
            Cluster { api: &api }.make_node();
            engine.resync(&api);
        }
        loop {
            if !engine.run().await {
                return;
            }
            let next = engine.later.keys().next().copied();
            let timer = async {
                match next {
                    Some(at) => clock.wait_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                change = changed.changed() => if change.is_err() { return },
                () = timer => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
        }
    });
}

impl Engine {
    /// Works until nothing is left to do now. False where the server is gone.
    async fn run(&mut self) -> bool {
        loop {
            let Some(api) = self.api.upgrade() else { return false };
            self.collect(&api);
            let mut turn = 0;
            while turn < TURN {
                let Some(item) = self.queue.pop_front() else { break };
                self.queued.remove(&item);
                self.look_at(&api, &item);
                turn += 1;
            }
            if turn == 0 {
                return true;
            }
            drop(api);
            tokio::task::yield_now().await;
        }
    }

    /// Takes up everything there is.
    fn resync(&mut self, api: &Arc<Api>) {
        let (revision, all) = api.store.everything();
        self.seen = revision;
        for (shelf, entry) in all {
            self.garbage.note(&shelf, &entry.key, &entry.bytes);
            self.push(&shelf, &entry.key);
        }
    }

    /// Takes up what has changed, and what its time has come for.
    fn collect(&mut self, api: &Arc<Api>) {
        match api.store.all_changes(self.seen) {
            Ok((revision, changes)) => {
                self.seen = revision;
                for (shelf, change) in changes {
                    self.changed(api, &shelf, &change);
                }
            }
            Err(_) => self.resync(api),
        }
        let now = api.clock.now_us();
        while let Some(entry) = self.later.first_entry().filter(|entry| *entry.key() <= now) {
            for item in entry.remove() {
                self.push(&item.shelf, &item.key);
            }
        }
    }

    pub(crate) fn push(&mut self, shelf: &Arc<str>, key: &str) {
        let item = Item { shelf: shelf.clone(), key: key.to_owned() };
        if self.queued.insert(item.clone()) {
            self.queue.push_back(item);
        }
    }

    fn push_named(&mut self, shelf: &str, key: &str) {
        self.push(&Arc::from(shelf), key);
    }

    /// Looks at an object again at a time.
    pub(crate) fn at(&mut self, at_us: i64, item: &Item) {
        let items = self.later.entry(at_us).or_default();
        if !items.contains(item) {
            items.push(item.clone());
        }
    }

    fn changed(&mut self, api: &Arc<Api>, shelf: &Arc<str>, change: &Change) {
        let key = change.entry.key.to_string();
        self.garbage.changed(shelf, change);
        for item in self.garbage.take_ready() {
            self.push(&item.shelf, &item.key);
        }
        self.push(shelf, &key);
        let ns = key.split_once('/').map_or("", |(ns, _)| ns);
        // An object more or less, or another size of one, is for the quotas of its namespace to count.
        if !ns.is_empty() && &**shelf != "resourcequotas" && &**shelf != "events" {
            self.push_all(api, &["resourcequotas"], ns);
        }
        if self.ending.contains(ns) {
            self.push_named("namespaces", ns);
        }
        match &**shelf {
            "pods" | "replicasets.apps" | "jobs.batch" => self.push_owners(ns, change),
            _ => {}
        }
        match &**shelf {
            "pods" => self.push_all(api, &["services", "poddisruptionbudgets.policy"], ns),
            "deployments.apps" | "statefulsets.apps" | "replicasets.apps" | "replicationcontrollers" => {
                self.push_all(api, &["horizontalpodautoscalers.autoscaling"], ns);
            }
            "nodes" => {
                self.push_all(api, &["daemonsets.apps"], "");
                self.push_unscheduled(api);
            }
            "clusterroles.rbac.authorization.k8s.io" => self.push_aggregates(&Cluster { api }),
            _ => {}
        }
    }

    /// The controllers of a changed object look at it.
    fn push_owners(&mut self, ns: &str, change: &Change) {
        let object = object::decode(&change.entry.bytes);
        for owner in object["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let shelf = match owner["kind"].as_str() {
                Some("ReplicaSet") => "replicasets.apps",
                Some("ReplicationController") => "replicationcontrollers",
                Some("Deployment") => "deployments.apps",
                Some("StatefulSet") => "statefulsets.apps",
                Some("DaemonSet") => "daemonsets.apps",
                Some("Job") => "jobs.batch",
                Some("CronJob") => "cronjobs.batch",
                _ => continue,
            };
            self.push_named(shelf, &object::key(ns, owner["name"].as_str().unwrap_or_default()));
        }
    }

    /// Everything of these shelves in a namespace, or anywhere, looks at what has changed.
    fn push_all(&mut self, api: &Arc<Api>, shelves: &[&str], ns: &str) {
        let prefix = if ns.is_empty() { String::new() } else { format!("{ns}/") };
        for shelf in shelves {
            for entry in api.store.list(shelf, &prefix).1 {
                self.push_named(shelf, &entry.key);
            }
        }
    }

    /// Pods that wait for a node look at a changed one.
    fn push_unscheduled(&mut self, api: &Arc<Api>) {
        let mark = b"\"nodeName\"";
        for entry in api.store.list("pods", "").1 {
            if !entry.bytes.windows(mark.len()).any(|part| part == mark) {
                self.push_named("pods", &entry.key);
            }
        }
    }

    fn look_at(&mut self, api: &Arc<Api>, item: &Item) {
        let cluster = Cluster { api };
        let object = cluster.api.store.find(&item.shelf, &item.key).map(|entry| object::decode(&entry.bytes));
        let Some(object) = object else {
            self.gone(item);
            return;
        };
        self.collect_garbage(&cluster, item, &object);
        if object::is_deleting(&object) && !matches!(&*item.shelf, "namespaces" | "pods") {
            return;
        }
        match &*item.shelf {
            "namespaces" => self.namespace(&cluster, item, &object),
            "pods" => self.pod(&cluster, item, &object),
            "replicasets.apps" | "replicationcontrollers" => self.replica_set(&cluster, item, &object),
            "deployments.apps" => self.deployment(&cluster, item, &object),
            "statefulsets.apps" => self.stateful_set(&cluster, item, &object),
            "daemonsets.apps" => self.daemon_set(&cluster, item, &object),
            "jobs.batch" => self.job(&cluster, item, &object),
            "cronjobs.batch" => self.cron_job(&cluster, item, &object),
            "services" => endpoints::service(&cluster, &object),
            "ingresses.networking.k8s.io" => endpoints::ingress(&cluster, &object),
            "persistentvolumeclaims" => volumes::claim(&cluster, &object),
            "poddisruptionbudgets.policy" => endpoints::budget(&cluster, &object),
            "horizontalpodautoscalers.autoscaling" => scalers::scaler(&cluster, &object),
            "clusterroles.rbac.authorization.k8s.io" => roles::aggregate(&cluster, &object),
            "resourcequotas" => quotas::quota(&cluster, &object),
            "events" => self.event(&cluster, item, &object),
            _ => {}
        }
    }

    fn gone(&mut self, item: &Item) {
        if &*item.shelf == "namespaces" {
            self.ending.remove(&item.key);
        }
    }
}

/// The server as controllers write to it.
pub(crate) struct Cluster<'a> {
    pub(crate) api: &'a Arc<Api>,
}

impl Cluster<'_> {
    pub(crate) fn now(&self) -> String {
        self.api.now()
    }

    pub(crate) fn kind(&self, group: &str, plural: &str) -> Option<Arc<Kind>> {
        self.api.registry().resource(group, plural).cloned()
    }

    pub(crate) fn find(&self, shelf: &str, ns: &str, name: &str) -> Option<Value> {
        self.api.store.find(shelf, &object::key(ns, name)).map(|entry| object::decode(&entry.bytes))
    }

    /// The objects of a namespace that an owner controls.
    pub(crate) fn controlled(&self, shelf: &str, ns: &str, owner: &Value) -> Vec<Value> {
        let uid = object::meta(owner, "uid");
        let entries = self.api.store.list(shelf, &format!("{ns}/")).1;
        let mark = uid.as_bytes();
        entries
            .iter()
            .filter(|entry| entry.bytes.windows(mark.len()).any(|part| part == mark))
            .map(|entry| object::decode(&entry.bytes))
            .filter(|it| is_controlled_by(it, uid))
            .collect()
    }

    /// Creates an object as a client would: decoded, defaulted, admitted, validated.
    pub(crate) fn create(&self, group: &str, plural: &str, ns: &str, value: Value) -> Option<Value> {
        let kind = self.kind(group, plural)?;
        let place = Place::of(&kind, ns, object::meta(&value, "name"));
        let parsed = Parsed { value, duplicates: Vec::new() };
        let mut draft = Api::draft_of(&place, parsed, Strictness::Ignore, true).ok()?;
        let mut warnings = Vec::new();
        object::metadata(&mut draft.object).insert("namespace".into(), ns.into());
        if ns.is_empty() {
            object::metadata(&mut draft.object).remove("namespace");
        }
        self.api.name_new(&place, &mut draft.object).ok()?;
        crate::admission::create(self.api, &User::admin(), &place, &mut draft.object, &mut warnings).ok()?;
        self.api.track(&place, CONTROLLERS, None, &mut draft.object);
        self.api.insert(&place, draft.object, false, &mut warnings).ok().map(|written| written.object)
    }

    pub(crate) fn delete(&self, group: &str, plural: &str, object: &Value) {
        let Some(kind) = self.kind(group, plural) else { return };
        let place = Place::of(&kind, object::meta(object, "namespace"), object::meta(object, "name"));
        let options = DeleteOptions {
            uid: Some(object::meta(object, "uid").to_owned()),
            policy: Some("Background".into()),
            ..DeleteOptions::default()
        };
        // Whoever deleted it first has done it.
        let _ = self.api.delete_object(&place, &options);
    }

    /// Changes the status of an object, or its other parts where `subresource` is empty.
    pub(crate) fn change(
        &self,
        group: &str,
        plural: &str,
        object: &Value,
        subresource: &str,
        change: impl Fn(&mut Value),
    ) -> Option<Value> {
        let kind = self.kind(group, plural)?;
        let mut place = Place::of(&kind, object::meta(object, "namespace"), object::meta(object, "name"));
        subresource.clone_into(&mut place.subresource);
        for _ in 0..RETRIES_MAX {
            let old = self.api.stored(&place)?;
            if object::meta(&old, "uid") != object::meta(object, "uid") {
                return None;
            }
            let mut new = old.clone();
            change(&mut new);
            if new == old {
                return Some(old);
            }
            self.api.track(&place, CONTROLLERS, Some(&old), &mut new);
            let generation = old["metadata"]["generation"].as_i64();
            if let Some(generation) = generation.filter(|_| new["spec"] != old["spec"]) {
                object::metadata(&mut new).insert("generation".into(), (generation + 1).into());
            }
            if object::is_deleting(&new) && object::finalizers(&new).is_empty() && subresource.is_empty() {
                let revision = object::revision(&old);
                if self.api.store.remove(&kind.shelf, &place.key(), revision, &object::encode(&new)).is_ok() {
                    self.api.after_delete(&kind, &new);
                    return None;
                }
                continue;
            }
            let expect = Expect::At(object::revision(&old));
            if let Ok(entry) = self.api.store.put(&kind.shelf, &place.key(), expect, &object::encode(&new)) {
                object::metadata(&mut new)
                    .insert("resourceVersion".into(), entry.revision.to_string().into());
                return Some(new);
            }
        }
        None
    }

    /// The node that pods run on.
    fn make_node(&self) {
        let now = self.now();
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
            "spec": {"podCIDR": "10.244.0.0/16"},
        });
        let Some(node) = self.create("", "nodes", "", node) else { return };
        self.change("", "nodes", &node, "", |node| {
            node["spec"].as_object_mut().map(|spec| spec.remove("taints"));
        });
        self.change("", "nodes", &node, "status", |node| {
            let size = json!({"cpu": "1k", "memory": "4Ti", "pods": "1M", "ephemeral-storage": "10Ti"});
            node["status"]["capacity"] = size.clone();
            node["status"]["allocatable"] = size;
            node["status"]["addresses"] = json!([{"type": "InternalIP", "address": "192.168.0.1"}, {"type": "Hostname", "address": NODE}]);
            node["status"]["conditions"] = json!([{
                "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the node is simulated",
                "lastHeartbeatTime": now, "lastTransitionTime": now,
            }]);
            node["status"]["nodeInfo"]["kubeletVersion"] = "v1.36.1".into();
        });
    }
}

/// Whether an object's controller has this uid.
pub(crate) fn is_controlled_by(object: &Value, uid: &str) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|it| it.iter().any(|it| it["uid"] == uid && it["controller"] == true))
}

/// The reference to a controller.
pub(crate) fn owner_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": object::meta(owner, "name"),
        "uid": object::meta(owner, "uid"), "controller": true, "blockOwnerDeletion": true,
    }])
}

/// Sets a condition, and its time where its status changes.
pub(crate) fn set_condition(
    status: &mut Value,
    ty: &str,
    state: &str,
    reason: &str,
    message: &str,
    now: &str,
) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(list) = status["conditions"].as_array_mut() else { return };
    match list.iter_mut().find(|it| it["type"] == ty) {
        Some(it) => {
            if it["status"] != state {
                it["lastTransitionTime"] = now.into();
            }
            if it["status"] != state || it["reason"] != reason || it["message"] != message {
                it["status"] = state.into();
                it["reason"] = reason.into();
                it["message"] = message.into();
                if it.get("lastUpdateTime").is_some() {
                    it["lastUpdateTime"] = now.into();
                }
            }
        }
        None => list.push(json!({
            "type": ty, "status": state, "reason": reason, "message": message, "lastTransitionTime": now,
        })),
    }
}

/// Drops fields whose count is zero, as Go leaves them out.
pub(crate) fn count(status: &mut Value, key: &str, number: usize) {
    if let Some(fields) = status.as_object_mut() {
        if number == 0 {
            fields.remove(key);
        } else {
            fields.insert(key.into(), number.into());
        }
    }
}

/// A number of an object, zero where it is missing.
pub(crate) fn number(value: &Value) -> usize {
    value.as_u64().and_then(|it| usize::try_from(it).ok()).unwrap_or(0)
}

/// Whether a text is a schedule; if not, why, as Kubernetes says it.
pub(crate) fn is_schedule(text: &str) -> Result<(), String> {
    if schedule::Schedule::parse(text).is_some() || text.starts_with("@every ") {
        return Ok(());
    }
    let fields = text.split_whitespace().count();
    if text.starts_with('@') {
        return Err(format!("unrecognized descriptor: {text}"));
    }
    if fields != 5 {
        return Err(format!(
            "expected exactly 5 fields, found {fields}: [{}]",
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        ));
    }
    Err(format!("failed to parse int from {text}"))
}
