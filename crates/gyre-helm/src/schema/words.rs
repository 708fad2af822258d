//! What a validator finds, in the words of Helm's.

mod alternatives;

use std::fmt::Write as _;

use boon::{CompileError, ErrorKind as Kind, InstanceToken, ValidationError};
use gyre_go::strconv;
use serde_json::{Number, Value};

use super::rewrite::Rewritten;
use alternatives::Start;

/// Why a schema cannot be used.
pub(super) fn refusal(error: &CompileError, rewritten: &Rewritten) -> String {
    let quoted = |text: &str| strconv::quote(text.as_bytes());
    match error {
        CompileError::ValidationError { url, src } => {
            // order: the place ends in a mark even where it has no fragment.
            let mark = if url.contains('#') { "" } else { "#" };
            let place = quoted(&format!("{url}{mark}"));
            format!("{place} is not valid against metaschema: {}", tree(src, rewritten))
        }
        CompileError::ParseUrlError { url, src } => format!("error in parsing {}: {src}", quoted(url)),
        CompileError::LoadUrlError { url, src } => format!("failing loading {}: {src}", quoted(url)),
        CompileError::UnsupportedUrlScheme { url } => format!("no URLLoader registered for {}", quoted(url)),
        CompileError::InvalidMetaSchemaUrl { url, src } => {
            format!("invalid $schema in {}: {src}", quoted(url))
        }
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", quoted(url)),
        CompileError::MetaSchemaCycle { url } => format!("cycle in resolving $schema in {}", quoted(url)),
        CompileError::ParseIdError { loc } => format!("error in parsing id at {}", quoted(loc)),
        CompileError::ParseAnchorError { loc } => format!("error in parsing anchor at {}", quoted(loc)),
        CompileError::DuplicateId { url, id, ptr1, ptr2 } => {
            let places = format!("{} and {}", quoted(ptr1), quoted(ptr2));
            format!("duplicate id {} in {} at {places}", quoted(id), quoted(url))
        }
        CompileError::DuplicateAnchor { anchor, url, ptr1, ptr2 } => {
            let places = format!("{} and {}", quoted(ptr1), quoted(ptr2));
            format!("duplicate anchor {} in {} at {places}", quoted(anchor), quoted(url))
        }
        CompileError::InvalidJsonPointer(place) => format!("invalid json-pointer {}", quoted(place)),
        CompileError::JsonPointerNotFound(place) => format!("json-pointer in {} not found", quoted(place)),
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {} not found in schema {}", quoted(reference), quoted(url))
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!("unsupported vocabulary {} in {}", quoted(vocabulary), quoted(url))
        }
        CompileError::InvalidRegex { url, regex, src } => {
            let why = rewritten.why_not(regex).unwrap_or_else(|| src.to_string());
            format!("invalid regex {} at {}: {why}", quoted(rewritten.written(regex)), quoted(url))
        }
        CompileError::Bug(why) => why.to_string(),
    }
}

/// An error with its causes, a line each, as deep as they nest.
pub(super) fn tree(error: &ValidationError<'_, '_>, rewritten: &Rewritten) -> String {
    let mut out = String::new();
    write(error, 0, rewritten, &mut out);
    out
}

fn write(error: &ValidationError<'_, '_>, depth: usize, rewritten: &Rewritten, out: &mut String) {
    let causes = causes(error, rewritten);
    let mut start = Start::of(error);
    let apart =
        matches!(error.kind, Kind::Schema { .. } | Kind::PropertyName { .. } | Kind::Reference { .. });
    let group = if apart { start.shared(&causes, rewritten) } else { None };
    // compat(helm 3.21): a reference, and a group, of which one cause is left has no line of its own.
    let passed_over = match error.kind {
        Kind::Reference { .. } => causes.len() == 1 || group.is_some(),
        Kind::Group => causes.len() == 1,
        Kind::AnyOf => rewritten.is_added(error.schema_url),
        _ => false,
    };
    let at = &error.instance_location.tokens;
    if !passed_over {
        match &error.kind {
            Kind::Schema { url } => {
                let _ = write!(out, "jsonschema validation failed with {}", quoted(&place(url)));
            }
            kind => line(depth, at, &message(kind, rewritten), rewritten, out),
        }
    }
    let mut depth = depth + usize::from(!passed_over);
    if let Some((mut lines, group)) = group {
        lines.push((group.places, "validation failed"));
        for (places, text) in lines {
            line(depth, &causes[0].instance_location.tokens[..places], text, rewritten, out);
            depth += 1;
        }
        start = group;
    }
    for cause in causes {
        let lines = start.unsaid(cause, rewritten);
        for (depth, (places, text)) in (depth..).zip(&lines) {
            line(depth, &cause.instance_location.tokens[..*places], text, rewritten, out);
        }
        write(cause, depth + lines.len(), rewritten, out);
    }
}

