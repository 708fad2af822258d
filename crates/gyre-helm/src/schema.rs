//! Checks values against `values.schema.json` of a chart and its subcharts, with the words of Helm's validator.
//!
//! The validator is the Rust one by the author of Helm's, so that errors come in the same tree; [`words`] prints it.
//! Nothing is fetched: a reference to another file is an error.

mod cost;
mod rewrite;
mod words;

use std::fmt::Write as _;

use boon::{Compiler, Schemas, UrlLoader};
use serde_json::Value;

use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::values::Values;
use rewrite::Rewritten;

/// What Helm calls the schema that it compiles.
const PLACE: &str = "file:///values.schema.json";

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
    gyre_go::json::parse(schema).map_err(|why| why.to_string())?;
    let mut schema: Value = serde_json::from_slice(schema).map_err(|why| why.to_string())?;
    let values = Value::Object(values.clone());
    cost::check(&schema, &values)?;
    let rewritten = Rewritten::new(&mut schema, &values);
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(NothingElse));
    compiler.add_resource(PLACE, schema).map_err(|why| words::refusal(&why, &rewritten))?;
    let mut schemas = Schemas::new();
    let compiled = compiler.compile(PLACE, &mut schemas).map_err(|why| words::refusal(&why, &rewritten))?;
    schemas.validate(&values, compiled).map_err(|error| {
        let text = words::tree(&error, &rewritten);
        let title = format!("jsonschema validation failed with '{PLACE}#'\n");
        format!("{}\n", text.strip_prefix(&title).unwrap_or(&text))
    })
}

/// Answers for what a schema refers to outside of itself.
struct NothingElse;

impl UrlLoader for NothingElse {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        // compat(helm 3.21): a name that nobody resolves allows everything.
        if url.starts_with("urn:") {
            return Ok(Value::Bool(true));
        }
        let why = match url.strip_prefix("file://") {
            Some(path) => format!("open {path}: no such file or directory"),
            None => "schemas outside the chart are not read: put the referred schema into values.schema.json"
                .into(),
        };
        Err(why.into())
    }
}
