//! The `scale` subresource: how many replicas an object has and should have.

use gyre_merge::apply::{self, Element, Managed, Managers, Set};
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
        Place { kind: kind.into(), version: "v1".into(), ..place.clone() }
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
        for _ in 0..RETRIES_MAX {
            let stored = self.stored(place).ok_or_else(|| place.not_found())?;
            let old = convert::from_storage(&place.kind, &place.version, stored);
            let mut warnings = Vec::new();
            let mut current = scale_of(place, &old);
            apply::put(&mut current, &owners_of_scale(place, &old));
            let wanted = match (&put, patch) {
                (Some(Draft { object, warnings: given }), _) => {
                    warnings.extend(given.iter().cloned());
                    let mut object = object.clone();
                    self.track(&inner, &call.request.manager(), Some(&current), &mut object);
                    object
                }
                (None, Some(Patch::Apply(parsed))) => self
                    .applied(&scale_call, parsed, &current, &mut warnings)?
                    .map_or_else(|| current.clone(), |it| it.object),
                (None, Some(patch)) => self.patched(&scale_call, patch, &current, &mut warnings)?,
                (None, None) => current,
            };
            check_scale(place, &wanted, &old)?;
            let given = object::meta(&wanted, "resourceVersion");
            if !given.is_empty() && given != object::meta(&old, "resourceVersion") {
                return Err(place.modified());
            }
            let object = with_replicas(place, &old, &wanted);
            let plain = Place { subresource: String::new(), ..place.clone() };
            let manner = Manner { dry, ..Manner::default() };
            if let Some(written) = self.replace_admitted(&plain, &old, object, manner, &mut warnings)? {
                let answer = self.scale_answer(call, &written.object)?;
                return Ok(answer.warned(warnings).at(written.revision));
            }
        }
        Err(place.modified())
    }
}

/// Where an object of a version has the number that is scaled; `None` where the version is not known, and an empty path where
/// it has none.
fn replicas_path(place: &Place, api_version: &str) -> Option<Vec<String>> {
    let (group, version) = crate::registry::split(api_version);
    let version = place.kind.version(version).filter(|_| group == place.kind.group)?;
    Some(match &version.custom {
        Some(custom) => custom.scale.as_ref().map(|it| it.spec.clone()).unwrap_or_default(),
        None => vec!["spec".into(), "replicas".into()],
    })
}

fn elements(path: &[String]) -> Vec<Element> {
    path.iter().map(|it| Element::Field(it.clone())).collect()
}

fn only(path: &[Element]) -> Set {
    let mut set = Set::default();
    set.insert(path);
    set
}

fn in_scale() -> Vec<Element> {
    elements(&["spec".into(), "replicas".into()])
}

/// Who owns the replicas of an object, as owners of a Scale (`ToSubresource` of apimachinery's `managedfields/scalehandler.go`).
fn owners_of_scale(place: &Place, object: &Value) -> Managers {
    let managers = apply::decode(object["metadata"].get("managedFields")).unwrap_or_default();
    let owns = |managed: &Managed| {
        let path = replicas_path(place, &managed.api_version).unwrap_or_default();
        !path.is_empty() && managed.set.has(&elements(&path))
    };
    let scaled =
        |managed: Managed| Managed { set: only(&in_scale()), api_version: API_VERSION.into(), ..managed };
    managers.into_iter().filter(|(_, it)| owns(it)).map(|(id, it)| (id, scaled(it))).collect()
}

/// The owners of an object with the owners of its Scale (`ToParent` there). Whoever owns the replicas no longer loses them
/// and, as there, what was written through a Scale has no time.
fn owners_of_object(place: &Place, old: &Value, scale: &Value) -> Managers {
    let held = apply::decode(old["metadata"].get("managedFields")).unwrap_or_default();
    let mut scaled = apply::decode(scale["metadata"].get("managedFields")).unwrap_or_default();
    let times: Vec<_> = held.iter().map(|(id, it)| (id.clone(), it.time.clone())).collect();
    let mut out = Managers::new();
    for (id, mut managed) in held {
        let Some(path) = replicas_path(place, &managed.api_version) else { continue };
        let path = elements(&path);
        let kept = path.is_empty() || !managed.set.has(&path) || scaled.remove(&id).is_some();
        if !kept {
            managed.set = managed.set.difference(&only(&path));
        }
        if !managed.set.is_empty() {
            out.insert(id, managed);
        }
    }
    let api_version = place.api_version();
    let path = elements(&replicas_path(place, &api_version).unwrap_or_default());
    for (id, _) in scaled.into_iter().filter(|(_, it)| it.set.has(&in_scale())) {
        let time = times.iter().find(|(held, _)| *held == id).and_then(|(_, time)| time.clone());
        let managed = Managed { set: only(&path), api_version: api_version.clone(), time };
        out.insert(id, managed);
    }
    out
}

/// The object with the replicas and the owners of a scale.
fn with_replicas(place: &Place, old: &Value, scale: &Value) -> Value {
    let path = replicas_path(place, &place.api_version()).unwrap_or_default();
    let mut object = old.clone();
    set(&mut object, &path, scale["spec"]["replicas"].as_i64().unwrap_or_default().into());
    apply::put(&mut object, &owners_of_object(place, old, scale));
    object
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
