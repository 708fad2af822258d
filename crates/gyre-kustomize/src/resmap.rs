//! The resources of a build, in order, with an index of their names.

use std::collections::HashMap;
use std::hash::RandomState;

use gyre_yaml::Node;

use crate::error::{Result, fail, limit};
use crate::id::ResId;
use crate::limits::RESOURCES_MAX;
use crate::node;
use crate::resource::{Behavior, ORIGIN, Resource};

/// Resources in the order of the output.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    /// Where the names are; `None` where they may have changed since.
    index: Option<Index>,
}

/// By the hashes of their ids, where resources are that may have, or have had, an id.
#[derive(Clone, Debug, Default)]
struct Index {
    places: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
}

impl Index {
    /// False where one of the resources before has the current id already.
    fn add(&mut self, resource: &Resource, before: &[Resource]) -> bool {
        let id = resource.id();
        if self.places(&id).iter().any(|&at| before.get(at).is_some_and(|other| other.id().equals(&id))) {
            return false;
        }
        let at = before.len();
        for id in resource.any_ids() {
            let places = self.places.entry(id.hash(&self.hasher)).or_default();
            if places.last() != Some(&at) {
                places.reserve_exact(1);
                places.push(at);
            }
        }
        true
    }

    fn places(&self, id: &ResId) -> &[usize] {
        self.places.get(&id.hash(&self.hasher)).map_or(&[], Vec::as_slice)
    }
}

impl ResMap {
    /// The problem of two resources with one name is an error.
    pub(crate) fn from_list(list: Vec<Resource>) -> Result<Self> {
        let mut map = Self::default();
        map.append_all(list)?;
        Ok(map)
    }

