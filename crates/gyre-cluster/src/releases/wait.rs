//! Waits until something is so, by watches.

use std::time::Duration;

use gyre_helm::ready::{Goal, Verdict, World};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Releases;
use crate::{ApiError, Event};

/// Events that may be on their way at once.
const EVENTS_MAX: usize = 64;

impl Releases {
    /// Waits until something is so. The error is Helm's.
    pub(super) async fn wait(&self, goal: &Goal, timeout: Duration) -> Result<(), String> {
        if let Goal::Gone(objects) = goal
            && self.look(objects).await.objects.is_empty()
        {
            return Ok(());
        }
        match tokio::time::timeout(timeout, self.watch_for(goal)).await {
            Ok(result) => result,
            Err(_) => Err(goal.expired()),
        }
    }

    async fn watch_for(&self, goal: &Goal) -> Result<(), String> {
        let (sender, mut events) = mpsc::channel(EVENTS_MAX);
        let mut tasks = JoinSet::new();
        let mut unsynced = 0;
        for (gvk, namespace) in goal.watches() {
            match self.cluster.kind(&gvk).await {
                Ok(_) => {}
                // Of a kind that does not exist there is nothing.
                Err(ApiError::NoKind { .. }) => continue,
                Err(why) => return Err(why.to_string()),
            }
            unsynced += 1;
            let (cluster, sender) = (self.cluster.clone(), sender.clone());
            let namespace = (!namespace.is_empty()).then_some(namespace);
            tasks.spawn(async move {
                let (own, mut received) = mpsc::channel(EVENTS_MAX);
                let forward = async {
                    let mut synced = false;
                    while let Some(event) = received.recv().await {
                        // A watch that begins anew says again that it has shown everything.
                        if matches!(event, Event::Synced) && std::mem::replace(&mut synced, true) {
                            continue;
                        }
                        if sender.send(event).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::join!(cluster.watch(gvk, namespace, own), forward);
            });
        }
        drop(sender);
        let mut world = World::default();
        loop {
            if unsynced == 0 {
                match goal.judge(&world) {
                    Verdict::Waiting => {}
                    Verdict::Reached => return Ok(()),
                    Verdict::Failed(why) => return Err(why),
                }
            }
            match events.recv().await {
                Some(Event::Exists(object)) => world.put(*object),
                Some(Event::Gone(object)) => world.remove(&object),
                Some(Event::Synced) => unsynced -= 1,
                None => return Err("the watch has ended".into()),
            }
        }
    }
}
