//! Holds variable substitution against the answers of Flux's own library.

use gyre_render::substitute::{SubstituteError, Variables};
use gyre_testkit::conformance;
use serde_json::Value;

#[test]
fn variables_of_flux() {
    let Some(dir) = conformance::dir() else {
        println!("go/envsubst: no conformance data, nothing checked");
        return;
    };
    let constants = std::fs::read_to_string(dir.join("go/constants.json")).unwrap_or_default();
    let constants: Value = serde_json::from_str(&constants).unwrap_or_default();
    let mut variables = Variables::default();
    for (name, value) in constants["envsubst/VARS"].as_object().into_iter().flatten() {
        variables.set(name, value.as_str().unwrap_or_default());
    }
    let rows: Vec<(String, Value)> = conformance::lines(&dir.join("go/envsubst.jsonl"))
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect();
    let expected = include_str!("expected_failures/envsubst.txt");
    conformance::run(
        "go/envsubst",
        &rows,
        |row| &row.0,
        expected,
        |(_, row)| {
            let mut variables = variables.clone();
            variables.strict = row["in"]["strict"] == true;
            let text = row["in"]["t"].as_str().unwrap();
            let given = variables.substitute(text).map_err(|why| match why {
                SubstituteError::Syntax(why) => why.to_owned(),
                SubstituteError::NotSet(name) => format!("variable not set (strict mode): {name:?}"),
                other @ SubstituteError::Name(_) => other.to_string(),
            });
            let wanted = match row["err"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => match row["out"].as_str() {
                    Some(out) => Ok(out.to_owned()),
                    None => return Err(format!("{text}\nwanted bytes that are no text\ngiven  {given:?}")),
                },
            };
            if given == wanted { Ok(()) } else { Err(format!("{text}\nwanted {wanted:?}\ngiven  {given:?}")) }
        },
    );
}
