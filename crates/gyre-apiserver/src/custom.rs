//! Kinds that CustomResourceDefinitions define.

mod definition;
mod openapi;
mod rules;
mod schema;
mod structural;
mod validate;

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::registry::{Kind, Subresource, Version};

pub(crate) use definition::{
    approval, conditions, defaults, fresh_status, is_established, validate as validate_definition,
    validate_change,
};
pub(crate) use openapi::warn as warn_of_definition;
pub(crate) use schema::Schema;
pub(crate) use validate::validate as validate_object;

/// What a definition says beyond its versions.
#[derive(Debug)]
pub(crate) struct Custom {
    /// The name of the definition.
    pub(crate) definition: String,
    pub(crate) uid: String,
}

/// A printer column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: String,
}

/// Where the scale of an object stands.
#[derive(Clone, Debug)]
pub(crate) struct ScalePaths {
    pub(crate) spec: Vec<String>,
    pub(crate) status: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
}

/// What one version of a definition says.
#[derive(Debug)]
pub(crate) struct CustomVersion {
    pub(crate) schema: Schema,
    pub(crate) scale: Option<ScalePaths>,
    pub(crate) columns: Vec<Column>,
    pub(crate) selectable: Vec<String>,
    /// The schema as it was written, for OpenAPI.
    pub(crate) openapi: Value,
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

/// The kind that a definition defines.
pub(crate) fn kind_of(definition: &Value) -> Kind {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, names) = (text(&spec["group"]), &spec["names"]);
    let versions = spec["versions"].as_array().cloned().unwrap_or_default();
    let storage =
        versions.iter().find(|it| it["storage"] == true).map(|it| text(&it["name"])).unwrap_or_default();
    let plural = text(&names["plural"]);
    let kind = text(&names["kind"]);
    let preserve = spec["preserveUnknownFields"] == true;
    let mut served: Vec<Version> = versions
        .iter()
        .filter(|version| version["served"] == true)
        .map(|version| version_of(version, &group, &kind, preserve, &versions))
        .collect();
    served.sort_by(|a, b| version_order(&b.name, &a.name));
    Kind {
        shelf: format!("{plural}.{group}").into(),
        list_kind: text(&names["listKind"]),
        singular: text(&names["singular"]),
        short_names: words(&names["shortNames"]),
        categories: words(&names["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        storage,
        versions: served,
        custom: Some(Arc::new(Custom {
            definition: crate::object::meta(definition, "name").to_owned(),
            uid: crate::object::meta(definition, "uid").to_owned(),
        })),
        group,
        kind,
        plural,
    }
}

fn version_of(version: &Value, group: &str, kind: &str, preserve: bool, all: &[Value]) -> Version {
    let name = version["name"].as_str().unwrap_or_default().to_owned();
    let openapi = version["schema"]["openAPIV3Schema"].clone();
    let schema = Schema::root(&openapi, preserve);
    let subresources = &version["subresources"];
    let status = subresources["status"].is_object();
    let path = |value: &Value| -> Vec<String> {
        value.as_str().unwrap_or_default().split('.').filter(|it| !it.is_empty()).map(Into::into).collect()
    };
    let scale = subresources["scale"].is_object().then(|| ScalePaths {
        spec: path(&subresources["scale"]["specReplicasPath"]),
        status: path(&subresources["scale"]["statusReplicasPath"]),
        selector: subresources["scale"]["labelSelectorPath"].as_str().map(|it| path(&it.into())),
    });
    let of = |name: &str, group: &str, version: &str, kind: &str| Subresource {
        name: name.into(),
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        verbs: ["get", "patch", "update"].map(Into::into).into(),
    };
    let mut parts = Vec::new();
    if status {
        parts.push(of("status", "", "", kind));
    }
    if scale.is_some() {
        parts.push(of("scale", "autoscaling", "v1", "Scale"));
    }
    let selectable = version["selectableFields"].as_array().into_iter().flatten();
    Version {
        ty: schema.typed(),
        verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
            .map(Into::into)
            .into(),
        subresources: parts,
        warning: (version["deprecated"] == true).then(|| deprecation(version, group, kind, all)),
        empty: OnceLock::new(),
        custom: Some(Arc::new(CustomVersion {
            schema,
            scale,
            columns: columns(version),
            selectable: selectable
                .filter_map(|it| Some(it["jsonPath"].as_str()?.trim_start_matches('.').to_owned()))
                .collect(),
            openapi,
        })),
        name,
    }
}

fn deprecation(version: &Value, group: &str, kind: &str, all: &[Value]) -> String {
    if let Some(text) = version["deprecationWarning"].as_str() {
        return text.to_owned();
    }
    let name = version["name"].as_str().unwrap_or_default();
    let newer = all
        .iter()
        .filter(|it| it["served"] == true && it["deprecated"] != true)
        .filter_map(|it| it["name"].as_str())
        .max_by(|a, b| version_order(a, b))
        .filter(|newest| version_order(newest, name).is_gt());
    match newer {
        Some(newest) => format!("{group}/{name} {kind} is deprecated; use {group}/{newest} {kind}"),
        None => format!("{group}/{name} {kind} is deprecated"),
    }
}

fn columns(version: &Value) -> Vec<Column> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let Some(list) = version["additionalPrinterColumns"].as_array().filter(|it| !it.is_empty()) else {
        return vec![Column {
            name: "Age".into(),
            ty: "date".into(),
            format: String::new(),
            description: crate::tables::AGE.into(),
            priority: 0,
            path: ".metadata.creationTimestamp".into(),
        }];
    };
    list.iter()
        .map(|it| Column {
            name: text(&it["name"]),
            ty: text(&it["type"]),
            format: text(&it["format"]),
            description: it["description"].as_str().map_or_else(
                || {
                    format!(
                        "Custom resource definition column (in JSONPath format): {}",
                        text(&it["jsonPath"])
                    )
                },
                Into::into,
            ),
            priority: it["priority"].as_i64().unwrap_or_default(),
            path: text(&it["jsonPath"]),
        })
        .collect()
}

/// Orders versions as Kubernetes does: `v2 > v1 > v1beta2 > v1alpha1 > anything else`.
pub(crate) fn version_order(a: &str, b: &str) -> Ordering {
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => b.cmp(a),
    }
}

fn parts(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let major = rest[..digits].parse().ok()?;
    match &rest[digits..] {
        "" => Some((3, major, 0)),
        rest if rest.starts_with("beta") => Some((2, major, rest[4..].parse().ok()?)),
        rest if rest.starts_with("alpha") => Some((1, major, rest[5..].parse().ok()?)),
        _ => None,
    }
}
