//! Watches: the events of a resource from a revision on, as lines of JSON.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::api::{Api, Call, Place};
use crate::failure::{Failure, Result};
use crate::limits::{BOOKMARK_SECONDS, WATCH_SECONDS};
use crate::request::Shape;
use crate::response::{Answer, Payload};
use crate::store::{Change, ChangeKind, Entry, Follower, PastError, frame};
use crate::verbs::{Selection, check_list_options, include_object, parse_revision, partial};
use crate::{convert, object, tables};

/// A running watch.
#[derive(Debug)]
pub(crate) struct Watch {
    api: Arc<Api>,
    place: Place,
    selection: Selection,
    shape: Shape,
    include: String,
    follower: Option<Follower>,
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    end: Instant,
    next_bookmark: Instant,
    ended: bool,
    tabled: bool,
    prefix: String,
}

impl Api {
    pub(crate) fn watch(self: &Arc<Self>, call: &Call<'_>) -> Result<Answer> {
        check_list_options(call, true)?;
        let mut selection = Selection::read(call)?;
        let query = &call.request.query;
        let place = call.place.clone();
        if !place.name.is_empty() {
            selection.fields.demands.push(("metadata.name".into(), true, place.name.clone()));
        }
        let seconds =
            query.text("timeoutSeconds").parse::<u64>().ok().filter(|it| *it > 0).unwrap_or(WATCH_SECONDS);
        let now = Instant::now();
        let revision = match query.text("resourceVersion") {
            "" => 0,
            text => parse_revision(text)?,
        };
        let initial = query.get("sendInitialEvents").is_some_and(|it| it != "false");
        let asked = query.has("sendInitialEvents");
        let mut watch = Watch {
            api: self.clone(),
            prefix: place.prefix(),
            place,
            selection,
            shape: call.accept.shape.clone(),
            include: include_object(call)?,
            follower: None,
            ready: VecDeque::new(),
            bookmarks: query.flag("allowWatchBookmarks"),
            end: now + Duration::from_secs(seconds),
            next_bookmark: now + Duration::from_secs(BOOKMARK_SECONDS.min(seconds.saturating_sub(1).max(1))),
            ended: false,
            tabled: false,
        };
        watch.begin(revision, initial, asked);
        Ok(Answer::of(200, Payload::Watch(Box::new(watch))))
    }
}

impl Watch {
    fn begin(&mut self, revision: u64, initial: bool, asked: bool) {
        let shelf = self.place.kind.shelf.clone();
        let from_now = revision == 0 || initial;
        if from_now {
            let (at, entries) = self.api.store.list(&shelf, &self.prefix);
            if initial || !asked {
                let kind = self.place.kind.clone();
                for entry in &entries {
                    if !self.selection.fits(&kind, entry) {
                        continue;
                    }
                    let line = self.line(ChangeKind::Added, entry, None);
                    self.ready.push_back(line);
                }
            }
            if initial && self.bookmarks {
                let line = self.bookmark(at, true);
                self.ready.push_back(line);
            }
            self.follower = self.api.store.follow(&shelf, at).ok();
            return;
        }
        match self.api.store.follow(&shelf, revision) {
            Ok(follower) => self.follower = Some(follower),
            Err(_) => self.expire(revision),
        }
    }

    fn expire(&mut self, revision: u64) {
        let current = self.api.store.revision();
        let failure = Failure::expired(format!("too old resource version: {revision} ({current})"));
        self.ready.push_back(frame("ERROR", failure.status().to_string().as_bytes()));
        self.ended = true;
    }

