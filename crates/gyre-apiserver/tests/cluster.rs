//! What a cluster shows besides what people put there: its own Service, endpoints of Services, keys of its tokens.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::time::Duration;

use gyre_apiserver::{Server, Storage};
use gyre_go::base64::RAW_URL;
use http_body_util::{BodyExt as _, Full};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tower_service::Service as _;

async fn ask(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    ask_with(server, method, path, body, None).await
}

async fn ask_with(
    server: &Server,
    method: &str,
    path: &str,
    body: &Value,
    token: Option<&str>,
) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request =
        http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let request = request.body(Full::new(bytes::Bytes::from(bytes))).unwrap();
    let response = server.service().call(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Looks until the condition holds.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..12_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within a minute");
}

#[tokio::test]
async fn a_new_cluster_has_what_every_cluster_has() {
    let server = Server::builder().start().unwrap();
    let (code, service) =
        ask(&server, "GET", "/api/v1/namespaces/default/services/kubernetes", &Value::Null).await;
    assert_eq!(code, 200);
    assert_eq!(service["spec"]["clusterIPs"], json!(["10.0.0.1"]));
    assert_eq!(service["spec"]["ports"][0]["port"], 443);
    let priorities = "/apis/scheduling.k8s.io/v1/priorityclasses";
    let (_, class) = ask(&server, "GET", &format!("{priorities}/system-node-critical"), &Value::Null).await;
    assert_eq!(class["value"], 2_000_001_000);
    let (_, range) =
        ask(&server, "GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes", &Value::Null).await;
    assert_eq!(range["spec"]["cidrs"], json!(["10.0.0.0/16"]));
}

#[tokio::test]
async fn pods_have_the_priority_of_their_class_or_of_the_default() {
    let server = Server::builder().start().unwrap();
    let (pods, classes) = ("/api/v1/namespaces/default/pods", "/apis/scheduling.k8s.io/v1/priorityclasses");
    let pod = |name: &str, class: Value| {
        json!({"metadata": {"name": name}, "spec": {
            "priorityClassName": class, "containers": [{"name": "c", "image": "i"}],
        }})
    };
    let (_, plain) = ask(&server, "POST", pods, &pod("a", Value::Null)).await;
    assert_eq!((&plain["spec"]["priority"], &plain["spec"]["priorityClassName"]), (&json!(0), &Value::Null));
    let (_, critical) = ask(&server, "POST", pods, &pod("b", "system-cluster-critical".into())).await;
    assert_eq!(critical["spec"]["priority"], 2_000_000_000);
    let class = json!({"metadata": {"name": "usual"}, "value": 7, "globalDefault": true, "preemptionPolicy": "Never"});
    assert_eq!(ask(&server, "POST", classes, &class).await.0, 201);
    let (_, usual) = ask(&server, "POST", pods, &pod("c", Value::Null)).await;
    let spec = &usual["spec"];
    assert_eq!(spec["priority"], 7);
    assert_eq!((&spec["priorityClassName"], &spec["preemptionPolicy"]), (&json!("usual"), &json!("Never")));
    let (code, refused) = ask(&server, "POST", pods, &pod("d", "nope".into())).await;
    assert_eq!(
        (code, &refused["message"]),
        (403, &json!("pods \"d\" is forbidden: no PriorityClass with name nope was found"))
    );
    let class = json!({"metadata": {"name": "system-mine"}, "value": 7});
    let (code, refused) = ask(&server, "POST", classes, &class).await;
    assert_eq!(code, 422);
    let why = "error: system-mine is not a known system priority class";
    assert!(refused["message"].as_str().unwrap().ends_with(why), "{refused}");
}

