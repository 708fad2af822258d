//! `kustomize edit` and `kustomize create`: kustomization files, changed in place or made.

mod create;
mod fix;
mod generators;
mod images;
mod lists;
mod metadata;
mod vars;

use gyre_model::{FileTree, clean_path};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result, fail};
use crate::target::FILES;
use crate::types::kustomization::{Kustomization, to_json};

pub use create::{Create, create};
pub use generators::GeneratorChange;

/// Names to values.
pub type Pairs = Vec<(String, String)>;

/// One change of a kustomization file.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// `set namespace`, `set nameprefix`, `set namesuffix`: the text of this field; none where it is empty.
    SetText {
        /// The field.
        field: String,
        /// The text.
        text: String,
    },
    /// `set image`: `name=newname:tag`, `name:tag` or `name@digest`, each with `*` for what is to stay.
    SetImages(Vec<String>),
    /// `set replicas`: `name=count`.
    SetReplicas(Vec<String>),
    /// `set buildmetadata`: the entries of the list of this name.
    SetList {
        /// The field.
        list: String,
        /// The entries.
        entries: Vec<String>,
    },
    /// `set label`, `set annotation`, `add label`, `add annotation`.
    PutMetadata {
        /// Which.
        metadata: Metadata,
        /// Names to values.
        pairs: Pairs,
        /// Also over what is there.
        force: bool,
    },
    /// `add label --without-selector`: into `labels`.
    AddLabels {
        /// Names to values.
        labels: Pairs,
        /// Also over what is there.
        force: bool,
        /// Also into templates.
        include_templates: bool,
    },
    /// `remove label`, `remove annotation`.
    RemoveMetadata {
        /// Which.
        metadata: Metadata,
        /// The names.
        keys: Vec<String>,
        /// Names that are not there are no error.
        ignore_missing: bool,
    },
    /// `add resource`, `add component`, `add transformer`, `add generator`: entries of the list of this name.
    Add {
        /// The field.
        list: String,
        /// What an entry is called in messages.
        what: String,
        /// What to add; what is there already stays, and is told.
        entries: Vec<String>,
    },
    /// `add base`, `add buildmetadata`: as [`Edit::Add`], but what is there already is an error.
    AddNew {
        /// The field.
        list: String,
        /// What an entry is called in messages.
        what: String,
        /// What to add.
        entries: Vec<String>,
    },
    /// `remove resource`, `remove transformer`, `remove buildmetadata`: entries of the list of this name that match.
    Remove {
        /// The field.
        list: String,
        /// Patterns of a file's path.
        patterns: Vec<String>,
    },
    /// `add patch`: the patch as it is to be written.
    AddPatch(Value),
    /// `remove patch`: the patch as it is written.
    RemovePatch(Value),
    /// `add configmap`, `add secret`.
    AddGenerator(GeneratorChange),
    /// `set configmap`, `set secret`.
    SetGenerator(GeneratorChange),
    /// `remove configmap`, `remove secret`.
    RemoveGenerators {
        /// Whether of Secrets.
        secret: bool,
        /// The names of what they generate.
        names: Vec<String>,
        /// Its namespace.
        namespace: String,
    },
    /// `fix`: older fields become newer ones.
    Fix {
        /// Also vars become replacements: in the files of the resources, too.
        vars: bool,
    },
}

impl Edit {
    /// What stands before the text where there is no kustomization file, and where it is wrong.
    fn prefixes(&self) -> (&'static str, &'static str) {
        match self {
            Self::AddGenerator(_) | Self::SetGenerator(_) => {
                ("failed to load kustomization file: ", "failed to read kustomization file: ")
            }
            Self::RemoveGenerators { .. } => {
                ("could not read kustomization file: ", "could not read kustomization file contents: ")
            }
            _ => ("", ""),
        }
    }
}

/// Which metadata of all objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// `commonLabels`.
    Labels,
    /// `commonAnnotations`.
    Annotations,
}

/// What an edit makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edited {
    /// Paths in the tree with their new texts; the kustomization file is the last one.
    pub files: Vec<(String, String)>,
    /// What is to be told.
    pub warnings: Vec<String>,
}

type Fields = Map<String, Value>;

/// The order of new fields.
const ORDER: [&str; 30] = [
    "apiVersion",
    "kind",
    "metadata",
    "sortOptions",
    "resources",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "crds",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmGlobals",
    "generatorOptions",
    "vars",
    "images",
    "replacements",
    "replicas",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "components",
    "buildMetadata",
];

/// What a change may look at, and what it leaves behind beside the changed fields.
struct Place<'a> {
    tree: &'a FileTree,
    directory: &'a str,
    edited: Edited,
}

impl Place<'_> {
    /// A path below the directory, as the tree has it.
    fn path(&self, path: &str) -> Option<String> {
        clean_path(format!("{}/{path}", self.directory).trim_start_matches('/'))
    }
}

