//! Numbers.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use gyre_go::strconv;

use super::cast::{int, text, to_float, to_int64};
use crate::exec::Machine;
use crate::functions::{Function, fixed, variadic};
use crate::limits::LIST_ITEMS_MAX;
use crate::value::{Element, IntKind, List, Type, Value};

const A: &[Type] = &[Type::Any];
const AA: &[Type] = &[Type::Any, Type::Any];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("atoi", &[Type::Str], atoi),
    fixed("int64", A, |_, args| int64(to_int64(&args[0]))),
    fixed("int", A, |_, args| Ok(Value::int(to_int64(&args[0])))),
    fixed("float64", A, |_, args| Ok(Value::Float(to_float(&args[0])))),
    fixed("toDecimal", A, |_, args| {
        let shown = args[0].shown();
        int64(strconv::parse_int(&String::from_utf8_lossy(&shown), 8, 64).unwrap_or(0))
    }),
    variadic("add", A, |_, args| int64(args.iter().map(to_int64).fold(0, i64::wrapping_add))),
    fixed("add1", A, |_, args| int64(to_int64(&args[0]).wrapping_add(1))),
    fixed("sub", AA, |_, args| int64(to_int64(&args[0]).wrapping_sub(to_int64(&args[1])))),
    variadic("mul", AA, |_, args| int64(args.iter().map(to_int64).fold(1, i64::wrapping_mul))),
    fixed("div", AA, |_, args| divided(args, i64::wrapping_div)),
    fixed("mod", AA, |_, args| divided(args, i64::wrapping_rem)),
    variadic("addf", A, |_, args| float(decimal(0.0, args, Operation::Add))),
    fixed("add1f", A, |_, args| float(decimal(to_float(&args[0]), &[Value::Float(1.0)], Operation::Add))),
    variadic("subf", AA, |_, args| float(decimal(to_float(&args[0]), &args[1..], Operation::Sub))),
    variadic("mulf", AA, |_, args| float(decimal(to_float(&args[0]), &args[1..], Operation::Mul))),
    variadic("divf", AA, divide_floats),
    variadic("max", AA, |_, args| int64(args.iter().map(to_int64).max().unwrap_or(0))),
    variadic("biggest", AA, |_, args| int64(args.iter().map(to_int64).max().unwrap_or(0))),
    variadic("min", AA, |_, args| int64(args.iter().map(to_int64).min().unwrap_or(0))),
    variadic("maxf", AA, |_, args| float(extreme(args, f64::max))),
    variadic("minf", AA, |_, args| float(extreme(args, f64::min))),
    fixed("ceil", A, |_, args| float(to_float(&args[0]).ceil())),
    fixed("floor", A, |_, args| float(to_float(&args[0]).floor())),
    variadic("round", &[Type::Any, Type::Int, Type::Float], round),
    fixed("until", &[Type::Int], until),
    fixed("untilStep", &[Type::Int, Type::Int, Type::Int], |_, args| {
        steps(int(&args[0]), int(&args[1]), int(&args[2])).map(ints)
    }),
    variadic("seq", &[Type::Int], sequence),
];

fn int64(value: i64) -> Done {
    Ok(Value::Int(value, IntKind::Int64))
}

fn float(value: f64) -> Done {
    Ok(Value::Float(value))
}

fn atoi(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let digits = String::from_utf8_lossy(text(&args[0])).into_owned();
    let (nearest, error) = strconv::parse_int_clamped(&digits, 10, 64);
    let value = match error {
        Some(error) if error.problem == strconv::NumProblem::Syntax => 0,
        _ => nearest,
    };
    Ok(Value::int(value))
}

fn divided(args: &[Value], divide: fn(i64, i64) -> i64) -> Done {
    match to_int64(&args[1]) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => int64(divide(to_int64(&args[0]), divisor)),
    }
}

fn extreme(args: &[Value], pick: fn(f64, f64) -> f64) -> f64 {
    let mut numbers = args.iter().map(to_float);
    let first = numbers.next().unwrap_or(0.0);
    numbers.fold(first, |one, other| if one.is_nan() || other.is_nan() { f64::NAN } else { pick(one, other) })
}

#[derive(Clone, Copy)]
enum Operation {
    Add,
    Sub,
    Mul,
}

