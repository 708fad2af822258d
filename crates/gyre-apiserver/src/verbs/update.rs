//! PUT on an object, and what every change of an object goes through.

use serde_json::Value;

use super::body::{Draft, check_options, keep_server_metadata, without_managers};
use super::create::check_namespace;
use super::written::Written;
use crate::api::{Api, Call, Place};
use crate::failure::{Cause, Failure, Result};
use crate::limits::RETRIES_MAX;
use crate::response::Answer;
use crate::store::Expect;
use crate::{admission, convert, object, strategy, validate, warnings};

/// How an object is written over another one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Only where the revision is the one that the writer knows.
    pub(crate) conditional: bool,
    /// Nothing is stored.
    pub(crate) dry: bool,
    /// The times of managers count as a change of their own.
    pub(crate) renewed: bool,
}

impl Api {
    pub(crate) fn update(&self, call: &Call<'_>) -> Result<Answer> {
        check_options(call.request, "UpdateOptions")?;
        let draft = Self::draft(call)?;
        let told = draft.warnings.clone();
        self.update_draft(call, draft).map_err(|refusal| refusal.warned(told))
    }

    fn update_draft(&self, call: &Call<'_>, draft: Draft) -> Result<Answer> {
        let Draft { object, mut warnings } = draft;
        let manager = call.request.manager();
        check_identity(call.place, &object)?;
        let dry = call.request.is_dry();
        let place = call.place;
        let mut draft = object;
        check_namespace(place, &mut draft)?;
        for _ in 0..RETRIES_MAX {
            let Some(old) = self.stored(place) else {
                return self.create_by_put(call, draft, warnings);
            };
            let old = convert::from_storage(&place.kind, &place.version, old);
            let mut object = draft.clone();
            let unconditional = object::revision(&object) == 0;
            if unconditional
                && !strategy::habits(&place.kind).unconditional
                && object::meta(&object, "resourceVersion").is_empty()
            {
                return Err(Failure::invalid(
                    &place.kind.group,
                    &place.kind.plural,
                    &place.name,
                    vec![Cause::invalid(
                        "metadata.resourceVersion",
                        &0.into(),
                        "must be specified for an update",
                    )],
                ));
            }
            self.track(place, &manager, Some(&old), &mut object);
            let manner = Manner { conditional: !unconditional, dry, renewed: false };
            match self.replace(call, &old, object, manner, &mut warnings)? {
                Some(written) => return self.written(call, 200, written, warnings),
                None if unconditional => {}
                None => return Err(place.modified()),
            }
        }
        Err(place.modified())
    }

    fn create_by_put(&self, call: &Call<'_>, mut object: Value, mut warnings: Vec<String>) -> Result<Answer> {
        let place = call.place;
        if !strategy::habits(&place.kind).created_by_put || !place.subresource.is_empty() {
            return Err(place.not_found());
        }
        let uid = object::meta(&object, "uid");
        if !uid.is_empty() {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: ");
            return Err(Failure::conflict(&place.kind.group, &place.kind.plural, &place.name, &why));
        }
        self.admit_create(call, &mut object, &mut warnings)?;
        self.track(place, &call.request.manager(), None, &mut object);
        let dry = call.request.is_dry();
        let created = self.insert(place, object, dry, &mut warnings)?;
        self.written(call, 201, created, warnings)
    }

