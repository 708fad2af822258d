//! Refusals as the Kubernetes API words them: a `Status` object with code, reason, message, details and causes.

use serde_json::{Map, Value, json};

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message =
            if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {}: {detail}", shown(value)),
        }
    }

    /// A value that is already written as messages show it.
    pub(crate) fn invalid_shown(field: impl Into<String>, shown: &str, detail: &str) -> Self {
        Self::invalid_unshown(field, &format!("{shown}: {detail}"))
    }

    /// What is wrong is not the value of one field.
    pub(crate) fn invalid_unshown(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {detail}") }
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, allowed: &[&str]) -> Self {
        let list: Vec<String> = allowed.iter().map(|it| format!("{it:?}")).collect();
        Self {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message: format!("Unsupported value: {}: supported values: {}", shown(value), list.join(", ")),
        }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {detail}") }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message: format!("Duplicate value: {}", shown(value)),
        }
    }

    pub(crate) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueNotFound",
            field: field.into(),
            message: format!("Not found: {}", shown(value)),
        }
    }

    pub(crate) fn too_long(field: impl Into<String>, max: usize) -> Self {
        Self {
            reason: "FieldValueTooLong",
            field: field.into(),
            message: format!("Too long: may not be more than {max} bytes"),
        }
    }

    pub(crate) fn too_many(field: impl Into<String>, given: usize, max: usize) -> Self {
        Self {
            reason: "FieldValueTooMany",
            field: field.into(),
            message: format!("Too many: {given}: must have at most {max} items"),
        }
    }

    pub(crate) fn internal(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "InternalError", field: field.into(), message: format!("Internal error: {detail}") }
    }

    fn text(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

/// A value as messages show it: strings quoted, objects as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// A warning as a header says it.
pub(crate) fn warning(text: &str) -> String {
    format!("299 - {}", quoted(text))
}

/// A string quoted as Go's `%q` does.
pub(crate) fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            char if char.is_control() && (char as u32) < 0x80 => {
                let _ = write!(out, "\\x{:02x}", char as u32);
            }
            char if char.is_control() => {
                let _ = write!(out, "\\u{:04x}", char as u32);
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Map<String, Value>>,
    /// Answered as text instead of a `Status`.
    pub(crate) plain: bool,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The name of a resource in messages: `deployments.apps`, `pods`.
pub(crate) fn qualified(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

fn details_of(group: &str, kind: &str, name: &str) -> Map<String, Value> {
    let mut details = Map::new();
    if !name.is_empty() {
        details.insert("name".into(), name.into());
    }
    if !group.is_empty() {
        details.insert("group".into(), group.into());
    }
    if !kind.is_empty() {
        details.insert("kind".into(), kind.into());
    }
    details
}

impl Failure {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, plain: false, headers: Vec::new() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn about(
        code: u16,
        reason: &'static str,
        group: &str,
        plural: &str,
        name: &str,
        what: &str,
    ) -> Self {
        let mut it = Self::new(code, reason, format!("{} {} {what}", qualified(group, plural), quoted(name)));
        it.details = Some(details_of(group, plural, name));
        it
    }

    pub(crate) fn not_found(group: &str, plural: &str, name: &str) -> Self {
        Self::about(404, "NotFound", group, plural, name, "not found")
    }

    pub(crate) fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        Self::about(409, "AlreadyExists", group, plural, name, "already exists")
    }

    pub(crate) fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let mut it = Self::new(
            409,
            "Conflict",
            format!("Operation cannot be fulfilled on {} {}: {why}", qualified(group, plural), quoted(name)),
        );
        it.details = Some(details_of(group, plural, name));
        it
    }

    pub(crate) fn modified(group: &str, plural: &str, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, plural, name, why)
    }

    pub(crate) fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let subject = qualified(group, plural);
        let message = if name.is_empty() && subject.is_empty() {
            format!("forbidden: {why}")
        } else if name.is_empty() {
            format!("{subject} is forbidden: {why}")
        } else {
            format!("{subject} {} is forbidden: {why}", quoted(name))
        };
        let mut it = Self::new(403, "Forbidden", message);
        it.details = Some(details_of(group, plural, name));
        it
    }

    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: impl AsRef<[Cause]>) -> Self {
        let causes = causes.as_ref();
        let subject = qualified(group, kind);
        let mut texts: Vec<String> = Vec::new();
        for cause in causes {
            let text = cause.text();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let joined = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
        let mut it = Self::new(422, "Invalid", format!("{subject} {} is invalid: {joined}", quoted(name)));
        let mut details = details_of(group, kind, name);
        details.insert("causes".into(), causes_json(causes));
        it.details = Some(details);
        it
    }

    pub(crate) fn method_not_allowed() -> Self {
        let mut it = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        it.details = Some(Map::new());
        it
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        let mut it = Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        it.details = json!({"causes": [{"message": message}]}).as_object().cloned();
        it
    }

    /// A failure of a kind that the API does not name: code 500 without a reason.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {}", crate::limits::BODY_BYTES_MAX),
        )
    }

    pub(crate) fn unsupported_media(allowed: &[&str]) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                allowed.join(", ")
            ),
        )
    }

    /// The refusal of an Accept header by a page.
    pub(crate) fn not_acceptable(allowed: &[&str]) -> Self {
        Self::new(
            406,
            "NotAcceptable",
            format!("only the following media types are accepted: {}", allowed.join(", ")),
        )
    }

    /// The refusal of an Accept header by a resource; lists name the streams as well.
    pub(crate) fn not_representable(list: bool) -> Self {
        let mut types = vec!["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
        if list {
            types.extend([
                "application/json;stream=watch",
                "application/vnd.kubernetes.protobuf;stream=watch",
            ]);
        }
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", types.join(", "));
        let mut it = Self::new(406, "NotAcceptable", message);
        it.details = Some(Map::new());
        it
    }

    /// The refusal of a list that was asked for as one object; the list is named by its Go type.
    pub(crate) fn list_not_single(kind: &crate::registry::Kind) -> Self {
        let package = if kind.group.is_empty() { "core" } else { &kind.group };
        let package = package.split('.').next().unwrap_or_default();
        let list = match &kind.custom {
            Some(_) => "*unstructured.UnstructuredList".to_owned(),
            None => format!("*{package}.{}", kind.list_kind),
        };
        let message =
            format!("you requested PartialObjectMetadata, but the requested object is a list ({list})");
        Self::new(406, "NotAcceptable", message)
    }

    /// A path below a group that nothing serves.
    pub(crate) fn resource_not_found() -> Self {
        let mut it = Self::new(404, "NotFound", "the server could not find the requested resource");
        it.details = Some(Map::new());
        it
    }

    /// A path that nothing serves.
    pub(crate) fn page_not_found() -> Self {
        let mut it = Self::new(404, "NotFound", "404 page not found\n");
        it.plain = true;
        it
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// The refusal of a body that was warned of when it was read.
    pub(crate) fn warned(mut self, warnings: Vec<String>) -> Self {
        self.headers.extend(warnings.iter().map(|it| ("warning", warning(it))));
        self
    }

    pub(crate) fn detail(mut self, key: &str, value: Value) -> Self {
        self.details.get_or_insert_with(Map::new).insert(key.into(), value);
        self
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut out = Map::new();
        out.insert("kind".into(), "Status".into());
        out.insert("apiVersion".into(), "v1".into());
        out.insert("metadata".into(), json!({}));
        out.insert("status".into(), "Failure".into());
        out.insert("message".into(), self.message.as_str().into());
        if !self.reason.is_empty() {
            out.insert("reason".into(), self.reason.into());
        }
        if let Some(details) = &self.details {
            out.insert("details".into(), Value::Object(details.clone()));
        }
        out.insert("code".into(), self.code.into());
        Value::Object(out)
    }
}

pub(crate) fn causes_json(causes: &[Cause]) -> Value {
    causes
        .iter()
        .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
        .collect()
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;
