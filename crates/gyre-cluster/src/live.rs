//! What is known of live objects without asking: one watch a kind, a few bytes an object.
//!
//! Owners register the objects that they care for. After an apply, what was sent and what came back is remembered as
//! two digests; as long as the watch shows the same, the object is unchanged and costs no request. When it differs,
//! or the object's health changes, the owner is notified. Everything here may be dropped at any time: the next look
//! then asks the server.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gyre_health::{argo, kstatus};
use gyre_model::{Digest, GroupKind, GroupVersionKind, Object, ObjectRef};
use gyre_plan::{owned_digest, whole_digest};
use tokio::sync::{mpsc, watch};

use crate::{Cluster, Event};

/// Who cares for objects: `Kustomization/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId(Arc<str>);

impl OwnerId {
    /// The owner with this name.
    pub fn new(object: &ObjectRef) -> Self {
        Self(object.to_string().into())
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Told to an owner: one of its objects is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whose object it is.
    pub owner: OwnerId,
    /// The object.
    pub object: ObjectRef,
    /// What it bears has been changed, or it is gone; otherwise its health has changed.
    pub drift: bool,
}

/// The few bytes that are kept of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its unique id.
    pub uid: Box<str>,
    /// Its revision.
    pub revision: u64,
    /// Of the fields that the watched field manager owns.
    owned: Option<Digest>,
    /// Of everything that a client may set.
    whole: Digest,
    /// Health as Flux sees it.
    pub status: kstatus::Verdict,
    /// Health as Argo CD sees it.
    pub health: Option<argo::Verdict>,
    /// What Argo CD tells of it.
    pub facts: Option<Box<argo::Facts>>,
}

/// What an owner remembers of an object that it has applied.
#[derive(Clone, Copy, Debug)]
struct Memo {
    sent: Digest,
    owned: Option<Digest>,
    whole: Digest,
}

#[derive(Default)]
struct State {
    watches: HashMap<GroupKind, watch::Receiver<bool>>,
    /// Kinds of which owners are told every change.
    closely: HashSet<GroupKind>,
    objects: HashMap<ObjectKey, Seen>,
    owners: HashMap<ObjectKey, Vec<(OwnerId, Option<Memo>)>>,
    owned: HashMap<OwnerId, HashSet<ObjectKey>>,
    /// The objects that another object controls, by its unique id.
    children: HashMap<Box<str>, HashSet<ObjectKey>>,
    /// The objects that say by their tracking id whose they are, by the first part of that id.
    tracked: HashMap<Box<str>, HashMap<ObjectKey, ObjectRef>>,
    /// Who bears these names in tracking ids.
    named: HashMap<Box<str>, OwnerId>,
}

/// Group, kind, namespace and name: an object whatever version of it is spoken.
type ObjectKey = Arc<str>;

/// The name that a tracking id begins with.
fn instance(facts: &argo::Facts) -> Option<&str> {
    facts.tracking_id.split_once(':').map(|(name, _)| name)
}

fn key(object: &ObjectRef) -> ObjectKey {
    object.id().into()
}

/// The live cache of one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    cluster: Cluster,
    manager: Arc<str>,
    state: Arc<Mutex<State>>,
    notices: mpsc::UnboundedSender<Notice>,
    changes: Arc<watch::Sender<u64>>,
}

impl Live {
    /// A cache that sees drift in what `manager` applies. Notices to owners come out of the receiver.
    pub fn new(cluster: Cluster, manager: &str) -> (Self, mpsc::UnboundedReceiver<Notice>) {
        let (notices, receiver) = mpsc::unbounded_channel();
        let live = Self {
            cluster,
            manager: manager.into(),
            state: Arc::default(),
            notices,
            changes: Arc::new(watch::Sender::new(0)),
        };
        (live, receiver)
    }

