//! The rows of `go/yaml.jsonl`: what the Go libraries made of the same texts and values.

use gyre_testkit::conformance;
use gyre_yaml::{
    Decoded, Dialect, Document, Error, Layout, Source, decode, node_to_json, value_to_node, write_document,
    write_node, write_value, yaml_to_json, yaml_to_json_strict,
};
use serde_json::{Value, json};

struct Row {
    id: String,
    row: Value,
}

#[test]
fn yaml() {
    let Some(dir) = conformance::dir() else {
        println!("go/yaml: no conformance data here");
        return;
    };
    let rows: Vec<Row> = conformance::lines(&dir.join("go/yaml.jsonl"))
        .iter()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("a row is JSON");
            Row { id: row["id"].as_str().unwrap_or_default().to_owned(), row }
        })
        .collect();
    conformance::run("go/yaml", &rows, |row| &row.id, include_str!("expected_failures/yaml.txt"), check);
}

fn check(row: &Row) -> Result<(), String> {
    let (input, out) = (&row.row["in"], &row.row["out"]);
    let doc = bytes(&input["doc"]);
    match input["fn"].as_str().unwrap_or_default() {
        "emit" => emit(&as_go(&input["v"]), out),
        "parse" => parse(&doc, out),
        "parseAll" => same("v3", &outcome(parse_all(&doc)), &out["v3"]),
        "v3NodeRoundTrip" => {
            let text = round_trip(&doc);
            match (&text, row.row.get("err")) {
                (Err(error), Some(wanted)) => same("err", &json!(error), wanted),
                (Ok(text), None) => same("text", &json!(text), out),
                (text, wanted) => Err(format!("{text:?} instead of {wanted:?} {out}")),
            }
        }
        other => Err(format!("no such function: {other}")),
    }
}

/// The generator read integers as int64 where they fit and as float64 elsewhere.
fn as_go(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => json!(number.as_f64()),
        Value::Number(number) if number.as_f64() == Some(0.0) => json!(0),
        Value::Array(items) => items.iter().map(as_go).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), as_go(value))).collect())
        }
        other => other.clone(),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value.get("b64").and_then(Value::as_str) {
        Some(text) => {
            let yaml = format!("!!binary {text}");
            match decode(
                &first(yaml.as_bytes(), Dialect::V2).expect("base64").expect("base64").root,
                Dialect::V2,
                false,
            ) {
                Ok(Decoded::Bytes(bytes)) => bytes,
                Ok(Decoded::Text(text)) => text.into_bytes(),
                other => panic!("no base64: {other:?}"),
            }
        }
        None => value.as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

fn same(what: &str, found: &Value, wanted: &Value) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}:\n  found  {found}\n  wanted {wanted}")) }
}

fn emit(value: &Value, out: &Value) -> Result<(), String> {
    let sigs = write_value(value);
    same("sigs", &json!(sigs), &out["sigs"])?;
    let node = value_to_node(value);
    let v3 = write_node(&node, Layout::DEFAULT);
    same("v3", &json!(v3), out.get("v3").unwrap_or(&out["sigs"]))?;
    let kyaml = write_node(&node, Layout::KYAML);
    same("kyaml", &json!(kyaml), out.get("kyaml").unwrap_or(&out["sigs"]))
}

fn first(doc: &[u8], dialect: Dialect) -> Result<Option<Document>, Error> {
    Source::new(doc).documents(dialect, dialect == Dialect::V3).next_document()
}

fn parse(doc: &[u8], out: &Value) -> Result<(), String> {
    let v3 = plain(doc, Dialect::V3);
    same("v3", &outcome(v3), &out["v3"])?;
    let v2 = plain(doc, Dialect::V2);
    same("v2", &outcome(v2), out.get("v2").unwrap_or(&out["v3"]))?;
    let sigs = yaml_to_json(doc).map_err(|error| error.to_string());
    same("sigs", &outcome(sigs), &from_text(&out["sigs"]))?;
    let strict = yaml_to_json_strict(doc).map_err(|error| error.to_string());
    same("sigsStrict", &outcome(strict), &from_text(out.get("sigsStrict").unwrap_or(&out["sigs"])))?;
    kyaml(doc, &out["kyaml"])
}

