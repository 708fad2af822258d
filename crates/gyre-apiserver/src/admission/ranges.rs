//! LimitRanges: what containers ask for where they say nothing, and the bounds of what they, their pods and claims may
//! ask for (`plugin/pkg/admission/limitranger`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::{Api, Place};
use crate::failure::Result;
use crate::object;
use crate::quantity::Quantity;

const NOTE: &str = "kubernetes.io/limit-ranger";

/// Fills in and checks a new pod or claim.
pub(super) fn admit(api: &Api, place: &Place, object: &mut Value) -> Result<()> {
    let (_, ranges) = api.store.list("limitranges", &place.prefix());
    let mut problems = Vec::new();
    for entry in &ranges {
        let range = object::decode(&entry.bytes);
        for limit in range["spec"]["limits"].as_array().into_iter().flatten() {
            if place.kind.is("", "pods") && limit["type"] == "Container" {
                fill(object, limit);
            }
        }
        for limit in range["spec"]["limits"].as_array().into_iter().flatten() {
            check(place, object, limit, &mut problems);
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let why = if let [only] = &problems[..] { only.clone() } else { format!("[{}]", problems.join(", ")) };
    Err(super::forbidden(place, object, &why))
}

/// Gives containers the requests and limits that they leave out, and notes it on the pod.
fn fill(pod: &mut Value, limit: &Value) {
    let mut notes = Vec::new();
    for key in ["containers", "initContainers"] {
        for container in pod["spec"].get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            let kind = if key == "containers" { "container" } else { "init container" };
            for (defaults, list, word) in
                [("defaultRequest", "requests", "request"), ("default", "limits", "limit")]
            {
                let mut added = Vec::new();
                for (resource, value) in limit[defaults].as_object().into_iter().flatten() {
                    if container["resources"][list].get(resource).is_none() {
                        container["resources"][list][resource] = value.clone();
                        added.push(resource.clone());
                    }
                }
                if !added.is_empty() {
                    notes.push(format!("{} {word} for {kind} {name}", added.join(", ")));
                }
            }
        }
    }
    if !notes.is_empty() {
        let text = format!("LimitRanger plugin set: {}", notes.join("; "));
        if !pod["metadata"]["annotations"].is_object() {
            pod["metadata"]["annotations"] = json!({});
        }
        pod["metadata"]["annotations"][NOTE] = text.into();
    }
}

/// Amounts by resource.
type Amounts = BTreeMap<String, Quantity>;

fn amounts(list: &Value) -> Amounts {
    let fields = list.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), Quantity::of(value)?))).collect()
}

fn check(place: &Place, object: &Value, limit: &Value, problems: &mut Vec<String>) {
    let containers = || object["spec"]["containers"].as_array().into_iter().flatten();
    match (place.kind.plural.as_str(), limit["type"].as_str()) {
        ("pods", Some("Container")) => {
            for it in containers() {
                let resources = &it["resources"];
                bounds(limit, &amounts(&resources["requests"]), &amounts(&resources["limits"]), problems);
            }
        }
        ("pods", Some("Pod")) => {
            let sum = |list: &str| {
                let all: Vec<Amounts> = containers().map(|it| amounts(&it["resources"][list])).collect();
                let mut total = all.first().cloned().unwrap_or_default();
                // What one container leaves out has no sum.
                total.retain(|name, _| all.iter().all(|it| it.contains_key(name)));
                for other in all.iter().skip(1) {
                    for (name, value) in &mut total {
                        *value = value.plus(other[name]);
                    }
                }
                total
            };
            bounds(limit, &sum("requests"), &sum("limits"), problems);
        }
        ("persistentvolumeclaims", Some("PersistentVolumeClaim")) => {
            let asked = amounts(&object["spec"]["resources"]["requests"]);
            let empty = Map::new();
            for (key, word) in [("min", "minimum"), ("max", "maximum")] {
                for (name, bound) in limit[key].as_object().unwrap_or(&empty) {
                    let (Some(bound), Some(asked)) = (Quantity::of(bound), asked.get(name)) else { continue };
                    if key == "min" && *asked < bound || key == "max" && *asked > bound {
                        problems.push(format!(
                            "{word} {name} usage per PersistentVolumeClaim is {}, but request is {}",
                            bound.text(),
                            asked.text()
                        ));
                    }
                }
            }
        }
        _ => {}
    }
}

fn bounds(limit: &Value, requests: &Amounts, limits: &Amounts, problems: &mut Vec<String>) {
    let what = limit["type"].as_str().unwrap_or_default();
    for (name, least) in amounts(&limit["min"]) {
        let text = format!("minimum {name} usage per {what} is {}", least.text());
        match requests.get(&name) {
            None => problems.push(format!("{text}.  No request is specified")),
            Some(request) if *request < least => {
                problems.push(format!("{text}, but request is {}", request.text()));
            }
            Some(_) => {
                if let Some(limit) = limits.get(&name).filter(|it| **it < least) {
                    problems.push(format!("{text}, but limit is {}", limit.text()));
                }
            }
        }
    }
    for (name, most) in amounts(&limit["max"]) {
        let text = format!("maximum {name} usage per {what} is {}", most.text());
        match limits.get(&name) {
            None => problems.push(format!("{text}.  No limit is specified")),
            Some(limit) if *limit > most => problems.push(format!("{text}, but limit is {}", limit.text())),
            Some(_) => {
                if let Some(request) = requests.get(&name).filter(|it| **it > most) {
                    problems.push(format!("{text}, but request is {}", request.text()));
                }
            }
        }
    }
    for (name, most) in amounts(&limit["maxLimitRequestRatio"]) {
        let text = format!("{name} max limit to request ratio per {what} is {}", most.text());
        let present = |list: &Amounts| list.get(&name).copied().filter(|it| it.sign() != 0);
        match (present(requests), present(limits)) {
            (None, _) => problems.push(format!("{text}, but no request is specified or request is 0")),
            (_, None) => problems.push(format!("{text}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let ratio = limit.approximately() / request.approximately();
                if ratio > most.approximately() {
                    problems.push(format!("{text}, but provided ratio is {ratio:.6}"));
                }
            }
        }
    }
}
