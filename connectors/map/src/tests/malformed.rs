//! Records that are no JSON, and what is said about them.

use std::collections::BTreeMap;

use duijie_sdk::transform::Verdict;
use serde_json::Value;

use super::mapped;

#[test]
fn a_malformed_record_rejects_itself_alone() {
    let settings = r#"{"rules":[{"field":"o","type":"string","value":"{{x}}"}]}"#;
    let mut mapping = crate::Mapping::open(settings).unwrap();
    let lines = [
        r#"{"x":1}"#,
        r#"{"x":"a"#,
        r#"{"x":2}"#,
        r#"{"x":01}"#,
        "[1]",
        "",
        r#"{"x":1} x"#,
        r#"{"y":[1,{"z":tru}]}"#,
        "{\"x\":\"\u{1}\"}",
        r#"{"x":"\ud800"}"#,
        r#" { "x" : "3" , "y":[ ] } "#,
        r#"{"x":1,"x":"4"}"#,
        r#"{"\u0078":5}"#,
    ];
    let batch = mapping
        .apply(lines.join("\n").as_bytes(), lines.len())
        .unwrap();
    let verdicts: Vec<String> = batch
        .verdicts
        .iter()
        .map(|verdict| match verdict {
            duijie_sdk::transform::Verdict::Keep => String::from("keep"),
            duijie_sdk::transform::Verdict::Reject(rejection) => {
                let told = "the record is no valid JSON: ";
                rejection
                    .message
                    .strip_prefix(told)
                    .unwrap_or(&rejection.message)
                    .to_owned()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            "keep",
            "found the end of the line at byte 8, expected the end of the string",
            "keep",
            "found `0` at byte 6, expected no leading zero in a number",
            "found `[` at byte 1, expected an object",
            "found the end of the line at byte 1, expected an object",
            "found `x` at byte 9, expected the end of the line",
            "found `t` at byte 14, expected a value",
            "found the byte 0x01 at byte 7, expected no raw control character in a string",
            "keep",
            "keep",
            "keep",
            "keep",
        ]
    );
    let documents = String::from_utf8(batch.data).unwrap();
    let expected = "{\"o\":\"1\"}\n{\"o\":\"2\"}\n{\"o\":\"\\ud800\"}\n{\"o\":\"3\"}\n{\"o\":\"4\"}\n{\"o\":\"5\"}\n";
    assert_eq!(documents, expected);
    let sources: Vec<u32> = batch.lines.iter().map(|line| line.sources[0]).collect();
    assert_eq!(sources, [0, 2, 9, 10, 11, 12]);
    assert!(mapping.apply(b"{}\n{}\n", 3).is_err());
}

#[test]
fn expected_keys_stand_only_behind_their_own_mark() {
    let settings = r#"{"rules":[{"field":"o","type":"string","value":"{{x}}"}]}"#;
    let sound = r#"{"a":"b","c":"d","x":"1","longer_than_a_window":"e"}"#;
    for broken in [
        r#"{"a":"b"{"c":"d","x":"1","longer_than_a_window":"e"}"#,
        r#"{"c":"d"{"a":"b","x":"1","longer_than_a_window":"e"}"#,
        r#",{"a":"b","c":"d","x":"1","longer_than_a_window":"e"}"#,
        r#"{,"a":"b","c":"d","x":"1","longer_than_a_window":"e"}"#,
        r#"{"a":"b","c":"d",}                                   "#,
        r#"{"a":"b" "c":"d","x":"1","longer_than_a_window":"e"}"#,
    ] {
        let mut mapping = crate::Mapping::open(settings).unwrap();
        let data = format!("{sound}\n{sound}\n{broken}\n{sound}");
        let batch = mapping.apply(data.as_bytes(), 4).unwrap();
        let kept: Vec<u32> = batch.lines.iter().map(|line| line.sources[0]).collect();
        assert_eq!(kept, [0, 1, 3], "{broken}");
    }
}

#[test]
fn a_value_as_long_as_before_may_still_be_wrong() {
    let settings = r#"{"rules":[{"field":"o","type":"string","value":"{{x}}"}]}"#;
    let text = |length: usize| "文".repeat(length / 3) + &"v".repeat(length % 3);
    let texts =
        [0, 1, 5, 20, 21, 22, 36, 37, 38, 39, 60].map(|length| format!("\"{}\"", text(length)));
    let numbers = [1, 3, 24, 25, 26, 39, 40, 41, 60].map(|length| "7".repeat(length));
    let others = ["0", "-10.50", "1e5", "0.07", "true"].map(str::to_owned);
    for value in texts.into_iter().chain(numbers).chain(others) {
        let sound = format!(r#"{{"x":"1","key":{value},"next":"n"}}"#);
        // What stood there before that was of another kind, and as long.
        let before = if value.starts_with('"') {
            "7".repeat(value.len())
        } else {
            format!("\"{}\"", "v".repeat(value.len().saturating_sub(2)))
        };
        let before = format!(r#"{{"x":"1","key":{before},"next":"n"}}"#);
        for at in 0..sound.len() {
            for (byte, gone) in b"\"\\\x01\x1f ,:x08."
                .iter()
                .flat_map(|byte| [(byte, 1), (byte, 0)])
            {
                let mut line = sound.clone().into_bytes();
                line.splice(at..at + gone, [*byte]);
                let found = serde_json::from_slice::<BTreeMap<String, Value>>(&line);
                let expected = match &found {
                    Ok(fields) => fields.get("x").map(|x| x.as_str().unwrap().to_owned()),
                    Err(_) if std::str::from_utf8(&line).is_err() => continue,
                    Err(_) => Some(String::from("refused")),
                };
                let mut mapping = crate::Mapping::open(settings).unwrap();
                let sound = sound.as_bytes();
                let before = before.as_bytes();
                let lines = [before, before, sound, sound, &line, sound].join(&b'\n');
                let batch = mapping.apply(&lines, 6).unwrap();
                let refused = matches!(batch.verdicts[4], Verdict::Reject(_));
                let text = String::from_utf8(batch.data).unwrap();
                let document = (!refused).then(|| text.lines().nth(4).unwrap());
                let mapped = document.map_or(Some(String::from("refused")), |document| {
                    let fields: BTreeMap<String, String> = serde_json::from_str(document).unwrap();
                    fields.get("o").cloned()
                });
                assert_eq!(mapped, expected, "{}", String::from_utf8_lossy(&line));
            }
        }
    }
}

#[test]
fn depth_is_bounded() {
    let record = format!("{{\"y\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let told = mapped(
        r#"{"rules":[{"field":"o","type":"string","value":"{{x}}"}]}"#,
        &record,
    );
    assert!(
        told.ends_with("expected fewer levels of objects and arrays"),
        "{told}"
    );
}

#[test]
fn text_that_is_no_utf8_is_rejected() {
    let mut mapping =
        crate::Mapping::open(r#"{"rules":[{"field":"o","type":"string","value":"{{x}}"}]}"#)
            .unwrap();
    let batch = mapping.apply(b"{\"x\":\"\xff\"}", 1).unwrap();
    assert!(
        format!("{:?}", batch.verdicts).contains("not UTF-8"),
        "{:?}",
        batch.verdicts
    );
}
