//! What was answered survives the death of the process: a copy of this test writes until it is killed.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
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
                let name = format!("m-{}-{task}-{number}", process::id());
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

/// How often a process is killed: so many directories, each of which lives through so many kills.
const DIRECTORIES: usize = 8;
const KILLS: usize = 25;

/// Starts a copy of this test on a directory, and kills it when it has answered so many writes. What it had answered by
/// then.
fn killed_after(writes: usize, place: &Path) -> Vec<String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["answered_writes_survive_a_kill", "--exact", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut written: Vec<String> = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if let Some(name) = line.strip_prefix("wrote ") {
            written.push(name.to_owned());
            if written.len() == writes {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(written.len() >= writes, "it ended by itself after {} writes", written.len());
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_writes_survive_a_kill() {
    if let Ok(place) = env::var(PLACE) {
        write_until_killed(&place).await;
        return;
    }
    let places = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("durable-{}", process::id()));
    // Mostly they wait for the disk.
    let lanes: Vec<_> = (0..DIRECTORIES)
        .map(|lane| tokio::spawn(kill_again_and_again(lane, places.join(lane.to_string()))))
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
    fs::remove_dir_all(places).unwrap();
}

async fn kill_again_and_again(lane: usize, place: PathBuf) {
    let mut answered = Vec::new();
    for kill in 0..KILLS {
        // The moments differ: while the file is made, in the first commit, and in later ones.
        let (writes, data) = (1 + (kill * 7 + lane * 13) % 60, place.clone());
        answered.extend(tokio::task::spawn_blocking(move || killed_after(writes, &data)).await.unwrap());
        let storage = Storage::Directory(place.clone());
        let server = tokio::task::spawn_blocking(|| Server::builder().storage(storage).start().unwrap());
        let server = server.await.unwrap();
        let (_, list) = ask(&server, Method::GET, MAPS, Value::Null).await;
        let items = list["items"].as_array().unwrap();
        let held: HashSet<&str> = items.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect();
        let lost: Vec<&String> = answered.iter().filter(|name| !held.contains(name.as_str())).collect();
        assert!(lost.is_empty(), "kill {kill}: {lost:?} were answered, and are gone");
        let newest = items.iter().filter_map(|it| it["metadata"]["resourceVersion"].as_str()?.parse().ok());
        assert!(newest.max() <= Some(server.revision()), "kill {kill}: an object is newer than the revision");
        server.shut_down();
    }
}

#[tokio::test]
async fn what_was_before_an_opening_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Directory(directory.path().into());
    let server = Server::builder().storage(storage.clone()).start().unwrap();
    let (_, made) = ask(&server, Method::POST, MAPS, json!({"metadata": {"name": "a"}})).await;
    ask(&server, Method::POST, MAPS, json!({"metadata": {"name": "b"}})).await;
    let revision = made["metadata"]["resourceVersion"].as_str().unwrap();
    server.shut_down();
    drop(server);

    let server = Server::builder().storage(storage).start().unwrap();
    let watch = format!("{MAPS}?watch=true&resourceVersion={revision}");
    let (status, event) = ask(&server, Method::GET, &watch, Value::Null).await;
    assert_eq!((status, &event["type"]), (StatusCode::OK, &json!("ERROR")));
    assert_eq!((&event["object"]["code"], &event["object"]["reason"]), (&json!(410), &json!("Expired")));
    let list = format!("{MAPS}?resourceVersion={revision}&resourceVersionMatch=Exact");
    let (status, failure) = ask(&server, Method::GET, &list, Value::Null).await;
    assert_eq!((status, &failure["reason"]), (StatusCode::GONE, &json!("Expired")));
}
