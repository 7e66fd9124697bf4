//! The rules that a golden case cannot show well: many small values, and
//! what connectors or bytes of any kind may bring.

use std::collections::BTreeMap;
use std::time::Duration;

use duijie_diagnostic::{Diagnostic, unmatched_pages};
use duijie_manifest::{Connection, Document, Pipeline};
use proptest::prelude::*;

use crate::{CODES, Inputs, Plan, duration, folder, golden, grant, resolve, size, unready_tables};

const PIPELINE: &str = "pipeline: p\nscope: s\nsource: {connector: c, connection: n, collection: x, settings: {}}\ntarget: {connector: c, connection: n, collection: y}\n";

fn pipeline(text: &str) -> Document<Pipeline> {
    Document::pipeline("pipeline.yaml", text).0.unwrap()
}

fn connection(file: &str, text: &str) -> Document<Connection> {
    Document::connection(file, text).0.unwrap()
}

/// A pipeline of one connector whose connection has this schema and text.
fn resolved(schema: &str, connection_text: &str) -> (Option<Plan>, Vec<Diagnostic>) {
    let mut described = golden::description("kingdee");
    described.name = "c".to_owned();
    described.connection_schema = schema.to_owned();
    described.egress = Vec::new();
    described.collections[0].name = "y".to_owned();
    resolve(&Inputs {
        pipeline: &pipeline(PIPELINE),
        connections: &[connection("connection.yaml", connection_text)],
        descriptions: &BTreeMap::from([("c".to_owned(), described)]),
        installed: &[],
        has_secret: &|_| true,
        window: None,
        any_settle: false,
    })
}

fn codes(problems: &[Diagnostic]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code.name).collect()
}

