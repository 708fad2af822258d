//! Changes, statuses, scales, applies and deletions, and what a real kube-apiserver 1.36.1 answered to the same requests:
//! `transcripts/changes.jsonl`, a case a line, each against a server of its own.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "transcripts/case.rs"]
mod case;
#[path = "transcripts/normal.rs"]
mod normal;

use gyre_testkit::conformance;
use serde_json::Value;

#[test]
fn changes_are_answered_as_a_real_server_does() {
    let lines = include_str!("transcripts/changes.jsonl").lines();
    let cases: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    conformance::run("changes", &cases, |case| case["name"].as_str().unwrap(), "", case::check);
}
