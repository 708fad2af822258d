//! Kubernetes Events: written in order, repetitions counted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use gyre_cluster::{Cluster, Grant, PatchFormat, Write};
use gyre_model::{Object, ObjectRef};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::clock::{Clock, rfc3339};
use crate::limits::{EVENT_MESSAGE_MAX, EVENTS_REMEMBERED, EVENTS_WAITING};
use crate::outcome::Note;

/// Writes events in the background.
#[derive(Clone)]
pub(crate) struct Events {
    sender: mpsc::Sender<Waiting>,
}

struct Waiting {
    about: Arc<Object>,
    component: &'static str,
    note: Note,
}

impl Events {
    /// Begins to write what is told.
    pub(crate) fn start(cluster: Cluster, clock: Arc<dyn Clock>) -> Self {
        let (sender, mut waiting) = mpsc::channel::<Waiting>(EVENTS_WAITING);
        tokio::spawn(async move {
            let mut writer =
                Writer { cluster, clock, remembered: HashMap::new(), order: VecDeque::new(), count: 0 };
            while let Some(next) = waiting.recv().await {
                writer.write(next).await;
            }
        });
        Self { sender }
    }

    /// Tells of an object. Where writing has fallen far behind, the event goes to the log only.
    pub(crate) fn tell(&self, about: &Arc<Object>, component: &'static str, note: Note) {
        let (kind, name, namespace) = (about.kind(), about.name(), about.namespace());
        if note.warning {
            tracing::warn!(controllerKind = kind, name, namespace, reason = note.reason, "{}", note.message);
        } else {
            tracing::info!(controllerKind = kind, name, namespace, reason = note.reason, "{}", note.message);
        }
        let waiting = Waiting { about: Arc::clone(about), component, note };
        if self.sender.try_send(waiting).is_err() {
            tracing::warn!(
                controllerKind = kind,
                name,
                namespace,
                "too many events are waiting: this one is only logged"
            );
        }
    }
}

struct Writer {
    cluster: Cluster,
    clock: Arc<dyn Clock>,
    /// What has been written: by everything that makes two events the same, the event and its count.
    remembered: HashMap<String, (ObjectRef, u64)>,
    order: VecDeque<String>,
    count: u64,
}

impl Writer {
    async fn write(&mut self, waiting: Waiting) {
        let Waiting { about, component, note } = waiting;
        let now = rfc3339(self.clock.now());
        // What makes two events the same to a Kubernetes client's recorder; annotations do not count.
        let same = format!("{}|{component}|{}|{}|{}", about.uid(), note.warning, note.reason, note.message);
        let grant = Grant::own(component);
        if let Some((event, count)) = self.remembered.get_mut(&same) {
            *count += 1;
            let body = json!({"count": *count, "lastTimestamp": now});
            let (target, format) = (event.clone(), PatchFormat::Merge);
            let patch =
                Write::Patch { target: &target, subresource: None, format, body: &body, dry_run: false };
            match self.cluster.write(&grant, patch).await {
                // The server forgets events after a while; then it is written anew.
                Err(error) if error.is_not_found() => {}
                other => return log(other.map(|_| ())),
            }
        }
        self.count += 1;
        let name =
            format!("{}.{:x}", about.name(), self.clock.now().as_nanosecond() + i128::from(self.count));
        let Some(event) = event(&about, &name, component, &note, &now) else { return };
        let target = event.object_ref();
        let written = self.cluster.write(&grant, Write::Create { object: &event }).await;
        if written.is_ok() {
            self.remember(same, target);
        }
        log(written.map(|_| ()));
    }

    fn remember(&mut self, same: String, event: ObjectRef) {
        // bounded: the oldest is forgotten, and written anew should it come again.
        if self.order.len() >= EVENTS_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        self.order.push_back(same.clone());
        self.remembered.insert(same, (event, 1));
    }
}

fn log(written: Result<(), gyre_cluster::ApiError>) {
    if let Err(error) = written {
        // A namespace that is going away takes no new events.
        tracing::debug!(%error, "an event could not be written");
    }
}

fn event(about: &Object, name: &str, component: &str, note: &Note, now: &str) -> Option<Object> {
    let namespace = if about.namespace().is_empty() { "default" } else { about.namespace() };
    let mut message = note.message.clone();
    if message.len() > EVENT_MESSAGE_MAX {
        message.truncate((0..=EVENT_MESSAGE_MAX).rev().find(|end| message.is_char_boundary(*end))?);
    }
    let mut metadata = json!({"name": name, "namespace": namespace});
    if !note.annotations.is_empty() {
        metadata["annotations"] = annotations(&note.annotations);
    }
    Object::new(json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata,
        "involvedObject": {
            "apiVersion": about.api_version(),
            "kind": about.kind(),
            "namespace": about.namespace(),
            "name": about.name(),
            "uid": about.uid(),
            "resourceVersion": about.resource_version(),
        },
        "reason": note.reason,
        "message": message,
        "type": if note.warning { "Warning" } else { "Normal" },
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "eventTime": null,
    }))
    .ok()
}

fn annotations(annotations: &BTreeMap<String, String>) -> Value {
    Value::Object(annotations.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect())
}
