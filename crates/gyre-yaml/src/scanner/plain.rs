//! Plain scalars.

use super::{Scan, Scanner};
use crate::chars::{at, is_blank, is_blankz, is_break};
use crate::token::ScalarStyle;

impl Scanner<'_> {
    pub(super) fn fetch_plain_scalar(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let indent = self.indent + 1;
        let start = self.mark;
        let mut end = self.mark;
        let mut value = self.scratch();
        let mut blanks = std::mem::take(&mut self.blanks);
        loop {
            if self.mark.column == 0 && self.document_indicator().is_some() {
                break;
            }
            if at(self.text, self.mark.offset) == b'#' {
                break;
            }
            while !self.plain_ends() {
                blanks.put(&mut value);
                self.read(&mut value);
                self.read_run(&mut value);
                end = self.mark;
            }
            if !(is_blank(self.text, self.mark.offset) || is_break(self.text, self.mark.offset)) {
                break;
            }
            loop {
                let shallow = i64::from(self.mark.column) < indent;
                if blanks.broken && shallow && at(self.text, self.mark.offset) == b'\t' {
                    return Err(self.problem(start, "found a tab character that violates indentation"));
                }
                if !self.take_blank(&mut blanks) {
                    break;
                }
            }
            if self.flow_level == 0 && i64::from(self.mark.column) < indent {
                break;
            }
        }
        self.push_scalar(value, ScalarStyle::Plain, start, end);
        if blanks.broken {
            self.simple_key_allowed = true;
        }
        blanks.clear();
        self.blanks = blanks;
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
