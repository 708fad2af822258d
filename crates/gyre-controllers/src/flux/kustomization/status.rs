//! The status and events of a Kustomization, from what a look came to (`kustomize-controller`).

use std::collections::BTreeMap;
use std::time::Duration;

use gyre_api::flux::{
    Condition, HistoryEntry, Inventory, InventoryEntry, KUSTOMIZE_GROUP, KustomizationSpec,
    KustomizationStatus,
};
use gyre_cluster::{Applied, Done, Failure};
use gyre_health::kstatus::Status;
use gyre_model::{Digest, Object, ObjectRef};
use gyre_plan::Action;
use tokio::time::Instant;

use super::health::Verdict;
use super::timeout;
use crate::clock::rfc3339;
use crate::context::Context;
use crate::flux::conditions::Conditions;
use crate::flux::{go_duration, requested_at, span};
use crate::limits::DEPENDENCY_RETRY;
use crate::outcome::{Conclusion, Note};

/// Lines of the history that are kept (`fluxcd/pkg/apis/meta` HistoryMaxSize).
const HISTORY_MAX: usize = 5;

/// How far a look came: what Flux says that it was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Fetching,
    Building,
    Detecting,
    Checking,
}

/// What a look came to when it came to applying.
pub(super) struct Outcome {
    revision: String,
    digest: Digest,
    applied: Applied,
    /// The objects that are owned now.
    pub(super) owned: Vec<ObjectRef>,
    pub(super) verdict: Verdict,
    changed: bool,
    /// The outcome of an apply that was reported before; only its health is new.
    reported: bool,
}

impl Outcome {
    pub(super) fn new(revision: &str, digest: Digest, applied: Applied, owned: Vec<ObjectRef>) -> Self {
        let changed = applied.done.iter().any(|done| done.failure.is_none() && verb(done).is_some());
        Self {
            revision: revision.into(),
            digest,
            applied,
            owned,
            verdict: Verdict::Unasked,
            changed,
            reported: false,
        }
    }

    /// Of an apply that has been reported before.
    pub(super) fn again(revision: &str, digest: Digest, changed: bool, owned: Vec<ObjectRef>) -> Self {
        Self { changed, reported: true, ..Self::new(revision, digest, Applied::default(), owned) }
    }

    /// Has something been created or changed?
    pub(super) fn has_changes(&self) -> bool {
        self.changed
    }

    /// What was changed, in a line; `None` where nothing was.
    pub(super) fn summary(&self) -> Option<String> {
        let done = self.applied.done.iter().filter(|done| done.failure.is_none());
        let lines: Vec<String> = done
            .filter_map(|done| {
                Some(format!("{} {}", done.target, verb(done).filter(|verb| *verb != "skipped")?))
            })
            .collect();
        match lines.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [first, rest @ ..] => Some(format!("{first} and {} more", rest.len())),
        }
    }

    /// Did something fail that was to be applied or deleted?
    pub(super) fn failed(&self) -> bool {
        self.applied.failures().next().is_some() || !self.applied.unready.is_empty()
    }
}

/// Why a look did not come to applying.
pub(super) enum Blocked {
    /// What is needed is about to come; nothing is reported.
    Waiting,
    /// It is reported.
    Because(Box<Because>),
}

/// What is reported of a look that did not come to applying.
pub(super) struct Because {
    reason: &'static str,
    message: String,
    step: Option<Step>,
    attempted: Option<String>,
    digest: Option<Digest>,
    event: Option<(bool, String)>,
    stalled: bool,
    again: Option<Duration>,
}

impl Blocked {
    fn because(reason: &'static str, message: String) -> Because {
        let event = Some((true, message.clone()));
        Because {
            reason,
            message,
            step: None,
            attempted: None,
            digest: None,
            event,
            stalled: false,
            again: None,
        }
    }

    fn new(because: Because) -> Self {
        Self::Because(Box::new(because))
    }

