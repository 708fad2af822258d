//! What is done to a release, as steps that think: install, upgrade, roll back, uninstall, test.
//!
//! An [`Operation`] is a value. [`Operation::next`] says what is to be done in the cluster, [`Operation::told`] takes in what
//! came of it; nothing here waits, asks or writes. Everything that has to outlive a crash lies in the release records, from
//! which [`Operation::resume`] makes the rest of an operation that was cut off. Records, texts and the order of what is done
//! are those of Helm 3.

mod begin;
mod hooks;
mod objects;
mod outcome;
mod step;
mod update;

use std::collections::VecDeque;
use std::time::Duration;

use gyre_go::time::Time;
use gyre_model::Object;

use crate::release::{Release, Status};

pub use begin::{Filters, Reuse, Wish, available, pick, reuse};
pub use objects::{Scopes, parse};
pub use step::{Answer, Cascade, Refusal, Step, joined};
pub use update::{Change, Update, keeps, same_object};

/// What an operation is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Are hooks left alone?
    pub no_hooks: bool,
    /// Is there a wait until everything is ready, or gone?
    pub wait: bool,
    /// For jobs too?
    pub wait_for_jobs: bool,
    /// How long for one thing.
    pub timeout: Duration,
    /// Are objects replaced instead of patched?
    pub force: bool,
    /// Is everything undone where it fails?
    pub atomic: bool,
    /// Are new objects deleted where it fails?
    pub cleanup_on_fail: bool,
    /// Are objects taken over that belong to others?
    pub take_ownership: bool,
    /// Are the pods of what changed deleted?
    pub recreate_pods: bool,
    /// Is the namespace made?
    pub create_namespace: bool,
    /// Does it end before anything is changed?
    pub dry_run: bool,
    /// How many revisions are kept; 0 for all.
    pub history_max: usize,
    /// What is said of the release in the end, instead of the usual.
    pub description: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            no_hooks: false,
            wait: false,
            wait_for_jobs: false,
            timeout: Duration::from_secs(300),
            force: false,
            atomic: false,
            cleanup_on_fail: false,
            take_ownership: false,
            recreate_pods: false,
            create_namespace: false,
            dry_run: false,
            history_max: 0,
            description: String::new(),
        }
    }
}

/// How a failed operation is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// By uninstalling.
    Uninstall,
    /// By going back to this revision; `None` where none has ever worked.
    Rollback(Option<i64>),
}

/// How an operation ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct End {
    /// What went wrong.
    pub error: Option<String>,
    /// What has to be done before the error is told.
    pub undo: Option<Undo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Install,
    Upgrade,
    Rollback,
    Uninstall(Cascade),
    Test,
}

/// One thing on the list of what is to be done.
#[derive(Clone, Debug, PartialEq)]
enum Task {
    /// What is installed now.
    BuildCurrent,
    /// What shall be installed.
    BuildTarget,
    /// What shall be deleted.
    BuildDoomed(String),
    /// Does anything exist that is not ours?
    Look,
    CreateNamespace,
    Forget(i64),
    CreateRecord,
    /// Stores another revision in a state. That it fails is passed over.
    Supersede(usize),
    /// Stores the current revision as it is. That it fails is passed over.
    StoreCurrent,
    /// Stores the release. Does a failure count?
    Store(bool),
    Hooks(&'static str),
    Hook(hooks::Stage),
    /// The hooks have failed.
    HooksFailed(String),
    Apply,
    RecreatePods,
    Wait,
    Delete,
    WaitGone,
    Cleanup,
    /// The current revision is no longer what is deployed.
    Outdate,
    /// The state becomes this, and this is said of it.
    Settle(Status, String),
    Stop(String),
}

/// An operation on a release, as far as it has come.
#[derive(Clone, Debug)]
pub struct Operation {
    kind: Kind,
    options: Options,
    /// The release as it will be stored.
    release: Release,
    /// The revision that is there now.
    current: Option<Release>,
    /// The other revisions.
    history: Vec<Release>,
    agenda: VecDeque<Task>,
    now: Time,
    /// What was there before, or is deleted.
    before: Vec<Object>,
    /// What shall be there.
    target: Vec<Object>,
    /// What exists of the target that was not there before.
    adopted: Vec<Object>,
    created: Vec<Object>,
    updated: Vec<Object>,
    hooks: hooks::Run,
    errors: Vec<String>,
    kept: String,
    end: End,
}

impl Operation {
    /// The release as it is now.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// What an uninstallation left, as Helm lists it.
    pub fn kept(&self) -> &str {
        &self.kept
    }

    /// The pods of the tests that were run, in their order.
    pub fn tests(&self, filters: &Filters) -> Vec<String> {
        let of = |hook: &serde_json::Value| {
            let name = hook.get("name")?.as_str()?.to_owned();
            let events = hook.get("events")?.as_array()?;
            let is_test = events.iter().any(|event| event == "test") && filters.takes(&name);
            is_test.then(|| (hook.get("weight").and_then(serde_json::Value::as_i64).unwrap_or(0), name))
        };
        let mut found: Vec<(i64, String)> = self.release.hooks().iter().filter_map(of).collect();
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// Somebody has lost patience: what is under way ends as failed.
    pub fn cancel(&mut self) {
        const WHY: &str = "context canceled";
        if self.agenda.contains(&Task::CreateRecord) || !matches!(self.kind, Kind::Install | Kind::Upgrade) {
            self.stop(WHY);
        } else {
            self.fail(WHY);
        }
    }

    /// Takes in what came of the step that [`Operation::next`] gave, and the time.
    pub fn told(&mut self, answer: Answer, now: Time) {
        self.now = now;
        if let Some(task) = self.agenda.pop_front() {
            self.take_in(task, answer);
        }
        self.think();
    }

    /// Does what needs nothing of the world.
    fn think(&mut self) {
        while let Some(task) = self.agenda.pop_front() {
            match task {
                Task::Hooks(event) => self.plan_hooks(event),
                Task::HooksFailed(why) => self.hooks_failed(&why),
                Task::Settle(status, text) => self.release.set_status(status, &text),
                Task::Stop(why) => self.stop(why),
                Task::Outdate => {
                    if let Some(current) = &mut self.current {
                        current.set_state(Status::Superseded);
                    }
                }
                worldly => return self.agenda.push_front(worldly),
            }
        }
        if !self.errors.is_empty() && self.end.error.is_none() {
            let (count, all) = (self.errors.len(), self.errors.join("; "));
            self.end.error = Some(format!("uninstallation completed with {count} error(s): {all}"));
        }
    }

    /// Ends at once.
    fn stop(&mut self, why: impl Into<String>) {
        self.agenda.clear();
        self.end.error = Some(why.into());
    }

    /// Puts tasks before the others.
    fn first(&mut self, tasks: Vec<Task>) {
        for task in tasks.into_iter().rev() {
            self.agenda.push_front(task);
        }
    }
}
