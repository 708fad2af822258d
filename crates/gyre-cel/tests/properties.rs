//! Whatever is written, nothing panics, and nothing runs without an end.

use std::collections::BTreeMap;

use gyre_cel::{Env, RunError, Type, Value};
use proptest::prelude::*;

fn compile_and_run(source: &str) {
    let env = Env::new().variable("self", Type::Dyn);
    if let Ok(program) = env.compile(source) {
        let object = Value::from_json(&serde_json::json!({"a": [1, 2.5, "x", null], "b": {"c": true}}));
        let (_, cost) = program.run(&BTreeMap::from([("self".to_owned(), object)]), 100_000);
        assert!(cost < 10_000_000);
    }
}

proptest! {
    #[test]
    fn any_text(source in "\\PC{0,60}") {
        compile_and_run(&source);
    }

    #[test]
    fn texts_of_tokens(words in proptest::collection::vec(
        prop_oneof![
            Just("self"), Just("."), Just("a"), Just("("), Just(")"), Just("["), Just("]"), Just("?"), Just(":"),
            Just("all"), Just("x"), Just(","), Just("'t'"), Just("1"), Just("-"), Just("1.5"), Just("+"), Just("=="),
            Just("&&"), Just("!"), Just("{"), Just("}"), Just("in"), Just("size"), Just("has"), Just("map"), Just("2u"),
        ],
        0..14,
    )) {
        compile_and_run(&words.concat());
        compile_and_run(&words.join(" "));
    }
}

#[test]
fn what_does_not_end_is_stopped() {
    let range = "lists.range(1000)";
    let source = format!("{range}.all(a, {range}.all(b, {range}.all(c, a + b + c >= 0)))");
    let program = Env::new().compile(&source);
    let outcome = program.map(|it| it.run(&BTreeMap::new(), 1_000_000).0);
    assert_eq!(outcome, Ok(Err(RunError::TooCostly)));
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(Env::new().compile(&deep).is_err());
}