    /// What is wrong, for people.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Waiting => "the source has no artifact yet",
            Self::Because(because) => &because.message,
        }
    }

    /// The source is missing, or has nothing yet.
    pub(super) fn source(message: String, again: Option<Duration>) -> Self {
        Self::new(Because { event: None, again, ..Self::because("ArtifactFailed", message) })
    }

    /// The directory is missing.
    pub(super) fn path(message: String) -> Self {
        Self::new(Because { step: Some(Step::Fetching), ..Self::because("ArtifactFailed", message) })
    }

    /// The manifests cannot be built.
    pub(super) fn build(message: String, attempted: Option<String>) -> Self {
        Self::new(Because { step: Some(Step::Building), attempted, ..Self::because("BuildFailed", message) })
    }

    /// The cluster could not be asked.
    pub(super) fn apply(message: String, revision: &str, digest: Digest) -> Self {
        Self::new(Because {
            step: Some(Step::Detecting),
            attempted: Some(revision.into()),
            digest: Some(digest),
            ..Self::because("ReconciliationFailed", message)
        })
    }

    /// Everything would be deleted.
    pub(super) fn emptied(revision: &str, digest: Digest, count: usize) -> Self {
        let message = format!(
            "the source has no objects any more and prune would delete all {count}: nothing was deleted, annotate \
             the Kustomization with gyre.dev/allow-empty=true if this is meant"
        );
        Self::apply(message, revision, digest)
    }

    /// Something else has to be ready before.
    pub(super) fn dependency(message: String, revision: &str) -> Self {
        let retry = go_duration(DEPENDENCY_RETRY);
        let told = format!("Dependencies do not meet ready condition, retrying in {retry}");
        Self::new(Because {
            event: Some((false, told)),
            attempted: None,
            again: Some(DEPENDENCY_RETRY),
            ..Self::because("DependencyNotReady", message)
        })
        .at(revision)
    }

    /// Nothing but a change of the spec can help.
    pub(super) fn stalled(why: &str) -> Self {
        let message =
            format!("Reconciliation failed terminally due to configuration error: terminal error: {why}");
        Self::new(Because { stalled: true, ..Self::because("InvalidCELExpression", message) })
    }

    fn at(mut self, revision: &str) -> Self {
        if let Self::Because(because) = &mut self {
            because.attempted = Some(revision.into());
        }
        self
    }
}

/// Is the Ready condition true?
pub(super) fn is_ready(status: &KustomizationStatus) -> bool {
    status.conditions.iter().any(|Condition { kind, status, .. }| kind == "Ready" && status == "True")
}

/// The status and events after a look that began at `begin`.
pub(super) fn conclude(
    object: &Object,
    spec: &KustomizationSpec,
    mut status: KustomizationStatus,
    result: Result<Outcome, Blocked>,
    cx: &Context,
    begin: Instant,
) -> Conclusion {
    let now = cx.clock.now();
    let asked = requested_at(object) != status.last_handled_reconcile_at;
    let settled = is_ready(&status) && status.observed_generation == Some(object.generation());
    let settled_at = status.last_applied_revision.clone().filter(|_| settled && !asked);
    let conditions = Conditions::new(std::mem::take(&mut status.conditions), object.generation(), now);
    let mut report = Report {
        generation: object.generation(),
        spec,
        status,
        conditions,
        notes: Vec::new(),
        again: None,
        took: go_duration(begin.elapsed()),
        now: rfc3339(now),
        settled_at,
    };
    match result {
        Err(Blocked::Waiting) => {
            return Conclusion { again: Some(DEPENDENCY_RETRY), ..Conclusion::default() };
        }
        Err(Blocked::Because(because)) => report.blocked(*because),
        Ok(outcome) => report.outcome(outcome),
    }
    if let Some(at) = requested_at(object) {
        report.status.last_handled_reconcile_at = Some(at);
    }
    report.status.conditions = report.conditions.into_list();
    Conclusion {
        status: serde_json::to_value(report.status).ok(),
        object: None,
        notes: report.notes,
        again: report.again,
    }
}

