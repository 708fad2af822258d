//! Floating-point numbers: `FormatFloat` and `ParseFloat`.

use super::{NumError, NumProblem, failed, underscores_fine};

/// Decimal digits `0.d1d2d3... * 10^point`, without trailing zeros.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// `strconv.FormatFloat(value, verb, precision, 64)`; precision `None` is -1, the fewest digits that read back.
pub fn format_float(value: f64, verb: u8, precision: Option<usize>) -> String {
    let shortest = || exponent_form(&format!("{value:e}"));
    format_with(value, verb, precision, 52, -1023, &shortest)
}

/// `strconv.FormatFloat(value, verb, precision, 32)`.
pub fn format_float32(value: f32, verb: u8, precision: Option<usize>) -> String {
    let shortest = || exponent_form(&format!("{value:e}"));
    format_with(f64::from(value), verb, precision, 23, -127, &shortest)
}

fn format_with(
    value: f64,
    verb: u8,
    precision: Option<usize>,
    mantissa_bits: u32,
    bias: i32,
    shortest: &dyn Fn() -> Decimal,
) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-Inf".into() } else { "+Inf".into() };
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let size = value.abs();
    let body = match verb {
        b'b' => binary(size, mantissa_bits, bias),
        b'x' | b'X' => hexadecimal(size, verb, precision),
        b'e' | b'E' => match precision {
            Some(precision) => scientific(&exponent_form(&format!("{size:.precision$e}")), precision, verb),
            None => {
                let decimal = shortest();
                let precision = decimal.digits.len().saturating_sub(1);
                scientific(&decimal, precision, verb)
            }
        },
        b'f' => match precision {
            Some(precision) => format!("{size:.precision$}"),
            None => {
                let decimal = shortest();
                let precision = (decimal.digits.len() as i32 - decimal.point).max(0) as usize;
                plain(&decimal, precision)
            }
        },
        b'g' | b'G' => general(size, verb, precision, shortest),
        _ => return format!("%{}", verb as char),
    };
    format!("{sign}{body}")
}

fn general(size: f64, verb: u8, precision: Option<usize>, shortest: &dyn Fn() -> Decimal) -> String {
    let (decimal, mut precision, short) = match precision {
        Some(precision) => {
            let precision = precision.max(1);
            (exponent_form(&format!("{size:.*e}", precision - 1)), precision, false)
        }
        None => (shortest(), 6, true),
    };
    let count = decimal.digits.len();
    let mut threshold = precision as i32;
    if threshold > count as i32 && count as i32 >= decimal.point {
        threshold = count as i32;
    }
    // compat(go 1.26): with the fewest digits an exponent is written from 21 digits on only by JSON; here from 6 on.
    if short {
        threshold = 6;
        precision = count;
    }
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= threshold {
        return scientific(&decimal, precision.min(count).saturating_sub(1), verb - 2);
    }
    plain(&decimal, (count as i32 - decimal.point).max(0) as usize)
}

