//! `patches`, and the selectors of their targets.

use serde_json::{Map, Value};

use crate::decode::go_struct;
use crate::id::{Gvk, ResId};

go_struct! {
    /// Picks resources by regular expressions and selectors.
    Selector = "Selector" {
        group: String = "group" in "ResId.Gvk",
        version: String = "version" in "ResId.Gvk",
        kind: String = "kind" in "ResId.Gvk",
        name: String = "name" in "ResId",
        namespace: String = "namespace" in "ResId",
        annotations: String = "annotationSelector",
        labels: String = "labelSelector",
    }
}

impl Selector {
    pub(crate) fn id(&self) -> ResId {
        let gvk = Gvk::new(&self.group, &self.version, &self.kind);
        ResId::selected(gvk, &self.name, &self.namespace)
    }

    /// As a message shows it.
    pub(crate) fn shown(&self) -> String {
        format!("{}:a={}:l={}", self.id(), self.annotations, self.labels)
    }

    pub(crate) fn to_json(&self) -> Value {
        let fields = [
            ("annotationSelector", &self.annotations),
            ("group", &self.group),
            ("kind", &self.kind),
            ("labelSelector", &self.labels),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("version", &self.version),
        ];
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        Value::Object(given.map(|(name, text)| (name.to_owned(), Value::from(text.as_str()))).collect())
    }
}

go_struct! {
    /// `options` of a patch.
    PatchOptions = "PatchArgs" {
        allow_name_change: bool = "allowNameChange",
        allow_kind_change: bool = "allowKindChange",
    }
}

go_struct! {
    /// One of `patches`.
    Patch = "Patch" {
        path: String = "path",
        patch: String = "patch",
        target: Option<Selector> = "target",
        options: Option<PatchOptions> = "options",
    }
}

impl Patch {
    /// The patch as the configuration of the transformer that applies it, for messages. `patch` is the name of the
    /// field that holds the patch itself.
    pub(crate) fn config_text(&self, patch: &str) -> String {
        let mut map = Map::new();
        if !self.path.is_empty() {
            map.insert("path".into(), self.path.as_str().into());
        }
        if !self.patch.is_empty() {
            map.insert(patch.into(), self.patch.as_str().into());
        }
        if let Some(target) = &self.target {
            map.insert("target".into(), target.to_json());
        }
        if let Some(options) = &self.options {
            let mut shown = Map::new();
            if options.allow_kind_change {
                shown.insert("allowKindChange".into(), true.into());
            }
            if options.allow_name_change {
                shown.insert("allowNameChange".into(), true.into());
            }
            map.insert("options".into(), Value::Object(shown));
        }
        gyre_yaml::write_value(&Value::Object(map))
    }
}
