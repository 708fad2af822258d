//! Holds quantities, names and selectors against rows that the Go libraries answered.

use gyre_testkit::conformance;
use serde_json::{Value, json};

use crate::names;
use crate::quantity::Quantity;
use crate::selectors::{FieldSelector, LabelSelector};

/// A row: its name, its arguments, what Go gave back, and its error.
struct Row {
    id: String,
    input: Value,
    out: Value,
    err: Option<String>,
}

#[test]
fn quantities_names_and_selectors_are_those_of_go() {
    let Some(dir) = conformance::dir() else {
        println!("go/misc: no conformance data, nothing checked");
        return;
    };
    let constants = std::fs::read_to_string(dir.join("go/constants.json")).unwrap_or_default();
    let constants: Value = serde_json::from_str(&constants).unwrap_or_default();
    let sets = &constants["misc/SETS"];
    let mut rows = Vec::new();
    for line in conformance::lines(&dir.join("go/misc.jsonl")) {
        let row: Value = serde_json::from_str(&line).unwrap();
        let row = Row {
            id: row["id"].as_str().unwrap().to_owned(),
            input: row["in"].clone(),
            out: row["out"].clone(),
            err: row["err"].as_str().map(Into::into),
        };
        if answer(&row.input, sets).is_some() {
            rows.push(row);
        }
    }
    let expected = include_str!("../tests/expected_failures/rows.txt");
    conformance::run("go/misc (Kubernetes)", &rows, |row| &row.id, expected, |row| check(row, sets));
}

fn check(row: &Row, sets: &Value) -> Result<(), String> {
    let wanted = match &row.err {
        Some(err) => Err(err.clone()),
        None => Ok(row.out.clone()),
    };
    let found = answer(&row.input, sets).unwrap();
    // Rows have more about a text than is asked here.
    let same = match (&found, &wanted) {
        (Ok(Value::Object(found)), Ok(wanted)) => found.iter().all(|(key, it)| wanted[key] == *it),
        _ => found == wanted,
    };
    if same {
        return Ok(());
    }
    if let (Ok(Value::Object(found)), Ok(wanted)) = (&found, &wanted) {
        let other: Vec<String> = found
            .iter()
            .filter(|(key, it)| wanted[*key] != **it)
            .map(|(key, it)| format!("{key}: wanted {}, found {it}", wanted[key]))
            .collect();
        return Err(format!("{}: {}", row.input, other.join("; ")));
    }
    Err(format!("{}: wanted {wanted:?}, found {found:?}", row.input))
}

/// What we say; `None` for functions that are checked elsewhere.
fn answer(input: &Value, sets: &Value) -> Option<Result<Value, String>> {
    let text = |key: &str| input[key].as_str().unwrap_or_default();
    Some(match text("fn") {
        "Quantity" => quantity(text("s")).and_then(|it| shown(it, text("s"))),
        "Quantity.Cmp" => quantity(text("a")).and_then(|a| Ok(compared(a, quantity(text("b"))?))),
        "Quantity.UnmarshalJSON" => {
            let value: Value = serde_json::from_str(text("json")).unwrap_or_default();
            let text = match &value {
                Value::String(text) => text.trim().to_owned(),
                value => value.to_string(),
            };
            let text = if value.is_null() { "0" } else { &text };
            Quantity::stored(text).map(|it| format!("{it:?}").into()).map_err(Into::into)
        }
        "labels.Parse" => {
            LabelSelector::parse(text("s")).map(|it| selector(&it, sets)).map_err(|failure| failure.message)
        }
        "LabelSelectorAsSelector" => LabelSelector::read(&input["selector"]).map(|it| {
            let shown = selector(&it, sets);
            json!({"match": shown["match"], "string": shown["string"]})
        }),
        "fields.ParseSelector" => {
            FieldSelector::parse(text("s")).map(|it| it.to_string().into()).map_err(|failure| failure.message)
        }
        "validation" => Ok(validated(text("s"))),
        _ => return None,
    })
}

fn quantity(text: &str) -> Result<Quantity, String> {
    Quantity::read(text).map_err(Into::into)
}

fn shown(it: Quantity, text: &str) -> Result<Value, String> {
    let stored = Quantity::stored(text)?;
    Ok(json!({"string": stored, "sign": it.sign(), "isZero": it.sign() == 0, "json": format!("{stored:?}")}))
}

fn compared(a: Quantity, b: Quantity) -> Value {
    let order = a.partial_cmp(&b).map_or(0, |it| it as i8);
    json!({"add": a.plus(b).text(), "sub": a.minus(b).text(), "cmp": order, "equal": order == 0})
}

fn selector(it: &LabelSelector, sets: &Value) -> Value {
    let digits = sets
        .as_array()
        .into_iter()
        .flatten()
        .map(|labels| if it.fits_map(labels.as_object()) { '1' } else { '0' });
    let requirements: Vec<Value> = it
        .demands()
        .iter()
        .map(|it| json!({"key": it.key, "op": it.operator.word(), "values": it.values}))
        .collect();
    json!({
        "string": it.to_string(), "empty": it.is_empty(), "match": digits.collect::<String>(),
        "requirements": requirements, "selectable": true,
    })
}

fn validated(text: &str) -> Value {
    let found = [
        ("IsDNS1123Label", names::label(text)),
        ("IsDNS1035Label", names::label_1035(text)),
        ("IsDNS1123Subdomain", names::subdomain(text)),
        ("IsWildcardDNS1123Subdomain", names::wildcard(text)),
        ("IsQualifiedName", names::qualified_name(text)),
        ("IsValidLabelValue", names::label_value(text)),
        ("IsConfigMapKey", names::config_key(text)),
        ("IsValidPortName", names::port_name(text)),
    ];
    let value = |it: Vec<String>| if it.is_empty() { Value::Null } else { it.into() };
    found.into_iter().map(|(name, it)| (name.to_owned(), value(it))).collect()
}
