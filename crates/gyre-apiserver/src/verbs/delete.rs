//! DELETE on an object and on a collection.

use serde_json::{Value, json};

use super::continues::page_token;
use super::select::Selection;
use crate::api::{Api, Call, Place};
use crate::failure::{Cause, Failure, Result};
use crate::limits::RETRIES_MAX;
use crate::request::Shape;
use crate::response::{Answer, Payload};
use crate::store::Expect;
use crate::{admission, clock, convert, json, object, strategy};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// What a deletion was asked to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) policy: Option<String>,
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) dry: bool,
}

/// What became of a deletion.
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) object: Value,
    /// Gone, rather than waiting for finalizers or a grace period.
    pub(crate) gone: bool,
    pub(crate) revision: u64,
}

impl DeleteOptions {
    fn read(call: &Call<'_>) -> Result<Self> {
        let request = call.request;
        let mut body = Value::Null;
        if !request.body.is_empty() {
            let parsed = if request.content_type() == "application/vnd.kubernetes.protobuf" {
                let value = crate::protobuf::parse(&request.body).map_err(Failure::bad_request)?;
                Ok(json::Parsed { value, duplicates: Vec::new() })
            } else {
                json::parse(&request.body).or_else(|why| crate::yaml::parse(&request.body).map_err(|_| why))
            };
            body = parsed
                .map_err(|why| {
                    Failure::bad_request(format!("couldn't get version/kind; json parse error: {why}"))
                })?
                .value;
            let kind = body["kind"].as_str().unwrap_or("DeleteOptions");
            if kind != "DeleteOptions" {
                let version = body["apiVersion"].as_str().unwrap_or_default();
                return Err(Failure::bad_request(format!(
                    "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
                )));
            }
        }
        // What the body says stands alone: the query is read where there is none.
        let query = request.body.is_empty().then_some(&request.query);
        let text =
            |key: &str| -> Option<String> { body[key].as_str().or_else(|| query?.get(key)).map(Into::into) };
        let flag = |key: &str| {
            body[key].as_bool().or_else(|| query?.get(key).map(|it| matches!(it, "" | "1" | "true")))
        };
        let orphan = flag("orphanDependents");
        let named = text("propagationPolicy");
        let both = orphan.is_some() && named.is_some();
        let policy = named.or_else(|| orphan.map(|it| if it { "Orphan" } else { "Background" }.into()));
        let grace = body["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| query?.get("gracePeriodSeconds").and_then(|it| it.parse().ok()));
        let dry: Vec<&str> = match query {
            Some(query) => query.get("dryRun").into_iter().filter(|it| !it.is_empty()).collect(),
            None => body["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        };
        let it = Self {
            policy: policy.filter(|it| !it.is_empty()),
            // compat(kube-apiserver): less than nothing is a second.
            grace: grace.map(|it| if it < 0 { 1 } else { it }),
            uid: body["preconditions"]["uid"].as_str().map(Into::into),
            revision: body["preconditions"]["resourceVersion"].as_str().map(Into::into),
            dry: dry.contains(&"All"),
        };
        it.check(&dry, both)?;
        if flag("ignoreStoreReadErrorWithClusterBreakingPotential") == Some(true) {
            it.check_ignore()?;
        }
        Ok(it)
    }

    fn check(&self, dry: &[&str], both: bool) -> Result<()> {
        let mut causes = Vec::new();
        if both {
            causes.push(Cause::invalid(
                "propagationPolicy",
                &self.policy.clone().unwrap_or_default().into(),
                "orphanDependents and deletionPropagation cannot be both set",
            ));
        }
        if let Some(policy) = &self.policy
            && !matches!(policy.as_str(), "Foreground" | "Background" | "Orphan")
        {
            let allowed = ["Foreground", "Background", "Orphan", "nil"];
            causes.push(Cause::unsupported("propagationPolicy", &policy.as_str().into(), &allowed));
        }
        if dry.iter().any(|it| *it != "All") {
            causes.push(Cause::unsupported("dryRun", &dry.to_vec().into(), &["All"]));
        }
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Failure::invalid("meta.k8s.io", "DeleteOptions", "", causes))
        }
    }

    /// Jobs leave their pods where nothing else is asked for.
    fn warning(&self, place: &Place) -> Option<String> {
        let leaves = place.kind.is("batch", "jobs") && self.policy.is_none();
        leaves.then(|| "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning".to_owned())
    }

    fn check_ignore(&self) -> Result<()> {
        let mut causes = Vec::new();
        let field = "ignoreStoreReadErrorWithClusterBreakingPotential";
        let mut with = |set: bool, what: &str| {
            if set {
                causes.push(Cause::invalid(
                    field,
                    &true.into(),
                    &format!("cannot be set together with .{what}"),
                ));
            }
        };
        with(self.dry, "dryRun");
        with(self.uid.is_some() || self.revision.is_some(), "preconditions");
        with(self.grace.is_some(), "gracePeriodSeconds");
        with(self.policy.is_some(), "propagationPolicy");
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Failure::invalid("meta.k8s.io", "DeleteOptions", "", causes))
        }
    }
}

