//! The text that `helm template` prints.

use std::fmt::Write as _;

use gyre_go::glob::path::matches;

use super::{Rendered, Version};
use crate::error::{HelmError, err};
use crate::manifest::split;

/// What of a rendered chart is shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// `--include-crds`
    pub include_crds: bool,
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--skip-tests`
    pub skip_tests: bool,
    /// `--show-only`, any number of them.
    pub only: Vec<String>,
    /// Which Helm.
    pub version: Version,
}

/// The manifests as one text.
pub fn manifest_text(rendered: &Rendered, include_crds: bool) -> String {
    let mut out = String::new();
    if include_crds {
        for (path, file) in &rendered.crds {
            let _ = write!(out, "---\n# Source: {path}\n{}\n", file.text());
        }
    }
    for manifest in &rendered.manifests {
        let _ = write!(out, "---\n# Source: {}\n{}\n", manifest.path, manifest.content);
    }
    out
}

/// Every rendered file that is not blank, as it is shown when it cannot be sorted into manifests.
pub(super) fn files_text(files: &std::collections::BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for (path, content) in files.iter().filter(|(_, content)| !content.trim().is_empty()) {
        let _ = write!(out, "---\n# Source: {path}\n{content}\n");
    }
    out
}

/// What `helm template` prints.
pub fn template_text(rendered: &Rendered, shown: &Shown) -> Result<String, HelmError> {
    let all = manifest_text(rendered, shown.include_crds);
    let mut out = format!("{}\n", all.trim_matches(gyre_go::utf8::is_space));
    if !shown.no_hooks {
        for hook in &rendered.hooks {
            if shown.skip_tests && hook.events.iter().any(|event| event == "test") {
                continue;
            }
            let _ = write!(out, "---\n# Source: {}\n{}\n", hook.manifest.path, hook.manifest.content);
        }
    }
    if shown.only.is_empty() {
        return Ok(out);
    }
    let manifests = split(&out, shown.version);
    let mut picked = String::new();
    for pattern in &shown.only {
        let mut missing = true;
        for manifest in &manifests {
            // The path below the name of the chart.
            let source = manifest.lines().find_map(|line| line.split_once("# Source: "));
            let Some((_, path)) = source.and_then(|(_, path)| path.split_once('/')) else { continue };
            if matches(pattern, path).unwrap_or(false) {
                let _ = write!(picked, "---\n{manifest}\n");
                missing = false;
            }
        }
        if missing {
            return err(format!("could not find template {pattern} in chart"));
        }
    }
    Ok(picked)
}
