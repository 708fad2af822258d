//! What the schema of a definition may say (`ValidateCustomResourceDefinitionOpenAPISchema` of apiextensions-apiserver,
//! `pkg/apis/apiextensions/validation`), and what its writer is warned of.

use serde_json::Value;

use crate::failure::Cause;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What JSON Schema has and the schemas of definitions do not.
const UNSUPPORTED: [&str; 6] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

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

/// Everything that is wrong with the schema of a version.
pub(super) fn check(schema: &Value, at: &str, causes: &mut Vec<Cause>) {
    let before = causes.len();
    if schema["nullable"] == true {
        causes.push(Cause::forbidden(format!("{at}.nullable"), "nullable cannot be true at the root"));
    }
    let mut structural = Vec::new();
    // What cannot be read as structural is told of below.
    let readable = is_readable(schema);
    if readable {
        structural = super::structural::problems(schema, at);
        if structural.is_empty() {
            defaults(schema, at, true, &mut structural);
        }
    }
    let ruled = structural.is_empty();
    causes.append(&mut structural);
    let place = Place { ruled, ..Place::default() };
    let mut rules = Vec::new();
    node(schema, at, true, &place, causes, &mut rules);
    causes.append(&mut rules);
    if causes.len() == before && !readable {
        let detail = "OpenAPIV3Schema 'schema' is not supported";
        causes.push(Cause::invalid(at, &"".into(), detail));
    }
}

/// Whether a schema has nothing that structural schemas do not know.
fn is_readable(schema: &Value) -> bool {
    if !schema.is_object() {
        return true;
    }
    let unknown = |key: &str| schema.get(key).is_some_and(|it| !it.is_null());
    let children = |key: &str| schema[key].as_object().into_iter().flatten().all(|(_, it)| is_readable(it));
    let combined = |key: &str| schema[key].as_array().into_iter().flatten().all(is_readable);
    !UNSUPPORTED.iter().any(|key| unknown(key))
        && schema.get("$schema").is_none_or(Value::is_null)
        && !schema["items"].is_array()
        && ["items", "additionalProperties", "not"].iter().all(|key| is_readable(&schema[*key]))
        && children("properties")
        && ["allOf", "anyOf", "oneOf"].iter().all(|key| combined(key))
}

/// What is wrong with the defaults of a schema.
fn defaults(schema: &Value, at: &str, root: bool, causes: &mut Vec<Cause>) {
    if (root || schema["x-kubernetes-embedded-resource"] == true) && schema["default"].is_object() {
        for key in ["apiVersion", "kind"] {
            if schema["default"][key].as_str().is_none_or(str::is_empty) {
                causes.push(Cause::required(format!("{at}.default.{key}"), ""));
            }
        }
    }
    super::validate::default(schema, at, causes);
    if schema["items"].is_object() {
        defaults(&schema["items"], &format!("{at}.items"), false, causes);
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        defaults(child, &format!("{at}.properties[{name}]"), false, causes);
    }
}

/// What holds where a schema stands.
#[derive(Clone, Default)]
struct Place {
    /// Why there may be no defaults.
    no_defaults: &'static str,
    /// It is about the metadata of an object.
    in_metadata: bool,
    /// Its rules are compiled.
    ruled: bool,
}

