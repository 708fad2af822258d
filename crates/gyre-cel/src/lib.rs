//! The Common Expression Language as the Kubernetes API speaks it.
//!
//! Start with [`Env`], which declares variables; [`Env::compile`] checks an expression and makes a [`Program`], which
//! [`Program::run`] runs over values within a limit of cost. Messages are those of cel-go 0.26. Nothing here does I/O.

mod ast;
mod check;
mod declarations;
mod eval;
mod functions;
mod lexer;
mod limits;
mod parser;
mod types;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use types::{Object, Type};
pub use value::{Key, Value};

/// What is wrong at a place of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    at: usize,
    text: String,
}

impl Issue {
    pub(crate) fn new(at: usize, text: impl Into<String>) -> Self {
        Self { at, text: text.into() }
    }
}

/// An expression that cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompileError {
    /// It is not written or typed as it must be; the text shows the places.
    #[error("{0}")]
    Invalid(String),
    /// A constant part of it cannot be computed.
    #[error("{0}")]
    Constant(String),
}

/// Why an expression has no value.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RunError {
    /// What went wrong, in cel-go's words.
    #[error("{0}")]
    Failed(String),
    /// It takes more than it may.
    #[error("operation cancelled: actual cost limit exceeded")]
    TooCostly,
}

/// The variables that an expression may name, with their types.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, Type>,
}

/// An expression that was compiled.
#[derive(Clone, Debug)]
pub struct Program {
    expr: ast::Expr,
    output: Type,
}

impl Env {
    /// Nothing but the libraries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, ty: Type) -> Self {
        self.variables.insert(name.to_owned(), ty);
        self
    }

    /// Parses and checks an expression.
    ///
    /// # Errors
    /// With all that is wrong, and where.
    pub fn compile(&self, source: &str) -> Result<Program, CompileError> {
        let invalid = |issues: Vec<Issue>| CompileError::Invalid(shown(source, issues));
        let expr = parser::parse(source).map_err(invalid)?;
        let output = check::check(&self.variables, &expr).map_err(invalid)?;
        eval::constants(&expr).map_err(|error| CompileError::Constant(error.to_string()))?;
        Ok(Program { expr, output })
    }
}

impl Program {
    /// The type of the result.
    pub fn output(&self) -> &Type {
        &self.output
    }

    /// Runs the expression over the values of its variables, and says what it cost.
    ///
    /// # Errors
    /// When it has no value, or costs more than `cost_max`.
    pub fn run(&self, variables: &BTreeMap<String, Value>, cost_max: u64) -> (Result<Value, RunError>, u64) {
        eval::run(&self.expr, variables, cost_max)
    }
}

/// The issues in their order, each with its line and a mark below its place.
fn shown(source: &str, mut issues: Vec<Issue>) -> String {
    issues.sort_by_key(|issue| issue.at);
    issues.dedup();
    let mut out = String::new();
    for issue in issues {
        let before: Vec<char> = source.chars().take(issue.at).collect();
        let line = before.iter().filter(|it| **it == '\n').count();
        let column = before.iter().rev().take_while(|it| **it != '\n').count();
        let text = source.split('\n').nth(line).unwrap_or_default();
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "ERROR: <input>:{}:{}: {}\n | {}\n | {}^",
            line + 1,
            column + 1,
            issue.text,
            text.replace('\t', " "),
            ".".repeat(column)
        );
    }
    out
}

/// The name under which an expression reaches a property (`k8s.io/apiserver/pkg/cel`, Escape).
pub fn escape(name: &str) -> String {
    if parser::RESERVED.contains(&name) || matches!(name, "true" | "false" | "null" | "in") {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}
