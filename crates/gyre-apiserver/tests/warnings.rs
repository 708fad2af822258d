//! What writers are warned of, in the words of Kubernetes: objects in `warnings.yaml`, with their warnings in order.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use gyre_apiserver::Server;
use http_body_util::Full;
use serde_json::{Value, json};
use tower_service::Service as _;

async fn warnings(server: &Server, path: &str, body: &Value) -> (u16, Vec<String>) {
    let request = http::Request::post(path)
        .header("content-type", "application/json")
        .body(Full::new(bytes::Bytes::from(body.to_string())))
        .unwrap();
    let response = server.service().call(request).await.unwrap();
    let told = response.headers().get_all("warning").iter().map(|it| {
        let text = it.to_str().unwrap().split_once(" - ").unwrap().1;
        serde_json::from_str(text).unwrap()
    });
    (response.status().as_u16(), told.collect())
}

#[tokio::test]
async fn writers_are_warned_as_kubernetes_warns_them() {
    let text = include_str!("warnings.yaml");
    for document in text.split("\n---\n").map(|it| gyre_yaml::yaml_to_json(it.as_bytes()).unwrap()) {
        let server = Server::builder().start().unwrap();
        let (path, object) = (document["path"].as_str().unwrap(), &document["object"]);
        let (code, told) = warnings(&server, path, object).await;
        assert_eq!(code, 201, "{path}");
        assert_eq!(json!(told), document["warnings"], "{path}");
    }
}

#[tokio::test]
async fn fields_that_nobody_knows_are_told_of_with_a_refusal_too() {
    let server = Server::builder().start().unwrap();
    let object = json!({"metadata": {"name": "a"}, "spec": {"nope": 1, "containers": []}});
    let (code, told) = warnings(&server, "/api/v1/namespaces/default/pods", &object).await;
    assert_eq!((code, told), (422, vec!["unknown field \"spec.nope\"".to_owned()]));
}
