//! Label selectors (`k8s.io/apimachinery/pkg/labels`): `a=b,tier in (x, y),!legacy`.

use std::fmt;

use serde_json::{Map, Value};

use crate::failure::{Failure, Result, quoted};
use crate::names;

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    DoubleEquals,
    NotEquals,
    In,
    NotIn,
    Exists,
    Absent,
    Greater,
    Less,
}

impl Operator {
    /// Its name in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::In => "in",
            Self::NotIn => "notin",
            Self::Exists => "exists",
            Self::Absent => "!",
            Self::Greater => "gt",
            Self::Less => "lt",
        }
    }
}

/// One demand on a label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    pub(crate) key: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<String>,
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelSelector {
    demands: Vec<Demand>,
    /// It is no selector at all: nothing fits it.
    missing: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Sign(&'static str),
    End,
}

impl<'a> Token<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Word(word) => word,
            Self::Sign(sign) => sign,
            Self::End => "",
        }
    }

    /// Whether it may stand where a value or a key is read; `in` and `notin` may.
    fn word(&self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        // compat(apimachinery): a text ends at its first zero byte.
        let mut rest = text.split('\0').next().unwrap_or_default();
        let white = |char: char| matches!(char, ' ' | '\t' | '\r' | '\n');
        while let Some(first) = rest.chars().next() {
            let sign =
                ["==", "!=", "=", "!", ",", "(", ")", ">", "<"].into_iter().find(|it| rest.starts_with(it));
            let length = if let Some(sign) = sign {
                tokens.push(Token::Sign(sign));
                sign.len()
            } else if white(first) {
                first.len_utf8()
            } else {
                let end = rest.find(|char: char| white(char) || "=!,()<>".contains(char));
                let end = end.unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..end]));
                end
            };
            rest = &rest[length..];
        }
        Self { tokens, at: 0 }
    }

    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> std::result::Result<Vec<Demand>, String> {
        let mut demands = Vec::new();
        loop {
            match self.peek() {
                Token::Word(_) | Token::Sign("!") => {
                    let demand = self.demand().map_err(|why| format!("unable to parse requirement: {why}"));
                    demands.push(demand?);
                }
                Token::End => break,
                Token::Sign(text) => {
                    return Err(format!("found '{text}', expected: !, identifier, or 'end of string'"));
                }
            }
            match self.next() {
                Token::End => break,
                Token::Sign(",") => match self.peek() {
                    Token::Word(_) | Token::Sign("!") => {}
                    other => {
                        return Err(format!("found '{}', expected: identifier after ','", other.text()));
                    }
                },
                other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.text())),
            }
        }
        demands.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(demands)
    }

    fn demand(&mut self) -> std::result::Result<Demand, String> {
        let absent = self.peek() == Token::Sign("!");
        if absent {
            self.next();
        }
        let token = self.next();
        let Some(key) = token.word() else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        let problems = names::qualified_name(key);
        if !problems.is_empty() {
            return Err(format!("<nil>: Invalid value: {}: {}", quoted(key), problems.join("; ")));
        }
        if absent {
            return Demand::new(key, Operator::Absent, Vec::new());
        }
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Demand::new(key, Operator::Exists, Vec::new());
        }
        let token = self.next();
        let operator = match token.text() {
            "=" => Operator::Equals,
            "==" => Operator::DoubleEquals,
            "!=" => Operator::NotEquals,
            "in" => Operator::In,
            "notin" => Operator::NotIn,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.value()?],
        };
        Demand::new(key, operator, values)
    }

    fn value(&mut self) -> std::result::Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(String::new());
        }
        let token = self.next();
        match token.word() {
            Some(word) => Ok(word.to_owned()),
            None => Err(format!("found '{}', expected: identifier", token.text())),
        }
    }

    fn values(&mut self) -> std::result::Result<Vec<String>, String> {
        let token = self.next();
        if token != Token::Sign("(") {
            return Err(format!("found '{}' expected: '('", token.text()));
        }
        let mut values = Vec::new();
        match self.peek() {
            Token::Sign(")") => values.push(String::new()),
            Token::Word(_) | Token::Sign(",") => self.list(&mut values)?,
            other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.text())),
        }
        self.next();
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    /// Values with commas between them, up to the parenthesis; what is missing between two commas is empty.
    fn list(&mut self, values: &mut Vec<String>) -> std::result::Result<(), String> {
        loop {
            let token = self.next();
            if let Some(word) = token.word() {
                values.push(word.to_owned());
                match self.peek() {
                    Token::Sign(",") => {}
                    Token::Sign(")") => return Ok(()),
                    other => return Err(format!("found '{}', expected: ',' or ')'", other.text())),
                }
                continue;
            }
            if token != Token::Sign(",") {
                return Err(format!("found '{}', expected: ',', or identifier", token.text()));
            }
            if values.is_empty() {
                values.push(String::new());
            }
            match self.peek() {
                Token::Sign(")") => {
                    values.push(String::new());
                    return Ok(());
                }
                Token::Sign(",") => {
                    self.next();
                    values.push(String::new());
                }
                _ => {}
            }
        }
    }
}

