//! `replacements`: a value of one resource goes into fields of others.

mod structured;
mod visit;

use gyre_yaml::{Node, NodeValue, yaml_to_json};
use serde_json::Value;

use super::Transform;
use crate::build::Context;
use crate::decode::{Mode, decode};
use crate::error::{Error, Result, fail, limit};
use crate::id::ResId;
use crate::limits::COPIED_BYTES_MAX;
use crate::load::Root;
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::Matcher;
use crate::stop::Stop;
use crate::types::patch::Selector;
use crate::types::replacement::{FieldOptions, Replacement, Source, Target};

const DEFAULT_PATH: &str = "metadata.name";

/// Puts values of resources into others.
pub(crate) struct Replacements {
    list: Vec<Replacement>,
    stop: Stop,
}

impl Replacements {
    pub(super) fn configured(
        root: &Root<'_>,
        list: &[Replacement],
        context: &mut Context<'_>,
    ) -> Result<Self> {
        Self::new(root, list, context).map_err(|error| {
            error.within("trouble configuring builtin ReplacementTransformer with config: `\n`")
        })
    }

    pub(crate) fn new(root: &Root<'_>, list: &[Replacement], context: &mut Context<'_>) -> Result<Self> {
        let mut all = Vec::new();
        for replacement in list {
            if replacement.path.is_empty() {
                all.push(replacement.clone());
                continue;
            }
            if replacement.source.is_some()
                || replacement.targets.as_ref().is_some_and(|targets| !targets.is_empty())
            {
                return fail("cannot specify both path and inline replacement");
            }
            let content = root.read(&replacement.path, &mut context.spent)?;
            all.extend(read(&content)?);
        }
        Ok(Self { list: all, stop: context.spent.stop.clone() })
    }
}

/// One replacement, or a list of some.
fn read(content: &[u8]) -> Result<Vec<Replacement>> {
    let value = yaml_to_json(content)
        .map_err(|error| Error::new(format!("error converting YAML to JSON: {error}")))?;
    let failed = |text: String| Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}"));
    match value {
        Value::Array(_) => decode(&value, Mode::Lenient).map_err(failed),
        Value::Object(_) => decode(&value, Mode::Lenient).map(|one| vec![one]).map_err(failed),
        other => {
            let kind = match other {
                Value::Null => "invalid",
                Value::Bool(_) => "bool",
                Value::Number(_) => "float64",
                _ => "string",
            };
            fail(format!("unsupported replacement type encountered within replacement path: {kind}"))
        }
    }
}

impl Transform for Replacements {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        let mut copied = 0;
        for replacement in &self.list {
            self.stop.check()?;
            let targets = match &replacement.targets {
                Some(targets) if replacement.source.is_some() || replacement.source_value.is_some() => {
                    targets
                }
                _ => return fail("replacements must specify a source and at least one target"),
            };
            let value = value(resources.list(), replacement)?;
            for target in targets {
                put(resources, target, &value, &mut copied)?;
            }
        }
        resources.drop_empties();
        Ok(())
    }
}

fn value(resources: &[Resource], replacement: &Replacement) -> Result<Node> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => return fail("value and resource selectors are mutually exclusive"),
        (Some(source), None) => source,
        (None, text) => return Ok(node::untagged(text.clone().unwrap_or_default())),
    };
    let resource = select_source(resources, source)?;
    let field = if source.field_path.is_empty() { DEFAULT_PATH } else { &source.field_path };
    let path = node::split_path_with_brackets(field, '.');
    let found = node::path::lookup(&resource.node, &path)
        .map_err(|error| error.within("error looking up replacement source"))?;
    let Some(found) = found.filter(|found| !node::is_nil_or_empty(found)) else {
        return fail(format!("fieldPath `{field}` is missing for replacement source {}", source.id()));
    };
    refine(found, source.options.as_ref())
}

fn select_source<'a>(resources: &'a [Resource], source: &Source) -> Result<&'a Resource> {
    let wanted = source.id();
    let fits = |id: &ResId| {
        (wanted.namespace.is_empty() || wanted.same_namespace(id))
            && (wanted.name.is_empty() || wanted.name == id.name)
            && id.gvk.is_selected(&wanted.gvk)
    };
    let mut matches = resources.iter().filter(|resource| resource.any_ids().any(|id| fits(&id)));
    match (matches.next(), matches.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => fail(format!("multiple matches for selector {}", shown_source(source))),
        _ => fail(format!("nothing selected by {}", shown_source(source))),
    }
}

fn shown_source(source: &Source) -> String {
    let mut source = source.clone();
    if source.field_path.is_empty() {
        source.field_path = String::new();
    }
    source.shown()
}

