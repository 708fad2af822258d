//! Writes the definitions of our kinds from their shapes: `crates/gyre-api/crds/*.yaml`.

use std::fs;
use std::path::Path;

use gyre_api::argo::{AppProjectSpec, ApplicationSpec};
use gyre_api::flux::{GitRepositorySpec, GitRepositoryStatus, KustomizationSpec, KustomizationStatus};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// A kind to define.
struct Definition {
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    shorts: &'static [&'static str],
    categories: &'static [&'static str],
    /// The stored version first.
    versions: &'static [&'static str],
    spec: Value,
    status: Value,
    /// Is the status a subresource?
    subresource: bool,
    /// What shapes cannot say: pointers into the schema, and what is set there.
    rules: Vec<(&'static str, Value)>,
    columns: Vec<(&'static str, &'static str, &'static str)>,
}

const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$";

/// Writes all definitions into `dir`.
pub(crate) fn write(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    for definition in definitions() {
        let name = format!("{}.{}", definition.plural, definition.group);
        let text = gyre_yaml::write_value(&render(&definition, &name));
        fs::write(dir.join(format!("{name}.yaml")), text)?;
        println!("{name}");
    }
    Ok(())
}

fn definitions() -> [Definition; 4] {
    [git_repository(), kustomization(), application(), app_project()]
}

/// The printed columns of Flux's kinds.
fn columns(first: Option<(&'static str, &'static str)>) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut columns: Vec<_> = first.map(|(name, path)| (name, "string", path)).into_iter().collect();
    columns.push(("Age", "date", ".metadata.creationTimestamp"));
    columns.push(("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#));
    columns.push(("Status", "string", r#".status.conditions[?(@.type=="Ready")].message"#));
    columns
}

fn git_repository() -> Definition {
    Definition {
        group: "source.toolkit.fluxcd.io",
        kind: "GitRepository",
        plural: "gitrepositories",
        shorts: &["gitrepo"],
        categories: &["all", "fluxcd", "fluxcd-sources"],
        versions: &["v1", "v1beta2", "v1beta1"],
        spec: schema::<GitRepositorySpec>(),
        status: schema::<GitRepositoryStatus>(),
        subresource: true,
        rules: vec![
            ("/spec/required", json!(["interval", "url"])),
            ("/spec/properties/url/pattern", "^(http|https|ssh|file)://.*$".into()),
            ("/spec/properties/interval/pattern", DURATION.into()),
            ("/spec/properties/timeout/pattern", r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$".into()),
            ("/spec/properties/timeout/default", "60s".into()),
            ("/spec/properties/provider/enum", json!(["generic", "aws", "azure", "github"])),
            ("/spec/properties/verify/properties/mode/enum", json!(["head", "HEAD", "Tag", "TagAndHEAD"])),
            ("/spec/properties/verify/properties/mode/default", "HEAD".into()),
            ("/spec/properties/secretRef/required", json!(["name"])),
        ],
        columns: columns(Some(("URL", ".spec.url"))),
    }
}

fn kustomization() -> Definition {
    Definition {
        group: "kustomize.toolkit.fluxcd.io",
        kind: "Kustomization",
        plural: "kustomizations",
        shorts: &["ks"],
        categories: &["all", "fluxcd", "fluxcd-appliers"],
        versions: &["v1", "v1beta2", "v1beta1"],
        spec: schema::<KustomizationSpec>(),
        status: schema::<KustomizationStatus>(),
        subresource: true,
        rules: vec![
            ("/spec/required", json!(["interval", "prune", "sourceRef"])),
            ("/spec/properties/interval/pattern", DURATION.into()),
            ("/spec/properties/retryInterval/pattern", DURATION.into()),
            ("/spec/properties/timeout/pattern", DURATION.into()),
            ("/spec/properties/force/default", false.into()),
            ("/spec/properties/targetNamespace/minLength", 1.into()),
            ("/spec/properties/targetNamespace/maxLength", 63.into()),
            ("/spec/properties/validation/enum", json!(["none", "client", "server"])),
            (
                "/spec/properties/deletionPolicy/enum",
                json!(["MirrorPrune", "Delete", "WaitForTermination", "Orphan"]),
            ),
            ("/spec/properties/sourceRef/required", json!(["kind", "name"])),
            (
                "/spec/properties/sourceRef/properties/kind/enum",
                json!(["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"]),
            ),
            ("/spec/properties/healthChecks/items/required", json!(["kind", "name"])),
            ("/spec/properties/dependsOn/items/required", json!(["name"])),
            ("/spec/properties/images/items/required", json!(["name"])),
            ("/spec/properties/patches/items/required", json!(["patch"])),
        ],
        columns: columns(None),
    }
}

fn application() -> Definition {
    Definition {
        group: "argoproj.io",
        kind: "Application",
        plural: "applications",
        shorts: &["app", "apps"],
        categories: &[],
        versions: &["v1alpha1"],
        spec: open(schema::<ApplicationSpec>()),
        status: open(json!({"type": "object"})),
        subresource: false,
        rules: vec![("/spec/required", json!(["destination", "project"]))],
        columns: vec![
            ("Sync Status", "string", ".status.sync.status"),
            ("Health Status", "string", ".status.health.status"),
            ("Revision", "string", ".status.sync.revision"),
            ("Project", "string", ".spec.project"),
        ],
    }
}

fn app_project() -> Definition {
    Definition {
        group: "argoproj.io",
        kind: "AppProject",
        plural: "appprojects",
        shorts: &["appproj", "appprojs"],
        categories: &[],
        versions: &["v1alpha1"],
        spec: open(schema::<AppProjectSpec>()),
        status: open(json!({"type": "object"})),
        subresource: false,
        rules: Vec::new(),
        columns: Vec::new(),
    }
}

/// A schema that keeps fields it does not know: an Application may say what no version knows, and is told so.
fn open(mut schema: Value) -> Value {
    schema["x-kubernetes-preserve-unknown-fields"] = true.into();
    schema
}

fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    structural(&mut schema);
    schema
}

/// What a schema of a definition may hold (`apiextensions.k8s.io/v1`, structural schemas): no titles, no widths of
/// unsigned numbers, and no defaults but those that the rules set.
fn structural(schema: &mut Value) {
    match schema {
        Value::Bool(_) => *schema = json!({"x-kubernetes-preserve-unknown-fields": true}),
        Value::Object(map) => {
            for key in ["title", "default", "nullable", "$schema", "minimum", "required"] {
                map.remove(key);
            }
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.insert("format".into(), "int64".into());
            }
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                properties.values_mut().for_each(structural);
            }
            for key in ["items", "additionalProperties"] {
                if let Some(inner) = map.get_mut(key).filter(|inner| **inner != Value::Bool(false)) {
                    structural(inner);
                }
            }
            let untyped =
                !map.contains_key("type") && !map.contains_key("x-kubernetes-preserve-unknown-fields");
            if untyped {
                map.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
            }
        }
        _ => {}
    }
}

fn render(definition: &Definition, name: &str) -> Value {
    let mut parts = json!({"spec": definition.spec, "status": definition.status});
    for (pointer, value) in &definition.rules {
        set(&mut parts, pointer, value.clone());
    }
    if definition.subresource {
        parts["status"]["default"] = json!({"observedGeneration": -1});
    }
    let mut properties = json!({
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": parts["spec"],
        "status": parts["status"],
    });
    if definition.kind == "Application" {
        properties["operation"] = open(json!({"type": "object"}));
    }
    let columns: Vec<Value> = definition
        .columns
        .iter()
        .map(|(name, kind, path)| {
            let mut column = json!({"name": name, "type": kind, "jsonPath": path});
            // Only wide tables show what has a priority.
            if matches!(*name, "Revision" | "Project") {
                column["priority"] = 10.into();
            }
            column
        })
        .collect();
    let versions: Vec<Value> = definition
        .versions
        .iter()
        .enumerate()
        .map(|(index, version)| {
            let mut version = json!({
                "name": version,
                "served": true,
                "storage": index == 0,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
            });
            if !columns.is_empty() {
                version["additionalPrinterColumns"] = columns.clone().into();
            }
            if definition.subresource {
                version["subresources"] = json!({"status": {}});
            }
            version
        })
        .collect();
    let lower = definition.kind.to_lowercase();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": definition.group,
            "names": {
                "categories": definition.categories,
                "kind": definition.kind,
                "listKind": format!("{}List", definition.kind),
                "plural": definition.plural,
                "shortNames": definition.shorts,
                "singular": lower,
            },
            "scope": "Namespaced",
            "versions": versions,
        },
    })
}

/// Sets a value at a pointer; what is missing on the way is made.
fn set(value: &mut Value, pointer: &str, new: Value) {
    let mut here = value;
    for token in pointer.split('/').skip(1) {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = &mut here[token];
    }
    *here = new;
}
