//! Versions and ranges.

use gyre_go::semver::{Constraints, Library, Version, VersionError, pick};
use serde_json::{Value, json};

use crate::{Answer, Row, equal, rows};

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

fn answer<T: Into<Value>, E: ToString>(result: Result<T, E>) -> Answer {
    match result {
        Ok(value) => (value.into(), None),
        Err(why) => (Value::Null, Some(why.to_string())),
    }
}

fn shape(version: &Version) -> Value {
    json!({
        "major": version.major, "minor": version.minor, "patch": version.patch, "prerelease": version.prerelease,
        "metadata": version.metadata, "original": version.original(), "string": version.to_string(),
    })
}

fn both(of: impl Fn(Library) -> Answer) -> Answer {
    let (new, old) = (of(Library::V3_5), of(Library::V3_4));
    if new == old {
        return new;
    }
    let old = match old {
        (out, None) => out,
        (_, Some(err)) => json!({ "error": err }),
    };
    match new {
        (_, Some(err)) => (json!({ "v340": old }), Some(err)),
        (out, None) => (json!({ "v350": out, "v340": old }), None),
    }
}

fn constraint(row: &Row, library: Library) -> Answer {
    let range = match Constraints::parse_as(row.input["c"].as_str().unwrap(), library) {
        Ok(range) => range,
        Err(why) => return (Value::Null, Some(why.to_string())),
    };
    let has_why = row.out.to_string().contains("\"why\"");
    let mut ok = String::new();
    let mut why = Vec::new();
    for (index, text) in strings(&row.input["versions"]).into_iter().enumerate() {
        let version = Version::parse(text).unwrap();
        ok.push(if range.check(&version) { '1' } else { '0' });
        if let Err(reasons) = range.validate(&version)
            && index % 6 == 0
        {
            why.extend(reasons.into_iter().map(|reason| format!("{text}: {reason}")));
        }
    }
    let mut out = json!({ "ok": ok, "string": range.to_string() });
    if has_why {
        out["why"] = why.into();
    }
    (out, None)
}

fn compare(row: &Row) -> Answer {
    let left = Version::parse(row.input["a"].as_str().unwrap()).unwrap();
    let orders: Vec<_> = strings(&row.input["b"])
        .into_iter()
        .map(|text| left.compare(&Version::parse(text).unwrap()))
        .collect();
    let out = json!({
        "compare": orders.iter().map(|&order| order as i8).collect::<Vec<_>>(),
        "equal": orders.iter().map(|order| order.is_eq()).collect::<Vec<_>>(),
        "greater": orders.iter().map(|order| order.is_gt()).collect::<Vec<_>>(),
        "less": orders.iter().map(|order| order.is_lt()).collect::<Vec<_>>(),
    });
    (out, None)
}

fn increments(version: &Version) -> Result<Value, VersionError> {
    Ok(json!({
        "major": version.next_major()?.original(), "minor": version.next_minor()?.original(),
        "patch": version.next_patch()?.original(), "patchString": version.next_patch()?.to_string(),
    }))
}

fn parts(version: &Version) -> Value {
    json!({ "original": version.original(), "string": version.to_string() })
}

fn helm_get(row: &Row) -> Answer {
    let mut list = strings(&row.input["list"]);
    if list.is_empty() {
        return (Value::Null, Some("no chart name found".into()));
    }
    pick::helm_sort(&mut list, |text| text);
    let wanted = row.input["version"].as_str().unwrap();
    match pick::helm_pick(wanted, list.iter().copied()) {
        Ok(Some(place)) => (list[place].into(), None),
        Ok(None) => (Value::Null, Some(format!("no chart version found for c-{wanted}"))),
        Err(why) => (Value::Null, Some(why.to_string())),
    }
}

fn check(row: &Row) -> Result<(), String> {
    let input = &row.input;
    let v = input["v"].as_str().unwrap_or_default();
    let got = match input["fn"].as_str().unwrap() {
        "NewVersion" => both(|library| answer(Version::parse_as(v, library).map(|version| shape(&version)))),
        "StrictNewVersion" => {
            both(|library| answer(Version::parse_strict(v, library).map(|version| shape(&version))))
        }
        "Compare" => compare(row),
        "Inc" => answer(increments(&Version::parse(v).unwrap())),
        "SetPrerelease" => {
            let version = Version::parse(v).unwrap();
            answer(version.with_prerelease(input["p"].as_str().unwrap()).map(|version| parts(&version)))
        }
        "SetMetadata" => {
            let version = Version::parse(v).unwrap();
            answer(version.with_metadata(input["m"].as_str().unwrap()).map(|version| parts(&version)))
        }
        "Constraint" => both(|library| constraint(row, library)),
        "SortStable" => {
            let mut list: Vec<_> =
                strings(&input["list"]).into_iter().filter_map(|text| Version::parse(text).ok()).collect();
            list.sort_by(Version::compare);
            (list.iter().map(Version::original).collect(), None)
        }
        "flux.ParseVersion" => answer(pick::flux_version(v).map(|version| version.to_string())),
        "flux.image.SemVer.Latest" => {
            answer(pick::flux_latest(input["range"].as_str().unwrap(), strings(&input["list"])))
        }
        "argo.MaxVersion" => answer(pick::argo_latest(
            input["revision"].as_str().unwrap(),
            strings(&input["list"]),
            input["tagPrefix"].as_str().unwrap(),
        )),
        "argo.IsConstraint" => (pick::argo_is_range(input["c"].as_str().unwrap()).into(), None),
        "helm.IndexFile.Get" => helm_get(row),
        other => return Err(format!("no such call: {other}")),
    };
    equal(row, got)
}

#[test]
fn semver() {
    let rows = rows("semver", |_| true);
    let expected = include_str!("../expected_failures/semver.txt");
    gyre_testkit::conformance::run("go/semver", &rows, |row| &row.id, expected, check);
}
