//! Texts as Go sees them: bytes that are mostly UTF-8.

/// A rune of a text, or a byte that belongs to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rune {
    /// A Unicode scalar value.
    Valid(char),
    /// One byte that is not UTF-8; Go reads U+FFFD, one byte wide.
    Invalid(u8),
}

impl Rune {
    /// The rune as Go's `range` yields it.
    pub fn as_char(self) -> char {
        match self {
            Self::Valid(rune) => rune,
            Self::Invalid(_) => '\u{fffd}',
        }
    }

    /// How many bytes of the text it takes.
    pub fn width(self) -> usize {
        match self {
            Self::Valid(rune) => rune.len_utf8(),
            Self::Invalid(_) => 1,
        }
    }
}

/// The runes of a text.
pub fn runes(text: &[u8]) -> Runes<'_> {
    Runes { rest: text }
}

/// See [`runes`].
#[derive(Clone, Debug)]
pub struct Runes<'a> {
    rest: &'a [u8],
}

impl Iterator for Runes<'_> {
    type Item = Rune;

    fn next(&mut self) -> Option<Rune> {
        let &first = self.rest.first()?;
        if first < 0x80 {
            self.rest = &self.rest[1..];
            return Some(Rune::Valid(first as char));
        }
        let window = &self.rest[..self.rest.len().min(4)];
        let valid = match std::str::from_utf8(window) {
            Ok(text) => text.chars().next(),
            Err(error) => {
                std::str::from_utf8(&window[..error.valid_up_to()]).ok().and_then(|text| text.chars().next())
            }
        };
        let rune = valid.map_or(Rune::Invalid(first), Rune::Valid);
        self.rest = &self.rest[rune.width()..];
        Some(rune)
    }
}

/// `utf8.RuneCount`.
pub fn count(text: &[u8]) -> usize {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().count(),
        Err(_) => runes(text).count(),
    }
}

/// `strings.ToValidUTF8(text, replacement)`: each run of invalid bytes becomes one replacement.
pub fn to_valid(text: &[u8], replacement: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for rune in runes(text) {
        match rune {
            Rune::Valid(rune) => {
                inside = false;
                out.push(rune);
            }
            Rune::Invalid(_) => {
                if !inside {
                    out.push_str(replacement);
                }
                inside = true;
            }
        }
    }
    out
}

/// `unicode.IsSpace`.
pub fn is_space(rune: char) -> bool {
    matches!(rune, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

fn simple(mut mapped: impl Iterator<Item = char>, rune: char) -> char {
    // Go maps one rune to one rune: where Unicode has several, the rune stays.
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => rune,
    }
}

/// `unicode.ToUpper`.
pub fn upper_rune(rune: char) -> char {
    simple(rune.to_uppercase(), rune)
}

/// `unicode.ToLower`.
pub fn lower_rune(rune: char) -> char {
    // Both are Unicode's simple mapping, which the full one of the standard library hides.
    if rune == '\u{130}' { 'i' } else { simple(rune.to_lowercase(), rune) }
}

/// `unicode.ToTitle`.
pub fn title_rune(rune: char) -> char {
    match rune {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => rune,
        _ => upper_rune(rune),
    }
}

fn mapped(text: &[u8], map: impl Fn(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for rune in runes(text) {
        out.extend_from_slice(map(rune.as_char()).encode_utf8(&mut [0; 4]).as_bytes());
    }
    out
}

/// `strings.ToUpper`.
pub fn to_upper(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() { text.to_ascii_uppercase() } else { mapped(text, upper_rune) }
}

/// `strings.ToLower`.
pub fn to_lower(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() { text.to_ascii_lowercase() } else { mapped(text, lower_rune) }
}

/// `strings.Title`: the first letter of each word in title case. Digits and `_` belong to words.
pub fn to_title(text: &[u8]) -> Vec<u8> {
    let mut previous = ' ';
    let mut out = Vec::with_capacity(text.len());
    for rune in runes(text) {
        let rune = rune.as_char();
        let next = if is_separator(previous) { title_rune(rune) } else { rune };
        previous = rune;
        out.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        return !(rune.is_ascii_alphanumeric() || rune == '_');
    }
    !rune.is_alphabetic() && !rune.is_numeric() && is_space(rune)
}

/// `strings.TrimSpace`.
pub fn trim_space(text: &[u8]) -> &[u8] {
    trim(text, is_space)
}

/// `strings.TrimFunc`.
pub fn trim(text: &[u8], drop: impl Fn(char) -> bool) -> &[u8] {
    trim_end(trim_start(text, &drop), &drop)
}

/// `strings.TrimLeftFunc`.
pub fn trim_start(text: &[u8], drop: impl Fn(char) -> bool) -> &[u8] {
    let length: usize = runes(text).take_while(|rune| drop(rune.as_char())).map(Rune::width).sum();
    &text[length..]
}

/// `strings.TrimRightFunc`.
pub fn trim_end(mut text: &[u8], drop: impl Fn(char) -> bool) -> &[u8] {
    loop {
        let mut start = text.len().saturating_sub(1);
        while start > 0 && text.len() - start < 4 && text[start] & 0xc0 == 0x80 {
            start -= 1;
        }
        let last = match runes(&text[start..]).collect::<Vec<_>>()[..] {
            [] => return text,
            [one] => one,
            [.., last] => last,
        };
        if !drop(last.as_char()) {
            return text;
        }
        text = &text[..text.len() - last.width()];
    }
}

/// `strings.Fields`.
pub fn fields(text: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut start = None;
    let mut at = 0;
    for rune in runes(text) {
        if is_space(rune.as_char()) {
            if let Some(start) = start.take() {
                out.push(&text[start..at]);
            }
        } else if start.is_none() {
            start = Some(at);
        }
        at += rune.width();
    }
    out.extend(start.map(|start| &text[start..]));
    out
}
