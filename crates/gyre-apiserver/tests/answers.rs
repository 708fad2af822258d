//! Single requests and what they are answered, where no recorded transcript asks for it.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use gyre_apiserver::Server;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower_service::Service as _;

/// Asks a server as its administrator.
async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", media)
        .body(Full::new(bytes::Bytes::from(bytes)))
        .unwrap();
    let response = server.service().call(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    (code, value)
}

#[tokio::test]
async fn an_object_without_its_namespace_has_no_path() {
    let server = Server::builder().start().unwrap();
    for (method, path) in [
        ("GET", "/api/v1/configmaps/a"),
        ("PUT", "/api/v1/configmaps/a"),
        ("PATCH", "/apis/apps/v1/deployments/a"),
        ("DELETE", "/api/v1/pods/a"),
    ] {
        let (code, body) = ask(&server, method, path, json!({})).await;
        assert_eq!((code, &body["reason"]), (404, &json!("NotFound")), "{method} {path}");
        assert_eq!(body["message"], "the server could not find the requested resource");
    }
    let (code, _) = ask(&server, "POST", "/api/v1/configmaps", json!({})).await;
    assert_eq!(code, 405);
}
