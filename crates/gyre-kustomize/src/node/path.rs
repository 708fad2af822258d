//! Paths as kyaml reads them: fields, indexes, and list items by what they hold.

use gyre_yaml::{Node, NodeValue};

use super::{Kind, demand, is_null, raw_text};
use crate::error::{Result, fail};

/// Is this `[name=value]` or the like?
pub(crate) fn is_list_index(part: &str) -> bool {
    part.len() > 1 && part.starts_with('[') && part.ends_with(']')
}

/// Is this a number?
pub(crate) fn index(part: &str) -> Option<i64> {
    gyre_go::strconv::atoi(part).ok()
}

/// The name and the value of `[name=value]`; the name may be empty.
pub(crate) fn name_and_value(part: &str) -> Result<(&str, &str)> {
    let inside = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')).unwrap_or(part);
    match inside.split_once('=') {
        Some(pair) => Ok(pair),
        None => fail("list path element must contain fieldName=fieldValue for element to match"),
    }
}

/// The node at a path; `None` where there is none.
pub(crate) fn lookup<'a>(node: &'a Node, path: &[String]) -> Result<Option<&'a Node>> {
    let mut at = node;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        match step(at, part)? {
            Some(found) if !is_null(found) => at = found,
            found => return Ok(found.filter(|_| false)),
        }
    }
    Ok(Some(at))
}

fn step<'a>(node: &'a Node, part: &str) -> Result<Option<&'a Node>> {
    if let Some(index) = index(part) {
        let Ok(index) = usize::try_from(index) else {
            return fail(format!("array index {index} cannot be negative"));
        };
        demand(node, Kind::Sequence)?;
        return Ok(node.as_sequence().unwrap_or_default().get(index));
    }
    if part == "-" {
        demand(node, Kind::Sequence)?;
        return Ok(node.as_sequence().and_then(<[Node]>::last));
    }
    if part == "*" {
        return fail("wildcard is not supported in PathGetter");
    }
    if !is_list_index(part) {
        demand(node, Kind::Mapping)?;
        return Ok(node.get(part));
    }
    let (name, value) = name_and_value(part)?;
    demand(node, Kind::Sequence)?;
    let items = node.as_sequence().unwrap_or_default();
    Ok(items.iter().find(|item| match &item.value {
        NodeValue::Scalar(text) if name.is_empty() => text == value,
        NodeValue::Mapping(_) if !name.is_empty() => {
            item.get(name).is_some_and(|field| raw_text(field) == value)
        }
        _ => false,
    }))
}
