//! What is found, what is left alone, and that nothing is copied for nothing.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::utf8_percent_encode;
use proptest::prelude::*;

use super::{FORM, MASK, Masker, json_inside};
use crate::capability::secret::Secret;

fn masker(values: &[&str]) -> Masker {
    let values: Vec<Secret> = values
        .iter()
        .map(|value| Secret::new((*value).to_owned()))
        .collect();
    Masker::new(&values)
}

#[track_caller]
fn check(values: &[&str], text: &str, expected: &str) {
    assert_eq!(masker(values).mask_text(text), expected);
}

#[test]
fn hides_a_value_in_every_form() {
    let value = "pä\"ss/w+rd <1>";
    for echo in [
        value.to_owned(),
        serde_json::to_string(value).unwrap(),
        "p\\u00E4\\u0022ss/w\\u002Brd \\u003C1\\u003E".to_owned(),
        "p\\u00e4\\u0022ss/w\\u002brd \\u003c1\\u003e".to_owned(),
        json_inside(value).replace('/', "\\/"),
        "p%C3%A4%22ss%2Fw%2Brd+%3C1%3E".to_owned(),
        utf8_percent_encode(value, FORM).to_string(),
        STANDARD.encode(value),
        URL_SAFE.encode(value),
        "p\\u00e4\\\"ss\\/w+rd <1>".to_owned(),
        "p%c3%a4%22ss%2fw%2brd%20%3c1%3e".to_owned(),
        "p%C3%A4%22ss%2Fw%2Brd%20%3C1%3E".to_owned(),
        "pä&quot;ss/w+rd &lt;1&gt;".to_owned(),
        "70c3a42273732f772b7264203c313e".to_owned(),
        "70C3A42273732F772B7264203C313E".to_owned(),
    ] {
        let masked = masker(&[value]).mask_text(&echo).into_owned();
        assert!(
            masked.contains(MASK) && masked.len() <= 7,
            "{echo} became {masked}"
        );
    }
}

#[test]
fn hides_a_value_inside_base64_of_more() {
    for user in ["", "u", "us", "use"] {
        let header = format!(
            "Basic {}",
            STANDARD.encode(format!("{user}correct-horse-battery"))
        );
        let masked = masker(&["correct-horse-battery"])
            .mask_text(&header)
            .into_owned();
        assert!(masked.contains(MASK), "{header} became {masked}");
    }
}

#[test]
fn what_stands_around_a_value_in_base64_shows_no_bit_of_it() {
    for value in [
        "8letters",
        "9-letters",
        "ten-letter",
        "correct-horse-battery",
    ] {
        for before in ["", "u", "us"] {
            for after in ["", ":", ":x", ":x1"] {
                let shown = |value: &str| {
                    let text = STANDARD.encode(format!("{before}{value}{after}"));
                    let masked = masker(&[value]).mask_text(&text).into_owned();
                    assert!(masked.contains(MASK), "{text} became {masked}");
                    masked
                };
                // Another value of that length looks the same.
                let other: String = value.chars().rev().collect();
                assert_eq!(shown(value), shown(&other), "{before}{value}{after}");
            }
        }
    }
}

#[test]
fn short_values_are_hidden_in_base64_and_hex_too() {
    for value in ["1234", "hunter7", "pass word"] {
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        for echo in [STANDARD.encode(value), hex] {
            let text = format!("got {echo}.");
            let masked = masker(&[value]).mask_text(&text).into_owned();
            assert!(
                masked.starts_with("got ***") && masked.len() <= 10,
                "{text} became {masked}"
            );
        }
    }
}

#[test]
fn short_values_are_hidden_where_they_stand_alone() {
    check(
        &["123456"],
        r#"{"pin":"123456","no":"TB1234567"}"#,
        r#"{"pin":"***","no":"TB1234567"}"#,
    );
    check(&["abc"], "abc", "abc");
}

#[test]
fn a_value_is_found_inside_one_that_does_not_count() {
    check(
        &["abcd", "cd-long-enough-secret"],
        "xabcd-long-enough-secret",
        "xab***",
    );
}

#[test]
fn the_longest_value_wins_and_neighbours_are_all_hidden() {
    let values = ["first-long-secret", "first-long-secret-and-more"];
    check(&values, "first-long-secret-and-more", "***");
    check(&values, "first-long-secretfirst-long-secret", "******");
}

#[test]
fn no_half_of_an_escape_is_left() {
    let value = "/long-enough-secret";
    check(&[value], r#""\\/long-enough-secret""#, r#""\\***""#);
    check(
        &["n-long-enough-secret"],
        r#""a\n-long-enough-secret""#,
        r#""a***""#,
    );
}

#[test]
fn what_holds_no_value_is_handed_back_as_it_is() {
    let body = vec![b'x'; 500_000];
    let place = body.as_ptr();
    let masked = masker(&["first-long-secret", "123456"]).mask(body);
    assert_eq!(masked.as_ptr(), place);
    assert_eq!(Masker::default().mask_text("a"), "a");
}

proptest! {
    #[test]
    fn no_value_of_twelve_bytes_or_more_is_left(
        value in "[ -~äß张😀]{12,20}",
        before in "[ -~]{0,9}",
        after in "[ -~]{0,9}",
    ) {
        let masker = masker(&[&value]);
        let text = format!("{before}{value}{after}");
        prop_assert!(masker.mask_text(&text).contains(MASK));
        let json = serde_json::to_string(&text).unwrap();
        let masked = masker.mask_text(&json).into_owned();
        prop_assert!(serde_json::from_str::<String>(&masked).is_ok_and(|text| !text.contains(&value)));
    }
}

proptest! {
    /// Texts of whole, cut and joined values, of which some overlap.
    #[test]
    fn the_sieve_changes_nothing_that_is_found(
        values in prop::collection::vec("[ab]{15,40}", 1..4),
        parts in prop::collection::vec((0..4usize, 0..40usize, 0..40usize, "[abc]{0,70}"), 0..30),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let with = masker(&values);
        prop_assert!(with.sieve.is_some());
        let without = Masker { sieve: None, ..with.clone() };
        let text: String = parts
            .iter()
            .map(|(which, from, to, noise)| {
                let value = values.get(*which).copied().unwrap_or_default();
                format!("{}{noise}", value.get(*from.min(to)..*from.max(to)).unwrap_or(value))
            })
            .collect();
        prop_assert_eq!(with.mask_text(&text), without.mask_text(&text));
    }
}

#[test]
fn more_values_than_the_vector_search_takes_are_all_hidden() {
    let values: Vec<String> = (0..300)
        .map(|index| format!("secret-number-{index:03}"))
        .collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let text = values.join(" ");
    assert_eq!(
        masker(&values).mask_text(&text),
        vec![MASK; values.len()].join(" ")
    );
}
