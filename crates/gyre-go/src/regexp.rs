//! Go's `regexp`: RE2 syntax, read here and handed to the `regex` crate in its own words.
//!
//! Both find the leftmost-first match in linear time; they differ in syntax, in what `\d`, `\w`, `\s` and `\b` mean
//! (ASCII here), and in names of groups. See [`translate`] for the syntax, [`Regexp`] for the calls.

mod class;
mod error;
mod translate;

use std::sync::OnceLock;

pub use error::{Problem, RegexpError};

use crate::limits::{REGEXP_SIZE_MAX, REPLACED_BYTES_MAX};

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Regexp {
    source: String,
    translated: String,
    /// The name of each group; the first stands for the whole match and has none.
    names: Vec<String>,
    text: regex::Regex,
    bytes: OnceLock<Option<regex::bytes::Regex>>,
}

/// Byte offsets of one match: the whole, then each group.
pub type Groups = Vec<Option<(usize, usize)>>;

impl Regexp {
    /// `regexp.Compile`.
    pub fn parse(source: &str) -> Result<Self, RegexpError> {
        let (translated, names) = translate::translate(source)?;
        let text = regex::RegexBuilder::new(&translated)
            .size_limit(REGEXP_SIZE_MAX)
            .build()
            .map_err(|_| RegexpError { problem: Problem::TooLarge, expression: source.into() })?;
        Ok(Self { source: source.into(), translated, names, text, bytes: OnceLock::new() })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The expression in the words of the `regex` crate.
    pub fn translated(&self) -> &str {
        &self.translated
    }

    /// `SubexpNames`: one for each group, empty where it has none; the first is the whole match.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// `Match`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match std::str::from_utf8(text) {
            Ok(text) => self.text.is_match(text),
            Err(_) => self.bytes().is_some_and(|regex| regex.is_match(text)),
        }
    }

    /// `FindSubmatchIndex`.
    pub fn find(&self, text: &[u8]) -> Option<Groups> {
        match std::str::from_utf8(text) {
            Ok(text) => {
                let found = self.text.captures(text)?;
                Some(self.all(found.iter().map(|group| group.map(|group| (group.start(), group.end())))))
            }
            Err(_) => {
                let found = self.bytes()?.captures(text)?;
                Some(self.all(found.iter().map(|group| group.map(|group| (group.start(), group.end())))))
            }
        }
    }

    /// `FindAllIndex`; no more than `limit` when one is given.
    pub fn find_all(&self, text: &[u8], limit: Option<usize>) -> Vec<(usize, usize)> {
        let limit = limit.unwrap_or(usize::MAX);
        match std::str::from_utf8(text) {
            Ok(text) => {
                self.text.find_iter(text).take(limit).map(|found| (found.start(), found.end())).collect()
            }
            Err(_) => self.bytes().map_or_else(Vec::new, |regex| {
                regex.find_iter(text).take(limit).map(|found| (found.start(), found.end())).collect()
            }),
        }
    }

    /// `FindAllSubmatchIndex`; no more than `limit` when one is given.
    pub fn find_all_groups(&self, text: &[u8], limit: Option<usize>) -> Vec<Groups> {
        let limit = limit.unwrap_or(usize::MAX);
        match std::str::from_utf8(text) {
            Ok(text) => {
                let groups = |found: regex::Captures<'_>| {
                    self.all(found.iter().map(|group| group.map(|group| (group.start(), group.end()))))
                };
                self.text.captures_iter(text).take(limit).map(groups).collect()
            }
            Err(_) => self.bytes().map_or_else(Vec::new, |regex| {
                let groups = |found: regex::bytes::Captures<'_>| {
                    self.all(found.iter().map(|group| group.map(|group| (group.start(), group.end()))))
                };
                regex.captures_iter(text).take(limit).map(groups).collect()
            }),
        }
    }

    /// `ReplaceAll`: `$1` and `${name}` in the replacement stand for groups. Beyond [`REPLACED_BYTES_MAX`] no further
    /// match is replaced, so that a longer result tells that it was stopped.
    pub fn replace_all(&self, text: &[u8], replacement: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for groups in self.find_all_groups(text, None) {
            let Some(Some((start, end))) = groups.first().copied() else { continue };
            out.extend_from_slice(&text[at..start]);
            self.expand(replacement, text, &groups, &mut out);
            at = end;
            if out.len() > REPLACED_BYTES_MAX {
                break;
            }
        }
        out.extend_from_slice(&text[at..]);
        out
    }

    /// `ReplaceAllLiteral`, bounded likewise.
    pub fn replace_all_literal(&self, text: &[u8], replacement: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for (start, end) in self.find_all(text, None) {
            out.extend_from_slice(&text[at..start]);
            out.extend_from_slice(replacement);
            at = end;
            if out.len() > REPLACED_BYTES_MAX {
                break;
            }
        }
        out.extend_from_slice(&text[at..]);
        out
    }

    /// `Expand`: writes the template with the groups of one match in it.
    pub fn expand(&self, template: &[u8], text: &[u8], groups: &Groups, out: &mut Vec<u8>) {
        let mut rest = template;
        while let Some(dollar) = rest.iter().position(|&byte| byte == b'$') {
            out.extend_from_slice(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if rest.first() == Some(&b'$') {
                out.push(b'$');
                rest = &rest[1..];
                continue;
            }
            let Some((name, length)) = variable(rest) else {
                out.push(b'$');
                continue;
            };
            rest = &rest[length..];
            if let Some((start, end)) = self.group(&name, groups) {
                out.extend_from_slice(&text[start..end]);
                if out.len() > REPLACED_BYTES_MAX {
                    return;
                }
            }
        }
        out.extend_from_slice(rest);
    }

    /// The groups, with those that the `regex` crate drops because they cannot take part.
    fn all(&self, found: impl Iterator<Item = Option<(usize, usize)>>) -> Groups {
        let mut groups: Groups = found.collect();
        groups.resize(self.names.len().max(groups.len()), None);
        groups
    }

    fn group(&self, name: &str, groups: &Groups) -> Option<(usize, usize)> {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number with a leading zero is a name in Go, and no group has it.
            let canonical = name.len() == 1 || !name.starts_with('0');
            return groups.get(name.parse::<usize>().ok().filter(|_| canonical)?).copied().flatten();
        }
        let mut named = self.names.iter().zip(groups).filter(|(known, _)| *known == name);
        named.find_map(|(_, group)| *group)
    }

    /// `Split`: at most `limit` pieces; a negative limit means all, 0 none.
    pub fn split<'t>(&self, text: &'t [u8], limit: i64) -> Vec<&'t [u8]> {
        if limit == 0 {
            return Vec::new();
        }
        if !self.source.is_empty() && text.is_empty() {
            return vec![text];
        }
        let mut pieces = Vec::new();
        let (mut start, mut end) = (0, 0);
        for (from, to) in self.find_all(text, usize::try_from(limit).ok()) {
            if limit > 0 && pieces.len() as i64 == limit - 1 {
                break;
            }
            end = from;
            if to != 0 {
                pieces.push(&text[start..end]);
            }
            start = to;
        }
        if end != text.len() {
            pieces.push(&text[start..]);
        }
        pieces
    }

    fn bytes(&self) -> Option<&regex::bytes::Regex> {
        let build =
            || regex::bytes::RegexBuilder::new(&self.translated).size_limit(REGEXP_SIZE_MAX).build().ok();
        self.bytes.get_or_init(build).as_ref()
    }
}

