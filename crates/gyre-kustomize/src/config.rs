//! Where each transformer writes: the built-in field specs and those of `configurations` and `crds`.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use gyre_yaml::{SmolStr, yaml_to_json_strict};

use crate::decode::{Mode, decode, go_struct};
use crate::error::{Error, Result, fail};
use crate::fieldspec::FieldSpec;
use crate::id::Gvk;
use crate::load::{Root, Spent};
use crate::types::FieldSpecShape;

mod crds;

pub(crate) use crds::from_crds;

const DEFAULT: &str = include_str!("config/default.txt");

/// Kinds that sort first, and those that sort last.
pub(crate) const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
pub(crate) const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// A kind whose name is referred to, and the fields that do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NameReference {
    pub(crate) gvk: Gvk,
    pub(crate) referrers: Vec<FieldSpec>,
}

/// The field specs of all transformers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_references: Vec<NameReference>,
    pub(crate) var_references: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

go_struct! {
    /// A name reference as it is written.
    NameReferenceShape = "NameBackReferences" {
        group: String = "group" in "Gvk",
        version: String = "version" in "Gvk",
        kind: String = "kind" in "Gvk",
        referrers: Vec<FieldSpecShape> = "fieldSpecs",
    }
}

go_struct! {
    /// A file of `configurations`.
    ConfigShape = "TransformerConfig" {
        name_prefix: Vec<FieldSpecShape> = "namePrefix",
        name_suffix: Vec<FieldSpecShape> = "nameSuffix",
        namespace: Vec<FieldSpecShape> = "namespace",
        common_labels: Vec<FieldSpecShape> = "commonLabels",
        labels: Vec<FieldSpecShape> = "labels",
        template_labels: Vec<FieldSpecShape> = "templateLabels",
        common_annotations: Vec<FieldSpecShape> = "commonAnnotations",
        name_references: Vec<NameReferenceShape> = "nameReference",
        var_references: Vec<FieldSpecShape> = "varReference",
        images: Vec<FieldSpecShape> = "images",
        replicas: Vec<FieldSpecShape> = "replicas",
    }
}

pub(crate) fn specs(shapes: &[FieldSpecShape]) -> Vec<FieldSpec> {
    let spec = |shape: &FieldSpecShape| FieldSpec {
        gvk: Gvk::new(&shape.group, &shape.version, &shape.kind),
        path: shape.path.as_str().into(),
        create: shape.create,
    };
    shapes.iter().map(spec).collect()
}

impl Config {
    /// The built-in field specs.
    pub(crate) fn builtin() -> Arc<Self> {
        static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
        Arc::clone(CONFIG.get_or_init(|| Arc::new(read_default(DEFAULT))))
    }

    /// The built-in field specs with those of the given files.
    pub(crate) fn with_files(root: &Root<'_>, paths: &[String], spent: &mut Spent) -> Result<Arc<Self>> {
        let builtin = Self::builtin();
        if paths.is_empty() {
            return Ok(builtin);
        }
        let mut added = Self::default();
        for path in paths {
            let content = root.read(path, spent)?;
            added = added.merge(&Self::read(&content)?)?;
        }
        builtin.merge(&added).map(Arc::new)
    }

    fn read(content: &[u8]) -> Result<Self> {
        let value = yaml_to_json_strict(content)
            .map_err(|error| Error::new(format!("error converting YAML to JSON: {error}")))?;
        let shape: ConfigShape = decode(&value, Mode::Strict)
            .map_err(|text| Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}")))?;
        let mut config = Self {
            name_prefix: specs(&shape.name_prefix),
            name_suffix: specs(&shape.name_suffix),
            namespace: specs(&shape.namespace),
            common_labels: specs(&shape.common_labels),
            labels: specs(&shape.labels),
            template_labels: specs(&shape.template_labels),
            common_annotations: specs(&shape.common_annotations),
            name_references: shape
                .name_references
                .iter()
                .map(|shape| NameReference {
                    gvk: Gvk::new(&shape.group, &shape.version, &shape.kind),
                    referrers: specs(&shape.referrers),
                })
                .collect(),
            var_references: specs(&shape.var_references),
            images: specs(&shape.images),
            replicas: specs(&shape.replicas),
        };
        config.sort();
        Ok(config)
    }

