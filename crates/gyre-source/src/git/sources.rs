//! All repositories that are read: each is asked and fetched once, however many want it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Instant;

use gyre_model::Digest;
use tokio::sync::{Mutex, Semaphore};

use super::fetch::{fetch_commit, list_refs, open_local};
use super::pick::{RemoteRef, pick};
use super::tree::{Dirs, read_commit};
use super::{Commit, GitError, Remote, Revision, Want};
use crate::Limits;
use crate::limits::{CHECKOUTS_KEPT, FETCHES_AT_ONCE, PACKS_MAX};

/// Reads Git repositories. Cheap to clone.
#[derive(Clone)]
pub struct Sources {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    limits: Limits,
    fetches: Semaphore,
    slots: StdMutex<HashMap<Digest, Arc<Slot>>>,
}

/// One repository, as read with certain credentials.
#[derive(Default)]
struct Slot {
    refs: Mutex<Option<Listed>>,
    commits: Mutex<Commits>,
}

struct Listed {
    begun: Instant,
    refs: Result<Arc<Vec<RemoteRef>>, GitError>,
}

#[derive(Default)]
struct Commits {
    /// The latest last.
    kept: Vec<Arc<Commit>>,
    dirs: Dirs,
}

impl Sources {
    /// Keeps its repositories under `dir`.
    pub fn new(dir: &Path, limits: Limits) -> Self {
        let inner = Inner {
            dir: dir.into(),
            limits,
            fetches: Semaphore::new(FETCHES_AT_ONCE),
            slots: StdMutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    fn slot(&self, remote: &Remote) -> Arc<Slot> {
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(remote.key()).or_default())
    }

    /// Which commit is meant now. Those who ask while an answer is under way that began after they asked share it.
    pub async fn resolve(&self, remote: &Remote, want: &Want) -> Result<Revision, GitError> {
        if let Want::Commit { .. } = want {
            return pick(want, &[]);
        }
        let asked = Instant::now();
        let slot = self.slot(remote);
        let mut listed = slot.refs.lock().await;
        if listed.as_ref().is_none_or(|listed| listed.begun < asked) {
            let begun = Instant::now();
            let refs = self.blocking(remote, |repo, remote, _| list_refs(repo, remote)).await.map(Arc::new);
            *listed = Some(Listed { begun, refs });
        }
        let refs = match &*listed {
            Some(Listed { refs, .. }) => refs.clone()?,
            None => return Err(GitError::Empty),
        };
        drop(listed);
        pick(want, &refs)
    }

    /// The commit with its files, from memory where it is there.
    pub async fn checkout(&self, remote: &Remote, revision: &Revision) -> Result<Arc<Commit>, GitError> {
        let slot = self.slot(remote);
        let mut commits = slot.commits.lock().await;
        if let Some(kept) = commits.kept.iter().find(|kept| kept.revision.hash == revision.hash) {
            if kept.revision == *revision {
                return Ok(Arc::clone(kept));
            }
            return Ok(Arc::new(Commit { revision: revision.clone(), ..Commit::clone(kept) }));
        }
        let mut dirs = std::mem::take(&mut commits.dirs);
        let wanted = revision.clone();
        let (commit, dirs) = self
            .blocking(remote, move |repo, remote, limits| {
                let commit = match read_commit(repo, &wanted, limits, &mut dirs) {
                    Err(GitError::NoCommit(_)) => {
                        fetch_commit(repo, remote, &wanted.hash, limits.pack_bytes_max)?;
                        read_commit(repo, &wanted, limits, &mut dirs)?
                    }
                    other => other?,
                };
                Ok((Arc::new(commit), dirs))
            })
            .await?;
        commits.dirs = dirs;
        commits.kept.push(Arc::clone(&commit));
        if commits.kept.len() > CHECKOUTS_KEPT {
            commits.kept.remove(0);
        }
        Ok(commit)
    }

    /// Does Git's work on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        remote: &Remote,
        work: impl FnOnce(&gix::Repository, &Remote, &Limits) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let lost = |error: &dyn std::fmt::Display| GitError::Cache(error.to_string());
        let permit = self.inner.fetches.acquire().await.map_err(|error| lost(&error))?;
        let dir = self.inner.dir.join(remote.key().hex());
        let (remote, limits) = (remote.clone(), self.inner.limits);
        let done = tokio::task::spawn_blocking(move || {
            let repo = open(&remote, &dir)?;
            work(&repo, &remote, &limits)
        });
        let done = done.await.map_err(|error| lost(&error))?;
        drop(permit);
        done
    }
}

/// Opens the repository's place in the cache, which is made anew where it is missing, broken or in many pieces.
fn open(remote: &Remote, dir: &Path) -> Result<gix::Repository, GitError> {
    if let Some(path) = remote.url.strip_prefix("file://") {
        return open_local(remote, path);
    }
    let packs = std::fs::read_dir(dir.join("objects/pack")).map_or(0, Iterator::count) / 2;
    if packs <= PACKS_MAX
        && let Ok(repo) = gix::open_opts(dir, gix::open::Options::isolated())
    {
        return Ok(repo);
    }
    let failed = |error: &dyn std::fmt::Display| GitError::Cache(format!("{}: {error}", dir.display()));
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&error)),
        _ => {}
    }
    std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    let opened = gix::ThreadSafeRepository::init_opts(
        dir,
        gix::create::Kind::Bare,
        gix::create::Options::default(),
        gix::open::Options::isolated(),
    );
    Ok(opened.map_err(|error| failed(&error))?.to_thread_local())
}
