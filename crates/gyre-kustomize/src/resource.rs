//! One resource of a build, with what Kustomize remembers about it.

use gyre_yaml::{Node, SmolStr};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::hash;
use crate::id::{Gvk, ResId};
use crate::node::{self, Texts};

pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
const INTERNAL: &str = "internal.config.kubernetes.io/";
/// Annotations of the reader that are dropped with the internal ones.
const READER: [&str; 3] = ["config.kubernetes.io/path", "config.kubernetes.io/index", "config.k8s.io/id"];
pub(crate) const HELM_GENERATED: &str = "kustomize.helm.sh/generated";

/// What a generator does with a resource that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// A name that the resource had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) name: SmolStr,
    pub(crate) namespace: SmolStr,
    pub(crate) kind: SmolStr,
}

/// What Kustomize keeps in annotations of its own while it builds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) previous: Vec<Previous>,
    pub(crate) prefixes: Vec<SmolStr>,
    pub(crate) suffixes: Vec<SmolStr>,
    pub(crate) referred_by: Vec<SmolStr>,
    pub(crate) behavior: Option<Behavior>,
    pub(crate) needs_hash: bool,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// One resource of a build.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    pub(crate) node: Node,
    pub(crate) memory: Memory,
    pub(crate) variables: Vec<String>,
}

impl Resource {
    pub(crate) fn new(node: Node) -> Self {
        let mut resource = Self { node, memory: Memory::default(), variables: Vec::new() };
        resource.absorb_annotations();
        resource
    }

    pub(crate) fn api_version(&self) -> &str {
        self.node.get("apiVersion").map_or("", node::raw_text)
    }

    pub(crate) fn kind(&self) -> &str {
        self.node.get("kind").map_or("", node::raw_text)
    }

    pub(crate) fn name(&self) -> &str {
        node::metadata_text(&self.node, "name")
    }

    pub(crate) fn namespace(&self) -> &str {
        node::metadata_text(&self.node, "namespace")
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::parse(self.api_version(), self.kind())
    }

    /// What the resource is called now.
    pub(crate) fn id(&self) -> ResId {
        ResId::new(self.gvk(), self.name(), self.namespace())
    }