    fn lists_mut(&mut self) -> [(&'static str, &mut Vec<FieldSpec>); 10] {
        [
            ("NamePrefix", &mut self.name_prefix),
            ("NameSuffix", &mut self.name_suffix),
            ("NameSpace", &mut self.namespace),
            ("CommonAnnotations", &mut self.common_annotations),
            ("CommonLabels", &mut self.common_labels),
            ("Labels", &mut self.labels),
            ("TemplateLabels", &mut self.template_labels),
            ("VarReference", &mut self.var_references),
            ("Images", &mut self.images),
            ("Replicas", &mut self.replicas),
        ]
    }

    fn is_empty(&self) -> bool {
        let lists = [
            &self.name_prefix,
            &self.name_suffix,
            &self.namespace,
            &self.common_annotations,
            &self.common_labels,
            &self.labels,
            &self.template_labels,
            &self.var_references,
            &self.images,
            &self.replicas,
        ];
        self.name_references.is_empty() && lists.iter().all(|list| list.is_empty())
    }

    /// This with another's specs behind its own.
    pub(crate) fn merge(&self, other: &Self) -> Result<Self> {
        let mut merged = self.clone();
        let mut added = other.clone();
        for ((name, list), (_, more)) in merged.lists_mut().into_iter().zip(added.lists_mut()) {
            merge_specs(list, more)
                .map_err(|error| error.within(format!("failed to merge {name} fieldSpec")))?;
        }
        for reference in &other.name_references {
            merged
                .add_reference(reference)
                .map_err(|error| error.within("failed to merge NameReference fieldSpec"))?;
        }
        merged.sort();
        Ok(merged)
    }

    fn add_reference(&mut self, reference: &NameReference) -> Result<()> {
        match self.name_references.iter_mut().find(|known| known.gvk == reference.gvk) {
            Some(known) => merge_specs(&mut known.referrers, &reference.referrers),
            None => {
                self.name_references.push(reference.clone());
                Ok(())
            }
        }
    }

    fn sort(&mut self) {
        for (_, list) in self.lists_mut() {
            list.sort_by_cached_key(|spec| order(&spec.gvk));
        }
        self.name_references.sort_by_cached_key(|reference| order(&reference.gvk));
    }
}

/// Merges two configurations that may be the same one: that costs nothing.
pub(crate) fn merge_shared(a: &Arc<Config>, b: &Arc<Config>) -> Result<Arc<Config>> {
    static SETTLED: OnceLock<Arc<Config>> = OnceLock::new();
    let builtin = Config::builtin();
    if Arc::ptr_eq(b, &builtin) {
        if a.is_empty() {
            if let Some(settled) = SETTLED.get() {
                return Ok(Arc::clone(settled));
            }
            let settled = a.merge(b).map(Arc::new)?;
            return Ok(Arc::clone(SETTLED.get_or_init(|| settled)));
        }
        if SETTLED.get().is_some_and(|settled| Arc::ptr_eq(a, settled)) {
            return Ok(Arc::clone(a));
        }
    }
    if a.is_empty() && SETTLED.get().is_some_and(|settled| Arc::ptr_eq(b, settled)) {
        return Ok(Arc::clone(b));
    }
    if Arc::ptr_eq(a, b) || b.is_empty() {
        return Ok(Arc::clone(a));
    }
    // compat(kustomize): also into an empty one: of the sorted specs, a general one behind one for a kind is dropped.
    a.merge(b).map(Arc::new)
}

fn order(gvk: &Gvk) -> (i32, String) {
    (kind_order(&gvk.kind, &FIRST, &LAST), gvk.sort_text())
}

/// Kinds of the first list count from below zero, those of the last from above.
pub(crate) fn kind_order(kind: &str, first: &[impl AsRef<str>], last: &[impl AsRef<str>]) -> i32 {
    let mut found = 0;
    for (at, name) in first.iter().enumerate() {
        if name.as_ref() == kind {
            found = at as i32 - first.len() as i32;
        }
    }
    for (at, name) in last.iter().enumerate() {
        if name.as_ref() == kind {
            found = at as i32 + 1;
        }
    }
    found
}

/// Adds specs that are not there yet. One that is there must agree on creating the field.
pub(crate) fn merge_specs(list: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<()> {
    let mut by_path: HashMap<SmolStr, Vec<usize>> = HashMap::new();
    for (at, spec) in list.iter().enumerate() {
        by_path.entry(spec.path.clone()).or_default().push(at);
    }
    for spec in more {
        let same = by_path.get(&spec.path).into_iter().flatten();
        match same.map(|&at| &list[at]).find(|known| known.gvk.is_selected(&spec.gvk)) {
            Some(known) if known.create != spec.create => return fail("conflicting fieldspecs"),
            Some(_) => {}
            None => {
                by_path.entry(spec.path.clone()).or_default().push(list.len());
                list.push(spec.clone());
            }
        }
    }
    Ok(())
}

fn read_default(text: &'static str) -> Config {
    let mut config = Config::default();
    let mut section = "";
    let dash = |word| if word == "-" { "" } else { word };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.splitn(5, ' ');
        let mut word = || words.next().unwrap_or_default();
        match word() {
            "s" => section = line[2..].trim(),
            "n" => {
                let gvk = Gvk::new(dash(word()), dash(word()), dash(word()));
                config.name_references.push(NameReference { gvk, referrers: Vec::new() });
                section = "n";
            }
            create => {
                let gvk = Gvk::new(dash(word()), dash(word()), dash(word()));
                let spec = FieldSpec { gvk, path: SmolStr::new_static(word()), create: create == "+" };
                match section {
                    "n" => config.name_references.last_mut().map_or((), |last| last.referrers.push(spec)),
                    "namePrefix" => config.name_prefix.push(spec),
                    "nameSuffix" => config.name_suffix.push(spec),
                    "namespace" => config.namespace.push(spec),
                    "commonLabels" => config.common_labels.push(spec),
                    "labels" => config.labels.push(spec),
                    "templateLabels" => config.template_labels.push(spec),
                    "commonAnnotations" => config.common_annotations.push(spec),
                    "varReference" => config.var_references.push(spec),
                    "images" => config.images.push(spec),
                    _ => config.replicas.push(spec),
                }
            }
        }
    }
    config
}
