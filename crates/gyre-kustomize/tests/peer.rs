//! What Kustomize does where one would not expect it, as it was seen to do it.

use gyre_kustomize::{LoadRestrictions, Options, build};
use gyre_model::FileTree;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n";
const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";

fn rendered(options: &Options<'_>, kustomization: &str, resources: &str) -> Result<String, String> {
    let files = [("app/kustomization.yaml", kustomization), ("app/r.yaml", resources)];
    let tree = FileTree::from_files(files).expect("the files make a tree");
    let options = Options { shown_root: "/root", ..*options };
    build(&options, &tree, "app").map(|rendered| rendered.to_yaml()).map_err(|error| error.to_string())
}

/// A Pod with these containers after a patch with those.
fn merged(containers: &str, patch: &str) -> String {
    let patch = format!("{POD}{patch}").replace('\n', "\n    ");
    let kustomization = format!("resources: [r.yaml]\npatches:\n- patch: |\n    {patch}\n");
    let pod = rendered(&Options::default(), &kustomization, &format!("{POD}{containers}"));
    pod.expect("the Pod is rendered").strip_prefix(POD).expect("the Pod is the same otherwise").to_owned()
}

#[test]
fn a_port_without_protocol_pushes_out_one_of_the_same_number() {
    let found = merged(
        "  - name: c\n    ports: [{containerPort: 80, name: http}]\n",
        "  - name: c\n    ports: [{containerPort: 80, protocol: UDP}, {containerPort: 81}]\n",
    );
    let wanted =
        "  - name: c\n    ports:\n    - containerPort: 81\n    - containerPort: 80\n      name: http\n";
    assert_eq!(found, wanted);
}

#[test]
fn an_item_without_its_key_pushes_out_all_before_it() {
    let found = merged("  - {name: a}\n  - {name: b}\n  - {image: x}\n", "  - {name: b, image: new}\n");
    assert_eq!(found, "  - image: x\n");
}

#[test]
fn namespaces_are_sorted_as_other_kinds_where_the_lists_do_not_name_them() {
    let kustomization = "resources: [r.yaml]\nsortOptions: {order: legacy, legacySortOptions: {orderFirst: [Secret], orderLast: [ConfigMap]}}\n";
    let object =
        |version: &str, kind: &str| format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: x\n");
    let (namespace, deployment) = (object("v1", "Namespace"), object("apps/v1", "Deployment"));
    let (config_map, secret) = (object("v1", "ConfigMap"), object("v1", "Secret"));
    let given = [&*namespace, &*config_map, &*deployment, &*secret].join("---\n");
    let wanted = [&*secret, &*deployment, &*namespace, &*config_map].join("---\n");
    assert_eq!(rendered(&Options::default(), kustomization, &given), Ok(wanted));
}

#[test]
fn a_bad_label_selector_is_told_where_a_resource_is_compared_with_it() {
    let build = |kind: &str| {
        let kustomization = format!(
            "resources: [r.yaml]\npatches:\n- target: {{kind: {kind}, labelSelector: a b}}\n  patch: '[{{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}}]'\n"
        );
        rendered(&Options::default(), &kustomization, CONFIG_MAP)
    };
    assert!(build("Pod").is_ok());
    let error = build("ConfigMap").expect_err("a refusal");
    let wanted = "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'";
    assert!(error.ends_with(wanted), "{error}");
}

#[test]
fn what_cannot_be_read_is_told_in_the_words_of_go() {
    let error = |kustomization: &str| rendered(&Options::default(), kustomization, CONFIG_MAP);
    assert_eq!(
        error("resources: [r.yaml]\nreplicas: [{name: web, count: 99999999999999999999}]\n"),
        Err("invalid Kustomization: json: cannot unmarshal number 100000000000000000000 into Go struct field \
             Replica.replicas.count of type int64"
            .to_owned())
    );
    assert_eq!(
        error("resources: [r.yaml]\ncrds: [r.yaml]\n"),
        Err("loading CRDs [r.yaml]: unable to parse open API definition from 'r.yaml': error unmarshaling JSON: while \
             decoding JSON: json: cannot unmarshal string into Go value of type accumulator.OpenAPIDefinition"
            .to_owned())
    );
}

#[test]
fn without_restrictions_a_missing_file_is_one_that_cannot_be_opened() {
    let error = |load_restrictions| {
        let options = Options { load_restrictions, ..Options::default() };
        rendered(&options, "configurations: [gone.yaml]\nresources: [r.yaml]\n", CONFIG_MAP)
    };
    assert_eq!(
        error(LoadRestrictions::None),
        Err("open /root/app/gone.yaml: no such file or directory".to_owned())
    );
    assert_eq!(
        error(LoadRestrictions::RootOnly),
        Err(
            "evalsymlink failure on '/root/app/gone.yaml' : lstat /root/app/gone.yaml: no such file or directory"
                .to_owned()
        )
    );
}
