//! JSON Patch (RFC 6902) as the Go library `evanphx/json-patch` applies it, with its texts.
//!
//! Two generations are in use: v4 in Kubernetes, kubectl, Kustomize and Helm, v5 in newer tools. They differ in what
//! a missing member is and in some texts; [`Flavor`] chooses.

mod operation;
mod pointer;

use serde_json::Value;

use operation::Operation;
use pointer::{Target, find, get};

/// Which generation of the library is imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// `gopkg.in/evanphx/json-patch.v4`.
    V4,
    /// `github.com/evanphx/json-patch/v5`.
    V5,
}

/// What went wrong, for callers that answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchErrorKind {
    /// The patch or the document cannot be read.
    Unreadable,
    /// A `test` operation failed.
    TestFailed,
    /// A path leads nowhere.
    Missing,
    /// Anything else.
    Inapplicable,
}

/// Why a patch does not apply. `Display` is the library's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct PatchError {
    /// What kind of problem it is.
    pub kind: PatchErrorKind,
    /// The library's text.
    pub text: String,
}

impl PatchError {
    pub(crate) fn new(kind: PatchErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// How a patch is applied.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The generation of the library.
    pub flavor: Flavor,
    /// v5: removing what is not there is no error.
    pub allow_missing_path_on_remove: bool,
    /// v5: `add` makes the containers that its path needs.
    pub ensure_path_exists_on_add: bool,
    /// How many bytes of JSON all `copy` operations together may add; the Kubernetes API server allows 3 MiB.
    pub copy_bytes_max: Option<usize>,
}

impl Options {
    /// The library's defaults.
    pub fn new(flavor: Flavor) -> Self {
        Self {
            flavor,
            allow_missing_path_on_remove: false,
            ensure_path_exists_on_add: false,
            copy_bytes_max: None,
        }
    }
}

/// A decoded patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    operations: Vec<Operation>,
}

impl Patch {
    /// Reads a patch from JSON text.
    pub fn decode(text: &[u8], flavor: Flavor) -> Result<Self, PatchError> {
        match serde_json::from_slice(text) {
            Ok(value) => Self::from_value(value, flavor),
            Err(error) => Err(unreadable(&error, flavor)),
        }
    }

    /// Reads a patch from a JSON value.
    pub fn from_value(value: Value, flavor: Flavor) -> Result<Self, PatchError> {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => return Err(wrong_type(&other, "jsonpatch.Patch")),
        };
        let operations: Vec<_> = items.into_iter().map(Operation::from_value).collect::<Result<_, _>>()?;
        if flavor == Flavor::V5 {
            operations.iter().try_for_each(Operation::validate)?;
        }
        Ok(Self { operations })
    }

    /// Does the patch do nothing?
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Applies the patch to a document.
    pub fn apply(&self, document: Value, options: Options) -> Result<Value, PatchError> {
        let type_name = match options.flavor {
            Flavor::V4 => "jsonpatch.partialDoc",
            Flavor::V5 => "map[string]*jsonpatch.lazyNode",
        };
        if !matches!(document, Value::Object(_) | Value::Array(_) | Value::Null) {
            return Err(wrong_type(&document, type_name));
        }
        let original = if options.flavor == Flavor::V5 { document.clone() } else { Value::Null };
        let mut run = Run { options, copied: 0, original, copy: Value::Null, document };
        for operation in &self.operations {
            run.apply(operation)?;
        }
        if options.flavor == Flavor::V5 && run.document.is_null() {
            let text = "json: error calling MarshalJSON for type *jsonpatch.partialDoc: invalid value, expected object";
            return Err(PatchError::new(PatchErrorKind::Inapplicable, text));
        }
        Ok(run.document)
    }

    /// Applies the patch to JSON text; empty text stays as it is.
    pub fn apply_text(&self, document: &str, options: Options) -> Result<String, PatchError> {
        if document.is_empty() {
            return Ok(String::new());
        }
        let value = serde_json::from_str(document).map_err(|error| unreadable(&error, options.flavor))?;
        self.apply(value, options).map(|value| value.to_string())
    }
}

