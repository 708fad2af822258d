//! The sources of volumes, in pods and as persistent volumes (`pkg/apis/core/validation`, validateVolumeSource and
//! ValidatePersistentVolumeSpec).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fields::{Causes, each, items, one_of, text};
use super::projected;
use crate::failure::Cause;
use crate::names;
use crate::quantity::Quantity;

/// Sources of the volumes of pods, in the order in which Kubernetes looks for them.
const OF_PODS: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// Sources of persistent volumes.
const PERSISTENT: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

/// The source of a pod's volume.
pub(super) fn of_pod(volume: &Value, path: &str, causes: &mut Causes) {
    one(volume, &OF_PODS, path, false, causes);
}

/// The source of a persistent volume.
pub(super) fn persistent(spec: &Value, path: &str, causes: &mut Causes) {
    one(spec, &PERSISTENT, path, true, causes);
}

fn one(holder: &Value, kinds: &[&str], path: &str, persistent: bool, causes: &mut Causes) {
    let mut given = 0;
    for key in kinds {
        let body = &holder[*key];
        if !body.is_object() {
            continue;
        }
        given += 1;
        // compat(kube-apiserver): this one may come second.
        if given > 1 && !(persistent && *key == "flexVolume") {
            // compat(kube-apiserver): two of them have other names in this message.
            let shown = match *key {
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI",
                key => key,
            };
            let detail = "may not specify more than 1 volume type";
            causes.push(Cause::forbidden(format!("{path}.{shown}"), detail));
            continue;
        }
        // compat(kube-apiserver): this disk has another name in messages.
        let shown = if *key == "gcePersistentDisk" { "persistentDisk" } else { key };
        Source { body, path: format!("{path}.{shown}"), persistent }.check(key, causes);
    }
    if given == 0 {
        causes.push(Cause::required(path, "must specify a volume type"));
    }
}

/// The mode of a file.
pub(super) fn mode(value: &Value, path: &str, causes: &mut Causes) {
    if value.as_i64().is_some_and(|it| !(0..=0o777).contains(&it)) {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive";
        causes.push(Cause::invalid(path, value, detail));
    }
}

/// A path that does not climb.
pub(super) fn no_backsteps(value: &Value, path: &str, causes: &mut Causes) {
    if text(value).split('/').any(|part| part == "..") {
        causes.push(Cause::invalid(path, value, "must not contain '..'"));
    }
}

/// A path that stays below where it starts.
pub(super) fn descending(value: &Value, path: &str, causes: &mut Causes) {
    if text(value).starts_with('/') {
        causes.push(Cause::invalid(path, value, "must be a relative path"));
    }
    no_backsteps(value, path, causes);
}

/// The same, which does not begin with two dots either.
pub(super) fn not_reserved(value: &Value, path: &str, causes: &mut Causes) {
    descending(value, path, causes);
    if text(value).starts_with("..") && !text(value).starts_with("../") && text(value) != ".." {
        causes.push(Cause::invalid(path, value, "must not start with '..'"));
    }
}

/// Keys that are laid out as files.
pub(super) fn keys(list: &Value, path: &str, causes: &mut Causes) {
    for (at, it) in items(list, path) {
        if text(&it["key"]).is_empty() {
            causes.push(Cause::required(format!("{at}.key"), ""));
        }
        if text(&it["path"]).is_empty() {
            causes.push(Cause::required(format!("{at}.path"), ""));
        }
        not_reserved(&it["path"], &format!("{at}.path"), causes);
        mode(&it["mode"], &format!("{at}.mode"), causes);
    }
}

/// The name of a CSI driver.
pub(super) fn driver(value: &Value, path: &str, causes: &mut Causes) {
    let name = text(value);
    if name.is_empty() {
        causes.push(Cause::required(path, ""));
        return;
    }
    if name.len() > 63 {
        causes.push(Cause::too_long(path, 63));
    }
    each(names::subdomain(&name.to_lowercase()), &name.into(), path, causes);
}

/// One source, and its place.
struct Source<'a> {
    body: &'a Value,
    path: String,
    persistent: bool,
}

