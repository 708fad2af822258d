//! How long the commands of `gyre helm` take as whole processes.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use gyre_testkit::bench::{Bound, Table, middle, process};

fn helm(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
    command.arg("helm").args(arguments).current_dir(home);
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.join(name));
    }
    command
}

fn row(table: &mut Table, what: &str, most_ms: f64, runs: usize, mut command: impl FnMut() -> Command) {
    let times = (0..runs).filter_map(|_| Some(process(&mut command())?.wall)).collect();
    table.row(what, middle(times).as_secs_f64() * 1e3, "ms", Bound::AtMost(most_ms));
}

/// An index of 300 charts with 100 versions each, as Helm writes one.
fn index() -> String {
    let mut text = String::from("apiVersion: v1\nentries:\n");
    for chart in 0..300 {
        let _ = writeln!(text, "  chart-{chart:03}:");
        for version in (0..100).rev() {
            let _ = write!(
                text,
                "  - apiVersion: v2\n    appVersion: 1.{version}.0\n    created: \"2026-01-01T00:00:00Z\"\n    dependencies:\n    - name: lib\n      repository: https://charts.example.com\n      version: 1.x.x\n    description: Chart number {chart} of an index that is\n      as long as those of real repositories\n    digest: 7a1b1d1f5f6a0ba4f0a3d4fbb40f0d0d19f8c6ea80cd0d5bb7d1b6b38a1c2e3f\n    home: https://example.com/chart-{chart}\n    keywords:\n    - example\n    - chart-{chart}\n    maintainers:\n    - email: somebody@example.com\n      name: somebody\n    name: chart-{chart:03}\n    urls:\n    - https://charts.example.com/chart-{chart:03}-{version}.0.0.tgz\n    version: {version}.0.0\n"
            );
        }
    }
    text.push_str("generated: \"2026-01-01T00:00:00Z\"\n");
    text
}

const TEMPLATE: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include \"name\" . }}-{{ .Template.Name | base | trimSuffix \".yaml\" }}
  labels: {chart: {{ printf \"%s-%s\" .Chart.Name .Chart.Version | quote }}}
data:
  {{- range $key, $value := .Values.settings }}
  {{ $key }}: {{ $value | toString | quote }}
  {{- end }}
  all: |
    {{- toYaml .Values.settings | nindent 4 }}
";

/// A chart of 100 templates, a part of them in subcharts three levels deep.
fn large_chart(home: &Path) {
    let (mut place, mut name) = (home.join("large"), "large".to_owned());
    for level in 0..4 {
        let templates = place.join("templates");
        std::fs::create_dir_all(&templates).expect("a directory");
        let write = |place: std::path::PathBuf, text: &str| std::fs::write(place, text).expect("a file");
        write(place.join("Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"));
        write(
            place.join("values.yaml"),
            "settings:\n  one: 1\n  two: two\n  three: [a, b, c]\n  four: {five: 6}\n",
        );
        write(
            templates.join("_partials.tpl"),
            "{{ define \"name\" }}{{ printf \"%s-%s\" .Release.Name .Chart.Name | trunc 63 }}{{ end }}",
        );
        for at in 0..25 {
            write(templates.join(format!("t{at}.yaml")), TEMPLATE);
        }
        name = format!("level{level}");
        place = place.join("charts").join(&name);
    }
}

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path();
    let mut table = Table::new("helm: whole processes");
    let made = helm(home, &["create", "new"]).output().expect("the program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    row(&mut table, "template of a new chart", 5.0, 41, || helm(home, &["template", "new"]));
    large_chart(home);
    row(&mut table, "100 templates, three levels of subcharts", 20.0, 41, || {
        helm(home, &["template", "large"])
    });
    if let Some(one) = process(&mut helm(home, &["template", "large"])) {
        table.row("  its memory", one.resident_bytes as f64 / 1e6, "MB", Bound::AtMost(40.0));
    }

    let cache = home.join("HELM_CACHE_HOME/repository");
    std::fs::create_dir_all(&cache).expect("a directory");
    std::fs::create_dir_all(home.join("HELM_CONFIG_HOME")).expect("a directory");
    std::fs::write(cache.join("many-index.yaml"), index()).expect("the index is written");
    std::fs::write(
        home.join("HELM_CONFIG_HOME/repositories.yaml"),
        "repositories:\n- name: many\n  url: https://charts.example.com\n",
    )
    .expect("the table is written");
    if let Some(first) = process(&mut helm(home, &["search", "repo", "number"])) {
        let megabytes = first.resident_bytes as f64 / 1e6;
        table.row(
            "first look at an index of 30,000 versions",
            first.wall.as_secs_f64() * 1e3,
            "ms",
            Bound::None,
        );
        table.row("  its memory", megabytes, "MB", Bound::AtMost(30.0));
    }
    row(&mut table, "search repo over 30,000 versions, cached", 300.0, 11, || {
        helm(home, &["search", "repo", "number"])
    });
    std::fs::create_dir_all(home.join("charts")).expect("a directory");
    helm(home, &["package", "new", "-d", "charts"]).output().expect("the program runs");
    row(&mut table, "repo index of a directory", 300.0, 5, || helm(home, &["repo", "index", "charts"]));
    let merge = cache.join("many-index.yaml").display().to_string();
    row(&mut table, "repo index merged into 30,000 versions", 300.0, 3, || {
        helm(home, &["repo", "index", "charts", "--merge", &merge])
    });
}
