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
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    // compat(kustomize): these are read where a resource is compared with them, so that what is wrong with them is told
    // only where there is one.
    labels: Result<LabelSelector>,
    annotations: Result<LabelSelector>,
    pub(crate) by_metadata: bool,
    pub(crate) by_id: bool,
}

/// An expression. Nearly all of them are plain names, which are compared in less time than it takes to compile one.
enum Pattern {
    Name(String),
    Expression(Regexp),
}

impl Pattern {
    /// `None` for the empty pattern, which fits anything.
    fn parse(pattern: &str) -> Result<Option<Self>> {
        if pattern.is_empty() {
            return Ok(None);
        }
        if pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Ok(Some(Self::Name(pattern.to_owned())));
        }
        match Regexp::parse(&format!("^(?:{pattern})$")) {
            Ok(expression) => Ok(Some(Self::Expression(expression))),
            Err(error) => Err(Error::new(error.to_string())),
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Name(name) => name == text,
            Self::Expression(expression) => expression.is_match(text.as_bytes()),
        }
    }
}

fn fits(pattern: Option<&Pattern>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.fits(text))
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        Ok(Self {
            group: Pattern::parse(&selector.group)?,
            version: Pattern::parse(&selector.version)?,
            kind: Pattern::parse(&selector.kind)?,
            name: Pattern::parse(&selector.name)?,
            namespace: Pattern::parse(&selector.namespace)?,
            labels: LabelSelector::parse(&selector.labels),
            annotations: LabelSelector::parse(&selector.annotations),
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

    fn fits_labels(&self, resource: &Resource) -> Result<bool> {
        let labels = self.labels.as_ref().map_err(Clone::clone)?;
        Ok(labels.is_empty() || labels.fits(&node::metadata_map(&resource.node, "labels")))
    }

    fn fits_annotations(&self, resource: &Resource) -> Result<bool> {
        let annotations = self.annotations.as_ref().map_err(Clone::clone)?;
        Ok(annotations.is_empty() || annotations.fits(&resource.annotations()))
    }

    pub(crate) fn fits_metadata(&self, resource: &Resource) -> Result<bool> {
        let fits = self.fits_annotations(resource)?;
        Ok(self.fits_labels(resource)? && fits)
    }

    /// Does the selector of a patch pick the resource, by its first name or its present one?
    pub(crate) fn picks(&self, resource: &Resource) -> Result<bool> {
        if !fits(self.kind.as_ref(), resource.kind()) {
            return Ok(false);
        }
        let (current, original) = (resource.id(), resource.original_id());
        let either = |pattern: Option<&Pattern>, a: &str, b: &str| fits(pattern, a) || fits(pattern, b);
        Ok(self.fits_gvk(&current.gvk)
            && either(self.name.as_ref(), &original.name, &current.name)
            && either(self.namespace.as_ref(), original.effective_namespace(), current.effective_namespace())
            && self.fits_labels(resource)?
            && self.fits_annotations(resource)?)
    }
}
