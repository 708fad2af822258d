//! Kubernetes' label selectors: `a=b,c!=d,e in (f,g),!h,i>1`.

use crate::error::{Error, Result};
use crate::node::Texts;

/// A selector; all of its parts must hold.
#[derive(Debug, Default)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug)]
enum Operator {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

fn problem(text: impl std::fmt::Display) -> Error {
    Error::new(format!("unable to parse requirement: {text}"))
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (requirement, after) = requirement(rest)?;
            requirements.push(requirement);
            rest = after.trim_start();
            if let Some(after) = rest.strip_prefix(',') {
                rest = after.trim_start();
                if rest.is_empty() {
                    return Err(problem("found '', expected: identifier after ','"));
                }
            } else if !rest.is_empty() {
                return Err(problem(format!("found '{}', expected: ',' or 'end of string'", word(rest).0)));
            }
        }
        Ok(Self { requirements })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    pub(crate) fn fits(&self, texts: &Texts) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = texts.get(&requirement.key);
            match &requirement.operator {
                Operator::Exists => value.is_some(),
                Operator::Missing => value.is_none(),
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Operator::Greater(limit) => number(value).is_some_and(|number| number > *limit),
                Operator::Less(limit) => number(value).is_some_and(|number| number < *limit),
            }
        })
    }
}

fn number(value: Option<&String>) -> Option<i64> {
    value?.parse().ok()
}

/// The next word, and what follows.
fn word(text: &str) -> (&str, &str) {
    let special = |letter: char| letter.is_whitespace() || "=!(),<>".contains(letter);
    text.split_at(text.find(special).unwrap_or(text.len()))
}

fn requirement(text: &str) -> Result<(Requirement, &str)> {
    if let Some(rest) = text.strip_prefix('!') {
        let (key, rest) = word(rest.trim_start());
        check_key(key)?;
        return Ok((Requirement { key: key.into(), operator: Operator::Missing }, rest));
    }
    let (key, rest) = word(text);
    check_key(key)?;
    let rest = rest.trim_start();
    let make = |operator| Requirement { key: key.into(), operator };
    if rest.is_empty() || rest.starts_with(',') {
        return Ok((make(Operator::Exists), rest));
    }
    for symbol in ["==", "!=", "=", ">", "<"] {
        let Some(after) = rest.strip_prefix(symbol) else { continue };
        let (value, after) = word(after.trim_start());
        let limit = || {
            value.parse::<i64>().map_err(|_| {
                problem(format!("for 'Gt', 'Lt' operators, the value must be an integer: {value:?}"))
            })
        };
        check_value(value)?;
        let operator = match symbol {
            "!=" => Operator::NotIn(vec![value.into()]),
            ">" => Operator::Greater(limit()?),
            "<" => Operator::Less(limit()?),
            _ => Operator::In(vec![value.into()]),
        };
        return Ok((make(operator), after));
    }
    let (operator, after) = word(rest);
    match operator {
        "in" | "notin" => {
            let (values, after) = values(after.trim_start())?;
            let operator = if operator == "in" { Operator::In(values) } else { Operator::NotIn(values) };
            Ok((make(operator), after))
        }
        other => Err(problem(format!("found '{other}', expected: '=', '!=', '==', 'in', notin'"))),
    }
}

fn values(text: &str) -> Result<(Vec<String>, &str)> {
    let Some(inside) = text.strip_prefix('(') else {
        return Err(problem(format!("found '{}' expected: '('", word(text).0)));
    };
    let Some(end) = inside.find(')') else {
        return Err(problem("found '', expected: ',' or ')'"));
    };
    let values: Vec<String> = inside[..end].split(',').map(|value| value.trim().to_owned()).collect();
    for value in &values {
        check_value(value)?;
    }
    Ok((values, &inside[end + 1..]))
}

fn name_part(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn check_key(key: &str) -> Result<()> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    if name_part(name) { Ok(()) } else { Err(problem(format!("invalid label key {key:?}"))) }
}

fn check_value(value: &str) -> Result<()> {
    if value.is_empty() || name_part(value) {
        Ok(())
    } else {
        Err(problem(format!("invalid label value {value:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects() {
        let labels: Texts =
            [("app", "web"), ("tier", "3")].map(|(key, value)| (key.into(), value.into())).into();
        for (selector, wanted) in [
            ("", true),
            ("app=web", true),
            ("app == web, tier!=2", true),
            ("app in (api, web)", true),
            ("app notin (web)", false),
            ("!missing,app", true),
            ("tier>2,tier<4", true),
            ("other=x", false),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().fits(&labels), wanted, "{selector}");
        }
        assert!(LabelSelector::parse("a b").is_err());
        assert!(LabelSelector::parse("a in b").is_err());
    }
}
