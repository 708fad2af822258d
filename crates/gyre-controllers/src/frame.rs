//! The frame that every kind runs in: read, finalize or reconcile under a time limit, conclude, write one status,
//! tell events, plan the next look. A panic harms one object.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use gyre_cluster::{ApiError, Cluster, Grant, PatchFormat, Write};
use gyre_merge::json_patch::Flavor;
use gyre_merge::merge_patch;
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::{Value, json};

use crate::events::Events;
use crate::flux::requested_at;
use crate::limits::{BROKEN_RETRY, JITTER_PERCENT, RECONCILE_MAX, STATUS_RETRY, WORKERS};
use crate::outcome::Conclusion;
use crate::queue::{Key, Queue};
use crate::shelf::{Shelf, Turn};

/// One kind that is reconciled.
pub(crate) trait Reconciler: Send + Sync + 'static {
    /// The kind, in the version that is watched and written.
    fn gvk(&self) -> GroupVersionKind;
    /// The component that writes statuses and events.
    fn component(&self) -> &'static str;
    /// The finalizer that is put on every object; `None` where the users put it on themselves.
    fn finalizer(&self) -> Option<&'static str>;
    /// Is the status a subresource?
    fn has_status_subresource(&self) -> bool;
    /// Does this turn ask for a reconcile? New and deleted objects always do; without a word on it, a new generation or
    /// somebody's request.
    fn concerns(&self, old: &Object, new: &Object) -> bool {
        old.generation() != new.generation() || requested_at(old) != requested_at(new)
    }
    /// Reconciles an object that is not being deleted.
    fn reconcile<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion>;
    /// Cleans up after an object that is being deleted. The conclusion takes the finalizer off when all is done.
    fn finalize<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion>;
    /// The object is gone.
    fn gone(&self, key: &Key);
    /// What a panic or a cut-off comes to.
    fn broken(&self, object: &Arc<Object>, why: &str) -> Conclusion;
}

/// A kind under way: its objects, and the queue by which others make them be looked at.
pub(crate) struct Running {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) queue: Arc<Queue>,
}

impl Running {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { shelf: Arc::new(Shelf::new()), queue: Arc::default() })
    }
}

/// Watches the kind and reconciles its objects until the program ends. `told` hears of every turn.
pub(crate) fn run<R: Reconciler>(
    reconciler: Arc<R>,
    running: &Running,
    cluster: &Cluster,
    events: &Events,
    told: impl Fn(&Turn) + Send + Sync + 'static,
) {
    let queue = Arc::clone(&running.queue);
    let kind = Arc::clone(&reconciler);
    let report = move |turn: Turn| {
        told(&turn);
        match (&turn.old, &turn.new) {
            (Some(old), Some(new)) if !wants(&*kind, old, new) => {}
            (_, Some(_)) => queue.add(&turn.key),
            (_, None) => {
                queue.plan(&turn.key, None);
                kind.gone(&turn.key);
            }
        }
    };
    tokio::spawn(Arc::clone(&running.shelf).follow(cluster.clone(), reconciler.gvk(), report));
    for _ in 0..WORKERS {
        let worker = Worker {
            reconciler: Arc::clone(&reconciler),
            shelf: Arc::clone(&running.shelf),
            queue: Arc::clone(&running.queue),
            cluster: cluster.clone(),
            events: events.clone(),
        };
        tokio::spawn(async move { worker.work().await });
    }
}

fn wants<R: Reconciler>(kind: &R, old: &Object, new: &Object) -> bool {
    old.uid() != new.uid() || old.is_deleting() != new.is_deleting() || kind.concerns(old, new)
}

struct Worker<R> {
    reconciler: Arc<R>,
    shelf: Arc<Shelf>,
    queue: Arc<Queue>,
    cluster: Cluster,
    events: Events,
}

impl<R: Reconciler> Worker<R> {
    async fn work(&self) {
        self.shelf.synced().await;
        loop {
            let key = self.queue.next().await;
            if let Some(object) = self.shelf.get(&key) {
                let again = self.look(&object).await;
                self.queue.plan(&key, again.map(|after| jittered(after, &key)));
            }
            self.queue.done(&key);
        }
    }

    /// One look at one object; gives back when to look again.
    async fn look(&self, object: &Arc<Object>) -> Option<Duration> {
        let held = self.reconciler.finalizer().is_none_or(|finalizer| has_finalizer(object, finalizer));
        let conclusion = if object.is_deleting() {
            if !held {
                return None;
            }
            self.guarded(object, self.reconciler.finalize(object)).await
        } else if held {
            self.guarded(object, self.reconciler.reconcile(object)).await
        } else {
            match self.hold(object).await {
                Ok(held) => self.guarded(&held, self.reconciler.reconcile(&held)).await,
                Err(error) => {
                    // Somebody else wrote meanwhile; the next look sees it.
                    if !error.is_conflict() {
                        tracing::warn!(object = %object.object_ref(), %error, "the finalizer could not be put on");
                    }
                    return Some(STATUS_RETRY);
                }
            }
        };
        let again = conclusion.again;
        match self.conclude(object, conclusion).await {
            Ok(()) => again,
            // It is gone; there is nothing to write any more.
            Err(error) if error.is_not_found() => None,
            Err(error) => {
                tracing::warn!(object = %object.object_ref(), %error, "the status could not be written");
                Some(STATUS_RETRY)
            }
        }
    }

