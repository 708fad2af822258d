//! The status and events of an Application, put together while it is looked at and written once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gyre_api::argo::{ApplicationSpec, NAMESPACE, REFRESH};
use gyre_health::argo::Health;
use gyre_model::Object;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::compare::{Comparison, Standing};
use super::heeded;
use super::operation::{self, Operation, Synced};
use crate::clock::rfc3339;
use crate::outcome::{Conclusion, Note};

/// Lines of the history that are kept where the spec does not say.
const HISTORY_MAX: usize = 10;

/// An Application's status under way.
pub(super) struct Report {
    object: Arc<Object>,
    old: Map<String, Value>,
    status: Map<String, Value>,
    conditions: Vec<(String, String)>,
    notes: Vec<Note>,
    now: Timestamp,
    again: Option<Duration>,
    is_invalid: bool,
    /// Changes of the spec, as a merge patch.
    spec: Option<Value>,
}

impl Report {
    /// Goes on from the status that the object has.
    pub(super) fn new(object: &Arc<Object>, now: Timestamp) -> Self {
        let old = object.at("/status").and_then(Value::as_object).cloned().unwrap_or_default();
        Self {
            object: Arc::clone(object),
            status: old.clone(),
            old,
            conditions: Vec::new(),
            notes: Vec::new(),
            now,
            again: None,
            is_invalid: false,
            spec: None,
        }
    }

    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Looks again sooner than usual.
    pub(super) fn look_again(&mut self, after: Duration) {
        self.again = Some(self.again.map_or(after, |again| again.min(after)));
    }

    /// Tells an event.
    pub(super) fn note(&mut self, warning: bool, reason: &str, message: &str) {
        let (reason, message) = (reason.into(), message.into());
        self.notes.push(Note { warning, reason, message, annotations: BTreeMap::new() });
    }

    /// Sets a condition.
    pub(super) fn condition(&mut self, kind: &str, message: &str) {
        self.conditions.retain(|(found, old)| found != kind || old != message);
        self.conditions.push((kind.into(), message.into()));
    }

    fn set(&mut self, field: &str, value: Value) {
        self.status.insert(field.into(), value);
    }

    fn health(&mut self, health: Health) {
        let before =
            self.status.get("health").and_then(|health| health.get("status")).and_then(Value::as_str);
        let word = health.to_string();
        if before != Some(word.as_str()) {
            if let Some(before) = before {
                let message = format!("Updated health status: {before} -> {word}");
                self.note(false, "ResourceUpdated", &message);
            }
            self.set("health", json!({"status": word, "lastTransitionTime": rfc3339(self.now)}));
        }
    }

    fn sync(&mut self, spec: &ApplicationSpec, status: &str, revisions: &[String]) {
        let before = self.status.get("sync").and_then(|sync| sync.get("status")).and_then(Value::as_str);
        if let Some(before) = before.filter(|before| *before != status) {
            let message = format!("Updated sync status: {before} -> {status}");
            self.note(false, "ResourceUpdated", &message);
        }
        let mut compared = Map::new();
        compared
            .insert("destination".into(), self.object.at("/spec/destination").cloned().unwrap_or_default());
        if let Some(rules) = self.object.at("/spec/ignoreDifferences") {
            compared.insert("ignoreDifferences".into(), rules.clone());
        }
        let mut sync = Map::new();
        if spec.sources.is_empty() {
            compared.insert("source".into(), self.object.at("/spec/source").cloned().unwrap_or_default());
            let revision = revisions.concat();
            if !revision.is_empty() {
                sync.insert("revision".into(), revision.into());
            }
        } else {
            compared.insert("source".into(), json!({"repoURL": ""}));
            compared.insert("sources".into(), self.object.at("/spec/sources").cloned().unwrap_or_default());
            sync.insert("revisions".into(), revisions.into());
        }
        sync.insert("status".into(), status.into());
        sync.insert("comparedTo".into(), Value::Object(compared));
        self.set("sync", Value::Object(sync));
        self.set("controllerNamespace", NAMESPACE.into());
        self.set("resourceHealthSource", "appTree".into());
    }

