//! Which lists merge by which keys: Kubernetes' types as Kustomize pins them, or a schema of the user's.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use gyre_yaml::{SmolStr, format_smolstr};
use serde_json::Value;

use crate::error::{Error, Result, fail};

const BUILTIN: &str = include_str!("schema/builtin.txt");
const PINNED_VERSION: &str = "v1.21.2";

/// All types that are known to a build.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    types: Arc<Types>,
}

#[derive(Clone, Debug, Default)]
struct Types {
    list: Vec<Fields>,
    by_kind: HashMap<(SmolStr, SmolStr), usize>,
    /// The built-in types by their names without `io.k8s.`.
    names: Vec<(&'static str, usize)>,
}

/// The fields of a type, in the order of their names.
#[derive(Clone, Debug, Default)]
struct Fields(Vec<(SmolStr, Field)>);

impl Fields {
    fn sorted(mut fields: Vec<(SmolStr, Field)>) -> Self {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self(fields)
    }

    fn get(&self, name: &str) -> Option<&(SmolStr, Field)> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok().map(|at| &self.0[at])
    }
}

#[derive(Clone, Debug, Default)]
struct Field {
    shape: Shape,
    of: Option<usize>,
    merge: bool,
    keys: Vec<SmolStr>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Object,
    List,
    Map,
}

/// A place in a type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// Nothing is known.
    Unknown,
    /// An object of a type.
    Object(&'a Schema, usize),
    /// A field of a type.
    Field(&'a Schema, usize, &'a str),
}

impl<'a> Place<'a> {
    fn field_facts(&self) -> Option<&'a Field> {
        match self {
            Self::Field(schema, of, name) => schema.types.list.get(*of)?.get(name).map(|(_, field)| field),
            _ => None,
        }
    }

    /// The place of an object's field.
    pub(crate) fn field(&self, name: &str) -> Place<'a> {
        let (schema, of) = match self {
            Self::Unknown => return Self::Unknown,
            Self::Object(schema, of) => (*schema, *of),
            Self::Field(schema, ..) => match self.field_facts() {
                Some(Field { shape: Shape::Object, of: Some(of), .. }) => (*schema, *of),
                Some(Field { shape: Shape::Map, of: Some(of), .. }) => return Self::Object(schema, *of),
                _ => return Self::Unknown,
            },
        };
        match schema.types.list.get(of).and_then(|fields| fields.get(name)) {
            Some((name, _)) => Self::Field(schema, of, name),
            None => Self::Unknown,
        }
    }

    /// The place of a list's items.
    pub(crate) fn items(&self) -> Place<'a> {
        match (self, self.field_facts()) {
            (Self::Field(schema, ..), Some(Field { shape: Shape::List, of: Some(of), .. })) => {
                Self::Object(schema, *of)
            }
            _ => Self::Unknown,
        }
    }

    /// Is this a list whose items merge?
    pub(crate) fn is_merged_list(&self) -> bool {
        self.field_facts().is_some_and(|field| field.merge)
    }

    /// The keys that tell the items apart; none for lists of scalars.
    pub(crate) fn merge_keys(&self) -> &'a [SmolStr] {
        self.field_facts().map_or(&[], |field| &field.keys)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl Schema {
    /// Kubernetes' own types.
    pub(crate) fn builtin() -> Self {
        static TYPES: OnceLock<Schema> = OnceLock::new();
        TYPES.get_or_init(|| Self { types: Arc::new(read_builtin(BUILTIN)) }).clone()
    }

    /// The schema that a kustomization asks for with `openapi`. The built-in types join it where they are `known`
    /// already.
    pub(crate) fn chosen(version: Option<&str>, custom: Option<&[u8]>, known: bool) -> Result<Option<Self>> {
        match (version, custom) {
            (Some(_), Some(_)) => fail("builtin version and custom schema provided, cannot use both"),
            (None, Some(text)) => {
                let base = if known { Types::clone(&Self::builtin().types) } else { Types::default() };
                Self::from_openapi(text, base).map(Some)
            }
            (None | Some(""), None) => Ok(None),
            (Some(PINNED_VERSION), None) => Ok(Some(Self::builtin())),
            (Some(_), None) => fail("the specified OpenAPI version is not built in"),
        }
    }

    /// The type of resources of a kind.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Place<'_> {
        match self.types.by_kind.get(&(api_version.into(), kind.into())) {
            Some(&of) => Place::Object(self, of),
            None => Place::Unknown,
        }
    }

    fn from_openapi(text: &[u8], mut types: Types) -> Result<Self> {
        let document: Value = if text.first() == Some(&b'{') {
            serde_json::from_slice(text)
                .map_err(|error| Error::new(format!("invalid schema file: {error}")))?
        } else {
            gyre_yaml::yaml_to_json(text)
                .map_err(|error| Error::new(format!("invalid schema file: {error}")))?
        };
        let empty = serde_json::Map::new();
        let definitions = document.get("definitions").and_then(Value::as_object).unwrap_or(&empty);
        let built_in = types.list.len();
        let mut numbers: HashMap<String, usize> =
            definitions.keys().enumerate().map(|(at, name)| (name.clone(), built_in + at)).collect();
        numbers.extend(types.names.drain(..).map(|(name, at)| (format!("io.k8s.{name}"), at)));
        let mut anonymous =
            Anonymous { numbers: &numbers, first: built_in + definitions.len(), made: Vec::new() };
        for (at, definition) in definitions.values().enumerate() {
            for kind in kinds(definition) {
                types.by_kind.entry(kind).or_insert(built_in + at);
            }
            let fields = anonymous.fields(definition, 0);
            types.list.push(fields);
        }
        types.list.extend(anonymous.made);
        Ok(Self { types: Arc::new(types) })
    }
}

