//! Lists whose items are told apart by keys, and lists of scalars that act as sets.

use std::collections::HashSet;

use gyre_yaml::{Node, NodeValue, SmolStr};

use super::{Directive, Merge, Merged, directive, present};
use crate::error::{Result, limit};
use crate::limits::MERGED_ITEMS_MAX;
use crate::node::{self, Kind};
use crate::schema::Place;

impl<'a> Merge<'a> {
    pub(super) fn merged_list(
        &self,
        old: Option<Node>,
        mut new: Option<Node>,
        place: Place<'a>,
    ) -> Result<Option<Merged>> {
        if present(old.as_ref()).is_none() {
            return new.map_or(Ok(None), |new| self.adopt_list(new, place));
        }
        if new.as_ref().is_some_and(node::is_null) {
            return Ok(None);
        }
        match directive(new.as_mut())? {
            Directive::Delete => return Ok(None),
            Directive::Replace => return new.map_or(Ok(None), |new| self.adopt_list(new, place)),
            Directive::Merge => {}
        }
        let Some(mut old) = old else { return Ok(None) };
        let new_items = match new.map(|new| new.value) {
            Some(NodeValue::Sequence(items)) => items,
            _ => Vec::new(),
        };
        if let NodeValue::Sequence(items) = &mut old.value {
            let merged = self.items(std::mem::take(items), new_items, place)?;
            *items = merged;
        }
        Ok(Some(old.into()))
    }

    /// A list that only the patch has, merged with itself.
    pub(super) fn adopt_list(&self, mut new: Node, place: Place<'a>) -> Result<Option<Merged>> {
        if directive(Some(&mut new))? == Directive::Delete {
            return Ok(None);
        }
        if let NodeValue::Sequence(items) = &mut new.value {
            let own = std::mem::take(items);
            let keys = place.merge_keys();
            let mut adopted: Vec<Node> = Vec::with_capacity(own.len());
            for item in own {
                let Some(item) = self.adopt(item, place.items())?.and_then(super::stays) else { continue };
                if is_empty_map(&item) {
                    continue;
                }
                let values = values_of(&item, keys);
                let same = |other: &Node| values_of(other, keys) == values;
                let named = keys.is_empty() || values.iter().any(|value| !value.is_empty());
                match adopted.iter_mut().find(|other| named && same(other)) {
                    Some(other) => *other = item,
                    None => adopted.push(item),
                }
            }
            *items = adopted;
        }
        Ok(Some(new.into()))
    }

    fn items(&self, mut old: Vec<Node>, mut new: Vec<Node>, place: Place<'a>) -> Result<Vec<Node>> {
        let keys = place.merge_keys();
        if keys.is_empty() {
            return Ok(scalars(old, new));
        }
        if old.len() + new.len() > MERGED_ITEMS_MAX {
            return limit(format!("a list of more than {MERGED_ITEMS_MAX} items cannot be merged"));
        }
        let mut tuples = tuples(&new, &old, keys);
        if keys.len() > 1 {
            complete(&mut tuples);
        }
        let valid = valid_keys(&tuples, keys);
        let keys: Vec<&str> = valid.iter().map(|&at| keys[at].as_str()).collect();
        // compat(kyaml): with several keys the items of the resource stay behind those that are new, and an item that
        // lacks its key pushes out what was gathered before it.
        let lacks = |item: &Node| keys.iter().any(|key| item.get(key).is_none());
        let stay = keys.len() > 1 || old.iter().any(lacks);
        let mut first: Vec<Node> = Vec::new();
        for tuple in &tuples {
            let values: Vec<&str> = valid.iter().map(|&at| tuple[at].as_str()).collect();
            let stays = if stay { find_match(&old, &keys, &values) } else { None };
            let from_old = match stays {
                Some(at) => Some(old[at].clone()),
                None => take_match(&mut old, &keys, &values),
            };
            let from_new = take_match(&mut new, &keys, &values);
            let merged = self.walk(from_old, from_new, place.items())?.map(|merged| merged.node);
            let Some(mut item) = merged.filter(|item| !node::is_null(item) && !is_empty_map(item)) else {
                set_element(&mut old, &keys, &values, None);
                continue;
            };
            for (key, value) in keys.iter().zip(&values) {
                if item.get(key).is_none() && !value.is_empty() {
                    node::set_field(&mut item, key, node::untagged(*value));
                }
            }
            match stays {
                Some(at) => old[at] = item,
                None => set_element(&mut first, &keys, &values, Some(item)),
            }
        }
        append(&mut first, old, &keys);
        Ok(first)
    }
}

