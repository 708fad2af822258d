//! Jobs: pods that end, until enough have succeeded or too many failed; and what becomes of finished Jobs.

use serde_json::{Value, json};

use super::events::Level;
use super::pods::is_finished;
use super::replicas::pod_of;
use super::{Cluster, Engine, Item, count, set_condition};
use crate::clock;
use crate::object;

const COMPONENT: &str = "job-controller";

fn finished(job: &Value) -> Option<&Value> {
    let list = job["status"]["conditions"].as_array()?;
    list.iter()
        .find(|it| matches!(it["type"].as_str(), Some("Complete" | "Failed")) && it["status"] == "True")
}

impl Engine {
    #[expect(clippy::too_many_lines, reason = "one story: count, start, conclude")]
    pub(super) fn job(&mut self, cluster: &Cluster<'_>, item: &Item, job: &Value) {
        if let Some(end) = finished(job) {
            self.expire(cluster, item, job, end);
            return;
        }
        let ns = object::meta(job, "namespace");
        let spec = &job["spec"];
        let pods = cluster.controlled("pods", ns, job);
        let phase = |wanted: &str| pods.iter().filter(|pod| pod["status"]["phase"] == wanted).count();
        let (succeeded, failed) = (phase("Succeeded"), phase("Failed"));
        let mut active = pods.iter().filter(|pod| !is_finished(pod) && !object::is_deleting(pod)).count();
        let wanted = spec["completions"].as_u64().map_or(1, |it| usize::try_from(it).unwrap_or(1));
        let suspended = spec["suspend"] == true;
        let limit = spec["backoffLimit"].as_u64().map_or(6, |it| usize::try_from(it).unwrap_or(6));
        let (complete, exceeded) = (succeeded >= wanted, failed > limit);
        if suspended || complete || exceeded {
            for pod in pods.iter().filter(|pod| !is_finished(pod)) {
                cluster.delete("", "pods", pod);
            }
            active = 0;
        } else {
            let parallel = spec["parallelism"].as_u64().map_or(1, |it| usize::try_from(it).unwrap_or(1));
            let room = parallel.min(wanted - succeeded).saturating_sub(active);
            let indexed = spec["completionMode"] == "Indexed";
            let mut used: Vec<usize> = pods
                .iter()
                .filter(|pod| pod["status"]["phase"] != "Failed")
                .filter_map(|pod| {
                    pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
                        .as_str()?
                        .parse()
                        .ok()
                })
                .collect();
            for _ in 0..room {
                let mut pod = pod_of(job, &spec["template"], None);
                if indexed {
                    let Some(index) = (0..wanted).find(|index| !used.contains(index)) else { break };
                    used.push(index);
                    pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] =
                        index.to_string().into();
                    pod["metadata"]["generateName"] =
                        format!("{}-{index}-", object::meta(job, "name")).into();
                }
                if let Some(pod) = cluster.create("", "pods", ns, pod) {
                    let message = format!("Created pod: {}", object::meta(&pod, "name"));
                    cluster.tell(job, COMPONENT, Level::Normal, "SuccessfulCreate", &message);
                    active += 1;
                }
            }
        }
        if complete {
            cluster.tell(job, COMPONENT, Level::Normal, "Completed", "Job completed");
        } else if exceeded {
            let message = "Job has reached the specified backoff limit";
            cluster.tell(job, COMPONENT, Level::Warning, "BackoffLimitExceeded", message);
        }
        let now = cluster.now();
        cluster.change("batch", "jobs", job, "status", |it| {
            let status = &mut it["status"];
            if !status.is_object() {
                *status = json!({});
            }
            if status["startTime"].is_null() && !suspended {
                status["startTime"] = now.clone().into();
            }
            count(status, "active", active);
            count(status, "succeeded", succeeded);
            count(status, "failed", failed);
            status["ready"] = 0.into();
            status["terminating"] = 0.into();
            status["uncountedTerminatedPods"] = json!({});
            if complete {
                let message = "Reached expected number of succeeded pods";
                set_condition(status, "SuccessCriteriaMet", "True", "CompletionsReached", message, &now);
                set_condition(status, "Complete", "True", "CompletionsReached", message, &now);
                status["completionTime"] = now.clone().into();
            } else if exceeded {
                let message = "Job has reached the specified backoff limit";
                set_condition(status, "FailureTarget", "True", "BackoffLimitExceeded", message, &now);
                set_condition(status, "Failed", "True", "BackoffLimitExceeded", message, &now);
            } else if suspended {
                set_condition(status, "Suspended", "True", "JobSuspended", "Job suspended", &now);
            }
            for it in status["conditions"].as_array_mut().into_iter().flatten() {
                if it.get("lastProbeTime").is_none() {
                    it["lastProbeTime"] = now.clone().into();
                }
            }
        });
    }

    /// A finished Job with a time to live goes when that is over.
    fn expire(&mut self, cluster: &Cluster<'_>, item: &Item, job: &Value, end: &Value) {
        let Some(seconds) = job["spec"]["ttlSecondsAfterFinished"].as_i64() else { return };
        let Some(at) = clock::parse(end["lastTransitionTime"].as_str().unwrap_or_default()) else { return };
        let due = at + seconds * 1_000_000;
        if due <= cluster.api.clock.now_us() {
            cluster.delete("batch", "jobs", job);
        } else {
            self.at(due, item);
        }
    }
}
