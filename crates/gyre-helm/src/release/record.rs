//! A release at one revision.

use std::collections::BTreeMap;

use gyre_go::time::{Time, parse};
use serde_json::{Map, Value, json};

use super::{Stamp, decode, encode, secret_name};
use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::manifest::Hook;
use crate::render::Version;
use crate::values::coalesce::coalesce_values;
use crate::values::{Values, with_floats};

/// The state of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "Helm's own words, spelled out by `word`")]
pub enum Status {
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl Status {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }
}

/// How times of a record are written.
const TIME: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// A time as Go reads it from JSON; `None` where it was never.
pub fn read_time(text: &str) -> Option<Time> {
    let time = parse(TIME, text).ok()?;
    (!time.is_zero()).then_some(time)
}

/// A time as Go writes it into JSON.
pub fn write_time(time: &Time) -> String {
    time.format(TIME)
}

/// A release at one revision: the fields of Helm's record, and the labels of the Secret that holds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    fields: Value,
    /// Labels: those of users, and of a stored release also Helm's own.
    pub labels: BTreeMap<String, String>,
}

/// What a new record says.
#[derive(Debug)]
pub struct NewRelease<'a> {
    /// The name of the release.
    pub name: &'a str,
    /// Where its record is kept.
    pub namespace: &'a str,
    /// Which revision.
    pub revision: i64,
    /// The chart, as its values and dependencies were processed.
    pub chart: &'a Chart,
    /// The values that were given.
    pub config: Option<&'a Values>,
    /// The manifests as one text.
    pub manifest: String,
    /// The hooks.
    pub hooks: &'a [Hook],
    /// The notes.
    pub notes: &'a str,
    /// The state, and what is said of it.
    pub status: (Status, &'a str),
    /// When the first revision was deployed; now where this is the first.
    pub first_deployed: Option<String>,
    /// The time.
    pub now: &'a Time,
}

impl Release {
    /// A new record.
    pub fn new(new: NewRelease<'_>) -> Self {
        let now = write_time(new.now);
        let mut info = json!({
            "first_deployed": new.first_deployed.unwrap_or_else(|| now.clone()),
            "last_deployed": now,
            "deleted": "",
            "description": new.status.1,
            "status": new.status.0.word(),
        });
        if !new.notes.is_empty() {
            info["notes"] = new.notes.into();
        }
        let mut fields = json!({
            "name": new.name,
            "namespace": new.namespace,
            "version": new.revision,
            "info": info,
            "chart": new.chart.to_record(),
        });
        if let Some(config) = new.config.filter(|config| !config.is_empty()) {
            fields["config"] = with_integers(Value::Object(config.clone()));
        }
        let values = fields["chart"]["values"].take();
        fields["chart"]["values"] = with_integers(values);
        if !new.manifest.is_empty() {
            fields["manifest"] = new.manifest.into();
        }
        if !new.hooks.is_empty() {
            fields["hooks"] = new.hooks.iter().map(hook_record).collect();
        }
        Self { fields, labels: BTreeMap::new() }
    }

    /// A text of the record; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.fields.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The name of the release.
    pub fn name(&self) -> &str {
        self.text("/name")
    }

    /// Where its record is kept.
    pub fn namespace(&self) -> &str {
        self.text("/namespace")
    }

    /// Which revision.
    pub fn revision(&self) -> i64 {
        self.fields.get("version").and_then(Value::as_i64).unwrap_or(0)
    }

    /// The state as it is written.
    pub fn status(&self) -> &str {
        self.text("/info/status")
    }

    /// Is it in this state?
    pub fn is(&self, status: Status) -> bool {
        self.status() == status.word()
    }

    /// Is somebody at work on it?
    pub fn is_pending(&self) -> bool {
        [Status::PendingInstall, Status::PendingUpgrade, Status::PendingRollback]
            .into_iter()
            .any(|status| self.is(status))
    }

    /// What was installed.
    pub fn manifest(&self) -> &str {
        self.text("/manifest")
    }

    /// A time of the record; `None` where it was never.
    pub fn time(&self, pointer: &str) -> Option<Time> {
        read_time(self.text(pointer))
    }

    /// `web-0.1.0`
    pub fn chart_version(&self) -> String {
        match self.fields.pointer("/chart/metadata") {
            Some(Value::Object(_)) => {
                format!("{}-{}", self.text("/chart/metadata/name"), self.text("/chart/metadata/version"))
            }
            _ => "MISSING".into(),
        }
    }

    /// The version of what the chart installs.
    pub fn app_version(&self) -> &str {
        match self.fields.pointer("/chart/metadata") {
            Some(Value::Object(_)) => self.text("/chart/metadata/appVersion"),
            _ => "MISSING",
        }
    }

    /// The values that were given.
    pub fn config(&self) -> Option<&Values> {
        self.fields.get("config").and_then(Value::as_object)
    }

