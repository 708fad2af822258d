//! Random bodies, patches, selectors and continue tokens: whatever comes, the server answers and goes on.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use gyre_apiserver::Server;
use http_body_util::{BodyExt as _, Full};
use proptest::prelude::*;
use tower_service::Service as _;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const DEPLOYMENT: &str = r#"{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":
    {"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;

fn ask(server: &Server, method: &str, path: &str, media: &str, body: Vec<u8>) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request = http::Request::builder().method(method).uri(path).header("content-type", media);
        let Ok(request) = request.body(Full::new(bytes::Bytes::from(body))) else { return 400 };
        let response = server.service().call(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!bytes.is_empty() || code < 300);
        code
    })
}

/// JSON that looks like parts of a Deployment.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(|it| serde_json::json!(it)),
        "[a-z%1-3./-]{0,8}".prop_map(Into::into),
        "\\PC{0,6}".prop_map(Into::into),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "apiVersion",
            "kind",
            "metadata",
            "name",
            "labels",
            "annotations",
            "finalizers",
            "managedFields",
            "ownerReferences",
            "spec",
            "selector",
            "matchLabels",
            "template",
            "containers",
            "image",
            "ports",
            "containerPort",
            "env",
            "value",
            "replicas",
            "strategy",
            "type",
            "status",
            "resources",
            "limits",
            "cpu",
            "$patch",
            "$retainKeys",
            "$setElementOrder/containers",
            "$deleteFromPrimitiveList/finalizers",
        ])
        .prop_map(ToOwned::to_owned),
        "\\PC{0,6}",
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn operation() -> impl Strategy<Value = serde_json::Value> {
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", "x"]);
    let path = "(/(spec|metadata|labels|template|containers|0|1|-|replicas|~1|~|a)){0,5}|\\PC{0,5}";
    (op, path, path, value()).prop_map(
        |(op, path, from, value)| serde_json::json!({"op": op, "path": path, "from": from, "value": value}),
    )
}

fn media() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ])
}

proptest! {
    #[test]
    fn any_body(body in prop::collection::vec(any::<u8>(), 0..120), media in prop::sample::select(vec![
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/x",
    ])) {
        let server = Server::builder().start().unwrap();
        let code = ask(&server, "POST", DEPLOYMENTS, media, body);
        prop_assert!((400..500).contains(&code), "{code}");
    }

    #[test]
    fn any_object(value in value(), plural in prop::sample::select(vec![
        "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/services", DEPLOYMENTS,
        "/apis/batch/v1/namespaces/default/jobs", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    ])) {
        let server = Server::builder().start().unwrap();
        let code = ask(&server, "POST", plural, "application/json", value.to_string().into_bytes());
        prop_assert!(code < 501, "{code}");
    }

    #[test]
    fn any_patch(value in value(), media in media()) {
        let server = Server::builder().start().unwrap();
        prop_assert_eq!(ask(&server, "POST", DEPLOYMENTS, "application/json", DEPLOYMENT.into()), 201);
        let path = format!("{DEPLOYMENTS}/d?fieldManager=m&force=true");
        let path = if media.contains("apply") { path } else { format!("{DEPLOYMENTS}/d") };
        let code = ask(&server, "PATCH", &path, media, value.to_string().into_bytes());
        prop_assert!(code < 501, "{code}");
    }

    #[test]
    fn any_operations(operations in prop::collection::vec(operation(), 0..6)) {
        let server = Server::builder().start().unwrap();
        prop_assert_eq!(ask(&server, "POST", DEPLOYMENTS, "application/json", DEPLOYMENT.into()), 201);
        let body = serde_json::Value::from(operations).to_string();
        let path = format!("{DEPLOYMENTS}/d");
        let code = ask(&server, "PATCH", &path, "application/json-patch+json", body.into_bytes());
        prop_assert!(code < 501, "{code}");
    }

    #[test]
    fn any_question(key in prop::sample::select(vec![
        "labelSelector", "fieldSelector", "continue", "limit", "resourceVersion", "resourceVersionMatch",
    ]), value in "[A-Za-z0-9%=!,()+_-]{0,40}") {
        let server = Server::builder().start().unwrap();
        let path = format!("{DEPLOYMENTS}?{key}={value}");
        let code = ask(&server, "GET", &path, "", Vec::new());
        prop_assert!(matches!(code, 200 | 400..=499 | 504), "{code}");
    }
}
