//! Go's `time.Time`: instants with a zone, layouts by the reference time, and the arithmetic that Go does with them.

mod format;
mod layout;
mod parse;
mod zone;

pub use parse::{TimeError, parse, parse_in, parse_strict};
pub use zone::{Zone, ZoneError};

/// RFC 3339 as a layout.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// RFC 3339 with as many decimals as there are.
pub const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";
/// RFC 3339 with six decimals: `metav1.MicroTime`.
pub const RFC3339_MICRO: &str = "2006-01-02T15:04:05.000000Z07:00";

pub(crate) const MONTHS: [&str; 12] = [
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
pub(crate) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const DAY_S: i64 = 86_400;

/// An instant, and the zone that it is shown in.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970 in UTC.
    pub unix_s: i64,
    /// Nanoseconds within the second.
    pub nanoseconds: u32,
    /// The zone it is shown in.
    pub zone: Zone,
}

/// Date and time of day as a clock on the wall shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The hour.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// The second.
    pub second: u32,
}

impl Time {
    /// The instant of a Unix time, shown in UTC.
    pub fn from_unix(unix_s: i64, nanoseconds: u32) -> Self {
        Self { unix_s, nanoseconds, zone: Zone::Utc }
    }

    /// `time.Date`: fields beyond their range carry over; a time that the zone leaves out or has twice is taken as Go
    /// takes it.
    pub fn from_civil(date: (i64, i64, i64), clock: (i64, i64, i64), nanoseconds: u32, zone: Zone) -> Self {
        let (year, month, day) = date;
        let (hour, minute, second) = clock;
        let year = year + (month - 1).div_euclid(12);
        let month = (month - 1).rem_euclid(12) + 1;
        let days = days_from_civil(year, month as u32, 1) + day - 1;
        let mut unix_s = days * DAY_S + hour * 3600 + minute * 60 + second;
        let offset = i64::from(zone.offset_s(unix_s));
        if offset != 0 {
            unix_s -= i64::from(zone.offset_s(unix_s - offset));
        }
        Self { unix_s, nanoseconds, zone }
    }

    /// The same instant in another zone.
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// Seconds east of UTC at this instant.
    pub fn offset_s(&self) -> i32 {
        self.zone.offset_s(self.unix_s)
    }

    /// Date and time of day in the zone.
    pub fn civil(&self) -> Civil {
        let local = self.unix_s + i64::from(self.offset_s());
        let (days, clock) = (local.div_euclid(DAY_S), local.rem_euclid(DAY_S) as u32);
        let (year, month, day) = civil_from_days(days);
        Civil { year, month, day, hour: clock / 3600, minute: clock / 60 % 60, second: clock % 60 }
    }

    /// The day of the week; 0 is Sunday.
    pub fn weekday(&self) -> u32 {
        let days = (self.unix_s + i64::from(self.offset_s())).div_euclid(DAY_S);
        (days + 4).rem_euclid(7) as u32
    }

    /// The day of the year, from 1.
    pub fn year_day(&self) -> i64 {
        let civil = self.civil();
        days_from_civil(civil.year, civil.month, civil.day) - days_from_civil(civil.year, 1, 1) + 1
    }

    /// Year and week of ISO 8601.
    pub fn iso_week(&self) -> (i64, i64) {
        let local = (self.unix_s + i64::from(self.offset_s())).div_euclid(DAY_S);
        // The week belongs to the year that has its Thursday.
        let thursday = local - (local + 3).rem_euclid(7) + 3;
        let (year, _, _) = civil_from_days(thursday);
        (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
    }

    /// `Add`.
    pub fn add_nanoseconds(&self, nanoseconds: i64) -> Self {
        let total = i64::from(self.nanoseconds) + nanoseconds.rem_euclid(1_000_000_000);
        let seconds = nanoseconds.div_euclid(1_000_000_000) + total / 1_000_000_000;
        Self {
            unix_s: self.unix_s.saturating_add(seconds),
            nanoseconds: (total % 1_000_000_000) as u32,
            zone: self.zone.clone(),
        }
    }

    /// `AddDate`.
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        Self::from_civil(
            (civil.year + years, i64::from(civil.month) + months, i64::from(civil.day) + days),
            (i64::from(civil.hour), i64::from(civil.minute), i64::from(civil.second)),
            self.nanoseconds,
            self.zone.clone(),
        )
    }

    /// `Sub`: nanoseconds from the other to this, at most what 64 bits hold.
    pub fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.unix_s) - i128::from(other.unix_s);
        let total = seconds * 1_000_000_000 + i128::from(self.nanoseconds) - i128::from(other.nanoseconds);
        i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
    }

    /// `Truncate`: down to a multiple of a span since the year 1.
    pub fn truncate(&self, nanoseconds: i64) -> Self {
        if nanoseconds <= 0 { self.clone() } else { self.add_nanoseconds(-self.rest(nanoseconds)) }
    }

    /// `Round`: to the nearest multiple of a span since the year 1, halves up.
    pub fn round(&self, nanoseconds: i64) -> Self {
        if nanoseconds <= 0 {
            return self.clone();
        }
        let rest = self.rest(nanoseconds);
        let step = if rest + rest < nanoseconds { -rest } else { nanoseconds - rest };
        self.add_nanoseconds(step)
    }

    fn rest(&self, nanoseconds: i64) -> i64 {
        let since_year_1 = i128::from(self.unix_s) + 62_135_596_800;
        let total = since_year_1 * 1_000_000_000 + i128::from(self.nanoseconds);
        total.rem_euclid(i128::from(nanoseconds)) as i64
    }

    /// Is this Go's zero time, the first instant of the year 1?
    pub fn is_zero(&self) -> bool {
        self.unix_s == -62_135_596_800 && self.nanoseconds == 0
    }
}

/// Days since 1970 of a date.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = (i64::from(month) + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Text in quotes as the `time` package shows it: bytes beyond ASCII as hexadecimal.
pub(crate) fn quoted(text: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("\"");
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', byte as char]),
            b' '..0x7f => out.push(byte as char),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}
