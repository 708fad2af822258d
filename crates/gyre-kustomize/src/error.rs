//! Why a build fails, in Kustomize's words.

use std::fmt;

/// What kind of problem it is, where the build goes on differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing special.
    Plain,
    /// A file is no YAML: it is not tried as a directory.
    Malformed,
    /// A remote file could not be had: it is not tried as a directory.
    Remote,
    /// A bound of the build is reached, or its time is over: nothing else is tried.
    Limit,
    /// A node is of another kind than the field needs; not a scalar.
    NotAScalar,
}

/// Why a build fails. `Display` is Kustomize's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    /// What kind of problem it is.
    pub kind: ErrorKind,
    /// Kustomize's text.
    pub text: String,
    /// What is to be told of old fields that were met before.
    pub warnings: Vec<String>,
}

/// The result of a step of a build.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A problem of no special kind.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of(ErrorKind::Plain, text)
    }

    /// A problem of this kind.
    pub fn of(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), warnings: Vec::new() }
    }

    /// The same problem with words before it.
    #[must_use]
    pub fn within(self, prefix: impl fmt::Display) -> Self {
        self.behind(format_args!("{prefix}: "))
    }

    /// The same problem behind a text as it is.
    #[must_use]
    pub fn behind(mut self, text: impl fmt::Display) -> Self {
        self.text = format!("{text}{}", self.text);
        self
    }
}

/// A failure with these words.
pub(crate) fn fail<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::new(text))
}

/// A bound of [`crate::limits`] is reached.
pub(crate) fn limit<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::of(ErrorKind::Limit, text))
}

impl From<gyre_yaml::Error> for Error {
    fn from(error: gyre_yaml::Error) -> Self {
        Self::new(error.to_string())
    }
}
