//! Errors of reading and writing, in the words of the Go libraries.

use std::fmt;

/// A place in a stream. Lines and columns count from 0, as the scanner does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// Bytes from the start of the text.
    pub offset: usize,
    /// Characters from the start of the text.
    pub index: usize,
    /// Line, from 0.
    pub line: u32,
    /// Column in characters, from 0.
    pub column: u32,
}

/// Which of the two generations of Go's YAML library is imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// go-yaml v2, behind `sigs.k8s.io/yaml`: YAML 1.1 scalars (`yes`, `on`, ...).
    V2,
    /// go-yaml v3, behind kyaml: YAML 1.2 booleans, comments.
    V3,
}

/// Why a text is not taken. `Display` gives the Go library's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not YAML.
    #[error("yaml: {}{problem}", Line(*line))]
    Syntax {
        /// Line as the Go library counts it; 0 where it names none.
        line: u32,
        /// What is wrong.
        problem: String,
    },
    /// The text is YAML and cannot be decoded.
    #[error("yaml: {0}")]
    Decode(String),
    /// Problems of several places, one line each.
    #[error("yaml: unmarshal errors:\n{}", Indented(.0))]
    Unmarshal(Vec<String>),
    /// What came out is no JSON.
    #[error("{0}")]
    Json(String),
}

struct Line(u32);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "line {}: ", self.0) }
    }
}

struct Indented<'a>(&'a [String]);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            write!(f, "{}  {problem}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// A problem with its two places, before a dialect has chosen the line to name.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) text: String,
    pub(crate) context: Mark,
    pub(crate) place: Mark,
    pub(crate) from: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Reader,
    Scanner,
    Parser,
}

impl Problem {
    pub(crate) fn into_error(self, dialect: Dialect) -> Error {
        let past = u32::from(self.from == Stage::Scanner);
        let line = match (dialect, self.context.line, self.place.line) {
            _ if self.from == Stage::Reader => 0,
            (Dialect::V3, context, _) if context != 0 => context + past,
            (_, _, place) if place != 0 => place + past,
            (Dialect::V2, context, _) => context,
            (Dialect::V3, ..) => 0,
        };
        Error::Syntax { line, problem: self.text }
    }
}
