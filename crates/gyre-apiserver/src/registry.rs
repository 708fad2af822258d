//! Which kinds are served, under which paths: the built-in ones and those of CustomResourceDefinitions.
//!
//! A [`Registry`] is a snapshot; the server replaces it when a definition changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use gyre_merge::facts;
use gyre_merge::schema::Type;
use serde_json::{Value, json};

use crate::custom::{Custom, CustomVersion};
use crate::decode::{self, Found};

/// A part of a resource with a path of its own.
#[derive(Clone, Debug)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
}

/// A kind as one version serves it.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    pub(crate) custom: Option<Arc<CustomVersion>>,
    /// A warning that every answer carries.
    pub(crate) warning: Option<String>,
    /// A fresh object, made when it is first asked for.
    pub(crate) empty: OnceLock<Value>,
}

impl Version {
    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|it| it.name == name)
    }
}

/// A kind.
#[expect(clippy::struct_field_names, reason = "the words of definitions: kind, listKind, plural")]
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) shelf: Arc<str>,
    /// The version that objects are stored in.
    pub(crate) storage: String,
    pub(crate) versions: Vec<Version>,
    pub(crate) custom: Option<Arc<Custom>>,
}

impl Kind {
    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|it| it.name == name)
    }

    pub(crate) fn api_version(&self, version: &str) -> String {
        api_version(&self.group, version)
    }

    /// Group and plural, by which built-in kinds are told apart.
    pub(crate) fn id(&self) -> (&str, &str) {
        if self.custom.is_some() { ("", "") } else { (&self.group, &self.plural) }
    }

    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.custom.is_none() && self.group == group && self.plural == plural
    }

    /// The group that refusals of its objects name. compat(kube-apiserver): events of both groups are core's inside.
    pub(crate) fn refused_as(&self) -> &str {
        if self.is("events.k8s.io", "events") { "" } else { &self.group }
    }

    /// A fresh object, as decoding an empty one gives it.
    pub(crate) fn empty<'a>(&self, version: &'a Version) -> &'a Value {
        version.empty.get_or_init(|| {
            let seed =
                json!({"apiVersion": self.api_version(&version.name), "kind": self.kind, "metadata": {}});
            if self.custom.is_some() {
                return seed;
            }
            decode::decode(&version.ty, seed, &mut Found::default()).unwrap_or_default()
        })
    }
}

/// `group/version`, or the version alone for the first group.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Group and version of an apiVersion.
pub(crate) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Every kind that is served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    /// Groups with their versions, in the order of discovery.
    pub(crate) groups: Vec<(String, Vec<String>)>,
    pub(crate) kinds: Vec<Arc<Kind>>,
    paths: HashMap<(String, String), Arc<Kind>>,
}

impl Registry {
    /// The built-in kinds.
    pub(crate) fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Registry>> = OnceLock::new();
        BUILTIN.get_or_init(|| Arc::new(Self::with_kinds(builtin_kinds()))).clone()
    }

    fn with_kinds(kinds: Vec<Kind>) -> Self {
        let mut it = Self::default();
        for kind in kinds {
            it.add(Arc::new(kind));
        }
        it
    }

    fn add(&mut self, kind: Arc<Kind>) {
        let at = match self.groups.iter().position(|(group, _)| *group == kind.group) {
            Some(at) => at,
            None => {
                self.groups.push((kind.group.clone(), Vec::new()));
                self.groups.len() - 1
            }
        };
        let versions = &mut self.groups[at].1;
        for version in &kind.versions {
            if !versions.contains(&version.name) {
                versions.push(version.name.clone());
            }
        }
        versions.sort_by(|a, b| crate::custom::version_order(b, a));
        self.paths.insert((kind.group.clone(), kind.plural.clone()), kind.clone());
        self.kinds.push(kind);
    }

    /// The same registry with the kinds of custom resources, by the names of their definitions.
    pub(crate) fn with_custom<'a>(&self, customs: impl Iterator<Item = &'a Arc<Kind>>) -> Self {
        let mut it = Self::default();
        for kind in self.kinds.iter().filter(|kind| kind.custom.is_none()) {
            it.add(kind.clone());
        }
        let mut sorted: Vec<_> = customs.collect();
        sorted.sort_by(|a, b| (&a.group, &a.plural).cmp(&(&b.group, &b.plural)));
        for kind in sorted {
            it.add(kind.clone());
        }
        it
    }

    pub(crate) fn resource(&self, group: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.paths.get(&(group.to_owned(), plural.to_owned()))
    }

    pub(crate) fn kind(&self, group: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|it| it.group == group && it.kind == kind)
    }

    pub(crate) fn serves(&self, group: &str, version: &str) -> bool {
        self.groups.iter().any(|(name, versions)| name == group && versions.iter().any(|it| it == version))
    }

    /// The kinds that a version of a group serves.
    pub(crate) fn served(&self, group: &str, version: &str) -> impl Iterator<Item = (&Arc<Kind>, &Version)> {
        self.kinds
            .iter()
            .filter(move |kind| kind.group == group)
            .filter_map(move |kind| Some((kind, kind.version(version)?)))
    }
}

fn builtin_kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut index: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for resource in facts::resources() {
        let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let subresources = resource.subresources.iter().map(|it| Subresource {
            name: it.name.into(),
            group: it.group.into(),
            version: it.version.into(),
            kind: it.kind.into(),
            verbs: owned(&it.verbs),
        });
        let warning = (resource.group.is_empty() && resource.plural == "endpoints").then(|| {
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned()
        });
        let version = Version {
            name: resource.version.into(),
            ty: facts::named(resource.schema).unwrap_or(Type::Any),
            verbs: owned(&resource.verbs),
            subresources: subresources.collect(),
            custom: None,
            warning,
            empty: OnceLock::new(),
        };
        if let Some(at) = index.get(&(resource.group, resource.plural)) {
            let kind = &mut kinds[*at];
            if crate::custom::version_order(&version.name, &kind.storage).is_gt() {
                kind.storage.clone_from(&version.name);
            }
            kind.versions.push(version);
            continue;
        }
        index.insert((resource.group, resource.plural), kinds.len());
        // The two kinds of events are two views of the same objects.
        let shelf = match (resource.group, resource.plural) {
            ("events.k8s.io", "events") => "events".to_owned(),
            (group, plural) => crate::failure::qualified(group, plural),
        };
        let list_kind = if resource.kind == "Endpoints" {
            "EndpointsList".into()
        } else {
            format!("{}List", resource.kind)
        };
        kinds.push(Kind {
            group: resource.group.into(),
            kind: resource.kind.into(),
            list_kind,
            plural: resource.plural.into(),
            singular: resource.singular.into(),
            short_names: owned(&resource.short_names),
            categories: owned(&resource.categories),
            namespaced: resource.namespaced,
            shelf: shelf.into(),
            storage: resource.version.into(),
            versions: vec![version],
            custom: None,
        });
    }
    kinds
}
