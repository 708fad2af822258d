//! Reads bodies that typed clients such as kubectl's `create` send: protobuf behind the four bytes `k8s\0`.

use gyre_go::base64::STANDARD;
use gyre_merge::facts;
use gyre_merge::schema::{Scalar, Struct, Type};
use serde_json::{Map, Value};

use crate::clock;
use crate::limits::DEPTH_MAX;

const PREFIX: [u8; 4] = *b"k8s\0";

/// One field on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Result<u64, String> {
        let mut out = 0u64;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.bytes.split_first().ok_or("unexpected EOF")?;
            self.bytes = rest;
            out |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(out);
            }
        }
        Err("proto: integer overflow".into())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        if length > self.bytes.len() {
            return Err("unexpected EOF".into());
        }
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Ok(taken)
    }

    fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, String> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let (number, wire) = (u32::try_from(tag >> 3).unwrap_or(0), tag & 7);
        if number == 0 {
            return Err(format!("proto: Unknown: illegal tag {number} (wire type {wire})"));
        }
        let value = match wire {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Number(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| "unexpected EOF")?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| "proto: negative length found")?;
                Wire::Bytes(self.take(length)?)
            }
            5 => {
                let word: [u8; 4] = self.take(4)?.try_into().map_err(|_| "unexpected EOF")?;
                Wire::Number(u32::from_le_bytes(word).into())
            }
            wire => return Err(format!("proto: illegal wireType {wire}")),
        };
        Ok(Some((number, value)))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The object in a body, as JSON.
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    let Some(rest) = body.strip_prefix(&PREFIX) else {
        return Err(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]".into()
        );
    };
    let mut reader = Reader { bytes: rest };
    let (mut api_version, mut kind, mut raw): (String, String, &[u8]) = (String::new(), String::new(), &[]);
    while let Some((number, wire)) = reader.next()? {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => {
                let mut inner = Reader { bytes: meta };
                while let Some((number, wire)) = inner.next()? {
                    match (number, wire) {
                        (1, Wire::Bytes(it)) => api_version = text(it),
                        (2, Wire::Bytes(it)) => kind = text(it),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(it)) => raw = it,
            _ => {}
        }
    }
    let (group, version) = crate::registry::split(&api_version);
    let options = || facts::named(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{kind}"));
    let ty = facts::kind(group, version, &kind).or_else(options);
    let Some(ty) = ty else {
        return Err(format!("no kind {kind:?} is registered for version {api_version:?}"));
    };
    let mut object = message(&ty, raw, 0)?;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    Ok(object)
}

fn message(ty: &Type, bytes: &[u8], depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err("proto: nested too deeply".into());
    }
    let Some(it) = ty.as_struct() else { return Ok(Value::Null) };
    let mut out = Map::new();
    fields(it, &[], bytes, depth, &mut out)?;
    Ok(Value::Object(out))
}

/// Reads the fields whose numbers begin with `prefix`: those of messages that JSON inlines lie one level down.
fn fields(
    it: &Struct,
    prefix: &[u32],
    bytes: &[u8],
    depth: usize,
    out: &mut Map<String, Value>,
) -> Result<(), String> {
    let mut reader = Reader { bytes };
    while let Some((number, wire)) = reader.next()? {
        let mut path = prefix.to_vec();
        path.push(number);
        let found = it.fields.iter().find(|(_, field)| field.numbers == path);
        if let Some((name, field)) = found {
            put(out, name, &field.ty, wire, depth)?;
        } else if it
            .fields
            .values()
            .any(|field| field.numbers.len() > path.len() && field.numbers.starts_with(&path))
            && let Wire::Bytes(inner) = wire
        {
            fields(it, &path, inner, depth, out)?;
        }
    }
    Ok(())
}

