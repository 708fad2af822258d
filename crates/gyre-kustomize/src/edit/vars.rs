//! `edit fix --vars`: vars become replacements, and `$(NAME)` in the files becomes a text that is replaced.

use std::collections::BTreeMap;

use gyre_model::EntryKind;
use gyre_yaml::{Dialect, Node};
use serde_json::{Map, Value, json};

use super::{Fields, Place, list_of, text_of};
use crate::error::{Result, fail};
use crate::limits::DEPTH_MAX;
use crate::target::FILES;
use crate::types::kustomization::to_json;

/// A file that vars may stand in.
struct File {
    path: String,
    text: String,
    /// The entry of `patches` that it is the patch of.
    patch: Option<Value>,
}

/// A text that holds a var.
struct Use {
    field_path: String,
    options: Map<String, Value>,
}

/// Turns `vars` into `replacements`.
// The peer forgets the replacements that are there already; here they stay.
pub(super) fn to_replacements(map: &mut Fields, place: &mut Place<'_>) -> Result<()> {
    let Some(Value::Array(vars)) = map.remove("vars") else { return Ok(()) };
    let mut found = BTreeMap::new();
    collect(map, "", place, &mut found, 0)?;
    let mut files: Vec<File> = found.into_values().collect();
    for var in &vars {
        let name = text_of(var, "name");
        let mark = format!("$({name})");
        let mut targets = Vec::new();
        for file in &files {
            for document in gyre_yaml::parse_all(file.text.as_bytes(), Dialect::V3).unwrap_or_default() {
                let mut uses = Vec::new();
                find(&document.root, &mark, &mut Vec::new(), &mut uses)
                    .map_err(|error| error.within(format_args!("error with {}", file.path)))?;
                targets.extend(uses.into_iter().map(|used| target(&document.root, file, used)));
            }
        }
        let mut replacement = json!({"source": source(var)});
        if !targets.is_empty() {
            replacement["targets"] = targets.into();
        }
        list_of(map, "replacements")?.push(replacement);
        for file in &mut files {
            file.text = file.text.replace(&mark, &format!("{name}_PLACEHOLDER"));
        }
    }
    for file in files {
        let Some(path) = place.path(&file.path) else { continue };
        if place.tree.read(&path).is_ok_and(|old| **old != *file.text.as_bytes()) {
            place.edited.files.push((path, file.text));
        }
    }
    Ok(())
}

/// The files of a kustomization and of those below it, by path.
fn collect(
    map: &Fields,
    below: &str,
    place: &Place<'_>,
    found: &mut BTreeMap<String, File>,
    depth: usize,
) -> Result<()> {
    if depth > DEPTH_MAX {
        return fail(format!("kustomizations refer to each other more than {DEPTH_MAX} levels deep"));
    }
    let list = |field: &str| map.get(field).and_then(Value::as_array).into_iter().flatten();
    let inside = |path: &str| if below.is_empty() { path.to_owned() } else { format!("{below}/{path}") };
    for resource in list("resources").chain(list("bases")).filter_map(Value::as_str) {
        let path = inside(resource);
        match place.path(&path).map(|full| place.tree.kind(&full)) {
            Some(Ok(EntryKind::File)) => add(place, path, None, found),
            Some(Ok(EntryKind::Dir)) => {
                let mut files = FILES.iter().filter_map(|name| place.path(&format!("{path}/{name}")));
                let Some(content) = files.find_map(|file| place.tree.read(&file).ok()) else { continue };
                if let Value::Object(inner) = to_json(content)? {
                    collect(&inner, &path, place, found, depth + 1)?;
                }
            }
            _ => {}
        }
    }
    for patch in list("patches") {
        if let Some(path) = patch.get("path").and_then(Value::as_str) {
            add(place, inside(path), Some(patch.clone()), found);
        }
    }
    Ok(())
}

fn add(place: &Place<'_>, path: String, patch: Option<Value>, found: &mut BTreeMap<String, File>) {
    let Some(content) = place.path(&path).and_then(|full| place.tree.read(&full).ok()) else { return };
    if let Ok(text) = std::str::from_utf8(content) {
        found.entry(path.clone()).or_insert(File { path, text: text.into(), patch });
    }
}

