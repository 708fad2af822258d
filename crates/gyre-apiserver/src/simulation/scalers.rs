//! HorizontalPodAutoscalers: their targets stay within their bounds, and follow the load that an annotation tells.

use serde_json::{Map, Value, json};

use super::events::Level;
use super::{Cluster, number, set_condition};
use crate::object;

/// An annotation of a scaler with the load in percent of what its metrics aim at; 100 where it is missing.
const LOAD: &str = "gyre.dev/load-percent";
const COMPONENT: &str = "horizontal-pod-autoscaler";

/// Group and plural of what can be scaled.
fn target_of(reference: &Value) -> Option<(&'static str, &'static str)> {
    match reference["kind"].as_str()? {
        "Deployment" => Some(("apps", "deployments")),
        "StatefulSet" => Some(("apps", "statefulsets")),
        "ReplicaSet" => Some(("apps", "replicasets")),
        "ReplicationController" => Some(("", "replicationcontrollers")),
        _ => None,
    }
}

/// How many replicas there should be, and why it is not as many as there are.
fn recommended(spec: &Value, current: usize, load_percent: usize) -> (usize, &'static str) {
    let (least, most) =
        (spec["minReplicas"].as_u64().map_or(1, |it| it as usize), number(&spec["maxReplicas"]));
    if current > most {
        return (most, "Current number of replicas above Spec.MaxReplicas");
    }
    if current < least {
        return (least, "Current number of replicas below Spec.MinReplicas");
    }
    // compat(horizontal-pod-autoscaler): a tenth more or less changes nothing.
    if load_percent.abs_diff(100) <= 10 {
        return (current, "");
    }
    let wanted = (current * load_percent).div_ceil(100).clamp(least, most);
    (wanted, if load_percent > 100 { "metrics above target" } else { "All metrics below target" })
}

/// What metrics would say under a load.
fn current_metrics(spec: &Value, load_percent: usize) -> Vec<Value> {
    let metrics = spec["metrics"].as_array().into_iter().flatten();
    metrics
        .filter_map(|metric| {
            let ty = metric["type"].as_str()?;
            let key = format!("{}{}", ty[..1].to_ascii_lowercase(), &ty[1..]);
            let mut source: Map<String, Value> = metric[&key].as_object()?.clone();
            let target = source.remove("target")?;
            let mut current = json!({});
            if let Some(percent) = target["averageUtilization"].as_u64() {
                current["averageUtilization"] = (percent as usize * load_percent / 100).into();
                current["averageValue"] = "0".into();
            }
            for value in ["averageValue", "value"] {
                if target[value].is_string() {
                    current[value] = target[value].clone();
                }
            }
            source.insert("current".into(), current);
            Some(json!({"type": ty, (key): source}))
        })
        .collect()
}

/// Looks at a scaler: scales its target and says how it stands.
pub(super) fn scaler(cluster: &Cluster<'_>, scaler: &Value) {
    let spec = &scaler["spec"];
    let ns = object::meta(scaler, "namespace");
    let reference = &spec["scaleTargetRef"];
    let target = target_of(reference).and_then(|(group, plural)| {
        let shelf = crate::failure::qualified(group, plural);
        let found = cluster.find(&shelf, ns, reference["name"].as_str().unwrap_or_default())?;
        Some((group, plural, found))
    });
    let now = cluster.now();
    let Some((group, plural, target)) = target else {
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {} {} not found",
            reference["kind"].as_str().unwrap_or_default(),
            reference["name"]
        );
        cluster.change("autoscaling", "horizontalpodautoscalers", scaler, "status", |it| {
            set_condition(&mut it["status"], "AbleToScale", "False", "FailedGetScale", &message, &now);
        });
        return;
    };
    let current = target["spec"]["replicas"].as_u64().map_or(1, |it| it as usize);
    let load = scaler["metadata"]["annotations"][LOAD].as_str().and_then(|it| it.parse().ok()).unwrap_or(100);
    let (wanted, why) = if current == 0 { (0, "") } else { recommended(spec, current, load) };
    if wanted != current {
        cluster.change(group, plural, &target, "", |it| it["spec"]["replicas"] = wanted.into());
        let message = format!("New size: {wanted}; reason: {why}");
        cluster.tell(scaler, COMPONENT, Level::Normal, "SuccessfulRescale", &message);
    }
    cluster.change("autoscaling", "horizontalpodautoscalers", scaler, "status", |it| {
        let generation = it["metadata"]["generation"].clone();
        let metrics = current_metrics(&it["spec"], load);
        let status = &mut it["status"];
        if generation.is_number() {
            status["observedGeneration"] = generation;
        }
        status["currentReplicas"] = number(&target["status"]["replicas"]).into();
        status["desiredReplicas"] = wanted.into();
        if wanted != current {
            status["lastScaleTime"] = now.clone().into();
        }
        let mut say = |ty: &str, state: &str, reason: &str, message: &str| {
            set_condition(status, ty, state, reason, message, &now);
        };
        if wanted == current {
            say("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
        } else {
            let message = format!("the HPA controller was able to update the target scale to {wanted}");
            say("AbleToScale", "True", "SucceededRescale", &message);
        }
        if current == 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            say("ScalingActive", "False", "ScalingDisabled", message);
            return;
        }
        let message = "the HPA was able to successfully calculate a replica count";
        say("ScalingActive", "True", "ValidMetricFound", message);
        let message = "the desired count is within the acceptable range";
        say("ScalingLimited", "False", "DesiredWithinRange", message);
        status["currentMetrics"] = metrics.into();
    });
}
