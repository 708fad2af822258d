//! How long charts take to render in process.

use gyre_helm::chart::{File, load_files};
use gyre_helm::{Options, ParsedChart, Values};
use gyre_template::FixedHost;
use gyre_testkit::bench::{Bound, Table, median, peak_resident_bytes};

fn file(name: String, content: &str) -> File {
    File { name: name.into(), content: content.as_bytes().into() }
}

const TEMPLATE: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include \"name\" . }}-{{ .Template.Name | base | trimSuffix \".yaml\" }}
  labels:
    {{- include \"labels\" . | nindent 4 }}
data:
  {{- range $key, $value := .Values.settings }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
  all: |
    {{- toYaml .Values.settings | nindent 4 }}
";

const PARTIALS: &str = "{{ define \"name\" }}{{ printf \"%s-%s\" .Release.Name .Chart.Name | trunc 63 | trimSuffix \"-\" }}{{ end }}
{{ define \"labels\" }}app.kubernetes.io/name: {{ include \"name\" . }}
helm.sh/chart: {{ printf \"%s-%s\" .Chart.Name .Chart.Version | replace \"+\" \"_\" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}{{ end }}";

/// A chart of `templates` templates, a part of them in subcharts three levels deep.
fn chart(templates: usize) -> Vec<File> {
    let mut files = Vec::new();
    let (mut prefix, mut name) = (String::new(), "top".to_owned());
    for level in 0..4 {
        files.push(file(
            format!("{prefix}Chart.yaml"),
            &format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"),
        ));
        files.push(file(
            format!("{prefix}values.yaml"),
            "settings:\n  one: 1\n  two: two\n  three: [a, b, c]\n  four: {five: 6}\n",
        ));
        files.push(file(format!("{prefix}templates/_partials.tpl"), PARTIALS));
        for at in 0..templates / 4 {
            files.push(file(format!("{prefix}templates/t{at}.yaml"), TEMPLATE));
        }
        name = format!("level{level}");
        prefix = format!("{prefix}charts/{name}/");
    }
    files
}

fn main() {
    let mut table = Table::new("helm: charts in process");
    let (values, options) = (Values::new(), Options::default());
    let files = chart(100);
    let whole = median(15, || {
        let parsed = ParsedChart::new(load_files(files.clone()).expect("the chart is sound"));
        parsed.render(&values, &options, &mut FixedHost::default()).expect("it renders");
    });
    let most = Bound::AtMost(20.0);
    table.row("100 templates, three levels of subcharts", whole.as_secs_f64() * 1e3, "ms", most);
    let memory = peak_resident_bytes(std::process::id()) as f64 / 1e6;
    table.row("  memory of the process", memory, "MB", Bound::AtMost(40.0));
    let parsed = ParsedChart::new(load_files(chart(12)).expect("the chart is sound"));
    let mut at = 0;
    let again = median(1000, || {
        at += 1;
        let options = Options { release_name: format!("release-{at}"), ..Options::default() };
        parsed.render(&values, &options, &mut FixedHost::default()).expect("it renders");
    });
    table.row("one of 1,000 releases of one chart", again.as_secs_f64() * 1e3, "ms", Bound::AtMost(1.0));
}