impl Api {
    pub(crate) fn delete(&self, call: &Call<'_>) -> Result<Answer> {
        let options = DeleteOptions::read(call)?;
        let place = call.place;
        admission::delete(place)?;
        let mut warnings = Vec::new();
        if let Some(old) = self.stored(place) {
            let old = convert::from_storage(&place.kind, &place.version, old);
            admission::policies::check(self, call, "DELETE", &Value::Null, &old, &mut warnings)?;
        }
        warnings.extend(options.warning(place));
        let deleted =
            self.delete_object(place, &options).map_err(|refusal| refusal.warned(warnings.clone()))?;
        if deleted.gone && !strategy::habits(&place.kind).answers_deleted {
            let mut details = json!({"name": place.name, "kind": place.kind.plural, "uid": object::meta(&deleted.object, "uid")});
            if !place.kind.group.is_empty() {
                details["group"] = place.kind.group.clone().into();
            }
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
            return Ok(Answer::object(200, status).warned(warnings).at(deleted.revision));
        }
        let object = convert::from_storage(&place.kind, &place.version, deleted.object);
        let shaped = match call.accept.shape {
            Shape::Plain => Answer::object(200, object),
            _ => self.shaped(call, 200, object)?,
        };
        Ok(shaped.warned(warnings).at(deleted.revision))
    }

    /// Deletes an object, or marks it where something must happen first.
    pub(crate) fn delete_object(&self, place: &Place, options: &DeleteOptions) -> Result<Deleted> {
        for _ in 0..RETRIES_MAX {
            let old = self.stored(place).ok_or_else(|| place.not_found())?;
            check_preconditions(place, options, &old)?;
            if let Some(deleted) = self.delete_once(place, options, &old) {
                return Ok(deleted);
            }
        }
        Err(place.modified())
    }

    fn delete_once(&self, place: &Place, options: &DeleteOptions, old: &Value) -> Option<Deleted> {
        let kind = &place.kind;
        let mut object = old.clone();
        let finalizers = wanted_finalizers(place, options, old);
        let grace = grace_seconds(place, options, old);
        let spec_finalizers = kind.is("", "namespaces")
            && old["spec"]["finalizers"].as_array().is_some_and(|it| !it.is_empty());
        let waits = !finalizers.is_empty() || spec_finalizers || grace > 0;
        let revision = object::revision(old);
        let marks = !object::is_deleting(old);
        let has_deletion = object::is_deleting(old);
        let shortens = has_deletion
            && old["metadata"]["deletionGracePeriodSeconds"].as_i64().is_some_and(|held| grace < held);
        if (marks && (waits || kind.is("", "pods"))) || shortens {
            let at = clock::rfc3339(self.clock.now_us() + grace * 1_000_000);
            let metadata = object::metadata(&mut object);
            metadata.insert("deletionTimestamp".into(), at.into());
            if !kind.is("", "namespaces") {
                metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
            }
            if let Some(generation) =
                metadata.get("generation").and_then(Value::as_i64).filter(|it| *it > 0 && marks)
            {
                metadata.insert("generation".into(), (generation + 1).into());
            }
        }
        if finalizers.is_empty() {
            object::metadata(&mut object).remove("finalizers");
        } else {
            object::metadata(&mut object).insert("finalizers".into(), finalizers.into());
        }
        if kind.is("", "namespaces") && waits {
            object["status"]["phase"] = "Terminating".into();
        }
        if waits {
            if kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
                terminate(&mut object, &self.now());
            }
            if object == *old || options.dry {
                return Some(Deleted { object, gone: false, revision: 0 });
            }
            let encoded = object::encode(&object);
            let Ok(entry) = self.store.put(&kind.shelf, &place.key(), Expect::At(revision), &encoded) else {
                return None;
            };
            object::metadata(&mut object).insert("resourceVersion".into(), entry.revision.to_string().into());
            self.after_write(kind, &object);
            return Some(Deleted { object, gone: false, revision: entry.revision });
        }
        if options.dry {
            return Some(Deleted { object, gone: true, revision: 0 });
        }
        if kind.is("apiextensions.k8s.io", "customresourcedefinitions") {
            self.delete_custom_objects(old);
        }
        let mut revision = revision;
        if kind.is("", "pods") && (marks || shortens) {
            // compat(kube-apiserver): kinds with a grace period are marked first, and then removed.
            let entry = self
                .store
                .put(&kind.shelf, &place.key(), Expect::At(revision), &object::encode(&object))
                .ok()?;
            revision = entry.revision;
        }
        let Ok(entry) = self.store.remove(&kind.shelf, &place.key(), revision, &object::encode(&object))
        else {
            return None;
        };
        object::metadata(&mut object).insert("resourceVersion".into(), entry.revision.to_string().into());
        self.after_delete(kind, &object);
        Some(Deleted { object, gone: true, revision: entry.revision })
    }

    pub(crate) fn delete_collection(&self, call: &Call<'_>) -> Result<Answer> {
        let selection = Selection::read(call)?;
        let options = DeleteOptions::read(call)?;
        let place = call.place;
        let (revision, entries) = self.store.list(&place.kind.shelf, &place.prefix());
        let limit =
            call.request.query.text("limit").parse::<usize>().ok().filter(|it| *it > 0).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        let mut last = revision;
        for entry in entries.iter().filter(|entry| selection.fits(&place.kind, entry)).take(limit) {
            let (ns, name) = entry.key.split_once('/').unwrap_or(("", &entry.key));
            let target = Place { ns: ns.to_owned(), name: name.to_owned(), ..place.clone() };
            match self.delete_object(&target, &options) {
                Ok(deleted) => {
                    last = last.max(deleted.revision);
                    items.push(object::decode(&entry.bytes));
                }
                Err(failure) if failure.code == 404 => {}
                Err(failure) => return Err(failure),
            }
        }
        let all = entries.iter().filter(|entry| selection.fits(&place.kind, entry)).count();
        let more = (all > limit).then(|| {
            let after = entries.iter().filter(|entry| selection.fits(&place.kind, entry)).nth(limit - 1);
            (
                page_token(revision, after.map_or("", |it| &it.key)),
                selection.is_empty().then_some(all - limit),
            )
        });
        let list = self.list_object(call, items, revision, more)?;
        let warnings = options.warning(place).into_iter().collect();
        Ok(Answer::of(200, Payload::Object(list)).warned(warnings).at(last))
    }

    /// The objects of a definition that is being deleted go with it.
    fn delete_custom_objects(&self, definition: &Value) {
        let kind = std::sync::Arc::new(crate::custom::kind_of(definition));
        for entry in self.store.list(&kind.shelf, "").1 {
            let (ns, name) = entry.key.split_once('/').unwrap_or(("", &entry.key));
            // An object that another request has deleted meanwhile is gone as well.
            let _ = self.delete_object(&Place::of(&kind, ns, name), &DeleteOptions::default());
        }
    }
}

