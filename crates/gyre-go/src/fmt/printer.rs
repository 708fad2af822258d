//! The machine behind `Sprintf`: reads the format, keeps the flags, prints values.

use super::Arg;
use crate::limits::{FORMAT_BYTES_MAX, FORMAT_WIDTH_MAX};
use crate::utf8;

/// The flags of one verb.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) plus_v: bool,
    /// `%#v`
    pub(super) sharp_v: bool,
}

/// Collects the text.
#[derive(Debug, Default)]
pub(super) struct Printer {
    out: Vec<u8>,
    pub(super) flags: Flags,
}

/// Where the reading of a format stands.
struct Cursor {
    at: usize,
    arg: usize,
    after_index: bool,
    good_index: bool,
    reordered: bool,
}

impl Printer {
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn write(&mut self, text: &[u8]) {
        // bounded: a format may show one argument any number of times.
        let room = FORMAT_BYTES_MAX.saturating_sub(self.out.len());
        self.out.extend_from_slice(&text[..text.len().min(room)]);
    }

    pub(super) fn padding(&mut self, count: usize) {
        // bounded: a format may ask for a million columns any number of times.
        let count = count.min(FORMAT_BYTES_MAX.saturating_sub(self.out.len()));
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
    }

    pub(super) fn pad(&mut self, text: &[u8]) {
        let missing = match self.flags.width {
            None | Some(0) => 0,
            Some(width) => width.saturating_sub(utf8::count(text)),
        };
        if self.flags.minus {
            self.write(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.write(text);
        }
    }

    pub(super) fn without_zero(&mut self, print: impl FnOnce(&mut Self)) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        print(self);
        self.flags.zero = zero;
    }

