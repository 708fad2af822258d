//! What failed between an error and its causes: `allOf`, `anyOf` and `oneOf` of which one error is left.
//!
//! The validator passes such an error on as it is; Helm's says as well what it comes from. Here that is read off the
//! place of the schema.

use boon::{ErrorKind as Kind, ValidationError};

use crate::schema::rewrite::Rewritten;

/// A line to print: how many names of the cause's place lead to it, and its text.
pub(super) type Line = (usize, &'static str);

/// From where the places of causes are read.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    url: &'a str,
    pub(super) places: usize,
    /// The alternative that the error itself speaks of.
    said: &'static str,
}

impl<'a> Start<'a> {
    pub(super) fn of(error: &ValidationError<'a, '_>) -> Self {
        let url = match &error.kind {
            Kind::Reference { url, .. } | Kind::Schema { url } => url,
            _ => error.schema_url,
        };
        let said = match &error.kind {
            Kind::AllOf => "allOf",
            Kind::AnyOf => "anyOf",
            Kind::OneOf(_) => "oneOf",
            _ => "",
        };
        Self { url, places: error.instance_location.tokens.len(), said }
    }

    /// The lines to print before one cause.
    pub(super) fn unsaid(self, cause: &ValidationError<'_, '_>, rewritten: &Rewritten) -> Vec<Line> {
        let there = cause.instance_location.tokens.len();
        let steps = self.steps(cause.schema_url).into_iter();
        steps
            .filter(|step| step.places <= there)
            .filter_map(|step| step.line(cause.schema_url, rewritten))
            .collect()
    }

    /// Causes that are a group, which the validator takes apart where it is all that is left: the lines to print
    /// before the group, and where its causes start.
    pub(super) fn shared(
        self,
        causes: &[&ValidationError<'a, '_>],
        rewritten: &Rewritten,
    ) -> Option<(Vec<Line>, Self)> {
        let (first, rest) = causes.split_first().filter(|(_, rest)| !rest.is_empty())?;
        let steps = self.steps(first.schema_url);
        let at = |cause: &ValidationError<'_, '_>, places: usize| {
            cause.instance_location.tokens.get(..places).map(|tokens| format!("{tokens:?}"))
        };
        let common = |step: &&Step| {
            let place = &first.schema_url[..step.end];
            let there = at(first, step.places);
            rest.iter().all(|cause| {
                let inside = cause.schema_url.strip_prefix(place);
                inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    && there.is_some()
                    && there == at(cause, step.places)
            })
        };
        let steps: Vec<&Step> = steps.iter().take_while(common).collect();
        let lines: Vec<Line> =
            steps.iter().filter_map(|step| step.line(first.schema_url, rewritten)).collect();
        let last = steps.last()?;
        let start = Self { url: &first.schema_url[..last.end], places: last.places, said: "" };
        (!lines.is_empty()).then_some((lines, start))
    }

    /// The steps from schema to schema.
    fn steps(self, url: &str) -> Vec<Step> {
        let Some(path) = url.strip_prefix(self.url) else { return Vec::new() };
        let mut steps = Vec::new();
        let (mut end, mut places) = (self.url.len(), self.places);
        let mut tokens = path.split('/').skip(1).peekable();
        let length = |token: Option<&str>| token.map_or(0, |token| token.len() + 1);
        while let Some(keyword) = tokens.next() {
            end += keyword.len() + 1;
            let mut text = None;
            match keyword {
                "properties" | "patternProperties" | "prefixItems" => {
                    end += length(tokens.next());
                    places += 1;
                }
                "dependencies" | "dependentSchemas" => end += length(tokens.next()),
                "items" => {
                    end += length(tokens.next_if(|token| token.bytes().all(|byte| byte.is_ascii_digit())));
                    places += 1;
                }
                "additionalProperties"
                | "unevaluatedProperties"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains" => places += 1,
                "allOf" | "anyOf" | "oneOf" => {
                    end += length(tokens.next());
                    text = Some(match keyword {
                        "allOf" => "'allOf' failed",
                        "anyOf" => "'anyOf' failed",
                        _ => "'oneOf' failed, none matched",
                    });
                    if steps.is_empty() && self.said == keyword {
                        text = None;
                    }
                }
                _ => {}
            }
            steps.push(Step { end, places, text });
        }
        steps
    }
}

struct Step {
    /// Where the address of the schema ends.
    end: usize,
    places: usize,
    text: Option<&'static str>,
}

impl Step {
    fn line(&self, url: &str, rewritten: &Rewritten) -> Option<Line> {
        self.text.filter(|_| !rewritten.is_added(&url[..self.end])).map(|text| (self.places, text))
    }
}