#[tokio::test]
async fn classes_that_are_the_default_are_filled_in() {
    let server = Server::builder().start().unwrap();
    let default = |group: &str| json!({format!("{group}.kubernetes.io/is-default-class"): "true"});
    let namespace = "/namespaces/default";
    let class =
        json!({"metadata": {"name": "fast", "annotations": default("storageclass")}, "provisioner": "a/b"});
    ask(&server, "POST", "/apis/storage.k8s.io/v1/storageclasses", &class).await;
    let class = json!({"metadata": {"name": "web", "annotations": default("ingressclass")}, "spec": {"controller": "a/b"}});
    ask(&server, "POST", "/apis/networking.k8s.io/v1/ingressclasses", &class).await;
    let claims = format!("/api/v1{namespace}/persistentvolumeclaims");
    let claim = |name: &str, size: &str| {
        json!({"metadata": {"name": name}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}},
        }})
    };
    let (_, made) = ask(&server, "POST", &claims, &claim("c", "1Gi")).await;
    assert_eq!(made["spec"]["storageClassName"], "fast");
    let mut bound = made.clone();
    bound["status"]["phase"] = "Bound".into();
    let (_, mut grown) = ask(&server, "PUT", &format!("{claims}/c/status"), &bound).await;
    grown["spec"]["resources"]["requests"]["storage"] = "2Gi".into();
    let (code, refused) = ask(&server, "PUT", &format!("{claims}/c"), &grown).await;
    let why = "persistentvolumeclaims \"c\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    assert_eq!((code, &refused["message"]), (403, &json!(why)));
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    let ingress = |name: &str, annotations: Value| json!({"metadata": {"name": name, "annotations": annotations}, "spec": {"defaultBackend": backend}});
    let ingresses = format!("/apis/networking.k8s.io/v1{namespace}/ingresses");
    let (_, made) = ask(&server, "POST", &ingresses, &ingress("i", Value::Null)).await;
    assert_eq!(made["spec"]["ingressClassName"], "web");
    let old = json!({"kubernetes.io/ingress.class": "nginx"});
    let (_, made) = ask(&server, "POST", &ingresses, &ingress("j", old)).await;
    assert_eq!(made["spec"]["ingressClassName"], Value::Null);
}

#[tokio::test]
async fn a_runtime_class_adds_to_its_pods() {
    let server = Server::builder().start().unwrap();
    let class = json!({
        "metadata": {"name": "sandbox"}, "handler": "h", "overhead": {"podFixed": {"cpu": "10m"}},
        "scheduling": {"nodeSelector": {"kind": "big"}, "tolerations": [{"key": "t", "operator": "Exists"}]},
    });
    assert_eq!(ask(&server, "POST", "/apis/node.k8s.io/v1/runtimeclasses", &class).await.0, 201);
    let pods = "/api/v1/namespaces/default/pods";
    let pod = |name: &str, more: Value| {
        let mut pod = json!({"metadata": {"name": name}, "spec": more});
        pod["spec"]["containers"] = json!([{"name": "c", "image": "i"}]);
        pod
    };
    let (_, made) = ask(&server, "POST", pods, &pod("a", json!({"runtimeClassName": "sandbox"}))).await;
    let spec = &made["spec"];
    assert_eq!((&spec["overhead"], &spec["nodeSelector"]), (&json!({"cpu": "10m"}), &json!({"kind": "big"})));
    assert_eq!(spec["tolerations"].as_array().unwrap().len(), 3);
    let refusals = [
        (json!({"runtimeClassName": "nope"}), "pod rejected: RuntimeClass \"nope\" not found"),
        (
            json!({"runtimeClassName": "sandbox", "nodeSelector": {"kind": "small"}}),
            "conflict: runtimeClass.scheduling.nodeSelector[kind] = big; pod.spec.nodeSelector[kind] = small",
        ),
        (
            json!({"overhead": {"cpu": "1"}}),
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            json!({"priority": 5}),
            "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
        ),
    ];
    for (spec, why) in refusals {
        let (code, refused) = ask(&server, "POST", pods, &pod("b", spec)).await;
        assert_eq!((code, &refused["message"]), (403, &json!(format!("pods \"b\" is forbidden: {why}"))));
    }
}

