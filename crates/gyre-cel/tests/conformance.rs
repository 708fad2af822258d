//! Holds expressions against the answers of Kubernetes' own environment.

use std::collections::BTreeMap;

use gyre_cel::{CompileError, Env, Type, Value};
use gyre_testkit::conformance;
use serde_json::{Value as Json, json};

const COST_MAX: u64 = 10_000_000;

#[test]
fn expressions_of_kubernetes() {
    let Some(dir) = conformance::dir() else {
        println!("go/cel: no conformance data, nothing checked");
        return;
    };
    let constants: Json =
        serde_json::from_str(&std::fs::read_to_string(dir.join("go/constants.json")).unwrap_or_default())
            .unwrap_or_default();
    let rows: Vec<(String, Json)> = conformance::lines(&dir.join("go/cel.jsonl"))
        .iter()
        .map(|line| serde_json::from_str::<Json>(line).unwrap())
        .filter(|row| row["in"]["fn"] == "k8s.base")
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect();
    let variables: BTreeMap<String, Value> = [("self", "OBJ"), ("oldSelf", "STALE")]
        .into_iter()
        .map(|(name, object)| {
            (name.to_owned(), Value::from_json(&constants[format!("cel/OBJECT/{object}").as_str()]))
        })
        .collect();
    let expected = include_str!("expected_failures/cel.txt");
    conformance::run(
        "go/cel (Kubernetes)",
        &rows,
        |row| &row.0,
        expected,
        |row| {
            let wanted = json!({"out": row.1["out"], "err": row.1["err"]});
            let given = answer(row.1["in"]["e"].as_str().unwrap(), &variables);
            if given == wanted {
                return Ok(());
            }
            Err(format!("{}\nwanted {wanted}\ngiven  {given}", row.1["in"]["e"]))
        },
    );
}

fn answer(source: &str, variables: &BTreeMap<String, Value>) -> Json {
    let env = Env::new().variable("self", Type::Dyn).variable("oldSelf", Type::Dyn);
    let program = match env.compile(source) {
        Ok(program) => program,
        Err(CompileError::Invalid(text)) => return json!({"out": null, "err": format!("compile: {text}")}),
        Err(CompileError::Constant(text)) => return json!({"out": null, "err": format!("program: {text}")}),
    };
    let ty = program.output().to_string();
    match program.run(variables, COST_MAX).0 {
        Ok(value) => json!({"out": {"outputType": ty, "value": shown(&value)}, "err": null}),
        Err(error) => json!({"out": {"outputType": ty}, "err": error.to_string()}),
    }
}

fn shown(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(it) => json!(it),
        Value::Int(it) => json!({"int": it.to_string()}),
        Value::Uint(it) => json!({"uint": it.to_string()}),
        Value::Double(it) => json!({"double": gyre_go::strconv::format_float(*it, b'g', None)}),
        Value::Text(it) => json!(&**it),
        Value::Bytes(it) => json!({"bytes": gyre_go::base64::STANDARD.encode(it)}),
        Value::List(items) => items.iter().map(shown).collect(),
        Value::Map(map) => {
            json!({"map": map.iter().map(|(key, value)| json!([shown(&key.value()), shown(value)])).collect::<Vec<_>>()})
        }
        Value::Timestamp(it) => json!({"timestamp": it.to_string()}),
        Value::Duration(it) => json!({"duration": it.to_string()}),
        Value::Optional(it) => json!({"optional": it.as_ref().map_or(json!("none"), |it| shown(it))}),
        Value::Type(it) => json!({"type": &**it}),
        other => json!({"go": other.type_name()}),
    }
}