struct Report<'a> {
    generation: i64,
    spec: &'a KustomizationSpec,
    status: KustomizationStatus,
    conditions: Conditions,
    notes: Vec<Note>,
    again: Option<Duration>,
    took: String,
    now: String,
    /// The revision that was in place already, where nobody asked for anything: what was done is a heal.
    settled_at: Option<String>,
}

impl Report<'_> {
    fn retry(&self) -> Option<Duration> {
        self.spec.retry_interval.as_deref().and_then(span).or_else(|| span(&self.spec.interval))
    }

    fn note(&mut self, warning: bool, reason: &str, message: &str, revision: Option<&str>) {
        let mut annotations = BTreeMap::new();
        if let Some(revision) = revision {
            annotations.insert(format!("{KUSTOMIZE_GROUP}/revision"), revision.to_owned());
        }
        self.notes.push(Note {
            warning,
            reason: reason.into(),
            message: message.trim_end().into(),
            annotations,
        });
    }

    /// The condition that says what was under way.
    fn progress(&mut self, step: Step, revision: &str, reason: &str) {
        let doing = match step {
            Step::Fetching => "Fetching manifests",
            Step::Building => "Building manifests",
            Step::Detecting => "Detecting drift",
            Step::Checking => "Running health checks",
        };
        let limit = go_duration(timeout(self.spec));
        let message = format!("{doing} for revision {revision} with a timeout of {limit}");
        self.conditions.set("Reconciling", "True", reason, &message);
    }

    fn history(&mut self, digest: Digest, revision: &str, outcome: &str) {
        let digest = digest.to_string();
        let history = &mut self.status.history;
        let old = history
            .iter()
            .position(|entry| entry.digest == digest && entry.last_reconciled_status == outcome)
            .map(|index| history.remove(index));
        let entry = HistoryEntry {
            first_reconciled: old
                .as_ref()
                .map_or_else(|| self.now.clone(), |old| old.first_reconciled.clone()),
            last_reconciled: self.now.clone(),
            last_reconciled_duration: self.took.clone(),
            last_reconciled_status: outcome.into(),
            total_reconciliations: old.map_or(0, |old| old.total_reconciliations) + 1,
            metadata: BTreeMap::from([("revision".to_owned(), revision.to_owned())]),
            digest,
        };
        history.insert(0, entry);
        history.truncate(HISTORY_MAX);
    }

    fn blocked(&mut self, because: Because) {
        let revision = because.attempted.clone();
        self.conditions.set("Ready", "False", because.reason, &because.message);
        if because.stalled {
            self.conditions.set("Stalled", "True", because.reason, &because.message);
            self.conditions.remove("Reconciling");
            self.status.observed_generation = Some(self.generation);
        } else {
            self.conditions.remove("Stalled");
            if let (Some(step), Some(revision)) = (because.step, &revision) {
                self.progress(step, revision, "ProgressingWithRetry");
            }
        }
        if let (Some(step), Some(revision)) = (because.step, &revision)
            && step != Step::Fetching
        {
            self.status.last_attempted_revision = Some(revision.clone());
        }
        if let (Some(digest), Some(revision)) = (because.digest, &revision) {
            self.history(digest, revision, because.reason);
        }
        if let Some((warning, message)) = because.event {
            self.note(warning, because.reason, &message, revision.as_deref());
        }
        self.again = if because.stalled { None } else { because.again.or_else(|| self.retry()) };
    }

    fn outcome(&mut self, outcome: Outcome) {
        let revision = outcome.revision.clone();
        self.status.last_attempted_revision = Some(revision.clone());
        self.conditions.remove("Stalled");
        let changes = change_log(&outcome.applied, |done| done.desired.is_some());
        let deletions = change_log(&outcome.applied, |done| done.desired.is_none());
        if !outcome.reported {
            for log in [&changes, &deletions] {
                let told_elsewhere = outcome.failed() && log == &changes;
                if !log.is_empty() && !told_elsewhere {
                    self.note(false, "Progressing", log, Some(&revision));
                }
            }
        }
        self.inventory(&outcome);
        if outcome.failed() {
            self.failed(&outcome, &changes);
            return;
        }
        let was_healthy = self.conditions.is_true("Healthy");
        let is_new = self.status.last_applied_revision.as_deref() != Some(&revision);
        match &outcome.verdict {
            Verdict::Waiting { left } => {
                self.conditions.set("Ready", "Unknown", "Progressing", "Reconciliation in progress");
                self.progress(Step::Checking, &revision, "Progressing");
                let message = self.conditions.get("Reconciling").map(|found| found.message.clone());
                self.conditions.set("Healthy", "Unknown", "Progressing", &message.unwrap_or_default());
                self.again = Some(*left);
                return;
            }
            Verdict::Failed { after, why } => {
                let message = format!("health check failed after {}: {why}", go_duration(*after));
                self.progress(Step::Checking, &revision, "ProgressingWithRetry");
                self.conditions.set("Healthy", "False", "HealthCheckFailed", why);
                self.conditions.set("Ready", "False", "HealthCheckFailed", &message);
                self.history(outcome.digest, &revision, "HealthCheckFailed");
                self.note(true, "HealthCheckFailed", &message, Some(&revision));
                self.again = self.retry();
                return;
            }
            Verdict::Passed { after } => {
                let message = format!("Health check passed in {}", go_duration(*after));
                if !was_healthy || (is_new && outcome.changed) {
                    self.note(false, "Progressing", &message, Some(&revision));
                }
                self.conditions.set("Healthy", "True", "Succeeded", &message);
            }
            Verdict::Unasked => self.conditions.remove("Healthy"),
        }
        self.succeeded(&outcome, &revision);
    }

    fn succeeded(&mut self, outcome: &Outcome, revision: &str) {
        let message = format!("Applied revision: {revision}");
        self.conditions.set("Ready", "True", "ReconciliationSucceeded", &message);
        self.conditions.remove("Reconciling");
        if self.settled_at.as_deref() != Some(revision) {
            self.history(outcome.digest, revision, "ReconciliationSucceeded");
        }
        self.status.last_applied_revision = Some(revision.into());
        self.status.observed_generation = Some(self.generation);
        let interval = span(&self.spec.interval);
        let next = go_duration(interval.unwrap_or_default());
        let message = format!("Reconciliation finished in {}, next run in {next}", self.took);
        self.note(false, "ReconciliationSucceeded", &message, Some(revision));
        if let Some(note) = self.notes.last_mut() {
            note.annotations.insert(format!("{KUSTOMIZE_GROUP}/commit_status"), "update".into());
        }
        self.again = interval;
    }

    fn inventory(&mut self, outcome: &Outcome) {
        let entries: Vec<InventoryEntry> = outcome
            .owned
            .iter()
            .map(|object| InventoryEntry { id: object.id(), v: object.version.clone() })
            .collect();
        // A first attempt that made nothing leaves no inventory.
        if !(outcome.failed() && entries.is_empty() && self.status.inventory.is_none()) {
            self.status.inventory = Some(Inventory { entries });
        }
    }

    fn failed(&mut self, outcome: &Outcome, changes: &str) {
        let revision = &outcome.revision;
        let deleting =
            outcome.applied.done.iter().find(|done| done.failure.is_some() && done.desired.is_none());
        let (reason, message) = if deleting.is_some() {
            ("PruneFailed", format!("delete failed, errors: {}", wordings(&outcome.applied, ";")))
        } else if outcome.applied.unready.is_empty() {
            ("ReconciliationFailed", format!("{}\n{changes}", wordings(&outcome.applied, "\n")))
        } else {
            ("ReconciliationFailed", format!("{}\n{changes}", unready(&outcome.applied)))
        };
        self.conditions.set("Ready", "False", reason, &message);
        self.progress(Step::Detecting, revision, "ProgressingWithRetry");
        self.history(outcome.digest, revision, reason);
        self.note(true, reason, &message, Some(revision));
        self.again = self.retry();
    }
}