fn kyaml(doc: &[u8], wanted: &Value) -> Result<(), String> {
    let document = match first(doc, Dialect::V3) {
        Ok(Some(document)) => document,
        Ok(None) => return same("kyaml", &json!({"err": "EOF"}), wanted),
        Err(error) => return same("kyaml", &json!({"err": error.to_string()}), wanted),
    };
    let text = write_document(&document, Layout::KYAML);
    let Some(ok) = wanted.get("ok") else { return Err(format!("kyaml: no error, wanted {wanted}")) };
    same("kyaml string", &json!(text), &ok["string"])?;
    let json = node_to_json(&document.root).map_err(|error| error.to_string());
    match (json, ok.get("jsonErr")) {
        (Err(error), Some(wanted)) => same("kyaml jsonErr", &json!(error), wanted),
        (Ok(found), None) => same("kyaml json", &found, &parsed(&ok["json"])),
        (found, _) => Err(format!("kyaml json: {found:?} instead of {ok}")),
    }
}

fn plain(doc: &[u8], dialect: Dialect) -> Result<Value, String> {
    let document = first(doc, dialect).map_err(|error| error.to_string())?;
    let Some(document) = document else { return Ok(Value::Null) };
    decode(&document.root, dialect, false).map(|value| shape(&value)).map_err(|error| error.to_string())
}

fn parse_all(doc: &[u8]) -> Result<Value, String> {
    let source = Source::new(doc);
    let mut documents = source.documents(Dialect::V3, true);
    let mut all = Vec::new();
    loop {
        let at = all.len();
        let value = documents.next_document().and_then(|document| {
            document.map(|document| decode(&document.root, Dialect::V3, false)).transpose()
        });
        match value {
            Ok(Some(value)) => all.push(shape(&value)),
            Ok(None) => return Ok(Value::Array(all)),
            Err(error) => return Err(format!("doc {at}: {error}")),
        }
    }
}

fn round_trip(doc: &[u8]) -> Result<String, String> {
    match first(doc, Dialect::V3) {
        Ok(Some(document)) => Ok(write_document(&document, Layout::WIDE)),
        Ok(None) => Ok(String::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn outcome(result: Result<Value, String>) -> Value {
    match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => json!({"err": error}),
    }
}

/// Where the row has JSON text, its value.
fn from_text(outcome: &Value) -> Value {
    match outcome.get("ok") {
        Some(text) => json!({"ok": parsed(text)}),
        None => outcome.clone(),
    }
}

fn parsed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap_or("null")).expect("a row holds JSON")
}

/// A decoded value as the rows show it.
fn shape(value: &Decoded) -> Value {
    match value {
        Decoded::Null => Value::Null,
        Decoded::Bool(value) => json!(value),
        Decoded::Int(value) => json!(value),
        Decoded::Uint(value) => json!(value),
        Decoded::Float(value) => {
            let text = match gyre_yaml::format_float(*value).as_str() {
                ".inf" => "+Inf".to_owned(),
                "-.inf" => "-Inf".to_owned(),
                ".nan" => "NaN".to_owned(),
                text => text.to_owned(),
            };
            json!({"$f": text})
        }
        Decoded::Text(text) => json!(text),
        Decoded::Time(time) => json!({"$t": time.to_string()}),
        Decoded::Bytes(bytes) => json!({"$b": base64(bytes)}),
        Decoded::List(items) => items.iter().map(shape).collect(),
        Decoded::Map(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), shape(value))).collect())
        }
        Decoded::General(pairs) if pairs.iter().all(|(key, _)| matches!(key, Decoded::Text(_))) => {
            let pairs = pairs.iter().filter_map(|(key, value)| match key {
                Decoded::Text(key) => Some((key.clone(), shape(value))),
                _ => None,
            });
            Value::Object(pairs.collect())
        }
        Decoded::General(pairs) => {
            let mut pairs: Vec<Value> =
                pairs.iter().map(|(key, value)| json!([shape(key), shape(value)])).collect();
            pairs.sort_by_key(|pair| pair[0].to_string());
            json!({"$map": pairs})
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0;
        for at in 0..3 {
            bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
