//! Comments, and the token that each belongs to: the rules of go-yaml v3.

use super::Scanner;
use crate::chars::{at, is_blank, is_break, is_breakz, width};
use crate::error::Mark;
use crate::limits::COMMENT_PEEK_MAX;
use crate::token::{Comment, TokenKind};

impl Scanner<'_> {
    /// A comment behind the token that was just read.
    pub(super) fn scan_line_comment(&mut self, token: Mark) {
        if self.newlines > 0 {
            return;
        }
        let blanks =
            self.text[self.mark.offset..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if blanks >= COMMENT_PEEK_MAX || at(self.text, self.mark.offset + blanks) != b'#' {
            return;
        }
        for _ in 0..blanks {
            self.skip();
        }
        let start = self.mark;
        let line = self.comment_text();
        self.comments.push_back(Comment { token, start, line, ..Comment::default() });
    }

    fn comment_text(&mut self) -> String {
        let mut text = Vec::new();
        while !is_breakz(self.text, self.mark.offset) {
            self.read(&mut text);
        }
        super::tag::text(text)
    }

    /// `- # comment` above the content of the entry: the comment is the head of that content.
    pub(super) fn move_comment_of_entry(&mut self) {
        let count = self.tokens.len();
        if count < 2
            || self.tokens[count - 2].kind != TokenKind::BlockSequenceStart
            || self.tokens[count - 1].kind != TokenKind::BlockEntry
            || is_break(self.text, self.mark.offset)
        {
            return;
        }
        let here = self.mark;
        if let Some(comment) = self.comments.back_mut().filter(|comment| !comment.line.is_empty()) {
            comment.head = std::mem::take(&mut comment.line);
            if comment.start.line + 1 == here.line {
                comment.token = here;
            }
        }
    }

    /// Comments on lines of their own.
    #[expect(
        clippy::too_many_lines,
        reason = "one walk over the lines; each rule of the Go library needs all of its state"
    )]
    pub(super) fn scan_comments(&mut self, mut scan: Mark) {
        let mut token = self.tokens.back();
        if self.tokens.len() > 1 && token.is_some_and(|token| token.kind == TokenKind::FlowEntry) {
            token = self.tokens.get(self.tokens.len() - 2);
        }
        let after_value = token.is_some_and(|token| token.kind == TokenKind::Value);
        let mut token_mark = token.map(|token| token.start).unwrap_or_default();
        let mut start = Mark::default();
        let mut next_indent = self.indent.max(0);
        let mut recent_empty = false;
        let mut first_empty = self.newlines <= 1;
        let mut line = self.mark.line;
        let mut column = self.mark.column;
        let mut text = String::new();
        let mut foot_line = -1;
        if scan.line > 0 {
            foot_line = i64::from(self.mark.line) - self.newlines as i64 + 1;
            if self.newlines == 0 && self.mark.column > 1 {
                foot_line += 1;
            }
        }
        let mut ahead = Ahead { pos: self.mark.offset, chars: 0 };
        while ahead.chars < COMMENT_PEEK_MAX {
            column += 1;
            let byte = at(self.text, ahead.pos);
            if is_blank(self.text, ahead.pos) {
                ahead.step(byte);
                continue;
            }
            let close_flow = self.flow_level > 0 && matches!(byte, b']' | b'}');
            let here = Mark { offset: ahead.pos, index: self.mark.index + ahead.chars, line, column };
            let dedented = i64::from(start.column) - 1 < next_indent;
            if close_flow || is_breakz(self.text, ahead.pos) {
                if close_flow || !recent_empty {
                    let foot = (i64::from(start.line) == foot_line && !after_value) || dedented;
                    if close_flow || (first_empty && foot) {
                        if !text.is_empty() {
                            if dedented {
                                token_mark = start;
                            }
                            let foot = std::mem::take(&mut text);
                            self.push_foot(scan, token_mark, start, here, foot);
                            scan = here;
                            token_mark = here;
                        }
                    } else if !text.is_empty() && byte != 0 {
                        text.push('\n');
                    }
                }
                if !is_break(self.text, ahead.pos) {
                    break;
                }
                first_empty = false;
                recent_empty = true;
                column = 0;
                line += 1;
                ahead.step(byte);
                continue;
            }
            let other_indent = i64::from(column) - 1 < next_indent && column != start.column;
            if !text.is_empty() && other_indent {
                let foot = std::mem::take(&mut text);
                self.push_foot(scan, token_mark, start, here, foot);
                scan = here;
                token_mark = here;
            }
            if byte != b'#' {
                break;
            }
            if text.is_empty() {
                start = here;
            } else {
                text.push('\n');
            }
            recent_empty = false;
            self.skip_ahead(ahead.pos);
            text.push_str(&self.comment_text());
            // compat(go-yaml v3): the step over the line break that follows does not count a line.
            ahead = Ahead { pos: self.mark.offset, chars: 0 };
            line = self.mark.line;
            column = 0;
            next_indent = self.indent.max(0);
            ahead.step(at(self.text, self.mark.offset));
        }
        if !text.is_empty() {
            let end = Mark {
                index: (self.mark.index + ahead.chars).wrapping_sub(1),
                offset: ahead.pos,
                line,
                column,
            };
            self.comments.push_back(Comment {
                scan,
                token: start,
                start,
                end,
                head: text,
                ..Comment::default()
            });
        }
    }

    fn push_foot(&mut self, scan: Mark, token: Mark, start: Mark, end: Mark, foot: String) {
        self.comments.push_back(Comment { scan, token, start, end, foot, ..Comment::default() });
    }

    /// Skips blanks and breaks up to a position.
    fn skip_ahead(&mut self, pos: usize) {
        while self.mark.offset < pos {
            if is_break(self.text, self.mark.offset) {
                self.skip_line();
            } else {
                self.skip();
            }
        }
    }
}

struct Ahead {
    pos: usize,
    chars: usize,
}

impl Ahead {
    fn step(&mut self, byte: u8) {
        self.pos += width(byte);
        self.chars += 1;
    }
}
