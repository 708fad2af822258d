//! `gyre plan` and `gyre diff`: what a reconcile would change, as a plan or line by line.

use std::process::ExitCode;

use anyhow::Result;
use similar::TextDiff;

use crate::preview;
use crate::target::Target;

/// Prints the plan.
pub(crate) async fn plan(target: &Target) -> Result<ExitCode> {
    let (cluster, kind, object) = target.find().await?;
    print!("{}", preview::of(&cluster, kind, object).await?.plan);
    Ok(ExitCode::SUCCESS)
}

/// Prints the differences; the exit code is 1 where there are some.
pub(crate) async fn diff(target: &Target) -> Result<ExitCode> {
    let (cluster, kind, object) = target.find().await?;
    let preview = preview::of(&cluster, kind, object).await?;
    for pair in &preview.pairs {
        let (live, merged) = preview::sides(pair);
        let name = &pair.target;
        let text = TextDiff::from_lines(&live, &merged);
        print!("{}", text.unified_diff().header(&format!("live {name}"), &format!("desired {name}")));
    }
    Ok(if preview.pairs.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
