//! The embedded API as users meet it: the real kubectl, every command that asks a cluster; and the Python client.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

#[path = "journey/kubectl.rs"]
mod kubectl;

use std::os::unix::fs::PermissionsExt as _;

use kubectl::Kube;

const TWO_MAPS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {app: x}}
data: {key: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, labels: {app: x}}
data: {key: '1'}
";

const ONE_MAP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {app: x}}
data: {key: '2'}
";

#[test]
fn objects_are_applied_compared_and_edited() {
    let Some(kube) = Kube::start() else { return };
    kube.write("two.yaml", TWO_MAPS);
    kube.write("one.yaml", ONE_MAP);
    kube.says("apply -f two.yaml", &["configmap/a created", "configmap/b created"]);
    kube.says("apply -f two.yaml", &["configmap/a unchanged", "configmap/b unchanged"]);
    kube.fails("diff -f one.yaml", 1, &["-  key: \"1\"", "+  key: \"2\""]);
    kube.says("apply -f one.yaml --dry-run=server", &["configmap/a configured (server dry run)"]);
    kube.says("apply --prune -l app=x -f one.yaml", &["configmap/a configured", "configmap/b pruned"]);
    kube.says("diff -f one.yaml", &[]);
    kube.says("apply view-last-applied -f one.yaml", &["key: \"2\""]);

    kube.write("k/kustomization.yaml", "resources: [map.yaml]\nnamePrefix: made-\n");
    kube.write("k/map.yaml", ONE_MAP);
    kube.says("apply -k k", &["configmap/made-a created"]);
    kube.says("delete -k k", &["configmap \"made-a\" deleted"]);

    kube.says("apply --server-side -f two.yaml --force-conflicts", &["configmap/b serverside-applied"]);
    let conflict = "Apply failed with 1 conflict: conflict with \"kubectl\": .data.key";
    kube.fails("apply --server-side --field-manager=other -f one.yaml", 1, &[conflict]);
    let forced = "apply --server-side --field-manager=other --force-conflicts -f one.yaml";
    kube.says(forced, &["configmap/a serverside-applied"]);
    kube.says("get cm a -o yaml --show-managed-fields", &["manager: other", "operation: Apply"]);

    let editor = kube.write("editor", "#!/bin/sh\nsed -i 's/key: \"2\"/key: edited/' \"$1\"\n");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    kube.says("edit cm a", &["configmap/a edited"]);
    kube.says("get cm a -o 'jsonpath={.data.key}'", &["edited"]);
    let unchanged = kube.run("edit cm a");
    assert!(unchanged.err.contains("Edit cancelled, no changes made"), "{unchanged:?}");
}

#[test]
fn objects_are_patched_replaced_and_deleted() {
    let Some(kube) = Kube::start() else { return };
    kube.write("two.yaml", TWO_MAPS);
    kube.says("create -f two.yaml", &["configmap/a created"]);
    kube.fails("create -f two.yaml", 1, &["Error from server (AlreadyExists)"]);
    kube.says("patch cm a -p '{\"data\":{\"z\":\"1\"}}'", &["configmap/a patched"]);
    kube.says("patch cm a --type merge -p '{\"data\":{\"z\":null}}'", &["patched"]);
    let add = "patch cm a --type json -p '[{\"op\":\"add\",\"path\":\"/data/k\",\"value\":\"v\"}]'";
    kube.says(add, &["configmap/a patched"]);
    kube.says("get cm a -o 'jsonpath={.data}'", &["{\"k\":\"v\",\"key\":\"1\"}"]);
    let test = "patch cm a --type json -p '[{\"op\":\"test\",\"path\":\"/data/k\",\"value\":\"w\"}]'";
    kube.fails(test, 1, &["The request is invalid"]);
    kube.says("label cm a tier=web", &["configmap/a labeled"]);
    kube.fails("label cm a tier=db", 1, &["--overwrite is false"]);
    kube.says("label cm a tier=db --overwrite", &["configmap/a labeled"]);
    kube.says("get cm -l tier=db -L tier --no-headers", &["db"]);
    kube.says("label cm a tier-", &["configmap/a unlabeled"]);
    kube.says("annotate cm a note=hello", &["configmap/a annotated"]);
    kube.says("annotate cm a note-", &["configmap/a annotated"]);
    kube.says("replace -f two.yaml", &["configmap/a replaced", "configmap/b replaced"]);
    kube.says("replace --force -f two.yaml", &["configmap \"a\" deleted", "configmap/a replaced"]);
    kube.says("delete cm -l app=x", &["configmap \"a\" deleted", "configmap \"b\" deleted"]);
    kube.fails("get cm a", 1, &["Error from server (NotFound): configmaps \"a\" not found"]);
    kube.says("delete cm a --ignore-not-found", &[]);

    for cascade in ["background", "foreground", "orphan"] {
        kube.says(&format!("create deployment {cascade} --image=nginx"), &["created"]);
        kube.says(
            &format!("rollout status deployment/{cascade} --timeout=30s"),
            &["successfully rolled out"],
        );
        kube.says(&format!("delete deployment {cascade} --cascade={cascade}"), &["deleted"]);
        let left = format!("get rs,pods -l app={cascade} -o name");
        if cascade == "orphan" {
            kube.says(&left, &["replicaset.apps/orphan-", "pod/orphan-"]);
        } else {
            kube.wait(cascade, |kube| kube.run(&left).out.is_empty());
        }
    }
    kube.says("create namespace team", &["namespace/team created"]);
    kube.says("create cm x -n team", &["created"]);
    kube.says("delete namespace team", &["namespace \"team\" deleted"]);
    kube.fails("get cm x -n team", 1, &["NotFound"]);
}

