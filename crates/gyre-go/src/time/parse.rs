//! `time.Parse`.

use super::layout::{OffsetShape, Part, next};
use super::{DAYS, MONTHS, RFC3339, Time, Zone, days_from_civil, days_in_month, quoted};

/// Why a text is no time of a layout. The texts are Go's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimeError {
    /// A part of the text does not fit its part of the layout.
    #[error("parsing time {} as {}: cannot parse {} as {}", quoted(.value.as_bytes()), quoted(.layout.as_bytes()), quoted(.value_part.as_bytes()), quoted(.layout_part.as_bytes()))]
    Mismatch {
        /// The layout.
        layout: String,
        /// The text.
        value: String,
        /// The part of the layout.
        layout_part: String,
        /// The rest of the text from there.
        value_part: String,
    },
    /// Text after the time.
    #[error("parsing time {}: extra text: {}", quoted(.0.as_bytes()), quoted(.1.as_bytes()))]
    Extra(String, String),
    /// A number beyond its range.
    #[error("parsing time {}: {field} out of range", quoted(.value.as_bytes()))]
    OutOfRange {
        /// The text.
        value: String,
        /// Which number.
        field: &'static str,
    },
}

/// `time.Parse`: without a zone in the text the time is in UTC.
pub fn parse(layout: &str, value: &str) -> Result<Time, TimeError> {
    parse_in(layout, value, &Zone::Utc, &Zone::Utc)
}

/// `time.ParseInLocation`: without a zone in the text the time is in `default`; offsets and abbreviations of `local`
/// give a time in that zone.
pub fn parse_in(layout: &str, value: &str, default: &Zone, local: &Zone) -> Result<Time, TimeError> {
    let mut fields = Fields::default();
    let mut rest_of_layout = layout;
    let mut rest = value;
    let mismatch = |layout_part: &str, value_part: &str| TimeError::Mismatch {
        layout: layout.into(),
        value: value.into(),
        layout_part: layout_part.into(),
        value_part: value_part.into(),
    };
    loop {
        let (before, part, after) = next(rest_of_layout);
        rest = skip(rest, before).map_err(|at| mismatch(before, at))?;
        let Some(part) = part else { break };
        let written = &rest_of_layout[before.len()..rest_of_layout.len() - after.len()];
        rest_of_layout = after;
        let hold = rest;
        match fields.read(part, rest, after) {
            Ok(next) => rest = next,
            Err(Wrong::Range(field)) => return Err(TimeError::OutOfRange { value: value.into(), field }),
            Err(Wrong::Shape) => return Err(mismatch(written, hold)),
        }
    }
    if !rest.is_empty() {
        return Err(TimeError::Extra(value.into(), rest.into()));
    }
    fields.finish(default, local).map_err(|field| TimeError::OutOfRange { value: value.into(), field })
}

/// RFC 3339 by the letter, as `time.Time` reads it from JSON.
pub fn parse_strict(value: &str) -> Result<Time, TimeError> {
    let time = parse(RFC3339, value)?;
    let mismatch = |layout_part: &str, value_part: &str| TimeError::Mismatch {
        layout: RFC3339.into(),
        value: value.into(),
        layout_part: layout_part.into(),
        value_part: value_part.into(),
    };
    let bytes = value.as_bytes();
    if bytes.get(12) == Some(&b':') {
        return Err(mismatch("15", &value[11..12]));
    }
    if !value.ends_with('Z') && value.len() >= 5 {
        let number = |from: usize| value[from..from + 2].parse::<u32>().unwrap_or(0);
        let end = value.len();
        if number(end - 5) >= 24 {
            return Err(TimeError::OutOfRange { value: value.into(), field: "timezone hour" });
        }
        if number(end - 2) >= 60 {
            return Err(TimeError::OutOfRange { value: value.into(), field: "timezone minute" });
        }
    }
    Ok(time)
}

enum Wrong {
    Shape,
    Range(&'static str),
}

#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanoseconds: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset_s: Option<i32>,
    zone_name: String,
}

