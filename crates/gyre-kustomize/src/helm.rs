//! `helmCharts`: the charts of a kustomization, for a renderer that the caller gives.

use std::sync::Arc;

use gyre_model::FileTree;
use serde_json::{Map, Value};

use crate::decode::go_struct;
use crate::error::{Error, Result, fail};
use crate::load::{Root, Spent};
use crate::parse;
use crate::resource::{HELM_GENERATED, Resource};
use crate::types::helm::{HelmChart, HelmGlobals};

const DEFAULT_HOME: &str = "charts";
const MERGES: [&str; 3] = ["merge", "override", "replace"];

/// A chart that a kustomization wants rendered. Paths are those of the kustomization's tree.
#[derive(Debug)]
pub struct Chart<'a> {
    /// The tree of the kustomization.
    pub tree: &'a FileTree,
    /// The directory of the kustomization in it.
    pub directory: &'a str,
    /// Where local charts lie, as the kustomization says it.
    pub chart_home: &'a str,
    /// The chart.
    pub name: &'a str,
    /// Its version; any where it is empty.
    pub version: &'a str,
    /// Where it is fetched from when it does not lie in `chart_home`.
    pub repo: &'a str,
    /// Where Helm's configuration lies; the user's own where it is empty.
    pub config_home: &'a str,
    /// The name of the release.
    pub release_name: &'a str,
    /// How the release names itself.
    pub name_template: &'a str,
    /// The namespace of the release.
    pub namespace: &'a str,
    /// The values file, where one is named.
    pub values_file: Option<Arc<[u8]>>,
    /// More values files.
    pub additional_values_files: Vec<Arc<[u8]>>,
    /// Values in the kustomization.
    pub values_inline: Option<&'a Value>,
    /// `merge`, `override` or `replace`: how values in the kustomization meet those of the file.
    pub values_merge: &'a str,
    /// The version of Kubernetes that the chart sees.
    pub kube_version: &'a str,
    /// The API versions that the chart sees.
    pub api_versions: &'a [String],
    /// Also the chart's custom resource definitions.
    pub include_crds: bool,
    /// Without its hooks.
    pub skip_hooks: bool,
    /// Without its tests.
    pub skip_tests: bool,
    /// Also versions that are no releases.
    pub devel: bool,
}

/// Renders charts. The caller gives it, or refuses charts by giving none.
pub trait Charts: Sync {
    /// The manifests of a chart. The error is shown to the user.
    fn render(&self, chart: &Chart<'_>) -> std::result::Result<String, String>;
}

go_struct! {
    /// The configuration of the generator: a chart and what is the same for all.
    ChartConfig = "HelmChartInflationGeneratorPlugin" {
        chart_home: String = "chartHome",
        config_home: String = "configHome",
        name: String = "name",
        version: String = "version",
        repo: String = "repo",
        release_name: String = "releaseName",
        namespace: String = "namespace",
        additional_values_files: Vec<String> = "additionalValuesFiles",
        values_file: String = "valuesFile",
        values_inline: Option<Value> = "valuesInline",
        values_merge: String = "valuesMerge",
        include_crds: bool = "includeCRDs",
        skip_hooks: bool = "skipHooks",
        api_versions: Vec<String> = "apiVersions",
        kube_version: String = "kubeVersion",
        name_template: String = "nameTemplate",
        skip_tests: bool = "skipTests",
        debug: bool = "debug",
        devel: bool = "devel",
    }
}

impl ChartConfig {
    pub(crate) fn new(globals: &HelmGlobals, chart: &HelmChart, namespace: &str) -> Self {
        let chart = chart.clone();
        Self {
            chart_home: globals.chart_home.clone(),
            config_home: globals.config_home.clone(),
            name: chart.name,
            version: chart.version,
            repo: chart.repo,
            release_name: chart.release_name,
            namespace: if chart.namespace.is_empty() { namespace.into() } else { chart.namespace },
            additional_values_files: chart.additional_values_files,
            values_file: chart.values_file,
            values_inline: chart.values_inline,
            values_merge: chart.values_merge,
            include_crds: chart.include_crds,
            skip_hooks: chart.skip_hooks,
            api_versions: chart.api_versions,
            kube_version: chart.kube_version,
            name_template: chart.name_template,
            skip_tests: chart.skip_tests,
            debug: chart.debug,
            devel: chart.devel,
        }
    }