fn put(
    out: &mut Map<String, Value>,
    name: &str,
    ty: &Type,
    wire: Wire<'_>,
    depth: usize,
) -> Result<(), String> {
    match (ty, wire) {
        (Type::List(list), wire) => {
            // Numbers may come packed.
            let mut items = Vec::new();
            match (&list.item, wire) {
                (Type::Scalar(Scalar::Int32 | Scalar::Int64), Wire::Bytes(packed)) => {
                    let mut reader = Reader { bytes: packed };
                    while !reader.bytes.is_empty() {
                        items.push((reader.varint()? as i64).into());
                    }
                }
                (item, wire) => items.push(value(item, wire, depth)?),
            }
            match out.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(held) => held.extend(items),
                other => *other = Value::Array(items),
            }
        }
        (Type::Map(map), Wire::Bytes(entry)) => {
            let (mut key, mut found) = (String::new(), None);
            let mut reader = Reader { bytes: entry };
            while let Some((number, wire)) = reader.next()? {
                match (number, wire) {
                    (1, Wire::Bytes(it)) => key = text(it),
                    (2, wire) => found = Some(value(&map.value, wire, depth)?),
                    _ => {}
                }
            }
            let found = found.unwrap_or_else(|| gyre_merge::typed::zero(&map.value));
            if let Value::Object(held) = out.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                held.insert(key, found);
            }
        }
        (ty, wire) => {
            let value = value(ty, wire, depth)?;
            out.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

fn value(ty: &Type, wire: Wire<'_>, depth: usize) -> Result<Value, String> {
    Ok(match (ty, wire) {
        (Type::Scalar(Scalar::Bool), Wire::Number(it)) => (it != 0).into(),
        (Type::Scalar(Scalar::Number), Wire::Number(it)) => f64::from_bits(it).into(),
        (Type::Scalar(_), Wire::Number(it)) => (it as i64).into(),
        (Type::Scalar(Scalar::Bytes), Wire::Bytes(it)) => STANDARD.encode(it).into(),
        (Type::Scalar(Scalar::Time), Wire::Bytes(it)) => time(it, false)?,
        (Type::Scalar(Scalar::MicroTime), Wire::Bytes(it)) => time(it, true)?,
        (Type::Scalar(Scalar::Quantity), Wire::Bytes(it)) => {
            first_text(it)?.map_or_else(|| "0".into(), Value::String)
        }
        (Type::Scalar(Scalar::IntOrString), Wire::Bytes(it)) => int_or_string(it)?,
        (Type::Scalar(_), Wire::Bytes(it)) => text(it).into(),
        // Raw JSON lies in the first field of a message of its own.
        (Type::Any, Wire::Bytes(it)) => {
            first_text(it)?.and_then(|it| serde_json::from_str(&it).ok()).unwrap_or(Value::Null)
        }
        (ty @ Type::Struct(_), Wire::Bytes(it)) => message(ty, it, depth + 1)?,
        _ => Value::Null,
    })
}

fn first_text(bytes: &[u8]) -> Result<Option<String>, String> {
    let mut reader = Reader { bytes };
    while let Some((number, wire)) = reader.next()? {
        if let (1, Wire::Bytes(it)) = (number, wire) {
            return Ok(Some(text(it)));
        }
    }
    Ok(None)
}

fn time(bytes: &[u8], micro: bool) -> Result<Value, String> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    let mut reader = Reader { bytes };
    while let Some((number, wire)) = reader.next()? {
        match (number, wire) {
            (1, Wire::Number(it)) => seconds = it as i64,
            (2, Wire::Number(it)) => nanos = it as i64,
            _ => {}
        }
    }
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let us = seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000);
    Ok(if micro { clock::rfc3339_micro(us) } else { clock::rfc3339(us) }.into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number_value, mut text_value) = (false, 0i64, String::new());
    let mut reader = Reader { bytes };
    while let Some((number, wire)) = reader.next()? {
        match (number, wire) {
            (1, Wire::Number(it)) => is_text = it == 1,
            (2, Wire::Number(it)) => number_value = it as i64,
            (3, Wire::Bytes(it)) => text_value = text(it),
            _ => {}
        }
    }
    Ok(if is_text { text_value.into() } else { number_value.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_config_map_is_read() {
        let body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x0f\x0a\x05\x0a\x01x\x12\x00\x12\x06\x0a\x01a\x12\x01b";
        let object = parse(body).unwrap();
        assert_eq!(object["metadata"]["name"], "x");
        assert_eq!(object["data"]["a"], "b");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut body = b"k8s\0\x0a\x0a\x0a\x02v1\x12\x03Pod\x12".to_vec();
            body.push(bytes.len() as u8);
            body.extend(bytes);
            let _ = parse(&body);
        }
    }
}
