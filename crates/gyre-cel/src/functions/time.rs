//! Moments and spans.

use gyre_go::duration::Duration;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::eval::{Outcome, fail};
use crate::value::Value;

/// A moment of RFC 3339.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped =
        bytes.len() >= 20 && bytes[10] == b'T' && (text.ends_with('Z') || bytes[bytes.len() - 3] == b':');
    if shaped { text.parse().ok() } else { None }
}

/// The text of a moment: as few digits of a second as it needs.
pub(super) fn shown(it: Timestamp) -> String {
    it.to_string()
}

const RANGE: &str = "timestamp overflow";

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    let moved = |at: &Timestamp, by: i64| {
        Some(
            at.checked_add(SignedDuration::from_nanos(by))
                .map_or_else(|_| fail(RANGE), |it| Ok(Value::Timestamp(it))),
        )
    };
    let span = |it: Option<i64>| {
        Some(it.map_or_else(|| fail("duration overflow"), |it| Ok(Value::Duration(Duration(it)))))
    };
    match (name, args) {
        (
            "_+_",
            [Value::Timestamp(at), Value::Duration(by)] | [Value::Duration(by), Value::Timestamp(at)],
        ) => moved(at, by.0),
        ("_+_", [Value::Duration(a), Value::Duration(b)]) => span(a.0.checked_add(b.0)),
        ("_-_", [Value::Timestamp(at), Value::Duration(by)]) => moved(at, by.0.checked_neg()?),
        ("_-_", [Value::Timestamp(a), Value::Timestamp(b)]) => {
            span(i64::try_from(a.duration_since(*b).as_nanos()).ok())
        }
        ("_-_", [Value::Duration(a), Value::Duration(b)]) => span(a.0.checked_sub(b.0)),
        ("timestamp", [it]) => match it {
            Value::Timestamp(_) => Some(Ok(it.clone())),
            Value::Int(seconds) => Some(
                Timestamp::from_second(*seconds).map_or_else(|_| fail(RANGE), |it| Ok(Value::Timestamp(it))),
            ),
            Value::Text(text) => Some(timestamp(text).map_or_else(
                || fail("type conversion error from 'string' to 'google.protobuf.Timestamp'"),
                |it| Ok(Value::Timestamp(it)),
            )),
            _ => None,
        },
        ("duration", [it]) => match it {
            Value::Duration(_) => Some(Ok(it.clone())),
            Value::Int(it) => span(Some(*it)),
            Value::Text(text) => Some(Duration::parse(text).map_or_else(
                |_| fail("type conversion error from 'string' to 'google.protobuf.Duration'"),
                |it| Ok(Value::Duration(it)),
            )),
            _ => None,
        },
        (_, [Value::Duration(Duration(it))]) => Some(Ok(Value::Int(match name {
            "getHours" => it / 3_600_000_000_000,
            "getMinutes" => it / 60_000_000_000,
            "getSeconds" => it / 1_000_000_000,
            "getMilliseconds" => it / 1_000_000 % 1000,
            _ => return None,
        }))),
        (_, [Value::Timestamp(at)]) => part(name, &at.to_zoned(TimeZone::UTC)).map(Ok),
        (_, [Value::Timestamp(at), Value::Text(zone)]) => match read_zone(zone) {
            Some(zone) => part(name, &at.to_zoned(zone)).map(Ok),
            None => Some(fail(format!("unknown time zone {zone}"))),
        },
        _ => None,
    }
}

/// A zone by its name, or by `02:00`.
fn read_zone(text: &str) -> Option<TimeZone> {
    if let Some((hours, minutes)) = text.split_once(':') {
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let sign = if text.starts_with('-') { -1 } else { 1 };
        return Offset::from_seconds(hours * 3600 + sign * minutes * 60).ok().map(TimeZone::fixed);
    }
    TimeZone::get(if text.is_empty() { "UTC" } else { text }).ok()
}

fn part(name: &str, at: &Zoned) -> Option<Value> {
    Some(Value::Int(match name {
        "getFullYear" => at.year().into(),
        "getMonth" => i64::from(at.month()) - 1,
        "getDayOfYear" => i64::from(at.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(at.day()) - 1,
        "getDate" => at.day().into(),
        "getDayOfWeek" => at.weekday().to_sunday_zero_offset().into(),
        "getHours" => at.hour().into(),
        "getMinutes" => at.minute().into(),
        "getSeconds" => at.second().into(),
        "getMilliseconds" => at.millisecond().into(),
        _ => return None,
    }))
}
