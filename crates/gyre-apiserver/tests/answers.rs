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

#[tokio::test]
async fn a_service_of_another_type_loses_what_only_the_old_one_has() {
    let server = Server::builder().start().unwrap();
    let path = "/api/v1/namespaces/default/services";
    let service = json!({"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let (_, made) = ask(&server, "POST", path, service).await;
    assert!(made["spec"]["ports"][0]["nodePort"].is_number(), "{made}");
    let patch = |kind: &str, name: Value| json!({"spec": {"type": kind, "externalName": name}});
    let one = format!("{path}/a");
    let (code, plain) = ask(&server, "PATCH", &one, patch("ClusterIP", Value::Null)).await;
    assert_eq!((code, &plain["spec"]["ports"][0]["nodePort"]), (200, &Value::Null), "{plain}");
    assert_eq!(plain["spec"]["externalTrafficPolicy"], Value::Null);
    assert_eq!(plain["spec"]["clusterIP"], made["spec"]["clusterIP"]);
    let (code, named) = ask(&server, "PATCH", &one, patch("ExternalName", json!("a.example"))).await;
    assert_eq!((code, &named["spec"]["clusterIP"]), (200, &Value::Null), "{named}");
    let (code, again) = ask(&server, "PATCH", &one, patch("ClusterIP", Value::Null)).await;
    assert!(code == 200 && again["spec"]["clusterIP"].is_string(), "{again}");
}

/// Whoever is slower changes what the other has made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn applies_of_one_new_object_at_the_same_time_all_succeed() {
    let server = std::sync::Arc::new(Server::builder().start().unwrap());
    for number in 0..100 {
        let tasks: Vec<_> = (0..4)
            .map(|who| {
                let server = std::sync::Arc::clone(&server);
                tokio::spawn(async move {
                    let body = json!({
                        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("m-{number}")},
                        "data": {format!("k{who}"): "v"},
                    });
                    let path = format!(
                        "/api/v1/namespaces/default/configmaps/m-{number}?fieldManager=m{who}&force=true"
                    );
                    let request = http::Request::builder()
                        .method("PATCH")
                        .uri(path)
                        .header("content-type", "application/apply-patch+yaml")
                        .body(Full::new(bytes::Bytes::from(body.to_string())))
                        .unwrap();
                    server.service().call(request).await.unwrap().status().as_u16()
                })
            })
            .collect();
        for task in tasks {
            let code = task.await.unwrap();
            assert!(matches!(code, 200 | 201), "{code}");
        }
    }
}

fn definition(spec: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": spec},
            }}}],
        },
    })
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn widget(spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec})
}

#[tokio::test]
async fn rules_of_a_schema_hold() {
    let server = Server::builder().start().unwrap();
    let spec = json!({
        "type": "object",
        "properties": {"least": {"type": "integer"}, "most": {"type": "integer"}, "fixed": {
            "type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed is immutable"}],
        }},
        "x-kubernetes-validations": [
            {"rule": "self.least <= self.most", "messageExpression": "'least is ' + string(self.least)", "reason": "FieldValueForbidden", "fieldPath": ".least"},
            {"rule": "self.most < 100"},
        ],
    });
    let (code, body) = ask(&server, "POST", DEFINITIONS, definition(&spec)).await;
    assert_eq!(code, 201, "{body}");
    let (code, body) = ask(&server, "POST", WIDGETS, widget(&json!({"least": 5, "most": 3}))).await;
    let cause =
        json!([{"reason": "FieldValueForbidden", "field": "spec.least", "message": "Forbidden: least is 5"}]);
    assert_eq!((code, &body["details"]["causes"]), (422, &cause));
    let (_, body) = ask(&server, "POST", WIDGETS, widget(&json!({"least": 5, "most": 300}))).await;
    assert_eq!(
        body["message"],
        "Widget.example.com \"a\" is invalid: spec: Invalid value: \"object\": failed rule: self.most < 100"
    );
    let (_, body) = ask(&server, "POST", WIDGETS, widget(&json!({"least": 5}))).await;
    let message = body["details"]["causes"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("no such key: most evaluating rule: "), "{message}");
    let (code, body) =
        ask(&server, "POST", WIDGETS, widget(&json!({"least": 1, "most": 3, "fixed": "a"}))).await;
    assert_eq!(code, 201, "{body}");
    let (code, body) = ask(&server, "PATCH", &format!("{WIDGETS}/a"), json!({"spec": {"fixed": "b"}})).await;
    assert_eq!(code, 422);
    assert_eq!(
        body["message"],
        "Widget.example.com \"a\" is invalid: spec.fixed: Invalid value: \"string\": fixed is immutable"
    );
    let (code, _) = ask(&server, "PATCH", &format!("{WIDGETS}/a"), json!({"spec": {"most": 4}})).await;
    assert_eq!(code, 200);
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_with_their_definition() {
    let server = Server::builder().start().unwrap();
    for (rule, why) in [
        ("self.x >", "compilation failed: ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>'"),
        ("self.y > 1", "compilation failed: ERROR: <input>:1:5: undefined field 'y'"),
        ("self.x + 1", "cel expression must evaluate to a bool"),
    ] {
        let spec = json!({
            "type": "object", "properties": {"x": {"type": "integer"}},
            "x-kubernetes-validations": [{"rule": rule}],
        });
        let (code, body) = ask(&server, "POST", DEFINITIONS, definition(&spec)).await;
        let cause = &body["details"]["causes"][0];
        assert_eq!(code, 422, "{rule}");
        assert!(cause["message"].as_str().unwrap().contains(why), "{cause}");
        assert!(
            cause["field"].as_str().unwrap().ends_with("properties[spec].x-kubernetes-validations[0].rule")
        );
    }
}

#[tokio::test]
async fn bound_policies_judge_writes() {
    const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";
    const MAPS: &str = "/api/v1/namespaces/default/configmaps";
    let server = Server::builder().start().unwrap();
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["configmaps"],
            }]},
            "matchConditions": [{"name": "not-free", "expression": "object == null || !object.metadata.name.startsWith('free')"}],
            "variables": [{"name": "count", "expression": "object.data.size()"}],
            "validations": [{
                "expression": "request.operation == 'DELETE' || variables.count < 2",
                "messageExpression": "'too many: ' + string(variables.count)",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"]},
    });
    let map = |name: &str, data: Value| json!({"metadata": {"name": name}, "data": data});
    let two = json!({"a": "1", "b": "2"});
    assert_eq!(
        ask(&server, "POST", &format!("{ADMISSION}/validatingadmissionpolicies"), policy).await.0,
        201
    );
    assert_eq!(ask(&server, "POST", MAPS, map("before", two.clone())).await.0, 201);
    let bindings = format!("{ADMISSION}/validatingadmissionpolicybindings");
    assert_eq!(ask(&server, "POST", &bindings, binding).await.0, 201);
    let (code, body) = ask(&server, "POST", MAPS, map("a", two.clone())).await;
    assert_eq!((code, &body["reason"]), (422, &json!("Invalid")));
    assert_eq!(
        body["message"],
        "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too many: 2"
    );
    assert_eq!(ask(&server, "POST", MAPS, map("free", two)).await.0, 201);
    assert_eq!(ask(&server, "POST", MAPS, map("c", json!({"a": "1"}))).await.0, 201);
    assert_eq!(ask(&server, "PATCH", &format!("{MAPS}/c"), json!({"data": {"b": "2"}})).await.0, 422);
    assert_eq!(ask(&server, "DELETE", &format!("{MAPS}/before"), Value::Null).await.0, 200);
}
