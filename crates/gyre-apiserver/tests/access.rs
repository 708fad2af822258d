//! Who may do what, and what is left of it: roles, client certificates, the audit log, quotas and limit ranges.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use gyre_apiserver::{ManualClock, Server, Tls};
use http_body_util::{BodyExt as _, Full};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower_service::Service as _;

/// Asks a server, as its administrator or as somebody else.
async fn ask_as(server: &Server, user: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut request = http::Request::builder().method(method).uri(path);
    request = request.header("content-type", "application/json");
    if !user.is_empty() {
        request = request.header("impersonate-user", user);
    }
    let request = request.body(Full::new(bytes::Bytes::from(bytes))).unwrap();
    let response = server.service().call(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn ask(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    ask_as(server, "", method, path, body).await
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

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_may_look_and_no_more() {
    let server = Server::builder().simulation(true).start().unwrap();
    let binding = json!({
        "metadata": {"name": "viewers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    });
    let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    assert_eq!(ask(&server, "POST", path, &binding).await.0, 201);
    until(async || ask_as(&server, "alice", "GET", MAPS, &Value::Null).await.0 == 200).await;
    let (code, body) =
        ask_as(&server, "alice", "GET", "/api/v1/namespaces/default/secrets", &Value::Null).await;
    assert_eq!(code, 403);
    assert!(body["message"].as_str().unwrap().contains("cannot list resource \"secrets\""), "{body}");
    assert_eq!(ask_as(&server, "alice", "GET", "/api/v1/configmaps", &Value::Null).await.0, 403);
    assert_eq!(ask_as(&server, "alice", "GET", "/apis", &Value::Null).await.0, 200);
    assert_eq!(ask_as(&server, "alice", "GET", "/metrics", &Value::Null).await.0, 403);
    // Nobody gives out what they do not have.
    let (code, body) = ask_as(&server, "alice", "POST", path, &binding).await;
    assert_eq!((code, &body["reason"]), (403, &json!("Forbidden")));
}

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

fn subjects(name: &str) -> Value {
    json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}])
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name})
}

/// Lets `alice` do with roles and bindings what rules say, beyond reading ConfigMaps.
async fn with_alice(rules: Value) -> Server {
    let server = Server::builder().start().unwrap();
    let mut all = vec![
        json!({"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]}),
        json!({
            "verbs": ["get", "create", "update", "patch"], "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
        }),
    ];
    all.extend(rules.as_array().into_iter().flatten().cloned());
    let role = json!({"metadata": {"name": "alice"}, "rules": all});
    assert_eq!(ask(&server, "POST", &format!("{RBAC}/clusterroles"), &role).await.0, 201);
    let binding = json!({
        "metadata": {"name": "alice"}, "roleRef": reference("ClusterRole", "alice"), "subjects": subjects("alice"),
    });
    assert_eq!(ask(&server, "POST", &format!("{RBAC}/clusterrolebindings"), &binding).await.0, 201);
    server
}

fn role(name: &str, resource: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": [resource]}],
    })
}

#[tokio::test]
async fn nobody_writes_roles_beyond_their_own() {
    let server = with_alice(json!([])).await;
    let path = format!("{RBAC}/namespaces/default/roles");
    assert_eq!(ask_as(&server, "alice", "POST", &path, &role("maps", "configmaps")).await.0, 201);
    let (code, body) = ask_as(&server, "alice", "POST", &path, &role("secrets", "secrets")).await;
    assert_eq!(code, 403);
    let wanted = "roles.rbac.authorization.k8s.io \"secrets\" is forbidden: user \"alice\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}";
    assert_eq!(body["message"], wanted);
    let (code, _) = ask_as(&server, "alice", "PUT", &format!("{path}/maps"), &role("maps", "secrets")).await;
    assert_eq!(code, 403);
    let gathering = json!({
        "metadata": {"name": "all"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
    });
    let (code, body) = ask_as(&server, "alice", "POST", &format!("{RBAC}/clusterroles"), &gathering).await;
    assert_eq!(code, 403);
    assert!(body["message"].as_str().unwrap().contains("must have cluster-admin privileges"), "{body}");
    assert_eq!(ask(&server, "POST", &format!("{RBAC}/clusterroles"), &gathering).await.0, 201);

    let rules = json!([{
        "verbs": ["escalate"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"],
    }]);
    let server = with_alice(rules).await;
    assert_eq!(ask_as(&server, "alice", "POST", &path, &role("secrets", "secrets")).await.0, 201);
}

#[tokio::test]
async fn nobody_binds_roles_beyond_their_own() {
    let path = format!("{RBAC}/namespaces/default/rolebindings");
    let binding = |role: &str, who: &str| json!({"metadata": {"name": role}, "roleRef": reference("Role", role), "subjects": subjects(who)});
    let roles = format!("{RBAC}/namespaces/default/roles");
    let server = with_alice(json!([])).await;
    for name in ["configmaps", "secrets"] {
        assert_eq!(ask(&server, "POST", &roles, &role(name, name)).await.0, 201);
    }
    assert_eq!(ask_as(&server, "alice", "POST", &path, &binding("configmaps", "bob")).await.0, 201);
    assert_eq!(ask_as(&server, "alice", "POST", &path, &binding("secrets", "alice")).await.0, 403);
    let (code, body) = ask_as(&server, "alice", "POST", &path, &binding("none", "alice")).await;
    assert_eq!(code, 404, "{body}");
    assert_eq!(body["message"], "roles.rbac.authorization.k8s.io \"none\" not found");
    // Whoever may change a binding cannot put themselves into it.
    assert_eq!(ask(&server, "POST", &path, &binding("secrets", "bob")).await.0, 201);
    let one = format!("{path}/secrets");
    assert_eq!(ask_as(&server, "alice", "PUT", &one, &binding("secrets", "alice")).await.0, 403);

    let rules = json!([{
        "verbs": ["bind"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"],
        "resourceNames": ["secrets"],
    }]);
    let server = with_alice(rules).await;
    assert_eq!(ask(&server, "POST", &roles, &role("secrets", "secrets")).await.0, 201);
    assert_eq!(ask_as(&server, "alice", "POST", &path, &binding("secrets", "alice")).await.0, 201);
}

async fn whoami(address: std::net::SocketAddr, config: ClientConfig) -> Value {
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut stream = connector.connect(ServerName::from(address.ip()), stream).await.unwrap();
    let body = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_says_who_asks() {
    let directory = tempfile::tempdir().unwrap();
    let tls = Tls::kept_in(directory.path(), &["127.0.0.1"]).unwrap();
    let authority = tls.authority_pem().to_owned();
    let key = std::fs::read_to_string(directory.path().join("ca.key")).unwrap();
    let mut named = CertificateParams::default();
    named.distinguished_name.push(DnType::CommonName, "gyre-ca");
    let issuer = Issuer::new(named, KeyPair::from_pem(&key).unwrap());
    let server = Server::builder().token("t").start().unwrap();
    let listening = server.listen("127.0.0.1:0".parse().unwrap(), Some(tls)).await.unwrap();

    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.distinguished_name.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let named = config.clone().with_client_auth_cert(vec![certificate.der().clone()], key).unwrap();
    let user = whoami(listening.address, named).await;
    let wanted = json!({"username": "alice", "groups": ["system:masters", "system:authenticated"]});
    assert_eq!(user["status"]["userInfo"], wanted, "{user}");
    let nobody = whoami(listening.address, config.with_no_client_auth()).await;
    assert_eq!(nobody["code"], 403, "{nobody}");
}

#[tokio::test]
async fn every_request_leaves_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let server = Server::builder().audit(Some(path.clone())).start().unwrap();
    ask(&server, "POST", MAPS, &json!({"metadata": {"name": "a"}})).await;
    ask_as(&server, "bob", "GET", &format!("{MAPS}/a?pretty=true"), &Value::Null).await;
    let lines = || -> Vec<Value> {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    until(async || lines().len() == 2).await;
    let [made, refused] = &lines()[..] else { panic!("two lines") };
    assert_eq!((&made["verb"], &made["responseStatus"]["code"]), (&json!("create"), &json!(201)));
    assert_eq!(made["objectRef"]["resource"], "configmaps");
    assert_eq!(made["annotations"]["authorization.k8s.io/decision"], "allow");
    assert_eq!(refused["requestURI"], format!("{MAPS}/a?pretty=true"));
    assert_eq!(refused["impersonatedUser"]["username"], "bob");
    assert_eq!(refused["annotations"]["authorization.k8s.io/decision"], "forbid");
}

fn pod(name: &str, resources: &Value) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]},
    })
}

