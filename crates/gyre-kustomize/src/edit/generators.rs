//! `configMapGenerator` and `secretGenerator` of a kustomization file.

use serde_json::{Map, Value, json};

use super::{Fields, Place, list_of, map_of, text_of};
use crate::build::Options;
use crate::decode::{Mode, decode};
use crate::error::{Error, Result, fail};
use crate::generate;
use crate::load::{Root, Spent};
use crate::types::generator::{ConfigMapArgs, SecretArgs};

/// What is to change in a generator. Empty texts and lists change nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneratorChange {
    /// Whether of a Secret.
    pub secret: bool,
    /// The name of what it generates.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `key=value`.
    pub literals: Vec<String>,
    /// Paths, or `key=path`.
    pub files: Vec<String>,
    /// The path of a file of `key=value` lines.
    pub env_file: String,
    /// `create`, `merge` or `replace`.
    pub behavior: String,
    /// The type of a new Secret.
    pub kind: String,
    /// No hash behind the name.
    pub disable_name_suffix_hash: bool,
    /// The namespace that it moves to.
    pub new_namespace: String,
}

fn field(secret: bool) -> &'static str {
    if secret { "secretGenerator" } else { "configMapGenerator" }
}

fn what(secret: bool) -> &'static str {
    if secret { "secret" } else { "configmap" }
}

/// No namespace is the one named `default`.
fn is_same_namespace(one: &str, two: &str) -> bool {
    let is_default = |namespace: &str| namespace.is_empty() || namespace == "default";
    one == two || is_default(one) && is_default(two)
}

/// Adds to a generator, or makes it.
pub(super) fn add(map: &mut Fields, change: &GeneratorChange, place: &Place<'_>) -> Result<()> {
    let within = |error: Error| error.within(format_args!("failed to create {}", what(change.secret)));
    let global = map.get("generatorOptions").cloned();
    let list = list_of(map, field(change.secret))?;
    let at = match position(list, change) {
        Some(at) => at,
        None => {
            list.push(new_entry(change));
            list.len() - 1
        }
    };
    let Value::Object(entry) = &mut list[at] else { return Ok(()) };
    for (name, texts) in [("literals", &change.literals), ("files", &change.files)] {
        if !texts.is_empty() {
            list_of(entry, name)?.extend(texts.iter().map(|text| Value::from(text.as_str())));
        }
    }
    if !change.env_file.is_empty() {
        list_of(entry, "envs")?.push(change.env_file.as_str().into());
    }
    if change.disable_name_suffix_hash {
        entry.insert("options".into(), json!({"disableNameSuffixHash": true}));
    }
    if !change.behavior.is_empty() {
        entry.insert("behavior".into(), change.behavior.as_str().into());
    }
    merge_options(entry, global.as_ref())?;
    check(entry, change.secret, place).map_err(within)
}

fn new_entry(change: &GeneratorChange) -> Value {
    let mut entry = Map::new();
    for (name, text) in [("name", &change.name), ("namespace", &change.namespace)] {
        if !text.is_empty() {
            entry.insert(name.into(), text.as_str().into());
        }
    }
    if change.secret && !change.kind.is_empty() {
        entry.insert("type".into(), change.kind.as_str().into());
    }
    Value::Object(entry)
}

fn position(list: &[Value], change: &GeneratorChange) -> Option<usize> {
    list.iter().position(|entry| {
        text_of(entry, "name") == change.name
            && is_same_namespace(text_of(entry, "namespace"), &change.namespace)
    })
}

