//! `helmCharts` of a kustomization, rendered from charts that lie in its tree or that are fetched.

use std::sync::Arc;

use gyre_helm::capabilities::{Capabilities, KubeVersion};
use gyre_helm::chart::read_archive;
use gyre_helm::render::{Options, ParsedChart, Shown, template_text};
use gyre_helm::values::{merge, read_yaml};
use gyre_helm::{Values, release_name};
use gyre_kustomize::Chart;
use gyre_model::{FileTree, clean_path};
use gyre_template::Host;
use serde_json::{Map, Value};

/// The name of a release that nobody named.
const RELEASE_NAME: &str = "release-name";

/// What all charts of a build see.
#[derive(Clone, Debug, Default)]
pub struct Charts {
    /// The version of Kubernetes, where the kustomization names none.
    pub kube_version: String,
    /// API versions, where the kustomization names none.
    pub api_versions: Vec<String>,
}

/// Fetches the archive of a chart that does not lie in the tree. The error is shown to the user.
pub type Fetch<'a> = &'a dyn Fn(&Chart<'_>) -> Result<Vec<u8>, String>;

impl Charts {
    /// The manifests of a chart. Templates ask `host` for the time and for randomness.
    pub fn render(
        &self,
        chart: &Chart<'_>,
        fetch: Fetch<'_>,
        host: &mut (dyn Host + Send),
    ) -> Result<String, String> {
        let found = clean_path(&place(chart)).and_then(|path| chart.tree.dir(&path).ok().cloned());
        let tree = match found {
            Some(directory) => FileTree::from_root(directory),
            // compat(kustomize): the place is empty where nothing is there.
            None if chart.repo.is_empty() => {
                return Err("no repo specified for pull, no chart found at ''".into());
            }
            None => unpacked(&fetch(chart)?)?,
        };
        let values = Self::values(chart, &tree)?;
        let loaded = gyre_helm::Chart::from_tree(&tree).map_err(|error| error.to_string())?;
        let options = self.options(chart, host)?;
        let rendered = ParsedChart::new(loaded).render(&values, &options, host);
        let rendered = rendered.map_err(|error| error.to_string())?;
        let shown = Shown {
            include_crds: chart.include_crds,
            no_hooks: chart.skip_hooks,
            skip_tests: chart.skip_tests,
            ..Shown::default()
        };
        template_text(&rendered, &shown).map_err(|error| error.to_string())
    }

    fn options(&self, chart: &Chart<'_>, host: &mut (dyn Host + Send)) -> Result<Options, String> {
        let named = match (chart.release_name, chart.name_template) {
            ("", "") => RELEASE_NAME.to_owned(),
            ("", template) => {
                release_name::from_template(template, host).map_err(|error| error.to_string())?
            }
            (name, "") => name.to_owned(),
            _ => return Err("cannot set --name-template and also specify a name".into()),
        };
        release_name::validate(&named).map_err(|error| error.to_string())?;
        let version = if chart.kube_version.is_empty() { &self.kube_version } else { chart.kube_version };
        let own = chart.api_versions;
        let seen = if own.is_empty() { &self.api_versions } else { own };
        let mut capabilities = Capabilities::default().with_api_versions(seen);
        if !version.is_empty() {
            capabilities.kube_version = KubeVersion::parse(version)
                .map_err(|error| format!("invalid kube version '{version}': {error}"))?;
        }
        let namespace = if chart.namespace.is_empty() { "default" } else { chart.namespace };
        Ok(Options { release_name: named, namespace: namespace.into(), capabilities, ..Options::default() })
    }

    /// The chart's own file or the one that is named, with the values of the kustomization, then the further files.
    fn values(chart: &Chart<'_>, tree: &FileTree) -> Result<Values, String> {
        let read = |content: &[u8]| read_yaml(content).map_err(|error| error.to_string());
        let own: Option<Arc<[u8]>> = tree.read("values.yaml").ok().cloned();
        let file = chart.values_file.clone().or(own).map_or(Ok(Values::new()), |content| read(&content))?;
        let mut values = match (chart.values_inline, chart.values_merge) {
            (Some(Value::Object(inline)), "replace") => inline.clone(),
            (Some(inline @ Value::Object(map)), "merge") if !map.is_empty() => {
                let mut values = inline.clone();
                put(&mut values, &Value::Object(file));
                values.as_object().cloned().unwrap_or_default()
            }
            (Some(inline), _) => {
                let mut values = Value::Object(file);
                put(&mut values, inline);
                values.as_object().cloned().unwrap_or_default()
            }
            (None, _) => file,
        };
        for content in &chart.additional_values_files {
            values = merge(values, read(content)?);
        }
        Ok(values)
    }
}

/// The files of an archive.
fn unpacked(archive: &[u8]) -> Result<FileTree, String> {
    let files = read_archive(archive).map_err(|error| error.to_string())?;
    FileTree::from_files(files.iter().map(|file| (&*file.name, &*file.content)))
        .map_err(|error| error.to_string())
}

/// Where the chart lies in the tree.
fn place(chart: &Chart<'_>) -> String {
    let home = match chart.chart_home.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{}/{}", chart.directory, chart.chart_home),
    };
    let home = home.trim_start_matches('/');
    if chart.version.is_empty() || chart.repo.is_empty() {
        format!("{home}/{}", chart.name)
    } else {
        format!("{home}/{0}-{1}/{0}", chart.name, chart.version)
    }
}

