//! `%YAML` and `%TAG` lines.

use super::{Scan, Scanner};
use crate::chars::{at, is_alpha, is_blank, is_blankz, is_break, is_breakz};
use crate::error::Mark;
use crate::token::TokenKind;

const DIGITS_MAX: usize = 2;

impl Scanner<'_> {
    pub(super) fn fetch_directive(&mut self) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let kind = match self.directive_name(start)?.as_slice() {
            b"YAML" => {
                self.skip_blanks();
                let major = self.version_number(start)?;
                if at(self.text, self.mark.offset) != b'.' {
                    return Err(self.problem(start, "did not find expected digit or '.' character"));
                }
                self.skip();
                let minor = self.version_number(start)?;
                TokenKind::VersionDirective { major, minor }
            }
            b"TAG" => self.tag_directive(start)?,
            _ => return Err(self.problem(start, "found unknown directive name")),
        };
        self.push(kind, start, self.mark);
        self.skip_blanks();
        if at(self.text, self.mark.offset) == b'#' {
            self.skip_to_break();
        }
        if !is_breakz(self.text, self.mark.offset) {
            return Err(self.problem(start, "did not find expected comment or line break"));
        }
        if is_break(self.text, self.mark.offset) {
            self.skip_line();
        }
        Ok(())
    }

    pub(super) fn skip_blanks(&mut self) {
        while is_blank(self.text, self.mark.offset) {
            self.skip();
        }
    }

    fn directive_name(&mut self, start: Mark) -> Scan<Vec<u8>> {
        let mut name = Vec::new();
        while is_alpha(at(self.text, self.mark.offset)) {
            self.read(&mut name);
        }
        if name.is_empty() {
            return Err(self.problem(start, "could not find expected directive name"));
        }
        if !is_blankz(self.text, self.mark.offset) {
            return Err(self.problem(start, "found unexpected non-alphabetical character"));
        }
        Ok(name)
    }

    fn version_number(&mut self, start: Mark) -> Scan<u8> {
        let mut number = 0;
        let mut digits = 0;
        while let digit @ b'0'..=b'9' = at(self.text, self.mark.offset) {
            digits += 1;
            if digits > DIGITS_MAX {
                return Err(self.problem(start, "found extremely long version number"));
            }
            number = number * 10 + (digit - b'0');
            self.skip();
        }
        if digits == 0 {
            return Err(self.problem(start, "did not find expected version number"));
        }
        Ok(number)
    }

    fn tag_directive(&mut self, start: Mark) -> Scan<TokenKind> {
        self.skip_blanks();
        let handle = self.tag_handle(true, start)?;
        if !is_blank(self.text, self.mark.offset) {
            return Err(self.problem(start, "did not find expected whitespace"));
        }
        self.skip_blanks();
        let prefix = self.tag_uri(&[], start)?;
        if !is_blankz(self.text, self.mark.offset) {
            return Err(self.problem(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective { handle: super::tag::text(handle), prefix: super::tag::text(prefix) })
    }
}
