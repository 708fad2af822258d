//! From what was installed to what shall be: creations, patches, deletions.

use gyre_merge::facts;
use gyre_merge::json_patch::Flavor;
use gyre_merge::{merge_patch, strategic_merge};
use gyre_model::Object;
use serde_json::Value;

/// Objects that stay where they are when a release lets go of them.
const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// From what was installed to what shall be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// What was installed, as the release before said it.
    pub original: Vec<Object>,
    /// What shall be.
    pub target: Vec<Object>,
    /// Are objects replaced instead of patched?
    pub force: bool,
    /// Do kinds without merge keys get a three-way merge too?
    pub three_way: bool,
}

/// What happens to an object that exists.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// It is replaced.
    Replace,
    /// A JSON merge patch.
    Merge(Value),
    /// A strategic merge patch.
    Strategic(Value),
}

/// Do two descriptions mean the same object? The version of the API does not count.
pub fn same_object(left: &Object, right: &Object) -> bool {
    left.name() == right.name()
        && left.namespace() == right.namespace()
        && left.gvk().group_kind() == right.gvk().group_kind()
}

/// Does an object say that it stays?
pub fn keeps(object: &Object) -> bool {
    object.annotation(RESOURCE_POLICY) == Some("keep")
}

impl Update {
    /// What happens to an object of the target that exists as `live`. The error is Helm's.
    pub fn change(&self, target: &Object, live: &Object) -> Result<Change, String> {
        let kind = target.kind();
        let Some(original) = self.original.iter().find(|one| same_object(one, target)) else {
            return Err(format!("no {kind} with the name {:?} found", target.name()));
        };
        if self.force {
            return Ok(Change::Replace);
        }
        let gvk = target.gvk();
        // compat(helm 3.21): kinds that client-go does not know are merged as custom resources are.
        let aggregated = matches!(&*gvk.group, "apiregistration.k8s.io");
        let ty = facts::kind(&gvk.group, &gvk.version, &gvk.kind).filter(|_| !aggregated);
        let (old, new, now) = (original.fields(), target.fields(), live.fields());
        let (patch, is_strategic) = match ty {
            Some(ty) => (
                strategic_merge::create_three_way(old, new, now, &ty, true)
                    .map_err(|why| format!("failed to create patch: {why}"))?,
                true,
            ),
            None if self.three_way => (merge_patch::create_three_way(old, new, now), false),
            None => (merge_patch::create(old, new, Flavor::V4), false),
        };
        Ok(match (patch.is_empty(), is_strategic) {
            (true, _) => Change::Keep,
            (false, true) => Change::Strategic(Value::Object(patch)),
            (false, false) => Change::Merge(Value::Object(patch)),
        })
    }

    /// What is no longer wanted.
    pub fn doomed(&self) -> impl Iterator<Item = &Object> {
        self.original.iter().filter(|old| !self.target.iter().any(|new| same_object(old, new)))
    }
}
