//! Rows of functions and language: one template in a chart of its own.

use std::fmt::Write as _;
use std::sync::Arc;

use gyre_go::base64::STANDARD;
use gyre_helm::chart::{Chart, File, load_files};
use gyre_helm::values::Values;
use gyre_helm::values::set::{Grammar, set};
use gyre_helm::{Options, ParsedChart};
use gyre_template::FixedHost;
use gyre_testkit::conformance;
use serde_json::Value;

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.2.3\ndescription: row chart\ntype: application\nkeywords: [k1, k2]\nhome: https://example.com\nannotations: {a.b/c: d}\n";

struct Row {
    name: String,
    row: Value,
}

fn file(name: &str, content: &[u8]) -> File {
    File { name: name.into(), content: Arc::from(content) }
}

/// A text, or bytes as Latin-1 where the row's file says so.
fn content(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        other => STANDARD.decode(other["b64"].as_str().unwrap_or_default().as_bytes()).unwrap(),
    }
}

fn chart(row: &Value) -> Result<Chart, String> {
    let mut files = vec![
        file("Chart.yaml", CHART.as_bytes()),
        file("templates/t.yaml", row["template"].as_str().unwrap().as_bytes()),
    ];
    for (name, text) in row["templates"].as_object().into_iter().flatten() {
        files.push(file(&format!("templates/{name}"), &content(text)));
    }
    for (name, text) in row["files"].as_object().into_iter().flatten() {
        files.push(file(name, &content(text)));
    }
    if !row["values"].is_null() {
        files.push(file("values.yaml", ascii(&row["values"]).as_bytes()));
    }
    load_files(files).map_err(|why| why.to_string())
}

/// JSON in ASCII, as the values were written for the real Helm.
fn ascii(value: &Value) -> String {
    let mut out = String::new();
    for unit in value.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() && byte != 0x7f => out.push(byte as char),
            _ => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

fn check(row: &Row) -> Result<(), String> {
    let row = &row.row;
    let mut values = Values::new();
    for text in row["set"].as_array().into_iter().flatten() {
        set(text.as_str().unwrap(), Grammar::Typed, &mut values).map_err(|why| why.to_string())?;
    }
    let options = Options { release_name: "rel".into(), namespace: "ns".into(), ..Options::default() };
    let rendered = chart(row).and_then(|chart| {
        let rendered = ParsedChart::new(chart).render_files(&values, &options, &mut FixedHost::default());
        rendered.map_err(|why| why.to_string())
    });
    let wanted = row["expected"]
        .as_str()
        .map(|text| text.as_bytes().to_vec())
        .or_else(|| row["expected_b64"].as_str().map(|text| STANDARD.decode(text.as_bytes()).unwrap()));
    match (wanted, rendered) {
        (Some(wanted), Ok(files)) => {
            let got = &files["c/templates/t.yaml"];
            if got == &wanted {
                return Ok(());
            }
            let shown = |bytes: &[u8]| gyre_go::strconv::quote(bytes);
            Err(format!("template: {}\nwant: {}\ngot:  {}", row["template"], shown(&wanted), shown(got)))
        }
        (Some(_), Err(why)) => {
            Err(format!("template: {}\nwant: {}\nerror: {why}", row["template"], row["expected"]))
        }
        (None, Ok(files)) => {
            let got = String::from_utf8_lossy(&files["c/templates/t.yaml"]).into_owned();
            Err(format!("template: {}\nwant error: {}\ngot: {got}", row["template"], row["error_contains"]))
        }
        (None, Err(why)) => {
            let contains = row["error_contains"].as_str().unwrap_or_default();
            if why.contains(contains) {
                return Ok(());
            }
            Err(format!("template: {}\nwant error: {contains}\ngot error:  {why}", row["template"]))
        }
    }
}

#[test]
fn funcs() {
    let Some(dir) = conformance::dir() else {
        println!("funcs: no conformance data here; passed");
        return;
    };
    let lines = conformance::lines(&dir.join("funcs.jsonl"));
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            Row { name: row["name"].as_str().unwrap().into(), row }
        })
        .collect();
    let expected = include_str!("../expected_failures/funcs.txt");
    conformance::run("funcs", &rows, |row| &row.name, expected, check);
}
