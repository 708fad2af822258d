//! `helmCharts`, `helmGlobals` and the older `helmChartInflationGenerator`.

use serde_json::Value;

use crate::decode::go_struct;

go_struct! {
    /// `helmGlobals`.
    HelmGlobals = "HelmGlobals" {
        chart_home: String = "chartHome",
        config_home: String = "configHome",
    }
}

go_struct! {
    /// A chart to render.
    HelmChart = "HelmChart" {
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

go_struct! {
    /// A chart in the older form.
    HelmChartArgs = "HelmChartArgs" {
        chart_name: String = "chartName",
        chart_version: String = "chartVersion",
        chart_repo_url: String = "chartRepoUrl",
        chart_home: String = "chartHome",
        chart_repo_name: String = "chartRepoName",
        helm_bin: String = "helmBin",
        helm_home: String = "helmHome",
        values: String = "values",
        values_local: Option<Value> = "valuesLocal",
        values_merge: String = "valuesMerge",
        release_name: String = "releaseName",
        release_namespace: String = "releaseNamespace",
        extra_args: Vec<String> = "extraArgs",
    }
}

impl HelmChartArgs {
    /// The chart in the newer form.
    pub(crate) fn to_chart(&self) -> HelmChart {
        HelmChart {
            name: self.chart_name.clone(),
            version: self.chart_version.clone(),
            repo: self.chart_repo_url.clone(),
            values_file: self.values.clone(),
            values_inline: self.values_local.clone(),
            values_merge: self.values_merge.clone(),
            release_name: self.release_name.clone(),
            ..HelmChart::default()
        }
    }
}
