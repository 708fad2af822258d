//! What was answered survives the death of the process: a copy of this test writes until it is killed.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::Arc;
use std::{env, fs};

use gyre_apiserver::{Server, Storage};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service as _;

const PLACE: &str = "GYRE_DURABLE_PLACE";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn ask(server: &Server, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).unwrap() };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let answer = server.service().call(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// Creates ConfigMaps from many tasks, and prints the name of each that was answered.
async fn write_until_killed(place: &str) {
    let server = Arc::new(Server::builder().storage(Storage::Directory(place.into())).start().unwrap());
    let mut tasks = Vec::new();
    for task in 0..8 {
        let server = server.clone();
        tasks.push(tokio::spawn(async move {
            for number in 0..100_000 {
                let name = format!("m-{task}-{number}");
                let body = json!({"metadata": {"name": name}, "data": {"number": number.to_string()}});
                let (status, _) = ask(&server, Method::POST, MAPS, body).await;
                assert_eq!(status, StatusCode::CREATED);
                println!("wrote {name}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_writes_survive_a_kill() {
    if let Ok(place) = env::var(PLACE) {
        write_until_killed(&place).await;
        return;
    }
    let places = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("durable-{}", process::id()));
    for round in 1..=3 {
        let place = places.join(round.to_string());
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["answered_writes_survive_a_kill", "--exact", "--nocapture"])
            .env(PLACE, &place)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut written: Vec<String> = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(name) = line.strip_prefix("wrote ") {
                written.push(name.to_owned());
                if written.len() == 100 * round {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        assert!(written.len() >= 100 * round);
        let server = Server::builder().storage(Storage::Directory(place)).start().unwrap();
        for name in &written {
            let (status, _) = ask(&server, Method::GET, &format!("{MAPS}/{name}"), Value::Null).await;
            assert_eq!(status, StatusCode::OK, "{name} was answered, and is gone");
        }
        let (_, list) = ask(&server, Method::GET, MAPS, Value::Null).await;
        assert_eq!(list["metadata"]["resourceVersion"], server.revision().to_string());
        server.shut_down();
    }
    fs::remove_dir_all(places).unwrap();
}
