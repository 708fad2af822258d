//! Patches: strategic merge patches and JSON patches, by name or by selector.

use gyre_go::strconv::quote;
use gyre_merge::json_patch::{Flavor, Options, Patch as JsonPatch};
use gyre_yaml::{Node, yaml_to_json};
use serde_json::{Map, Value};

use super::Transform;
use crate::build::Context;
use crate::error::{Error, Result, fail};
use crate::limits::COPIED_BYTES_MAX;
use crate::load::Root;
use crate::merge;
use crate::node;
use crate::parse;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::Matcher;
use crate::types::patch::{Patch, Selector};

fn quoted(text: &impl ToString) -> String {
    quote(text.to_string().as_bytes())
}

/// The error where the configuration of a transformer fails.
fn trouble(kind: &str, config: &str) -> impl FnOnce(Error) -> Error {
    let prefix = format!("trouble configuring builtin {kind} with config: `\n{config}`");
    move |error| error.within(prefix)
}

/// One of `patches`: of either sort, as it turns out.
pub(crate) struct Any {
    sort: Sort,
    target: Option<Selector>,
    source: String,
}

enum Sort {
    Merge(Vec<Resource>),
    Json(JsonPatch),
}

impl Any {
    pub(super) fn configured(root: &Root<'_>, patch: &Patch, context: &mut Context<'_>) -> Result<Self> {
        let config = patch.config_text("patch");
        Self::new(root, patch, &config, context).map_err(trouble("PatchTransformer", &config))
    }

    pub(crate) fn new(
        root: &Root<'_>,
        patch: &Patch,
        config: &str,
        context: &mut Context<'_>,
    ) -> Result<Self> {
        let inline = patch.patch.trim();
        let (text, source) = match (inline.is_empty(), patch.path.is_empty()) {
            (true, true) => return fail(format!("must specify one of patch and path in\n{config}")),
            (false, false) => return fail(format!("patch and path can't be set at the same time\n{config}")),
            (false, true) => (inline.as_bytes().to_vec(), format!("[patch: {}]", quoted(&inline))),
            (true, false) => {
                let content = root.read(&patch.path, &mut context.spent).map_err(|error| {
                    error.within(format!("failed to get the patch file from path({})", patch.path))
                })?;
                (content.to_vec(), format!("[path: {}]", quoted(&patch.path)))
            }
        };
        let merges = context.parse(&text);
        let json = decode(&text);
        let sort = match (merges, json) {
            (Ok(merges), Ok(json)) if !merges.is_empty() && !json.is_empty() => {
                return fail(format!("illegally qualifies as both an SM and JSON patch: {source}"));
            }
            (Ok(mut merges), _) => {
                for (merge, options) in merges.iter_mut().zip(std::iter::repeat(&patch.options)) {
                    let options = options.clone().unwrap_or_default();
                    merge.memory.allow_name_change |= options.allow_name_change;
                    merge.memory.allow_kind_change |= options.allow_kind_change;
                }
                Sort::Merge(merges)
            }
            (Err(_), Ok(json)) => Sort::Json(json),
            (Err(_), Err(_)) => return fail(format!("unable to parse SM or JSON patch from {source}")),
        };
        Ok(Self { sort, target: patch.target.clone(), source })
    }
}

fn decode(text: &[u8]) -> Result<JsonPatch> {
    let failed = |error: &dyn ToString| Error::new(error.to_string());
    match text.first() {
        None => fail("empty json patch operations"),
        Some(b'[') => JsonPatch::decode(text, Flavor::V4).map_err(|error| failed(&error)),
        Some(_) => {
            let value = yaml_to_json(text)?;
            JsonPatch::from_value(value, Flavor::V4).map_err(|error| failed(&error))
        }
    }
}

fn select(resources: &ResMap, selector: &Selector) -> Result<Vec<usize>> {
    let matcher = Matcher::new(selector)?;
    let mut picked = Vec::new();
    for (at, resource) in resources.list().iter().enumerate() {
        if matcher.picks(resource)? {
            picked.push(at);
        }
    }
    Ok(picked)
}