/// What happened to an object, in Flux's word; `None` where nothing did.
fn verb(done: &Done) -> Option<&'static str> {
    match (&done.action, &done.desired) {
        (Action::Create | Action::Recreate, _) => Some("created"),
        (Action::Configure, _) => Some("configured"),
        (Action::Delete(_), _) => Some("deleted"),
        (Action::Skip(_), None) => Some("skipped"),
        _ => None,
    }
}

fn change_log(applied: &Applied, which: impl Fn(&Done) -> bool) -> String {
    let done = applied.done.iter().filter(|done| done.failure.is_none() && which(done));
    let lines: Vec<String> =
        done.filter_map(|done| Some(format!("{} {}", done.target, verb(done)?))).collect();
    lines.join("\n")
}

fn wordings(applied: &Applied, separator: &str) -> String {
    let lines: Vec<String> = applied.failures().map(|(target, failure)| wording(target, failure)).collect();
    lines.join(separator)
}

/// A failure in Flux's words (`fluxcd/pkg/ssa/errors` DryRunErr).
fn wording(target: &ObjectRef, Failure { step, refusal }: &Failure) -> String {
    let message = &refusal.message;
    if *step != "dry-run" {
        return format!("{target} {step} failed: {message}");
    }
    if refusal.code == 404 {
        return if target.namespace.is_empty() {
            format!("{target} namespace not specified: {message}")
        } else {
            format!("{target} not found: {message}")
        };
    }
    let reason = if refusal.reason.is_empty() { String::new() } else { format!(" ({})", refusal.reason) };
    format!("{target} dry-run failed{reason}: {message}")
}