/// Checks one schema and all below it. Rules are compiled where nothing else is wrong here or below.
fn node(
    schema: &Value,
    at: &str,
    root: bool,
    place: &Place,
    causes: &mut Vec<Cause>,
    rules: &mut Vec<Cause>,
) {
    if !schema.is_object() {
        return;
    }
    let before = causes.len();
    standard(schema, at, place, causes);
    if schema["uniqueItems"] == true {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.push(Cause::forbidden(format!("{at}.uniqueItems"), detail));
    }
    let embedded = schema["x-kubernetes-embedded-resource"] == true;
    let properties = schema["properties"].as_object().filter(|it| !it.is_empty());
    let additional = &schema["additionalProperties"];
    if properties.is_some() && (additional.is_object() || *additional == false) {
        let detail = "additionalProperties and properties are mutual exclusive";
        causes.push(Cause::forbidden(format!("{at}.additionalProperties"), detail));
    }
    let mut inner = place.clone();
    if place.in_metadata {
        inner.no_defaults = " inside additionalProperties applying to object metadata";
    }
    node(additional, &format!("{at}.additionalProperties"), false, &inner, causes, rules);
    for (name, child) in properties.into_iter().flatten() {
        let mut inner = place.clone();
        if (root || embedded) && matches!(name.as_str(), "metadata" | "kind" | "apiVersion") {
            inner.in_metadata = true;
            if root {
                inner.no_defaults = match name.as_str() {
                    "metadata" => " in top-level metadata",
                    "kind" => " in top-level kind",
                    _ => " in top-level apiVersion",
                };
            }
        }
        node(child, &format!("{at}.properties[{name}]"), false, &inner, causes, rules);
    }
    let unruled = Place { ruled: false, ..place.clone() };
    node(&schema["not"], &format!("{at}.not"), false, &unruled, causes, rules);
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, child) in schema[key].as_array().into_iter().flatten().enumerate() {
            node(child, &format!("{at}.{key}[{index}]"), false, &unruled, causes, rules);
        }
    }
    node(&schema["items"], &format!("{at}.items"), false, place, causes, rules);
    extensions(schema, at, causes);
    super::rules::shapes(schema, at, causes);
    if place.ruled && causes.len() == before {
        super::rules::problems(schema, at, root, rules);
    }
}

/// What all schemas of definitions must be like.
fn standard(schema: &Value, at: &str, place: &Place, causes: &mut Vec<Cause>) {
    let ty = schema["type"].as_str().unwrap_or_default();
    if !ty.is_empty() && !TYPES.contains(&ty) {
        causes.push(Cause::unsupported(format!("{at}.type"), &schema["type"], &TYPES));
    }
    if !schema["default"].is_null() && !place.no_defaults.is_empty() {
        let detail = format!("must not be set{}", place.no_defaults);
        causes.push(Cause::forbidden(format!("{at}.default"), &detail));
    }
    for key in UNSUPPORTED {
        if schema.get(key).is_some_and(|it| !it.is_null()) {
            causes.push(Cause::forbidden(format!("{at}.{key}"), &format!("{key} is not supported")));
        }
    }
    if ty == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        causes.push(Cause::forbidden(format!("{at}.type"), detail));
    }
    if schema["items"].is_array() {
        let detail = "items must be a schema object and not an array";
        causes.push(Cause::forbidden(format!("{at}.items"), detail));
    }
    if place.in_metadata && schema["x-kubernetes-embedded-resource"] == true {
        let field = format!("{at}.x-kubernetes-embedded-resource");
        causes.push(Cause::forbidden(field, "must not be used inside of resource meta"));
    }
}

/// What is wrong with a regular expression.
pub(super) fn pattern(it: &Value, at: &str, causes: &mut Vec<Cause>) {
    if let Some(pattern) = it["pattern"].as_str()
        && regex::Regex::new(pattern).is_err()
    {
        let why = if pattern.matches('(').count() > pattern.matches(')').count() {
            "missing closing )"
        } else {
            "invalid escape sequence"
        };
        let detail = format!(
            "must be a valid regular expression, but isn't: error parsing regexp: {why}: `{pattern}`"
        );
        causes.push(Cause::invalid(format!("{at}.pattern"), &it["pattern"], &detail));
    }
}

