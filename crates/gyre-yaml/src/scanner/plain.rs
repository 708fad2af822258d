//! Plain scalars.

use super::quoted::fold;
use super::{Scan, Scanner};
use crate::chars::{at, is_blank, is_blankz, is_break};
use crate::token::{ScalarStyle, TokenKind};

impl Scanner<'_> {
    pub(super) fn fetch_plain_scalar(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let indent = self.indent + 1;
        let start = self.mark;
        let mut end = self.mark;
        let mut value = Vec::new();
        let mut whitespaces = Vec::new();
        let mut leading_break = Vec::new();
        let mut trailing_breaks = Vec::new();
        let mut leading_blanks = false;
        loop {
            if self.mark.column == 0 && self.document_indicator().is_some() {
                break;
            }
            if at(self.text, self.mark.offset) == b'#' {
                break;
            }
            while !self.plain_ends() {
                if leading_blanks {
                    fold(&mut value, &leading_break, &trailing_breaks);
                    leading_break.clear();
                    trailing_breaks.clear();
                    leading_blanks = false;
                } else {
                    value.append(&mut whitespaces);
                }
                self.read(&mut value);
                self.read_run(&mut value);
                end = self.mark;
            }
            if !(is_blank(self.text, self.mark.offset) || is_break(self.text, self.mark.offset)) {
                break;
            }
            loop {
                if is_blank(self.text, self.mark.offset) {
                    let shallow = i64::from(self.mark.column) < indent;
                    if leading_blanks && shallow && at(self.text, self.mark.offset) == b'\t' {
                        return Err(self.problem(start, "found a tab character that violates indentation"));
                    }
                    if leading_blanks {
                        self.skip();
                    } else {
                        self.read(&mut whitespaces);
                    }
                } else if is_break(self.text, self.mark.offset) {
                    if leading_blanks {
                        self.read_line(&mut trailing_breaks);
                    } else {
                        whitespaces.clear();
                        self.read_line(&mut leading_break);
                        leading_blanks = true;
                    }
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && i64::from(self.mark.column) < indent {
                break;
            }
        }
        let kind = TokenKind::Scalar { value: super::tag::text(value), style: ScalarStyle::Plain };
        self.push(kind, start, end);
        if leading_blanks {
            self.simple_key_allowed = true;
        }
        Ok(())
    }

    /// Does the character here end a word of a plain scalar?
    fn plain_ends(&self) -> bool {
        match at(self.text, self.mark.offset) {
            b':' => is_blankz(self.text, self.mark.offset + 1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => is_blankz(self.text, self.mark.offset),
        }
    }
}
