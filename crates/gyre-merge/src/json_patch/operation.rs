//! One operation of a patch.

use serde_json::{Map, Value};

use super::{PatchError, PatchErrorKind, wrong_type};

/// One operation: its members as they were given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation(Map<String, Value>);

impl Operation {
    pub(super) fn from_value(value: Value) -> Result<Self, PatchError> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            Value::Null => Ok(Self(Map::new())),
            other => Err(wrong_type(&other, "jsonpatch.Operation")),
        }
    }

    pub(super) fn kind(&self) -> &str {
        self.0.get("op").and_then(Value::as_str).unwrap_or("unknown")
    }

    pub(super) fn path(&self) -> Result<String, PatchError> {
        self.text("path", "operation missing path field")
    }

    pub(super) fn from(&self) -> Result<String, PatchError> {
        self.text("from", "operation, missing from field")
    }

    fn text(&self, member: &str, absent: &str) -> Result<String, PatchError> {
        match self.0.get(member) {
            None | Some(Value::Null) => Err(super::missing(absent)),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(wrong_type(other, "string")),
        }
    }

    pub(super) fn value(&self) -> Option<&Value> {
        self.0.get("value")
    }

    /// What v5 asks of an operation before any is applied.
    pub(super) fn validate(&self) -> Result<(), PatchError> {
        let checked = match self.kind() {
            "add" | "replace" if self.value().is_none() => {
                Err(super::missing("failed to decode 'value': operation, missing value field"))
            }
            "add" | "replace" | "remove" | "test" => Ok(()),
            "move" | "copy" => {
                self.from().map(|_| ()).map_err(|error| error.within("failed to decode 'from'"))
            }
            _ => Err(PatchError::new(PatchErrorKind::Inapplicable, "unsupported operation")),
        };
        checked
            .and_then(|()| self.path().map(|_| ()).map_err(|error| error.within("failed to decode 'path'")))
            .map_err(|error| error.within(&format!("invalid operation {}", Value::Object(self.0.clone()))))
    }
}
