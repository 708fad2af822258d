//! From the bytes of a request to an object of its kind: media types, decoding, pruning, defaults, strictness.

use gyre_merge::apply::{self, Versions, Writer};
use gyre_merge::schema::Type;
use serde_json::Value;

use crate::api::{Api, Call, Place};
use crate::decode::{self, Found};
use crate::defaults;
use crate::failure::{Cause, Failure, Result};
use crate::json::{self, Parsed};
use crate::object;
use crate::registry::Kind;
use crate::request::Request;
use crate::{convert, strategy};

/// An object on its way to the store, in the version of the request, and what to warn of.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) object: Value,
    pub(crate) warnings: Vec<String>,
}

/// How strict the client wants unknown fields to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    Ignore,
    Warn,
    Strict,
}

const BODY_TYPES: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

impl Strictness {
    pub(crate) fn of(request: &Request) -> Self {
        match request.query.text("fieldValidation") {
            "Ignore" => Self::Ignore,
            "Strict" => Self::Strict,
            _ => Self::Warn,
        }
    }
}

/// Checks the options that every write has.
pub(crate) fn check_options(request: &Request, kind: &str) -> Result<()> {
    let mut causes = Vec::new();
    let dry: Vec<&str> = request.query.all("dryRun").collect();
    if dry.iter().any(|it| *it != "All") {
        causes.push(Cause::unsupported("dryRun", &dry.into(), &["All"]));
    }
    let manager = request.query.text("fieldManager");
    if manager.len() > 128 {
        causes.push(Cause::too_long("fieldManager", 128));
    }
    for (at, char) in manager.chars().enumerate() {
        if char.is_control() || !is_printable(char) {
            let detail = format!("invalid character U+{:04X} (at position {at})", char as u32);
            causes.push(Cause::invalid("fieldManager", &manager.into(), &detail));
        }
    }
    if let Some(value) = request.query.get("fieldValidation")
        && !matches!(value, "" | "Ignore" | "Warn" | "Strict")
    {
        causes.push(Cause::unsupported("fieldValidation", &value.into(), &["", "Ignore", "Warn", "Strict"]));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid("meta.k8s.io", kind, "", causes)) }
}

fn is_printable(char: char) -> bool {
    !matches!(char as u32, 0x200b..=0x200f | 0x2028..=0x202f | 0xfeff)
}

/// Reads a body as JSON or YAML.
pub(crate) fn parse_body(request: &Request, kind: &Kind) -> Result<Parsed> {
    let media = match request.content_type() {
        "" => "application/json",
        media => media,
    };
    let unrecognized = |why: String| {
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why} ({})",
            kind.kind,
            excerpt(&request.body)
        ))
    };
    match media {
        "application/json" => json::parse(&request.body)
            .map_err(|why| unrecognized(format!("couldn't get version/kind; json parse error: {why}"))),
        "application/yaml" => crate::yaml::parse(&request.body).map_err(unrecognized),
        "application/vnd.kubernetes.protobuf" if kind.custom.is_none() => {
            let value = crate::protobuf::parse(&request.body).map_err(unrecognized)?;
            Ok(Parsed { value, duplicates: Vec::new() })
        }
        _ => Err(Failure::unsupported_media(&BODY_TYPES)),
    }
}

/// The start of a body as messages show it: text, or hexadecimal digits where it is none.
fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "<empty>".into();
    }
    let text = std::str::from_utf8(body).ok().filter(|_| body.first() == Some(&b'{'));
    match text {
        Some(text) if text.len() > 30 => format!("{} ...", text.chars().take(30).collect::<String>()),
        Some(text) => text.to_owned(),
        None => crate::random::hex(&body[..body.len().min(30)]),
    }
}

impl Api {
    /// Reads the object of a create or update.
    pub(crate) fn draft(call: &Call<'_>) -> Result<Draft> {
        let parsed = parse_body(call.request, &call.place.kind)?;
        Self::draft_of(call.place, parsed, Strictness::of(call.request), true)
    }

