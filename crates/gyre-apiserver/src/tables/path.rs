//! The JSONPath of printer columns: fields, indices, wildcards and filters of equality.

use serde_json::Value;

/// Every value at a path.
pub(super) fn find<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    for step in steps(path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$')) {
        found = found.into_iter().flat_map(|value| apply(value, &step)).collect();
    }
    found
}

enum Step {
    Field(String),
    Index(i64),
    All,
    Filter(Vec<String>, bool, String),
}

fn steps(path: &str) -> Vec<Step> {
    let mut out = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        if first == '[' {
            let Some(end) = closing(rest) else { return out };
            out.push(bracket(&rest[1..end]));
            rest = &rest[end + 1..];
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let mut name = String::new();
            let mut end = rest.len();
            let mut escaped = false;
            for (at, char) in rest.char_indices() {
                match char {
                    '\\' if !escaped => escaped = true,
                    '.' | '[' if !escaped => {
                        end = at;
                        break;
                    }
                    char => {
                        name.push(char);
                        escaped = false;
                    }
                }
            }
            rest = &rest[end..];
            match name.as_str() {
                "" if rest.is_empty() => break,
                "" => {}
                "*" => out.push(Step::All),
                _ => out.push(Step::Field(name)),
            }
        }
    }
    out
}

fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (Some(it), char) if it == char => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn bracket(text: &str) -> Step {
    let text = text.trim();
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    if let Some(filter) = text.strip_prefix("?(").and_then(|it| it.strip_suffix(')')) {
        let (left, equal, right) = match (filter.split_once("=="), filter.split_once("!=")) {
            (Some((left, right)), _) => (left, true, right),
            (None, Some((left, right))) => (left, false, right),
            (None, None) => return Step::All,
        };
        let path = left
            .trim()
            .trim_start_matches('@')
            .split('.')
            .filter(|it| !it.is_empty())
            .map(Into::into)
            .collect();
        return Step::Filter(path, equal, unquoted(right));
    }
    match text {
        "*" => Step::All,
        text => text.parse().map_or_else(|_| Step::Field(unquoted(text)), Step::Index),
    }
}

fn apply<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => {
            let at = if *index < 0 { items.len() as i64 + index } else { *index };
            usize::try_from(at).ok().and_then(|at| items.get(at)).into_iter().collect()
        }
        (Step::All, Value::Array(items)) => items.iter().collect(),
        (Step::All, Value::Object(fields)) => fields.values().collect(),
        (Step::Filter(path, equal, wanted), Value::Array(items)) => items
            .iter()
            .filter(|item| {
                let value = path.iter().fold(*item, |value, key| &value[key.as_str()]);
                (super::plain(value) == *wanted) == *equal
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn conditions_are_found() {
        let object = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}], "l": [1, 2]}});
        assert_eq!(find(&object, ".status.conditions[?(@.type==\"Ready\")].status"), [&json!("True")]);
        assert_eq!(find(&object, ".status.l[-1]"), [&json!(2)]);
        assert!(find(&object, ".spec.x").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(path in "\\PC{0,40}") {
            let _ = find(&json!({"a": [{"b": 1}]}), &path);
        }
    }
}
