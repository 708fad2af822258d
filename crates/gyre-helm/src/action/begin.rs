//! The beginnings of operations: what is on the agenda, by the records that there are.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use gyre_go::strconv::quote;
use gyre_go::time::Time;
use gyre_yaml::yaml_to_json;
use serde_json::Value;

use super::step::Cascade;
use super::{End, Kind, Operation, Options, Task, hooks};
use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::manifest::{self, split};
use crate::release::{Release, Status};
use crate::render::Version;
use crate::values::Values;
use crate::values::coalesce::coalesce_tables;

/// What an uninstallation is told besides the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Do the records stay?
    pub keep_history: bool,
    /// What happens to what is owned by what is deleted.
    pub cascade: Cascade,
}

/// Which tests are run, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Only these, where there are any.
    pub only: Vec<String>,
    /// Not these.
    pub without: Vec<String>,
}

impl Filters {
    /// Is a test of this name run?
    pub(super) fn takes(&self, name: &str) -> bool {
        let is_in = |list: &[String]| list.iter().any(|one| one == name);
        !is_in(&self.without) && (self.only.is_empty() || is_in(&self.only))
    }
}

/// What becomes of the values of the revision before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// They are taken where none are given.
    #[default]
    Unless,
    /// They are forgotten: `--reset-values`.
    Reset,
    /// They stay, and the old chart's too: `--reuse-values`.
    All,
    /// They stay, on top of the new chart's: `--reset-then-reuse-values`.
    Given,
}

/// The values of an upgrade.
pub fn reuse(how: Reuse, chart: &mut Chart, current: &Release, given: Values) -> Result<Values, HelmError> {
    let old = current.config_read();
    let mut values = given;
    match how {
        Reuse::Reset => {}
        Reuse::Unless if values.is_empty() => values = old,
        Reuse::Unless => {}
        Reuse::All => {
            chart.values =
                current.computed_values(&old).map_err(|why| why.within("failed to rebuild old values"))?;
            coalesce_tables(&mut values, old, false, &mut Vec::new());
        }
        Reuse::Given => coalesce_tables(&mut values, old, false, &mut Vec::new()),
    }
    Ok(values)
}

/// May a release of these revisions be installed?
pub fn available(history: &[Release], replace: bool) -> Result<(), HelmError> {
    match newest(history) {
        None => Ok(()),
        Some(last) if replace && (last.is(Status::Uninstalled) || last.is(Status::Failed)) => Ok(()),
        Some(_) => err("cannot re-use a name that is still in use"),
    }
}

fn newest(history: &[Release]) -> Option<&Release> {
    history.iter().max_by_key(|one| one.revision())
}

fn deployed(history: &[Release]) -> Option<&Release> {
    newest_of(history.iter().filter(|one| one.is(Status::Deployed)))
}

fn newest_of<'a>(some: impl Iterator<Item = &'a Release>) -> Option<&'a Release> {
    some.max_by_key(|one| one.revision())
}

/// The last revision of a release, and the one that an upgrade starts from.
pub fn pick<'a>(name: &str, history: &'a [Release]) -> Result<(&'a Release, &'a Release), HelmError> {
    let none = || HelmError::new(format!("{} has no deployed releases", quote(name.as_bytes())));
    let last = newest(history).ok_or_else(none)?;
    if last.is_pending() {
        return err("another operation (install/upgrade/rollback) is in progress");
    }
    match deployed(history) {
        Some(deployed) => Ok((last, if last.is(Status::Deployed) { last } else { deployed })),
        None if last.is(Status::Failed) || last.is(Status::Superseded) => Ok((last, last)),
        None => Err(none()),
    }
}

/// The revisions that go before one more is stored: the oldest, but never the one that is deployed.
fn prune(history: &[Release], max: usize) -> Vec<Task> {
    if max == 0 || history.len() < max {
        return Vec::new();
    }
    let kept = deployed(history).map(Release::revision);
    let mut revisions: Vec<i64> = history.iter().map(Release::revision).collect();
    revisions.sort_unstable();
    let doomed = revisions.into_iter().filter(|revision| Some(*revision) != kept);
    doomed.take(history.len() + 1 - max).map(Task::Forget).collect()
}

impl Operation {
    fn begin(
        kind: Kind,
        release: Release,
        current: Option<Release>,
        history: Vec<Release>,
        options: Options,
        now: &Time,
    ) -> Self {
        Self {
            kind,
            options,
            release,
            current,
            history,
            agenda: VecDeque::new(),
            now: now.clone(),
            before: Vec::new(),
            target: Vec::new(),
            adopted: Vec::new(),
            created: Vec::new(),
            updated: Vec::new(),
            hooks: hooks::Run::default(),
            errors: Vec::new(),
            kept: String::new(),
            end: End::default(),
        }
    }

    fn with(mut self, tasks: impl IntoIterator<Item = Task>) -> Self {
        self.agenda.extend(tasks);
        self.think();
        self
    }

