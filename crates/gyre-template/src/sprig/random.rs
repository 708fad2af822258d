//! Randomness, all of it from the host.

#![expect(clippy::unnecessary_wraps, reason = "functions of the table have one signature")]

use super::cast::int;
use crate::exec::Machine;
use crate::functions::{Function, fixed};
use crate::limits::TEXT_BYTES_MAX;
use crate::value::{Type, Value};

const I: &[Type] = &[Type::Int];

type Done = Result<Value, String>;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("randAlphaNum", I, |machine, args| {
        random_text(machine, int(&args[0]), &[LETTERS, DIGITS].concat())
    }),
    fixed("randAlpha", I, |machine, args| random_text(machine, int(&args[0]), LETTERS)),
    fixed("randNumeric", I, |machine, args| random_text(machine, int(&args[0]), DIGITS)),
    fixed("randAscii", I, |machine, args| {
        random_text(machine, int(&args[0]), &(b' '..0x7f).collect::<Vec<u8>>())
    }),
    fixed("randBytes", I, random_bytes),
    fixed("randInt", &[Type::Int, Type::Int], random_int),
    fixed("uuidv4", &[], uuid),
    fixed("shuffle", &[Type::Str], shuffle),
];

/// A number below a bound, each as likely as any other.
fn below(machine: &mut Machine<'_>, bound: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        machine.host.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < limit {
            return number % bound;
        }
    }
}

fn length(count: i64) -> Result<usize, String> {
    match usize::try_from(count) {
        Ok(count) if count <= TEXT_BYTES_MAX => Ok(count),
        Ok(_) => Err(format!("the text would have more than {TEXT_BYTES_MAX} bytes")),
        Err(_) => Ok(0),
    }
}

fn random_text(machine: &mut Machine<'_>, count: i64, letters: &[u8]) -> Done {
    let text: Vec<u8> =
        (0..length(count)?).map(|_| letters[below(machine, letters.len() as u64) as usize]).collect();
    Ok(Value::text(text))
}

fn random_bytes(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    if int(&args[0]) < 0 {
        return Err("runtime error: makeslice: len out of range".into());
    }
    let mut bytes = vec![0; length(int(&args[0]))?];
    machine.host.random(&mut bytes);
    Ok(Value::text(gyre_go::base64::STANDARD.encode(&bytes)))
}

fn random_int(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let (low, high) = (int(&args[0]), int(&args[1]));
    if high <= low {
        return Err("invalid argument to Intn".into());
    }
    let offset = below(machine, high.wrapping_sub(low) as u64);
    Ok(Value::int(low.wrapping_add(offset as i64)))
}

fn uuid(machine: &mut Machine<'_>, _: &[Value]) -> Done {
    let mut bytes = [0_u8; 16];
    machine.host.random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = super::crypto::hex(&bytes);
    Ok(Value::text(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])))
}

fn shuffle(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let mut runes: Vec<char> = gyre_go::utf8::runes(args[0].as_bytes().unwrap_or_default())
        .map(gyre_go::utf8::Rune::as_char)
        .collect();
    for at in (1..runes.len()).rev() {
        let other = below(machine, at as u64 + 1) as usize;
        runes.swap(at, other);
    }
    Ok(Value::text(runes.into_iter().collect::<String>()))
}
