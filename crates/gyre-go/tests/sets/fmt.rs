//! `fmt`, `strconv`, `encoding/json`, `encoding/base64`.

use std::borrow::Cow;

use gyre_go::fmt::{Arg, sprint, sprintf, sprintln};
use gyre_go::{base64, json, strconv, utf8};
use serde_json::{Value, json};

use crate::bytes::{from_base64, text, to_text};
use crate::{Answer, Row, equal, rows};

const INTS: &[&str] = &["int", "int8", "int16", "int32", "int64"];
const UINTS: &[&str] = &["uint", "uint8", "uint16", "uint32", "uint64", "uintptr"];

fn name_of(name: &str) -> &'static str {
    INTS.iter().chain(UINTS).find(|known| **known == name).copied().unwrap_or("int")
}

/// An argument from its Go type and its value as the rows write it.
fn arg(kind: &str, value: &Value) -> Arg<'static> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    if let Some(item) = kind.strip_prefix("[]") {
        let items = value.as_array().into_iter().flatten().map(|value| arg(item, value)).collect();
        let type_name = if item == "any" { "[]interface {}".to_owned() } else { kind.to_owned() };
        return Arg::List { type_name: type_name.into(), items, of_interfaces: item == "any", is_nil: false };
    }
    if let Some(item) = kind.strip_prefix("map[string]") {
        let entries =
            value.as_object().into_iter().flatten().map(|(key, value)| {
                (Arg::Str(Cow::Owned(key.clone().into_bytes()), "string"), arg(item, value))
            });
        let type_name = if item == "any" { "map[string]interface {}" } else { kind }.to_owned();
        return Arg::Map { type_name: type_name.into(), entries: entries.collect(), is_nil: false };
    }
    match kind {
        "nil" => Arg::Nil,
        "bool" => Arg::Bool(value.as_bool().unwrap()),
        "float64" => Arg::Float64(shown(value).parse().unwrap()),
        "float32" => Arg::Float32(shown(value).parse().unwrap()),
        "string" => Arg::Str(text(value).into(), "string"),
        "bytes" => Arg::Bytes(from_base64(value.as_str().unwrap()).into()),
        "any" => match value {
            Value::Null => Arg::Nil,
            Value::Bool(value) => Arg::Bool(*value),
            Value::Number(_) => arg("int", value),
            Value::String(text) => Arg::Str(text.clone().into_bytes().into(), "string"),
            Value::Array(_) => arg("[]any", value),
            Value::Object(_) => arg("map[string]any", value),
        },
        "error" => {
            let text = text(value);
            let inner = Arg::Struct {
                type_name: "errors.errorString".into(),
                fields: vec![("s", Arg::Str(text.clone().into(), "string"))],
            };
            let type_name = "*errors.errorString";
            Arg::Shown {
                text: text.into(),
                type_name: type_name.into(),
                inner: Box::new(Arg::Pointer(Box::new(inner))),
            }
        }
        "stringer" => {
            let inner = text(value);
            let shown = [b"<", &inner[..], b">"].concat();
            let inner = Arg::Struct {
                type_name: "main.strg".into(),
                fields: vec![("s", Arg::Str(inner.into(), "string"))],
            };
            Arg::Shown { text: shown.into(), type_name: "main.strg".into(), inner: Box::new(inner) }
        }
        "struct{X int;Y string}" => Arg::Struct {
            type_name: "main.point".into(),
            fields: vec![("X", arg("int", &value["X"])), ("Y", arg("string", &value["Y"]))],
        },
        _ if INTS.contains(&kind) => Arg::Int(shown(value).parse().unwrap(), name_of(kind)),
        _ => Arg::Uint(shown(value).parse().unwrap(), name_of(kind)),
    }
}

fn answer<T: Into<Value>, E: ToString>(result: Result<T, E>) -> Answer {
    match result {
        Ok(value) => (value.into(), None),
        Err(why) => (Value::Null, Some(why.to_string())),
    }
}

fn format_float(row: &Row) -> Answer {
    let x: f64 = row.input["x"].as_str().unwrap().parse().unwrap();
    let mut out = json!({});
    for (key, _) in row.out.as_object().unwrap() {
        let text = match key.as_str() {
            // Go's own NaN is another one of the many.
            "bits" if x.is_nan() => "7ff8000000000001".into(),
            "bits" => format!("{:016x}", x.to_bits()),
            "g32" => strconv::format_float32(x as f32, b'g', None),
            key => {
                let precision = key.split_once('.').map(|(_, digits)| digits.parse().unwrap());
                strconv::format_float(x, key.as_bytes()[0], precision)
            }
        };
        out[key] = text.into();
    }
    (out, None)
}

fn marshal(row: &Row, escape_html: bool) -> Answer {
    let value = &row.input["v"];
    match value["t"].as_str().unwrap() {
        "string" => {
            let mut out = String::new();
            json::write_string(&text(&value["v"]), escape_html, &mut out);
            (out.into(), None)
        }
        "float32" => answer(json::number32(value["v"].as_str().unwrap().parse().unwrap())),
        _ => answer(json::number(value["v"].as_str().unwrap().parse().unwrap())),
    }
}

