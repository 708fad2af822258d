//! Validation of custom resources by their structural schema, with the messages of Kubernetes.
//!
//! What an update does not change stays valid, whatever the schema says now.

use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;
use serde_json::Value;

use super::Schema;
use crate::clock;
use crate::failure::{Cause, quoted};
use crate::names;

/// Everything that is wrong with an object.
pub(crate) fn validate(schema: &Schema, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(schema, object, old, "", &mut causes);
    super::rules::validate(schema, object, old, &mut causes);
    causes
}

/// Everything that is wrong with the default of a schema, which stands at a path.
pub(super) fn default(openapi: &Value, at: &str, causes: &mut Vec<Cause>) {
    let Some(value) = openapi.get("default").filter(|it| !it.is_null()) else { return };
    let schema = Schema::read(openapi);
    let at = format!("{at}.default");
    let mut pruned = value.clone();
    schema.prune(&mut pruned, false, &mut Vec::new(), &mut Vec::new());
    if pruned != *value {
        causes.push(Cause::invalid(at.as_str(), value, "must not have unknown fields"));
    }
    let mut found = Vec::new();
    check(&schema, value, None, "", &mut found);
    causes.extend(found.into_iter().map(|cause| {
        let field = match cause.field.as_str() {
            "" => at.clone(),
            field => format!("{at}.{field}"),
        };
        Cause { field, ..cause }
    }));
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A failure that belongs to no field.
fn nowhere(message: &str) -> Cause {
    Cause {
        reason: "FieldValueInvalid",
        field: "<nil>".into(),
        message: format!("Invalid value: \"\": {message}"),
    }
}

fn wrong_type(path: &str, wanted: &str, shown: &str) -> Cause {
    let text = quoted(shown);
    let message = format!("Invalid value: {text}: {path} in body must be of type {wanted}: {text}");
    Cause { reason: "FieldValueTypeInvalid", field: path.to_owned(), message }
}

fn fits_type(ty: &str, value: &Value) -> bool {
    match ty {
        "string" => value.is_string(),
        "integer" => {
            value.is_i64() || value.as_f64().is_some_and(|it| it.fract() == 0.0 && it.abs() < 9.3e18)
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn check(schema: &Schema, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    // compat(ratcheting): a value that stays as it was is not looked at again.
    if old == Some(value) {
        return;
    }
    if value.is_null() && schema.nullable {
        return;
    }
    if schema.int_or_string {
        if !value.is_string() && !fits_type("integer", value) {
            causes.push(wrong_type(path, "integer,string", kind_of(value)));
            return;
        }
    } else if !schema.ty.is_empty() && !fits_type(&schema.ty, value) {
        if schema.ty == "integer" && value.is_number() {
            causes
                .push(nowhere(&format!("Checked value must be of type integer (default format) in {path}")));
        }
        causes.push(wrong_type(path, &schema.ty, kind_of(value)));
        return;
    }
    scalars(&schema.checks, value, path, causes);
    match value {
        Value::Object(_) => objects(schema, value, old, path, causes),
        Value::Array(items) => arrays(schema, items, old, path, causes),
        _ => {}
    }
    combinators(&schema.checks, value, path, causes);
}

fn objects(schema: &Schema, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    let checks = &schema.checks;
    let size = value.as_object().map_or(0, serde_json::Map::len) as u64;
    if let Some(least) = checks["minProperties"].as_u64().filter(|least| size < *least) {
        let detail = format!("{path} in body should have at least {least} properties");
        causes.push(Cause::invalid(path, value, &detail));
    }
    if let Some(most) = checks["maxProperties"].as_u64().filter(|most| size > *most) {
        let reason = "FieldValueTooMany";
        let message = format!("Too many: {size}: must have at most {most} items");
        causes.push(Cause { reason, field: path.to_owned(), message });
    }
    required(checks, value, path, causes);
    for (name, child) in value.as_object().into_iter().flatten() {
        let declared = schema.properties.get(name).or(match &schema.additional {
            Some(Some(schema)) => Some(schema.as_ref()),
            _ => None,
        });
        if let Some(declared) = declared {
            check(declared, child, old.and_then(|it| it.get(name)), &join(path, name), causes);
        }
    }
}

fn required(checks: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    for name in checks["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            causes.push(Cause::required(join(path, name), ""));
        }
    }
}

fn arrays(schema: &Schema, items: &[Value], old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    let (checks, size) = (&schema.checks, items.len() as u64);
    if let Some(most) = checks["maxItems"].as_u64().filter(|most| size > *most) {
        let message = format!("Too many: {size}: must have at most {most} items");
        causes.push(Cause { reason: "FieldValueTooMany", field: path.to_owned(), message });
    }
    if let Some(least) = checks["minItems"].as_u64().filter(|least| size < *least) {
        let detail = format!("{path} in body should have at least {least} items");
        causes.push(Cause::invalid(path, &items.to_vec().into(), &detail));
    }
    let key = |item: &Value| -> Option<Vec<Value>> {
        match schema.list_type.as_str() {
            "set" => Some(vec![item.clone()]),
            "map" => Some(schema.list_keys.iter().map(|key| item[key.as_str()].clone()).collect()),
            _ => None,
        }
    };
    for (index, item) in items.iter().enumerate() {
        if let Some(own) = key(item)
            && items[..index].iter().any(|other| key(other).as_ref() == Some(&own))
        {
            let shown = if schema.list_type == "map" {
                let fields = schema.list_keys.iter().cloned().zip(own);
                Value::Object(fields.collect())
            } else {
                item.clone()
            };
            causes.push(Cause::duplicate(format!("{path}[{index}]"), &shown));
        }
        if let Some(schema) = &schema.items {
            let before = old.and_then(|it| it.get(index));
            check(schema, item, before, &format!("{path}[{index}]"), causes);
        }
    }
}

fn scalars(checks: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if let Some(allowed) = checks["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        let texts: Vec<String> =
            allowed.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), Into::into)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        causes.push(Cause::unsupported(path, value, &texts));
    }
    match value {
        Value::String(text) => strings(checks, text, path, causes),
        Value::Number(_) => numbers(checks, value, path, causes),
        _ => {}
    }
}

fn numbers(checks: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(number) = value.as_f64() else { return };
    match checks["format"].as_str() {
        Some("int32") if value.as_i64().is_none_or(|it| i32::try_from(it).is_err()) => {
            causes
                .push(nowhere(&format!("Checked value must be of type integer with format int32 in {path}")));
        }
        Some("float") if number.abs() > f64::from(f32::MAX) => {
            causes
                .push(nowhere(&format!("Checked value must be of type number with format float in {path}")));
        }
        _ => {}
    }
    let mut wrong =
        |detail: String| causes.push(Cause::invalid(path, value, &format!("{path} in body {detail}")));
    if let Some(factor) = checks["multipleOf"].as_f64().filter(|it| *it > 0.0 && (number / it).fract() != 0.0)
    {
        wrong(format!("should be a multiple of {factor}"));
    }
    if let Some(most) = checks["maximum"].as_f64() {
        if checks["exclusiveMaximum"] == true && number >= most {
            wrong(format!("should be less than {most}"));
        } else if number > most {
            wrong(format!("should be less than or equal to {most}"));
        }
    }
    if let Some(least) = checks["minimum"].as_f64() {
        if checks["exclusiveMinimum"] == true && number <= least {
            wrong(format!("should be greater than {least}"));
        } else if number < least {
            wrong(format!("should be greater than or equal to {least}"));
        }
    }
}

fn strings(checks: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let length = text.chars().count() as u64;
    let value: Value = text.into();
    if let Some(most) = checks["maxLength"].as_u64().filter(|most| length > *most) {
        causes.push(Cause::too_long(path, usize::try_from(most).unwrap_or(usize::MAX)));
    }
    if let Some(least) = checks["minLength"].as_u64().filter(|least| length < *least) {
        causes.push(Cause::invalid(
            path,
            &value,
            &format!("{path} in body should be at least {least} chars long"),
        ));
    }
    if let Some(pattern) = checks["pattern"].as_str()
        && Regex::new(pattern).is_ok_and(|it| !it.is_match(text))
    {
        causes.push(Cause::invalid(path, &value, &format!("{path} in body should match '{pattern}'")));
    }
    let format = checks["format"].as_str().unwrap_or_default();
    if !fits_format(format, text) {
        causes.push(wrong_type(path, format, text));
    }
}

fn is_uuid(text: &str) -> bool {
    let digits: String = text.chars().filter(|it| *it != '-').collect();
    digits.len() == 32 && digits.chars().all(|it| it.is_ascii_hexdigit())
}

fn is_duration(text: &str) -> bool {
    let rest = text.trim_start_matches(['-', '+']);
    if rest == "0" {
        return true;
    }
    let mut rest = rest;
    let mut any = false;
    while !rest.is_empty() {
        let number = rest.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(rest.len());
        let unit = rest[number..].find(|it: char| it.is_ascii_digit()).map_or(rest.len(), |at| at + number);
        let known = matches!(&rest[number..unit], "ns" | "us" | "µs" | "ms" | "s" | "m" | "h" | "d" | "w");
        if number == 0 || !known {
            return false;
        }
        any = true;
        rest = &rest[unit..];
    }
    any
}

/// Whether a text is of a format; formats that are not known fit.
fn fits_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => clock::parse(text).is_some(),
        "date" => text.len() == 10 && clock::parse(&format!("{text}T00:00:00Z")).is_some(),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => is_uuid(text),
        "email" => text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') || host == "localhost"),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => text.split_once('/').is_some_and(|(address, bits)| {
            address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|it| it <= 128)
        }),
        "uri" => {
            text.split_once(':').is_some_and(|(scheme, _)| {
                scheme.starts_with(|it: char| it.is_ascii_alphabetic())
                    && scheme.chars().all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it))
            }) || text.starts_with('/')
        }
        "byte" => gyre_go::base64::STANDARD.decode(text.as_bytes()).is_ok(),
        "duration" => is_duration(text),
        "hostname" => !text.is_empty() && names::subdomain(&text.to_lowercase()).is_empty(),
        "mac" => text.split([':', '-']).count() == 6 && text.len() == 17,
        _ => true,
    }
}