    fn hooks_of(&self, event: &'static str) -> Option<Task> {
        (!self.options.no_hooks).then_some(Task::Hooks(event))
    }

    fn wait(&self) -> Option<Task> {
        (self.options.wait || self.options.atomic).then_some(Task::Wait)
    }

    fn recreate(&self) -> Option<Task> {
        self.options.recreate_pods.then_some(Task::RecreatePods)
    }

    fn settle(&self, usual: &str) -> Task {
        let given = &self.options.description;
        Task::Settle(Status::Deployed, if given.is_empty() { usual.into() } else { given.clone() })
    }

    /// Installs a release that was rendered. `history` are the revisions of an older one of the name, which it replaces.
    pub fn install(mut release: Release, mut history: Vec<Release>, options: Options, now: &Time) -> Self {
        let mut stored = None;
        if let Some(last) = history.iter_mut().enumerate().max_by_key(|(_, one)| one.revision()) {
            let (at, last) = last;
            release.set_revision(last.revision() + 1);
            if !last.is(Status::Failed) {
                last.set_status(Status::Superseded, "superseded by new release");
                stored = Some(Task::Supersede(at));
            }
        }
        let this = Self::begin(Kind::Install, release, None, history, options, now);
        let make = this.options.create_namespace.then_some(Task::CreateNamespace);
        let first = [Task::BuildTarget, Task::Look].into_iter().chain(make).chain(stored);
        let tasks: Vec<Task> = first.chain([Task::CreateRecord]).chain(this.install_rest()).collect();
        this.with(tasks)
    }

    fn install_rest(&self) -> Vec<Task> {
        let tasks = self.hooks_of("pre-install").into_iter().chain([Task::Apply]).chain(self.wait());
        let tasks = tasks.chain(self.hooks_of("post-install"));
        tasks.chain([self.settle("Install complete"), Task::Store(false)]).collect()
    }

    /// Upgrades `current` to a release that was rendered.
    pub fn upgrade(
        release: Release,
        current: Release,
        history: Vec<Release>,
        options: Options,
        now: &Time,
    ) -> Self {
        let stored = prune(&history, options.history_max).into_iter().chain([Task::CreateRecord]);
        let stored: Vec<Task> = stored.collect();
        let this = Self::begin(Kind::Upgrade, release, Some(current), history, options, now);
        let first = [Task::BuildTarget, Task::BuildCurrent, Task::Look];
        let tasks: Vec<Task> = first.into_iter().chain(stored).chain(this.upgrade_rest()).collect();
        this.with(tasks)
    }

    fn upgrade_rest(&self) -> Vec<Task> {
        let tasks = self.hooks_of("pre-upgrade").into_iter().chain([Task::Apply]).chain(self.recreate());
        let tasks = tasks.chain(self.wait()).chain(self.hooks_of("post-upgrade"));
        let end = [Task::Outdate, Task::StoreCurrent, self.settle("Upgrade complete"), Task::Store(true)];
        tasks.chain(end).collect()
    }

    /// Goes back to a revision; to the one before the last for 0.
    pub fn rollback(
        mut history: Vec<Release>,
        revision: i64,
        options: Options,
        now: &Time,
    ) -> Result<Self, HelmError> {
        history.sort_by_key(Release::revision);
        let Some(current) = history.last().cloned() else { return err("release: not found") };
        if revision < 0 {
            return err("invalid release revision");
        }
        let wanted = if revision == 0 { current.revision() - 1 } else { revision };
        let Some(target) = history.iter().find(|one| one.revision() == wanted) else {
            return err(format!("release has no {wanted} version"));
        };
        let release = target.again(&current, now);
        let stored = prune(&history, options.history_max).into_iter().chain([Task::CreateRecord]);
        let stored: Vec<Task> = stored.collect();
        let mut this = Self::begin(Kind::Rollback, release, Some(current), history, options, now);
        if this.options.dry_run {
            return Ok(this);
        }
        let first = [Task::BuildCurrent, Task::BuildTarget];
        let rest = this.rollback_rest();
        Ok(this.with(stored.into_iter().chain(first).chain(rest)))
    }

    fn rollback_rest(&mut self) -> Vec<Task> {
        let mut superseded = Vec::new();
        for (at, one) in self.history.iter_mut().enumerate() {
            if one.is(Status::Deployed) {
                one.set_state(Status::Superseded);
                superseded.push(Task::Supersede(at));
            }
        }
        let description = self.release.text("/info/description").to_owned();
        let tasks = self.hooks_of("pre-rollback").into_iter().chain([Task::Apply]).chain(self.recreate());
        let tasks = tasks.chain(self.wait()).chain(self.hooks_of("post-rollback")).chain(superseded);
        tasks.chain([Task::Settle(Status::Deployed, description), Task::Store(true)]).collect()
    }