    pub(super) fn format(&mut self, format: &[u8], args: &[Arg<'_>]) {
        let mut cursor = Cursor { at: 0, arg: 0, after_index: false, good_index: true, reordered: false };
        while cursor.at < format.len() {
            cursor.good_index = true;
            let plain = format[cursor.at..].iter().position(|&byte| byte == b'%');
            let end = plain.map_or(format.len(), |length| cursor.at + length);
            self.write(&format[cursor.at..end]);
            if plain.is_none() {
                break;
            }
            cursor.at = end + 1;
            self.flags = Flags::default();
            cursor.after_index = false;
            self.read_flags(format, &mut cursor, args);
            if !cursor.after_index {
                cursor.read_index(format, args.len());
            }
            let Some(verb) = utf8::runes(format.get(cursor.at..).unwrap_or_default()).next() else {
                self.write(b"%!(NOVERB)");
                break;
            };
            cursor.at += verb.width();
            self.verb(verb.as_char(), &mut cursor, args);
        }
        if !cursor.reordered && cursor.arg < args.len() {
            self.extra(&args[cursor.arg..]);
        }
    }

    fn verb(&mut self, verb: char, cursor: &mut Cursor, args: &[Arg<'_>]) {
        if verb == '%' {
            self.write(b"%");
        } else if !cursor.good_index {
            self.write(format!("%!{verb}(BADINDEX)").as_bytes());
        } else if cursor.arg >= args.len() {
            self.write(format!("%!{verb}(MISSING)").as_bytes());
        } else {
            if verb == 'v' {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            self.print(&args[cursor.arg], verb);
            cursor.arg += 1;
        }
    }

    fn extra(&mut self, args: &[Arg<'_>]) {
        self.flags = Flags::default();
        self.write(b"%!(EXTRA ");
        for (index, arg) in args.iter().enumerate() {
            if index > 0 {
                self.write(b", ");
            }
            if matches!(arg, Arg::Nil) {
                self.write(b"<nil>");
            } else {
                self.write(arg.type_name().as_bytes());
                self.write(b"=");
                self.print(arg, 'v');
            }
        }
        self.write(b")");
    }

    fn read_flags(&mut self, format: &[u8], cursor: &mut Cursor, args: &[Arg<'_>]) {
        while let Some(byte) = format.get(cursor.at) {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            cursor.at += 1;
        }
        cursor.read_index(format, args.len());
        if format.get(cursor.at) == Some(&b'*') {
            cursor.at += 1;
            match cursor.number_from(args) {
                None => self.write(b"%!(BADWIDTH)"),
                Some(width) => {
                    self.flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                }
            }
            cursor.after_index = false;
        } else {
            self.flags.width = cursor.read_number(format);
            if cursor.after_index && self.flags.width.is_some() {
                cursor.good_index = false;
            }
        }
        if format.get(cursor.at) != Some(&b'.') || cursor.at + 1 >= format.len() {
            return;
        }
        cursor.at += 1;
        if cursor.after_index {
            cursor.good_index = false;
        }
        cursor.read_index(format, args.len());
        if format.get(cursor.at) == Some(&b'*') {
            cursor.at += 1;
            match cursor.number_from(args).map(usize::try_from) {
                Some(Ok(precision)) => self.flags.precision = Some(precision),
                Some(Err(_)) | None => self.write(b"%!(BADPREC)"),
            }
            cursor.after_index = false;
        } else {
            self.flags.precision = Some(cursor.read_number(format).unwrap_or(0));
        }
    }

    /// Prints one value under the flags.
    pub(super) fn print(&mut self, arg: &Arg<'_>, verb: char) {
        match verb {
            'v' | 'T' if matches!(arg, Arg::Nil) => self.pad(b"<nil>"),
            'T' => {
                let name = arg.type_name();
                let name = self.truncated(name.as_bytes()).to_vec();
                self.pad(&name);
            }
            'w' => self.bad_verb(arg, verb),
            'p' if !matches!(arg, Arg::Opaque(_) | Arg::Nil) => self.bad_verb(arg, verb),
            _ if matches!(arg, Arg::Nil) => self.bad_verb(arg, verb),
            _ => self.value(arg, verb, 0),
        }
    }

    fn bad_verb(&mut self, arg: &Arg<'_>, verb: char) {
        self.write(format!("%!{verb}(").as_bytes());
        if matches!(arg, Arg::Nil) {
            self.write(b"<nil>");
        } else {
            self.write(arg.type_name().as_bytes());
            self.write(b"=");
            // Inside an error Go does not ask a value how it is shown.
            self.value(if let Arg::Shown { inner, .. } = arg { inner } else { arg }, 'v', 0);
        }
        self.write(b")");
    }

    fn value(&mut self, arg: &Arg<'_>, verb: char, depth: usize) {
        match arg {
            Arg::Nil => self.write(if self.flags.sharp_v { b"interface {}(nil)" } else { b"<nil>" }),
            Arg::Bool(value) => match verb {
                't' | 'v' => self.pad(if *value { b"true" } else { b"false" }),
                _ => self.bad_verb(arg, verb),
            },
            Arg::Int(value, _) => self.whole(arg, *value as u64, true, verb),
            Arg::Uint(value, _) => self.whole(arg, *value, false, verb),
            Arg::Float64(value) => self.real(arg, *value, 64, verb),
            Arg::Float32(value) => self.real(arg, f64::from(*value), 32, verb),
            Arg::Str(text, _) => self.text(arg, text, verb),
            Arg::Bytes(text) => self.bytes(text, verb),
            Arg::List { type_name, items, is_nil, .. } => self.list(type_name, items, *is_nil, verb, depth),
            Arg::Map { type_name, entries, is_nil } => self.map(type_name, entries, *is_nil, verb, depth),
            Arg::Struct { type_name, fields } => self.fields(type_name, fields, verb, depth),
            Arg::Pointer(to) if depth == 0 => {
                self.write(b"&");
                self.value(to, verb, depth + 1);
            }
            Arg::Pointer(_) | Arg::Opaque(_) => self.write(b"0xc000010000"),
            Arg::Shown { text, inner, .. } => {
                if !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                    self.text(arg, text, verb);
                } else {
                    self.value(inner, verb, depth);
                }
            }
        }
    }

    fn whole(&mut self, arg: &Arg<'_>, value: u64, signed: bool, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hexadecimal(value, true),
            'v' | 'd' => self.integer(value, signed, 10, verb),
            'b' => self.integer(value, signed, 2, verb),
            'o' | 'O' => self.integer(value, signed, 8, verb),
            'x' | 'X' => self.integer(value, signed, 16, verb),
            'c' => self.rune(value),
            'q' => self.quoted_rune(value),
            'U' => self.unicode(value),
            _ => self.bad_verb(arg, verb),
        }
    }

    fn real(&mut self, arg: &Arg<'_>, value: f64, size: u32, verb: char) {
        match verb {
            'v' => self.float(value, size, b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.float(value, size, verb as u8, None),
            'f' | 'e' | 'E' => self.float(value, size, verb as u8, Some(6)),
            'F' => self.float(value, size, b'f', Some(6)),
            _ => self.bad_verb(arg, verb),
        }
    }

    fn text(&mut self, arg: &Arg<'_>, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.pad(self.truncated(text).to_vec().as_slice()),
            'x' | 'X' => self.hex_bytes(text, verb),
            'q' => self.quoted(text),
            _ => self.bad_verb(arg, verb),
        }
    }

    fn bytes(&mut self, text: &[u8], verb: char) {
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                self.write(b"[]byte{");
                for (index, &byte) in text.iter().enumerate() {
                    if index > 0 {
                        self.write(b", ");
                    }
                    self.hexadecimal(u64::from(byte), true);
                }
                self.write(b"}");
            }
            's' => self.pad(self.truncated(text).to_vec().as_slice()),
            'x' | 'X' => self.hex_bytes(text, verb),
            'q' => self.quoted(text),
            _ => {
                self.write(b"[");
                for (index, &byte) in text.iter().enumerate() {
                    if index > 0 {
                        self.write(b" ");
                    }
                    self.value(&Arg::Uint(u64::from(byte), "uint8"), verb, 1);
                }
                self.write(b"]");
            }
        }
    }

    fn list(&mut self, type_name: &str, items: &[Arg<'_>], is_nil: bool, verb: char, depth: usize) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.write(type_name.as_bytes());
            if is_nil {
                self.write(b"(nil)");
                return;
            }
        }
        self.write(if sharp { b"{" } else { b"[" });
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.write(if sharp { b", " } else { b" " });
            }
            self.value(item, verb, depth + 1);
        }
        self.write(if sharp { b"}" } else { b"]" });
    }

    fn map(
        &mut self,
        type_name: &str,
        entries: &[(Arg<'_>, Arg<'_>)],
        is_nil: bool,
        verb: char,
        depth: usize,
    ) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.write(type_name.as_bytes());
            if is_nil {
                self.write(b"(nil)");
                return;
            }
        }
        self.write(if sharp { b"{" } else { b"map[" });
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.write(if sharp { b", " } else { b" " });
            }
            self.value(key, verb, depth + 1);
            self.write(b":");
            self.value(value, verb, depth + 1);
        }
        self.write(if sharp { b"}" } else { b"]" });
    }

    fn fields(&mut self, type_name: &str, fields: &[(&str, Arg<'_>)], verb: char, depth: usize) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.write(type_name.as_bytes());
        }
        self.write(b"{");
        for (index, (name, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.write(if sharp { b", " } else { b" " });
            }
            if sharp || self.flags.plus_v {
                self.write(name.as_bytes());
                self.write(b":");
            }
            self.value(value, verb, depth + 1);
        }
        self.write(b"}");
    }
}