/// `name` or `{name}` after a dollar: the name, and how many bytes it takes.
fn variable(text: &[u8]) -> Option<(String, usize)> {
    let braced = text.first() == Some(&b'{');
    let inner = &text[usize::from(braced)..];
    let length: usize = crate::utf8::runes(inner)
        .take_while(|rune| {
            let rune = rune.as_char();
            rune == '_' || rune != '\u{fffd}' && rune.is_alphanumeric()
        })
        .map(crate::utf8::Rune::width)
        .sum();
    if length == 0 || braced && inner.get(length) != Some(&b'}') {
        return None;
    }
    let name = String::from_utf8_lossy(&inner[..length]).into_owned();
    Some((name, length + if braced { 2 } else { 0 }))
}

/// `regexp.QuoteMeta`.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_and_matching_never_panic(source in "[a-c()\\[\\]{}|*+?^$.,\\\\0-9dwsbpLxQE:-]{0,20}", text: Vec<u8>) {
            if let Ok(regexp) = Regexp::parse(&source) {
                let _ = regexp.find_all_groups(&text, None);
                let _ = regexp.replace_all(&text, b"$1${x}$$");
                let _ = regexp.split(&text, 3);
            }
        }

        #[test]
        fn a_quoted_text_finds_itself(text in "\\PC{0,12}") {
            let source = String::from_utf8(quote_meta(text.as_bytes())).unwrap();
            let regexp = Regexp::parse(&source).unwrap();
            prop_assert_eq!(regexp.find(text.as_bytes()).unwrap()[0], Some((0, text.len())));
        }
    }
}
