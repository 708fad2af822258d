//! The present, given from outside, and the texts that Kubernetes writes times as.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gyre_go::duration;
use gyre_go::time::{Civil, Time, Zone};
use tokio::sync::watch;

/// A wait that ends when a time has come.
pub type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the server takes the present from.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since 1970.
    fn now_us(&self) -> i64;
    /// Waits until a time in microseconds since 1970.
    fn wait_until(&self, at_us: i64) -> Waiting;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn wait_until(&self, at_us: i64) -> Waiting {
        let left = u64::try_from(at_us - self.now_us()).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_micros(left)))
    }
}

/// A clock that a test moves by hand.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now_us: Arc<watch::Sender<i64>>,
}

impl ManualClock {
    /// A clock that stands at a second since 1970.
    pub fn at(seconds: i64) -> Self {
        Self { now_us: Arc::new(watch::Sender::new(seconds * 1_000_000)) }
    }

    /// Moves it on, and wakes who waits.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.now_us.send_modify(|now| *now = now.saturating_add(by));
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        *self.now_us.borrow()
    }

    fn wait_until(&self, at_us: i64) -> Waiting {
        let mut now = self.now_us.subscribe();
        Box::pin(async move {
            // A clock that is gone never comes to that time.
            if now.wait_for(|now| *now >= at_us).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// A time of whole seconds, such as `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(us: i64) -> String {
    let Civil { year, month, day, hour, minute, second } =
        Time::from_unix(us.div_euclid(1_000_000), 0).civil();
    if !(0..10_000).contains(&year) {
        return format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    }
    let mut out = String::with_capacity(20);
    let mut two = |number: i64, after: &str| {
        out.push(char::from(b'0' + (number / 10 % 10) as u8));
        out.push(char::from(b'0' + (number % 10) as u8));
        out.push_str(after);
    };
    two(year / 100, "");
    two(year % 100, "-");
    for (number, after) in [(month, "-"), (day, "T"), (hour, ":"), (minute, ":"), (second, "Z")] {
        two(i64::from(number), after);
    }
    out
}

/// A time of microseconds, such as `2026-01-31T12:00:00.000000Z`.
pub(crate) fn rfc3339_micro(us: i64) -> String {
    let text = rfc3339(us);
    format!("{}.{:06}Z", &text[..text.len() - 1], us.rem_euclid(1_000_000))
}

/// Reads RFC 3339 into microseconds since 1970.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let mark = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    if !(mark(4, b"-") && mark(7, b"-") && mark(10, b"T") && mark(13, b":") && mark(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let long = [1, 3, 5, 7, 8, 10, 12].contains(&month);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = if month == 2 { 28 + i64::from(leap) } else { 30 + i64::from(long) };
    if !(1..=12).contains(&month) || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut at = 19;
    let mut fraction_us = 0;
    if mark(at, b".") {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let six: String = text[at + 1..at + 1 + digits].chars().chain("000000".chars()).take(6).collect();
        fraction_us = six.parse().ok()?;
        at += 1 + digits;
    }
    let offset_s = match bytes.get(at)? {
        b'Z' if bytes.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == at + 6 && mark(at + 3, b":") => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if *sign == b'+' { 1 } else { -1 }
        }
        _ => return None,
    };
    let shown = Time::from_civil((year, month, day), (hour, minute, second), 0, Zone::Utc);
    Some((shown.unix_s - offset_s) * 1_000_000 + fraction_us)
}

/// An age as kubectl prints it.
pub(crate) fn human(us: i64) -> String {
    duration::Duration(us.saturating_mul(1000)).human()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_survive_a_round_trip(seconds in -62_135_596_800i64..253_402_300_799) {
            prop_assert_eq!(parse(&rfc3339(seconds * 1_000_000)), Some(seconds * 1_000_000));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn offsets_are_taken_off() {
        assert_eq!(parse("1970-01-01T01:00:00.5+01:00"), Some(500_000));
        assert_eq!(parse("2026-02-30T00:00:00Z"), None);
    }

    #[test]
    fn ages_read_like_kubectl() {
        for (seconds, text) in [(5, "5s"), (130, "2m10s"), (3600, "60m"), (90_000, "25h"), (200_000, "2d7h")]
        {
            assert_eq!(human(seconds * 1_000_000), text);
        }
    }
}
