//! What is wrong with objects, in the words of Kubernetes: one file a kind, each with a valid object, and changes to it that
//! are refused.
//!
//! A file holds YAML documents: the first is the valid object with the path that it is created at, each other one a
//! merge patch of it (`patch`) or, for what may not change, one to be sent after it (`update`), and the messages.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fs;
use std::path::Path;

use gyre_apiserver::Server;
use gyre_merge::merge_patch;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower_service::Service as _;

async fn send(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", media)
        .body(Full::new(bytes::Bytes::from(body.to_string())))
        .unwrap();
    let response = server.service().call(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap())
}

/// The messages of a refusal, each with its field; one line where there are no causes.
fn messages(answer: &Value) -> Vec<String> {
    let causes = answer["details"]["causes"].as_array();
    let lines = causes.into_iter().flatten().map(|it| {
        format!(
            "{}: {}",
            it["field"].as_str().unwrap_or_default(),
            it["message"].as_str().unwrap_or_default()
        )
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { vec![answer["message"].to_string()] } else { lines }
}

async fn check(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut documents = text.split("\n---\n").map(|it| gyre_yaml::yaml_to_json(it.as_bytes()).unwrap());
    let first = documents.next().unwrap();
    let (path, valid) = (first["path"].as_str().unwrap().to_owned(), first["object"].clone());
    let name = valid["metadata"]["name"].as_str().unwrap();
    let mut wrong = Vec::new();
    let (code, answer) = send(&Server::builder().start().unwrap(), "POST", &path, &valid).await;
    if code != 201 {
        wrong.push(format!("{}: the valid object: {:?}", file.display(), messages(&answer)));
    }
    for case in documents {
        let server = Server::builder().start().unwrap();
        let (code, answer) = if case["update"].is_null() {
            let mut object = valid.clone();
            merge_patch::apply(&mut object, case["patch"].clone());
            send(&server, "POST", &path, &object).await
        } else {
            send(&server, "POST", &path, &valid).await;
            send(&server, "PATCH", &format!("{path}/{name}"), &case["update"]).await
        };
        let found = if code == 201 || code == 200 { vec!["accepted".to_owned()] } else { messages(&answer) };
        if json!(found) != case["messages"] {
            wrong.push(format!("{}: {case}\n  found: {}", file.display(), json!(found)));
        }
    }
    wrong
}

#[tokio::test]
async fn what_is_wrong_is_told_as_kubernetes_tells_it() {
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validation"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 10, "{} files", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        wrong.extend(check(file).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
