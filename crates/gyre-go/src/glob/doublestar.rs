//! Globs of bmatcuk/doublestar: `**` as a whole path element spans directories, `{a,b}` are alternatives.

use super::BadPattern;
use crate::limits::{GLOB_BRANCHES_MAX, GLOB_BYTES_MAX};

/// Is the pattern well formed?
pub fn is_valid(pattern: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = pattern.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' if rest.next().is_none() => return false,
            b'[' => {
                let mut first = rest.next();
                if matches!(first, Some(b'^' | b'!')) {
                    first = rest.next();
                }
                if matches!(first, None | Some(b']')) {
                    return false;
                }
                let mut next = first;
                loop {
                    match next {
                        None => return false,
                        Some(b']') => break,
                        Some(b'\\') => {
                            rest.next();
                        }
                        Some(_) => {}
                    }
                    next = rest.next();
                }
            }
            b'{' => depth += 1,
            b'}' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0
}

/// Does the whole name fit? A broken pattern is an error unless the name fits before the broken place is reached.
pub fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    if pattern.len() > GLOB_BYTES_MAX {
        return Err(BadPattern);
    }
    let mut branches = 0;
    Run { name, branches: &mut branches }.run(pattern, State::default())
}

/// Where to go on when a literal does not fit, and where we are.
#[derive(Clone, Copy, Default)]
struct State {
    at: usize,
    name_at: usize,
    star: Option<(usize, usize)>,
    double_star: Option<(usize, usize)>,
    inside_element: bool,
}

struct Run<'a> {
    name: &'a str,
    branches: &'a mut usize,
}

/// What one token of the pattern makes of the name.
enum Step {
    /// It fits; both have moved on.
    Fits,
    /// It does not fit.
    Differs,
    /// The whole question is answered.
    Answer(bool),
}

fn rune_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