/// What Kubernetes adds to JSON Schema, and what goes together.
fn extensions(it: &Value, at: &str, causes: &mut Vec<Cause>) {
    let (list, map) = (&it["x-kubernetes-list-type"], &it["x-kubernetes-map-type"]);
    if it["x-kubernetes-preserve-unknown-fields"] == false {
        let field = format!("{at}.x-kubernetes-preserve-unknown-fields");
        causes.push(Cause::invalid(field, &false.into(), "must be true or undefined"));
    }
    if !map.is_null() {
        typed(it, "object", "x-kubernetes-map-type", at, causes);
        if !matches!(map.as_str(), Some("atomic" | "granular")) {
            let field = format!("{at}.x-kubernetes-map-type");
            causes.push(Cause::unsupported(field, map, &["atomic", "granular"]));
        }
    }
    let item = &it["items"];
    if !list.is_null() {
        if !typed(it, "array", "x-kubernetes-list-type", at, causes) && *list == "set" {
            let must = "must be atomic as item of a list with x-kubernetes-list-type=set";
            let (key, wrong) = match item["type"].as_str() {
                Some("array") => {
                    let inner = &item["x-kubernetes-list-type"];
                    ("x-kubernetes-list-type", !inner.is_null() && *inner != "atomic")
                }
                Some("object") => ("x-kubernetes-map-type", item["x-kubernetes-map-type"] != "atomic"),
                _ => ("", false),
            };
            if wrong {
                let field = format!("{at}.items.{key}");
                causes.push(Cause::invalid(field, &item["x-kubernetes-list-type"], must));
            }
        }
        if !matches!(list.as_str(), Some("atomic" | "set" | "map")) {
            let field = format!("{at}.x-kubernetes-list-type");
            causes.push(Cause::unsupported(field, list, &["atomic", "set", "map"]));
        }
    }
    let keys = it["x-kubernetes-list-map-keys"].as_array().map_or(&[][..], Vec::as_slice);
    if !keys.is_empty() && *list != "map" {
        let field = format!("{at}.x-kubernetes-list-type");
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        causes.push(match list {
            Value::Null => Cause::required(field, detail),
            list => Cause::invalid(field, list, detail),
        });
    }
    if *list == "map" {
        map_list(it, keys, at, causes);
    }
    if matches!(list.as_str(), Some("set" | "map")) && item.is_object() {
        never_null(it, keys, at, causes);
    }
}

/// A list whose items have keys.
fn map_list(it: &Value, keys: &[Value], at: &str, causes: &mut Vec<Cause>) {
    let (keys_at, item) = (format!("{at}.x-kubernetes-list-map-keys"), &it["items"]);
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        causes.push(Cause::required(keys_at.as_str(), detail));
    }
    match item {
        Value::Null => {
            let detail = "must have a schema if x-kubernetes-list-type is map";
            causes.push(Cause::required(format!("{at}.items"), detail));
        }
        Value::Object(_) if item["type"] == "object" => {
            for (index, key) in keys.iter().enumerate() {
                let name = key.as_str().unwrap_or_default();
                match item["properties"].get(name).map(|it| &it["type"]) {
                    Some(ty) if *ty == "array" || *ty == "object" => {
                        let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                        let field = format!("{at}.items.properties[{name}].type");
                        causes.push(Cause::invalid(field, &item["type"], detail));
                    }
                    Some(_) => {}
                    None => {
                        let detail = "entries must all be names of item properties";
                        causes.push(Cause::invalid(keys_at.as_str(), &keys.to_vec().into(), detail));
                    }
                }
                if keys[..index].contains(key) {
                    let detail = "must not contain duplicate entries";
                    causes.push(Cause::invalid(keys_at.as_str(), &keys.to_vec().into(), detail));
                }
            }
        }
        Value::Object(_) => {
            let inner = item["type"].as_str().unwrap_or_default();
            let detail = "must be object if parent array's x-kubernetes-list-type is map";
            causes.push(Cause::invalid(format!("{at}.items.type"), &inner.into(), detail));
        }
        _ => {}
    }
}

/// What tells items apart is always there.
fn never_null(it: &Value, keys: &[Value], at: &str, causes: &mut Vec<Cause>) {
    let (list, item) = (it["x-kubernetes-list-type"].as_str().unwrap_or_default(), &it["items"]);
    if item["nullable"] == true {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list}");
        causes.push(Cause::forbidden(format!("{at}.items.nullable"), &detail));
    }
    for key in keys.iter().filter(|_| list == "map") {
        let Some(property) = key.as_str().and_then(|it| item["properties"].get(it)) else { continue };
        let at = format!("{at}.items.properties[{}]", key.as_str().unwrap_or_default());
        let required = item["required"].as_array().is_some_and(|it| it.contains(key));
        if !required && property["default"].is_null() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            causes.push(Cause::required(format!("{at}.default"), detail));
        }
        if property["nullable"] == true {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            causes.push(Cause::forbidden(format!("{at}.nullable"), detail));
        }
    }
}

/// An extension that is there for one type. Says whether the type is another one.
fn typed(it: &Value, wanted: &str, extension: &str, at: &str, causes: &mut Vec<Cause>) -> bool {
    let detail = format!("must be {wanted} if {extension} is specified");
    match it["type"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(format!("{at}.type"), &detail)),
        ty if ty != wanted => causes.push(Cause::invalid(format!("{at}.type"), &it["type"], &detail)),
        _ => return false,
    }
    true
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