    /// The cluster behind.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves at worst an object too few or too many; the watch mends it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these are the owner's objects. Watches of their kinds begin.
    pub fn track(&self, owner: &OwnerId, objects: &[ObjectRef]) {
        for object in objects {
            self.watch_kind(object.gvk());
        }
        let mut state = self.state();
        let now: HashSet<ObjectKey> = objects.iter().map(key).collect();
        let before = state.owned.insert(owner.clone(), now.clone()).unwrap_or_default();
        for gone in before.difference(&now) {
            state.disown(gone, owner);
        }
        for new in now.difference(&before) {
            state.owners.entry(Arc::clone(new)).or_default().push((owner.clone(), None));
        }
    }

    /// From now on this is one of the owner's objects too.
    pub fn track_one(&self, owner: &OwnerId, object: &ObjectRef) {
        self.watch_kind(object.gvk());
        let mut state = self.state();
        let key = key(object);
        if state.owned.entry(owner.clone()).or_default().insert(Arc::clone(&key)) {
            state.owners.entry(key).or_default().push((owner.clone(), None));
        }
    }

    /// Begins to watch the kinds of these objects, which nobody has to own.
    pub fn watch_kinds(&self, objects: &[ObjectRef]) {
        for object in objects {
            self.watch_kind(object.gvk());
        }
    }

    /// From now on owners are told every change of this kind: its health is judged by rules that are not known here.
    pub fn watch_closely(&self, gvk: &GroupVersionKind) {
        self.state().closely.insert(gvk.group_kind());
    }

    /// Has nothing changed of what the owner applied? False where that is not known of every object.
    pub fn is_intact(&self, owner: &OwnerId) -> bool {
        let state = self.state();
        let Some(owned) = state.owned.get(owner) else { return false };
        owned.iter().all(|key| {
            let owners = state.owners.get(key).map(Vec::as_slice).unwrap_or_default();
            let memo = owners.iter().find(|(found, _)| found == owner).and_then(|(_, memo)| *memo);
            memo.zip(state.objects.get(key)).is_some_and(|(memo, seen)| !memo.differs(seen))
        })
    }

    /// The owner cares for nothing any more.
    pub fn forget(&self, owner: &OwnerId) {
        let mut state = self.state();
        for object in state.owned.remove(owner).unwrap_or_default() {
            state.disown(&object, owner);
        }
        state.named.retain(|_, named| named != owner);
    }

    /// Other owners that care for the object too.
    pub fn other_owners(&self, owner: &OwnerId, object: &ObjectRef) -> Vec<OwnerId> {
        let state = self.state();
        let owners = state.owners.get(&*object.id()).map(Vec::as_slice).unwrap_or_default();
        owners.iter().map(|(other, _)| other).filter(|other| *other != owner).cloned().collect()
    }

    /// Waits until everything that exists of these objects' kinds is known.
    pub async fn synced(&self, objects: &[ObjectRef]) {
        let kinds: HashSet<GroupKind> = objects.iter().map(ObjectRef::group_kind).collect();
        let waits: Vec<_> = {
            let state = self.state();
            kinds.iter().filter_map(|kind| state.watches.get(kind).cloned()).collect()
        };
        for mut wait in waits {
            // The sender lives as long as the watch; an error means that the program ends.
            let _ = wait.wait_for(|synced| *synced).await;
        }
    }

    /// What is known of an object; `None` where it is not there, or not known of.
    pub fn seen(&self, object: &ObjectRef) -> Option<Seen> {
        self.state().objects.get(&*object.id()).cloned()
    }

    /// Is everything known that exists of the object's kind?
    pub fn knows_kind(&self, object: &ObjectRef) -> bool {
        self.state().watches.get(&object.group_kind()).is_some_and(|synced| *synced.borrow())
    }

