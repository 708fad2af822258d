//! Methods of `time.Time` and `time.Duration` that templates call.

use std::rc::Rc;

use gyre_go::duration::{Duration, HOUR, MINUTE, SECOND};
use gyre_go::time::{Time, Zone};

use crate::value::{IntKind, Method, Type, Value};

const NONE: &[Type] = &[];

/// How a method is called.
pub(crate) fn method(value: &Value, name: &str) -> Option<Method> {
    let params: &'static [Type] = match (value, name) {
        (Value::Time(_), "Format") => &[Type::Str],
        (Value::Time(_), "AddDate") => &[Type::Int, Type::Int, Type::Int],
        (Value::Time(_), "After" | "Before" | "Equal" | "Sub") => &[Type::Time],
        (
            Value::Time(_),
            "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "Unix" | "UnixMilli"
            | "UnixNano" | "Weekday" | "YearDay" | "UTC" | "Local" | "String" | "IsZero",
        ) => NONE,
        (
            Value::Duration(_),
            "Seconds" | "Minutes" | "Hours" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "String"
            | "Abs",
        ) => NONE,
        _ => return None,
    };
    Some(Method { params, variadic: false })
}

/// Calls a method.
pub(crate) fn call(value: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    match value {
        Value::Time(time) => Ok(of_time(time, name, args)),
        Value::Duration(nanoseconds) => Ok(of_duration(*nanoseconds, name)),
        _ => Err(format!("{name} cannot be called")),
    }
}

fn int64(value: i64) -> Value {
    Value::Int(value, IntKind::Int64)
}

fn of_time(time: &Time, name: &str, args: &[Value]) -> Value {
    let civil = time.civil();
    let other = match args.first() {
        Some(Value::Time(other)) => other.clone(),
        _ => Rc::new(time.clone()),
    };
    let text = |index: usize| {
        args.get(index)
            .and_then(Value::as_bytes)
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    };
    let number = |index: usize| match args.get(index) {
        Some(Value::Int(number, _)) => *number,
        _ => 0,
    };
    match name {
        "Format" => Value::text(time.format(&text(0))),
        "AddDate" => Value::Time(Rc::new(time.add_date(number(0), number(1), number(2)))),
        "After" => Value::Bool(time.since(&other) > 0),
        "Before" => Value::Bool(time.since(&other) < 0),
        "Equal" => Value::Bool(time.since(&other) == 0),
        "Sub" => Value::Duration(time.since(&other)),
        "Year" => Value::int(civil.year),
        "Month" => Value::text(time.format("January")),
        "Day" => Value::int(i64::from(civil.day)),
        "Hour" => Value::int(i64::from(civil.hour)),
        "Minute" => Value::int(i64::from(civil.minute)),
        "Second" => Value::int(i64::from(civil.second)),
        "Nanosecond" => Value::int(i64::from(time.nanoseconds)),
        "Unix" => int64(time.unix_s),
        "UnixMilli" => int64(time.unix_s * 1_000 + i64::from(time.nanoseconds / 1_000_000)),
        "UnixNano" => {
            int64(time.unix_s.wrapping_mul(1_000_000_000).wrapping_add(i64::from(time.nanoseconds)))
        }
        "Weekday" => Value::text(time.format("Monday")),
        "YearDay" => Value::int(time.year_day()),
        "UTC" | "Local" => Value::Time(Rc::new(time.in_zone(Zone::Utc))),
        "IsZero" => Value::Bool(time.is_zero()),
        _ => Value::text(time.to_string()),
    }
}

fn of_duration(nanoseconds: i64, name: &str) -> Value {
    match name {
        "Seconds" => Value::Float(Duration(nanoseconds).seconds()),
        "Minutes" => Value::Float((nanoseconds / MINUTE) as f64 + (nanoseconds % MINUTE) as f64 / 60e9),
        "Hours" => Value::Float((nanoseconds / HOUR) as f64 + (nanoseconds % HOUR) as f64 / 3600e9),
        "Milliseconds" => int64(nanoseconds / (SECOND / 1_000)),
        "Microseconds" => int64(nanoseconds / 1_000),
        "Nanoseconds" => int64(nanoseconds),
        "Abs" => Value::Duration(nanoseconds.saturating_abs()),
        _ => Value::text(Duration(nanoseconds).to_string()),
    }
}
