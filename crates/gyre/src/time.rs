//! The time of day, as commands write and read it.

use std::time::{SystemTime, UNIX_EPOCH};

use gyre_go::duration::Duration;
use gyre_go::time::{self, Time, Zone};

/// Now.
pub(crate) fn present() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// Now, to the nanosecond, in RFC 3339.
pub(crate) fn now() -> String {
    present().format("2006-01-02T15:04:05.999999999Z07:00")
}

/// A time of RFC 3339; `None` where it is not one.
pub(crate) fn parse(text: &str) -> Option<Time> {
    time::parse("2006-01-02T15:04:05Z07:00", text).ok()
}

/// A time of an object as Go prints it: `2006-01-02 15:04:05 +0000 UTC`.
pub(crate) fn long(text: &str) -> String {
    let utc = parse(text).map(|time| time.in_zone(Zone::Utc));
    utc.map_or_else(|| "<nil>".into(), |time| time.format("2006-01-02 15:04:05 -0700 MST"))
}

/// Seconds from one time of an object to another; `None` where one is missing.
pub(crate) fn seconds_between(from: &str, to: &Time) -> Option<i64> {
    parse(from).map(|from| to.since(&from) / 1_000_000_000)
}

/// How long ago, in a word.
pub(crate) fn age(text: &str) -> String {
    parse(text).map_or_else(|| "<unknown>".into(), |then| Duration(present().since(&then)).human())
}