    /// The object has been applied by the owner: `sent` is the digest of what was sent, `live` what came back.
    pub fn remember(&self, owner: &OwnerId, sent: Digest, live: &Object) {
        let object = live.object_ref();
        let seen = self.look(live);
        let memo = Memo { sent, owned: seen.owned, whole: seen.whole };
        let mut state = self.state();
        let key = key(&object);
        if state.objects.get(&key).is_none_or(|old| old.uid != seen.uid || old.revision <= seen.revision) {
            state.put(&key, &object, seen);
        }
        let owners = state.owners.entry(key).or_default();
        if let Some(entry) = owners.iter_mut().find(|(found, _)| found == owner) {
            entry.1 = Some(memo);
        }
    }

    /// Is the object as it was after the owner applied what has this digest? Only fields that the manager owns count
    /// where it owns any, the whole object otherwise.
    pub fn is_unchanged(&self, owner: &OwnerId, object: &ObjectRef, sent: Digest) -> bool {
        let state = self.state();
        let Some(seen) = state.objects.get(&*object.id()) else { return false };
        let owners = state.owners.get(&*object.id()).map(Vec::as_slice).unwrap_or_default();
        let memo = owners.iter().find(|(found, _)| found == owner).and_then(|(_, memo)| *memo);
        memo.is_some_and(|memo| memo.sent == sent && !memo.differs(seen))
    }

    /// Counts up with every change of any object: wait on it, then look again.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The objects whose tracking id begins with this name, of the kinds that are watched. From now on the owner is told
    /// of others that come, too.
    pub fn tracked_by(&self, owner: &OwnerId, name: &str) -> Vec<ObjectRef> {
        let mut state = self.state();
        state.named.insert(name.into(), owner.clone());
        state.tracked.get(name).into_iter().flat_map(HashMap::values).cloned().collect()
    }

    /// What Argo CD tells of these objects and of everything that they control.
    pub fn facts(&self, objects: &[ObjectRef]) -> Vec<argo::Facts> {
        let state = self.state();
        let mut found = Vec::new();
        let mut todo: Vec<ObjectKey> = objects.iter().map(key).collect();
        while let Some(seen) = todo.pop().and_then(|key| state.objects.get(&key)) {
            found.extend(seen.facts.as_deref().cloned());
            todo.extend(state.children.get(&seen.uid).into_iter().flatten().cloned());
        }
        found
    }

