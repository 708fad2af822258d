//! Characters, columns and indentation, and the layout of each style of scalar.

use crate::chars::{at, is_blank, is_blankz, is_bom, is_break, is_printable, width};
use crate::error::Dialect;
use crate::token::ScalarStyle;

/// Room for the text of a usual object.
const TEXT_BYTES: usize = 512;

/// The text so far, and where the pen stands.
pub(super) struct Writer {
    pub(super) text: Vec<u8>,
    pub(super) dialect: Dialect,
    pub(super) column: usize,
    pub(super) indent: i32,
    /// Is the last character white space, or the start of a line?
    pub(super) whitespace: bool,
    /// Are there only indentation characters on the line?
    pub(super) indention: bool,
    pub(super) best_indent: i32,
    pub(super) best_width: usize,
    /// The indentation below which a foot comment needs an empty line.
    pub(super) foot_indent: i32,
    pub(super) line_comment: String,
}

impl Writer {
    pub(super) fn new(dialect: Dialect, best_indent: i32) -> Self {
        Self {
            text: Vec::with_capacity(TEXT_BYTES),
            dialect,
            column: 0,
            indent: -1,
            whitespace: true,
            indention: true,
            best_indent,
            best_width: if dialect == Dialect::V2 { 80 } else { usize::MAX },
            foot_indent: -1,
            line_comment: String::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        // bounded: all that is written comes from texts, cut at characters only.
        String::from_utf8(self.text).unwrap_or_default()
    }

    pub(super) fn put(&mut self, byte: u8) {
        self.text.push(byte);
        self.column += 1;
    }

    pub(super) fn put_break(&mut self) {
        self.text.push(b'\n');
        self.column = 0;
        if self.dialect == Dialect::V3 {
            self.indention = true;
        }
    }

    /// Writes one character and gives the position behind it.
    fn write(&mut self, value: &[u8], pos: usize) -> usize {
        let end = (pos + width(value[pos])).min(value.len());
        self.text.extend_from_slice(&value[pos..end]);
        self.column += 1;
        end
    }

    pub(super) fn write_all(&mut self, value: &[u8]) {
        self.text.extend_from_slice(value);
        self.column += value.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    }

    fn write_break(&mut self, value: &[u8], pos: usize) -> usize {
        if value[pos] == b'\n' {
            self.put_break();
            return pos + 1;
        }
        let end = self.write(value, pos);
        self.column = 0;
        if self.dialect == Dialect::V3 {
            self.indention = true;
        }
        end
    }

    pub(super) fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.dialect == Dialect::V3 && self.foot_indent == indent as i32 {
            self.put_break();
        }
        if self.column < indent {
            self.text.resize(self.text.len() + indent - self.column, b' ');
            self.column = indent;
        }
        self.whitespace = true;
        if self.dialect == Dialect::V2 {
            self.indention = true;
        }
        self.foot_indent = -1;
    }

