//! Paths below an object: status, scale, finalize, eviction, binding, tokens, logs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::DeleteOptions;
use crate::api::{Api, Call, Place};
use crate::failure::{Failure, Result};
use crate::object;
use crate::request::Target;
use crate::response::Answer;
use crate::store::Expect;

impl Api {
    pub(crate) fn subresource(self: &Arc<Self>, call: &Call<'_>, target: &Target) -> Result<Answer> {
        let place = call.place;
        let method = call.request.method.as_str();
        if place.kind.namespaced && place.ns.is_empty() {
            return Err(Failure::method_not_allowed());
        }
        match (place.subresource.as_str(), method) {
            ("scale", _) => self.scale(call),
            ("status", "GET") => self.get(call),
            ("status", "PUT") => self.update(call),
            ("status", "PATCH") => self.patch(call),
            ("resize" | "ephemeralcontainers" | "approval", "GET") => self.get(call),
            ("resize" | "ephemeralcontainers" | "approval", "PUT") => self.update(call),
            ("resize" | "ephemeralcontainers" | "approval", "PATCH") => self.patch(call),
            ("finalize", "PUT") => self.finalize(call),
            ("eviction", "POST") => self.evict(call),
            ("binding", "POST") => self.bind(call),
            ("token", "POST") => self.token(call),
            ("log", "GET") => self.log(call),
            ("exec" | "attach" | "portforward", "GET" | "POST") => {
                let pod = self.stored(place).ok_or_else(|| place.not_found())?;
                let what = &place.subresource;
                if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
                    let why = format!("pod {} does not have a host assigned", place.name);
                    return Err(Failure::bad_request(why));
                }
                Err(Failure::bad_request(format!(
                    "{what}: pods run no programs here, so there is nothing to connect to"
                )))
            }
            _ => {
                let _ = target;
                Err(Failure::method_not_allowed())
            }
        }
    }

    /// Writes the finalizers of a namespace; without any left it goes.
    fn finalize(&self, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        let draft = Self::draft(call)?;
        let old = self.stored(place).ok_or_else(|| place.not_found())?;
        let given = object::meta(&draft.object, "resourceVersion");
        if !given.is_empty() && given != object::meta(&old, "resourceVersion") {
            return Err(place.modified());
        }
        let mut new = old.clone();
        match draft.object["spec"].get("finalizers") {
            Some(list) => new["spec"]["finalizers"] = list.clone(),
            None => new["spec"] = json!({}),
        }
        match draft.object["metadata"].get("finalizers") {
            Some(list) => new["metadata"]["finalizers"] = list.clone(),
            None => {
                object::metadata(&mut new).remove("finalizers");
            }
        }
        let revision = object::revision(&old);
        let done = new["spec"]["finalizers"].as_array().is_none_or(Vec::is_empty);
        if done && object::is_deleting(&new) && object::finalizers(&new).is_empty() {
            self.track(place, &call.request.manager(), Some(&old), &mut new);
            let entry = self
                .store
                .remove(&place.kind.shelf, &place.key(), revision, &object::encode(&new))
                .map_err(|_| place.modified())?;
            self.after_delete(&place.kind, &new);
            return Ok(self.shaped(call, 200, new)?.at(entry.revision));
        }
        self.track(place, &call.request.manager(), Some(&old), &mut new);
        let entry = self
            .store
            .put(&place.kind.shelf, &place.key(), Expect::At(revision), &object::encode(&new))
            .map_err(|_| place.modified())?;
        object::metadata(&mut new).insert("resourceVersion".into(), entry.revision.to_string().into());
        Ok(self.shaped(call, 200, new)?.at(entry.revision))
    }

    fn evict(&self, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        let body = super::body::parse_body(call.request, &place.kind)?.value;
        let name = object::meta(&body, "name");
        if !name.is_empty() && name != place.name {
            return Err(Failure::bad_request("name in URL does not match name in Eviction object"));
        }
        let pod = self.stored(place).ok_or_else(|| place.not_found())?;
        self.check_budgets(place, &pod)?;
        let options = DeleteOptions {
            grace: body["deleteOptions"]["gracePeriodSeconds"].as_i64(),
            ..DeleteOptions::default()
        };
        let plain = Place { subresource: String::new(), ..place.clone() };
        let dry = call.request.is_dry();
        let deleted = self.delete_object(&plain, &DeleteOptions { dry, ..options })?;
        let status =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(Answer::object(201, status).at(deleted.revision))
    }

    /// A pod may not be evicted where its budget allows no disruption.
    fn check_budgets(&self, place: &Place, pod: &Value) -> Result<()> {
        let registry = self.registry();
        let finished = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Pending"));
        let Some(kind) = registry.resource("policy", "poddisruptionbudgets").filter(|_| !finished) else {
            return Ok(());
        };
        for entry in self.store.list(&kind.shelf, &place.prefix()).1 {
            let budget = object::decode(&entry.bytes);
            let selector = crate::selectors::LabelSelector::of(&budget["spec"]["selector"]);
            if !selector.fits_map(pod["metadata"]["labels"].as_object()) {
                continue;
            }
            if budget["status"]["disruptionsAllowed"].as_i64().unwrap_or_default() > 0 {
                continue;
            }
            let name = object::meta(&budget, "name");
            let observed = budget["status"]["observedGeneration"].as_i64().unwrap_or_default();
            let generation = budget["metadata"]["generation"].as_i64().unwrap_or_default();
            let causes = if observed < generation {
                json!([{"reason": "DisruptionBudget", "message": format!("The disruption budget {name} is still being processed by the server.")}])
            } else {
                let status = &budget["status"];
                let number = |key: &str| status[key].as_i64().unwrap_or_default();
                json!([{"reason": "DisruptionBudget", "message": format!(
                    "The disruption budget {name} needs {} healthy pods and has {} currently",
                    number("desiredHealthy"), number("currentHealthy"),
                )}])
            };
            let mut failure = Failure::new(
                429,
                "TooManyRequests",
                "Cannot evict pod as it would violate the pod's disruption budget.",
            )
            .detail("causes", causes);
            if observed < generation {
                failure = failure.detail("retryAfterSeconds", 10.into());
            }
            return Err(failure);
        }
        Ok(())
    }

    fn bind(&self, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        let body = super::body::parse_body(call.request, &place.kind)?.value;
        let mut pod = self.stored(place).ok_or_else(|| place.not_found())?;
        if !pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            let why = format!("pod {} is already assigned to node {}", place.name, pod["spec"]["nodeName"]);
            return Err(Failure::conflict("", "pods/binding", &place.name, &why));
        }
        pod["spec"]["nodeName"] = body["target"]["name"].clone();
        let revision = object::revision(&pod);
        let entry = self
            .store
            .put(&place.kind.shelf, &place.key(), Expect::At(revision), &object::encode(&pod))
            .map_err(|_| place.modified())?;
        let status =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(Answer::object(201, status).at(entry.revision))
    }
}