/// Walks over the literal text of a layout; runs of spaces fit any run of spaces.
fn skip<'a>(value: &'a str, prefix: &str) -> Result<&'a str, &'a str> {
    let mut value = value;
    let mut prefix = prefix.as_bytes();
    while let Some(&want) = prefix.first() {
        if want == b' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            while prefix.first() == Some(&b' ') {
                prefix = &prefix[1..];
            }
            value = value.trim_start_matches(' ');
            continue;
        }
        // Letters beyond ASCII are compared whole, so that the rest stays a text.
        let width =
            std::str::from_utf8(prefix).map_or(1, |text| text.chars().next().map_or(1, char::len_utf8));
        if !value.as_bytes().starts_with(&prefix[..width]) {
            return Err(value);
        }
        value = &value[width..];
        prefix = &prefix[width..];
    }
    Ok(value)
}

fn digit(text: &str, at: usize) -> Option<u32> {
    text.as_bytes().get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'))
}

/// One or two digits; two where `fixed`.
fn number(text: &str, fixed: bool) -> Result<(u32, &str), Wrong> {
    match (digit(text, 0), digit(text, 1)) {
        (Some(high), Some(low)) => Ok((high * 10 + low, &text[2..])),
        (Some(one), None) if !fixed => Ok((one, &text[1..])),
        _ => Err(Wrong::Shape),
    }
}

fn number3(text: &str, fixed: bool) -> Result<(u32, &str), Wrong> {
    let length = (0..3).take_while(|at| digit(text, *at).is_some()).count();
    if length == 0 || fixed && length != 3 {
        return Err(Wrong::Shape);
    }
    Ok(((0..length).fold(0, |sum, at| sum * 10 + digit(text, at).unwrap_or(0)), &text[length..]))
}

fn look_up<'a>(names: &[&str], length: Option<usize>, text: &'a str) -> Result<(usize, &'a str), Wrong> {
    for (index, name) in names.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        if text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return Ok((index, &text[name.len()..]));
        }
    }
    Err(Wrong::Shape)
}

fn bounded<'a>(
    (value, rest): (u32, &'a str),
    low: u32,
    high: u32,
    field: &'static str,
) -> Result<(u32, &'a str), Wrong> {
    if (low..=high).contains(&value) { Ok((value, rest)) } else { Err(Wrong::Range(field)) }
}

/// The decimals at the start, mark included, as nanoseconds.
fn nanoseconds(text: &str, length: usize) -> Result<u32, Wrong> {
    let digits = text.get(1..length).ok_or(Wrong::Shape)?;
    if !text.starts_with(['.', ',']) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::Shape);
    }
    let kept = &digits[..digits.len().min(9)];
    Ok(kept.parse::<u32>().map_err(|_| Wrong::Shape)? * 10_u32.pow(9 - kept.len() as u32))
}

