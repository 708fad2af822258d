//! Classes: `[a-z]`, `\d`, `\p{Greek}`, `[[:alpha:]]`, and escapes of single letters.

use std::fmt::Write as _;

use super::error::{Problem, RegexpError, error};

/// What the Perl letter stands for, as the inside of a class.
fn perl(letter: char) -> Option<(&'static str, bool)> {
    Some(match letter {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        's' => (r"\t\n\x0c\r ", false),
        'S' => (r"\t\n\x0c\r ", true),
        'w' => ("0-9A-Za-z_", false),
        'W' => ("0-9A-Za-z_", true),
        _ => return None,
    })
}

fn posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7f",
        "blank" => r"\t ",
        "cntrl" => r"\x00-\x1f\x7f",
        "digit" => "0-9",
        "graph" => "!-~",
        "lower" => "a-z",
        "print" => " -~",
        "punct" => r"!-/:-@\[-`{-~",
        "space" => r"\t-\r ",
        "upper" => "A-Z",
        "word" => "0-9A-Za-z_",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    })
}

/// One letter, so that it stands for nothing but itself.
pub(super) fn literal(rune: char, out: &mut String) {
    if rune.is_ascii_alphanumeric() || rune == ' ' || rune == '_' {
        out.push(rune);
    } else {
        let _ = write!(out, "\\x{{{:x}}}", rune as u32);
    }
}

/// Reads `\d` and the like at the start of a text; returns the rest.
pub(super) fn perl_class<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let letter = text.strip_prefix('\\')?.chars().next()?;
    let (inside, negated) = perl(letter)?;
    let _ = write!(out, "[{}{inside}]", if negated { "^" } else { "" });
    Some(&text[2..])
}

/// Reads `\pL` or `\p{Greek}` at the start of a text; returns the rest.
pub(super) fn unicode_class<'a>(text: &'a str, out: &mut String) -> Result<Option<&'a str>, RegexpError> {
    let Some(letter) = text.strip_prefix('\\').and_then(|rest| rest.chars().next()) else { return Ok(None) };
    if !matches!(letter, 'p' | 'P') {
        return Ok(None);
    }
    let after = &text[2..];
    let Some(first) = after.chars().next() else { return error(Problem::CharRange, text) };
    let (name, rest) = if first == '{' {
        match after.find('}') {
            None => return error(Problem::CharRange, text),
            Some(end) => (&after[1..end], &after[end + 1..]),
        }
    } else {
        after.split_at(first.len_utf8())
    };
    let whole = &text[..text.len() - rest.len()];
    let (negated, name) = name.strip_prefix('^').map_or((letter == 'P', name), |name| (letter == 'p', name));
    let Some(class) = known_property(name) else { return error(Problem::CharRange, whole) };
    let _ = write!(out, "\\{}{{{class}}}", if negated { 'P' } else { 'p' });
    Ok(Some(rest))
}

/// Go knows general categories and scripts; the names of other properties are none.
fn known_property(name: &str) -> Option<String> {
    if name.is_empty()
        || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ' ' | '-'))
    {
        return None;
    }
    ["gc", "sc"]
        .into_iter()
        .map(|kind| format!("{kind}={name}"))
        .find(|class| regex::Regex::new(&format!("\\p{{{class}}}")).is_ok())
        .or_else(|| {
            matches!(name.to_ascii_lowercase().as_str(), "any" | "ascii" | "assigned").then(|| name.into())
        })
}

/// Reads an escaped letter at the start of a text: the letter and the rest.
pub(super) fn escape(text: &str) -> Result<(char, &str), RegexpError> {
    let mut rest = text[1..].chars();
    let Some(letter) = rest.next() else { return error(Problem::TrailingBackslash, "") };
    let plain = match letter {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '0'..='7' => return octal(text, letter),
        'x' => return hexadecimal(text),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
        _ => return error(Problem::Escape, &text[..=letter.len_utf8()]),
    };
    Ok((plain, rest.as_str()))
}

