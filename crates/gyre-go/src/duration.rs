//! Go's `time.Duration`: nanoseconds in 64 bits, read from and shown as `1h2m3.5s`.

use std::fmt;

use crate::time::quoted;

/// A span of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

/// A second, in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// A minute, in nanoseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// An hour, in nanoseconds.
pub const HOUR: i64 = 60 * MINUTE;

/// Why a text is no duration. The texts are Go's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DurationError {
    /// Not a duration, or one that 64 bits do not hold.
    #[error("time: invalid duration {}", quoted(.0.as_bytes()))]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", quoted(.0.as_bytes()))]
    MissingUnit(String),
    /// A unit that Go does not know.
    #[error("time: unknown unit {} in duration {}", quoted(.0.as_bytes()), quoted(.1.as_bytes()))]
    UnknownUnit(String, String),
}

impl Duration {
    /// `time.ParseDuration`.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.into());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (amount, after) = one_unit(rest, text)?;
            rest = after;
            total = total.checked_add(amount).filter(|total| *total <= 1 << 63).ok_or_else(invalid)?;
        }
        if negative {
            return Ok(Self((total as i64).wrapping_neg()));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }

    /// `Round`: to the nearest multiple, halves away from zero.
    pub fn round(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            return self;
        }
        let rest = self.0 % unit.0;
        let (down, up) = (self.0 - rest, if self.0 < 0 { -unit.0 } else { unit.0 });
        if rest.unsigned_abs() * 2 < unit.0 as u64 {
            return Self(down);
        }
        Self(down.checked_add(up).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX }))
    }

    /// `Truncate`: towards zero, to a multiple.
    pub fn truncate(self, unit: Self) -> Self {
        if unit.0 <= 0 { self } else { Self(self.0 - self.0 % unit.0) }
    }

    /// `Seconds`.
    pub fn seconds(self) -> f64 {
        (self.0 / SECOND) as f64 + (self.0 % SECOND) as f64 / 1e9
    }

    /// `duration.HumanDuration` of apimachinery: the age that kubectl shows.
    pub fn human(self) -> String {
        let seconds = self.0 / SECOND;
        let two = |high: i64, mark: char, low: i64, small: char| {
            if low == 0 { format!("{high}{mark}") } else { format!("{high}{mark}{low}{small}") }
        };
        let (minutes, hours) = (self.0 / MINUTE, self.0 / HOUR);
        match () {
            () if seconds < -1 => "<invalid>".into(),
            () if seconds < 0 => "0s".into(),
            () if seconds < 120 => format!("{seconds}s"),
            () if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
            () if minutes < 180 => format!("{minutes}m"),
            () if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
            () if hours < 48 => format!("{hours}h"),
            () if hours < 24 * 8 => two(hours / 24, 'd', hours % 24, 'h'),
            () if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
            () if hours < 24 * 365 * 8 => two(hours / 24 / 365, 'y', hours / 24 % 365, 'd'),
            () => format!("{}y", hours / 24 / 365),
        }
    }

    /// `duration.ShortHumanDuration` of apimachinery.
    pub fn short_human(self) -> String {
        let seconds = self.0 / SECOND;
        match seconds {
            ..-1 => "<invalid>".into(),
            -1 => "0s".into(),
            0..60 => format!("{seconds}s"),
            60..3600 => format!("{}m", seconds / 60),
            3600..86_400 => format!("{}h", seconds / 3600),
            86_400..31_536_000 => format!("{}d", seconds / 86_400),
            _ => format!("{}y", seconds / 31_536_000),
        }
    }
}

/// One number and its unit: the nanoseconds, and the rest.
fn one_unit<'a>(text: &'a str, whole: &str) -> Result<(u64, &'a str), DurationError> {
    let invalid = || DurationError::Invalid(whole.into());
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let length = digits(text);
    let mut rest = &text[length..];
    let mut value: u64 = 0;
    for digit in text[..length].bytes() {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')))
            .filter(|value| *value <= 1 << 63)
            .ok_or_else(invalid)?;
    }
    let (mut fraction, mut scale) = (0_u64, 1.0_f64);
    let mut fraction_length = 0;
    if let Some(after) = rest.strip_prefix('.') {
        fraction_length = digits(after);
        for digit in after[..fraction_length].bytes() {
            // Digits that 63 bits do not hold are beyond a nanosecond.
            let Some(next) =
                fraction.checked_mul(10).and_then(|next| next.checked_add(u64::from(digit - b'0')))
            else {
                break;
            };
            if next > 1 << 63 {
                break;
            }
            fraction = next;
            scale *= 10.0;
        }
        rest = &after[fraction_length..];
    }
    if length + fraction_length == 0 {
        return Err(invalid());
    }
    let unit_length = rest.bytes().take_while(|byte| *byte != b'.' && !byte.is_ascii_digit()).count();
    if unit_length == 0 {
        return Err(DurationError::MissingUnit(whole.into()));
    }
    let (name, after) = rest.split_at(unit_length);
    let unit: u64 = match name {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND as u64,
        "m" => MINUTE as u64,
        "h" => HOUR as u64,
        _ => return Err(DurationError::UnknownUnit(name.into(), whole.into())),
    };
    let mut amount = value.checked_mul(unit).filter(|amount| *amount <= 1 << 63).ok_or_else(invalid)?;
    if fraction > 0 {
        amount += (fraction as f64 * (unit as f64 / scale)) as u64;
        if amount > 1 << 63 {
            return Err(invalid());
        }
    }
    Ok((amount, after))
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        if size == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let second = SECOND as u64;
        if size < second {
            let (unit, name) = match size {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "\u{b5}s"),
                _ => (1_000_000, "ms"),
            };
            return write!(f, "{}{name}", fraction(size, unit));
        }
        let (minutes, seconds) = (size / second / 60, size % (60 * second));
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        write!(f, "{}s", fraction(seconds, second))
    }
}

/// `value / unit` in decimals without trailing zeros.
fn fraction(value: u64, unit: u64) -> String {
    if value.is_multiple_of(unit) {
        return (value / unit).to_string();
    }
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read(nanoseconds: i64) {
            prop_assert_eq!(Duration::parse(&Duration(nanoseconds).to_string()), Ok(Duration(nanoseconds)));
        }

        #[test]
        fn reading_never_panics(text in "[-+0-9.hmsuµn]{0,24}") {
            let _ = Duration::parse(&text);
        }
    }
}