#[test]
fn lengths_of_time_are_read_and_written_alike() {
    for (text, millis) in [
        ("500ms", 500),
        ("1s", 1_000),
        ("1m30s", 90_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("0s", 0),
    ] {
        assert_eq!(
            duration::parse(text),
            Some(Duration::from_millis(millis)),
            "{text}"
        );
        assert_eq!(duration::write(Duration::from_millis(millis)), text);
    }
    let refused = [
        "",
        " ",
        "5",
        "m",
        "5 m",
        "-5m",
        "1.5h",
        "5m5m",
        "30s1m",
        "5M",
        "99999999999999999999s",
        "9999999999999999999d",
        "五m",
        "5分",
    ];
    for text in refused {
        assert_eq!(duration::parse(text), None, "{text}");
    }
}

#[test]
fn amounts_of_bytes_are_read_and_written_alike() {
    for (text, bytes) in [
        ("0", 0),
        ("999", 999),
        ("500MB", 500_000_000),
        ("4GiB", 4 << 30),
        ("1536MiB", 1536 << 20),
        ("2TiB", 2 << 40),
    ] {
        assert_eq!(size::parse(text), Some(bytes), "{text}");
        assert_eq!(size::write(bytes), text);
    }
    for text in ["", "GiB", "1.5GiB", "-1", "4 gib", "99999999TiB", "4GB 1MB"] {
        assert_eq!(size::parse(text), None, "{text}");
    }
}

#[test]
fn origins_are_written_in_one_way() {
    for (text, expected) in [
        ("https://API.Example.com", "https://api.example.com:443"),
        ("http://host/path?q#f", "http://host:80"),
        ("https://host:443/", "https://host:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://0x7f.1/", "http://127.0.0.1:80"),
        ("https://例子.cn", "https://xn--fsqu00a.cn:443"),
    ] {
        assert_eq!(grant::origin(text).as_deref(), Ok(expected), "{text}");
    }
    let refused = [
        "",
        "host",
        "//host",
        "ftp://host",
        "file:///etc",
        "https://",
        "https://u@host",
        "https://u:p@host",
        "https://*.host",
        "https://ho st",
        "https://host:99999",
        "javascript://x",
    ];
    for text in refused {
        assert!(grant::origin(text).is_err(), "{text}");
    }
}

#[test]
fn a_secret_is_one_wherever_the_schema_marks_it() {
    let schema = r##"{
        "$defs": { "secret": { "type": "string", "x-secret": true, "minLength": 99 } },
        "properties": { "a": { "$ref": "#/$defs/secret" }, "plain": { "type": "integer", "default": 7 } },
        "anyOf": [{ "properties": { "b": { "x-secret": true } }, "required": ["b"] }]
    }"##;
    let text =
        "connection: n\nconnector: c\nsettings: { a: \"${secret:A}\", b: \"${secret:B_1}\" }\n";
    let (plan, problems) = resolved(schema, text);
    assert_eq!(problems, []);
    let usage = plan.unwrap().source.usage;
    let expected = r#"{"a":{"$secret":"a"},"b":{"$secret":"b"},"plain":7}"#;
    assert_eq!(usage.connection_settings, expected);
    let secrets = [("a", "A"), ("b", "B_1")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(usage.secrets, secrets);

    let typed = "connection: n\nconnector: c\nsettings: { a: 5, b: [x] }\n";
    assert_eq!(codes(&resolved(schema, typed).1), ["plan.plain_secret"; 2]);
}

#[test]
fn digits_of_a_setting_reach_the_connector() {
    let text = "connection: n\nconnector: c\nsettings: { id: 1234567890123456789012, rate: 0.0000, list: [1.10] }\n";
    let (plan, _) = resolved("{}", text);
    let expected = r#"{"id":1234567890123456789012,"rate":0.0000,"list":[1.10]}"#;
    assert_eq!(plan.unwrap().source.usage.connection_settings, expected);
}

#[test]
fn a_connector_with_a_broken_schema_is_named() {
    let text = "connection: n\nconnector: c\n";
    for schema in [
        "",
        "[",
        "5",
        r#"{"type": "nonsense"}"#,
        r#"{"$ref": "https://example.com"}"#,
    ] {
        let (plan, problems) = resolved(schema, text);
        assert!(plan.is_none());
        assert_eq!(codes(&problems), ["plan.bad_connector"], "{schema}");
    }
}

#[test]
fn nothing_runs_while_a_file_has_a_problem_of_form() {
    let sound = "connection: n\nconnector: c\n";
    assert!(resolved("{}", sound).0.is_some());
    let (plan, problems) = resolved("{}", &format!("{sound}colour: red\n"));
    assert!(plan.is_none());
    assert_eq!(problems, [], "the problem came with the document");
}

#[test]
fn names_that_stand_twice_in_a_folder_are_told_once_each() {
    let other = PIPELINE.replace("pipeline: p", "pipeline: q");
    let pipelines = [pipeline(PIPELINE), pipeline(&other)];
    let connections = ["a.yaml", "b.yaml", "c.yaml"].map(|file| {
        connection(
            file,
            &format!(
                "connection: {}\nconnector: c\n",
                if file == "c.yaml" { "m" } else { "n" }
            ),
        )
    });
    let problems = folder(&pipelines, &connections);
    assert_eq!(
        codes(&problems),
        ["plan.duplicate_scope", "plan.duplicate_name"]
    );
    assert_eq!(problems[1].place.as_ref().unwrap().file, "b.yaml");
    assert_eq!(problems[1].labels[0].place.file, "a.yaml");
    assert_eq!(folder(&pipelines[..1], &connections[1..]), []);
}

#[test]
fn a_table_is_filled_by_one_pipeline_and_told_while_it_is_not() {
    const SHOPS: &str = "pipeline: shops\nscope: shops\ntarget: {table: shops, key: a}\n";
    let again = SHOPS
        .replace("shops\ns", "others\ns")
        .replace("scope: shops", "scope: others");
    let pipelines = [pipeline(SHOPS), pipeline(&again)];
    assert_eq!(codes(&folder(&pipelines, &[])), ["plan.duplicate_table"]);

    let reads = |table: &str| {
        pipeline(&format!(
            "transform: [{{connector: map, tables: [{table}]}}]\n"
        ))
    };
    let hint = |table: &str, is_filled: bool| {
        let told = unready_tables(&reads(table), &pipelines[..1], &|_| is_filled);
        let told = told.into_iter().map(|problem| {
            assert_eq!(problem.code.name, "plan.table_not_filled");
            assert!(!problem.is_error());
            problem.hint.unwrap()
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        hint("shops", false),
        ["`shops` fills it: `duijie run shops`"]
    );
    assert_eq!(hint("shopz", false), ["did you mean `shops`?"]);
    assert_eq!(hint("shops", true), [""; 0]);
    let told = unready_tables(&reads("shops"), &[], &|_| false);
    let hint = told[0].hint.as_deref().unwrap();
    assert!(hint.starts_with("no pipeline here fills it"), "{hint}");
}

#[test]
fn a_schedule_names_pipelines_that_are_there_and_not_itself() {
    let named = |name: &str, schedule: &str| {
        let text = PIPELINE.replace("pipeline: p", &format!("pipeline: {name}"));
        let text = text.replace("scope: ", &format!("scope: {name}-"));
        pipeline(&format!("{text}schedule: {schedule}\n"))
    };
    let check = |schedules: &[(&str, &str)]| {
        let pipelines: Vec<_> = schedules.iter().map(|(name, it)| named(name, it)).collect();
        let problems = folder(&pipelines, &[]);
        codes(&problems).join(" ")
    };
    let after = |name| format!("{{ after: [{name}] }}");
    assert_eq!(check(&[("a", "every 5m"), ("b", &after("a"))]), "");
    let other = "{ every: 5m, only_if: { finished_today: [b] } }";
    assert_eq!(check(&[("a", other), ("b", &after("a"))]), "");
    assert_eq!(check(&[("a", other)]), "plan.unknown_pipeline");
    assert_eq!(check(&[("b", &after("a"))]), "plan.unknown_pipeline");
    assert_eq!(check(&[("a", &after("a"))]), "plan.after_itself");
    let round = [
        ("a", after("b")),
        ("b", after("c")),
        ("c", after("a")),
        ("d", after("a")),
    ];
    let round: Vec<_> = round
        .iter()
        .map(|(name, it)| (*name, it.as_str()))
        .collect();
    assert_eq!(check(&round), ["plan.after_itself"; 3].join(" "));
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../diagnostic/codes");
    let entries = std::fs::read_dir(folder).unwrap();
    let names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(unmatched_pages(CODES, &["plan."], &names), [""; 0]);
}

#[test]
fn every_code_of_a_plan_stands_in_a_golden_case_or_here() {
    let shown = golden::answers();
    let here = concat!(include_str!("tests.rs"), include_str!("lock/tests.rs"));
    for code in CODES {
        let bracketed = format!("[{}]", code.name);
        assert!(
            shown.contains(&bracketed) || here.contains(&format!("\"{}\"", code.name)),
            "{code:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_change_of_a_good_file_is_survived(
        at in 0usize..1000, gone in 0usize..12, put in "[ -~\n\t标“{}\\[\\]&*!|>'\"]{0,6}", file in 0usize..3,
    ) {
        let mut case = golden::read_case("");
        let name = ["pipeline.yaml", "wangdiantong.yaml", "kingdee.yaml"][file];
        let text = case.files.get_mut(name).unwrap();
        let start = text.floor_char_boundary(at % text.len());
        let end = text.ceil_char_boundary((start + gone).min(text.len()));
        text.replace_range(start..end, &put);
        let (problems, plan) = golden::outcome(&case);
        prop_assert!(!problems.is_empty() || !plan.is_empty());
    }
}
