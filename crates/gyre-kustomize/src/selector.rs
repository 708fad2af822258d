//! Selectors: regular expressions on names and kinds, and the label selectors of Kubernetes.

mod labels;

use gyre_go::regexp::Regexp;

use crate::error::{Error, Result};
use crate::id::{Gvk, ResId};
use crate::node;
use crate::resource::Resource;
use crate::types::patch::Selector;

pub(crate) use labels::LabelSelector;

/// A selector, its expressions compiled; an empty one fits anything.
pub(crate) struct Matcher {
    group: Option<Regexp>,
    version: Option<Regexp>,
    kind: Option<Regexp>,
    name: Option<Regexp>,
    namespace: Option<Regexp>,
    labels: LabelSelector,
    annotations: LabelSelector,
    pub(crate) by_metadata: bool,
    pub(crate) by_id: bool,
}

fn compile(pattern: &str) -> Result<Option<Regexp>> {
    if pattern.is_empty() {
        return Ok(None);
    }
    Regexp::parse(&format!("^(?:{pattern})$")).map(Some).map_err(|error| Error::new(error.to_string()))
}

fn fits(pattern: Option<&Regexp>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text.as_bytes()))
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        Ok(Self {
            group: compile(&selector.group)?,
            version: compile(&selector.version)?,
            kind: compile(&selector.kind)?,
            name: compile(&selector.name)?,
            namespace: compile(&selector.namespace)?,
            labels: LabelSelector::parse(&selector.labels)?,
            annotations: LabelSelector::parse(&selector.annotations)?,
            by_metadata: !(selector.labels.is_empty() && selector.annotations.is_empty()),
            by_id: !selector.id().is_empty(),
        })
    }

    fn fits_gvk(&self, gvk: &Gvk) -> bool {
        fits(self.group.as_ref(), &gvk.group)
            && fits(self.version.as_ref(), &gvk.version)
            && fits(self.kind.as_ref(), &gvk.kind)
    }

    /// Does the selector pick this name? Namespaces are taken as they are written.
    pub(crate) fn fits_id(&self, id: &ResId) -> bool {
        self.fits_gvk(&id.gvk)
            && fits(self.name.as_ref(), &id.name)
            && fits(self.namespace.as_ref(), &id.namespace)
    }

    pub(crate) fn fits_metadata(&self, resource: &Resource) -> bool {
        (self.labels.is_empty() || self.labels.fits(&node::metadata_map(&resource.node, "labels")))
            && (self.annotations.is_empty() || self.annotations.fits(&resource.annotations()))
    }

    /// Does the selector of a patch pick the resource, by its first name or its present one?
    pub(crate) fn picks(&self, resource: &Resource) -> bool {
        let (current, original) = (resource.id(), resource.original_id());
        let either = |pattern: Option<&Regexp>, a: &str, b: &str| fits(pattern, a) || fits(pattern, b);
        self.fits_gvk(&current.gvk)
            && either(self.name.as_ref(), &original.name, &current.name)
            && either(self.namespace.as_ref(), original.effective_namespace(), current.effective_namespace())
            && self.fits_metadata(resource)
    }
}
