//! `.Chart`.

use std::rc::Rc;

use gyre_template::{Element, List, Map, MapKind, Object, Value};
use serde_json::json;

use crate::chart::{Dependency, Maintainer, Metadata};

/// The metadata of a chart, and whether it is the one that was asked for.
#[derive(Debug)]
pub(crate) struct ChartObject {
    pub(crate) metadata: Rc<Metadata>,
    pub(crate) is_root: bool,
}

/// Names in Go and in JSON, in the order of the struct.
const JSON_NAMES: [(&str, &str); 17] = [
    ("Name", "name"),
    ("Home", "home"),
    ("Sources", "sources"),
    ("Version", "version"),
    ("Description", "description"),
    ("Keywords", "keywords"),
    ("Maintainers", "maintainers"),
    ("Icon", "icon"),
    ("APIVersion", "apiVersion"),
    ("Condition", "condition"),
    ("Tags", "tags"),
    ("AppVersion", "appVersion"),
    ("Deprecated", "deprecated"),
    ("Annotations", "annotations"),
    ("KubeVersion", "kubeVersion"),
    ("Dependencies", "dependencies"),
    ("Type", "type"),
];

fn json_fields(metadata: &Metadata) -> Vec<(&'static str, Value)> {
    let fields = JSON_NAMES.iter().filter_map(|(go, json)| Some((*json, field(metadata, go)?)));
    fields.filter(|(_, value)| value.is_true()).collect()
}

const FIELDS: [&str; 17] = [
    "Name",
    "Home",
    "Sources",
    "Version",
    "Description",
    "Keywords",
    "Maintainers",
    "Icon",
    "APIVersion",
    "Condition",
    "Tags",
    "AppVersion",
    "Deprecated",
    "Annotations",
    "KubeVersion",
    "Dependencies",
    "Type",
];

/// `.Chart` of Helm 4: a map with the names of Go's fields.
pub(crate) fn as_map(metadata: &Metadata, is_root: bool) -> Value {
    let lists = |value: Value, items: Option<Vec<Value>>| match (value, items) {
        (Value::List(list), None) => Value::List(List { is_nil: false, ..list }),
        (_, Some(items)) => Value::List(List::any(items)),
        (value, None) => value,
    };
    let named = |object: &dyn Object, names: &[&'static str]| {
        Value::map(names.iter().filter_map(|name| Some((*name, object.field(name)?))))
    };
    let pairs = FIELDS.iter().filter_map(|name| {
        let items = match *name {
            "Maintainers" => Some(
                metadata
                    .maintainers
                    .iter()
                    .map(|one| named(&MaintainerObject(one.clone()), &["Name", "Email", "URL"]))
                    .collect(),
            ),
            "Dependencies" => Some(
                metadata
                    .dependencies
                    .iter()
                    .map(|one| named(&DependencyObject(one.clone()), &DEPENDENCY_FIELDS))
                    .collect(),
            ),
            _ => None,
        };
        Some((*name, lists(field(metadata, name)?, items)))
    });
    Value::map(pairs.chain([("IsRoot", Value::Bool(is_root))]))
}

const DEPENDENCY_FIELDS: [&str; 8] =
    ["Name", "Version", "Repository", "Condition", "Tags", "Enabled", "ImportValues", "Alias"];

fn texts(items: &[String]) -> Value {
    match Value::strings(items.iter().map(String::as_str)) {
        Value::List(list) => Value::List(List { is_nil: items.is_empty(), ..list }),
        other => other,
    }
}

fn objects(name: &'static str, items: Vec<Value>) -> Value {
    let is_nil = items.is_empty();
    Value::List(List { is_nil, ..List::of(Element::Object(name), items) })
}

