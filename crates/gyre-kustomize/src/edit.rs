//! `kustomize edit` and `kustomize create`: kustomization files, changed in place or made.

mod create;
mod fix;
mod images;

use gyre_model::{FileTree, clean_path};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result, fail};
use crate::target::FILES;
use crate::types::kustomization::to_json;

pub use create::{Create, create};

/// Names to values.
pub type Pairs = Vec<(String, String)>;

/// One change of a kustomization file.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// `set namespace`.
    SetNamespace(String),
    /// `set nameprefix`.
    SetNamePrefix(String),
    /// `set namesuffix`.
    SetNameSuffix(String),
    /// `set image`: `name=newname:tag`, `name:tag` or `name@digest`, each with `*` for what is to stay.
    SetImages(Vec<String>),
    /// `set replicas`: `name=count`.
    SetReplicas(Vec<String>),
    /// `set label`; without selectors they go to `labels`.
    SetLabels {
        /// The labels.
        labels: Pairs,
        /// Not into selectors.
        without_selectors: bool,
    },
    /// `set annotation`.
    SetAnnotations(Pairs),
    /// `add resource`, `add component`, `add transformer`, `add generator`, `add buildmetadata`: entries of the list
    /// of this name.
    Add {
        /// The field.
        list: String,
        /// What to add; what is there already stays.
        entries: Vec<String>,
    },
    /// `add label`; a label that is there is an error unless forced.
    AddLabels {
        /// The labels.
        labels: Pairs,
        /// Also over what is there.
        force: bool,
        /// Not into selectors.
        without_selectors: bool,
    },
    /// `add annotation`.
    AddAnnotations {
        /// The annotations.
        annotations: Pairs,
        /// Also over what is there.
        force: bool,
    },
    /// `add patch`, `add configmap`, `add secret`, `add helmchart`: an entry of the list of this name, as it is to be
    /// written.
    AddEntry {
        /// The field.
        list: String,
        /// The entry.
        entry: Value,
    },
    /// `remove resource` and the like: entries of the list of this name.
    Remove {
        /// The field.
        list: String,
        /// The entries.
        entries: Vec<String>,
    },
    /// `remove label`, `remove annotation`: keys of the mapping of this name (`commonLabels`, `commonAnnotations`).
    RemoveKeys {
        /// The field.
        map: String,
        /// The keys.
        keys: Vec<String>,
        /// Keys that are not there are no error.
        ignore_missing: bool,
    },
    /// `remove patch`, `remove configmap`, `remove secret`: the entries of a list that hold these fields.
    RemoveEntry {
        /// The field.
        list: String,
        /// What the entry holds.
        entry: Value,
    },
    /// `fix`: older fields become newer ones.
    Fix,
}

/// Changes the kustomization file of a directory: its path in the tree and its new text. Comments, order and quotes
/// of what does not change stay as they are.
pub fn edit(tree: &FileTree, directory: &str, change: &Edit) -> Result<(String, String)> {
    let (path, text) = find(tree, directory)?;
    let value = to_json(text.as_bytes())?;
    let mut map = match value {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        _ => return fail("kustomization file is not a mapping"),
    };
    apply(&mut map, change, tree, directory)?;
    map.retain(|_, value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    });
    let missing =
        |map: &Map<String, Value>, key: &str| map.get(key).is_none_or(|value| value.as_str() == Some(""));
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or("Kustomization").to_owned();
    if missing(&map, "apiVersion") {
        let version = if kind == "Component" { "v1alpha1" } else { "v1beta1" };
        map.insert("apiVersion".into(), format!("kustomize.config.k8s.io/{version}").into());
    }
    if missing(&map, "kind") {
        map.insert("kind".into(), kind.into());
    }
    let changed = gyre_yaml::edit(&text, &Value::Object(map)).map_err(Error::from)?;
    Ok((path, changed))
}

