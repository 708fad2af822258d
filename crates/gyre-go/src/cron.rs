//! Schedules as robfig/cron reads the standard five fields, descriptors and `TZ=`.

use crate::duration::{Duration, DurationError, SECOND};
use crate::strconv;
use crate::time::{Time, Zone, ZoneError};

/// Why a schedule cannot be read. The texts are the library's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CronError {
    /// Nothing was given.
    #[error("empty spec string")]
    Empty,
    /// A zone without a schedule after it.
    #[error("provided bad location {0}: a schedule has to follow")]
    ZoneAlone(String),
    /// A zone that is not known.
    #[error("provided bad location {0}: {1}")]
    Zone(String, ZoneError),
    /// Not five fields.
    #[error("expected exactly 5 fields, found {count}: [{fields}]")]
    Fields {
        /// How many there are.
        count: usize,
        /// What they are.
        fields: String,
    },
    /// `1-2-3`
    #[error("too many hyphens: {0}")]
    Hyphens(String),
    /// `1/2/3`
    #[error("too many slashes: {0}")]
    Slashes(String),
    /// Not a number.
    #[error("failed to parse int from {0}: {1}")]
    Number(String, strconv::NumError),
    /// A number below zero.
    #[error("negative number ({0}) not allowed: {1}")]
    Negative(i64, String),
    /// Below what the field allows.
    #[error("beginning of range ({0}) below minimum ({1}): {2}")]
    Below(u32, u32, String),
    /// Above what the field allows.
    #[error("end of range ({0}) above maximum ({1}): {2}")]
    Above(u32, u32, String),
    /// A range that runs backwards.
    #[error("beginning of range ({0}) beyond end of range ({1}): {2}")]
    Backwards(u32, u32, String),
    /// `*/0`
    #[error("step of range should be a positive number: {0}")]
    Step(String),
    /// `@every x`
    #[error("failed to parse duration {0}: {1}")]
    Every(String, DurationError),
    /// `@foo`
    #[error("unrecognized descriptor: {0}")]
    Descriptor(String),
}

/// When something happens again and again.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Every so many nanoseconds, whole seconds.
    Every(i64),
    /// At the times that fit.
    Fields(Fields),
}

/// The times that fit, as bits.
#[derive(Clone, Debug)]
pub struct Fields {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// Is the day of the month, or of the week, a star? Then the other alone decides.
    day_star: bool,
    weekday_star: bool,
    zone: Option<Zone>,
}

struct Bounds {
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds = Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// How many years ahead a time is looked for.
const YEARS_MAX: i64 = 5;

impl Schedule {
    /// `cron.ParseStandard`.
    pub fn parse(spec: &str) -> Result<Self, CronError> {
        if spec.is_empty() {
            return Err(CronError::Empty);
        }
        let mut rest = spec;
        let mut zone = None;
        if let Some(after) = spec.strip_prefix("TZ=").or_else(|| spec.strip_prefix("CRON_TZ=")) {
            let (name, schedule) = after.split_once(' ').ok_or_else(|| CronError::ZoneAlone(after.into()))?;
            let named = Zone::load(name).map_err(|why| CronError::Zone(name.into(), why))?;
            // compat(cron 3.0.2): UTC is the local zone of every controller, and the local zone stands for that of the
            // time asked about.
            zone = Some(named).filter(|zone| *zone != Zone::Utc);
            rest = schedule.trim();
        }
        if rest.starts_with('@') {
            return descriptor(rest, zone);
        }
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(CronError::Fields { count: fields.len(), fields: fields.join(" ") });
        };
        let (minute, _) = field(minute, &MINUTES)?;
        let (hour, _) = field(hour, &HOURS)?;
        let (day, day_star) = field(day, &DAYS)?;
        let (month, _) = field(month, &MONTHS)?;
        let (weekday, weekday_star) = field(weekday, &WEEKDAYS)?;
        Ok(Self::Fields(Fields { minute, hour, day, month, weekday, day_star, weekday_star, zone }))
    }

    /// The next time after one; none where none comes within five years.
    pub fn next(&self, after: &Time) -> Option<Time> {
        match self {
            Self::Every(step) => Some(after.add_nanoseconds(step - i64::from(after.nanoseconds))),
            Self::Fields(fields) => {
                let start =
                    fields.zone.as_ref().map_or_else(|| after.clone(), |zone| after.in_zone(zone.clone()));
                fields.next(&start).map(|time| time.in_zone(after.zone.clone()))
            }
        }
    }
}

fn descriptor(text: &str, zone: Option<Zone>) -> Result<Schedule, CronError> {
    let bit = |place: u32| 1_u64 << place;
    let all = |bounds: &Bounds| (bounds.min..=bounds.max).fold(0, |bits, place| bits | bit(place));
    let hourly = Fields {
        minute: bit(0),
        hour: all(&HOURS),
        day: all(&DAYS),
        month: all(&MONTHS),
        weekday: all(&WEEKDAYS),
        day_star: true,
        weekday_star: true,
        zone,
    };
    let daily = Fields { hour: bit(0), ..hourly.clone() };
    let monthly = Fields { day: bit(1), day_star: false, ..daily.clone() };
    Ok(Schedule::Fields(match text {
        "@yearly" | "@annually" => Fields { month: bit(1), ..monthly },
        "@monthly" => monthly,
        "@weekly" => Fields { weekday: bit(0), weekday_star: false, ..daily },
        "@daily" | "@midnight" => daily,
        "@hourly" => hourly,
        _ => {
            let Some(span) = text.strip_prefix("@every ") else {
                return Err(CronError::Descriptor(text.into()));
            };
            let span = Duration::parse(span).map_err(|why| CronError::Every(text.into(), why))?;
            let span = span.0.max(SECOND);
            return Ok(Schedule::Every(span - span % SECOND));
        }
    }))
}

