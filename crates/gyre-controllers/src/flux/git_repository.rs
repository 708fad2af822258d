//! GitRepository: fetches, keeps the artifact, says so.

mod auth;
mod status;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use gyre_api::flux::{
    FINALIZER, GitRef, GitRepositorySpec, GitRepositoryStatus, SOURCE_GROUP, SOURCE_MANAGER,
};
use gyre_model::{Dir, Entry, FileTree, FileTreeBuilder, GroupVersionKind, Object};
use gyre_source::{Archive, Commit, Remote, Want, apply_ignore, archive};

use crate::context::Context;
use crate::flux::{gvk, part};
use crate::frame::{Reconciler, without_finalizer};
use crate::outcome::Conclusion;
use crate::queue::Key;
use crate::shelf::key;
use crate::trees::Files;
use status::{Blocked, Fetched, conclude};

/// The kind's name.
pub(crate) const KIND: &str = "GitRepository";

/// Reconciles GitRepositories.
pub(crate) struct GitRepositories {
    pub(crate) cx: Arc<Context>,
}

impl Reconciler for GitRepositories {
    fn gvk(&self) -> GroupVersionKind {
        gvk(SOURCE_GROUP, KIND)
    }

    fn component(&self) -> &'static str {
        SOURCE_MANAGER
    }

    fn finalizer(&self) -> Option<&'static str> {
        Some(FINALIZER)
    }

    fn has_status_subresource(&self) -> bool {
        true
    }

    fn reconcile<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion> {
        self.look(object).boxed()
    }

    fn finalize<'a>(&'a self, object: &'a Arc<Object>) -> BoxFuture<'a, Conclusion> {
        let path = directory(object);
        let cleaned = self.cx.store.remove(&path);
        async move {
            if let Err(error) = cleaned {
                tracing::warn!(%error, "old archives stay");
            }
            Conclusion { object: Some(without_finalizer(object, FINALIZER)), ..Conclusion::default() }
        }
        .boxed()
    }

    fn gone(&self, key: &Key) {
        self.cx.trees.remove(KIND, key);
    }

    fn broken(&self, object: &Arc<Object>, why: &str) -> Conclusion {
        let old: GitRepositoryStatus = part(object, "status").unwrap_or_default();
        let spec: GitRepositorySpec = part(object, "spec").unwrap_or_default();
        conclude(object, &spec, old, Err(Blocked::operation(why)), self.cx.clock.now())
    }
}

impl GitRepositories {
    /// Fetches what the object asks for, so that its users find the files.
    pub(crate) async fn preview(&self, object: &Object) -> Result<(), String> {
        let spec: GitRepositorySpec = part(object, "spec")?;
        let fetched = self.fetch(object, &spec, &GitRepositoryStatus::default()).await;
        fetched.map(|_| ()).map_err(|blocked| blocked.message().to_owned())
    }

    async fn look(&self, object: &Arc<Object>) -> Conclusion {
        let old: GitRepositoryStatus = part(object, "status").unwrap_or_default();
        let (spec, fetched) = match part::<GitRepositorySpec>(object, "spec") {
            Ok(spec) if spec.suspend => return status::suspended(object, old),
            Ok(spec) => {
                let fetched = self.fetch(object, &spec, &old).await;
                (spec, fetched)
            }
            Err(why) => (GitRepositorySpec::default(), Err(Blocked::stalled("URLInvalid", why))),
        };
        conclude(object, &spec, old, fetched, self.cx.clock.now())
    }

    async fn fetch(
        &self,
        object: &Object,
        spec: &GitRepositorySpec,
        old: &GitRepositoryStatus,
    ) -> Result<Fetched, Blocked> {
        if spec.verify.is_some() {
            let why =
                "spec.verify: signature verification is not supported, remove it to use unverified commits";
            return Err(Blocked::stalled("VerificationError", why.into()));
        }
        let remote = auth::remote(&self.cx, object, spec).await?;
        let includes = self.includes(object, spec)?;
        let failed = |error| Blocked::git(&spec.url, &error);
        let revision =
            self.cx.sources.resolve(&remote, &want(spec.reference.as_ref())).await.map_err(failed)?;
        let key = key(object.namespace(), object.name());
        if let Some(artifact) = old.artifact.as_ref().filter(|artifact| {
            artifact.revision == revision.to_string()
                && self.cx.store.holds(&artifact.path, artifact.size)
                && self.cx.trees.get(KIND, &key).is_some_and(|files| files.revision == artifact.revision)
        }) && old.observed_ignore == spec.ignore
            && old.observed_recurse_submodules == spec.recurse_submodules
            && old.observed_sparse_checkout == spec.sparse_checkout
            && old.observed_include == spec.include
            && old
                .included_artifacts
                .iter()
                .map(|artifact| &artifact.revision)
                .eq(includes.iter().map(|(artifact, _)| &artifact.revision))
        {
            return Ok(Fetched::unchanged(artifact.clone(), spec, includes));
        }
        let commit = self.cx.sources.checkout(&remote, &revision).await.map_err(failed)?;
        self.keep(object, spec, &remote, &commit, includes).await
    }

