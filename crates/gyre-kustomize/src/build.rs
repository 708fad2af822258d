//! A whole build: from the top kustomization to the objects.

use std::collections::BTreeSet;

use gyre_model::FileTree;
use gyre_yaml::{Dialect, Node};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::helm::Charts;
use crate::load::{LoadRestrictions, Root, Spent};
use crate::origin::Origin;
use crate::parse::{self, Cache};
use crate::plugins::Hashes;
use crate::remote::Remote;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::scope::is_cluster_scoped;
use crate::stop::Stop;
use crate::target::{Accumulator, Target};
use crate::transform::{self, Transform, labels::Entries};
use crate::types::SortOptions;

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const MANAGER: &str = concat!("kustomize-", version!());

/// The version of Kustomize that this one is equal to.
pub const VERSION: &str = version!();

macro_rules! version {
    () => {
        "v5.8.1"
    };
}
use version;

/// The order of the objects where the kustomization does not say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// Namespaces and definitions first, webhooks last.
    #[default]
    Legacy,
    /// As they were read.
    None,
}

/// What a build may do, and how.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// How messages call the tree's root. Absolute paths of the kustomization are taken below it.
    pub shown_root: &'a str,
    /// How messages call the path that was asked for, and the address that is asked for in its place where this is the
    /// one of a repository. The path itself where it is empty.
    pub shown_path: &'a str,
    /// Which files a kustomization may read.
    pub load_restrictions: LoadRestrictions,
    /// The order of the objects.
    pub reorder: Reorder,
    /// Label every object with its manager.
    pub managed_by_label: bool,
    /// What fetches remote files and repositories. Without it they are refused.
    pub remote: Option<&'a dyn Remote>,
    /// What renders charts. Without it they are refused.
    pub charts: Option<&'a dyn Charts>,
    /// Parsed files that builds share.
    pub cache: Option<&'a Cache>,
    /// What ends the build when its time is over.
    pub stop: Option<&'a Stop>,
}

/// What a build makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// The objects, in order.
    pub objects: Vec<Value>,
    /// What is to be told about old fields and unused variables.
    pub warnings: Vec<String>,
}

impl Rendered {
    /// The objects as Kustomize prints them.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        for (at, object) in self.objects.iter().enumerate() {
            if at > 0 {
                text.push_str("---\n");
            }
            text.push_str(&gyre_yaml::write_value(object));
        }
        text
    }

    /// A file for each object: its name and its text. The namespace is in the names where there are several.
    pub fn files(&self) -> Vec<(String, String)> {
        let ids: Vec<Id> = self.objects.iter().map(Id::of).collect();
        let namespaces: BTreeSet<&str> = ids.iter().filter_map(|id| id.namespace).collect();
        let prefix = |id: &Id<'_>| match id.namespace {
            Some(namespace) if namespaces.len() > 1 => format!("{}_", namespace.to_lowercase()),
            _ => String::new(),
        };
        let texts = self.objects.iter().map(gyre_yaml::write_value);
        ids.iter().map(|id| format!("{}{}.yaml", prefix(id), id.name)).zip(texts).collect()
    }
}

/// What the file of an object is called by.
struct Id<'a> {
    /// `None` where objects of the kind have none.
    namespace: Option<&'a str>,
    name: String,
}

impl<'a> Id<'a> {
    fn of(object: &'a Value) -> Self {
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str).unwrap_or_default();
        let api_version = text(object.get("apiVersion"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = text(object.get("kind"));
        let given = text(object.pointer("/metadata/namespace"));
        let namespace = if given.is_empty() { "default" } else { given };
        let parts = [group, version, kind].into_iter().filter(|part| !part.is_empty());
        let name = [&parts.collect::<Vec<_>>().join("_"), text(object.pointer("/metadata/name"))].join("_");
        Self {
            namespace: (!is_cluster_scoped(group, version, kind)).then_some(namespace),
            name: name.to_lowercase(),
        }
    }
}

/// What all kustomizations of a build share.
pub(crate) struct Context<'a> {
    pub(crate) cache: Option<&'a Cache>,
    pub(crate) charts: Option<&'a dyn Charts>,
    pub(crate) spent: Spent,
    pub(crate) schema: Option<Schema>,
    /// Were the built-in types read before a schema of the user's was?
    pub(crate) knows_builtin: bool,
    pub(crate) warnings: Vec<String>,
}

impl Context<'_> {
    /// The resources of a file.
    pub(crate) fn parse(&mut self, content: &[u8]) -> Result<Vec<Resource>> {
        let contents = match self.cache {
            Some(cache) => cache.contents(content),
            None => parse::contents(content),
        }?;
        self.spent.aliased(contents.aliased)?;
        Ok(contents.resources)
    }

    pub(crate) fn schema(&self) -> Schema {
        self.schema.clone().unwrap_or_else(Schema::builtin)
    }
}

