//! What is said of values that do not fit `values.schema.json`, and schemas that would keep a validator busy.

#![expect(clippy::unwrap_used, reason = "a case of another shape has to fail the test")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gyre_helm::chart::{File, load_files};
use gyre_helm::values::Values;
use gyre_helm::{Options, ParsedChart};
use gyre_template::FixedHost;

/// The error without its title; nothing when the values fit.
fn problems(schema: &str, values: &str) -> String {
    let file = |name: &str, text: &str| File { name: name.into(), content: Arc::from(text.as_bytes()) };
    let files = vec![
        file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("values.yaml", values),
        file("values.schema.json", schema),
    ];
    let chart = ParsedChart::new(load_files(files).unwrap());
    match chart.render(&Values::new(), &Options::default(), &mut FixedHost::default()) {
        Ok(_) => String::new(),
        Err(why) => {
            let why = why.to_string();
            let title =
                "values don't meet the specifications of the schema(s) in the following chart(s):\nc:\n";
            why.strip_prefix(title).unwrap_or(&why).trim_end().to_owned()
        }
    }
}

#[test]
fn one_error_of_several_alternatives_says_which() {
    let schema = r#"{"allOf": [{"properties": {"a": {"anyOf": [{"minimum": 2000}]}}}]}"#;
    let wanted =
        "- at '': 'allOf' failed\n  - at '/a': 'anyOf' failed\n    - at '/a': minimum: got 1,500, want 2,000";
    assert_eq!(problems(schema, "a: 1500"), wanted);
    let schema = r#"{"oneOf": [{"required": ["x"], "properties": {"a": {"type": "string"}}}]}"#;
    let wanted = "- at '': 'oneOf' failed, none matched\n  - at '': validation failed\n    \
                  - at '': missing property 'x'\n    - at '/a': got number, want string";
    assert_eq!(problems(schema, "a: 1500"), wanted);
}

#[test]
fn multiples_are_of_decimal_numbers() {
    let schema = r#"{"properties": {"a": {"multipleOf": 0.1}}}"#;
    assert_eq!(problems(schema, "a: 0.3"), "");
    assert_eq!(problems(schema, "{a: 0.35, b: 0.3}"), "- at '/a': multipleOf: got 0.35, want 0.1");
}

#[test]
fn expressions_are_those_of_go() {
    let schema = r#"{"properties": {"a": {"pattern": "^\\d+$"}}}"#;
    assert_eq!(problems(schema, "a: '12'"), "");
    assert_eq!(problems(schema, "a: '١'"), "- at '/a': '١' does not match pattern '^\\\\d+$'");
    let schema = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"pattern": {"pattern": "(?=x)"}}}"#;
    let wanted = "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation \
                  failed with 'http://json-schema.org/draft-07/schema#'\n- at '/properties/pattern/pattern': \
                  '(?=x)' is not valid regex: error parsing regexp: invalid or unsupported Perl syntax: `(?=`";
    assert_eq!(problems(schema, "a: 1"), wanted);
}

#[test]
fn nothing_is_fetched() {
    let schema = r#"{"$ref": "https://example.com/schema.json"}"#;
    let wanted = "failing loading \"https://example.com/schema.json\": schemas outside the chart are not read: \
                  put the referred schema into values.schema.json";
    assert_eq!(problems(schema, "a: 1"), wanted);
    let schema = r#"{"$ref": "other.json"}"#;
    let wanted = "failing loading \"file:///other.json\": open /other.json: no such file or directory";
    assert_eq!(problems(schema, "a: 1"), wanted);
}

#[test]
fn work_and_depth_are_bounded() {
    let (mut doubling, mut chain) = (String::new(), String::new());
    for at in 0..64 {
        let next = at + 1;
        let _ = write!(
            doubling,
            r##""d{at}": {{"allOf": [{{"$ref": "#/$defs/d{next}"}}, {{"$ref": "#/$defs/d{next}"}}]}},"##
        );
    }
    for at in 0..100_000 {
        let next = at + 1;
        let _ = write!(chain, r##""d{at}": {{"$ref": "#/$defs/d{next}"}},"##);
    }
    let begun = Instant::now();
    for (definitions, last) in [(doubling, 64), (chain, 100_000)] {
        let schema = format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{definitions} "d{last}": {{}}}}}}"##);
        let why = problems(&schema, "a: 1");
        assert!(why.contains("let the schema refer to itself less often"), "{why}");
    }
    let deep = r##"{"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}}}"##;
    let values = format!("{}1{}", "{a: ".repeat(90), "}".repeat(90));
    assert!(problems(deep, &values).contains("let the schema refer to itself less often"));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn references_to_themselves_are_named() {
    let schema = r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}"##;
    let why = problems(schema, "a: 1");
    assert!(why.contains("causing reference cycle"), "{why}");
}
