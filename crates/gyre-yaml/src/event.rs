//! What the parser makes of tokens.

use smol_str::SmolStr;

use crate::error::Mark;
use crate::token::ScalarStyle;

/// Comments around a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Lines above, with their `#`.
    pub head: String,
    /// Behind, on the same line.
    pub line: String,
    /// Lines below.
    pub foot: String,
}

impl Comments {
    /// Is there no comment at all?
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<String>,
    /// The tag in full; empty where none is given.
    pub(crate) tag: String,
}

#[derive(Clone, Debug)]
pub(crate) enum EventKind {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar { value: SmolStr, style: ScalarStyle, properties: Properties },
    SequenceStart { flow: bool, properties: Properties },
    SequenceEnd,
    MappingStart { flow: bool, properties: Properties },
    MappingEnd,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    pub(crate) comments: Comments,
}
