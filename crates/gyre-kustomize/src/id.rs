//! How Kustomize names a resource.

use std::fmt;
use std::hash::BuildHasher;

use gyre_yaml::SmolStr;

use crate::scope;

/// Where cluster-scoped resources live.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";
const DEFAULT_NAMESPACE: &str = "default";

/// Group, version and kind; each may be empty in a selector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gvk {
    pub(crate) group: SmolStr,
    pub(crate) version: SmolStr,
    pub(crate) kind: SmolStr,
}

impl Gvk {
    pub(crate) fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    pub(crate) fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self::new(group, version, kind)
    }

    /// No group, version or kind: what picks any.
    pub(crate) const ANY: &Self = &Self {
        group: SmolStr::new_static(""),
        version: SmolStr::new_static(""),
        kind: SmolStr::new_static(""),
    };

    /// Is this picked by a selector whose empty parts match anything?
    pub(crate) fn is_selected(&self, selector: &Self) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        scope::is_cluster_scoped(&self.group, &self.version, &self.kind)
    }

    /// The text by which kinds without a place of their own are sorted.
    pub(crate) fn sort_text(&self) -> String {
        format!("{}_{}_{}", or(&self.group, "~G"), or(&self.version, "~V"), or(&self.kind, "~K"))
    }
}

/// The text, or what stands for an empty one.
pub(crate) fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, version) = (or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"));
        write!(f, "{kind}.{version}.{}", or(&self.group, "[noGrp]"))
    }
}

/// Names one resource of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ResId {
    pub(crate) gvk: Gvk,
    pub(crate) name: SmolStr,
    pub(crate) namespace: SmolStr,
    pub(crate) cluster_scoped: bool,
}

impl ResId {
    pub(crate) fn new(gvk: Gvk, name: &str, namespace: &str) -> Self {
        let cluster_scoped = gvk.is_cluster_scoped();
        Self { gvk, name: name.into(), namespace: namespace.into(), cluster_scoped }
    }

    /// The id that a selector names: any namespace may be meant, whatever the kind.
    pub(crate) fn selected(gvk: Gvk, name: &str, namespace: &str) -> Self {
        Self { gvk, name: name.into(), namespace: namespace.into(), cluster_scoped: false }
    }

    pub(crate) fn effective_namespace(&self) -> &str {
        if self.cluster_scoped { NO_NAMESPACE } else { or(&self.namespace, DEFAULT_NAMESPACE) }
    }

    pub(crate) fn same_namespace(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk && self.same_namespace(other)
    }

    pub(crate) fn same_name_and_kind(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gvk == *Gvk::ANY && self.name.is_empty() && self.namespace.is_empty()
    }

    /// What ids that are equal have in common, and others as good as never.
    pub(crate) fn hash(&self, by: &impl BuildHasher) -> u64 {
        by.hash_one((&self.gvk, self.effective_namespace(), &self.name))
    }

    /// As Go's `%#v` shows it.
    pub(crate) fn go_syntax(&self) -> String {
        let Gvk { group, version, kind } = &self.gvk;
        format!(
            "resid.ResId{{Gvk:resid.Gvk{{Group:{group:?}, Version:{version:?}, Kind:{kind:?}, isClusterScoped:{}}}, \
             Name:{:?}, Namespace:{:?}}}",
            self.cluster_scoped, self.name, self.namespace
        )
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.gvk, or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}
