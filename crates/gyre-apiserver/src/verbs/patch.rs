//! PATCH: JSON patch, merge patch, strategic merge patch and server-side apply.

use gyre_merge::apply::{Applied, ApplyError, Writer};
use gyre_merge::{json_patch, merge_patch};
use serde_json::{Value, json};

use super::body::{KindVersions, Strictness, check_options, strictness};
use super::create::check_namespace;
use super::update::{Manner, check_identity};
use super::written::Written;
use crate::api::{Api, Call, Place};
use crate::failure::{Cause, Failure, Result};
use crate::json::{self, Parsed};
use crate::limits::{BODY_BYTES_MAX, PATCH_OPERATIONS_MAX, RETRIES_MAX};
use crate::object;
use crate::registry::api_version;
use crate::response::Answer;
use crate::{admission, convert, decode, strategy};

const TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// What an applied configuration makes of an object.
pub(super) struct Change {
    pub(super) object: Value,
    /// It counts as a change, though the server undoes it.
    renewed: bool,
}

/// A patch that has been read.
#[derive(Clone, Debug)]
pub(crate) enum Patch {
    Operations(Value),
    Merge(Value),
    Strategic(Value),
    Apply(Parsed),
}

impl Patch {
    pub(crate) fn read(call: &Call<'_>) -> Result<Self> {
        let request = call.request;
        let object = |value: Value, what: &str| {
            if value.is_object() {
                return Ok(value);
            }
            let kind = decode::json_kind(&value);
            Err(Failure::bad_request(format!(
                "{what}json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            )))
        };
        match request.content_type() {
            "application/json-patch+json" => {
                let parsed = json::parse(&request.body)
                    .map_err(|why| Failure::bad_request(format!("error decoding patch: {why}")))?;
                operations(parsed.value).map(Self::Operations)
            }
            "application/merge-patch+json" => {
                let parsed = json::parse(&request.body)
                    .map_err(|why| Failure::bad_request(format!("error decoding patch: {why}")))?;
                object(parsed.value, "error decoding patch: ").map(Self::Merge)
            }
            "application/strategic-merge-patch+json" if call.place.kind.custom.is_none() => {
                let parsed = json::parse(&request.body).map_err(Failure::bad_request)?;
                object(parsed.value, "").map(Self::Strategic)
            }
            "application/apply-patch+yaml" => apply_body(call).map(Self::Apply),
            // compat(kube-apiserver 1.36): a type that some servers know is refused before the handler of patches.
            "application/apply-patch+json" | "application/apply-patch+cbor" => {
                let mut failure = Failure::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
                failure.details = Some(serde_json::Map::new());
                Err(failure)
            }
            _ => {
                let mut allowed: Vec<&str> = TYPES.to_vec();
                if call.place.kind.custom.is_some() {
                    allowed.retain(|it| !it.contains("strategic"));
                }
                Err(Failure::unsupported_media(&allowed))
            }
        }
    }
}

fn operations(value: Value) -> Result<Value> {
    match value.as_array() {
        Some(list) if list.len() > PATCH_OPERATIONS_MAX => Err(Failure::new(
            413,
            "RequestEntityTooLarge",
            format!(
                "Request entity too large: The allowed maximum operations in a JSON patch is {PATCH_OPERATIONS_MAX}, got {}",
                list.len()
            ),
        )),
        Some(_) => Ok(value),
        None => {
            let kind = decode::json_kind(&value);
            Err(Failure::bad_request(format!(
                "error decoding patch: json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch"
            )))
        }
    }
}

fn apply_body(call: &Call<'_>) -> Result<Parsed> {
    let body = &call.request.body;
    let failed = |why: String| Failure::bad_request(format!("error decoding YAML: {why}"));
    let parsed = match json::parse(body) {
        Ok(parsed) => parsed,
        Err(_) => {
            crate::yaml::parse(body).map_err(|why| failed(format!("error converting YAML to JSON: {why}")))?
        }
    };
    if parsed.value.is_object() || parsed.value.is_null() {
        return Ok(parsed);
    }
    let kind = decode::json_kind(&parsed.value);
    Err(failed(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    )))
}

impl Api {
    pub(crate) fn patch(&self, call: &Call<'_>) -> Result<Answer> {
        let patch = Patch::read(call)?;
        check_options(call.request, "PatchOptions")?;
        let apply = matches!(patch, Patch::Apply(_));
        if apply && call.request.query.text("fieldManager").is_empty() {
            let cause = Cause::required("fieldManager", "is required for apply patch");
            return Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
        }
        if !apply && call.request.query.has("force") {
            let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
            return Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
        }
        self.patch_with(call, &patch)
    }

    fn patch_with(&self, call: &Call<'_>, patch: &Patch) -> Result<Answer> {
        let place = call.place;
        let dry = call.request.is_dry();
        for _ in 0..RETRIES_MAX {
            let mut warnings = Vec::new();
            let Some(entry) = self.store.find(&place.kind.shelf, &place.key()) else {
                match self.create_by_apply(call, patch) {
                    // Somebody was faster: it is an object to change now.
                    Err(failure) if failure.reason == "AlreadyExists" => continue,
                    answer => return answer,
                }
            };
            let stored = object::decode(&entry.bytes);
            let old = convert::from_storage(&place.kind, &place.version, stored);
            let (object, manner) = match patch {
                Patch::Apply(parsed) => {
                    let applied = self.applied(call, parsed, &old, &mut warnings)?;
                    match applied {
                        None if !admission::policies::any(self) => {
                            let held = Written::held(place, old, &entry);
                            return self.written(call, 200, held, warnings);
                        }
                        None => (old.clone(), Manner { dry, ..Manner::default() }),
                        Some(it) => (it.object, Manner { dry, renewed: it.renewed, ..Manner::default() }),
                    }
                }
                _ => (self.patched(call, patch, &old, &mut warnings)?, Manner { dry, ..Manner::default() }),
            };
            check_identity(place, &object)?;
            check_uid(place, &object, &old)?;
            if !matches!(patch, Patch::Apply(_)) {
                check_revision_data(place, &object)?;
            }
            let given = object::meta(&object, "resourceVersion");
            let conditional = !given.is_empty() && given != object::meta(&old, "resourceVersion");
            let manner = Manner { conditional, ..manner };
            let told = warnings.clone();
            let written = self.replace(call, &old, object, manner, &mut warnings);
            if let Some(written) = written.map_err(|refusal| refusal.warned(told))? {
                return self.written(call, 200, written, warnings);
            }
        }
        Err(place.modified())
    }

    /// The object with a patch applied, decoded, defaulted and with its managers.
    pub(crate) fn patched(
        &self,
        call: &Call<'_>,
        patch: &Patch,
        old: &Value,
        warnings: &mut Vec<String>,
    ) -> Result<Value> {
        let place = call.place;
        let strict = Strictness::of(call.request);
        let mut value = apply_patch(place, patch, old)?;
        if value["metadata"]["managedFields"] == json!([]) {
            // A patch that empties the managed fields resets them, one that removes them changes nothing.
            value["metadata"]["managedFields"] = json!([{}]);
        }
        if matches!(patch, Patch::Strategic(_)) {
            decode::wrap(&place.served().ty, &mut value);
        }
        let duplicates = Vec::new();
        let shown = value.clone();
        let draft = Self::draft_of(place, Parsed { value, duplicates }, strict, false)
            .map_err(|failure| invalid_patch(place, patch, &shown, failure))?;
        warnings.extend(draft.warnings);
        let mut object = draft.object;
        check_identity(place, &object)?;
        check_namespace(place, &mut object)?;
        self.track(place, &call.request.manager(), Some(old), &mut object);
        Ok(object)
    }

    pub(super) fn applied(
        &self,
        call: &Call<'_>,
        parsed: &Parsed,
        old: &Value,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Change>> {
        let place = call.place;
        let config = checked_config(place, parsed)?;
        let writer = Writer {
            manager: call.request.query.text("fieldManager"),
            api_version: &place.api_version(),
            subresource: &place.subresource,
            now: &self.now(),
            ignored: &strategy::ignored(&place.kind, &place.version, &place.subresource),
            empty: place.kind.empty(place.served()),
        };
        let force = call.request.query.flag("force");
        let applied = writer
            .apply(&KindVersions(&place.kind), old, &config, force)
            .map_err(|error| apply_failure(place, &config, &error))?;
        warnings.extend(Self::apply_warnings(call, parsed)?);
        let mut value = match applied {
            Applied::Object(value) if value != *old => value,
            _ => return Ok(None),
        };
        if place.kind.custom.is_none() {
            decode::wrap(&place.served().ty, &mut value);
        }
        // compat(kube-apiserver 1.36): this link is taken off after it was found to be a change.
        let renewed = value["metadata"].get("selfLink").is_some();
        let managers = value["metadata"].get("managedFields").cloned();
        let draft =
            Self::draft_of(place, Parsed { value, duplicates: Vec::new() }, Strictness::Ignore, false)
                .map_err(|failure| unconverted(place, &config, failure))?;
        let mut object = draft.object;
        if let Some(managers) = managers {
            object::metadata(&mut object).insert("managedFields".into(), managers);
        }
        check_namespace(place, &mut object)?;
        Ok(Some(Change { object, renewed }))
    }

    /// Unknown and duplicate fields of an applied configuration.
    fn apply_warnings(call: &Call<'_>, parsed: &Parsed) -> Result<Vec<String>> {
        let strict = Strictness::of(call.request);
        if call.place.kind.custom.is_none() {
            // Applying has refused every field that the type does not declare.
            return strictness(call.place, strict, &parsed.duplicates, &[]).map_err(renamed);
        }
        let mut value = parsed.value.clone();
        object::drop_nulls(&mut value);
        let draft = Self::draft_of(
            call.place,
            Parsed { value, duplicates: parsed.duplicates.clone() },
            strict,
            false,
        );
        match draft {
            Ok(draft) => Ok(draft.warnings),
            Err(failure)
                if strict == Strictness::Strict && failure.message.contains("strict decoding error") =>
            {
                Err(renamed(failure))
            }
            // What is wrong beyond that is told by applying it.
            Err(_) => Ok(Vec::new()),
        }
    }

    fn create_by_apply(&self, call: &Call<'_>, patch: &Patch) -> Result<Answer> {
        let place = call.place;
        let Patch::Apply(parsed) = patch else { return Err(place.not_found()) };
        if !place.subresource.is_empty() {
            return Err(place.not_found());
        }
        let mut warnings = Vec::new();
        let empty = place.kind.empty(place.served());
        let uid = object::meta(&parsed.value, "uid").to_owned();
        let applied = self.applied(call, parsed, empty, &mut warnings)?;
        let mut object = applied.map_or_else(|| empty.clone(), |it| it.object);
        check_identity(place, &object)?;
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Failure::conflict(&place.kind.group, &place.kind.plural, &place.name, &why));
        }
        crate::defaults::fill(&place.kind, &place.version, &mut object, true);
        self.admit_create(call, &mut object, &mut warnings)?;
        admission::signing::identify(call.user, place, &mut object);
        let dry = call.request.is_dry();
        object::metadata(&mut object).remove("resourceVersion");
        let created = self.insert(place, object, dry, &mut warnings)?;
        self.written(call, 201, created, warnings)
    }
}

/// The refusal of a strict reading, as an apply words it.
fn renamed(mut failure: Failure) -> Failure {
    let at = failure.message.find("strict decoding error").unwrap_or_default();
    failure.message.drain(..at);
    failure
}

/// A patch cannot make an object another one.
fn check_uid(place: &Place, object: &Value, old: &Value) -> Result<()> {
    let (given, held) = (object::meta(object, "uid"), object::meta(old, "uid"));
    if given.is_empty() || given == held {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.uid", &given.into(), "field is immutable");
    Err(Failure::invalid(&place.kind.group, &place.kind.kind, &place.name, vec![cause; 2]))
}

/// compat(kube-apiserver): the data of a ControllerRevision never equals what it was once a patch has passed over it, so
/// that every patch is refused.
fn check_revision_data(place: &Place, object: &Value) -> Result<()> {
    if !place.kind.is("apps", "controllerrevisions") {
        return Ok(());
    }
    let cause = Cause::invalid("data", &object["data"], "field is immutable");
    Err(Failure::invalid(&place.kind.group, &place.kind.kind, &place.name, vec![cause]))
}

/// The configuration must be of the kind and version of the path, and name no managers.
fn checked_config(place: &Place, parsed: &Parsed) -> Result<Value> {
    let mut config = parsed.value.clone();
    let text = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let (group, short) = crate::registry::split(&version);
    if group != place.kind.group || kind != place.kind.kind {
        let shown = if version.is_empty() { "/".to_owned() } else { api_version(group, short) };
        return Err(Failure::bad_request(format!("invalid object type: {shown}, Kind={kind}")));
    }
    if short != place.version {
        return Err(Failure::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {}",
            place.api_version()
        )));
    }
    let managers = config["metadata"].get("managedFields");
    if managers.is_some_and(Value::is_array) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
        if let Some(revision) = parsed.value["metadata"].get("resourceVersion") {
            metadata.insert("resourceVersion".into(), revision.clone());
        }
    }
    Ok(config)
}

