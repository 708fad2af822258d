//! Globs and ignore files.

use gyre_go::glob::{doublestar, gitignore, gobwas, helmignore, path, tree};
use serde_json::{Value, json};

use crate::{Answer, Row, constants, equal, rows};

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn answer<E: ToString>(result: Result<Value, E>) -> Answer {
    match result {
        Ok(value) => (value, None),
        Err(why) => (Value::Null, Some(why.to_string())),
    }
}

fn lazy<E>(texts: &[&str], check: impl Fn(&str) -> Result<bool, E>) -> Answer {
    let (mut fits, mut bad) = (Vec::new(), Vec::new());
    for text in texts {
        match check(text) {
            Ok(true) => fits.push(*text),
            Ok(false) => {}
            Err(_) => bad.push(*text),
        }
    }
    bad.sort_unstable();
    bad.dedup();
    if bad.is_empty() {
        (json!({ "match": fits }), None)
    } else {
        (json!({ "match": fits, "badPatternFor": bad }), None)
    }
}

fn gobwas_fits(pattern: &str, separators: &str, text: &str) -> Value {
    let separators: Vec<char> = separators.chars().collect();
    match gobwas::Glob::parse(pattern, &separators) {
        Ok(glob) => glob.matches(text).into(),
        Err(_) => "error".into(),
    }
}

fn random(row: &Row) -> Answer {
    let (p, t) = (row.input["p"].as_str().unwrap(), row.input["t"].as_str().unwrap());
    let or_error = |result: Result<bool, _>| result.map_or(Value::from("error"), Value::from);
    let out = json!({
        "doublestar": or_error(doublestar::matches(p, t)),
        "gobwas": gobwas_fits(p, "", t),
        "gobwas/": gobwas_fits(p, "/", t),
        "path.Match": or_error(path::matches(p, t)),
    });
    (out, None)
}

fn split(path: &str) -> (Vec<&str>, bool) {
    let (path, is_directory) = path.strip_suffix('/').map_or((path, false), |rest| (rest, true));
    (path.split('/').collect(), is_directory)
}

fn gitignored(row: &Row, paths: &[&str], flux: Option<bool>) -> Answer {
    let domain = row.input["domain"].as_str().unwrap();
    let domain: Vec<&str> = if domain.is_empty() { Vec::new() } else { domain.split('/').collect() };
    let mut patterns = Vec::new();
    if flux == Some(true) {
        patterns.extend(gitignore::flux_vcs_patterns(&domain));
        patterns.extend(gitignore::flux_default_patterns(&domain));
    }
    let file = row.input["file"].as_str().unwrap();
    if flux.is_some() {
        patterns.extend(gitignore::parse_file(file, &domain));
    } else {
        // The rows of go-git cut lines at line feeds only.
        let lines = file.split('\n').filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        patterns.extend(lines.map(|line| gitignore::Pattern::parse(line, &domain)));
    }
    let ignored = paths.iter().filter(|path| {
        let (path, is_directory) = split(path);
        gitignore::is_ignored(&patterns, &path, is_directory)
    });
    (ignored.copied().collect(), None)
}

fn helmignored(row: &Row, paths: &[&str], defaults: bool) -> Answer {
    let rules = helmignore::Rules::parse(row.input["file"].as_str().unwrap()).map(|mut rules| {
        if defaults {
            rules.add_defaults();
        }
        let ignored = paths.iter().filter(|path| {
            let (path, is_directory) = path.strip_suffix('/').map_or((**path, false), |rest| (rest, true));
            rules.is_ignored(path, is_directory)
        });
        ignored.copied().collect()
    });
    answer(rules)
}

fn helm_files(pattern: &str, files: &[&str]) -> Answer {
    let glob = gobwas::Glob::parse(pattern, &['/'])
        .unwrap_or_else(|_| gobwas::Glob::parse("**", &['/']).expect("a glob"));
    let mut found: Vec<&str> = files.iter().copied().filter(|file| glob.matches(file)).collect();
    found.sort_unstable();
    (found.into(), None)
}

fn check(row: &Row, constants: &Value) -> Result<(), String> {
    let input = &row.input;
    let p = input["p"].as_str().unwrap_or_default();
    let texts = strings(&constants["glob/TEXTS"]);
    let paths = match input["paths"].as_str() {
        // Not among the constants: these are the paths that the answers name.
        Some("PATHS2") => vec!["templates/.x.yaml", "templates/x.yaml", "templates/", "a", ".helmignore"],
        Some(name) => strings(&constants[format!("glob/{name}")]),
        None => strings(&input["paths"]),
    };
    let files = strings(&input["files"]);
    let names = || tree::Names::new(files.iter().copied());
    let got = match input["fn"].as_str().unwrap() {
        "gobwas" => {
            let separators: Vec<char> = input["seps"].as_str().unwrap().chars().collect();
            let glob = gobwas::Glob::parse(p, &separators);
            answer(glob.map(|glob| texts.iter().filter(|text| glob.matches(text)).copied().collect()))
        }
        "path.Match" | "filepath.Match" => lazy(&texts, |text| path::matches(p, text)),
        "doublestar.Match" => lazy(&texts, |text| doublestar::matches(p, text)),
        "doublestar.ValidatePattern" => (doublestar::is_valid(p).into(), None),
        "random" => random(row),
        "doublestar.Glob" => answer(names().glob_doublestar(p, false).map(Value::from)),
        "doublestar.Glob.filesOnly" => answer(names().glob_doublestar(p, true).map(Value::from)),
        "fs.Glob" => answer(names().glob(p).map(Value::from)),
        "helm.Files.Glob" => helm_files(p, &files),
        "go-git.gitignore" => gitignored(row, &paths, None),
        "flux.sourceignore" => gitignored(row, &paths, Some(false)),
        "flux.sourceignore.default" => gitignored(row, &paths, Some(true)),
        "helm.ignore" => helmignored(row, &paths, false),
        "helm.ignore.withDefaults" => helmignored(row, &paths, true),
        other => return Err(format!("no such call: {other}")),
    };
    equal(row, got)
}

#[test]
fn glob() {
    let rows = rows("glob", |_| true);
    let constants = constants();
    let expected = include_str!("../expected_failures/glob.txt");
    gyre_testkit::conformance::run("go/glob", &rows, |row| &row.id, expected, |row| check(row, &constants));
}