fn line(depth: usize, at: &[InstanceToken<'_>], text: &str, rewritten: &Rewritten, out: &mut String) {
    let at = quoted(&location(at, rewritten));
    let _ = write!(out, "\n{}- at {at}: {text}", "  ".repeat(depth.saturating_sub(1)));
}

/// compat(helm 3.21): a value of the wrong format is looked at no further.
fn causes<'a, 's, 'v>(
    error: &'a ValidationError<'s, 'v>,
    rewritten: &Rewritten,
) -> Vec<&'a ValidationError<'s, 'v>> {
    let formats: Vec<(&str, String)> = error
        .causes
        .iter()
        .filter(|cause| matches!(cause.kind, Kind::Format { .. }))
        .map(|cause| (cause.schema_url, location(&cause.instance_location.tokens, rewritten)))
        .collect();
    let hidden = |cause: &ValidationError<'_, '_>| {
        !matches!(cause.kind, Kind::Format { .. })
            && formats.iter().any(|(url, at)| {
                cause.schema_url.starts_with(url)
                    && *at == location(&cause.instance_location.tokens, rewritten)
            })
    };
    let in_the_way = |cause: &ValidationError<'_, '_>| {
        matches!(cause.kind, Kind::Enum { .. }) && rewritten.is_added(error.schema_url)
    };
    error.causes.iter().filter(|cause| !hidden(cause) && !in_the_way(cause)).collect()
}

/// A metaschema is known by its address without an empty fragment, any other schema with one.
fn place(url: &str) -> String {
    if url.contains('#') { url.to_owned() } else { format!("{url}#") }
}

/// A place among the values; or in the schema itself, where that is what is not valid.
fn location(tokens: &[InstanceToken<'_>], rewritten: &Rewritten) -> String {
    let mut out = String::new();
    let mut expression = false;
    for token in tokens {
        out.push('/');
        match token {
            InstanceToken::Prop(name) => {
                let written = if expression { rewritten.written(name) } else { name };
                out.push_str(&written.replace('~', "~0").replace('/', "~1"));
                expression = name == "patternProperties";
            }
            InstanceToken::Item(at) => {
                let _ = write!(out, "{at}");
            }
        }
    }
    out
}

fn message(kind: &Kind<'_, '_>, rewritten: &Rewritten) -> String {
    match kind {
        Kind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|kind| kind.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        Kind::Enum { want } => one_of(want),
        Kind::Const { want } => match want {
            Value::Array(_) | Value::Object(_) => "'const' failed".into(),
            plain => format!("value must be {}", display(plain)),
        },
        Kind::Format { got, want, err } => {
            let got = match got.as_ref() {
                Value::String(text) if *want == "regex" => {
                    let why = rewritten.why_not(text).unwrap_or_else(|| err.to_string());
                    return format!("{} is not valid regex: {why}", quoted(rewritten.written(text)));
                }
                got => display(got),
            };
            // compat(helm 3.21): the two libraries have other words for this.
            let why = err.to_string().replace("not starting with slash", "not starting with /");
            format!("{got} is not valid {want}: {why}")
        }
        Kind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quoted(got), quoted(rewritten.written(want)))
        }
        Kind::Required { want } => {
            let word = if want.len() == 1 { "property" } else { "properties" };
            format!("missing {word} {}", joined(want))
        }
        Kind::Dependency { prop, missing } | Kind::DependentRequired { prop, missing } => {
            format!("properties {} required, if {} exists", joined(missing), quoted(prop))
        }
        Kind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", joined(got))
        }
        Kind::PropertyName { prop } => format!("invalid propertyName {}", quoted(prop)),
        Kind::ContentEncoding { want, err } => format!("value is not {} encoded: {err}", quoted(want)),
        Kind::ContentMediaType { want, err, .. } => {
            format!("value if not of mediatype {}: {err}", quoted(want))
        }
        Kind::RefCycle { url, kw_loc1, kw_loc2 } => {
            let url = strconv::quote(url.as_bytes());
            format!("both {kw_loc1} and {kw_loc2} resolve to {url} causing reference cycle")
        }
        Kind::FalseSchema => "false schema".into(),
        Kind::Not => "'not' failed".into(),
        Kind::AllOf => "'allOf' failed".into(),
        Kind::AnyOf => "'anyOf' failed".into(),
        Kind::OneOf(None) => "'oneOf' failed, none matched".into(),
        Kind::OneOf(Some((first, second))) => {
            format!("'oneOf' failed, subschemas {}, {} matched", count(*first), count(*second))
        }
        Kind::ContentSchema => "'contentSchema' failed".into(),
        Kind::Group | Kind::Reference { .. } | Kind::Schema { .. } => "validation failed".into(),
        bound => out_of_bounds(bound),
    }
}

