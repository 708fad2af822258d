//! Runs every conformance set that is built, and prints a line a set.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The sets of the layout, in the order in which they are printed.
const SETS: [&str; 26] = [
    "kustomize",
    "helm",
    "funcs",
    "go/semver",
    "go/regexp",
    "go/glob",
    "go/duration_time",
    "go/syncwindow",
    "go/fmt",
    "go/yaml",
    "go/jsonpatch",
    "go/jsonpath",
    "go/cel",
    "go/expr",
    "go/lua",
    "go/lua_argo",
    "go/envsubst",
    "go/fasttemplate",
    "go/gotemplate",
    "go/casbin",
    "go/giturl",
    "go/misc",
    "apiserver",
    "health",
    "flux",
    "argocd",
];

/// Runs the test targets named `conformance` over the sets in `cases`.
pub(crate) fn run(root: &Path, cases: &Path) -> anyhow::Result<()> {
    let cases =
        cases.canonicalize().with_context(|| format!("{}: the sets are not there", cases.display()))?;
    let output = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--no-fail-fast", "--test", "conformance"])
        .args(["--", "--nocapture", "--test-threads=1"])
        .current_dir(root)
        .env("GYRE_CONFORMANCE", &cases)
        .env("GYRE_CONFORMANCE_REPORT", "1")
        .stderr(Stdio::inherit())
        .output()
        .context("cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The test runner may have begun the line: `test the_cases ... kustomize: 1 passed, 0 failed`.
    let own =
        |line: &'_ str| line.rsplit(" ... ").next().unwrap_or_default().trim_start_matches('.').to_owned();
    let lines: BTreeSet<String> = text
        .lines()
        .filter(|line| line.contains(" passed, ") && line.ends_with(" failed"))
        .map(own)
        .collect();
    for set in SETS {
        let mut found = false;
        // A set may be shared by crates, each with its part: `go/misc (kustomize)`.
        for line in &lines {
            let name = line.split(':').next().unwrap_or_default();
            if name == set || name.strip_prefix(set).is_some_and(|rest| rest.starts_with(' ')) {
                println!("{line}");
                found = true;
            }
        }
        if !found {
            println!("{set}: not built yet");
        }
    }
    if !output.status.success() {
        bail!("a conformance run broke; its output is above");
    }
    Ok(())
}
