//! Tags in their short form.

use std::fmt;

use smol_str::SmolStr;

const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// What a node is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Nothing is said.
    #[default]
    None,
    /// `!!null`.
    Null,
    /// `!!bool`.
    Bool,
    /// `!!str`.
    Str,
    /// `!!int`.
    Int,
    /// `!!float`.
    Float,
    /// `!!timestamp`.
    Timestamp,
    /// `!!binary`.
    Binary,
    /// `!!merge`, the key `<<`.
    Merge,
    /// `!!map`.
    Map,
    /// `!!seq`.
    Seq,
    /// Any other, in short form.
    Other(Box<SmolStr>),
}

impl Tag {
    /// From a tag in short or long form.
    pub fn parse(text: &str) -> Self {
        let name = text.strip_prefix(LONG_PREFIX).or_else(|| text.strip_prefix("!!"));
        match name {
            None if text.is_empty() => Self::None,
            None => Self::other(text),
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("str") => Self::Str,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            Some("map") => Self::Map,
            Some("seq") => Self::Seq,
            Some(other) => Self::other(format!("!!{other}")),
        }
    }

    /// Boxed, since nearly every tag is another: nodes are smaller for it.
    fn other(text: impl Into<SmolStr>) -> Self {
        Self::Other(Box::new(text.into()))
    }

    /// The short form, `!!str`.
    pub fn short(&self) -> &str {
        match self {
            Self::None => "",
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Str => "!!str",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
            Self::Map => "!!map",
            Self::Seq => "!!seq",
            Self::Other(text) => text,
        }
    }

    /// Is the value behind this tag found by looking at the text?
    pub(crate) fn is_resolvable(&self) -> bool {
        matches!(
            self,
            Self::None | Self::Null | Self::Bool | Self::Str | Self::Int | Self::Float | Self::Timestamp
        )
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}
