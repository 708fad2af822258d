//! Prefixes and suffixes of names.

use gyre_yaml::{Node, SmolStr, Tag, format_smolstr};

use super::Transform;
use crate::error::Result;
use crate::fieldspec::{Create, FieldSpec};
use crate::id::Gvk;
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::schema::Schema;

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

/// Puts a text before or behind names.
pub(crate) struct Affix {
    end: End,
    text: SmolStr,
    specs: Vec<FieldSpec>,
}

impl Affix {
    pub(crate) fn prefix(text: &str, specs: Vec<FieldSpec>) -> Self {
        Self { end: End::Front, text: text.into(), specs }
    }

    pub(crate) fn suffix(text: &str, specs: Vec<FieldSpec>) -> Self {
        Self { end: End::Back, text: text.into(), specs }
    }
}

/// Kinds whose names stand for something outside.
fn is_skipped(gvk: &Gvk) -> bool {
    matches!(gvk.kind.as_str(), "CustomResourceDefinition" | "Namespace")
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

impl Transform for Affix {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        let create = Create { kind: Kind::Scalar, tag: Tag::Str };
        for resource in resources.list_mut() {
            let original = resource.original_id();
            if is_skipped(&original.gvk) {
                continue;
            }
            for spec in self.specs.iter().filter(|spec| original.gvk.is_selected(&spec.gvk)) {
                if spec.path == "metadata/name" {
                    let list = match self.end {
                        End::Front => &mut resource.memory.prefixes,
                        End::Back => &mut resource.memory.suffixes,
                    };
                    if !self.text.is_empty() {
                        list.reserve_exact(1);
                        list.push(self.text.clone());
                        resource.remember_id();
                    }
                }
                spec.visit(&mut resource.node, Some(&create), &mut |node: &mut Node| {
                    let old = node::raw_text(node);
                    let name = match self.end {
                        End::Front => format_smolstr!("{}{old}", self.text),
                        End::Back => format_smolstr!("{old}{}", self.text),
                    };
                    node::set_scalar(node, node::untagged(name))
                })?;
            }
        }
        Ok(())
    }
}
