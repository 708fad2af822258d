//! A Plan and its parts.

use std::sync::Arc;

use gyre_model::{Object, ObjectRef};
use serde_json::Value;

use crate::{FieldChange, Refusal};

/// Everything that has to happen to bring one owner's objects to what is desired, in order. A value: printable, and
/// carried out as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whose plan this is.
    pub title: Title,
    /// Carried out one after the other; a later one begins when the objects of the earlier are ready.
    pub phases: Vec<Phase>,
    /// What is deleted in the end, in order.
    pub prune: Vec<Change>,
}

/// Whose plan it is, and of which revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// The owner: a Kustomization, an Application.
    pub owner: ObjectRef,
    /// Revision of the source.
    pub revision: String,
}

/// Changes that may be made in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// As shown: `wave 0`.
    pub name: String,
    /// The changes, in the order in which they are shown and made.
    pub changes: Vec<Change>,
    /// Does the next phase wait until these objects are ready?
    pub wait: bool,
}

/// What happens to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The object.
    pub target: ObjectRef,
    /// What happens.
    pub action: Action,
    /// What is sent; `None` for a deletion.
    pub desired: Option<Arc<Object>>,
    /// How it is written.
    pub how: How,
    /// A JSON patch that is sent before, so that what other tools wrote can be undone.
    pub before: Option<Value>,
    /// Which fields change, and how; empty for a creation or a deletion.
    pub fields: Vec<FieldChange>,
}

/// What happens to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It does not exist yet.
    Create,
    /// It exists and differs.
    Configure,
    /// It exists and cannot be changed in place: it is deleted, then created.
    Recreate,
    /// It is deleted, because of the reason given.
    Delete(String),
    /// It is as desired.
    Keep,
    /// It is left alone, because of the reason given.
    Skip(String),
    /// The server refuses it.
    Refuse(Refusal),
}

/// How an object is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum How {
    /// By server-side apply, which takes fields away from other managers.
    #[default]
    ServerSide,
    /// As a new object that carries itself in an annotation, as client-side apply makes it.
    Create,
    /// As a new object under another field manager, and then with the annotation of client-side apply: what `kubectl auth
    /// reconcile` and `kubectl apply` come to together.
    Reconcile {
        /// That field manager.
        manager: &'static str,
    },
    /// As a whole, in place of what is there, as `kubectl replace` does it.
    Replace {
        /// What is there is deleted first.
        force: bool,
        /// The field manager that it is written as.
        manager: &'static str,
    },
    /// By a patch of the live object.
    Patch {
        /// A strategic merge patch; a plain merge patch otherwise.
        strategic: bool,
        /// The patch.
        body: Value,
    },
}

impl Plan {
    /// Every change, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.phases.iter().flat_map(|phase| &phase.changes).chain(&self.prune)
    }

    /// How many objects are written.
    pub fn change_count(&self) -> usize {
        self.changes().filter(|change| change.action.writes()).count()
    }

    /// What the server has already refused while planning.
    pub fn refusals(&self) -> impl Iterator<Item = (&ObjectRef, &Refusal)> {
        self.changes().filter_map(|change| match &change.action {
            Action::Refuse(refusal) => Some((&change.target, refusal)),
            _ => None,
        })
    }
}

impl Action {
    /// Is something written to the cluster?
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create | Self::Configure | Self::Recreate | Self::Delete(_))
    }
}
