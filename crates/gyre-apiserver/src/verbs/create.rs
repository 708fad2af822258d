//! POST on a collection.

use serde_json::Value;

use super::body::{Draft, check_options};
use super::written::Written;
use crate::api::{Api, Call, Place};
use crate::failure::{Cause, Failure, Result};
use crate::limits::GENERATED_PREFIX_MAX;
use crate::response::Answer;
use crate::store::Expect;
use crate::{admission, convert, object, strategy, validate, warnings};

/// How often another name is tried where a generated one is taken.
const GENERATE_MAX: usize = 8;

impl Api {
    pub(crate) fn create(&self, call: &Call<'_>) -> Result<Answer> {
        check_options(call.request, "CreateOptions")?;
        if let Some(answer) = self.create_review(call)? {
            return Ok(answer);
        }
        let draft = Self::draft(call)?;
        let told = draft.warnings.clone();
        self.create_draft(call, draft).map_err(|refusal| refusal.warned(told))
    }

    fn create_draft(&self, call: &Call<'_>, draft: Draft) -> Result<Answer> {
        let Draft { mut object, mut warnings } = draft;
        let manager = call.request.manager();
        let dry = call.request.is_dry();
        self.admit_create(call, &mut object, &mut warnings)?;
        self.track(call.place, &manager, None, &mut object);
        admission::signing::identify(call.user, call.place, &mut object);
        let created = self.insert(call.place, object, dry, &mut warnings)?;
        self.written(call, 201, created, warnings)
    }

    /// Names, places and admission of a new object.
    pub(crate) fn admit_create(
        &self,
        call: &Call<'_>,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let place = call.place;
        if !object["metadata"].is_object() {
            object["metadata"] = Value::Object(serde_json::Map::new());
        }
        check_namespace(place, object)?;
        self.name_new(place, object)?;
        admission::create(self, call.user, place, object, warnings)?;
        admission::policies::check(self, call, "CREATE", object, &Value::Null, warnings)
    }

    /// Gives a name where only its beginning is given.
    pub(crate) fn name_new(&self, place: &Place, object: &mut Value) -> Result<()> {
        let prefix = object::meta(object, "generateName").to_owned();
        if !object::meta(object, "name").is_empty() || prefix.is_empty() {
            return Ok(());
        }
        for _ in 0..GENERATE_MAX {
            let start: String = prefix.chars().take(GENERATED_PREFIX_MAX).collect();
            let name = format!("{start}{}", self.random.suffix());
            if self.store.find(&place.kind.shelf, &object::key(&place.ns, &name)).is_none() {
                object::metadata(object).insert("name".into(), name.into());
                return Ok(());
            }
        }
        Err(Failure::already_exists(&place.kind.group, &place.kind.plural, &prefix))
    }

    /// Validates a new object and stores it.
    pub(crate) fn insert(
        &self,
        place: &Place,
        mut object: Value,
        dry: bool,
        warned: &mut Vec<String>,
    ) -> Result<Written> {
        let kind = &place.kind;
        if !object::meta(&object, "resourceVersion").is_empty()
            && object::meta(&object, "resourceVersion") != "0"
        {
            return Err(Failure::unknown("resourceVersion should not be set on objects to be created"));
        }
        let empty = kind.empty(place.served());
        let uid = self.random.uid();
        let now = self.now();
        strategy::prepare_create(kind, &place.version, &mut object, empty, &now);
        // The status from outside is gone; what the schema gives by default is there all the same.
        if let Some(custom) = &place.served().custom {
            custom.schema.fill(&mut object);
        }
        let metadata = object::metadata(&mut object);
        for key in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            metadata.remove(key);
        }
        metadata.insert("uid".into(), uid.into());
        metadata.insert("creationTimestamp".into(), now.into());
        let mut object = convert::to_storage(kind, &place.version, object);
        crate::admission::complete(self, place, &mut object)?;
        if kind.is("batch", "jobs") {
            job_labels(&mut object);
        }
        let causes = match self.unnamed_address(place, &object) {
            Some(cause) => vec![cause],
            None => {
                let mut causes = check_name(place, &object);
                causes.extend(validate::create(place, &mut object));
                causes
            }
        };
        let name = object::meta(&object, "name").to_owned();
        if !causes.is_empty() {
            let name = if name.is_empty() { object::meta(&object, "generateName").to_owned() } else { name };
            let name = if object::meta(&object, "name").is_empty() { String::new() } else { name };
            return Err(Failure::invalid(kind.refused_as(), &kind.kind, &name, causes));
        }
        warnings::of(kind, &object, None, warned);
        let key = object::key(&place.ns, &name);
        if self.store.find(&kind.shelf, &key).is_some() {
            return Err(Failure::already_exists(&kind.group, &kind.plural, &name));
        }
        admission::validate(self, place, &object, None)?;
        let _admitted = admission::quotas::charge(self, place, &object, None)?;
        let taken = self.allocate(place, &mut object, None)?;
        if dry {
            self.release(&taken);
            return Ok(Written::shown(convert::from_storage(kind, &place.version, object)));
        }
        let encoded = object::encode(&object);
        let Ok(entry) = self.store.put(&kind.shelf, &key, Expect::Absent, &encoded) else {
            self.release(&taken);
            return Err(Failure::already_exists(&kind.group, &kind.plural, &name));
        };
        self.after_write(kind, &object);
        Ok(Written::stored(place, object, &entry))
    }
}

/// The object must be of the namespace of the path.
pub(crate) fn check_namespace(place: &Place, object: &mut Value) -> Result<()> {
    let given = object::meta(object, "namespace").to_owned();
    let metadata = object::metadata(object);
    if !place.kind.namespaced {
        metadata.remove("namespace");
        return Ok(());
    }
    if !given.is_empty() && given != place.ns {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    metadata.insert("namespace".into(), place.ns.clone().into());
    Ok(())
}

fn check_name(place: &Place, object: &Value) -> Vec<Cause> {
    let name = object::meta(object, "name");
    let mut causes = Vec::new();
    validate::generate_name(&place.kind, object, &mut causes);
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        for why in validate::name_problems(&place.kind, name) {
            causes.push(Cause::invalid("metadata.name", &name.into(), &why));
        }
    }
    causes
}

/// A Job tells its pods apart by its uid.
fn job_labels(job: &mut Value) {
    use serde_json::json;
    if job["spec"]["manualSelector"] == true || !job["spec"]["template"].is_object() {
        return;
    }
    let (uid, name) = (object::meta(job, "uid").to_owned(), object::meta(job, "name").to_owned());
    let labels = [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ];
    if !job["spec"]["template"]["metadata"].is_object() {
        job["spec"]["template"]["metadata"] = json!({});
    }
    let template = &mut job["spec"]["template"]["metadata"]["labels"];
    if !template.is_object() {
        *template = json!({});
    }
    let before = template.clone();
    for (key, value) in labels {
        if template.get(key).is_none() {
            template[key] = value.as_str().into();
        }
    }
    let after = template.clone();
    // A Job without labels of its own has those of its template (SetDefaults_Job, on every reading).
    let own = &mut job["metadata"]["labels"];
    if own.as_object().is_none_or(serde_json::Map::is_empty) || *own == before {
        *own = after;
    }
    let selector = &mut job["spec"]["selector"];
    if selector.is_null() {
        *selector = json!({});
    }
    if selector["matchLabels"].is_null() {
        selector["matchLabels"] = json!({});
    }
    if let Some(labels) = selector["matchLabels"].as_object_mut() {
        labels.entry("batch.kubernetes.io/controller-uid").or_insert_with(|| uid.into());
    }
}
