//! The kinds that commands know, by the words that people call them by, and what a list says of their objects.

use anyhow::{Result, anyhow};
use gyre_cluster::{ApiError, Cluster};
use gyre_health::argo::is_ready;
use gyre_model::{GroupVersionKind, Object};
use serde_json::Value;

/// Of which peer a kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A source of Flux.
    Source,
    /// Something of Flux that delivers.
    Delivery,
    /// Argo CD.
    Argo,
}

/// A kind.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    api_version: &'static str,
    pub(crate) dialect: Dialect,
    /// How `flux` calls it in sentences.
    pub(crate) human: &'static str,
    /// Other names of it, in lower case.
    words: &'static [&'static str],
    /// Where its revision stands.
    revision: &'static str,
}

const SOURCE: &str = "source.toolkit.fluxcd.io/v1";
const ARTIFACT: &str = "/status/artifact/revision";

/// Every kind, in the order in which `flux get all` lists them.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "OCIRepository",
        api_version: SOURCE,
        dialect: Dialect::Source,
        human: "source oci",
        words: &["oci", "ocirepositories"],
        revision: ARTIFACT,
    },
    Kind {
        name: "Bucket",
        api_version: SOURCE,
        dialect: Dialect::Source,
        human: "source bucket",
        words: &["buckets"],
        revision: ARTIFACT,
    },
    Kind {
        name: "GitRepository",
        api_version: SOURCE,
        dialect: Dialect::Source,
        human: "source git",
        words: &["git", "gitrepo", "gitrepositories"],
        revision: ARTIFACT,
    },
    Kind {
        name: "HelmRepository",
        api_version: SOURCE,
        dialect: Dialect::Source,
        human: "source helm",
        words: &["helm", "helmrepo", "helmrepositories"],
        revision: ARTIFACT,
    },
    Kind {
        name: "HelmChart",
        api_version: SOURCE,
        dialect: Dialect::Source,
        human: "source chart",
        words: &["chart", "hc", "helmcharts"],
        revision: ARTIFACT,
    },
    Kind {
        name: "HelmRelease",
        api_version: "helm.toolkit.fluxcd.io/v2",
        dialect: Dialect::Delivery,
        human: "helmrelease",
        words: &["hr", "helmreleases"],
        revision: "/status/history/0/chartVersion",
    },
    Kind {
        name: "Kustomization",
        api_version: "kustomize.toolkit.fluxcd.io/v1",
        dialect: Dialect::Delivery,
        human: "kustomization",
        words: &["ks", "kustomizations"],
        revision: "/status/lastAppliedRevision",
    },
    Kind {
        name: "Application",
        api_version: "argoproj.io/v1alpha1",
        dialect: Dialect::Argo,
        human: "application",
        words: &["app", "apps", "applications"],
        revision: "/status/sync/revision",
    },
];

impl Kind {
    /// The kind as the API knows it.
    pub(crate) fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::parse(self.api_version, self.name)
    }

    /// Is this one of the words by which people call the kind?
    pub(crate) fn is_called(&self, word: &str) -> bool {
        self.name.eq_ignore_ascii_case(word)
            || self.words.iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    /// The kind's objects in one namespace or in all, by namespace and name; none where the cluster does not know it.
    pub(crate) async fn list(
        &self,
        cluster: &Cluster,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Object>, ApiError> {
        let mut objects = match cluster.list(&self.gvk(), namespace, selector).await {
            Err(ApiError::NoKind { .. }) => Vec::new(),
            listed => listed?,
        };
        let place = |object: &Object| (object.namespace().to_owned(), object.name().to_owned());
        objects.sort_by_key(place);
        Ok(objects)
    }

    /// What a list says of an object.
    pub(crate) fn summary(&self, object: &Object) -> Summary {
        let revision = match object.text(self.revision) {
            "" if self.name == "HelmRelease" => object.text("/status/lastAttemptedRevision"),
            revision => revision,
        };
        let (ready, message) = match self.dialect {
            Dialect::Argo => synced(object),
            _ => ready(object),
        };
        let is_suspended = match self.dialect {
            Dialect::Argo => is_manual(object),
            _ => object.at("/spec/suspend") == Some(&Value::Bool(true)),
        };
        Summary { revision: short(revision), is_suspended, ready, message: short(&message) }
    }

    /// Where the reconciled revision stands in the messages of `flux`: `fetched revision X`.
    pub(crate) fn success(&self, object: &Object) -> String {
        let verb = if self.dialect == Dialect::Source { "fetched" } else { "applied" };
        format!("{verb} revision {}", object.text(self.revision))
    }
}

/// The kind that a word names.
pub(crate) fn kind(word: &str) -> Result<&'static Kind> {
    KINDS.iter().find(|kind| kind.is_called(word)).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        anyhow!("no kind is called {word:?}: the kinds are {}", known.join(", "))
    })
}

/// What a list says of an object.
pub(crate) struct Summary {
    pub(crate) revision: String,
    pub(crate) is_suspended: bool,
    pub(crate) ready: String,
    pub(crate) message: String,
}

/// Flux's condition of a kind; `None` where it is not there.
pub(crate) fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    let conditions = object.at("/status/conditions").and_then(Value::as_array)?;
    conditions
        .iter()
        .find(|condition| condition["type"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(kind)))
}

fn ready(object: &Object) -> (String, String) {
    let Some(ready) = condition(object, "Ready") else {
        return ("False".into(), "waiting to be reconciled".into());
    };
    let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

/// An Application: ready when synced and healthy.
fn synced(object: &Object) -> (String, String) {
    let (sync, health) = (object.text("/status/sync/status"), object.text("/status/health/status"));
    let problem = object.text("/status/conditions/0/message");
    let operation = object.text("/status/operationState/message");
    let message = if problem.is_empty() { operation } else { problem };
    let states: Vec<&str> = [sync, health, message].into_iter().filter(|part| !part.is_empty()).collect();
    let waiting = "waiting to be reconciled".to_owned();
    (is_ready(object).into(), if states.is_empty() { waiting } else { states.join(", ") })
}

/// Nothing is synced unless somebody asks.
fn is_manual(object: &Object) -> bool {
    let automated = object.at("/spec/syncPolicy/automated");
    automated.is_none_or(|automated| automated["enabled"] == Value::Bool(false))
}

/// The text with its hashes, of 40 to 128 digits, cut to eight (`flux2 internal/utils/hex.go`).
pub(crate) fn short(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    while let Some(start) = rest.find(is_word) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let is_hash = (40..=128).contains(&word.len())
            && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        out.push_str(if is_hash { &word[..8] } else { word });
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_cut_and_nothing_else() {
        let hash = "5d360e59b278fa9706ce06d7796d38a3a9ab1ee5";
        assert_eq!(short(&format!("main@sha1:{hash}, ü {hash}x")), format!("main@sha1:5d360e59, ü {hash}x"));
        assert_eq!(short("abc 12"), "abc 12");
    }

    #[test]
    fn kinds_are_found_by_their_names() {
        assert_eq!(kind("ks").unwrap().name, "Kustomization");
        assert_eq!(kind("gitrepository").unwrap().name, "GitRepository");
        assert!(kind("x").unwrap_err().to_string().contains("Application"));
    }
}