    /// As messages show it.
    pub(crate) fn shown(&self) -> String {
        let mut map = Map::new();
        let texts = [
            ("chartHome", &self.chart_home),
            ("configHome", &self.config_home),
            ("name", &self.name),
            ("version", &self.version),
            ("repo", &self.repo),
            ("releaseName", &self.release_name),
            ("namespace", &self.namespace),
            ("valuesFile", &self.values_file),
            ("valuesMerge", &self.values_merge),
            ("kubeVersion", &self.kube_version),
            ("nameTemplate", &self.name_template),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            map.insert(name.into(), text.as_str().into());
        }
        let lists =
            [("additionalValuesFiles", &self.additional_values_files), ("apiVersions", &self.api_versions)];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            map.insert(name.into(), list.iter().map(String::as_str).collect());
        }
        let flags = [
            ("includeCRDs", self.include_crds),
            ("skipHooks", self.skip_hooks),
            ("skipTests", self.skip_tests),
            ("debug", self.debug),
            ("devel", self.devel),
        ];
        for (name, _) in flags.into_iter().filter(|(_, on)| *on) {
            map.insert(name.into(), true.into());
        }
        if let Some(values) = &self.values_inline {
            map.insert("valuesInline".into(), values.clone());
        }
        gyre_yaml::write_value(&Value::Object(map))
    }

    /// Refuses what cannot be rendered; charts at all where there is no renderer.
    pub(crate) fn check(&self, charts: Option<&dyn Charts>) -> Result<()> {
        if charts.is_none() {
            return fail("must specify --enable-helm");
        }
        if self.name.is_empty() {
            return fail("chart name cannot be empty");
        }
        if !self.values_merge.is_empty() && !MERGES.contains(&self.values_merge.as_str()) {
            return fail(format!("valuesMerge must be one of [{}]", MERGES.join(" ")));
        }
        Ok(())
    }

    /// The chart's resources.
    pub(crate) fn render(
        &self,
        root: &Root<'_>,
        charts: Option<&dyn Charts>,
        spent: &mut Spent,
    ) -> Result<Vec<Resource>> {
        let Some(charts) = charts else { return fail("must specify --enable-helm") };
        let values_file =
            if self.values_file.is_empty() { None } else { Some(root.read(&self.values_file, spent)?) };
        let mut additional = Vec::new();
        for file in &self.additional_values_files {
            let content = root.read(file, spent);
            additional.push(content.map_err(|error| error.within("could not load additionalValuesFile"))?);
        }
        let (tree, directory) = root.place();
        let or = |text: &'static str, given: &str| {
            if given.is_empty() { text.to_owned() } else { given.to_owned() }
        };
        let (home, merge) = (or(DEFAULT_HOME, &self.chart_home), or("override", &self.values_merge));
        let chart = Chart {
            tree,
            directory,
            chart_home: &home,
            name: &self.name,
            version: &self.version,
            repo: &self.repo,
            config_home: &self.config_home,
            release_name: &self.release_name,
            name_template: &self.name_template,
            namespace: &self.namespace,
            values_file,
            additional_values_files: additional,
            values_inline: self.values_inline.as_ref(),
            values_merge: &merge,
            kube_version: &self.kube_version,
            api_versions: &self.api_versions,
            include_crds: self.include_crds,
            skip_hooks: self.skip_hooks,
            skip_tests: self.skip_tests,
            devel: self.devel,
        };
        let manifests = charts.render(&chart).map_err(Error::new)?;
        let mut resources = parse::resources(manifests.as_bytes())?;
        for resource in &mut resources {
            resource.set_annotation(HELM_GENERATED, "true");
        }
        Ok(resources)
    }
}