    /// Makes the artifact of a commit and keeps it.
    async fn keep(
        &self,
        object: &Object,
        spec: &GitRepositorySpec,
        remote: &Remote,
        commit: &Commit,
        includes: Vec<(gyre_api::flux::Artifact, FileTree)>,
    ) -> Result<Fetched, Blocked> {
        let tree = if spec.recurse_submodules {
            self.cx.sources.whole(remote, commit).await.map_err(|error| Blocked::git(&spec.url, &error))?
        } else {
            commit.tree.clone()
        };
        let tree = sparse(&tree, &spec.sparse_checkout)?;
        let tree = with_includes(&tree, spec, &includes)?;
        let ignore = spec.ignore.clone();
        let storage = |why: String| Blocked::storage(format!("unable to archive artifact to storage: {why}"));
        let packed = tokio::task::spawn_blocking(move || {
            let tree = apply_ignore(&tree, ignore.as_deref());
            archive(&tree).map(|packed| (tree, packed))
        });
        let (tree, packed): (FileTree, Archive) = packed
            .await
            .map_err(|error| storage(error.to_string()))?
            .map_err(|error| storage(error.to_string()))?;
        let path = format!("{}/{}.tar.gz", directory(object), commit.revision.hash);
        let stored = self.cx.store.put(&path, &packed).map_err(|error| storage(error.to_string()))?;
        let revision = commit.revision.to_string();
        let files = Files { revision: revision.clone(), digest: stored.digest, tree };
        let key = key(object.namespace(), object.name());
        self.cx.trees.put(KIND, &key, files);
        // After a start the status announces nothing new, and its readers wait for the files.
        if object.text("/status/artifact/revision") == revision {
            self.cx.wake_users_of(&key);
        }
        tracing::debug!(url = remote.url, revision, "artifact stored");
        let artifact = gyre_api::flux::Artifact {
            url: format!("{}/{}", self.cx.settings.artifact_address, stored.path),
            path: stored.path,
            revision,
            digest: stored.digest.to_string(),
            last_update_time: crate::clock::rfc3339(self.cx.clock.now()),
            size: stored.size_bytes,
            metadata: std::collections::BTreeMap::new(),
        };
        Ok(Fetched::new(artifact, &commit.summary, spec, includes))
    }

    /// The artifacts of the repositories that are copied in.
    fn includes(
        &self,
        object: &Object,
        spec: &GitRepositorySpec,
    ) -> Result<Vec<(gyre_api::flux::Artifact, FileTree)>, Blocked> {
        let shelf = &self.cx.git_repositories.shelf;
        let mut found = Vec::new();
        for include in &spec.include {
            let name = &include.repository.name;
            let key = key(object.namespace(), name);
            let other = shelf.get(&key).ok_or_else(|| {
                Blocked::include(
                    "NotFound",
                    format!("could not get resource for include '{name}': {KIND}.{SOURCE_GROUP} \"{name}\" not found"),
                )
            })?;
            let status: GitRepositoryStatus = part(&other, "status").unwrap_or_default();
            let ready = status.artifact.zip(self.cx.trees.get(KIND, &key));
            let (artifact, files) = ready.ok_or_else(|| {
                Blocked::include("NoArtifact", format!("no artifact available for include '{name}'"))
            })?;
            found.push((artifact, files.tree.clone()));
        }
        Ok(found)
    }
}

/// `gitrepository/<namespace>/<name>`.
fn directory(object: &Object) -> String {
    format!("gitrepository/{}/{}", object.namespace(), object.name())
}

/// What the reference asks for; a commit goes before a name, a name before a tag, a tag before a range.
// compat(source-controller 1.9): its documents put the range before the tag, its code does not (git-ref-precedence).
fn want(reference: Option<&GitRef>) -> Want {
    let Some(GitRef { branch, tag, semver, name, commit }) = reference.cloned() else {
        return Want::Branch("master".into());
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(hash) = given(commit) {
        return Want::Commit { hash, branch: given(name).or(given(branch)) };
    }
    given(name)
        .map(Want::Name)
        .or(given(tag).map(Want::Tag))
        .or(given(semver).map(Want::Semver))
        .unwrap_or_else(|| Want::Branch(given(branch).unwrap_or_else(|| "master".into())))
}

/// Only these directories, and the files beside the directories on the way to them, as a sparse checkout has them.
fn sparse(tree: &FileTree, directories: &[String]) -> Result<FileTree, Blocked> {
    if directories.is_empty() {
        return Ok(tree.clone());
    }
    let mut builder = FileTreeBuilder::default();
    for directory in directories {
        let missing = |error: gyre_model::TreeError| {
            Blocked::operation(&format!("failed to sparse checkout directories : {error}"))
        };
        let resolved = tree.resolve(directory).map_err(missing)?;
        let dir: Arc<Dir> = Arc::clone(tree.dir(directory).map_err(missing)?);
        if resolved.is_empty() {
            return Ok(tree.clone());
        }
        builder.add(&resolved, Entry::Dir(dir)).map_err(missing)?;
    }
    Ok(builder.build())
}

fn with_includes(
    tree: &FileTree,
    spec: &GitRepositorySpec,
    includes: &[(gyre_api::flux::Artifact, FileTree)],
) -> Result<FileTree, Blocked> {
    let mut tree = tree.clone();
    for (include, (_, other)) in spec.include.iter().zip(includes) {
        let name = &include.repository.name;
        let from = include.from_path.as_deref().unwrap_or_default();
        let to = include.to_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(name);
        let copied = other.dir(from).and_then(|dir| tree.with_dir(to, dir));
        tree = copied.map_err(|error| {
            Blocked::storage(format!("failed to copy '{name}' include from {from} to {to}: {error}"))
        })?;
    }
    Ok(tree)
}
