//! Label and field selectors: reading them as kubectl writes them, and asking whether an object fits.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::failure::{Failure, Result, quoted};
use crate::names;

/// One demand on a label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Demand {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelSelector {
    pub(crate) demands: Vec<(String, Demand)>,
}

fn broken(why: impl std::fmt::Display) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: {why}"))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Sign(&'static str),
    End,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let sign =
            ["==", "!=", "=", "!", ",", "(", ")", ">", "<"].into_iter().find(|it| rest.starts_with(it));
        if let Some(sign) = sign {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else {
            let end = rest
                .find(|char: char| char.is_whitespace() || "=!,()<>".contains(char))
                .unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    out.push(Token::End);
    out
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Sign(sign) => sign,
            Self::End => "",
        }
    }
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let tokens = tokens(text);
        let mut at = 0;
        let mut demands = Vec::new();
        let peek = |at: usize| tokens.get(at).unwrap_or(&Token::End);
        if *peek(0) == Token::End {
            return Ok(Self::default());
        }
        loop {
            demands.push(Self::demand(&tokens, &mut at)?);
            match peek(at) {
                Token::End => break,
                Token::Sign(",") => {
                    at += 1;
                    match peek(at) {
                        Token::Word(_) | Token::Sign("!") => {}
                        other => {
                            return Err(broken(format!(
                                "found '{}', expected: identifier after ','",
                                other.text()
                            )));
                        }
                    }
                }
                other => {
                    return Err(Failure::bad_request(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        other.text()
                    )));
                }
            }
        }
        demands.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { demands })
    }

    fn demand(tokens: &[Token], at: &mut usize) -> Result<(String, Demand)> {
        let mut next = || {
            let token = tokens.get(*at).cloned().unwrap_or(Token::End);
            *at += 1;
            token
        };
        let mut first = next();
        let absent = first == Token::Sign("!");
        if absent {
            first = next();
        }
        let Token::Word(key) = first else {
            return Err(broken(format!(
                "found '{}', expected: !, identifier, or 'end of string'",
                first.text()
            )));
        };
        check_key(&key)?;
        if absent {
            return Ok((key, Demand::Absent));
        }
        let operator = next();
        let demand = match (operator.text(), &operator) {
            ("", Token::End) | (",", _) => {
                *at -= 1;
                Demand::Exists
            }
            ("=" | "==", _) => Demand::In(vec![Self::value(tokens, at)]),
            ("!=", _) => Demand::NotIn(vec![Self::value(tokens, at)]),
            (sign @ (">" | "<"), _) => {
                let value = Self::value(tokens, at);
                let number = value.parse().map_err(|_| {
                    broken(format!(
                        "values[0]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer",
                        quoted(&value)
                    ))
                })?;
                if sign == ">" { Demand::Greater(number) } else { Demand::Less(number) }
            }
            (word @ ("in" | "notin"), Token::Word(_)) => {
                let values = Self::values(tokens, at)?;
                if word == "in" { Demand::In(values) } else { Demand::NotIn(values) }
            }
            (other, _) => {
                return Err(broken(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")));
            }
        };
        if let Demand::In(values) | Demand::NotIn(values) = &demand {
            for (index, value) in values.iter().enumerate() {
                if let Some(why) = names::label_value(value).first() {
                    return Err(broken(format!(
                        "values[{index}][{key}]: Invalid value: {}: {why}",
                        quoted(value)
                    )));
                }
            }
        }
        Ok((key, demand))
    }

    fn value(tokens: &[Token], at: &mut usize) -> String {
        match tokens.get(*at) {
            Some(Token::Word(word)) => {
                *at += 1;
                word.clone()
            }
            _ => String::new(),
        }
    }

    fn values(tokens: &[Token], at: &mut usize) -> Result<Vec<String>> {
        let peek = |at: usize| tokens.get(at).unwrap_or(&Token::End);
        if *peek(*at) != Token::Sign("(") {
            return Err(broken(format!("found '{}' expected: '('", peek(*at).text())));
        }
        *at += 1;
        let mut values = Vec::new();
        loop {
            values.push(Self::value(tokens, at));
            match peek(*at) {
                Token::Sign(")") => break,
                Token::Sign(",") => *at += 1,
                other => return Err(broken(format!("found '{}', expected: ',' or ')'", other.text()))),
            }
        }
        *at += 1;
        values.sort();
        values.dedup();
        Ok(values)
    }

    /// A selector of an object's field: `matchLabels` and `matchExpressions`.
    pub(crate) fn of(selector: &Value) -> Self {
        let mut demands = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            demands.push((key.clone(), Demand::In(vec![value.as_str().unwrap_or_default().into()])));
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let values = || {
                expression["values"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(Into::into)
                    .collect()
            };
            let demand = match expression["operator"].as_str() {
                Some("In") => Demand::In(values()),
                Some("NotIn") => Demand::NotIn(values()),
                Some("DoesNotExist") => Demand::Absent,
                _ => Demand::Exists,
            };
            demands.push((expression["key"].as_str().unwrap_or_default().to_owned(), demand));
        }
        Self { demands }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.demands.is_empty()
    }

    /// Whether labels, looked up by key, fit.
    pub(crate) fn fits<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.demands.iter().all(|(key, demand)| {
            let value = label(key);
            match demand {
                Demand::In(values) => value.is_some_and(|value| values.iter().any(|it| it == value)),
                Demand::NotIn(values) => value.is_none_or(|value| values.iter().all(|it| it != value)),
                Demand::Exists => value.is_some(),
                Demand::Absent => value.is_none(),
                Demand::Greater(than) => {
                    value.and_then(|it| it.parse::<i64>().ok()).is_some_and(|it| it > *than)
                }
                Demand::Less(than) => {
                    value.and_then(|it| it.parse::<i64>().ok()).is_some_and(|it| it < *than)
                }
            }
        })
    }

    pub(crate) fn fits_map(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.fits(|key| labels?.get(key)?.as_str())
    }
}

