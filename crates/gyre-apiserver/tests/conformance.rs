//! Holds the server against recorded transcripts of a real kube-apiserver, each case against a server of its own.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "transcripts/case.rs"]
mod case;
#[path = "transcripts/normal.rs"]
mod normal;

use std::fs;

use gyre_testkit::conformance;
use serde_json::Value;

#[test]
fn transcripts_of_a_real_server() {
    let Some(dir) = conformance::dir() else {
        println!("apiserver: no conformance data, nothing checked");
        return;
    };
    let mut cases: Vec<(String, Value)> = Vec::new();
    for entry in fs::read_dir(dir.join("apiserver")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        if let Ok(case) = serde_json::from_str::<Value>(&text)
            && case["steps"].is_array()
        {
            cases.push((case["name"].as_str().unwrap().to_owned(), case));
        }
    }
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = include_str!("expected_failures/apiserver.txt");
    conformance::run("apiserver", &cases, |case| &case.0, expected, |case| case::check(&case.1));
}
