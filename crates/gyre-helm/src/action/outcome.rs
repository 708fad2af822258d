//! What becomes of an operation when a step has been carried out, or could not be.

use gyre_go::strconv::quote;
use gyre_model::Object;

use super::objects::{conflict, mark};
use super::{Answer, Kind, Operation, Refusal, Task, Undo, same_object};
use crate::release::Status;

impl Operation {
    pub(super) fn take_in(&mut self, task: Task, mut answer: Answer) {
        if let Task::Hook(stage) = task {
            return self.hook_told(stage, answer);
        }
        if task == Task::Apply {
            self.created = std::mem::take(&mut answer.objects);
            self.updated = std::mem::take(&mut answer.updated);
        }
        if let Some(why) = answer.error {
            return self.refused(task, why);
        }
        match task {
            Task::BuildCurrent | Task::BuildDoomed(_) => self.before = answer.objects,
            Task::BuildTarget => {
                self.target = answer.objects;
                self.target.iter_mut().for_each(|object| mark(object, &self.release));
            }
            Task::Look => self.adopt(&answer.objects),
            _ => {}
        }
    }

    /// What of the target was not there before, as far as the release before it says.
    pub(super) fn news(&self) -> Vec<Object> {
        let same =
            |old: &Object, new: &Object| same_object(old, new) && old.api_version() == new.api_version();
        let is_new = |object: &&Object| !self.before.iter().any(|old| same(old, object));
        self.target.iter().filter(is_new).cloned().collect()
    }

    /// What exists already is taken into the release, where it is the release's own.
    fn adopt(&mut self, found: &[Object]) {
        if !self.options.take_ownership {
            // The first conflict ends it.
            if let Some(why) = found.iter().find_map(|object| conflict(object, &self.release)) {
                return self.cannot_continue(&why);
            }
        }
        let exists = |object: &&Object| found.iter().any(|found| same_object(found, object));
        self.adopted = self.target.iter().filter(exists).cloned().collect();
        if self.options.dry_run {
            self.agenda.clear();
        }
    }

    fn cannot_continue(&mut self, why: &str) {
        let what = if self.kind == Kind::Install { "install" } else { "update" };
        self.stop(format!("Unable to continue with {what}: {why}"));
    }

    fn refused(&mut self, task: Task, why: Refusal) {
        let text = why.text;
        match task {
            Task::BuildCurrent if text.contains("no matches for kind") && self.kind == Kind::Upgrade => self.stop(format!("current release manifest contains removed kubernetes api(s) for this kubernetes version and it is therefore unable to build the kubernetes objects for performing the diff. error from kubernetes: {text}")),
            Task::BuildCurrent => self.stop(format!("unable to build kubernetes objects from current release manifest: {text}")),
            Task::BuildTarget if self.kind == Kind::Install => self.stop(format!("unable to build kubernetes objects from release manifest: {text}")),
            Task::BuildTarget if self.kind == Kind::Upgrade => self.stop(text),
            Task::BuildTarget => self.stop(format!("unable to build kubernetes objects from new release manifest: {text}")),
            Task::BuildDoomed(_) | Task::Delete => self.stop(format!("failed to delete release: {}", self.release.name())),
            Task::Look => self.cannot_continue(&text),
            Task::CreateNamespace if why.exists => {}
            Task::CreateRecord if why.exists => self.stop("release: already exists"),
            Task::CreateRecord => self.stop(format!("create: failed to create: {text}")),
            Task::Store(true) => self.stop(format!("update: failed to update: {text}")),
            Task::Forget(_) if matches!(self.kind, Kind::Uninstall(_)) => {
                self.agenda.clear();
                self.errors.push(format!("uninstall: Failed to purge the release: {text}"));
            }
            Task::CreateNamespace | Task::Forget(_) => self.stop(text),
            Task::Apply | Task::Wait => self.apply_failed(task, &text),
            Task::WaitGone => self.errors.push(text),
            Task::Cleanup => {
                let original = self.end.error.take().unwrap_or_default();
                let what = if self.kind == Kind::Rollback { "rollback" } else { "upgrade" };
                self.end.undo = None;
                self.stop(format!("an error occurred while cleaning up resources. original {what} error: {original}: unable to cleanup resources: {text}"));
            }
            // Helm logs these and goes on.
            Task::Supersede(_) | Task::StoreCurrent | Task::Store(false) | Task::RecreatePods => {}
            Task::Hook(_) | Task::Hooks(_) | Task::HooksFailed(_) | Task::Outdate => {}
            Task::Settle(..) | Task::Stop(_) => {}
        }
    }

