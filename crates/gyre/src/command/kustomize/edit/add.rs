//! `kustomize edit add`.

use clap::{Args, Subcommand};
use gyre_kustomize::{Edit as Change, GeneratorChange, Metadata};
use serde_json::Value;

use super::super::files::{Here, pairs};
use super::{Patch, build_metadata, only, some};

#[derive(Debug, Subcommand)]
pub(super) enum Add {
    /// Adds one or more commonAnnotations to kustomization.yaml
    Annotation(Annotation),
    /// Adds one or more bases to the kustomization.yaml in current directory
    Base(Entries),
    /// Adds one or more buildMetadata options to the kustomization.yaml in the current directory
    Buildmetadata(Entries),
    /// Add the name of a file containing a component to the kustomization file
    Component(Entries),
    /// Adds a configmap to the kustomization file
    Configmap(ConfigMap),
    /// Add the name of a file containing a generator configuration to the kustomization file
    Generator(Entries),
    /// Adds one or more commonLabels to kustomization.yaml
    Label(Label),
    /// Add an item to patches field
    Patch(Patch),
    /// Add the name of a file containing a resource to the kustomization file
    Resource(Resource),
    /// Adds a secret to the kustomization file
    Secret(Secret),
    /// Add the name of a file containing a transformer configuration to the kustomization file
    Transformer(Entries),
}

