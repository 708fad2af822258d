//! `kustomize edit remove`.

use clap::{Args, Subcommand};
use gyre_kustomize::{Edit as Change, Metadata};

use super::{Patch, build_metadata, some};

#[derive(Debug, Subcommand)]
pub(super) enum Remove {
    /// Removes one or more commonAnnotations from kustomization.yaml
    Annotation(Keys),
    /// Removes one or more buildMetadata options to the kustomization.yaml in the current directory
    Buildmetadata(Entries),
    /// Removes the specified configmap(s) from kustomization.yaml
    Configmap(Names),
    /// Removes one or more commonLabels from kustomization.yaml
    Label(Keys),
    /// Removes a patch from kustomization.yaml
    Patch(Patch),
    /// Removes one or more resource file paths from kustomization.yaml
    Resource(Entries),
    /// Removes the specified secret(s) from kustomization.yaml
    Secret(Names),
    /// Removes one or more transformers from kustomization.yaml
    Transformer(Entries),
}

#[derive(Debug, Args)]
pub(super) struct Entries {
    /// What to remove
    entries: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Keys {
    /// Names, with commas between
    keys: Vec<String>,
    /// ignore error if the given label doesn't exist
    #[arg(short, long)]
    ignore_non_existence: bool,
}

#[derive(Debug, Args)]
pub(super) struct Names {
    /// Names, with commas between
    names: Vec<String>,
    /// The namespace to remove from
    #[arg(long)]
    namespace: Option<String>,
}

/// The change that is asked for.
pub(super) fn change(remove: &Remove) -> Result<Change, String> {
    let list =
        |list: &str, patterns: &[String]| Change::Remove { list: list.into(), patterns: patterns.into() };
    Ok(match remove {
        Remove::Annotation(given) => keys(given, Metadata::Annotations, "annotation")?,
        Remove::Label(given) => keys(given, Metadata::Labels, "label")?,
        Remove::Buildmetadata(given) => list("buildMetadata", &build_metadata(&given.entries)?),
        Remove::Resource(given) => list("resources", some(&given.entries, "must specify a resource file")?),
        Remove::Transformer(given) => {
            list("transformers", some(&given.entries, "must specify a transformer file")?)
        }
        Remove::Patch(given) => Change::RemovePatch(given.to_entry()?),
        Remove::Configmap(given) => names(given, false, "configmap")?,
        Remove::Secret(given) => names(given, true, "secret")?,
    })
}

fn keys(given: &Keys, metadata: Metadata, what: &str) -> Result<Change, String> {
    let keys = match &given.keys[..] {
        [] => return Err(format!("must specify {what}")),
        [keys] => keys,
        _ => return Err(format!("{what}s must be comma-separated, with no spaces")),
    };
    let keys: Vec<String> = keys.split(',').map(str::to_owned).collect();
    if keys.iter().any(String::is_empty) {
        return Err(format!("invalid {what}: '' (name is empty)"));
    }
    Ok(Change::RemoveMetadata { metadata, keys, ignore_missing: given.ignore_non_existence })
}

fn names(given: &Names, secret: bool, what: &str) -> Result<Change, String> {
    let names = match &given.names[..] {
        [] => return Err(format!("at least one {what} name must be specified")),
        [names] => names.split(',').map(str::to_owned).collect(),
        several => {
            return Err(format!(
                "too many arguments: [{}]; to provide multiple {what}s to remove, please separate {what} names by commas",
                several.join(" ")
            ));
        }
    };
    Ok(Change::RemoveGenerators { secret, names, namespace: given.namespace.clone().unwrap_or_default() })
}