    /// Makes an object of a kind out of what was read: decoded, pruned and defaulted.
    pub(crate) fn draft_of(place: &Place, parsed: Parsed, strict: Strictness, create: bool) -> Result<Draft> {
        let kind = &place.kind;
        let mut value = parsed.value;
        if value.is_null() {
            value = Value::Object(serde_json::Map::new());
        }
        if !value.is_object() {
            return Err(not_an_object(&value, &kind.kind));
        }
        check_kind(place, &mut value)?;
        reset_marker(&mut value);
        let mut found = Found::default();
        let version = place.served();
        let object = match &version.custom {
            Some(custom) => {
                let mut object = value;
                let mut unknown = Vec::new();
                custom.schema.prune(&mut object, true, &mut Vec::new(), &mut unknown);
                found.unknown = unknown;
                coerce_metadata(&mut object, &mut found)?;
                custom.schema.fill(&mut object);
                object
            }
            None => {
                let mut object = decode::decode(&version.ty, value, &mut found).map_err(|why| {
                    Failure::bad_request(format!(
                        "{} in version {:?} cannot be handled as a {}: {why}",
                        kind.kind, place.version, kind.kind
                    ))
                })?;
                defaults::fill(kind, &place.version, &mut object, create);
                object
            }
        };
        let warnings = strictness(place, strict, &parsed.duplicates, &found.unknown)?;
        Ok(Draft { object, warnings })
    }

    /// Records in the new object who changed what.
    pub(crate) fn track(&self, place: &Place, manager: &str, live: Option<&Value>, object: &mut Value) {
        let version = place.served();
        let empty = place.kind.empty(version);
        let ignored = strategy::ignored(&place.kind, &place.version, &place.subresource);
        let writer = Writer {
            manager,
            api_version: &place.api_version(),
            subresource: &place.subresource,
            now: &self.now(),
            ignored: &ignored,
            empty,
        };
        writer.update(&KindVersions(&place.kind), live.unwrap_or(empty), object);
    }
}

/// The versions of a kind, for merging.
pub(crate) struct KindVersions<'a>(pub(crate) &'a Kind);

impl Versions for KindVersions<'_> {
    fn ty(&self, api_version: &str) -> Option<Type> {
        let (group, version) = crate::registry::split(api_version);
        if group == self.0.group {
            return self.0.version(version).map(|it| it.ty.clone());
        }
        // The two kinds of events own fields of the same objects.
        let twin = matches!(self.0.id(), ("" | "events.k8s.io", "events"));
        twin.then(|| gyre_merge::facts::kind(group, version, "Event")).flatten()
    }

    fn convert(&self, object: &Value, api_version: &str) -> Option<Value> {
        let from = object["apiVersion"].as_str().unwrap_or_default();
        if from == api_version || from.is_empty() {
            return Some(object.clone());
        }
        let (_, version) = crate::registry::split(from);
        let (group, wanted) = crate::registry::split(api_version);
        if group != self.0.group {
            let registry = crate::registry::Registry::builtin();
            let events = registry.resource("events.k8s.io", "events")?;
            return Some(if group.is_empty() {
                convert::to_storage(events, wanted, object.clone())
            } else {
                convert::from_storage(events, wanted, object.clone())
            });
        }
        let stored = convert::to_storage(self.0, version, object.clone());
        Some(convert::from_storage(self.0, wanted, stored))
    }
}

/// An empty list of managed fields takes them away, as one empty entry does.
fn reset_marker(value: &mut Value) {
    if let Some(list) = value.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut)
        && list.is_empty()
    {
        list.push(Value::Object(serde_json::Map::new()));
    }
}

fn not_an_object(value: &Value, kind: &str) -> Failure {
    let what = decode::json_kind(value);
    let shown = serde_json::to_vec(value).unwrap_or_default();
    Failure::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: \
         json: cannot unmarshal {what} into Go value of type struct {{ APIVersion string \
         \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }} ({})",
        excerpt(&shown)
    ))
}