impl Fields {
    fn read<'a>(&mut self, part: Part, text: &'a str, layout_after: &str) -> Result<&'a str, Wrong> {
        let rest;
        match part {
            Part::Year => {
                let (value, after) = number(text, true)?;
                self.year = i64::from(value) + if value >= 69 { 1900 } else { 2000 };
                rest = after;
            }
            Part::LongYear => {
                let digits = text.get(..4).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                self.year = digits.and_then(|digits| digits.parse().ok()).ok_or(Wrong::Shape)?;
                rest = &text[4..];
            }
            Part::Month | Part::LongMonth => {
                let (index, after) = look_up(&MONTHS, (part == Part::Month).then_some(3), text)?;
                self.month = Some(index as u32 + 1);
                rest = after;
            }
            Part::NumberMonth | Part::ZeroMonth => {
                let (value, after) = bounded(number(text, part == Part::ZeroMonth)?, 1, 12, "month")?;
                self.month = Some(value);
                rest = after;
            }
            Part::Weekday | Part::LongWeekday => {
                rest = look_up(&DAYS, (part == Part::Weekday).then_some(3), text)?.1;
            }
            Part::Day | Part::SpaceDay | Part::ZeroDay => {
                let text = if part == Part::SpaceDay { text.strip_prefix(' ').unwrap_or(text) } else { text };
                let (value, after) = number(text, part == Part::ZeroDay)?;
                self.day = Some(value);
                rest = after;
            }
            Part::SpaceYearDay | Part::ZeroYearDay => {
                let mut text = text;
                if part == Part::SpaceYearDay {
                    text = text.strip_prefix(' ').unwrap_or(text);
                    text = text.strip_prefix(' ').unwrap_or(text);
                }
                let (value, after) = number3(text, part == Part::ZeroYearDay)?;
                self.year_day = Some(value);
                rest = after;
            }
            Part::UpperPm | Part::LowerPm => {
                let (am, pm) = if part == Part::UpperPm { ("AM", "PM") } else { ("am", "pm") };
                let word = text.get(..2).filter(|word| *word == am || *word == pm).ok_or(Wrong::Shape)?;
                self.afternoon = Some(word == pm);
                rest = &text[2..];
            }
            Part::ZoneName => rest = self.read_zone_name(text)?,
            Part::Offset { z, shape } => rest = self.read_offset(z, shape, text)?,
            _ => rest = self.read_clock(part, text, layout_after)?,
        }
        Ok(rest)
    }

    fn read_clock<'a>(&mut self, part: Part, text: &'a str, layout_after: &str) -> Result<&'a str, Wrong> {
        match part {
            Part::Hour | Part::Hour12 | Part::ZeroHour12 => {
                let high = if part == Part::Hour { 23 } else { 12 };
                let (value, after) = bounded(number(text, part == Part::ZeroHour12)?, 0, high, "hour")?;
                self.hour = value;
                Ok(after)
            }
            Part::Minute | Part::ZeroMinute => {
                let (value, after) = bounded(number(text, part == Part::ZeroMinute)?, 0, 59, "minute")?;
                self.minute = value;
                Ok(after)
            }
            Part::Second | Part::ZeroSecond => {
                let (value, after) = bounded(number(text, part == Part::ZeroSecond)?, 0, 59, "second")?;
                self.second = value;
                // Decimals are read even where the layout names none.
                let named = matches!(next(layout_after).1, Some(Part::Fraction { .. }));
                if named || !after.starts_with(['.', ',']) || digit(after, 1).is_none() {
                    return Ok(after);
                }
                let length = 1 + after[1..].bytes().take_while(u8::is_ascii_digit).count();
                self.nanoseconds = nanoseconds(after, length)?;
                Ok(&after[length..])
            }
            Part::Fraction { digits, trimmed: false, .. } => {
                self.nanoseconds = nanoseconds(text, digits + 1)?;
                Ok(&text[digits + 1..])
            }
            _ => {
                if !text.starts_with(['.', ',']) || digit(text, 1).is_none() {
                    return Ok(text);
                }
                let length = 1 + text[1..].bytes().take_while(u8::is_ascii_digit).count();
                self.nanoseconds = nanoseconds(text, length)?;
                Ok(&text[length..])
            }
        }
    }

    fn read_offset<'a>(&mut self, z: bool, shape: OffsetShape, text: &'a str) -> Result<&'a str, Wrong> {
        if z && let Some(rest) = text.strip_prefix('Z') {
            self.utc = true;
            return Ok(rest);
        }
        let (length, minute_at, second_at, colons): (usize, Option<usize>, Option<usize>, &[usize]) =
            match shape {
                OffsetShape::Hour => (3, None, None, &[]),
                OffsetShape::HourMinute => (5, Some(3), None, &[]),
                OffsetShape::HourMinuteColon => (6, Some(4), None, &[3]),
                OffsetShape::Seconds => (7, Some(3), Some(5), &[]),
                OffsetShape::SecondsColon => (9, Some(4), Some(7), &[3, 6]),
            };
        let written = text.get(..length).ok_or(Wrong::Shape)?;
        if colons.iter().any(|at| written.as_bytes()[*at] != b':') {
            return Err(Wrong::Shape);
        }
        let two = |at: usize| written.get(at..at + 2).ok_or(Wrong::Shape).and_then(|text| number(text, true));
        let hour = two(1)?.0;
        let minute = minute_at.map_or(Ok(0), |at| two(at).map(|found| found.0))?;
        let second = second_at.map_or(Ok(0), |at| two(at).map(|found| found.0))?;
        // Some write 24 hours, 60 minutes or 60 seconds.
        if hour > 24 {
            return Err(Wrong::Range("time zone offset hour"));
        }
        if minute > 60 {
            return Err(Wrong::Range("time zone offset minute"));
        }
        if second > 60 {
            return Err(Wrong::Range("time zone offset second"));
        }
        let size = ((hour * 60 + minute) * 60 + second) as i32;
        self.offset_s = Some(match written.as_bytes()[0] {
            b'+' => size,
            b'-' => -size,
            _ => return Err(Wrong::Shape),
        });
        Ok(&text[length..])
    }

    fn read_zone_name<'a>(&mut self, text: &'a str) -> Result<&'a str, Wrong> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_name_length(text).ok_or(Wrong::Shape)?;
        self.zone_name = text[..length].into();
        Ok(&text[length..])
    }

    fn finish(self, default: &Zone, local: &Zone) -> Result<Time, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (mut month, mut day) = (self.month, self.day);
        if let Some(year_day) = self.year_day {
            let length = days_from_civil(self.year + 1, 1, 1) - days_from_civil(self.year, 1, 1);
            if year_day < 1 || i64::from(year_day) > length {
                return Err("day-of-year");
            }
            let first =
                Time::from_unix((days_from_civil(self.year, 1, 1) + i64::from(year_day) - 1) * 86_400, 0);
            let civil = first.civil();
            if month.is_some_and(|month| month != civil.month) || day.is_some_and(|day| day != civil.day) {
                return Err("day-of-year does not match");
            }
            (month, day) = (Some(civil.month), Some(civil.day));
        }
        let (month, day) = (month.unwrap_or(1), day.unwrap_or(1));
        if day < 1 || day > days_in_month(self.year, month) {
            return Err("day");
        }
        let in_zone = |zone: Zone| {
            Time::from_civil(
                (self.year, i64::from(month), i64::from(day)),
                (i64::from(hour), i64::from(self.minute), i64::from(self.second)),
                self.nanoseconds,
                zone,
            )
        };
        if self.utc {
            return Ok(in_zone(Zone::Utc));
        }
        let utc = in_zone(Zone::Utc);
        if let Some(offset_s) = self.offset_s {
            let unix_s = utc.unix_s - i64::from(offset_s);
            let is_local = local.offset_s(unix_s) == offset_s
                && (self.zone_name.is_empty() || local.abbreviation(unix_s) == self.zone_name);
            let zone = if is_local { local.clone() } else { Zone::Fixed { name: self.zone_name, offset_s } };
            return Ok(Time { unix_s, nanoseconds: self.nanoseconds, zone });
        }
        if self.zone_name.is_empty() {
            return Ok(in_zone(default.clone()));
        }
        if let Some(offset_s) = local.offset_of(&self.zone_name, utc.unix_s) {
            return Ok(Time { unix_s: utc.unix_s - i64::from(offset_s), zone: local.clone(), ..utc });
        }
        let hours =
            self.zone_name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0);
        let zone = Zone::Fixed { name: self.zone_name, offset_s: hours * 3600 };
        Ok(Time { unix_s: utc.unix_s - i64::from(hours) * 3600, zone, ..utc })
    }
}