    /// Resources whose names are known to differ.
    pub(crate) fn unchecked(list: Vec<Resource>) -> Self {
        Self { list, index: None }
    }

    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// The resources, to be changed: their names may be other ones after this.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.index = None;
        &mut self.list
    }

    /// The resources, to be changed in anything but their names.
    pub(crate) fn contents_mut(&mut self) -> &mut [Resource] {
        &mut self.list
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    fn index(&mut self) -> &mut Index {
        let list = &self.list;
        self.index.get_or_insert_with(|| {
            let mut index = Index::default();
            for (at, resource) in list.iter().enumerate() {
                index.add(resource, &list[..at]);
            }
            index
        })
    }

    pub(crate) fn append(&mut self, resource: Resource) -> Result<()> {
        if self.list.len() >= RESOURCES_MAX {
            return limit(format!("more than {RESOURCES_MAX} resources: split the kustomization"));
        }
        self.index();
        if !self.index.as_mut().is_some_and(|index| index.add(&resource, &self.list)) {
            let id = resource.id();
            return fail(format!("may not add resource with an already registered id: {id}"));
        }
        self.list.push(resource);
        Ok(())
    }

    pub(crate) fn append_all(&mut self, list: Vec<Resource>) -> Result<()> {
        list.into_iter().try_for_each(|resource| self.append(resource))
    }

    /// The places of the resources that have, or had, an id that fits.
    pub(crate) fn by_any_id(&self, fits: impl Fn(&ResId) -> bool) -> Vec<usize> {
        let has = |resource: &Resource| {
            !node::is_nil_or_empty(&resource.node) && resource.any_ids().any(|id| fits(&id))
        };
        (0..self.list.len()).filter(|&at| has(&self.list[at])).collect()
    }

    /// The places of the resources that have, or had, a name.
    pub(crate) fn by_any_name(&self, name: &str) -> Vec<usize> {
        let has = |resource: &Resource| {
            !node::is_nil_or_empty(&resource.node)
                && (resource.name() == name
                    || resource.memory.previous.iter().any(|previous| previous.name == name))
        };
        (0..self.list.len()).filter(|&at| has(&self.list[at])).collect()
    }

    /// The places of the resources that have, or had, this id.
    fn with_id(&mut self, id: &ResId) -> Vec<usize> {
        let places = self.index().places(id).to_vec();
        let has = |at: &usize| {
            self.list.get(*at).is_some_and(|it| {
                !node::is_nil_or_empty(&it.node) && it.any_ids().any(|other| other.equals(id))
            })
        };
        places.into_iter().filter(has).collect()
    }

    /// The place of the one resource that has, or had, this name.
    pub(crate) fn find(&mut self, id: &ResId) -> Result<usize> {
        match self.with_id(id).as_slice() {
            [at] => Ok(*at),
            [] => fail(format!("no matches for Id {id}; failed to find unique target for patch {id}")),
            _ => fail(format!("multiple matches for Id {id}; failed to find unique target for patch {id}")),
        }
    }

    /// Adds what a generator made, or joins it with the resource that it is for.
    pub(crate) fn absorb(&mut self, mut resource: Resource) -> Result<()> {
        let id = resource.id();
        let behavior = resource.memory.behavior.unwrap_or_default();
        let matches = self.with_id(&id);
        match matches.as_slice() {
            [] => match behavior {
                Behavior::Merge | Behavior::Replace => {
                    fail(format!("id {} does not exist; cannot merge or replace", id.go_syntax()))
                }
                _ => self.append(resource),
            },
            [at] => {
                let old = &self.list[*at];
                match behavior {
                    Behavior::Replace => take_metadata(&mut resource, old),
                    Behavior::Merge => {
                        let origin = old.annotation(ORIGIN).map(str::to_owned);
                        take_metadata(&mut resource, old);
                        merge_data(&mut resource.node, &old.node, "data");
                        merge_data(&mut resource.node, &old.node, "binaryData");
                        if let Some(origin) = origin {
                            resource.set_annotation(ORIGIN, &origin);
                        }
                    }
                    _ => {
                        return fail(format!(
                            "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                            id.go_syntax(),
                            behavior.name()
                        ));
                    }
                }
                if resource.kind() == self.list[*at].kind() {
                    self.list[*at] = resource;
                } else {
                    self.list_mut()[*at] = resource;
                }
                Ok(())
            }
            _ => {
                let names: Vec<String> = matches.iter().map(|&at| self.list[at].shown_json()).collect();
                fail(format!("found multiple objects [{}] that could accept merge of {id}", names.join(" ")))
            }
        }
    }

    /// Drops what transformers have emptied.
    pub(crate) fn drop_empties(&mut self) {
        if self.list.iter().any(|resource| node::is_nil_or_empty(&resource.node)) {
            self.list_mut().retain(|resource| !node::is_nil_or_empty(&resource.node));
        }
    }
}

/// Labels and annotations of both, the name and the memory of the old one.
fn take_metadata(new: &mut Resource, old: &Resource) {
    let mut labels = node::metadata_map(&old.node, "labels");
    labels.extend(node::metadata_map(&new.node, "labels"));
    node::set_metadata_map(&mut new.node, "labels", &labels);
    let mut annotations = old.annotations();
    annotations.extend(new.annotations());
    node::set_metadata_map(&mut new.node, "annotations", &annotations);
    let needs_hash = new.memory.needs_hash && old.memory.needs_hash;
    new.memory = old.memory.clone();
    new.memory.needs_hash = needs_hash;
    node::set_metadata_text(&mut new.node, "name", old.name());
    node::set_namespace(&mut new.node, old.namespace());
    new.variables.clone_from(&old.variables);
}

fn merge_data(new: &mut Node, old: &Node, field: &str) {
    let mut data = data_texts(old.get(field));
    data.extend(data_texts(new.get(field)));
    node::clear(new, field);
    if data.is_empty() {
        return;
    }
    let pairs = data.iter().map(|(key, value)| (Node::string(key), Node::string(value))).collect();
    node::set_field(new, field, Node::mapping(pairs));
}

fn data_texts(data: Option<&Node>) -> node::Texts {
    let pairs = data.and_then(Node::as_mapping).unwrap_or_default();
    pairs.iter().map(|(key, value)| (node::raw_text(key).to_owned(), node::text(value).to_owned())).collect()
}