/// Reads what Rust prints with `{:e}`.
fn exponent_form(text: &str) -> Decimal {
    let (mantissa, exponent) = text.trim_start_matches('-').split_once('e').unwrap_or((text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
    Decimal { digits, point }
}

fn scientific(decimal: &Decimal, precision: usize, verb: u8) -> String {
    let digit = |index: usize| decimal.digits.get(index).map_or('0', |&digit| digit as char);
    let mut out = String::new();
    out.push(digit(0));
    if precision > 0 {
        out.push('.');
        out.extend((1..=precision).map(digit));
    }
    let exponent = if decimal.digits.is_empty() { 0 } else { decimal.point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{out}{}{sign}{:02}", verb as char, exponent.abs())
}

fn plain(decimal: &Decimal, precision: usize) -> String {
    let digit = |index: i32| {
        usize::try_from(index)
            .ok()
            .and_then(|index| decimal.digits.get(index))
            .map_or('0', |&digit| digit as char)
    };
    let mut out = String::new();
    if decimal.point > 0 {
        out.extend((0..decimal.point).map(digit));
    } else {
        out.push('0');
    }
    if precision > 0 {
        out.push('.');
        out.extend((0..precision as i32).map(|place| digit(decimal.point + place)));
    }
    out
}

fn parts(size: f64) -> (u64, i32) {
    let bits = size.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let mantissa = bits & ((1 << 52) - 1);
    if exponent == 0 { (mantissa, -1022) } else { (mantissa | 1 << 52, exponent - 1023) }
}

fn binary(size: f64, mantissa_bits: u32, bias: i32) -> String {
    let (mut mantissa, mut exponent) = parts(size);
    if mantissa_bits == 23 {
        // A single is exact as a double; its own exponent range is smaller.
        let bits = (size as f32).to_bits();
        let raw = (bits >> 23 & 0xff) as i32;
        let fraction = u64::from(bits & ((1 << 23) - 1));
        (mantissa, exponent) = if raw == 0 { (fraction, bias + 1) } else { (fraction | 1 << 23, raw + bias) };
    }
    format!("{mantissa}p{:+}", exponent - mantissa_bits as i32)
}

fn hexadecimal(size: f64, verb: u8, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(size);
    if mantissa == 0 {
        exponent = 0;
    }
    mantissa <<= 60 - 52;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision
        && precision < 15
    {
        let shift = precision as u32 * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut out = format!("0x{}", mantissa >> 60 & 1);
    mantissa <<= 4;
    if precision.is_none_or(|precision| precision > 0) && (precision.is_some() || mantissa != 0) {
        out.push('.');
        let mut left = precision.unwrap_or(usize::MAX);
        while left > 0 && (precision.is_some() || mantissa != 0) {
            out.push(char::from_digit((mantissa >> 60) as u32 & 15, 16).unwrap_or('0'));
            mantissa <<= 4;
            left -= 1;
        }
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out = format!("{out}p{sign}{:02}", exponent.abs());
    if verb == b'X' { out.to_uppercase() } else { out }
}

/// `strconv.ParseFloat(text, 64)`: the number, and next to a range error the infinity that Go returns with it.
pub fn parse_float(text: &str) -> Result<f64, (NumError, f64)> {
    let syntax = || (failed("ParseFloat", text, NumProblem::Syntax), 0.0);
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        // A sign before "nan" is no number.
        "nan" if body.len() == text.len() => return Ok(f64::NAN),
        _ => {}
    }
    let cleaned: String;
    let digits = if body.contains('_') {
        if !underscores_fine(text) {
            return Err(syntax());
        }
        cleaned = body.replace('_', "");
        &cleaned
    } else {
        body
    };
    let value = if digits.len() > 2 && digits.starts_with('0') && digits.as_bytes()[1] | 0x20 == b'x' {
        read_hexadecimal(&digits[2..]).ok_or_else(syntax)?
    } else {
        let fine = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
        if !fine || digits.starts_with(['+', '-']) {
            return Err(syntax());
        }
        digits.parse::<f64>().map_err(|_| syntax())?
    };
    if value.is_infinite() {
        return Err((failed("ParseFloat", text, NumProblem::Range), sign * f64::INFINITY));
    }
    Ok(sign * value)
}

/// `h.hhhp±d`, rounded to the nearest, ties to even.
fn read_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let digits_of_exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits_of_exponent.is_empty() || !digits_of_exponent.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut exponent: i64 =
        exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -9999 } else { 9999 });
    exponent = exponent.clamp(-9999, 9999);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    let mut sticky = false;
    for (index, letter) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = letter.to_digit(16)?;
        let in_fraction = index >= whole.len();
        if value >> 59 == 0 {
            value = value << 4 | u64::from(digit);
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    if value == 0 {
        return Some(0.0);
    }
    let shift = value.leading_zeros();
    value <<= shift;
    exponent -= i64::from(shift);
    // value is 1.63 bits now: keep 53, fewer for a number below the normal range.
    let top = exponent + 63;
    let kept = if top < -1022 { 53 - (-1022 - top) } else { 53 };
    if kept < 0 {
        return Some(0.0);
    }
    let dropped = 64 - kept as u32;
    let (mut mantissa, rest) =
        if dropped >= 64 { (0, value) } else { (value >> dropped, value << (64 - dropped)) };
    let half = 1_u64 << 63;
    if rest > half || rest == half && (sticky || mantissa & 1 == 1) {
        mantissa += 1;
    }
    let scale = exponent + i64::from(dropped);
    Some(scale_by_two(mantissa as f64, scale))
}

/// `value * 2^exponent`, in steps that stay exact.
fn scale_by_two(mut value: f64, mut exponent: i64) -> f64 {
    while exponent > 1000 && value.is_finite() {
        value *= 2.0_f64.powi(1000);
        exponent -= 1000;
    }
    while exponent < -1000 && value != 0.0 {
        value *= 2.0_f64.powi(-1000);
        exponent += 1000;
    }
    value * 2.0_f64.powi(exponent.clamp(-1074, 1023) as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            for verb in *b"efgx" {
                let text = format_float(value, verb, None);
                prop_assert_eq!(parse_float(&text).ok().map(f64::to_bits), Some(value.to_bits()), "{}", text);
            }
        }

        #[test]
        fn reading_never_panics(text in "[-+0-9.eExXpP_a-f]{0,16}") {
            let _ = parse_float(&text);
        }
    }
}
