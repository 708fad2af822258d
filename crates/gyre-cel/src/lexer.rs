//! Source text to tokens, with the complaints of cel-go's lexer.

use crate::Issue;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Ident(String),
    /// In backquotes: a field name of any letters.
    Quoted(String),
    Int(String),
    Uint(String),
    Float(String),
    Text(String),
    Bytes(Vec<u8>),
    Op(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) at: usize,
    pub(crate) text: String,
}

const OPERATORS: [&str; 27] = [
    "==", "!=", "<=", ">=", "&&", "||", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*",
    "/", "%", "<", ">", "in", "true", "false",
];

/// All tokens, the end last, and what was none.
pub(crate) fn lex(source: &str) -> (Vec<Spanned>, Vec<Issue>) {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer { chars: &chars, at: 0, issues: Vec::new() };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens.push(Spanned { token: Token::End, at: chars.len(), text: "<EOF>".into() });
    (tokens, lexer.issues)
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
    issues: Vec<Issue>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<Spanned> {
        loop {
            let first = self.peek(0)?;
            if first.is_ascii_whitespace() {
                self.at += 1;
            } else if first == '/' && self.peek(1) == Some('/') {
                while self.peek(0).is_some_and(|it| it != '\n') {
                    self.at += 1;
                }
            } else {
                let start = self.at;
                if let Some(token) = self.token(first) {
                    let text = self.chars[start..self.at].iter().collect();
                    return Some(Spanned { token, at: start, text });
                }
            }
        }
    }

    fn unknown(&mut self, start: usize) {
        let text: String = self.chars[start..self.at].iter().collect();
        let text = text.replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
        self.issues.push(Issue::new(start, format!("Syntax error: token recognition error at: '{text}'")));
    }

    fn token(&mut self, first: char) -> Option<Token> {
        let start = self.at;
        if let Some((prefix, raw, bytes)) = self.quote_prefix() {
            self.at += prefix;
            return self.quoted(start, raw, bytes);
        }
        if first.is_ascii_digit() || first == '.' && self.peek(1).is_some_and(|it| it.is_ascii_digit()) {
            return Some(self.number());
        }
        if first.is_ascii_alphabetic() || first == '_' {
            while self.peek(0).is_some_and(|it| it.is_ascii_alphanumeric() || it == '_') {
                self.at += 1;
            }
            let word: String = self.chars[start..self.at].iter().collect();
            return Some(if word == "in" { Token::Op("in") } else { Token::Ident(word) });
        }
        if first == '`' {
            let length = self.chars[start + 1..].iter().position(|it| *it == '`');
            if let Some(length) = length {
                self.at += length + 2;
                return Some(Token::Quoted(self.chars[start + 1..start + 1 + length].iter().collect()));
            }
        }
        let two: String = self.chars[start..(start + 2).min(self.chars.len())].iter().collect();
        if let Some(op) = OPERATORS.iter().find(|it| it.len() == 2 && **it == two && two != "in") {
            self.at += 2;
            return Some(Token::Op(op));
        }
        if let Some(op) = OPERATORS.iter().find(|it| it.len() == 1 && it.starts_with(first)) {
            self.at += 1;
            return Some(Token::Op(op));
        }
        // compat(ANTLR): half an operator takes along the letter at which it failed.
        self.at += if matches!(first, '&' | '|' | '=') && self.peek(1).is_some() { 2 } else { 1 };
        self.unknown(start);
        None
    }

    /// The length of what precedes a quotation mark, and whether the text is raw, or bytes.
    fn quote_prefix(&self) -> Option<(usize, bool, bool)> {
        let (mut length, mut raw, mut bytes) = (0, false, false);
        loop {
            match self.peek(length)? {
                '\'' | '"' => return Some((length, raw, bytes)),
                'r' | 'R' if !raw => raw = true,
                'b' | 'B' if !bytes && !raw => bytes = true,
                _ => return None,
            }
            length += 1;
        }
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        let text = |it: &Self| it.chars[start..it.at].iter().collect::<String>();
        let digits = |it: &mut Self| {
            while it.peek(0).is_some_and(|it| it.is_ascii_digit()) {
                it.at += 1;
            }
        };
        if self.peek(0) == Some('0')
            && self.peek(1) == Some('x')
            && self.peek(2).is_some_and(|it| it.is_ascii_hexdigit())
        {
            self.at += 2;
            while self.peek(0).is_some_and(|it| it.is_ascii_hexdigit()) {
                self.at += 1;
            }
            return self.whole(text(self));
        }
        digits(self);
        let mut float = false;
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
            digits(self);
            float = true;
        }
        let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
        if matches!(self.peek(0), Some('e' | 'E'))
            && self.peek(1 + sign).is_some_and(|it| it.is_ascii_digit())
        {
            self.at += 1 + sign;
            digits(self);
            float = true;
        }
        if float { Token::Float(text(self)) } else { self.whole(text(self)) }
    }

    fn whole(&mut self, text: String) -> Token {
        if matches!(self.peek(0), Some('u' | 'U')) {
            self.at += 1;
            return Token::Uint(text);
        }
        Token::Int(text)
    }

    fn quoted(&mut self, start: usize, raw: bool, bytes: bool) -> Option<Token> {
        let mark = self.peek(0)?;
        let long = self.peek(1) == Some(mark) && self.peek(2) == Some(mark) && self.closes_long(mark);
        let width = if long { 3 } else { 1 };
        self.at += width;
        let mut out = Vec::new();
        loop {
            let Some(letter) = self.peek(0).filter(|it| long || !matches!(it, '\n' | '\r')) else {
                self.unknown(start);
                return None;
            };
            if letter == mark && (!long || (self.peek(1) == Some(mark) && self.peek(2) == Some(mark))) {
                self.at += width;
                break;
            }
            if letter == '\\' && !raw {
                if self.escape(bytes, &mut out).is_none() {
                    self.at += 1;
                    self.unknown(start);
                    return None;
                }
                continue;
            }
            if letter == '\\' && raw && self.peek(1) == Some(mark) && !long {
                out.push(b'\\');
                self.at += 1;
                continue;
            }
            self.at += 1;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(if bytes { Token::Bytes(out) } else { Token::Text(String::from_utf8_lossy(&out).into_owned()) })
    }

    fn closes_long(&self, mark: char) -> bool {
        self.chars[self.at + 3..].windows(3).any(|it| it.iter().all(|it| *it == mark))
    }

    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Option<()> {
        let kind = self.peek(1)?;
        let plain = match kind {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' | '\'' | '"' | '`' | '?' => Some(kind as u8),
            _ => None,
        };
        if let Some(byte) = plain {
            out.push(byte);
            self.at += 2;
            return Some(());
        }
        let (skip, length, radix) = match kind {
            'x' | 'X' => (2, 2, 16),
            'u' => (2, 4, 16),
            'U' => (2, 8, 16),
            '0'..='3' => (1, 3, 8),
            _ => return None,
        };
        let digits = self.chars.get(self.at + skip..self.at + skip + length)?;
        let code = u32::from_str_radix(&digits.iter().collect::<String>(), radix).ok()?;
        if bytes && !matches!(kind, 'u' | 'U') {
            out.push(u8::try_from(code).ok()?);
        } else {
            out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.at += skip + length;
        Some(())
    }
}
