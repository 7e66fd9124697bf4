//! The cutter and the field reader against serde_json, over generated
//! documents, and the places that errors name.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::block::{escaped, masks_at, prefix_xor};
use super::{Answer, Error, Field, Page, Raw, field, text_of};

fn page(body: &str, list: &str) -> Result<Page, String> {
    let answer = Answer::read(body.as_bytes().to_vec(), list).map_err(|(error, back)| {
        assert_eq!(back, body.as_bytes());
        error.to_string()
    })?;
    answer.into_page().map_err(|_| "no list".to_owned())
}

fn check_error(body: &str, expected: &str) {
    assert_eq!(
        page(body, "list").map(|_| ()),
        Err(expected.to_owned()),
        "{body}"
    );
}

#[test]
fn an_answer_becomes_lines_in_place() {
    let body = "\u{feff}{\"code\":0, \"list\" : [ {\"a\":\n 1} ,\r\n{\"b\":[]}\n], \"total\":2}\n";
    let page = page(body, "list").unwrap();
    assert_eq!(page.len(), 2);
    let lines = String::from_utf8(page.into_lines()).unwrap();
    let records: Vec<_> = lines.lines().map(str::trim_start).collect();
    assert_eq!(records, [r#"{"a":  1}"#, r#"{"b":[]}"#]);
    assert_eq!(lines.find('{'), body.find("{\"a\""));
}

#[test]
fn envelope_fields_stand_before_and_after_the_list() {
    let body = r#"{"x":{"list":[{}]},"response":{"errorcode":"0","list":[{"code":9}],"total_count":12},"code":7}"#;
    let answer = Answer::read(body.into(), "response.list").ok().unwrap();
    let integer = |path| answer.field(path).and_then(Raw::integer);
    assert_eq!(integer("response.errorcode"), Some(0));
    assert_eq!(integer("response.total_count"), Some(12));
    assert_eq!(integer("code"), Some(7));
    assert_eq!(integer("response.code"), None);
    assert_eq!(answer.into_page().ok().unwrap().len(), 1);
}

#[test]
fn an_answer_without_its_list_keeps_its_fields() {
    for body in [
        r#"{"code":1012}"#,
        r#"{"code":1012,"list":null}"#,
        r#"{"code":1012,"list":{}}"#,
    ] {
        let answer = Answer::read(body.into(), "list").ok().unwrap();
        assert_eq!(answer.field("code").and_then(Raw::integer), Some(1012));
        assert!(answer.into_page().is_err());
    }
    assert_eq!(page(r#"{"list":[]}"#, "list").unwrap().into_lines(), b"");
}

#[test]
fn errors_say_where() {
    check_error("<html>", "at byte 0: expected a JSON object");
    check_error("", "at byte 0: expected a JSON object");
    check_error(
        "{\"list\":[{\"a\":1}",
        "at byte 16: expected `,` or `]` after a record",
    );
    check_error("{\"list\":[{\"a\":[1}]}", "at byte 16: expected `]`");
    check_error(
        "{\"list\":[{\"a\":\"1}]}",
        "at byte 19: expected the end of a string",
    );
    check_error(
        "{\"list\":[{\"a\":1",
        "at byte 15: expected a closing bracket",
    );
    check_error(
        "{\"list\":[1]}",
        "at byte 9: expected an object in the list of records",
    );
    check_error(
        "{\"list\":[{}]} x",
        "at byte 14: expected nothing after the JSON value",
    );
    check_error(
        "{\"list\":[],\"list\":[]}",
        "at byte 18: expected one list of records, not two",
    );
    check_error("{\"code\" 0}", "at byte 8: expected `:` after a name");
    check_error("{\"code\":00}", "at byte 8: expected a JSON value");
    check_error(
        "{\"code\":0 \"b\":1}",
        "at byte 10: expected `,` or `}` after a value",
    );
    check_error(
        "{\"list\":[{\"a\":\"1\n\"}]}",
        "at byte 16: expected no raw line feed inside a string",
    );
}

#[test]
fn nesting_ends_at_127_levels() {
    let nest = |levels: usize| {
        let body = format!(
            "{{\"list\":[{{\"a\":{}{}}}]}}",
            "[".repeat(levels),
            "]".repeat(levels)
        );
        page(&body, "list").map(|page| page.len())
    };
    assert_eq!(nest(126), Ok(1));
    assert_eq!(
        nest(127),
        Err("at byte 140: expected at most 127 levels of nesting".to_owned())
    );
}

#[test]
fn a_name_inside_text_or_a_child_is_no_field() {
    let check = |object: &str, expected: Option<&str>| {
        let found = field(object.as_bytes(), "id").unwrap();
        assert_eq!(
            found.map(|raw| std::str::from_utf8(raw.0).unwrap()),
            expected,
            "{object}"
        );
    };
    check(r#"{"lines":[{"id":1}],"id":2}"#, Some("2"));
    check(r#"{"lines":[{"id":1}]}"#, None);
    check(r#"{"a":"id","id":3}"#, Some("3"));
    check(r#"{"a":"\"id\":4","id" : "5" }"#, Some("\"5\""));
    check(r#"{"x\"id":6,"id":7}"#, Some("7"));
    check(r#"{"id":{"id":8}}"#, Some(r#"{"id":8}"#));
    check(r#"{"a":"\\","id":[9,{}]}"#, Some("[9,{}]"));
    check("{\"id\"\n:\t-1.50e+3}", Some("-1.50e+3"));
    check("{}", None);
    assert_eq!(field(b"[]", "id"), Err(Error::new(0, "an object")));
    assert_eq!(
        field(b"{\"id\":1", "id"),
        Err(Error::new(7, "a closing bracket"))
    );
}

#[test]
fn text_is_that_of_strings_numbers_and_words() {
    let text = |raw: &'static str| Raw(raw.as_bytes()).text().map(|text| text.into_owned());
    assert_eq!(text("2756286207594856469").unwrap(), "2756286207594856469");
    assert_eq!(text("\"0.0000\"").unwrap(), "0.0000");
    assert_eq!(text("true").unwrap(), "true");
    assert!(text("{}").is_err());
    for broken in [
        r#""\x""#,
        r#""\ud800""#,
        r#""\ud800\u0041""#,
        r#""\u12""#,
        "\"a\nb\"",
        "\"a",
        r#""a"b""#,
    ] {
        assert!(text_of(broken.as_bytes()).is_err(), "{broken}");
    }
    assert_eq!(text_of(b"\"ab\\x\""), Err(Error::new(3, "a JSON escape")));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z\"\\\\{}\\[\\]:, \n张😀\u{0}]{0,12}",
        "(\\\\|\"){0,9}",
        "[ -~]{40,90}",
        Just("id".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(text(), value(), 0..8).prop_map(|map| map.into_iter().collect())
}

fn written(value: &Value, pretty: bool) -> String {
    if pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    }
    .unwrap()
}

proptest! {
    #[test]
    fn lines_are_the_list(
        records in prop::collection::vec(object(), 0..6),
        before in object(),
        pretty: bool,
        mut near in 0_usize..400,
    ) {
        let mut response = before;
        response.insert("list".to_owned(), Value::from_iter(records.iter().cloned()));
        response.insert("total".to_owned(), Value::from(records.len()));
        let body = written(&serde_json::json!({ "response": response, "code": 0 }), pretty);
        let page = page(&body, "response.list").unwrap();
        prop_assert_eq!(page.len(), records.len());
        for (record, expected) in page.records().zip(&records) {
            let id = record.field(&Field::new("id"));
            prop_assert_eq!(record.field_near(&Field::new("id"), &mut near), id);
            let id: Option<Value> = id.map(|raw| serde_json::from_slice(raw.0).unwrap());
            prop_assert_eq!(id.as_ref(), expected.get("id"));
        }
        let capacity = body.len();
        let data = page.into_lines();
        prop_assert!(data.len() <= capacity);
        let lines = String::from_utf8(data).unwrap();
        let read: Vec<Map<String, Value>> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(read, records);
    }

    #[test]
    fn a_cut_answer_is_an_error_inside_it(
        records in prop::collection::vec(object(), 0..4),
        at in any::<prop::sample::Index>(),
    ) {
        let body = written(&serde_json::json!({ "a": "x", "list": records, "z": 1 }), false);
        let cut = at.index(body.len());
        let (error, back) = Answer::read(body.as_bytes()[..cut].to_vec(), "list").err().unwrap();
        prop_assert!(error.at <= cut);
        prop_assert_eq!(back.len(), cut);
    }

    #[test]
    fn any_bytes_give_an_answer_or_an_error(
        body in prop::collection::vec(prop::sample::select(b"{}[]\":,\\a1 \n\xff".to_vec()), 0..300),
    ) {
        let valid = serde_json::from_slice::<Value>(&body).ok();
        let ours = Answer::read(body, "a");
        if let Some(Value::Object(fields)) = valid
            && fields.get("a").is_none_or(|list| !list.is_array())
        {
            prop_assert!(ours.is_ok());
        }
    }

    #[test]
    fn fields_are_those_of_serde_json(fields in object(), name in text(), pretty: bool) {
        let plain = !serde_json::to_string(&name).unwrap().contains('\\');
        let object = written(&Value::Object(fields.clone()), pretty);
        let found = field(object.as_bytes(), &name).unwrap();
        let found: Option<Value> = found.map(|raw| serde_json::from_slice(raw.0).unwrap());
        if plain {
            prop_assert_eq!(found.as_ref(), fields.get(&name));
        }
    }

    #[test]
    fn unescaping_is_that_of_serde_json(
        inner in "(\\\\(u[0-9a-fD]{4}|[\"\\\\/bfnrtx])|[a\"张😀\n])*",
    ) {
        let raw = format!("\"{inner}\"");
        let expected = serde_json::from_str::<String>(&raw).ok();
        let ours = text_of(raw.as_bytes()).ok().map(|text| text.into_owned());
        prop_assert_eq!(ours, expected);
    }

    #[test]
    fn masks_are_what_a_byte_by_byte_reading_gives(
        blocks in prop::collection::vec(prop::sample::select(b"\"\\{}[]\n[;a_Y".to_vec()), 64..256),
    ) {
        let (mut carry, mut inside, mut skip, mut open) = (0, 0_u64, false, false);
        for at in (0..blocks.len()).step_by(64) {
            let masks = masks_at(&blocks, at);
            let escapes = escaped(masks.backslashes, &mut carry);
            let quotes = masks.quotes & !escapes;
            let strings = prefix_xor(quotes) ^ inside;
            inside = (strings >> 63).wrapping_neg();
            for (bit, &byte) in blocks[at..].iter().take(64).enumerate() {
                let is = |mask: u64| mask >> bit & 1 == 1;
                prop_assert_eq!(is(masks.quotes), byte == b'"');
                prop_assert_eq!(is(masks.brackets), b"{}[]".contains(&byte));
                prop_assert_eq!(is(masks.line_feeds), byte == b'\n');
                prop_assert_eq!(is(escapes), skip);
                open ^= byte == b'"' && !skip;
                prop_assert_eq!(is(strings), open);
                skip = byte == b'\\' && !skip;
            }
        }
    }
}

#[test]
fn members_come_in_order_with_names_unescaped() {
    let object = br#" { "a" : 1.50 ,"\u4e2d\"" :[{"a":2}], "": "x"} "#;
    let members = super::members(object).unwrap();
    let shown: Vec<_> = members
        .iter()
        .map(|(name, raw)| (name.as_ref(), std::str::from_utf8(raw.0).unwrap()))
        .collect();
    assert_eq!(
        shown,
        [("a", "1.50"), ("中\"", r#"[{"a":2}]"#), ("", "\"x\"")]
    );
    assert_eq!(super::members(b"{}").unwrap().len(), 0);
    assert_eq!(
        super::members(b"[]").unwrap_err(),
        Error::new(0, "an object")
    );
    let open = Error::new(6, "`,` or `}` after a value");
    assert_eq!(super::members(b"{\"a\":1").unwrap_err(), open);
}

proptest! {
    #[test]
    fn quoted_texts_read_back(text in any::<String>()) {
        let quoted = super::quoted(&text);
        prop_assert_eq!(text_of(quoted.as_bytes()).unwrap(), text.as_str());
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }
}

#[test]
fn elements_are_raw_and_in_order() {
    let raw = |list: &str| {
        let found = super::elements(list.as_bytes());
        found.map(|found| {
            let texts = found
                .iter()
                .map(|raw| String::from_utf8_lossy(raw.0).into_owned());
            texts.collect::<Vec<_>>()
        })
    };
    assert_eq!(raw(" [ ] "), Ok(Vec::new()));
    let expected = ["1.50", r#"{"a":[2]}"#, r#""x,]""#];
    let expected = expected.map(str::to_owned).to_vec();
    assert_eq!(raw(r#"[1.50, {"a":[2]} ,"x,]"]"#), Ok(expected));
    for broken in ["", "{}", "[1", "[1 2]", "[,]"] {
        assert!(raw(broken).is_err(), "{broken}");
    }
}
