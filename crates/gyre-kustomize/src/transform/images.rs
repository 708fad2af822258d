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
    pattern: Option<Pattern>,
}

/// Which images are meant.
enum Pattern {
    /// A name in which only dots are special.
    Name(String),
    Expression(Regexp),
}

impl Pattern {
    /// compat(kustomize): the name is taken as an expression. Most are plain, and compared in less time than it takes
    /// to compile one.
    fn new(name: &str) -> Option<Self> {
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte)) {
            return Some(Self::Name(name.to_owned()));
        }
        let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
        Regexp::parse(&pattern).ok().map(Self::Expression)
    }

    fn fits(&self, image: &str) -> bool {
        let name = match self {
            Self::Name(name) => name,
            Self::Expression(expression) => return expression.is_match(image.as_bytes()),
        };
        let mut rest = image.chars();
        let mut same = |wanted| rest.next().is_some_and(|it| it == wanted || (wanted == '.' && it != '\n'));
        if !name.chars().all(&mut same) {
            return false;
        }
        let plain =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.{}-".contains(&byte));
        let rest = rest.as_str();
        let (tag, digest) = rest.split_once('@').map_or((rest, None), |(tag, digest)| (tag, Some(digest)));
        (tag.is_empty() || tag.strip_prefix(':').is_some_and(plain))
            && digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(plain))
    }
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
        Self { image: image.clone(), specs, pattern: Pattern::new(&image.name) }
    }

    fn set(&self, node: &mut Node) -> Result<()> {
        node::demand(node, Kind::Scalar)?;
        let old = node::raw_text(node);
        if !self.pattern.as_ref().is_some_and(|pattern| pattern.fits(old)) {
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
    use gyre_go::regexp::Regexp;

    use super::{Pattern, split_image};

    #[test]
    fn plain_names_fit_as_their_expressions_do() {
        let names = ["nginx", "a.b/c", "host:5000/x", "", "a-b_c"];
        let rests = [
            "",
            ":1",
            ":",
            "@sha256:0a",
            ":1@sha256:",
            ":1.2_{}-",
            "@sha",
            ":a b",
            "/x",
            ":1:2",
            "@sha256:a@",
            "x",
        ];
        for name in names {
            let pattern = Pattern::new(name).unwrap();
            assert!(matches!(pattern, Pattern::Name(_)), "{name}");
            let expression = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
            let expression = Regexp::parse(&expression).unwrap();
            for image in names.iter().chain(&["aéb/c", "axb/c", "a\nb/c"]) {
                for rest in rests {
                    let image = format!("{image}{rest}");
                    assert_eq!(pattern.fits(&image), expression.is_match(image.as_bytes()), "{name} {image}");
                }
            }
        }
    }

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
