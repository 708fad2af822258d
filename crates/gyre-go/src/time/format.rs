//! `Time.Format`.

use std::fmt::{self, Write as _};

use super::layout::{OffsetShape, Part, next};
use super::{DAYS, MONTHS, RFC3339, RFC3339_MICRO, RFC3339_NANO, Time, Zone};

impl Time {
    /// `Format`: the time by a layout of the reference time.
    pub fn format(&self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        loop {
            let (before, part, after) = next(rest);
            out.push_str(before);
            let Some(part) = part else { return out };
            let _ = self.write_part(part, &mut out);
            rest = after;
        }
    }

    /// RFC 3339 in UTC without decimals: `metav1.Time` as JSON has it.
    pub fn to_kubernetes(&self) -> String {
        self.in_zone(Zone::Utc).format(RFC3339)
    }

    /// RFC 3339 in UTC with six decimals: `metav1.MicroTime` as JSON has it.
    pub fn to_kubernetes_micro(&self) -> String {
        self.in_zone(Zone::Utc).format(RFC3339_MICRO)
    }

    /// RFC 3339 with the decimals that there are: `time.Time` as JSON has it.
    pub fn to_rfc3339(&self) -> String {
        self.format(RFC3339_NANO)
    }

    fn write_part(&self, part: Part, out: &mut String) -> fmt::Result {
        let civil = self.civil();
        let hour12 = if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 };
        match part {
            Part::LongMonth => out.write_str(MONTHS[civil.month as usize - 1]),
            Part::Month => out.write_str(&MONTHS[civil.month as usize - 1][..3]),
            Part::NumberMonth => write!(out, "{}", civil.month),
            Part::ZeroMonth => write!(out, "{:02}", civil.month),
            Part::LongWeekday => out.write_str(DAYS[self.weekday() as usize]),
            Part::Weekday => out.write_str(&DAYS[self.weekday() as usize][..3]),
            Part::Day => write!(out, "{}", civil.day),
            Part::SpaceDay => write!(out, "{:2}", civil.day),
            Part::ZeroDay => write!(out, "{:02}", civil.day),
            Part::SpaceYearDay => write!(out, "{:3}", self.year_day()),
            Part::ZeroYearDay => write!(out, "{:03}", self.year_day()),
            Part::Hour => write!(out, "{:02}", civil.hour),
            Part::Hour12 => write!(out, "{hour12}"),
            Part::ZeroHour12 => write!(out, "{hour12:02}"),
            Part::Minute => write!(out, "{}", civil.minute),
            Part::ZeroMinute => write!(out, "{:02}", civil.minute),
            Part::Second => write!(out, "{}", civil.second),
            Part::ZeroSecond => write!(out, "{:02}", civil.second),
            Part::LongYear if civil.year < 0 => write!(out, "-{:04}", -civil.year),
            Part::LongYear => write!(out, "{:04}", civil.year),
            Part::Year => write!(out, "{:02}", civil.year.abs() % 100),
            Part::UpperPm => out.write_str(if civil.hour >= 12 { "PM" } else { "AM" }),
            Part::LowerPm => out.write_str(if civil.hour >= 12 { "pm" } else { "am" }),
            Part::ZoneName => self.write_zone(out),
            Part::Offset { z, shape } => self.write_offset(z, shape, out),
            Part::Fraction { comma, digits, trimmed } => self.write_fraction(comma, digits, trimmed, out),
        }
    }

    fn write_zone(&self, out: &mut String) -> fmt::Result {
        let name = self.zone.abbreviation(self.unix_s);
        if !name.is_empty() {
            return out.write_str(&name);
        }
        let minutes = self.offset_s() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(out, "{sign}{:02}", minutes.abs() / 60)?;
        if minutes % 60 != 0 { write!(out, "{:02}", minutes.abs() % 60) } else { Ok(()) }
    }

    fn write_offset(&self, z: bool, shape: OffsetShape, out: &mut String) -> fmt::Result {
        let offset = self.offset_s();
        if z && offset == 0 {
            return out.write_char('Z');
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let size = offset.abs();
        let (hour, minute, second) = (size / 3600, size / 60 % 60, size % 60);
        match shape {
            OffsetShape::Hour => write!(out, "{sign}{hour:02}"),
            OffsetShape::HourMinute => write!(out, "{sign}{hour:02}{minute:02}"),
            OffsetShape::HourMinuteColon => write!(out, "{sign}{hour:02}:{minute:02}"),
            OffsetShape::Seconds => write!(out, "{sign}{hour:02}{minute:02}{second:02}"),
            OffsetShape::SecondsColon => write!(out, "{sign}{hour:02}:{minute:02}:{second:02}"),
        }
    }

    fn write_fraction(&self, comma: bool, digits: usize, trimmed: bool, out: &mut String) -> fmt::Result {
        let text = format!("{:09}", self.nanoseconds);
        let mut text = &text[..digits.min(9)];
        if trimmed {
            text = text.trim_end_matches('0');
        }
        if text.is_empty() {
            return Ok(());
        }
        out.write_char(if comma { ',' } else { '.' })?;
        out.write_str(text)
    }
}

/// As Go's `Time.String`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}
