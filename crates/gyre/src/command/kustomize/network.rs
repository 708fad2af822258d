//! What a build takes from elsewhere. Nothing is set up before it does.

use std::sync::{Arc, OnceLock};

use gyre_kustomize::{Remote, RemoteError, Repository};
use gyre_model::FileTree;
use gyre_source::{Bases, Limits, Sources};
use tokio::runtime::Runtime;

use crate::data::DataDir;

/// Fetches over the network, and repositories of this machine.
#[derive(Default)]
pub(super) struct Network {
    started: OnceLock<Result<Started, String>>,
}

struct Started {
    bases: Bases,
    /// Repositories are kept here for one run; removed at the end.
    _directory: DataDir,
    _runtime: Runtime,
}

impl Network {
    fn bases(&self) -> Result<&Bases, String> {
        let started = self.started.get_or_init(|| start().map_err(|error| format!("{error:#}")));
        started.as_ref().map(|started| &started.bases).map_err(Clone::clone)
    }
}

fn start() -> anyhow::Result<Started> {
    crate::provide_cryptography();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let directory = DataDir::temporary()?;
    let sources = Sources::new(&directory.join("git"), Limits::default());
    let bases = Bases::new(sources, runtime.handle().clone(), true);
    Ok(Started { bases, _directory: directory, _runtime: runtime })
}

impl Remote for Network {
    fn file(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        self.bases().map_err(RemoteError::Failed)?.file(url)
    }

    fn repository(&self, repository: &Repository) -> Result<FileTree, String> {
        self.bases()?.repository(repository)
    }
}
