//! The status and events of a GitRepository, from what a look came to (`source-controller`, summarize).

use std::collections::BTreeMap;
use std::time::Duration;

use gyre_api::flux::{Artifact, GitRepositorySpec, GitRepositoryStatus, SOURCE_GROUP};
use gyre_model::{FileTree, Object};
use gyre_source::GitError;
use jiff::Timestamp;

use crate::flux::conditions::Conditions;
use crate::flux::{requested_at, span};
use crate::limits::DEPENDENCY_RETRY;
use crate::outcome::{Conclusion, Note};

/// What a look came to when it succeeded.
pub(super) struct Fetched {
    artifact: Artifact,
    /// First line of the commit's message; `None` where nothing has changed.
    summary: Option<String>,
    included: Vec<Artifact>,
    spec: GitRepositorySpec,
}

impl Fetched {
    /// There is a new artifact.
    pub(super) fn new(
        artifact: Artifact,
        summary: &str,
        spec: &GitRepositorySpec,
        included: Vec<(Artifact, FileTree)>,
    ) -> Self {
        Self { summary: Some(summary.into()), ..Self::unchanged(artifact, spec, included) }
    }

    /// The artifact is the one that was there.
    pub(super) fn unchanged(
        artifact: Artifact,
        spec: &GitRepositorySpec,
        included: Vec<(Artifact, FileTree)>,
    ) -> Self {
        let included = included.into_iter().map(|(artifact, _)| artifact).collect();
        Self { artifact, summary: None, included, spec: spec.clone() }
    }

    /// Is a commit asked for, of which nothing new can come?
    fn is_pinned(&self) -> bool {
        let commit = self.spec.reference.as_ref().and_then(|reference| reference.commit.as_deref());
        commit.is_some_and(|commit| !commit.is_empty())
    }
}

/// Why a look did not succeed.
pub(super) struct Blocked {
    /// The condition that says so.
    condition: &'static str,
    reason: &'static str,
    message: String,
    /// Nothing but a change of the spec can help.
    stalled: bool,
    /// Something else is waited for, which is nobody's fault.
    waiting: bool,
    again: Option<Duration>,
}

impl Blocked {
    fn new(condition: &'static str, reason: &'static str, message: String) -> Self {
        Self { condition, reason, message, stalled: false, waiting: false, again: None }
    }

    /// What is wrong, for people.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn stalled(reason: &'static str, message: String) -> Self {
        Self { stalled: true, ..Self::new("FetchFailed", reason, message) }
    }

    pub(super) fn authentication(message: String) -> Self {
        Self::new("FetchFailed", "AuthenticationFailed", message)
    }

    pub(super) fn operation(message: &str) -> Self {
        Self::new("FetchFailed", "GitOperationFailed", message.into())
    }

    pub(super) fn storage(message: String) -> Self {
        Self::new("StorageOperationFailed", "ArchiveOperationFailed", message)
    }

    pub(super) fn include(reason: &'static str, message: String) -> Self {
        let again = Some(DEPENDENCY_RETRY);
        Self { waiting: true, again, ..Self::new("IncludeUnavailable", reason, message) }
    }

    /// Git's own failures, in go-git's words.
    pub(super) fn git(url: &str, error: &GitError) -> Self {
        match error {
            GitError::Empty => Self::new("FetchFailed", "EmptyGitRepository", error.to_string()),
            GitError::BadRange(_) | GitError::NoVersion(_) | GitError::NoCommit(_) => {
                Self::operation(&format!("failed to checkout and determine revision: {error}"))
            }
            GitError::NotFound => Self::operation(&format!(
                "failed to checkout and determine revision: unable to clone '{url}': repository not found"
            )),
            _ => Self::operation(&format!(
                "failed to checkout and determine revision: unable to clone '{url}': {error}"
            )),
        }
    }
}

/// Conditions that say that something is wrong, the weightiest first.
const WRONG: [&str; 4] = ["StorageOperationFailed", "FetchFailed", "IncludeUnavailable", "ArtifactOutdated"];

