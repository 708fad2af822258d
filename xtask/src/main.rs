//! Tasks of the project itself.

mod conformance;
mod crds;
mod facts;
mod tidy;

use std::env;
use std::path::Path;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy::check(&root),
        ["conformance"] => conformance::run(&root, &root.join("../shared/cases")),
        ["conformance", cases] => conformance::run(&root, Path::new(cases)),
        ["crds"] => crds::write(&root.join("crates/gyre-api/crds")),
        ["facts", openapi] => facts::write(Path::new(openapi)),
        _ => bail!(
            "usage: xtask tidy | conformance [DIR] | crds | facts DIR   (DIR holds the OpenAPI and discovery documents of a Kubernetes API)"
        ),
    }
}
