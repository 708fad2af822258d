//! One kustomization: its resources, generators, components, transformers and validators, in Kustomize's order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::build::Context;
use crate::config::{Config, from_crds, merge_shared};
use crate::error::{Error, ErrorKind, Result, fail};
use crate::helm::ChartConfig;
use crate::load::Root;
use crate::node;
use crate::origin::{self, Origin};
use crate::parse;
use crate::plugins::{self, Generator};
use crate::resmap::ResMap;
use crate::resource::{ORIGIN, Resource};
use crate::schema::Schema;
use crate::transform::{self, Transformer};
use crate::types::Var;
use crate::types::generator::merge_options;
use crate::types::kustomization::{COMPONENT, Kustomization};

pub(crate) const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const VALIDATED_BY: &str = "validated-by";

/// What a kustomization has gathered so far.
#[derive(Default)]
pub(crate) struct Accumulator {
    pub(crate) resources: ResMap,
    pub(crate) config: Arc<Config>,
    pub(crate) vars: BTreeMap<String, Var>,
}

impl Accumulator {
    fn merge_config(&mut self, config: &Arc<Config>) -> Result<()> {
        self.config = merge_shared(&self.config, config)?;
        Ok(())
    }

    fn merge_var(&mut self, var: Var) -> Result<()> {
        if self.vars.contains_key(&var.name) {
            return fail(format!("var '{}' already encountered", var.name));
        }
        self.vars.insert(var.name.clone(), var);
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.resources.append_all(other.resources.into_list())?;
        self.merge_config(&other.config)?;
        other.vars.into_values().try_for_each(|var| self.merge_var(var))
    }

    fn merge_vars(&mut self, vars: &[Var]) -> Result<()> {
        for var in vars {
            transform::vars::mark(&mut self.resources, var)?;
        }
        vars.iter().try_for_each(|var| self.merge_var(transform::vars::complete(var)))
    }
}

/// A kustomization in its directory.
pub(crate) struct Target<'a> {
    root: Root<'a>,
    file: &'static str,
    pub(crate) kustomization: Kustomization,
    pub(crate) origin: Option<Origin>,
    helm_namespace: String,
}

impl<'a> Target<'a> {
    pub(crate) fn load(root: Root<'a>, context: &mut Context<'_>) -> Result<Self> {
        context.spent.kustomization()?;
        let mut found = None;
        for file in FILES {
            if let Ok(content) = root.read(file, &mut context.spent)
                && found.replace((file, content)).is_some()
            {
                return fail(format!("Found multiple kustomization files under: {}\n", root.shown()));
            }
        }
        let Some((file, content)) = found else {
            return fail(format!(
                "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'",
                root.shown()
            ));
        };
        let kustomization = Kustomization::load(&content, &root.shown(), &mut context.warnings)?;
        Ok(Self { root, file, kustomization, origin: None, helm_namespace: String::new() })
    }

    /// The first kustomization that names a schema decides for all.
    pub(crate) fn set_schema(&self, context: &mut Context<'_>) -> Result<()> {
        let openapi = &self.kustomization.openapi;
        let custom = match openapi.get("path") {
            Some(path) => Some(self.root.read(path, &mut context.spent)?),
            None => None,
        };
        let version = openapi.get("version").map(String::as_str);
        let chosen = Schema::chosen(version, custom.as_deref(), context.knows_builtin)?;
        if context.schema.is_none() {
            context.schema = chosen;
        }
        Ok(())
    }