/// The name of a configuration in messages, with its kind.
fn named(place: &Place, config: &Value) -> (String, String) {
    let group_version =
        if place.kind.group.is_empty() { format!("/{}", place.version) } else { place.api_version() };
    let kind = format!("{group_version}, Kind={}", place.kind.kind);
    let (ns, name) = (object::meta(config, "namespace"), object::meta(config, "name"));
    (format!("({ns}/{name}; {kind})"), kind)
}

/// What was applied and has the shape of its type, and yet a text in it cannot be read.
fn unconverted(place: &Place, config: &Value, failure: Failure) -> Failure {
    let marker = format!("cannot be handled as a {}: ", place.kind.kind);
    match failure.message.split_once(&marker) {
        Some((_, why)) if failure.code == 400 && place.kind.custom.is_none() => {
            let (shown, kind) = named(place, config);
            Failure::unknown(format!(
                "failed to convert new object {shown} to proper version: unable to convert unstructured object to {kind}: {why}"
            ))
        }
        _ => failure,
    }
}

fn apply_failure(place: &Place, config: &Value, error: &ApplyError) -> Failure {
    match error {
        ApplyError::Invalid(problems) => {
            let listed = if problems.len() == 1 {
                problems.concat()
            } else {
                let lines: Vec<String> = problems.iter().map(|it| format!("  {it}")).collect();
                format!("errors:\n{}", lines.join("\n"))
            };
            let (shown, _) = named(place, config);
            Failure::unknown(format!("failed to create typed patch object {shown}: {listed}"))
        }
        ApplyError::Conflicts(conflicts) => {
            let causes: Vec<Value> = conflicts
                .iter()
                .map(|it| {
                    json!({
                        "reason": "FieldManagerConflict",
                        "message": it.message(),
                        "field": gyre_merge::apply::path_text(&it.path),
                    })
                })
                .collect();
            Failure::new(409, "Conflict", error.to_string()).detail("causes", causes.into())
        }
    }
}

