//! OpenAPI, made from the facts about types: enough for kubectl's explain, apply and validation.

use std::collections::{BTreeMap, BTreeSet};

use gyre_merge::facts;
use gyre_merge::schema::{Field, ListKind, Scalar, Struct, StructRef, Type};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::failure::{Failure, Result};
use crate::registry::{Kind, Registry, Version, api_version};
use crate::request::Request;
use crate::response::{Answer, Payload};

/// How references to other schemas begin.
const REF_V3: &str = "#/components/schemas/";
const REF_V2: &str = "#/definitions/";

/// The names of single values.
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const FIELDS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";

impl Api {
    pub(super) fn openapi(&self, request: &Request) -> Result<Answer> {
        let registry = self.registry();
        let path = request.path.trim_end_matches('/');
        if path == "/openapi/v2" {
            return Ok(Answer::object(200, document_v2(&registry)));
        }
        if path == "/openapi/v3" {
            return Ok(Answer::object(200, index(&registry)));
        }
        let place = path.strip_prefix("/openapi/v3/").unwrap_or_default();
        let (group, version) = match place.split('/').collect::<Vec<_>>()[..] {
            ["api", version] => ("", version),
            ["apis", group, version] => (group, version),
            _ => return Err(Failure::page_not_found()),
        };
        if !registry.serves(group, version) {
            return Err(Failure::page_not_found());
        }
        let document = document_v3(&registry, group, version);
        Ok(Answer::of(200, Payload::Object(document)))
    }
}

fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    crate::random::hex(&digest.as_ref()[..32]).to_uppercase()
}

fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (group, versions) in &registry.groups {
        for version in versions {
            let place =
                if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            // The document of a version changes with the definitions of its kinds.
            let kinds: Vec<String> = registry
                .served(group, version)
                .map(|(kind, version)| {
                    format!(
                        "{}{}",
                        kind.kind,
                        version.custom.as_ref().map_or(String::new(), |it| it.openapi.to_string())
                    )
                })
                .collect();
            let hash = digest(&kinds.concat());
            paths.insert(
                place.clone(),
                json!({"serverRelativeURL": format!("/openapi/v3/{place}?hash={hash}")}),
            );
        }
    }
    json!({"paths": paths})
}

struct Writer {
    reference: &'static str,
    wanted: Vec<String>,
}

impl Writer {
    /// A reference to another schema, which has to be in the document then.
    fn named(&mut self, name: &str) -> Value {
        self.wanted.push(name.to_owned());
        json!({"$ref": format!("{}{name}", self.reference)})
    }

    /// The schema of a single value that has a name; `None` for other names.
    fn single(&self, name: &str) -> Option<Value> {
        let v2 = self.reference == REF_V2;
        Some(match name {
            TIME | MICRO_TIME => json!({"type": "string", "format": "date-time"}),
            FIELDS => json!({"type": "object"}),
            QUANTITY if v2 => json!({"type": "string"}),
            QUANTITY => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
            INT_OR_STRING if v2 => json!({"type": "string", "format": "int-or-string"}),
            INT_OR_STRING => {
                json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
            }
            _ => return None,
        })
    }

    fn ty(&mut self, ty: &Type) -> Value {
        match ty {
            Type::Any => json!({"type": "object"}),
            Type::Scalar(scalar) => match scalar {
                Scalar::String => json!({"type": "string"}),
                Scalar::Int32 => json!({"type": "integer", "format": "int32"}),
                Scalar::Int64 => json!({"type": "integer", "format": "int64"}),
                Scalar::Number => json!({"type": "number", "format": "double"}),
                Scalar::Bool => json!({"type": "boolean"}),
                Scalar::Bytes => json!({"type": "string", "format": "byte"}),
                Scalar::Time => self.named(TIME),
                Scalar::MicroTime => self.named(MICRO_TIME),
                Scalar::Quantity => self.named(QUANTITY),
                Scalar::IntOrString => self.named(INT_OR_STRING),
            },
            Type::Struct(StructRef::Owned(it)) => self.object(it),
            Type::Struct(it) => {
                let name = it.resolve().name.clone();
                self.named(&name)
            }
            Type::List(list) => {
                let mut out = json!({"type": "array", "items": self.ty(&list.item)});
                match &list.kind {
                    ListKind::Atomic => out["x-kubernetes-list-type"] = "atomic".into(),
                    ListKind::Set => out["x-kubernetes-list-type"] = "set".into(),
                    ListKind::Map(keys) => {
                        out["x-kubernetes-list-type"] = "map".into();
                        out["x-kubernetes-list-map-keys"] =
                            keys.iter().map(|(key, _)| Value::from(key.as_str())).collect();
                    }
                }
                out
            }
            Type::Map(map) => {
                let mut out = json!({"type": "object", "additionalProperties": self.ty(&map.value)});
                if map.atomic {
                    out["x-kubernetes-map-type"] = "atomic".into();
                }
                out
            }
        }
    }