async fn token(server: &Server) -> String {
    let account = json!({"metadata": {"name": "robot"}});
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    ask(server, "POST", accounts, &account).await;
    let (code, made) = ask(server, "POST", &format!("{accounts}/robot/token"), &json!({"spec": {}})).await;
    assert_eq!(code, 201, "{made}");
    made["status"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn others_can_check_a_token_by_the_published_key() {
    let server = Server::builder().start().unwrap();
    let token = token(&server).await;
    let (_, configuration) = ask(&server, "GET", "/.well-known/openid-configuration", &Value::Null).await;
    assert_eq!(configuration["jwks_uri"], "https://kubernetes.default.svc/openid/v1/jwks");
    let (_, keys) = ask(&server, "GET", "/openid/v1/jwks", &Value::Null).await;
    let key = &keys["keys"][0];
    let part = |text: &str| RAW_URL.decode(text.as_bytes()).unwrap();
    let json = |text: &str| serde_json::from_slice::<Value>(&part(text)).unwrap();
    let (text, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = text.split_once('.').unwrap();
    assert_eq!(json(header), json!({"alg": "ES256", "kid": key["kid"]}));
    assert_eq!(json(claims)["iss"], configuration["issuer"]);
    let mut point = vec![4];
    point.extend(part(key["x"].as_str().unwrap()));
    point.extend(part(key["y"].as_str().unwrap()));
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    public.verify(text.as_bytes(), &part(signature)).expect("the signature is of this key");
}

#[tokio::test]
async fn tokens_outlive_a_server_that_keeps_its_objects() {
    let directory = tempfile::tempdir().unwrap();
    let start = || Server::builder().storage(Storage::Directory(directory.path().into())).start().unwrap();
    let server = start();
    let token = token(&server).await;
    server.shut_down();
    drop(server);
    let server = start();
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (code, who) = ask_with(&server, "POST", path, &review, Some(&token)).await;
    assert_eq!(code, 201, "{who}");
    assert_eq!(who["status"]["userInfo"]["username"], "system:serviceaccount:default:robot");
    let mut forged = token.clone().into_bytes();
    let at = forged.len() - 10;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    assert_eq!(ask_with(&server, "POST", path, &review, Some(&forged)).await.0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_endpoints_in_both_shapes() {
    let server = Server::builder().simulation(true).start().unwrap();
    let labels = json!({"a": "b"});
    let pod = json!({"metadata": {"name": "p", "labels": labels}, "spec": {
        "containers": [{"name": "c", "image": "i", "ports": [{"name": "web", "containerPort": 8080}]}],
    }});
    let service = json!({"metadata": {"name": "s"}, "spec": {
        "selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "web"}],
    }});
    let namespace = "/api/v1/namespaces/default";
    assert_eq!(ask(&server, "POST", &format!("{namespace}/services"), &service).await.0, 201);
    assert_eq!(ask(&server, "POST", &format!("{namespace}/pods"), &pod).await.0, 201);
    let endpoints = format!("{namespace}/endpoints/s");
    until(async || {
        let (_, it) = ask(&server, "GET", &endpoints, &Value::Null).await;
        let subset = &it["subsets"][0];
        subset["ports"] == json!([{"name": "http", "port": 8080, "protocol": "TCP"}])
            && subset["addresses"][0]["targetRef"]["name"] == "p"
            && subset["notReadyAddresses"].is_null()
    })
    .await;
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let (_, slices) = ask(&server, "GET", slices, &Value::Null).await;
    assert_eq!(slices["items"][0]["ports"], json!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
    ask(&server, "DELETE", &format!("{namespace}/pods/p?gracePeriodSeconds=0"), &Value::Null).await;
    until(async || ask(&server, "GET", &endpoints, &Value::Null).await.1["subsets"].is_null()).await;
    ask(&server, "DELETE", &format!("{namespace}/services/s"), &Value::Null).await;
    until(async || ask(&server, "GET", &endpoints, &Value::Null).await.0 == 404).await;
}

#[tokio::test]
async fn nothing_runs_in_a_pod_to_connect_to() {
    let server = Server::builder().start().unwrap();
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let pods = "/api/v1/namespaces/default/pods";
    let exec = format!("{pods}/p/exec?command=ls");
    assert_eq!(ask(&server, "POST", &exec, &Value::Null).await.0, 404);
    assert_eq!(ask(&server, "POST", pods, &pod).await.0, 201);
    let (code, refused) = ask(&server, "POST", &exec, &Value::Null).await;
    assert_eq!((code, &refused["message"]), (400, &json!("pod p does not have a host assigned")));
    assert_eq!(ask(&server, "GET", &format!("{pods}/p/log"), &Value::Null).await.0, 200);
    let node = json!({"target": {"kind": "Node", "name": "n"}, "metadata": {"name": "p"}});
    assert_eq!(ask(&server, "POST", &format!("{pods}/p/binding"), &node).await.0, 201);
    let (code, refused) = ask(&server, "POST", &exec, &Value::Null).await;
    assert_eq!((code, refused["reason"].as_str()), (400, Some("BadRequest")));
    assert!(refused["message"].as_str().unwrap().contains("pods run no programs here"), "{refused}");
}
