//! What all controllers share.

use std::sync::Arc;

use gyre_api::flux::KUSTOMIZE_MANAGER;
use gyre_cluster::{Cluster, Live, Notice};
use gyre_render::kustomization::{Cache, Remote, Shared, Stop};
use gyre_source::{ArtifactStore, Bases, Sources};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use crate::changes::Changes;
use crate::clock::Clock;
use crate::flux::kustomization;
use crate::frame::Running;
use crate::queue::Key;
use crate::shelf::Shelf;
use crate::trees::Trees;
use crate::{Parts, Settings};

/// What all builds share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Builds {
    parsed: Arc<Cache>,
    bases: Option<Arc<Bases>>,
}

impl Builds {
    /// Builds on a thread that may block: it is work for a processor, and does not hold up what waits for the network.
    /// A build that nobody waits for any more, because its time is over, is stopped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        build: impl FnOnce(Shared<'_>) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let waiting = StopAtEnd(Stop::default());
        let (builds, stop) = (self.clone(), waiting.0.clone());
        let built = tokio::task::spawn_blocking(move || {
            let remote = builds.bases.as_deref().map(|bases| bases as &dyn Remote);
            build(Shared { cache: Some(&builds.parsed), remote, stop: Some(&stop) })
        });
        built.await
    }
}

/// Stops when it goes out of scope.
struct StopAtEnd(Stop);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What all controllers share.
pub(crate) struct Context {
    pub(crate) cluster: Cluster,
    /// Of the objects that Flux's kinds own.
    pub(crate) live: Live,
    pub(crate) sources: Sources,
    pub(crate) store: Arc<ArtifactStore>,
    pub(crate) trees: Trees,
    pub(crate) changes: Changes,
    pub(crate) builds: Builds,
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
        let bases = (!settings.no_remote_bases)
            .then(|| Arc::new(Bases::new(sources.clone(), Handle::current(), settings.allow_file_urls)));
        let cx = Self {
            cluster,
            live,
            sources,
            store,
            trees: Trees::default(),
            changes: Changes::default(),
            builds: Builds { parsed: Arc::default(), bases },
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
