//! The cases of `kustomize/`: what `kustomize build` printed for the same directories.

use std::fs;
use std::path::{Path, PathBuf};

use gyre_go::base64::STANDARD;
use gyre_kustomize::{Cache, LoadRestrictions, Options, Reorder, build, hash, split_image};
use gyre_model::FileTree;
use gyre_testkit::conformance;
use serde_json::{Value, json};

const ROOT: &str = "{ROOT}";

struct Case {
    name: String,
    dir: PathBuf,
    target: String,
    flags: Vec<String>,
    tags: Vec<String>,
}

#[test]
fn kustomize() {
    let Some(dir) = conformance::dir().map(|dir| dir.join("kustomize")) else {
        println!("kustomize: no conformance data here");
        return;
    };
    let mut cases: Vec<Case> = fs::read_dir(&dir)
        .expect("the cases are a directory")
        .filter_map(|entry| read_case(&entry.expect("a case can be listed").path()))
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    let cache = Cache::default();
    conformance::run(
        "kustomize",
        &cases,
        |case| &case.name,
        include_str!("expected_failures/kustomize.txt"),
        |case| check(case, &cache),
    );
}

#[test]
fn misc() {
    let Some(dir) = conformance::dir() else {
        println!("go/misc: no conformance data here");
        return;
    };
    let rows: Vec<(String, Value)> = conformance::lines(&dir.join("go/misc.jsonl"))
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"))
        .filter(|row| row["in"]["fn"].as_str().is_some_and(|name| name.starts_with("kustomize.")))
        .map(|row| (row["id"].as_str().unwrap_or_default().to_owned(), row))
        .collect();
    conformance::run(
        "go/misc (kustomize)",
        &rows,
        |(id, _)| id,
        include_str!("expected_failures/misc.txt"),
        |(_, row)| check_row(row),
    );
}

fn check_row(row: &Value) -> Result<(), String> {
    let input = &row["in"];
    let found = match input["fn"].as_str().unwrap_or_default() {
        "kustomize.Hash" => hash(&input["obj"]).map(Value::from).map_err(|error| error.to_string()),
        "kustomize.image.Split" => {
            let (name, tag, digest) = split_image(input["s"].as_str().unwrap_or_default());
            Ok(json!({"name": name, "tag": tag, "digest": digest}))
        }
        _ => {
            let files = input["files"].as_object().into_iter().flatten();
            let files = files.map(|(path, content)| match content.as_str() {
                Some(text) => (path.as_str(), text.as_bytes().to_vec()),
                None => (
                    path.as_str(),
                    STANDARD
                        .decode(content["b64"].as_str().unwrap_or_default().as_bytes())
                        .expect("the row holds base64"),
                ),
            });
            let tree = FileTree::from_files(files).map_err(|error| error.to_string())?;
            let rendered = build(&Options { shown_root: ROOT, ..Options::default() }, &tree, ".");
            rendered.map(|rendered| rendered.to_yaml().into()).map_err(|error| error.to_string())
        }
    };
    match (found, row.get("err")) {
        (Ok(found), None) if found == row["out"] => Ok(()),
        (Err(_), Some(_)) => Ok(()),
        (found, _) => Err(format!("found {found:?}\nwanted {row}")),
    }
}

fn read_case(dir: &Path) -> Option<Case> {
    let text = fs::read_to_string(dir.join("case.yaml")).ok()?;
    let value = |key: &str| -> Value {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        line.map_or(Value::Null, |json| serde_json::from_str(json).expect("a case's values are JSON"))
    };
    let list = |key: &str| -> Vec<String> {
        let value = value(key);
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Some(Case {
        name: value("name").as_str()?.to_owned(),
        dir: dir.to_owned(),
        target: value("target").as_str()?.to_owned(),
        flags: list("flags"),
        tags: list("tags"),
    })
}

fn read_tree(dir: &Path) -> FileTree {
    fn collect(dir: &Path, below: &str, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(dir).expect("an input can be listed") {
            let entry = entry.expect("an input can be listed");
            let name = entry.file_name().into_string().expect("names are UTF-8");
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.path().is_dir() {
                collect(&entry.path(), &path, files);
            } else {
                files.push((path, fs::read(entry.path()).expect("an input can be read")));
            }
        }
    }
    let mut files = Vec::new();
    collect(dir, "", &mut files);
    FileTree::from_files(files).expect("an input is a tree")
}

fn check(case: &Case, cache: &Cache) -> Result<(), String> {
    let tree = read_tree(&case.dir.join("input"));
    let flag = |wanted: &str| case.flags.iter().any(|flag| flag == wanted);
    let options = Options {
        shown_root: ROOT,
        load_restrictions: if flag("--load-restrictor=LoadRestrictionsNone") {
            LoadRestrictions::None
        } else {
            LoadRestrictions::RootOnly
        },
        reorder: if flag("--reorder=none") { Reorder::None } else { Reorder::Legacy },
        managed_by_label: flag("--enable-managedby-label"),
        cache: Some(cache),
        ..Options::default()
    };
    let read = |name: &str| fs::read_to_string(case.dir.join(name)).ok();
    let found = build(&options, &tree, &case.target).map(|rendered| rendered.to_yaml());
    match (read("expected.yaml"), found) {
        (Some(wanted), Ok(found)) => {
            same(&wanted, &found)?;
            match read("expected_default.yaml") {
                Some(wanted) => {
                    let options = Options { reorder: Reorder::Legacy, ..options };
                    let found = build(&options, &tree, &case.target).map_err(|error| error.to_string())?;
                    same(&wanted, &found.to_yaml())
                }
                None => Ok(()),
            }
        }
        (Some(_), Err(error)) => Err(format!("unexpected error: {error}")),
        (None, Ok(found)) => Err(format!("error wanted, but rendered:\n{found}")),
        (None, Err(error)) => {
            let wanted = read("expected_error.txt").unwrap_or_default();
            let exact = !case.tags.iter().any(|tag| tag == "error-text-varies");
            let found = format!("Error: {error}");
            if exact && wanted.trim() != found.trim() {
                return Err(format!("wanted error:\n{}\nfound error:\n{}", wanted.trim(), found.trim()));
            }
            Ok(())
        }
    }
}

fn same(wanted: &str, found: &str) -> Result<(), String> {
    if wanted == found {
        return Ok(());
    }
    let at = wanted.lines().zip(found.lines()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| {
        let start = at.saturating_sub(3);
        text.lines().skip(start).take(8).collect::<Vec<_>>().join("\n")
    };
    Err(format!("line {}: wanted\n{}\nfound\n{}", at + 1, part(wanted), part(found)))
}
