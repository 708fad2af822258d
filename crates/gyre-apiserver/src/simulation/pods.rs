//! Pods: they run at once, unless their image is broken, an annotation says otherwise, or they are told to end.

use serde_json::{Value, json};

use super::events::Level;
use super::scheduling::refusal;
use super::{Cluster, Engine, Item, NODE, set_condition};
use crate::clock;
use crate::object;

/// An annotation with the seconds that a pod takes to become ready.
const SLOW: &str = "gyre.dev/ready-after-seconds";
/// An annotation that lets a pod's containers crash.
const CRASH: &str = "gyre.dev/crash-loop";
/// An annotation with lines that a pod's containers write when they have started.
const LOG: &str = "gyre.dev/log";
/// An annotation with the exit code of a pod of a Job.
const EXIT: &str = "gyre.dev/exit-code";

const KUBELET: &str = "kubelet";
const SCHEDULER: &str = "default-scheduler";

/// Whether an image cannot be pulled.
fn is_broken(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_some_and(|(_, tag)| tag.contains("broken"))
}

fn annotation<'a>(pod: &'a Value, key: &str) -> Option<&'a str> {
    pod["metadata"]["annotations"][key].as_str()
}

fn containers(pod: &Value) -> &[Value] {
    pod["spec"]["containers"].as_array().map_or(&[], Vec::as_slice)
}

/// A line that a container has written, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) at_us: i64,
    pub(crate) line: String,
}

/// Why there is nothing to read of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogError {
    /// It waits to be started, for this reason.
    Waiting(String),
    /// It was never started before.
    NoPrevious,
}

/// What a container has written, and whether it may write more; the one before it where `previous` is set.
pub(crate) fn log_of(pod: &Value, container: &str, previous: bool) -> Result<(Vec<Written>, bool), LogError> {
    let lists = ["containerStatuses", "initContainerStatuses"];
    let statuses = lists.iter().flat_map(|key| pod["status"][*key].as_array().into_iter().flatten());
    let status = statuses.into_iter().find(|it| it["name"] == container).cloned().unwrap_or_default();
    let state = &status["state"];
    let crashed = status["restartCount"].as_u64().unwrap_or(0) > 0;
    if previous && !crashed {
        return Err(LogError::NoPrevious);
    }
    if let Some(reason) = state["waiting"]["reason"].as_str().filter(|_| !crashed) {
        let why = match reason {
            "ImagePullBackOff" | "ErrImagePull" => "trying and failing to pull image",
            reason => reason,
        };
        return Err(LogError::Waiting(why.to_owned()));
    }
    if !state.is_object() {
        return Err(LogError::Waiting("ContainerCreating".into()));
    }
    let time = |value: &Value| clock::parse(value.as_str()?);
    let begun =
        [&state["running"]["startedAt"], &state["terminated"]["startedAt"], &pod["status"]["startTime"]];
    let at_us = begun.into_iter().find_map(time).unwrap_or_default();
    let image = status["image"].as_str().unwrap_or("unknown");
    let mut lines = vec![Written { at_us, line: format!("{container}: started from image {image}") }];
    let own = annotation(pod, LOG).unwrap_or_default();
    lines.extend(own.lines().map(|line| Written { at_us, line: line.to_owned() }));
    if crashed {
        lines.push(Written { at_us, line: format!("{container}: crashed") });
    } else if let Some(at_us) = time(&state["terminated"]["finishedAt"]) {
        let code = &state["terminated"]["exitCode"];
        lines.push(Written { at_us, line: format!("{container}: ended with code {code}") });
    }
    Ok((lines, state["running"].is_object()))
}

/// Whether a pod is ready.
pub(crate) fn is_ready(pod: &Value) -> bool {
    ready_since(pod).is_some()
}

/// Since when a pod is ready.
pub(crate) fn ready_since(pod: &Value) -> Option<i64> {
    let list = pod["status"]["conditions"].as_array()?;
    let ready = list.iter().find(|it| it["type"] == "Ready" && it["status"] == "True")?;
    clock::parse(ready["lastTransitionTime"].as_str()?)
}

/// Whether a pod counts for its controller.
pub(crate) fn is_active(pod: &Value) -> bool {
    !object::is_deleting(pod) && !is_finished(pod)
}

pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