/// How long the abbreviation at the start is: three letters or four, `GMT+3`, `-03`.
fn zone_name_length(text: &str) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed_length(rest).unwrap_or(0));
    }
    if text.starts_with(['+', '-']) {
        return signed_length(text);
    }
    let upper = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let bytes = text.as_bytes();
    match upper {
        5 if bytes[4] == b'T' => Some(5),
        4 if bytes[3] == b'T' || text.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_length(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['+', '-'])?.bytes().take_while(u8::is_ascii_digit).count();
    let hours = text.get(1..=digits)?.parse::<u32>().ok()?;
    (hours <= 23).then_some(digits + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::RFC3339_NANO;
    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read(unix_s in -62_135_596_800_i64..253_402_300_800, nanoseconds in 0_u32..1_000_000_000) {
            let time = Time::from_unix(unix_s, nanoseconds);
            let again = parse(RFC3339_NANO, &time.to_rfc3339()).unwrap();
            prop_assert_eq!((again.unix_s, again.nanoseconds), (unix_s, nanoseconds));
        }

        #[test]
        fn reading_never_panics(layout in "[-0-9MonJaSTZpP:.,_ é]{0,16}", value in "[-+0-9MonJaSTZGpPé:.,_ ]{0,16}") {
            let _ = parse(&layout, &value);
            let _ = parse_strict(&value);
        }
    }
}
