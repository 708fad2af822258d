//! Hooks: made one after the other, watched until they are done, cleared away as they ask.

use gyre_model::{Object, ObjectRef};
use serde_json::Value;

use super::step::Cascade;
use super::{Answer, Kind, Operation, Refusal, Step, Task};
use crate::ready::Goal;
use crate::release::{read_time, write_time};

/// When a hook is cleared away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    BeforeCreation,
    Succeeded,
    Failed,
}

impl Policy {
    fn word(self) -> &'static str {
        match self {
            Self::BeforeCreation => "before-hook-creation",
            Self::Succeeded => "hook-succeeded",
            Self::Failed => "hook-failed",
        }
    }
}

/// What is done with one hook; the number is its place in the order of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Build(usize),
    Clear(usize, Policy),
    /// The cleared hook is gone.
    Gone(usize, Policy),
    Start(usize),
    Create(usize),
    Watch(usize),
    Logs(usize),
}

/// The hooks of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    event: &'static str,
    /// Their places in the record, in the order in which they run.
    order: Vec<usize>,
    /// The objects of each.
    objects: Vec<Vec<Object>>,
    /// Hooks that do not take part, by their places in the record.
    pub(super) left_out: Vec<usize>,
    /// Were there runs of this operation before? Then hooks that succeeded since it began are not run again.
    pub(super) is_resumed: bool,
}

fn text<'a>(hook: &'a Value, pointer: &str) -> &'a str {
    hook.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn lists(hook: &Value, key: &str, word: &str) -> bool {
    let list = hook.get(key).and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|one| one == word))
}

impl Operation {
    fn hook(&self, at: usize) -> &Value {
        let place = self.hooks.order.get(at).copied().unwrap_or(usize::MAX);
        self.release.hooks().get(place).unwrap_or(&Value::Null)
    }

    fn objects_of(&self, at: usize) -> Vec<Object> {
        self.hooks.objects.get(at).cloned().unwrap_or_default()
    }

    /// Is the hook to be cleared away at such a moment? Definitions never are: everything of their kinds would go.
    fn has_policy(&self, at: usize, policy: Policy) -> bool {
        let hook = self.hook(at);
        let has_none = hook.get("delete_policies").and_then(Value::as_array).is_none_or(Vec::is_empty);
        text(hook, "/kind") != "CustomResourceDefinition"
            && (lists(hook, "delete_policies", policy.word()) || has_none && policy == Policy::BeforeCreation)
    }

    fn clear(&self, at: usize, policy: Policy) -> Vec<Task> {
        if !self.has_policy(at, policy) {
            return Vec::new();
        }
        vec![Task::Hook(Stage::Clear(at, policy)), Task::Hook(Stage::Gone(at, policy))]
    }

    fn logs(&self, at: usize, policy: Policy) -> Option<Task> {
        let hook = self.hook(at);
        let wanted =
            lists(hook, "output_log_policies", policy.word()) && matches!(text(hook, "/kind"), "Job" | "Pod");
        wanted.then_some(Task::Hook(Stage::Logs(at)))
    }

    /// Puts the hooks of a moment on the agenda.
    pub(super) fn plan_hooks(&mut self, event: &'static str) {
        let hooks = self.release.hooks();
        let began = read_time(self.release.text("/info/last_deployed"));
        let is_done = |hook: &Value| {
            let started = read_time(text(hook, "/last_run/started_at"));
            self.hooks.is_resumed
                && text(hook, "/last_run/phase") == "Succeeded"
                && began.as_ref().zip(started).is_some_and(|(began, started)| started.since(began) >= 0)
        };
        let takes_part = |(at, hook): &(usize, &Value)| {
            lists(hook, "events", event) && !self.hooks.left_out.contains(at) && !is_done(hook)
        };
        let mut order: Vec<usize> = hooks.iter().enumerate().filter(takes_part).map(|(at, _)| at).collect();
        order.sort_by_key(|&at| {
            (
                hooks[at].get("weight").and_then(Value::as_i64).unwrap_or(0),
                text(&hooks[at], "/name").to_owned(),
            )
        });
        self.hooks.event = event;
        self.hooks.objects = vec![Vec::new(); order.len()];
        self.hooks.order = order;
        let count = self.hooks.order.len();
        let mut tasks = Vec::new();
        for at in 0..count {
            tasks.push(Task::Hook(Stage::Build(at)));
            tasks.extend(self.clear(at, Policy::BeforeCreation));
            tasks.extend([Stage::Start(at), Stage::Create(at), Stage::Watch(at)].map(Task::Hook));
        }
        for at in (0..count).rev() {
            tasks.extend(self.logs(at, Policy::Succeeded));
            tasks.extend(self.clear(at, Policy::Succeeded));
        }
        self.first(tasks);
    }

