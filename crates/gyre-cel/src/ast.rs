//! What an expression is made of.

use crate::value::Value;

/// An expression with its place, in code points from the start.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Literal(Value),
    Ident(String),
    Select { operand: Box<Expr>, field: String, optional: bool },
    Has { operand: Box<Expr>, field: String },
    Call { function: String, target: Option<Box<Expr>>, args: Vec<Expr> },
    List(Vec<Item>),
    Map(Vec<(Expr, Item)>),
    Message { name: String, fields: Vec<(String, Expr)> },
    Fold(Box<Fold>),
    Bind { var: String, init: Box<Expr>, body: Box<Expr> },
    OptMap { operand: Box<Expr>, var: String, body: Box<Expr>, flat: bool },
}

/// An element, left out where it is optional and empty.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) expr: Expr,
    pub(crate) optional: bool,
}

/// A macro that goes over a list or a map.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    pub(crate) kind: FoldKind,
    pub(crate) range: Expr,
    /// One or two: the element, or the index or key and the element.
    pub(crate) vars: Vec<String>,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    /// `transformMap`: entries with new values.
    MapValues,
}

impl Expr {
    /// The dotted name, where the expression is one.
    pub(crate) fn dotted(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(name) => Some(name.clone()),
            Kind::Select { operand, field, optional: false } => {
                Some(format!("{}.{field}", operand.dotted()?))
            }
            _ => None,
        }
    }
}
