//! `argocd app delete`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use gyre_api::argo::FINALIZER;
use gyre_cluster::{Cluster, Grant, Propagation, Write};
use gyre_model::Object;
use serde_json::{Value, json};

use super::{Ending, chosen, existing, rpc};
use crate::client::{Wait, follow, merge};

#[derive(Debug, Args)]
pub(super) struct Delete {
    names: Vec<String>,
    /// Perform a cascaded deletion of all application resources
    #[arg(long, default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cascade: bool,
    /// Propagation policy of the resources' deletion. One of: foreground|background
    #[arg(short, long, default_value = "foreground", value_parser = ["foreground", "background"])]
    propagation_policy: String,
    /// Turn off prompting to confirm cascaded deletion of application resources
    #[arg(short, long)]
    yes: bool,
    /// Delete all apps with matching label
    #[arg(short = 'l', long, default_value = "")]
    selector: String,
    /// Wait until deletion of the application(s) completes
    #[arg(long)]
    wait: bool,
    /// Namespace where the application will be deleted from
    #[arg(short = 'N', long, default_value = "")]
    app_namespace: String,
}

pub(super) async fn run(cluster: &Cluster, delete: Delete) -> Ending {
    for target in chosen(cluster, &delete.names, &delete.selector, &delete.app_namespace).await? {
        let app = existing(cluster, &target).await?;
        let name = &target.name;
        let asks = delete.cascade && !delete.yes && std::io::stdout().is_terminal();
        if asks && !is_confirmed(name)? {
            println!("The command to delete '{name}' was cancelled.");
            continue;
        }
        merge(cluster, &app, &finalizers(&app, &delete)).await?;
        let write =
            Write::Delete { target: &target, propagation: Propagation::Background, uid: Some(app.uid()) };
        cluster.write(&Grant::own("argocd"), write).await.map_err(rpc)?;
        if delete.wait {
            let gone = |found: Option<&Object>| Ok(if found.is_none() { Wait::Done(()) } else { Wait::On });
            follow(cluster, &target, Duration::from_secs(3600), gone).await?;
        }
        println!("application '{name}' deleted");
    }
    Ok(ExitCode::SUCCESS)
}

fn is_confirmed(name: &str) -> Result<bool> {
    print!("Are you sure you want to delete '{name}' and all its resources? [y/n] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The finalizers with, or without, the one that makes the resources go too.
fn finalizers(app: &Object, delete: &Delete) -> Value {
    let list = app.at("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    let ours = |value: &Value| value.as_str().is_some_and(|name| name.starts_with(FINALIZER));
    let mut kept: Vec<Value> = list.into_iter().filter(|value| !ours(value)).collect();
    if delete.cascade {
        let background = delete.propagation_policy == "background";
        kept.push(if background { format!("{FINALIZER}/background").into() } else { FINALIZER.into() });
    }
    json!({"metadata": {"finalizers": kept}})
}
