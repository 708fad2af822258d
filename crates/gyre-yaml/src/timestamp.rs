//! Points in time, as go-yaml takes them from plain scalars.

use std::fmt;

/// A point in time with its offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    offset_minutes: i32,
}

impl Timestamp {
    /// Reads `2001-12-14`, `2001-12-14 21:59:43.1` and RFC 3339 with short fields.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 5 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut at = At { bytes, pos: 5 };
        let year = text[..4].parse().ok()?;
        let month = at.number()?;
        at.byte(b'-')?;
        let day = at.number()?;
        if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let mut time = Self { year, month, day, hour: 0, minute: 0, second: 0, nanos: 0, offset_minutes: 0 };
        match at.next() {
            None => return Some(time),
            Some(b'T' | b't') => {
                time.clock(&mut at)?;
                time.offset_minutes = at.zone()?;
            }
            Some(b' ') => time.clock(&mut at)?,
            Some(_) => return None,
        }
        (at.pos == bytes.len()).then_some(time)
    }

    fn clock(&mut self, at: &mut At<'_>) -> Option<()> {
        self.hour = at.number()?;
        at.byte(b':')?;
        self.minute = at.number()?;
        at.byte(b':')?;
        self.second = at.number()?;
        if self.hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        self.nanos = at.fraction();
        Some(())
    }
}

struct At<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl At<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.pos += 1;
        Some(byte)
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn digit(&mut self) -> Option<u32> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.pos += 1;
        Some(u32::from(digit - b'0'))
    }

    /// One digit or two.
    fn number(&mut self) -> Option<u32> {
        let first = self.digit()?;
        Some(self.digit().map_or(first, |second| first * 10 + second))
    }

    /// A fraction of a second where there is one; digits beyond the ninth are dropped.
    fn fraction(&mut self) -> u32 {
        let digits = self.bytes.get(self.pos + 1).is_some_and(u8::is_ascii_digit);
        if !digits || !matches!(self.peek(), Some(b'.' | b',')) {
            return 0;
        }
        self.pos += 1;
        let mut nanos = 0;
        let mut unit = 100_000_000;
        while let Some(digit) = self.digit() {
            nanos += digit * unit;
            unit /= 10;
        }
        nanos
    }

    fn zone(&mut self) -> Option<i32> {
        let sign = match self.next()? {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = (self.digit()?, self.digit()?);
        self.byte(b':')?;
        let minutes = (self.digit()?, self.digit()?);
        let (hours, minutes) = (hours.0 * 10 + hours.1, minutes.0 * 10 + minutes.1);
        (hours <= 24 && minutes < 60).then(|| sign * (hours * 60 + minutes) as i32)
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Timestamp {
    /// As Go's `%#v` shows it.
    pub(crate) fn go_syntax(&self) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let month = MONTHS.get(self.month.saturating_sub(1) as usize).copied().unwrap_or_default();
        let zone = if self.offset_minutes == 0 { "time.UTC" } else { "time.Location(\"\")" };
        format!(
            "time.Date({}, time.{month}, {}, {}, {}, {}, {}, {zone})",
            self.year, self.day, self.hour, self.minute, self.second, self.nanos
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with as many digits of a second as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}T", self.year, self.month, self.day)?;
        write!(f, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)?;
        if self.nanos > 0 {
            write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))?;
        }
        match self.offset_minutes {
            0 => f.write_str("Z"),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
        }
    }
}