fn field(text: &str, bounds: &Bounds) -> Result<(u64, bool), CronError> {
    let (mut bits, mut star) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (more, is_star) = range(part, bounds)?;
        bits |= more;
        star |= is_star;
    }
    Ok((bits, star))
}

fn range(text: &str, bounds: &Bounds) -> Result<(u64, bool), CronError> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let mut star = matches!(ends[0], "*" | "?");
    let (start, mut end) = if star {
        (bounds.min, bounds.max)
    } else {
        let start = number_or_name(ends[0], bounds)?;
        match ends[..] {
            [_] => (start, start),
            [_, end] => (start, number_or_name(end, bounds)?),
            _ => return Err(CronError::Hyphens(text.into())),
        }
    };
    let mut step = 1;
    match parts[..] {
        [_] => {}
        [_, written] => {
            step = number(written)?;
            // `5/15` means from 5 to the end.
            if ends.len() == 1 {
                end = bounds.max;
            }
            star &= step <= 1;
        }
        _ => return Err(CronError::Slashes(text.into())),
    }
    if start < bounds.min {
        return Err(CronError::Below(start, bounds.min, text.into()));
    }
    if end > bounds.max {
        return Err(CronError::Above(end, bounds.max, text.into()));
    }
    if start > end {
        return Err(CronError::Backwards(start, end, text.into()));
    }
    if step == 0 {
        return Err(CronError::Step(text.into()));
    }
    Ok(((start..=end).step_by(step as usize).fold(0, |bits, place| bits | 1 << place), star))
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u32, CronError> {
    let name = bounds.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    name.map_or_else(|| number(text), |place| Ok(place as u32 + bounds.min))
}

fn number(text: &str) -> Result<u32, CronError> {
    let value = strconv::atoi(text).map_err(|why| CronError::Number(text.into(), why))?;
    if value < 0 {
        return Err(CronError::Negative(value, text.into()));
    }
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

impl Fields {
    fn fits_day(&self, time: &Time) -> bool {
        let day = self.day >> time.civil().day & 1 == 1;
        let weekday = self.weekday >> time.weekday() & 1 == 1;
        // order: as the library has it: where one is a star both have to fit, else one is enough.
        if self.day_star || self.weekday_star { day && weekday } else { day || weekday }
    }

    fn next(&self, after: &Time) -> Option<Time> {
        let mut time = after.add_nanoseconds(SECOND - i64::from(after.nanoseconds));
        let year_max = time.civil().year + YEARS_MAX;
        // Once a field was moved on, the smaller ones begin at their start.
        let mut moved = false;
        'wrap: loop {
            if time.civil().year > year_max {
                return None;
            }
            while self.month >> time.civil().month & 1 == 0 {
                time = if moved { time } else { start(&time, 1) };
                moved = true;
                time = time.add_date(0, 1, 0);
                if time.civil().month == 1 {
                    continue 'wrap;
                }
            }
            while !self.fits_day(&time) {
                time = if moved { time } else { start(&time, 2) };
                moved = true;
                time = to_midnight(&time.add_date(0, 0, 1));
                if time.civil().day == 1 {
                    continue 'wrap;
                }
            }
            while self.hour >> time.civil().hour & 1 == 0 {
                time = if moved { time } else { start(&time, 3) };
                moved = true;
                time = time.add_nanoseconds(3600 * SECOND);
                if time.civil().hour == 0 {
                    continue 'wrap;
                }
            }
            while self.minute >> time.civil().minute & 1 == 0 {
                time = if moved { time } else { time.truncate(60 * SECOND) };
                moved = true;
                time = time.add_nanoseconds(60 * SECOND);
                if time.civil().minute == 0 {
                    continue 'wrap;
                }
            }
            while time.civil().second != 0 {
                time = if moved { time } else { time.truncate(SECOND) };
                moved = true;
                time = time.add_nanoseconds(SECOND);
                if time.civil().second == 0 {
                    continue 'wrap;
                }
            }
            return Some(time);
        }
    }
}

/// The start of the month (1), the day (2) or the hour (3).
fn start(time: &Time, kept: u32) -> Time {
    let civil = time.civil();
    let day = if kept >= 2 { i64::from(civil.day) } else { 1 };
    let hour = if kept >= 3 { i64::from(civil.hour) } else { 0 };
    Time::from_civil((civil.year, i64::from(civil.month), day), (hour, 0, 0), 0, time.zone.clone())
}

/// Where a day has no midnight, or midnight became another hour, the nearest time to it.
fn to_midnight(time: &Time) -> Time {
    match i64::from(time.civil().hour) {
        0 => time.clone(),
        hour if hour > 12 => time.add_nanoseconds((24 - hour) * 3600 * SECOND),
        hour => time.add_nanoseconds(-hour * 3600 * SECOND),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics_and_the_next_time_is_later(spec in "([0-9*,/?-]{1,4} ){4}[0-6*a-z,-]{1,3}") {
            if let Ok(schedule) = Schedule::parse(&spec) {
                let now = Time::from_unix(1_700_000_000, 5);
                prop_assert!(schedule.next(&now).is_none_or(|next| next.since(&now) > 0));
            }
        }
    }
}
