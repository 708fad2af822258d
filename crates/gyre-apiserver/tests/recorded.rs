//! Changes, statuses, scales, applies and deletions, and definitions that are refused, with what a real kube-apiserver 1.36.1
//! answered to the same requests: `transcripts/*.jsonl`, a case a line, each against a server of its own.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "transcripts/case.rs"]
mod case;
#[path = "transcripts/normal.rs"]
mod normal;

use gyre_testkit::conformance;
use serde_json::Value;

fn answered(set: &str, transcripts: &str) {
    let cases: Vec<Value> = transcripts.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    conformance::run(set, &cases, |case| case["name"].as_str().unwrap(), "", case::check);
}

#[test]
fn changes_are_answered_as_a_real_server_does() {
    answered("changes", include_str!("transcripts/changes.jsonl"));
}

#[test]
fn definitions_are_refused_as_a_real_server_does() {
    answered("definitions", include_str!("transcripts/definitions.jsonl"));
}
