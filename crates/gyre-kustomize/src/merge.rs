//! Strategic merge as kyaml does it: patch into resource, lists merged by the keys that the schema names.
//!
//! Not the merge of `kubectl`: items that the patch adds come first, the whole resource is walked, and what is null
//! or carries a directive is treated as kyaml treats it.

mod list;

use gyre_yaml::{Node, NodeValue, Tag};

use crate::error::{Result, fail};
use crate::node::{self, Kind};
use crate::schema::{Place, Schema};

const DIRECTIVE: &str = "$patch";

/// Merges a patch into a resource; `None` where the patch deletes it.
pub(crate) fn apply(resource: Node, patch: Node, schema: &Schema) -> Result<Option<Node>> {
    let merge = Merge { schema };
    Ok(merge.walk(Some(resource), Some(patch), Place::Unknown)?.map(|merged| merged.node))
}

/// A merged value. A null that stays has to be told from one that removes its field.
struct Merged {
    node: Node,
    keep_null: bool,
}

impl From<Node> for Merged {
    fn from(node: Node) -> Self {
        Self { node, keep_null: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

struct Merge<'a> {
    schema: &'a Schema,
}

fn present(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| !node::is_null(node))
}

impl<'a> Merge<'a> {
    fn walk(&self, old: Option<Node>, new: Option<Node>, place: Place<'a>) -> Result<Option<Merged>> {
        let place = self.place(old.as_ref(), new.as_ref(), place);
        let Some(wanted) = present(old.as_ref()).or(present(new.as_ref())).map(node::kind) else {
            return self.map(old, new, place);
        };
        for node in [&old, &new].into_iter().flatten() {
            node::demand(node, wanted)?;
        }
        match wanted {
            Kind::Mapping => self.map(old, new, place),
            Kind::Sequence if place.is_merged_list() => self.merged_list(old, new, place),
            Kind::Sequence | Kind::Scalar => Ok(new.or(old).map(Merged::from)),
        }
    }

    /// A resource inside of what is not known is looked up by its own kind.
    fn place(&self, old: Option<&Node>, new: Option<&Node>, place: Place<'a>) -> Place<'a> {
        if !place.is_unknown() {
            return place;
        }
        for node in [old, new].into_iter().flatten().filter(|node| !node::is_null(node)) {
            let (Some(kind), Some(api_version)) = (node.get("kind"), node.get("apiVersion")) else {
                continue;
            };
            let found = self.schema.of_kind(node::text(api_version), node::text(kind));
            if !found.is_unknown() {
                return found;
            }
        }
        place
    }

    fn map(&self, old: Option<Node>, mut new: Option<Node>, place: Place<'a>) -> Result<Option<Merged>> {
        if present(old.as_ref()).is_none() {
            return match new {
                Some(new) => self.adopt(new, place),
                None => Ok(old.and_then(kept_null)),
            };
        }
        if new.as_ref().is_some_and(node::is_null) {
            return Ok(None);
        }
        match directive(new.as_mut())? {
            Directive::Delete => return Ok(None),
            Directive::Replace => return new.map_or(Ok(None), |new| self.adopt(new, place)),
            Directive::Merge => {}
        }
        let Some(mut old) = old else { return Ok(None) };
        let NodeValue::Mapping(old_pairs) = &mut old.value else { return Ok(Some(old.into())) };
        let mut new_pairs = match new.map(|new| new.value) {
            Some(NodeValue::Mapping(pairs)) => pairs,
            _ => Vec::new(),
        };
        let pairs = std::mem::take(old_pairs);
        let mut merged = Vec::with_capacity(pairs.len() + new_pairs.len());
        for (key, value) in pairs {
            let name = node::raw_text(&key);
            let at = new_pairs.iter().position(|(candidate, _)| node::raw_text(candidate) == name);
            let change = at.map(|at| new_pairs.remove(at).1);
            let style = value.style;
            let field = place.field(name);
            if let Some(mut value) = self.walk(Some(value), change, field)?.and_then(stays) {
                value.style = style;
                merged.push((key, value));
            }
        }
        for (key, value) in new_pairs {
            let field = place.field(node::raw_text(&key));
            if let Some(value) = self.walk(None, Some(value), field)?.and_then(stays) {
                merged.push((key, value));
            }
        }
        *old_pairs = merged;
        Ok(Some(old.into()))
    }

    /// A value that only the patch has: it is merged with itself, which carries out its directives and drops its nulls.
    fn adopt(&self, new: Node, place: Place<'a>) -> Result<Option<Merged>> {
        let place = self.place(None, Some(&new), place);
        let mut new = new;
        match &new.value {
            NodeValue::Mapping(_) => {
                if directive(Some(&mut new))? == Directive::Delete {
                    return Ok(None);
                }
                let NodeValue::Mapping(pairs) = &mut new.value else { return Ok(Some(new.into())) };
                let mut kept = Vec::with_capacity(pairs.len());
                for (key, value) in std::mem::take(pairs) {
                    let field = place.field(node::raw_text(&key));
                    if let Some(value) = self.adopt(value, field)?.and_then(stays) {
                        kept.push((key, value));
                    }
                }
                *pairs = kept;
                Ok(Some(new.into()))
            }
            NodeValue::Sequence(_) if place.is_merged_list() => self.adopt_list(new, place),
            _ => Ok(Some(new.into())),
        }
    }
}

/// What becomes of a null field that the patch does not name: one without text goes.
fn kept_null(old: Node) -> Option<Merged> {
    let text = node::raw_text(&old).to_owned();
    (!text.is_empty()).then(|| Merged { node: Node::scalar(text, Tag::Null), keep_null: true })
}

fn stays(merged: Merged) -> Option<Node> {
    (merged.keep_null || !node::is_null(&merged.node)).then_some(merged.node)
}

/// The directive of a mapping or list, which is taken out of it.
fn directive(patch: Option<&mut Node>) -> Result<Directive> {
    let Some(patch) = patch else { return Ok(Directive::Merge) };
    match &mut patch.value {
        NodeValue::Mapping(_) => {
            let Some(value) = patch.get(DIRECTIVE).filter(|value| !node::is_null(value)) else {
                return Ok(Directive::Merge);
            };
            let found = parse(node::raw_text(value))?;
            node::clear(patch, DIRECTIVE);
            Ok(found)
        }
        NodeValue::Sequence(items) => {
            let Some(item) = items.iter().find(|item| item.get(DIRECTIVE).is_some()) else {
                return Ok(Directive::Merge);
            };
            if item.as_mapping().is_some_and(|pairs| pairs.len() > 1) {
                return Ok(Directive::Merge);
            }
            let text = item.get(DIRECTIVE).map(node::raw_text).unwrap_or_default().to_owned();
            let found = parse(&text)?;
            items.retain(|item| item.get(DIRECTIVE).map(node::raw_text) != Some(text.as_str()));
            Ok(found)
        }
        _ => {
            let (tag, text) = (patch.tag.short().to_owned(), node::shown(patch));
            fail(format!("no implemented strategic merge patch strategy for '{tag}' ('{text}')"))
        }
    }
}

fn parse(text: &str) -> Result<Directive> {
    match text {
        "delete" => Ok(Directive::Delete),
        "replace" => Ok(Directive::Replace),
        "merge" => Ok(Directive::Merge),
        other => fail(format!("unknown patch strategy '{other}'")),
    }
}
