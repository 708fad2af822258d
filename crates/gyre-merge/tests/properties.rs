//! Whatever comes in: no panic, no hang; and patches do what they were made for.

use gyre_merge::json_patch::{Flavor, Options, Patch};
use gyre_merge::{facts, merge_patch, strategic_merge};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn value(null: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[a-c]{1,2}".prop_map(Value::String),
        (0_i64..9).prop_map(Value::from),
        Just(if null { Value::Null } else { json!("x") }),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map("[a-d]", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object(null: bool) -> impl Strategy<Value = Map<String, Value>> {
    btree_map("[a-d]", value(null), 0..4).prop_map(|map| map.into_iter().collect())
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", "other"]);
    (op, "(/[a-d0-9~-]{0,2}){0,4}", "(/[a-d0-9~-]{0,2}){0,4}", value(true))
        .prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
}

/// Parts of a pod, with directives among them.
fn pod() -> impl Strategy<Value = Map<String, Value>> {
    let field = prop::sample::select(vec![
        "containers",
        "volumes",
        "nodeSelector",
        "tolerations",
        "name",
        "env",
        "ports",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$deleteFromPrimitiveList/args",
        "args",
        "spec",
        "metadata",
        "finalizers",
        "containerPort",
        "image",
    ]);
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "delete", "replace", "merge"]).prop_map(Value::from),
        (0_i64..3).prop_map(Value::from),
        Just(Value::Null),
    ];
    let inner = leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map(field.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    btree_map(
        prop::sample::select(vec!["spec".to_owned(), "metadata".to_owned(), "$patch".to_owned()]),
        inner,
        0..3,
    )
    .prop_map(|map| map.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_patches_never_panic(document in value(true), operations in vec(operation(), 0..5)) {
        for flavor in [Flavor::V4, Flavor::V5] {
            let mut options = Options::new(flavor);
            options.ensure_path_exists_on_add = flavor == Flavor::V5;
            if let Ok(patch) = Patch::from_value(Value::Array(operations.clone()), flavor) {
                let _ = patch.apply(document.clone(), options);
            }
        }
    }

    #[test]
    fn a_merge_patch_makes_the_modified_of_the_original(original in object(false), modified in object(false)) {
        let patch = merge_patch::create(&original, &modified, Flavor::V4);
        let mut document = Value::Object(original);
        merge_patch::apply(&mut document, Value::Object(patch));
        prop_assert_eq!(document, Value::Object(modified));
    }

    #[test]
    fn strategic_patches_never_panic(original in pod(), modified in pod(), current in pod()) {
        let of = facts::kind("", "v1", "Pod").expect("a built-in kind");
        let _ = strategic_merge::apply(original.clone(), modified.clone(), &of);
        let _ = strategic_merge::create_two_way(&original, &modified, &of);
        let _ = strategic_merge::create_three_way(&original, &modified, &current, &of, false);
    }
}
