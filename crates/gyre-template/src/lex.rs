//! Cuts the text of a template into tokens.

use crate::limits::NESTING_MAX;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

impl Kind {
    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Dot
                | Self::Nil
                | Self::Block
                | Self::Break
                | Self::Continue
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A token: what it is, where it begins, its text, and its line.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Kind::Eof => f.write_str("EOF"),
            Kind::Error => f.write_str(&self.text),
            kind if kind.is_keyword() => write!(f, "<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                write!(f, "{}...", gyre_go::strconv::quote(start.as_bytes()))
            }
            _ => f.write_str(&gyre_go::strconv::quote(self.text.as_bytes())),
        }
    }
}

/// Reads tokens one by one. After an error or the end it repeats the end.
pub(crate) struct Lexer<'a> {
    input: &'a str,
    at: usize,
    line: usize,
    inside: bool,
    parens: usize,
    ended: bool,
}

/// Go's white space in actions.
fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphabetic() || letter.is_numeric()
}

/// A rune as `%#U` prints it.
fn code_point(letter: char) -> String {
    let code = letter as u32;
    if gyre_go::strconv::is_print(letter) {
        format!("U+{code:04X} '{letter}'")
    } else {
        format!("U+{code:04X}")
    }
}

fn error(at: usize, line: usize, text: impl Into<String>) -> Token {
    Token { kind: Kind::Error, at, text: text.into(), line }
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self { input, at: 0, line: 1, inside: false, parens: 0, ended: false }
    }

    pub(crate) fn next(&mut self) -> Token {
        if self.ended {
            return Token { kind: Kind::Eof, at: self.at, text: "EOF".into(), line: self.line };
        }
        let token = if self.inside { self.action() } else { self.text() };
        self.ended |= matches!(token.kind, Kind::Error | Kind::Eof);
        token
    }

    fn rest(&self) -> &'a str {
        &self.input[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The token of the next bytes; lines inside it are counted.
    fn take(&mut self, kind: Kind, length: usize) -> Token {
        let text = &self.input[self.at..self.at + length];
        let token = Token { kind, at: self.at, text: text.into(), line: self.line };
        self.skip(length);
        token
    }

    fn skip(&mut self, length: usize) {
        let text = &self.input[self.at..self.at + length];
        self.line += text.bytes().filter(|&byte| byte == b'\n').count();
        self.at += length;
    }

    /// Text up to the next action.
    fn text(&mut self) -> Token {
        loop {
            let rest = self.rest();
            let Some(length) = rest.find("{{") else {
                if rest.is_empty() {
                    return Token { kind: Kind::Eof, at: self.at, text: "EOF".into(), line: self.line };
                }
                return self.take(Kind::Text, rest.len());
            };
            let after = &rest[length + 2..];
            let trims = after.starts_with('-') && after[1..].starts_with(is_space);
            if length > 0 {
                let kept = if trims { rest[..length].trim_end_matches(is_space).len() } else { length };
                if kept > 0 {
                    let token = self.take(Kind::Text, kept);
                    self.skip(length - kept);
                    return token;
                }
                self.skip(length);
                continue;
            }
            let marker = if trims { 2 } else { 0 };
            if after[marker..].starts_with("/*") {
                match self.comment(2 + marker) {
                    Some(error) => return error,
                    None => continue,
                }
            }
            let token = self.take(Kind::LeftDelim, 2);
            self.skip(marker);
            self.inside = true;
            self.parens = 0;
            return token;
        }
    }

    fn comment(&mut self, start: usize) -> Option<Token> {
        let (at, line) = (self.at, self.line);
        let body = &self.rest()[start..];
        let Some(length) = body.find("*/") else {
            return Some(error(at + start, line, "unclosed comment"));
        };
        self.skip(start + length + 2);
        let Some((length, trims)) = self.right_delim() else {
            return Some(error(at + start, line, "comment ends before closing delimiter"));
        };
        self.skip(length);
        if trims {
            self.trim();
        }
        None
    }

    fn trim(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start_matches(is_space).len());
    }

    /// The closing delimiter here: its length, and whether it trims what follows.
    fn right_delim(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        if rest.starts_with(is_space) && rest[1..].starts_with("-}}") {
            return Some((4, true));
        }
        rest.starts_with("}}").then_some((2, false))
    }

    fn action(&mut self) -> Token {
        if let Some((length, trims)) = self.right_delim() {
            if self.parens > 0 {
                return error(self.at, self.line, "unclosed left paren");
            }
            self.skip(length - 2);
            let token = self.take(Kind::RightDelim, 2);
            if trims {
                self.trim();
            }
            self.inside = false;
            return token;
        }
        let rest = self.rest();
        let Some(letter) = self.peek() else { return error(self.at, self.line, "unclosed action") };
        match letter {
            _ if is_space(letter) => self.space(),
            '=' => self.take(Kind::Assign, 1),
            ':' if rest.starts_with(":=") => self.take(Kind::Declare, 2),
            ':' => error(self.at, self.line, "expected :="),
            '|' => self.take(Kind::Pipe, 1),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match rest[1..].find('`') {
                Some(length) => self.take(Kind::RawString, length + 2),
                None => error(self.at, self.line, "unterminated raw quoted string"),
            },
            '$' => self.name(Kind::Variable),
            '.' if !rest[1..].starts_with(|next: char| next.is_ascii_digit()) && rest.len() > 1 => {
                self.name(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => self.number(),
            _ if is_word(letter) => self.identifier(),
            '(' => {
                self.parens += 1;
                if self.parens > NESTING_MAX {
                    return error(self.at, self.line, "expression nests too deeply");
                }
                self.take(Kind::LeftParen, 1)
            }
            ')' if self.parens == 0 => error(self.at, self.line, "unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.take(Kind::RightParen, 1)
            }
            _ if letter.is_ascii() && !letter.is_ascii_control() => self.take(Kind::Char, 1),
            _ => {
                let text = format!("unrecognized character in action: {}", code_point(letter));
                error(self.at, self.line, text)
            }
        }
    }

    fn space(&mut self) -> Token {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(is_space).len();
        // The last space belongs to a closing delimiter that trims.
        if rest[length..].starts_with("-}}") {
            length -= 1;
        }
        self.take(Kind::Space, length)
    }

    fn quoted(&mut self, mark: char, kind: Kind, unterminated: &str) -> Token {
        let mut letters = self.rest()[1..].char_indices();
        while let Some((place, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    None | Some((_, '\n')) => break,
                    Some(_) => {}
                },
                '\n' => break,
                _ if letter == mark => return self.take(kind, place + 2),
                _ => {}
            }
        }
        error(self.at, self.line, unterminated)
    }

    fn at_terminator(rest: &str) -> bool {
        match rest.chars().next() {
            None => true,
            Some(letter) => {
                is_space(letter)
                    || matches!(letter, '.' | ',' | '|' | ':' | ')' | '(')
                    || rest.starts_with("}}")
            }
        }
    }

    /// `.name` or `$name`; the mark alone is a dot or the outermost variable.
    fn name(&mut self, kind: Kind) -> Token {
        let rest = self.rest();
        if Self::at_terminator(&rest[1..]) {
            return self.take(if kind == Kind::Variable { Kind::Variable } else { Kind::Dot }, 1);
        }
        let length = 1 + rest[1..].find(|letter| !is_word(letter)).unwrap_or(rest.len() - 1);
        if !Self::at_terminator(&rest[length..]) {
            return self.bad_character(length);
        }
        self.take(kind, length)
    }

    fn bad_character(&self, length: usize) -> Token {
        let letter = self.rest()[length..].chars().next().unwrap_or('\0');
        error(self.at, self.line, format!("bad character {}", code_point(letter)))
    }

    fn identifier(&mut self) -> Token {
        let rest = self.rest();
        let length = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        if !Self::at_terminator(&rest[length..]) {
            return self.bad_character(length);
        }
        let kind = match &rest[..length] {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            "block" => Kind::Block,
            "break" => Kind::Break,
            "continue" => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            _ => Kind::Identifier,
        };
        self.take(kind, length)
    }

    fn number(&mut self) -> Token {
        let (length, fine) = scan_number(self.rest());
        let bad = |lexer: &Self, length: usize| {
            let text = gyre_go::strconv::quote(&lexer.rest().as_bytes()[..length]);
            error(lexer.at, lexer.line, format!("bad number syntax: {text}"))
        };
        if !fine {
            return bad(self, length);
        }
        let rest = &self.rest()[length..];
        if !rest.starts_with(['+', '-']) {
            return self.take(Kind::Number, length);
        }
        let (more, fine) = scan_number(rest);
        if !fine || !rest[..more].ends_with('i') {
            return bad(self, length + more);
        }
        self.take(Kind::Complex, length + more)
    }
}

/// How long a number is, and whether it is one.
fn scan_number(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let accept = |at: &mut usize, letters: &[u8]| {
        let hit = bytes.get(*at).is_some_and(|byte| letters.contains(byte));
        *at += usize::from(hit);
        hit
    };
    let mut digits: &[u8] = b"0123456789_";
    let mut hex = false;
    if accept(&mut at, b"0") {
        if accept(&mut at, b"xX") {
            digits = b"0123456789abcdefABCDEF_";
            hex = true;
        } else if accept(&mut at, b"oO") {
            digits = b"01234567_";
        } else if accept(&mut at, b"bB") {
            digits = b"01_";
        }
    }
    while accept(&mut at, digits) {}
    if accept(&mut at, b".") {
        while accept(&mut at, digits) {}
    }
    let exponent: &[u8] = if hex { b"pP" } else { b"eE" };
    if (hex || digits.len() == 11) && accept(&mut at, exponent) {
        accept(&mut at, b"+-");
        while accept(&mut at, b"0123456789_") {}
    }
    accept(&mut at, b"i");
    match text[at..].chars().next() {
        Some(letter) if is_word(letter) => (at + letter.len_utf8(), false),
        _ => (at, true),
    }
}
