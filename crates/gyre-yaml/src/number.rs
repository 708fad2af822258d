//! Numbers as Go's `strconv` reads and writes them.

use std::fmt::Write as _;

use crate::resolve::Meaning;

/// `strconv.ParseInt` and `ParseUint` with base 0: `0x`, `0o`, `0b`, a leading `0` for octal.
pub(crate) fn parse_int(text: &str) -> Option<Meaning> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let signed = text.len() != digits.len() && matches!(text.as_bytes()[0], b'+' | b'-');
    magnitude(digits, radix).and_then(|size| from_magnitude(size, negative, signed))
}

/// `strconv.ParseInt` and `ParseUint` with a base and an optional sign.
pub(crate) fn parse_radix(text: &str, radix: u32) -> Option<Meaning> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    magnitude(digits, radix).and_then(|size| from_magnitude(size, negative, digits.len() != text.len()))
}

fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| char::from(byte).is_digit(radix));
    if plain { u64::from_str_radix(digits, radix).ok() } else { None }
}

fn from_magnitude(size: u64, negative: bool, signed: bool) -> Option<Meaning> {
    if negative {
        return 0_i64.checked_sub_unsigned(size).map(Meaning::Int);
    }
    match i64::try_from(size) {
        Ok(int) => Some(Meaning::Int(int)),
        Err(_) if signed => None,
        Err(_) => Some(Meaning::Uint(size)),
    }
}

/// YAML's own form of a float: digits, a point, an exponent.
pub(crate) fn looks_like_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_fits && exponent_fits
}

/// `strconv.ParseFloat` of a decimal; `None` where it is too large as well.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    if !looks_like_float(text) {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// `strconv.FormatFloat(f, 'g', -1, 64)`, with YAML's words for what is no number.
pub fn format_float(float: f64) -> String {
    if float.is_nan() {
        return ".nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    shortest(&format!("{float:e}"))
}

/// The same in 32 bits: how `sigs.k8s.io/yaml` writes a key that is a float.
pub(crate) fn format_float_key(float: f64) -> String {
    let float = float as f32;
    if !float.is_finite() {
        return format_float(f64::from(float));
    }
    shortest(&format!("{float:e}"))
}

/// From Rust's shortest exponent form to Go's: an exponent where the number is below 0.0001 or has seven digits.
fn shortest(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.trim_start_matches('-').replace('.', "");
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let mut text = String::from(sign);
    if !(-4..6).contains(&exponent) {
        text.push_str(&digits[..1]);
        if digits.len() > 1 {
            text.push('.');
            text.push_str(&digits[1..]);
        }
        let mark = if exponent < 0 { '-' } else { '+' };
        let _ = write!(text, "e{mark}{:02}", exponent.abs());
    } else if exponent < 0 {
        text.push_str("0.");
        text.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        text.push_str(&digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            text.push_str(&digits);
            text.extend(std::iter::repeat_n('0', whole - digits.len()));
        } else {
            text.push_str(&digits[..whole]);
            text.push('.');
            text.push_str(&digits[whole..]);
        }
    }
    text
}
