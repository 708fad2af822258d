//! What all controllers share.

use std::sync::Arc;

use gyre_cluster::{Cluster, Live};
use gyre_render::kustomization::Cache;
use gyre_source::{ArtifactStore, Sources};

use crate::Settings;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::flux::kustomization;
use crate::frame::Running;
use crate::queue::Key;
use crate::shelf::Shelf;
use crate::trees::Trees;

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
    /// Looks at all Kustomizations that read this GitRepository.
    pub(crate) fn wake_users_of(&self, source: &Key) {
        for (key, object) in self.kustomizations.shelf.all() {
            if kustomization::uses(&object, source) {
                self.kustomizations.queue.add(&key);
            }
        }
    }
}