/// Types that have no name: objects inside of definitions.
struct Anonymous<'a> {
    numbers: &'a HashMap<String, usize>,
    first: usize,
    made: Vec<Fields>,
}

/// How deep objects without a name may nest in a schema.
const INLINE_DEPTH_MAX: usize = 64;

impl Anonymous<'_> {
    fn fields(&mut self, definition: &Value, depth: usize) -> Fields {
        let properties = definition.get("properties").and_then(Value::as_object);
        let mut fields = Vec::new();
        for (name, property) in properties.into_iter().flatten() {
            fields.push((name.into(), self.field(property, depth)));
        }
        Fields::sorted(fields)
    }

    fn field(&mut self, property: &Value, depth: usize) -> Field {
        let (shape, inner) = if let Some(items) = property.get("items") {
            (Shape::List, items)
        } else if let Some(values) = property.get("additionalProperties").filter(|values| values.is_object())
        {
            (Shape::Map, values)
        } else {
            (Shape::Object, property)
        };
        let strategy =
            property.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
        let merge = shape == Shape::List && strategy.split(',').any(|strategy| strategy == "merge");
        let keys = match property.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
            Some(keys) => keys.iter().filter_map(Value::as_str).map(SmolStr::from).collect(),
            None => property
                .get("x-kubernetes-patch-merge-key")
                .and_then(Value::as_str)
                .map(|key| vec![key.into()])
                .unwrap_or_default(),
        };
        Field { shape, of: self.target(inner, depth), merge, keys }
    }

    fn target(&mut self, inner: &Value, depth: usize) -> Option<usize> {
        if let Some(reference) = inner.get("$ref").and_then(Value::as_str) {
            return self.numbers.get(reference.strip_prefix("#/definitions/")?).copied();
        }
        if depth >= INLINE_DEPTH_MAX || inner.get("properties").is_none() {
            return None;
        }
        let fields = self.fields(inner, depth + 1);
        self.made.push(fields);
        Some(self.first + self.made.len() - 1)
    }
}

fn kinds(definition: &Value) -> Vec<(SmolStr, SmolStr)> {
    let list = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
    fn text<'a>(entry: &'a Value, field: &str) -> Option<&'a str> {
        entry.get(field).and_then(Value::as_str)
    }
    list.into_iter()
        .flatten()
        .filter_map(|entry| {
            let version = text(entry, "version")?;
            let api_version = match text(entry, "group").filter(|group| !group.is_empty()) {
                Some(group) => format_smolstr!("{group}/{version}"),
                None => version.into(),
            };
            Some((api_version, text(entry, "kind")?.into()))
        })
        .collect()
}

fn read_builtin(text: &'static str) -> Types {
    let mut types = Types::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("t ") {
            let at = types.list.len();
            let (name, kinds) = rest.split_once(' ').unwrap_or((rest, ""));
            types.names.push((name, at));
            for kind in kinds.split(',').filter_map(|kind| kind.split_once(' ')) {
                types.by_kind.insert((SmolStr::new_static(kind.0), SmolStr::new_static(kind.1)), at);
            }
            types.list.push(Fields::default());
            continue;
        }
        let mut words = line.split(' ');
        let (Some(name), Some(target)) = (words.next(), words.next()) else { continue };
        let shape = match target.as_bytes().first() {
            Some(b'[') => Shape::List,
            Some(b'{') => Shape::Map,
            _ => Shape::Object,
        };
        let merge = words.next();
        let keys = merge.and_then(|merge| merge.strip_prefix("merge:")).unwrap_or_default();
        let field = Field {
            shape,
            of: target[1..].parse().ok(),
            merge: merge.is_some(),
            keys: keys.split(',').filter(|key| !key.is_empty()).map(SmolStr::new_static).collect(),
        };
        if let Some(fields) = types.list.last_mut() {
            // order: the text has the fields of a type in the order of their names.
            fields.0.push((SmolStr::new_static(name), field));
        }
    }
    types
}