impl Engine {
    pub(super) fn pod(&mut self, cluster: &Cluster<'_>, item: &Item, pod: &Value) {
        if object::is_deleting(pod) {
            end(cluster, pod);
            return;
        }
        if is_finished(pod) {
            return;
        }
        let now_us = cluster.api.clock.now_us();
        let created = clock::parse(object::meta(pod, "creationTimestamp")).unwrap_or(now_us);
        let wait_s: i64 = annotation(pod, SLOW).and_then(|it| it.parse().ok()).unwrap_or(0);
        let ready_at = created + wait_s * 1_000_000;
        let ready = now_us >= ready_at;
        if !ready {
            self.at(ready_at, item);
        }
        if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            if let Some(why) = refusal(cluster, pod) {
                wait(cluster, pod, &why);
                return;
            }
            cluster.change("", "pods", pod, "", |pod| pod["spec"]["nodeName"] = NODE.into());
            let (ns, name) = (object::meta(pod, "namespace"), object::meta(pod, "name"));
            let message = format!("Successfully assigned {ns}/{name} to {NODE}");
            cluster.tell(pod, SCHEDULER, Level::Normal, "Scheduled", &message);
        }
        let now = cluster.now();
        let ends = ends_by_itself(pod);
        let written = cluster.change("", "pods", pod, "status", |pod| {
            if ends && ready {
                finish(pod, &now);
            } else {
                run(pod, ready, &now);
            }
        });
        if let Some(written) = written {
            tell_containers(cluster, pod, &written);
        }
    }
}

/// A pod that no node takes.
fn wait(cluster: &Cluster<'_>, pod: &Value, why: &str) {
    let conditions = pod["status"]["conditions"].as_array();
    if conditions.is_some_and(|it| it.iter().any(|it| it["type"] == "PodScheduled" && it["message"] == why)) {
        return;
    }
    let now = cluster.now();
    cluster.change("", "pods", pod, "status", |pod| {
        let status = &mut pod["status"];
        status["phase"] = "Pending".into();
        set_condition(status, "PodScheduled", "False", "Unschedulable", why, &now);
    });
    cluster.tell(pod, SCHEDULER, Level::Warning, "FailedScheduling", why);
}

/// Tells what has become of the containers of a pod between two of its states.
fn tell_containers(cluster: &Cluster<'_>, before: &Value, after: &Value) {
    let statuses = |pod: &Value| pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
    let held = statuses(before);
    let tell = |level, reason: &str, message: &str| cluster.tell(after, KUBELET, level, reason, message);
    for status in statuses(after) {
        let (name, image) = (status["name"].as_str().unwrap_or_default(), &status["image"]);
        let waits = |status: &Value| status["state"]["waiting"]["reason"].as_str().map(ToOwned::to_owned);
        let old = held.iter().find(|it| it["name"] == status["name"]);
        let reason = waits(&status);
        if old.is_some_and(|old| waits(old) == reason) {
            continue;
        }
        if reason.as_deref() == Some("ImagePullBackOff") {
            tell(Level::Normal, "Pulling", &format!("Pulling image {image}"));
            tell(Level::Warning, "Failed", &format!("Failed to pull image {image}: not found"));
            tell(Level::Normal, "BackOff", &format!("Back-off pulling image {image}"));
            continue;
        }
        tell(Level::Normal, "Pulled", &format!("Container image {image} already present on machine"));
        tell(Level::Normal, "Created", &format!("Created container: {name}"));
        tell(Level::Normal, "Started", &format!("Started container {name}"));
        if reason.as_deref() == Some("CrashLoopBackOff") {
            let pod = object::meta(after, "name");
            let message = format!("Back-off restarting failed container {name} in pod {pod}");
            tell(Level::Warning, "BackOff", &message);
        }
    }
}

/// A pod of a Job ends by itself.
fn ends_by_itself(pod: &Value) -> bool {
    let owners = pod["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|it| it.iter().any(|it| it["kind"] == "Job"))
        && pod["spec"]["restartPolicy"] != "Always"
        && !containers(pod).iter().any(|it| is_broken(it["image"].as_str().unwrap_or_default()))
}

fn finish(pod: &mut Value, now: &str) {
    let code: i64 = annotation(pod, EXIT).and_then(|it| it.parse().ok()).unwrap_or(0);
    run(pod, false, now);
    let (phase, reason) = if code == 0 { ("Succeeded", "Completed") } else { ("Failed", "Error") };
    pod["status"]["phase"] = phase.into();
    for it in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
        it["state"] =
            json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}});
        it["started"] = false.into();
    }
    let status = &mut pod["status"];
    set_condition(status, "Ready", "False", "PodCompleted", "", now);
    set_condition(status, "ContainersReady", "False", "PodCompleted", "", now);
}

