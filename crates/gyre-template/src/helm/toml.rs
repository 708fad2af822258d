//! TOML as Helm's library reads and writes it.

mod read;

use std::fmt::Write as _;

use gyre_go::strconv;

use crate::value::Value;

/// Writes a map as TOML; what cannot be written is its own complaint.
pub(super) fn write(value: &Value) -> Result<String, String> {
    if matches!(value, Value::Nil | Value::Invalid) {
        return Err("reflect: call of reflect.Value.Type on zero Value".into());
    }
    let Some(entries) = table(value) else {
        // compat(helm 3.21): what is no table is written as it would stand behind a key.
        return Ok(match tables(value) {
            Some(_) => "toml: top-level values must be Go maps or structs".into(),
            None => inline(value).unwrap_or_else(|why| why),
        });
    };
    let mut out = String::new();
    Ok(match write_table(&entries, &[], &mut out) {
        Ok(()) => out,
        Err(why) => why,
    })
}

pub(super) fn read(text: &[u8]) -> Value {
    match read::parse(text) {
        Ok(value) => value,
        Err(why) => Value::map([("Error", Value::text(why))]),
    }
}

type Entries = Vec<(String, Value)>;

fn table(value: &Value) -> Option<Entries> {
    match value {
        Value::Map(map) => {
            let entries = map.entries.borrow();
            Some(
                entries
                    .iter()
                    .map(|(key, value)| (key.to_string_lossy().into_owned(), value.clone()))
                    .collect(),
            )
        }
        Value::Object(object) => {
            let json = object.to_json();
            table(&Value::from_json(&json))
        }
        _ => None,
    }
}

/// A list of tables, and nothing else.
fn tables(value: &Value) -> Option<Vec<Entries>> {
    match value {
        Value::List(list) => {
            let items = list.items.borrow();
            let tables: Option<Vec<_>> = items.iter().map(table).collect();
            tables.filter(|tables| !tables.is_empty())
        }
        _ => None,
    }
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { key.into() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..' ' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn header(path: &[String], double: bool, out: &mut String) {
    let name = path.iter().map(|key| key_text(key)).collect::<Vec<_>>().join(".");
    let indent = "  ".repeat(path.len() - 1);
    let (open, close) = if double { ("[[", "]]") } else { ("[", "]") };
    let _ = writeln!(out, "{indent}{open}{name}{close}");
}

fn write_table(entries: &Entries, path: &[String], out: &mut String) -> Result<(), String> {
    let indent = "  ".repeat(path.len());
    let mut later = Vec::new();
    for (key, value) in entries {
        if value.is_nil() {
            continue;
        }
        if table(value).is_some() || tables(value).is_some() {
            later.push((key, value));
            continue;
        }
        let _ = writeln!(out, "{indent}{} = {}", key_text(key), inline(value)?);
    }
    for (key, value) in later {
        let path: Vec<String> = path.iter().cloned().chain([key.clone()]).collect();
        if let Some(entries) = table(value) {
            if path.len() == 1 && !out.is_empty() {
                out.push('\n');
            }
            header(&path, false, out);
            write_table(&entries, &path, out)?;
        } else {
            for entries in tables(value).unwrap_or_default() {
                if !out.is_empty() {
                    out.push('\n');
                }
                header(&path, true, out);
                write_table(&entries, &path, out)?;
            }
        }
    }
    Ok(())
}

fn inline(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value, _) | Value::Duration(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Str(text) => quoted(&text.to_string_lossy()),
        Value::Time(time) => time.to_rfc3339(),
        Value::List(list) => {
            let items = list.items.borrow().iter().map(inline).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Nil | Value::Invalid => return Err("toml: cannot encode array with nil element".into()),
        other => match table(other) {
            Some(entries) => {
                let pairs = entries
                    .iter()
                    .filter(|(_, value)| !value.is_nil())
                    .map(|(key, value)| Ok(format!("{} = {}", key_text(key), inline(value)?)))
                    .collect::<Result<Vec<_>, String>>()?;
                format!("{{{}}}", pairs.join(", "))
            }
            None => return Err(format!("unexpected type for field {}", other.type_name())),
        },
    })
}

fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let text = strconv::format_float(value, b'g', None);
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}
