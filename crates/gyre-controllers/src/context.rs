//! What all controllers share.

use std::sync::Arc;

use gyre_api::flux::KUSTOMIZE_MANAGER;
use gyre_cluster::{Cluster, Live, Notice};
use gyre_render::kustomization::Cache;
use gyre_source::{ArtifactStore, Sources};
use tokio::sync::mpsc;

use crate::changes::Changes;
use crate::clock::Clock;
use crate::flux::kustomization;
use crate::frame::Running;
use crate::queue::Key;
use crate::shelf::Shelf;
use crate::trees::Trees;
use crate::{Parts, Settings};

/// What all controllers share.
pub(crate) struct Context {
    pub(crate) cluster: Cluster,
    /// Of the objects that Flux's kinds own.
    pub(crate) live: Live,
    pub(crate) sources: Sources,
    pub(crate) store: Arc<ArtifactStore>,
    pub(crate) trees: Trees,
    pub(crate) changes: Changes,
    /// Parsed files that all builds share.
    pub(crate) parsed: Arc<Cache>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) git_repositories: Arc<Running>,
    pub(crate) kustomizations: Arc<Running>,
    pub(crate) applications: Arc<Running>,
    pub(crate) projects: Arc<Shelf>,
}

impl Context {
    /// All parts together, with nothing under way yet; the notices are of objects that have changed.
    pub(crate) fn new(parts: Parts) -> (Arc<Self>, mpsc::UnboundedReceiver<Notice>) {
        let Parts { cluster, sources, store, clock, settings } = parts;
        let (live, notices) = Live::new(cluster.clone(), KUSTOMIZE_MANAGER);
        let cx = Self {
            cluster,
            live,
            sources,
            store,
            trees: Trees::default(),
            changes: Changes::default(),
            parsed: Arc::default(),
            clock,
            settings,
            git_repositories: Running::new(),
            kustomizations: Running::new(),
            applications: Running::new(),
            projects: Arc::new(Shelf::new()),
        };
        (Arc::new(cx), notices)
    }

    /// Looks at all Kustomizations that read this GitRepository.
    pub(crate) fn wake_users_of(&self, source: &Key) {
        for (key, object) in self.kustomizations.shelf.all() {
            if kustomization::uses(&object, source) {
                self.kustomizations.queue.add(&key);
            }
        }
    }
}
