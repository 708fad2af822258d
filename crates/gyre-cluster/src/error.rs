//! What a request to the API can end in.

use serde_json::Value;

/// Why a request failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ApiError {
    /// The server answered with a `Status`.
    #[error("{message}")]
    Status {
        /// HTTP status.
        code: u16,
        /// `NotFound`, `Invalid`, `Conflict`, ...
        reason: String,
        /// For people.
        message: String,
        /// `details.causes`: reasons.
        causes: Vec<String>,
    },
    /// The server does not know the kind.
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    NoKind {
        /// `apps/v1`.
        api_version: String,
        /// `Deployment`.
        kind: String,
    },
    /// No answer.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is not what the API promises.
    #[error("the API server's answer cannot be read: {0}")]
    Unreadable(String),
    /// The policy under which the write was asked for does not allow it.
    #[error("{0}")]
    Denied(String),
}

/// What is said of an answer that is not a `Status` (`apimachinery` NewGenericServerResponse).
fn generic(code: u16, body: &[u8]) -> String {
    match code {
        401 => "the server has asked for the client to provide credentials".into(),
        404 => "the server could not find the requested resource".into(),
        405 => "the server does not allow this method on the requested resource".into(),
        429 => "the server has received too many requests and has asked us to try again later".into(),
        503 => "the server is currently unable to handle the request".into(),
        _ => String::from_utf8_lossy(body).trim().to_owned(),
    }
}

impl ApiError {
    /// From the body of an answer with an error status.
    pub(crate) fn from_body(code: u16, body: &[u8]) -> Self {
        let status: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field: &str| status.get(field).and_then(Value::as_str).map(str::to_owned);
        let causes = status.pointer("/details/causes").and_then(Value::as_array);
        Self::Status {
            code,
            reason: text("reason").unwrap_or_default(),
            message: text("message").unwrap_or_else(|| generic(code, body)),
            causes: causes
                .into_iter()
                .flatten()
                .filter_map(|cause| Some(cause.get("reason")?.as_str()?.to_owned()))
                .collect(),
        }
    }

    /// The HTTP status; 0 where there was no answer.
    pub fn code(&self) -> u16 {
        match self {
            Self::Status { code, .. } => *code,
            _ => 0,
        }
    }

    /// The server's one-word reason; empty where there was none.
    pub fn reason(&self) -> &str {
        match self {
            Self::Status { reason, .. } => reason,
            _ => "",
        }
    }

    /// The object, or something that it needs, does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code() == 404
    }

    /// Somebody else has changed the object, or already made it.
    pub fn is_conflict(&self) -> bool {
        self.code() == 409
    }

    /// Fields belong to other managers.
    pub fn is_field_conflict(&self) -> bool {
        matches!(self, Self::Status { causes, .. } if causes.iter().any(|cause| cause == "FieldManagerConflict"))
    }

    /// The object's fields cannot be changed that way in place (`fluxcd/pkg ssa/errors` IsImmutableError).
    pub fn is_immutable(&self) -> bool {
        let text = self.to_string();
        matches!(self.code(), 409 | 422) || text.contains("is immutable") || text.contains("immutable field")
    }
}
