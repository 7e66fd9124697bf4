//! The fast mapping gives what the slow one gives, for any rules and records;
//! and no bytes whatever upset it.

use duijie_sdk::transform::Verdict;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::reference::{From, Spec, Specs};
use crate::Mapping;

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![Just("x"), Just("-"), Just("文 \"q\"\\"), Just("\t")].prop_map(str::to_owned)
}

fn name(row: bool) -> BoxedStrategy<String> {
    let head = (0..5).prop_map(|n| format!("f{n}"));
    let long = Just(String::from(
        "a_name_that_is_longer_than_two_words_of_sixteen",
    ));
    if row {
        prop_oneof![head, (0..5).prop_map(|n| format!("l.f{n}")), long].boxed()
    } else {
        prop_oneof![4 => head, 1 => Just(String::from("l.f1")), 1 => long].boxed()
    }
}

fn from(row: bool) -> impl Strategy<Value = From> {
    prop_oneof![
        1 => literal().prop_map(From::Literal),
        6 => name(row).prop_map(From::Field),
        2 => (name(row), literal(), name(row)).prop_map(|(a, b, c)| From::Joined(a, b, c)),
        1 => name(row).prop_map(From::Table),
        1 => name(row).prop_map(From::Zero),
    ]
}

fn specs(row: bool, most: usize) -> impl Strategy<Value = Vec<Spec>> {
    let form =
        prop_oneof![6 => Just("string"), 1 => Just("float"), 1 => Just("int"), 1 => Just("bool")];
    let spec = (form, from(row), any::<bool>(), prop::bool::weighted(0.05));
    vec(spec, 0..most).prop_map(|specs| {
        let named = specs.into_iter().enumerate();
        let spec = |(n, (form, from, wrapped, required)): (usize, (_, From, bool, bool))| {
            // A literal must fit its type, or the settings are refused.
            let form = if matches!(from, From::Literal(_)) {
                "string"
            } else {
                form
            };
            Spec {
                name: format!("F{n}"),
                form,
                from,
                wrapped,
                required,
            }
        };
        named.map(spec).collect()
    })
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("\"\"".to_owned()),
        prop_oneof![
            Just("true"),
            Just("false"),
            Just("0"),
            Just("1"),
            Just("3.0000"),
            Just("-0.0")
        ]
        .prop_map(str::to_owned),
        prop_oneof![
            Just("0.0000"),
            Just("3.0000"),
            Just("1"),
            Just("2756286207594856469"),
            Just("a"),
            Just("-7.5")
        ]
        .prop_map(|text| format!("\"{text}\"")),
        Just("2756286207594856469".to_owned()),
        "[a-z \"\\\\\n\u{1}文😀]{0,20}".prop_map(|text| Value::String(text).to_string()),
        Just(r#""\u8d60\ud83d\ude00\/""#.to_owned()),
        prop_oneof![Just("{}"), Just("[1]"), Just("{\"f1\":[\"]\"]}")].prop_map(str::to_owned),
    ]
}

/// An object's text: keys in any order, some twice, some unknown.
fn object(extra: BoxedStrategy<Vec<(String, String)>>) -> impl Strategy<Value = String> {
    let key = prop_oneof![
        8 => (0..7).prop_map(|n| format!("\"f{n}\"")),
        1 => Just("\"a_name_that_is_longer_than_two_words_of_sixteen\"".to_owned()),
        1 => Just(r#""f\u0031""#.to_owned()),
    ];
    let blank = prop_oneof![4 => Just(""), 1 => Just(" ")];
    (vec((key, scalar()), 0..8), extra, blank, any::<bool>()).prop_map(
        |(mut members, extra, blank, sorted)| {
            if sorted {
                members.sort();
            }
            members.extend(extra);
            let members: Vec<String> = members
                .into_iter()
                .map(|(key, value)| format!("{blank}{key}{blank}:{blank}{value}{blank}"))
                .collect();
            format!("{{{}}}", members.join(","))
        },
    )
}

fn record() -> impl Strategy<Value = String> {
    let row = object(Just(Vec::new()).boxed());
    let list = prop_oneof![
        6 => vec(row, 0..4).prop_map(|rows| format!("[{}]", rows.join(", "))),
        1 => Just("null".to_owned()),
        1 => Just("7".to_owned()),
    ];
    let lists = vec(list.prop_map(|list| ("\"l\"".to_owned(), list)), 0..2);
    object(lists.boxed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_fast_mapping_is_the_slow_mapping(
        head in specs(false, 8),
        rows in specs(true, 6),
        records in vec(record(), 1..6),
    ) {
        let specs = Specs { head, rows };
        prop_assume!(!specs.head.is_empty() || !specs.rows.is_empty());
        let mut mapping = Mapping::open(&specs.settings()).unwrap();
        let batch = mapping.apply(records.join("\n").as_bytes(), records.len()).unwrap();
        let text = String::from_utf8(batch.data).unwrap();
        let mut documents = text.lines();
        for (record, verdict) in records.iter().zip(&batch.verdicts) {
            match (specs.map(record), verdict) {
                (Ok(expected), Verdict::Keep) => {
                    let found: Value = serde_json::from_str(documents.next().unwrap()).unwrap();
                    prop_assert_eq!(found, expected, "{}", record);
                }
                (Err(code), Verdict::Reject(rejection)) => {
                    prop_assert_eq!(&rejection.code, code, "{}: {}", record, rejection.message);
                }
                (expected, found) => {
                    prop_assert!(false, "{record}: expected {expected:?}, found {found:?}");
                }
            }
        }
        prop_assert_eq!(documents.next(), None);
    }

    #[test]
    fn a_broken_record_is_refused_just_when_it_is_no_json(
        record in record(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![Just(b'"'), Just(b'{'), Just(b','), Just(b'\\'), Just(b'x'), Just(b'0'), Just(b' '), Just(b'\x1f')],
    ) {
        // A tree keeps no half surrogate pairs; the fast mapping copies them.
        let mut bytes = record.replace(r"\ud83d\ude00", "").into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assume!(std::str::from_utf8(&bytes).is_ok());
        let mut mapping = Mapping::open(super::SEED).unwrap();
        // The sound record goes first, twice: its keys and the lengths of its
        // values are expected in the broken one, which ends before the bytes do.
        let sound = record.as_bytes();
        let lines = [sound, sound, &bytes, sound].join(&b'\n');
        let batch = mapping.apply(&lines, 4).unwrap();
        let refused = matches!(&batch.verdicts[2], Verdict::Reject(refusal) if refusal.code == "map.malformed");
        let json = serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).is_ok();
        prop_assert_eq!(refused, !json, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_settings_and_no_bytes_panic(
        value in "(_function )?[a-z0-9'\"{}|().,+*/=<> -]{0,60}",
        data in vec(any::<u8>(), 0..200),
    ) {
        let settings = serde_json::json!({"rules": [{"field": "f", "type": "string", "value": value}]});
        if let Ok(mut mapping) = Mapping::open(&settings.to_string()) {
            let lines = data.split(|byte| *byte == b'\n').count();
            let lines = lines - usize::from(data.last().is_none_or(|byte| *byte == b'\n'));
            prop_assert!(mapping.apply(&data, lines).is_ok());
        }
    }
}
