//! How fast the server answers in process: creates, gets and applies that change nothing, from 32 clients.

use std::sync::Arc;
use std::time::Instant;

use gyre_apiserver::{Server, Storage};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use tower_service::Service as _;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const CLIENTS: usize = 32;

async fn ask(server: &Server, method: Method, path: String, media: &str, body: String) {
    let request = Request::builder().method(method).uri(path).header("content-type", media);
    let Ok(request) = request.body(Full::new(bytes::Bytes::from(body))) else { return };
    let Ok(answer) = server.service().call(request).await;
    assert!(answer.status().is_success(), "{}", answer.status());
    let _ = answer.into_body().collect().await;
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0) * 4 / 1024
}

async fn measure(server: &Arc<Server>, what: &str, each: usize) {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..CLIENTS {
        let (server, what) = (server.clone(), what.to_owned());
        tasks.push(tokio::spawn(async move {
            for number in 0..each {
                let name = format!("m-{client}-{number}");
                let body = format!(
                    r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"a":"1","b":"2"}}}}"#
                );
                match what.as_str() {
                    "create" => ask(&server, Method::POST, MAPS.into(), "application/json", body).await,
                    "get" => ask(&server, Method::GET, format!("{MAPS}/{name}"), "", String::new()).await,
                    _ => {
                        let path = format!("{MAPS}/{name}?fieldManager=speed&force=true");
                        ask(&server, Method::PATCH, path, "application/apply-patch+yaml", body).await;
                    }
                }
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
    let seconds = start.elapsed().as_secs_f64();
    let count = u32::try_from(CLIENTS * each).unwrap_or(u32::MAX);
    println!("{what}: {:.0}/s, {} MB resident", f64::from(count) / seconds, resident());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let storage = std::env::args().nth(1).map_or(Storage::Memory, |it| Storage::Directory(it.into()));
    let server = Arc::new(Server::builder().storage(storage).start()?);
    println!("start: {:?}, {} MB resident", start.elapsed(), resident());
    for what in ["create", "get", "apply", "apply"] {
        measure(&server, what, 1563).await;
    }
    Ok(())
}