/// An address of the pod, made from its uid.
fn address(pod: &Value) -> String {
    let digits = object::meta(pod, "uid");
    let part =
        |from: usize| digits.get(from..from + 2).and_then(|it| u8::from_str_radix(it, 16).ok()).unwrap_or(1);
    format!("10.244.{}.{}", part(0), part(2).max(1))
}

fn run(pod: &mut Value, ready: bool, now: &str) {
    let crashes = annotation(pod, CRASH).is_some_and(|it| it != "false");
    let mut statuses = Vec::new();
    let (mut all_ready, mut any_broken) = (true, false);
    for container in containers(pod) {
        let image = container["image"].as_str().unwrap_or_default();
        let broken = is_broken(image);
        let up = ready && !broken && !crashes;
        let state = if broken {
            json!({"waiting": {"reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"{image}\"")}})
        } else if crashes {
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}})
        } else {
            json!({"running": {"startedAt": started(pod, container, now)}})
        };
        let image_id = if broken { String::new() } else { format!("simulated://{image}") };
        statuses.push(json!({
            "name": container["name"], "image": image, "imageID": image_id, "ready": up, "started": !broken && !crashes,
            "restartCount": if crashes { 3 } else { 0 }, "state": state, "lastState": {},
        }));
        all_ready &= up;
        any_broken |= broken;
    }
    let address = address(pod);
    let started = pod["status"]["startTime"].as_str().map_or_else(|| now.to_owned(), Into::into);
    let status = &mut pod["status"];
    status["phase"] = if any_broken { "Pending" } else { "Running" }.into();
    status["startTime"] = started.into();
    status["hostIP"] = "192.168.0.1".into();
    status["hostIPs"] = json!([{"ip": "192.168.0.1"}]);
    status["podIP"] = address.clone().into();
    status["podIPs"] = json!([{"ip": address}]);
    status["qosClass"] = status.get("qosClass").cloned().unwrap_or_else(|| "BestEffort".into());
    status["containerStatuses"] = statuses.into();
    for ty in ["PodScheduled", "Initialized"] {
        set_condition(status, ty, "True", "", "", now);
    }
    let (state, reason) = if all_ready { ("True", "") } else { ("False", "ContainersNotReady") };
    for ty in ["ContainersReady", "Ready"] {
        set_condition(
            status,
            ty,
            state,
            reason,
            if all_ready { "" } else { "containers are not ready" },
            now,
        );
    }
    for it in status["conditions"].as_array_mut().into_iter().flatten() {
        if let Some(fields) = it.as_object_mut() {
            fields.retain(|key, value| !(matches!(key.as_str(), "reason" | "message") && value == ""));
        }
    }
}

/// When a container was started: as it says already, or now.
fn started(pod: &Value, container: &Value, now: &str) -> String {
    let statuses = pod["status"]["containerStatuses"].as_array();
    let held = statuses.and_then(|it| it.iter().find(|it| it["name"] == container["name"]));
    held.and_then(|it| it["state"]["running"]["startedAt"].as_str()).unwrap_or(now).to_owned()
}

/// A pod that is being deleted ends at once.
fn end(cluster: &Cluster<'_>, pod: &Value) {
    if !object::finalizers(pod).is_empty() && pod["metadata"]["deletionGracePeriodSeconds"] == 0 {
        return;
    }
    let Some(kind) = cluster.kind("", "pods") else { return };
    let place = crate::api::Place::of(&kind, object::meta(pod, "namespace"), object::meta(pod, "name"));
    let options = crate::verbs::DeleteOptions {
        grace: Some(0),
        uid: Some(object::meta(pod, "uid").to_owned()),
        ..crate::verbs::DeleteOptions::default()
    };
    for container in containers(pod) {
        let name = container["name"].as_str().unwrap_or_default();
        cluster.tell(pod, KUBELET, Level::Normal, "Killing", &format!("Stopping container {name}"));
    }
    // A pod that is gone has ended.
    let _ = cluster.api.delete_object(&place, &options);
}
