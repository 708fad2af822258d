//! Layouts: which part of the reference time stands where.

/// A part of the reference time `Mon Jan 2 15:04:05 MST 2006`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// Offsets: does a `Z` stand for UTC, and how is the offset written?
    Offset {
        z: bool,
        shape: OffsetShape,
    },
    /// Decimals of the second: the mark before them, how many, and are zeros at the end left out?
    Fraction {
        comma: bool,
        digits: usize,
        trimmed: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OffsetShape {
    Hour,
    HourMinute,
    HourMinuteColon,
    Seconds,
    SecondsColon,
}

/// The text before the next part, the part, and the rest; no part when there is none left.
pub(super) fn next(layout: &str) -> (&str, Option<Part>, &str) {
    for at in 0..layout.len() {
        if !layout.is_char_boundary(at) {
            continue;
        }
        let rest = &layout[at..];
        // `_2006` is an underscore and a year.
        if let Some(after) = rest.strip_prefix("_2006") {
            return (&layout[..=at], Some(Part::LongYear), after);
        }
        if let Some((part, length)) = part_at(rest) {
            return (&layout[..at], Some(part), &rest[length..]);
        }
    }
    (layout, None, "")
}

fn part_at(rest: &str) -> Option<(Part, usize)> {
    const WORDS: &[(&str, Part)] = &[
        ("January", Part::LongMonth),
        ("Monday", Part::LongWeekday),
        ("MST", Part::ZoneName),
        ("002", Part::ZeroYearDay),
        ("01", Part::ZeroMonth),
        ("02", Part::ZeroDay),
        ("03", Part::ZeroHour12),
        ("04", Part::ZeroMinute),
        ("05", Part::ZeroSecond),
        ("06", Part::Year),
        ("15", Part::Hour),
        ("1", Part::NumberMonth),
        ("2006", Part::LongYear),
        ("2", Part::Day),
        ("__2", Part::SpaceYearDay),
        ("_2", Part::SpaceDay),
        ("3", Part::Hour12),
        ("4", Part::Minute),
        ("5", Part::Second),
        ("PM", Part::UpperPm),
        ("pm", Part::LowerPm),
    ];
    const SHAPES: &[(&str, OffsetShape)] = &[
        ("070000", OffsetShape::Seconds),
        ("07:00:00", OffsetShape::SecondsColon),
        ("0700", OffsetShape::HourMinute),
        ("07:00", OffsetShape::HourMinuteColon),
        ("07", OffsetShape::Hour),
    ];
    if let Some((word, part)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
        return Some((*part, word.len()));
    }
    for (word, part) in [("Jan", Part::Month), ("Mon", Part::Weekday)] {
        if rest.starts_with(word) && !rest[3..].starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return Some((part, 3));
        }
    }
    if let Some(after) = rest.strip_prefix(['Z', '-']) {
        let (word, shape) = SHAPES.iter().find(|(word, _)| after.starts_with(word))?;
        return Some((Part::Offset { z: rest.starts_with('Z'), shape: *shape }, word.len() + 1));
    }
    let after = rest.strip_prefix(['.', ','])?;
    let digit = after.bytes().next().filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = after.bytes().take_while(|byte| *byte == digit).count();
    if after[digits..].starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    Some((Part::Fraction { comma: rest.starts_with(','), digits, trimmed: digit == b'9' }, digits + 1))
}