    fn watch_kind(&self, gvk: GroupVersionKind) {
        let kind = gvk.group_kind();
        let mut state = self.state();
        if state.watches.contains_key(&kind) {
            return;
        }
        let (synced, receiver) = watch::channel(false);
        state.watches.insert(kind, receiver);
        drop(state);
        // bounded: the watch waits while the cache is behind.
        let (sender, mut events) = mpsc::channel(64);
        let cluster = self.cluster.clone();
        tokio::spawn(async move { cluster.watch(gvk, None, sender).await });
        let live = self.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    Event::Exists(object) => live.exists(&object),
                    Event::Gone(object) => live.gone(&object),
                    Event::Synced => {
                        synced.send_replace(true);
                    }
                }
            }
        });
    }

    fn look(&self, live: &Object) -> Seen {
        Seen {
            uid: live.uid().into(),
            revision: live.resource_version().parse().unwrap_or_default(),
            owned: owned_digest(live, &self.manager),
            whole: whole_digest(live),
            status: kstatus::judge(live),
            health: argo::judge(live),
            facts: argo::facts(live).map(Box::new),
        }
    }

    fn exists(&self, object: &Object) {
        let seen = self.look(object);
        let target = object.object_ref();
        let key = key(&target);
        let mut state = self.state();
        if state.objects.get(&key).is_some_and(|old| old.uid == seen.uid && old.revision > seen.revision) {
            return;
        }
        let old = state.put(&key, &target, seen.clone());
        let health = state.closely.contains(&target.group_kind())
            || old.as_ref().is_none_or(|old| old.status != seen.status || old.health != seen.health);
        if let Some(owner) = state.stranger(&key, seen.facts.as_deref()).filter(|_| health) {
            let _ = self.notices.send(Notice { owner, object: target.clone(), drift: false });
        }
        let owners = state.owners.get(&key).map(Vec::as_slice).unwrap_or_default();
        // compat(argo-cd 3.5): of the Applications, those are told that the object names, or named before.
        let facts = [old.as_ref().and_then(|old| old.facts.as_deref()), seen.facts.as_deref()];
        let named: Vec<&OwnerId> =
            facts.into_iter().flatten().filter_map(|facts| state.named.get(instance(facts)?)).collect();
        // Two owners of one object would heal each other's doing for ever; they look at it when their interval is over.
        let heals = owners.len() == 1;
        for (owner, memo) in owners {
            if !named.is_empty() && !named.contains(&owner) {
                continue;
            }
            let differs = memo.is_some_and(|memo| memo.differs(&seen));
            if differs || health {
                let drift = heals && differs;
                let _ = self.notices.send(Notice { owner: owner.clone(), object: target.clone(), drift });
            }
        }
        drop(state);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn gone(&self, object: &ObjectRef) {
        let mut state = self.state();
        let key = key(object);
        let Some(seen) = state.take(&key) else { return };
        if let Some(owner) = state.stranger(&key, seen.facts.as_deref()) {
            let _ = self.notices.send(Notice { owner, object: object.clone(), drift: false });
        }
        if let Some(owners) = state.owners.get_mut(&*object.id()) {
            for (owner, memo) in owners {
                *memo = None;
                let _ =
                    self.notices.send(Notice { owner: owner.clone(), object: object.clone(), drift: true });
            }
        }
        drop(state);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl State {
    /// What was known before is given back.
    fn put(&mut self, key: &ObjectKey, object: &ObjectRef, seen: Seen) -> Option<Seen> {
        let old = self.objects.get(key).and_then(|old| old.facts.clone());
        if old != seen.facts {
            self.unlink(key, old.as_deref());
            if let Some(facts) = &seen.facts {
                self.link(key, object, facts);
            }
        }
        self.objects.insert(Arc::clone(key), seen)
    }

    /// Forgets an object; what was known of it is given back.
    fn take(&mut self, key: &ObjectKey) -> Option<Seen> {
        let seen = self.objects.remove(key)?;
        self.unlink(key, seen.facts.as_deref());
        Some(seen)
    }

    /// Whose an object says that it is by its tracking id, where that owner does not know of it.
    fn stranger(&self, key: &ObjectKey, facts: Option<&argo::Facts>) -> Option<OwnerId> {
        let owner = self.named.get(instance(facts?)?)?;
        let known = self.owned.get(owner).is_some_and(|owned| owned.contains(key));
        (!known).then(|| owner.clone())
    }

    fn link(&mut self, key: &ObjectKey, object: &ObjectRef, facts: &argo::Facts) {
        if !facts.controller.is_empty() {
            self.children.entry(facts.controller.clone()).or_default().insert(Arc::clone(key));
        }
        if let Some(name) = instance(facts) {
            self.tracked.entry(name.into()).or_default().insert(Arc::clone(key), object.clone());
        }
    }

    fn unlink(&mut self, key: &ObjectKey, facts: Option<&argo::Facts>) {
        let Some(facts) = facts else { return };
        if let Some(children) = self.children.get_mut(&facts.controller) {
            children.remove(key);
            if children.is_empty() {
                self.children.remove(&facts.controller);
            }
        }
        if let Some(name) = instance(facts)
            && let Some(tracked) = self.tracked.get_mut(name)
        {
            tracked.remove(key);
            if tracked.is_empty() {
                self.tracked.remove(name);
            }
        }
    }

    fn disown(&mut self, object: &ObjectKey, owner: &OwnerId) {
        if let Some(owners) = self.owners.get_mut(object) {
            owners.retain(|(found, _)| found != owner);
            if owners.is_empty() {
                self.owners.remove(object);
            }
        }
    }
}

impl Memo {
    fn differs(&self, seen: &Seen) -> bool {
        match self.owned {
            Some(_) => self.owned != seen.owned,
            None => self.whole != seen.whole,
        }
    }
}
