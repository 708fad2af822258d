//! How an object is named.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Group and kind: what an object is, whatever version of it is spoken. The core group is the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, as in `Deployment`.
    pub kind: String,
}

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Version, as in `v1beta2`.
    pub version: String,
    /// Kind, as in `Deployment`.
    pub kind: String,
}

impl GroupVersionKind {
    /// From an `apiVersion` (`v1`, `apps/v1`) and a kind.
    pub fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The same without the version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

/// Names one object of a cluster. Two references to the same object in different versions are not equal; compare
/// [`ObjectRef::id`] where the version does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// API group; empty for the core group.
    pub group: String,
    /// Version, as in `v1`.
    pub version: String,
    /// Kind, as in `Deployment`.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectRef {
    /// From its parts; the namespace is empty for cluster-scoped objects.
    pub fn new(gvk: GroupVersionKind, namespace: &str, name: &str) -> Self {
        Self {
            group: gvk.group,
            version: gvk.version,
            kind: gvk.kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }

    /// Group and kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }

    /// The object's identity without a version, in the form of Flux inventories:
    /// `<namespace>_<name>_<group>_<kind>`, a colon in the name doubled (`fluxcd/cli-utils pkg/object`).
    pub fn id(&self) -> String {
        format!("{}_{}_{}_{}", self.namespace, self.name.replace(':', "__"), self.group, self.kind)
    }

    /// Reads the form that [`ObjectRef::id`] writes, with the version that an inventory keeps beside it.
    pub fn parse_id(id: &str, version: &str) -> Option<Self> {
        let (namespace, rest) = id.split_once('_')?;
        let (rest, kind) = rest.rsplit_once('_')?;
        let (name, group) = rest.rsplit_once('_')?;
        Some(Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.replace("__", ":"),
        })
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        self.gvk().api_version()
    }
}

impl fmt::Display for ObjectRef {
    /// `Kind/namespace/name`, or `Kind/name` for a cluster-scoped object, as Flux and kubectl users read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inventory_ids_read_back() {
        for (namespace, name, group, kind) in [
            ("shop", "web", "apps", "Deployment"),
            ("", "system:node", "rbac.authorization.k8s.io", "ClusterRole"),
            ("shop", "web", "", "Service"),
        ] {
            let object = ObjectRef::new(
                GroupVersionKind { group: group.into(), version: "v1".into(), kind: kind.into() },
                namespace,
                name,
            );
            assert_eq!(ObjectRef::parse_id(&object.id(), "v1"), Some(object));
        }
    }
}
