//! Tokens to an expression. Macros are recognised here; complaints are those of cel-go.

use crate::Issue;
use crate::ast::{Expr, Fold, FoldKind, Item, Kind};
use crate::lexer::{Spanned, Token, lex};
use crate::limits::{DEPTH_MAX, EXPRESSION_CHARS_MAX};
use crate::value::Value;

const STARTS: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Words that may not name anything.
pub(crate) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Parses a whole expression.
pub(crate) fn parse(source: &str) -> Result<Expr, Vec<Issue>> {
    if source.chars().count() > EXPRESSION_CHARS_MAX {
        let text = format!(
            "expression code point size exceeds limit: size: {}, limit {EXPRESSION_CHARS_MAX}",
            source.chars().count()
        );
        return Err(vec![Issue::new(0, text)]);
    }
    let (tokens, mut issues) = lex(source);
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let parsed = parser.expression().and_then(|expr| {
        let rest = parser.current();
        match (&rest.token, tokens.get(parser.at + 1)) {
            (Token::End, _) => Ok(expr),
            (_, Some(next)) if next.token == Token::End => {
                Err(parser.syntax(format!("extraneous input '{}' expecting <EOF>", rest.text)))
            }
            _ => Err(parser.syntax(format!("mismatched input '{}' expecting <EOF>", rest.text))),
        }
    });
    match parsed {
        Ok(expr) if issues.is_empty() => Ok(expr),
        Ok(_) => Err(issues),
        Err(issue) => {
            issues.push(issue);
            Err(issues)
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Spanned],
    at: usize,
    depth: usize,
}

type Parsed<T = Expr> = Result<T, Issue>;

impl<'a> Parser<'a> {
    fn current(&self) -> &'a Spanned {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.current().token, Token::Op(it) if it == op)
    }

    fn advance(&mut self) -> &'a Spanned {
        let token = self.current();
        self.at += 1;
        token
    }

    fn take(&mut self, op: &str) -> bool {
        let found = self.is(op);
        self.at += usize::from(found);
        found
    }

    fn syntax(&self, text: String) -> Issue {
        Issue::new(self.current().at, format!("Syntax error: {text}"))
    }

    fn expect(&mut self, op: &str) -> Parsed<()> {
        if self.take(op) {
            return Ok(());
        }
        Err(self.syntax(format!("mismatched input '{}' expecting '{op}'", self.current().text)))
    }

    fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Issue::new(
                self.current().at,
                format!("expression recursion limit exceeded: {DEPTH_MAX}"),
            ));
        }
        let condition = self.binary(0)?;
        let at = self.current().at;
        let expr = if self.take("?") {
            let yes = self.binary(0)?;
            self.expect(":")?;
            let no = self.expression()?;
            call(at, "_?_:_", vec![condition, yes, no])
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn binary(&mut self, level: usize) -> Parsed {
        const LEVELS: [&[(&str, &str)]; 5] = [
            &[("||", "_||_")],
            &[("&&", "_&&_")],
            &[
                ("==", "_==_"),
                ("!=", "_!=_"),
                ("<", "_<_"),
                ("<=", "_<=_"),
                (">", "_>_"),
                (">=", "_>=_"),
                ("in", "@in"),
            ],
            &[("+", "_+_"), ("-", "_-_")],
            &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Token::Op(op) = self.current().token
            && let Some((_, function)) = operators.iter().find(|(it, _)| *it == op)
        {
            let at = self.advance().at;
            let right = self.binary(level + 1)?;
            left = call(at, function, vec![left, right]);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let (at, mut count) = (self.current().at, 0_usize);
        let op = if self.is("!") { "!" } else { "-" };
        while self.is(op) {
            // compat(cel.g4): a minus before a number belongs to it.
            let number = self.tokens.get(self.at + 1).map(|it| &it.token);
            if op == "-" && matches!(number, Some(Token::Int(_) | Token::Float(_))) {
                break;
            }
            self.advance();
            count += 1;
        }
        let inner = self.member()?;
        if count % 2 == 0 {
            return Ok(inner);
        }
        Ok(call(at, if op == "!" { "!_" } else { "-_" }, vec![inner]))
    }

    fn member(&mut self) -> Parsed {
        let mut expr = self.primary()?;
        let mut links = 0;
        loop {
            links += 1;
            if links > DEPTH_MAX {
                return Err(Issue::new(
                    self.current().at,
                    format!("expression recursion limit exceeded: {DEPTH_MAX}"),
                ));
            }
            let at = self.current().at;
            if self.take(".") {
                let optional = self.take("?");
                let name = self.field_name()?;
                let open = self.current().at;
                expr = if !optional && self.take("(") {
                    let args = self.arguments(")")?;
                    macros(open, Some(expr), name, args)?
                } else {
                    Expr { at, kind: Kind::Select { operand: Box::new(expr), field: name, optional } }
                };
            } else if self.take("[") {
                let function = if self.take("?") { "_[?_]" } else { "_[_]" };
                let index = self.expression()?;
                self.expect("]")?;
                expr = call(at, function, vec![expr, index]);
            } else {
                return Ok(expr);
            }
        }
    }

    fn field_name(&mut self) -> Parsed<String> {
        match &self.current().token {
            Token::Ident(name) | Token::Quoted(name) => {
                self.advance();
                Ok(name.clone())
            }
            Token::Op("in") => {
                self.advance();
                Ok("in".into())
            }
            _ => Err(self.syntax(format!(
                "no viable alternative at input '.{}'",
                if self.current().token == Token::End { "" } else { &self.current().text }
            ))),
        }
    }

    fn arguments(&mut self, close: &str) -> Parsed<Vec<Expr>> {
        let mut args = Vec::new();
        while !self.is(close) {
            args.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        self.expect(close)?;
        Ok(args)
    }

    fn primary(&mut self) -> Parsed {
        let spanned = self.current();
        let at = spanned.at;
        let literal = |value: Value| Ok(Expr { at, kind: Kind::Literal(value) });
        let wrong = |what: &str| Err(Issue::new(at, format!("invalid {what} literal")));
        let mut negative = false;
        let mut token = &spanned.token;
        if *token == Token::Op("-") {
            negative = true;
            self.advance();
            token = &self.current().token;
        }
        let sign = if negative { "-" } else { "" };
        match token {
            Token::Int(text) => {
                self.advance();
                number(sign, text).map_or_else(|| wrong("int"), |it| literal(Value::Int(it)))
            }
            Token::Float(text) => {
                self.advance();
                format!("{sign}{text}")
                    .parse()
                    .map_or_else(|_| wrong("double"), |it| literal(Value::Double(it)))
            }
            _ if negative => {
                Err(self.syntax(format!("no viable alternative at input '-{}'", self.current().text)))
            }
            Token::Uint(text) => {
                self.advance();
                let (radix, digits) = text.strip_prefix("0x").map_or((10, text.as_str()), |it| (16, it));
                u64::from_str_radix(digits, radix)
                    .map_or_else(|_| wrong("uint"), |it| literal(Value::Uint(it)))
            }
            Token::Text(text) => {
                self.advance();
                literal(Value::text(text))
            }
            Token::Bytes(bytes) => {
                self.advance();
                literal(Value::Bytes(bytes.as_slice().into()))
            }
            Token::Op("(") => {
                self.advance();
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Op("[") => {
                self.advance();
                self.list(at)
            }
            Token::Op("{") => {
                self.advance();
                self.map(at)
            }
            Token::Op(".")
                if matches!(self.tokens.get(self.at + 1).map(|it| &it.token), Some(Token::Ident(_))) =>
            {
                self.advance();
                self.name()
            }
            Token::Ident(_) => self.name(),
            _ => Err(self.syntax(format!("mismatched input '{}' expecting {STARTS}", spanned.text))),
        }
    }

    fn name(&mut self) -> Parsed {
        let spanned = self.advance();
        let at = spanned.at;
        let name = spanned.text.clone();
        match name.as_str() {
            "true" | "false" => return Ok(Expr { at, kind: Kind::Literal(Value::Bool(name == "true")) }),
            "null" => return Ok(Expr { at, kind: Kind::Literal(Value::Null) }),
            _ => {}
        }
        if let Some(fields) = self.message_ahead() {
            return self.message(at, name, fields);
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(Issue::new(at, format!("reserved identifier: {name}")));
        }
        let open = self.current().at;
        if self.take("(") {
            let args = self.arguments(")")?;
            return macros(open, None, name, args);
        }
        Ok(Expr { at, kind: Kind::Ident(name) })
    }

    /// How many `.name` stand before a `{`, where a message is written.
    fn message_ahead(&self) -> Option<usize> {
        let token = |at: usize| self.tokens.get(at).map(|it| &it.token);
        let mut at = self.at;
        while token(at) == Some(&Token::Op(".")) && matches!(token(at + 1), Some(Token::Ident(_))) {
            at += 2;
        }
        (token(at) == Some(&Token::Op("{"))).then_some((at - self.at) / 2)
    }

    fn message(&mut self, at: usize, mut name: String, parts: usize) -> Parsed {
        for _ in 0..parts {
            self.advance();
            name = format!("{name}.{}", self.advance().text);
        }
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.is("}") {
            let field = self.field_name()?;
            self.expect(":")?;
            fields.push((field, self.expression()?));
            if !self.take(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(Expr { at, kind: Kind::Message { name, fields } })
    }

    fn list(&mut self, at: usize) -> Parsed {
        let mut items = Vec::new();
        while !self.is("]") {
            let optional = self.take("?");
            items.push(Item { expr: self.expression()?, optional });
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Expr { at, kind: Kind::List(items) })
    }

    fn map(&mut self, at: usize) -> Parsed {
        let mut entries = Vec::new();
        while !self.is("}") {
            let optional = self.take("?");
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, Item { expr: self.expression()?, optional }));
            if !self.take(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(Expr { at, kind: Kind::Map(entries) })
    }
}

fn number(sign: &str, text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16).ok(),
        None => format!("{sign}{text}").parse().ok(),
    }
}

fn call(at: usize, function: &str, args: Vec<Expr>) -> Expr {
    Expr { at, kind: Kind::Call { function: function.to_owned(), target: None, args } }
}

fn variable(expr: &Expr) -> Parsed<String> {
    match &expr.kind {
        Kind::Ident(name) => Ok(name.clone()),
        _ => Err(Issue::new(expr.at, "argument must be a simple name")),
    }
}

/// A call, or the macro that it is.
fn macros(at: usize, target: Option<Expr>, function: String, args: Vec<Expr>) -> Parsed {
    let made = |kind: Kind| Ok(Expr { at, kind });
    match (target, function.as_str(), args.len()) {
        (None, "has", 1) => {
            let arg = args.into_iter().next();
            match arg.map(|it| (it.at, it.kind)) {
                Some((_, Kind::Select { operand, field, optional: false })) => {
                    made(Kind::Has { operand, field })
                }
                Some((at, _)) => Err(Issue::new(at, "invalid argument to has() macro")),
                None => Err(Issue::new(at, "invalid argument to has() macro")),
            }
        }
        (Some(target), "bind", 3) if target.dotted().as_deref() == Some("cel") => {
            let var = variable(&args[0])?;
            let mut rest = args.into_iter().skip(1).map(Box::new);
            match (rest.next(), rest.next()) {
                (Some(init), Some(body)) => made(Kind::Bind { var, init, body }),
                _ => Err(Issue::new(at, "invalid bind")),
            }
        }
        (Some(target), "optMap" | "optFlatMap", 2) => {
            let var = variable(&args[0])?;
            let flat = function == "optFlatMap";
            match args.into_iter().nth(1) {
                Some(body) => {
                    made(Kind::OptMap { operand: Box::new(target), var, body: Box::new(body), flat })
                }
                None => Err(Issue::new(at, "invalid argument")),
            }
        }
        (Some(target), name, count) => match fold_of(name, count) {
            Some((kind, vars, filtered)) => fold(at, kind, vars, filtered, target, args),
            None => made(Kind::Call { function, target: Some(Box::new(target)), args }),
        },
        (None, ..) => made(Kind::Call { function, target: None, args }),
    }
}

/// The macro of a name and a number of arguments: kind, number of variables, whether a filter comes first.
fn fold_of(name: &str, count: usize) -> Option<(FoldKind, usize, bool)> {
    Some(match (name, count) {
        ("all", 2 | 3) => (FoldKind::All, count - 1, false),
        ("exists", 2 | 3) => (FoldKind::Exists, count - 1, false),
        ("exists_one" | "existsOne", 2 | 3) => (FoldKind::ExistsOne, count - 1, false),
        ("filter", 2) => (FoldKind::Filter, 1, false),
        ("map", 2 | 3) => (FoldKind::Map, 1, count == 3),
        ("transformList", 3 | 4) => (FoldKind::Map, 2, count == 4),
        ("transformMap", 3 | 4) => (FoldKind::MapValues, 2, count == 4),
        _ => return None,
    })
}

fn fold(at: usize, kind: FoldKind, vars: usize, filtered: bool, range: Expr, args: Vec<Expr>) -> Parsed {
    let names: Vec<String> = args[..vars].iter().map(variable).collect::<Parsed<_>>()?;
    let mut rest = args.into_iter().skip(vars);
    let filter = if filtered { rest.next() } else { None };
    match rest.next() {
        Some(body) => {
            Ok(Expr { at, kind: Kind::Fold(Box::new(Fold { kind, range, vars: names, filter, body })) })
        }
        None => Err(Issue::new(at, "a macro lacks an argument")),
    }
}
