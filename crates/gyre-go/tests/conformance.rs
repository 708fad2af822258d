//! Runs the rows that the Go libraries answered.

#![expect(clippy::unwrap_used, reason = "a row of another shape has to fail the test")]

#[path = "sets/bytes.rs"]
mod bytes;
#[path = "sets/duration_time.rs"]
mod duration_time;
#[path = "sets/fmt.rs"]
mod fmt;
#[path = "sets/glob.rs"]
mod glob;
#[path = "sets/regexp.rs"]
mod regexp;
#[path = "sets/semver.rs"]
mod semver;

use gyre_testkit::conformance;
use serde_json::Value;

/// One row: its name, the call, and the answer.
pub struct Row {
    id: String,
    input: Value,
    out: Value,
    err: Option<String>,
}

/// The rows of a subject whose call the picker takes.
fn rows(subject: &str, pick: impl Fn(&str) -> bool) -> Vec<Row> {
    let Some(dir) = conformance::dir() else {
        println!("go/{subject}: no conformance data here; passed");
        return Vec::new();
    };
    let mut rows = Vec::new();
    for line in conformance::lines(&dir.join(format!("go/{subject}.jsonl"))) {
        let mut row: Value = serde_json::from_str(&line).unwrap();
        let input = row["in"].take();
        if pick(input["fn"].as_str().unwrap()) {
            let err = row["err"].as_str().map(Into::into);
            rows.push(Row { id: row["id"].as_str().unwrap().into(), input, out: row["out"].take(), err });
        }
    }
    rows
}

/// The named constants of the rows.
fn constants() -> Value {
    let text = conformance::dir().and_then(|dir| std::fs::read_to_string(dir.join("go/constants.json")).ok());
    text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

/// What a call answered: the value, and the error's text.
type Answer = (Value, Option<String>);

fn equal(row: &Row, (out, err): Answer) -> Result<(), String> {
    if out == row.out && err == row.err {
        return Ok(());
    }
    Err(format!("in:   {}\nwant: {} {:?}\ngot:  {out} {err:?}", row.input, row.out, row.err))
}
