//! Anchors, aliases and tags.

use super::{Scan, Scanner};
use crate::chars::{at, is_alpha, is_blankz, width};
use crate::error::Mark;
use crate::token::TokenKind;

pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

impl Scanner<'_> {
    pub(super) fn fetch_anchor(&mut self, alias: bool) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let mut name = Vec::new();
        while is_alpha(at(self.text, self.mark.offset)) {
            self.read(&mut name);
        }
        let ends = is_blankz(self.text, self.mark.offset)
            || matches!(
                at(self.text, self.mark.offset),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !ends {
            return Err(self.problem(start, "did not find expected alphabetic or numeric character"));
        }
        let name = text(name);
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        self.push(kind, start, self.mark);
        Ok(())
    }

    pub(super) fn fetch_tag(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let (handle, suffix) = if at(self.text, self.mark.offset + 1) == b'<' {
            self.skip();
            self.skip();
            let suffix = self.tag_uri(&[], start)?;
            if at(self.text, self.mark.offset) != b'>' {
                return Err(self.problem(start, "did not find the expected '>'"));
            }
            self.skip();
            (Vec::new(), suffix)
        } else {
            self.tag_shorthand(start)?
        };
        if !is_blankz(self.text, self.mark.offset) {
            return Err(self.problem(start, "did not find expected whitespace or line break"));
        }
        self.push(TokenKind::Tag { handle: text(handle), suffix: text(suffix) }, start, self.mark);
        Ok(())
    }

    /// `!suffix`, `!handle!suffix` or `!` alone.
    fn tag_shorthand(&mut self, start: Mark) -> Scan<(Vec<u8>, Vec<u8>)> {
        let handle = self.tag_handle(false, start)?;
        if handle.len() > 1 && handle.ends_with(b"!") {
            let suffix = self.tag_uri(&[], start)?;
            return Ok((handle, suffix));
        }
        let suffix = self.tag_uri(&handle, start)?;
        Ok(if suffix.is_empty() { (suffix, b"!".to_vec()) } else { (b"!".to_vec(), suffix) })
    }

    pub(super) fn tag_handle(&mut self, directive: bool, start: Mark) -> Scan<Vec<u8>> {
        if at(self.text, self.mark.offset) != b'!' {
            return Err(self.problem(start, "did not find expected '!'"));
        }
        let mut handle = Vec::new();
        self.read(&mut handle);
        while is_alpha(at(self.text, self.mark.offset)) {
            self.read(&mut handle);
        }
        if at(self.text, self.mark.offset) == b'!' {
            self.read(&mut handle);
        } else if directive && handle != b"!" {
            return Err(self.problem(start, "did not find expected '!'"));
        }
        Ok(handle)
    }

    /// `head` is what was read of the tag already; its `!` is left out.
    pub(super) fn tag_uri(&mut self, head: &[u8], start: Mark) -> Scan<Vec<u8>> {
        let mut uri = head.get(1..).unwrap_or_default().to_vec();
        let mut any = !head.is_empty();
        loop {
            match at(self.text, self.mark.offset) {
                b'%' => self.uri_escape(&mut uri, start)?,
                b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'.' | b'!' | b'~'
                | b'*' | b'\'' | b'(' | b')' | b'[' | b']' => self.read(&mut uri),
                byte if is_alpha(byte) => self.read(&mut uri),
                _ => break,
            }
            any = true;
        }
        if !any {
            return Err(self.problem(start, "did not find expected tag URI"));
        }
        Ok(uri)
    }

    /// One character, written as `%XX` for each of its bytes.
    fn uri_escape(&mut self, uri: &mut Vec<u8>, start: Mark) -> Scan<()> {
        let mut left = None;
        while left != Some(0) {
            let digits = (hex(at(self.text, self.mark.offset + 1)), hex(at(self.text, self.mark.offset + 2)));
            let (b'%', (Some(high), Some(low))) = (at(self.text, self.mark.offset), digits) else {
                return Err(self.problem(start, "did not find URI escaped octet"));
            };
            let octet = (high << 4 | low) as u8;
            left = Some(match left {
                None if matches!(octet, 0x80..=0xbf | 0xf8..) => {
                    return Err(self.problem(start, "found an incorrect leading UTF-8 octet"));
                }
                None => width(octet) - 1,
                Some(_) if octet & 0xc0 != 0x80 => {
                    return Err(self.problem(start, "found an incorrect trailing UTF-8 octet"));
                }
                Some(left) => left - 1,
            });
            uri.push(octet);
            for _ in 0..3 {
                self.skip();
            }
        }
        Ok(())
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}