const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_holds_no_more_than_its_quota() {
    let server = Server::builder().simulation(true).start().unwrap();
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2", "requests.cpu": "1"}}});
    assert_eq!(ask(&server, "POST", quotas, &quota).await.0, 201);
    until(async || {
        let (_, quota) = ask(&server, "GET", &format!("{quotas}/q"), &Value::Null).await;
        quota["status"]["used"] == json!({"pods": "0", "requests.cpu": "0"})
    })
    .await;
    let (code, body) = ask(&server, "POST", PODS, &pod("a", &json!({}))).await;
    assert_eq!(code, 403);
    let why = "pods \"a\" is forbidden: failed quota: q: must specify requests.cpu for: c";
    assert_eq!(body["message"], why);
    let half = json!({"requests": {"cpu": "600m"}});
    assert_eq!(ask(&server, "POST", PODS, &pod("a", &half)).await.0, 201);
    let (code, body) = ask(&server, "POST", PODS, &pod("b", &half)).await;
    assert_eq!(code, 403);
    let why = "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1";
    assert_eq!(body["message"], why);
    until(async || {
        let (_, quota) = ask(&server, "GET", &format!("{quotas}/q"), &Value::Null).await;
        quota["status"]["used"] == json!({"pods": "1", "requests.cpu": "600m"})
    })
    .await;
}

