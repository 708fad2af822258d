//! Generators and transformers that resources configure: the built-in ones, nothing else.

use gyre_go::strconv::quote;
use serde_json::Value;

use crate::build::Context;
use crate::config::specs;
use crate::decode::{FromJson, Mode, decode};
use crate::error::{Error, Result, fail};
use crate::generate;
use crate::hash;
use crate::helm::ChartConfig;
use crate::load::Root;
use crate::node;
use crate::parse;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::transform::affix::Affix;
use crate::transform::images::Images;
use crate::transform::labels::Entries;
use crate::transform::namespace::{Namespace, Subjects};
use crate::transform::replacements::Replacements;
use crate::transform::replicas::Replicas;
use crate::transform::{Transform, Transformer, patch, value_add};
use crate::types::generator::{ConfigMapArgs, SecretArgs};
use crate::types::patch::Patch;
use crate::types::plugin::{
    AnnotationsConfig, ConfigMapConfig, IamPolicyConfig, ImageConfig, JsonPatchConfig, LabelConfig,
    NamespaceConfig, PrefixConfig, ReplacementConfig, ReplicaConfig, SecretConfig, StrategicMergeConfig,
    SuffixConfig, ValueAddConfig, ValueAddFile,
};

/// Makes resources.
pub(crate) enum Generator {
    ConfigMap(ConfigMapArgs),
    Secret(SecretArgs),
    Chart(Box<ChartConfig>),
    IamPolicy(Box<IamPolicyConfig>),
}

impl Generator {
    pub(crate) fn generate(&self, root: &Root<'_>, context: &mut Context<'_>) -> Result<Vec<Resource>> {
        match self {
            Self::ConfigMap(args) => {
                generate::config_map(root, args, &mut context.spent).map(|made| vec![made])
            }
            Self::Secret(args) => generate::secret(root, args, &mut context.spent).map(|made| vec![made]),
            Self::Chart(chart) => chart.render(root, context.charts, &mut context.spent),
            Self::IamPolicy(policy) => iam_policy(policy),
        }
    }

    /// As messages show it.
    pub(crate) fn shown(&self) -> &'static str {
        match self {
            Self::ConfigMap(_) => "ConfigMapGenerator",
            Self::Secret(_) => "SecretGenerator",
            Self::Chart(_) => "HelmChartInflationGenerator",
            Self::IamPolicy(_) => "IAMPolicyGenerator",
        }
    }
}

fn iam_policy(policy: &IamPolicyConfig) -> Result<Vec<Resource>> {
    if policy.cloud != "gke" {
        return fail(format!("cloud provider {} not supported yet", policy.cloud));
    }
    let namespace = &policy.kubernetes.namespace;
    let mut text = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  annotations:\n    iam.gke.io/gcp-service-account: \
         {}@{}.iam.gserviceaccount.com\n  name: {}\n",
        policy.account.name, policy.account.project, policy.kubernetes.name
    );
    if !namespace.is_empty() {
        text.push_str("\n  namespace: ");
        text.push_str(namespace);
    }
    parse::resources(text.as_bytes())
}

fn read<T: FromJson>(config: &Value) -> Result<T> {
    decode(config, Mode::Lenient)
        .map_err(|text| Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}")))
}

/// Refuses what is not built in.
fn check(configuration: &Resource) -> Result<Value> {
    if configuration.api_version() != "builtin" {
        let kind = configuration.original_id().gvk.kind;
        return fail(format!("external plugins disabled; unable to load external plugin '{kind}'"));
    }
    configuration.to_value()
}

fn failed(configuration: &Resource) -> impl Fn(Error) -> Error {
    let prefix = format!("plugin {} fails configuration", configuration.original_id());
    move |error| error.within(prefix.clone())
}