    pub(crate) fn accumulate(
        &mut self,
        context: &mut Context<'_>,
        mut all: Accumulator,
    ) -> Result<Accumulator> {
        let resources = self.kustomization.resources.clone();
        self.accumulate_resources(context, &mut all, &resources)
            .map_err(|error| error.within("accumulating resources"))?;
        let config = Config::with_files(&self.root, &self.kustomization.configurations, &mut context.spent)?;
        all.merge_config(&config)?;
        let crds = &self.kustomization.crds;
        if !crds.is_empty() {
            let from = from_crds(&self.root, crds, &mut context.spent)
                .map_err(|error| error.within(format!("loading CRDs [{}]", crds.join(" "))))?;
            all.merge_config(&Arc::new(from))?;
        }
        self.run_generators(context, &mut all)?;
        let components = self.kustomization.components.clone();
        all = self
            .accumulate_components(context, all, &components)
            .map_err(|error| error.within("accumulating components"))?;
        self.run_transformers(context, &mut all)?;
        self.run_validators(context, &mut all)?;
        let vars = self.kustomization.vars.clone().unwrap_or_default();
        all.merge_vars(&vars).map_err(|error| {
            let shown: Vec<String> = vars.iter().map(transform::vars::shown).collect();
            error.within(format!("merging vars [{}]", shown.join(" ")))
        })?;
        Ok(all)
    }

    fn accumulate_resources(
        &mut self,
        context: &mut Context<'_>,
        all: &mut Accumulator,
        paths: &[String],
    ) -> Result<()> {
        for path in paths {
            let Err(file_error) = self.accumulate_file(context, all, path) else { continue };
            if matches!(file_error.kind, ErrorKind::Remote | ErrorKind::Limit) {
                return Err(file_error);
            }
            let within = format!("accumulation err='{file_error}'");
            match self.root.enter(path) {
                Ok(root) => {
                    let sub = self.with_origin(path, |target| target.accumulate_base(context, root));
                    let sub = sub.map_err(|error| error.within(&within))?;
                    let (shown, sub) = sub;
                    all.merge(sub).map_err(|error| {
                        error.within(format!("recursed merging from path '{shown}'")).within(&within)
                    })?;
                }
                Err(_) if file_error.kind == ErrorKind::Malformed => return Err(file_error),
                Err(error) => return Err(error.within(within)),
            }
        }
        Ok(())
    }

    fn with_origin<T>(&mut self, path: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.origin.clone();
        if let Some(origin) = &before {
            self.origin = Some(origin.append(path));
        }
        let result = run(self);
        self.origin = before;
        result
    }

    fn accumulate_file(
        &mut self,
        context: &mut Context<'_>,
        all: &mut Accumulator,
        path: &str,
    ) -> Result<()> {
        let mut resources = self
            .file_resources(context, path)
            .map_err(|error| error.within(format!("accumulating resources from '{path}'")))?;
        if let Some(origin) = &self.origin {
            let text = origin.append(path).text();
            for resource in &mut resources {
                resource.set_annotation(ORIGIN, &text);
            }
        }
        all.resources
            .append_all(resources)
            .map_err(|error| error.within(format!("merging resources from '{path}'")))
    }

    fn file_resources(&self, context: &mut Context<'_>, path: &str) -> Result<Vec<Resource>> {
        let content = self.root.read(path, &mut context.spent)?;
        let parsed = context.parse(&content).and_then(parse::distinct);
        if context.schema.is_none() && !context.knows_builtin {
            let builtin = Schema::builtin();
            let mut resources = parsed.iter().flatten();
            // compat(kustomize): a kind that is not known makes it read the built-in types for good.
            context.knows_builtin = resources.any(|resource| {
                !resource.gvk().is_cluster_scoped()
                    && builtin.of_kind(resource.api_version(), resource.kind()).is_unknown()
            });
        }
        parsed.map_err(|error| parse::in_file(error, path))
    }

    /// The kustomization in another directory, ready to be accumulated.
    fn sub_target(&self, context: &mut Context<'_>, root: Root<'a>, is_component: bool) -> Result<Self> {
        let shown = root.shown();
        let mut sub = Self::load(root, context)
            .map_err(|error| error.within(format!("couldn't make target for path '{shown}'")))?;
        sub.kustomization.build_metadata.clone_from(&self.kustomization.build_metadata);
        sub.origin.clone_from(&self.origin);
        let namespace = &self.kustomization.namespace;
        sub.helm_namespace.clone_from(if namespace.is_empty() { &self.helm_namespace } else { namespace });
        sub.set_schema(context)?;
        let kind = &sub.kustomization.kind;
        if is_component && kind != COMPONENT {
            return fail(format!("expected kind '{COMPONENT}' for path '{shown}' but got '{kind}'"));
        }
        if !is_component && kind == COMPONENT {
            return fail(format!("expected kind != '{COMPONENT}' for path '{shown}'"));
        }
        Ok(sub)
    }