fn unready(applied: &Applied) -> String {
    let stuck = |status: &Option<gyre_health::kstatus::Verdict>| {
        status.as_ref().is_some_and(|verdict| verdict.status == Status::Failed)
    };
    let failed = applied.unready.iter().any(|(_, status)| stuck(status));
    let lines: Vec<String> = applied
        .unready
        .iter()
        .filter(|(_, status)| !failed || stuck(status))
        .map(|(target, status)| {
            let word = status.as_ref().map_or(Status::NotFound, |verdict| verdict.status);
            format!("{target} status: '{word}'")
        })
        .collect();
    let what = if failed { "failed early due to stalled resources" } else { "timeout waiting for" };
    format!("{what}: [{}]", lines.join(", "))
}

/// The event for what was deleted with the Kustomization.
pub(super) fn pruned_note(status: &KustomizationStatus, applied: &Applied) -> Option<Note> {
    let message = change_log(applied, |done| done.desired.is_none());
    (!message.is_empty()).then(|| Note {
        warning: false,
        reason: ready_reason(status),
        message,
        annotations: revision_annotation(status),
    })
}

/// The status of a suspended object (`finalizeStatus`, which a suspended object passes too).
pub(super) fn suspended(object: &Object, mut status: KustomizationStatus) -> Conclusion {
    if is_ready(&status) {
        status.conditions.retain(|condition| condition.kind != "Reconciling");
        status.observed_generation = Some(object.generation());
    }
    if let Some(at) = requested_at(object) {
        status.last_handled_reconcile_at = Some(at);
    }
    Conclusion { status: serde_json::to_value(status).ok(), ..Conclusion::default() }
}

/// The deletion of the objects failed; it is tried again.
pub(super) fn clean_up_failed(status: &KustomizationStatus, why: &str) -> Conclusion {
    tracing::warn!(why, "pruning for a deleted Kustomization failed");
    let note = Note {
        warning: true,
        reason: ready_reason(status),
        message: "pruning for deleted resource failed".into(),
        annotations: revision_annotation(status),
    };
    Conclusion { notes: vec![note], again: Some(Duration::from_secs(5)), ..Conclusion::default() }
}

fn ready_reason(status: &KustomizationStatus) -> String {
    let ready = status.conditions.iter().find(|condition| condition.kind == "Ready");
    ready.map_or_else(|| "info".into(), |condition| condition.reason.clone())
}

fn revision_annotation(status: &KustomizationStatus) -> BTreeMap<String, String> {
    let revision = status.last_applied_revision.iter();
    revision.map(|revision| (format!("{KUSTOMIZE_GROUP}/revision"), revision.clone())).collect()
}