/// Lays one value over another: mappings meet key by key, and a null takes its key away.
fn put(into: &mut Value, from: &Value) {
    let Value::Object(from) = from else {
        into.clone_from(from);
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(into) = into else { return };
    for (key, value) in from {
        if value.is_null() {
            into.remove(key);
        } else {
            put(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use gyre_kustomize::{Charts as Renderer, Options, build};
    use gyre_template::FixedHost;

    use super::*;

    struct Local(Charts);

    impl Renderer for Local {
        fn render(&self, chart: &Chart<'_>) -> Result<String, String> {
            let fetch = |chart: &Chart<'_>| Err(format!("{} {} {}", chart.repo, chart.name, chart.version));
            self.0.render(chart, &fetch, &mut FixedHost::default())
        }
    }

    fn built(charts: &str) -> Result<String, String> {
        let tree = FileTree::from_files([
            ("app/kustomization.yaml", format!("namePrefix: p-\nhelmCharts:\n{charts}").as_str()),
            ("app/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            ("app/charts/web/values.yaml", "color: red\nsize: {width: 1, height: 2}\n"),
            ("app/other.yaml", "color: blue\n"),
            (
                "app/charts/web/templates/cm.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  color: {{ .Values.color }}\n  size: {{ .Values.size.width }}x{{ .Values.size.height }}\n",
            ),
        ])
        .unwrap();
        let local = Local(Charts::default());
        let options = Options { charts: Some(&local), shown_root: "/tree", ..Options::default() };
        build(&options, &tree, "app").map(|rendered| rendered.to_yaml()).map_err(|error| error.to_string())
    }

    fn with(name: &str, namespace: &str, color: &str, size: &str) -> String {
        format!(
            "apiVersion: v1\ndata:\n  color: {color}\n  size: {size}\nkind: ConfigMap\nmetadata:\n  name: p-{name}\n  namespace: {namespace}\n"
        )
    }

    #[test]
    fn charts_of_the_tree_are_rendered() {
        assert_eq!(built("- name: web\n").unwrap(), with("release-name", "default", "red", "1x2"));
        assert_eq!(
            built("- name: web\n  releaseName: r\n  namespace: ns\n  valuesInline: {size: {width: 5}}\n")
                .unwrap(),
            with("r", "ns", "red", "5x2")
        );
        assert_eq!(
            built("- name: web\n  valuesMerge: merge\n  valuesInline: {color: green}\n").unwrap(),
            with("release-name", "default", "red", "1x2")
        );
        // A mapping that is new has no nulls left in it either.
        let nulls = "- name: web\n  valuesInline: {color: {a: {b: null}}}\n";
        assert_eq!(built(nulls).unwrap(), with("release-name", "default", "map[a:map[]]", "1x2"));
        assert_eq!(
            built("- name: web\n  additionalValuesFiles: [other.yaml]\n").unwrap(),
            with("release-name", "default", "blue", "1x2")
        );
    }

    #[test]
    fn the_kustomization_says_what_charts_see_before_the_command_line_does() {
        let tree = FileTree::from_files([
            ("app/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            (
                "app/charts/web/templates/cm.yaml",
                "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: c\ndata:\n  seen: {{ .Capabilities.KubeVersion }} {{ .Capabilities.APIVersions.Has \"a/v1\" }} {{ .Capabilities.APIVersions.Has \"b/v1\" }}\n",
            ),
        ])
        .unwrap();
        let line = Charts { kube_version: "1.29".into(), api_versions: vec!["a/v1".into()] };
        let seen = |kube_version, api_versions: &[String]| {
            let local = Local(line.clone());
            let options = Options { charts: Some(&local), ..Options::default() };
            let text = format!(
                "helmCharts: [{{name: web, kubeVersion: '{kube_version}', apiVersions: {api_versions:?}}}]\n"
            );
            let tree = tree.with_file("app/kustomization.yaml", text.as_bytes()).unwrap();
            let built = build(&options, &tree, "app").unwrap();
            built.objects[0].pointer("/data/seen").and_then(Value::as_str).unwrap().to_owned()
        };
        assert_eq!(seen("", &[]), "v1.29 true false");
        assert_eq!(seen("1.30", &["b/v1".into()]), "v1.30 false true");
    }

    #[test]
    fn what_does_not_lie_there_is_refused() {
        assert!(
            built("- name: nope\n").unwrap_err().contains("no repo specified for pull, no chart found at ''")
        );
        let error =
            built("- name: nope\n  repo: https://charts.example.com\n  version: 1.0.0\n").unwrap_err();
        assert!(error.contains("https://charts.example.com nope 1.0.0"), "{error}");
        // A version of a repository lies in a directory of its own.
        let error = built("- name: web\n  repo: https://charts.example.com\n  version: 1.0.0\n").unwrap_err();
        assert!(error.contains("https://charts.example.com web 1.0.0"), "{error}");
    }
}
