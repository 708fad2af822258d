//! Globs of gobwas/glob: `*` stops at the given separators, `**` does not, `{a,b}` and `[a-z]` are known.
//!
//! A glob becomes a regular expression, so that matching takes time linear in the text.
//! compat(gobwas/glob 0.2.3): a pattern that is one `?` or one negated class also fits the empty text.

use std::fmt::Write as _;

use regex::Regex;

use crate::limits::{GLOB_BYTES_MAX, GLOB_DEPTH_MAX};

/// Why a glob cannot be read. The texts are the library's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum GlobError {
    /// A class that does not end.
    #[error("unexpected end of input")]
    UnexpectedEnd,
    /// A range in a class with more after it.
    #[error("expected close range character")]
    ExpectedClose,
    /// A class without content.
    #[error("could not parse range")]
    EmptyClass,
    /// A range that runs backwards.
    #[error("hi character '{high}' should be greater than lo '{low}'")]
    Backwards {
        /// The start as written.
        low: char,
        /// The end as written.
        high: char,
    },
    /// Longer or deeper than we read.
    #[error("glob is too large: shorten it or nest its braces less deep")]
    TooLarge,
}

/// A glob that was read.
#[derive(Clone, Debug)]
pub struct Glob {
    regex: Regex,
    fits_empty: bool,
}

#[derive(Debug)]
enum Node {
    Text(String),
    Any,
    Super,
    One,
    Class { negated: bool, ranges: Vec<(char, char)> },
    Either(Vec<Vec<Node>>),
}

impl Glob {
    /// Reads a glob. The separators are what `*` and `?` do not cross; with none they cross all.
    pub fn parse(pattern: &str, separators: &[char]) -> Result<Self, GlobError> {
        if pattern.len() > GLOB_BYTES_MAX {
            return Err(GlobError::TooLarge);
        }
        let nodes = Reader { rest: pattern }.sequence(0)?;
        let mut text = String::from(r"\A(?s:");
        write_sequence(&nodes, &class_of(separators), &mut text);
        text.push_str(r")\z");
        let fits_empty = fits_empty_alone(&nodes);
        let regex = Regex::new(&text).map_err(|_| GlobError::TooLarge)?;
        Ok(Self { regex, fits_empty })
    }

    /// Does the whole text fit?
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text) || text.is_empty() && self.fits_empty
    }
}

fn fits_empty_alone(nodes: &[Node]) -> bool {
    match nodes {
        [Node::One] => true,
        [Node::Class { negated, .. }] => *negated,
        [Node::Either(branches)] => branches.iter().any(|branch| fits_empty_alone(branch)),
        _ => false,
    }
}

fn class_of(separators: &[char]) -> String {
    if separators.is_empty() {
        return ".".into();
    }
    let mut class = String::from("[^");
    for &separator in separators {
        write_member(separator, &mut class);
    }
    class.push(']');
    class
}

fn write_member(letter: char, out: &mut String) {
    let _ = write!(out, "\\x{{{:x}}}", letter as u32);
}

fn write_sequence(nodes: &[Node], one: &str, out: &mut String) {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(&regex::escape(text)),
            Node::Any => {
                out.push_str(one);
                out.push('*');
            }
            Node::Super => out.push_str(".*"),
            Node::One => out.push_str(one),
            Node::Class { negated, ranges } => {
                out.push_str(if *negated { "[^" } else { "[" });
                for &(low, high) in ranges {
                    write_member(low, out);
                    out.push('-');
                    write_member(high, out);
                }
                out.push(']');
            }
            Node::Either(branches) => {
                for (index, branch) in branches.iter().enumerate() {
                    out.push_str(if index == 0 { "(?:" } else { "|" });
                    write_sequence(branch, one, out);
                }
                out.push(')');
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        // A NUL ends the pattern, as the library takes it for the end.
        self.rest.chars().next().filter(|&letter| letter != '\0')
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    /// Up to the end, or inside braces up to `,` or `}`, which is left.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, GlobError> {
        if depth > GLOB_DEPTH_MAX {
            return Err(GlobError::TooLarge);
        }
        let mut nodes = Vec::new();
        while let Some(letter) = self.peek() {
            match letter {
                ',' | '}' if depth > 0 => break,
                '{' => {
                    self.next();
                    nodes.push(self.either(depth)?);
                }
                '[' => {
                    self.next();
                    nodes.push(self.class()?);
                }
                '?' => {
                    self.next();
                    nodes.push(Node::One);
                }
                '*' => {
                    self.next();
                    let double = self.peek() == Some('*');
                    if double {
                        self.next();
                    }
                    nodes.push(if double { Node::Super } else { Node::Any });
                }
                _ => {
                    let stops: &[char] =
                        if depth > 0 { &['?', '*', '[', '{', '}', ','] } else { &['?', '*', '[', '{'] };
                    nodes.push(Node::Text(self.text(stops)));
                }
            }
        }
        Ok(nodes)
    }

    fn either(&mut self, depth: usize) -> Result<Node, GlobError> {
        let mut branches = vec![self.sequence(depth + 1)?];
        // Braces that are not closed end with the pattern.
        while self.next() == Some(',') {
            branches.push(self.sequence(depth + 1)?);
        }
        Ok(Node::Either(branches))
    }

    fn text(&mut self, stops: &[char]) -> String {
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            if stops.contains(&letter) {
                break;
            }
            self.next();
            if letter == '\\' {
                text.extend(self.next());
            } else {
                text.push(letter);
            }
        }
        text
    }

    fn class(&mut self) -> Result<Node, GlobError> {
        let negated = self.peek() == Some('!');
        if negated {
            self.next();
        }
        let low = self.peek().ok_or(GlobError::UnexpectedEnd)?;
        let after = self.rest[low.len_utf8()..].chars().next();
        if after == Some('-') {
            self.next();
            self.next();
            let high = self.next().ok_or(GlobError::UnexpectedEnd)?;
            match self.next() {
                None => return Err(GlobError::UnexpectedEnd),
                Some(']') => {}
                Some(_) => return Err(GlobError::ExpectedClose),
            }
            if high < low {
                return Err(GlobError::Backwards { low, high });
            }
            return Ok(Node::Class { negated, ranges: vec![(low, high)] });
        }
        let letters = self.text(&[']']);
        if self.next().is_none() {
            return Err(GlobError::UnexpectedEnd);
        }
        if letters.is_empty() {
            return Err(GlobError::EmptyClass);
        }
        Ok(Node::Class { negated, ranges: letters.chars().map(|letter| (letter, letter)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_and_matching_never_panic(pattern in "[a-b*?/\\[\\]{},!\\\\-]{0,24}", text in "[a-b/]{0,12}") {
            if let Ok(glob) = Glob::parse(&pattern, &['/']) {
                let _ = glob.matches(&text);
            }
        }
    }
}
