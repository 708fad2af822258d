//! A value that is put into fields, or into a place of the paths that they hold.

use gyre_yaml::{Node, NodeValue, Tag};

use super::Transform;
use super::namespace::Namespace;
use crate::error::{Result, fail};
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::selector::Matcher;
use crate::types::patch::Selector;

/// Puts a value into fields.
pub(crate) struct ValueAdd {
    pub(crate) value: String,
    pub(crate) targets: Vec<Target>,
}

/// A field that gets the value.
pub(crate) struct Target {
    pub(crate) selector: Option<Selector>,
    pub(crate) field: String,
    pub(crate) position: usize,
}

impl Transform for ValueAdd {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        for target in &self.targets {
            let matcher = target.selector.as_ref().map(Matcher::new).transpose()?;
            for resource in resources.list_mut() {
                if let Some(matcher) = &matcher
                    && !matcher.picks(resource)?
                {
                    continue;
                }
                if target.field == "metadata/namespace" {
                    Namespace::new(&self.value, Vec::new()).run(&mut resource.node)?;
                } else {
                    self.add(target, &mut resource.node)?;
                }
            }
        }
        Ok(())
    }
}

impl ValueAdd {
    fn add(&self, target: &Target, resource: &mut Node) -> Result<()> {
        let mut parts: Vec<String> = Vec::new();
        for part in target.field.split('/') {
            match parts.last_mut().filter(|last| last.ends_with('\\')) {
                Some(last) => {
                    last.pop();
                    last.push('/');
                    last.push_str(part);
                }
                None => parts.push(part.to_owned()),
            }
        }
        parts.retain(|part| !part.trim().is_empty());
        let mut at = resource;
        let count = parts.len();
        for (depth, part) in parts.iter().enumerate() {
            node::demand(at, Kind::Mapping)?;
            if node::is_null(at) {
                *at = node::empty(Kind::Mapping);
            }
            let made = if depth + 1 == count { Kind::Scalar } else { Kind::Mapping };
            let Some(field) = node::field_or_create(at, part.trim(), made) else {
                return fail(format!("cannot reach '{}'", target.field));
            };
            at = field;
        }
        node::demand(at, Kind::Scalar)?;
        let value = match target.position {
            0 => self.value.clone(),
            position => insert(node::raw_text(at), position - 1, &self.value),
        };
        let style = at.style;
        at.value = NodeValue::Scalar(value.into());
        at.tag = Tag::None;
        at.style = style;
        Ok(())
    }
}

/// A path with a part put in; a leading slash stays.
fn insert(path: &str, position: usize, value: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), value);
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}
