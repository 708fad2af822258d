//! What the cluster can do, as templates see it.

use std::sync::{Arc, LazyLock};

use crate::error::{HelmError, err};

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// `v1.36.0`
    pub version: String,
    /// `1`
    pub major: String,
    /// `36`
    pub minor: String,
}

/// What the cluster can do.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Its version.
    pub kube_version: KubeVersion,
    /// `apps/v1`, `apps/v1/Deployment`.
    pub api_versions: Arc<Vec<String>>,
    /// The version of Helm that we pass for.
    pub helm_version: String,
}

/// The version of Kubernetes that Helm 3.21 assumes where it has no cluster.
pub const DEFAULT_KUBE_VERSION: &str = "v1.36.0";
/// The version of Helm 3 that this is.
pub const HELM_3: &str = "v3.21.4";
/// The version of Helm 4 that this is.
pub const HELM_4: &str = "v4.2";

static DEFAULT_API_VERSIONS: LazyLock<Arc<Vec<String>>> =
    LazyLock::new(|| Arc::new(include_str!("default_api_versions.txt").lines().map(Into::into).collect()));

impl KubeVersion {
    /// `chartutil.ParseKubeVersion`: the numbers count, what follows them does not.
    pub fn parse(text: &str) -> Result<Self, HelmError> {
        let trimmed = text.trim_start();
        let digits = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let end =
            digits.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(digits.len());
        let numbers = digits[..end].trim_end_matches('.');
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
            return err(format!("could not parse {} as version", gyre_go::strconv::quote(text.as_bytes())));
        }
        if parts.iter().any(|part| part.len() > 1 && part.starts_with('0')) {
            let shown = gyre_go::strconv::quote(text.as_bytes());
            return err(format!("illegal zero-prefixed version component in {shown}"));
        }
        Ok(Self { version: format!("v{numbers}"), major: parts[0].into(), minor: parts[1].into() })
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            kube_version: KubeVersion {
                version: DEFAULT_KUBE_VERSION.into(),
                major: "1".into(),
                minor: "36".into(),
            },
            api_versions: DEFAULT_API_VERSIONS.clone(),
            helm_version: HELM_3.into(),
        }
    }
}

impl Capabilities {
    /// The same with more API versions.
    #[must_use]
    pub fn with_api_versions(mut self, more: &[String]) -> Self {
        if !more.is_empty() {
            Arc::make_mut(&mut self.api_versions).extend(more.iter().cloned());
        }
        self
    }
}