    fn accumulate_base(
        &mut self,
        context: &mut Context<'_>,
        root: Root<'a>,
    ) -> Result<(String, Accumulator)> {
        let shown = root.shown();
        let mut sub = self.sub_target(context, root, false)?;
        let all = sub
            .accumulate(context, Accumulator::default())
            .map_err(|error| error.within(format!("recursed accumulation of path '{shown}'")))?;
        Ok((shown, all))
    }

    fn accumulate_components(
        &mut self,
        context: &mut Context<'_>,
        mut all: Accumulator,
        paths: &[String],
    ) -> Result<Accumulator> {
        for path in paths {
            let quoted = |error: &Error| gyre_go::strconv::quote(error.text.as_bytes());
            let root = self
                .root
                .enter(path)
                .map_err(|error| Error::new(format!("loader.New {}", quoted(&error))))?;
            let shown = root.shown();
            let result = self.with_origin(path, |target| {
                let mut sub = target.sub_target(context, root, true)?;
                sub.accumulate(context, all)
                    .map_err(|error| error.within(format!("recursed accumulation of path '{shown}'")))
            });
            all = result.map_err(|error| Error::new(format!("accumulateDirectory: {}", quoted(&error))))?;
        }
        Ok(all)
    }

    fn builtin_origin(&self, kind: &str) -> Option<Origin> {
        self.origin.as_ref().map(|origin| origin.builtin(self.file, kind))
    }

    fn run_generators(&mut self, context: &mut Context<'_>, all: &mut Accumulator) -> Result<()> {
        let mut generators = self.builtin_generators(context)?;
        let paths = self.kustomization.generators.clone();
        let configured = self.configurations(context, &paths, "generator");
        let configured = configured.map_err(|error| error.within("loading generator plugins"))?;
        for configuration in configured.list() {
            let generator = plugins::generator(&self.root, configuration, context).map_err(|error| {
                error.within("failed to load generator").within("loading generator plugins")
            })?;
            generators.push((generator, Origin::of_plugin(configuration)));
        }
        for (generator, origin) in generators {
            let mut made = generator.generate(&self.root, context)?;
            origin::annotate(&mut made, origin.as_ref());
            made.into_iter()
                .try_for_each(|resource| all.resources.absorb(resource))
                .map_err(|error| error.within(format!("merging from generator {}", generator.shown())))?;
        }
        Ok(())
    }

    fn builtin_generators(&self, context: &Context<'_>) -> Result<Vec<(Generator, Option<Origin>)>> {
        let kustomization = &self.kustomization;
        let global = kustomization.generator_options.as_ref();
        let mut generators = Vec::new();
        for args in &kustomization.config_map_generator {
            let mut args = args.clone();
            args.options = merge_options(args.options.as_ref(), global);
            generators.push((Generator::ConfigMap(args), self.builtin_origin("ConfigMapGenerator")));
        }
        for args in &kustomization.secret_generator {
            let mut args = args.clone();
            args.options = merge_options(args.options.as_ref(), global);
            generators.push((Generator::Secret(args), self.builtin_origin("SecretGenerator")));
        }
        let globals = kustomization.helm_globals.clone().unwrap_or_default();
        let own = &kustomization.namespace;
        let namespace = if own.is_empty() { &self.helm_namespace } else { own };
        for chart in &kustomization.helm_charts {
            let chart = ChartConfig::new(&globals, chart, namespace);
            chart.check(context.charts).map_err(|error| {
                let prefix =
                    "trouble configuring builtin HelmChartInflationGenerator with config: `\n".to_owned();
                error.within(format!("{prefix}{}`", chart.shown()))
            })?;
            let origin = self.builtin_origin("HelmChartInflationGenerator");
            generators.push((Generator::Chart(Box::new(chart)), origin));
        }
        Ok(generators)
    }

