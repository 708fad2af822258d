//! Labels and annotations: entries that are put into mappings.

use gyre_yaml::Tag;

use super::Transform;
use crate::error::Result;
use crate::fieldspec::{Create, FieldSpec, entry};
use crate::node::{Kind, Texts};
use crate::resmap::ResMap;
use crate::schema::Schema;

/// Entries that are put into every mapping that a spec leads to.
pub(crate) struct Entries {
    entries: Texts,
    specs: Vec<FieldSpec>,
}

impl Entries {
    pub(crate) fn new(entries: &Texts, specs: Vec<FieldSpec>) -> Self {
        Self { entries: entries.clone(), specs }
    }

    /// One label of every resource.
    pub(crate) fn label(key: &str, value: &str) -> Self {
        let entries = [(key.to_owned(), value.to_owned())].into();
        Self { entries, specs: vec![FieldSpec::new("metadata/labels", true)] }
    }
}

impl Transform for Entries {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let create = Create { kind: Kind::Mapping, tag: Tag::Map };
        for resource in resources.contents_mut() {
            for (key, value) in &self.entries {
                for spec in &self.specs {
                    spec.visit(&mut resource.node, Some(&create), &mut entry(key, value, &Tag::Str))?;
                }
            }
        }
        resources.drop_empties();
        Ok(())
    }
}
