//! What a write answers: the object, as the bytes that were stored where the client wants it like that.

use bytes::Bytes;
use serde_json::Value;

use crate::api::{Api, Call, Place};
use crate::failure::Result;
use crate::request::Shape;
use crate::response::{Answer, Payload};
use crate::store::Entry;
use crate::{convert, object};

/// An object after a write, in the version of the request.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Value,
    /// The same as bytes, where the stored form is the one of the request.
    pub(crate) bytes: Option<Bytes>,
    /// What must be durable before the answer; 0 where nothing was stored.
    pub(crate) revision: u64,
}

impl Written {
    /// An object that nothing was stored of: of a dry run, or after its last change.
    pub(crate) fn shown(object: Value) -> Self {
        Self { object, bytes: None, revision: 0 }
    }

    /// An object that has been stored, in its stored version.
    pub(crate) fn stored(place: &Place, mut object: Value, entry: &Entry) -> Self {
        object::metadata(&mut object).insert("resourceVersion".into(), entry.revision.to_string().into());
        Self::held(place, convert::from_storage(&place.kind, &place.version, object), entry)
    }

    /// An object that is stored as it is shown, in the version of the request.
    pub(crate) fn held(place: &Place, object: Value, entry: &Entry) -> Self {
        let same = convert::is_stored_form(&place.kind, &place.version);
        Self { object, bytes: same.then(|| entry.bytes.clone()), revision: entry.revision }
    }
}

impl Api {
    /// The answer to a write.
    pub(crate) fn written(
        &self,
        call: &Call<'_>,
        code: u16,
        written: Written,
        warnings: Vec<String>,
    ) -> Result<Answer> {
        let answer = match written.bytes {
            Some(bytes) if call.accept.shape == Shape::Plain => Answer::of(code, Payload::Json(bytes)),
            _ => self.shaped(call, code, written.object)?,
        };
        Ok(answer.warned(warnings).at(written.revision))
    }
}
