//! `kustomize edit set`.

use clap::{Args, Subcommand};
use gyre_go::regexp::Regexp;
use gyre_kustomize::{Edit as Change, GeneratorChange, Metadata};

use super::super::files::pairs;
use super::{build_metadata, only, some};

/// What a name of an annotation looks like.
const ANNOTATION: &str =
    r"^([a-zA-Z](([-a-zA-Z0-9.]{0,251})[a-zA-Z0-9])?\/)?[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,61}[a-zA-Z0-9])?$";

#[derive(Debug, Subcommand)]
pub(super) enum Set {
    /// Sets one or more commonAnnotations in kustomization.yaml
    Annotation(Values),
    /// Sets one or more buildMetadata options to the kustomization.yaml in the current directory
    Buildmetadata(Values),
    /// Edits the value for an existing key for a ConfigMap in the kustomization.yaml file
    Configmap(Generator),
    /// Sets images and their new names, new tags or digests in the kustomization file
    Image(Values),
    /// Sets one or more commonLabels in kustomization.yaml
    Label(Values),
    /// Sets the value of the namePrefix field in the kustomization file
    Nameprefix(Values),
    /// Sets the value of the namespace field in the kustomization file
    Namespace(Values),
    /// Sets the value of the nameSuffix field in the kustomization file
    Namesuffix(Values),
    /// Sets replicas count for resources in the kustomization file
    Replicas(Values),
    /// Edits the value for an existing key for a Secret in the kustomization.yaml file
    Secret(Generator),
}

#[derive(Debug, Args)]
pub(super) struct Values {
    /// What to set
    values: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Generator {
    /// The name of what is generated
    names: Vec<String>,
    /// An existing key and a new value: key=value
    #[arg(long)]
    from_literal: Vec<String>,
    /// Current namespace of what is generated
    #[arg(long)]
    namespace: Option<String>,
    /// New namespace of what is generated
    #[arg(long)]
    new_namespace: Option<String>,
}

/// The change that is asked for.
pub(super) fn change(set: &Set) -> Result<Change, String> {
    let text = |field: &str, given: &Values, what: &str| {
        let text = only(&given.values, &format!("must specify exactly one {what} value"))?;
        Ok::<_, String>(Change::SetText { field: field.into(), text: text.into() })
    };
    Ok(match set {
        Set::Annotation(given) => {
            let pairs = pairs(some(&given.values, "must specify annotation")?, "annotation")?;
            let pattern = Regexp::parse(ANNOTATION).map_err(|error| error.to_string())?;
            if !pairs.iter().all(|(name, _)| pattern.is_match(name.as_bytes())) {
                return Err("invalid annotation key: see the syntax and character set rules at \
                            https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/"
                    .into());
            }
            Change::PutMetadata { metadata: Metadata::Annotations, pairs, force: true }
        }
        Set::Label(given) => {
            let pairs = pairs(some(&given.values, "must specify label")?, "label")?;
            Change::PutMetadata { metadata: Metadata::Labels, pairs, force: true }
        }
        Set::Buildmetadata(given) => {
            Change::SetList { list: "buildMetadata".into(), entries: build_metadata(&given.values)? }
        }
        Set::Image(given) => Change::SetImages(some(&given.values, "no image specified")?.into()),
        Set::Replicas(given) => Change::SetReplicas(some(&given.values, "no replicas specified")?.into()),
        Set::Nameprefix(given) => text("namePrefix", given, "prefix")?,
        Set::Namesuffix(given) => text("nameSuffix", given, "suffix")?,
        Set::Namespace(given) => text("namespace", given, "namespace")?,
        Set::Configmap(given) => Change::SetGenerator(generator(given, false)?),
        Set::Secret(given) => Change::SetGenerator(generator(given, true)?),
    })
}

fn generator(given: &Generator, secret: bool) -> Result<GeneratorChange, String> {
    let refuse = |text: &str| Err(format!("failed to validate flags: {text}"));
    let [name] = &given.names[..] else { return refuse("name must be specified once") };
    let new_namespace = given.new_namespace.clone().unwrap_or_default();
    if given.from_literal.is_empty() && new_namespace.is_empty() {
        return refuse("at least one of [--from-literal, --new-namespace] must be specified");
    }
    Ok(GeneratorChange {
        secret,
        name: name.clone(),
        namespace: given.namespace.clone().unwrap_or_default(),
        literals: given.from_literal.clone(),
        new_namespace,
        ..GeneratorChange::default()
    })
}