/// Are two JSON texts the same document? Scalars are compared as they are written, texts that are no JSON byte by byte.
pub fn equal(a: &str, b: &str) -> bool {
    match (serde_json::from_str::<Value>(a), serde_json::from_str::<Value>(b)) {
        (Ok(a), Ok(b)) => a == b,
        (Err(_), Err(_)) => a == b,
        _ => false,
    }
}

pub(crate) fn unreadable(error: &serde_json::Error, flavor: Flavor) -> PatchError {
    let text = match flavor {
        Flavor::V5 => "invalid state detected".to_owned(),
        Flavor::V4 if error.is_eof() => "unexpected end of JSON input".to_owned(),
        Flavor::V4 => format!("invalid JSON: {error}"),
    };
    PatchError::new(PatchErrorKind::Unreadable, text)
}

/// The text of Go's decoder for a value of another type than the wanted one.
fn wrong_type(found: &Value, wanted: &str) -> PatchError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    PatchError::new(
        PatchErrorKind::Unreadable,
        format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
    )
}

/// A document while a patch is applied to it.
struct Run {
    options: Options,
    copied: usize,
    /// v5: the document before the patch, where an empty key of the root is looked up.
    original: Value,
    copy: Value,
    document: Value,
}

fn missing(text: &str) -> PatchError {
    PatchError::new(PatchErrorKind::Missing, format!("{text}: missing value"))
}

impl Run {
    fn apply(&mut self, operation: &Operation) -> Result<(), PatchError> {
        match operation.kind() {
            "add" => self.add(operation),
            "remove" => self.remove(operation),
            "replace" => self.replace(operation),
            "move" => self.move_value(operation),
            "test" => self.test(operation),
            "copy" => self.copy(operation),
            other => Err(PatchError::new(PatchErrorKind::Inapplicable, format!("Unexpected kind: {other}"))),
        }
    }

    fn v5(&self) -> bool {
        self.options.flavor == Flavor::V5
    }

