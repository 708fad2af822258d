//! What there is at this moment, for a terminal or a page to show.

use std::sync::Arc;

use gyre_api::flux::{Condition, GitRepositoryStatus, KustomizationStatus};
use gyre_health::argo::{Health, is_ready};
use gyre_health::kstatus::Status;
use gyre_model::{Object, ObjectRef};

use crate::argo::application;
use crate::context::Context;
use crate::flux::{git_repository, kustomization, part};
use crate::queue::Key;

/// Everything that is reconciled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Sources, by name.
    pub sources: Vec<Branch>,
    /// What delivers objects, by name.
    pub owners: Vec<Branch>,
}

/// One source or owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// `GitRepository/flux-system/demo`.
    pub name: String,
    /// Revision that it has, or has applied.
    pub revision: String,
    /// `True`, `False`, `Unknown`; empty before the first look.
    pub ready: String,
    /// What the Ready condition says.
    pub message: String,
    /// Its objects, with their health in a word.
    pub objects: Vec<(ObjectRef, String)>,
    /// What it changed last; empty where nothing.
    pub changed: String,
}

pub(crate) fn take(cx: &Context) -> Snapshot {
    let mut sources: Vec<Branch> =
        cx.git_repositories.shelf.all().into_iter().map(|(_, object)| source(&object)).collect();
    let mut owners: Vec<Branch> =
        cx.kustomizations.shelf.all().into_iter().map(|(key, object)| owner(cx, &key, &object)).collect();
    owners.extend(cx.applications.shelf.all().into_iter().map(|(_, object)| application(cx, &object)));
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    owners.sort_by(|left, right| left.name.cmp(&right.name));
    Snapshot { sources, owners }
}

fn branch(kind: &str, object: &Object, conditions: &[Condition]) -> Branch {
    let ready = conditions.iter().find(|condition| condition.kind == "Ready");
    Branch {
        name: format!("{kind}/{}/{}", object.namespace(), object.name()),
        ready: ready.map(|ready| ready.status.clone()).unwrap_or_default(),
        message: ready.map(|ready| ready.message.clone()).unwrap_or_default(),
        ..Branch::default()
    }
}

fn application(cx: &Context, object: &Arc<Object>) -> Branch {
    let sync = object.text("/status/sync/status");
    let health = object.text("/status/health/status");
    let objects = application::inventory(object)
        .into_iter()
        .map(|entry| {
            let health =
                cx.live.seen(&entry).map(|seen| seen.health.map_or(Health::Healthy, |found| found.health));
            let word = health.unwrap_or(Health::Missing);
            (entry, if word == Health::Healthy { Status::Current.to_string() } else { word.to_string() })
        })
        .collect();
    let problem = object.at("/status/conditions/0/message").and_then(|message| message.as_str());
    Branch {
        name: format!("{}/{}/{}", application::KIND, object.namespace(), object.name()),
        revision: match object.text("/status/sync/revision") {
            "" => String::new(),
            hash => format!("sha1:{hash}"),
        },
        ready: is_ready(object).into(),
        message: problem.map_or_else(|| format!("{sync} {health}"), Into::into),
        objects,
        changed: object.text("/status/operationState/message").to_owned(),
    }
}

fn source(object: &Arc<Object>) -> Branch {
    let status: GitRepositoryStatus = part(object, "status").unwrap_or_default();
    let revision = status.artifact.map(|artifact| artifact.revision).unwrap_or_default();
    Branch { revision, ..branch(git_repository::KIND, object, &status.conditions) }
}

fn owner(cx: &Context, key: &Key, object: &Arc<Object>) -> Branch {
    let status: KustomizationStatus = part(object, "status").unwrap_or_default();
    let objects = kustomization::inventory(&status)
        .into_iter()
        .map(|entry| {
            let seen = cx.live.seen(&entry).map_or(Status::NotFound, |seen| seen.status.status);
            (entry, seen.to_string())
        })
        .collect();
    Branch {
        revision: status.last_applied_revision.clone().unwrap_or_default(),
        objects,
        changed: cx.changes.last(key),
        ..branch(kustomization::KIND, object, &status.conditions)
    }
}