    /// Uninstalls a release of these revisions.
    pub fn uninstall(
        mut history: Vec<Release>,
        wish: Wish,
        options: Options,
        now: &Time,
    ) -> Result<Self, HelmError> {
        history.sort_by_key(Release::revision);
        let Some(mut release) = history.pop() else { return err("no release provided") };
        let name = release.name().to_owned();
        let all = history.iter().map(Release::revision).chain([release.revision()]);
        let purge: Vec<Task> = all.map(Task::Forget).collect();
        let kind = Kind::Uninstall(wish.cascade);
        if release.is(Status::Uninstalled) {
            if wish.keep_history {
                return err(format!("the release named {} is already deleted", quote(name.as_bytes())));
            }
            return Ok(Self::begin(kind, release, None, history, options, now).with(purge));
        }
        release.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
        release.set_deleted(now);
        let mut this = Self::begin(kind, release, None, history, options, now);
        let mut tasks: Vec<Task> = this.hooks_of("pre-delete").into_iter().collect();
        tasks.push(Task::Store(false));
        match doomed(this.release.manifest()) {
            Err(_) => tasks.push(Task::Stop(format!("failed to delete release: {name}"))),
            Ok((text, kept)) => {
                this.kept = kept;
                tasks.push(Task::BuildDoomed(text));
                tasks.push(Task::Delete);
            }
        }
        tasks.extend(this.options.wait.then_some(Task::WaitGone));
        tasks.extend(this.hooks_of("post-delete"));
        let said = match &*this.options.description {
            "" => "Uninstallation complete".to_owned(),
            given => given.to_owned(),
        };
        tasks.push(Task::Settle(Status::Uninstalled, said));
        if wish.keep_history {
            tasks.push(Task::Store(false));
            for (at, one) in this.history.iter_mut().enumerate() {
                if one.is(Status::Deployed) {
                    one.set_state(Status::Superseded);
                    tasks.push(Task::Supersede(at));
                }
            }
        } else {
            tasks.extend(purge);
        }
        Ok(this.with(tasks))
    }

    /// Runs the tests of a release.
    pub fn test(mut release: Release, filters: &Filters, options: Options, now: &Time) -> Self {
        let is_out =
            |hook: &Value| !filters.takes(hook.get("name").and_then(Value::as_str).unwrap_or_default());
        // order: Helm puts the tests that were left out before the others.
        let mut left_out = 0;
        if let Some(hooks) = release.hooks_mut() {
            hooks.sort_by_key(|hook| !is_out(hook));
            left_out = hooks.iter().filter(|hook| is_out(hook)).count();
        }
        let mut this = Self::begin(Kind::Test, release, None, Vec::new(), options, now);
        this.hooks.left_out = (0..left_out).collect();
        this.with([Task::Hooks("test"), Task::Store(true)])
    }

    /// The rest of an operation whose program went away: its last record is pending. `None` where nothing is. Hooks that
    /// have succeeded are not run again; everything else is done once more, which changes nothing that was done already.
    pub fn resume(mut history: Vec<Release>, options: Options, now: &Time) -> Option<Self> {
        history.sort_by_key(Release::revision);
        let release = history.pop_if(|last| last.is_pending())?;
        let (kind, current) = if release.is(Status::PendingInstall) {
            (Kind::Install, None)
        } else if release.is(Status::PendingUpgrade) {
            let done = history.iter().filter(|one| one.is(Status::Failed) || one.is(Status::Superseded));
            (Kind::Upgrade, deployed(&history).or_else(|| newest_of(done)).cloned())
        } else {
            (Kind::Rollback, history.last().cloned())
        };
        let mut this = Self::begin(kind, release, current, history, options, now);
        this.hooks.is_resumed = true;
        let before = this.current.is_some().then_some(Task::BuildCurrent);
        let first = [Task::BuildTarget].into_iter().chain(before).chain([Task::Look]);
        let rest = match kind {
            Kind::Install => this.install_rest(),
            Kind::Upgrade => this.upgrade_rest(),
            _ => this.rollback_rest(),
        };
        Some(this.with(first.chain(rest)))
    }
}

/// What an uninstallation deletes, in its order, and what it leaves, as Helm lists it.
fn doomed(text: &str) -> Result<(String, String), HelmError> {
    let files: BTreeMap<String, String> = split(text, Version::V3)
        .into_iter()
        .enumerate()
        .map(|(at, content)| (format!("manifest-{at}"), content))
        .collect();
    let (_, mut all) = manifest::sort(&files, Version::V3)?;
    all.sort_by(|left, right| manifest::by_kind_reversed(&left.kind, &right.kind));
    let (mut doomed, mut kept) = (String::new(), String::new());
    for one in all {
        let value = yaml_to_json(one.content.as_bytes()).unwrap_or_default();
        let policy = value.pointer("/metadata/annotations/helm.sh~1resource-policy").and_then(Value::as_str);
        if policy.is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep")) {
            let _ = writeln!(kept, "[{}] {}", one.kind, one.name);
        } else {
            let _ = write!(doomed, "\n---\n{}", one.content);
        }
    }
    if !kept.is_empty() {
        kept.insert_str(0, "These resources were kept due to the resource policy:\n");
    }
    Ok((doomed, kept))
}