/// The part of a text that the options name.
fn refine(found: &Node, options: Option<&FieldOptions>) -> Result<Node> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        return Ok(found.clone());
    };
    if node::kind(found) != Kind::Scalar {
        return fail("delimiter option can only be used with scalar nodes");
    }
    let text = node::text(found);
    let parts: Vec<&str> = text.split(options.delimiter.as_str()).collect();
    let index = options.index.0;
    let part = usize::try_from(index).ok().and_then(|index| parts.get(index));
    let Some(part) = part else {
        return fail(format!("options.index {index} is out of bounds for value {text}"));
    };
    let mut refined = found.clone();
    refined.value = NodeValue::Scalar((*part).into());
    Ok(refined)
}

/// Puts a value into all resources that the target selects; `copied` counts the bytes of all values so far.
fn put(resources: &mut ResMap, target: &Target, value: &Node, copied: &mut usize) -> Result<()> {
    let Some(select) = &target.select else { return fail("target must specify resources to select") };
    let compile = |selector: &Selector| {
        Matcher::new(selector).map_err(|error| error.within("error creating target selector"))
    };
    let matcher = compile(select)?;
    let rejects = target.reject.iter().map(compile).collect::<Result<Vec<_>>>()?;
    let default = [DEFAULT_PATH.to_owned()];
    let fields: &[String] = if target.field_paths.is_empty() { &default } else { &target.field_paths };
    let paths: Vec<(&str, Vec<String>)> =
        fields.iter().map(|field| (field.as_str(), node::split_path_with_brackets(field, '.'))).collect();
    for resource in resources.list_mut() {
        if !matcher.fits_metadata(resource)? {
            continue;
        }
        let mut rejected = false;
        for reject in rejects.iter().filter(|reject| reject.by_metadata) {
            rejected = rejected || reject.fits_metadata(resource)?;
        }
        let has = |matcher: &Matcher| resource.any_ids().any(|id| matcher.fits_id(&id));
        if rejected || rejects.iter().any(|reject| reject.by_id && has(reject)) || !has(&matcher) {
            continue;
        }
        copy_into(&mut resource.node, value, &paths, target.options.as_ref(), copied)?;
    }
    Ok(())
}

fn copy_into(
    resource: &mut Node,
    value: &Node,
    paths: &[(&str, Vec<String>)],
    options: Option<&FieldOptions>,
    copied: &mut usize,
) -> Result<()> {
    let create = options.filter(|options| options.create).map(|_| node::kind(value));
    let size = size(value);
    for (field, path) in paths {
        if structured::set(resource, value, path, create).is_ok() {
            continue;
        }
        let words = if create.is_some() { "find or create" } else { "find" };
        let problem = format!(
            "unable to {words} field {} in replacement target",
            gyre_go::strconv::quote(field.as_bytes())
        );
        let mut failure = None;
        let mut set = |found: &mut Node| {
            *copied += size;
            let result = if *copied > COPIED_BYTES_MAX {
                limit(format!("replacements put in more than {COPIED_BYTES_MAX} bytes"))
            } else {
                set_field(found, value, options)
            };
            failure = failure.take().or(result.err());
        };
        let count = visit::visit(resource, path, create, &mut set).map_err(|error| error.within(&problem))?;
        if let Some(error) = failure {
            return Err(error);
        }
        if count == 0 {
            return fail(problem);
        }
    }
    Ok(())
}

/// About how many bytes a copy of the node takes.
fn size(node: &Node) -> usize {
    let inside = match &node.value {
        NodeValue::Sequence(items) => items.iter().map(size).sum(),
        NodeValue::Mapping(pairs) => pairs.iter().map(|(key, value)| size(key) + size(value)).sum(),
        _ => node::raw_text(node).len(),
    };
    inside + size_of::<Node>()
}

fn set_field(field: &mut Node, value: &Node, options: Option<&FieldOptions>) -> Result<()> {
    let mut value = value.clone();
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        if node::kind(field) != Kind::Scalar {
            return fail("delimiter option can only be used with scalar nodes");
        }
        let delimiter = options.delimiter.as_str();
        let mut parts: Vec<&str> = node::raw_text(field).split(delimiter).collect();
        let text = node::text(&value).to_owned();
        match usize::try_from(options.index.0) {
            Err(_) => parts.insert(0, &text),
            Ok(index) if index >= parts.len() => parts.push(&text),
            Ok(index) => parts[index] = &text,
        }
        value.value = NodeValue::Scalar(parts.join(delimiter).into());
    }
    take(field, value);
    Ok(())
}

/// A scalar takes the text only: it stays of its type. Anything else is replaced.
fn take(field: &mut Node, value: Node) {
    if node::kind(field) == Kind::Scalar {
        field.value = NodeValue::Scalar(node::raw_text(&value).into());
    } else {
        *field = value;
    }
}