/// The items of the resource that the patch does not name, behind those that it names.
fn append(first: &mut Vec<Node>, rest: Vec<Node>, keys: &[&str]) {
    for item in rest {
        // compat(kyaml): the values move up where an item lacks a key, and what agrees with those few goes.
        let values: Vec<SmolStr> =
            keys.iter().filter_map(|key| item.get(key)).map(|value| node::raw_text(value).into()).collect();
        let values: Vec<&str> = values.iter().map(SmolStr::as_str).collect();
        if keys.len() > 1 && values.len() < keys.len() {
            set_element(first, keys, &values, None);
        }
        set_element(first, keys, &values, Some(item));
    }
}

fn is_empty_map(node: &Node) -> bool {
    node.as_mapping().is_some_and(<[(Node, Node)]>::is_empty)
}

fn values_of(item: &Node, keys: &[SmolStr]) -> Vec<SmolStr> {
    if keys.is_empty() {
        return vec![node::raw_text(item).into()];
    }
    keys.iter()
        .map(|key| match item.get(key).filter(|value| !node::is_nil_or_empty(value)) {
            Some(value) => node::raw_text(value).into(),
            None => SmolStr::default(),
        })
        .collect()
}

/// The values of the keys of all items, those of the patch first.
fn tuples(new: &[Node], old: &[Node], keys: &[SmolStr]) -> Vec<Vec<SmolStr>> {
    let mut seen = HashSet::new();
    let all = new.iter().chain(old).map(|item| values_of(item, keys));
    all.filter(|tuple| seen.insert(tuple.clone())).collect()
}

/// Fills the gaps of tuples that agree wherever both say something.
fn complete(tuples: &mut [Vec<SmolStr>]) {
    for a in 0..tuples.len() {
        let first = tuples[a].clone();
        for b in 0..tuples.len() {
            if let Some(joined) = join(&first, &tuples[b]) {
                tuples[a].clone_from(&joined);
                tuples[b] = joined;
            }
        }
    }
}

fn join(a: &[SmolStr], b: &[SmolStr]) -> Option<Vec<SmolStr>> {
    let mut common = false;
    let mut joined = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b) {
        if a == b {
            common = true;
        } else if !a.is_empty() && !b.is_empty() {
            return None;
        }
        joined.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    common.then_some(joined)
}

/// The keys for which any item has a value; all where none has.
fn valid_keys(tuples: &[Vec<SmolStr>], keys: &[SmolStr]) -> Vec<usize> {
    let valid: Vec<usize> =
        (0..keys.len()).filter(|&at| tuples.iter().any(|tuple| !tuple[at].is_empty())).collect();
    if valid.is_empty() { (0..keys.len()).collect() } else { valid }
}

/// Takes the first item with these values; keys without a value are not looked at.
fn take_match(items: &mut Vec<Node>, keys: &[&str], values: &[&str]) -> Option<Node> {
    find_match(items, keys, values).map(|at| items.remove(at))
}

fn find_match(items: &[Node], keys: &[&str], values: &[&str]) -> Option<usize> {
    let any = values.iter().any(|value| !value.is_empty());
    items.iter().position(|item| {
        node::kind(item) == Kind::Mapping
            && keys.iter().zip(values).all(|(key, value)| {
                (any && value.is_empty())
                    || item.get(key).is_some_and(|found| node::raw_text(found) == *value)
            })
    })
}

/// Replaces the items with these values of the first keys, or adds one; without an item they are taken out.
fn set_element(items: &mut Vec<Node>, keys: &[&str], values: &[&str], item: Option<Node>) {
    let mut found = false;
    let mut kept = Vec::with_capacity(items.len() + 1);
    for old in items.drain(..) {
        if node::is_null(&old) || is_empty_map(&old) {
            continue;
        }
        let named = values.first().is_some_and(|value| !value.is_empty());
        if node::kind(&old) != Kind::Mapping && named {
            kept.push(old);
            continue;
        }
        // Without any value nothing is the same, and nothing stays.
        let same = !values.is_empty()
            && keys.iter().zip(values).all(|(key, value)| {
                old.get(key).is_some_and(|found| value.is_empty() || node::raw_text(found) == *value)
            });
        if !same {
            if !values.is_empty() {
                kept.push(old);
            }
            continue;
        }
        found = true;
        kept.extend(item.clone());
    }
    if !found {
        kept.extend(item);
    }
    *items = kept;
}

/// Lists of scalars: those of the patch first, each once.
fn scalars(old: Vec<Node>, new: Vec<Node>) -> Vec<Node> {
    let mut seen = HashSet::new();
    new.into_iter()
        .chain(old)
        .filter(|item| !node::is_null(item) && seen.insert(SmolStr::from(node::raw_text(item))))
        .collect()
}
