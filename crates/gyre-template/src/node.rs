//! The parsed template: nodes, and how each is written back.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use gyre_go::strconv::quote;

use crate::text::Text;

/// A sequence of nodes.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) nodes: Vec<Node>,
}

/// A node of a template, or an argument of a command.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where in the text it begins.
    pub(crate) at: usize,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Text(Text),
    Action(Pipe),
    Break,
    Continue,
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        name: Arc<str>,
        pipe: Option<Pipe>,
    },
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    /// A text, as written and as meant.
    String {
        written: Arc<str>,
        text: Text,
    },
    /// `.a.b`
    Field(Vec<Arc<str>>),
    /// `$x.a.b`, the variable first.
    Variable(Vec<Arc<str>>),
    /// `(pipe).a.b`
    Chain {
        node: Box<Node>,
        fields: Vec<Arc<str>>,
    },
    Identifier(Arc<str>),
    Pipe(Pipe),
}

/// `if`, `with` and `range`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) otherwise: Option<List>,
}

/// Commands joined by `|`, and what they are assigned to.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) at: usize,
    pub(crate) is_assign: bool,
    pub(crate) variables: Vec<Arc<str>>,
    pub(crate) commands: Vec<Command>,
}

impl Pipe {
    /// Does it name a place, and call nothing?
    pub(crate) fn is_place(&self) -> bool {
        let [Command { args, .. }] = &self.commands[..] else { return false };
        matches!(
            &args[..],
            [Node { kind: NodeKind::Field(_) | NodeKind::Variable(_) | NodeKind::Chain { .. }, .. }]
        )
    }
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) at: usize,
    pub(crate) args: Vec<Node>,
}

/// A number with all that it can be.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) written: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) is_char: bool,
}

impl Display for List {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

fn write_branch(f: &mut Formatter<'_>, name: &str, branch: &Branch) -> fmt::Result {
    write!(f, "{{{{{name} {}}}}}{}", branch.pipe, branch.list)?;
    if let Some(otherwise) = &branch.otherwise {
        write!(f, "{{{{else}}}}{otherwise}")?;
    }
    f.write_str("{{end}}")
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Text(text) => f.write_str(&text.to_string_lossy()),
            NodeKind::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            NodeKind::Break => f.write_str("{{break}}"),
            NodeKind::Continue => f.write_str("{{continue}}"),
            NodeKind::If(branch) => write_branch(f, "if", branch),
            NodeKind::With(branch) => write_branch(f, "with", branch),
            NodeKind::Range(branch) => write_branch(f, "range", branch),
            NodeKind::Template { name, pipe } => {
                write!(f, "{{{{template {}", quote(name.as_bytes()))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            NodeKind::Bool(value) => value.fmt(f),
            NodeKind::Dot => f.write_str("."),
            NodeKind::Nil => f.write_str("nil"),
            NodeKind::Number(number) => f.write_str(&number.written),
            NodeKind::String { written, .. } => f.write_str(written),
            NodeKind::Field(names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            NodeKind::Variable(names) => f.write_str(&names.join(".")),
            NodeKind::Chain { node, fields } => {
                match node.kind {
                    NodeKind::Pipe(_) => write!(f, "({node})")?,
                    _ => node.fmt(f)?,
                }
                fields.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            NodeKind::Identifier(name) => f.write_str(name),
            NodeKind::Pipe(pipe) => pipe.fmt(f),
        }
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            f.write_str(&self.variables.join(", "))?;
            f.write_str(if self.is_assign { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match arg.kind {
                NodeKind::Pipe(_) => write!(f, "({arg})")?,
                _ => arg.fmt(f)?,
            }
        }
        Ok(())
    }
}
