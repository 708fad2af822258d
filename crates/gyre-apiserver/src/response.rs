//! Answers: objects, text, refusals, and the streams of watches.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde_json::Value;

use crate::failure::Failure;
use crate::limits::GZIP_BYTES_MIN;
use crate::request::{Media, Request};
use crate::verbs::Tail;
use crate::watch::Watch;

/// The body of an answer.
#[must_use]
pub struct Body(Content);

enum Content {
    Full(Option<Bytes>),
    Stream(Pin<Box<Stream>>),
}

/// What an answer that has no end yet reads its lines from.
enum Source {
    Watch(Box<Watch>),
    Tail(Box<Tail>),
}

/// A line, and where it came from.
type Advanced = (Option<Bytes>, Source);

struct Stream {
    next: Pin<Box<dyn Future<Output = Advanced> + Send>>,
    ended: bool,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Full(bytes) => write!(f, "Body({} bytes)", bytes.as_ref().map_or(0, Bytes::len)),
            Content::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

async fn advance(mut source: Source) -> Advanced {
    let line = match &mut source {
        Source::Watch(watch) => watch.next().await,
        Source::Tail(tail) => tail.next().await,
    };
    (line, source)
}

impl Body {
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Content::Full(Some(bytes.into())))
    }

    fn stream(source: Source) -> Self {
        let next = Box::pin(advance(source));
        Self(Content::Stream(Box::pin(Stream { next, ended: false })))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Content::Full(bytes) => {
                Poll::Ready(bytes.take().filter(|it| !it.is_empty()).map(|it| Ok(Frame::data(it))))
            }
            Content::Stream(stream) => {
                if stream.ended {
                    return Poll::Ready(None);
                }
                let Poll::Ready((line, source)) = stream.next.as_mut().poll(cx) else { return Poll::Pending };
                stream.next = Box::pin(advance(source));
                stream.ended = line.is_none();
                Poll::Ready(line.map(|it| Ok(Frame::data(it))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Content::Stream(stream) => stream.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

/// What a handler answers.
#[derive(Debug)]
pub(crate) enum Payload {
    /// An object that is already bytes of JSON.
    Json(Bytes),
    Object(Value),
    Text(&'static str, String),
    Watch(Box<Watch>),
    /// The log of a container that goes on.
    Tail(Box<Tail>),
}

/// An answer before it is written.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) payload: Payload,
    pub(crate) warnings: Vec<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The revision that must be durable before this is sent.
    pub(crate) revision: u64,
    pub(crate) content_type: Option<String>,
}

impl Answer {
    pub(crate) fn object(code: u16, object: Value) -> Self {
        Self::of(code, Payload::Object(object))
    }

    pub(crate) fn of(code: u16, payload: Payload) -> Self {
        Self { code, payload, warnings: Vec::new(), headers: Vec::new(), revision: 0, content_type: None }
    }

    pub(crate) fn warned(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    pub(crate) fn at(mut self, revision: u64) -> Self {
        self.revision = revision;
        self
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        let payload = if failure.plain {
            Payload::Text("text/plain; charset=utf-8", failure.message.clone())
        } else {
            Payload::Object(failure.status())
        };
        let mut it = Self::of(failure.code, payload);
        if let Some(seconds) = failure.details.as_ref().and_then(|it| it.get("retryAfterSeconds")) {
            it.headers.push(("retry-after", seconds.to_string()));
        }
        it.headers.extend(failure.headers);
        it
    }
}

/// Writes an answer in the form that the request accepts.
pub(crate) fn write(request: &Request, media: Media, pretty: bool, answer: Answer) -> http::Response<Body> {
    let mut response = http::Response::new(Body::full(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(answer.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    for warning in &answer.warnings {
        let text = crate::failure::warning(warning);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(header::WARNING, value);
        }
    }
    let (content_type, bytes) = match answer.payload {
        Payload::Watch(watch) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *response.body_mut() = Body::stream(Source::Watch(watch));
            return response;
        }
        Payload::Tail(tail) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            *response.body_mut() = Body::stream(Source::Tail(tail));
            return response;
        }
        Payload::Text(content_type, text) => (content_type, Bytes::from(text)),
        Payload::Json(bytes) if media == Media::Json && !pretty => ("application/json", bytes),
        Payload::Json(bytes) => formatted(&crate::object::decode(&bytes), media, pretty),
        Payload::Object(object) => formatted(&object, media, pretty),
    };
    let content_type = answer.content_type.as_deref().unwrap_or(content_type);
    if let Ok(value) = HeaderValue::try_from(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    let gzip = request.header(header::ACCEPT_ENCODING).split(',').any(|it| it.trim().starts_with("gzip"));
    let bytes = if gzip && bytes.len() >= GZIP_BYTES_MIN {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        compressed(&bytes)
    } else {
        bytes
    };
    *response.body_mut() = Body::full(bytes);
    response
}

fn formatted(object: &Value, media: Media, pretty: bool) -> (&'static str, Bytes) {
    match media {
        Media::Yaml => ("application/yaml", Bytes::from(crate::yaml::write(object))),
        Media::Json if pretty => {
            ("application/json", serde_json::to_vec_pretty(object).unwrap_or_default().into())
        }
        Media::Json => ("application/json", serde_json::to_vec(object).unwrap_or_default().into()),
    }
}

fn compressed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}
