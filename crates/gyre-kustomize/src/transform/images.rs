//! Names, tags and digests of images.

use gyre_go::regexp::Regexp;
use gyre_yaml::{Node, NodeValue};

use super::Transform;
use crate::error::Result;
use crate::fieldspec::FieldSpec;
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::types::Image;

/// Changes an image wherever it is named.
pub(crate) struct Images {
    image: Image,
    specs: Vec<FieldSpec>,
    pattern: Option<Regexp>,
}

/// An image's name, tag and digest; the last two are empty where there is none.
pub fn split_image(image: &str) -> (&str, &str, &str) {
    // A domain may hold a port.
    let start = image.find('/').unwrap_or(0);
    let find = |what: char| image[start..].find(what).map(|at| at + start);
    match (find('@'), find(':')) {
        (None, None) => (image, "", ""),
        (Some(at), colon) if colon.is_none_or(|colon| at < colon) => (&image[..at], "", &image[at + 1..]),
        (Some(at), Some(colon)) => (&image[..colon], &image[colon + 1..at], &image[at + 1..]),
        (_, Some(colon)) => (&image[..colon], &image[colon + 1..], ""),
        (Some(at), None) => (&image[..at], "", &image[at + 1..]),
    }
}

impl Images {
    pub(crate) fn new(image: &Image, specs: Vec<FieldSpec>) -> Self {
        // compat(kustomize): the name is taken as an expression.
        let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
        Self { image: image.clone(), specs, pattern: Regexp::parse(&pattern).ok() }
    }

    fn set(&self, node: &mut Node) -> Result<()> {
        node::demand(node, Kind::Scalar)?;
        let old = node::raw_text(node);
        if !self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(old.as_bytes())) {
            return Ok(());
        }
        let name = self.changed(old);
        node::set_scalar(node, node::untagged(name))
    }

    /// The image with its new parts. A new tag or digest takes the place of both old ones.
    fn changed(&self, old: &str) -> String {
        let Image { new_name, new_tag, digest: new_digest, tag_suffix, .. } = &self.image;
        let (name, tag, digest) = split_image(old);
        let name = if new_name.is_empty() { name } else { new_name };
        let (tag, digest) = if !new_tag.is_empty() || !new_digest.is_empty() {
            (new_tag.clone(), new_digest.as_str())
        } else if tag_suffix.is_empty() {
            (tag.to_owned(), digest)
        } else {
            (format!("{tag}{tag_suffix}"), "")
        };
        let mut image = name.to_owned();
        if !tag.is_empty() {
            image.push(':');
            image.push_str(&tag);
        }
        if !digest.is_empty() {
            image.push('@');
            image.push_str(digest);
        }
        image
    }

    /// Containers anywhere, whatever the kind.
    fn walk(&self, node: &mut Node) -> Result<()> {
        match &mut node.value {
            NodeValue::Mapping(pairs) => {
                for (key, value) in pairs {
                    self.walk(value)?;
                    if matches!(node::raw_text(key), "containers" | "initContainers") {
                        self.containers(value)?;
                    }
                }
                Ok(())
            }
            NodeValue::Sequence(items) => items.iter_mut().try_for_each(|item| self.walk(item)),
            _ => Ok(()),
        }
    }

    fn containers(&self, node: &mut Node) -> Result<()> {
        let NodeValue::Sequence(items) = &mut node.value else { return Ok(()) };
        for item in items {
            node::demand(item, Kind::Mapping)?;
            if let Some(image) = item.get_mut("image") {
                self.set(image)?;
            }
        }
        Ok(())
    }
}

impl Transform for Images {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        let denied = |node: &Node| {
            node.get("kind").is_some_and(|kind| node::raw_text(kind) == "CustomResourceDefinition")
        };
        for resource in resources.contents_mut().iter_mut().filter(|resource| !denied(&resource.node)) {
            self.walk(&mut resource.node)?;
        }
        for resource in resources.contents_mut().iter_mut().filter(|resource| !denied(&resource.node)) {
            for spec in &self.specs {
                spec.visit(&mut resource.node, None, &mut |node: &mut Node| self.set(node))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::split_image;

    #[test]
    fn splits() {
        for (image, wanted) in [
            ("nginx", ("nginx", "", "")),
            ("host:5000/a/b", ("host:5000/a/b", "", "")),
            ("host:5000/a/b:1", ("host:5000/a/b", "1", "")),
            ("a@sha256:00", ("a", "", "sha256:00")),
            ("a:1@sha256:00", ("a", "1", "sha256:00")),
        ] {
            assert_eq!(split_image(image), wanted);
        }
    }
}
