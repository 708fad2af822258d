//! Label and field selectors: reading them as kubectl writes them, and asking whether an object fits.

mod fields;
mod labels;

use std::collections::BTreeMap;

pub(crate) use fields::FieldSelector;
pub(crate) use labels::LabelSelector;

/// The labels of an object in the store, without reading the rest of it.
#[derive(serde::Deserialize)]
pub(crate) struct Labelled<'a> {
    #[serde(borrow, default)]
    pub(crate) metadata: LabelledMeta<'a>,
}

/// The part of metadata that selectors look at.
#[derive(Default, serde::Deserialize)]
pub(crate) struct LabelledMeta<'a> {
    #[serde(borrow, default)]
    pub(crate) labels: BTreeMap<std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>>,
}