/// The status and events after a look.
pub(super) fn conclude(
    object: &Object,
    spec: &GitRepositorySpec,
    mut status: GitRepositoryStatus,
    fetched: Result<Fetched, Blocked>,
    now: Timestamp,
) -> Conclusion {
    let generation = object.generation();
    let mut conditions = Conditions::new(std::mem::take(&mut status.conditions), generation, now);
    let was_failing = WRONG.iter().any(|kind| conditions.is_true(kind));
    let mut notes = Vec::new();
    let again;
    match fetched {
        Ok(fetched) => {
            notes.extend(success_note(&fetched, &status, was_failing));
            for kind in WRONG.iter().chain(&["Stalled", "Reconciling", "SourceVerified"]) {
                conditions.remove(kind);
            }
            let message = format!("stored artifact for revision '{}'", fetched.artifact.revision);
            conditions.set("ArtifactInStorage", "True", "Succeeded", &message);
            conditions.set("Ready", "True", "Succeeded", &message);
            status.observed_generation = Some(generation);
            status.artifact = Some(fetched.artifact);
            status.included_artifacts = fetched.included;
            status.observed_ignore = fetched.spec.ignore;
            status.observed_include = fetched.spec.include;
            status.observed_recurse_submodules = fetched.spec.recurse_submodules;
            status.observed_sparse_checkout = fetched.spec.sparse_checkout;
            again = span(&spec.interval);
        }
        Err(blocked) => {
            let reason = blocked.reason;
            let progress = progress(&status, generation);
            for kind in WRONG {
                conditions.remove(kind);
            }
            conditions.set(blocked.condition, "True", reason, &blocked.message);
            conditions.set("Ready", "False", reason, &blocked.message);
            if blocked.stalled {
                conditions.remove("Reconciling");
                conditions.set("Stalled", "True", reason, &blocked.message);
                status.observed_generation = Some(generation);
            } else {
                conditions.remove("Stalled");
                conditions.set("Reconciling", "True", "ProgressingWithRetry", &progress);
            }
            if status.artifact.is_none() {
                conditions.remove("ArtifactInStorage");
            }
            notes.push(Note {
                warning: !blocked.waiting,
                reason: reason.into(),
                message: blocked.message,
                annotations: BTreeMap::new(),
            });
            again = if blocked.stalled { None } else { blocked.again.or(span(&spec.interval)) };
        }
    }
    status.conditions = conditions.into_list();
    if let Some(at) = requested_at(object) {
        status.last_handled_reconcile_at = Some(at);
    }
    Conclusion { status: serde_json::to_value(status).ok(), object: None, notes, again }
}

/// The status of a suspended object: what is there is true of the present spec as well.
pub(super) fn suspended(object: &Object, mut status: GitRepositoryStatus) -> Conclusion {
    let Some(ready) = status.conditions.iter_mut().find(|condition| condition.kind == "Ready") else {
        return Conclusion::default();
    };
    ready.observed_generation = object.generation();
    status.observed_generation = Some(object.generation());
    if let Some(at) = requested_at(object) {
        status.last_handled_reconcile_at = Some(at);
    }
    Conclusion { status: serde_json::to_value(status).ok(), ..Conclusion::default() }
}

/// What was under way when a look failed.
fn progress(status: &GitRepositoryStatus, generation: i64) -> String {
    if status.artifact.is_none() {
        return "building artifact".into();
    }
    match status.observed_generation {
        Some(observed) if observed != generation => {
            format!("processing object: new generation {observed} -> {generation}")
        }
        _ => "reconciliation in progress".into(),
    }
}

fn success_note(fetched: &Fetched, old: &GitRepositoryStatus, was_failing: bool) -> Option<Note> {
    let revision = &fetched.artifact.revision;
    let annotations = [("revision", revision), ("digest", &fetched.artifact.digest)]
        .map(|(name, value)| (format!("{SOURCE_GROUP}/{name}"), value.clone()));
    let stored = match &fetched.summary {
        Some(summary) => format!("stored artifact for commit '{summary}'"),
        None => format!("stored artifact for commit '{revision}'"),
    };
    let is_new = old.artifact.as_ref().is_none_or(|artifact| artifact.digest != fetched.artifact.digest);
    let note = |reason: &str, message: String, annotations| {
        Some(Note { warning: false, reason: reason.into(), message, annotations })
    };
    if is_new {
        note("NewArtifact", stored, BTreeMap::from(annotations))
    } else if was_failing {
        note("Succeeded", stored, BTreeMap::from(annotations))
    } else if fetched.summary.is_none() && fetched.is_pinned() {
        let message = format!("artifact up-to-date with remote revision: '{revision}'");
        note("ArtifactUpToDate", message, BTreeMap::new())
    } else if fetched.summary.is_none() {
        let message = format!("no changes since last reconciliation: observed revision '{revision}'");
        note("GitOperationSucceeded", message, BTreeMap::new())
    } else {
        None
    }
}