    pub(super) fn hook_step(&self, stage: Stage) -> Step {
        match stage {
            Stage::Build(at) => Step::Build(text(self.hook(at), "/manifest").into()),
            Stage::Clear(at, _) => Step::Delete(self.objects_of(at), Cascade::Background),
            Stage::Gone(at, _) => Step::Wait(Goal::Gone(self.objects_of(at)), self.options.timeout),
            Stage::Start(_) => Step::StoreRecord(self.release.clone()),
            Stage::Create(at) => Step::Create(self.objects_of(at)),
            Stage::Watch(at) => Step::Wait(Goal::Done(self.objects_of(at)), self.options.timeout),
            Stage::Logs(at) => {
                let object = self.objects_of(at).first().map(Object::object_ref);
                let nothing = || ObjectRef::new(gyre_model::GroupVersionKind::parse("v1", "Pod"), "", "");
                Step::Logs(object.unwrap_or_else(nothing))
            }
        }
    }

    fn mark(&mut self, at: usize, key: &str, value: &str) {
        let place = self.hooks.order.get(at).copied().unwrap_or(usize::MAX);
        if let Some(hook) = self.release.hooks_mut().and_then(|hooks| hooks.get_mut(place)) {
            hook["last_run"][key] = value.into();
        }
    }

    fn mark_completed(&mut self, at: usize, phase: &str) {
        let now = write_time(&self.now);
        self.mark(at, "completed_at", &now);
        self.mark(at, "phase", phase);
    }

    /// What comes before the hook's creation is over: its record says that it runs.
    fn begin_hook(&mut self, at: usize) {
        let now = write_time(&self.now);
        for (key, value) in [("started_at", &*now), ("completed_at", ""), ("phase", "Running")] {
            self.mark(at, key, value);
        }
    }

    pub(super) fn hook_told(&mut self, stage: Stage, answer: Answer) {
        if let Some(why) = answer.error {
            self.hook_refused(stage, why);
            return;
        }
        match stage {
            Stage::Build(at) => {
                if let Some(objects) = self.hooks.objects.get_mut(at) {
                    *objects = answer.objects;
                }
                let place = self.hooks.order.get(at).copied().unwrap_or(usize::MAX);
                let hook = self.release.hooks_mut().and_then(|hooks| hooks.get_mut(place));
                if let Some(hook) = hook.filter(|hook| hook.get("delete_policies").is_none()) {
                    hook["delete_policies"] = vec![Policy::BeforeCreation.word()].into();
                }
                if !self.has_policy(at, Policy::BeforeCreation) {
                    self.begin_hook(at);
                }
            }
            Stage::Gone(at, Policy::BeforeCreation) => self.begin_hook(at),
            Stage::Start(at) => self.mark(at, "phase", "Unknown"),
            Stage::Watch(at) => self.mark_completed(at, "Succeeded"),
            Stage::Clear(..) | Stage::Gone(..) | Stage::Create(_) | Stage::Logs(_) => {}
        }
    }

    fn hook_refused(&mut self, stage: Stage, why: Refusal) {
        let why = why.text;
        match stage {
            Stage::Build(at) => {
                let (path, event) = (text(self.hook(at), "/path").to_owned(), self.hooks.event);
                let what = if self.has_policy(at, Policy::BeforeCreation) {
                    format!("unable to build kubernetes object for deleting hook {path}")
                } else {
                    format!("unable to build kubernetes object for {event} hook {path}")
                };
                self.hooks_failed(&format!("{what}: {why}"));
            }
            Stage::Start(at) => self.mark(at, "phase", "Unknown"),
            Stage::Create(at) => {
                self.mark_completed(at, "Failed");
                let path = text(self.hook(at), "/path");
                let text = format!("warning: Hook {} {path} failed: {why}", self.hooks.event);
                self.hooks_failed(&text);
            }
            Stage::Watch(at) => {
                self.mark_completed(at, "Failed");
                self.drop_hook_tasks();
                let mut tasks: Vec<Task> = self.logs(at, Policy::Failed).into_iter().collect();
                tasks.extend(self.clear(at, Policy::Failed));
                tasks.extend((0..at).flat_map(|before| self.clear(before, Policy::Succeeded)));
                tasks.push(Task::HooksFailed(why));
                self.first(tasks);
            }
            // What is cleared away after a failure is not worth a second one, nor are logs.
            Stage::Clear(_, Policy::Failed) | Stage::Gone(_, Policy::Failed) | Stage::Logs(_) => {}
            Stage::Clear(..) | Stage::Gone(..) => self.hooks_failed(&why),
        }
    }

    fn drop_hook_tasks(&mut self) {
        while matches!(self.agenda.front(), Some(Task::Hook(_) | Task::HooksFailed(_))) {
            self.agenda.pop_front();
        }
    }

    pub(super) fn hooks_failed(&mut self, why: &str) {
        self.drop_hook_tasks();
        let event = self.hooks.event;
        match self.kind {
            Kind::Install => self.fail(&format!("failed {event}: {why}")),
            Kind::Upgrade => self.fail(&format!("{event} hooks failed: {why}")),
            Kind::Uninstall(_) if event == "post-delete" => self.errors.push(why.into()),
            Kind::Rollback | Kind::Uninstall(_) => self.stop(why),
            Kind::Test => {
                self.agenda.clear();
                self.agenda.push_back(Task::Store(false));
                self.end.error = Some(why.into());
            }
        }
    }
}
