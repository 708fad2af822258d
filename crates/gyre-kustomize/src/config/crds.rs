//! `crds`: OpenAPI definitions of custom resources whose extensions say what refers to what.

use serde_json::{Map, Value};

use super::{Config, NameReference, merge_specs};
use crate::error::{Error, Result};
use crate::fieldspec::FieldSpec;
use crate::id::Gvk;
use crate::load::{Root, Spent};

/// How deep definitions may refer to each other.
const DEPTH_MAX: usize = 64;

/// The field specs that the definitions in these files stand for.
pub(crate) fn from_crds(root: &Root<'_>, paths: &[String], spent: &mut Spent) -> Result<Config> {
    let mut config = Config::default();
    for path in paths {
        let content = root.read(path, spent)?;
        let unreadable =
            |text: String| Error::new(format!("unable to parse open API definition from '{path}': {text}"));
        let definitions: Value = if content.first() == Some(&b'{') {
            serde_json::from_slice(&content).map_err(|error| unreadable(error.to_string()))?
        } else {
            gyre_yaml::yaml_to_json(&content)
                .map_err(|error| unreadable(format!("error converting YAML to JSON: {error}")))?
        };
        let Value::Object(definitions) = definitions else { continue };
        if let Some(other) = definitions.values().find(|value| !value.is_object() && !value.is_null()) {
            let found = match other {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                _ => "array",
            };
            return Err(unreadable(format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type \
                 accumulator.OpenAPIDefinition"
            )));
        }
        for (name, definition) in &definitions {
            let Some(properties) = properties(definition) else { continue };
            if !["kind", "apiVersion", "metadata"].iter().all(|field| properties.contains_key(*field)) {
                continue;
            }
            let kind = name.rsplit('.').next().unwrap_or_default();
            let gvk = Gvk { kind: kind.into(), ..Gvk::default() };
            let mut walk = Walk { definitions: &definitions, gvk, config: Config::default() };
            walk.definition(name, &mut Vec::new())?;
            config = config.merge(&walk.config)?;
        }
    }
    Ok(config)
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn properties(definition: &Value) -> Option<&Map<String, Value>> {
    member(definition, "schema")?.get("properties")?.as_object()
}

struct Walk<'a> {
    definitions: &'a Map<String, Value>,
    gvk: Gvk,
    config: Config,
}

impl Walk<'_> {
    fn definition(&mut self, name: &str, path: &mut Vec<String>) -> Result<()> {
        let Some(properties) = self.definitions.get(name).and_then(properties) else { return Ok(()) };
        if path.len() > DEPTH_MAX {
            return Err(Error::new(format!("definition {name} refers to itself")));
        }
        for (name, property) in properties {
            path.push(name.clone());
            self.property(property, path)?;
            path.pop();
        }
        Ok(())
    }

    fn spec(&self, path: &[String]) -> FieldSpec {
        FieldSpec { gvk: self.gvk.clone(), path: path.join("/").into(), create: false }
    }

    fn property(&mut self, property: &Value, path: &mut Vec<String>) -> Result<()> {
        let text = |name: &str| property.get(name).and_then(Value::as_str);
        if text("x-kubernetes-annotation").is_some() {
            let spec = self.spec(path);
            merge_specs(&mut self.config.common_annotations, &[spec])?;
        }
        if text("x-kubernetes-label-selector").is_some() {
            let spec = self.spec(path);
            merge_specs(&mut self.config.common_labels, &[spec])?;
        }
        if text("x-kubernetes-identity").is_some() {
            let spec = self.spec(path);
            merge_specs(&mut self.config.name_prefix, &[spec])?;
        }
        let (version, kind) =
            (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind"));
        if let (Some(version), Some(kind)) = (version, kind) {
            let name_key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            path.push(name_key.to_owned());
            let spec = self.spec(path);
            path.pop();
            let gvk = Gvk::new("", version, kind);
            self.config.add_reference(&NameReference { gvk, referrers: vec![spec] })?;
        }
        match text("$ref") {
            Some(reference) => self.definition(reference, path),
            None => Ok(()),
        }
    }
}
