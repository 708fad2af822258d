//! Checks values against `values.schema.json` of a chart and its subcharts, with the words of Helm's validator.
//!
//! Nothing is fetched: a reference to another file is an error.

use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, validator_for};
use serde_json::Value;

use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::values::Values;

/// All that does not fit, chart by chart.
pub fn validate(chart: &Chart, values: &Values) -> Result<(), HelmError> {
    let mut problems = String::new();
    collect(chart, values, &mut problems);
    if problems.is_empty() {
        return Ok(());
    }
    err(format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{problems}"
    ))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "[]interface {}",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "float64",
        _ => "int64",
    }
}

fn collect(chart: &Chart, values: &Values, problems: &mut String) {
    if let Some(schema) = &chart.schema
        && let Err(why) = validate_one(schema, values)
    {
        let _ = write!(problems, "{}:\n{why}", chart.name());
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(values)) => collect(subchart, values, problems),
            Some(other) => {
                let kind = go_type(other);
                let _ = writeln!(
                    problems,
                    "{}:\ninvalid type for values: expected object (map), got {kind}",
                    subchart.name()
                );
            }
        }
    }
}

/// The problems of one table of values with one schema.
pub(crate) fn validate_one(schema: &[u8], values: &Values) -> Result<(), String> {
    gyre_go::json::parse(schema).map_err(|why| format!("{why}\n"))?;
    let schema: Value = serde_json::from_slice(schema).map_err(|why| format!("{why}\n"))?;
    let validator = validator_for(&schema)
        .map_err(|why| format!("\"file:///values.schema.json#\" is not valid against metaschema: {why}\n"))?;
    let values = Value::Object(values.clone());
    let errors: Vec<ValidationError<'_>> = validator.iter_errors(&values).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let mut out = String::new();
    write_errors(&errors, 0, &mut out);
    Err(out)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn joined(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) if number.is_f64() => {
            gyre_go::strconv::format_float(number.as_f64().unwrap_or(0.0), b'g', None)
        }
        other => other.to_string(),
    }
}

/// One line an error; what is missing at one place is one error.
fn write_errors(errors: &[ValidationError<'_>], depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let mut told: Vec<&str> = Vec::new();
    for error in errors {
        let at = error.instance_path().as_str();
        let text = if let Kind::Required { .. } = error.kind() {
            if told.contains(&at) {
                continue;
            }
            told.push(at);
            missing(errors, at)
        } else {
            message(error)
        };
        let _ = writeln!(out, "{indent}- at {}: {text}", quoted(at));
        match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                for errors in context {
                    write_errors(errors, depth + 1, out);
                }
            }
            Kind::PropertyNames { error } => write_errors(std::slice::from_ref(error), depth + 1, out),
            _ => {}
        }
    }
}

fn missing(errors: &[ValidationError<'_>], at: &str) -> String {
    let names: Vec<String> = errors
        .iter()
        .filter(|error| error.instance_path().as_str() == at)
        .filter_map(|error| match error.kind() {
            Kind::Required { property } => property.as_str().map(Into::into),
            _ => None,
        })
        .collect();
    let word = if names.len() == 1 { "property" } else { "properties" };
    format!("missing {word} {}", joined(&names))
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        _ => 0,
    }
}

fn message(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let bound =
        |keyword: &str, limit: &Value| format!("{keyword}: got {}, want {}", display(value), display(limit));
    let count = |keyword: &str, limit: u64| format!("{keyword}: got {}, want {limit}", length(value));
    match error.kind() {
        Kind::Type { kind } => {
            let want = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => {
                    kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            format!("got {}, want {want}", kind_name(value))
        }
        Kind::Minimum { limit } => bound("minimum", limit),
        Kind::Maximum { limit } => bound("maximum", limit),
        Kind::ExclusiveMinimum { limit } => bound("exclusiveMinimum", limit),
        Kind::ExclusiveMaximum { limit } => bound("exclusiveMaximum", limit),
        Kind::MultipleOf { multiple_of } => {
            let want = gyre_go::strconv::format_float(*multiple_of, b'g', None);
            format!("multipleOf: got {}, want {want}", display(value))
        }
        Kind::MinItems { limit } => count("minItems", *limit),
        Kind::MaxItems { limit } => count("maxItems", *limit),
        Kind::MinLength { limit } => count("minLength", *limit),
        Kind::MaxLength { limit } => count("maxLength", *limit),
        Kind::MinProperties { limit } => count("minProperties", *limit),
        Kind::MaxProperties { limit } => count("maxProperties", *limit),
        Kind::Pattern { pattern } => {
            format!("{} does not match pattern {}", display(value), quoted(pattern))
        }
        Kind::Enum { options } => match options.as_array().map(Vec::as_slice) {
            Some([one]) => format!("value must be {}", display(one)),
            Some(all) => {
                format!("value must be one of {}", all.iter().map(display).collect::<Vec<_>>().join(", "))
            }
            None => "'enum' failed".into(),
        },
        Kind::Constant { expected_value } => match &**expected_value {
            Value::Array(_) | Value::Object(_) => "'const' failed".into(),
            plain => format!("value must be {}", display(plain)),
        },
        Kind::AdditionalProperties { unexpected } => {
            format!("additional properties {} not allowed", joined(unexpected))
        }
        Kind::AdditionalItems { limit } => {
            format!("last {} additionalItem(s) not allowed", length(value).saturating_sub(*limit))
        }
        Kind::AnyOf { .. } => "'anyOf' failed".into(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".into(),
        Kind::OneOfMultipleValid { context } => {
            let mut fitting =
                context.iter().enumerate().filter(|(_, errors)| errors.is_empty()).map(|(at, _)| at);
            let (first, second) = (fitting.next().unwrap_or(0), fitting.next().unwrap_or(1));
            format!("'oneOf' failed, subschemas {first}, {second} matched")
        }
        Kind::Not { .. } => "'not' failed".into(),
        Kind::FalseSchema => "false schema".into(),
        Kind::Contains => "no items match contains schema".into(),
        Kind::UniqueItems => unique(value),
        Kind::PropertyNames { error } => format!("invalid propertyName {}", display(error.instance())),
        Kind::Format { format } => format!("{} is not valid {format}", display(value)),
        _ => error.to_string(),
    }
}

fn unique(value: &Value) -> String {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    let pair = items
        .iter()
        .enumerate()
        .find_map(|(at, item)| items[..at].iter().position(|other| other == item).map(|other| (other, at)));
    let (one, other) = pair.unwrap_or((0, 1));
    format!("items at {one} and {other} are equal")
}