    /// What it was called before, oldest first.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = ResId> + '_ {
        let gvk = self.gvk();
        self.memory.previous.iter().map(move |previous| ResId {
            gvk: Gvk { kind: previous.kind.clone(), ..gvk.clone() },
            name: previous.name.clone(),
            namespace: previous.namespace.clone(),
            cluster_scoped: false,
        })
    }

    /// What it is called, and what it was called before.
    pub(crate) fn any_ids(&self) -> impl Iterator<Item = ResId> + '_ {
        std::iter::once(self.id()).chain(self.previous_ids())
    }

    /// What it was called at first.
    pub(crate) fn original_id(&self) -> ResId {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    pub(crate) fn remember_id(&mut self) {
        let id = self.id();
        let namespace = id.effective_namespace().into();
        // Few transformers rename, and what is remembered is remembered of every resource.
        self.memory.previous.reserve_exact(1);
        self.memory.previous.push(Previous { name: id.name, namespace, kind: id.gvk.kind });
    }

    pub(crate) fn annotations(&self) -> Texts {
        node::metadata_map(&self.node, "annotations")
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        node::metadata(&self.node)?.get("annotations")?.get(key).map(node::raw_text)
    }

    pub(crate) fn set_annotation(&mut self, key: &str, value: &str) {
        let mut annotations = self.annotations();
        annotations.insert(key.into(), value.into());
        node::set_metadata_map(&mut self.node, "annotations", &annotations);
    }

    pub(crate) fn is_generated_by_helm(&self) -> bool {
        self.annotation(HELM_GENERATED) == Some("true")
    }

    /// Takes annotations that belong to the build over into memory.
    pub(crate) fn absorb_annotations(&mut self) {
        let annotations = node::metadata(&self.node).and_then(|metadata| metadata.get("annotations"));
        let pairs = annotations.and_then(Node::as_mapping).unwrap_or_default();
        if !pairs.iter().any(|(key, _)| node::raw_text(key).starts_with(INTERNAL)) {
            return;
        }
        let mut annotations = self.annotations();
        let mut list = |name: &str| -> Vec<SmolStr> {
            let text = annotations.remove(&format!("{INTERNAL}{name}"));
            text.map(|text| text.split(',').map(SmolStr::from).collect()).unwrap_or_default()
        };
        let (names, namespaces, kinds) =
            (list("previousNames"), list("previousNamespaces"), list("previousKinds"));
        let previous = names.into_iter().zip(namespaces).zip(kinds);
        self.memory.previous.extend(previous.map(|((name, namespace), kind)| Previous {
            name,
            namespace,
            kind,
        }));
        self.memory.prefixes.extend(list("prefixes"));
        self.memory.suffixes.extend(list("suffixes"));
        self.memory.referred_by.extend(list("refBy"));
        let mut flag = |name: &str| list(name).first().is_some_and(|value| value == "enabled");
        self.memory.needs_hash |= flag("needsHashSuffix");
        self.memory.allow_name_change |= flag("allowNameChange");
        self.memory.allow_kind_change |= flag("allowKindChange");
        if let Some(behavior) = list("generatorBehavior").first() {
            self.memory.behavior = Some(Behavior::parse(behavior));
        }
        node::set_metadata_map(&mut self.node, "annotations", &annotations);
    }

    /// The annotations by which Kustomize shows what it remembers.
    fn internal_annotations(&self) -> Texts {
        let memory = &self.memory;
        let mut all = Texts::new();
        let mut put = |name: &str, value: String| {
            if !value.is_empty() {
                all.insert(format!("{INTERNAL}{name}"), value);
            }
        };
        let join = |of: fn(&Previous) -> &str| joined(memory.previous.iter().map(of));
        put("previousNames", join(|previous| &previous.name));
        put("previousNamespaces", join(|previous| &previous.namespace));
        put("previousKinds", join(|previous| &previous.kind));
        put("prefixes", joined(&memory.prefixes));
        put("suffixes", joined(&memory.suffixes));
        put("refBy", joined(&memory.referred_by));
        let enabled = |on: bool| if on { "enabled".to_owned() } else { String::new() };
        put("needsHashSuffix", enabled(memory.needs_hash));
        put("allowNameChange", enabled(memory.allow_name_change));
        put("allowKindChange", enabled(memory.allow_kind_change));
        put(
            "generatorBehavior",
            memory.behavior.map_or(String::new(), |behavior| behavior.name().to_owned()),
        );
        all
    }

    /// The resource as JSON, with what Kustomize remembers as annotations.
    pub(crate) fn to_value_with_memory(&self) -> Result<Value> {
        let mut value = to_value(&self.node)?;
        let internal = self.internal_annotations();
        if !internal.is_empty()
            && let Value::Object(map) = &mut value
        {
            let metadata = map.entry("metadata").or_insert(Value::Null);
            if metadata.is_null() {
                *metadata = Value::Object(Map::new());
            }
            if let Value::Object(metadata) = metadata {
                let all = self.annotations().into_iter().chain(internal);
                let all: Map<String, Value> = all.map(|(key, value)| (key, value.into())).collect();
                metadata.insert("annotations".into(), all.into());
            }
        }
        Ok(value)
    }

    /// Drops what is not to be seen in the output.
    pub(crate) fn finish(&mut self, keep_origin: bool, keep_transformations: bool) {
        let mut annotations = self.annotations();
        annotations.retain(|key, _| {
            !(key.starts_with(INTERNAL)
                || READER.contains(&key.as_str())
                || key == HELM_GENERATED
                || (key == ORIGIN && !keep_origin)
                || (key == TRANSFORMATIONS && !keep_transformations))
        });
        let there = node::metadata(&self.node).is_some_and(|metadata| metadata.get("annotations").is_some());
        let untouched = keep_origin && keep_transformations && annotations.is_empty();
        if there && !untouched {
            node::set_metadata_map(&mut self.node, "annotations", &annotations);
        }
    }

    /// The resource as JSON.
    pub(crate) fn to_value(&self) -> Result<Value> {
        to_value(&self.node)
    }

    /// The resource as Kustomize shows it in a list.
    pub(crate) fn shown_json(&self) -> String {
        match self.to_value_with_memory() {
            Ok(value) => {
                let mut text = String::new();
                hash::go_json(&value, &mut text);
                text
            }
            Err(error) => format!("<{error}>"),
        }
    }

    /// The resource as Kustomize shows it in a message.
    pub(crate) fn shown(&self) -> String {
        match self.to_value_with_memory() {
            Ok(value) => gyre_yaml::write_value(&value),
            Err(error) => error.to_string(),
        }
    }
}

fn joined<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(part.as_ref());
    }
    text
}

/// A node as JSON; problems name the lines of the node as it is written.
pub(crate) fn to_value(node: &Node) -> Result<Value> {
    gyre_yaml::node_to_json(node).map_err(Error::from)
}