fn apply_patch(place: &Place, patch: &Patch, old: &Value) -> Result<Value> {
    match patch {
        Patch::Merge(patch) => {
            let mut object = old.clone();
            merge_patch::apply(&mut object, patch.clone());
            Ok(object)
        }
        Patch::Operations(operations) => apply_operations(old, operations),
        Patch::Strategic(patch) => crate::strategic::apply(place, old, patch),
        Patch::Apply(_) => Ok(old.clone()),
    }
}

/// JSON Patch; what does not apply is refused without a reason, as the Kubernetes API does.
fn apply_operations(old: &Value, operations: &Value) -> Result<Value> {
    let flavor = json_patch::Flavor::V4;
    let mut options = json_patch::Options::new(flavor);
    options.copy_bytes_max = Some(BODY_BYTES_MAX);
    let patch = json_patch::Patch::from_value(operations.clone(), flavor)
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    patch.apply(old.clone(), options).map_err(|_| {
        let text = "the server rejected our request due to an error in our request";
        let mut failure = Failure::new(422, "Invalid", text);
        failure.details = Some(serde_json::Map::new());
        failure
    })
}

/// A patched object that cannot be read is an invalid patch.
fn invalid_patch(place: &Place, patch: &Patch, value: &Value, failure: Failure) -> Failure {
    if failure.code != 400 || place.kind.custom.is_none() && failure.message.contains("strict decoding error")
    {
        return failure;
    }
    let text = failure.message;
    let why = text
        .split_once(&format!("cannot be handled as a {}: ", place.kind.kind))
        .map_or(text.as_str(), |it| it.1);
    let shown = match patch {
        Patch::Strategic(patch) => crate::strategic::go_text(patch),
        _ if place.kind.custom.is_some() => value.to_string(),
        _ => ordered(value),
    };
    Failure::invalid("", "", "", vec![Cause::invalid("patch", &shown.into(), why)])
}

