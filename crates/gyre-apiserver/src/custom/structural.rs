//! Which schemas are structural: every value has a type, and what is only checked says nothing of its own
//! (`ValidateStructural` of apiextensions-apiserver, `pkg/apiserver/schema/validation.go` and `complete.go`).

use serde_json::{Value, json};

use crate::failure::Cause;

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What makes a schema not structural, in the order of the messages.
pub(super) fn problems(schema: &Value, at: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    invariants(schema, Level::Root, at, &mut causes);
    complete(schema, schema, at, at, &mut causes);
    causes.sort_by_cached_key(|it| format!("{}: {}", it.field, it.message));
    causes
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

fn is_set(schema: &Value, key: &str) -> bool {
    schema[key] == true
}

fn listed<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema[key].as_array().into_iter().flatten()
}

fn named<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema[key].as_object().into_iter().flatten()
}

fn is_either(list: &Value) -> bool {
    *list == json!([{"type": "integer"}, {"type": "string"}])
}

fn invariants(schema: &Value, level: Level, at: &str, causes: &mut Vec<Cause>) {
    let ty = text(schema, "type");
    if ty == "array" && schema["items"].is_null() {
        causes.push(Cause::required(format!("{at}.items"), "must be specified"));
    }
    if schema["items"].is_object() {
        invariants(&schema["items"], Level::Item, &format!("{at}.items"), causes);
    }
    for (name, child) in named(schema, "properties") {
        invariants(child, Level::Field, &format!("{at}.properties[{name}]"), causes);
    }
    let additional = &schema["additionalProperties"];
    if !additional.is_null() {
        let at = format!("{at}.additionalProperties");
        if level == Level::Root {
            causes.push(Cause::forbidden(at.as_str(), "must not be used at the root"));
        }
        if additional.is_object() {
            invariants(additional, Level::Field, &at, causes);
        }
    }
    let embedded = is_set(schema, "x-kubernetes-embedded-resource");
    let either = is_set(schema, "x-kubernetes-int-or-string");
    let preserves = is_set(schema, "x-kubernetes-preserve-unknown-fields");
    for (set, key) in
        [(preserves, "x-kubernetes-preserve-unknown-fields"), (embedded, "x-kubernetes-embedded-resource")]
    {
        if either && set {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            causes.push(Cause::invalid(format!("{at}.{key}"), &true.into(), detail));
        }
    }
    values(schema, is_either(&schema["anyOf"]), is_either(&schema["allOf"][0]["anyOf"]), at, causes);
    let ty_at = format!("{at}.type");
    if embedded && ty != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        causes.push(match ty {
            "" => Cause::required(ty_at.as_str(), detail),
            ty => Cause::invalid(ty_at.as_str(), &ty.into(), detail),
        });
    } else if ty.is_empty() && !either && !preserves {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        causes.push(Cause::required(ty_at.as_str(), detail));
    }
    if embedded && !additional.is_null() {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        causes.push(Cause::forbidden(format!("{at}.additionalProperties"), detail));
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        causes.push(Cause::invalid(ty_at, &ty.into(), "must be object at the root"));
    }
    metadata(schema, level, embedded, at, causes);
    let empty = schema["properties"].as_object().is_none_or(serde_json::Map::is_empty);
    if embedded && !preserves && empty {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        causes.push(Cause::required(format!("{at}.properties"), detail));
    }
}

/// What a schema says of the kind, the version and the metadata of objects.
fn metadata(schema: &Value, level: Level, embedded: bool, at: &str, causes: &mut Vec<Cause>) {
    let checked = level == Level::Root || embedded;
    for name in ["kind", "apiVersion"] {
        let property = &schema["properties"][name];
        if checked && property.is_object() && property["type"] != "string" {
            let at = format!("{at}.properties[{name}].type");
            causes.push(Cause::invalid(at, &text(property, "type").into(), "must be string"));
        }
    }
    let property = &schema["properties"]["metadata"];
    if !property.is_object() {
        return;
    }
    let at = format!("{at}.properties[metadata]");
    if checked && property["type"] != "object" {
        causes.push(Cause::invalid(format!("{at}.type"), &text(property, "type").into(), "must be object"));
    }
    if level == Level::Root {
        let allowed = |(key, value): (&String, &Value)| match key.as_str() {
            "type" | "default" => true,
            "properties" => {
                value.as_object().is_none_or(|it| it.keys().all(|it| it == "name" || it == "generateName"))
            }
            _ => value.is_null() || *value == false,
        };
        if !property.as_object().into_iter().flatten().all(allowed) {
            let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            causes.push(Cause::forbidden(at, detail));
        }
    }
}

