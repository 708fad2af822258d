//! Holds the project to its own rules: layers, forbidden words, sizes of files. Run by `cargo test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// The crates from the lowest layer to the highest: each uses only crates before it (docs/ARCHITECTURE.md).
const LAYERS: [&str; 20] = [
    "gyre-yaml",
    "gyre-go",
    "gyre-model",
    "gyre-api",
    "gyre-merge",
    "gyre-cel",
    "gyre-template",
    "gyre-kustomize",
    "gyre-helm",
    "gyre-render",
    "gyre-health",
    "gyre-plan",
    "gyre-source",
    "gyre-cluster",
    "gyre-notify",
    "gyre-controllers",
    "gyre-apiserver",
    "gyre-web",
    "gyre",
    "xtask",
];

/// Crates that only think: no I/O, clock, randomness, async.
const THINKING: [&str; 12] = [
    "gyre-yaml",
    "gyre-go",
    "gyre-model",
    "gyre-api",
    "gyre-merge",
    "gyre-cel",
    "gyre-template",
    "gyre-kustomize",
    "gyre-helm",
    "gyre-render",
    "gyre-health",
    "gyre-plan",
];

/// What crates that only think may not use.
const WORLDLY: [&str; 12] = [
    "tokio",
    "kube",
    "k8s-openapi",
    "hyper",
    "reqwest",
    "gix",
    "russh",
    "redb",
    "axum",
    "tonic",
    "rand",
    "ring",
];

/// Libraries that one crate may name, so that each is easy to replace.
const SOLE_USERS: [(&str, &str); 5] = [
    ("kube", "gyre-cluster"),
    ("k8s-openapi", "gyre-cluster"),
    ("gix", "gyre-source"),
    ("russh", "gyre-source"),
    ("redb", "gyre-apiserver"),
];

/// Words that are no names for a file: they say nothing.
const EMPTY_NAMES: [&str; 10] =
    ["manager", "helper", "helpers", "util", "utils", "common", "misc", "processor", "info", "base"];

/// Lines of a source file.
const LINES_MAX: usize = 1000;

/// Checks everything; the error lists every problem.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let mut problems = layers(root)?;
    problems.extend(files(root)?);
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn layers(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        let used = edges.entry(name).or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"].as_str() != Some("dev") {
                used.insert(dependency["name"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut problems = Vec::new();
    for (name, used) in &edges {
        if name == "gyre-testkit" {
            continue;
        }
        let Some(own) = rank(name) else {
            problems.push(format!("{name}: not in the list of layers (xtask/src/tidy.rs)"));
            continue;
        };
        for other in used {
            if rank(other).is_some_and(|other| other >= own) || other == "gyre-testkit" {
                problems
                    .push(format!("{name} may not use {other}: dependencies point down the list of layers"));
            }
            if THINKING.contains(&name.as_str()) && WORLDLY.contains(&other.as_str()) {
                problems.push(format!("{name} may not use {other}: it only thinks"));
            }
            if let Some((_, user)) =
                SOLE_USERS.iter().find(|(library, user)| library == other && user != name)
            {
                problems.push(format!("{name} may not use {other}: only {user} names it"));
            }
        }
    }
    if edges.get("gyre-apiserver").is_some_and(|used| used.contains("gyre-api")) {
        problems.push("gyre-apiserver may not use gyre-api: it knows no GitOps kind".into());
    }
    Ok(problems)
}

fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in sources(root)? {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).with_context(|| shown.clone())?;
        let lines = text.lines().count();
        if lines > LINES_MAX {
            problems.push(format!("{shown}: {lines} lines, {LINES_MAX} are allowed: split it"));
        }
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if EMPTY_NAMES.contains(&name) || name == "mod" {
            problems.push(format!("{shown}: the name says nothing: name it for what it holds"));
        }
        let is_test =
            shown.contains("/tests/") || shown.contains("/benches/") || shown.contains("/examples/");
        if !is_test && !text.starts_with("//!") {
            problems.push(format!("{shown}: begins without a sentence on what it is (//!)"));
        }
        for (index, line) in text.lines().enumerate() {
            let place = || format!("{shown}:{}", index + 1);
            // Written in two parts, or this file would find itself.
            for mark in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")] {
                if line.contains(mark) {
                    problems.push(format!("{}: {mark}: do it, or leave it out", place()));
                }
            }
        }
    }
    Ok(problems)
}

/// Every Rust file of the project.
fn sources(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_keeps_its_rules() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        if let Err(problems) = check(&root.canonicalize().unwrap()) {
            panic!("{problems}");
        }
    }
}