    pub(super) fn indicator(&mut self, text: &str, need_space: bool, is_space: bool, is_indention: bool) {
        if need_space && !self.whitespace {
            self.put(b' ');
        }
        self.write_all(text.as_bytes());
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    pub(super) fn scalar(&mut self, value: &str, style: ScalarStyle, allow_breaks: bool) {
        let value = value.as_bytes();
        match style {
            ScalarStyle::Plain => self.plain(value, allow_breaks),
            ScalarStyle::SingleQuoted => self.single_quoted(value, allow_breaks),
            ScalarStyle::DoubleQuoted => self.double_quoted(value, allow_breaks),
            ScalarStyle::Literal => self.literal(value),
            ScalarStyle::Folded => self.folded(value),
        }
    }

    fn plain(&mut self, value: &[u8], allow_breaks: bool) {
        let invisible = value.is_empty() && self.dialect == Dialect::V3;
        if !self.whitespace && !invisible {
            self.put(b' ');
        }
        if self.column + value.len() <= self.best_width && value.is_ascii() && !value.contains(&b'\n') {
            self.text.extend_from_slice(value);
            self.column += value.len();
        } else {
            self.words(value, allow_breaks, false);
        }
        if !value.is_empty() || self.dialect == Dialect::V2 {
            self.whitespace = false;
        }
        self.indention = false;
    }

    fn single_quoted(&mut self, value: &[u8], allow_breaks: bool) {
        self.indicator("'", true, false, false);
        self.words(value, allow_breaks, true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// The characters of plain and single-quoted scalars: lines are folded at spaces.
    fn words(&mut self, value: &[u8], allow_breaks: bool, quoted: bool) {
        let mut spaces = false;
        let mut breaks = false;
        let mut pos = 0;
        while pos < value.len() {
            if value[pos] == b' ' {
                let inside = !quoted || (pos > 0 && pos < value.len() - 1);
                let fold = allow_breaks && !spaces && self.column > self.best_width;
                if fold && inside && at(value, pos + 1) != b' ' {
                    self.write_indent();
                    pos += 1;
                } else {
                    pos = self.write(value, pos);
                }
                spaces = true;
            } else if is_break(value, pos) {
                if !breaks && value[pos] == b'\n' {
                    self.put_break();
                }
                pos = self.write_break(value, pos);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if quoted && value[pos] == b'\'' {
                    self.put(b'\'');
                }
                pos = self.write(value, pos);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    fn double_quoted(&mut self, value: &[u8], allow_breaks: bool) {
        self.indicator("\"", true, false, false);
        // compat(libyaml in Go): a byte order mark in front has every character escaped.
        let all = is_bom(value, 0);
        let mut spaces = false;
        let mut pos = 0;
        while pos < value.len() {
            let byte = value[pos];
            let special = all || byte == b'"' || byte == b'\\' || !is_printable(value, pos);
            if special || is_break(value, pos) {
                pos = self.escaped(value, pos);
                spaces = false;
            } else if byte == b' ' {
                let inside = pos > 0 && pos < value.len() - 1;
                if allow_breaks && !spaces && self.column > self.best_width && inside {
                    self.write_indent();
                    if at(value, pos + 1) == b' ' {
                        self.put(b'\\');
                    }
                    pos += 1;
                } else {
                    pos = self.write(value, pos);
                }
                spaces = true;
            } else {
                pos = self.write(value, pos);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escaped(&mut self, value: &[u8], pos: usize) -> usize {
        let end = (pos + width(value[pos])).min(value.len());
        let text = std::str::from_utf8(&value[pos..end]).unwrap_or_default();
        let code = text.chars().next().map_or(0, u32::from);
        let short = match code {
            0x00 => b'0',
            0x07 => b'a',
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0b => b'v',
            0x0c => b'f',
            0x0d => b'r',
            0x1b => b'e',
            0x22 => b'"',
            0x5c => b'\\',
            0x85 => b'N',
            0xa0 => b'_',
            0x2028 => b'L',
            0x2029 => b'P',
            _ => {
                let hex = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                self.write_all(hex.as_bytes());
                return end;
            }
        };
        self.put(b'\\');
        self.put(short);
        end
    }

    fn block_hints(&mut self, value: &[u8]) {
        if value.first() == Some(&b' ') || is_break(value, 0) {
            let hint = self.best_indent.to_string();
            self.indicator(&hint, false, false, false);
        }
        let chomp = match last_breaks(value) {
            0 => "-",
            1 if breaks_only(value) => "+",
            1 => "",
            _ => "+",
        };
        if !chomp.is_empty() {
            self.indicator(chomp, false, false, false);
        }
        if self.dialect == Dialect::V3 {
            self.comment_or_break();
        } else {
            self.put_break();
        }
        self.indention = true;
        self.whitespace = true;
    }

    fn literal(&mut self, value: &[u8]) {
        self.indicator("|", true, false, false);
        self.block_hints(value);
        let mut breaks = true;
        let mut pos = 0;
        while pos < value.len() {
            if is_break(value, pos) {
                pos = self.write_break(value, pos);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                let line = value[pos..].iter().take_while(|byte| (0x20..0x7f).contains(*byte)).count();
                if line > 0 {
                    self.text.extend_from_slice(&value[pos..pos + line]);
                    self.column += line;
                    pos += line;
                } else {
                    pos = self.write(value, pos);
                }
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn folded(&mut self, value: &[u8]) {
        self.indicator(">", true, false, false);
        self.block_hints(value);
        let mut breaks = true;
        let mut leading_spaces = true;
        let mut pos = 0;
        while pos < value.len() {
            if is_break(value, pos) {
                if !breaks && !leading_spaces && value[pos] == b'\n' {
                    // compat(libyaml): the breaks are counted from the start of the whole text.
                    let mut after = 0;
                    while is_break(value, after) {
                        after += width(value[after]);
                    }
                    if !is_blankz(value, after) {
                        self.put_break();
                    }
                }
                pos = self.write_break(value, pos);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                    leading_spaces = is_blank(value, pos);
                }
                let space = value[pos] == b' ' && at(value, pos + 1) != b' ';
                if !breaks && space && self.column > self.best_width {
                    self.write_indent();
                    pos += 1;
                } else {
                    pos = self.write(value, pos);
                }
                self.indention = false;
                breaks = false;
            }
        }
    }

    // Comments (v3).

    /// A comment behind the header of a block scalar, or the end of its line.
    fn comment_or_break(&mut self) {
        if self.line_comment.is_empty() {
            self.put_break();
        } else {
            self.process_line_comment();
        }
    }

    pub(super) fn process_line_comment(&mut self) {
        if self.line_comment.is_empty() {
            return;
        }
        if !self.whitespace {
            self.put(b' ');
        }
        let comment = std::mem::take(&mut self.line_comment);
        self.write_comment(&comment);
    }

    pub(super) fn write_comment(&mut self, comment: &str) {
        let comment = comment.as_bytes();
        let mut breaks = false;
        let mut pound = false;
        let mut pos = 0;
        while pos < comment.len() {
            if is_break(comment, pos) {
                pos = self.write_break(comment, pos);
                breaks = true;
                pound = false;
            } else {
                if breaks {
                    self.write_indent();
                }
                if !pound {
                    if comment[pos] != b'#' {
                        self.write_all(b"# ");
                    }
                    pound = true;
                }
                pos = self.write(comment, pos);
                self.indention = false;
                breaks = false;
            }
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }
}

/// How many line breaks end a text: none, one, or two and more.
fn last_breaks(value: &[u8]) -> usize {
    let mut count = 0;
    let mut end = value.len();
    while count < 2 && end > 0 {
        let mut start = end - 1;
        while start > 0 && value[start] & 0xc0 == 0x80 {
            start -= 1;
        }
        if !is_break(value, start) {
            break;
        }
        count += 1;
        end = start;
    }
    count
}

/// Is the text one line break and nothing else?
fn breaks_only(value: &[u8]) -> bool {
    !value.is_empty() && is_break(value, 0) && width(value[0]) >= value.len()
}