/// What `kubectl create` is asked for, and what it says that it made.
const MADE: &[(&str, &str)] = &[
    ("deployment web --image=nginx --replicas=2 --port=80", "deployment.apps/web"),
    ("job once --image=busybox -- echo hi", "job.batch/once"),
    ("cronjob tick --image=busybox '--schedule=*/5 * * * *' -- date", "cronjob.batch/tick"),
    ("job manual --from=cronjob/tick", "job.batch/manual"),
    ("configmap map --from-literal=a=b", "configmap/map"),
    ("secret generic secret --from-literal=p=w", "secret/secret"),
    ("secret docker-registry registry --docker-username=u --docker-password=p", "secret/registry"),
    ("service clusterip inside --tcp=80:8080", "service/inside"),
    ("service nodeport node --tcp=80:8080", "service/node"),
    ("service loadbalancer outside --tcp=80:8080", "service/outside"),
    ("service externalname far --external-name=example.com", "service/far"),
    ("ingress web --rule=example.com/path=web:80", "ingress.networking.k8s.io/web"),
    ("role reader --verb=get --resource=pods", "role.rbac.authorization.k8s.io/reader"),
    (
        "rolebinding reads --role=reader --serviceaccount=default:bob",
        "rolebinding.rbac.authorization.k8s.io/reads",
    ),
    ("clusterrole lists --verb=get,list --resource=nodes", "clusterrole.rbac.authorization.k8s.io/lists"),
    (
        "clusterrolebinding alice --clusterrole=lists --user=alice",
        "clusterrolebinding.rbac.authorization.k8s.io/alice",
    ),
    ("quota few --hard=pods=10,configmaps=5", "resourcequota/few"),
    ("pdb web --selector=app=web --min-available=1", "poddisruptionbudget.policy/web"),
    ("priorityclass high --value=100", "priorityclass.scheduling.k8s.io/high"),
    ("serviceaccount bob", "serviceaccount/bob"),
    ("namespace team", "namespace/team"),
];

