//! Bad input over HTTP: each is answered with the status and the reason of Kubernetes, soon, and harms nothing else.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::{Duration, Instant};

use gyre_apiserver::Server;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower_service::Service as _;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Asks a server as its administrator; the answer's code and body.
async fn ask(
    server: &Server,
    method: &str,
    path: &str,
    media: &str,
    body: impl Into<Vec<u8>>,
) -> (u16, Value) {
    let body = Full::new(bytes::Bytes::from(body.into()));
    let mut request = http::Request::builder().method(method).uri(path);
    if !media.is_empty() {
        request = request.header("content-type", media);
    }
    let begin = Instant::now();
    let response = server.service().call(request.body(body).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(begin.elapsed() < Duration::from_secs(60), "{method} {path} took {:?}", begin.elapsed());
    (code, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let server = Server::builder().start().unwrap();
    let json = "application/json";
    let yaml = "application/yaml";
    let deep = nested(r#"{"a":"#, "}", 100_000);
    let deep_list = nested("[", "]", 100_000);
    let deep_yaml = nested("[", "]", 100_000);
    let bomb = format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}", bomb());
    let large = format!(r#"{{"metadata":{{"name":"x"}},"data":{{"a":"{}"}}}}"#, "x".repeat(4 << 20));
    for (what, media, body, code, reason) in [
        ("no JSON", json, "{nope".to_owned(), 400, "BadRequest"),
        ("an end too early", json, "{\"a\":".to_owned(), 400, "BadRequest"),
        ("a list", json, "[]".to_owned(), 400, "BadRequest"),
        ("a text", json, "\"x\"".to_owned(), 400, "BadRequest"),
        ("a wrong type", json, r#"{"metadata":{"name":5}}"#.to_owned(), 400, "BadRequest"),
        ("deep objects", json, deep.clone(), 400, "BadRequest"),
        ("deep lists", json, deep_list, 400, "BadRequest"),
        ("no YAML", yaml, "a: [".to_owned(), 400, "BadRequest"),
        ("tabs", yaml, "a:\n\t- b".to_owned(), 400, "BadRequest"),
        ("deep YAML", yaml, deep_yaml, 400, "BadRequest"),
        ("aliases of aliases", yaml, bomb, 400, "BadRequest"),
        ("no protobuf", "application/vnd.kubernetes.protobuf", "k8s\0\u{1}".to_owned(), 400, "BadRequest"),
        ("a form", "application/x-www-form-urlencoded", "a=b".to_owned(), 415, "UnsupportedMediaType"),
        ("too much", json, large, 413, "RequestEntityTooLarge"),
    ] {
        let (found, body) = ask(&server, "POST", MAPS, media, body).await;
        assert_eq!((found, &body["reason"]), (code, &json!(reason)), "{what}: {body}");
        assert_eq!(body["kind"], "Status", "{what}");
    }
    let (code, _) = ask(&server, "GET", "/readyz", "", "").await;
    assert_eq!(code, 200);
}

/// Aliases that would become billions of texts.
fn bomb() -> String {
    let names: Vec<char> = ('a'..='j').collect();
    let lines = names.windows(2).map(|pair| {
        let list = vec![format!("*{}", pair[0]); 9].join(",");
        format!("{}: &{} [{list}]\n", pair[1], pair[1])
    });
    lines.collect()
}

#[tokio::test]
async fn patches_that_cannot_be_applied_are_refused() {
    let server = Server::builder().start().unwrap();
    let map = r#"{"metadata":{"name":"x"},"data":{"a":"1"}}"#;
    assert_eq!(ask(&server, "POST", MAPS, "application/json", map).await.0, 201);
    let many = format!("[{}]", vec![r#"{"op":"test","path":"/data/a","value":"1"}"#; 10_001].join(","));
    let double = r#"{"op":"copy","from":"/data","path":"/data/a"}"#;
    let copies = format!("[{}]", vec![double; 64].join(","));
    let path = format!("{MAPS}/x?fieldManager=m");
    let (operations, merge) = ("application/json-patch+json", "application/merge-patch+json");
    let (strategic, apply) = ("application/strategic-merge-patch+json", "application/apply-patch+yaml");
    let deep = nested(r#"{"a":"#, "}", 100_000);
    for (what, media, body, codes) in [
        ("no list", operations, "{}".to_owned(), &[400][..]),
        ("no operation", operations, r#"[{"op":"jump","path":"/a"}]"#.to_owned(), &[400, 422]),
        ("no such path", operations, r#"[{"op":"remove","path":"/data/none"}]"#.to_owned(), &[422]),
        ("no pointer", operations, r#"[{"op":"add","path":"data","value":1}]"#.to_owned(), &[422]),
        ("too many", operations, many, &[413]),
        ("copies of copies", operations, copies, &[422]),
        ("no object", merge, "[]".to_owned(), &[400]),
        ("a wrong type", merge, r#"{"data":[1]}"#.to_owned(), &[400, 422]),
        ("deep", merge, deep.clone(), &[400]),
        ("deep", strategic, deep.clone(), &[400]),
        ("deep", apply, deep, &[400]),
        ("a wrong directive", strategic, r#"{"data":{"$patch":"dance"}}"#.to_owned(), &[400, 500]),
        ("no configuration", apply, "- a".to_owned(), &[400]),
        ("another kind", apply, r#"{"apiVersion":"v1","kind":"Secret"}"#.to_owned(), &[400]),
        ("nobody's type", "application/nonsense", "{}".to_owned(), &[415]),
    ] {
        let (code, body) = ask(&server, "PATCH", &path, media, body).await;
        assert!(codes.contains(&code), "{what}: {code} {body}");
        assert_eq!(body["kind"], "Status", "{what}");
    }
    let (code, body) = ask(&server, "GET", &path, "", "").await;
    assert_eq!((code, &body["data"]), (200, &json!({"a": "1"})));
}

#[tokio::test]
async fn questions_that_mean_nothing_are_refused() {
    let server = Server::builder().start().unwrap();
    for (query, code, reason) in [
        ("labelSelector=%2c", 400, "BadRequest"),
        ("labelSelector=a%20in%20(", 400, "BadRequest"),
        ("fieldSelector=nothing%3Dx", 400, "BadRequest"),
        ("fieldSelector=x", 400, "BadRequest"),
        ("resourceVersion=x", 400, "BadRequest"),
        ("resourceVersion=-1", 400, "BadRequest"),
        ("resourceVersion=99999999", 504, "Timeout"),
        ("resourceVersionMatch=Exact", 422, "Invalid"),
        ("continue=%25%25", 400, "BadRequest"),
        ("continue=e30", 400, "BadRequest"),
        ("watch=true&resourceVersion=x", 400, "BadRequest"),
        ("watch=true&sendInitialEvents=true", 422, "Invalid"),
    ] {
        let (found, body) = ask(&server, "GET", &format!("{MAPS}?{query}"), "", "").await;
        assert_eq!((found, &body["reason"]), (code, &json!(reason)), "{query}: {body}");
    }
    for path in ["/api/v1/%ff%fe", "/apis//v1/x", "/api/v1/namespaces//configmaps/%00", "/%2e%2e/etc", "//"] {
        let (code, _) = ask(&server, "GET", path, "", "").await;
        assert!((400..500).contains(&code), "{path}: {code}");
    }
}

fn definition(schema: &Value) -> String {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
    .to_string()
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[tokio::test]
async fn schemas_that_say_nothing_are_refused() {
    let server = Server::builder().start().unwrap();
    let mut deep = json!({"type": "string"});
    for _ in 0..60 {
        deep = json!({"type": "object", "properties": {"a": deep}});
    }
    let rule = |rule: &str| json!({"type": "object", "x-kubernetes-validations": [{"rule": rule}]});
    for (what, schema) in [
        ("no type", json!({"properties": {"a": {"type": "string"}}})),
        ("an unknown type", json!({"type": "thing"})),
        ("a list without items", json!({"type": "object", "properties": {"a": {"type": "array"}}})),
        ("a pattern", json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}})),
        ("a default", json!({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}})),
        ("a reference", json!({"type": "object", "$ref": "#/x"})),
        ("a rule", rule("self.")),
        ("a rule of no truth", rule("1 + 1")),
        ("a deep rule", rule(&format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000)))),
        ("a long rule", rule(&format!("true{}", " && true".repeat(200_000)))),
    ] {
        let (code, body) = ask(&server, "POST", DEFINITIONS, "application/json", definition(&schema)).await;
        assert_eq!((code, &body["reason"]), (422, &json!("Invalid")), "{what}: {body}");
    }
    let (code, _) = ask(&server, "POST", DEFINITIONS, "application/json", definition(&deep)).await;
    assert!(matches!(code, 201 | 400 | 422), "{code}");
}

/// A rule over every pair of every pair of a long list.
#[tokio::test]
async fn a_rule_that_does_not_end_is_stopped() {
    let server = Server::builder().start().unwrap();
    let all =
        "self.items.all(a, self.items.all(b, self.items.all(c, self.items.all(d, a + b + c + d != 'x'))))";
    let schema = json!({
        "type": "object",
        "properties": {"spec": {
            "type": "object", "x-kubernetes-validations": [{"rule": all}],
            "properties": {"items": {"type": "array", "maxItems": 300, "items": {"type": "string", "maxLength": 10}}},
        }},
    });
    let (code, body) = ask(&server, "POST", DEFINITIONS, "application/json", definition(&schema)).await;
    if code == 422 {
        // It may be refused for what it would cost.
        assert!(body["message"].as_str().unwrap().contains("cost"), "{body}");
        return;
    }
    assert_eq!(code, 201, "{body}");
    let items: Vec<String> = (0..300).map(|it| it.to_string()).collect();
    let object = json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"items": items},
    });
    let path = "/apis/example.com/v1/namespaces/default/widgets";
    let (code, body) = ask(&server, "POST", path, "application/json", object.to_string()).await;
    assert_eq!((code, &body["reason"]), (422, &json!("Invalid")), "{body}");
    assert!(body["message"].as_str().unwrap().contains("cost"), "{body}");
}