/// One to three octal digits; a single one other than 0 would be a backreference.
fn octal(text: &str, first: char) -> Result<(char, &str), RegexpError> {
    let digits = text[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if first != '0' && digits == 1 {
        return error(Problem::Escape, &text[..2]);
    }
    let code = u32::from_str_radix(&text[1..=digits], 8).ok().and_then(char::from_u32);
    Ok((code.unwrap_or('\0'), &text[digits + 1..]))
}

fn hexadecimal(text: &str) -> Result<(char, &str), RegexpError> {
    let after = &text[2..];
    let mut letters = after.chars();
    if !after.starts_with('{') {
        // Two letters are read before either is looked at.
        let digits =
            [letters.next(), letters.next()].map(|letter| letter.and_then(|letter| letter.to_digit(16)));
        let [Some(high), Some(low)] = digits else {
            return error(Problem::Escape, &text[..text.len() - letters.as_str().len()]);
        };
        return Ok((char::from_u32(high * 16 + low).unwrap_or('\u{fffd}'), letters.as_str()));
    }
    let mut code = 0;
    let mut read = 0;
    letters.next();
    loop {
        let before = letters.as_str();
        let Some(letter) = letters.next() else {
            return error(Problem::Escape, text);
        };
        if letter == '}' && read > 0 {
            break;
        }
        let Some(digit) = letter.to_digit(16) else {
            return error(Problem::Escape, &text[..text.len() - letters.as_str().len()]);
        };
        code = code * 16 + digit;
        read += 1;
        if code > 0x0010_ffff {
            return error(Problem::Escape, &text[..text.len() - before.len() + letter.len_utf8()]);
        }
    }
    Ok((char::from_u32(code).unwrap_or('\u{fffd}'), letters.as_str()))
}

/// Reads `[...]` at the start of a text; returns the rest.
pub(super) fn bracket<'a>(text: &'a str, out: &mut String) -> Result<&'a str, RegexpError> {
    let mut rest = &text[1..];
    out.push('[');
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        if !first && let Some(after) = rest.strip_prefix(']') {
            out.push(']');
            return Ok(after);
        }
        first = false;
        if rest.is_empty() {
            return error(Problem::MissingBracket, text);
        }
        if rest.starts_with("[:")
            && let Some(end) = rest[2..].find(":]")
        {
            let name = &rest[2..end + 2];
            let (negated, known) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
            let Some(inside) = posix(known) else { return error(Problem::CharRange, &rest[..end + 4]) };
            let _ = write!(out, "[{}{inside}]", if negated { "^" } else { "" });
            rest = &rest[end + 4..];
            continue;
        }
        if let Some(after) = unicode_class(rest, out)? {
            rest = after;
            continue;
        }
        if let Some(after) = perl_class(rest, out) {
            rest = after;
            continue;
        }
        rest = range(text, rest, out)?;
    }
}

fn range<'a>(text: &str, start: &'a str, out: &mut String) -> Result<&'a str, RegexpError> {
    let (low, mut rest) = member(text, start)?;
    let mut high = low;
    if rest.len() >= 2 && rest.starts_with('-') && !rest[1..].starts_with(']') {
        (high, rest) = member(text, &rest[1..])?;
        if high < low {
            return error(Problem::CharRange, &start[..start.len() - rest.len()]);
        }
    }
    literal(low, out);
    if high != low {
        out.push('-');
        literal(high, out);
    }
    Ok(rest)
}

fn member<'a>(text: &str, rest: &'a str) -> Result<(char, &'a str), RegexpError> {
    if rest.starts_with('\\') {
        return escape(rest);
    }
    match rest.chars().next() {
        Some(letter) => Ok((letter, &rest[letter.len_utf8()..])),
        None => error(Problem::MissingBracket, text),
    }
}