#[test]
fn every_kind_is_created_and_described() {
    let Some(kube) = Kube::start() else { return };
    for (line, made) in MADE {
        kube.says(&format!("create {line}"), &[made, "created"]);
    }
    let token = kube.says("create token bob --duration=1h", &[]);
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    kube.says("wait --for=condition=Complete job/once --timeout=30s", &["job.batch/once condition met"]);
    kube.says("rollout status deployment/web --timeout=30s", &[]);
    kube.says("expose deployment web --port=80", &["service/web exposed"]);
    kube.says("autoscale deployment web --min=2 --max=5 --cpu-percent=80", &["web autoscaled"]);
    kube.comes_to_say("get hpa web", "80%/80%");
    for (kind, wanted) in [
        ("deployment web", "ScalingReplicaSet"),
        ("replicaset", "SuccessfulCreate"),
        ("pods", "Successfully assigned default/web-"),
        ("job once", "Completed"),
        ("cronjob tick", "Schedule:"),
        ("cm map", "BinaryData"),
        ("secret secret", "p:  1 bytes"),
        ("svc web", "Endpoints:"),
        ("ingress web", "example.com"),
        ("role reader", "pods"),
        ("rolebinding reads", "ServiceAccount  bob"),
        ("clusterrole lists", "[get list]"),
        ("clusterrole view", "configmaps"),
        ("clusterrolebinding alice", "alice"),
        ("quota few", "pods"),
        ("pdb web", "Allowed disruptions:  1"),
        ("priorityclass high", "100"),
        ("sa bob", "bob"),
        ("ns team", "Active"),
        ("hpa web", "ValidMetricFound"),
        ("node gyre-node", "Ready"),
        ("endpointslice", "Addresses"),
    ] {
        kube.says(&format!("describe {kind}"), &[wanted]);
    }
    let service_account = "--as system:serviceaccount:default:bob";
    kube.says(&format!("auth can-i get pods {service_account}"), &["yes"]);
    kube.fails(&format!("auth can-i delete pods {service_account}"), 1, &["no"]);
    kube.says("auth whoami", &["system:masters"]);
    kube.says("auth can-i --list", &["*.*"]);
    kube.says("events --for deployment/web", &["ScalingReplicaSet", "Scaled up replica set web-"]);
    kube.says("get events", &["SuccessfulCreate"]);
}

#[test]
fn objects_are_read_in_every_form() {
    let Some(kube) = Kube::start() else { return };
    kube.write("two.yaml", TWO_MAPS);
    kube.says("apply -f two.yaml", &[]);
    kube.says("get cm -o wide", &["NAME", "DATA", "AGE"]);
    kube.says("get cm a -o yaml", &["  key: \"1\"", "kind: ConfigMap"]);
    kube.says("get cm a -o json", &["\"key\": \"1\""]);
    kube.says("get cm -o name", &["configmap/a\nconfigmap/b\n"]);
    kube.says("get cm a -o 'jsonpath={.data.key}'", &["1"]);
    kube.says("get cm -l app=x -o 'go-template={{range .items}}{{.metadata.name}},{{end}}'", &["a,b,"]);
    kube.says("get cm a -o custom-columns=NAME:.metadata.name,KEY:.data.key", &["NAME   KEY\na      1\n"]);
    kube.says("get cm -l app=x --sort-by=.metadata.name --no-headers", &["a", "b"]);
    kube.says("get cm --chunk-size=1 -L app --show-labels", &["APP", "LABELS", "app=x"]);
    kube.says("get cm -A", &["NAMESPACE", "kube-system"]);
    kube.says("get --raw /readyz", &["ok"]);
    let watched = kube.until("get cm --watch", "late ", |kube| {
        kube.says("create cm late", &[]);
    });
    assert!(watched.starts_with("NAME"), "{watched}");
    kube.says("explain deployment.spec.strategy", &["FIELD: strategy <DeploymentStrategy>", "rollingUpdate"]);
    kube.says(
        "explain pod --recursive",
        &["containers\t<[]Container> -required-", "divisor\t<Quantity>", "port\t<IntOrString> -required-"],
    );
    kube.fails("explain pod.spec.nothing", 1, &["field \"nothing\" does not exist"]);
    kube.says("api-resources", &["deployments", "deploy", "apps/v1"]);
    kube.says("api-resources --api-group=batch -o name", &["cronjobs.batch\njobs.batch\n"]);
    kube.says("api-versions", &["apps/v1", "batch/v1"]);
    kube.says("version", &["Server Version: v1.36"]);
    kube.says("cluster-info", &["Kubernetes control plane"]);
    kube.fails("top pods", 1, &["Metrics API not available"]);
    kube.fails("get nothing", 1, &["the server doesn't have a resource type \"nothing\""]);
    kube.fails("apply -f missing.yaml", 1, &["does not exist"]);
    kube.write("wrong.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w}\nspec: {}\n");
    kube.fails("apply -f wrong.yaml", 1, &["unknown field \"spec\""]);
    let proxied = kube.until("proxy --port=0", "Starting to serve on", |_| {});
    assert!(proxied.contains("127.0.0.1:"), "{proxied}");
}