fn field(metadata: &Metadata, name: &str) -> Option<Value> {
    let text = |text: &str| Some(Value::text(text));
    match name {
        "Name" => text(&metadata.name),
        "Home" => text(&metadata.home),
        "Sources" => Some(texts(&metadata.sources)),
        "Version" => text(&metadata.version),
        "Description" => text(&metadata.description),
        "Keywords" => Some(texts(&metadata.keywords)),
        "Maintainers" => {
            let all =
                metadata.maintainers.iter().map(|one| Value::Object(Rc::new(MaintainerObject(one.clone()))));
            Some(objects("*chart.Maintainer", all.collect()))
        }
        "Icon" => text(&metadata.icon),
        "APIVersion" => text(&metadata.api_version),
        "Condition" => text(&metadata.condition),
        "Tags" => text(&metadata.tags),
        "AppVersion" => text(&metadata.app_version),
        "Deprecated" => Some(Value::Bool(metadata.deprecated)),
        "Annotations" => {
            let map = Map { is_nil: metadata.annotations.is_empty(), ..Map::new(MapKind::Str) };
            for (key, value) in &metadata.annotations {
                map.set(key.as_str(), Value::text(value.as_str().unwrap_or_default()));
            }
            Some(Value::Map(map))
        }
        "KubeVersion" => text(&metadata.kube_version),
        "Dependencies" => {
            let all =
                metadata.dependencies.iter().map(|one| Value::Object(Rc::new(DependencyObject(one.clone()))));
            Some(objects("*chart.Dependency", all.collect()))
        }
        "Type" => text(&metadata.kind),
        _ => None,
    }
}

impl Object for ChartObject {
    fn type_name(&self) -> &'static str {
        "struct { chart.Metadata; IsRoot bool }"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "IsRoot" => Some(Value::Bool(self.is_root)),
            "Metadata" => Some(Value::Object(Rc::new(MetadataObject(self.metadata.clone())))),
            name => field(&self.metadata, name),
        }
    }

    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        let mut fields = json_fields(&self.metadata);
        fields.push(("IsRoot", Value::Bool(self.is_root)));
        Some(fields)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Metadata", Value::Object(Rc::new(MetadataObject(self.metadata.clone())))),
            ("IsRoot", Value::Bool(self.is_root)),
        ]
    }
}

#[derive(Debug)]
struct MetadataObject(Rc<Metadata>);

impl Object for MetadataObject {
    fn type_name(&self) -> &'static str {
        "chart.Metadata"
    }

    fn field(&self, name: &str) -> Option<Value> {
        field(&self.0, name)
    }

    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        Some(json_fields(&self.0))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        FIELDS.iter().filter_map(|name| Some((*name, field(&self.0, name)?))).collect()
    }
}

#[derive(Debug)]
struct MaintainerObject(Maintainer);

impl Object for MaintainerObject {
    fn type_name(&self) -> &'static str {
        "*chart.Maintainer"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::text(match name {
            "Name" => self.0.name.as_str(),
            "Email" => self.0.email.as_str(),
            "URL" => self.0.url.as_str(),
            _ => return None,
        }))
    }

    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        let all = [("name", &self.0.name), ("email", &self.0.email), ("url", &self.0.url)];
        Some(
            all.into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(key, text)| (key, Value::text(text.as_str())))
                .collect(),
        )
    }
}

#[derive(Debug)]
struct DependencyObject(Dependency);

impl Object for DependencyObject {
    fn type_name(&self) -> &'static str {
        "*chart.Dependency"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Name" => Value::text(self.0.name.as_str()),
            "Version" => Value::text(self.0.version.as_str()),
            "Repository" => Value::text(self.0.repository.as_str()),
            "Condition" => Value::text(self.0.condition.as_str()),
            "Tags" => texts(&self.0.tags),
            "Enabled" => Value::Bool(self.0.enabled),
            "ImportValues" => Value::from_json(&json!(self.0.import_values)),
            "Alias" => Value::text(self.0.alias.as_str()),
            _ => return None,
        })
    }

    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        let all = [
            ("name", "Name"),
            ("version", "Version"),
            ("repository", "Repository"),
            ("condition", "Condition"),
            ("tags", "Tags"),
            ("enabled", "Enabled"),
            ("import-values", "ImportValues"),
            ("alias", "Alias"),
        ];
        let fields = all.into_iter().filter_map(|(json, go)| Some((json, self.field(go)?)));
        Some(
            fields
                .filter(|(json, value)| matches!(*json, "name" | "repository") || value.is_true())
                .collect(),
        )
    }
}
