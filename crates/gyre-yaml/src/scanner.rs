//! Text to tokens, accepting exactly what libyaml accepts.
//!
//! Start at [`Scanner::peek`]. Indicators and indentation are here; scalars, tags, directives and comments have a
//! file each below.

mod comment;
mod directive;
mod indicator;
mod literal;
mod plain;
mod quoted;
mod tag;

use std::collections::VecDeque;

use smol_str::SmolStr;

use crate::chars::{at, is_blank, is_blankz, is_bom, is_break, width};
use crate::error::{Dialect, Mark, Problem, Stage};
use crate::limits::{DEPTH_MAX, SIMPLE_KEY_CHARS_MAX};
use crate::token::{Comment, ScalarStyle, Token, TokenKind};

pub(crate) type Scan<T> = Result<T, Problem>;

#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    mark: Mark,
    /// Line breaks since the last character that is not blank.
    newlines: usize,
    /// How many tokens are kept ready beyond the one that is looked at.
    lookahead: usize,
    keep_comments: bool,
    started: bool,
    tokens: VecDeque<Token>,
    taken: usize,
    ready: bool,
    /// The column of the innermost block, -1 outside of any.
    indent: i64,
    indents: Vec<i64>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    pub(crate) comments: VecDeque<Comment>,
    /// What scalars are gathered in, one after the other.
    scratch: Vec<u8>,
    /// What is between the words of a plain scalar.
    blanks: quoted::Blanks,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, dialect: Dialect, keep_comments: bool) -> Self {
        Self {
            text: text.as_bytes(),
            mark: Mark::default(),
            newlines: 0,
            lookahead: if dialect == Dialect::V3 { 2 } else { 0 },
            keep_comments,
            started: false,
            tokens: VecDeque::new(),
            taken: 0,
            ready: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: Vec::new(),
            comments: VecDeque::new(),
            scratch: Vec::new(),
            blanks: quoted::Blanks::default(),
        }
    }

    /// Is everything read?
    pub(crate) fn at_end(&self) -> bool {
        self.mark.offset >= self.text.len()
    }

    /// Are comments gathered?
    pub(crate) fn keeps_comments(&self) -> bool {
        self.keep_comments
    }

    /// The next token.
    pub(crate) fn peek(&mut self) -> Scan<&Token> {
        if !self.ready {
            self.fetch_more_tokens()?;
            self.ready = true;
        }
        match self.tokens.front() {
            Some(token) => Ok(token),
            None => Err(self.problem_here("attempted to go past the end of stream; corrupted value?")),
        }
    }

    /// Takes the token that [`Scanner::peek`] has shown.
    pub(crate) fn take(&mut self) -> Option<Token> {
        self.ready = false;
        self.taken += 1;
        self.tokens.pop_front()
    }

    fn fetch_more_tokens(&mut self) -> Scan<()> {
        loop {
            if matches!(self.tokens.back(), Some(Token { kind: TokenKind::StreamEnd, .. })) {
                return Ok(());
            }
            if self.tokens.len() > self.lookahead && !self.head_may_become_a_key()? {
                return Ok(());
            }
            self.fetch_next_token()?;
        }
    }

    /// Might a KEY token have to go before the token at the head of the queue?
    fn head_may_become_a_key(&mut self) -> Scan<bool> {
        let head = self.taken;
        let from = self.simple_keys.partition_point(|key| key.token_number < head);
        for at in from..self.simple_keys.len() {
            if self.simple_keys[at].token_number != head {
                break;
            }
            if self.simple_keys[at].possible {
                return self.simple_key_is_valid(at);
            }
        }
        Ok(false)
    }

    fn fetch_next_token(&mut self) -> Scan<()> {
        if !self.started {
            self.started = true;
            self.simple_keys.push(SimpleKey::default());
            self.push(TokenKind::StreamStart, self.mark, self.mark);
            return Ok(());
        }
        let scan_mark = self.mark;
        self.scan_to_next_token()?;
        self.unroll_indent(i64::from(self.mark.column), scan_mark);
        let byte = at(self.text, self.mark.offset);
        if byte == 0 {
            return self.fetch_stream_end();
        }
        if self.mark.column == 0 {
            if byte == b'%' {
                return self.fetch_directive();
            }
            if let Some(kind) = self.document_indicator() {
                return self.fetch_document_indicator(kind);
            }
        }
        let mut comment_mark = self.mark;
        if let Some(last) = self.tokens.back()
            && ((self.flow_level == 0 && byte == b':') || (self.flow_level > 0 && byte == b','))
        {
            comment_mark = last.start;
        }
        self.fetch_content(byte)?;
        let alone = matches!(self.tokens.back(), Some(Token { kind: TokenKind::BlockEntry, .. }));
        if self.keep_comments && !alone {
            self.scan_line_comment(comment_mark);
        }
        Ok(())
    }

    fn fetch_content(&mut self, byte: u8) -> Scan<()> {
        let then_blank = is_blankz(self.text, self.mark.offset + 1);
        let flow = self.flow_level > 0;
        match byte {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if then_blank => self.fetch_block_entry(),
            b'?' if flow || then_blank => self.fetch_key(),
            b':' if flow || then_blank => self.fetch_value(),
            b'*' => self.fetch_anchor(true),
            b'&' => self.fetch_anchor(false),
            b'!' => self.fetch_tag(),
            b'|' if !flow => self.fetch_block_scalar(true),
            b'>' if !flow => self.fetch_block_scalar(false),
            b'\'' => self.fetch_flow_scalar(true),
            b'"' => self.fetch_flow_scalar(false),
            b'-' if !is_blank(self.text, self.mark.offset + 1) => self.fetch_plain_scalar(),
            b'?' | b':' if !flow && !then_blank => self.fetch_plain_scalar(),
            b' ' | b'\t' | b'-' | b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                Err(self.cannot_start())
            }
            _ if is_break(self.text, self.mark.offset) => Err(self.cannot_start()),
            _ => self.fetch_plain_scalar(),
        }
    }

    fn cannot_start(&self) -> Problem {
        self.problem_here("found character that cannot start any token")
    }

    fn document_indicator(&self) -> Option<TokenKind> {
        match self.text.get(self.mark.offset..self.mark.offset + 3) {
            Some(b"---") if is_blankz(self.text, self.mark.offset + 3) => Some(TokenKind::DocumentStart),
            Some(b"...") if is_blankz(self.text, self.mark.offset + 3) => Some(TokenKind::DocumentEnd),
            _ => None,
        }
    }

    fn scan_to_next_token(&mut self) -> Scan<()> {
        let scan_mark = self.mark;
        loop {
            if self.mark.column == 0 && is_bom(self.text, self.mark.offset) {
                self.skip();
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while at(self.text, self.mark.offset) == b' '
                || (tabs && at(self.text, self.mark.offset) == b'\t')
            {
                self.skip();
            }
            if self.keep_comments {
                self.move_comment_of_entry();
            }
            if at(self.text, self.mark.offset) == b'#' {
                if self.keep_comments {
                    self.scan_comments(scan_mark);
                } else {
                    self.skip_to_break();
                }
            }
            if !is_break(self.text, self.mark.offset) {
                return Ok(());
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    // Positions.

    fn skip(&mut self) {
        let byte = at(self.text, self.mark.offset);
        if byte != b' ' && byte != b'\t' {
            self.newlines = 0;
        }
        self.mark.index += 1;
        self.mark.column += 1;
        self.mark.offset += width(byte);
    }

    fn skip_to_break(&mut self) {
        while !crate::chars::is_breakz(self.text, self.mark.offset) {
            self.skip();
        }
    }

    fn skip_line(&mut self) {
        if at(self.text, self.mark.offset) == b'\r' && at(self.text, self.mark.offset + 1) == b'\n' {
            self.mark.index += 2;
            self.mark.offset += 2;
        } else {
            self.mark.index += 1;
            self.mark.offset += width(at(self.text, self.mark.offset));
        }
        self.mark.column = 0;
        self.mark.line += 1;
        self.newlines += 1;
    }

    /// Copies one character.
    fn read(&mut self, into: &mut Vec<u8>) {
        let byte = at(self.text, self.mark.offset);
        let width = width(byte);
        if byte != b' ' && byte != b'\t' {
            self.newlines = 0;
        }
        into.extend_from_slice(self.text.get(self.mark.offset..self.mark.offset + width).unwrap_or_default());
        self.mark.offset += width;
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Copies the characters up to the first that is special for plain and quoted scalars.
    fn read_run(&mut self, into: &mut Vec<u8>) {
        let run = self.text[self.mark.offset..]
            .iter()
            .take_while(
                |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b'_'),
            )
            .count();
        if run > 0 {
            into.extend_from_slice(&self.text[self.mark.offset..self.mark.offset + run]);
            self.mark.offset += run;
            self.mark.index += run;
            self.mark.column += run as u32;
            self.newlines = 0;
        }
    }

    /// Copies a line break; CR, CR LF and NEL become LF.
    fn read_line(&mut self, into: &mut Vec<u8>) {
        if at(self.text, self.mark.offset) == 0xe2 {
            into.extend_from_slice(&self.text[self.mark.offset..self.mark.offset + 3]);
        } else {
            into.push(b'\n');
        }
        self.skip_line();
    }

    // Tokens and indentation.

    fn push(&mut self, kind: TokenKind, start: Mark, end: Mark) {
        self.tokens.push_back(Token { kind, start, end });
    }

    /// An empty buffer for the bytes of a scalar.
    fn scratch(&mut self) -> Vec<u8> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch
    }

    /// Pushes a scalar and keeps its buffer for the next one.
    fn push_scalar(&mut self, value: Vec<u8>, style: ScalarStyle, start: Mark, end: Mark) {
        let text = SmolStr::new(String::from_utf8_lossy(&value));
        self.push(TokenKind::Scalar { value: text, style }, start, end);
        self.scratch = value;
    }

    fn roll_indent(&mut self, column: u32, number: Option<usize>, kind: TokenKind, mark: Mark) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= i64::from(column) {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = i64::from(column);
        if self.indents.len() > DEPTH_MAX {
            return Err(self.too_deep());
        }
        let token = Token { kind, start: mark, end: mark };
        match number {
            Some(number) => self.tokens.insert(number - self.taken, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    fn too_deep(&self) -> Problem {
        self.problem_here(&format!("exceeded max depth of {DEPTH_MAX}"))
    }

    fn unroll_indent(&mut self, column: i64, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut block_mark = scan_mark;
        if self.lookahead == 0 {
            block_mark = self.mark;
        } else {
            block_mark.index = block_mark.index.wrapping_sub(1);
        }
        while self.indent > column {
            let mut stop = block_mark.index;
            for comment in self.comments.iter().rev() {
                if (comment.end.index as isize) < (stop as isize) {
                    break;
                }
                if i64::from(comment.start.column) == self.indent + 1 {
                    block_mark = comment.start;
                }
                stop = comment.scan.index;
            }
            self.push(TokenKind::BlockEnd, block_mark, block_mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn simple_key_is_valid(&mut self, at: usize) -> Scan<bool> {
        let Some(key) = self.simple_keys.get_mut(at).filter(|key| key.possible) else { return Ok(false) };
        if key.mark.line < self.mark.line || key.mark.index + SIMPLE_KEY_CHARS_MAX < self.mark.index {
            if key.required {
                let mark = key.mark;
                return Err(self.problem(mark, "could not find expected ':'"));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Scan<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == i64::from(self.mark.column);
        let key = SimpleKey {
            possible: true,
            required,
            token_number: self.taken + self.tokens.len(),
            mark: self.mark,
        };
        self.remove_simple_key()?;
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan<()> {
        let Some(key) = self.simple_keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            let mark = key.mark;
            return Err(self.problem(mark, "could not find expected ':'"));
        }
        key.possible = false;
        Ok(())
    }

    fn problem(&self, context: Mark, text: &str) -> Problem {
        Problem { text: text.into(), context, place: self.mark, from: Stage::Scanner }
    }

    fn problem_here(&self, text: &str) -> Problem {
        self.problem(self.mark, text)
    }
}
