//! Quoted scalars.

use super::tag::hex;
use super::{Scan, Scanner};
use crate::chars::{at, is_blank, is_blankz, is_break};
use crate::error::Mark;
use crate::token::ScalarStyle;

impl Scanner<'_> {
    pub(super) fn fetch_flow_scalar(&mut self, single: bool) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let quote = if single { b'\'' } else { b'"' };
        let mut value = self.scratch();
        loop {
            if self.mark.column == 0 && self.document_indicator().is_some() {
                return Err(self.problem(start, "found unexpected document indicator"));
            }
            if at(self.text, self.mark.offset) == 0 {
                return Err(self.problem(start, "found unexpected end of stream"));
            }
            let escaped_break = self.quoted_word(single, &mut value, start)?;
            if at(self.text, self.mark.offset) == quote {
                break;
            }
            self.quoted_blanks(&mut value, escaped_break);
        }
        self.skip();
        let style = if single { ScalarStyle::SingleQuoted } else { ScalarStyle::DoubleQuoted };
        self.push_scalar(value, style, start, self.mark);
        Ok(())
    }

    /// Reads up to a blank, a break or the closing quote. True where an escaped line break ended it.
    fn quoted_word(&mut self, single: bool, value: &mut Vec<u8>, start: Mark) -> Scan<bool> {
        loop {
            self.read_run(value);
            if is_blankz(self.text, self.mark.offset) {
                return Ok(false);
            }
            match at(self.text, self.mark.offset) {
                b'\'' if single => {
                    if at(self.text, self.mark.offset + 1) != b'\'' {
                        return Ok(false);
                    }
                    value.push(b'\'');
                    self.skip();
                    self.skip();
                }
                b'"' if !single => return Ok(false),
                b'\\' if !single && is_break(self.text, self.mark.offset + 1) => {
                    self.skip();
                    self.skip_line();
                    return Ok(true);
                }
                b'\\' if !single => self.escape(value, start)?,
                _ => self.read(value),
            }
        }
    }

    fn escape(&mut self, value: &mut Vec<u8>, start: Mark) -> Scan<()> {
        let (text, digits) = match at(self.text, self.mark.offset + 1) {
            b'0' => ("\0", 0),
            b'a' => ("\x07", 0),
            b'b' => ("\x08", 0),
            b't' | b'\t' => ("\t", 0),
            b'n' => ("\n", 0),
            b'v' => ("\x0b", 0),
            b'f' => ("\x0c", 0),
            b'r' => ("\r", 0),
            b'e' => ("\x1b", 0),
            b' ' => (" ", 0),
            b'"' => ("\"", 0),
            b'\'' => ("'", 0),
            b'\\' => ("\\", 0),
            b'N' => ("\u{85}", 0),
            b'_' => ("\u{a0}", 0),
            b'L' => ("\u{2028}", 0),
            b'P' => ("\u{2029}", 0),
            b'x' => ("", 2),
            b'u' => ("", 4),
            b'U' => ("", 8),
            _ => return Err(self.problem(start, "found unknown escape character")),
        };
        self.skip();
        self.skip();
        value.extend_from_slice(text.as_bytes());
        if digits == 0 {
            return Ok(());
        }
        let mut code: u64 = 0;
        for nth in 0..digits {
            let Some(digit) = hex(at(self.text, self.mark.offset + nth)) else {
                return Err(self.problem(start, "did not find expected hexdecimal number"));
            };
            code = code << 4 | u64::from(digit);
        }
        let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else {
            return Err(self.problem(start, "found invalid Unicode character escape code"));
        };
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        for _ in 0..digits {
            self.skip();
        }
        Ok(())
    }

    /// Blanks and breaks inside of quotes: breaks are folded.
    fn quoted_blanks(&mut self, value: &mut Vec<u8>, after_break: bool) {
        let mut blanks = Blanks { broken: after_break, ..Blanks::default() };
        while self.take_blank(&mut blanks) {}
        blanks.put(value);
    }

    /// Takes a blank or a break; false where there is none.
    pub(super) fn take_blank(&mut self, blanks: &mut Blanks) -> bool {
        if is_blank(self.text, self.mark.offset) {
            if blanks.broken {
                self.skip();
            } else {
                self.read(&mut blanks.spaces);
            }
        } else if is_break(self.text, self.mark.offset) {
            if blanks.broken {
                self.read_line(&mut blanks.more_breaks);
            } else {
                blanks.spaces.clear();
                self.read_line(&mut blanks.first_break);
                blanks.broken = true;
            }
        } else {
            return false;
        }
        true
    }
}

/// Blanks and breaks between two words of a scalar.
#[derive(Default)]
pub(super) struct Blanks {
    spaces: Vec<u8>,
    first_break: Vec<u8>,
    more_breaks: Vec<u8>,
    /// Has there been a break?
    pub(super) broken: bool,
}

impl Blanks {
    /// Forgets them; the buffers are kept.
    pub(super) fn clear(&mut self) {
        self.spaces.clear();
        self.first_break.clear();
        self.more_breaks.clear();
        self.broken = false;
    }

    /// Puts them between the words: one line break becomes a space, more become one less.
    pub(super) fn put(&mut self, value: &mut Vec<u8>) {
        if !self.broken {
            value.append(&mut self.spaces);
            return;
        }
        if self.first_break.first() != Some(&b'\n') {
            value.append(&mut self.first_break);
        } else if self.more_breaks.is_empty() {
            value.push(b' ');
        }
        value.append(&mut self.more_breaks);
        self.first_break.clear();
        self.broken = false;
    }
}