    fn field(&mut self, field: &Field) -> Value {
        let mut out = self.ty(&field.ty);
        if out.get("$ref").is_some() && self.reference == REF_V3 {
            out = json!({"allOf": [out]});
        }
        if let Some(default) = field.default.as_ref().filter(|_| self.reference == REF_V3) {
            out["default"] = default.clone();
        }
        if !field.allowed.is_empty() {
            out["enum"] = field.allowed.clone().into();
        }
        let strategies: Vec<&str> = [(field.patch.merge, "merge"), (field.patch.retain_keys, "retainKeys")]
            .into_iter()
            .filter_map(|(set, name)| set.then_some(name))
            .collect();
        if !strategies.is_empty() {
            out["x-kubernetes-patch-strategy"] = strategies.join(",").into();
        }
        if let Some(key) = &field.patch.merge_key {
            out["x-kubernetes-patch-merge-key"] = key.clone().into();
        }
        out
    }

    fn object(&mut self, it: &Struct) -> Value {
        let mut properties: Map<String, Value> =
            it.fields.iter().map(|(name, field)| (name.clone(), self.field(field))).collect();
        // The facts know nothing of what is in there, and so not its name.
        if let Some(fields) = properties.get_mut("fieldsV1") {
            *fields = self.named(FIELDS);
        }
        let required: Vec<&String> =
            it.fields.iter().filter(|(_, field)| field.required).map(|(name, _)| name).collect();
        let mut out = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            out["required"] = json!(required);
        }
        if it.atomic {
            out["x-kubernetes-map-type"] = "atomic".into();
        }
        out
    }
}

/// The name of the schema of a custom resource: its group backwards, version, kind.
fn custom_name(kind: &Kind, version: &str) -> String {
    let backwards: Vec<&str> = kind.group.split('.').rev().collect();
    format!("{}.{version}.{}", backwards.join("."), kind.kind)
}

fn schema_name(kind: &Kind, version: &Version) -> String {
    match version.ty.as_struct() {
        Some(it) if kind.custom.is_none() => it.name.clone(),
        _ => custom_name(kind, &version.name),
    }
}

/// The schemas of kinds and of everything that they name.
fn schemas<'a>(
    kinds: impl Iterator<Item = (&'a Kind, &'a Version)>,
    reference: &'static str,
) -> Map<String, Value> {
    let roots = facts::kinds_by_schema();
    let mut writer = Writer { reference, wanted: Vec::new() };
    let mut out = Map::new();
    for (kind, version) in kinds {
        match &version.custom {
            Some(custom) => {
                out.insert(
                    custom_name(kind, &version.name),
                    custom_schema(kind, version, &custom.openapi, reference),
                );
                writer.wanted.push("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta".into());
            }
            None => writer.wanted.extend(version.ty.as_struct().map(|it| it.name.clone())),
        }
    }
    for name in ["DeleteOptions", "Status"] {
        writer.wanted.push(format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}"));
    }
    let mut done = BTreeSet::new();
    while let Some(name) = writer.wanted.pop() {
        if !done.insert(name.clone()) {
            continue;
        }
        if let Some(single) = writer.single(&name) {
            out.insert(name, single);
            continue;
        }
        let Some(ty) = facts::named(&name) else { continue };
        let Some(it) = ty.as_struct() else { continue };
        let mut schema = writer.object(it);
        if let Some(gvks) = roots.get(name.as_str()) {
            schema["x-kubernetes-group-version-kind"] = gvks
                .iter()
                .map(|(group, version, kind)| json!({"group": group, "version": version, "kind": kind}))
                .collect();
        }
        out.insert(name, schema);
    }
    out
}

