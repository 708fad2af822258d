//! What kustomizations take from elsewhere: directories of Git repositories, and files at addresses.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gyre_kustomize::{RemoteError, Repository};
use gyre_model::FileTree;
use reqwest::blocking::Client;
use tokio::runtime::Handle;

use crate::limits::{BASE_FILE_BYTES_MAX, BASE_FILE_TIMEOUT_S, SUBMODULE_DEPTH_MAX, SUBMODULES_MAX};
use crate::{GitError, Remote, Sources, Want, dial};

/// Fetches what builds take from elsewhere; all that is needed for one to be called on a thread that may block.
pub struct Bases {
    sources: Sources,
    runtime: Handle,
    allow_file: bool,
}

/// A repository that is being read, with its submodules.
struct Reading<'a> {
    bases: &'a Bases,
    deadline: Instant,
    submodules: usize,
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
        let mut reading = Reading { bases: self, deadline: Instant::now() + *timeout, submodules: 0 };
        let want = if reference.is_empty() { Want::Head } else { Want::Any(reference.clone()) };
        reading.read(url, &want, submodules.then_some(0)).map_err(|error| {
            let wanted = if reference.is_empty() { "HEAD" } else { reference };
            // compat(kustomize): users look for the command that it would have run.
            format!("failed to run 'git fetch --depth=1 {url} {wanted}': {error}")
        })
    }
}

impl Reading<'_> {
    /// The files of a repository, with those of its submodules where their depth is given.
    fn read(&mut self, url: &str, want: &Want, depth: Option<usize>) -> Result<FileTree, GitError> {
        let mut remote = Remote::open(url);
        remote.allow_file = self.bases.allow_file;
        remote.timeout = self.deadline.saturating_duration_since(Instant::now());
        let sources = &self.bases.sources;
        let commit = self.bases.runtime.block_on(async {
            let revision = sources.resolve(&remote, want).await?;
            sources.checkout(&remote, &revision).await
        })?;
        let mut tree = commit.tree.clone();
        let Some(depth) = depth.filter(|_| !commit.submodules.is_empty()) else { return Ok(tree) };
        if depth >= SUBMODULE_DEPTH_MAX {
            return Err(too_many("the depth of submodules", SUBMODULE_DEPTH_MAX));
        }
        for submodule in &commit.submodules {
            self.submodules += 1;
            if self.submodules > SUBMODULES_MAX {
                return Err(too_many("the number of submodules", SUBMODULES_MAX));
            }
            let address = beside(url, &submodule.url);
            let want = Want::Commit { hash: submodule.hash.clone(), branch: None };
            let inside = self.read(&address, &want, Some(depth + 1));
            let inside = inside.map_err(|error| GitError::Url { url: address, why: error.to_string() })?;
            tree = tree.with_dir(&submodule.path, inside.root())?;
        }
        Ok(tree)
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

fn too_many(what: &str, limit: usize) -> GitError {
    GitError::TooLarge { what: what.into(), limit: limit.to_string() }
}

/// The address of a submodule: `./` and `../` lead away from the repository around it.
fn beside(around: &str, url: &str) -> String {
    if !url.starts_with("./") && !url.starts_with("../") {
        return url.to_owned();
    }
    let (mut base, mut rest) = (around.trim_end_matches('/'), url);
    loop {
        if let Some(below) = rest.strip_prefix("./") {
            rest = below;
        } else if let Some(beside) = rest.strip_prefix("../") {
            rest = beside;
            base = base.rfind(['/', ':']).map_or("", |at| &base[..at]);
        } else {
            return format!("{base}/{rest}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn submodules_lie_beside_repositories() {
        for (around, url, wanted) in [
            ("https://host/a/b", "../c", "https://host/a/c"),
            ("https://host/a/b.git/", "../../c/d.git", "https://host/c/d.git"),
            ("https://host/a/b", "./c", "https://host/a/b/c"),
            ("https://host/a/b", "https://other/c", "https://other/c"),
        ] {
            assert_eq!(beside(around, url), wanted);
        }
    }
}