fn find(tree: &FileTree, directory: &str) -> Result<(String, String)> {
    let mut found = FILES.iter().filter_map(|name| {
        let path = clean_path(format!("{directory}/{name}").trim_start_matches('/'))?;
        let content = tree.read(&path).ok()?;
        Some((path, String::from_utf8_lossy(content).into_owned()))
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => fail(format!("Found multiple kustomization files under: {directory}\n")),
        _ => fail("Missing kustomization file 'kustomization.yaml'.\n"),
    }
}

type Fields = Map<String, Value>;

fn apply(map: &mut Fields, change: &Edit, tree: &FileTree, directory: &str) -> Result<()> {
    match change {
        Edit::SetNamespace(text) => set_text(map, "namespace", text),
        Edit::SetNamePrefix(text) => set_text(map, "namePrefix", text),
        Edit::SetNameSuffix(text) => set_text(map, "nameSuffix", text),
        Edit::SetImages(images) => return images::set(map, images),
        Edit::SetReplicas(replicas) => return set_replicas(map, replicas),
        Edit::SetLabels { labels, without_selectors } => {
            return put_labels(map, labels, true, *without_selectors);
        }
        Edit::SetAnnotations(pairs) => return put(map, "commonAnnotations", "annotation", pairs, true),
        Edit::Add { list, entries } => {
            for entry in entries {
                let entry = Value::from(entry.as_str());
                let list = list_of(map, list)?;
                if !list.contains(&entry) {
                    list.push(entry);
                }
            }
        }
        Edit::AddLabels { labels, force, without_selectors } => {
            return put_labels(map, labels, *force, *without_selectors);
        }
        Edit::AddAnnotations { annotations, force } => {
            return put(map, "commonAnnotations", "annotation", annotations, *force);
        }
        Edit::AddEntry { list, entry } => {
            let found = list_of(map, list)?;
            if found.contains(entry) {
                return fail(format!(
                    "{} already in kustomization file",
                    gyre_yaml::write_value(entry).trim_end()
                ));
            }
            found.push(entry.clone());
        }
        Edit::Remove { list, entries } => {
            for entry in entries {
                remove(map, list, |found| found.as_str() == Some(entry), entry)?;
            }
        }
        Edit::RemoveKeys { map: field, keys, ignore_missing } => {
            return remove_keys(map, field, keys, *ignore_missing);
        }
        Edit::RemoveEntry { list, entry } => {
            let shown = gyre_yaml::write_value(entry);
            remove(map, list, |found| holds(found, entry), shown.trim_end())?;
        }
        Edit::Fix => {
            let is_file = |path: &str| {
                let path = clean_path(format!("{directory}/{path}").trim_start_matches('/'));
                path.is_some_and(|path| tree.read(&path).is_ok())
            };
            return fix::fix(map, is_file);
        }
    }
    Ok(())
}

fn set_text(map: &mut Fields, field: &str, text: &str) {
    map.insert(field.into(), text.into());
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

fn put(map: &mut Fields, field: &str, what: &str, pairs: &Pairs, force: bool) -> Result<()> {
    let found = map_of(map, field)?;
    for (key, value) in pairs {
        if !force && found.contains_key(key) {
            return fail(format!("{what} {key} already in kustomization file"));
        }
        found.insert(key.clone(), value.as_str().into());
    }
    Ok(())
}

fn put_labels(map: &mut Fields, labels: &Pairs, force: bool, without_selectors: bool) -> Result<()> {
    if !without_selectors {
        return put(map, "commonLabels", "label", labels, force);
    }
    let list = list_of(map, "labels")?;
    let selects = |label: &Value| label.get("includeSelectors").and_then(Value::as_bool).unwrap_or_default();
    let at = match list.iter().position(|label| label.is_object() && !selects(label)) {
        Some(at) => at,
        None => {
            list.push(json!({}));
            list.len() - 1
        }
    };
    match &mut list[at] {
        Value::Object(label) => put(label, "pairs", "label", labels, force),
        _ => Ok(()),
    }
}

fn set_replicas(map: &mut Fields, replicas: &[String]) -> Result<()> {
    let list = list_of(map, "replicas")?;
    for replica in replicas {
        let parsed =
            replica.split_once('=').and_then(|(name, count)| Some((name, count.parse::<i64>().ok()?)));
        let Some((name, count)) = parsed.filter(|(name, count)| !name.is_empty() && *count >= 0) else {
            return fail(format!(
                "invalid format of replica, use the following format: <name>=<count>: {replica}"
            ));
        };
        let wanted = json!({"name": name, "count": count});
        match list.iter_mut().find(|found| found.get("name").and_then(Value::as_str) == Some(name)) {
            Some(found) => *found = wanted,
            None => list.push(wanted),
        }
    }
    Ok(())
}

fn remove(map: &mut Fields, list: &str, picks: impl Fn(&Value) -> bool, shown: &str) -> Result<()> {
    let found = list_of(map, list)?;
    let before = found.len();
    found.retain(|entry| !picks(entry));
    if found.len() == before {
        return fail(format!("{shown} is not in '{list}' of the kustomization file"));
    }
    Ok(())
}

fn remove_keys(map: &mut Fields, field: &str, keys: &[String], ignore_missing: bool) -> Result<()> {
    let what = if field == "commonLabels" { "label" } else { "annotation" };
    let found = map_of(map, field)?;
    for key in keys {
        if found.remove(key).is_none() && !ignore_missing {
            return fail(format!("{what} {key} is not defined in kustomization file"));
        }
    }
    Ok(())
}

/// Does an entry hold all that is asked for?
fn holds(entry: &Value, wanted: &Value) -> bool {
    match (entry, wanted) {
        (Value::Object(entry), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| entry.get(key).is_some_and(|found| holds(found, value)))
        }
        (entry, wanted) => entry == wanted,
    }
}