    fn apply_failed(&mut self, task: Task, why: &str) {
        match self.kind {
            Kind::Upgrade => {
                self.fail(why);
                self.agenda.push_front(Task::StoreCurrent);
            }
            Kind::Rollback => {
                let name = quote(self.release.name().as_bytes());
                self.agenda.clear();
                self.agenda.extend([Task::StoreCurrent, Task::Store(false)]);
                if task == Task::Apply {
                    self.release.set_status(Status::Failed, &format!("Rollback {name} failed: {why}"));
                    if let Some(current) = &mut self.current {
                        current.set_state(Status::Superseded);
                    }
                    self.end.error = Some(why.into());
                    self.clean_up();
                } else {
                    self.release.set_status(Status::Failed, &format!("Release {name} failed: {why}"));
                    self.end.error = Some(format!("release {} failed: {why}", self.release.name()));
                }
            }
            _ => self.fail(why),
        }
    }

    fn clean_up(&mut self) {
        if self.options.cleanup_on_fail && !self.created.is_empty() {
            self.agenda.push_back(Task::Cleanup);
        }
    }

    /// An installation or an upgrade has failed after its record was made.
    pub(super) fn fail(&mut self, why: &str) {
        self.agenda.clear();
        self.end.error = Some(why.into());
        let name = quote(self.release.name().as_bytes());
        if self.kind == Kind::Install {
            self.release.set_status(Status::Failed, &format!("Release {name} failed: {why}"));
            if self.options.atomic {
                self.end.undo = Some(Undo::Uninstall);
            } else {
                self.agenda.push_back(Task::Store(false));
            }
            return;
        }
        self.release.set_status(Status::Failed, &format!("Upgrade {name} failed: {why}"));
        self.agenda.push_back(Task::Store(false));
        self.clean_up();
        if self.options.atomic {
            let worked =
                |one: &&crate::release::Release| one.is(Status::Superseded) || one.is(Status::Deployed);
            let current = self.current.iter().filter(worked).map(crate::release::Release::revision);
            let older = self.history.iter().filter(worked).map(crate::release::Release::revision);
            self.end.undo = Some(Undo::Rollback(current.chain(older).max()));
        }
    }
}

impl super::End {
    /// What is told in the end: the error, with what came of undoing it.
    pub fn told(&self, release: &str, undone: Result<(), String>) -> Option<String> {
        let error = self.error.clone()?;
        Some(match (self.undo, undone) {
            (None, _) => error,
            (Some(Undo::Uninstall), Ok(())) => {
                format!("release {release} failed, and has been uninstalled due to atomic being set: {error}")
            }
            (Some(Undo::Uninstall), Err(why)) => format!(
                "an error occurred while uninstalling the release. original install error: {error}: {why}"
            ),
            (Some(Undo::Rollback(None)), _) => format!(
                "unable to find a previously successful release when attempting to rollback. original upgrade error: {error}"
            ),
            (Some(Undo::Rollback(_)), Ok(())) => {
                format!("release {release} failed, and has been rolled back due to atomic being set: {error}")
            }
            (Some(Undo::Rollback(_)), Err(why)) => format!(
                "an error occurred while rolling back the release. original upgrade error: {error}: {why}"
            ),
        })
    }
}
