//! All nodes that a path leads to: list items by expressions, every item with `*`, and what is missing made.

use gyre_go::regexp::Regexp;
use gyre_yaml::{Dialect, Node, NodeValue, parse_first};

use crate::error::{Error, Result, fail};
use crate::limits::LIST_ITEMS_MAX;
use crate::node::path::{index, is_list_index, name_and_value};
use crate::node::{self, Kind};

type Found<'a> = &'a mut dyn FnMut(&mut Node);

/// Calls `found` for every node at the path; the number of them.
pub(super) fn visit(
    node: &mut Node,
    path: &[String],
    create: Option<Kind>,
    found: Found<'_>,
) -> Result<usize> {
    let Some((part, rest)) = path.split_first() else {
        found(node);
        return Ok(1);
    };
    if let Some(index) = index(part) {
        return item(node, index, part, rest, create, found);
    }
    if is_list_index(part) {
        return matching(node, part, rest, create, found);
    }
    if part == "*" {
        let mut count = 0;
        for item in items(node)? {
            count += visit(item, rest, create, found)?;
        }
        return Ok(count);
    }
    field(node, part, rest, create, found)
}

fn items(node: &mut Node) -> Result<&mut Vec<Node>> {
    node::demand(node, Kind::Sequence)?;
    if node::is_null(node) {
        *node = node::empty(Kind::Sequence);
    }
    match &mut node.value {
        NodeValue::Sequence(items) => Ok(items),
        _ => fail("not a list"),
    }
}

/// What kind a missing node has, by what follows.
fn made(rest: &[String], create: Kind) -> Kind {
    match rest.first() {
        None => create,
        Some(next) if next.is_empty() => create,
        Some(next) if is_list_index(next) || index(next).is_some() => Kind::Sequence,
        Some(_) => Kind::Mapping,
    }
}

fn field(
    node: &mut Node,
    name: &str,
    rest: &[String],
    create: Option<Kind>,
    found: Found<'_>,
) -> Result<usize> {
    node::demand(node, Kind::Mapping)?;
    let field = match create {
        Some(create) => node::field_or_create(node, name, made(rest, create)),
        None => node.get_mut(name),
    };
    let Some(field) = field else { return Ok(0) };
    if node::kind(field) == Kind::Scalar && !rest.is_empty() {
        // compat(kustomize): what is set in there is lost.
        let text = node::raw_text(field).to_owned();
        let parsed = parse_first(text.as_bytes(), Dialect::V3)?;
        let mut inside = match parsed {
            Some(document) => document.root,
            None => {
                return Err(Error::new(
                    "wrong node kind: expected MappingNode but got unknown: node contents:\n",
                ));
            }
        };
        return visit(&mut inside, rest, create, found);
    }
    visit(field, rest, create, found)
}

fn item(
    node: &mut Node,
    index: i64,
    part: &str,
    rest: &[String],
    create: Option<Kind>,
    found: Found<'_>,
) -> Result<usize> {
    let items = items(node)?;
    let count = items.len();
    let Ok(at) = usize::try_from(index) else { return fail(format!("index {index} is negative")) };
    if let Some(create) = create.filter(|_| at == count) {
        if count >= LIST_ITEMS_MAX {
            return fail(format!("failed to append element for {part:?}: the list is too long"));
        }
        items.push(node::empty(made(rest, create)));
    }
    match items.get_mut(at) {
        Some(item) => visit(item, rest, create, found),
        None => fail(format!("index {index} specified but only {count} elements found")),
    }
}

fn matching(
    node: &mut Node,
    part: &str,
    rest: &[String],
    create: Option<Kind>,
    found: Found<'_>,
) -> Result<usize> {
    let (name, pattern) = name_and_value(part)?;
    let expression = Regexp::parse(pattern).map_err(|error| Error::new(error.to_string()));
    let items = items(node)?;
    let mut count = 0;
    for item in items.iter_mut() {
        let Some(text) = shown(item, name) else { continue };
        if !expression.as_ref().map_err(Clone::clone)?.is_match(text.as_bytes()) {
            continue;
        }
        if name.is_empty() {
            found(item);
            count += 1;
        } else {
            count += visit(item, rest, create, found)?;
        }
    }
    if count > 0 || create.is_none() {
        return Ok(count);
    }
    if items.len() >= LIST_ITEMS_MAX {
        return fail(format!("failed to create element for {part:?}: the list is too long"));
    }
    let value = node::untagged(pattern);
    let mut made = if name.is_empty() { value } else { Node::mapping(vec![(Node::string(name), value)]) };
    if !expression?.is_match(pattern.as_bytes()) {
        return fail(format!("failed to create element for {part:?}: it does not match itself"));
    }
    let count = if name.is_empty() {
        found(&mut made);
        1
    } else {
        visit(&mut made, rest, create, found)?
    };
    items.push(made);
    Ok(count)
}

/// The text that an expression is matched with.
fn shown(item: &Node, name: &str) -> Option<String> {
    let node = if name.is_empty() { item } else { item.get(name)? };
    Some(node::shown(node).trim().to_owned())
}
