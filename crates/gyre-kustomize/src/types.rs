//! The shapes of kustomization files.

pub(crate) mod generator;
pub(crate) mod helm;
pub(crate) mod kustomization;
pub(crate) mod patch;
pub(crate) mod plugin;
pub(crate) mod replacement;

use crate::decode::go_struct;
use crate::node::Texts;

go_struct! {
    /// `metadata` of a kustomization or of a plugin's configuration.
    ObjectMeta = "ObjectMeta" {
        name: String = "name",
        namespace: String = "namespace",
        labels: Texts = "labels",
        annotations: Texts = "annotations",
    }
}

go_struct! {
    /// `labels`.
    Label = "Label" {
        pairs: Texts = "pairs",
        include_selectors: bool = "includeSelectors",
        include_templates: bool = "includeTemplates",
        fields: Vec<FieldSpecShape> = "fields",
    }
}

go_struct! {
    /// A field spec as it is written.
    FieldSpecShape = "FieldSpec" {
        group: String = "group" in "Gvk",
        version: String = "version" in "Gvk",
        kind: String = "kind" in "Gvk",
        path: String = "path",
        create: bool = "create",
    }
}

go_struct! {
    /// `images`.
    Image = "Image" {
        name: String = "name",
        new_name: String = "newName",
        tag_suffix: String = "tagSuffix",
        new_tag: String = "newTag",
        digest: String = "digest",
    }
}

go_struct! {
    /// `replicas`.
    Replica = "Replica" {
        name: String = "name",
        count: i64 = "count",
    }
}

go_struct! {
    /// `vars`.
    Var = "Var" {
        name: String = "name",
        object: VarTarget = "objref",
        field: VarField = "fieldref",
    }
}

go_struct! {
    /// What a variable reads from.
    VarTarget = "Target" {
        api_version: String = "apiVersion",
        group: String = "group" in "Gvk",
        version: String = "version" in "Gvk",
        kind: String = "kind" in "Gvk",
        name: String = "name",
        namespace: String = "namespace",
    }
}

go_struct! {
    /// The field that a variable reads.
    VarField = "FieldSelector" {
        field_path: String = "fieldPath",
    }
}

go_struct! {
    /// `sortOptions`.
    SortOptions = "SortOptions" {
        order: String = "order",
        legacy: Option<LegacySortOptions> = "legacySortOptions",
    }
}

go_struct! {
    /// Kinds that come first and last.
    LegacySortOptions = "LegacySortOptions" {
        first: Vec<String> = "orderFirst",
        last: Vec<String> = "orderLast",
    }
}