fn terminate(definition: &mut Value, now: &str) {
    let condition = json!({
        "type": "Terminating", "status": "True", "lastTransitionTime": now, "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    });
    if let Some(list) = definition["status"]["conditions"].as_array_mut()
        && !list.iter().any(|it| it["type"] == "Terminating")
    {
        list.push(condition);
    }
}

fn check_preconditions(place: &Place, options: &DeleteOptions, old: &Value) -> Result<()> {
    let conflict = |what: &str, wanted: &str, held: &str, then: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({held}). The object might have been {then}"
        );
        // compat(kube-apiserver): the kind stands where the resource does elsewhere.
        Err(Failure::conflict(&place.kind.group, &place.kind.kind, &place.name, &why))
    };
    let held = object::meta(old, "uid");
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != held) {
        return conflict("UID", uid, held, "deleted and then recreated");
    }
    let held = object::meta(old, "resourceVersion");
    match options.revision.as_deref().filter(|revision| *revision != held) {
        Some(revision) => conflict("ResourceVersion", revision, held, "modified"),
        None => Ok(()),
    }
}

/// The finalizers that an object has after a deletion with these options.
fn wanted_finalizers(place: &Place, options: &DeleteOptions, old: &Value) -> Vec<String> {
    let mut finalizers: Vec<String> = object::finalizers(old).into_iter().map(Into::into).collect();
    let set = |list: &mut Vec<String>, name: &str, wanted: bool| {
        if !wanted {
            list.retain(|it| it != name);
        } else if !list.iter().any(|it| it == name) {
            list.push(name.to_owned());
        }
    };
    match options.policy.as_deref() {
        Some("Orphan") => {
            set(&mut finalizers, ORPHAN, true);
            set(&mut finalizers, FOREGROUND, false);
        }
        Some("Foreground") => {
            set(&mut finalizers, FOREGROUND, true);
            set(&mut finalizers, ORPHAN, false);
        }
        Some(_) => {
            set(&mut finalizers, FOREGROUND, false);
            set(&mut finalizers, ORPHAN, false);
        }
        None => {
            let chosen = finalizers.iter().any(|it| it == FOREGROUND || it == ORPHAN);
            if strategy::habits(&place.kind).orphans && !chosen {
                set(&mut finalizers, ORPHAN, true);
            }
        }
    }
    finalizers
}

/// How long an object stays after its deletion. Only pods that run have time to stop.
fn grace_seconds(place: &Place, options: &DeleteOptions, old: &Value) -> i64 {
    if !place.kind.is("", "pods") {
        return 0;
    }
    let scheduled = !old["spec"]["nodeName"].as_str().unwrap_or_default().is_empty();
    let finished = matches!(old["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if !scheduled || finished {
        return 0;
    }
    let held = old["metadata"]["deletionGracePeriodSeconds"].as_i64();
    let wanted = options
        .grace
        .or_else(|| held.or_else(|| old["spec"]["terminationGracePeriodSeconds"].as_i64()))
        .unwrap_or(30)
        .max(0);
    held.map_or(wanted, |held| wanted.min(held))
}