impl Transform for Any {
    fn apply(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        match (&self.sort, &self.target) {
            (Sort::Merge(patches), Some(target)) => {
                let [patch] = patches.as_slice() else {
                    if patches.is_empty() {
                        return Ok(());
                    }
                    return fail(format!(
                        "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set \
                         `patches.target` field: {}",
                        self.source
                    ));
                };
                let selected = select(resources, target).map_err(|error| {
                    error.within(format!(
                        "unable to find patch target {} in `resources`",
                        quoted(&target.shown())
                    ))
                })?;
                merge_into(resources, &selected, patch, schema)
            }
            (Sort::Merge(patches), None) => {
                for patch in patches {
                    let id = patch.original_id();
                    let at = resources.find(&id).map_err(|error| {
                        error.within(format!("no resource matches strategic merge patch {}", quoted(&id)))
                    })?;
                    let renames = patch.memory.allow_name_change || patch.memory.allow_kind_change;
                    let list: &mut [Resource] =
                        if renames { resources.list_mut() } else { resources.contents_mut() };
                    merge_one(&mut list[at], patch.clone(), schema)?;
                }
                Ok(())
            }
            (Sort::Json(_), None) => fail(format!("must specify a target for JSON patch {}", self.source)),
            (Sort::Json(patch), Some(target)) => {
                for at in select(resources, target)? {
                    let resource = &mut resources.list_mut()[at];
                    resource.remember_id();
                    json_into(resource, patch)?;
                }
                Ok(())
            }
        }
    }
}

/// Merges a patch into what was selected: it takes the resource's version and group first.
fn merge_into(resources: &mut ResMap, selected: &[usize], patch: &Resource, schema: &Schema) -> Result<()> {
    let mut patch = patch.clone();
    normalise_metadata(&mut patch.node);
    let kind = patch.kind().to_owned();
    let renames = patch.memory.allow_name_change || patch.memory.allow_kind_change;
    for &at in selected {
        let mut copy = patch.clone();
        let target = &mut resources.contents_mut()[at];
        node::set_field(&mut copy.node, "apiVersion", node::untagged(target.api_version()));
        node::set_field(&mut copy.node, "kind", node::untagged(kind.as_str()));
        merge_one(target, copy, schema)?;
    }
    resources.drop_empties();
    if renames {
        let list = std::mem::take(resources).into_list();
        *resources = ResMap::from_list(list)?;
    }
    Ok(())
}

/// Labels and annotations of texts only; empty ones go.
fn normalise_metadata(patch: &mut Node) {
    for field in ["labels", "annotations"] {
        let texts = node::metadata_map(patch, field);
        if node::metadata(patch).is_some_and(|metadata| metadata.get(field).is_some()) {
            node::set_metadata_map(patch, field, &texts);
        }
    }
}

fn merge_one(resource: &mut Resource, patch: Resource, schema: &Schema) -> Result<()> {
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
    let memory = patch.memory;
    if memory.allow_name_change || memory.allow_kind_change {
        resource.remember_id();
    }
    let old = std::mem::replace(&mut resource.node, deleted());
    let Some(merged) = merge::apply(old, patch.node, schema)? else { return Ok(()) };
    resource.node = merged;
    if node::is_nil_or_empty(&resource.node) {
        return Ok(());
    }
    if !memory.allow_kind_change {
        node::set_field(&mut resource.node, "kind", node::untagged(kind));
    }
    if !memory.allow_name_change {
        node::set_metadata_text(&mut resource.node, "name", &name);
    }
    node::set_namespace(&mut resource.node, &namespace);
    Ok(())
}

fn deleted() -> Node {
    Node::mapping(Vec::new())
}

/// Applies a JSON patch. What Kustomize remembers survives whatever the patch does to annotations.
fn json_into(resource: &mut Resource, patch: &JsonPatch) -> Result<()> {
    let before = resource.to_value_with_memory()?;
    let options = Options { copy_bytes_max: Some(COPIED_BYTES_MAX), ..Options::new(Flavor::V4) };
    let after = patch.apply(before, options).map_err(|error| Error::new(error.to_string()))?;
    resource.node = parse::from_patched_json(&after);
    let memory = resource.memory.clone();
    resource.absorb_annotations();
    resource.memory = memory;
    let annotations = resource.annotations();
    if !annotations.is_empty()
        || node::metadata(&resource.node).is_some_and(|it| it.get("annotations").is_some())
    {
        node::set_metadata_map(&mut resource.node, "annotations", &annotations);
    }
    Ok(())
}