fn custom_schema(kind: &Kind, version: &Version, openapi: &Value, reference: &str) -> Value {
    let mut schema = if openapi.is_object() { openapi.clone() } else { json!({"type": "object"}) };
    let metadata = json!({"$ref": format!("{reference}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")});
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema["properties"]["apiVersion"] = json!({"type": "string"});
    schema["properties"]["kind"] = json!({"type": "string"});
    schema["properties"]["metadata"] =
        if reference == REF_V3 { json!({"allOf": [metadata]}) } else { metadata };
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": kind.group, "version": version.name, "kind": kind.kind}]);
    schema
}

/// The paths of a kind, with what kubectl looks for: kinds of actions and query parameters.
fn paths(kind: &Kind, version: &Version, v3: bool) -> BTreeMap<String, Value> {
    let base = if kind.group.is_empty() { "/api".to_owned() } else { "/apis".to_owned() };
    let root = format!("{base}/{}", api_version(&kind.group, &version.name));
    let collection = if kind.namespaced {
        format!("{root}/namespaces/{{namespace}}/{}", kind.plural)
    } else {
        format!("{root}/{}", kind.plural)
    };
    let gvk = json!({"group": kind.group, "version": version.name, "kind": kind.kind});
    let parameter = |name: &str| {
        let mut out = json!({"name": name, "in": "query"});
        if v3 {
            out["schema"] = json!({"type": "string", "uniqueItems": true});
        } else {
            out["type"] = "string".into();
            out["uniqueItems"] = true.into();
        }
        out
    };
    let write: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation"].map(parameter).into();
    let operation = |action: &str, parameters: &[Value]| {
        let mut out = json!({
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk, "parameters": parameters,
            "operationId": format!("{action}{}{}{}", kind.group.replace('.', ""), version.name, kind.kind),
        });
        let name = schema_name(kind, version);
        out["responses"] = if v3 {
            json!({"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": format!("{REF_V3}{name}")}}}}})
        } else {
            json!({"200": {"description": "OK", "schema": {"$ref": format!("{REF_V2}{name}")}}})
        };
        out
    };
    let has = |verb: &str| version.verbs.iter().any(|it| it == verb);
    let (mut many, mut one) = (json!({}), json!({}));
    let put = |place: &mut Value, verb: &str, method: &str, action: &str, parameters: &[Value]| {
        if has(verb) {
            place[method] = operation(action, parameters);
        }
    };
    put(&mut many, "list", "get", "list", &[]);
    put(&mut many, "create", "post", "post", &write);
    put(&mut many, "deletecollection", "delete", "deletecollection", &[]);
    put(&mut one, "get", "get", "get", &[]);
    put(&mut one, "update", "put", "put", &write);
    let mut patch = write.clone();
    patch.push(parameter("force"));
    put(&mut one, "patch", "patch", "patch", &patch);
    put(&mut one, "delete", "delete", "delete", &write[..1]);
    [(format!("{collection}/{{name}}"), one), (collection, many)].into()
}

fn document_v3(registry: &Registry, group: &str, version: &str) -> Value {
    let kinds = || registry.served(group, version).map(|(kind, version)| (&**kind, version));
    let mut all = BTreeMap::new();
    for (kind, served) in kinds() {
        all.extend(paths(kind, served, true));
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": super::VERSION},
        "paths": all,
        "components": {"schemas": schemas(kinds(), REF_V3)},
    })
}

fn document_v2(registry: &Registry) -> Value {
    let kinds =
        || registry.kinds.iter().flat_map(|kind| kind.versions.iter().map(move |version| (&**kind, version)));
    let mut all = BTreeMap::new();
    for (kind, served) in kinds() {
        all.extend(paths(kind, served, false));
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": super::VERSION},
        "paths": all,
        "definitions": schemas(kinds(), REF_V2),
    })
}