    /// The resources that configure plugins: in place, or files and kustomizations.
    fn configurations(&mut self, context: &mut Context<'_>, given: &[String], kind: &str) -> Result<ResMap> {
        let mut all = Accumulator::default();
        let mut paths = Vec::new();
        for text in given {
            let Ok(mut inline) = context.parse(text.as_bytes()).and_then(parse::distinct) else {
                paths.push(text.clone());
                continue;
            };
            if let Some(origin) = &self.origin {
                let text = origin.append(self.file).text();
                for resource in &mut inline {
                    resource.set_annotation(ORIGIN, &text);
                }
            }
            all.resources
                .append_all(inline)
                .map_err(|error| error.within(format!("configuring external {kind}")))?;
        }
        self.accumulate_resources(context, &mut all, &paths)?;
        Ok(all.resources)
    }

    fn run_transformers(&mut self, context: &mut Context<'_>, all: &mut Accumulator) -> Result<()> {
        let config = Arc::clone(&all.config);
        let builtin = transform::of_kustomization(&self.kustomization, &self.root, &config, context)?;
        let mut transformers: Vec<(Transformer, Option<Origin>)> =
            builtin.into_iter().map(|(kind, made)| (made, self.builtin_origin(kind))).collect();
        let given = self.kustomization.transformers.clone();
        transformers.extend(self.external_transformers(context, &given)?);
        let schema = context.schema();
        context.knows_builtin |= context.schema.is_none() && self.kustomization.has_patches();
        for (transformer, origin) in transformers {
            context.spent.stop.check()?;
            transformer.apply(&mut all.resources, &schema)?;
            if let Some(origin) = origin {
                origin::add_transformation(all.resources.contents_mut(), &origin)?;
            }
            all.resources.drop_empties();
        }
        Ok(())
    }

    fn external_transformers(
        &mut self,
        context: &mut Context<'_>,
        given: &[String],
    ) -> Result<Vec<(Transformer, Option<Origin>)>> {
        let configured = self.configurations(context, given, "transformer")?;
        let made = configured.list().iter().map(|configuration| {
            let transformer = plugins::transformer(&self.root, configuration, context)?;
            Ok((transformer, Origin::of_plugin(configuration)))
        });
        made.collect()
    }

    fn run_validators(&mut self, context: &mut Context<'_>, all: &mut Accumulator) -> Result<()> {
        let given = self.kustomization.validators.clone();
        let schema = context.schema();
        for (validator, _) in self.external_transformers(context, &given)? {
            let before = all.resources.clone();
            validator.apply(&mut all.resources, &schema)?;
            let mut after = all.resources.clone();
            for resource in after.contents_mut() {
                let mut labels = node::metadata_map(&resource.node, "labels");
                if labels.remove(VALIDATED_BY).is_some() {
                    node::set_metadata_map(&mut resource.node, "labels", &labels);
                }
            }
            unchanged(before.list(), after.list())
                .map_err(|error| error.within("validator shouldn't modify the resource map"))?;
        }
        Ok(())
    }
}

/// The error where a resource is missing or another one.
fn unchanged(before: &[Resource], after: &[Resource]) -> Result<()> {
    if before.len() != after.len() {
        let (before, after) = (before.len(), after.len());
        return fail(format!("lists have different number of entries: {before} and {after}"));
    }
    for (resource, same) in before.iter().zip(after) {
        let id = resource.id();
        let same =
            if same.id().equals(&id) { Some(same) } else { after.iter().find(|it| it.id().equals(&id)) };
        let Some(same) = same else { return fail(format!("id in self missing from other; id: {id}")) };
        if resource != same {
            let (before, after) = (resource.shown_json(), same.shown_json());
            return fail(format!("nodes unequal: \n -- {before},\n -- {after}"));
        }
    }
    Ok(())
}