    /// The spec is not one that can be followed.
    pub(super) fn invalid(&mut self, why: &str) {
        self.condition("InvalidSpecError", why);
        self.is_invalid = true;
        let mut sync = self.status.get("sync").and_then(Value::as_object).cloned().unwrap_or_default();
        sync.insert("status".into(), "Unknown".into());
        self.set("sync", Value::Object(sync));
        self.health(Health::Unknown);
    }

    /// Changes the spec as well, by a merge patch.
    pub(super) fn spec(&mut self, changes: Option<Value>) {
        self.spec = changes;
    }

    /// The sources cannot be compared.
    pub(super) fn unknown(&mut self, spec: &ApplicationSpec, why: &str) {
        self.condition("ComparisonError", why);
        let asked =
            spec.source.as_ref().and_then(|source| source.target_revision.clone()).unwrap_or_default();
        self.sync(spec, "Unknown", &[asked]);
        if self.status.get("health").and_then(|health| health.get("status")).is_none() {
            self.health(Health::Healthy);
        }
    }

    /// The sources have been compared.
    pub(super) fn compared(&mut self, spec: &ApplicationSpec, comparison: &Comparison) {
        let warnings = [
            ("RepeatedResourceWarning", &comparison.repeated),
            ("SharedResourceWarning", &comparison.shared),
            ("HookWarning", &comparison.hooks),
        ];
        for (warning, messages) in warnings {
            self.conditions.retain(|(kind, _)| kind != warning);
            for message in messages {
                self.condition(warning, message);
            }
        }
        let status = if comparison.is_synced() { "Synced" } else { "OutOfSync" };
        self.sync(spec, status, &comparison.revisions);
        self.health(comparison.health);
        let resources: Vec<Value> = comparison
            .resources
            .iter()
            .map(|resource| {
                let object = &resource.object;
                let mut item = json!({
                    "version": object.version,
                    "kind": object.kind,
                });
                if resource.sync != Standing::Unsaid {
                    item["status"] = format!("{:?}", resource.sync).into();
                }
                let texts =
                    [("group", &object.group), ("namespace", &object.namespace), ("name", &object.name)];
                for (field, text) in texts {
                    if !text.is_empty() {
                        item[field] = text.clone().into();
                    }
                }
                if resource.prune {
                    item["requiresPruning"] = true.into();
                }
                if resource.wave != 0 {
                    item["syncWave"] = resource.wave.into();
                }
                item
            })
            .collect();
        if resources.is_empty() {
            self.status.remove("resources");
        } else {
            self.set("resources", resources.into());
        }
        if spec.sources.is_empty() {
            self.set("sourceType", comparison.types.concat().into());
        } else {
            self.set("sourceTypes", comparison.types.clone().into());
        }
        if comparison.summary.as_object().is_some_and(|summary| !summary.is_empty())
            || self.status.contains_key("summary")
        {
            self.set("summary", comparison.summary.clone());
        }
    }

    /// A sync has been carried out.
    pub(super) fn synced(&mut self, operation: &Operation, synced: &Synced) {
        // Who waits for a sync waits for a look that is not older than its end.
        self.now = self.now.max(synced.finished);
        let spec: ApplicationSpec = crate::flux::part(&self.object, "spec").unwrap_or_default();
        let state = operation::state(operation, synced, &spec);
        let revision = if spec.sources.is_empty() { synced.revisions.concat() } else { String::new() };
        if synced.phase == "Succeeded" {
            self.note(false, "OperationCompleted", &format!("Sync operation to {revision} succeeded"));
            self.history(operation, synced, &spec);
        } else {
            let message = format!("Sync operation to {revision} failed: {}", synced.message);
            self.note(true, "OperationCompleted", &message);
            self.look_again(Duration::from_secs(5));
        }
        self.set("operationState", state);
        // Argo CD writes the whole Application when it begins a sync by itself, with the parts that are always there.
        if operation.is_automated() {
            self.set("sourceHydrator", json!({}));
            self.status.entry("summary").or_insert_with(|| json!({}));
        }
    }