    fn find(&mut self, path: &str) -> Option<Target<'_>> {
        if self.v5() && path.starts_with("//") {
            self.copy = self.original.clone();
        }
        find(&mut self.document, &mut self.copy, path, self.options.flavor)
    }

    /// The value at a path; `None` where the member is not there and that is no error.
    fn read(&mut self, target_path: &str) -> Option<Result<Option<Value>, PatchError>> {
        let flavor = self.options.flavor;
        let depth = target_path.matches('/').count();
        if flavor == Flavor::V5 && (target_path.is_empty() || (depth == 1 && target_path == "/")) {
            return Some(Ok(Some(self.original.clone())));
        }
        let target = self.find(target_path)?;
        Some(get(target.container, &target.key, flavor).map(Option::<&Value>::cloned))
    }

    fn add(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let path = operation.path().map_err(|_| missing("add operation failed to decode path"))?;
        let value = operation.value().cloned().unwrap_or(Value::Null);
        if self.v5() && path.is_empty() {
            if !matches!(value, Value::Object(_) | Value::Array(_) | Value::Null) {
                return Err(wrong_type(&value, "map[string]*jsonpatch.lazyNode"));
            }
            self.document = value;
            return Ok(());
        }
        if self.options.ensure_path_exists_on_add {
            pointer::ensure(&mut self.document, &path)?;
        }
        let Some(target) = self.find(&path) else {
            return Err(missing(&format!("add operation does not apply: doc is missing path: \"{path}\"")));
        };
        target.add(value).map_err(|error| error.within(&format!("error in add for path: '{path}'")))
    }

    fn remove(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let path = operation.path().map_err(|_| missing("remove operation failed to decode path"))?;
        let (flavor, lenient) = (self.options.flavor, self.options.allow_missing_path_on_remove);
        let Some(target) = self.find(&path) else {
            if lenient {
                return Ok(());
            }
            return Err(missing(&format!(
                "remove operation does not apply: doc is missing path: \"{path}\""
            )));
        };
        target
            .remove(flavor, lenient)
            .map_err(|error| error.within(&format!("error in remove for path: '{path}'")))
    }

    fn replace(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let path =
            operation.path().map_err(|error| error.within("replace operation failed to decode path"))?;
        let value = operation.value().cloned().unwrap_or(Value::Null);
        if path.is_empty() {
            if !matches!(value, Value::Object(_) | Value::Array(_)) {
                let text = "replace operation value must be object or array: %!w(<nil>)";
                return Err(PatchError::new(PatchErrorKind::Inapplicable, text));
            }
            self.document = value;
            return Ok(());
        }
        if self.find(&path).is_none() {
            return Err(missing(&format!("replace operation does not apply: doc is missing path: {path}")));
        }
        if let Some(Err(_)) = self.read(&path) {
            return Err(missing(&format!("replace operation does not apply: doc is missing key: {path}")));
        }
        match self.find(&path) {
            Some(target) => target.set(value),
            None => Ok(()),
        }
        .map_err(|error| error.within(&format!("error in remove for path: '{path}'")))
    }

    fn move_value(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let from = operation.from().map_err(|error| error.within("move operation failed to decode from"))?;
        if self.v5() && from.is_empty() {
            let text = "unable to move entire document to another path: invalid state detected";
            return Err(PatchError::new(PatchErrorKind::Inapplicable, text));
        }
        let flavor = self.options.flavor;
        let lenient = self.options.allow_missing_path_on_remove;
        let Some(key) = self.find(&from).map(|target| target.key) else {
            return Err(missing(&format!("move operation does not apply: doc is missing from path: {from}")));
        };
        let within = |error: PatchError| error.within(&format!("error in move for path: '{key}'"));
        let value = self.read(&from).transpose().map_err(within)?.flatten();
        if let Some(target) = self.find(&from) {
            target.remove(flavor, lenient).map_err(within)?;
        }
        let path = operation.path().map_err(|error| error.within("move operation failed to decode path"))?;
        let Some(target) = self.find(&path) else {
            let text = format!("move operation does not apply: doc is missing destination path: {path}");
            return Err(missing(&text));
        };
        target
            .add(value.unwrap_or(Value::Null))
            .map_err(|error| error.within(&format!("error in move for path: '{path}'")))
    }

    fn test(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let path = operation.path().map_err(|error| error.within("test operation failed to decode path"))?;
        let wanted = operation.value();
        let found = if path.is_empty() {
            Some(self.document.clone())
        } else {
            if self.find(&path).is_none() {
                return Err(missing(&format!("test operation does not apply: is missing path: {path}")));
            }
            match self.read(&path) {
                Some(Err(error)) if !(self.v5() && error.kind == PatchErrorKind::Missing) => {
                    return Err(error.within(&format!("error in test for path: '{path}'")));
                }
                Some(Ok(found)) => found,
                _ => None,
            }
        };
        let same = match (&found, wanted) {
            (None | Some(Value::Null), None | Some(Value::Null)) => true,
            (Some(found), Some(wanted)) => found == wanted,
            _ => false,
        };
        if same {
            return Ok(());
        }
        Err(PatchError::new(PatchErrorKind::TestFailed, format!("testing value {path} failed: test failed")))
    }

    fn copy(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let from = operation.from().map_err(|error| error.within("copy operation failed to decode from"))?;
        if self.find(&from).is_none() {
            let shown = if self.v5() { format!("\"{from}\"") } else { from.clone() };
            return Err(missing(&format!(
                "copy operation does not apply: doc is missing from path: {shown}"
            )));
        }
        let value = self
            .read(&from)
            .transpose()
            .map_err(|error| error.within(&format!("error in copy for from: '{from}'")))?
            .flatten();
        let path = operation.path().map_err(|_| missing("copy operation failed to decode path"))?;
        self.count_copy(value.as_ref())?;
        let Some(target) = self.find(&path) else {
            let text = format!("copy operation does not apply: doc is missing destination path: {path}");
            return Err(missing(&text));
        };
        target
            .add(value.unwrap_or(Value::Null))
            .map_err(|error| error.within("error while adding value during copy"))
    }

    fn count_copy(&mut self, value: Option<&Value>) -> Result<(), PatchError> {
        let Some(limit) = self.options.copy_bytes_max else { return Ok(()) };
        self.copied += value.map_or(0, |value| value.to_string().len());
        if self.copied > limit {
            let text = format!(
                "Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {limit}",
                self.copied
            );
            return Err(PatchError::new(PatchErrorKind::Inapplicable, text));
        }
        Ok(())
    }
}

impl PatchError {
    fn within(mut self, context: &str) -> Self {
        self.text = format!("{context}: {}", self.text);
        self
    }
}
