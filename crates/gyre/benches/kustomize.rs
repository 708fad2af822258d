//! `gyre kustomize build` as a process, beside `kubectl kustomize` where that is installed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use gyre_testkit::bench::{Bound, Run, Table, installed, middle, process};

/// The small overlay: a Deployment, a Service and a generated ConfigMap.
const SMALL: usize = 1;
const SMALL_RUNS: usize = 15;

fn main() {
    let mut table = Table::new("kustomize: whole processes");
    let directory = tempfile::tempdir().expect("a directory");
    let with_kubectl = installed("kubectl");
    let small = write(directory.path(), SMALL);
    let own = runs(SMALL_RUNS, &mut gyre(&small));
    table.row("small overlay, median", milliseconds(own), "ms", Bound::None);
    if with_kubectl {
        let peer = runs(SMALL_RUNS, &mut kubectl(&small));
        table.row("small overlay, kubectl", milliseconds(peer), "ms", Bound::None);
        table.row(
            "  times faster",
            peer.wall.as_secs_f64() / own.wall.as_secs_f64(),
            "x",
            Bound::AtLeast(20.0),
        );
    }
    let large = write(directory.path(), 1000);
    let own = runs(5, &mut gyre(&large));
    let row = "1,000 Deployments and 1,000 ConfigMaps";
    table.row(row, milliseconds(own), "ms", Bound::None);
    table.row("  memory", mebibytes(own), "MiB", Bound::None);
    if with_kubectl {
        let peer = runs(1, &mut kubectl(&large));
        table.row("  kubectl", milliseconds(peer), "ms", Bound::None);
        table.row("  kubectl's memory", mebibytes(peer), "MiB", Bound::None);
        table.row(
            "  times faster",
            peer.wall.as_secs_f64() / own.wall.as_secs_f64(),
            "x",
            Bound::AtLeast(150.0),
        );
        table.row("  part of its memory", mebibytes(own) / mebibytes(peer), "", Bound::AtMost(0.2));
    }
    let half = runs(3, &mut gyre(&write(directory.path(), 5000)));
    let whole = runs(3, &mut gyre(&write(directory.path(), 10_000)));
    table.row("10,000 objects", milliseconds(half), "ms", Bound::None);
    table.row("20,000 objects", milliseconds(whole), "ms", Bound::None);
    table.row(
        "  time of twice as many",
        whole.wall.as_secs_f64() / half.wall.as_secs_f64(),
        "x",
        Bound::AtMost(2.5),
    );
    table.row("  memory of twice as many", mebibytes(whole) / mebibytes(half), "x", Bound::AtMost(2.2));
}

fn gyre(overlay: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
    command.args(["kustomize", "build"]).arg(overlay);
    command
}

fn kubectl(overlay: &Path) -> Command {
    let mut command = Command::new("kubectl");
    command.arg("kustomize").arg(overlay);
    command
}

/// The median time and the most memory of so many runs.
fn runs(count: usize, command: &mut Command) -> Run {
    let runs: Vec<Run> = (0..count).map(|_| process(command).expect("the build succeeds")).collect();
    Run {
        wall: middle(runs.iter().map(|run| run.wall).collect()),
        resident_bytes: runs.iter().map(|run| run.resident_bytes).max().unwrap_or(0),
    }
}

fn milliseconds(run: Run) -> f64 {
    run.wall.as_secs_f64() * 1e3
}

fn mebibytes(run: Run) -> f64 {
    run.resident_bytes as f64 / f64::from(1 << 20)
}

/// So many Deployments, each with a ConfigMap, and an overlay over all of them.
fn write(directory: &Path, count: usize) -> std::path::PathBuf {
    let root = directory.join(count.to_string());
    fs::create_dir_all(root.join("base")).expect("a directory");
    fs::create_dir_all(root.join("overlay")).expect("a directory");
    let (mut deployments, mut config_maps) = (String::new(), String::new());
    for at in 0..count {
        let _ = write!(
            deployments,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{at}\n  labels:\n    app: web-{at}\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app: web-{at}\n  template:\n    metadata:\n      labels:\n        app: web-{at}\n    spec:\n      containers:\n      - name: web\n        image: nginx:1.0\n        envFrom:\n        - configMapRef:\n            name: settings-{at}\n        ports:\n        - containerPort: 80\n"
        );
        let _ = write!(
            config_maps,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{at}\ndata:\n  mode: plain\n  number: \"{at}\"\n"
        );
    }
    let save = |path: &str, text: &str| fs::write(root.join(path), text).expect("a file");
    save("base/deployments.yaml", &deployments);
    save("base/configmaps.yaml", &config_maps);
    save("base/kustomization.yaml", "resources:\n- deployments.yaml\n- configmaps.yaml\n");
    save("overlay/kustomization.yaml", OVERLAY);
    root.join("overlay")
}

const OVERLAY: &str = "resources:
- ../base
namespace: production
namePrefix: prod-
labels:
- pairs:
    stage: production
  includeSelectors: true
images:
- name: nginx
  newName: registry.example.com/nginx
  newTag: \"2.0\"
patches:
- target:
    kind: Deployment
  patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: any
    spec:
      replicas: 3
      template:
        spec:
          containers:
          - name: web
            resources:
              limits:
                memory: 64Mi
- target:
    kind: Deployment
  patch: |-
    - op: add
      path: /metadata/annotations
      value:
        patched: \"yes\"
replacements:
- source:
    kind: ConfigMap
    name: settings-0
    fieldPath: data.mode
  targets:
  - select:
      kind: Deployment
    fieldPaths:
    - metadata.annotations.mode
    options:
      create: true
";