impl Cursor {
    /// `[3]`: the next argument to take.
    fn read_index(&mut self, format: &[u8], count: usize) {
        if format.get(self.at) != Some(&b'[') {
            self.after_index = false;
            return;
        }
        self.reordered = true;
        let Some(length) = format[self.at..].iter().position(|&byte| byte == b']') else {
            self.good_index = false;
            self.after_index = false;
            self.at += 1;
            return;
        };
        let inner = &format[self.at + 1..self.at + length];
        self.at += length + 1;
        let number = (!inner.is_empty() && inner.iter().all(u8::is_ascii_digit))
            .then(|| std::str::from_utf8(inner).ok().and_then(|digits| digits.parse::<usize>().ok()))
            .flatten();
        match number {
            Some(number) if (1..=count).contains(&number) => {
                self.arg = number - 1;
                self.after_index = true;
            }
            other => {
                self.good_index = false;
                self.after_index = other.is_some();
            }
        }
    }

    fn read_number(&mut self, format: &[u8]) -> Option<usize> {
        let mut number: Option<usize> = None;
        while let Some(digit) = format.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            if number.is_some_and(|number| number > FORMAT_WIDTH_MAX) {
                self.at = format.len();
                return None;
            }
            number = Some(number.unwrap_or(0) * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// `*`: a number among the arguments.
    fn number_from(&mut self, args: &[Arg<'_>]) -> Option<i64> {
        let arg = args.get(self.arg)?;
        self.arg += 1;
        let number = match arg {
            Arg::Int(number, _) => *number,
            Arg::Uint(number, _) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (number.unsigned_abs() <= FORMAT_WIDTH_MAX as u64).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sprintf;
    use super::*;

    proptest! {
        #[test]
        fn formatting_never_panics(format in "[-+# 0-9.*\\[\\]%a-zA-Z]{0,16}", number: i64, real: f64, text: String) {
            let args = [Arg::Int(number, "int"), Arg::Float64(real), Arg::text(&text), Arg::Nil];
            let _ = sprintf(format.as_bytes(), &args);
        }
    }
}
