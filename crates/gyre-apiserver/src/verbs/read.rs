//! GET: one object, lists, pages, and the forms they are answered in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::api::{Api, Call};
use crate::failure::{Cause, Failure, Result};
use crate::registry::Kind;
use crate::request::Shape;
use crate::response::{Answer, Payload};
use crate::selectors::{FieldSelector, LabelSelector, Labelled};
use crate::store::{Entry, PastError};
use crate::{convert, object, tables};

/// Which objects a request selects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

/// The value of a field that can be selected by.
pub(crate) fn field_of(kind: &Kind, object: &Value, field: &str) -> String {
    let path: Vec<&str> = field.split('.').collect();
    let value = match (kind.id(), field) {
        (("", "events"), "involvedObject.uid") => &object["involvedObject"]["uid"],
        (("" | "events.k8s.io", "events"), "source" | "reportingComponent") => {
            let source = &object["source"]["component"];
            if source.as_str().is_none_or(str::is_empty) { &object["reportingComponent"] } else { source }
        }
        (("events.k8s.io", "events"), field) if field.starts_with("regarding") => {
            return field_of(kind, object, &field.replacen("regarding", "involvedObject", 1));
        }
        (("batch", "jobs"), "status.successful") => {
            return object["status"]["succeeded"].as_i64().unwrap_or_default().to_string();
        }
        (("", "nodes"), "spec.unschedulable") => {
            return object["spec"]["unschedulable"].as_bool().unwrap_or_default().to_string();
        }
        (("", "pods"), "spec.hostNetwork") => {
            return object["spec"]["hostNetwork"].as_bool().unwrap_or_default().to_string();
        }
        (("", "replicationcontrollers") | ("apps", "replicasets"), "status.replicas") => {
            return object["status"]["replicas"].as_i64().unwrap_or_default().to_string();
        }
        _ => object::at(object, &path),
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn known_fields(kind: &Kind, version: &str) -> Vec<String> {
    let mut known: Vec<&str> = match kind.id() {
        ("", "pods") => vec![
            "spec.hostNetwork",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.nominatedNodeName",
            "status.phase",
            "status.podIP",
            "status.podIPs",
        ],
        ("", "nodes") => vec!["spec.unschedulable"],
        ("", "namespaces") => vec!["status.phase"],
        ("", "secrets") => vec!["type"],
        ("", "services") => vec!["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => vec!["status.replicas"],
        ("", "events") => vec![
            "involvedObject.apiVersion",
            "involvedObject.fieldPath",
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.resourceVersion",
            "involvedObject.uid",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => vec![
            "reason",
            "regarding.apiVersion",
            "regarding.fieldPath",
            "regarding.kind",
            "regarding.name",
            "regarding.namespace",
            "regarding.resourceVersion",
            "regarding.uid",
            "reportingController",
            "type",
        ],
        ("batch", "jobs") => vec!["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => vec!["spec.signerName"],
        _ => Vec::new(),
    };
    known.extend(["metadata.name"]);
    if kind.namespaced || kind.custom.is_none() {
        known.push("metadata.namespace");
    }
    let mut known: Vec<String> = known.into_iter().map(Into::into).collect();
    if let Some(custom) = kind.version(version).and_then(|it| it.custom.as_ref()) {
        known.extend(custom.selectable.iter().cloned());
    }
    known
}

impl Selection {
    pub(crate) fn read(call: &Call<'_>) -> Result<Self> {
        let query = &call.request.query;
        let it = Self {
            labels: LabelSelector::parse(query.text("labelSelector"))?,
            fields: FieldSelector::parse(query.text("fieldSelector"))?,
        };
        let known = known_fields(&call.place.kind, &call.place.version);
        for (field, _, _) in &it.fields.demands {
            if !known.contains(field) {
                return Err(unknown_field(&call.place.kind, field));
            }
        }
        Ok(it)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether a stored object is selected.
    pub(crate) fn fits(&self, kind: &Kind, entry: &Entry) -> bool {
        let (ns, name) = entry.key.split_once('/').unwrap_or(("", &entry.key));
        if !self.labels.is_empty() {
            let Ok(labelled) = serde_json::from_slice::<Labelled<'_>>(&entry.bytes) else { return false };
            if !self.labels.fits(|key| labelled.metadata.labels.get(key).map(AsRef::as_ref)) {
                return false;
            }
        }
        if self.fields.is_empty() {
            return true;
        }
        let simple = |field: &str| match field {
            "metadata.name" => Some(name.to_owned()),
            "metadata.namespace" => Some(ns.to_owned()),
            _ => None,
        };
        if self.fields.demands.iter().all(|(field, _, _)| simple(field).is_some()) {
            return self.fields.fits(|field| simple(field).unwrap_or_default());
        }
        let object = object::decode(&entry.bytes);
        self.fields.fits(|field| simple(field).unwrap_or_else(|| field_of(kind, &object, field)))
    }
}

fn unknown_field(kind: &Kind, field: &str) -> Failure {
    let message = match kind.id() {
        (
            "",
            "pods"
            | "nodes"
            | "namespaces"
            | "secrets"
            | "services"
            | "replicationcontrollers"
            | "events"
            | "configmaps_",
        )
        | ("apps", "replicasets")
        | ("events.k8s.io", "events")
        | ("certificates.k8s.io", "certificatesigningrequests") => {
            format!("field label not supported: {field}")
        }
        ("batch", "jobs") => format!("field label {field:?} not supported for Job"),
        ("", "") => format!("field label not supported: {field}"),
        _ => {
            format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
    };
    Failure::bad_request(message)
}

/// Where a page ended.
struct Continue {
    revision: u64,
    after: String,
}

impl Continue {
    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(
            json!({"v": "meta.k8s.io/v1", "rv": self.revision, "start": format!("{}\0", self.after)})
                .to_string(),
        )
    }

    fn read(token: &str) -> Result<Self> {
        let bad = |why: &str| {
            Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|error| {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                _ => token.len() / 4 * 4,
            };
            bad(&format!("illegal base64 data at input byte {at}"))
        })?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| bad(&error.to_string()))?;
        let revision = value["rv"].as_i64().unwrap_or_default();
        let start = value["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(bad("encoded continue key missing start key (v1)"));
        }
        Ok(Self {
            revision: u64::try_from(revision).unwrap_or(0),
            after: start.trim_end_matches('\0').to_owned(),
        })
    }
}

/// The token of the page after an object.
pub(super) fn page_token(revision: u64, after: &str) -> String {
    Continue { revision, after: after.to_owned() }.token()
}

impl Api {
    pub(crate) fn get(&self, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        self.check_read_version(call)?;
        let entry = self.store.find(&place.kind.shelf, &place.key()).ok_or_else(|| place.not_found())?;
        if call.accept.shape == Shape::Plain && convert::is_stored_form(&place.kind, &place.version) {
            return Ok(Answer::of(200, Payload::Json(entry.bytes.clone())));
        }
        let object = convert::from_storage(&place.kind, &place.version, object::decode(&entry.bytes));
        self.shaped(call, 200, object)
    }

    fn check_read_version(&self, call: &Call<'_>) -> Result<()> {
        let text = call.request.query.text("resourceVersion");
        if text.is_empty() {
            return Ok(());
        }
        let wanted = parse_revision(text).map_err(|failure| {
            Failure::unknown(failure.message.trim_start_matches("invalid resource version: "))
        })?;
        let current = self.store.revision();
        if wanted > current { Err(too_large(wanted, current)) } else { Ok(()) }
    }

    /// An object in the form that the request accepts.
    pub(crate) fn shaped(&self, call: &Call<'_>, code: u16, object: Value) -> Result<Answer> {
        Ok(match &call.accept.shape {
            Shape::Plain => Answer::object(code, object),
            Shape::Partial => Answer::object(code, partial(&object, "PartialObjectMetadata")),
            Shape::Table(version) => {
                let revision = object["metadata"]["resourceVersion"].clone();
                let include = include_object(call)?;
                let table = tables::table(call.place, &[object], version, &include, self.clock.now_us());
                Answer::object(code, with_list_meta(table, &revision))
            }
        })
    }

    pub(crate) fn list(&self, call: &Call<'_>) -> Result<Answer> {
        check_list_options(call, false)?;
        let selection = Selection::read(call)?;
        let place = call.place;
        let query = &call.request.query;
        let limit = query.text("limit").parse::<usize>().ok().filter(|it| *it > 0);
        let prefix = place.prefix();
        let token = query.text("continue");
        let (revision, after) = if token.is_empty() {
            (self.wanted_revision(call)?, String::new())
        } else {
            if !matches!(query.text("resourceVersion"), "" | "0") {
                return Err(Failure::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            let start = Continue::read(token)?;
            ((start.revision > 0).then_some(start.revision), start.after)
        };
        let (revision, entries) = match revision.filter(|it| *it != self.store.revision()) {
            Some(revision) => (
                revision,
                self.store
                    .list_at(&place.kind.shelf, &prefix, revision)
                    .map_err(|error| self.past_failure(error, revision, &after))?,
            ),
            None if selection.is_empty() && limit.is_some() => {
                return self.plain_page(call, &prefix, &after, limit.unwrap_or(usize::MAX));
            }
            None => self.store.list(&place.kind.shelf, &prefix),
        };
        let mut rest =
            entries.iter().filter(|entry| *entry.key > *after && selection.fits(&place.kind, entry));
        let page: Vec<_> = rest.by_ref().take(limit.unwrap_or(usize::MAX)).cloned().collect();
        let last = page.last().map_or("", |entry| &entry.key);
        let named = selection.fields.wanted("metadata.name").is_some();
        let more = !named
            && page.len() == limit.unwrap_or(usize::MAX)
            && entries.last().is_some_and(|it| *it.key > *last);
        // compat(etcd): with a selector, more keys are more pages, whether they fit or not.
        let remaining = if more { rest.count().max(usize::from(!selection.is_empty())) } else { 0 };
        self.page_answer(call, revision, &page, (remaining > 0).then_some((selection.is_empty(), remaining)))
    }

    fn plain_page(&self, call: &Call<'_>, prefix: &str, after: &str, limit: usize) -> Result<Answer> {
        let (revision, page, remaining) = self.store.page(&call.place.kind.shelf, prefix, after, limit);
        self.page_answer(call, revision, &page, (remaining > 0).then_some((true, remaining)))
    }

    fn page_answer(
        &self,
        call: &Call<'_>,
        revision: u64,
        page: &[std::sync::Arc<Entry>],
        more: Option<(bool, usize)>,
    ) -> Result<Answer> {
        let more = more.map(|(counted, remaining)| {
            let after = page.last().map(|it| it.key.to_string()).unwrap_or_default();
            (Continue { revision, after }.token(), counted.then_some(remaining))
        });
        let place = call.place;
        if call.accept.shape == Shape::Plain && convert::is_stored_form(&place.kind, &place.version) {
            return Ok(Answer::of(200, Payload::Json(Self::list_bytes(call, page, revision, more))));
        }
        let items = page.iter().map(|entry| object::decode(&entry.bytes)).collect();
        self.list_object(call, items, revision, more).map(|list| Answer::object(200, list))
    }

    /// A list as bytes, from the bytes of its items.
    fn list_bytes(
        call: &Call<'_>,
        page: &[std::sync::Arc<Entry>],
        revision: u64,
        more: Option<(String, Option<usize>)>,
    ) -> Bytes {
        let place = call.place;
        let head = json!({"kind": place.kind.list_kind, "apiVersion": place.api_version(), "metadata": list_meta(revision, more, &place.kind)});
        let mut out = head.to_string().into_bytes();
        out.pop();
        out.extend_from_slice(b",\"items\":[");
        // compat(kube-apiserver): items of built-in kinds carry neither apiVersion nor kind.
        let skip = if place.kind.custom.is_some() {
            Vec::new()
        } else {
            let (version, kind) = (place.api_version(), &place.kind.kind);
            vec![
                format!("\"apiVersion\":{version:?},").into_bytes(),
                format!("\"kind\":{kind:?},").into_bytes(),
            ]
        };
        for (index, entry) in page.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            match &skip[..] {
                [version, kind] => push_without(&mut out, &entry.bytes, version, kind),
                _ => out.extend_from_slice(&entry.bytes),
            }
        }
        out.extend_from_slice(b"]}");
        out.into()
    }

    /// A list of objects of the stored version, in the form that the request accepts.
    pub(crate) fn list_object(
        &self,
        call: &Call<'_>,
        items: Vec<Value>,
        revision: u64,
        more: Option<(String, Option<usize>)>,
    ) -> Result<Value> {
        let place = call.place;
        let mut items: Vec<Value> =
            items.into_iter().map(|it| convert::from_storage(&place.kind, &place.version, it)).collect();
        let mut metadata = list_meta(revision, more, &place.kind);
        if call.accept.shape != Shape::Plain && metadata["continue"] == "" {
            metadata.as_object_mut().map(|it| it.remove("continue"));
        }
        Ok(match &call.accept.shape {
            Shape::Table(version) => {
                let include = include_object(call)?;
                let mut table = tables::table(place, &items, version, &include, self.clock.now_us());
                table["metadata"] = metadata;
                table
            }
            Shape::Partial => {
                let items: Vec<Value> = items.iter().map(|it| partial(it, "PartialObjectMetadata")).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})
            }
            Shape::Plain => {
                if place.kind.custom.is_none() {
                    for item in &mut items {
                        if let Some(fields) = item.as_object_mut() {
                            fields.remove("apiVersion");
                            fields.remove("kind");
                        }
                    }
                }
                json!({"kind": place.kind.list_kind, "apiVersion": place.api_version(), "metadata": metadata, "items": items})
            }
        })
    }

    /// The revision that a list must be of; `None` where the latest will do.
    fn wanted_revision(&self, call: &Call<'_>) -> Result<Option<u64>> {
        let query = &call.request.query;
        let text = query.text("resourceVersion");
        if text.is_empty() {
            return Ok(None);
        }
        let wanted = parse_revision(text)?;
        let current = self.store.revision();
        if wanted > current {
            return Err(too_large(wanted, current));
        }
        let exact = query.text("resourceVersionMatch") == "Exact"
            || (query.text("resourceVersionMatch").is_empty() && query.has("limit") && wanted > 0);
        Ok(exact.then_some(wanted))
    }

    pub(crate) fn past_failure(&self, error: PastError, revision: u64, after: &str) -> Failure {
        match error {
            PastError::Future => too_large(revision, self.store.revision()),
            PastError::Compacted if after.is_empty() => {
                Failure::expired("The resourceVersion for the provided list is too old.".to_string())
            }
            PastError::Compacted => {
                let token = Continue { revision: 0, after: after.to_owned() }.token();
                let mut failure = Failure::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
                );
                failure.headers.push(("x-gyre-continue", token));
                failure
            }
        }
    }
}

/// The bytes of an object without the first occurrences of its apiVersion and kind at the top.
fn push_without(out: &mut Vec<u8>, bytes: &[u8], version: &[u8], kind: &[u8]) {
    // order: keys are sorted, so apiVersion comes first, and kind follows before metadata.
    let mut rest = bytes;
    if rest.get(1..=version.len()) == Some(version) {
        out.push(b'{');
        rest = &rest[1 + version.len()..];
    }
    let mut depth = -i32::from(rest.len() == bytes.len());
    let (mut at, mut text) = (0, false);
    while at < rest.len() {
        match rest[at] {
            b'"' if !text && depth == 0 && rest[at..].starts_with(kind) => {
                out.extend_from_slice(&rest[..at]);
                out.extend_from_slice(&rest[at + kind.len()..]);
                return;
            }
            b'"' => text = !text,
            b'\\' if text => at += 1,
            b'{' | b'[' if !text => depth += 1,
            b'}' | b']' if !text => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    out.extend_from_slice(rest);
}

fn list_meta(revision: u64, more: Option<(String, Option<usize>)>, kind: &Kind) -> Value {
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if kind.custom.is_some() {
        // compat(apiextensions-apiserver): lists of custom resources always have it.
        metadata["continue"] = "".into();
    }
    if let Some((token, remaining)) = more {
        metadata["continue"] = token.into();
        if let Some(remaining) = remaining {
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    metadata
}

fn with_list_meta(mut table: Value, revision: &Value) -> Value {
    table["metadata"] = if revision.is_null() { json!({}) } else { json!({"resourceVersion": revision}) };
    table
}

/// The metadata of an object alone.
pub(crate) fn partial(object: &Value, kind: &str) -> Value {
    json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// Which part of objects a table carries.
pub(crate) fn include_object(call: &Call<'_>) -> Result<String> {
    match call.request.query.text("includeObject") {
        "" | "Metadata" => Ok("Metadata".into()),
        it @ ("Object" | "None") => Ok(it.into()),
        other => Err(Failure::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
        ))),
    }
}

pub(crate) fn parse_revision(text: &str) -> Result<u64> {
    text.parse().map_err(|_| {
        let quoted = crate::failure::quoted(text);
        Failure::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: invalid syntax"
        ))
    })
}

/// The refusal of a revision that has not happened yet.
pub(crate) fn too_large(wanted: u64, current: u64) -> Failure {
    let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
    Failure::new(504, "Timeout", format!("Too large resource version: {wanted}, current: {current}"))
        .detail("causes", causes)
        .detail("retryAfterSeconds", 1.into())
}

/// Checks the options of a list or watch against each other.
pub(crate) fn check_list_options(call: &Call<'_>, watch: bool) -> Result<()> {
    let query = &call.request.query;
    let (revision, matching) = (query.text("resourceVersion"), query.text("resourceVersionMatch"));
    let forbidden = |field: &str, why: &str| Cause::forbidden(field, why);
    let mut causes = Vec::new();
    let initial = query.get("sendInitialEvents");
    if watch {
        if initial.is_some() && matching != "NotOlderThan" {
            causes.push(forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        } else if !matching.is_empty() && initial.is_none() {
            causes.push(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if !matches!(matching, "" | "NotOlderThan") {
            causes.push(Cause::unsupported("resourceVersionMatch", &matching.into(), &["NotOlderThan"]));
        }
        if !query.text("continue").is_empty() {
            causes.push(forbidden("continue", "continue is forbidden for watch"));
        }
    } else {
        if initial.is_some() {
            causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        if !matching.is_empty() {
            if revision.is_empty() {
                causes.push(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !query.text("continue").is_empty() {
                causes.push(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
            if !matches!(matching, "Exact" | "NotOlderThan") {
                causes.push(Cause::unsupported(
                    "resourceVersionMatch",
                    &matching.into(),
                    &["Exact", "NotOlderThan", ""],
                ));
            }
            if matching == "Exact" && revision == "0" {
                causes.push(forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
    }
    for key in ["limit", "timeoutSeconds"] {
        let text = query.text(key);
        if !text.is_empty() && text.parse::<i64>().is_err() {
            let quoted = crate::failure::quoted(text);
            return Err(Failure::bad_request(format!("strconv.ParseInt: parsing {quoted}: invalid syntax")));
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid("meta.k8s.io", "ListOptions", "", causes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_lose_their_kind_but_keep_their_content() {
        let bytes = br#"{"apiVersion":"v1","data":{"kind":"ConfigMap"},"kind":"ConfigMap","metadata":{"name":"\"kind\":"}}"#;
        let mut out = Vec::new();
        push_without(&mut out, bytes, b"\"apiVersion\":\"v1\",", b"\"kind\":\"ConfigMap\",");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"data":{"kind":"ConfigMap"},"metadata":{"name":"\"kind\":"}}"#
        );
    }
}