/// Changes the kustomization file of a directory. Comments, order and quotes of what does not change stay as they
/// are. No files where there is nothing to change.
pub fn edit(tree: &FileTree, directory: &str, change: &Edit) -> Result<Edited> {
    let mut place = Place { tree, directory, edited: Edited::default() };
    let (missing, invalid) = change.prefixes();
    let (path, text) = find(&place).map_err(|error: Error| error.behind(missing))?;
    let value = read(&text).map_err(|error: Error| error.behind(invalid))?;
    let mut map = match value {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        _ => return fail("kustomization file is not a mapping"),
    };
    fix::older(&mut map)?;
    if !apply(&mut map, change, &mut place)? {
        return Ok(place.edited);
    }
    map.retain(|_, value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
    let kind = map.entry("kind").or_insert_with(|| "Kustomization".into()).as_str();
    let version = if kind == Some("Component") { "v1alpha1" } else { "v1beta1" };
    map.entry("apiVersion").or_insert_with(|| format!("kustomize.config.k8s.io/{version}").into());
    let changed = gyre_yaml::edit(&text, &Value::Object(map), &ORDER).map_err(Error::from)?;
    place.edited.files.push((path, changed));
    Ok(place.edited)
}

fn read(text: &str) -> Result<Value> {
    let value = to_json(text.as_bytes())?;
    Kustomization::check(&value)?;
    Ok(value)
}

fn find(place: &Place<'_>) -> Result<(String, String)> {
    let mut found = FILES.iter().filter_map(|name| {
        let path = place.path(name)?;
        let content = place.tree.read(&path).ok()?;
        Some((*name, path, String::from_utf8_lossy(content).into_owned()))
    });
    match (found.next(), found.next(), found.next()) {
        (Some((_, path, text)), None, _) => Ok((path, text)),
        (Some(one), Some(two), three) => {
            let names = [Some(one), Some(two), three].map(|found| found.map(|(name, ..)| name));
            let names: Vec<&str> = names.into_iter().flatten().collect();
            fail(format!("Found multiple kustomization file: [{}]\n", names.join(" ")))
        }
        _ => fail("Missing kustomization file 'kustomization.yaml'.\n"),
    }
}

/// Changes the fields; `false` where there is nothing to change.
fn apply(map: &mut Fields, change: &Edit, place: &mut Place<'_>) -> Result<bool> {
    match change {
        Edit::SetText { field, text } => {
            map.insert(field.clone(), text.as_str().into());
        }
        Edit::SetImages(images) => images::set(map, images)?,
        Edit::SetReplicas(replicas) => images::set_replicas(map, replicas)?,
        Edit::SetList { list, entries } => {
            map.insert(list.clone(), json!(entries));
        }
        Edit::PutMetadata { metadata, pairs, force } => metadata::put(map, *metadata, pairs, *force)?,
        Edit::AddLabels { labels, force, include_templates } => {
            metadata::add_labels(map, labels, *force, *include_templates)?;
        }
        Edit::RemoveMetadata { metadata, keys, ignore_missing } => {
            metadata::remove(map, *metadata, keys, *ignore_missing)?;
        }
        Edit::Add { list, what, entries } => lists::add(map, list, what, entries, place)?,
        Edit::AddNew { list, what, entries } => lists::add_new(map, list, what, entries)?,
        Edit::Remove { list, patterns } => return lists::remove(map, list, patterns),
        Edit::AddPatch(patch) => return lists::add_patch(map, patch, place),
        Edit::RemovePatch(patch) => return lists::remove_patch(map, patch, place),
        Edit::AddGenerator(change) => generators::add(map, change, place)?,
        Edit::SetGenerator(change) => generators::set(map, change, place)?,
        Edit::RemoveGenerators { secret, names, namespace } => {
            generators::remove(map, *secret, names, namespace, place)?;
        }
        Edit::Fix { vars } => {
            fix::fix(map, place)?;
            if *vars {
                vars::to_replacements(map, place)?;
            }
        }
    }
    Ok(true)
}

/// The list of a field, made where it is missing.
fn list_of<'a>(map: &'a mut Fields, field: &str) -> Result<&'a mut Vec<Value>> {
    let value = map.entry(field).or_insert(Value::Null);
    if value.is_null() {
        *value = json!([]);
    }
    match value {
        Value::Array(list) => Ok(list),
        _ => fail(format!("field '{field}' of the kustomization file is not a list")),
    }
}

/// The mapping of a field, made where it is missing.
fn map_of<'a>(map: &'a mut Fields, field: &str) -> Result<&'a mut Fields> {
    let value = map.entry(field).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => Ok(map),
        _ => fail(format!("field '{field}' of the kustomization file is not a mapping")),
    }
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
