//! One module a kind, and the frame that they run in: shapes in, call, shapes out.
//!
//! [`start`] runs all controllers against a cluster until the runtime ends.

mod argo;
mod changes;
mod clock;
mod context;
mod events;
mod flux;
mod frame;
pub mod lease;
mod limits;
mod outcome;
pub mod preview;
mod queue;
mod shelf;
mod snapshot;
mod trees;

use std::sync::Arc;

use gyre_cluster::{Cluster, Notice};
use gyre_model::GroupVersionKind;
use gyre_source::{ArtifactStore, Sources};
use tokio::sync::mpsc;

pub use clock::{Clock, SystemClock};
pub use snapshot::{Branch, Snapshot};

use argo::application::{self, Applications};
use context::Context;
use events::Events;
use flux::git_repository::GitRepositories;
use flux::kustomization::{self, Kustomizations};
use queue::Key;
use shelf::Turn;

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the artifact server is reached: `http://source-controller.flux-system.svc.cluster.local.`.
    pub artifact_address: String,
    /// May sources be read from this machine's files?
    pub allow_file_urls: bool,
    /// Are kustomizations refused that take bases from elsewhere?
    pub no_remote_bases: bool,
}

/// The parts that the controllers work with.
pub struct Parts {
    /// The cluster.
    pub cluster: Cluster,
    /// The Git repositories.
    pub sources: Sources,
    /// The archives.
    pub store: Arc<ArtifactStore>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What the operator chose.
    pub settings: Settings,
}

/// All controllers, under way.
pub struct Controllers {
    cx: Arc<Context>,
}

/// Starts all controllers; they run until the runtime ends.
pub fn start(parts: Parts) -> Controllers {
    let (cx, notices) = Context::new(parts);
    let cluster = cx.cluster.clone();
    let events = Events::start(cluster.clone(), Arc::clone(&cx.clock));
    let seen = Arc::clone(&cx);
    let told = move |turn: &Turn| source_turned(&seen, turn);
    frame::run(
        Arc::new(GitRepositories { cx: Arc::clone(&cx) }),
        &cx.git_repositories,
        &cluster,
        &events,
        told,
    );
    let seen = Arc::clone(&cx);
    let told = move |turn: &Turn| kustomization_turned(&seen, turn);
    let kustomizations = Arc::new(Kustomizations::new(Arc::clone(&cx)));
    frame::run(Arc::clone(&kustomizations), &cx.kustomizations, &cluster, &events, told);
    let applications = Arc::new(Applications::new(Arc::clone(&cx)));
    frame::run(applications, &cx.applications, &cluster, &events, |_| {});
    let projects = GroupVersionKind::parse("argoproj.io/v1alpha1", "AppProject");
    let seen = Arc::clone(&cx);
    let told = move |_: Turn| {
        for (key, _) in seen.applications.shelf.all() {
            seen.applications.queue.add(&key);
        }
    };
    tokio::spawn(Arc::clone(&cx.projects).follow(cluster.clone(), projects, told));
    tokio::spawn(heed(Arc::clone(&cx), kustomizations, notices));
    Controllers { cx }
}

impl Controllers {
    /// Is there nothing to do at this moment?
    pub fn is_idle(&self) -> bool {
        let kinds = [&self.cx.git_repositories, &self.cx.kustomizations, &self.cx.applications];
        kinds.iter().all(|kind| kind.queue.is_idle())
    }

    /// What there is at this moment.
    pub fn snapshot(&self) -> Snapshot {
        snapshot::take(&self.cx)
    }

    /// Counts up with every change of an object in the cluster: wait on it, then take a snapshot.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.cx.live.changes()
    }

    /// Looks at a source now, as if it had been asked for: a webhook has told of a push.
    pub fn source_pushed(&self, url: &str) {
        for (key, object) in self.cx.git_repositories.shelf.all() {
            if object.text("/spec/url").trim_end_matches('/') == url.trim_end_matches('/') {
                self.cx.git_repositories.queue.add(&key);
            }
        }
        for (key, object) in self.cx.applications.shelf.all() {
            if application::uses(&object, url) {
                self.cx.applications.queue.add(&key);
            }
        }
    }
}

/// A source has a new artifact: those who use it are looked at.
fn source_turned(cx: &Context, turn: &Turn) {
    let revision = |object: &Option<Arc<gyre_model::Object>>| {
        object.as_ref().map(|object| object.text("/status/artifact/revision").to_owned())
    };
    let digest = |object: &Option<Arc<gyre_model::Object>>| {
        object.as_ref().map(|object| object.text("/status/artifact/digest").to_owned())
    };
    if revision(&turn.old) == revision(&turn.new) && digest(&turn.old) == digest(&turn.new) {
        return;
    }
    cx.wake_users_of(&turn.key);
}

/// A Kustomization has been applied, has failed or has changed otherwise: those who depend on it are looked at.
fn kustomization_turned(cx: &Context, turn: &Turn) {
    let Some(new) = &turn.new else { return };
    let state = |object: &gyre_model::Object| {
        (object.at("/status/conditions").cloned(), object.at("/status/lastAppliedRevision").cloned())
    };
    let ready_changed = turn.old.as_ref().is_none_or(|old| state(old) != state(new));
    for (key, object) in cx.kustomizations.shelf.all() {
        if kustomization::depends_on(new, &object, ready_changed) {
            cx.kustomizations.queue.add(&key);
        }
    }
}

/// Looks at the owners of objects that have changed. Health matters only to those who wait for it.
async fn heed(
    cx: Arc<Context>,
    kustomizations: Arc<Kustomizations>,
    mut notices: mpsc::UnboundedReceiver<Notice>,
) {
    while let Some(notice) = notices.recv().await {
        let owner = notice.owner.to_string();
        if let Some(name) = owner.strip_prefix("Kustomization/") {
            let key: Key = name.into();
            if notice.drift || kustomizations.is_waiting(&key) {
                cx.kustomizations.queue.add(&key);
            }
        } else if let Some(name) = owner.strip_prefix("Application/") {
            cx.applications.queue.add(&name.into());
        }
    }
}
