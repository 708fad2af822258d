//! `kustomize edit` and `create`: what is not changed keeps its comments and its order.

use gyre_kustomize::{Create, Edit, Metadata, create, edit};
use gyre_model::FileTree;
use serde_json::json;

const FILE: &str = "# all of it\nkind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n\n# what there is\nresources:\n- a.yaml # first\n- b.yaml\n\nimages:\n- name: nginx # the web server\n  newTag: '1.0'\n";

fn edited(text: &str, change: &Edit) -> String {
    let tree =
        FileTree::from_files([("app/kustomization.yaml", text), ("app/p.yaml", "x: y")]).expect("a tree");
    let mut files = edit(&tree, "app", change).expect("an edit").files;
    let (path, text) = files.pop().expect("a change");
    assert_eq!(path, "app/kustomization.yaml");
    text
}

#[test]
fn sets_an_image_in_place() {
    let images = vec!["nginx=web:2.0".to_owned(), "redis@sha256:00".to_owned()];
    assert_eq!(
        edited(FILE, &Edit::SetImages(images)),
        FILE.replace(
            "  newTag: '1.0'\n",
            "  newName: web\n  newTag: \"2.0\"\n- digest: sha256:00\n  name: redis\n"
        )
    );
    let kept = edited(FILE, &Edit::SetImages(vec!["nginx=web:*".to_owned()]));
    assert_eq!(kept, FILE.replace("  newTag", "  newName: web\n  newTag"));
}

#[test]
fn adds_and_removes() {
    let entries = vec!["b.yaml".into(), "c.yaml".into()];
    let add = Edit::Add { list: "resources".into(), what: "resource".into(), entries };
    assert_eq!(edited(FILE, &add), FILE.replace("- b.yaml\n", "- b.yaml\n- c.yaml\n"));
    let remove = Edit::Remove { list: "resources".into(), patterns: vec!["a.*".into()] };
    assert_eq!(edited(FILE, &remove), FILE.replace("- a.yaml # first\n", ""));
    // Where an option is not there the peer writes the file all the same.
    let remove = Edit::Remove { list: "buildMetadata".into(), patterns: vec!["managedByLabel".into()] };
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    assert_eq!(edited("bases: [x]\n", &remove), format!("{head}resources:\n- x\n"));
    let namespace = Edit::SetText { field: "namespace".into(), text: "n".into() };
    assert_eq!(edited(FILE, &namespace), format!("{FILE}namespace: \"n\"\n"));
    let pairs = vec![("app".to_owned(), "x".to_owned())];
    let add = Edit::PutMetadata { metadata: Metadata::Labels, pairs, force: false };
    let once = edited(FILE, &add);
    assert_eq!(once, format!("{FILE}commonLabels:\n  app: x\n"));
    let tree = FileTree::from_files([("kustomization.yaml", once)]).unwrap();
    let again = edit(&tree, "", &add).unwrap_err();
    assert_eq!(again.to_string(), "label app already in kustomization file. Use --force to override.");
}

#[test]
fn fixes_older_fields() {
    let old = "bases: [../x]\ncommonLabels: {a: b} # labels\npatchesStrategicMerge:\n- p.yaml\n- |-\n  kind: X\nconfigMapGenerator:\n- name: c # kept\n  env: e\n";
    let value = gyre_yaml::yaml_to_json(edited(old, &Edit::Fix { vars: false }).as_bytes()).unwrap();
    assert_eq!(
        value,
        json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": ["../x"],
            "labels": [{"includeSelectors": true, "pairs": {"a": "b"}}],
            "patches": [{"path": "p.yaml"}, {"patch": "kind: X"}],
            "configMapGenerator": [{"name": "c", "envs": ["e"]}],
        })
    );
}

#[test]
fn creates() {
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let tree = FileTree::from_files([
        ("d/a.yaml", object),
        ("d/values.yaml", "x: y"),
        ("d/sub/b.yml", object),
        ("d/base/kustomization.yaml", "resources: [x.yaml]"),
        ("d/base/x.yaml", object),
    ])
    .unwrap();
    let options = Create { autodetect: true, recursive: true, name_prefix: "p-".into(), ..Create::default() };
    assert_eq!(
        create(&tree, "d", &options).unwrap(),
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- a.yaml\n- base\n- sub/b.yml\nnamePrefix: p-\n"
    );
    let error = create(&tree, "d/base", &options).unwrap_err();
    assert_eq!(error.to_string(), "kustomization file already exists");
}
