//! The objects of one kind of ours, whole, as the watch shows them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gyre_cluster::{Cluster, Event};
use gyre_model::{GroupVersionKind, Object};
use tokio::sync::{mpsc, watch};

use crate::queue::Key;

/// `namespace/name` as a key.
pub(crate) fn key(namespace: &str, name: &str) -> Key {
    format!("{namespace}/{name}").into()
}

/// What has happened to an object.
pub(crate) struct Turn {
    /// Which one.
    pub(crate) key: Key,
    /// As it was; `None` where it is new.
    pub(crate) old: Option<Arc<Object>>,
    /// As it is; `None` where it is gone.
    pub(crate) new: Option<Arc<Object>>,
}

/// All objects of one kind.
pub(crate) struct Shelf {
    objects: Mutex<HashMap<Key, Entry>>,
    synced: watch::Sender<bool>,
}

/// One object.
struct Entry {
    latest: Arc<Object>,
    /// As the last turn reported it. Our own writes are on the shelf before the watch shows them; what changes with them
    /// is reported all the same.
    reported: Arc<Object>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self { objects: Mutex::default(), synced: watch::Sender::new(false) }
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Object>> {
        self.objects().get(key).map(|entry| Arc::clone(&entry.latest))
    }

    /// All objects, in no order.
    pub(crate) fn all(&self) -> Vec<(Key, Arc<Object>)> {
        self.objects().iter().map(|(key, entry)| (Arc::clone(key), Arc::clone(&entry.latest))).collect()
    }

    /// Puts an object on a shelf that follows no watch.
    pub(crate) fn stock(&self, object: Object) {
        let object = Arc::new(object);
        let entry = Entry { latest: Arc::clone(&object), reported: Arc::clone(&object) };
        self.objects().insert(key(object.namespace(), object.name()), entry);
    }

    /// Puts what a write gave back in its place, unless the watch has shown something newer.
    pub(crate) fn put(&self, object: Object) {
        let key = key(object.namespace(), object.name());
        let mut objects = self.objects();
        // An object that the watch has taken away in the meantime does not come back.
        if let Some(entry) = objects.get_mut(&key)
            && entry.latest.uid() == object.uid()
            && revision(&entry.latest) <= revision(&object)
        {
            entry.latest = Arc::new(object);
        }
    }

    /// Waits until all that exist are there.
    pub(crate) async fn synced(&self) {
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Keeps the shelf in step with the cluster, and reports every turn, until the program ends.
    pub(crate) async fn follow(
        self: Arc<Self>,
        cluster: Cluster,
        gvk: GroupVersionKind,
        report: impl Fn(Turn) + Send,
    ) {
        // bounded: the watch waits while the reports are behind.
        let (sender, mut events) = mpsc::channel(256);
        tokio::spawn(async move { cluster.watch(gvk, None, sender).await });
        while let Some(event) = events.recv().await {
            match event {
                Event::Exists(object) => {
                    let key = key(object.namespace(), object.name());
                    let new = Arc::new(*object);
                    let old = {
                        let mut objects = self.objects();
                        let known = objects.remove(&key);
                        let newer = known
                            .as_ref()
                            .map(|entry| &entry.latest)
                            .filter(|latest| latest.uid() == new.uid() && revision(latest) > revision(&new));
                        let latest = Arc::clone(newer.unwrap_or(&new));
                        objects.insert(Arc::clone(&key), Entry { latest, reported: Arc::clone(&new) });
                        known.map(|entry| entry.reported)
                    };
                    report(Turn { key, old, new: Some(new) });
                }
                Event::Gone(object) => {
                    let key = key(&object.namespace, &object.name);
                    let old = self.objects().remove(&key).map(|entry| entry.reported);
                    report(Turn { key, old, new: None });
                }
                Event::Synced => {
                    self.synced.send_replace(true);
                }
            }
        }
    }
}

fn revision(object: &Object) -> u64 {
    object.resource_version().parse().unwrap_or_default()
}
