//! A watch that does not end: lists, watches from there, and begins anew when the server has forgotten.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::mpsc;

use crate::api::listed;
use crate::limits::{RETRY_PAUSE, RETRY_PAUSE_MAX, WATCH_LINE_BYTES_MAX, WATCH_S};
use crate::{ApiError, Cluster};

/// What a watch reports.
#[derive(Debug)]
pub enum Event {
    /// The object exists, in this state.
    Exists(Box<Object>),
    /// The object is gone.
    Gone(ObjectRef),
    /// Everything that exists has been reported once; reported again after each new beginning.
    Synced,
}

impl Cluster {
    /// Reports all objects of a kind, and then every change, until the receiver is dropped. Whatever happens to the
    /// connection, the receiver's picture ends up right: a deletion that was missed is reported after the next list.
    pub async fn watch(&self, gvk: GroupVersionKind, namespace: Option<String>, events: mpsc::Sender<Event>) {
        let mut known: HashSet<ObjectRef> = HashSet::new();
        let mut pause = RETRY_PAUSE;
        loop {
            match self.watch_once(&gvk, namespace.as_deref(), &events, &mut known).await {
                Ok(()) => pause = RETRY_PAUSE,
                Err(Ended::Receiver) => return,
                Err(Ended::Server(error)) => {
                    tracing::debug!(kind = gvk.kind, %error, "the watch begins anew");
                    pause = (pause * 2).min(RETRY_PAUSE_MAX);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(jittered(pause, &gvk)) => {}
                () = events.closed() => return,
            }
        }
    }

    async fn watch_once(
        &self,
        gvk: &GroupVersionKind,
        namespace: Option<&str>,
        events: &mpsc::Sender<Event>,
        known: &mut HashSet<ObjectRef>,
    ) -> Result<(), Ended> {
        let mut seen = HashSet::new();
        let mut next = String::new();
        let mut revision = loop {
            let page = self.list_page(gvk, namespace, "", &next).await?;
            for object in page.items {
                seen.insert(object.object_ref());
                known.insert(object.object_ref());
                send(events, Event::Exists(Box::new(object))).await?;
            }
            if page.next.is_empty() {
                break page.resource_version;
            }
            next = page.next;
        };
        let gone: Vec<ObjectRef> = known.difference(&seen).cloned().collect();
        for object in gone {
            known.remove(&object);
            send(events, Event::Gone(object)).await?;
        }
        send(events, Event::Synced).await?;
        // The server ends each watch after a while; the next one goes on from the last revision seen.
        loop {
            let lines = tokio::select! {
                lines = self.watch_lines(gvk, namespace, &revision, WATCH_S) => lines?,
                () = events.closed() => return Err(Ended::Receiver),
            };
            let begin = Instant::now();
            follow(lines, gvk, events, known, &mut revision).await?;
            // bounded: a server that ends every watch at once is not asked in a tight loop.
            if begin.elapsed() < RETRY_PAUSE {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

enum Ended {
    Receiver,
    Server(ApiError),
}

impl From<ApiError> for Ended {
    fn from(error: ApiError) -> Self {
        Self::Server(error)
    }
}

async fn send(events: &mpsc::Sender<Event>, event: Event) -> Result<(), Ended> {
    events.send(event).await.map_err(|_| Ended::Receiver)
}

async fn follow(
    lines: impl AsyncBufRead + Send,
    gvk: &GroupVersionKind,
    events: &mpsc::Sender<Event>,
    known: &mut HashSet<ObjectRef>,
    revision: &mut String,
) -> Result<(), Ended> {
    let mut lines = std::pin::pin!(lines);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = tokio::select! {
            read = lines.read_until(b'\n', &mut line) => read,
            () = events.closed() => return Err(Ended::Receiver),
        };
        match read {
            Ok(0) => return Ok(()),
            Ok(_) if line.len() > WATCH_LINE_BYTES_MAX => {
                return Err(ApiError::Unreadable("a watch event is too long".into()).into());
            }
            Ok(_) => {}
            Err(error) => return Err(ApiError::Unreachable(error.to_string()).into()),
        }
        let mut event: Value =
            serde_json::from_slice(&line).map_err(|error| ApiError::Unreadable(error.to_string()))?;
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = event.get_mut("object").map(Value::take).unwrap_or_default();
        if kind == "ERROR" {
            let code = body.get("code").and_then(Value::as_u64).unwrap_or_default();
            let text = body.to_string();
            return Err(ApiError::from_body(u16::try_from(code).unwrap_or_default(), text.as_bytes()).into());
        }
        let Some(object) = listed(body, gvk) else { continue };
        object.resource_version().clone_into(revision);
        match kind.as_str() {
            "ADDED" | "MODIFIED" => {
                known.insert(object.object_ref());
                send(events, Event::Exists(Box::new(object))).await?;
            }
            "DELETED" => {
                let object = object.object_ref();
                known.remove(&object);
                send(events, Event::Gone(object)).await?;
            }
            _ => {}
        }
    }
}

/// Spreads the new beginnings of many watches after an outage, without randomness: by the kind's name.
fn jittered(pause: Duration, gvk: &GroupVersionKind) -> Duration {
    let spread =
        gvk.kind.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 50;
    pause + pause * spread / 100
}
