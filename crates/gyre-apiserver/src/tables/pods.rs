//! The cells of pods: their state in one word.

use serde_json::{Value, json};

use super::age;
use super::cells::int;
use crate::object;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The state of a pod whose init containers have not ended; `None` where they have.
fn initializing(pod: &Value, restarts: &mut i64) -> Option<String> {
    let specs = pod["spec"]["initContainers"].as_array().cloned().unwrap_or_default();
    let statuses = pod["status"]["initContainerStatuses"].as_array().cloned().unwrap_or_default();
    for (index, status) in statuses.iter().enumerate() {
        let spec = specs.iter().find(|it| it["name"] == status["name"]);
        let sidecar = spec.is_some_and(|it| it["restartPolicy"] == "Always");
        *restarts += int(&status["restartCount"]);
        let (ended, waiting) = (&status["state"]["terminated"], &status["state"]["waiting"]);
        if ended.is_object() && int(&ended["exitCode"]) == 0 || sidecar && status["started"] == true {
            continue;
        }
        if ended.is_object() {
            let reason = text(&ended["reason"]);
            return Some(match (reason, int(&ended["signal"])) {
                ("", 0) => format!("Init:ExitCode:{}", int(&ended["exitCode"])),
                ("", signal) => format!("Init:Signal:{signal}"),
                (reason, _) => format!("Init:{reason}"),
            });
        }
        return Some(match text(&waiting["reason"]) {
            "" | "PodInitializing" => format!("Init:{index}/{}", specs.len()),
            reason => format!("Init:{reason}"),
        });
    }
    None
}

/// Ready containers, restarts and the state of a pod.
fn state(pod: &Value) -> (i64, i64, String) {
    let status = &pod["status"];
    let mut reason = match text(&status["reason"]) {
        "" => text(&status["phase"]).to_owned(),
        reason => reason.to_owned(),
    };
    let conditions = status["conditions"].as_array().into_iter().flatten();
    if conditions.clone().any(|it| it["type"] == "PodScheduled" && it["reason"] == "SchedulingGated") {
        reason = "SchedulingGated".into();
    }
    let (mut ready, mut restarts) = (0, 0);
    if let Some(state) = initializing(pod, &mut restarts) {
        reason = state;
    } else {
        restarts = 0;
        let mut running = false;
        for it in status["containerStatuses"].as_array().into_iter().flatten().rev() {
            restarts += int(&it["restartCount"]);
            let state = &it["state"];
            let (waiting, ended) = (text(&state["waiting"]["reason"]), &state["terminated"]);
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if ended.is_object() {
                reason = match (text(&ended["reason"]), int(&ended["signal"])) {
                    ("", 0) => format!("ExitCode:{}", int(&ended["exitCode"])),
                    ("", signal) => format!("Signal:{signal}"),
                    (reason, _) => reason.to_owned(),
                };
            } else if it["ready"] == true && state["running"].is_object() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && running {
            let is_ready = conditions.clone().any(|it| it["type"] == "Ready" && it["status"] == "True");
            reason = if is_ready { "Running" } else { "NotReady" }.into();
        }
    }
    if object::is_deleting(pod) {
        if status["reason"] == "NodeLost" {
            reason = "Unknown".into();
        } else if !matches!(text(&status["phase"]), "Failed" | "Succeeded") {
            reason = "Terminating".into();
        }
    }
    (ready, restarts, reason)
}

/// When a container was last restarted.
fn last_restart(pod: &Value, now_us: i64) -> Option<String> {
    let statuses = pod["status"]["containerStatuses"].as_array()?;
    let last = statuses.iter().filter_map(|it| it["lastState"]["terminated"]["finishedAt"].as_str()).max()?;
    Some(age(last, now_us))
}

/// The cells of a pod.
pub(super) fn cells(pod: &Value, name: &str, since: &str, now_us: i64) -> Value {
    let (ready, restarts, reason) = state(pod);
    let total = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let restarts = match last_restart(pod, now_us).filter(|_| restarts > 0) {
        Some(ago) => format!("{restarts} ({ago} ago)"),
        None => restarts.to_string(),
    };
    let or_none = |value: &Value| match text(value) {
        "" => "<none>".to_owned(),
        text => text.to_owned(),
    };
    let gates = pod["spec"]["readinessGates"].as_array().cloned().unwrap_or_default();
    let gates_text = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let met = gates.iter().filter(|gate| {
            conditions.iter().any(|it| it["type"] == gate["conditionType"] && it["status"] == "True")
        });
        format!("{}/{}", met.count(), gates.len())
    };
    let address = pod["status"]["podIPs"][0]["ip"]
        .as_str()
        .map_or_else(|| or_none(&pod["status"]["podIP"]), Into::into);
    json!([
        name,
        format!("{ready}/{total}"),
        reason,
        restarts,
        since,
        address,
        or_none(&pod["spec"]["nodeName"]),
        or_none(&pod["status"]["nominatedNodeName"]),
        gates_text,
    ])
}