    /// Writes `object` over `old`, both in the version of the place. `None` where another write came first.
    pub(crate) fn replace(
        &self,
        call: &Call<'_>,
        old: &Value,
        mut object: Value,
        manner: Manner,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Written>> {
        let place = call.place;
        check_preconditions(place, old, &object, manner.conditional)?;
        admission::update(self, call.user, place, &mut object, old, warnings)?;
        admission::policies::check(self, call, "UPDATE", &object, old, warnings)?;
        self.replace_admitted(place, old, object, manner, warnings)
    }

    pub(crate) fn replace_admitted(
        &self,
        place: &Place,
        old: &Value,
        mut object: Value,
        manner: Manner,
        warned: &mut Vec<String>,
    ) -> Result<Option<Written>> {
        let kind = &place.kind;
        let mut fixed = check_finalizers(&object, old);
        fixed.extend(changed_server_metadata(&object, old));
        keep_server_metadata(&mut object, old);
        match place.subresource.as_str() {
            "status" => strategy::prepare_status(kind, &mut object, old),
            "resize" => strategy::prepare_resize(kind, &mut object, old),
            _ => strategy::prepare_update(kind, &place.version, &mut object, old),
        }
        let revision = object::revision(old);
        object::metadata(&mut object).insert("resourceVersion".into(), revision.to_string().into());
        if !manner.renewed {
            keep_times_of_noop(&mut object, old);
        }
        let stored_old = convert::to_storage(kind, &place.version, old.clone());
        let mut stored = convert::to_storage(kind, &place.version, object);
        let causes = validate::update(place, &mut stored, &stored_old, &fixed);
        if !causes.is_empty() {
            return Err(Failure::invalid(kind.refused_as(), &kind.kind, &place.name, causes));
        }
        if place.subresource.is_empty() {
            warnings::of(kind, &stored, Some(&stored_old), warned);
        }
        admission::validate(self, place, &stored, Some(&stored_old))?;
        let _admitted = admission::quotas::charge(self, place, &stored, Some(&stored_old))?;
        let taken = self.allocate(place, &mut stored, Some(&stored_old))?;
        // What was there before must be durable too before it is shown.
        let held = if manner.dry { 0 } else { revision };
        let answer = |object: Value| {
            let object = convert::from_storage(kind, &place.version, object);
            Ok(Some(Written { revision: held, ..Written::shown(object) }))
        };
        if stored == stored_old {
            return answer(stored);
        }
        if is_finished(kind, &stored) {
            if !manner.dry {
                let last = object::encode(&stored);
                let Ok(gone) = self.store.remove(&kind.shelf, &place.key(), revision, &last) else {
                    return Ok(None);
                };
                self.after_delete(kind, &stored);
                let shown = Written::shown(convert::from_storage(kind, &place.version, stored));
                return Ok(Some(Written { revision: gone.revision, ..shown }));
            }
            return answer(stored);
        }
        if manner.dry {
            self.release(&taken);
            return answer(stored);
        }
        let encoded = object::encode(&stored);
        let Ok(entry) = self.store.put(&kind.shelf, &place.key(), Expect::At(revision), &encoded) else {
            self.release(&taken);
            return Ok(None);
        };
        self.give_back(place, &stored_old, &stored);
        self.after_write(kind, &stored);
        Ok(Some(Written::stored(place, stored, &entry)))
    }
}

/// Whether an object that is being deleted has nothing left to wait for.
fn is_finished(kind: &crate::registry::Kind, object: &Value) -> bool {
    let spec_finalizers = object["spec"]["finalizers"].as_array().is_some_and(|it| !it.is_empty());
    let namespace = kind.is("", "namespaces") && spec_finalizers;
    let grace = object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or_default();
    object::is_deleting(object) && object::finalizers(object).is_empty() && !namespace && grace == 0
}

/// A write that changes nothing but the times of managed fields changes nothing.
fn keep_times_of_noop(object: &mut Value, old: &Value) {
    if without_managers(object) != without_managers(old) {
        return;
    }
    let untimed = |object: &Value| -> Vec<Value> {
        let mut list = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        for entry in &mut list {
            if let Some(fields) = entry.as_object_mut() {
                fields.remove("time");
            }
        }
        list.sort_by_key(ToString::to_string);
        list
    };
    if untimed(object) == untimed(old)
        && let Some(held) = old["metadata"].get("managedFields")
    {
        object::metadata(object).insert("managedFields".into(), held.clone());
    }
}

pub(crate) fn check_identity(place: &Place, object: &Value) -> Result<()> {
    let name = object::meta(object, "name");
    if name.is_empty() {
        return Err(Failure::bad_request("").renamed(place));
    }
    if name != place.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.name
        )));
    }
    Ok(())
}

impl Failure {
    /// The message of an update whose object has no name.
    fn renamed(mut self, place: &Place) -> Self {
        self.message = format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            place.name
        );
        self
    }
}

fn check_preconditions(place: &Place, old: &Value, object: &Value, conditional: bool) -> Result<()> {
    let (given, held) = (object::meta(object, "uid"), object::meta(old, "uid"));
    let conflict =
        |why: String| Err(Failure::conflict(&place.kind.group, &place.kind.plural, &place.name, &why));
    if !given.is_empty() && given != held {
        return conflict(format!(
            "Precondition failed: UID in precondition: {given}, UID in object meta: {held}"
        ));
    }
    let revision = object::meta(object, "resourceVersion");
    if !revision.is_empty() && revision.parse::<u64>().is_err() {
        return Err(Failure::unknown(format!(
            "invalid resource version: resourceVersion: Invalid value: {}: strconv.ParseUint: parsing {}: invalid syntax",
            crate::failure::quoted(revision),
            crate::failure::quoted(revision)
        )));
    }
    if conditional && object::revision(object) != object::revision(old) {
        return Err(place.modified());
    }
    Ok(())
}

/// What only the server says about a deletion cannot be said by others.
fn changed_server_metadata(object: &Value, old: &Value) -> Vec<Cause> {
    let keys = ["deletionTimestamp", "deletionGracePeriodSeconds"];
    let (new, held) = (&object["metadata"], &old["metadata"]);
    let changed = keys.into_iter().filter(|key| !new[*key].is_null() && new[*key] != held[*key]);
    // compat(kube-apiserver): another time is not told of where there is one already.
    let told = changed.filter(|key| *key != "deletionTimestamp" || held[*key].is_null());
    told.map(|key| Cause::invalid(format!("metadata.{key}"), &new[key], "field is immutable")).collect()
}

/// An object that is being deleted gets no new finalizers.
fn check_finalizers(object: &Value, old: &Value) -> Vec<Cause> {
    if !object::is_deleting(old) {
        return Vec::new();
    }
    let held = object::finalizers(old);
    let new: Vec<&str> = object::finalizers(object).into_iter().filter(|it| !held.contains(it)).collect();
    if new.is_empty() {
        return Vec::new();
    }
    let list: Vec<String> = new.iter().map(|it| format!("{it:?}")).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        list.join(", ")
    );
    vec![Cause::forbidden("metadata.finalizers", &detail)]
}