/// A patched object as Go shows it: metadata keeps the order of its type.
fn ordered(value: &Value) -> String {
    const METADATA: [&str; 15] = [
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ];
    const ENTRY: [&str; 7] =
        ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"];
    let parts = |object: &Value, order: &[&str], show: &dyn Fn(&str, &Value) -> String| {
        let present = order.iter().filter_map(|key| Some((*key, object.get(*key)?)));
        let texts: Vec<String> =
            present.map(|(key, value)| format!("{key:?}:{}", show(key, value))).collect();
        format!("{{{}}}", texts.join(","))
    };
    let plain = |_: &str, value: &Value| value.to_string();
    let metadata = |key: &str, value: &Value| match value.as_array().filter(|_| key == "managedFields") {
        Some(entries) => {
            let texts: Vec<String> = entries.iter().map(|entry| parts(entry, &ENTRY, &plain)).collect();
            format!("[{}]", texts.join(","))
        }
        None => value.to_string(),
    };
    let Some(fields) = value.as_object() else { return value.to_string() };
    let texts: Vec<String> = fields
        .iter()
        .map(|(key, value)| match key.as_str() {
            "metadata" if value.is_object() => format!("{key:?}:{}", parts(value, &METADATA, &metadata)),
            _ => format!("{key:?}:{value}"),
        })
        .collect();
    format!("{{{}}}", texts.join(","))
}
