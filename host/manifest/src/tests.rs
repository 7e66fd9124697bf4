//! What is read out of a text, and what is said where it cannot be.

use duijie_diagnostic::{Diagnostic, Sources, Style, render, unmatched_pages};
use proptest::prelude::*;
use serde_json::json;

use crate::{CODES, Checked, Connection, Document, Node, Pipeline, Shape, yaml};

fn node(text: &str) -> Node {
    let (node, problems) = yaml::read("x.yaml", text);
    assert_eq!(problems, []);
    node.unwrap()
}

/// The first line of each problem, as a person reads it.
fn check(problems: &[Diagnostic], text: &str, expected: &[&str]) {
    let mut sources = Sources::default();
    sources.add("x.yaml", text);
    let rendered = render(problems, &sources, Style::PLAIN);
    let lines: Vec<&str> = rendered.lines().collect();
    let heads = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("error"));
    let found: Vec<String> = heads
        .map(|(at, line)| {
            let place = lines
                .get(at + 1)
                .and_then(|place| place.split("x.yaml:").nth(1));
            format!("{} {line}", place.unwrap_or_default())
        })
        .collect();
    assert_eq!(found, expected, "\n{rendered}");
}

fn shaped(schema: serde_json::Value, text: &str) -> (Node, Vec<Diagnostic>) {
    let mut node = node(text);
    let checked = Checked {
        file: "x.yaml",
        prefix: "",
        head: 0..1,
        hide_unknown: false,
    };
    let problems = Shape::compile(&schema).unwrap().check(&mut node, &checked);
    (node, problems)
}

#[test]
fn numbers_keep_every_digit_and_what_is_no_json_number_is_text() {
    let text = "[0, -1, 0.0000, 1234567890123456789012, 1e400, 0123, +1, .5, 1., 0x1F, 1_000, .inf, yes, 12:30]";
    let expected = r#"[0,-1,0.0000,1234567890123456789012,1e400,"0123","+1",".5","1.","0x1F","1_000",".inf","yes","12:30"]"#;
    assert_eq!(node(text).to_json_text(), expected);
}

#[test]
fn quotes_and_blocks_are_always_text() {
    let text = "a: '1'\nb: \"true\"\nc: |\n  2\nd: ~\ne:\nf: true\n";
    let expected = r#"{"a":"1","b":"true","c":"2\n","d":null,"e":null,"f":true}"#;
    assert_eq!(node(text).to_json_text(), expected);
}

#[test]
fn places_are_bytes_behind_wide_characters_and_a_byte_order_mark() {
    for text in [
        "标题: 值\n规则: [仓, 库]\n",
        "\u{feff}标题: 值\r\n规则: [仓, 库]\r\n",
    ] {
        let node = node(text);
        assert_eq!(&text[node.pointer("/规则/1").unwrap().span.clone()], "库");
        assert_eq!(&text[node.key_span("/规则").unwrap()], "规则");
        assert_eq!(&text[node.span_at("/标题")], "值");
    }
}

#[test]
fn a_number_becomes_text_where_text_is_asked_for_and_keeps_its_digits() {
    let schema = json!({
        "$defs": { "text": { "type": "string" } },
        "properties": {
            "sid": { "$ref": "#/$defs/text" },
            "status": { "enum": ["95", "110"] },
            "value": { "anyOf": [{ "type": "string" }, { "type": "object" }] },
            "count": { "type": "integer" },
            "rules": { "items": { "oneOf": [
                { "properties": { "type": { "const": "a" }, "x": { "type": "string" } }, "required": ["type"] },
                { "properties": { "type": { "const": "b" }, "y": { "type": "string" } }, "required": ["type"] },
            ] } },
        },
    });
    let text = "{sid: 1234567890123456789012, status: 110, value: 0.0000, count: 5, rules: [{type: b, y: 1.10}]}";
    let (node, problems) = shaped(schema, text);
    check(&problems, text, &[]);
    let expected = r#"{"sid":"1234567890123456789012","status":"110","value":"0.0000","count":5,"rules":[{"type":"b","y":"1.10"}]}"#;
    assert_eq!(node.to_json_text(), expected);
}

