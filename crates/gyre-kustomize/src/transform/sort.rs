//! The order of the objects.

use crate::config::{FIRST, LAST, kind_order};
use crate::error::{Result, fail};
use crate::id::or;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::types::SortOptions;

/// Sorts as `sortOptions` say.
pub(crate) fn by_options(resources: ResMap, options: &SortOptions) -> Result<ResMap> {
    match (options.order.as_str(), &options.legacy) {
        ("legacy", None) => Ok(legacy(resources)),
        ("legacy", Some(lists)) => {
            let (first, last) = (&lists.first, &lists.last);
            Ok(sort(resources, |kind| kind_order(kind, first, last)))
        }
        ("fifo", None) => Ok(resources),
        ("fifo", Some(_)) => fail(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        ),
        _ => fail("the field 'sortOptions.order' must be one of [fifo, legacy]"),
    }
}

/// Namespaces and what others depend on first, webhooks last.
pub(crate) fn legacy(resources: ResMap) -> ResMap {
    sort(resources, |kind| kind_order(kind, &FIRST, &LAST))
}

fn sort(resources: ResMap, order: impl Fn(&str) -> i32) -> ResMap {
    let key = |resource: &Resource| {
        let id = resource.id();
        let text = format!("{}|{}|{}", id.gvk, or(&id.namespace, "~X"), or(&id.name, "~N"));
        let order = order(&id.gvk.kind);
        // compat(kustomize): the core kind goes before others of the same name.
        let core = order != 0 && id.gvk.kind == "Namespace" && id.gvk.group.is_empty();
        let kind = if core { String::new() } else { id.gvk.sort_text() };
        (order, kind, text)
    };
    let mut list = resources.into_list();
    list.sort_by_cached_key(key);
    ResMap::unchecked(list)
}
