//! Aliases and merge keys, written out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use gyre_yaml::limits::EXPANDED_NODES_MAX;
use gyre_yaml::{Alias, Node, NodeValue, Tag};

use crate::error::{Result, fail};
use crate::node;

/// Writes aliases out; all documents of a file share what they may cost.
#[derive(Default)]
pub(super) struct Writer {
    written: usize,
}

impl Writer {
    /// The node with every alias replaced by what it stands for, and `<<` by the fields it merges.
    pub(super) fn write_out(&mut self, mut node: Node) -> Result<Node> {
        self.node(&mut node)?;
        Ok(node)
    }

    /// How many nodes were written so far.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Counts what is written out.
    fn spend(&mut self, nodes: usize) -> Result<()> {
        self.written += nodes;
        if self.written > EXPANDED_NODES_MAX {
            return fail("yaml: document contains excessive aliasing");
        }
        Ok(())
    }

    fn node(&mut self, node: &mut Node) -> Result<()> {
        self.spend(1)?;
        node.extra = None;
        match &mut node.value {
            NodeValue::Alias(alias) => {
                *node = target(alias)?;
                self.node(node)
            }
            NodeValue::Sequence(items) => items.iter_mut().try_for_each(|item| self.node(item)),
            NodeValue::Mapping(pairs) => {
                *pairs = self.merge(std::mem::take(pairs))?;
                for (key, value) in pairs {
                    self.node(key)?;
                    self.node(value)?;
                }
                Ok(())
            }
            NodeValue::Scalar(_) => Ok(()),
        }
    }

    /// The fields of a mapping with those of its merge key: the mapping's own win, then earlier ones of a list.
    fn merge(&mut self, pairs: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>> {
        if !pairs.iter().any(|(key, _)| key.tag == Tag::Merge) {
            return Ok(pairs);
        }
        if pairs.iter().filter(|(key, _)| key.tag == Tag::Merge).count() > 1 {
            return fail("duplicate merge key");
        }
        let (merges, own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key.tag == Tag::Merge);
        let mut sources = Vec::new();
        for (_, value) in merges {
            sources.extend(self.merge_values(value)?);
        }
        let mut merged: Vec<(Node, Node)> = own.clone();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, (key, _)) in merged.iter().enumerate() {
            places.entry(node::raw_text(key).to_owned()).or_insert(at);
        }
        for source in sources.into_iter().chain([own]) {
            for (key, value) in source {
                match places.entry(node::raw_text(&key).to_owned()) {
                    Entry::Occupied(place) => merged[*place.get()] = (key, value),
                    Entry::Vacant(place) => {
                        place.insert(merged.len());
                        merged.push((key, value));
                    }
                }
            }
        }
        Ok(merged)
    }

    fn merge_values(&mut self, value: Node) -> Result<Vec<Vec<(Node, Node)>>> {
        // bounded: a mapping that is merged again and again counts each time.
        self.spend(1 + value.as_mapping().map_or(0, <[_]>::len))?;
        match value.value {
            NodeValue::Mapping(pairs) => Ok(vec![self.merge(pairs)?]),
            NodeValue::Alias(alias) => {
                let target = target(&alias)?;
                match target.value {
                    NodeValue::Mapping(_) => self.merge_values(target),
                    _ => fail("invalid map merge: received alias for a non-map value"),
                }
            }
            NodeValue::Sequence(items) => {
                let mut all = Vec::new();
                for item in items {
                    if matches!(item.value, NodeValue::Sequence(_)) {
                        return fail("invalid map merge: received a nested sequence");
                    }
                    let mut more = self.merge_values(item)?;
                    more.append(&mut all);
                    all = more;
                }
                Ok(all)
            }
            NodeValue::Scalar(_) => fail("map merge requires map or sequence of maps as the value"),
        }
    }
}

fn target(alias: &Alias) -> Result<Node> {
    match &alias.target {
        Some(target) => Ok(Node::clone(target)),
        None => fail(format!("anchor '{}' value contains itself", alias.name)),
    }
}