    fn history(&mut self, operation: &Operation, synced: &Synced, spec: &ApplicationSpec) {
        let partial = operation.recorded.pointer("/sync/resources").is_some();
        let dry = operation.recorded.pointer("/sync/dryRun") == Some(&Value::Bool(true));
        // What touches only some objects is no deployment to go back to.
        if partial || dry {
            return;
        }
        let mut history = match self.status.remove("history") {
            Some(Value::Array(history)) => history,
            _ => Vec::new(),
        };
        let next =
            history.iter().filter_map(|entry| entry.get("id")?.as_i64()).max().map_or(0, |last| last + 1);
        let mut entry = json!({
            "id": next,
            "deployStartedAt": rfc3339(synced.started),
            "deployedAt": rfc3339(synced.finished),
        });
        if let Some(by) = operation.recorded.get("initiatedBy") {
            entry["initiatedBy"] = by.clone();
        }
        if spec.sources.is_empty() {
            entry["revision"] = synced.revisions.concat().into();
            entry["source"] = operation
                .recorded
                .pointer("/sync/source")
                .or(self.object.at("/spec/source"))
                .cloned()
                .unwrap_or_default();
        } else {
            entry["revisions"] = synced.revisions.clone().into();
            entry["sources"] = self.object.at("/spec/sources").cloned().unwrap_or_default();
            entry["source"] = json!({"repoURL": ""});
        }
        history.push(entry);
        let limit =
            spec.revision_history_limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(HISTORY_MAX);
        let excess = history.len().saturating_sub(limit.max(1));
        history.drain(..excess);
        self.set("history", history.into());
    }

    /// The conclusion; looks again after `again` at the latest.
    pub(super) fn conclude(mut self, again: Option<Duration>) -> Conclusion {
        let old = self.old.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        let conditions: Vec<Value> = std::mem::take(&mut self.conditions)
            .into_iter()
            .map(|(kind, message)| {
                let same = |found: &&Value| {
                    found.get("type").and_then(Value::as_str) == Some(&kind)
                        && found.get("message").and_then(Value::as_str) == Some(&message)
                };
                let time = old.iter().find(same).and_then(|found| found.get("lastTransitionTime")).cloned();
                let time = time.unwrap_or_else(|| rfc3339(self.now).into());
                json!({"type": kind, "message": message, "lastTransitionTime": time})
            })
            .collect();
        if conditions.is_empty() {
            self.status.remove("conditions");
        } else {
            self.set("conditions", conditions.into());
        }
        // The time moves with anything else, or when somebody has asked; never alone.
        let moved = self.status != self.old && !self.is_invalid;
        if moved || self.object.annotation(REFRESH).is_some() {
            self.set("reconciledAt", rfc3339(self.now).into());
        }
        let again = match (self.again, again) {
            (Some(sooner), Some(later)) => Some(sooner.min(later)),
            (sooner, later) => sooner.or(later),
        };
        let mut object = heeded(&self.object);
        if let Some(spec) = self.spec {
            object.get_or_insert_with(|| json!({}))["spec"] = spec;
        }
        Conclusion { status: Some(Value::Object(self.status)), object, notes: self.notes, again }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_not_older_than_the_sync_that_it_ends_with() {
        let app = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "argocd"},
            "spec": {"source": {"repoURL": "https://example.com"}}, "operation": {"sync": {}},
        });
        let object = Arc::new(Object::new(app).unwrap());
        let now = Timestamp::from_second(1_000_000).unwrap();
        let finished = Timestamp::from_second(1_000_002).unwrap();
        let mut report = Report::new(&object, now);
        let operation = Operation::asked(&object).unwrap();
        let synced = Synced { phase: "Succeeded", finished, ..Synced::failed(String::new(), now) };
        report.synced(&operation, &synced);
        let status = report.conclude(None).status.unwrap();
        assert_eq!(status["operationState"]["finishedAt"], "1970-01-12T13:46:42Z");
        assert_eq!(status["reconciledAt"], status["operationState"]["finishedAt"]);
    }
}