fn check_key(key: &str) -> Result<()> {
    match names::qualified_name(key).first() {
        Some(why) => Err(broken(format!("key: Invalid value: {}: {why}", quoted(key)))),
        None => Ok(()),
    }
}

/// A field selector: fields that must, or must not, have a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSelector {
    pub(crate) demands: Vec<(String, bool, String)>,
}

impl FieldSelector {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut demands = Vec::new();
        for term in split_terms(text) {
            if term.is_empty() {
                continue;
            }
            let found = ["!=", "==", "="]
                .into_iter()
                .filter_map(|sign| Some((term.find(sign)?, sign)))
                .min_by_key(|(at, sign)| (*at, std::cmp::Reverse(sign.len())));
            let Some((at, sign)) = found else {
                return Err(Failure::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                )));
            };
            let value = unescape(&term[at + sign.len()..]);
            demands.push((term[..at].to_owned(), sign != "!=", value));
        }
        Ok(Self { demands })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.demands.is_empty()
    }

    pub(crate) fn fits(&self, field: impl Fn(&str) -> String) -> bool {
        self.demands.iter().all(|(key, equal, value)| (field(key) == *value) == *equal)
    }

    /// The value that a field must have, where there is one.
    pub(crate) fn wanted(&self, field: &str) -> Option<&str> {
        self.demands.iter().find(|(key, equal, _)| key == field && *equal).map(|(_, _, value)| value.as_str())
    }
}

fn split_terms(text: &str) -> Vec<String> {
    let (mut terms, mut current, mut escaped) = (Vec::new(), String::new(), false);
    for char in text.chars() {
        if char == ',' && !escaped {
            terms.push(std::mem::take(&mut current));
        } else {
            current.push(char);
        }
        escaped = char == '\\' && !escaped;
    }
    terms.push(current);
    terms
}

fn unescape(text: &str) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for char in text.chars() {
        if char == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(char);
            escaped = false;
        }
    }
    out
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fits(selector: &str, labels: &[(&str, &str)]) -> bool {
        LabelSelector::parse(selector)
            .unwrap()
            .fits(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
    }

    #[test]
    fn selectors_read_as_kubectl_writes_them() {
        assert!(fits("a=b,c in (d, e),!f", &[("a", "b"), ("c", "e")]));
        assert!(!fits("a!=b", &[("a", "b")]));
        assert!(fits("n>3", &[("n", "10")]));
        assert!(fits("a notin (x),k", &[("k", "")]));
    }

    proptest! {
        #[test]
        fn no_selector_panics(text in "\\PC{0,30}") {
            let _ = LabelSelector::parse(&text);
            let _ = FieldSelector::parse(&text);
        }
    }
}
