//! Cuts rendered files into manifests, tells hooks apart, and sorts by kind.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use gyre_go::regexp::Regexp;
use gyre_go::strconv::atoi;
use gyre_yaml::yaml_to_json;
use serde_json::Value;

use crate::error::{HelmError, err};
use crate::render::Version;

/// A rendered manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The template that it came from: `chart/templates/x.yaml`.
    pub path: String,
    /// Its text.
    pub content: String,
    /// `v1`
    pub api_version: String,
    /// `Service`
    pub kind: String,
    /// The name in its metadata.
    pub name: String,
}

/// A manifest that is applied at a moment of a release's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The manifest.
    pub manifest: Manifest,
    /// `pre-install`, `test`, ...
    pub events: Vec<String>,
    /// Lower ones come first.
    pub weight: i64,
    /// `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    pub delete_policies: Vec<String>,
    /// When its log is shown.
    pub output_log_policies: Vec<String>,
}

/// The order in which kinds are installed.
const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// The order in which kinds are uninstalled.
const UNINSTALL_ORDER: &[&str] = &[
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// What Helm 4 installs after those.
const INSTALL_ORDER_4: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

static SEPARATOR_4: LazyLock<Option<Regexp>> = LazyLock::new(|| Regexp::parse(r"(?m)^---[ \t]*").ok());

/// The documents of a text, without what parts them.
pub fn split(text: &str, version: Version) -> Vec<String> {
    let space = gyre_go::utf8::is_space;
    let trim = |text: &str| -> String {
        match version {
            Version::V3 => text.trim_matches(space).into(),
            Version::V4 => text.trim_start_matches(space).into(),
        }
    };
    let text = trim(text);
    let pieces: Vec<&str> = match (version, &*SEPARATOR_4) {
        (Version::V3, _) => separated(&text),
        (Version::V4, Some(separator)) => separator
            .split(text.as_bytes(), -1)
            .into_iter()
            .map(|piece| std::str::from_utf8(piece).unwrap_or_default())
            .collect(),
        (Version::V4, None) => vec![&text],
    };
    let texts = pieces.into_iter().map(ToOwned::to_owned);
    let is_blank = |piece: &String| match version {
        Version::V3 => piece.is_empty(),
        Version::V4 => piece.trim_matches(space).is_empty(),
    };
    texts.filter(|piece| !is_blank(piece)).map(|piece| trim(&piece)).collect()
}

/// The pieces between what Helm's expression `(?:^|\s*\n)---\s*` finds, without the time that it takes to compile it.
fn separated(text: &str) -> Vec<&str> {
    let space = |letter: char| matches!(letter, ' ' | '\t' | '\n' | '\x0c' | '\r');
    let mut pieces = Vec::new();
    let mut rest = match text.strip_prefix("---") {
        Some(after) => {
            pieces.push("");
            after.trim_start_matches(space)
        }
        None => text,
    };
    while let Some(at) = rest.find("\n---") {
        pieces.push(rest[..at].trim_end_matches(space));
        rest = rest[at + 4..].trim_start_matches(space);
    }
    pieces.push(rest);
    pieces
}

/// What Helm reads of a manifest.
#[derive(Default)]
struct Head {
    api_version: String,
    kind: String,
    name: String,
    annotations: BTreeMap<String, String>,
}

fn mismatch<T>(kind: &Value, field: &str, want: &str) -> Result<T, HelmError> {
    let kind = match kind {
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        _ => "object",
    };
    let place =
        if field.is_empty() { "Go value".to_owned() } else { format!("Go struct field SimpleHead.{field}") };
    err(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into {place} of type {want}"
    ))
}

impl Head {
    fn read(text: &str) -> Result<Self, HelmError> {
        let value = yaml_to_json(text.as_bytes())
            .map_err(|why| HelmError::new(format!("error converting YAML to JSON: {why}")))?;
        let mut head = Self::default();
        let entries = match &value {
            Value::Null => return Ok(head),
            Value::Object(entries) => entries,
            other => return mismatch(other, "", "releaseutil.SimpleHead"),
        };
        // Go finds fields whatever the case of their letters.
        for (key, value) in entries {
            if key.eq_ignore_ascii_case("apiVersion") {
                text_field(value, "apiVersion", &mut head.api_version)?;
            } else if key.eq_ignore_ascii_case("kind") {
                text_field(value, "kind", &mut head.kind)?;
            } else if key.eq_ignore_ascii_case("metadata") {
                head.metadata(value)?;
            }
        }
        Ok(head)
    }

