//! What is wrong with an expression, in Go's words.

/// Why an expression cannot be read, and the part that is wrong.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("error parsing regexp: {problem}: `{expression}`")]
pub struct RegexpError {
    /// What is wrong.
    pub problem: Problem,
    /// The part of the expression.
    pub expression: String,
}

/// What is wrong with an expression.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// `[z-a]`
    #[error("invalid character class range")]
    CharRange,
    /// `\y`
    #[error("invalid escape sequence")]
    Escape,
    /// `(?P<>a)`
    #[error("invalid named capture")]
    NamedCapture,
    /// `(?!a)`
    #[error("invalid or unsupported Perl syntax")]
    PerlSyntax,
    /// `a**`
    #[error("invalid nested repetition operator")]
    NestedRepeat,
    /// `a{3,2}`
    #[error("invalid repeat count")]
    RepeatCount,
    /// `[a`
    #[error("missing closing ]")]
    MissingBracket,
    /// `(a`
    #[error("missing closing )")]
    MissingParenthesis,
    /// `*a`
    #[error("missing argument to repetition operator")]
    MissingArgument,
    /// `a\`
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    /// `a)`
    #[error("unexpected )")]
    UnexpectedParenthesis,
    /// Too deep.
    #[error("expression nests too deeply")]
    TooDeep,
    /// Too large when compiled.
    #[error("expression too large")]
    TooLarge,
}

pub(super) fn error<T>(problem: Problem, expression: &str) -> Result<T, RegexpError> {
    Err(RegexpError { problem, expression: expression.into() })
}
