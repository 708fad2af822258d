//! Numbers and texts under flags: sign, width, precision, base.

use super::printer::Printer;
use crate::strconv;
use crate::utf8;

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

/// The digits of a verb: upper case for `X`.
fn digits_of(verb: char) -> &'static [u8; 17] {
    if verb == 'X' { UPPER } else { LOWER }
}

impl Printer {
    pub(super) fn integer(&mut self, value: u64, signed: bool, base: u64, verb: char) {
        let negative = signed && (value as i64) < 0;
        let size = if negative { value.wrapping_neg() } else { value };
        let flags = self.flags;
        let mut digits_min = 0;
        if let Some(precision) = flags.precision {
            digits_min = precision;
            if precision == 0 && value == 0 {
                self.without_zero(|printer| printer.padding(flags.width.unwrap_or(0)));
                return;
            }
        } else if flags.zero && !flags.minus {
            digits_min = flags.width.unwrap_or(0);
            if negative || flags.plus || flags.space {
                digits_min = digits_min.saturating_sub(1);
            }
        }
        let table = digits_of(verb);
        let mut reversed = Vec::new();
        let mut rest = size;
        loop {
            reversed.push(table[(rest % base) as usize]);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while reversed.len() < digits_min {
            reversed.push(b'0');
        }
        if flags.sharp {
            match base {
                2 => reversed.extend_from_slice(b"b0"),
                8 if reversed.last() != Some(&b'0') => reversed.push(b'0'),
                16 => reversed.extend_from_slice(&[table[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            reversed.extend_from_slice(b"o0");
        }
        if negative {
            reversed.push(b'-');
        } else if flags.plus {
            reversed.push(b'+');
        } else if flags.space {
            reversed.push(b' ');
        }
        reversed.reverse();
        self.without_zero(|printer| printer.pad(&reversed));
    }

    /// `0x…`, as `%#v` shows unsigned numbers.
    pub(super) fn hexadecimal(&mut self, value: u64, leading: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, leading);
        self.integer(value, false, 16, 'v');
        self.flags.sharp = sharp;
    }

    pub(super) fn unicode(&mut self, value: u64) {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{value:0digits$X}");
        if self.flags.sharp
            && let Some(rune) = u32::try_from(value).ok().and_then(char::from_u32)
            && strconv::is_print(rune)
        {
            text.extend([' ', '\'', rune, '\'']);
        }
        self.without_zero(|printer| printer.pad(text.as_bytes()));
    }

    pub(super) fn rune(&mut self, value: u64) {
        let rune = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        self.pad(rune.encode_utf8(&mut [0; 4]).as_bytes());
    }

    pub(super) fn quoted_rune(&mut self, value: u64) {
        let rune = i64::try_from(value).unwrap_or(-1);
        let text =
            if self.flags.plus { strconv::quote_rune_to_ascii(rune) } else { strconv::quote_rune(rune) };
        self.pad(text.as_bytes());
    }

    /// `size` is 64 or 32; `precision` is what the verb takes when none is written, `None` for the fewest digits.
    pub(super) fn float(&mut self, value: f64, size: u32, verb: u8, precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut text = if size == 32 {
            strconv::format_float32(value as f32, verb, precision)
        } else {
            strconv::format_float(value, verb, precision)
        };
        if !text.starts_with(['-', '+']) {
            text.insert(0, '+');
        }
        if flags.space && text.starts_with('+') && !flags.plus {
            text.replace_range(..1, " ");
        }
        let second = text.as_bytes().get(1).copied();
        if matches!(second, Some(b'I' | b'N')) {
            let start = usize::from(second == Some(b'N') && !flags.space && !flags.plus);
            self.without_zero(|printer| printer.pad(&text.as_bytes()[start..]));
            return;
        }
        if flags.sharp && verb != b'b' {
            text = with_point(&text, verb, precision);
        }
        if flags.plus || !text.starts_with('+') {
            let width = flags.width.unwrap_or(0);
            if flags.zero && !flags.minus && width > text.len() {
                self.write(&text.as_bytes()[..1]);
                self.padding(width - text.len());
                self.write(&text.as_bytes()[1..]);
                return;
            }
            self.pad(text.as_bytes());
            return;
        }
        self.pad(&text.as_bytes()[1..]);
    }

    pub(super) fn hex_bytes(&mut self, text: &[u8], verb: char) {
        let flags = self.flags;
        let table = digits_of(verb);
        let length = flags.precision.map_or(text.len(), |precision| precision.min(text.len()));
        if length == 0 {
            self.padding(flags.width.unwrap_or(0));
            return;
        }
        let prefix = if flags.sharp { [b'0', table[16]].to_vec() } else { Vec::new() };
        let mut out = prefix.clone();
        for (index, &byte) in text[..length].iter().enumerate() {
            if flags.space && index > 0 {
                out.push(b' ');
                out.extend_from_slice(&prefix);
            }
            out.extend_from_slice(&[table[usize::from(byte >> 4)], table[usize::from(byte & 15)]]);
        }
        self.pad(&out);
    }

    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        let shown = if self.flags.sharp && strconv::can_backquote(text) {
            [b"`", text, b"`"].concat()
        } else if self.flags.plus {
            strconv::quote_to_ascii(text).into_bytes()
        } else {
            strconv::quote(text).into_bytes()
        };
        self.pad(&shown);
    }

    /// The text cut to as many runes as the precision says.
    pub(super) fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else { return text };
        let length: usize = utf8::runes(text).take(precision).map(utf8::Rune::width).sum();
        &text[..length]
    }
}

/// The `#` flag: always a decimal point, and trailing zeros where `%g` drops them.
fn with_point(text: &str, verb: u8, precision: Option<usize>) -> String {
    let is_hex = matches!(verb, b'x' | b'X');
    let mut missing: i64 = match verb {
        b'g' | b'G' | b'x' => precision.map_or(6, |precision| precision as i64),
        _ => 0,
    };
    let split = text
        .find(|letter| matches!(letter, 'p' | 'P') || !is_hex && matches!(letter, 'e' | 'E'))
        .unwrap_or(text.len());
    let (number, tail) = text.split_at(split);
    let mut seen_digit = false;
    for letter in number[1..].chars().filter(|&letter| letter != '.') {
        seen_digit |= letter != '0';
        if seen_digit {
            missing -= 1;
        }
    }
    let mut out = number.to_owned();
    if !number.contains('.') {
        if number.len() == 2 && number.ends_with('0') {
            missing -= 1;
        }
        out.push('.');
    }
    out.extend((0..missing).map(|_| '0'));
    out + tail
}