/// Renders the kustomization at a directory of the tree. The errors' texts are Kustomize's.
pub fn build(options: &Options<'_>, tree: &FileTree, path: &str) -> Result<Rendered> {
    let mut objects = Vec::new();
    let warnings = build_each(options, tree, path, |object| objects.push(object))?;
    Ok(Rendered { objects, warnings })
}

/// The same as texts, one for each object, and the warnings: no two objects are held at once.
pub fn build_texts(options: &Options<'_>, tree: &FileTree, path: &str) -> Result<(Vec<String>, Vec<String>)> {
    let mut texts = Vec::new();
    let warnings = build_each(options, tree, path, |object| {
        let mut text = gyre_yaml::write_value(&object);
        text.shrink_to_fit();
        texts.push(text);
    })?;
    Ok((texts, warnings))
}

/// Gives every object to `each`, in order, and the warnings back. An error may come behind the first objects.
fn build_each(
    options: &Options<'_>,
    tree: &FileTree,
    path: &str,
    each: impl FnMut(Value),
) -> Result<Vec<String>> {
    let mut context = Context {
        cache: options.cache,
        charts: options.charts,
        spent: Spent::new(options.stop),
        schema: None,
        knows_builtin: false,
        warnings: Vec::new(),
    };
    match build_within(&mut context, options, tree, path, each) {
        Ok(()) => Ok(context.warnings),
        Err(error) => Err(Error { warnings: context.warnings, ..error }),
    }
}

fn build_within(
    context: &mut Context<'_>,
    options: &Options<'_>,
    tree: &FileTree,
    path: &str,
    mut each: impl FnMut(Value),
) -> Result<()> {
    let root = Root::new(options, tree, path)?;
    let mut target = Target::load(root, context)?;
    target.set_schema(context)?;
    if !target.kustomization.build_metadata.is_empty() {
        target.origin = Some(Origin::default());
    }
    let mut all = target.accumulate(context, Accumulator::default())?;
    Hashes.apply(&mut all.resources, &context.schema())?;
    transform::references::fix(&mut all.resources, &all.config)?;
    transform::vars::resolve(&mut all, &mut context.warnings)?;
    drop_local(&mut all.resources);
    let mut resources = sort(options, all.resources, target.kustomization.sort_options.as_ref(), context)?;
    if options.managed_by_label || target.kustomization.has_metadata_option("managedByLabel") {
        Entries::label(MANAGED_BY, MANAGER).apply(&mut resources, &context.schema())?;
    }
    let keep = |option| target.kustomization.has_metadata_option(option);
    let (origin, transformations) = (keep("originAnnotations"), keep("transformerAnnotations"));
    // One by one: a resource is gone before the next one becomes an object.
    for mut resource in resources.into_list() {
        resource.finish(origin, transformations);
        let value = resource.to_value().map_err(|error| error.within(go_map(&resource.node)))?;
        each(value);
    }
    Ok(())
}

/// Refuses what is no directory of the tree, and no address of a repository that may be fetched. `shown` is the path
/// as it was given.
pub fn check_root(options: &Options<'_>, tree: &FileTree, path: &str, shown: &str) -> Result<()> {
    Root::new(&Options { shown_path: shown, ..*options }, tree, path).map(drop)
}

/// compat(kustomize): the message starts with the object as a Go map.
fn go_map(node: &Node) -> String {
    match gyre_yaml::decode(node, Dialect::V3, true) {
        Ok(decoded) => decoded.go_syntax(),
        Err(_) => "map[string]interface {}(nil)".into(),
    }
}

fn drop_local(resources: &mut ResMap) {
    let is_local =
        |resource: &Resource| resource.annotation(LOCAL_CONFIG).is_some_and(|value| value != "false");
    if resources.list().iter().any(is_local) {
        resources.list_mut().retain(|resource| !is_local(resource));
    }
}

fn sort(
    options: &Options<'_>,
    resources: ResMap,
    given: Option<&SortOptions>,
    context: &mut Context<'_>,
) -> Result<ResMap> {
    match given {
        Some(given) => {
            if options.reorder == Reorder::None {
                context.warnings.push(
                    "Warning: Sorting order is set both in 'kustomization.yaml' ('sortOptions') and in a CLI flag \
                     ('--reorder'). Using the kustomization file over the CLI flag."
                        .into(),
                );
            }
            transform::sort::by_options(resources, given)
        }
        None if options.reorder == Reorder::Legacy => Ok(transform::sort::legacy(resources)),
        None => Ok(resources),
    }
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.text
    }
}
