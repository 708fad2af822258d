//! `vars`: `$(NAME)` in some fields becomes the value of another resource's field.

use std::collections::{BTreeMap, BTreeSet};

use gyre_yaml::{Node, NodeValue, Style, Tag};

use crate::error::{Result, fail, limit};
use crate::id::{Gvk, ResId};
use crate::limits::COPIED_BYTES_MAX;
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::target::Accumulator;
use crate::types::Var;

/// Marks the resource that a variable reads from.
pub(crate) fn mark(resources: &mut ResMap, var: &Var) -> Result<()> {
    let full = complete(var);
    let object = &full.object;
    let gvk = Gvk::new(&object.group, &object.version, &object.kind);
    let id = ResId::new(gvk, &object.name, &object.namespace);
    let exact = !id.namespace.is_empty() || id.cluster_scoped;
    let fits = |other: &ResId| if exact { id.equals(other) } else { id.same_name_and_kind(other) };
    match resources.by_any_id(fits).as_slice() {
        [] => Ok(()),
        [at] => {
            resources.contents_mut()[*at].variables.push(var.name.clone());
            Ok(())
        }
        many => fail(format!(
            "found {} resId matches for var {} (unable to disambiguate)",
            many.len(),
            shown(&Var { object: full.object.clone(), ..var.clone() })
        )),
    }
}

/// The variable with what it leaves out.
pub(crate) fn complete(var: &Var) -> Var {
    let mut var = var.clone();
    if var.field.field_path.is_empty() {
        var.field.field_path = "metadata.name".into();
    }
    let version = var.object.api_version.clone();
    match version.split('/').collect::<Vec<_>>().as_slice() {
        [""] => {}
        [version] => (*version).clone_into(&mut var.object.version),
        [group, version] => {
            (*group).clone_into(&mut var.object.group);
            (*version).clone_into(&mut var.object.version);
        }
        _ => {}
    }
    var
}

/// As Go's `%v` shows it.
pub(crate) fn shown(var: &Var) -> String {
    // compat(kustomize): of the object only the kind is shown.
    let object = &var.object;
    let gvk = Gvk::new(&object.group, &object.version, &object.kind);
    format!("{{{} {gvk} {{{}}}}}", var.name, var.field.field_path)
}

/// The value of a variable; only what is no list or mapping can be put into a field.
struct Value {
    text: String,
    tag: Tag,
    is_simple: bool,
}

/// Puts the values of all variables where they are named.
pub(crate) fn resolve(all: &mut Accumulator, warnings: &mut Vec<String>) -> Result<()> {
    if all.vars.is_empty() {
        return Ok(());
    }
    let mut values = BTreeMap::new();
    for var in all.vars.values() {
        values.insert(var.name.clone(), value(&all.resources, var)?);
    }
    let mut expansion = Expansion { values: &values, used: BTreeSet::new(), bytes: 0 };
    let specs = &all.config.var_references;
    for resource in all.resources.contents_mut() {
        for spec in specs {
            spec.visit(&mut resource.node, None, &mut |node: &mut Node| expansion.replace(node))?;
        }
    }
    let used = expansion.used;
    let unused: Vec<&str> = values.keys().filter(|name| !used.contains(*name)).map(String::as_str).collect();
    if !unused.is_empty() {
        warnings.push(format!("well-defined vars that were never replaced: {}", unused.join(",")));
    }
    Ok(())
}

fn value(resources: &ResMap, var: &Var) -> Result<Value> {
    let mut list = resources.list().iter();
    let Some(resource) = list.find(|resource| resource.variables.contains(&var.name)) else {
        return fail(format!(
            "var '{}' cannot be mapped to a field in the set of known resources",
            shown(var)
        ));
    };
    let path = slice_indexes(node::split_path_with_brackets(&var.field.field_path, '.'));
    let Ok(Some(found)) = node::path::lookup(&resource.node, &path) else {
        return fail(format!("field specified in var '{}' not found in corresponding resource", shown(var)));
    };
    let is_simple = node::kind(found) == Kind::Scalar;
    let tag = match found.tag {
        Tag::Int | Tag::Float | Tag::Bool => found.tag.clone(),
        _ => Tag::Str,
    };
    let mut text = node::raw_text(found).to_owned();
    if tag == Tag::Float
        && let Ok(float) = text.parse::<f64>()
    {
        text = float.to_string();
    }
    Ok(Value { text, tag, is_simple })
}

/// `ports[0]` becomes `ports` and `0`.
fn slice_indexes(path: Vec<String>) -> Vec<String> {
    let mut parts = Vec::new();
    for part in path {
        let index = part.strip_suffix(']').and_then(|open| open.rsplit_once('['));
        match index.filter(|(_, index)| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
        {
            Some((name, index)) => {
                if !name.is_empty() {
                    parts.push(name.to_owned());
                }
                parts.push(index.to_owned());
            }
            None => parts.push(part),
        }
    }
    parts
}

/// Variables on their way into fields.
struct Expansion<'a> {
    values: &'a BTreeMap<String, Value>,
    used: BTreeSet<String>,
    /// The length of all texts that were made.
    bytes: usize,
}

impl Expansion<'_> {
    fn replace(&mut self, node: &mut Node) -> Result<()> {
        if node::is_null(node) {
            return Ok(());
        }
        match &mut node.value {
            NodeValue::Mapping(pairs) => {
                for (key, value) in pairs {
                    if !node::is_string(key) {
                        let tag = &key.tag;
                        return fail(format!(
                            "invalid map key: value='{}', tag='{tag}'",
                            node::raw_text(key)
                        ));
                    }
                    if node::is_string(value) {
                        self.expand(value)?;
                    }
                }
                Ok(())
            }
            NodeValue::Sequence(items) => items.iter_mut().try_for_each(|item| {
                if !node::is_string(item) {
                    return fail("invalid value type expect a string");
                }
                self.expand(item)
            }),
            _ => {
                if node::is_string(node) {
                    self.expand(node)?;
                }
                Ok(())
            }
        }
    }

    /// Replaces `$(NAME)`; `$$` is a dollar sign. A text that is one variable takes its type.
    fn expand(&mut self, node: &mut Node) -> Result<()> {
        let input = node::raw_text(node).to_owned();
        let mut output = String::with_capacity(input.len());
        let mut rest = input.as_str();
        let mut tag = Tag::Str;
        while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
            output.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(escaped) = after.strip_prefix('$') {
                output.push('$');
                rest = escaped;
                continue;
            }
            let Some(inside) = after.strip_prefix('(') else {
                let next = after.chars().next().map_or(0, char::len_utf8);
                output.push('$');
                output.push_str(&after[..next]);
                rest = &after[next..];
                continue;
            };
            let Some(end) = inside.find(')') else {
                output.push_str("$(");
                rest = inside;
                continue;
            };
            let name = &inside[..end];
            match self.values.get(name) {
                Some(value) if value.is_simple => {
                    self.used.insert(name.to_owned());
                    if input.len() == name.len() + 3 {
                        tag = value.tag.clone();
                    }
                    self.bytes += value.text.len();
                    // bounded: a large value may be named any number of times.
                    if self.bytes > COPIED_BYTES_MAX {
                        return limit(format!("variables put in more than {COPIED_BYTES_MAX} bytes"));
                    }
                    output.push_str(&value.text);
                }
                _ => {
                    output.push_str("$(");
                    output.push_str(name);
                    output.push(')');
                }
            }
            rest = &inside[end + 1..];
        }
        output.push_str(rest);
        node.value = NodeValue::Scalar(output.into());
        node.tag = tag;
        node.style = Style::PLAIN;
        Ok(())
    }
}