/// The options of the kustomization go into those of the generator.
fn merge_options(entry: &mut Fields, global: Option<&Value>) -> Result<()> {
    let Some(global) = global.and_then(Value::as_object) else { return Ok(()) };
    let options = map_of(entry, "options")?;
    for name in ["labels", "annotations"] {
        let Some(pairs) = global.get(name).and_then(Value::as_object) else { continue };
        let found = map_of(options, name)?;
        for (key, value) in pairs {
            found.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    for name in ["disableNameSuffixHash", "immutable"] {
        if global.get(name) == Some(&Value::Bool(true)) {
            options.insert(name.into(), true.into());
        }
    }
    Ok(())
}

/// Generates once: what cannot be generated is refused.
fn check(entry: &Fields, secret: bool, place: &Place<'_>) -> Result<()> {
    let options = Options::default();
    let directory = if place.directory.is_empty() { "." } else { place.directory };
    let root = Root::new(&options, place.tree, directory)?;
    let value = Value::Object(entry.clone());
    let mut spent = Spent::default();
    if secret {
        let args = decode::<SecretArgs>(&value, Mode::Strict).map_err(Error::new)?;
        generate::secret(&root, &args, &mut spent)?;
    } else {
        let args = decode::<ConfigMapArgs>(&value, Mode::Strict).map_err(Error::new)?;
        generate::config_map(&root, &args, &mut spent)?;
    }
    Ok(())
}

/// Changes literals and the namespace of a generator that is there.
pub(super) fn set(map: &mut Fields, change: &GeneratorChange, place: &Place<'_>) -> Result<()> {
    // compat(kustomize): both are said to be created.
    let within = |error: Error| error.within(format_args!("failed to create {}", what(change.secret)));
    let kind = if change.secret { "Secret" } else { "ConfigMap" };
    let global = map.get("generatorOptions").cloned();
    let list = list_of(map, field(change.secret))?;
    let Some(Value::Object(entry)) = position(list, change).map(|at| &mut list[at]) else {
        return Err(within(Error::new(format!(
            "could not set new {kind} value: unable to find {kind} with name {:?}",
            change.name
        ))));
    };
    if !change.literals.is_empty() {
        set_literals(list_of(entry, "literals")?, &change.literals)
            .map_err(|error| within(error.within("failed to update literal sources")))?;
    }
    if !change.new_namespace.is_empty() {
        entry.insert("namespace".into(), change.new_namespace.as_str().into());
    }
    merge_options(entry, global.as_ref())?;
    check(entry, change.secret, place)
        .map_err(|error| within(error.within(format_args!("failed to validate {kind} structure"))))
}

fn set_literals(found: &mut [Value], wanted: &[String]) -> Result<()> {
    for text in found.iter().filter_map(Value::as_str) {
        key_of(text)?;
    }
    for text in wanted {
        let key = key_of(text)?;
        let is_it = |value: &&mut Value| value.as_str().is_some_and(|text| key_of(text) == Ok(key));
        match found.iter_mut().rfind(is_it) {
            Some(value) => *value = text.as_str().into(),
            None => return fail(format!("key '{key}' not found in resource")),
        }
    }
    Ok(())
}

fn key_of(literal: &str) -> Result<&str> {
    match literal.split_once('=') {
        Some((key, value)) if !value.contains('=') => Ok(key),
        _ => fail(
            "failed to update resource: invalid format: literal values must be specified in the key=value format",
        ),
    }
}

/// Removes generators; one name at least must be there, the others are told.
pub(super) fn remove(
    map: &mut Fields,
    secret: bool,
    names: &[String],
    namespace: &str,
    place: &mut Place<'_>,
) -> Result<()> {
    let list = list_of(map, field(secret))?;
    let mut found: Vec<String> = Vec::new();
    list.retain(|entry| {
        let name = text_of(entry, "name");
        let goes = names.iter().any(|wanted| wanted == name)
            && is_same_namespace(text_of(entry, "namespace"), namespace);
        if goes {
            found.push(name.into());
        }
        !goes
    });
    let what = what(secret);
    if found.is_empty() {
        return fail(format!("no specified {what}(s) were found in the kustomization.yaml file"));
    }
    for name in names.iter().filter(|name| !found.contains(name)) {
        place.edited.warnings.push(format!("{what} {name} doesn't exist in kustomization file"));
    }
    Ok(())
}