#[test]
fn workloads_are_rolled_out() {
    let Some(kube) = Kube::start() else { return };
    let settled = |kube: &Kube| {
        kube.says("rollout status deployment/web --timeout=30s", &["successfully rolled out"]);
    };
    kube.says("create deployment web --image=nginx:1 --replicas=2", &[]);
    settled(&kube);
    kube.says("set image deployment/web nginx=nginx:2", &["deployment.apps/web image updated"]);
    settled(&kube);
    kube.says("rollout history deployment/web", &["1         <none>\n2         <none>"]);
    kube.says("rollout history deployment/web --revision=2", &["nginx:2"]);
    kube.says("rollout undo deployment/web", &["rolled back"]);
    settled(&kube);
    kube.says("get deployment web -o wide", &["2/2", "nginx:1"]);
    kube.says("rollout pause deployment/web", &["paused"]);
    kube.says("set env deployment/web A=B", &["env updated"]);
    kube.says("set env deployment/web --list", &["A=B"]);
    kube.says(
        "set resources deployment web --limits=cpu=200m,memory=64Mi",
        &["resource requirements updated"],
    );
    kube.says("create serviceaccount bob", &[]);
    kube.says("set serviceaccount deployment web bob", &["serviceaccount updated"]);
    kube.says("rollout resume deployment/web", &["resumed"]);
    settled(&kube);
    kube.says("rollout restart deployment/web", &["restarted"]);
    settled(&kube);
    kube.says("scale deployment web --replicas=4", &["scaled"]);
    kube.fails(
        "scale deployment web --current-replicas=3 --replicas=1",
        1,
        &["Expected replicas to be 3, was 4"],
    );
    settled(&kube);
    kube.says("expose deployment web --port=80 --name=web", &["service/web exposed"]);
    kube.says("set selector svc web app=other", &["service/web selector updated"]);
    let line = "wait --for=jsonpath={.status.readyReplicas}=4 deployment/web --timeout=30s";
    kube.says(line, &["condition met"]);
    kube.says("set image deployment/web nginx=nginx:broken", &[]);
    kube.comes_to_say("get pods", "ImagePullBackOff");
    kube.fails("rollout status deployment/web --timeout=1s", 1, &["timed out waiting for the condition"]);
    kube.says("rollout undo deployment/web", &[]);
    settled(&kube);
}

#[test]
fn pods_run_on_the_node_and_write_logs() {
    let Some(kube) = Kube::start() else { return };
    kube.comes_to_say("get nodes", "Ready");
    let about = r#"{"metadata":{"annotations":{"gyre.dev/log":"one\ntwo"}}}"#;
    kube.says(&format!("run web --image=nginx --overrides='{about}'"), &["pod/web created"]);
    kube.says("wait --for=condition=Ready pod/web --timeout=30s", &["condition met"]);
    kube.says("logs web", &["web: started from image nginx\none\ntwo\n"]);
    assert_eq!(kube.says("logs web --tail=1", &[]), "two\n");
    kube.says("logs web --timestamps", &["Z one"]);
    kube.fails("logs web --previous", 1, &["previous terminated container \"web\" in pod \"web\" not found"]);
    kube.fails("logs web -c other", 1, &["container other is not valid for pod web"]);
    kube.until("logs -f web", "two", |_| {});
    kube.says("run broken --image=nginx:broken", &[]);
    kube.comes_to_say("get pod broken", "ImagePullBackOff");
    kube.fails("logs broken", 1, &["waiting to start: trying and failing to pull image"]);
    let crash = r#"{"metadata":{"annotations":{"gyre.dev/crash-loop":"true"}}}"#;
    kube.says(&format!("run crash --image=nginx --overrides='{crash}'"), &[]);
    kube.comes_to_say("get pod crash", "CrashLoopBackOff");
    kube.says("logs crash --previous", &["crashed"]);

    kube.says("create deployment app --image=nginx --replicas=2", &[]);
    kube.says("rollout status deployment/app --timeout=30s", &[]);
    kube.says("cordon gyre-node", &["node/gyre-node cordoned"]);
    kube.says("get nodes", &["SchedulingDisabled"]);
    kube.says("run late --image=nginx", &[]);
    kube.comes_to_say("describe pod late", "FailedScheduling");
    kube.says("uncordon gyre-node", &["uncordoned"]);
    kube.says("wait --for=condition=Ready pod/late --timeout=30s", &[]);
    kube.says("taint nodes gyre-node key=value:NoSchedule", &["node/gyre-node tainted"]);
    kube.says("run kept-away --image=nginx", &[]);
    kube.comes_to_say("describe pod kept-away", "untolerated taint {key: value}");
    kube.says("taint nodes gyre-node key-", &["node/gyre-node untainted"]);
    kube.says("wait --for=condition=Ready pod/kept-away --timeout=30s", &[]);
    let drained = "drain gyre-node --ignore-daemonsets --force --timeout=30s";
    kube.says(drained, &["node/gyre-node drained", "evicted"]);
    kube.says("uncordon gyre-node", &[]);
    kube.says("rollout status deployment/app --timeout=30s", &[]);
}

