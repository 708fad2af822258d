//! `kustomize create`.

use clap::Args;
use gyre_kustomize::{Create as Wanted, create};

use super::files::{Here, pairs, write};

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Taken for the peer's sake, and not looked at
    #[arg(hide = true)]
    rest: Vec<String>,
    /// Files and directories to add to the kustomization file, with commas between
    #[arg(long, default_value = "", hide_default_value = true)]
    resources: String,
    /// Set the value of the namespace field in the kustomization file
    #[arg(long, default_value = "", hide_default_value = true)]
    namespace: String,
    /// Sets the value of the namePrefix field in the kustomization file
    #[arg(long, default_value = "", hide_default_value = true)]
    nameprefix: String,
    /// Sets the value of the nameSuffix field in the kustomization file
    #[arg(long, default_value = "", hide_default_value = true)]
    namesuffix: String,
    /// Add one or more common labels: name:value, with commas between
    #[arg(long, default_value = "", hide_default_value = true)]
    labels: String,
    /// Add one or more common annotations: name:value, with commas between
    #[arg(long, default_value = "", hide_default_value = true)]
    annotations: String,
    /// Search for kubernetes resources in the current directory to be added to the kustomization file
    #[arg(long)]
    autodetect: bool,
    /// Enable recursive directory searching for resource auto-detection
    #[arg(long)]
    recursive: bool,
}

pub(super) fn run(arguments: &Create) -> Result<(), String> {
    let here = Here::new()?;
    let list = |text: &str| -> Vec<String> {
        text.split(',').filter(|_| !text.is_empty()).map(str::to_owned).collect()
    };
    let wanted = Wanted {
        resources: here.resources(&list(&arguments.resources), false)?,
        autodetect: arguments.autodetect,
        recursive: arguments.recursive,
        namespace: arguments.namespace.clone(),
        name_prefix: arguments.nameprefix.clone(),
        name_suffix: arguments.namesuffix.clone(),
        labels: pairs(&list(&arguments.labels), "label")?,
        annotations: pairs(&list(&arguments.annotations), "annotation")?,
    };
    let text = create(&here.tree, &here.directory, &wanted).map_err(|error| error.to_string())?;
    write(&format!("{}/kustomization.yaml", here.directory), &text)
}