#[test]
fn true_and_nothing_do_not_become_text() {
    let schema = json!({ "properties": { "a": { "type": "string" }, "b": { "type": "string" } } });
    let text = "a: true\nb:\n";
    let (_, problems) = shaped(schema, text);
    check(
        &problems,
        text,
        &[
            "1:4 error[manifest.wrong_type]: `a` is `true`, expected text",
            "2:1 error[manifest.wrong_type]: `b` is empty, expected text",
        ],
    );
}

#[test]
fn the_alternative_whose_tag_fits_is_the_one_that_is_explained() {
    let rule = |name: &str, field: &str| {
        json!({
            "type": "object", "additionalProperties": false, "required": ["type", field],
            "properties": { "type": { "const": name }, field: { "type": "integer" } },
        })
    };
    let schema = json!({ "items": { "oneOf": [rule("a", "x"), rule("b", "y")] } });
    let text = "- {type: b, y: ten}\n- {type: c}\n- {type: a}\n- 5\n";
    let (_, problems) = shaped(schema, text);
    check(
        &problems,
        text,
        &[
            "1:16 error[manifest.wrong_type]: `[0].y` is the text `ten`, expected a whole number",
            "2:10 error[manifest.not_one_of]: `[1].type` is the text `c`, expected one of `a`, `b`",
            "3:4 error[manifest.missing_field]: `[2].x` is missing",
            "4:3 error[manifest.wrong_type]: `[3]` is the number `5`, expected a map",
        ],
    );
}

#[test]
fn every_keyword_has_words() {
    let schema = json!({ "properties": {
        "a": { "maximum": 3 }, "b": { "minLength": 2 }, "c": { "maxItems": 1 },
        "d": { "uniqueItems": true }, "e": { "pattern": "^x" }, "f": false,
        "g": { "minItems": 1 }, "h": { "exclusiveMinimum": 0 }, "i": { "not": { "type": "string" } },
    } });
    let text = "{a: 4, b: x, c: [1, 2], d: [1, 1], e: y, f: 1, g: [], h: 0, i: z}";
    let (_, problems) = shaped(schema, text);
    check(
        &problems,
        text,
        &[
            "1:5 error[manifest.bad_value]: `a` is the number `4`, expected at most 3",
            "1:11 error[manifest.bad_value]: `b` is the text `x`, expected at least 2 characters",
            "1:14 error[manifest.bad_value]: `c` is a list, expected at most 1 items",
            "1:25 error[manifest.bad_value]: `d` is a list, expected every item once",
            "1:39 error[manifest.bad_value]: `e` is the text `y`, expected text of the form `^x`",
            "1:45 error[manifest.bad_value]: `f` is the number `1`, expected nothing",
            "1:48 error[manifest.bad_value]: `g` is a list, expected at least 1 items",
            "1:58 error[manifest.bad_value]: `h` is the number `0`, expected more than 0",
            "1:64 error[manifest.bad_value]: `i` is the text `z`, expected something else",
        ],
    );
}

#[test]
fn a_schema_that_refers_out_of_itself_is_refused() {
    assert!(Shape::compile(&json!({ "$ref": "https://example.com/schema.json" })).is_err());
    assert!(Shape::compile(&json!({ "$ref": "file:///etc/passwd" })).is_err());
    assert!(Shape::compile(&json!({ "type": "nonsense" })).is_err());
}

#[test]
fn deep_wide_and_growing_texts_are_refused() {
    let deep = "[".repeat(100_000);
    let deep_blocks: String = (0..200)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let wide = format!("a: {}", "x".repeat(1 << 20));
    let growing = "a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    let cases = [
        // The parser's own limit comes first.
        (deep.as_str(), "manifest.syntax"),
        (&deep[..100], "manifest.too_large"),
        (&deep_blocks, "manifest.too_large"),
        (&wide, "manifest.too_large"),
        (growing, "manifest.unsupported_yaml"),
        ("? [a, b]\n: c\n", "manifest.unsupported_yaml"),
        ("a: *nowhere\n", "manifest.syntax"),
    ];
    for (text, code) in cases {
        let (node, problems) = yaml::read("x.yaml", text);
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code.name).collect();
        assert!(node.is_none() && codes == [code], "{codes:?}");
    }
}

