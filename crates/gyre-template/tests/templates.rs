//! What holds for every template, however it is written.

#![expect(clippy::unwrap_used, reason = "a template that does not end as it should has to fail the test")]

use gyre_template::limits::STACK_BYTES;
use gyre_template::{FixedHost, Functions, Machine, MissingKey, Templates, Value};
use proptest::prelude::*;

/// What is printed, or the error's text.
fn execute(templates: &[(&str, &str)], name: &str) -> Result<String, String> {
    let work = || {
        let mut parsed = Templates::new(Functions::Helm, MissingKey::Zero);
        for (name, text) in templates {
            parsed.add(name, text).map_err(|why| why.to_string())?;
        }
        let out = Machine::new(&parsed, &mut FixedHost::default()).execute(name, Value::map::<&str>([]));
        out.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|why| why.to_string())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).unwrap();
        thread.join().unwrap()
    })
}

fn error(text: &str) -> String {
    execute(&[("t", text)], "t").unwrap_err()
}

#[test]
fn a_template_that_includes_itself_ends_with_an_error() {
    let why = error(r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#);
    assert!(why.contains("rendering template has a nested reference name: a"), "{}", &why[why.len() - 200..]);
}

#[test]
fn a_template_that_calls_itself_ends_with_an_error() {
    let why = error(r#"{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}"#);
    assert!(why.contains("exceeded maximum template depth"), "{why}");
}

#[test]
fn a_text_is_not_repeated_beyond_the_bound() {
    let why = error(r#"{{ repeat 9000000000 "abc" }}"#);
    assert!(why.contains("error calling repeat"), "{why}");
}

#[test]
fn a_list_is_not_counted_beyond_the_bound() {
    let why = error("{{ until 2000000000 }}");
    assert!(why.contains("error calling until"), "{why}");
}

#[test]
fn a_text_that_doubles_ends_with_an_error() {
    let text = r#"{{ $a := "ab" }}{{ range until 100 }}{{ $a = print $a $a }}{{ end }}"#;
    assert!(execute(&[("t", text)], "t").is_err());
}

#[test]
fn a_map_in_itself_ends_with_an_error() {
    let text = r#"{{ $a := dict }}{{ $_ := set $a "a" $a }}{{ toJson $a }}{{ $a }}"#;
    let _ = execute(&[("t", text)], "t");
}

#[test]
fn parentheses_are_not_nested_beyond_the_bound() {
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(execute(&[("t", &deep)], "t").is_err());
    let blocks = "{{ if true }}".repeat(100_000);
    assert!(execute(&[("t", &blocks)], "t").is_err());
}

/// Words of the language; `~` stands for a space.
const WORDS: &str = r#"
{{ {{- }} -}} | ( ) . .a.b $ $x := = , "s" `r` 'c' 1 -7 1.5 0x1p4 1i nil true if else end range with
define~"d" template~"d" block~"e"~. break continue /* */ printf~"%v" dict list set get index slice
len eq lt and or not toYaml fromYaml toJson toToml include~"d" tpl default merge ternary substr
trunc date~"2006" regexReplaceAll splitList until untilStep seq add div mod round semverCompare
b64dec dig first rest chunk without indent nindent wrap fail required lookup html js
"#;

/// A piece that templates are made of.
fn piece() -> impl Strategy<Value = String> {
    let words: Vec<String> = WORDS.split_whitespace().map(|word| word.replace('~', " ")).collect();
    let word = prop::sample::select(words);
    prop_oneof![8 => word, 1 => "\\PC{0,4}", 1 => (-9i64..99).prop_map(|n| n.to_string())]
}

proptest! {
    #[test]
    fn any_text_gives_an_output_or_an_error(text in "(?s).{0,200}") {
        let _ = execute(&[("t", &text)], "t");
    }

    #[test]
    fn any_pieces_give_an_output_or_an_error(pieces in prop::collection::vec(piece(), 0..40)) {
        let _ = execute(&[("t", &pieces.join(" "))], "t");
    }

    #[test]
    fn any_call_gives_an_output_or_an_error(pieces in prop::collection::vec(piece(), 0..8)) {
        let _ = execute(&[("t", &format!("{{{{ {} }}}}", pieces.join(" ")))], "t");
    }

    #[test]
    fn text_without_actions_is_printed_as_it_is(text in "[^{]{0,200}") {
        prop_assert_eq!(execute(&[("t", &text)], "t"), Ok(text));
    }

    #[test]
    fn a_quoted_text_is_printed_as_it_is(text in "(?s).{0,40}") {
        let quoted = gyre_go::strconv::quote(text.as_bytes());
        prop_assert_eq!(execute(&[("t", &format!("{{{{ {quoted} }}}}"))], "t"), Ok(text));
    }

    #[test]
    fn json_that_is_written_is_read_back(text in "(?s).{0,40}", number in any::<i32>()) {
        let quoted = gyre_go::strconv::quote(text.as_bytes());
        let template = format!("{{{{ $a := dict {quoted} (list {number} nil true) }}}}{{{{ eq ($a | toJson) ($a | toJson | fromJson | toJson) }}}}");
        prop_assert_eq!(execute(&[("t", &template)], "t"), Ok("true".to_owned()));
    }
}

#[test]
fn an_error_of_a_range_names_what_was_looked_at_last() {
    let why = error("{{ range $k, $v := (print 1) }}{{ end }}");
    assert_eq!(why, r#"template: t:1:26: executing "t" at <1>: range can't iterate over 1"#);
    let why = error("{{ range $k, $v := 3 }}{{ end }}");
    assert_eq!(
        why,
        r#"template: t:1:19: executing "t" at <3>: can't use 3 to iterate over more than one variable"#
    );
}

#[test]
fn what_is_called_is_named_as_it_is_written() {
    assert!(
        error(r#"{{ call (list 1 "a") }}"#).ends_with(r#"non-function list 1 "a" of type []interface {}"#)
    );
    assert!(error("{{ 1 | call }}").ends_with("non-function <int Value> of type int"));
}

#[test]
fn a_variable_is_declared_before_it_is_changed() {
    assert!(error("{{ if true }}{{ $a = 2 }}{{ end }}").ends_with("undefined variable: $a"));
}

#[test]
fn complaints_of_decoders_have_the_library_s_places() {
    let shown = |text: &str| execute(&[("t", text)], "t").unwrap();
    assert_eq!(shown(r#"{{ b32dec "MFRGG" }}"#), "illegal base32 data at input byte 0");
    assert_eq!(shown(r#"{{ b32dec "MFRGGZDFMF!" }}"#), "illegal base32 data at input byte 10");
    assert_eq!(shown("{{ toToml 10 }} {{ toToml (list 1 \"a\") }}"), "10 [1, \"a\"]");
    assert_eq!(
        shown(r#"{{ (fromToml "[t]\nx : 1").Error }}"#),
        r#"toml: line 2 (last key "t"): expected '.' or '=', but got ':' instead"#
    );
    assert_eq!(
        shown("{{ (fromToml \"x\").Error }}"),
        "toml: line 1: unexpected EOF; expected key separator '='"
    );
    assert!(
        error(r#"{{ regexMatch "\\x\\y" "" }}{{ mustRegexMatch "\\x\\y" "" }}"#)
            .ends_with(r"invalid escape sequence: `\x\y`")
    );
}

#[test]
fn what_is_not_sealed_is_not_opened() {
    let sealed = "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=";
    assert_eq!(execute(&[("t", r#"{{ decryptAES "a" "" }}"#)], "t").unwrap(), "");
    for (key, text, wanted) in [
        ("a", sealed, "slice bounds out of range [:-7]"),
        ("abc", sealed, "slice bounds out of range [:-127]"),
        ("a", "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6U=", "crypto/cipher: input not full blocks"),
    ] {
        let why = error(&format!("{{{{ decryptAES {key:?} {text:?} }}}}"));
        assert!(why.ends_with(wanted), "{why}");
    }
}
