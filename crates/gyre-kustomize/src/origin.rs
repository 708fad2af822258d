//! Where a resource came from, as annotations say it.

use gyre_yaml::{Dialect, Layout, Node, NodeValue, write_node};

use crate::error::Result;
use crate::node;
use crate::remote::Repository;
use crate::resource::{ORIGIN, Resource, TRANSFORMATIONS};

/// Where a resource came from, or what changed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    pub(crate) configured_by: Plugin,
}

/// The generator or transformer behind a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plugin {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(Node, Node)> {
    let given = pairs.iter().filter(|(_, text)| !text.is_empty());
    given.map(|(key, text)| (Node::string(*key), Node::string(*text))).collect()
}

impl Origin {
    /// The origin of something at a path from here.
    pub(crate) fn append(&self, path: &str) -> Self {
        if let Some(repository) = Repository::parse(path) {
            // compat(kustomize): the root of a repository is called by the name of its directory before it is there.
            let inside = if repository.path.is_empty() { "notCloned" } else { &repository.path };
            let path = join("", inside);
            return Self { repo: repository.url, reference: repository.reference, path, ..self.clone() };
        }
        Self { path: join(&self.path, path), ..self.clone() }
    }

    /// The origin of what a field of a kustomization file makes.
    pub(crate) fn builtin(&self, file: &str, kind: &str) -> Self {
        Self {
            path: String::new(),
            configured_in: join(&self.path, file),
            configured_by: Plugin { api_version: "builtin".into(), kind: kind.into(), ..Plugin::default() },
            ..self.clone()
        }
    }

    /// The origin of what a plugin makes whose configuration is a resource.
    pub(crate) fn of_plugin(configuration: &Resource) -> Option<Self> {
        let origin = Self::parse(configuration.annotation(ORIGIN)?)?;
        Some(Self {
            configured_in: origin.path.clone(),
            path: String::new(),
            configured_by: Plugin {
                api_version: configuration.api_version().into(),
                kind: configuration.kind().into(),
                name: configuration.name().into(),
                namespace: configuration.namespace().into(),
            },
            ..origin
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let document = gyre_yaml::parse_first(text.as_bytes(), Dialect::V3).ok()??;
        let read = |node: &Node, name: &str| {
            node.get(name).map_or(String::new(), |value| node::raw_text(value).into())
        };
        let root = &document.root;
        let plugin = root.get("configuredBy").map(|by| Plugin {
            api_version: read(by, "apiVersion"),
            kind: read(by, "kind"),
            name: read(by, "name"),
            namespace: read(by, "namespace"),
        });
        Some(Self {
            path: read(root, "path"),
            repo: read(root, "repo"),
            reference: read(root, "ref"),
            configured_in: read(root, "configuredIn"),
            configured_by: plugin.unwrap_or_default(),
        })
    }

    fn to_node(&self) -> Node {
        let mut pairs = fields(&[
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ]);
        let by = &self.configured_by;
        let inner = fields(&[
            ("apiVersion", &by.api_version),
            ("kind", &by.kind),
            ("name", &by.name),
            ("namespace", &by.namespace),
        ]);
        if !inner.is_empty() {
            pairs.push((Node::string("configuredBy"), Node::mapping(inner)));
        }
        Node::mapping(pairs)
    }

    pub(crate) fn text(&self) -> String {
        write_node(&self.to_node(), Layout::KYAML)
    }
}

/// Says of every resource that has no origin yet where it came from.
pub(crate) fn annotate(resources: &mut [Resource], origin: Option<&Origin>) {
    let Some(origin) = origin else { return };
    let text = origin.text();
    for resource in resources.iter_mut().filter(|resource| resource.annotation(ORIGIN).is_none()) {
        resource.set_annotation(ORIGIN, &text);
    }
}

/// Says of every resource that a transformer ran over it.
pub(crate) fn add_transformation(resources: &mut [Resource], origin: &Origin) -> Result<()> {
    let text = origin.text();
    for resource in resources {
        if node::is_nil_or_empty(&resource.node) {
            continue;
        }
        if resource.annotation(ORIGIN).is_none() {
            resource.set_annotation(ORIGIN, &text);
            continue;
        }
        let before = resource.annotation(TRANSFORMATIONS).unwrap_or_default();
        let document = gyre_yaml::parse_first(before.as_bytes(), Dialect::V3)?;
        let mut list = match document.map(|document| document.root.value) {
            Some(NodeValue::Sequence(items)) => items,
            _ => Vec::new(),
        };
        list.push(origin.to_node());
        let text = write_node(&Node::sequence(list), Layout::KYAML);
        resource.set_annotation(TRANSFORMATIONS, &text);
    }
    Ok(())
}

/// A path behind another, without dots where they can go.
pub(crate) fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if joined.is_empty() && !(base.is_empty() && path.is_empty()) { ".".into() } else { joined }
}