impl Demand {
    /// Checks what is demanded.
    fn new(key: &str, operator: Operator, values: Vec<String>) -> std::result::Result<Self, String> {
        let mut problems = Vec::new();
        let invalid = |field: &str, value: &str, why: &str| format!("{field}: Invalid value: {value}: {why}");
        let whys = names::qualified_name(key);
        if !whys.is_empty() {
            problems.push(invalid("key", &quoted(key), &whys.join("; ")));
        }
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                let why = "for 'in', 'notin' operators, values set can't be empty";
                problems.push(invalid("values", "null", why));
            }
            Operator::Exists | Operator::Absent if !values.is_empty() => {
                let why = "values set must be empty for exists and does not exist";
                let shown = serde_json::to_string(&values).unwrap_or_default();
                problems.push(invalid("values", &shown, why));
            }
            Operator::Greater | Operator::Less => {
                for (index, value) in values.iter().enumerate().filter(|(_, it)| it.parse::<i64>().is_err()) {
                    let why = "for 'Gt', 'Lt' operators, the value must be an integer";
                    problems.push(invalid(&format!("values[{index}]"), &quoted(value), why));
                }
            }
            _ => {}
        }
        for (index, value) in values.iter().enumerate() {
            let whys = names::label_value(value);
            if !whys.is_empty() {
                problems.push(invalid(&format!("values[{index}][{key}]"), &quoted(value), &whys.join("; ")));
            }
        }
        match &problems[..] {
            [] => Ok(Self { key: key.to_owned(), operator, values }),
            [only] => Err(only.clone()),
            _ => Err(format!("[{}]", problems.join(", "))),
        }
    }

    fn fits(&self, value: Option<&str>) -> bool {
        let among = |value: &str| self.values.iter().any(|it| it == value);
        let compared = |order: std::cmp::Ordering| {
            let number = |text: &str| text.parse::<i64>().ok();
            let than = self.values.first().and_then(|it| number(it));
            value.and_then(number).zip(than).is_some_and(|(value, than)| value.cmp(&than) == order)
        };
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => value.is_some_and(among),
            Operator::NotEquals | Operator::NotIn => !value.is_some_and(among),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::Greater => compared(std::cmp::Ordering::Greater),
            Operator::Less => compared(std::cmp::Ordering::Less),
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Absent => write!(f, "!{key}"),
            Operator::Exists => write!(f, "{key}"),
            Operator::Greater => write!(f, "{key}>{values}"),
            Operator::Less => write!(f, "{key}<{values}"),
            Operator::In | Operator::NotIn => write!(f, "{key} {} ({values})", self.operator.word()),
            _ => write!(f, "{key}{}{values}", self.operator.word()),
        }
    }
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let demands = Parser::new(text).selector().map_err(Failure::bad_request)?;
        Ok(Self { demands, missing: false })
    }

    /// A selector of an object's field: `matchLabels` and `matchExpressions`. Where there is none, nothing fits.
    ///
    /// # Errors
    /// When an expression says nothing that can be understood.
    pub(crate) fn read(selector: &Value) -> std::result::Result<Self, String> {
        if selector.is_null() {
            return Ok(Self::nothing());
        }
        let mut demands = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            let values = vec![value.as_str().unwrap_or_default().to_owned()];
            demands.push(Demand::new(key, Operator::Equals, values)?);
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let texts = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut values: Vec<String> = texts.map(Into::into).collect();
            values.sort_unstable();
            values.dedup();
            let operator = match expression["operator"].as_str().unwrap_or_default() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::Absent,
                other => return Err(format!("{} is not a valid label selector operator", quoted(other))),
            };
            demands.push(Demand::new(expression["key"].as_str().unwrap_or_default(), operator, values)?);
        }
        demands.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { demands, missing: false })
    }

    /// A selector of an object that has been validated.
    pub(crate) fn of(selector: &Value) -> Self {
        Self::read(selector).unwrap_or_else(|_| Self::nothing())
    }

    /// The selector that nothing fits.
    fn nothing() -> Self {
        Self { demands: Vec::new(), missing: true }
    }

    #[cfg(test)]
    pub(crate) fn demands(&self) -> &[Demand] {
        &self.demands
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.demands.is_empty() && !self.missing
    }

    /// Whether labels, looked up by key, fit.
    pub(crate) fn fits<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        !self.missing && self.demands.iter().all(|demand| demand.fits(label(&demand.key)))
    }

    pub(crate) fn fits_map(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.fits(|key| labels?.get(key)?.as_str())
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, demand) in self.demands.iter().enumerate() {
            write!(f, "{}{demand}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
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
        fn what_is_read_is_written_as_it_was(text in "[ab=!,() <>intox1]{0,20}|\\PC{0,30}") {
            if let Ok(selector) = LabelSelector::parse(&text) {
                prop_assert_eq!(LabelSelector::parse(&selector.to_string()).unwrap(), selector);
            }
        }
    }
}