/// One of `patchesJson6902`.
pub(crate) struct Json {
    patch: JsonPatch,
    target: Selector,
}

impl Json {
    pub(super) fn configured(root: &Root<'_>, patch: &Patch, context: &mut Context<'_>) -> Result<Self> {
        let config = patch.config_text("jsonOp");
        Self::new(root, patch, context).map_err(trouble("PatchJson6902Transformer", &config))
    }

    pub(crate) fn new(root: &Root<'_>, patch: &Patch, context: &mut Context<'_>) -> Result<Self> {
        let target = patch.target.clone().unwrap_or_default();
        if target.name.is_empty() {
            return fail("must specify the target name");
        }
        let mut text = patch.patch.clone().into_bytes();
        match (patch.path.is_empty(), text.is_empty()) {
            (true, true) => return fail("empty file path and empty jsonOp"),
            (false, false) => return fail("must specify a file path or jsonOp, not both"),
            (false, true) => {
                text = root.read(&patch.path, &mut context.spent)?.to_vec();
                if text.is_empty() {
                    return fail(format!("patch file '{}' empty seems to be empty", patch.path));
                }
            }
            (true, false) => {}
        }
        if text.first() != Some(&b'[') {
            let value = yaml_to_json(&text)?;
            let mut json = String::new();
            crate::hash::go_json(&value, &mut json);
            text = json.into_bytes();
        }
        let shown = String::from_utf8_lossy(&text).into_owned();
        // The texts of Go's decoder where the text is no JSON at all.
        let decoded = match gyre_go::json::parse(&text) {
            Err(error) => fail(error.to_string()),
            Ok(_) => JsonPatch::decode(&text, Flavor::V4).map_err(|error| Error::new(error.to_string())),
        };
        let decoded = decoded.map_err(|error| error.within(format!("decoding {shown}")))?;
        if decoded.is_empty() {
            return fail(format!("patch appears to be empty; file={}, JsonOp={shown}", patch.path));
        }
        Ok(Self { patch: decoded, target })
    }
}

impl Transform for Json {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        for at in select(resources, &self.target)? {
            json_into(&mut resources.list_mut()[at], &self.patch)?;
        }
        Ok(())
    }
}

/// All of `patchesStrategicMerge`.
pub(crate) struct StrategicMerge {
    patches: Vec<Resource>,
}

impl StrategicMerge {
    pub(super) fn configured(root: &Root<'_>, paths: &[String], context: &mut Context<'_>) -> Result<Self> {
        let map: Map<String, Value> =
            [("paths".to_owned(), paths.iter().map(String::as_str).collect())].into_iter().collect();
        let config = gyre_yaml::write_value(&Value::Object(map));
        Self::new(root, paths, "", context).map_err(trouble("PatchStrategicMergeTransformer", &config))
    }

    pub(crate) fn new(
        root: &Root<'_>,
        paths: &[String],
        inline: &str,
        context: &mut Context<'_>,
    ) -> Result<Self> {
        if paths.is_empty() && inline.is_empty() {
            return fail("empty file path and empty patch content");
        }
        let mut patches = Vec::new();
        for path in paths {
            // compat(kustomize): a path may be the patch itself.
            if let Ok(found) = context.parse(path.as_bytes()) {
                patches.extend(found);
                continue;
            }
            let content = root.read(path, &mut context.spent)?;
            let found = context.parse(&content).map_err(|error| parse::in_file(error, path))?;
            patches.extend(found);
        }
        if !inline.is_empty() {
            patches.extend(context.parse(inline.as_bytes())?);
        }
        if patches.is_empty() {
            return fail(format!("patch appears to be empty; files=[{}], Patch={inline}", paths.join(" ")));
        }
        Ok(Self { patches })
    }
}

impl Transform for StrategicMerge {
    fn apply(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        for patch in &self.patches {
            let at = resources.find(&patch.original_id())?;
            merge_into(resources, &[at], patch, schema)?;
        }
        Ok(())
    }
}
