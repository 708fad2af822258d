//! The `scale` subresource: how many replicas an object has and should have.

use serde_json::{Value, json};

use super::body::{Draft, check_options};
use super::patch::Patch;
use super::update::Manner;
use crate::api::{Api, Call, Place};
use crate::failure::{Cause, Failure, Result};
use crate::limits::RETRIES_MAX;
use crate::request::Shape;
use crate::response::Answer;
use crate::{convert, object};

/// Group, version and name of the type of a Scale.
const API_VERSION: &str = "autoscaling/v1";

fn get<'a>(object: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(object, |value, key| &value[key.as_str()])
}

fn set(object: &mut Value, path: &[String], new: Value) {
    let mut place = object;
    for key in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key.as_str()];
    }
    *place = new;
}

/// The scale of an object of the version of the place.
pub(crate) fn scale_of(place: &Place, object: &Value) -> Value {
    let mut metadata = serde_json::Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key.into(), value.clone());
        }
    }
    let (wanted, has, selector) = match place.served().custom.as_ref().and_then(|it| it.scale.as_ref()) {
        Some(paths) => (
            get(object, &paths.spec).as_i64().unwrap_or_default(),
            get(object, &paths.status).as_i64().unwrap_or_default(),
            paths.selector.as_ref().and_then(|path| get(object, path).as_str().map(Into::into)),
        ),
        None => (
            object["spec"]["replicas"].as_i64().unwrap_or_default(),
            object["status"]["replicas"].as_i64().unwrap_or_default(),
            Some(crate::tables::selector_text(
                &object["spec"]["selector"],
                place.kind.is("", "replicationcontrollers"),
            )),
        ),
    };
    let mut spec = json!({});
    if wanted != 0 {
        spec["replicas"] = wanted.into();
    }
    let mut status = json!({"replicas": has});
    if let Some(selector) = selector.filter(|it: &String| !it.is_empty()) {
        status["selector"] = selector.into();
    }
    json!({"kind": "Scale", "apiVersion": API_VERSION, "metadata": metadata, "spec": spec, "status": status})
}

impl Api {
    pub(crate) fn scale(&self, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        match call.request.method.as_str() {
            "GET" => {
                let stored = self.stored(place).ok_or_else(|| place.not_found())?;
                let object = convert::from_storage(&place.kind, &place.version, stored);
                self.scale_answer(call, &object)
            }
            "PUT" => {
                check_options(call.request, "UpdateOptions")?;
                self.write_scale(call, None)
            }
            "PATCH" => {
                let patch = Patch::read(call)?;
                check_options(call.request, "PatchOptions")?;
                self.write_scale(call, Some(&patch))
            }
            _ => Err(Failure::method_not_allowed()),
        }
    }

    fn scale_answer(&self, call: &Call<'_>, object: &Value) -> Result<Answer> {
        let scale = scale_of(call.place, object);
        match call.accept.shape {
            Shape::Plain => Ok(Answer::object(200, scale)),
            _ => self.shaped(&Self::scale_call(call, &self.scale_place(call.place)), 200, scale),
        }
    }

    /// The place of a Scale: as if it were a kind of its own.
    fn scale_place(&self, place: &Place) -> Place {
        let registry = self.registry();
        let template = registry.resource("autoscaling", "horizontalpodautoscalers").unwrap_or(&place.kind);
        let mut kind = crate::registry::Kind::clone(template);
        kind.group = "autoscaling".into();
        kind.kind = "Scale".into();
        kind.plural = "scales".into();
        kind.storage = "v1".into();
        for version in &mut kind.versions {
            version.ty = gyre_merge::facts::kind("autoscaling", "v1", "Scale")
                .unwrap_or(gyre_merge::schema::Type::Any);
        }
        Place { kind: kind.into(), version: "v1".into(), subresource: String::new(), ..place.clone() }
    }