/// What becomes of what an owner owns.
#[test]
fn owners_take_along_what_they_own_or_leave_it() {
    let Some(kube) = Kube::start() else { return };
    for (cascade, left) in [("background", false), ("foreground", false), ("orphan", true)] {
        kube.says("create deployment web --image=nginx", &["created"]);
        kube.says("wait deployment web --for=condition=Available --timeout=30s", &["condition met"]);
        kube.says(
            &format!("delete deployment web --cascade={cascade}"),
            &["deployment.apps \"web\" deleted"],
        );
        if left {
            kube.says("get replicasets -l app=web -o name", &["replicaset.apps/web-"]);
            kube.says("get pods -l app=web -o name", &["pod/web-"]);
        } else {
            kube.wait("nothing is left", |kube| {
                kube.run("get replicasets,pods -l app=web -o name").out.is_empty()
            });
        }
    }
}

/// Lists, and follows from there: what the clients of other languages do.
const INFORMER: &str = r#"
import sys, threading, time
from kubernetes import client, config, watch
config.load_kube_config("kubeconfig")
core, apps = client.CoreV1Api(), client.AppsV1Api()
for name in ["a", "b", "c"]:
    core.create_namespaced_config_map("default", {"metadata": {"name": name, "labels": {"app": "x"}}})
held, page = {}, None
while True:
    page = core.list_namespaced_config_map("default", label_selector="app=x", limit=2,
                                           _continue=page.metadata._continue if page else None)
    held.update({it.metadata.name: it for it in page.items})
    if not page.metadata._continue:
        break
assert sorted(held) == ["a", "b", "c"], held
def change():
    core.patch_namespaced_config_map("a", "default", {"data": {"k": "v"}})
    core.delete_namespaced_config_map("b", "default")
    core.create_namespaced_config_map("default", {"metadata": {"name": "d", "labels": {"app": "x"}}})
    core.patch_namespaced_config_map("c", "default", {"metadata": {"labels": {"app": "y"}}})
threading.Timer(0.2, change).start()
seen = []
for event in watch.Watch().stream(core.list_namespaced_config_map, "default", label_selector="app=x",
                                  resource_version=page.metadata.resource_version, timeout_seconds=20):
    name = event["object"].metadata.name
    seen.append((event["type"], name))
    if event["type"] == "DELETED":
        held.pop(name)
    else:
        held[name] = event["object"]
    if len(seen) == 4:
        break
assert seen == [("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "d"), ("DELETED", "c")], seen
assert sorted(held) == ["a", "d"] and held["a"].data == {"k": "v"}, held
apps.create_namespaced_deployment("default", {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"a": "b"}},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}})
for event in watch.Watch().stream(apps.list_namespaced_deployment, "default", timeout_seconds=30):
    if event["object"].status.available_replicas:
        break
try:
    core.read_namespaced_config_map("none", "default")
except client.ApiException as error:
    assert error.status == 404 and error.reason == "Not Found", error
print("followed", client.VersionApi().get_code().git_version)
"#;

#[test]
fn the_python_client_lists_and_follows() {
    let Some(kube) = Kube::start() else { return };
    let script = kube.write("informer.py", INFORMER);
    let python = |name: &str, arguments: &[&std::ffi::OsStr]| {
        std::process::Command::new(name).args(arguments).current_dir(kube.path()).output()
    };
    let has = |name: &str| {
        python(name, &["-c".as_ref(), "import kubernetes".as_ref()]).is_ok_and(|it| it.status.success())
    };
    let Some(name) = ["python3", "/usr/bin/python3"].into_iter().find(|it| has(it)) else {
        println!("the Python client is not installed (apt-get install python3-kubernetes): nothing checked");
        return;
    };
    let output = python(name, &[script.as_os_str()]).unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.starts_with("followed v1."), "{out} {err}");
}
