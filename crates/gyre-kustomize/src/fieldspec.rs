//! Where a transformer writes: a path, and the kinds it holds for.

use gyre_yaml::{Node, NodeValue, SmolStr, Tag};

use crate::error::{Error, Result, fail};
use crate::id::{Gvk, ResId};
use crate::node::{self, Kind};

/// A path into resources of some kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) gvk: Gvk,
    pub(crate) path: SmolStr,
    pub(crate) create: bool,
}

/// What is made where a path ends in nothing.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    pub(crate) kind: Kind,
    pub(crate) tag: Tag,
}

impl FieldSpec {
    pub(crate) fn new(path: &str, create: bool) -> Self {
        Self { gvk: Gvk::default(), path: path.into(), create }
    }

    /// Does the spec hold for a resource?
    pub(crate) fn matches(&self, node: &Node) -> bool {
        let kind = node.get("kind").map_or("", node::raw_text);
        if !self.gvk.kind.is_empty() && self.gvk.kind != kind {
            return false;
        }
        if self.gvk.group.is_empty() && self.gvk.version.is_empty() {
            return true;
        }
        let api_version = node.get("apiVersion").map_or("", node::raw_text);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        (self.gvk.group.is_empty() || self.gvk.group == group)
            && (self.gvk.version.is_empty() || self.gvk.version == version)
    }

    /// Calls `set` for every node that the path leads to.
    pub(crate) fn visit(
        &self,
        node: &mut Node,
        create: Option<&Create>,
        set: &mut dyn FnMut(&mut Node) -> Result<()>,
    ) -> Result<()> {
        if !self.matches(node) {
            return Ok(());
        }
        let create = create.filter(|_| self.create);
        let first = self.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let is_plain = !first.is_empty() && !first.contains(['\\', '[', ' ']) && !["-", "*"].contains(&first);
        if create.is_none()
            && is_plain
            && node.as_mapping().is_some()
            && node.get(first).is_none()
            && first.parse::<i64>().is_err()
        {
            return Ok(());
        }
        let walked = if self.path.contains('\\') {
            walk(node, Parts::Split(&node::split_path(&self.path, '/')), create, set)
        } else {
            let path = self.path.strip_prefix('/').unwrap_or(&self.path);
            walk(node, Parts::Text(Some(path)), create, set)
        };
        walked.map_err(|error| self.failed(node, error))
    }

    fn failed(&self, node: &Node, error: Error) -> Error {
        let gvk = Gvk::parse(
            node.get("apiVersion").map_or("", node::raw_text),
            node.get("kind").map_or("", node::raw_text),
        );
        let id = ResId::new(gvk, node::metadata_text(node, "name"), node::metadata_text(node, "namespace"));
        error.within(format!("considering field '{}' of object {id}", self.path))
    }
}

/// What is left of a path.
#[derive(Clone, Copy)]
enum Parts<'a> {
    /// With slashes between the parts.
    Text(Option<&'a str>),
    Split(&'a [String]),
}

impl<'a> Parts<'a> {
    fn split_first(self) -> Option<(&'a str, Self)> {
        match self {
            Self::Text(text) => Some(match text?.split_once('/') {
                Some((part, rest)) => (part, Self::Text(Some(rest))),
                None => (text?, Self::Text(None)),
            }),
            Self::Split(parts) => parts.split_first().map(|(part, rest)| (part.as_str(), Self::Split(rest))),
        }
    }

    fn is_empty(self) -> bool {
        matches!(self, Self::Text(None) | Self::Split([]))
    }

    fn shown(self) -> String {
        match self {
            Self::Text(text) => text.unwrap_or_default().replace('/', " "),
            Self::Split(parts) => parts.join(" "),
        }
    }
}

fn walk(
    node: &mut Node,
    path: Parts<'_>,
    create: Option<&Create>,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    let Some((part, rest)) = path.split_first() else { return set(node) };
    if node::is_null(node) {
        return Ok(());
    }
    match &mut node.value {
        NodeValue::Sequence(items) => {
            for item in items {
                walk(item, path, create, set)
                    .map_err(|error| error.within(format!("visit traversal on path: [{}]", path.shown())))?;
            }
            Ok(())
        }
        NodeValue::Mapping(_) => into_field(node, part, rest, create, set),
        _ => fail("expected sequence or mapping node"),
    }
}

fn into_field(
    node: &mut Node,
    part: &str,
    rest: Parts<'_>,
    create: Option<&Create>,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
    let name = name.trim();
    if name.is_empty() {
        return fail("cannot set or create an empty field name");
    }
    if name == "*" {
        return fail("fieldName: *: wildcard is not supported in PathGetter");
    }
    if name.parse::<i64>().is_ok() || name == "-" {
        return Err(node::wrong_kind(node, Kind::Sequence).within(format!("fieldName: {name}")));
    }
    let made = match create {
        Some(_) if is_list => None,
        Some(create) if rest.is_empty() => Some((create.kind, create.tag.clone())),
        Some(_) => Some((Kind::Mapping, Tag::Map)),
        None => None,
    };
    let field = match &made {
        Some((kind, _)) => node::field_or_create(node, name, *kind),
        None => node.get_mut(name),
    };
    let Some(field) = field else { return Ok(()) };
    if field.tag == Tag::Null {
        match made {
            Some((kind, tag)) => {
                let text = node::raw_text(field).into();
                *field = node::empty(kind);
                field.tag = tag;
                if let NodeValue::Scalar(value) = &mut field.value {
                    *value = text;
                }
            }
            None if is_list => *field = node::empty(Kind::Sequence),
            None => {}
        }
    }
    walk(field, rest, create, set)
}

/// A setter for a scalar, or, where a name is given, for an entry of a mapping.
pub(crate) fn entry<'a>(
    name: &'a str,
    value: &'a str,
    tag: &Tag,
) -> impl FnMut(&mut Node) -> Result<()> + 'a {
    let tag = tag.clone();
    move |node: &mut Node| {
        let value = Node::scalar(value, tag.clone());
        if name.is_empty() {
            return node::set_scalar(node, value);
        }
        node::demand(node, Kind::Mapping)?;
        if !node::is_null(node) {
            node::set_field(node, name, value);
        }
        Ok(())
    }
}