    fn scale_call<'a>(call: &'a Call<'_>, place: &'a Place) -> Call<'a> {
        Call { request: call.request, user: call.user, place, accept: call.accept }
    }

    fn write_scale(&self, call: &Call<'_>, patch: Option<&Patch>) -> Result<Answer> {
        let place = call.place;
        let inner = self.scale_place(place);
        let scale_call = Self::scale_call(call, &inner);
        let dry = call.request.is_dry();
        let put = match patch {
            None => Some(Self::draft(&scale_call)?),
            Some(_) => None,
        };
        let manager = match patch {
            Some(Patch::Apply(_)) => call.request.query.text("fieldManager").to_owned(),
            _ => call.request.manager(),
        };
        for _ in 0..RETRIES_MAX {
            let stored = self.stored(place).ok_or_else(|| place.not_found())?;
            let old = convert::from_storage(&place.kind, &place.version, stored);
            let mut warnings = Vec::new();
            let current = scale_of(place, &old);
            let wanted = match (&put, patch) {
                (Some(Draft { object, warnings: given }), _) => {
                    warnings.extend(given.iter().cloned());
                    object.clone()
                }
                (None, Some(patch)) => {
                    self.patched_scale(&scale_call, patch, &current, &old, &mut warnings)?
                }
                (None, None) => current,
            };
            check_scale(place, &wanted, &old)?;
            let given = object::meta(&wanted, "resourceVersion");
            if !given.is_empty() && given != object::meta(&old, "resourceVersion") {
                return Err(place.modified());
            }
            let object = self.with_replicas(call, &old, &wanted, &manager, patch);
            let plain = Place { subresource: String::new(), ..place.clone() };
            let manner = Manner { dry, ..Manner::default() };
            if let Some(written) = self.replace_admitted(&plain, &old, object, manner, &mut warnings)? {
                let answer = self.scale_answer(call, &written.object)?;
                return Ok(answer.warned(warnings).at(written.revision));
            }
        }
        Err(place.modified())
    }

    fn with_replicas(
        &self,
        call: &Call<'_>,
        old: &Value,
        wanted: &Value,
        manager: &str,
        patch: Option<&Patch>,
    ) -> Value {
        let place = call.place;
        let path = match place.served().custom.as_ref().and_then(|it| it.scale.as_ref()) {
            Some(paths) => paths.spec.clone(),
            None => vec!["spec".into(), "replicas".into()],
        };
        let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or_default();
        let mut object = old.clone();
        set(&mut object, &path, replicas.into());
        if let Some(Patch::Apply(_)) = patch {
            let force = call.request.query.flag("force");
            let mut config = json!({
                "apiVersion": place.api_version(), "kind": place.kind.kind,
                "metadata": {"name": place.name},
            });
            set(&mut config, &path, replicas.into());
            let writer = gyre_merge::apply::Writer {
                manager,
                api_version: &place.api_version(),
                subresource: "scale",
                now: &self.now(),
                ignored: &gyre_merge::apply::Set::default(),
                empty: place.kind.empty(place.served()),
            };
            if let Ok(applied) = writer.apply(&super::body::KindVersions(&place.kind), old, &config, force) {
                if let gyre_merge::apply::Applied::Object(applied) = applied {
                    object = applied;
                }
                untimed(&mut object, manager);
                return object;
            }
        }
        self.track(place, manager, Some(old), &mut object);
        untimed(&mut object, manager);
        object
    }

    fn patched_scale(
        &self,
        call: &Call<'_>,
        patch: &Patch,
        current: &Value,
        old: &Value,
        warnings: &mut Vec<String>,
    ) -> Result<Value> {
        if let Patch::Apply(parsed) = patch {
            Self::scale_conflicts(call, current, old, &parsed.value)?;
            let mut object = current.clone();
            object["spec"] = parsed.value["spec"].clone();
            return Ok(object);
        }
        self.patched(call, patch, current, warnings)
    }

    /// An applied scale conflicts with whoever owns another number of replicas.
    fn scale_conflicts(call: &Call<'_>, current: &Value, old: &Value, config: &Value) -> Result<()> {
        let wanted = config["spec"]["replicas"].as_i64();
        if call.request.query.flag("force")
            || wanted == current["spec"]["replicas"].as_i64()
            || wanted.is_none()
        {
            return Ok(());
        }
        let own = call.request.query.text("fieldManager");
        let managers = gyre_merge::apply::decode(old["metadata"].get("managedFields")).unwrap_or_default();
        let path = ["spec", "replicas"].map(|it| gyre_merge::apply::Element::Field(it.to_owned()));
        let conflicts: Vec<_> = managers
            .into_iter()
            .filter(|(id, managed)| {
                let mine = id.name == own
                    && id.subresource == "scale"
                    && id.operation == gyre_merge::apply::Operation::Apply;
                managed.set.has(&path) && !mine
            })
            .map(|(manager, managed)| gyre_merge::apply::Conflict {
                manager,
                api_version: managed.api_version,
                time: managed.time,
                path: path.to_vec(),
            })
            .collect();
        if conflicts.is_empty() {
            return Ok(());
        }
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|it| json!({"reason": "FieldManagerConflict", "message": it.message(), "field": ".spec.replicas"}))
            .collect();
        let error = gyre_merge::apply::ApplyError::Conflicts(conflicts);
        Err(Failure::new(409, "Conflict", error.to_string()).detail("causes", causes.into()))
    }
}

fn check_scale(place: &Place, wanted: &Value, old: &Value) -> Result<()> {
    let name = object::meta(wanted, "name");
    if !name.is_empty() && name != place.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.name
        )));
    }
    let (uid, held) = (object::meta(wanted, "uid"), object::meta(old, "uid"));
    if !uid.is_empty() && uid != held {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {held}");
        return Err(Failure::conflict(&place.kind.group, &place.kind.plural, &place.name, &why));
    }
    let replicas = &wanted["spec"]["replicas"];
    if replicas.as_i64().is_some_and(|it| it < 0) {
        let cause = Cause::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(Failure::invalid("autoscaling", "Scale", &place.name, vec![cause]));
    }
    Ok(())
}

/// compat(kube-apiserver): what was written through a scale has no time.
fn untimed(object: &mut Value, manager: &str) {
    for entry in object["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
        if entry["subresource"] == "scale" && entry["manager"] == manager {
            entry.as_object_mut().map(|it| it.remove("time"));
        }
    }
}
