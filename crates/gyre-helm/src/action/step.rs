//! What is to be done in the cluster, and what came of it.

use std::time::Duration;

use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::json;

use super::{End, Kind, Operation, Task, Update};
use crate::ready::Goal;
use crate::release::Release;

/// What happens to what a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cascade {
    /// It goes later.
    #[default]
    Background,
    /// It goes first.
    Foreground,
    /// It stays.
    Orphan,
}

/// What is to be done in the cluster next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Find out what the objects of a text are: [`super::parse`] it with the scopes that the cluster knows.
    Build(String),
    /// Read these objects: those that exist are the answer, as they are.
    Look(Vec<Object>),
    /// Create these objects: those of one kind at once, the next kind after them.
    Create(Vec<Object>),
    /// Make objects what they shall be, one after the other; then delete what is no longer wanted.
    Update(Update),
    /// Delete these objects. That one is gone already is no error.
    Delete(Vec<Object>, Cascade),
    /// Delete the pods that these objects select.
    RecreatePods(Vec<Object>),
    /// Wait until something is so; that time is up is refused with [`Goal::expired`].
    Wait(Goal, Duration),
    /// Show the logs of the pods of a hook.
    Logs(ObjectRef),
    /// Store a new record; [`Refusal::exists`] where there is one already.
    CreateRecord(Release),
    /// Store a record again.
    StoreRecord(Release),
    /// Delete the record of a revision.
    DeleteRecord(i64),
    /// It is over.
    End(End),
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// What was built or found; of an update, what is new.
    pub objects: Vec<Object>,
    /// Of an update, what was there already.
    pub updated: Vec<Object>,
    /// Why it went wrong.
    pub error: Option<Refusal>,
}

/// Why a step went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Helm's words.
    pub text: String,
    /// Was it there already?
    pub exists: bool,
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self { text, exists: false }
    }
}

/// Several errors as Helm tells what happened to objects that were handled at once.
pub fn joined(errors: &[String]) -> String {
    let points: Vec<String> = errors.iter().map(|error| format!("* {error}")).collect();
    let count = match errors.len() {
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    };
    format!("{count} occurred:\n\t{}\n\n", points.join("\n\t"))
}

impl Operation {
    /// What is to be done next; the same until [`Operation::told`] is told what came of it.
    pub fn next(&self) -> Step {
        let Some(task) = self.agenda.front() else { return Step::End(self.end.clone()) };
        let current = || self.current.clone().unwrap_or_default();
        match task {
            Task::BuildCurrent => Step::Build(current().manifest().into()),
            Task::BuildTarget => Step::Build(self.release.manifest().into()),
            Task::BuildDoomed(text) => Step::Build(text.clone()),
            Task::Look => Step::Look(self.news()),
            Task::CreateNamespace => Step::Create(vec![self.namespace()]),
            Task::Forget(revision) => Step::DeleteRecord(*revision),
            Task::CreateRecord => Step::CreateRecord(self.release.clone()),
            Task::Supersede(at) => Step::StoreRecord(self.history.get(*at).cloned().unwrap_or_default()),
            Task::StoreCurrent => Step::StoreRecord(current()),
            Task::Store(_) => Step::StoreRecord(self.release.clone()),
            Task::Hook(stage) => self.hook_step(*stage),
            Task::Apply if self.kind == Kind::Install && self.adopted.is_empty() => {
                Step::Create(self.target.clone())
            }
            Task::Apply => Step::Update(self.update()),
            Task::RecreatePods => Step::RecreatePods(self.updated.clone()),
            Task::Wait => {
                let goal = Goal::Ready { objects: self.target.clone(), jobs: self.options.wait_for_jobs };
                Step::Wait(goal, self.options.timeout)
            }
            Task::Delete => {
                let cascade = match self.kind {
                    Kind::Uninstall(cascade) => cascade,
                    _ => Cascade::Background,
                };
                Step::Delete(self.before.clone(), cascade)
            }
            Task::WaitGone => Step::Wait(Goal::Gone(self.before.clone()), self.options.timeout),
            Task::Cleanup => Step::Delete(self.created.clone(), Cascade::Background),
            // What needs nothing of the world never waits at the front.
            Task::Hooks(_) | Task::HooksFailed(_) | Task::Outdate | Task::Settle(..) | Task::Stop(_) => {
                Step::End(self.end.clone())
            }
        }
    }

    fn update(&self) -> Update {
        let mut original = self.before.clone();
        original.extend(self.adopted.iter().cloned());
        Update {
            original,
            target: self.target.clone(),
            force: self.options.force,
            three_way: self.kind == Kind::Install && self.options.take_ownership,
        }
    }

    fn namespace(&self) -> Object {
        let name = self.release.namespace();
        let gvk = GroupVersionKind::parse("v1", "Namespace");
        let mut namespace = Object::bare(&ObjectRef::new(gvk, "", name));
        namespace.fields_mut()["metadata"]["labels"] = json!({ "name": name });
        namespace
    }
}