    /// Puts the finalizer on before anything is done that it has to clean up.
    async fn hold(&self, object: &Object) -> Result<Arc<Object>, ApiError> {
        let finalizer = self.reconciler.finalizer().unwrap_or_default();
        let mut finalizers =
            object.at("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
        finalizers.push(finalizer.into());
        let body =
            json!({"metadata": {"finalizers": finalizers, "resourceVersion": object.resource_version()}});
        let held = self.patch(&self.target(object), None, &body).await?;
        held.map(Arc::new).ok_or_else(|| ApiError::Unreadable("the patch gave nothing back".into()))
    }

    async fn guarded(&self, object: &Arc<Object>, work: BoxFuture<'_, Conclusion>) -> Conclusion {
        let caught = tokio::time::timeout(RECONCILE_MAX, AssertUnwindSafe(work).catch_unwind()).await;
        let why = match caught {
            Ok(Ok(conclusion)) => return conclusion,
            Ok(Err(panic)) => format!("internal error: {}", panic_text(&*panic)),
            Err(_) => format!("cut off after {} s", RECONCILE_MAX.as_secs()),
        };
        tracing::error!(object = %object.object_ref(), why, "the reconcile broke");
        Conclusion { again: Some(BROKEN_RETRY), ..self.reconciler.broken(object, &why) }
    }

    async fn conclude(&self, object: &Arc<Object>, conclusion: Conclusion) -> Result<(), ApiError> {
        let target = self.target(object);
        let mut latest = Arc::clone(object);
        let mut rest = conclusion.object;
        if let Some(status) = conclusion.status {
            let old = self.shelf_or(object).at("/status").cloned().unwrap_or(Value::Null);
            if let Some(changes) = changes(&old, &status) {
                let mut body = json!({"status": changes});
                let part = self.reconciler.has_status_subresource().then_some("status");
                // Where the status is a field like others, all is written at once.
                if part.is_none()
                    && let Some(Value::Object(more)) = rest.take()
                    && let Value::Object(body) = &mut body
                {
                    body.extend(more);
                }
                if let Some(written) = self.patch(&target, part, &body).await? {
                    latest = Arc::new(written);
                }
            }
        }
        for note in conclusion.notes {
            self.events.tell(&latest, self.reconciler.component(), note);
        }
        if let Some(body) = rest {
            self.patch(&target, None, &body).await?;
        }
        Ok(())
    }

    /// The newest state of an object that is known.
    fn shelf_or(&self, object: &Arc<Object>) -> Arc<Object> {
        let key = crate::shelf::key(object.namespace(), object.name());
        self.shelf.get(&key).filter(|kept| kept.uid() == object.uid()).unwrap_or_else(|| Arc::clone(object))
    }

    fn target(&self, object: &Object) -> ObjectRef {
        ObjectRef::new(self.reconciler.gvk(), object.namespace(), object.name())
    }

    async fn patch(
        &self,
        target: &ObjectRef,
        subresource: Option<&str>,
        body: &Value,
    ) -> Result<Option<Object>, ApiError> {
        let grant = Grant::own(self.reconciler.component());
        let write = Write::Patch { target, subresource, format: PatchFormat::Merge, body, dry_run: false };
        let written = self.cluster.write(&grant, write).await?;
        if let Some(written) = &written {
            self.shelf.put(written.clone());
        }
        Ok(written)
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
}

/// Does the object bear the finalizer?
pub(crate) fn has_finalizer(object: &Object, finalizer: &str) -> bool {
    let list = object.at("/metadata/finalizers").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|item| item == finalizer))
}

/// The merge patch that takes a finalizer off.
pub(crate) fn without_finalizer(object: &Object, finalizer: &str) -> Value {
    let list = object.at("/metadata/finalizers").and_then(Value::as_array);
    let rest: Vec<&Value> = list.into_iter().flatten().filter(|item| *item != finalizer).collect();
    json!({"metadata": {"finalizers": rest}})
}

/// The merge patch that makes `new` of `old`; `None` where they are equal.
pub(crate) fn changes(old: &Value, new: &Value) -> Option<Value> {
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    (old != new).then(|| merge_patch::create(&map(old), &map(new), Flavor::V5).into())
}

/// The duration, varied by the object's name, so that objects do not come all at once.
fn jittered(after: Duration, key: &Key) -> Duration {
    let spread = key.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let percent = 100 - JITTER_PERCENT + spread % (2 * JITTER_PERCENT + 1);
    // Short waits are exact: they are retries that somebody looks at.
    if after < Duration::from_secs(60) { after } else { after * u32::try_from(percent).unwrap_or(100) / 100 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_removes_sets_and_leaves() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]});
        let new = json!({"b": {"c": 1, "d": 3}, "e": [2], "f": 1});
        assert_eq!(changes(&old, &new), Some(json!({"a": null, "b": {"d": 3}, "e": [2], "f": 1})));
        assert_eq!(changes(&old, &old), None);
    }

    #[test]
    fn intervals_vary_a_little() {
        let key: Key = "ns/a".into();
        let hour = Duration::from_secs(3600);
        let varied = jittered(hour, &key);
        assert!(varied >= hour * 95 / 100 && varied <= hour * 105 / 100);
        assert_eq!(jittered(Duration::from_secs(2), &key), Duration::from_secs(2));
    }
}