/// What only checks values: combinations and patterns.
fn values(schema: &Value, skip_any: bool, skip_first: bool, at: &str, causes: &mut Vec<Cause>) {
    if !skip_any {
        for (index, it) in listed(schema, "anyOf").enumerate() {
            nested(it, false, &format!("{at}.anyOf[{index}]"), causes);
        }
    }
    for (index, it) in listed(schema, "allOf").enumerate() {
        nested(it, skip_first && index == 0, &format!("{at}.allOf[{index}]"), causes);
    }
    for (index, it) in listed(schema, "oneOf").enumerate() {
        nested(it, false, &format!("{at}.oneOf[{index}]"), causes);
    }
    if schema["not"].is_object() {
        nested(&schema["not"], false, &format!("{at}.not"), causes);
    }
    super::openapi::pattern(schema, at, causes);
}

/// What a schema inside a combination may not say.
fn nested(schema: &Value, skip_any: bool, at: &str, causes: &mut Vec<Cause>) {
    values(schema, skip_any, false, at, causes);
    if schema["items"].is_object() {
        nested(&schema["items"], false, &format!("{at}.items"), causes);
    }
    for (name, child) in named(schema, "properties") {
        nested(child, false, &format!("{at}.properties[{name}]"), causes);
    }
    let mut forbid = |wrong: bool, key: &str, detail: &str| {
        if wrong {
            causes
                .push(Cause::forbidden(format!("{at}.{key}"), &format!("must be {detail} to be structural")));
        }
    };
    let given = |key: &str| schema[key].as_array().is_some_and(|it| !it.is_empty());
    forbid(!text(schema, "type").is_empty(), "type", "empty");
    forbid(!schema["additionalProperties"].is_null(), "additionalProperties", "undefined");
    forbid(!schema["default"].is_null(), "default", "undefined");
    forbid(!text(schema, "title").is_empty(), "title", "empty");
    forbid(!text(schema, "description").is_empty(), "description", "empty");
    forbid(is_set(schema, "nullable"), "nullable", "false");
    for key in [
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    ] {
        forbid(is_set(schema, key), key, "false");
    }
    forbid(given("x-kubernetes-list-map-keys"), "x-kubernetes-list-map-keys", "empty");
    for key in ["x-kubernetes-list-type", "x-kubernetes-map-type"] {
        forbid(!schema[key].is_null(), key, "undefined");
    }
    forbid(given("x-kubernetes-validations"), "x-kubernetes-validations", "empty");
    if schema["properties"]["metadata"].is_object() {
        let at = format!("{at}.properties[metadata]");
        causes.push(Cause::forbidden(at, "must not be specified in a nested context"));
    }
}

/// What a combination checks must be there in the schema around it.
fn complete(values: &Value, schema: &Value, schema_at: &str, at: &str, causes: &mut Vec<Cause>) {
    if values["not"].is_object() {
        complete_nested(&values["not"], schema, schema_at, &format!("{at}.not"), causes);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, it) in listed(values, key).enumerate() {
            complete_nested(it, schema, schema_at, &format!("{at}.{key}[{index}]"), causes);
        }
    }
}

fn complete_nested(values: &Value, schema: &Value, schema_at: &str, at: &str, causes: &mut Vec<Cause>) {
    let missing = |schema_at: &str, at: &str| {
        Cause::required(schema_at.to_owned(), &format!("because it is defined in {at}"))
    };
    complete(values, schema, schema_at, at, causes);
    if values["items"].is_object() {
        let (inner, at) = (format!("{schema_at}.items"), format!("{at}.items"));
        if schema["items"].is_object() {
            complete_nested(&values["items"], &schema["items"], &inner, &at, causes);
        } else {
            causes.push(missing(&inner, &at));
        }
    }
    for (name, child) in named(values, "properties") {
        let (inner, at) = (format!("{schema_at}.properties[{name}]"), format!("{at}.properties[{name}]"));
        match schema["properties"].get(name) {
            Some(property) => complete_nested(child, property, &inner, &at, causes),
            None => causes.push(missing(&inner, &at)),
        }
    }
}
