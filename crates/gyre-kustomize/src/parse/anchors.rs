//! Aliases and merge keys, written out.

use gyre_yaml::limits::EXPANDED_NODES_MAX;
use gyre_yaml::{Alias, Node, NodeValue, Tag};

use crate::error::{Result, fail};
use crate::node;

/// The node with every alias replaced by what it stands for, and `<<` by the fields it merges.
pub(super) fn write_out(node: Node) -> Result<Node> {
    Writer { written: 0 }.node(node)
}

struct Writer {
    written: usize,
}

impl Writer {
    fn node(&mut self, mut node: Node) -> Result<Node> {
        self.written += 1;
        if self.written > EXPANDED_NODES_MAX {
            return fail("yaml: document contains excessive aliasing");
        }
        node.extra = None;
        match node.value {
            NodeValue::Alias(alias) => self.node(target(*alias)?),
            NodeValue::Sequence(ref mut items) => {
                for item in items.iter_mut() {
                    let written = self.node(std::mem::replace(item, Node::string("")))?;
                    *item = written;
                }
                Ok(node)
            }
            NodeValue::Mapping(ref mut pairs) => {
                let merged = merge(std::mem::take(pairs))?;
                let mut written = Vec::with_capacity(merged.len());
                for (key, value) in merged {
                    written.push((self.node(key)?, self.node(value)?));
                }
                *pairs = written;
                Ok(node)
            }
            NodeValue::Scalar(_) => Ok(node),
        }
    }
}

fn target(alias: Alias) -> Result<Node> {
    match alias.target {
        Some(target) => Ok(Node::clone(&target)),
        None => fail(format!("anchor '{}' value contains itself", alias.name)),
    }
}

/// The fields of a mapping with those of its merge key: the mapping's own win, then earlier ones of a list.
fn merge(pairs: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>> {
    if !pairs.iter().any(|(key, _)| key.tag == Tag::Merge) {
        return Ok(pairs);
    }
    if pairs.iter().filter(|(key, _)| key.tag == Tag::Merge).count() > 1 {
        return fail("duplicate merge key");
    }
    let (merges, own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key.tag == Tag::Merge);
    let mut sources = Vec::new();
    for (_, value) in merges {
        sources.extend(merge_values(value)?);
    }
    let mut merged: Vec<(Node, Node)> = own.clone();
    for source in sources.into_iter().chain([own]) {
        for (key, value) in source {
            let name = node::raw_text(&key);
            match merged.iter_mut().find(|(other, _)| node::raw_text(other) == name) {
                Some(slot) => *slot = (key, value),
                None => merged.push((key, value)),
            }
        }
    }
    Ok(merged)
}

fn merge_values(value: Node) -> Result<Vec<Vec<(Node, Node)>>> {
    match value.value {
        NodeValue::Mapping(pairs) => Ok(vec![merge(pairs)?]),
        NodeValue::Alias(alias) => match target(*alias)?.value {
            NodeValue::Mapping(pairs) => Ok(vec![merge(pairs)?]),
            _ => fail("invalid map merge: received alias for a non-map value"),
        },
        NodeValue::Sequence(items) => {
            let mut all = Vec::new();
            for item in items {
                if matches!(item.value, NodeValue::Sequence(_)) {
                    return fail("invalid map merge: received a nested sequence");
                }
                let mut more = merge_values(item)?;
                more.append(&mut all);
                all = more;
            }
            Ok(all)
        }
        NodeValue::Scalar(_) => fail("map merge requires map or sequence of maps as the value"),
    }
}