/// A decimal number: `digits * 10^exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    fn from_float(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        Some(Self { digits, exponent: exponent.parse::<i32>().ok()? - decimals as i32 })
    }

    fn to_float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }

    fn apply(self, other: Self, operation: Operation) -> Option<Self> {
        if let Operation::Mul = operation {
            let digits = self.digits.checked_mul(other.digits)?;
            return Some(Self { digits, exponent: self.exponent + other.exponent });
        }
        let exponent = self.exponent.min(other.exponent);
        let scaled = |number: Self| {
            let power = u32::try_from(number.exponent - exponent).ok()?;
            number.digits.checked_mul(10_i128.checked_pow(power)?)
        };
        let (left, right) = (scaled(self)?, scaled(other)?);
        let digits =
            if let Operation::Add = operation { left.checked_add(right) } else { left.checked_sub(right) };
        Some(Self { digits: digits?, exponent })
    }
}

/// sprig counts in decimals, so that 0.1 and 0.2 are 0.3. Numbers too far apart for that are added as they are.
fn decimal(start: f64, args: &[Value], operation: Operation) -> f64 {
    let plain = |start: f64| {
        args.iter().map(to_float).fold(start, |sum, next| match operation {
            Operation::Add => sum + next,
            Operation::Sub => sum - next,
            Operation::Mul => sum * next,
        })
    };
    let mut sum = Decimal::from_float(start);
    for arg in args {
        let next = Decimal::from_float(to_float(arg));
        sum = sum.zip(next).and_then(|(sum, next)| sum.apply(next, operation));
    }
    sum.map_or_else(|| plain(start), Decimal::to_float)
}

/// Division with sixteen decimals, as the decimal library of sprig has it.
fn divide_floats(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let mut value = to_float(&args[0]);
    for arg in &args[1..] {
        let divisor = to_float(arg);
        if divisor == 0.0 {
            return Err("decimal division by 0".into());
        }
        let exact = Decimal::from_float(value).zip(Decimal::from_float(divisor)).and_then(|(left, right)| {
            let shift = 16 + left.exponent - right.exponent;
            let scale = 10_i128.checked_pow(u32::try_from(shift.max(0)).ok()?)?;
            let (numerator, denominator) = if shift >= 0 {
                (left.digits.checked_mul(scale)?, right.digits)
            } else {
                (left.digits, right.digits.checked_mul(10_i128.checked_pow((-shift) as u32)?)?)
            };
            let (quotient, rest) = (numerator / denominator, numerator % denominator);
            let up = rest.unsigned_abs() * 2 >= denominator.unsigned_abs();
            let step = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
            Some(Decimal { digits: quotient + if up { step } else { 0 }, exponent: -16 })
        });
        value = exact.map_or(value / divisor, Decimal::to_float);
    }
    float(value)
}

fn round(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let round_on = args.get(2).map_or(0.5, to_float);
    let pow = 10_f64.powf(int(&args[1]) as f64);
    let digit = pow * to_float(&args[0]);
    let fraction = digit - digit.trunc();
    let rounded = if fraction >= round_on { digit.ceil() } else { digit.floor() };
    float(rounded / pow)
}

fn until(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let count = int(&args[0]);
    steps(0, count, if count < 0 { -1 } else { 1 }).map(ints)
}

fn ints(numbers: Vec<i64>) -> Value {
    Value::List(List::of(Element::Int, numbers.into_iter().map(Value::int).collect()))
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let down = stop < start;
    if down && step >= 0 || !down && step <= 0 {
        return Ok(Vec::new());
    }
    let span = i128::from(stop) - i128::from(start);
    // bounded: a list of all 64-bit numbers is not made.
    if span / i128::from(step) > LIST_ITEMS_MAX as i128 {
        return Err(format!("the list would have more than {LIST_ITEMS_MAX} items"));
    }
    let mut numbers = Vec::new();
    let mut number = start;
    while if down { number > stop } else { number < stop } {
        numbers.push(number);
        let Some(next) = number.checked_add(step) else { break };
        number = next;
    }
    Ok(numbers)
}

fn sequence(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let args: Vec<i64> = args.iter().map(int).collect();
    let (start, end, step) = match args[..] {
        [end] => (1, end, if end < 1 { -1 } else { 1 }),
        [start, end] => (start, end, if end < start { -1 } else { 1 }),
        [start, step, end] => {
            if end < start && step > 0 {
                return Ok(Value::text(""));
            }
            (start, end, step)
        }
        _ => return Ok(Value::text("")),
    };
    let increment = if end < start { -1 } else { 1 };
    let numbers = steps(start, end.saturating_add(increment), step)?;
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(Value::text(texts.join(" ")))
}