impl Run<'_> {
    fn run(&mut self, pattern: &str, mut state: State) -> Result<bool, BadPattern> {
        *self.branches += 1;
        if *self.branches > GLOB_BRANCHES_MAX {
            return Err(BadPattern);
        }
        while state.name_at < self.name.len() {
            if state.at < pattern.len() {
                match self.step(pattern, &mut state)? {
                    Step::Fits => continue,
                    Step::Answer(answer) => return Ok(answer),
                    Step::Differs => {}
                }
            }
            if !self.go_back(&mut state) {
                let rest = pattern.get(state.at..).unwrap_or("");
                return if rest.is_empty() || is_valid(rest) { Ok(false) } else { Err(BadPattern) };
            }
        }
        self.fits_nothing(pattern.get(state.at..).unwrap_or(""))
    }

    fn go_back(&self, state: &mut State) -> bool {
        if let Some((at, from)) = state.star
            && let Some(rune) = rune_at(self.name, from)
            && rune != '/'
        {
            let next = from + rune.len_utf8();
            *state = State { at, name_at: next, star: Some((at, next)), inside_element: true, ..*state };
            return true;
        }
        if let Some((at, from)) = state.double_star
            && let Some(slash) = self.name[from..].find('/')
        {
            let next = from + slash + 1;
            *state =
                State { at, name_at: next, double_star: Some((at, next)), inside_element: false, ..*state };
            return true;
        }
        false
    }

    fn step(&mut self, pattern: &str, state: &mut State) -> Result<Step, BadPattern> {
        let Some(rune) = rune_at(self.name, state.name_at) else { return Ok(Step::Differs) };
        match pattern.as_bytes()[state.at] {
            b'*' => Ok(Self::star(pattern, state)),
            b'?' => {
                state.inside_element = true;
                if rune == '/' {
                    return Ok(Step::Differs);
                }
                state.at += 1;
                state.name_at += rune.len_utf8();
                Ok(Step::Fits)
            }
            b'[' => {
                state.inside_element = true;
                let class = Class::parse(&pattern[state.at..])?;
                if !class.contains(rune) {
                    state.at += class.width;
                    return Ok(Step::Differs);
                }
                state.at += class.width;
                state.name_at += rune.len_utf8();
                Ok(Step::Fits)
            }
            b'{' => self.alternatives(pattern, *state).map(Step::Answer),
            first => {
                let escaped = usize::from(first == b'\\');
                let want = rune_at(pattern, state.at + escaped).ok_or(BadPattern)?;
                if want != rune {
                    return Ok(Step::Differs);
                }
                state.at += escaped + want.len_utf8();
                state.name_at += rune.len_utf8();
                state.inside_element = want != '/';
                Ok(Step::Fits)
            }
        }
    }

    fn star(pattern: &str, state: &mut State) -> Step {
        state.at += 1;
        if pattern[state.at..].starts_with('*') {
            state.at += 1;
            if !state.inside_element {
                if state.at >= pattern.len() {
                    return Step::Answer(true);
                }
                if pattern[state.at..].starts_with('/') {
                    state.at += 1;
                    state.double_star = Some((state.at, state.name_at));
                    state.star = None;
                    return Step::Fits;
                }
            }
        }
        state.inside_element = true;
        state.star = Some((state.at, state.name_at));
        Step::Fits
    }

    fn alternatives(&mut self, pattern: &str, state: State) -> Result<bool, BadPattern> {
        let braces = Braces::find(pattern, state.at)?;
        for branch in braces.branches {
            let text = format!("{}{branch}{}", &pattern[..state.at], braces.after);
            if self.run(&text, State { inside_element: false, ..state })? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does the rest of a pattern fit the empty text?
    fn fits_nothing(&mut self, rest: &str) -> Result<bool, BadPattern> {
        *self.branches += 1;
        if *self.branches > GLOB_BRANCHES_MAX {
            return Err(BadPattern);
        }
        if matches!(rest, "" | "*" | "**" | "/**" | "**/" | "/**/") {
            return Ok(true);
        }
        if rest.starts_with('{') {
            let braces = Braces::find(rest, 0)?;
            for branch in braces.branches {
                if self.fits_nothing(&format!("{branch}{}", braces.after))? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if is_valid(rest) { Ok(false) } else { Err(BadPattern) }
    }
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
    width: usize,
}

impl Class {
    /// Reads `[...]` at the start of the text.
    fn parse(text: &str) -> Result<Self, BadPattern> {
        let mut rest = text[1..].chars();
        let negated = rest.as_str().starts_with(['!', '^']);
        if negated {
            rest.next();
        }
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut open_start = false;
        loop {
            let letter = match rest.next().ok_or(BadPattern)? {
                ']' if ranges.is_empty() => return Err(BadPattern),
                ']' => break,
                '-' if open_start && !rest.as_str().starts_with(']') => {
                    let mut high = rest.next().ok_or(BadPattern)?;
                    if high == '\\' {
                        high = rest.next().ok_or(BadPattern)?;
                    }
                    let last = ranges.len() - 1;
                    ranges.push((ranges[last].0, high));
                    open_start = false;
                    continue;
                }
                '\\' => rest.next().ok_or(BadPattern)?,
                letter => letter,
            };
            ranges.push((letter, letter));
            open_start = true;
        }
        Ok(Self { negated, ranges, width: text.len() - rest.as_str().len() })
    }

    fn contains(&self, rune: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&rune)) != self.negated
    }
}

/// `{a,b}`: what is between the commas, and what follows the closing brace.
pub(super) struct Braces<'a> {
    pub(super) branches: Vec<&'a str>,
    pub(super) after: &'a str,
}

impl<'a> Braces<'a> {
    /// The braces that open at a place of the pattern.
    pub(super) fn find(pattern: &'a str, open: usize) -> Result<Self, BadPattern> {
        let bytes = pattern.as_bytes();
        let mut depth = 0;
        let mut start = open + 1;
        let mut branches = Vec::new();
        let mut at = open;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 1,
                b'{' => depth += 1,
                b',' if depth == 1 => {
                    branches.push(&pattern[start..at]);
                    start = at + 1;
                }
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        branches.push(&pattern[start..at]);
                        return Ok(Self { branches, after: &pattern[at + 1..] });
                    }
                }
                _ => {}
            }
            at += 1;
        }
        Err(BadPattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn matching_never_panics(pattern in "[a-bé*?/\\[\\]{},!^\\\\-]{0,24}", name in "[a-bé/]{0,12}") {
            let _ = matches(&pattern, &name);
            let _ = is_valid(&pattern);
        }

        #[test]
        fn a_valid_pattern_is_no_error(pattern in "[a-b*?/]{0,16}", name in "[a-b/]{0,12}") {
            prop_assert!(is_valid(&pattern) && matches(&pattern, &name).is_ok());
        }
    }
}
