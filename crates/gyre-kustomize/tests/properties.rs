//! Whatever a repository holds: no panic, no hang, no file from outside the root.

use gyre_kustomize::{Edit, Options, build, edit};
use gyre_model::FileTree;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

const RESOURCES: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web}}\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - {name: c, image: 'nginx:1', ports: [{containerPort: 80}], env: [{name: A, value: b}]}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {k: v, y: 'a: {b: c}'}\n";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-:#&*!|>'\"%@`?,{}\\[\\] \n\ta-c1./$~]{0,40}",
        prop::sample::select(vec![
            "web",
            "cfg",
            "r.yaml",
            "../x",
            "/etc/passwd",
            "..",
            ".",
            "nginx",
            "v1",
            "ConfigMap",
            "Deployment",
            "metadata.name",
            "data.k",
            "data.y.a.b",
            "spec.template.spec.containers.*.image",
            "a=b",
            "(",
            "app=web",
            "spec.template.spec.containers.[name=c].env.-1",
            "spec.template.spec.containers.0.ports",
            "create",
            "merge",
            "https://example.com/a/b?ref=c",
            "$(A)",
            "metadata/name",
            "spec/template/spec/containers[]/image",
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-3_i64..9).prop_map(Value::from),
        Just(Value::Null),
    ];
    let keys = prop::sample::select(vec![
        "name",
        "path",
        "target",
        "patch",
        "kind",
        "source",
        "targets",
        "select",
        "fieldPaths",
        "fieldPath",
        "options",
        "create",
        "index",
        "delimiter",
        "literals",
        "files",
        "behavior",
        "newTag",
        "count",
        "pairs",
        "op",
        "value",
        "metadata",
        "spec",
        "$patch",
        "template",
        "containers",
        "data",
        "apiVersion",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((keys.clone(), inner), 0..4).prop_map(|pairs| pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Value>()),
        ]
    })
}

fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "resources",
        "components",
        "patches",
        "patchesJson6902",
        "patchesStrategicMerge",
        "images",
        "replicas",
        "replacements",
        "vars",
        "configMapGenerator",
        "secretGenerator",
        "labels",
        "commonLabels",
        "namespace",
        "namePrefix",
        "configurations",
        "crds",
        "openapi",
        "transformers",
        "generators",
        "validators",
        "sortOptions",
        "buildMetadata",
        "helmCharts",
        "bases",
        "metadata",
    ])
}

fn render(kustomization: &str, patch: &str) {
    let files = [("app/kustomization.yaml", kustomization), ("app/r.yaml", RESOURCES), ("app/p.yaml", patch)];
    let tree = FileTree::from_files(files).expect("the files make a tree");
    if let Ok(rendered) = build(&Options { shown_root: "/root", ..Options::default() }, &tree, "app") {
        let _ = rendered.to_yaml();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_kustomization_makes_a_build_panic(fields in vec((field(), value()), 0..4)) {
        let mut file = json!({"resources": ["r.yaml"]});
        for (name, value) in fields {
            file[name] = value;
        }
        render(&gyre_yaml::write_value(&file), "");
    }

    #[test]
    fn no_text_makes_a_build_panic(text in text(), resources in text()) {
        render(&text, "");
        render("resources: [r.yaml, p.yaml]\nnamePrefix: x-\nnamespace: y\ncommonLabels: {a: b}\n", &resources);
    }

    #[test]
    fn no_patch_makes_a_build_panic(patch in value(), op in prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]), path in "(/[a-z0-9~-]{0,8}){0,4}") {
        let kustomization = "resources: [r.yaml]\npatches:\n- path: p.yaml\n  target: {kind: Deployment}\n";
        let mut merge = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}});
        merge["spec"] = json!({"template": {"spec": patch.clone()}});
        render(kustomization, &gyre_yaml::write_value(&merge));
        let json = json!([{"op": op, "path": path, "from": "/spec", "value": patch}]);
        render(kustomization, &json.to_string());
    }

    #[test]
    fn replacements_end(source in text(), path in text(), delimiter in "[./a]{0,1}", index in -2..5, create in any::<bool>()) {
        let file = json!({"resources": ["r.yaml"], "replacements": [{
            "source": {"kind": "ConfigMap", "fieldPath": source},
            "targets": [{"select": {"kind": "Deployment"}, "fieldPaths": [path],
                "options": {"delimiter": delimiter, "index": index, "create": create}}],
        }]});
        render(&gyre_yaml::write_value(&file), "");
    }

    #[test]
    fn no_text_makes_an_edit_panic(text in text(), image in text()) {
        let tree = FileTree::from_files([("kustomization.yaml", text)]).expect("the file makes a tree");
        for change in [
            Edit::Fix { vars: true },
            Edit::SetImages(vec![image.clone()]),
            Edit::Add { list: "resources".into(), what: "resource".into(), entries: vec![image] },
        ] {
            let _ = edit(&tree, "", &change);
        }
    }
}

#[test]
fn cycles_end_in_an_error() {
    let tree = FileTree::from_files([
        ("a/kustomization.yaml", "resources: [../b]"),
        ("b/kustomization.yaml", "resources: [../a]"),
    ])
    .expect("the files make a tree");
    let error = build(&Options::default(), &tree, "a").expect_err("a cycle").to_string();
    assert!(error.contains("cycle detected"), "{error}");
}

#[test]
fn files_outside_are_refused() {
    let tree = FileTree::from_files([
        ("secret.yaml", RESOURCES),
        ("a/kustomization.yaml", "resources: [../secret.yaml]"),
        ("b/kustomization.yaml", "resources: [../../../etc/passwd]"),
    ])
    .expect("the files make a tree");
    for path in ["a", "b"] {
        let error = build(&Options::default(), &tree, path).expect_err("a file outside").to_string();
        assert!(error.contains("security; file"), "{error}");
    }
}

#[test]
fn a_wildcard_in_a_field_spec_is_refused() {
    let tree = FileTree::from_files([
        ("a/kustomization.yaml", "resources: [r.yaml]\nconfigurations: [c.yaml]\nvars: [{name: V, objref: {apiVersion: v1, kind: ConfigMap, name: cfg}}]"),
        ("a/r.yaml", RESOURCES),
        ("a/c.yaml", "varReference: [{path: metadata/labels/*, kind: Deployment}]"),
    ])
    .expect("the files make a tree");
    let error = build(&Options::default(), &tree, "a").expect_err("a refusal").to_string();
    assert_eq!(
        error,
        "considering field 'metadata/labels/*' of object Deployment.v1.apps/web.[noNs]: fieldName: *: wildcard is not \
         supported in PathGetter"
    );
}
