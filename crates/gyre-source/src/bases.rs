//! What kustomizations take from elsewhere: directories of Git repositories, and files at addresses.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use gyre_kustomize::{RemoteError, Repository};
use gyre_model::FileTree;
use reqwest::blocking::Client;
use tokio::runtime::Handle;

use crate::limits::{BASE_FILE_BYTES_MAX, BASE_FILE_TIMEOUT_S};
use crate::{GitError, Remote, Sources, Want, dial};

/// Fetches what builds take from elsewhere; all that is needed for one to be called on a thread that may block.
pub struct Bases {
    sources: Sources,
    runtime: Handle,
    allow_file: bool,
}

impl Bases {
    /// Repositories are read through `sources`; `allow_file` lets them lie on this machine.
    pub fn new(sources: Sources, runtime: Handle, allow_file: bool) -> Self {
        Self { sources, runtime, allow_file }
    }
}

impl gyre_kustomize::Remote for Bases {
    fn file(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        get(url).map(Into::into)
    }

    fn repository(&self, repository: &Repository) -> Result<FileTree, String> {
        let Repository { url, reference, timeout, submodules, .. } = repository;
        if is_ssh(url) {
            // Kustomizations name no key and no hosts to trust.
            return Err(format!(
                "{url}: bases are not read over ssh: name the repository's address with https"
            ));
        }
        let mut remote = Remote::open(url);
        remote.allow_file = self.allow_file;
        remote.timeout = *timeout;
        let want = if reference.is_empty() { Want::Head } else { Want::Any(reference.clone()) };
        let read = async {
            let revision = self.sources.resolve(&remote, &want).await?;
            let commit = self.sources.checkout(&remote, &revision).await?;
            if *submodules { self.sources.whole(&remote, &commit).await } else { Ok(commit.tree.clone()) }
        };
        self.runtime.block_on(read).map_err(|error: GitError| {
            let wanted = if reference.is_empty() { "HEAD" } else { reference };
            // compat(kustomize): users look for the command that it would have run.
            format!("failed to run 'git fetch --depth=1 {url} {wanted}': {error}")
        })
    }
}

/// The content of a file at an address.
fn get(url: &str) -> Result<Vec<u8>, RemoteError> {
    let failed = |why: &dyn std::fmt::Display| RemoteError::Failed(format!("Get {url:?}: {why}"));
    let unanswered = |error: reqwest::Error| {
        let (host, port) = match error.url() {
            Some(url) => (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0)),
            None => ("", 0),
        };
        failed(&dial::reason(&error, host, port))
    };
    let client = Client::builder().timeout(Duration::from_secs(BASE_FILE_TIMEOUT_S)).build();
    let answer = client.and_then(|client| client.get(url).send()).map_err(unanswered)?;
    let status = answer.status();
    if !status.is_success() {
        let words = status.canonical_reason().unwrap_or_default().to_owned();
        return Err(RemoteError::Status { code: status.as_u16(), words });
    }
    let mut content = Vec::new();
    // bounded: one byte more tells that there is more.
    answer.take(BASE_FILE_BYTES_MAX + 1).read_to_end(&mut content).map_err(|error| failed(&error))?;
    if content.len() as u64 > BASE_FILE_BYTES_MAX {
        return Err(failed(&format_args!("more than {BASE_FILE_BYTES_MAX} bytes")));
    }
    Ok(content)
}

/// `ssh://host/path` or `user@host:path`.
fn is_ssh(url: &str) -> bool {
    url.starts_with("ssh://") || (!url.contains("://") && !url.starts_with(['/', '.']) && url.contains(':'))
}
