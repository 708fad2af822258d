//! The rows of `go/jsonpatch.jsonl`: what the Go libraries made of the same documents and patches.

use gyre_merge::json_patch::{Flavor, Options, Patch};
use gyre_merge::schema::Type;
use gyre_merge::{facts, json_patch, merge_patch, strategic_merge};
use gyre_testkit::conformance;
use serde_json::{Map, Value, json};

struct Row {
    id: String,
    row: Value,
}

#[test]
fn jsonpatch() {
    let Some(dir) = conformance::dir() else {
        println!("go/jsonpatch: no conformance data here");
        return;
    };
    let rows: Vec<Row> = conformance::lines(&dir.join("go/jsonpatch.jsonl"))
        .iter()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("a row is JSON");
            Row { id: row["id"].as_str().unwrap_or_default().to_owned(), row }
        })
        .collect();
    conformance::run(
        "go/jsonpatch",
        &rows,
        |row| &row.id,
        include_str!("expected_failures/jsonpatch.txt"),
        check,
    );
}

fn check(row: &Row) -> Result<(), String> {
    let input = &row.row["in"];
    let text = |key: &str| input[key].as_str().unwrap_or_default();
    let both = |run: &dyn Fn(Flavor) -> Result<Value, String>| {
        for (name, flavor) in [("v4", Flavor::V4), ("v5", Flavor::V5)] {
            let wanted = row.row["out"].get(name).unwrap_or(&row.row["out"]["both"]);
            compare(name, run(flavor), &wanted["ok"], wanted.get("err"))?;
        }
        Ok(())
    };
    match text("fn") {
        "Apply" => both(&|flavor| {
            let patch = Patch::decode(text("patch").as_bytes(), flavor)
                .map_err(|error| format!("DecodePatch: {error}"))?;
            patched(&patch, text("doc"), Options::new(flavor))
        }),
        "v5.ApplyWithOptions" => {
            let mut options = Options::new(Flavor::V5);
            options.allow_missing_path_on_remove = true;
            options.ensure_path_exists_on_add = true;
            let result = Patch::decode(text("patch").as_bytes(), Flavor::V5)
                .map_err(|error| error.to_string())
                .and_then(|patch| patched(&patch, text("doc"), options));
            compare("v5", result, &row.row["out"], row.row.get("err"))
        }
        "MergePatch" => both(&|flavor| shown(merge_patch::apply_text(text("doc"), text("patch"), flavor))),
        "MergeMergePatches" => both(&|flavor| shown(merge_patch::combine_text(text("a"), text("b"), flavor))),
        "CreateMergePatch" => {
            both(&|flavor| shown(merge_patch::create_text(text("original"), text("modified"), flavor)))
        }
        "Equal" => {
            let found = json_patch::equal(text("a"), text("b"));
            let wanted: Vec<_> =
                ["v4", "v5"].iter().filter_map(|name| row.row["out"][name].as_bool()).collect();
            let same = wanted.iter().all(|wanted| *wanted == found);
            if same { Ok(()) } else { Err(format!("found {found}, wanted {}", row.row)) }
        }
        "CreateThreeWayJSONMergePatch" => {
            let maps = [object(input, "original"), object(input, "modified"), object(input, "current")];
            let patch = match maps {
                [Ok(original), Ok(modified), Ok(current)] => {
                    Ok(Value::Object(merge_patch::create_three_way(&original, &modified, &current)))
                }
                _ => Err("Invalid JSON Document".into()),
            };
            compare("patch", patch, &row.row["out"], row.row.get("err"))
        }
        _ => strategic(input, &row.row),
    }
}

fn shown(result: Result<Value, impl ToString>) -> Result<Value, String> {
    result.map_err(|error| error.to_string())
}

/// The document is text: an empty one stays empty.
fn patched(patch: &Patch, document: &str, options: Options) -> Result<Value, String> {
    if document.is_empty() {
        return Ok(json!(""));
    }
    patch.apply_text(document, options).map(Value::String).map_err(|error| error.to_string())
}

/// Results are compared as values: v5 keeps the order of members, ours are sorted.
fn compare(
    what: &str,
    found: Result<Value, String>,
    wanted: &Value,
    error: Option<&Value>,
) -> Result<(), String> {
    let found = match found {
        Ok(Value::String(text)) if !text.is_empty() => Ok(serde_json::from_str(&text).unwrap_or(json!(text))),
        other => other,
    };
    let value: Value = match wanted.as_str() {
        Some("") => json!(""),
        Some(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        None => wanted.clone(),
    };
    match (found, error) {
        (Ok(found), None) if found == value => Ok(()),
        (Err(found), Some(wanted)) if Some(found.as_str()) == wanted.as_str() => Ok(()),
        (Err(_), Some(wanted)) if wanted.as_str().is_some_and(|text| text.starts_with("panic: ")) => Ok(()),
        (found, error) => Err(format!("{what}:\n  found  {found:?}\n  wanted {error:?} {value}")),
    }
}

fn object(input: &Value, key: &str) -> Result<Map<String, Value>, String> {
    match input[key].as_str() {
        None | Some("") => Ok(Map::new()),
        Some(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(Value::Null) => Ok(Map::new()),
            _ => Err("invalid JSON document".into()),
        },
    }
}

/// The same, where no text at all is an error.
fn given_object(input: &Value, key: &str) -> Result<Map<String, Value>, String> {
    match input[key].as_str() {
        Some("") => Err("invalid JSON document".into()),
        _ => object(input, key),
    }
}

fn strategic(input: &Value, row: &Value) -> Result<(), String> {
    let kind = input["kind"].as_str().unwrap_or_default();
    let of = kind_type(kind).ok_or(format!("no such kind: {kind}"))?;
    let result = match input["fn"].as_str().unwrap_or_default() {
        "StrategicMergePatch" => given_object(input, "original").and_then(|original| {
            shown(strategic_merge::apply(original, given_object(input, "patch")?, &of).map(Value::Object))
        }),
        "CreateTwoWayMergePatch" => object(input, "original").and_then(|original| {
            shown(
                strategic_merge::create_two_way(&original, &object(input, "modified")?, &of)
                    .map(Value::Object),
            )
        }),
        "CreateThreeWayMergePatch" => object(input, "original").and_then(|original| {
            let overwrite = input["overwrite"].as_bool().unwrap_or_default();
            let (modified, current) = (object(input, "modified")?, object(input, "current")?);
            let patch = strategic_merge::create_three_way(&original, &modified, &current, &of, overwrite);
            shown(patch.map(Value::Object))
        }),
        other => return Err(format!("no such function: {other}")),
    };
    compare("patch", result, &row["out"], row.get("err"))
}

fn kind_type(kind: &str) -> Option<Type> {
    let mut found: Vec<_> = facts::resources().iter().filter(|resource| resource.kind == kind).collect();
    found.sort_by_key(|resource| (resource.version != "v1" && resource.version != "v2", resource.group));
    found.first().and_then(|resource| facts::kind(resource.group, resource.version, resource.kind))
}