#[test]
fn a_wrong_field_is_left_out_and_the_others_stay() {
    let text = "pipeline: p\nscope: [s]\non_change: nonsense\nextra: 1\nsource: {connector: a, connection: 5}\n";
    let (document, problems) = Document::pipeline("x.yaml", text);
    let document = document.unwrap();
    assert_eq!(document.low.pipeline.as_deref(), Some("p"));
    assert_eq!(document.low.scope, None);
    assert_eq!(document.low.on_change, None);
    assert_eq!(
        document.low.source.as_ref().unwrap().connection.as_deref(),
        Some("5")
    );
    assert!(
        document.is_bad("/scope") && document.is_bad("/target") && !document.is_bad("/pipeline")
    );
    assert!(!document.sound);
    check(
        &problems,
        text,
        &[
            "1:1 error[manifest.missing_field]: `target` is missing",
            "2:1 error[manifest.wrong_type]: `scope` is a list, expected text",
            "3:12 error[manifest.not_one_of]: `on_change` is the text `nonsense`, expected one of `hold`, `update`, `ignore`",
            "4:1 error[manifest.unknown_field]: unknown field `extra`",
            "5:1 error[manifest.missing_field]: `source.collection` is missing",
        ],
    );
}

#[test]
fn the_published_schemas_are_fresh() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let schemas = [
        ("pipeline", Document::<Pipeline>::pipeline_schema()),
        ("connection", Document::<Connection>::connection_schema()),
    ];
    for (name, schema) in schemas {
        let path = folder.join(format!("{name}.schema.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            known == text,
            "{} is stale; BLESS=1 writes it anew",
            path.display()
        );
    }
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../diagnostic/codes");
    let entries = std::fs::read_dir(folder).unwrap();
    let names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        unmatched_pages(CODES, &["manifest.", "bug.manifest"], &names),
        [""; 0]
    );
}

fn survives(text: &str) {
    let mut sources = Sources::default();
    sources.add("x.yaml", text);
    let (pipeline, problems) = Document::pipeline("x.yaml", text);
    render(&problems, &sources, Style::PLAIN);
    assert!(pipeline.is_some() || !problems.is_empty());
    assert!(
        !problems
            .iter()
            .any(|problem| problem.code.name.starts_with("bug")),
        "{problems:?}"
    );
    let (_, problems) = Document::connection("x.yaml", text);
    render(&problems, &sources, Style::PLAIN);
    for problem in &problems {
        if let Some(place) = &problem.place {
            assert!(
                text.get(place.start..place.end).is_some(),
                "{place:?} is no place in {text:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_that_looks_like_yaml_is_survived(
        parts in prop::collection::vec(prop::sample::select(vec![
            "a", "pipeline", "source", "limits", "connection", "settings", ": ", ":", "- ", "-", "\n", "\n  ", "\n\t",
            "[", "]", "{", "}", ",", "\"", "'", "|", ">", "#", " ", "&x", "*x", "!!str", "---", "...", "%", "@", "?",
            "~", "1", "0.0", "é", "标", "\u{feff}", "\r\n", "\u{85}", "\u{2028}", "\\u", "<<",
        ]), 0..60)
    ) {
        survives(&parts.concat());
    }

    #[test]
    fn every_json_text_comes_back_as_it_was(
        value in any::<i64>().prop_map(|number| json!(number)).boxed().prop_union(any::<String>().prop_map(|text| json!(text)).boxed()).prop_recursive(4, 32, 4, |inner| {
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)).boxed()
                .prop_union(prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|fields| json!(fields)).boxed())
        })
    ) {
        let text = Node { kind: Node::from_value(&value).kind, span: 0..0 }.to_json_text();
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back, value);
    }
}
