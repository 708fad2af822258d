//! From what is desired and what is observed to a Plan.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use gyre_model::{Object, ObjectRef};

use crate::{Action, Change, Cleanup, How, Phase, Plan, Title, apply_order, diff};

/// An object as it should be, with what its dialect says of its turn.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The object.
    pub object: Arc<Object>,
    /// Phases are carried out from the lowest to the highest.
    pub wave: i32,
    /// Its kind's place within the phase, from the lowest to the highest.
    pub rank: usize,
    /// How it is written, where that is not as the policy or the observation says.
    pub how: Option<How>,
}

/// What is known of a desired object in the cluster.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Nothing has changed since it was last applied: no request was needed to know.
    Unchanged,
    /// It does not exist, or its kind or namespace come with this plan.
    Absent,
    /// It exists; `merged` is what a dry run of the desired object gives.
    Live {
        /// As it is.
        live: Arc<Object>,
        /// As it would be.
        merged: Result<Arc<Object>, Refusal>,
        /// How it is brought there.
        how: How,
    },
    /// It does not exist, and the server would not take it.
    Refused(Refusal),
}

/// Why the server does not take an object. The dialect words what is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status; 0 where the server was not asked or did not answer.
    pub code: u16,
    /// The server's one-word reason, `FieldManagerConflict` for conflicts of managers; may be empty.
    pub reason: String,
    /// The server's message.
    pub message: String,
    /// A field that must not change has changed: the object has to be made anew.
    pub immutable: bool,
}

/// An object of the inventory that is no longer desired.
#[derive(Clone, Debug)]
pub struct Stale {
    /// The object.
    pub target: ObjectRef,
    /// As it is; `None` where it is gone already.
    pub live: Option<Arc<Object>>,
}

/// Labels or annotations, any of which marks an object. Values are compared without case, as Flux compares them.
#[derive(Clone, Debug, Default)]
pub struct Marks(Vec<(String, String)>);

impl Marks {
    /// From keys and values.
    pub fn new<K: Into<String>, V: Into<String>>(marks: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(marks.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// The mark that the object bears, as `key: value`.
    pub fn on(&self, object: &Object) -> Option<String> {
        self.0.iter().find_map(|(key, value)| {
            [object.label(key), object.annotation(key)]
                .into_iter()
                .flatten()
                .any(|found| !found.is_empty() && found.eq_ignore_ascii_case(value))
                .then(|| format!("{key}: {value}"))
        })
    }
}

/// What a dialect allows and forbids.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Delete what is no longer desired.
    pub prune: bool,
    /// Recreate what cannot be changed in place.
    pub force: bool,
    /// The same for objects with a mark.
    pub force_marks: Marks,
    /// Objects that are left alone, desired or live.
    pub skip_marks: Marks,
    /// Objects that are created but never changed.
    pub create_only_marks: Marks,
    /// Objects that are never deleted.
    pub keep_marks: Marks,
    /// What to undo of other tools' writes.
    pub cleanup: Cleanup,
    /// How objects that do not exist are made.
    pub create: How,
    /// The field manager as which roles and bindings are reconciled before they are applied, where they are.
    pub reconcile_as: Option<&'static str>,
    /// The field manager that applies.
    pub manager: String,
    /// Labels that an object must bear to be deleted: another owner's are not ours to delete.
    pub owner_labels: Vec<(String, String)>,
}

/// Makes the plan. `desired` and `observed` go together item by item.
pub fn make(
    title: Title,
    desired: Vec<(Desired, Observed)>,
    mut stale: Vec<Stale>,
    policy: &Policy,
    last_wave: i32,
) -> Plan {
    let mut waves: BTreeSet<i32> = desired.iter().map(|(desired, _)| desired.wave).collect();
    let mut turns: Vec<(i32, usize, Change)> = desired
        .into_iter()
        .map(|(desired, observed)| (desired.wave, desired.rank, change(desired, observed, policy)))
        .collect();
    turns.sort_by_cached_key(|(wave, rank, change)| {
        let ObjectRef { group, kind, namespace, name, .. } = change.target.clone();
        (*wave, *rank, group, kind, namespace, name)
    });
    let mut phases = Vec::new();
    while let Some(wave) = waves.pop_first() {
        let rest = turns.split_off(turns.partition_point(|(turn, ..)| *turn == wave));
        let changes = std::mem::replace(&mut turns, rest).into_iter().map(|(.., change)| change).collect();
        phases.push(Phase { name: format!("wave {wave}"), changes, wait: wave < last_wave });
    }
    let mut prune = Vec::new();
    if policy.prune {
        stale.sort_by(|left, right| apply_order(&right.target).cmp(&apply_order(&left.target)));
        prune.extend(stale.into_iter().map(|stale| deletion(stale, policy)));
    }
    Plan { title, phases, prune }
}

fn change(desired: Desired, observed: Observed, policy: &Policy) -> Change {
    let object = desired.object;
    let target = object.object_ref();
    let live = match &observed {
        Observed::Live { live, .. } => Some(Arc::clone(live)),
        _ => None,
    };
    let skipped = policy
        .skip_marks
        .on(&object)
        .or_else(|| policy.skip_marks.on(live.as_ref()?))
        .or_else(|| live.as_ref().and_then(|_| policy.create_only_marks.on(&object)));
    let mut fields = Vec::new();
    let reconciled = policy.reconcile_as.filter(|_| target.group == "rbac.authorization.k8s.io");
    let mut how = reconciled.map_or_else(|| policy.create.clone(), |manager| How::Reconcile { manager });
    let mut before = live.as_ref().and_then(|live| policy.cleanup.patch(live, &object, &policy.manager));
    let action = match (skipped, observed) {
        (Some(mark), _) => Action::Skip(mark),
        (None, Observed::Unchanged) => Action::Keep,
        (None, Observed::Absent) => Action::Create,
        (None, Observed::Refused(refusal)) => Action::Refuse(refusal),
        (None, Observed::Live { live, merged: Err(refusal), .. }) => {
            let force = policy.force
                || policy.force_marks.on(&object).is_some()
                || policy.force_marks.on(&live).is_some();
            if refusal.immutable && force { Action::Recreate } else { Action::Refuse(refusal) }
        }
        (None, Observed::Live { live, merged: Ok(merged), how: patch }) => {
            fields = diff(&live.to_value(), &merged.to_value());
            // The role of a binding cannot be changed.
            if reconciled.is_some() && live.at("/roleRef") != merged.at("/roleRef") {
                return Change {
                    target,
                    action: Action::Recreate,
                    desired: Some(object),
                    how,
                    before: None,
                    fields,
                };
            }
            how = patch;
            if fields.is_empty() && before.is_none() { Action::Keep } else { Action::Configure }
        }
    };
    before = before.filter(|_| action == Action::Configure);
    let how = desired.how.unwrap_or(how);
    Change { target, action, desired: Some(object), how, before, fields }
}

fn deletion(stale: Stale, policy: &Policy) -> Change {
    let action = match &stale.live {
        None => Action::Delete("gone already".into()),
        Some(live) => {
            let foreign =
                policy.owner_labels.iter().find(|(key, value)| live.label(key) != Some(value.as_str()));
            match (foreign, policy.keep_marks.on(live)) {
                (Some((key, _)), _) => Action::Skip(format!("the label {key} names another owner")),
                (None, Some(mark)) => Action::Skip(mark),
                (None, None) => Action::Delete("not in desired".into()),
            }
        }
    };
    Change {
        target: stale.target,
        action,
        desired: None,
        how: How::ServerSide,
        before: None,
        fields: Vec::new(),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