/// Subschemas check values, they do not type them.
fn sub(schema: &Value, value: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(&Schema::root(schema, false), value, None, path, &mut causes);
    causes
}

fn combinators(checks: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let list = |key: &str| checks[key].as_array().cloned().unwrap_or_default();
    let place = quoted(path);
    let any = list("anyOf");
    // compat(structural schemas): an integer-or-string says so by anyOf as well.
    if !any.is_empty() && checks["x-kubernetes-int-or-string"] != true {
        let failures: Vec<Vec<Cause>> = any.iter().map(|it| sub(it, value, path)).collect();
        if failures.iter().all(|it| !it.is_empty()) {
            causes.push(nowhere(&format!("{place} must validate at least one schema (anyOf)")));
            causes.extend(failures.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
    }
    let one = list("oneOf");
    if !one.is_empty() {
        let failures: Vec<Vec<Cause>> = one.iter().map(|it| sub(it, value, path)).collect();
        match failures.iter().filter(|it| it.is_empty()).count() {
            1 => {}
            0 => {
                let text = "must validate one and only one schema (oneOf). Found none valid";
                causes.push(nowhere(&format!("{place} {text}")));
                causes.extend(failures.into_iter().min_by_key(Vec::len).unwrap_or_default());
            }
            more => {
                let text =
                    format!("must validate one and only one schema (oneOf). Found {more} valid alternatives");
                causes.push(nowhere(&format!("{place} {text}")));
            }
        }
    }
    let all = list("allOf");
    let failures: Vec<Cause> = all.iter().flat_map(|it| sub(it, value, path)).collect();
    if !failures.is_empty() {
        causes.push(nowhere(&format!("{place} must validate all the schemas (allOf)")));
        causes.extend(failures);
    }
    if checks["not"].is_object() && sub(&checks["not"], value, path).is_empty() {
        causes.push(nowhere(&format!("{place} must not validate the schema (not)")));
    }
}
