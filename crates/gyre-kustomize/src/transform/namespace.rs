//! The namespace of resources.

use std::collections::HashMap;
use std::hash::RandomState;

use gyre_yaml::{Node, Tag};

use super::Transform;
use crate::error::{Error, ErrorKind, Result, fail};
use crate::fieldspec::{Create, FieldSpec, entry};
use crate::id::Gvk;
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;

const METADATA_NAMESPACE: &str = "metadata/namespace";

/// Which subjects of role bindings get the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    #[default]
    NamedDefault,
    ServiceAccounts,
    None,
}

/// Sets the namespace.
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) specs: Vec<FieldSpec>,
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

fn is_role_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}

impl Namespace {
    pub(crate) fn new(namespace: &str, specs: Vec<FieldSpec>) -> Self {
        Self { name: namespace.into(), specs, unset_only: false, subjects: Subjects::default() }
    }

    fn set(&self, node: &mut Node) -> Result<()> {
        if self.unset_only && node::kind(node) == Kind::Scalar && !node::text(node).is_empty() {
            return Ok(());
        }
        entry("", &self.name, &Tag::Str)(node)
    }

    /// Sets the namespace of one resource.
    pub(crate) fn run(&self, resource: &mut Node) -> Result<()> {
        let text = |name: &str| resource.get(name).map_or("", node::raw_text).to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let mut set = |node: &mut Node| self.set(node);
        if !Gvk::parse(&api_version, &kind).is_cluster_scoped() {
            let create = Create { kind: Kind::Scalar, tag: Tag::None };
            FieldSpec::new(METADATA_NAMESPACE, true).visit(resource, Some(&create), &mut set)?;
        }
        let binding = is_role_binding(&kind);
        if binding {
            self.set_subjects(resource)?;
        }
        let create = Create { kind: Kind::Scalar, tag: Tag::Str };
        for spec in &self.specs {
            let unneeded = spec.path == METADATA_NAMESPACE
                || (api_version != "v1" && spec.path == "metadata/name")
                || (binding && is_role_binding(&spec.gvk.kind) && spec.path == "subjects/namespace");
            if unneeded {
                continue;
            }
            spec.visit(resource, Some(&create), &mut set).map_err(|error: Error| {
                if error.kind == ErrorKind::NotAScalar {
                    error.within("namespace field specs must target scalar nodes")
                } else {
                    error.within("namespace transformation failed")
                }
            })?;
        }
        Ok(())
    }

    fn set_subjects(&self, resource: &mut Node) -> Result<()> {
        let (field, wanted) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::NamedDefault => ("name", "default"),
            Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = resource.get_mut("subjects").filter(|subjects| !node::is_null(subjects)) else {
            return Ok(());
        };
        let prefix = "setting namespace on (cluster)role binding subjects";
        node::demand(subjects, Kind::Sequence).map_err(|error| error.within(prefix))?;
        let gyre_yaml::NodeValue::Sequence(items) = &mut subjects.value else { return Ok(()) };
        for item in items {
            if item.get(field).is_none_or(|value| node::raw_text(value) != wanted) {
                continue;
            }
            let Some(place) = node::field_or_create(item, "namespace", Kind::Scalar) else { continue };
            if node::is_null(place) {
                *place = node::empty(Kind::Scalar);
            }
            self.set(place).map_err(|error| error.within(prefix))?;
        }
        Ok(())
    }
}

impl Transform for Namespace {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        if self.name.is_empty() {
            return Ok(());
        }
        let hasher = RandomState::new();
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for resource in resources.list() {
            *counts.entry(resource.id().hash(&hasher)).or_default() += 1;
        }
        let list = resources.list_mut();
        for at in 0..list.len() {
            let resource = &mut list[at];
            if node::is_nil_or_empty(&resource.node) || resource.is_generated_by_helm() {
                continue;
            }
            if let Some(count) = counts.get_mut(&resource.id().hash(&hasher)) {
                *count -= 1;
            }
            resource.remember_id();
            self.run(&mut resource.node)?;
            let id = resource.id();
            let count = counts.entry(id.hash(&hasher)).or_default();
            *count += 1;
            if *count != 1 {
                let same: Vec<&Resource> = list.iter().filter(|other| other.id().equals(&id)).collect();
                if same.len() > 1 {
                    let shown: Vec<String> = same.into_iter().map(Resource::shown_json).collect();
                    let shown = shown.join(" ");
                    return fail(format!("namespace transformation produces ID conflict: [{shown}]"));
                }
            }
        }
        Ok(())
    }
}
