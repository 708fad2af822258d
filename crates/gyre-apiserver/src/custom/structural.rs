//! What Kubernetes adds to JSON Schema, and what it allows together (`pkg/apis/apiextensions/validation`).

use serde_json::Value;

use crate::failure::Cause;

/// Formats that mean something.
const FORMATS: [&str; 31] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "date-time",
    "datetime",
    "double",
    "duration",
    "email",
    "float",
    "hexcolor",
    "hostname",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8s-long-name",
    "k8s-short-name",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];

/// What is wrong with the extensions of a schema.
pub(super) fn extensions(it: &Value, at: &str, causes: &mut Vec<Cause>) {
    let keys = it["x-kubernetes-list-map-keys"].as_array().is_some_and(|it| !it.is_empty());
    let (list, map) = (&it["x-kubernetes-list-type"], &it["x-kubernetes-map-type"]);
    if !list.is_null() {
        typed(it, "array", "x-kubernetes-list-type", at, causes);
        if !matches!(list.as_str(), Some("atomic" | "set" | "map")) {
            let field = format!("{at}.x-kubernetes-list-type");
            causes.push(Cause::unsupported(field, list, &["atomic", "set", "map"]));
        }
    }
    if keys && *list != "map" {
        let field = format!("{at}.x-kubernetes-list-type");
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        causes.push(match list {
            Value::Null => Cause::required(field, detail),
            list => Cause::invalid(field, list, detail),
        });
    }
    if !map.is_null() {
        typed(it, "object", "x-kubernetes-map-type", at, causes);
        if !matches!(map.as_str(), Some("atomic" | "granular")) {
            let field = format!("{at}.x-kubernetes-map-type");
            causes.push(Cause::unsupported(field, map, &["atomic", "granular"]));
        }
    }
    if it["x-kubernetes-preserve-unknown-fields"] == false {
        let field = format!("{at}.x-kubernetes-preserve-unknown-fields");
        causes.push(Cause::invalid(field, &false.into(), "must be true or undefined"));
    }
}

/// An extension that is there for one type.
fn typed(it: &Value, wanted: &str, extension: &str, at: &str, causes: &mut Vec<Cause>) {
    let detail = format!("must be {wanted} if {extension} is specified");
    match it["type"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(format!("{at}.type"), &detail)),
        ty if ty != wanted => causes.push(Cause::invalid(format!("{at}.type"), &it["type"], &detail)),
        _ => {}
    }
}

/// Warns of formats of a schema that nothing checks.
fn formats(schema: &Value, out: &mut Vec<String>) {
    if let Some(format) = schema["format"].as_str().filter(|it| !it.is_empty() && !FORMATS.contains(it)) {
        let warning = format!("unrecognized format {}", crate::failure::quoted(format));
        if !out.contains(&warning) {
            out.push(warning);
        }
    }
    for child in schema["properties"].as_object().into_iter().flatten().map(|it| it.1) {
        formats(child, out);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            formats(&schema[key], out);
        }
    }
}

/// What the writer of a definition is warned of.
pub(crate) fn warn(definition: &Value, out: &mut Vec<String>) {
    for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
        formats(&version["schema"]["openAPIV3Schema"], out);
    }
}
