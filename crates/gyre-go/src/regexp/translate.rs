//! From Go's syntax to that of the `regex` crate.

use super::class::{self, literal};
use super::error::{Problem, RegexpError, error};
use crate::limits::{REGEXP_DEPTH_MAX, REGEXP_REPEAT_MAX};

/// The expression for the `regex` crate, and the names of the groups.
pub(super) fn translate(source: &str) -> Result<(String, Vec<String>), RegexpError> {
    let mut reader =
        Reader { source, rest: source, out: String::new(), names: vec![String::new()], open: Vec::new() };
    reader.run()?;
    Ok((reader.out, reader.names))
}

struct Reader<'a> {
    source: &'a str,
    rest: &'a str,
    out: String,
    names: Vec<String>,
    open: Vec<Open>,
}

/// A parenthesis that is open, with what was known before it.
struct Open {
    factor: usize,
}

/// What stands before the place that is read.
struct Before<'a> {
    /// Where in the output the last operand begins; none after `(`, `|`, or flags.
    operand: Option<usize>,
    /// How often the last operand repeats, nested repetitions multiplied.
    factor: usize,
    /// The repetition operator just read.
    repeat: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), RegexpError> {
        let mut before = Before { operand: None, factor: 1, repeat: None };
        let mut largest = 1;
        // Where the operands of the open parentheses begin, and the largest factor inside each.
        let mut starts: Vec<usize> = Vec::new();
        while let Some(letter) = self.rest.chars().next() {
            let last_repeat = before.repeat.take();
            match letter {
                '(' => {
                    let start = self.out.len();
                    if self.parenthesis()? {
                        starts.push(start);
                        self.open.push(Open { factor: largest });
                        largest = 1;
                        if starts.len() > REGEXP_DEPTH_MAX {
                            return error(Problem::TooDeep, self.source);
                        }
                    }
                    before.operand = None;
                }
                '|' => {
                    self.skip(1);
                    self.out.push('|');
                    before.operand = None;
                }
                ')' => {
                    let (Some(start), Some(open)) = (starts.pop(), self.open.pop()) else {
                        return error(Problem::UnexpectedParenthesis, self.source);
                    };
                    self.skip(1);
                    self.out.push(')');
                    before.operand = Some(start);
                    before.factor = largest;
                    largest = largest.max(open.factor);
                }
                '*' | '+' | '?' => {
                    let length = 1 + usize::from(self.rest[1..].starts_with('?'));
                    self.repeat(length, last_repeat, &mut before)?;
                }
                '{' => match counts(self.rest) {
                    None => self.operand(&mut before, |reader| reader.plain('{')),
                    Some((low, high, length)) => {
                        let whole = &self.rest[..length];
                        if low > REGEXP_REPEAT_MAX
                            || high.is_some_and(|high| high > REGEXP_REPEAT_MAX || high < low)
                        {
                            return error(Problem::RepeatCount, whole);
                        }
                        let lazy = usize::from(self.rest[length..].starts_with('?'));
                        self.repeat(length + lazy, last_repeat, &mut before)?;
                        before.factor *= high.unwrap_or(low).max(1);
                        if before.factor > REGEXP_REPEAT_MAX {
                            return error(Problem::RepeatCount, whole);
                        }
                        largest = largest.max(before.factor);
                    }
                },
                '[' => {
                    let start = self.out.len();
                    self.rest = class::bracket(self.rest, &mut self.out)?;
                    before = Before { operand: Some(start), factor: 1, repeat: None };
                }
                '\\' => self.backslash(&mut before)?,
                '.' | '^' | '$' => self.operand(&mut before, |reader| {
                    reader.skip(1);
                    reader.out.push(letter);
                }),
                _ => self.operand(&mut before, |reader| reader.plain(letter)),
            }
        }
        if starts.is_empty() { Ok(()) } else { error(Problem::MissingParenthesis, self.source) }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn plain(&mut self, letter: char) {
        self.skip(letter.len_utf8());
        literal(letter, &mut self.out);
    }

    fn operand(&mut self, before: &mut Before<'a>, write: impl FnOnce(&mut Self)) {
        *before = Before { operand: Some(self.out.len()), factor: 1, repeat: None };
        write(self);
    }

    fn repeat(
        &mut self,
        length: usize,
        last: Option<&'a str>,
        before: &mut Before<'a>,
    ) -> Result<(), RegexpError> {
        let operator = &self.rest[..length];
        if let Some(last) = last {
            return error(Problem::NestedRepeat, &last[..last.len() - self.rest.len() + length]);
        }
        let Some(start) = before.operand else {
            return error(
                Problem::MissingArgument,
                operator.strip_suffix('?').filter(|op| !op.is_empty()).unwrap_or(operator),
            );
        };
        // An operand of its own, so that the operator binds to all of it and to nothing else.
        self.out.insert_str(start, "(?:");
        self.out.push(')');
        self.out.push_str(operator);
        before.repeat = Some(self.rest);
        self.skip(length);
        Ok(())
    }

    fn backslash(&mut self, before: &mut Before<'a>) -> Result<(), RegexpError> {
        let letter = self.rest[1..].chars().next();
        let start = self.out.len();
        match letter {
            Some('A' | 'z') => {
                self.out.push_str(&self.rest[..2]);
                self.skip(2);
            }
            Some('b' | 'B') => {
                self.out.push_str(if letter == Some('b') { r"(?-u:\b)" } else { r"(?-u:\B)" });
                self.skip(2);
            }
            Some('Q') => {
                let text = &self.rest[2..];
                let (text, rest) = text.split_once("\\E").unwrap_or((text, ""));
                self.rest = rest;
                for letter in text.chars() {
                    *before = Before { operand: Some(self.out.len()), factor: 1, repeat: None };
                    literal(letter, &mut self.out);
                }
                return Ok(());
            }
            _ => {
                if let Some(rest) = class::unicode_class(self.rest, &mut self.out)? {
                    self.rest = rest;
                } else if let Some(rest) = class::perl_class(self.rest, &mut self.out) {
                    self.rest = rest;
                } else {
                    let (letter, rest) = class::escape(self.rest)?;
                    literal(letter, &mut self.out);
                    self.rest = rest;
                }
            }
        }
        *before = Before { operand: Some(start), factor: 1, repeat: None };
        Ok(())
    }

    /// Reads what follows `(`. Says whether a group was opened; flags alone open none.
    fn parenthesis(&mut self) -> Result<bool, RegexpError> {
        let start = self.rest;
        if !start.starts_with("(?") {
            self.skip(1);
            self.out.push('(');
            self.names.push(String::new());
            return Ok(true);
        }
        if let Some(after) = start.strip_prefix("(?P<").or_else(|| start.strip_prefix("(?<")) {
            let Some(end) = after.find('>') else { return error(Problem::NamedCapture, start) };
            let name = &after[..end];
            let rest = &after[end + 1..];
            let valid =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !valid {
                return error(Problem::NamedCapture, &start[..start.len() - rest.len()]);
            }
            self.names.push(name.into());
            self.rest = rest;
            self.out.push('(');
            return Ok(true);
        }
        self.flags()
    }

    fn flags(&mut self) -> Result<bool, RegexpError> {
        let start = self.rest;
        let mut letters = start[2..].chars();
        let (mut negative, mut seen) = (false, false);
        loop {
            let letter = letters.next();
            match letter {
                Some('i' | 'm' | 's' | 'U') => seen = true,
                Some('-') if !negative => {
                    negative = true;
                    seen = false;
                }
                Some(':' | ')') if !negative || seen => {
                    let length = start.len() - letters.as_str().len();
                    self.write_flags(&start[2..length - 1]);
                    self.out.push(if letter == Some(':') { ':' } else { ')' });
                    self.rest = letters.as_str();
                    return Ok(letter == Some(':'));
                }
                // compat(go 1.26): "(?" at the end of the expression misses its parenthesis only after a colon.
                _ => return error(Problem::PerlSyntax, &start[..start.len() - letters.as_str().len()]),
            }
        }
    }
}

impl Reader<'_> {
    /// Flags twice are an error for the `regex` crate, and so are none.
    fn write_flags(&mut self, flags: &str) {
        self.out.push_str("(?");
        let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
        let once = |flags: &str| -> String { "imsU".chars().filter(|flag| flags.contains(*flag)).collect() };
        let (off, on) = (once(off), once(on));
        self.out.extend(on.chars().filter(|flag| !off.contains(*flag)));
        if !off.is_empty() {
            self.out.push('-');
            self.out.push_str(&off);
        }
        if self.out.ends_with("(?") {
            self.out.push('u');
        }
    }
}

/// `{2}`, `{2,}`, `{2,5}`: the bounds and the length; anything else is no repetition.
fn counts(text: &str) -> Option<(usize, Option<usize>, usize)> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let number = |digits: &str| {
        let canonical = digits == "0" || !digits.starts_with('0');
        let fine = !digits.is_empty() && canonical && digits.bytes().all(|byte| byte.is_ascii_digit());
        fine.then(|| digits.parse::<usize>().unwrap_or(usize::MAX))
    };
    let (low, high) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((low, "")) => (number(low)?, None),
        Some((low, high)) => (number(low)?, Some(number(high)?)),
    };
    Some((low, high, end + 1))
}
