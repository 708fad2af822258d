//! `kustomize create`: a kustomization file for a directory.

use gyre_model::{EntryKind, FileTree, clean_path};
use serde_json::{Map, Value};

use super::Pairs;
use crate::error::{Result, fail};
use crate::parse;
use crate::target::FILES;

/// What the new file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Create {
    /// Its resources, as they are to be written.
    pub resources: Vec<String>,
    /// Also the files of the directory that hold objects.
    pub autodetect: bool,
    /// Also those below it; a directory with a kustomization stands for what it holds.
    pub recursive: bool,
    /// The namespace.
    pub namespace: String,
    /// The prefix of names.
    pub name_prefix: String,
    /// The suffix of names.
    pub name_suffix: String,
    /// Labels of all objects.
    pub labels: Pairs,
    /// Annotations of all objects.
    pub annotations: Pairs,
}

/// The text of a new file `kustomization.yaml`; one that is there already is an error.
pub fn create(tree: &FileTree, directory: &str, options: &Create) -> Result<String> {
    for name in FILES {
        if below(directory, name).is_some_and(|path| tree.kind(&path).is_ok()) {
            return fail("kustomization file already exists");
        }
    }
    let mut resources = options.resources.clone();
    if options.autodetect {
        let found = detect(tree, directory, options.recursive);
        for path in found {
            if !resources.contains(&path) {
                resources.push(path);
            }
        }
    }
    let pairs = |pairs: &Pairs| -> Value {
        pairs
            .iter()
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect::<Map<_, _>>()
            .into()
    };
    let fields = [
        ("apiVersion", Value::from("kustomize.config.k8s.io/v1beta1")),
        ("kind", "Kustomization".into()),
        ("resources", resources.into()),
        ("namePrefix", options.name_prefix.as_str().into()),
        ("nameSuffix", options.name_suffix.as_str().into()),
        ("namespace", options.namespace.as_str().into()),
        ("commonLabels", pairs(&options.labels)),
        ("commonAnnotations", pairs(&options.annotations)),
    ];
    let mut text = String::new();
    for (name, value) in fields {
        let is_empty = match &value {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if !is_empty {
            let field: Map<String, Value> = [(name.to_owned(), value)].into_iter().collect();
            text.push_str(&gyre_yaml::write_value(&Value::Object(field)));
        }
    }
    Ok(text)
}

fn below(directory: &str, path: &str) -> Option<String> {
    clean_path(format!("{directory}/{path}").trim_start_matches('/'))
}

/// Files of objects in a directory; directories that have a kustomization of their own stand for what they hold.
fn detect(tree: &FileTree, directory: &str, recursive: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(here) = open.pop() {
        let Some(dir) = below(directory, &here).and_then(|path| tree.dir(&path).ok().cloned()) else {
            continue;
        };
        for (name, _) in dir.entries() {
            let path = if here.is_empty() { name.to_owned() } else { format!("{here}/{name}") };
            let Some(full) = below(directory, &path) else { continue };
            match tree.kind(&full) {
                Ok(EntryKind::File) if has_objects(tree, &full) => found.push(path),
                Ok(EntryKind::Dir) if !recursive || name == ".git" => {}
                Ok(EntryKind::Dir) if has_kustomization(tree, &full) => found.push(path),
                Ok(EntryKind::Dir) => open.push(path),
                _ => {}
            }
        }
    }
    // order: as a walk finds them, name by name.
    found.sort_by(|one, two| one.split('/').cmp(two.split('/')));
    found
}

fn has_kustomization(tree: &FileTree, directory: &str) -> bool {
    FILES.iter().any(|name| below(directory, name).is_some_and(|path| tree.read(&path).is_ok()))
}

fn has_objects(tree: &FileTree, path: &str) -> bool {
    let may_hold = std::path::Path::new(path).extension().is_some_and(|extension| {
        ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    may_hold
        && tree
            .read(path)
            .is_ok_and(|content| parse::resources(content).is_ok_and(|resources| !resources.is_empty()))
}
