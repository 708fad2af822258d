//! `gyre helm` with a cluster: releases are installed, upgraded, rolled back, tested and uninstalled in the embedded API.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "journey/cell.rs"]
mod cell;

use std::fs;

use cell::Cell;

const CHART: &str = "apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: '1'\n";
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n  group: example.com\n  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n";
const MAIN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  num: \"{{ .Values.num }}\"\n  revision: \"{{ .Release.Revision }}\"\n  widgets: \"{{ .Capabilities.APIVersions.Has \"example.com/v1/Widget\" }}\"\n  found: {{ (lookup \"v1\" \"Namespace\" \"\" \"default\").metadata.name }}\n---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: {{ .Release.Name }}}\nspec: {num: {{ .Values.num }}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  replicas: {{ .Values.num }}\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"{{ .Values.image }}\"}]}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: \"{{ .Release.Name }}-kept\", annotations: {helm.sh/resource-policy: keep}}\n";
const HOOKS: &str = "{{- range list \"pre-install\" \"post-upgrade\" \"test\" }}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ $.Release.Name }}-{{ . }}\n  annotations: {helm.sh/hook: {{ . }}}\nspec:\n  backoffLimit: 0\n  template:\n    metadata: {annotations: {gyre.dev/exit-code: \"{{ if eq . $.Values.bad }}1{{ else }}0{{ end }}\"}}\n    spec: {restartPolicy: Never, containers: [{name: job, image: busybox}]}\n{{- end }}\n";

struct Home {
    cell: Cell,
    chart: String,
}

impl Home {
    fn new() -> Self {
        let mut cell = Cell::new();
        cell.start_simulated_apiserver();
        let root = cell.dir.path().join("web");
        for (path, text) in [
            ("Chart.yaml", CHART),
            ("values.yaml", "num: 1\nimage: nginx\nbad: none\n"),
            ("crds/widgets.yaml", CRD),
            ("templates/main.yaml", MAIN),
            ("templates/hooks.yaml", HOOKS),
            ("templates/NOTES.txt", "Hello {{ .Release.Name }}, revision {{ .Release.Revision }}\n"),
        ] {
            let place = root.join(path);
            fs::create_dir_all(place.parent().expect("a directory")).expect("a directory");
            fs::write(place, text).expect("a file");
        }
        Self { chart: root.display().to_string(), cell }
    }

    /// The output of a command line, in which `CHART` is the chart, and whether it succeeded.
    fn run(&self, line: &str) -> (bool, String) {
        let words: Vec<&str> =
            line.split(' ').map(|word| if word == "CHART" { &*self.chart } else { word }).collect();
        let output = self.cell.gyre(&[&["helm"], &words[..]].concat());
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("text"))
    }

    fn succeeds(&self, line: &str) -> String {
        let (success, text) = self.run(line);
        assert!(success, "{line}: {text}");
        text
    }

    fn fails(&self, line: &str, wanted: &str) {
        let (success, text) = self.run(line);
        assert!(!success && text.ends_with(&format!("{wanted}\n")), "{line}: {text}");
    }

    fn data(&self, key: &str) -> String {
        let map = self.cell.get("/api/v1/namespaces/there/configmaps/r");
        map["data"][key].as_str().unwrap_or_default().to_owned()
    }

    /// The revisions with their states, as the records' labels tell.
    fn records(&self) -> Vec<String> {
        let list = self.cell.get("/api/v1/namespaces/there/secrets?labelSelector=owner%3Dhelm");
        let label = |one: &serde_json::Value, key: &str| {
            one["metadata"]["labels"][key].as_str().unwrap_or_default().to_owned()
        };
        let records = list["items"].as_array().into_iter().flatten();
        records.map(|one| format!("{} {}", label(one, "version"), label(one, "status"))).collect()
    }
}

