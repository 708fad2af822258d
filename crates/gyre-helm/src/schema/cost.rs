//! How much work a validator has with a schema and values, found out before it begins.
//!
//! A validator follows every reference for every value, without a memory: a few lines can keep it busy for ever, or
//! take its stack. Here each pair of a schema and a value is looked at once, and what it costs is added up.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::limits::{SCHEMA_DEPTH_MAX, SCHEMA_PAIRS_MAX, SCHEMA_STEPS_MAX};

/// Stands for the name of a property, where names are what a schema is about.
static NAME: Value = Value::Null;

/// An error when the validator would take too long or go too deep.
pub(super) fn check(schema: &Value, values: &Value) -> Result<(), String> {
    let mut walk = Walk { root: schema, places: HashMap::new(), resources: Vec::new(), seen: HashMap::new() };
    walk.name(schema);
    walk.cost(schema, values, 0).map(|_| ())
}

#[derive(Clone, Copy)]
struct Cost {
    steps: u64,
    depth: usize,
}

struct Walk<'a> {
    root: &'a Value,
    /// Schemas by anchors and ids.
    places: HashMap<&'a str, Vec<&'a Value>>,
    /// Schemas with an id: what references inside of them start from.
    resources: Vec<&'a Value>,
    seen: HashMap<(usize, usize), Cost>,
}

impl<'a> Walk<'a> {
    fn name(&mut self, schema: &'a Value) {
        match schema {
            Value::Array(items) => items.iter().for_each(|item| self.name(item)),
            Value::Object(entries) => {
                for keyword in ["$anchor", "$dynamicAnchor", "$id", "id"] {
                    let Some(Value::String(name)) = entries.get(keyword) else { continue };
                    self.places.entry(name.trim_start_matches('#')).or_default().push(schema);
                    if keyword.ends_with("id") {
                        self.resources.push(schema);
                    }
                }
                entries.values().for_each(|value| self.name(value));
            }
            _ => {}
        }
    }

    /// Whatever a reference may mean, wherever it stands.
    fn referred(&self, reference: &str) -> Vec<&'a Value> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = decoded(fragment);
        let mut found = Vec::new();
        if fragment.is_empty() || fragment.starts_with('/') {
            let starts = std::iter::once(&self.root).chain(&self.resources);
            found.extend(starts.filter_map(|start| start.pointer(&fragment)));
        } else {
            found.extend(self.places.get(fragment.as_str()).into_iter().flatten().copied());
        }
        if !file.is_empty() {
            found.extend(self.places.get(file).into_iter().flatten().copied());
        }
        found.dedup_by(|one, other| std::ptr::eq(*one, *other));
        found
    }

    fn cost(&mut self, schema: &'a Value, value: &'a Value, depth: usize) -> Result<Cost, String> {
        let Value::Object(entries) = schema else { return Ok(Cost { steps: 1, depth: 1 }) };
        let pair = (std::ptr::from_ref(schema) as usize, std::ptr::from_ref(value) as usize);
        if let Some(known) = self.seen.get(&pair).copied() {
            return deep_enough(known, depth);
        }
        if self.seen.len() >= SCHEMA_PAIRS_MAX || depth >= SCHEMA_DEPTH_MAX {
            return Err(too_much());
        }
        // A reference to where it stands is an error that the validator tells.
        self.seen.insert(pair, Cost { steps: 1, depth: 1 });
        let mut whole = Cost { steps: 1, depth: 1 };
        for (schema, value) in self.next(entries, value) {
            let part = self.cost(schema, value, depth + 1)?;
            whole.steps = whole.steps.saturating_add(part.steps);
            whole.depth = whole.depth.max(part.depth + 1);
        }
        if whole.steps > SCHEMA_STEPS_MAX {
            return Err(too_much());
        }
        self.seen.insert(pair, whole);
        Ok(whole)
    }

    /// What a validator goes on to.
    fn next(&self, schema: &'a Map<String, Value>, value: &'a Value) -> Vec<(&'a Value, &'a Value)> {
        let mut next = Vec::new();
        for (keyword, part) in schema {
            match (keyword.as_str(), part) {
                ("$ref" | "$recursiveRef" | "$dynamicRef", Value::String(reference)) => {
                    next.extend(self.referred(reference).into_iter().map(|schema| (schema, value)));
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                    next.extend(parts.iter().map(|part| (part, value)));
                }
                ("not" | "if" | "then" | "else" | "contentSchema", part) => next.push((part, value)),
                ("dependencies" | "dependentSchemas", Value::Object(parts)) => {
                    next.extend(parts.values().map(|part| (part, value)));
                }
                _ => match value {
                    Value::Object(of) => in_table(keyword, part, of, &mut next),
                    Value::Array(of) => in_list(keyword, part, of, &mut next),
                    _ => {}
                },
            }
        }
        next
    }
}

fn in_table<'a>(
    keyword: &str,
    part: &'a Value,
    of: &'a Map<String, Value>,
    next: &mut Vec<(&'a Value, &'a Value)>,
) {
    match (keyword, part) {
        ("properties", Value::Object(parts)) => {
            next.extend(of.iter().filter_map(|(name, value)| Some((parts.get(name)?, value))));
        }
        ("patternProperties", Value::Object(parts)) => {
            next.extend(parts.values().flat_map(|part| of.values().map(move |value| (part, value))));
        }
        ("additionalProperties" | "unevaluatedProperties", part) => {
            next.extend(of.values().map(|value| (part, value)));
        }
        ("propertyNames", part) => next.extend(of.iter().map(|_| (part, &NAME))),
        _ => {}
    }
}

fn in_list<'a>(keyword: &str, part: &'a Value, of: &'a [Value], next: &mut Vec<(&'a Value, &'a Value)>) {
    match (keyword, part) {
        ("items" | "prefixItems", Value::Array(parts)) => next.extend(parts.iter().zip(of)),
        ("items" | "additionalItems" | "unevaluatedItems" | "contains", part) => {
            next.extend(of.iter().map(|value| (part, value)));
        }
        _ => {}
    }
}

fn deep_enough(cost: Cost, depth: usize) -> Result<Cost, String> {
    if depth + cost.depth > SCHEMA_DEPTH_MAX { Err(too_much()) } else { Ok(cost) }
}

fn too_much() -> String {
    format!(
        "checking the values takes more than {SCHEMA_STEPS_MAX} steps or goes deeper than {SCHEMA_DEPTH_MAX}: \
         let the schema refer to itself less often\n"
    )
}

/// A fragment of an address without its `%20`.
pub(super) fn decoded(fragment: &str) -> String {
    let mut out = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [byte, after @ ..] = rest {
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        rest = if escaped.is_some() { &after[2..] } else { after };
        out.push(escaped.unwrap_or(*byte));
    }
    String::from_utf8_lossy(&out).into_owned()
}