impl Source<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    fn needs(&self, fields: &[&str], causes: &mut Causes) {
        for field in fields {
            let value = &self.body[*field];
            if text(value).is_empty() && value.as_array().is_none_or(Vec::is_empty) {
                causes.push(Cause::required(self.at(field), ""));
            }
        }
    }

    fn between(&self, field: &str, causes: &mut Causes) {
        let value = &self.body[field];
        if value.as_i64().is_some_and(|it| !(0..=255).contains(&it)) {
            causes.push(Cause::invalid(self.at(field), value, "must be between 0 and 255, inclusive"));
        }
    }

    /// compat(kube-apiserver): zero is taken, and is not told of.
    fn partition(&self, causes: &mut Causes) {
        let value = &self.body["partition"];
        if value.as_i64().is_some_and(|it| !(0..=255).contains(&it)) {
            let detail = "must be between 1 and 255, inclusive";
            causes.push(Cause::invalid(self.at("partition"), value, detail));
        }
    }

    /// A reference to a Secret; persistent volumes name its namespace too.
    fn secret(&self, field: &str, causes: &mut Causes) {
        let secret = &self.body[field];
        if !secret.is_object() {
            return;
        }
        let keys: &[&str] = if self.persistent { &["name", "namespace"] } else { &["name"] };
        for key in keys {
            if text(&secret[*key]).is_empty() {
                causes.push(Cause::required(self.at(&format!("{field}.{key}")), ""));
            }
        }
    }

    fn check(&self, key: &str, causes: &mut Causes) {
        match key {
            "emptyDir" | "hostPath" | "local" | "nfs" | "persistentVolumeClaim" | "image" | "gitRepo" => {
                self.plain(key, causes);
            }
            "secret" | "configMap" | "downwardAPI" | "projected" | "ephemeral" => self.objects(key, causes),
            "csi" => self.csi(causes),
            "iscsi" | "fc" => self.block(key, causes),
            _ => self.provider(key, causes),
        }
    }

    fn plain(&self, key: &str, causes: &mut Causes) {
        let body = self.body;
        match key {
            "emptyDir" if Quantity::of(&body["sizeLimit"]).is_some_and(|it| it.sign() < 0) => {
                let detail = "SizeLimit field must be a valid resource quantity";
                causes.push(Cause::forbidden(self.at("sizeLimit"), detail));
            }
            "emptyDir" => {}
            "hostPath" | "local" => {
                self.needs(&["path"], causes);
                if text(&body["path"]).is_empty() {
                    return;
                }
                no_backsteps(&body["path"], &self.at("path"), causes);
                if !body["type"].is_null() {
                    one_of(&body["type"], &HOST_PATHS, &self.at("type"), causes);
                }
            }
            "nfs" => {
                self.needs(&["server", "path"], causes);
                if !text(&body["path"]).starts_with('/') {
                    let value = text(&body["path"]).into();
                    causes.push(Cause::invalid(self.at("path"), &value, "must be an absolute path"));
                }
            }
            "persistentVolumeClaim" => self.needs(&["claimName"], causes),
            "gitRepo" => {
                self.needs(&["repository"], causes);
                descending(&body["directory"], &self.at("directory"), causes);
            }
            _ => {
                self.needs(&["reference"], causes);
                if !body["pullPolicy"].is_null() {
                    let policies = ["Always", "IfNotPresent", "Never"];
                    one_of(&body["pullPolicy"], &policies, &self.at("pullPolicy"), causes);
                }
            }
        }
    }

    fn objects(&self, key: &str, causes: &mut Causes) {
        let body = self.body;
        match key {
            "secret" | "configMap" => {
                self.needs(&[if key == "secret" { "secretName" } else { "name" }], causes);
                mode(&body["defaultMode"], &self.at("defaultMode"), causes);
                keys(&body["items"], &self.at("items"), causes);
            }
            "downwardAPI" => {
                mode(&body["defaultMode"], &self.at("defaultMode"), causes);
                for (_, file) in items(&body["items"], &self.path) {
                    // compat(kube-apiserver): the place of the item is left out.
                    projected::file(file, &self.path, causes);
                }
            }
            "projected" => projected::volume(body, &self.path, causes),
            _ => {
                let template = &body["volumeClaimTemplate"];
                let at = self.at("volumeClaimTemplate");
                if template.is_object() {
                    super::labels(&template["metadata"]["labels"], &format!("{at}.metadata.labels"), causes);
                    given_metadata(&template["metadata"], &format!("{at}.metadata"), causes);
                    super::volumes::claim(&template["spec"], &format!("{at}.spec"), causes);
                } else {
                    causes.push(Cause::required(at, ""));
                }
            }
        }
    }

    fn csi(&self, causes: &mut Causes) {
        driver(&self.body["driver"], &self.at("driver"), causes);
        if !self.persistent {
            let name = &self.body["nodePublishSecretRef"]["name"];
            if self.body["nodePublishSecretRef"].is_object() && text(name).is_empty() {
                causes.push(Cause::required(self.at("nodePublishSecretRef.name"), ""));
            } else if !text(name).is_empty() {
                each(names::subdomain(text(name)), name, &self.at("name"), causes);
            }
            return;
        }
        self.needs(&["volumeHandle"], causes);
        for field in [
            "controllerPublishSecretRef",
            "controllerExpandSecretRef",
            "nodePublishSecretRef",
            "nodeExpandSecretRef",
        ] {
            let secret = &self.body[field];
            if !secret.is_object() {
                continue;
            }
            for (key, check) in
                [("name", names::subdomain as fn(&str) -> Vec<String>), ("namespace", names::label)]
            {
                let at = self.at(&format!("{field}.{key}"));
                match text(&secret[key]) {
                    "" => causes.push(Cause::required(at, "")),
                    name => each(check(name), &secret[key], &at, causes),
                }
            }
        }
    }

    fn block(&self, key: &str, causes: &mut Causes) {
        let body = self.body;
        if key == "fc" {
            let given = |field: &str| body[field].as_array().is_some_and(|it| !it.is_empty());
            let at = self.at("targetWWNs");
            match (given("targetWWNs"), given("wwids")) {
                (false, false) => {
                    let detail = "must specify either targetWWNs or wwids, but not both";
                    causes.push(Cause::required(at, detail));
                }
                (true, true) => {
                    let detail = "targetWWNs and wwids can not be specified simultaneously";
                    causes.push(Cause::invalid(at, &body["targetWWNs"], detail));
                }
                _ => {}
            }
            if given("targetWWNs") && body["lun"].is_null() {
                causes.push(Cause::required(self.at("lun"), "lun is required if targetWWNs is specified"));
            } else if given("targetWWNs") {
                self.between("lun", causes);
            }
            return;
        }
        self.needs(&["targetPortal", "iqn"], causes);
        let name = text(&body["iqn"]);
        if !name.is_empty() && !["iqn", "eui", "naa"].iter().any(|it| name.starts_with(it)) {
            let detail = if self.persistent {
                "must be valid format"
            } else {
                "must be valid format starting with iqn, eui, or naa"
            };
            causes.push(Cause::invalid(self.at("iqn"), &body["iqn"], detail));
        }
        self.between("lun", causes);
        if let Some(name) = body["initiatorName"].as_str()
            && !["iqn", "eui", "naa"].iter().any(|it| name.starts_with(it))
        {
            let detail = if self.persistent {
                "must be valid format"
            } else {
                "must be valid format starting with iqn, eui, or naa"
            };
            causes.push(Cause::invalid(self.at("initiatorname"), &name.into(), detail));
        }
        let secured = body["chapAuthDiscovery"] == true || body["chapAuthSession"] == true;
        if secured && !body["secretRef"].is_object() {
            causes.push(Cause::required(self.at("secretRef"), ""));
        }
        if self.persistent && body["secretRef"].is_object() && text(&body["secretRef"]["name"]).is_empty() {
            causes.push(Cause::required(self.at("secretRef.name"), ""));
        }
    }

    fn azure_disk(&self, causes: &mut Causes) {
        self.needs(&["diskName", "diskURI"], causes);
        let (uri, modes) = (&self.body["diskURI"], ["None", "ReadOnly", "ReadWrite"]);
        let mode = &self.body["cachingMode"];
        if !mode.is_null() {
            one_of(mode, &modes, &self.at("cachingMode"), causes);
        }
        let kind = &self.body["kind"];
        if !kind.is_null() {
            one_of(kind, &["Dedicated", "Managed", "Shared"], &self.at("kind"), causes);
        }
        let managed = *kind == "Managed";
        let (start, shown) = if managed {
            (
                "/subscriptions/",
                "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
            )
        } else {
            ("https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd")
        };
        if !kind.is_null() && !text(uri).starts_with(start) {
            causes.push(Cause::unsupported(self.at("diskURI"), &text(uri).into(), &[shown]));
        }
    }

    fn provider(&self, key: &str, causes: &mut Causes) {
        match key {
            "gcePersistentDisk" => {
                self.needs(&["pdName"], causes);
                self.partition(causes);
            }
            "awsElasticBlockStore" => {
                self.needs(&["volumeID"], causes);
                self.partition(causes);
            }
            "glusterfs" => self.needs(&["endpoints", "path"], causes),
            "rbd" => self.needs(&["monitors", "image"], causes),
            "cephfs" => self.needs(&["monitors"], causes),
            "cinder" => {
                self.needs(&["volumeID"], causes);
                self.secret("secretRef", causes);
            }
            "flexVolume" => self.needs(&["driver"], causes),
            "azureFile" => self.needs(&["secretName", "shareName"], causes),
            "azureDisk" => self.azure_disk(causes),
            "vsphereVolume" => self.needs(&["volumePath"], causes),
            "photonPersistentDisk" => self.needs(&["pdID"], causes),
            "portworxVolume" => self.needs(&["volumeID"], causes),
            "scaleIO" => self.needs(&["gateway", "system", "volumeName"], causes),
            "storageos" => {
                self.needs(&["volumeName"], causes);
                self.secret("secretRef", causes);
            }
            "quobyte" => {
                let registry = text(&self.body["registry"]);
                if registry.is_empty() {
                    let detail = "must be a host:port pair or multiple pairs separated by commas";
                    causes.push(Cause::required(self.at("registry"), detail));
                } else if registry.split(',').any(|it| !it.contains(':')) {
                    let detail = "must be a host:port pair or multiple pairs separated by commas";
                    causes.push(Cause::invalid(self.at("registry"), &registry.into(), detail));
                }
                self.needs(&["volume"], causes);
            }
            "flocker" => {
                let given = |field: &str| !text(&self.body[field]).is_empty();
                match (given("datasetName"), given("datasetUUID")) {
                    (false, false) => causes
                        .push(Cause::required(&self.path, "one of datasetName and datasetUUID is required")),
                    (true, false) if text(&self.body["datasetName"]).contains('/') => {
                        let (field, name) = (self.at("datasetName"), &self.body["datasetName"]);
                        causes.push(Cause::invalid(field, name, "must not contain '/'"));
                    }
                    (true, true) => causes.push(Cause::invalid(
                        &self.path,
                        &"resource".into(),
                        "datasetName and datasetUUID can not be specified simultaneously",
                    )),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// What the metadata of a claim's template may not say; the rest is the pod's.
fn given_metadata(metadata: &Value, path: &str, causes: &mut Causes) {
    for key in metadata.as_object().into_iter().flatten().map(|it| it.0.as_str()) {
        if !matches!(key, "labels" | "annotations") {
            let shown = if key == "uid" { "uID" } else { key };
            causes.push(Cause::forbidden(format!("{path}.{shown}"), "cannot be set"));
        }
    }
}

const HOST_PATHS: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// A topology that a class allows.
pub(super) fn topologies(list: &Value, path: &str, causes: &mut Causes) {
    let mut terms = Vec::new();
    for (at, term) in items(list, path) {
        let mut seen = BTreeSet::new();
        let repeated = is_repeated(term, &mut terms);
        for (at, it) in items(&term["matchLabelExpressions"], &format!("{at}.matchLabelExpressions")) {
            let values = items(&it["values"], &format!("{at}.values"));
            if values.is_empty() {
                causes.push(Cause::required(format!("{at}.values"), ""));
            }
            let mut known = BTreeSet::new();
            for (at, value) in &values {
                if !known.insert(text(value)) {
                    causes.push(Cause::duplicate(at.as_str(), value));
                }
            }
            each(names::qualified_name(text(&it["key"])), &it["key"], &format!("{at}.key"), causes);
            if !seen.insert(text(&it["key"])) {
                causes.push(Cause::duplicate(format!("{at}.key"), &it["key"]));
            }
        }
        if repeated {
            causes.push(Cause::duplicate(format!("{at}.matchLabelExpressions"), &"".into()));
        }
    }
}

/// The keys and values of a term.
type Term<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Whether a term says what one of those before it says.
fn is_repeated<'a>(term: &'a Value, before: &mut Vec<Term<'a>>) -> bool {
    let list = term["matchLabelExpressions"].as_array().into_iter().flatten();
    let values = |it: &'a Value| it["values"].as_array().into_iter().flatten().map(text).collect();
    let known: Term<'a> = list.map(|it| (text(&it["key"]), values(it))).collect();
    let repeated = before.contains(&known);
    before.push(known);
    repeated
}