/// Every text below a node that holds the mark.
fn find(node: &Node, mark: &str, path: &mut Vec<String>, uses: &mut Vec<Use>) -> Result<()> {
    if path.len() > gyre_yaml::limits::DEPTH_MAX {
        return Ok(());
    }
    if let Some(text) = node.as_scalar()
        && text.contains(mark)
    {
        uses.push(Use { field_path: path.join("."), options: options(text, mark)? });
    }
    for (at, item) in node.as_sequence().unwrap_or_default().iter().enumerate() {
        path.push(at.to_string());
        find(item, mark, path, uses)?;
        path.pop();
    }
    for (key, value) in node.as_mapping().unwrap_or_default() {
        let name = key.as_scalar().unwrap_or_default().trim();
        path.push(if name.contains('.') { format!("[{name}]") } else { name.to_owned() });
        find(value, mark, path, uses)?;
        path.pop();
    }
    Ok(())
}

/// Which part of a text the mark is: the letter that parts it, and its number.
fn options(text: &str, mark: &str) -> Result<Map<String, Value>> {
    let mut options = Map::new();
    let Some((before, after)) = text.split_once(mark) else { return Ok(options) };
    let delimiter = match (before.chars().next_back(), after.chars().next()) {
        (None, None) => return Ok(options),
        (None, Some(next)) => next,
        (Some(last), None) => last,
        (Some(last), Some(next)) if last == next => last,
        _ => return fail(format!("cannot convert all vars to replacements; {mark} is not delimited")),
    };
    let index = before.matches(delimiter).count();
    options.insert("delimiter".into(), delimiter.to_string().into());
    if index > 0 {
        options.insert("index".into(), index.into());
    }
    Ok(options)
}

fn put(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        fields.insert(name.into(), text.into());
    }
}

fn put_version(fields: &mut Map<String, Value>, api_version: &str) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    put(fields, "group", group);
    put(fields, "version", version);
}

fn source(var: &Value) -> Value {
    let mut source = Map::new();
    let object = var.get("objref").unwrap_or(&Value::Null);
    put_version(&mut source, text_of(object, "apiVersion"));
    for name in ["kind", "name", "namespace"] {
        put(&mut source, name, text_of(object, name));
    }
    let field = var.get("fieldref").unwrap_or(&Value::Null);
    put(
        &mut source,
        "fieldPath",
        ["fieldPath", "fieldpath"].map(|name| text_of(field, name)).concat().as_str(),
    );
    Value::Object(source)
}

/// The target for a text in an object, or in what a patch is put on.
fn target(root: &Node, file: &File, used: Use) -> Value {
    let text = |node: Option<&Node>| node.and_then(Node::as_scalar).unwrap_or_default().to_owned();
    let metadata = |name: &str| text(root.get("metadata").and_then(|metadata| metadata.get(name)));
    let mut select = Map::new();
    let flag = |patch: &Value, name: &str| patch.pointer(name).and_then(Value::as_bool).unwrap_or_default();
    match &file.patch {
        Some(patch)
            if !(flag(patch, "/options/allowNameChange") && flag(patch, "/options/allowKindChange")) =>
        {
            if let Some(Value::Object(target)) = patch.get("target") {
                select.clone_from(target);
            }
            if flag(patch, "/options/allowNameChange") {
                put(&mut select, "name", &metadata("name"));
            }
            if flag(patch, "/options/allowKindChange") {
                put(&mut select, "kind", &text(root.get("kind")));
            }
        }
        _ => {
            put(&mut select, "kind", &text(root.get("kind")));
            put(&mut select, "name", &metadata("name"));
            put_version(&mut select, &text(root.get("apiVersion")));
        }
    }
    put(&mut select, "namespace", &metadata("namespace"));
    let mut target = json!({"select": select, "fieldPaths": [used.field_path]});
    if !used.options.is_empty() {
        target["options"] = Value::Object(used.options);
    }
    target
}