fn round_trip(row: &Row) -> Answer {
    let indented = json::Style { indent: Some("  "), ..json::MARSHAL };
    let done = json::parse(&text(&row.input["doc"])).map_err(|why| why.to_string()).and_then(|value| {
        let write = |style| {
            value.to_text(style).map_err(|json::UnsupportedValue(number)| {
                format!("json: cannot unmarshal number {number} into Go value of type float64")
            })
        };
        Ok(json!({ "compact": write(json::MARSHAL)?, "indent": write(indented)? }))
    });
    answer(done)
}

fn utf8_row(text: &[u8]) -> Value {
    json!({
        "fields": utf8::fields(text).len(), "runes": utf8::count(text), "title": to_text(&utf8::to_title(text)),
        "toValid": utf8::to_valid(text, "?"), "trim": to_text(utf8::trim_space(text)),
        "upper": to_text(&utf8::to_upper(text)), "valid": std::str::from_utf8(text).is_ok(),
    })
}

fn clamped<T: ToString, E: ToString>((value, err): (T, Option<E>)) -> Answer {
    (value.to_string().into(), err.map(|err| err.to_string()))
}

fn check(row: &Row) -> Result<(), String> {
    let input = &row.input;
    let args: Vec<Arg<'_>> = input["args"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| arg(one["t"].as_str().unwrap(), &one["v"]))
        .collect();
    let bytes = if input["s"].is_null() { Vec::new() } else { text(&input["s"]) };
    let s = String::from_utf8_lossy(&bytes);
    let base = input["base"].as_u64().unwrap_or(0) as u32;
    let bits = input["bits"].as_u64().unwrap_or(64) as u32;
    let got = match input["fn"].as_str().unwrap() {
        "Sprintf" => (to_text(&sprintf(&text(&input["f"]), &args)), None),
        "Sprint" => (to_text(&sprint(&args)), None),
        "Sprintln" => (to_text(&sprintln(&args)), None),
        "FormatFloat" => format_float(row),
        "strconv.Quote" => (strconv::quote(&bytes).into(), None),
        "strconv.QuoteToASCII" => (strconv::quote_to_ascii(&bytes).into(), None),
        "strconv.QuoteToGraphic" => (strconv::quote_to_graphic(&bytes).into(), None),
        "strconv.Unquote" => {
            answer(strconv::unquote(&bytes).map(|text| to_text(&text)).ok_or("invalid syntax"))
        }
        "CanBackquote" => (strconv::can_backquote(&bytes).into(), None),
        "ParseFloat" => {
            let (value, err) = match strconv::parse_float(&s) {
                Ok(value) => (value, None),
                Err((err, value)) => (value, Some(err.to_string())),
            };
            (strconv::format_float(value, b'g', None).into(), err)
        }
        "ParseInt" => clamped(strconv::parse_int_clamped(&s, base, bits)),
        "ParseUint" => clamped(strconv::parse_uint_clamped(&s, base, bits)),
        "ParseBool" => answer(strconv::parse_bool(&s)),
        "Atoi" => match strconv::atoi(&s) {
            Ok(value) => (value.into(), None),
            Err(err) if err.problem == strconv::NumProblem::Range => {
                (strconv::parse_int_clamped(&s, 10, 64).0.into(), Some(err.to_string()))
            }
            Err(err) => (Value::Null, Some(err.to_string())),
        },
        "json.Marshal" => marshal(row, true),
        "json.Encoder.noEscapeHTML" => match marshal(row, false) {
            (Value::String(text), None) => (format!("{text}\n").into(), None),
            other => other,
        },
        "json.roundtrip" => round_trip(row),
        "json.roundtripUseNumber" => {
            let style = json::Style { keep_numbers: true, ..json::MARSHAL };
            answer(json::parse_first(&text(&input["doc"])).map(|(value, _)| value.to_text(style).unwrap()))
        }
        "json.Compact" => answer(json::compact(&text(&input["doc"])).map(|text| to_text(&text))),
        "base64.Decode" => {
            let encoding = match input["enc"].as_str().unwrap() {
                "std" => base64::STANDARD,
                "url" => base64::URL,
                "rawStd" => base64::RAW_STANDARD,
                _ => base64::RAW_URL,
            };
            let (out, err) = encoding.decode_lossy(&bytes);
            let shown = if err.is_some() && out.is_empty() { Value::Null } else { to_text(&out) };
            (shown, err.map(|err| err.to_string()))
        }
        "utf8" => (utf8_row(&bytes), None),
        other => return Err(format!("no such call: {other}")),
    };
    equal(row, got)
}

#[test]
fn fmt() {
    // Reading into a struct of Go is nothing that a program in another language has.
    let rows = rows("fmt", |call| call != "json.Unmarshal.typed");
    let expected = include_str!("../expected_failures/fmt.txt");
    gyre_testkit::conformance::run("go/fmt", &rows, |row| &row.id, expected, check);
}