#[derive(Debug, Args)]
pub(super) struct Entries {
    /// What to add
    entries: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Annotation {
    /// name:value
    pairs: Vec<String>,
    /// overwrite commonAnnotation if it already exists
    #[arg(short, long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(super) struct Label {
    /// name:value
    pairs: Vec<String>,
    /// overwrite commonLabel if it already exists
    #[arg(short, long)]
    force: bool,
    /// using add labels without selector option
    #[arg(long)]
    without_selector: bool,
    /// include labels in templates (requires --without-selector)
    #[arg(long)]
    include_templates: bool,
}

#[derive(Debug, Args)]
pub(super) struct Resource {
    /// Paths, patterns and addresses
    resources: Vec<String>,
    /// skip validation for resources
    #[arg(long)]
    no_verify: bool,
}

#[derive(Debug, Args)]
struct Generator {
    /// The name of what is generated
    names: Vec<String>,
    /// Path of a file whose name becomes the key, or key=path; several with commas between
    #[arg(long, value_delimiter = ',')]
    from_file: Vec<String>,
    /// key=value
    #[arg(long)]
    from_literal: Vec<String>,
    /// Path of a file of lines key=value
    #[arg(long)]
    from_env_file: Option<String>,
    /// Disable the name suffix
    #[arg(long = "disableNameSuffixHash")]
    disable_name_suffix_hash: bool,
    /// The namespace of what is generated
    #[arg(long)]
    namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ConfigMap {
    #[command(flatten)]
    generator: Generator,
    /// create, merge or replace: how it meets one of the same name in a base
    #[arg(long)]
    behavior: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Secret {
    #[command(flatten)]
    generator: Generator,
    /// Specify the secret type this can be 'Opaque' (default), or 'kubernetes.io/tls'
    #[arg(long = "type", default_value = "Opaque")]
    kind: String,
}

/// The change that is asked for; `None` where there is nothing to add.
pub(super) fn change(add: &Add, here: &Here) -> Result<Option<Change>, String> {
    let list = |list: &str, what: &str, entries: Vec<String>| {
        let change = Change::Add { list: list.into(), what: what.into(), entries };
        (!matches!(&change, Change::Add { entries, .. } if entries.is_empty())).then_some(change)
    };
    Ok(match add {
        Add::Annotation(given) => Some(Change::PutMetadata {
            metadata: Metadata::Annotations,
            pairs: pairs(some(&given.pairs, "must specify annotation")?, "annotation")?,
            force: given.force,
        }),
        Add::Base(given) => {
            let bases = only(&given.entries, "must specify a base directory")?;
            let entries: Vec<String> = bases.split(',').map(str::to_owned).collect();
            if let Some(missing) = entries.iter().find(|base| !here.exists(base)) {
                return Err(format!("{missing} does not exist"));
            }
            Some(Change::AddNew { list: "resources".into(), what: "base".into(), entries })
        }
        Add::Buildmetadata(given) => Some(Change::AddNew {
            list: "buildMetadata".into(),
            what: "buildMetadata option".into(),
            entries: build_metadata(&given.entries)?,
        }),
        Add::Component(given) => {
            let patterns = some(&given.entries, "must specify a component file")?;
            list("components", "component", here.resources(patterns, false)?)
        }
        Add::Resource(given) => {
            let patterns = some(&given.resources, "must specify a resource file")?;
            let own = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
            let mut found = here.resources(patterns, given.no_verify)?;
            found.retain(|path| !own.contains(&path.as_str()));
            list("resources", "resource", found)
        }
        Add::Generator(given) => {
            let what = "must specify a yaml file which contains a generator plugin resource";
            list("generators", "generator", here.files(some(&given.entries, what)?)?)
        }
        Add::Transformer(given) => {
            let what = "must specify a yaml file which contains a transformer plugin resource";
            list("transformers", "transformer", here.files(some(&given.entries, what)?)?)
        }
        Add::Label(given) => Some(label(given)?),
        Add::Patch(given) => match given.to_entry()? {
            Value::Object(entry) if entry.get("path").or(entry.get("patch")).is_none() => {
                return Err("must provide either patch or path".into());
            }
            entry => Some(Change::AddPatch(entry)),
        },
        Add::Configmap(given) => {
            let change = generator(&given.generator, given.behavior.as_deref(), here)?;
            Some(Change::AddGenerator(change))
        }
        Add::Secret(given) => {
            let change = generator(&given.generator, None, here)?;
            Some(Change::AddGenerator(GeneratorChange { secret: true, kind: given.kind.clone(), ..change }))
        }
    })
}

fn label(given: &Label) -> Result<Change, String> {
    let labels = some(&given.pairs, "must specify label")?;
    if given.include_templates && !given.without_selector {
        return Err("--without-selector flag must be specified for --include-templates to work".into());
    }
    let labels = pairs(labels, "label")?;
    Ok(if given.without_selector {
        Change::AddLabels { labels, force: given.force, include_templates: given.include_templates }
    } else {
        Change::PutMetadata { metadata: Metadata::Labels, pairs: labels, force: given.force }
    })
}

fn generator(given: &Generator, behavior: Option<&str>, here: &Here) -> Result<GeneratorChange, String> {
    let files = file_sources(&given.from_file, here)
        .map_err(|error| format!("failed to expand file source: {error}"))?;
    let refuse = |text: &str| Err(format!("failed to validate flags: {text}"));
    let [name] = &given.names[..] else { return refuse("name must be specified once") };
    let env_file = given.from_env_file.clone().unwrap_or_default();
    let behavior = behavior.unwrap_or_default();
    let none = files.is_empty() && given.from_literal.is_empty();
    match (env_file.is_empty(), none) {
        (true, true) => return refuse("at least from-env-file, or from-file or from-literal must be set"),
        (false, false) => return refuse("from-env-file cannot be combined with from-file or from-literal"),
        _ => {}
    }
    if !["", "create", "merge", "replace"].contains(&behavior) {
        return refuse("invalid behavior: must be one of \"create\", \"merge\", or \"replace\"");
    }
    Ok(GeneratorChange {
        name: name.clone(),
        namespace: given.namespace.clone().unwrap_or_default(),
        literals: given.from_literal.clone(),
        files,
        env_file,
        behavior: behavior.into(),
        disable_name_suffix_hash: given.disable_name_suffix_hash,
        ..GeneratorChange::default()
    })
}

/// Patterns of files become files; with a key there has to be one.
fn file_sources(sources: &[String], here: &Here) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for source in sources {
        let parts: Vec<&str> = source.split('=').collect();
        match parts[..] {
            [key, pattern] if !key.is_empty() => match &here.files(&[pattern.to_owned()])?[..] {
                [file] => found.push(format!("{key}={file}")),
                files => {
                    let files = files.join(" ");
                    return Err(format!(
                        "'pattern '{source}' catches files [{files}], should catch only one"
                    ));
                }
            },
            ["", pattern] | [pattern, ..] => found.extend(here.files(&[pattern.to_owned()])?),
            [] => {}
        }
    }
    Ok(found)
}
