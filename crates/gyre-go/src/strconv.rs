//! Numbers and quoted texts as Go's `strconv` reads and writes them.

mod float;
mod quote;

pub use float::{format_float, format_float32, parse_float};
pub use quote::{
    can_backquote, is_graphic, is_print, quote, quote_rune, quote_rune_to_ascii, quote_to_ascii,
    quote_to_graphic, unquote,
};

/// Why a text is no number. The display is Go's `*NumError`.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("strconv.{function}: parsing {}: {problem}", quote(.text))]
pub struct NumError {
    /// The Go function that would have failed.
    pub function: &'static str,
    /// The text that was read.
    pub text: Vec<u8>,
    /// What is wrong with it.
    pub problem: NumProblem,
}

/// What is wrong with a number.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum NumProblem {
    /// Not a number.
    #[error("invalid syntax")]
    Syntax,
    /// A number that the type does not hold.
    #[error("value out of range")]
    Range,
    /// A base that Go does not know.
    #[error("invalid base {0}")]
    Base(u32),
}

fn failed(function: &'static str, text: &str, problem: NumProblem) -> NumError {
    NumError { function, text: text.as_bytes().to_vec(), problem }
}

/// `strconv.ParseUint`. Base 0 reads the prefix (`0x`, `0o`, `0b`, `0`) and allows underscores.
pub fn parse_uint(text: &str, base: u32, bits: u32) -> Result<u64, NumError> {
    unsigned(text, base, bits).map_err(|problem| failed("ParseUint", text, problem))
}

/// `strconv.ParseInt`.
pub fn parse_int(text: &str, base: u32, bits: u32) -> Result<i64, NumError> {
    signed(text, base, bits).map_err(|(problem, _)| failed("ParseInt", text, problem))
}

/// `strconv.ParseInt` with what Go returns next to a range error: the nearest number.
pub fn parse_int_clamped(text: &str, base: u32, bits: u32) -> (i64, Option<NumError>) {
    match signed(text, base, bits) {
        Ok(value) => (value, None),
        Err((problem, nearest)) => (nearest, Some(failed("ParseInt", text, problem))),
    }
}

/// `strconv.ParseUint` with what Go returns next to a range error: the largest number.
pub fn parse_uint_clamped(text: &str, base: u32, bits: u32) -> (u64, Option<NumError>) {
    match unsigned(text, base, bits) {
        Ok(value) => (value, None),
        Err(problem) => {
            let nearest = if problem == NumProblem::Range { largest(bits) } else { 0 };
            (nearest, Some(failed("ParseUint", text, problem)))
        }
    }
}

/// `strconv.Atoi`.
pub fn atoi(text: &str) -> Result<i64, NumError> {
    signed(text, 10, 64).map_err(|(problem, _)| failed("Atoi", text, problem))
}

/// `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Result<bool, NumError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(failed("ParseBool", text, NumProblem::Syntax)),
    }
}

fn largest(bits: u32) -> u64 {
    u64::MAX >> (64 - if bits == 0 { 64 } else { bits.min(64) })
}

fn unsigned(text: &str, base: u32, bits: u32) -> Result<u64, NumProblem> {
    let (digits, radix) = match base {
        0 => cut_prefix(text),
        2..=36 => (text, base),
        _ => return Err(NumProblem::Base(base)),
    };
    if digits.is_empty() {
        return Err(NumProblem::Syntax);
    }
    let mut value: u64 = 0;
    let mut too_large = false;
    let mut underscores = false;
    for letter in digits.chars() {
        if letter == '_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = letter.to_digit(radix).ok_or(NumProblem::Syntax)?;
        match value.checked_mul(u64::from(radix)).and_then(|value| value.checked_add(u64::from(digit))) {
            Some(next) if !too_large => value = next,
            _ => too_large = true,
        }
    }
    if underscores && !underscores_fine(text) {
        return Err(NumProblem::Syntax);
    }
    if too_large || value > largest(bits) { Err(NumProblem::Range) } else { Ok(value) }
}

fn cut_prefix(text: &str) -> (&str, u32) {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'0') {
        return (text, 10);
    }
    let radix = match bytes.get(1).map(u8::to_ascii_lowercase) {
        Some(b'x') => 16,
        Some(b'o') => 8,
        Some(b'b') => 2,
        Some(_) => return (&text[1..], 8),
        None => return (text, 8),
    };
    if bytes.len() < 3 { (&text[1..], 8) } else { (&text[2..], radix) }
}

/// Underscores may stand between digits, and between a base prefix and a digit.
pub(crate) fn underscores_fine(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-']);
    let bytes = text.as_bytes();
    let mut previous = '^';
    let mut rest = bytes;
    let mut hex = false;
    if bytes.len() >= 2 && bytes[0] == b'0' && matches!(bytes[1] | 0x20, b'b' | b'o' | b'x') {
        previous = '0';
        hex = bytes[1] | 0x20 == b'x';
        rest = &bytes[2..];
    }
    for &byte in rest {
        if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() {
            previous = '0';
        } else if byte == b'_' {
            if previous != '0' {
                return false;
            }
            previous = '_';
        } else {
            if previous == '_' {
                return false;
            }
            previous = '!';
        }
    }
    previous != '_'
}

fn signed(text: &str, base: u32, bits: u32) -> Result<i64, (NumProblem, i64)> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let bits = if bits == 0 { 64 } else { bits };
    let bound = 1_u64 << (bits - 1);
    let nearest = if negative { (bound as i64).wrapping_neg() } else { (bound - 1) as i64 };
    match unsigned(digits, base, bits) {
        Ok(value) if negative && value <= bound => Ok((value as i64).wrapping_neg()),
        Ok(value) if !negative && value < bound => Ok(value as i64),
        Ok(_) | Err(NumProblem::Range) => Err((NumProblem::Range, nearest)),
        Err(problem) => Err((problem, 0)),
    }
}
