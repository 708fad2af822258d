//! Why a chart cannot be rendered, in Helm's words.

/// A text for the user. Where Helm has one for the case, it is Helm's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct HelmError(pub String);

impl HelmError {
    /// An error of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The error with what was being done before it.
    #[must_use]
    pub fn within(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

pub(crate) fn err<T>(text: impl Into<String>) -> Result<T, HelmError> {
    Err(HelmError::new(text))
}
