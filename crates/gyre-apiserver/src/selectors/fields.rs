//! Field selectors (`k8s.io/apimachinery/pkg/fields`): `metadata.name=a,status.phase!=Running`.

use std::fmt;

use crate::failure::{Failure, Result};

/// A field selector: fields that must, or must not, have a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSelector {
    pub(crate) demands: Vec<(String, bool, String)>,
}

impl FieldSelector {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut terms = split_terms(text);
        terms.sort_unstable();
        let mut demands = Vec::new();
        for term in terms.into_iter().filter(|term| !term.is_empty()) {
            let found = ["!=", "==", "="]
                .into_iter()
                .filter_map(|sign| Some((term.find(sign)?, sign)))
                .min_by_key(|(at, sign)| (*at, std::cmp::Reverse(sign.len())));
            let Some((at, sign)) = found else {
                return Err(Failure::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                )));
            };
            let value = unescape(&term[at + sign.len()..]).map_err(Failure::bad_request)?;
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

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, equal, value)) in self.demands.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{key}{}", if *equal { "=" } else { "!=" })?;
            for char in value.chars() {
                if matches!(char, '\\' | ',' | '=') {
                    f.write_str("\\")?;
                }
                write!(f, "{char}")?;
            }
        }
        Ok(())
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

fn unescape(text: &str) -> std::result::Result<String, String> {
    let (mut out, mut escaped) = (String::new(), false);
    for char in text.chars() {
        match char {
            '\\' | ',' | '=' if escaped => {
                out.push(char);
                escaped = false;
            }
            _ if escaped => {
                return Err(format!("invalid field selector: invalid escape sequence: \\{char}"));
            }
            '\\' => escaped = true,
            ',' | '=' => {
                return Err(format!("invalid field selector: unescaped character in value: {}", char as u32));
            }
            _ => out.push(char),
        }
    }
    if escaped { Err("invalid field selector: invalid escape sequence: \\".into()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "\\PC{0,30}") {
            if let Ok(selector) = FieldSelector::parse(&text) {
                prop_assert_eq!(FieldSelector::parse(&selector.to_string()).unwrap(), selector);
            }
        }
    }
}
