//! Go's `path.Match`, and `filepath.Match` as it is on Unix.

use super::BadPattern;
use crate::limits::GLOB_BYTES_MAX;

/// A pattern that was read once and matches many names.
#[derive(Clone, Debug)]
pub struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
enum Token {
    Literal(char),
    /// `?`: one rune that is no slash.
    One,
    /// `*`: any runes but slashes.
    Star,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Does the whole name fit the pattern?
pub fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    Ok(Pattern::parse(pattern)?.matches(name))
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(pattern: &str) -> Result<Self, BadPattern> {
        if pattern.len() > GLOB_BYTES_MAX {
            return Err(BadPattern);
        }
        let mut tokens = Vec::new();
        let mut rest = pattern.chars();
        while let Some(letter) = rest.next() {
            tokens.push(match letter {
                '*' if matches!(tokens.last(), Some(Token::Star)) => continue,
                '*' => Token::Star,
                '?' => Token::One,
                '\\' => Token::Literal(rest.next().ok_or(BadPattern)?),
                '[' => class(&mut rest)?,
                other => Token::Literal(other),
            });
        }
        Ok(Self { tokens })
    }

    /// Does the whole name fit?
    pub fn matches(&self, name: &str) -> bool {
        let (mut token, mut rest) = (0, name);
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let next = rest.chars().next();
            let fits = match (self.tokens.get(token), next) {
                (None, None) => return true,
                (Some(Token::Star), _) => {
                    token += 1;
                    retry = Some((token, rest));
                    continue;
                }
                (Some(Token::Literal(want)), Some(rune)) => *want == rune,
                (Some(Token::One), Some(rune)) => rune != '/',
                (Some(Token::Class { negated, ranges }), Some(rune)) => {
                    ranges.iter().any(|(low, high)| (*low..=*high).contains(&rune)) != *negated
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            if fits {
                token += 1;
                rest = &rest[next.map_or(0, char::len_utf8)..];
                continue;
            }
            let Some((after_star, from)) = retry else { return false };
            match from.chars().next() {
                None | Some('/') => return false,
                Some(rune) => {
                    rest = &from[rune.len_utf8()..];
                    retry = Some((after_star, rest));
                    token = after_star;
                }
            }
        }
    }
}

fn class(rest: &mut std::str::Chars<'_>) -> Result<Token, BadPattern> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Ok(Token::Class { negated, ranges });
        }
        let low = member(rest)?;
        let high = if rest.as_str().starts_with('-') {
            rest.next();
            member(rest)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

fn member(rest: &mut std::str::Chars<'_>) -> Result<char, BadPattern> {
    let letter = match rest.next().ok_or(BadPattern)? {
        '-' | ']' => return Err(BadPattern),
        '\\' => rest.next().ok_or(BadPattern)?,
        letter => letter,
    };
    if rest.as_str().is_empty() { Err(BadPattern) } else { Ok(letter) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn matching_never_panics(pattern in "[a-b*?/\\[\\]^\\\\-]{0,16}", name in "[a-b/]{0,12}") {
            let _ = matches(&pattern, &name);
        }

        #[test]
        fn a_star_fits_all_but_slashes(name in "[^/]{0,12}") {
            prop_assert_eq!(matches("*", &name), Ok(true));
            prop_assert_eq!(matches("*", &format!("{name}/")), Ok(false));
        }
    }
}