    /// The next line, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                // Lines that are ready go out together.
                if self.ready.is_empty() {
                    return Some(line);
                }
                let mut all = Vec::with_capacity(line.len() * (self.ready.len() + 1));
                all.extend_from_slice(&line);
                while all.len() < 256 * 1024
                    && let Some(line) = self.ready.pop_front()
                {
                    all.extend_from_slice(&line);
                }
                return Some(all.into());
            }
            if self.ended || Instant::now() >= self.end {
                return None;
            }
            self.advance().await;
        }
    }

    async fn advance(&mut self) {
        let until = if self.bookmarks { self.end.min(self.next_bookmark) } else { self.end };
        let Some(follower) = &mut self.follower else {
            sleep_until(self.end).await;
            return;
        };
        match timeout_at(until, follower.wait()).await {
            Ok(true) => self.collect(),
            Ok(false) => self.ended = true,
            Err(_) => {
                if self.bookmarks && Instant::now() >= self.next_bookmark && Instant::now() < self.end {
                    self.next_bookmark = Instant::now() + Duration::from_secs(BOOKMARK_SECONDS);
                    let at = self.api.store.revision();
                    let seen = self.follower.as_ref().map_or(at, |it| it.seen);
                    // order: everything up to the revision has been sent, or the bookmark waits.
                    if matches!(self.api.store.changes(&self.place.kind.shelf, seen), Ok((_, changes)) if changes.is_empty())
                    {
                        let line = self.bookmark(at.max(seen), false);
                        self.ready.push_back(line);
                    }
                }
            }
        }
    }

    fn collect(&mut self) {
        let Some(seen) = self.follower.as_ref().map(|it| it.seen) else { return };
        match self.api.store.changes(&self.place.kind.shelf, seen) {
            Ok((at, changes)) => {
                if let Some(follower) = &mut self.follower {
                    follower.seen = at.max(changes.last().map_or(0, |it| it.entry.revision));
                }
                for change in changes {
                    if let Some(line) = self.event(&change) {
                        self.ready.push_back(line);
                    }
                }
            }
            Err(PastError::Compacted | PastError::Future) => self.expire(seen),
        }
    }

    /// The line for a change, or `None` where it does not concern this watch.
    fn event(&mut self, change: &Change) -> Option<Bytes> {
        if !change.entry.key.starts_with(&self.prefix) {
            return None;
        }
        if self.selection.is_empty() {
            return Some(self.line(change.kind, &change.entry, Some(change)));
        }
        let kind = self.place.kind.clone();
        let fits = |entry: &Entry| self.selection.fits(&kind, entry);
        let now = change.kind != ChangeKind::Deleted && fits(&change.entry);
        let before = change.before.as_deref().is_some_and(fits);
        match (before, now) {
            (false, false) => None,
            (false, true) => Some(self.line(ChangeKind::Added, &change.entry, None)),
            (true, true) => Some(self.line(ChangeKind::Modified, &change.entry, Some(change))),
            (true, false) if change.kind == ChangeKind::Deleted => {
                Some(self.line(ChangeKind::Deleted, &change.entry, Some(change)))
            }
            (true, false) => {
                // The object as the watch last knew it, with the revision of the change.
                let mut object = object::decode(&change.before.as_ref()?.bytes);
                object::metadata(&mut object)
                    .insert("resourceVersion".into(), change.entry.revision.to_string().into());
                Some(self.line_of("DELETED", object))
            }
        }
    }

    fn line(&mut self, kind: ChangeKind, entry: &Entry, change: Option<&Change>) -> Bytes {
        let word = match kind {
            ChangeKind::Added => "ADDED",
            ChangeKind::Modified => "MODIFIED",
            ChangeKind::Deleted => "DELETED",
        };
        if self.shape == Shape::Plain && convert::is_stored_form(&self.place.kind, &self.place.version) {
            return match change {
                Some(change) if change.kind == kind => change.frame(),
                _ => frame(word, &entry.bytes),
            };
        }
        self.line_of(word, object::decode(&entry.bytes))
    }

    fn line_of(&mut self, word: &str, stored: Value) -> Bytes {
        let object = convert::from_storage(&self.place.kind, &self.place.version, stored);
        let shown = match &self.shape {
            Shape::Plain => object,
            Shape::Partial => partial(&object, "PartialObjectMetadata"),
            Shape::Table(version) => {
                let revision = object["metadata"]["resourceVersion"].clone();
                let now = self.api.clock.now_us();
                let mut table = tables::table(&self.place, &[object], version, &self.include, now);
                if std::mem::replace(&mut self.tabled, true) {
                    table["columnDefinitions"] = Value::Null;
                }
                table["metadata"] = json!({"resourceVersion": revision});
                table
            }
        };
        frame(word, shown.to_string().as_bytes())
    }

    fn bookmark(&mut self, revision: u64, initial: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = match &self.shape {
            Shape::Plain => {
                let mut object = self.place.kind.empty(self.place.served()).clone();
                object["metadata"] = metadata;
                object
            }
            Shape::Partial => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            Shape::Table(version) => {
                let mut object = self.place.kind.empty(self.place.served()).clone();
                object["metadata"] = metadata;
                let mut table =
                    tables::table(&self.place, &[object], version, &self.include, self.api.clock.now_us());
                if std::mem::replace(&mut self.tabled, true) {
                    table["columnDefinitions"] = Value::Null;
                }
                table["metadata"] = json!({"resourceVersion": revision.to_string()});
                table
            }
        };
        frame("BOOKMARK", object.to_string().as_bytes())
    }
}