fn out_of_bounds(kind: &Kind<'_, '_>) -> String {
    let counted = |keyword: &str, got: &usize, want: &usize| {
        format!("{keyword}: got {}, want {}", count(*got), count(*want))
    };
    let compared = |keyword: &str, got: &Number, want: &Number| {
        format!("{keyword}: got {}, want {}", measure(got), measure(want))
    };
    match kind {
        Kind::MinProperties { got, want } => counted("minProperties", got, want),
        Kind::MaxProperties { got, want } => counted("maxProperties", got, want),
        Kind::MinItems { got, want } => counted("minItems", got, want),
        Kind::MaxItems { got, want } => counted("maxItems", got, want),
        Kind::MinLength { got, want } => counted("minLength", got, want),
        Kind::MaxLength { got, want } => counted("maxLength", got, want),
        Kind::Minimum { got, want } => compared("minimum", got, want),
        Kind::Maximum { got, want } => compared("maximum", got, want),
        Kind::ExclusiveMinimum { got, want } => compared("exclusiveMinimum", got, want),
        Kind::ExclusiveMaximum { got, want } => compared("exclusiveMaximum", got, want),
        Kind::MultipleOf { got, want } => compared("multipleOf", got, want),
        Kind::UniqueItems { got: [one, other] } => {
            format!("items at {} and {} are equal", count(*one), count(*other))
        }
        Kind::AdditionalItems { got } => format!("last {} additionalItem(s) not allowed", count(*got)),
        Kind::Contains => "no items match contains schema".into(),
        Kind::MinContains { got, want } if got.is_empty() => {
            format!("min {} items required to match contains schema, but none matched", count(*want))
        }
        Kind::MinContains { got, want } => matched("min", got, *want),
        Kind::MaxContains { got, want } => matched("max", got, *want),
        other => other.to_string(),
    }
}

fn matched(bound: &str, got: &[usize], want: usize) -> String {
    let at: Vec<String> = got.iter().map(usize::to_string).collect();
    format!(
        "{bound} {} items required to match contains schema, but matched {} items at {}",
        count(want),
        count(got.len()),
        at.join(" ")
    )
}

fn one_of(want: &[Value]) -> String {
    if !want.iter().all(|value| !matches!(value, Value::Array(_) | Value::Object(_))) {
        return "'enum' failed".into();
    }
    match want {
        [one] => format!("value must be {}", display(one)),
        all => format!("value must be one of {}", all.iter().map(display).collect::<Vec<_>>().join(", ")),
    }
}

fn quoted(text: &str) -> String {
    let quoted = strconv::quote(text.as_bytes()).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

fn joined<T: AsRef<str>>(texts: &[T]) -> String {
    texts.iter().map(|text| quoted(text.as_ref())).collect::<Vec<_>>().join(", ")
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "<nil>".into(),
        Value::Array(_) | Value::Object(_) => "value".into(),
        other => other.to_string(),
    }
}

/// A count as it is printed for readers of English.
fn count(number: usize) -> String {
    grouped(&number.to_string())
}

/// A number as it is printed for readers of English.
fn measure(number: &Number) -> String {
    let text = strconv::format_float(number.as_f64().unwrap_or(0.0), b'g', None);
    match text.split_once('e') {
        None => grouped(&text),
        Some((digits, exponent)) => {
            let raised = |letter: char| match letter {
                '-' => '\u{207b}',
                '1' => '\u{b9}',
                '2' => '\u{b2}',
                '3' => '\u{b3}',
                digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
            };
            let exponent: String = exponent.trim_start_matches('+').chars().map(raised).collect();
            format!("{digits}\u{d7}10{exponent}")
        }
    }
}

fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, part) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(part);
    out
}
