//! Recipes that are refused, each with the reason, and what calls get wrong.

use std::collections::BTreeMap;

use super::super::secret::Secret;
use super::{Call, Recipe};

const S: &str = r#"{"secret": "s"}"#;
const IN: &str = r#"{"input": "x"}"#;

/// The recipe is refused, and the message holds the text. `S` and `IN` stand
/// for a secret and an input.
#[track_caller]
fn check_refused(recipe: &str, reason: &str) {
    let recipe = recipe.replace("`S`", S).replace("`IN`", IN);
    let error = Recipe::compile(&recipe).unwrap_err().to_string();
    assert!(error.contains(reason), "{recipe}\nsaid: {error}");
}

#[test]
fn a_secret_leaves_through_digests_only() {
    let uncovered = "the result holds a secret that no digest covers";
    for recipe in [
        r#"`S`"#,
        r#"{"base64": `S`}"#,
        r#"{"hex": `S`}"#,
        r#"{"concat": [{"hex": {"md5": `S`}}, `S`]}"#,
        r#"{"join": [`IN`, `S`], "with": ","}"#,
        r#"{"hex": {"xor": `S`, "with": "k"}}"#,
        r#"{"sort": [`S`, {"time": "unix-seconds"}]}"#,
        r#"{"pairs": [`S`, {"part": "name"}], "between": ""}"#,
        // Twice the same constant takes it off again.
        r#"{"hex": {"xor": {"xor": `S`, "with": "k"}, "with": "k"}}"#,
        r#"{"hex": {"concat": [{"md5": `IN`}, `S`]}}"#,
    ] {
        check_refused(recipe, uncovered);
    }
}

