//! Runs a conformance set and holds the result against its list of expected failures.
//!
//! The sets lie outside the project: `GYRE_CONFORMANCE` names the place, `../shared/cases` beside the project is the
//! default. Where it is missing, the test says so and passes. With `GYRE_CONFORMANCE_REPORT` set, only the line
//! `<set>: N passed, N failed` counts and nothing fails: that is what `make conformance` prints.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many failures are shown in full.
const SHOWN_MAX: usize = 20;

/// The directory of the sets, or `None` where it does not exist.
pub fn dir() -> Option<PathBuf> {
    let place = env::var_os("GYRE_CONFORMANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases"), PathBuf::from);
    place.canonicalize().ok()
}

/// The rows of a JSON-lines file, or none where it is missing.
pub fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(Into::into).collect()
}

/// Runs `check` on every case, on all processors, and compares what failed with `expected_failures`: one case a line,
/// its name first, then `#` and the reason. A case that fails and is not listed, or is listed and passes, fails the
/// test. `CASE=text` picks the cases whose name contains the text and shows each failure.
///
/// # Panics
/// When the result is not the expected one.
pub fn run<T: Sync>(
    set: &str,
    cases: &[T],
    name: impl Fn(&T) -> &str + Sync,
    expected_failures: &str,
    check: impl Fn(&T) -> Result<(), String> + Sync,
) {
    let picked = env::var("CASE").ok();
    let cases: Vec<&T> =
        cases.iter().filter(|case| picked.as_deref().is_none_or(|text| name(case).contains(text))).collect();
    let failures = check_all(&cases, &name, &check);
    println!("{set}: {} passed, {} failed", cases.len() - failures.len(), failures.len());
    if env::var_os("GYRE_CONFORMANCE_REPORT").is_some() {
        return;
    }
    let expected: BTreeSet<&str> = expected_failures
        .lines()
        .filter_map(|line| line.split(" #").next())
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect();
    let mut problems = String::new();
    let unexpected: Vec<_> =
        failures.iter().filter(|(name, _)| picked.is_some() || !expected.contains(name.as_str())).collect();
    for (name, why) in unexpected.iter().take(SHOWN_MAX) {
        let _ = writeln!(problems, "--- {name}\n{why}");
    }
    if unexpected.len() > SHOWN_MAX {
        let _ = writeln!(problems, "... and {} more", unexpected.len() - SHOWN_MAX);
    }
    let failed: BTreeSet<&str> = failures.iter().map(|(name, _)| name.as_str()).collect();
    for name in cases.iter().map(|case| name(case)).filter(|name| expected.contains(name)) {
        if !failed.contains(name) {
            let _ = writeln!(problems, "--- {name}\npasses now: take it off the list of expected failures");
        }
    }
    assert!(problems.is_empty(), "{set}:\n{problems}");
}

fn check_all<T: Sync>(
    cases: &[&T],
    name: &(impl Fn(&T) -> &str + Sync),
    check: &(impl Fn(&T) -> Result<(), String> + Sync),
) -> Vec<(String, String)> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            let worker = || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case)))
                        .unwrap_or_else(|_| Err("panicked".into()));
                    if let Err(why) = verdict {
                        let mut failures = failures.lock().expect("no panic while the lock is held");
                        failures.push((name(case).to_owned(), why));
                    }
                }
            };
            // bounded: deep documents are part of the sets, and a test thread's stack is small.
            thread::Builder::new().stack_size(16 << 20).spawn_scoped(scope, worker).expect("a thread");
        }
    });
    let mut failures = failures.into_inner().expect("all workers have ended");
    failures.sort();
    failures
}