    fn metadata(&mut self, value: &Value) -> Result<(), HelmError> {
        let entries = match value {
            Value::Null => return Ok(()),
            Value::Object(entries) => entries,
            other => {
                return mismatch(
                    other,
                    "metadata",
                    "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
                );
            }
        };
        for (key, value) in entries {
            if key.eq_ignore_ascii_case("name") {
                text_field(value, "metadata.name", &mut self.name)?;
            } else if key.eq_ignore_ascii_case("annotations") {
                match value {
                    Value::Null => {}
                    Value::Object(entries) => {
                        for (key, value) in entries {
                            let mut text = String::new();
                            text_field(value, "metadata.annotations", &mut text)?;
                            self.annotations.insert(key.clone(), text);
                        }
                    }
                    other => return mismatch(other, "metadata.annotations", "map[string]string"),
                }
            }
        }
        Ok(())
    }

    fn list(&self, annotation: &str) -> Vec<String> {
        let text = self.annotations.get(annotation);
        text.map_or_else(Vec::new, |text| text.split(',').map(|one| one.trim().to_lowercase()).collect())
    }
}

fn text_field(value: &Value, field: &str, into: &mut String) -> Result<(), HelmError> {
    match crate::chart::scalar_text(value) {
        Some(text) => {
            *into = text;
            Ok(())
        }
        None => mismatch(value, field, "string"),
    }
}

/// `releaseutil.SortManifests`: hooks and manifests, each in the order of kinds.
pub fn sort(
    files: &BTreeMap<String, String>,
    version: Version,
) -> Result<(Vec<Hook>, Vec<Manifest>), HelmError> {
    let (mut hooks, mut manifests) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let is_partial = path.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
        if is_partial || content.trim().is_empty() {
            continue;
        }
        for content in split(content, version) {
            let head =
                Head::read(&content).map_err(|why| why.within(&format!("YAML parse error on {path}")))?;
            let hook_events = head.annotations.get("helm.sh/hook").cloned();
            let (delete_policies, output_log_policies) =
                (head.list("helm.sh/hook-delete-policy"), head.list("helm.sh/hook-output-log-policy"));
            let weight =
                head.annotations.get("helm.sh/hook-weight").and_then(|text| atoi(text).ok()).unwrap_or(0);
            let manifest = Manifest {
                path: path.clone(),
                content,
                api_version: head.api_version,
                kind: head.kind,
                name: head.name,
            };
            let Some(events) = hook_events else {
                manifests.push(manifest);
                continue;
            };
            let events: Option<Vec<String>> = events.split(',').map(event).collect();
            // A hook of an unknown moment is left out.
            if let Some(events) = events {
                hooks.push(Hook { manifest, events, weight, delete_policies, output_log_policies });
            }
        }
    }
    hooks.sort_by(|left, right| by_kind(&left.manifest.kind, &right.manifest.kind, version));
    manifests.sort_by(|left, right| by_kind(&left.kind, &right.kind, version));
    Ok((hooks, manifests))
}

fn event(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    if text == "test-success" {
        return Some("test".into());
    }
    EVENTS.contains(&text.as_str()).then_some(text)
}

/// The order of two kinds at an installation; unknown ones come last, by name.
pub fn by_kind(left: &str, right: &str, version: Version) -> Ordering {
    let later = if version == Version::V4 { INSTALL_ORDER_4 } else { &[] };
    by_place(left, right, |kind| INSTALL_ORDER.iter().chain(later).position(|known| *known == kind))
}

/// The order of two kinds at an uninstallation; unknown ones come last, by name.
pub fn by_kind_reversed(left: &str, right: &str) -> Ordering {
    by_place(left, right, |kind| UNINSTALL_ORDER.iter().position(|known| *known == kind))
}

fn by_place(left: &str, right: &str, place: impl Fn(&str) -> Option<usize>) -> Ordering {
    match (place(left), place(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}