#[test]
fn a_release_lives_and_ends() {
    let home = Home::new();
    let told = home.succeeds("install r CHART -n there --create-namespace --wait --timeout 30s -l team=a");
    assert!(told.contains("\nSTATUS: deployed\nREVISION: 1\n"), "{told}");
    assert!(told.ends_with("NOTES:\nHello r, revision 1\n"), "{told}");
    assert_eq!((home.data("widgets"), home.data("found")), ("true".into(), "default".into()));
    let deployment = home.cell.get("/apis/apps/v1/namespaces/there/deployments/r");
    assert_eq!(deployment["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm");
    assert_eq!(deployment["metadata"]["annotations"]["meta.helm.sh/release-name"], "r");
    assert_eq!(deployment["metadata"]["managedFields"][0]["manager"], "helm");
    assert_eq!(deployment["status"]["readyReplicas"], 1, "it was waited for");
    let dry = home.succeeds("install dry CHART -n there --dry-run=server");
    assert!(dry.contains("STATUS: pending-install\n") && dry.contains("MANIFEST:\n---\n"), "{dry}");
    home.fails(
        "install r CHART -n there",
        "Error: INSTALLATION FAILED: cannot re-use a name that is still in use",
    );

    let told = home.succeeds("upgrade r CHART -n there --set num=2 --timeout 30s --wait");
    assert!(told.starts_with("Release \"r\" has been upgraded. Happy Helming!\nNAME: r\n"), "{told}");
    assert_eq!((home.data("num"), home.data("revision")), ("2".into(), "2".into()));
    home.succeeds("upgrade r CHART -n there --reuse-values --set image=httpd --timeout 30s");
    assert_eq!(home.succeeds("get values r -n there"), "USER-SUPPLIED VALUES:\nimage: httpd\nnum: 2\n");
    assert_eq!(home.records(), ["1 superseded", "2 superseded", "3 deployed"]);

    home.fails(
        "upgrade r CHART -n there --set bad=post-upgrade,num=3 --atomic --timeout 20s",
        "Error: UPGRADE FAILED: release r failed, and has been rolled back due to atomic being set: post-upgrade hooks failed: 1 error occurred:\n\t* job r-post-upgrade failed: BackoffLimitExceeded\n\n",
    );
    assert_eq!(home.data("num"), "2", "it was rolled back");
    assert_eq!(home.records().last().map(String::as_str), Some("5 deployed"));
    assert_eq!(home.succeeds("rollback r 1 -n there"), "Rollback was a success! Happy Helming!\n");
    assert_eq!(home.data("num"), "1");
    let tested = home.succeeds("test r -n there --timeout 20s");
    assert!(tested.contains("TEST SUITE:     r-test\n") && tested.contains("Phase:          Succeeded\n"));

    let told = home.succeeds("uninstall r -n there --keep-history --wait --timeout 20s");
    assert_eq!(
        told,
        "These resources were kept due to the resource policy:\n[Secret] r-kept\n\nrelease \"r\" uninstalled\n"
    );
    assert!(home.cell.exists("/api/v1/namespaces/there/secrets/r-kept"));
    assert!(!home.cell.exists("/apis/apps/v1/namespaces/there/deployments/r"));
    assert_eq!(home.records().last().map(String::as_str), Some("6 uninstalled"));
    home.succeeds("uninstall r -n there");
    assert!(home.records().is_empty());
}

#[test]
fn what_is_refused_is_refused_in_helms_words() {
    let home = Home::new();
    home.fails("upgrade r CHART", "Error: UPGRADE FAILED: \"r\" has no deployed releases");
    home.fails("rollback r", "Error: release: not found");
    home.fails("uninstall r", "Error: uninstall: Release not loaded: r: release: not found");
    assert_eq!(home.succeeds("uninstall r --ignore-not-found"), "release \"r\" uninstalled\n");
    home.fails(
        "uninstall r --cascade no",
        "Error: invalid cascade value (no). Must be \"background\", \"foreground\", or \"orphan\"",
    );
    home.fails(
        "install r CHART --skip-crds",
        "Error: INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not found for name: \"r\" namespace: \"\" from \"\": no matches for kind \"Widget\" in version \"example.com/v1\"\nensure CRDs are installed first",
    );
    let map = serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "r" } });
    home.cell.apply("/api/v1/namespaces/default/configmaps/r", &map);
    home.fails(
        "install r CHART",
        "Error: INSTALLATION FAILED: Unable to continue with install: ConfigMap \"r\" in namespace \"default\" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"r\"; annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"default\"",
    );
    home.succeeds("install r CHART --take-ownership --timeout 20s");
    let told = home.succeeds("upgrade -i q CHART --timeout 20s");
    assert!(told.starts_with("Release \"q\" does not exist. Installing it now.\n"), "{told}");
    home.fails(
        "install x CHART --set bad=pre-install --timeout 20s",
        "Error: INSTALLATION FAILED: failed pre-install: 1 error occurred:\n\t* job x-pre-install failed: BackoffLimitExceeded\n\n",
    );
    home.fails(
        "upgrade q CHART --set image=nginx:broken --wait --timeout 2s",
        "Error: UPGRADE FAILED: context deadline exceeded",
    );
    let list = home.succeeds("list --short --all --failed");
    assert_eq!(list, "q\nr\nx\n");
}
