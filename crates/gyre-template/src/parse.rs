//! From text to nodes, with Go's complaints.

mod number;

use std::collections::HashSet;
use std::sync::Arc;

use gyre_go::strconv::{quote, unquote};

use crate::lex::{Kind, Lexer, Token};
use crate::limits::NESTING_MAX;
use crate::node::{Branch, Command, List, Node, NodeKind, Pipe};
use crate::text::Text;

/// Why a text is no template: `template: name:line: what`.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("template: {name}:{line}: {what}")]
pub struct ParseError {
    /// The name of the template.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// One template: a file's own, or one that a file defines.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) name: Arc<str>,
    /// The file that it stands in; with its text, for positions in errors.
    pub(crate) source: Arc<Source>,
    pub(crate) root: List,
}

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Tree {
    /// Does it hold nothing but white space?
    pub(crate) fn is_blank(&self) -> bool {
        let space = |byte: &u8| byte.is_ascii_whitespace();
        self.root
            .nodes
            .iter()
            .all(|node| matches!(&node.kind, NodeKind::Text(text) if text.bytes().iter().all(space)))
    }
}

/// Reads a template. The first tree is the text's own, the rest are those that it defines, in order.
pub(crate) fn parse(
    name: &str,
    text: &str,
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Vec<Tree>, ParseError> {
    let source = Arc::new(Source { name: name.into(), text: text.into() });
    let mut parser = Parser {
        lexer: Lexer::new(text),
        tokens: Vec::new(),
        line: 1,
        source: &source,
        is_function,
        variables: vec!["$".into()],
        range_depth: 0,
        depth: 0,
        action_line: 0,
        defined: Vec::new(),
        names: HashSet::new(),
    };
    let root = parser.top()?;
    let mut trees = std::mem::take(&mut parser.defined);
    let own = Tree { name: name.into(), source: source.clone(), root };
    if let Some(same) = trees.iter().position(|tree| &*tree.name == name) {
        // A file may define a template of its own name; the one with content stays.
        if !own.is_blank() && !trees[same].is_blank() {
            return Err(
                parser.error(format!("template: multiple definition of template {}", quote(name.as_bytes())))
            );
        }
        if own.is_blank() {
            let tree = trees.remove(same);
            trees.insert(0, tree);
            return Ok(trees);
        }
        trees.remove(same);
    }
    trees.insert(0, own);
    Ok(trees)
}

/// How a list of nodes ended.
enum Ended {
    End,
    Else,
}

impl Ended {
    fn shown(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Ended(Ended),
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Tokens that were put back, the next one last.
    tokens: Vec<Token>,
    /// The line of the token read last.
    line: usize,
    source: &'a Arc<Source>,
    is_function: &'a dyn Fn(&str) -> bool,
    variables: Vec<Arc<str>>,
    range_depth: usize,
    depth: usize,
    action_line: usize,
    defined: Vec<Tree>,
    names: HashSet<Arc<str>>,
}

impl Parser<'_> {
    fn error(&self, what: impl Into<String>) -> ParseError {
        ParseError { name: self.source.name.to_string(), line: self.line, what: what.into() }
    }

    fn next(&mut self) -> Token {
        self.tokens.pop().unwrap_or_else(|| {
            let token = self.lexer.next();
            self.line = token.line;
            token
        })
    }

    fn next_solid(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn back(&mut self, token: Token) {
        self.tokens.push(token);
    }

    fn peek(&mut self) -> Kind {
        let token = self.next();
        let kind = token.kind;
        self.back(token);
        kind
    }

    fn peek_solid(&mut self) -> Token {
        let token = self.next_solid();
        self.back(token.clone());
        token
    }

    fn unexpected(&self, token: &Token, context: &str) -> ParseError {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {token} in {context}"));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            let place = format!("started at {}:{}", self.source.name, self.action_line);
            // Not "action in action".
            extra = if token.text.ends_with(" action") {
                format!(" {place}")
            } else {
                format!(" in action {place}")
            };
        }
        self.error(format!("{token}{extra}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token, ParseError> {
        let token = self.next_solid();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    fn top(&mut self) -> Result<List, ParseError> {
        let mut list = List::default();
        while self.peek() != Kind::Eof {
            let delim = self.next();
            if delim.kind == Kind::LeftDelim {
                let token = self.next_solid();
                if token.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back(token);
            }
            self.back(delim);
            match self.item()? {
                Item::Node(node) => list.nodes.push(node),
                Item::Ended(ended) => return Err(self.error(format!("unexpected {}", ended.shown()))),
            }
        }
        Ok(list)
    }

    fn definition(&mut self) -> Result<(), ParseError> {
        const CONTEXT: &str = "define clause";
        let token = self.next_solid();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let (root, ended) = self.list()?;
        self.variables = outer;
        if matches!(ended, Ended::Else) {
            return Err(self.error(format!("unexpected {} in {CONTEXT}", ended.shown())));
        }
        self.add(&name, root)
    }

    fn add(&mut self, name: &Arc<str>, root: List) -> Result<(), ParseError> {
        let tree = Tree { name: name.clone(), source: self.source.clone(), root };
        if self.names.insert(name.clone()) {
            self.defined.push(tree);
            return Ok(());
        }
        let place = self.defined.iter().position(|known| known.name == *name).unwrap_or(0);
        if self.defined[place].is_blank() {
            self.defined[place] = tree;
        } else if !tree.is_blank() {
            let name = quote(name.as_bytes());
            return Err(self.error(format!("template: multiple definition of template {name}")));
        }
        Ok(())
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Result<Arc<str>, ParseError> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(token, context));
        }
        let text = unquote(token.text.as_bytes()).ok_or_else(|| self.error("invalid syntax"))?;
        Ok(String::from_utf8_lossy(&text).into())
    }

    fn list(&mut self) -> Result<(List, Ended), ParseError> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(self.error("blocks nest too deeply"));
        }
        let mut list = List::default();
        while self.peek_solid().kind != Kind::Eof {
            match self.item()? {
                Item::Node(node) => list.nodes.push(node),
                Item::Ended(ended) => {
                    self.depth -= 1;
                    return Ok((list, ended));
                }
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn item(&mut self) -> Result<Item, ParseError> {
        let token = self.next_solid();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node { at: token.at, kind: NodeKind::Text(token.text.into()) })),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                if item.is_ok() {
                    self.action_line = 0;
                }
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item, ParseError> {
        let token = self.next_solid();
        let mut at = token.at;
        let kind = match token.kind {
            Kind::Block => self.block(&mut at)?,
            Kind::Break | Kind::Continue => self.loop_control(&token)?,
            Kind::Else => {
                let next = self.peek_solid();
                if !matches!(next.kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Ended(Ended::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ended(Ended::End));
            }
            Kind::If => NodeKind::If(self.branch("if")?),
            Kind::Range => NodeKind::Range(self.branch("range")?),
            Kind::With => NodeKind::With(self.branch("with")?),
            Kind::Template => {
                let token = self.next_solid();
                at = token.at;
                let name = self.template_name(&token, "template clause")?;
                let next = self.next_solid();
                let pipe = if next.kind == Kind::RightDelim {
                    None
                } else {
                    self.back(next);
                    Some(self.pipeline("template clause", Kind::RightDelim)?)
                };
                NodeKind::Template { name, pipe }
            }
            _ => {
                self.back(token);
                NodeKind::Action(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Item::Node(Node { at, kind }))
    }

    fn loop_control(&mut self, token: &Token) -> Result<NodeKind, ParseError> {
        let (word, kind) = if token.kind == Kind::Break {
            ("{{break}}", NodeKind::Break)
        } else {
            ("{{continue}}", NodeKind::Continue)
        };
        let next = self.next_solid();
        if next.kind != Kind::RightDelim {
            return Err(self.unexpected(&next, word));
        }
        if self.range_depth == 0 {
            return Err(self.error(format!("{word} outside {{{{range}}}}")));
        }
        Ok(kind)
    }

    fn block(&mut self, at: &mut usize) -> Result<NodeKind, ParseError> {
        const CONTEXT: &str = "block clause";
        let token = self.next_solid();
        *at = token.at;
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let outer_depth = std::mem::take(&mut self.range_depth);
        let (root, ended) = self.list()?;
        self.variables = outer;
        self.range_depth = outer_depth;
        if matches!(ended, Ended::Else) {
            return Err(self.error(format!("unexpected {} in {CONTEXT}", ended.shown())));
        }
        self.add(&name, root)?;
        Ok(NodeKind::Template { name, pipe: Some(pipe) })
    }

    fn branch(&mut self, context: &str) -> Result<Branch, ParseError> {
        let mark = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let in_range = usize::from(context == "range");
        self.range_depth += in_range;
        let (list, ended) = self.list()?;
        self.range_depth -= in_range;
        let mut otherwise = None;
        if let Ended::Else = ended {
            let next = self.peek_solid();
            let wanted = match context {
                "if" => Some(Kind::If),
                "with" => Some(Kind::With),
                _ => None,
            };
            if wanted == Some(next.kind) {
                // `else if` is an `if` inside the `else`, and needs one end only.
                self.next_solid();
                self.depth += 1;
                if self.depth > NESTING_MAX {
                    return Err(self.error("blocks nest too deeply"));
                }
                let branch = self.branch(context)?;
                self.depth -= 1;
                let kind = if context == "if" { NodeKind::If(branch) } else { NodeKind::With(branch) };
                otherwise = Some(List { nodes: vec![Node { at: next.at, kind }] });
            } else {
                let (list, ended) = self.list()?;
                if matches!(ended, Ended::Else) {
                    return Err(self.error(format!("expected end; found {}", ended.shown())));
                }
                otherwise = Some(list);
            }
        }
        self.variables.truncate(mark);
        Ok(Branch { pipe, list, otherwise })
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, ParseError> {
        let at = self.peek_solid().at;
        let mut pipe = Pipe { at, is_assign: false, variables: Vec::new(), commands: Vec::new() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.next_solid();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
    }

    /// Reads `$x :=`, `$x =` or `$x,`. Says whether a second variable has to be looked for.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Result<bool, ParseError> {
        let variable = self.next_solid();
        if variable.kind != Kind::Variable {
            self.back(variable);
            return Ok(false);
        }
        let after = self.next();
        let next = if after.kind == Kind::Space { self.next_solid() } else { after.clone() };
        let name: Arc<str> = variable.text.as_str().into();
        if matches!(next.kind, Kind::Assign | Kind::Declare) {
            pipe.is_assign = next.kind == Kind::Assign;
            pipe.variables.push(name.clone());
            self.variables.push(name);
            return Ok(false);
        }
        if next.kind == Kind::Char && next.text == "," {
            pipe.variables.push(name.clone());
            self.variables.push(name);
            if context == "range" && pipe.variables.len() < 2 {
                return match self.peek_solid().kind {
                    Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                    _ => Err(self.error("range can only initialize variables")),
                };
            }
            return Err(self.error(format!("too many declarations in {context}")));
        }
        if after.kind == Kind::Space {
            self.back(next);
        }
        self.back(after);
        self.back(variable);
        Ok(false)
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result<(), ParseError> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.args[0].kind,
                NodeKind::Bool(_)
                    | NodeKind::Dot
                    | NodeKind::Nil
                    | NodeKind::Number(_)
                    | NodeKind::String { .. }
            ) {
                return Err(self.error(format!("non executable command in pipeline stage {}", index + 1)));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, ParseError> {
        let at = self.peek_solid().at;
        let mut command = Command { at, args: Vec::new() };
        loop {
            self.peek_solid();
            if let Some(operand) = self.operand()? {
                command.args.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(token),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        if command.args.is_empty() { Err(self.error("empty command")) } else { Ok(command) }
    }

    fn operand(&mut self) -> Result<Option<Node>, ParseError> {
        let Some(mut node) = self.term()? else { return Ok(None) };
        if self.peek() != Kind::Field {
            return Ok(Some(node));
        }
        let mut at = None;
        let mut fields: Vec<Arc<str>> = Vec::new();
        while self.peek() == Kind::Field {
            let token = self.next();
            at.get_or_insert(token.at);
            fields.push(token.text[1..].into());
        }
        let at = at.unwrap_or(node.at);
        match &mut node.kind {
            NodeKind::Field(names) | NodeKind::Variable(names) => {
                names.extend(fields);
                node.at = at;
                Ok(Some(node))
            }
            NodeKind::Bool(_)
            | NodeKind::String { .. }
            | NodeKind::Number(_)
            | NodeKind::Nil
            | NodeKind::Dot => {
                Err(self.error(format!("unexpected . after term {}", quote(node.to_string().as_bytes()))))
            }
            _ => Ok(Some(Node { at, kind: NodeKind::Chain { node: Box::new(node), fields } })),
        }
    }

    fn term(&mut self) -> Result<Option<Node>, ParseError> {
        let token = self.next_solid();
        let at = token.at;
        let kind = match token.kind {
            Kind::Identifier => {
                if !(self.is_function)(&token.text) {
                    return Err(self.error(format!("function {} not defined", quote(token.text.as_bytes()))));
                }
                NodeKind::Identifier(token.text.into())
            }
            Kind::Dot => NodeKind::Dot,
            Kind::Nil => NodeKind::Nil,
            Kind::Variable => {
                let name: Arc<str> = token.text.as_str().into();
                if !self.variables.contains(&name) {
                    return Err(self.error(format!("undefined variable {}", quote(token.text.as_bytes()))));
                }
                NodeKind::Variable(vec![name])
            }
            Kind::Field => NodeKind::Field(vec![token.text[1..].into()]),
            Kind::Bool => NodeKind::Bool(token.text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                NodeKind::Number(number::read(&token).map_err(|what| self.error(what))?)
            }
            Kind::LeftParen => NodeKind::Pipe(self.pipeline("parenthesized pipeline", Kind::RightParen)?),
            Kind::String | Kind::RawString => {
                let text = unquote(token.text.as_bytes()).ok_or_else(|| self.error("invalid syntax"))?;
                NodeKind::String { written: token.text.into(), text: Text::from(text) }
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Node { at, kind }))
    }
}
