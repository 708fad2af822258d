//! Many overlays of one base in one process: what the controllers do.

use std::time::Instant;

use gyre_kustomize::{Cache, Options, build};
use gyre_model::FileTree;
use gyre_testkit::bench::{Bound, Table, middle};

const OVERLAYS: usize = 1000;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: nginx
        envFrom:
        - configMapRef:
            name: settings
        ports:
        - containerPort: 80
        resources:
          limits:
            cpu: 100m
            memory: 64Mi
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 80
";

fn main() {
    let mut table = Table::new("kustomize: overlays of one base, in one process");
    let mut files = vec![
        ("base/deployment.yaml".to_owned(), DEPLOYMENT.to_owned()),
        ("base/service.yaml".to_owned(), SERVICE.to_owned()),
        (
            "base/kustomization.yaml".to_owned(),
            "resources:\n- deployment.yaml\n- service.yaml\nconfigMapGenerator:\n- name: settings\n  literals:\n  - mode=plain\n"
                .to_owned(),
        ),
    ];
    for at in 0..OVERLAYS {
        files.push((
            format!("overlay-{at}/kustomization.yaml"),
            format!(
                "resources:\n- ../base\nnamespace: team-{at}\nnamePrefix: t{at}-\nlabels:\n- pairs:\n    team: t{at}\nimages:\n- name: nginx\n  newTag: \"1.{at}\"\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata:\n      name: web\n    spec:\n      replicas: {at}\n"
            ),
        ));
    }
    let tree = FileTree::from_files(files).expect("the files have paths");
    let cache = Cache::default();
    let options = Options { shown_root: "/tree", cache: Some(&cache), ..Options::default() };
    let mut times = Vec::with_capacity(OVERLAYS);
    let whole = Instant::now();
    for at in 0..OVERLAYS {
        let start = Instant::now();
        let rendered = build(&options, &tree, &format!("overlay-{at}")).expect("the overlay builds");
        times.push(start.elapsed());
        assert_eq!(rendered.objects.len(), 3);
    }
    table.row("1,000 overlays, all", whole.elapsed().as_secs_f64() * 1e3, "ms", Bound::None);
    table.row("one of them, median", middle(times).as_secs_f64() * 1e3, "ms", Bound::AtMost(1.0));
}