/// The body must be of the kind and version of the path; what it leaves out is taken from there.
fn check_kind(place: &Place, value: &mut Value) -> Result<()> {
    let wanted = place.api_version();
    let kind = &place.kind.kind;
    let given_version = value["apiVersion"].as_str().unwrap_or_default().to_owned();
    let given_kind = value["kind"].as_str().unwrap_or_default().to_owned();
    let given_version = if given_version.is_empty() { wanted.clone() } else { given_version };
    let given_kind = if given_kind.is_empty() { kind.clone() } else { given_kind };
    if given_version == wanted && given_kind == *kind {
        value["apiVersion"] = wanted.into();
        value["kind"] = kind.clone().into();
        return Ok(());
    }
    let registry = crate::registry::Registry::builtin();
    let (group, version) = crate::registry::split(&given_version);
    if given_kind == *kind && (group != place.kind.group || place.kind.custom.is_some()) {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({wanted})"
        )));
    }
    let known = registry.kind(group, &given_kind).is_some_and(|it| it.version(version).is_some());
    let why = if place.kind.custom.is_some() {
        return Err(Failure::bad_request(format!(
            "the kind in the data ({given_kind}) does not match the expected kind ({kind})"
        )));
    } else if known {
        let package = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
        format!("converting ({version}.{given_kind}) to ({package}.{kind}): unknown conversion")
    } else {
        format!(
            "no kind {given_kind:?} is registered for version {given_version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )
    };
    let version = given_version.rsplit('/').next().unwrap_or_default();
    Err(Failure::bad_request(format!(
        "{given_kind} in version {version:?} cannot be handled as a {kind}: {why}"
    )))
}

/// The metadata of a custom resource is typed as that of built-in kinds.
fn coerce_metadata(object: &mut Value, found: &mut Found) -> Result<()> {
    let Some(metadata) = object.get("metadata").cloned() else { return Ok(()) };
    let mut inner = Found::default();
    let ty = gyre_merge::facts::object_meta();
    match decode::decode(&ty, metadata, &mut inner) {
        Ok(metadata) => {
            object["metadata"] = metadata;
            found.unknown.extend(inner.unknown.into_iter().map(|path| format!("metadata.{path}")));
            Ok(())
        }
        Err(why) => {
            let (kind, version) = (
                object["kind"].as_str().unwrap_or_default(),
                object["apiVersion"].as_str().unwrap_or_default(),
            );
            let version = version.rsplit('/').next().unwrap_or_default();
            Err(Failure::bad_request(format!(
                "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
            )))
        }
    }
}

/// What is to be said of fields that are not known or occur twice, or the refusal for them.
pub(crate) fn strictness(
    place: &Place,
    strict: Strictness,
    duplicates: &[String],
    unknown: &[String],
) -> Result<Vec<String>> {
    if strict == Strictness::Ignore {
        return Ok(Vec::new());
    }
    let problems: Vec<String> = duplicates
        .iter()
        .map(
            |path| {
                if path.starts_with("line ") { path.clone() } else { format!("duplicate field \"{path}\"") }
            },
        )
        .chain(unknown.iter().map(|path| format!("unknown field \"{path}\"")))
        .collect();
    match strict {
        Strictness::Strict if !problems.is_empty() => {
            let kind = &place.kind.kind;
            Err(Failure::bad_request(format!(
                "{kind} in version {:?} cannot be handled as a {kind}: strict decoding error: {}",
                place.version,
                problems.join(", ")
            )))
        }
        _ => Ok(problems),
    }
}

/// Takes over what only the server may say, from the stored object.
pub(crate) fn keep_server_metadata(object: &mut Value, old: &Value) {
    let held = &old["metadata"];
    let metadata = object::metadata(object);
    for key in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "namespace",
        "generateName",
    ] {
        if let ("uid" | "generateName", Some(_)) = (key, metadata.get(key)) {
            continue;
        }
        match held.get(key) {
            Some(value) => metadata.insert(key.into(), value.clone()),
            None if key == "generateName" || key == "namespace" => None,
            None => metadata.remove(key),
        };
    }
}

/// Removes managed fields, for comparing what a write changed.
pub(crate) fn without_managers(object: &Value) -> Value {
    let mut out = object.clone();
    apply::strip(&mut out);
    out
}
