//! How many replicas a workload has.

use gyre_yaml::Tag;

use super::Transform;
use crate::error::{Result, fail};
use crate::fieldspec::{Create, FieldSpec, entry};
use crate::node::Kind;
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::types::Replica;

/// Sets the replicas of what has, or had, a name.
pub(crate) struct Replicas {
    replica: Replica,
    specs: Vec<FieldSpec>,
}

impl Replicas {
    pub(crate) fn new(replica: &Replica, specs: Vec<FieldSpec>) -> Self {
        Self { replica: replica.clone(), specs }
    }
}

impl Transform for Replicas {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        let Replica { name, count } = &self.replica;
        let create = Create { kind: Kind::Scalar, tag: Tag::Int };
        let count = count.to_string();
        let named = resources.by_any_name(name);
        let mut found = false;
        for spec in &self.specs {
            for &at in &named {
                let resource = &mut resources.contents_mut()[at];
                let gvk = resource.gvk();
                let current = resource.name() == name && gvk.is_selected(&spec.gvk);
                let before =
                    || resource.previous_ids().any(|id| id.name == *name && id.gvk.is_selected(&spec.gvk));
                if current || before() {
                    found = true;
                    spec.visit(&mut resource.node, Some(&create), &mut entry("", &count, &Tag::Int))?;
                }
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<String> = self.specs.iter().map(|spec| spec.gvk.to_string()).collect();
        fail(format!(
            "resource with name {name} does not match a config with the following GVK [{}]",
            kinds.join(" ")
        ))
    }
}
