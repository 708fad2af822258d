//! What is to be reconciled: each object once, never twice at the same time, now or at a given moment.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// `namespace/name` of an object.
pub(crate) type Key = Arc<str>;

/// A queue of objects of one kind.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Key>,
    waiting: HashSet<Key>,
    running: HashSet<Key>,
    again: HashSet<Key>,
    moments: BTreeSet<(Instant, Key)>,
    planned: HashMap<Key, Instant>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now. An object that is being reconciled comes once more afterwards.
    pub(crate) fn add(&self, key: &Key) {
        self.state().add(key);
        self.changed.notify_one();
    }

    /// After a while, in place of what was planned for the object before; `None` plans nothing.
    pub(crate) fn plan(&self, key: &Key, after: Option<Duration>) {
        let mut state = self.state();
        state.unplan(key);
        if let Some(moment) = after.and_then(|after| Instant::now().checked_add(after)) {
            state.planned.insert(Arc::clone(key), moment);
            state.moments.insert((moment, Arc::clone(key)));
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The next object; waits until there is one. [`Queue::done`] has to follow.
    pub(crate) async fn next(&self) -> Key {
        loop {
            let changed = self.changed.notified();
            let moment = {
                let mut state = self.state();
                state.ripen(Instant::now());
                if let Some(key) = state.ready.pop_front() {
                    state.waiting.remove(&key);
                    state.running.insert(Arc::clone(&key));
                    // Another worker may have been waiting for the same notice.
                    if !state.ready.is_empty() {
                        self.changed.notify_one();
                    }
                    return key;
                }
                state.moments.first().map(|(moment, _)| *moment)
            };
            match moment {
                Some(moment) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(moment) => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// The object has been reconciled.
    pub(crate) fn done(&self, key: &Key) {
        let mut state = self.state();
        state.running.remove(key);
        if state.again.remove(key) {
            state.add(key);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Is nothing ready or under way?
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state();
        state.ready.is_empty() && state.running.is_empty()
    }
}

impl State {
    fn add(&mut self, key: &Key) {
        if self.running.contains(key) {
            self.again.insert(Arc::clone(key));
        } else if self.waiting.insert(Arc::clone(key)) {
            self.ready.push_back(Arc::clone(key));
        }
    }

    fn unplan(&mut self, key: &Key) {
        if let Some(moment) = self.planned.remove(key) {
            self.moments.remove(&(moment, Arc::clone(key)));
        }
    }

    fn ripen(&mut self, now: Instant) {
        while let Some((moment, key)) = self.moments.first().cloned() {
            if moment > now {
                return;
            }
            self.unplan(&key);
            self.add(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_object_comes_once_and_again_if_it_was_added_meanwhile() {
        let queue = Queue::default();
        let key: Key = "ns/a".into();
        queue.add(&key);
        queue.add(&key);
        assert_eq!(queue.next().await, key);
        queue.add(&key);
        assert!(!queue.is_idle());
        queue.done(&key);
        assert_eq!(queue.next().await, key);
        queue.done(&key);
        assert!(queue.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_plan_replaces_an_earlier_one() {
        let queue = Queue::default();
        let (a, b): (Key, Key) = ("ns/a".into(), "ns/b".into());
        queue.plan(&a, Some(Duration::from_secs(5)));
        queue.plan(&b, Some(Duration::from_secs(60)));
        queue.plan(&a, Some(Duration::from_secs(3600)));
        let begin = Instant::now();
        assert_eq!(queue.next().await, b);
        assert_eq!(begin.elapsed().as_secs(), 60);
        queue.plan(&a, None);
        queue.add(&a);
        assert_eq!(queue.next().await, a);
    }
}