#[test]
fn no_part_of_a_secret_is_cut_out_or_measured() {
    for (recipe, operator) in [
        (r#"{"length": `S`, "digits": 1}"#, "length"),
        (r#"{"length": {"base64": `S`}, "digits": 1}"#, "length"),
        (
            r#"{"length": {"concat": [`S`, `IN`]}, "digits": 1}"#,
            "length",
        ),
        (
            r#"{"hex": {"md5": {"length": `S`, "digits": 1}}}"#,
            "length",
        ),
        (
            r#"{"hex": {"md5": {"split": `S`, "at": "a", "take": 0}}}"#,
            "split",
        ),
        (
            r#"{"hex": {"md5": {"split": {"hex": `S`}, "at": "7", "take": 0}}}"#,
            "split",
        ),
        (
            r#"{"hex": {"md5": {"split": {"concat": [`IN`, `S`]}, "at": "a", "take": 1}}}"#,
            "split",
        ),
        (r#"{"hex": {"md5": {"upper": `S`}}}"#, "upper"),
        (
            r#"{"hex": {"md5": {"pairs": [{"length": `S`, "digits": 1}, {"part": "name"}], "between": ""}}}"#,
            "length",
        ),
    ] {
        check_refused(
            recipe,
            &format!("`{operator}` over a secret lets it be read out"),
        );
    }
}

#[test]
fn nothing_chosen_is_sorted_beside_a_secret() {
    for (recipe, found) in [
        (r#"{"hex": {"md5": {"sort": [`S`, `IN`]}}}"#, "input"),
        (
            r#"{"hex": {"md5": {"sort": [`S`, {"text": "m"}]}}}"#,
            "text",
        ),
        (
            r#"{"hex": {"md5": {"sort": [`S`, {"hex": {"md5": `IN`}}]}}}"#,
            "hex",
        ),
        (
            r#"{"hex": {"md5": {"sort": [`S`, {"concat": [`IN`, `S`]}]}}}"#,
            "concat",
        ),
        (
            r#"{"hex": {"md5": {"sort": [`S`, {"pairs": [{"part": "name"}], "between": ""}]}}}"#,
            "pairs",
        ),
        (
            r#"{"hex": {"md5": {"pairs": [{"sort": [`S`, {"part": "value"}]}], "between": ""}}}"#,
            "part",
        ),
        (r#"{"sort": [`IN`, `IN`]}"#, "input"),
    ] {
        let reason = format!("`sort` takes `setting`, `secret` and `time` only, found `{found}`");
        check_refused(recipe, &reason);
    }
}

#[test]
fn no_error_and_no_padding_measures_a_secret() {
    check_refused(
        r#"{"hex": {"hmac-md5": {"key": {"concat": [`S`, `IN`]}, "over": {"text": "m"}}}}"#,
        "at `/hex/hmac-md5/key`: a key that holds a secret is that secret and nothing else",
    );
    for recipe in [
        r#"{"hex": {"base64-decode": `S`}}"#,
        r#"{"hex": {"md5": {"base64-decode": {"concat": [`S`, `IN`]}}}}"#,
    ] {
        check_refused(recipe, "`base64-decode` over a secret: whether it fails");
    }
    check_refused(
        r#"{"hex": {"md5": {"xor": `S`, "with": `IN`}}}"#,
        "`xor` needs the text `with`",
    );
}

#[test]
fn bytes_are_not_text() {
    check_refused(
        r#"{"md5": `S`}"#,
        "the result is bytes: wrap it in `hex` or `base64`",
    );
    check_refused(
        r#"{"length": {"md5": `IN`}, "digits": 2}"#,
        "`length` takes text, found bytes",
    );
}

#[test]
fn mistakes_are_located_and_named() {
    for (recipe, reason) in [
        ("[", "not JSON"),
        ("[]", "an expression is an object"),
        ("{}", "at `/`: unknown operator ``"),
        (
            r#"{"hex": {"shaa256": `S`}}"#,
            "at `/hex`: unknown operator `shaa256`, did you mean `sha256`?",
        ),
        (
            r#"{"concat": [`IN`, {"frobnicate": 1}]}"#,
            "at `/concat/1`: unknown operator `frobnicate`",
        ),
        (r#"{"md5": `S`, "hex": `S`}"#, "two operators in one object"),
        (
            r#"{"join": [`IN`], "wiht": ","}"#,
            "`join` takes `with` beside it, found `wiht`",
        ),
        (
            r#"{"input": "x", "with": ","}"#,
            "`input` takes nothing beside it, found `with`",
        ),
        (
            r#"{"join": [`IN`]}"#,
            "`join` needs the text `with` beside it",
        ),
        (r#"{"concat": []}"#, "a list of at least one expression"),
        (r#"{"concat": `IN`}"#, "a list of at least one expression"),
        (
            r#"{"time": "unix"}"#,
            "one of `unix-seconds`, `unix-millis`",
        ),
        (r#"{"text": 7}"#, "`text` takes a text"),
        (r#"{"length": `IN`, "digits": 99}"#, "a number up to 16"),
        (
            r#"{"split": `IN`, "at": "", "take": 0}"#,
            "`at` of `split` must not be empty",
        ),
        (
            r#"{"split": `IN`, "at": "_", "take": -1}"#,
            "the whole number `take`",
        ),
        (
            r#"{"hmac-md5": {"key": `S`}}"#,
            "an object of `key` and `over`",
        ),
        (r#"{"part": "name"}"#, "inside `pairs` only"),
        (
            r#"{"pairs": [`IN`], "between": ""}"#,
            "holds no {\"part\": \"name\"}",
        ),
        (
            r#"{"pairs": [{"pairs": [{"part": "name"}], "between": ""}, {"part": "name"}], "between": ""}"#,
            "`pairs` inside `pairs`",
        ),
    ] {
        check_refused(recipe, reason);
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = format!("{}{IN}{}", r#"{"base64": "#.repeat(20), "}".repeat(20));
    check_refused(&deep, "nested deeper than 16");
    let wide = format!(r#"{{"concat": [{}]}}"#, vec![IN; 300].join(","));
    check_refused(&wide, "more than 200 operators");
    check_refused(
        &format!(r#"{{"text": "{}"}}"#, "x".repeat(20_000)),
        "at most 16384",
    );
}

#[track_caller]
fn evaluate(recipe: &str, inputs: &[(&str, &str)]) -> Result<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let recipe = recipe.replace("`S`", S).replace("`IN`", IN);
    Recipe::compile(&recipe).unwrap().evaluate(&Call {
        settings: &BTreeMap::from([("id".to_owned(), "a_b_c".to_owned())]),
        secrets: &BTreeMap::from([("s".to_owned(), Secret::new("hush hush".to_owned()))]),
        inputs: &inputs.iter().map(owned).collect::<Vec<_>>(),
        time_ms: 1_700_000_000_999,
    })
}

#[test]
fn a_call_says_what_is_missing() {
    for (recipe, inputs, reason) in [
        ("`IN`", &[][..], "input `x` is not set"),
        (
            "`IN`",
            &[("x", "1"), ("y", "2")],
            "the recipe has no use for input `y`",
        ),
        (
            "`IN`",
            &[("x", "1"), ("x", "2")],
            "input `x` was given twice",
        ),
        (r#"{"setting": "nix"}"#, &[], "setting `nix` is not set"),
        (
            r#"{"hex": {"md5": {"secret": "id"}}}"#,
            &[],
            "secret setting `id` is not set",
        ),
        (r#"{"setting": "s"}"#, &[], "setting `s` is not set"),
        (
            r#"{"split": {"setting": "id"}, "at": "_", "take": 3}"#,
            &[],
            "there is no part 3 between `_`",
        ),
        (
            r#"{"hex": {"base64-decode": `IN`}}"#,
            &[("x", "%")],
            "was given what is not base64",
        ),
    ] {
        assert!(
            evaluate(recipe, inputs).unwrap_err().contains(reason),
            "{recipe}"
        );
    }
}

#[test]
fn pairs_go_by_name_in_byte_order_and_leave_named_inputs_out() {
    let recipe = r#"{"concat": [`IN`, {"text": "|"},
        {"pairs": [{"part": "name"}, {"text": "="}, {"part": "value"}], "between": "&"}]}"#;
    let inputs = [
        ("b", "1"),
        ("x", "first"),
        ("B", "2"),
        ("é", "3"),
        ("a_", "4"),
        ("aa", "5"),
    ];
    let text = evaluate(recipe, &inputs);
    assert_eq!(text.as_deref(), Ok("first|B=2&a_=4&aa=5&b=1&é=3"));
}

#[test]
fn a_recipe_cannot_fill_memory() {
    let recipe = format!(r#"{{"concat": [{}]}}"#, vec![IN; 100].join(","));
    let error = evaluate(&recipe, &[("x", &"y".repeat(1024 * 1024))]).unwrap_err();
    assert!(error.contains("produces more than"), "{error}");
}

proptest::proptest! {
    /// Whatever a recipe nests, a result that shows the secret is refused.
    #[test]
    fn no_accepted_recipe_shows_the_secret(recipe in any_recipe()) {
        if let Ok(compiled) = Recipe::compile(&recipe) {
            let secret = "hush hush";
            let text = compiled.evaluate(&Call {
                settings: &BTreeMap::from([("id".to_owned(), "a_b_c".to_owned())]),
                secrets: &BTreeMap::from([("s".to_owned(), Secret::new(secret.to_owned()))]),
                inputs: &[],
                time_ms: 1,
            });
            let other = compiled.evaluate(&Call {
                settings: &BTreeMap::from([("id".to_owned(), "a_b_c".to_owned())]),
                secrets: &BTreeMap::from([("s".to_owned(), Secret::new("hush husi".to_owned()))]),
                inputs: &[],
                time_ms: 1,
            });
            // Two secrets of one letter's difference: only a digest may tell
            // them apart, and it does so all over.
            if let (Ok(text), Ok(other)) = (text, other)
                && text != other
            {
                let same = text.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count();
                let digests = recipe.matches("md5").count() + recipe.matches("sha256").count();
                proptest::prop_assert!(digests > 0 && text.len() - same > 8, "{recipe}: {text} {other}");
            }
        }
    }
}

fn any_recipe() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(S.to_owned()),
        Just(r#"{"text": "t"}"#.to_owned()),
        Just(r#"{"setting": "id"}"#.to_owned()),
        Just(r#"{"time": "unix-millis"}"#.to_owned()),
    ];
    leaf.prop_recursive(6, 24, 3, |inner| {
        let unary = prop::sample::select(vec![
            "base64",
            "hex",
            "upper",
            "md5",
            "sha256",
            "base64-decode",
        ]);
        prop_oneof![
            (unary, inner.clone()).prop_map(|(name, of)| format!(r#"{{"{name}": {of}}}"#)),
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| format!(r#"{{"concat": [{one}, {other}]}}"#)),
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| format!(r#"{{"sort": [{one}, {other}]}}"#)),
            (inner.clone(), inner.clone()).prop_map(|(key, over)| format!(
                r#"{{"hmac-sha256": {{"key": {key}, "over": {over}}}}}"#
            )),
            inner
                .clone()
                .prop_map(|of| format!(r#"{{"xor": {of}, "with": "k"}}"#)),
            inner
                .clone()
                .prop_map(|of| format!(r#"{{"length": {of}, "digits": 2}}"#)),
            inner.prop_map(|of| format!(r#"{{"split": {of}, "at": "h", "take": 0}}"#)),
        ]
    })
}
