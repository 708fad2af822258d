//! Block scalars: `|` and `>`.

use super::{Scan, Scanner};
use crate::chars::{at, is_blank, is_break, is_breakz};
use crate::error::Mark;
use crate::token::ScalarStyle;

#[derive(Clone, Copy, PartialEq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn fetch_block_scalar(&mut self, literal: bool) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        self.skip();
        let (chomping, increment) = self.block_header(start)?;
        self.skip_blanks();
        if at(self.text, self.mark.offset) == b'#' {
            if self.keep_comments {
                self.scan_line_comment(start);
            }
            self.skip_to_break();
        }
        if !is_breakz(self.text, self.mark.offset) {
            return Err(self.problem(start, "did not find expected comment or line break"));
        }
        if is_break(self.text, self.mark.offset) {
            self.skip_line();
        }
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut end = self.mark;
        let value = self.block_content(literal, chomping, &mut indent, start, &mut end)?;
        let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
        self.push_scalar(value, style, start, end);
        Ok(())
    }

    /// Chomping and indentation indicators, in either order.
    fn block_header(&mut self, start: Mark) -> Scan<(Chomping, i64)> {
        let mut chomping = Chomping::Clip;
        let mut increment = 0;
        let mut seen_digit = false;
        let mut seen_sign = false;
        loop {
            match at(self.text, self.mark.offset) {
                sign @ (b'+' | b'-') if !seen_sign => {
                    chomping = if sign == b'+' { Chomping::Keep } else { Chomping::Strip };
                    seen_sign = true;
                }
                b'0' if !seen_digit => {
                    return Err(self.problem(start, "found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if !seen_digit => {
                    increment = i64::from(digit - b'0');
                    seen_digit = true;
                }
                _ => return Ok((chomping, increment)),
            }
            self.skip();
        }
    }

    fn block_content(
        &mut self,
        literal: bool,
        chomping: Chomping,
        indent: &mut i64,
        start: Mark,
        end: &mut Mark,
    ) -> Scan<Vec<u8>> {
        let mut value = self.scratch();
        let mut leading_break = Vec::new();
        let mut trailing_breaks = Vec::new();
        self.block_breaks(indent, &mut trailing_breaks, start, end)?;
        let mut leading_blank = false;
        while i64::from(self.mark.column) == *indent && at(self.text, self.mark.offset) != 0 {
            let blank = is_blank(self.text, self.mark.offset);
            if !literal && !leading_blank && !blank && leading_break.first() == Some(&b'\n') {
                if trailing_breaks.is_empty() {
                    value.push(b' ');
                }
                leading_break.clear();
            } else {
                value.append(&mut leading_break);
            }
            value.append(&mut trailing_breaks);
            leading_blank = blank;
            let from = self.mark.offset;
            self.skip_to_break();
            value.extend_from_slice(&self.text[from..self.mark.offset]);
            if is_break(self.text, self.mark.offset) {
                self.read_line(&mut leading_break);
            }
            self.block_breaks(indent, &mut trailing_breaks, start, end)?;
        }
        if chomping != Chomping::Strip {
            value.append(&mut leading_break);
        }
        if chomping == Chomping::Keep {
            value.append(&mut trailing_breaks);
        }
        Ok(value)
    }

    /// Eats indentation and empty lines; finds the indentation where it is not known.
    fn block_breaks(
        &mut self,
        indent: &mut i64,
        breaks: &mut Vec<u8>,
        start: Mark,
        end: &mut Mark,
    ) -> Scan<()> {
        *end = self.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || i64::from(self.mark.column) < *indent)
                && at(self.text, self.mark.offset) == b' '
            {
                self.skip();
            }
            deepest = deepest.max(i64::from(self.mark.column));
            if (*indent == 0 || i64::from(self.mark.column) < *indent)
                && at(self.text, self.mark.offset) == b'\t'
            {
                return Err(
                    self.problem(start, "found a tab character where an indentation space is expected")
                );
            }
            if !is_break(self.text, self.mark.offset) {
                break;
            }
            self.read_line(breaks);
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
