//! `replacements`.

use super::patch::Selector;
use crate::decode::{Int, go_struct};
use crate::id::{Gvk, ResId};

go_struct! {
    /// Which part of a field is meant.
    FieldOptions = "FieldOptions" {
        delimiter: String = "delimiter",
        index: Int = "index",
        encoding: String = "encoding",
        create: bool = "create",
    }
}

go_struct! {
    /// Where a value comes from.
    Source = "SourceSelector" {
        group: String = "group" in "ResId.Gvk",
        version: String = "version" in "ResId.Gvk",
        kind: String = "kind" in "ResId.Gvk",
        name: String = "name" in "ResId",
        namespace: String = "namespace" in "ResId",
        field_path: String = "fieldPath",
        options: Option<FieldOptions> = "options",
    }
}

impl Source {
    pub(crate) fn id(&self) -> ResId {
        let gvk = Gvk::new(&self.group, &self.version, &self.kind);
        ResId::selected(gvk, &self.name, &self.namespace)
    }

    /// As a message shows it.
    pub(crate) fn shown(&self) -> String {
        let mut parts = vec![self.id().to_string()];
        if !self.field_path.is_empty() {
            parts.push(self.field_path.clone());
        }
        if let Some(options) =
            self.options.as_ref().filter(|options| !options.delimiter.is_empty() || options.create)
        {
            parts.push(format!("{}({}), create={}", options.delimiter, options.index.0, options.create));
        }
        parts.join(":")
    }
}

go_struct! {
    /// Where a value goes to.
    Target = "TargetSelector" {
        select: Option<Selector> = "select",
        reject: Vec<Selector> = "reject",
        field_paths: Vec<String> = "fieldPaths",
        options: Option<FieldOptions> = "options",
    }
}

go_struct! {
    /// One of `replacements`: in place, or the path of a file that holds some.
    Replacement = "ReplacementField" {
        source: Option<Source> = "source" in "Replacement",
        targets: Option<Vec<Target>> = "targets" in "Replacement",
        source_value: Option<String> = "sourceValue" in "Replacement",
        path: String = "path",
    }
}