    /// The values that were given, as Go has them once it has read them from JSON: all numbers are floats.
    pub fn config_read(&self) -> Values {
        match self.config().cloned().map(|config| with_floats(Value::Object(config))) {
            Some(Value::Object(config)) => config,
            _ => Values::new(),
        }
    }

    /// The values of the chart with those that were given. A record keeps no subcharts.
    pub fn computed_values(&self, given: &Values) -> Result<Values, HelmError> {
        let mut chart = Chart::default();
        chart.metadata.name = self.text("/chart/metadata/name").into();
        let values = self.fields.pointer("/chart/values").cloned().map(with_floats);
        if let Some(Value::Object(values)) = values {
            chart.values = values;
        }
        coalesce_values(&chart, given, Version::V3, &mut Vec::new())
    }

    /// The hooks.
    pub fn hooks(&self) -> &[Value] {
        self.fields.get("hooks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn hooks_mut(&mut self) -> Option<&mut Vec<Value>> {
        self.fields.get_mut("hooks").and_then(Value::as_array_mut)
    }

    /// Changes the state, and what is said of it.
    pub fn set_status(&mut self, status: Status, description: &str) {
        self.fields["info"]["status"] = status.word().into();
        self.fields["info"]["description"] = description.into();
    }

    /// Changes the state alone.
    pub fn set_state(&mut self, status: Status) {
        self.fields["info"]["status"] = status.word().into();
    }

    pub(crate) fn set_revision(&mut self, revision: i64) {
        self.fields["version"] = revision.into();
    }

    pub(crate) fn set_deleted(&mut self, at: &Time) {
        self.fields["info"]["deleted"] = write_time(at).into();
    }

    /// The same release at its next revision, as a rollback makes it of an older one.
    pub(crate) fn again(&self, last: &Self, now: &Time) -> Self {
        let mut next = self.clone();
        next.fields["version"] = (last.revision() + 1).into();
        next.fields["namespace"] = last.namespace().into();
        let description = format!("Rollback to {}", self.revision());
        let mut info = json!({
            "first_deployed": last.text("/info/first_deployed"),
            "last_deployed": write_time(now),
            "deleted": "",
            "description": description,
            "status": Status::PendingRollback.word(),
        });
        if !self.text("/info/notes").is_empty() {
            info["notes"] = self.text("/info/notes").into();
        }
        next.fields["info"] = info;
        next
    }

    /// The fields as they are stored.
    pub fn fields(&self) -> &Value {
        &self.fields
    }

    /// The record that a Secret holds.
    pub fn from_secret(secret: &Value) -> Result<Self, HelmError> {
        let data = secret.pointer("/data/release").and_then(Value::as_str);
        let data = data.ok_or_else(|| HelmError::new("the secret holds no release"))?;
        let inner = gyre_go::base64::STANDARD.decode(data.as_bytes());
        let fields = decode(&inner.map_err(|why| HelmError::new(why.to_string()))?)?;
        if !fields.is_object() {
            return err("the secret holds no release");
        }
        let labels = secret.pointer("/metadata/labels").and_then(Value::as_object);
        let label = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        Ok(Self { fields, labels: labels.into_iter().flatten().filter_map(label).collect() })
    }

    /// The Secret that holds the record.
    ///
    /// compat(helm 3.21): a stored release keeps the labels that it was stored with, `createdAt` too.
    pub fn secret(&self, stamp: Stamp) -> Result<Value, HelmError> {
        let mut labels: Map<String, Value> = Map::new();
        match stamp {
            Stamp::Created(at_s) => labels.insert("createdAt".into(), at_s.to_string().into()),
            Stamp::Modified(at_s) => labels.insert("modifiedAt".into(), at_s.to_string().into()),
        };
        labels.extend(self.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
        labels.insert("name".into(), self.name().into());
        labels.insert("owner".into(), "helm".into());
        labels.insert("status".into(), self.status().into());
        labels.insert("version".into(), self.revision().to_string().into());
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": super::SECRET_TYPE,
            "metadata": {
                "name": secret_name(self.name(), self.revision()),
                "namespace": self.namespace(),
                "labels": labels,
            },
            "data": { "release": gyre_go::base64::STANDARD.encode(encode(&self.fields)?.as_bytes()) },
        }))
    }
}

/// A hook as a record keeps it.
fn hook_record(hook: &Hook) -> Value {
    let mut fields = json!({
        "name": hook.manifest.name,
        "kind": hook.manifest.kind,
        "path": hook.manifest.path,
        "manifest": hook.manifest.content,
        "events": hook.events,
        "last_run": { "started_at": "", "completed_at": "", "phase": "" },
    });
    if hook.weight != 0 {
        fields["weight"] = hook.weight.into();
    }
    for (key, list) in
        [("delete_policies", &hook.delete_policies), ("output_log_policies", &hook.output_log_policies)]
    {
        if !list.is_empty() {
            fields[key] = list.clone().into();
        }
    }
    fields
}

/// Floats without a fraction as Go writes them into JSON: without a point.
fn with_integers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                (float as i64).into()
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(with_integers).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, with_integers(value))).collect(),
        other => other,
    }
}
