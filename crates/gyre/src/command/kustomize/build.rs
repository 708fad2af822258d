//! `kustomize build`.

use std::fs;
use std::path::Path;

use clap::Args;
use gyre_kustomize::{LoadRestrictions, Options, Reorder};

use super::charts::Inflated;
use super::network::Network;
use crate::disk;

const ROOT_ONLY: &str = "LoadRestrictionsRootOnly";
const NONE: &str = "LoadRestrictionsNone";
const MANAGED_BY_VARIABLE: &str = "KUSTOMIZE_ENABLE_MANAGEDBY_LABEL";

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// A directory with a kustomization file, or the URL of a Git repository with a path in it; '.' without one
    #[arg(value_name = "DIR")]
    directories: Vec<String>,
    /// If specified, write output to this path
    #[arg(short, long)]
    output: Option<String>,
    /// If set to 'LoadRestrictionsNone', local kustomizations may load files from outside their root. This does,
    /// however, break the relocatability of the kustomization
    #[arg(long, default_value = ROOT_ONLY)]
    load_restrictor: String,
    /// Enable use of the Helm chart inflator generator
    #[arg(long)]
    enable_helm: bool,
    /// Taken for the peer's sake: charts are rendered inside, no command is started
    #[arg(long, default_value = "helm")]
    helm_command: String,
    /// Kubernetes api versions used by Helm for Capabilities.APIVersions
    #[arg(long)]
    helm_api_versions: Vec<String>,
    /// Kubernetes version used by Helm for Capabilities.KubeVersion
    #[arg(long, default_value = "", hide_default_value = true)]
    helm_kube_version: String,
    /// Taken for the peer's sake: charts are rendered inside, there is no command to debug
    #[arg(long)]
    helm_debug: bool,
    /// Without effect: plugins are programs and containers, and none is started
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// Without effect: functions are programs, and none is started
    #[arg(long)]
    enable_exec: bool,
    /// For functions in containers, of which none is started
    #[arg(long)]
    as_current_user: bool,
    /// For functions in containers, of which none is started
    #[arg(short, long)]
    env: Vec<String>,
    /// For functions in containers, of which none is started
    #[arg(long)]
    mount: Vec<String>,
    /// For functions in containers, of which none is started
    #[arg(long)]
    network: bool,
    /// For functions in containers, of which none is started
    #[arg(long, default_value = "bridge")]
    network_name: String,
    /// Deprecated: the order of the output, 'legacy' or 'none'
    #[arg(long, hide = true)]
    reorder: Option<String>,
    /// Deprecated: label every object with its manager
    #[arg(long, hide = true)]
    enable_managedby_label: bool,
}

pub(super) fn run(arguments: &Build) -> Result<(), String> {
    let (restrictions, reorder) = check(arguments)?;
    let given = arguments.directories.first().map_or(".", String::as_str);
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let path = here.join(given);
    let label = arguments.enable_managedby_label
        || std::env::var_os(MANAGED_BY_VARIABLE).is_some_and(|value| value == "on");
    let charts = Inflated {
        seen: gyre_render::charts::Charts {
            kube_version: arguments.helm_kube_version.clone(),
            api_versions: arguments.helm_api_versions.clone(),
        },
    };
    let network = Network::default();
    let options = Options {
        shown_path: given,
        load_restrictions: restrictions,
        reorder,
        managed_by_label: label,
        charts: arguments.enable_helm.then_some(&charts),
        remote: Some(&network),
        ..Options::default()
    };
    let path = path.to_str().ok_or_else(|| format!("{}: not a text in UTF-8", path.display()))?;
    let path = if given.is_empty() { "" } else { path.trim_start_matches('/') };
    let tree = disk::tree(Path::new("/"));
    let warn = |warnings: &[String]| warnings.iter().for_each(|warning| eprintln!("{warning}"));
    let told = |error: gyre_kustomize::Error| {
        warn(&error.warnings);
        error.to_string()
    };
    match arguments.output.as_deref().filter(|output| !output.is_empty()) {
        Some(directory) if Path::new(directory).is_dir() => {
            let rendered = gyre_kustomize::build(&options, &tree, path).map_err(told)?;
            warn(&rendered.warnings);
            let files = rendered.files();
            files.iter().try_for_each(|(name, text)| save(&Path::new(directory).join(name), &[text.as_str()]))
        }
        output => {
            let (texts, warnings) = gyre_kustomize::build_texts(&options, &tree, path).map_err(told)?;
            warn(&warnings);
            match output {
                Some(file) => save(Path::new(file), &texts),
                None => super::print_documents(&texts),
            }
        }
    }
}

/// Refuses what cannot be, and reads the choices.
fn check(arguments: &Build) -> Result<(LoadRestrictions, Reorder), String> {
    let deprecated = |flag: &str, text: &str| eprintln!("Flag --{flag} has been deprecated, {text}");
    if arguments.reorder.is_some() {
        deprecated("reorder", "use the new 'sortOptions' field in kustomization.yaml instead.");
    }
    if arguments.enable_managedby_label {
        deprecated(
            "enable-managedby-label",
            "The flag `enable-managedby-label` has been deprecated. Use the `managedByLabel` option in the \
             `buildMetadata` field instead.",
        );
    }
    for (given, flag) in
        [(arguments.enable_alpha_plugins, "enable-alpha-plugins"), (arguments.enable_exec, "enable-exec")]
    {
        if given {
            super::log(&format!(
                "Warning: --{flag} is without effect: plugins are other programs, and none is ever started"
            ));
        }
    }
    if arguments.directories.len() > 1 {
        return Err("specify one path to kustomization.yaml".into());
    }
    let restrictions = match arguments.load_restrictor.as_str() {
        ROOT_ONLY | "" => LoadRestrictions::RootOnly,
        NONE => LoadRestrictions::None,
        other => {
            return Err(format!(
                "illegal flag value --load-restrictor {other}; legal values: [{ROOT_ONLY} {NONE}]"
            ));
        }
    };
    let reorder = match arguments.reorder.as_deref() {
        None | Some("legacy") => Reorder::Legacy,
        Some("none") => Reorder::None,
        Some(other) => {
            return Err(format!("illegal flag value --reorder {other}; legal values: [legacy none]"));
        }
    };
    Ok((restrictions, reorder))
}

fn save<T: AsRef<str>>(path: &Path, documents: &[T]) -> Result<(), String> {
    let written = fs::File::create(path).and_then(|file| super::write_documents(file, documents));
    written.map_err(|error| format!("open {}: {}", path.display(), disk::reason(&error)))
}
