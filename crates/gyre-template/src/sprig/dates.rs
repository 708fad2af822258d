//! Dates and durations.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use std::rc::Rc;

use gyre_go::duration::{Duration, HOUR, MINUTE, SECOND};
use gyre_go::strconv;
use gyre_go::time::{self, Time, Zone};

use super::cast::{text, utf8};
use crate::exec::Machine;
use crate::functions::{Function, fixed};
use crate::value::{IntKind, Type, Value};

const A: &[Type] = &[Type::Any];
const SA: &[Type] = &[Type::Str, Type::Any];
const SAS: &[Type] = &[Type::Str, Type::Any, Type::Str];
const ST: &[Type] = &[Type::Str, Type::Time];
const SS: &[Type] = &[Type::Str, Type::Str];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("now", &[], |machine, _| Ok(of(machine.host.now()))),
    fixed("date", SA, |machine, args| Ok(formatted(machine, &utf8(&args[0]), &args[1], "Local"))),
    fixed("dateInZone", SAS, date_in_zone),
    fixed("date_in_zone", SAS, date_in_zone),
    fixed("htmlDate", A, |machine, args| Ok(formatted(machine, "2006-01-02", &args[0], "Local"))),
    fixed("htmlDateInZone", &[Type::Any, Type::Str], |machine, args| {
        Ok(formatted(machine, "2006-01-02", &args[0], &utf8(&args[1])))
    }),
    fixed("dateModify", ST, |_, args| Ok(modified(args).unwrap_or_else(|_| args[1].clone()))),
    fixed("date_modify", ST, |_, args| Ok(modified(args).unwrap_or_else(|_| args[1].clone()))),
    fixed("mustDateModify", ST, |_, args| modified(args)),
    fixed("must_date_modify", ST, |_, args| modified(args)),
    fixed("toDate", SS, |machine, args| {
        Ok(to_date(machine, args).unwrap_or_else(|_| of(Time::from_unix(-62_135_596_800, 0))))
    }),
    fixed("mustToDate", SS, to_date),
    fixed("unixEpoch", &[Type::Time], |_, args| {
        Ok(Value::text(match &args[0] {
            Value::Time(time) => time.unix_s.to_string(),
            _ => String::new(),
        }))
    }),
    fixed("ago", A, ago),
    fixed("duration", A, duration),
    fixed("durationRound", A, duration_round),
];

fn of(time: Time) -> Value {
    Value::Time(Rc::new(time))
}

/// The time that a value stands for; now, where it stands for none.
fn to_time(machine: &mut Machine<'_>, value: &Value) -> Time {
    match value {
        Value::Time(time) => (**time).clone(),
        Value::Int(seconds, IntKind::Int | IntKind::Int32 | IntKind::Int64) => Time::from_unix(*seconds, 0),
        _ => machine.host.now(),
    }
}

fn formatted(machine: &mut Machine<'_>, layout: &str, value: &Value, zone: &str) -> Value {
    let zone = match zone {
        "Local" => machine.host.local_zone(),
        name => Zone::load(name).unwrap_or(Zone::Utc),
    };
    Value::text(to_time(machine, value).in_zone(zone).format(layout))
}

fn date_in_zone(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    Ok(formatted(machine, &utf8(&args[0]), &args[1], &utf8(&args[2])))
}

fn modified(args: &[Value]) -> Done {
    let span = Duration::parse(&utf8(&args[0])).map_err(|why| why.to_string())?;
    Ok(match &args[1] {
        Value::Time(time) => of(time.add_nanoseconds(span.0)),
        other => other.clone(),
    })
}

fn to_date(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let local = machine.host.local_zone();
    time::parse_in(&utf8(&args[0]), &utf8(&args[1]), &local, &local).map(of).map_err(|why| why.to_string())
}

fn ago(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let then = match &args[0] {
        Value::Int(_, IntKind::Int32) => machine.host.now(),
        other => to_time(machine, other),
    };
    let span = Duration(machine.host.now().since(&then));
    Ok(Value::text(span.round(Duration(SECOND)).to_string()))
}

fn duration(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let seconds = match &args[0] {
        Value::Str(digits) => strconv::parse_int_clamped(&digits.to_string_lossy(), 10, 64).0,
        Value::Int(seconds, IntKind::Int64) => *seconds,
        _ => 0,
    };
    Ok(Value::text(Duration(seconds.wrapping_mul(SECOND)).to_string()))
}

fn duration_round(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let span = match &args[0] {
        Value::Str(_) => Duration::parse(&String::from_utf8_lossy(text(&args[0]))).map_or(0, |span| span.0),
        Value::Int(span, IntKind::Int64) => *span,
        Value::Time(time) => machine.host.now().since(time),
        _ => 0,
    };
    let size = span.unsigned_abs();
    let day = 24 * HOUR;
    let units = [(365 * day, "y"), (30 * day, "mo"), (day, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let unit = units.into_iter().find(|(unit, _)| size > *unit as u64);
    Ok(Value::text(unit.map_or_else(|| "0s".into(), |(unit, name)| format!("{}{name}", size / unit as u64))))
}