#[tokio::test]
async fn containers_ask_for_what_a_limit_range_lets_them() {
    let server = Server::builder().start().unwrap();
    let range = json!({"metadata": {"name": "r"}, "spec": {"limits": [{
        "type": "Container", "default": {"cpu": "200m"}, "defaultRequest": {"cpu": "100m"}, "max": {"cpu": "1"},
    }]}});
    assert_eq!(ask(&server, "POST", "/api/v1/namespaces/default/limitranges", &range).await.0, 201);
    let (code, made) = ask(&server, "POST", PODS, &pod("a", &json!({}))).await;
    assert_eq!(code, 201, "{made}");
    let resources = &made["spec"]["containers"][0]["resources"];
    assert_eq!(*resources, json!({"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}}));
    let note = "LimitRanger plugin set: cpu request for container c; cpu limit for container c";
    assert_eq!(made["metadata"]["annotations"]["kubernetes.io/limit-ranger"], note);
    let (code, body) = ask(&server, "POST", PODS, &pod("b", &json!({"limits": {"cpu": "2"}}))).await;
    assert_eq!(code, 403);
    let why = "pods \"b\" is forbidden: maximum cpu usage per Container is 1, but limit is 2";
    assert_eq!(body["message"], why);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_counted_and_end_after_an_hour() {
    let clock = ManualClock::at(1_800_000_000);
    let server = Server::builder().clock(clock.clone()).simulation(true).start().unwrap();
    assert_eq!(ask(&server, "POST", PODS, &pod("a", &json!({}))).await.0, 201);
    let events = "/api/v1/namespaces/default/events";
    let count = async || {
        let (_, list) = ask(&server, "GET", events, &Value::Null).await;
        list["items"].as_array().map_or(0, Vec::len)
    };
    until(async || count().await == 4).await;
    clock.advance(Duration::from_secs(3599));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(count().await, 4);
    clock.advance(Duration::from_secs(2));
    until(async || count().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scaler_follows_its_load() {
    let server = Server::builder().simulation(true).start().unwrap();
    let labels = json!({"a": "b"});
    let deployment = json!({"metadata": {"name": "d"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    }});
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    assert_eq!(ask(&server, "POST", deployments, &deployment).await.0, 201);
    let scaler = json!({
        "metadata": {"name": "d", "annotations": {"gyre.dev/load-percent": "150"}},
        "spec": {
            "minReplicas": 2, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
        },
    });
    let path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
    assert_eq!(ask(&server, "POST", path, &scaler).await.0, 201);
    until(async || {
        let (_, it) = ask(&server, "GET", &format!("{deployments}/d"), &Value::Null).await;
        it["status"]["readyReplicas"] == 5
    })
    .await;
}

#[tokio::test]
async fn a_quota_counts_once_its_controller_has_taken_it_up() {
    let server = Server::builder().start().unwrap();
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}});
    assert_eq!(ask(&server, "POST", quotas, &quota).await.0, 201);
    assert_eq!(ask(&server, "POST", PODS, &pod("a", &json!({}))).await.0, 201);
    let status = json!({"status": {"hard": {"pods": "1"}}});
    let patch = |status: Value| {
        let mut quota = quota.clone();
        quota["status"] = status["status"].clone();
        quota
    };
    assert_eq!(ask(&server, "PUT", &format!("{quotas}/q/status"), &patch(status)).await.0, 200);
    let (code, refused) = ask(&server, "POST", PODS, &pod("b", &json!({}))).await;
    let why = "pods \"b\" is forbidden: status unknown for quota: q, resources: pods";
    assert_eq!((code, &refused["message"]), (403, &json!(why)));
}

#[tokio::test]
async fn certificates_are_approved_by_those_who_may() {
    let request = |name: &str, organization: &str| {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "alice");
        params.distinguished_name.push(DnType::OrganizationName, organization);
        let key = KeyPair::generate().unwrap();
        let pem = params.serialize_request(&key).unwrap().pem().unwrap();
        json!({"metadata": {"name": name}, "spec": {
            "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"],
            "request": gyre_go::base64::STANDARD.encode(pem.as_bytes()),
        }})
    };
    let rules = json!([
        {"apiGroups": ["certificates.k8s.io"], "resources": ["*"], "verbs": ["get", "create", "update"]},
    ]);
    let server = with_alice(rules).await;
    let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let (code, refused) = ask(&server, "POST", path, &request("a", "system:masters")).await;
    let why = "certificatesigningrequests.certificates.k8s.io \"a\" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed";
    assert_eq!((code, &refused["message"]), (403, &json!(why)));
    let (code, mut made) = ask(&server, "POST", path, &request("a", "people")).await;
    assert_eq!(code, 201, "{made}");
    made["status"] =
        json!({"conditions": [{"type": "Approved", "status": "True", "reason": "r", "message": "m"}]});
    let approval = format!("{path}/a/approval");
    let (code, refused) = ask_as(&server, "alice", "PUT", &approval, &made).await;
    let why = "certificatesigningrequests.certificates.k8s.io \"a\" is forbidden: user not permitted to approve requests with signerName \"kubernetes.io/kube-apiserver-client\"";
    assert_eq!((code, &refused["message"]), (403, &json!(why)));
    let role = json!({"metadata": {"name": "approver"}, "rules": [{
        "apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "verbs": ["approve"],
        "resourceNames": ["kubernetes.io/*"],
    }]});
    let roles = "/apis/rbac.authorization.k8s.io/v1";
    assert_eq!(ask(&server, "POST", &format!("{roles}/clusterroles"), &role).await.0, 201);
    let binding = json!({
        "metadata": {"name": "approver"}, "roleRef": reference("ClusterRole", "approver"), "subjects": subjects("alice"),
    });
    assert_eq!(ask(&server, "POST", &format!("{roles}/clusterrolebindings"), &binding).await.0, 201);
    let (code, approved) = ask_as(&server, "alice", "PUT", &approval, &made).await;
    assert_eq!(code, 200, "{approved}");
}
