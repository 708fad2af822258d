//! GET: one object, lists, pages, and the forms they are answered in.

use bytes::Bytes;
use serde_json::{Value, json};

use super::continues::Continue;
use super::options::check_list_options;
use super::select::Selection;
use crate::api::{Api, Call};
use crate::failure::{Failure, Result};
use crate::registry::Kind;
use crate::request::Shape;
use crate::response::{Answer, Payload};
use crate::store::{Entry, PastError};
use crate::{convert, object, tables};

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

/// The bytes of an object without its apiVersion and kind, each given with its value and the comma after it.
fn push_without(out: &mut Vec<u8>, bytes: &[u8], version: &[u8], kind: &[u8]) {
    let (mut from, mut at, mut depth, mut text, mut left) = (0, 0, 0, false, 2);
    while at < bytes.len() && left > 0 {
        match bytes[at] {
            b'"' if !text && depth == 1 => {
                // order: a value is followed by no colon, so only keys are found.
                let found = [version, kind].into_iter().find(|it| bytes[at..].starts_with(it));
                if let Some(found) = found {
                    out.extend_from_slice(&bytes[from..at]);
                    at += found.len();
                    from = at;
                    left -= 1;
                    continue;
                }
                text = true;
            }
            b'"' => text = !text,
            b'\\' if text => at += 1,
            b'{' | b'[' if !text => depth += 1,
            b'}' | b']' if !text => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    out.extend_from_slice(&bytes[from..]);
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
    let mut metadata = object["metadata"].clone();
    // compat(daemonset conversion): the count of templates is an annotation of the whole object alone.
    if object["kind"] == "DaemonSet"
        && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
    {
        annotations.remove(crate::strategy::TEMPLATE_GENERATION);
        if annotations.is_empty() {
            metadata.as_object_mut().map(|it| it.remove("annotations"));
        }
    }
    json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
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
        let bytes = br#"{"addressType":"kind","apiVersion":"v1","kind":"Slice","metadata":{}}"#;
        let mut out = Vec::new();
        push_without(&mut out, bytes, b"\"apiVersion\":\"v1\",", b"\"kind\":\"Slice\",");
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"addressType":"kind","metadata":{}}"#);
    }
}
