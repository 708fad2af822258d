//! Do two patches change the same field to different values?

use std::collections::BTreeMap;

use serde_json::Value;

use super::lists::{self, Items};
use super::meta::{Meta, Strategy};
use super::{DIRECTIVE, Object, RETAIN_KEYS, Strategic, go_list, go_map, go_text, invalid};

pub(super) fn between(left: &Object, right: &Object, meta: &Meta<'_>) -> Strategic<bool> {
    objects(left, right, meta)
}

fn values(left: &Value, right: &Value, meta: &Meta<'_>, strategy: Strategy<'_>) -> Strategic<bool> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => objects(left, right, meta),
        (Value::Array(left), Value::Array(right)) => arrays(left, right, meta, strategy),
        _ => Ok(left != right),
    }
}

fn objects(left: &Object, right: &Object, meta: &Meta<'_>) -> Strategic<bool> {
    if left.get(DIRECTIVE) != right.get(DIRECTIVE) {
        return Ok(true);
    }
    for (key, a) in left.iter().filter(|(key, _)| *key != DIRECTIVE && *key != RETAIN_KEYS) {
        let Some(b) = right.get(key) else { continue };
        let (inner, strategy) = match a {
            Value::Array(_) => meta.items(key)?,
            Value::Object(_) => meta.field(key)?,
            _ => (*meta, Strategy::default()),
        };
        if values(a, b, &inner, strategy)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn arrays(left: &[Value], right: &[Value], meta: &Meta<'_>, strategy: Strategy<'_>) -> Strategic<bool> {
    let items = lists::element_type(&[left, right])?;
    if strategy.merge {
        if items != Items::Maps {
            return Ok(false);
        }
        let (left, right) = (by_key(left, strategy.merge_key)?, by_key(right, strategy.merge_key)?);
        for (key, a) in left {
            if let Some(b) = right.get(&key)
                && values(a, b, meta, Strategy::default())?
            {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if left.len() != right.len() {
        return Ok(true);
    }
    let (mut left, mut right) = (left.to_vec(), right.to_vec());
    if items != Items::Maps {
        left = lists::without_repeats(left);
        right = lists::without_repeats(right);
        lists::sort_by_text(&mut left, None);
        lists::sort_by_text(&mut right, None);
    }
    for (a, b) in left.iter().zip(&right) {
        if values(a, b, meta, Strategy::default())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn by_key<'a>(list: &'a [Value], merge_key: &str) -> Strategic<BTreeMap<String, &'a Value>> {
    let mut found = BTreeMap::new();
    for item in list {
        let Value::Object(map) = item else {
            return invalid(format!("invalid element type in merging list:{}", go_list(list)));
        };
        let Some(value) = map.get(merge_key) else {
            return invalid(format!(
                "cannot find merge key `{merge_key}` in merging list element:{}",
                go_map(map)
            ));
        };
        found.insert(go_text(value), item);
    }
    Ok(found)
}