pub(crate) fn generator(
    root: &Root<'_>,
    configuration: &Resource,
    context: &mut Context<'_>,
) -> Result<Generator> {
    let config = check(configuration)?;
    let failed = failed(configuration);
    let kind = configuration.kind();
    match kind {
        "ConfigMapGenerator" => {
            let read: ConfigMapConfig = read(&config).map_err(&failed)?;
            let mut args = read.args();
            args.name = or(args.name, &read.metadata.name);
            args.namespace = or(args.namespace, &read.metadata.namespace);
            Ok(Generator::ConfigMap(args))
        }
        "SecretGenerator" => {
            let read: SecretConfig = read(&config).map_err(&failed)?;
            let mut args = read.args();
            args.name = or(args.name, &read.metadata.name);
            args.namespace = or(args.namespace, &read.metadata.namespace);
            Ok(Generator::Secret(args))
        }
        "HelmChartInflationGenerator" => {
            let chart: ChartConfig = read(&config).map_err(&failed)?;
            chart.check(context.charts).map_err(&failed)?;
            Ok(Generator::Chart(Box::new(chart)))
        }
        "IAMPolicyGenerator" => Ok(Generator::IamPolicy(Box::new(read(&config).map_err(&failed)?))),
        _ => match transformer(root, configuration, context) {
            Ok(_) => fail(format!("plugin {} not a generator", configuration.original_id())),
            Err(error) => Err(error),
        },
    }
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

pub(crate) fn transformer(
    root: &Root<'_>,
    configuration: &Resource,
    context: &mut Context<'_>,
) -> Result<Transformer> {
    let config = check(configuration)?;
    let kind = configuration.kind();
    let made = make(root, kind, &config, context).map_err(failed(configuration))?;
    match made {
        Some(made) => Ok(made),
        None if is_generator(kind) => {
            fail(format!("plugin {} not a transformer", configuration.original_id()))
        }
        None => fail(format!("unable to load builtin {}", configuration.gvk())),
    }
}

fn is_generator(kind: &str) -> bool {
    matches!(
        kind,
        "ConfigMapGenerator" | "SecretGenerator" | "HelmChartInflationGenerator" | "IAMPolicyGenerator"
    )
}

fn make(
    root: &Root<'_>,
    kind: &str,
    config: &Value,
    context: &mut Context<'_>,
) -> Result<Option<Transformer>> {
    let made: Transformer = match kind {
        "AnnotationsTransformer" => {
            let read: AnnotationsConfig = read(config)?;
            Box::new(Entries::new(&read.annotations, specs(&read.specs)))
        }
        "LabelTransformer" => {
            let read: LabelConfig = read(config)?;
            Box::new(Entries::new(&read.labels, specs(&read.specs)))
        }
        "ImageTagTransformer" => {
            let read: ImageConfig = read(config)?;
            Box::new(Images::new(&read.image, specs(&read.specs)))
        }
        "ReplicaCountTransformer" => {
            let read: ReplicaConfig = read(config)?;
            Box::new(Replicas::new(&read.replica, specs(&read.specs)))
        }
        "NamespaceTransformer" => Box::new(namespace(config)?),
        "PrefixTransformer" => Box::new(prefix(config)?),
        "SuffixTransformer" => Box::new(suffix(config)?),
        "PrefixSuffixTransformer" => Box::new(Both(prefix(config)?, suffix(config)?)),
        "HashTransformer" => Box::new(Hashes),
        "PatchTransformer" => {
            let read: Patch = read(config)?;
            Box::new(patch::Any::new(root, &read, &gyre_yaml::write_value(config), context)?)
        }
        "PatchJson6902Transformer" => {
            let read: JsonPatchConfig = read(config)?;
            let patch = Patch { path: read.path, patch: read.patch, target: read.target, options: None };
            Box::new(patch::Json::new(root, &patch, context)?)
        }
        "PatchStrategicMergeTransformer" => {
            let read: StrategicMergeConfig = read(config)?;
            Box::new(patch::StrategicMerge::new(root, &read.paths, &read.patches, context)?)
        }
        "ReplacementTransformer" => {
            let read: ReplacementConfig = read(config)?;
            Box::new(Replacements::new(root, &read.replacements, context)?)
        }
        "ValueAddTransformer" => Box::new(value_add(root, config, context)?),
        _ => return Ok(None),
    };
    Ok(Some(made))
}

fn prefix(config: &Value) -> Result<Affix> {
    let read: PrefixConfig = read(config)?;
    match &read.specs {
        Some(given) => Ok(Affix::prefix(&read.prefix, specs(given))),
        None => fail("fieldSpecs is not expected to be nil"),
    }
}

fn suffix(config: &Value) -> Result<Affix> {
    let read: SuffixConfig = read(config)?;
    match &read.specs {
        Some(given) => Ok(Affix::suffix(&read.suffix, specs(given))),
        None => fail("fieldSpecs is not expected to be nil"),
    }
}

/// A prefix and a suffix at once.
struct Both(Affix, Affix);

impl Transform for Both {
    fn apply(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        self.0.apply(resources, schema)?;
        self.1.apply(resources, schema)
    }
}

/// Puts the hash of the content behind the names that want it.
pub(crate) struct Hashes;

impl Transform for Hashes {
    fn apply(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        if !resources.list().iter().any(|resource| resource.memory.needs_hash) {
            return Ok(());
        }
        for resource in resources.list_mut().iter_mut().filter(|resource| resource.memory.needs_hash) {
            let hash = hash::suffix(&resource.node)?;
            resource.remember_id();
            let name = format!("{}-{hash}", resource.name());
            node::set_metadata_text(&mut resource.node, "name", &name);
        }
        Ok(())
    }
}

fn namespace(config: &Value) -> Result<Namespace> {
    let read: NamespaceConfig =
        read(config).map_err(|error| error.within("unmarshalling NamespaceTransformer config"))?;
    let subjects = match read.subjects.as_str() {
        "" | "defaultOnly" => Subjects::NamedDefault,
        "allServiceAccounts" => Subjects::ServiceAccounts,
        "none" => Subjects::None,
        other => {
            return fail(format!(
                "invalid value {} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                 \"allServiceAccounts\"",
                quote(other.as_bytes())
            ));
        }
    };
    let specs = specs(&read.specs);
    Ok(Namespace { name: read.metadata.namespace, specs, unset_only: read.unset_only, subjects })
}

fn value_add(root: &Root<'_>, config: &Value, context: &mut Context<'_>) -> Result<value_add::ValueAdd> {
    let mut config: ValueAddConfig = read(config)?;
    if !config.file.is_empty() {
        let content = root.read(&config.file, &mut context.spent)?;
        let value = gyre_yaml::yaml_to_json(&content)
            .map_err(|error| Error::new(format!("error converting YAML to JSON: {error}")))?;
        let file: ValueAddFile = read(&value)?;
        config.targets.extend(file.targets);
    }
    if config.targets.is_empty() {
        return fail("must specify at least one target");
    }
    let mut targets = Vec::new();
    for target in config.targets {
        if target.field.is_empty() {
            return fail("fieldPath cannot be empty");
        }
        let Ok(position) = usize::try_from(target.position.0) else {
            return fail(format!("value of FilePathPosition ({}) cannot be negative", target.position.0));
        };
        targets.push(value_add::Target { selector: target.selector, field: target.field, position });
    }
    let value = config.value.trim();
    let value = if value.is_empty() { root.base_name() } else { value.to_owned() };
    Ok(value_add::ValueAdd { value, targets })
}
